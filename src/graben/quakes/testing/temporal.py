"""Forecasts of counts in time without space: number, likelihood, and rescaled time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import kstest, nbinom

from graben.errors import InputError
from graben.quakes.testing.fast_poisson import (
    ENGINE,
    NO_EVENTS,
    likelihood_test,
    number_tails,
)
from graben.quakes.testing.verdicts import LEVEL, Consistency, judged, undefined


@dataclass(frozen=True)
class RescaledTime:
    """Kolmogorov-Smirnov test of the expected numbers between earthquakes.

    Attributes
    ----------
    distance
        Largest distance between 1 - exp(-expected number since the last one) and uniform.
    p_value
        Probability of so large a distance if the forecast is right.
    passed
        At 5 %.
    events
        Number of intervals.
    """

    distance: float
    p_value: float
    passed: bool
    events: int


def count_test(
    expected: NDArray[Any], observed: NDArray[Any], overdispersion: float = 0.0
) -> Consistency:
    """Compare the number of earthquakes in all windows with what was expected.

    Parameters
    ----------
    expected, observed
        Numbers in each window.
    overdispersion
        Of the total: its variance is mean + overdispersion * mean^2 (negative binomial; Kagan
        2010, doi:10.1785/0120090184); 0 is Poisson.

    Examples
    --------
    >>> count_test(np.array([5.0, 5.0]), np.array([20, 0])).passed
    False
    >>> count_test(np.array([5.0, 5.0]), np.array([20, 0]), overdispersion=0.3).passed
    True
    """
    mean, number = float(np.sum(expected)), int(np.sum(observed))
    if overdispersion == 0:
        return judged("N", number, number_tails(mean, number), "both", ENGINE)
    shape = 1 / overdispersion
    law = nbinom(shape, shape / (shape + mean))
    return judged("N", number, (law.sf(number - 1), law.cdf(number)), "both", ENGINE)


def window_likelihood_test(
    expected: NDArray[Any], observed: NDArray[Any], simulations: int = 1000, seed: int = 0
) -> tuple[Consistency, Consistency]:
    """Test how earthquakes spread over windows (CL, given their number) and all of it (L).

    Parameters
    ----------
    expected, observed
        Numbers in each window.
    simulations, seed
        Simulated Poisson counts.
    """
    if not np.sum(observed):
        return undefined("CL", ENGINE, NO_EVENTS), undefined("L", ENGINE, NO_EVENTS)
    given = likelihood_test(expected, observed, simulations, seed)
    free = likelihood_test(expected, observed, simulations, seed, conditional=False)
    return (
        judged("CL", given.observed, given.tails, "low", ENGINE),
        judged("L", free.observed, free.tails, "low", ENGINE),
    )


def negative_binomial_likelihood(
    expected: NDArray[Any], observed: NDArray[Any], overdispersion: float
) -> float:
    """Return the log-likelihood of counts of variance mean + overdispersion * mean^2."""
    shape = 1 / overdispersion
    return float(nbinom.logpmf(observed, shape, shape / (shape + np.asarray(expected))).sum())


def fitted_overdispersion(expected: NDArray[Any], observed: NDArray[Any]) -> float:
    """Return the overdispersion of counts by maximum likelihood; fit it before the test.

    Raises
    ------
    InputError
        There are fewer than two windows.
    """
    if np.size(expected) < 2:
        raise InputError(
            "expected two or more windows to fit an overdispersion, got "
            f"{np.size(expected)}. Use a longer training time."
        )
    found = minimize_scalar(
        lambda log: -negative_binomial_likelihood(expected, observed, float(np.exp(log))),
        bounds=(np.log(1e-6), np.log(1e3)),
        method="bounded",
    )
    return float(np.exp(found.x))


def expected_between(
    edges: NDArray[Any], expected: NDArray[Any], times: NDArray[Any]
) -> NDArray[Any]:
    """Return the expected number between consecutive earthquakes, from the first edge on.

    Parameters
    ----------
    edges
        Ascending edges of the windows (window + 1,), in any unit.
    expected
        Number in each window; it arrives evenly within.
    times
        Of the earthquakes, ascending, in the same unit.
    """
    total = np.interp(times, edges, np.append(0.0, np.cumsum(expected)))
    return np.diff(total, prepend=0.0)


def rescaled_time_test(between: NDArray[Any]) -> RescaledTime:
    """Test that the expected numbers between earthquakes are exponential, of mean 1.

    Parameters
    ----------
    between
        Expected number since the last earthquake (event,), as of `expected_between` or of
        `EventScores.expected`.

    Raises
    ------
    InputError
        There is no earthquake.

    References
    ----------
    Ogata (1988), doi:10.1080/01621459.1988.10478560.
    """
    if not np.size(between):
        raise InputError("expected at least one earthquake, got none. Use a longer time.")
    found = kstest(-np.expm1(-np.asarray(between, float)), "uniform")
    p_value = float(found.pvalue)
    return RescaledTime(float(found.statistic), p_value, p_value >= LEVEL, int(np.size(between)))
