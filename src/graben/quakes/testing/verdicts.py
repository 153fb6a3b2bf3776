"""What a test of a forecast found, whoever computed it."""

import math
from dataclasses import dataclass
from typing import Literal

LEVEL = 0.05
Side = Literal["low", "high", "both"]


@dataclass(frozen=True)
class Consistency:
    """Whether observations look like what a forecast expects, at 5 %.

    Attributes
    ----------
    test
        Letter of the test: N, M, S, CL, L or PL.
    observed
        The statistic of the observations; NaN where the test is not defined.
    at_least, at_most
        Probability, if the forecast is right, of a statistic at least and at most as large.
    bad
        On which side the statistics of bad forecasts lie; None where the test is not defined.
    passed
        At 5 % in that tail, or 2.5 % in both; None where the test is not defined.
    note
        Why a test is not defined, or what was left out.
    engine
        What computed it, with its version.
    """

    test: str
    observed: float
    at_least: float
    at_most: float
    bad: Side | None
    passed: bool | None
    note: str
    engine: str


@dataclass(frozen=True)
class Comparison:
    """Whether a forecast beats another on the same earthquakes, at 5 %.

    Attributes
    ----------
    test
        T (mean of the gain is not 0) or W (its median is not 0).
    gain
        Information gain over the benchmark, nats per earthquake; NaN where not defined.
    low, high
        Its 95 % interval by Student's t; NaN for the W-test.
    p_value
        Two-sided, of no gain.
    better
        True: better than the benchmark; False: worse; None: no difference at 5 %.
    engine
        What computed it, with its version.
    """

    test: str
    gain: float
    low: float
    high: float
    p_value: float
    better: bool | None
    engine: str


def judged(
    test: str,
    statistic: float,
    tails: tuple[float, float],
    bad: Side,
    engine: str,
    note: str = "",
) -> Consistency:
    """Judge a statistic by its tails (at least, at most); `bad` says where bad forecasts lie.

    Examples
    --------
    >>> judged("S", -10.0, (0.97, 0.03), "low", "by hand").passed
    False
    """
    at_least, at_most = map(float, tails)
    if bad == "both":
        passed = min(at_least, at_most) >= LEVEL / 2
    else:
        passed = (at_most if bad == "low" else at_least) >= LEVEL
    return Consistency(test, float(statistic), at_least, at_most, bad, passed, note, engine)


def undefined(test: str, engine: str, note: str) -> Consistency:
    """Return the finding that a test has nothing to say here."""
    return Consistency(test, math.nan, math.nan, math.nan, None, None, note, engine)


def comparison(
    test: str, gain: float, p_value: float, engine: str, interval: tuple[float, float]
) -> Comparison:
    """Judge a gain by its p-value."""
    better = None if not p_value < LEVEL else gain > 0
    low, high = interval
    return Comparison(test, float(gain), float(low), float(high), float(p_value), better, engine)
