"""The hot loop of a background in cells (numba); its NumPy twin stands in the tests."""

import numba


@numba.njit(cache=True)
def add_within(  # type: ignore[no-untyped-def]
    total, rate, inside, y_first, y_size, y_factors, x_first, x_size, x_factors
) -> None:
    """Add Gaussians, each cut to the polygon and scaled to `rate` inside, to `total` (lat, lon).

    `inside` is the share of each cell in the polygon; the factors are those of
    `graben.quakes.kernels.gaussian_factors`. A Gaussian of which no cell knows is left out.
    """
    for i in range(rate.size):
        mass = 0.0
        for r in range(y_size[i]):
            row = inside[y_first[i] + r]
            for c in range(x_size[i]):
                mass += y_factors[i, r] * x_factors[i, c] * row[x_first[i] + c]
        if mass <= 0.0:
            continue
        for r in range(y_size[i]):
            y = y_first[i] + r
            scale = rate[i] / mass * y_factors[i, r]
            for c in range(x_size[i]):
                x = x_first[i] + c
                total[y, x] += scale * x_factors[i, c] * inside[y, x]
