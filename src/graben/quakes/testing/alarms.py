"""Forecasts as alarms: Molchan diagram with area skill score, and ROC, against a reference."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

from graben.errors import InputError

SIMULATED_TO = 100  # earthquakes; beyond, the mean of so many is normal
SIMULATIONS = 10_000


@dataclass(frozen=True)
class MolchanTest:
    """Share of missed earthquakes against the share of the reference under alarm.

    Attributes
    ----------
    alarm, missed
        The curve, from no alarm to alarm everywhere. Alarms are raised first where the forecast
        is highest relative to the reference.
    low, high
        Band, at each point of `alarm`, that holds 95 % of the curves if the reference is right.
    skill
        Area skill score: area above the curve; 1/2 if the forecast knows no more than the
        reference, 1 if it knows all.
    skill_low, skill_high
        What 95 % of skills lie between if the reference is right.
    p_value
        Probability of such a skill, or a higher one, if the reference is right.
    events
        Number of earthquakes.
    """

    alarm: NDArray[Any]
    missed: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]
    skill: float
    skill_low: float
    skill_high: float
    p_value: float
    events: int


@dataclass(frozen=True)
class RocTest:
    """Share of struck cells under alarm against the share of the quiet area under alarm.

    Attributes
    ----------
    false_alarm, hit
        The curve of the forecast.
    area
        Area under it.
    reference_false_alarm, reference_hit, reference_area
        The same for the reference as a forecast: an area never stands alone, for where
        earthquakes repeat their places every map has a large one.
    """

    false_alarm: NDArray[Any]
    hit: NDArray[Any]
    area: float
    reference_false_alarm: NDArray[Any]
    reference_hit: NDArray[Any]
    reference_area: float


def molchan_test(
    rates: NDArray[Any], counts: NDArray[Any], reference: NDArray[Any], seed: int = 0
) -> MolchanTest:
    """Draw the Molchan diagram of rates, and test their area skill score.

    Parameters
    ----------
    rates
        Expected numbers in cells, or in windows and cells: any shape.
    counts
        Observed numbers, of the same shape.
    reference
        Measure of the same shape, such as the cells' area, area times time, or a map of smoothed
        seismicity: earthquakes that follow it are what the forecast must beat.
    seed
        Of the simulated skills, which are drawn for up to a hundred earthquakes.

    Raises
    ------
    InputError
        There is no earthquake, or the shapes differ.

    References
    ----------
    Molchan (1991), doi:10.1016/0040-1951(91)90336-Q; Zechar & Jordan (2008),
    doi:10.1111/j.1365-246X.2007.03676.x, and (2010), doi:10.1007/s00024-010-0064-9.

    Examples
    --------
    A forecast that is the reference has no skill, wherever the earthquakes are:

    >>> area = np.array([1.0, 2.0, 3.0])
    >>> molchan_test(area, np.array([0, 5, 0]), area).skill
    0.5
    """
    forecast, events, measure = _checked(rates, counts, reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        # rounded, so that what differs by the digits of a text file only is equal
        ratio = np.round(np.log(np.where(forecast > 0, forecast / measure, 0.0)), 6)
    order = np.argsort(-ratio, kind="stable")
    last = np.append(np.flatnonzero(ratio[order][1:] != ratio[order][:-1]), order.size - 1)
    alarm = np.append(0.0, np.cumsum(measure[order])[last] / measure.sum())
    alarm[-1] = 1.0
    number = int(events.sum())
    missed = np.append(1.0, 1 - np.cumsum(events[order])[last] / number)
    skill = float(np.trapezoid(1 - missed, alarm))
    # an earthquake in a group of ties gains what lies beyond the middle of the group
    middle = 1 - (alarm[1:] + alarm[:-1]) / 2
    simulated = _skills(np.diff(alarm), middle, number, np.random.default_rng(seed))
    low, high = (1 - binom.ppf(level, number, alarm) / number for level in (0.975, 0.025))
    return MolchanTest(alarm, missed, low, high, skill, *simulated.bounds,
                       simulated.at_least(skill), number)  # fmt: skip


@dataclass(frozen=True)
class _Skills:
    """Distribution of the skill under the reference: drawn, or normal."""

    drawn: NDArray[Any]
    spread: float

    @property
    def bounds(self) -> tuple[float, float]:
        if self.drawn.size:
            low, high = np.quantile(self.drawn, (0.025, 0.975))
            return float(low), float(high)
        reach = float(norm.ppf(0.975)) * self.spread
        return 0.5 - reach, 0.5 + reach

    def at_least(self, skill: float) -> float:
        if self.drawn.size:
            return float(np.mean(self.drawn >= skill - 1e-12))
        if self.spread == 0:
            return 1.0
        return float(norm.sf((skill - 0.5) / self.spread))


def _skills(
    share: NDArray[Any], gain: NDArray[Any], number: int, rng: np.random.Generator
) -> _Skills:
    variance = max(float((share * gain**2).sum()) - 0.25, 0.0) / number
    if number > SIMULATED_TO:
        return _Skills(np.empty(0), float(np.sqrt(variance)))
    group = np.searchsorted(np.cumsum(share)[:-1], rng.random((SIMULATIONS, number)), "right")
    return _Skills(gain[group].mean(axis=1), float(np.sqrt(variance)))


def roc_test(
    rates: NDArray[Any], counts: NDArray[Any], area: NDArray[Any], reference: NDArray[Any]
) -> RocTest:
    """Draw the ROC of rates beside that of a reference.

    Parameters
    ----------
    rates, counts
        Expected and observed numbers in cells, or in windows and cells: any shape.
    area
        Size of each cell (and window), by which hits and false alarms are weighted.
    reference
        Expected numbers of the reference forecast.

    Raises
    ------
    InputError
        No cell was struck, or all were; or the shapes differ.
    """
    forecast, events, measure = _checked(rates, counts, area)
    struck = events > 0
    if struck.all():
        raise InputError(
            "expected cells without an earthquake, got none. Use a shorter time or finer cells."
        )
    others = np.ravel(reference).astype(float)
    ours = _roc(struck, forecast / measure, measure)
    theirs = _roc(struck, others / measure, measure)
    return RocTest(*ours, *theirs)


def _roc(
    struck: NDArray[Any], density: NDArray[Any], area: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], float]:
    from sklearn.metrics import auc, roc_curve

    false_alarm, hit, _ = roc_curve(struck, density, sample_weight=area)
    return false_alarm, hit, float(auc(false_alarm, hit))


def _checked(
    rates: NDArray[Any], counts: NDArray[Any], measure: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    shapes = [np.shape(values) for values in (rates, counts, measure)]
    if len(set(shapes)) > 1:
        raise InputError(
            f"expected rates, counts and reference of one shape, got {shapes}. Broadcast them."
        )
    flat = [np.ravel(values).astype(float) for values in (rates, counts, measure)]
    if not flat[1].any():
        raise InputError(
            "expected at least one earthquake to be caught or missed, got none. Use a longer time."
        )
    if not (flat[2] >= 0).all() or not flat[2].any():
        raise InputError("expected a reference of 0 or more, got another. Check what was passed.")
    return flat[0], flat[1], flat[2]
