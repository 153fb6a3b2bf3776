"""Hot loops over events and cells (numba); each has a NumPy twin in the tests."""

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

KM_PER_DEGREE = 111.195
TRUNCATION = 4.0

_SQRT_HALF = math.sqrt(0.5)


@numba.njit(cache=True)
def gaussian_factors(  # type: ignore[no-untyped-def]
    position, spread, edge, step, cells, first, size, factors
) -> None:
    """Share of a one-dimensional Gaussian that falls into each cell, cut at 4 spreads.

    `position`, `spread`, `edge` (the first cell's lower edge) and `step` are in degrees; `first`,
    `size` (event) and `factors` (event, cell) are filled.
    """
    for i in range(position.size):
        low = max(0, math.floor((position[i] - TRUNCATION * spread[i] - edge) / step))
        high = min(cells, math.floor((position[i] + TRUNCATION * spread[i] - edge) / step) + 1)
        first[i] = low
        size[i] = max(0, high - low)
        if size[i] == 0:
            continue
        below = math.erf((edge + low * step - position[i]) / spread[i] * _SQRT_HALF)
        for k in range(size[i]):
            above = math.erf((edge + (low + k + 1) * step - position[i]) / spread[i] * _SQRT_HALF)
            factors[i, k] = 0.5 * (above - below)
            below = above


@numba.njit(cache=True)
def add_events(  # type: ignore[no-untyped-def]
    total, begin, end, member, y_first, y_size, y_factors, x_first, x_size, x_factors
) -> None:
    """Add the kernels of the events `begin`..`end` that are `member` to `total` (lat, lon)."""
    for i in range(begin, end):
        if not member[i]:
            continue
        for r in range(y_size[i]):
            row = total[y_first[i] + r]
            for c in range(x_size[i]):
                row[x_first[i] + c] += y_factors[i, r] * x_factors[i, c]


@numba.njit(cache=True, parallel=True)
def decaying_sums(  # type: ignore[no-untyped-def]
    out, begin, end, weights, y_first, y_size, y_factors, x_first, x_size, x_factors
) -> None:
    """Add the kernels of past events, weighted by age and magnitude, to each time's maps.

    `out` is (time, weighting, lat, lon); `weights` (time, event - begin, weighting) belong to the
    events `begin[time]`..`end[time]`.
    """
    for t in numba.prange(out.shape[0]):
        for i in range(begin[t], end[t]):
            for r in range(y_size[i]):
                y = y_first[i] + r
                for q in range(out.shape[1]):
                    scale = np.float32(weights[t, i - begin[t], q] * y_factors[i, r])
                    row = out[t, q, y]
                    for c in range(x_size[i]):
                        row[x_first[i] + c] += scale * x_factors[i, c]


def omori_integral(age: NDArray[Any], horizon: float, p: float, c: float) -> NDArray[Any]:
    """Integral of (s + c)^-p over s from `age` to `age + horizon` (days), the Omori-Utsu law."""
    if p == 1.0:
        return np.log((age + horizon + c) / (age + c))
    return ((age + c) ** (1 - p) - (age + horizon + c) ** (1 - p)) / (p - 1)
