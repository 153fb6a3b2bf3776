"""Co-registration of two epochs: shift, vertical offset and tilt, from stable ground."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graben.errors import RasterError
from graben.progress import track

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graben.landforms.second_epoch import SecondEpoch

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

NORMAL = 1.4826  # standard deviation of a normal law over its median absolute deviation
TUKEY = 4.685  # deviations beyond so many robust standard deviations get no weight
FEWEST = 200  # stable cells
CLOSE = 1e-3  # cells; smaller steps end the iteration
MOST_STEPS = 20
OUTLIER = 6.0  # robust standard deviations; beyond is no noise


def nmad(values: "Floats") -> float:
    """Return the normalised median absolute deviation (doi:10.1016/j.isprsjprs.2009.02.003).

    Parameters
    ----------
    values
        Any number of them; NaN is left out.

    Examples
    --------
    >>> round(nmad(np.random.default_rng(1).normal(0, 2, 100_000)), 1)
    2.0
    """
    return float(NORMAL * np.nanmedian(np.abs(values - np.nanmedian(values))))


@dataclass(frozen=True)
class Coregistration:
    """How the second epoch lies on the first, and the second epoch brought onto it.

    Parameters
    ----------
    rows, columns
        The second epoch's displacement, in cells of the first: positive is down and right.
    offset
        How much higher it lies in the middle of the grid, m.
    tilt
        How much its height differs across the whole grid, from top to bottom and from left to
        right, m; zeros if no tilt was asked for.
    after
        The second epoch without all that, on the first one's grid, m; NaN = void.
    design
        Derivatives of the elevation difference by each parameter, (parameter, y, x).
    weight
        Of each cell in the fit; 0 off stable ground.
    steps
        Displacement after each iteration, (rows, columns) in cells.
    """

    rows: float
    columns: float
    offset: float
    tilt: tuple[float, float]
    after: "Floats"
    design: "Floats"
    weight: "Floats"
    steps: tuple[tuple[float, float], ...]

    @property
    def parameters(self) -> "Floats":
        """Rows, columns, offset and, if it was asked for, tilt, as in `design`."""
        return np.array([self.rows, self.columns, self.offset, *self.tilt])[: len(self.design)]


def coregister(
    before: "Floats",
    second: "SecondEpoch",
    stable: "Mask",
    tilt: bool = False,
    sigma: "Floats | None" = None,
    start: tuple[float, float] = (0.0, 0.0),
) -> Coregistration:
    """Find how the second epoch is displaced, on ground that did not change.

    The difference of two DEMs of which one is displaced is the displacement times the gradient
    of the terrain (Nuth and Kaab 2011, doi:10.5194/tc-5-271-2011, who write it as a cosine of
    the aspect). That linear law is fitted, the second epoch is sampled where the fit says, and so
    on until the displacement stays. Without `sigma` the fit has Tukey's weights, which need to know
    nothing of the errors; with it, it is weighted least squares without outliers, whose own error
    is a sum over the cells' errors.

    Parameters
    ----------
    before
        Elevation of the first epoch, (y, x), m; NaN = void.
    second
        The second epoch.
    stable
        True where nothing changed.
    tilt
        Also remove a plane.
    sigma
        Spread of the difference in each cell, m.
    start
        Rows and columns of displacement to begin with.

    Raises
    ------
    RasterError
        There is too little stable ground, or it is too flat to find the displacement.
    """
    position = np.array(start)
    steps: list[tuple[float, float]] = []
    for _ in track(range(MOST_STEPS), "co-registration"):
        after = second.at(*position)
        design = _design(before, after, tilt)
        use = stable & np.isfinite(after - before) & np.isfinite(design).all(0)
        _check_stable(use, stable)
        if sigma is None:
            parameters, weight = _robust_fit((after - before)[use], design[:, use])
        else:
            use &= np.isfinite(sigma)
            parameters, weight = _weighted_fit((after - before)[use], design[:, use], sigma[use])
        position = position + parameters[:2]
        steps.append((float(position[0]), float(position[1])))
        if np.abs(parameters[:2]).max() < CLOSE:
            break
        _check_reach(position, before.shape)
    whole = np.zeros(before.shape)
    whole[use] = weight
    design = np.nan_to_num(design)
    flat = parameters.copy()
    flat[:2] = 0
    after = after - np.tensordot(flat, design, 1)
    return Coregistration(
        rows=float(position[0]),
        columns=float(position[1]),
        offset=float(parameters[2]),
        tilt=(float(parameters[3]), float(parameters[4])) if tilt else (0.0, 0.0),
        after=after,
        design=design,
        weight=whole,
        steps=tuple(steps),
    )


def _design(before: "Floats", after: "Floats", tilt: bool) -> "Floats":
    """Give the derivatives of the difference by displacement, offset and tilt."""
    one, other = np.array(np.gradient(before)), np.array(np.gradient(after))
    # a blunder in one epoch would otherwise pass for a cliff with much say
    down, right = np.where(np.abs(one) < np.abs(other), one, other)
    columns = [-down, -right, np.ones(before.shape)]
    if tilt:
        v, u = (np.linspace(-0.5, 0.5, count) for count in before.shape)
        columns += [np.broadcast_to(v[:, None], before.shape), np.broadcast_to(u, before.shape)]
    return np.stack(columns)


def _robust_fit(difference: "Floats", design: "Floats") -> tuple["Floats", "Floats"]:
    """Fit by iteratively reweighted least squares with Tukey's biweight."""
    residual = difference - np.median(difference)
    for _ in range(5):
        scale = max(nmad(residual), 1e-9)
        weight = np.clip(1 - (residual / (TUKEY * scale)) ** 2, 0, None) ** 2
        parameters = _least_squares(difference, design, weight)
        residual = difference - parameters @ design
    return parameters, weight


def _weighted_fit(
    difference: "Floats", design: "Floats", sigma: "Floats"
) -> tuple["Floats", "Floats"]:
    """Fit by least squares with weights of 1 over the variance, without outliers."""
    residual = difference - np.median(difference)
    for _ in range(3):
        weight = np.where(np.abs(residual) < OUTLIER * sigma, sigma**-2, 0.0)
        parameters = _least_squares(difference, design, weight)
        residual = difference - parameters @ design
    return parameters, weight


def _least_squares(difference: "Floats", design: "Floats", weight: "Floats") -> "Floats":
    weighted = design * weight
    normal = weighted @ design.T
    size = np.sqrt(np.diag(normal))
    if not size.all() or np.linalg.cond(normal / np.outer(size, size)) > 1e8:
        raise RasterError(
            "the stable ground is too flat, or slopes one way only, so that a displacement cannot "
            "be told from an offset. Give stable ground with slopes to several sides."
        )
    parameters: Floats = np.linalg.solve(normal, weighted @ difference).astype(np.float64)
    return parameters


def _check_stable(use: "Mask", stable: "Mask") -> None:
    count = int(np.count_nonzero(use))
    if count < FEWEST:
        raise RasterError(
            f"no stable ground: {count} cells did not change and hold heights in both epochs, of "
            f"{np.count_nonzero(stable)} that are said to be stable; at least {FEWEST} are needed. "
            "Give more of it with `--stable MASK.gpkg`, or wider elevation models."
        )


def _check_reach(position: "Floats", shape: tuple[int, ...]) -> None:
    if (np.abs(position) > np.array(shape) / 4).any():
        raise RasterError(
            f"the second epoch seems displaced by {position[0]:.0f} rows and {position[1]:.0f} "
            "columns, more than a quarter of the grid: co-registration does not converge. Check "
            "that both show the same area in the right coordinate reference system, and give "
            "stable ground with `--stable MASK.gpkg`."
        )
