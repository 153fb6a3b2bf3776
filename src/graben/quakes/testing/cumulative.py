"""Tests over many windows: numbers, gains and pass rates that add up, gaps told."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, poisson, t, wilcoxon

from graben.errors import InputError
from graben.quakes.testing.fast_poisson import ENGINE
from graben.quakes.testing.verdicts import Comparison, comparison


@dataclass(frozen=True)
class CumulativeNumber:
    """The N-test as windows add up; one entry per valid window.

    Attributes
    ----------
    window
        Numbers of the valid windows.
    expected, observed
        Earthquakes from the first valid window on.
    at_least, at_most
        Probability of at least, and at most, as many as observed.
    missing
        How many windows had no forecast: they are left out of both sides.
    """

    window: NDArray[Any]
    expected: NDArray[Any]
    observed: NDArray[Any]
    at_least: NDArray[Any]
    at_most: NDArray[Any]
    missing: int


@dataclass(frozen=True)
class CumulativeGain:
    """Information gain over a benchmark as windows add up.

    Attributes
    ----------
    window
        Numbers of the valid windows.
    gain
        Nats from the first valid window on, to the end of each.
    events
        Earthquakes in the valid windows.
    tests
        T and W on all of them.
    missing
        How many windows lacked one of the two forecasts, or both.
    """

    window: NDArray[Any]
    gain: NDArray[Any]
    events: int
    tests: tuple[Comparison, Comparison]
    missing: int


@dataclass(frozen=True)
class PassRate:
    """In how many windows a test was passed.

    Attributes
    ----------
    passed, valid, undefined
        Windows that passed, in which the test is defined, and in which it is not.
    share, low, high
        Passed over valid, with the 95 % Clopper-Pearson interval; NaN without valid windows.
    """

    passed: int
    valid: int
    undefined: int
    share: float
    low: float
    high: float


def cumulative_number(
    expected: NDArray[Any],
    observed: NDArray[Any],
    simulated: NDArray[Any] | None = None,
) -> CumulativeNumber:
    """Add windows up and compare the numbers.

    Parameters
    ----------
    expected
        Expected number in each window; NaN where there is no forecast.
    observed
        Observed number in each window.
    simulated
        Numbers (window, catalogue) of simulated catalogues, whose windows are independent; by
        default the number is Poisson.

    Raises
    ------
    InputError
        No window has a forecast.

    Examples
    --------
    >>> found = cumulative_number(np.array([1.0, np.nan, 2.0]), np.array([2, 9, 1]))
    >>> found.expected, found.observed, found.missing
    (array([1., 3.]), array([2, 3]), 1)
    """
    valid = _valid(np.isfinite(np.asarray(expected, float)))
    mean = np.cumsum(np.asarray(expected, float)[valid])
    number = np.cumsum(np.asarray(observed)[valid])
    missing = int(np.size(expected) - valid.size)
    if simulated is None:
        tails = poisson.sf(number - 1, mean), poisson.cdf(number, mean)
    else:
        drawn = np.cumsum(simulated[valid], axis=0)
        tails = (drawn >= number[:, None]).mean(axis=1), (drawn <= number[:, None]).mean(axis=1)
    return CumulativeNumber(valid, mean, number, *tails, missing)


def cumulative_gain(
    log_ratio: NDArray[Any],
    window: NDArray[Any],
    expected: NDArray[Any],
    benchmark: NDArray[Any],
) -> CumulativeGain:
    """Add up the information gain of one forecast over another, and test all of it.

    Parameters
    ----------
    log_ratio
        Log of the forecast's rate over the benchmark's at each earthquake (event,); ignored in
        windows without both forecasts.
    window
        Number of the window of each earthquake.
    expected, benchmark
        Expected number of each forecast in each window; NaN where there is none.

    Raises
    ------
    InputError
        No window has both forecasts.

    References
    ----------
    Rhoades et al. (2011), doi:10.2478/s11600-011-0013-5.
    """
    excess = np.asarray(expected, float) - np.asarray(benchmark, float)
    valid = _valid(np.isfinite(excess))
    used = np.isfinite(excess)[window]
    gains, at = np.asarray(log_ratio, float)[used], np.asarray(window)[used]
    by_window = np.bincount(at, gains, excess.size) - excess
    return CumulativeGain(
        valid,
        np.cumsum(by_window[valid]),
        gains.size,
        gain_tests(gains, float(excess[valid].sum())),
        int(excess.size - valid.size),
    )


def gain_tests(log_ratio: NDArray[Any], excess: float) -> tuple[Comparison, Comparison]:
    """Run the T- and the W-test; undefined with fewer than two earthquakes, or equal gains.

    Parameters
    ----------
    log_ratio
        Log of the forecast's rate over the benchmark's at each earthquake.
    excess
        Expected number of the forecast less that of the benchmark.
    """
    number, nothing = log_ratio.size, (np.nan, np.nan)
    if number < 2 or not np.isfinite(log_ratio).all() or np.ptp(log_ratio) == 0:
        undefined = [comparison(test, np.nan, np.nan, ENGINE, nothing) for test in "TW"]
        return undefined[0], undefined[1]
    gain = float(log_ratio.mean()) - excess / number
    error = float(log_ratio.std(ddof=1)) / np.sqrt(number)
    reach = float(t.ppf(0.975, number - 1)) * error
    p_t = 2 * float(t.sf(abs(gain) / error, number - 1))
    ranked = wilcoxon(log_ratio - excess / number, correction=False, method="asymptotic")
    return (
        comparison("T", gain, p_t, ENGINE, (gain - reach, gain + reach)),
        comparison("W", gain, float(ranked.pvalue), ENGINE, nothing),
    )


def pass_rate(passed: Iterable[bool | None]) -> PassRate:
    """Count in how many windows a test was passed; None is a window in which it is undefined.

    Examples
    --------
    >>> rate = pass_rate([True] * 9 + [False, None])
    >>> rate.share, rate.valid, round(rate.low, 3)
    (0.9, 10, 0.555)
    """
    verdicts = list(passed)
    valid = [verdict for verdict in verdicts if verdict is not None]
    undefined = len(verdicts) - len(valid)
    if not valid:
        return PassRate(0, 0, undefined, np.nan, np.nan, np.nan)
    interval = binomtest(sum(valid), len(valid)).proportion_ci(0.95, method="exact")
    share = sum(valid) / len(valid)
    return PassRate(
        sum(valid), len(valid), undefined, share, float(interval.low), float(interval.high)
    )


def _valid(held: NDArray[Any]) -> NDArray[Any]:
    valid = np.flatnonzero(held)
    if not valid.size:
        raise InputError(
            f"expected a forecast in at least one of {held.size} windows, got none. Check which "
            "windows were forecast."
        )
    return valid
