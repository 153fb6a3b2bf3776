"""How well salt, objects and geologic time are told, on synthetic volumes."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import spearmanr

from graben.imaging.models.horizons import STEEPEST, Floats, surface_of
from graben.imaging.scene_drawing import PACKAGE_DOMAINS
from graben.imaging.synthetic import DOMAIN, Synthetic

EVERY = 3  # samples, along each axis, of those that times are compared at
SEED_TRACES = (0.33, 0.67)  # of both sides: horizons start on four traces
SEED_DEPTHS = (0.2, 0.4, 0.6, 0.8)
PERIOD = float(PACKAGE_DOMAINS * DOMAIN)  # samples that older packages are set off by
HIATUS_SHARE = 0.9  # of the traces of an unconformity do not run back in time there


class TimeScores(NamedTuple):
    """How well relative geologic time is told in a volume.

    Attributes
    ----------
    rank
        Spearman's correlation with the true time, outside salt.
    monotone, affine
        Mean absolute error in samples after the best rising, or straight, map to the true time
        without the length of pauses (`closed_time`).
    horizon
        Mean absolute error in samples of horizons through seeds on four traces at four depths,
        on all traces that the true horizon meets once.
    """

    rank: float
    monotone: float
    affine: float
    horizon: float


def closed_time(
    time: Floats, salt: NDArray[np.bool_], length: float
) -> tuple[Floats, NDArray[np.int64]]:
    """Give geologic time without the long pauses between packages of layers.

    A pause becomes as short as it can be for nine traces in ten to run forward in time across the
    unconformity: how long it lasted cannot be seen.

    Parameters
    ----------
    time
        `Synthetic.geologic_time`, (inline, crossline, sample).
    salt
        Where time says nothing.
    length
        What older packages are set off by, samples.

    Returns
    -------
    time, package : numpy.ndarray
        float32 samples, and the number of the package, 0 for the youngest.
    """
    package = np.floor_divide(time, length).astype(np.int64)
    closed = time - (package * length).astype(np.float32)
    above, below = (slice(None), slice(None), slice(-1)), (slice(None), slice(None), slice(1, None))
    solid = ~(salt[above] | salt[below])
    present = np.unique(package).tolist()
    for younger, older in pairwise(present):
        met = solid & (package[above] == younger) & (package[below] == older)
        part = package == older
        if met.any():
            back = closed[above][met] - closed[below][met]
            closed[part] += np.float32(np.quantile(back, HIATUS_SHARE)) + 1
        elif part.any():
            closed[part] += closed[package == younger].max() - closed[part].min() + 1
    return closed, package


def salt_overlap(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> tuple[int, int]:
    """Give intersection and union in samples."""
    return int((said & true).sum()), int((said | true).sum())


def time_scores(said: Floats, true: Synthetic, length: float) -> TimeScores:
    """Compare relative geologic time with that of the generator.

    Parameters
    ----------
    said
        (inline, crossline, sample), rising down each trace.
    true
        The volume.
    length
        What older packages are set off by, samples; see `closed_time`.
    """
    salt = np.zeros(said.shape, bool) if true.salt is None else true.salt
    closed, _ = closed_time(true.geologic_time, salt, length)
    some = (slice(None, None, EVERY),) * 3
    rock = ~salt[some]
    told, known = said[some][rock].astype(float), closed[some][rock].astype(float)
    rank = float(spearmanr(told, true.geologic_time[some][rock])[0])
    order = np.argsort(told)
    rising = isotonic_regression(known[order]).x
    straight = np.polyval(np.polyfit(told, known, 1), told)
    return TimeScores(
        rank,
        float(np.abs(rising - known[order]).mean()),
        float(np.abs(straight - known).mean()),
        horizon_error(said, true.geologic_time, salt),
    )


def horizon_error(said: Floats, true: Floats, salt: NDArray[np.bool_]) -> float:
    """Give the mean absolute error of horizons through a grid of seeds, samples.

    Seeds in salt are left out; where a horizon leaves the volume it is taken to lie at its rim.
    """
    wrong: list[NDArray[Any]] = []
    lines, columns, samples = said.shape
    for a in SEED_TRACES:
        for b in SEED_TRACES:
            i, j = int(a * lines), int(b * columns)
            for depth in SEED_DEPTHS:
                k = int(depth * samples)
                if salt[i, j, k]:
                    continue
                known = true_surface(true, float(true[i, j, k]), salt)
                wrong.append(np.abs(whole_surface(said, float(said[i, j, k])) - known))
    errors = np.concatenate([one[np.isfinite(one)] for one in wrong]) if wrong else np.empty(0)
    return float(errors.mean()) if errors.size else float("nan")


def whole_surface(time: Floats, level: float) -> Floats:
    """Give where each trace meets a time, gaps crossed and ends included, in samples."""
    surface = surface_of(time, level, np.inf)
    rim = np.where(time[:, :, 0] > level, 0, time.shape[2] - 1)
    return np.where(np.isnan(surface), rim, surface).astype(np.float32)


def true_surface(time: Floats, level: float, salt: NDArray[np.bool_]) -> Floats:
    """Give where each trace meets a layer once, in samples; NaN where it does not, or in salt."""
    above, below = time[:, :, :-1], time[:, :, 1:]
    step = below - above
    met = (above <= level) & (below > level) & (step <= STEEPEST)
    met &= ~(salt[:, :, :-1] | salt[:, :, 1:])
    at = met.argmax(2)[:, :, None]
    first = np.take_along_axis(above, at, 2)[:, :, 0]
    steps = np.take_along_axis(step, at, 2)[:, :, 0]
    found = at[:, :, 0] + (level - first) / np.where(steps > 0, steps, 1)
    return np.where(met.sum(2) == 1, found, np.nan).astype(np.float32)
