"""The error of an elevation difference: how large it is where, and what it does to sums.

Both are learned on stable ground (Hugonnet et al. 2022, doi:10.1109/JSTARS.2022.3188922): the
spread as a function of slope and curvature, and how neighbours' errors are alike.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage
from scipy.interpolate import RegularGridInterpolator

from graben.landforms.coregistration import OUTLIER, nmad
from graben.landforms.error_correlation import Covariance, SharedErrors, shared_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graben.landforms.coregistration import Coregistration

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

CONFIDENCE = 0.95
WIDE = 1.959964  # standard deviations to either side that hold 95 % of a normal law
SLOPES, CURVATURES = 8, 4  # bins of the spread, each with as many stable cells
FEWEST = 50  # cells of a bin


@dataclass(frozen=True)
class Spread:
    """Robust standard deviation of the difference by slope and curvature.

    Parameters
    ----------
    slope, curvature
        Middles of the bins: degrees; 1/m (size of the Laplacian).
    table
        The spread, m, (slope, curvature).
    cells
        How many cells each bin holds, same shape.
    """

    slope: "Floats"
    curvature: "Floats"
    table: "Floats"
    cells: "NDArray[np.int64]"

    def at(self, slope: "Floats", curvature: "Floats") -> "Floats":
        """Interpolate; beyond the outermost bins the spread is theirs. NaN where either is."""
        axes = (self.slope, self.curvature)
        surface = RegularGridInterpolator(axes, self.table)
        known = np.isfinite(slope + curvature)
        points = [
            np.clip(values[known], axis[0], axis[-1])
            for values, axis in zip((slope, curvature), axes, strict=True)
        ]
        spread = np.full(slope.shape, np.nan)
        spread[known] = surface(np.stack(points, -1))
        return spread


@dataclass(frozen=True)
class ErrorModel:
    """Everything that is known of the difference's error.

    Parameters
    ----------
    sigma
        Spread of each cell, m, (y, x); NaN = void.
    spread
        Where it comes from.
    shared
        How it is shared.
    step
        Distance of neighbouring rows and columns, m.
    limit_factor
        The share `CONFIDENCE` of stable cells lies within so many spreads.
    """

    sigma: "Floats"
    spread: Spread
    shared: SharedErrors
    step: tuple[float, float]
    limit_factor: float

    @property
    def limit(self) -> "Floats":
        """The level of detection of each cell at 95 % (Wheaton et al. 2010), m."""
        return self.limit_factor * self.sigma


def learn_spread(
    difference: "Floats", terrain: "Floats", stable: "Mask", step: tuple[float, float]
) -> tuple[Spread, "Floats"]:
    """Learn how the spread depends on slope and curvature, and give it for every cell.

    Parameters
    ----------
    difference
        Second epoch minus first, co-registered, (y, x), m; NaN = void.
    terrain
        Elevation that slope and curvature are taken of, m.
    stable
        True where nothing changed.
    step
        Distance of neighbouring rows and columns, m.
    """
    slope, curvature = slope_and_curvature(terrain, step)
    use = stable & np.isfinite(difference + slope + curvature)
    spread = _spread_of(difference[use], slope[use], curvature[use])
    return spread, spread.at(slope, curvature)


def learn_errors(
    difference: "Floats",
    terrain: "Floats",
    stable: "Mask",
    spread: tuple[Spread, "Floats"],
    step: tuple[float, float],
) -> ErrorModel:
    """Learn how errors are shared.

    Parameters
    ----------
    difference, terrain, stable, step
        See `learn_spread`.
    spread
        What `learn_spread` gives.
    """
    binned, sigma = spread
    standard = np.where(stable, difference / sigma, np.nan)
    standard[np.abs(standard) > OUTLIER] = np.nan
    factor = float(np.nanquantile(np.abs(standard), CONFIDENCE))
    down, right = np.gradient(terrain, *step)
    gradient = np.stack([down, right]) / sigma
    standard[~np.isfinite(gradient).all(0)] = np.nan
    return ErrorModel(sigma, binned, shared_errors(standard, gradient, step), step, factor)


def slope_and_curvature(terrain: "Floats", step: tuple[float, float]) -> tuple["Floats", "Floats"]:
    """Give slope in degrees and the size of the Laplacian in 1/m, of 3 x 3 means."""
    smooth = ndimage.convolve(terrain, np.full((3, 3), 1 / 9), mode="nearest")
    down, right = np.gradient(smooth, *step)
    slope = np.degrees(np.arctan(np.hypot(down, right)))
    return slope, np.abs(np.gradient(down, step[0], axis=0) + np.gradient(right, step[1], axis=1))


def _spread_of(difference: "Floats", slope: "Floats", curvature: "Floats") -> Spread:
    """Take the NMAD in bins; of the whole row of slopes, or of all, where a bin is too empty."""
    inner = [
        np.unique(np.quantile(values, np.linspace(0, 1, count + 1)))[1:-1]
        for values, count in ((slope, SLOPES), (curvature, CURVATURES))
    ]
    place = [np.searchsorted(e, v) for e, v in zip(inner, (slope, curvature), strict=True)]
    middles = [
        np.array([np.median(values[at == number]) for number in range(len(edges) + 1)])
        for edges, at, values in zip(inner, place, (slope, curvature), strict=True)
    ]
    least = max(0.05 * nmad(difference), 1e-6)
    table = np.empty((len(middles[0]), len(middles[1])))
    cells = np.empty(table.shape, np.int64)
    for i, j in np.ndindex(table.shape):
        row = difference[place[0] == i]
        inside = difference[(place[0] == i) & (place[1] == j)]
        cells[i, j] = inside.size
        chosen = next((some for some in (inside, row) if some.size >= FEWEST), difference)
        table[i, j] = max(nmad(chosen), least)
    return Spread(middles[0], middles[1], table, cells)


class Sums:
    """Standard errors of volumes, through noise and co-registration together.

    The error of a volume over some cells is a weighted sum of errors: the area of each of those
    cells, minus what each stable cell adds through the fit of shift, offset and tilt. Its variance
    is the double sum of the weights over all pairs of cells, exactly.

    Parameters
    ----------
    errors
        The error model.
    placed
        The co-registration.
    area
        Of a cell of each row, (y, 1), m2.
    doubt
        How much the parameters of the co-registration change with what is taken as stable, if
        that is in doubt: counted as one standard deviation.
    """

    def __init__(
        self,
        errors: ErrorModel,
        placed: "Coregistration",
        area: "Floats",
        doubt: "Floats | None" = None,
    ) -> None:
        self.doubt = np.zeros(len(placed.design)) if doubt is None else doubt
        self.errors = errors
        self.step = errors.step
        self.design = placed.design
        self.area = np.broadcast_to(area, errors.sigma.shape)
        # displacements in metres act through the gradient, noise through the spread
        self.sources: list[tuple[Floats, Covariance]] = [
            (np.nan_to_num(errors.sigma), errors.shared.noise)
        ]
        if errors.shared.displacement.parts:
            self.sources += [
                (placed.design[axis] / errors.step[axis], errors.shared.displacement)
                for axis in (0, 1)
            ]
        weighted = placed.design * placed.weight
        self.normal = np.einsum("pij,qij->pq", weighted, placed.design)
        self.shared: list[Floats] = []
        self.among = np.zeros_like(self.normal)
        for size, covariance in self.sources:
            kernel = self.kernel(covariance, size.shape)
            fields = [_convolved(one * size, kernel).astype(np.float32) for one in weighted]
            self.shared.append(np.stack(fields))
            self.among += np.einsum("pij,qij->pq", weighted * size, self.shared[-1])

    def standard_error(self, cells: "Mask") -> float:
        """Give the standard error of the volume over some cells, m3."""
        rows, columns = (np.flatnonzero(cells.any(axis)) for axis in (1, 0))
        if not rows.size:
            return 0.0
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        area = np.where(cells[box], self.area[box], 0.0)
        total = (self.design[:, *box] * area).sum((1, 2))
        by = np.linalg.solve(self.normal, total)
        variance = float(by @ self.among @ by + (total @ self.doubt) ** 2)
        for (size, covariance), shared in zip(self.sources, self.shared, strict=True):
            own = area * size[box]
            variance += float((own * _convolved(own, self.kernel(covariance, own.shape))).sum())
            variance -= 2 * float(by @ np.tensordot(shared[:, *box], own, 2))
        return float(np.sqrt(max(variance, 0.0)))

    def parameter_errors(self) -> "Floats":
        """Give the standard errors of the co-registration's parameters, as in its design."""
        inverse = np.linalg.inv(self.normal)
        return np.sqrt(np.maximum(np.diag(inverse @ self.among @ inverse), 0) + self.doubt**2)

    def kernel(self, covariance: Covariance, shape: tuple[int, ...]) -> "NDArray[np.complex128]":
        """Give the spectrum of the covariance on a grid wide enough for lags of this shape."""
        down, right = (
            fft.fftfreq(count, 1 / count) * step
            for count, step in zip(wide(shape), self.step, strict=True)
        )
        return fft.rfft2(covariance.at(np.hypot(down[:, None], right)))


def wide(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Give the size of a grid on which all lags of a grid of `shape` have their own place."""
    return tuple(fft.next_fast_len(2 * count - 1, real=True) for count in shape)


def _convolved(values: "Floats", kernel: "NDArray[np.complex128]") -> "Floats":
    shape = wide(values.shape)
    whole = fft.irfft2(fft.rfft2(values, shape) * kernel, shape)
    return whole[: values.shape[0], : values.shape[1]]
