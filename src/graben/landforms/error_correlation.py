"""How errors of neighbouring cells are alike: measured over all pairs of stable cells, and fitted.

Two kinds of error are told apart. Noise is alike by distance alone. A displacement that varies
from place to place moves slopes of one aspect up and those of the other down: its error is alike
by distance, times the product of the two gradients. Where it is left out, sums over steep or
one-sided areas get intervals that are too short.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import fft, optimize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LAGS = 40  # bins of the distance
RANGES = 12  # of each shape of correlation that a covariance may be made of
SHAPES: tuple[Literal["exponential"], Literal["gaussian"]] = ("exponential", "gaussian")


@dataclass(frozen=True)
class Correlation:
    """A part of an error that is alike over some distance.

    Parameters
    ----------
    shape
        "exponential" (exp(-3 h/r)) or "gaussian" (exp(-3 (h/r)^2)); either falls to 0.05 at r.
    reach
        That distance r, m.
    share
        Its variance.
    """

    shape: Literal["exponential", "gaussian"]
    reach: float
    share: float

    def at(self, lag: "Floats") -> "Floats":
        """Covariance at a lag, m."""
        scaled = lag / self.reach
        return self.share * np.exp(-3 * (scaled if self.shape == "exponential" else scaled**2))


@dataclass(frozen=True)
class Covariance:
    """How an error is shared, by the distance of two cells.

    Parameters
    ----------
    nugget
        Variance of the part that no two cells share.
    parts
        The parts that neighbours share.
    """

    nugget: float
    parts: tuple[Correlation, ...]

    def at(self, lag: "Floats") -> "Floats":
        """Covariance of two cells so far apart, m; the nugget is at 0 alone."""
        total = np.where(lag == 0, self.nugget, 0.0)
        for part in self.parts:
            total += part.at(lag)
        return total


@dataclass(frozen=True)
class SharedErrors:
    """What neighbours' errors have in common, and the evidence for it.

    Parameters
    ----------
    noise
        Of errors divided by their spread; dimensionless.
    displacement
        Of each component of the displacement that is left, m2.
    lag
        Mean distance of the pairs of each bin, m.
    variogram
        Half the mean square of the difference of two standardised errors, as measured.
    fitted
        The same by `noise` and `displacement`.
    """

    noise: Covariance
    displacement: Covariance
    lag: "Floats"
    variogram: "Floats"
    fitted: "Floats"


def shared_errors(
    standard: "Floats", gradient: "Floats", step: tuple[float, float]
) -> SharedErrors:
    """Measure how errors are alike over all pairs of cells, and fit both covariances.

    Shares are 0 or more, so that every sum gets a variance of 0 or more. A constant is fitted
    beside them: errors were measured after a shift and an offset had been removed, which lowers
    every covariance alike.

    Parameters
    ----------
    standard
        Errors divided by their spread, (y, x); NaN where the ground is not stable.
    gradient
        Of the terrain down and to the right, divided by the spread, (2, y, x), 1/m.
    step
        Distance of neighbouring rows and columns, m.
    """
    lag, pairs, sums = _pair_sums(standard, gradient, step)
    edges = np.geomspace(0.99 * min(step), 1.001 * lag.max(), LAGS + 1)
    bin_of = np.searchsorted(edges, lag)  # the cells themselves are in bin 0
    count = np.bincount(bin_of, pairs, LAGS + 1)
    held = count > 0
    distance = np.bincount(bin_of, pairs * lag, LAGS + 1)[held] / count[held]
    means = {key: np.bincount(bin_of, one, LAGS + 1)[held] / count[held] for key, one in sums}
    noise, displacement = _fitted(distance, means, min(step))
    model = noise.at(distance) + means["slope"] * displacement.at(distance)
    return SharedErrors(
        noise, displacement, distance[1:], means["halves"][1:], model[0] - model[1:]
    )


def _pair_sums(
    standard: "Floats", gradient: "Floats", step: tuple[float, float]
) -> tuple["Floats", "Floats", list[tuple[str, "Floats"]]]:
    """Sum products over all pairs of cells of each lag, by Fourier transforms.

    With z the standardised error and q the gradient over the spread: the number of pairs, and
    the sums of z z', z z' q.q', q.q', (q.q')^2 and (z - z')^2 / 2.
    """
    reach = [max(count // 2, 2) for count in standard.shape]
    shape = [
        fft.next_fast_len(n + m, real=True) for n, m in zip(standard.shape, reach, strict=True)
    ]
    known = np.isfinite(standard)
    z = np.where(known, standard, 0.0)
    q = np.where(known, gradient, 0.0)
    down, right = fft.fftfreq(shape[0], 1 / shape[0]), np.arange(shape[1] // 2 + 1)
    inside = (np.abs(down) <= reach[0])[:, None] & (right <= reach[1])

    def spectrum(values: "Floats") -> "NDArray[np.complex128]":
        return fft.rfft2(values, shape)

    def lagged(power: "NDArray[np.floating]") -> "Floats":
        return fft.irfft2(power, shape)[:, : right.size][inside]

    def alike(*fields: "Floats") -> "Floats":
        return lagged(np.sum([np.abs(spectrum(one)) ** 2 for one in fields], axis=0))

    pairs = alike(known.astype(float))
    products = alike(z)
    squares = lagged((spectrum(known.astype(float)).conj() * spectrum(z**2)).real)
    sums = [
        ("errors", products),
        ("errors_by_slope", alike(z * q[0], z * q[1])),
        ("slope", alike(q[0], q[1])),
        ("slope_square", alike(q[0] ** 2, q[1] ** 2, np.sqrt(2) * q[0] * q[1])),
        ("halves", squares - products),
    ]
    lag = np.hypot(down[:, None] * step[0], right * step[1])[inside]
    some = pairs > 0.5
    return lag[some], pairs[some], [(key, one[some]) for key, one in sums]


def _fitted(
    lag: "Floats", means: dict[str, "Floats"], cell: float
) -> tuple[Covariance, Covariance]:
    """Fit shares to the mean products of errors, plain and by slope, each as it depends on both."""
    reaches = np.geomspace(2 * cell, lag[-1], RANGES)
    candidates = [Correlation(shape, float(reach), 1.0) for shape in SHAPES for reach in reaches]
    curves = np.stack([(lag == 0) * 1.0, *(one.at(lag) for one in candidates), -np.ones(lag.size)])
    size = np.sqrt(means["slope_square"])
    plain = np.concatenate([curves, means["slope"] * curves[1:]])
    by_slope = np.concatenate([means["slope"] * curves, means["slope_square"] * curves[1:]]) / size
    shares, _ = optimize.nnls(
        np.concatenate([plain, by_slope], 1).T,
        np.concatenate([means["errors"], means["errors_by_slope"] / size]),
    )
    noise, displacement = shares[1 : 1 + len(candidates)], shares[2 + len(candidates) : -1]
    parts = [
        tuple(
            Correlation(one.shape, one.reach, float(share))
            for one, share in zip(candidates, some, strict=True)
            if share > 0
        )
        for some in (noise, displacement)
    ]
    return Covariance(float(shares[0]), parts[0]), Covariance(0.0, parts[1])
