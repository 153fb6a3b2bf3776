"""Does it happen as often as the probability says?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from graben.errors import InputError
from graben.evaluation.scores import alarm_curve, checked


@dataclass(frozen=True)
class Reliability:
    """Samples grouped by probability; one entry per group that holds any weight.

    Attributes
    ----------
    low, high
        Limits of the group; a probability equal to `high` belongs to the next one, but for the
        last.
    expected, observed
        Weighted mean of the probability, and share in which it happened.
    weight, count
        Sum of the weights, number of samples.
    """

    low: np.ndarray
    high: np.ndarray
    expected: np.ndarray
    observed: np.ndarray
    weight: np.ndarray
    count: np.ndarray


class CalibrationError(NamedTuple):
    """Mean distance between what was expected and what was observed.

    `plain` is in probability, `relative` is its share of the base rate.
    """

    plain: float
    relative: float


@dataclass(frozen=True)
class Molchan:
    """Share of misses against share of weight under alarm, from no alarm to alarm everywhere."""

    alarm: np.ndarray
    missed: np.ndarray
    threshold: np.ndarray

    def missed_at(self, alarm: float) -> float:
        """Give the share of misses at a share under alarm, both from 0 to 1."""
        return float(np.interp(alarm, self.alarm, self.missed))


def reliability(
    probability: np.ndarray,
    outcome: np.ndarray,
    weight: np.ndarray | None = None,
    edges: Sequence[float] = (0, 0.01, 0.03, 0.1, 0.3, 1),
) -> Reliability:
    """Compare mean probability and observed share in groups of probability.

    Parameters
    ----------
    probability, outcome, weight
        As for the scores; NaN is masked out.
    edges
        Limits of the groups, rising from 0 to 1.

    Raises
    ------
    InputError
        The edges do not rise from 0 to 1, or there are no samples.

    Examples
    --------
    >>> table = reliability(np.array([0.2, 0.2, 0.6]), np.array([0, 1, 1]), edges=(0, 0.5, 1))
    >>> table.observed
    array([0.5, 1. ])
    """
    limits = np.asarray(edges, float)
    if limits.size < 2 or limits[0] != 0 or limits[-1] != 1 or (np.diff(limits) <= 0).any():
        raise InputError(f"expected edges that rise from 0 to 1, got {list(edges)}. Change them.")
    p, y, w = checked(probability, outcome, weight)
    group = np.clip(np.searchsorted(limits, p, side="right") - 1, 0, limits.size - 2)
    expected, observed, weights, count = _grouped(group, limits.size - 1, p, y, w)
    held = weights > 0
    return Reliability(
        limits[:-1][held],
        limits[1:][held],
        expected[held] / weights[held],
        observed[held] / weights[held],
        weights[held],
        count[held],
    )


def calibration_error(
    probability: np.ndarray,
    outcome: np.ndarray,
    weight: np.ndarray | None = None,
    bins: int = 10,
    by: Literal["mass", "count"] = "mass",
) -> CalibrationError:
    """Give the expected calibration error over bins of equal predicted mass, or of equal count.

    Samples are sorted by probability and cut where the sum of the probabilities reaches each
    tenth, so rare high probabilities count as much as frequent low ones; or, by count, where the
    sum of the weights does.

    Parameters
    ----------
    probability, outcome, weight
        As for the scores; NaN is masked out.
    bins
        Number of bins.
    by
        What the bins have equal parts of.

    Returns
    -------
    CalibrationError
        Sum of the absolute differences over the bins, per sum of weights, and per happening (NaN
        where nothing happened).
    """
    p, y, w = checked(probability, outcome, weight)
    order = np.argsort(p, kind="stable")
    mass = np.cumsum((p * w if by == "mass" else w)[order])
    # of a weight, its middle tells the bin, so that equal weights fill bins of equal count
    place = mass if by == "mass" else mass - w[order] / 2
    group = np.minimum((place / max(mass[-1], np.finfo(float).tiny) * bins).astype(int), bins - 1)
    expected, observed, weights, _ = _grouped(group, bins, p[order], y[order], w[order])
    distance = float(np.abs(expected - observed).sum())
    happened = float(observed.sum())
    return CalibrationError(
        distance / float(weights.sum()), distance / happened if happened > 0 else float("nan")
    )


def molchan_curve(
    probability: np.ndarray,
    outcome: np.ndarray,
    weight: np.ndarray | None = None,
    points: int = 200,
) -> Molchan:
    """Give the share of misses against the share of weight under alarm.

    Parameters
    ----------
    probability, outcome, weight
        As for the scores; NaN is masked out.
    points
        At most so many points are kept, spread over both axes.

    Raises
    ------
    InputError
        Nothing happened, so there is nothing to miss.

    References
    ----------
    Molchan (1991), doi:10.1016/0040-1951(91)90336-Q.
    """
    samples = checked(probability, outcome, weight)
    if samples.base_rate == 0:
        raise InputError(
            "expected at least one happening for a Molchan curve, got none. Use a longer period."
        )
    alarm, missed, threshold = alarm_curve(samples)
    # alarm - missed grows along both axes, so steps in it follow steep and flat parts alike
    along = alarm - missed
    kept = np.searchsorted(along, np.linspace(-1, 1, points)).clip(0, along.size - 1)
    kept = np.unique(np.concatenate([[0], kept, [along.size - 1]]))
    return Molchan(alarm[kept], missed[kept], threshold[kept])


def _grouped(
    group: np.ndarray, groups: int, p: np.ndarray, y: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.bincount(group, w * p, groups),
        np.bincount(group, w * y, groups),
        np.bincount(group, w, groups),
        np.bincount(group, minlength=groups),
    )
