"""Maximum likelihood by Fisher scoring: each event's own slopes give the curvature for free."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import ModelError

LARGEST_STEP = 1.5
MOST_STEPS = 60


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Mean log-likelihood per target at one point, its slopes and its expected curvature."""

    value: float
    slopes: NDArray[Any]
    information: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where the likelihood is highest, and how often it was asked for."""

    at: NDArray[Any]
    likelihood: Likelihood
    evaluations: int


def maximise(
    likelihood: Callable[[NDArray[Any]], Likelihood],
    start: NDArray[Any],
    bounds: tuple[NDArray[Any], NDArray[Any]],
    tolerance: float,
) -> Maximum:
    """Climb with steps of information^-1 slopes, damped where they overshoot (Levenberg).

    Parameters
    ----------
    likelihood
        Function of the parameters, all on scales where a step of 1 is large.
    start
        Where to begin.
    bounds
        Lowest and highest values; a parameter that pushes against its bound rests there.
    tolerance
        Stop when a step gains less than this per target.

    Raises
    ------
    ModelError
        The likelihood is not finite at the start.
    """
    low, high = bounds
    here = np.clip(start, low, high)
    found = likelihood(here)
    if not np.isfinite(found.value):
        raise ModelError(
            f"the likelihood is {found.value} at the first guess. Check that magnitudes, "
            "coordinates and times are in their units."
        )
    damping, evaluations = 1e-3, 1
    while evaluations < MOST_STEPS and damping < 1e4:
        there = np.clip(here + _step(found, here, bounds, damping), low, high)
        tried = likelihood(there)
        evaluations += 1
        gain = tried.value - found.value
        if np.isfinite(gain) and gain > 0:
            here, found, damping = there, tried, max(damping / 5, 1e-6)
            if gain < tolerance:
                break
        else:
            damping = max(damping * 10, 1e-2)
    return Maximum(here, found, evaluations)


def _step(
    found: Likelihood,
    here: NDArray[Any],
    bounds: tuple[NDArray[Any], NDArray[Any]],
    damping: float,
) -> NDArray[Any]:
    slopes = found.slopes
    resting = ((here <= bounds[0]) & (slopes < 0)) | ((here >= bounds[1]) & (slopes > 0))
    free = ~resting
    information = found.information[np.ix_(free, free)]
    ridge = damping * np.diag(information) + 1e-7 + 1e-3 * damping
    step = np.zeros(here.size)
    step[free] = np.linalg.solve(information + np.diag(ridge), slopes[free])
    return np.clip(step, -LARGEST_STEP, LARGEST_STEP)
