"""How well a point process foresaw events, one by one: likelihood, gain, and its clock."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.evaluation import Interval, block_bootstrap, sums_by_block
from graben.quakes.models.point_process import EventScores
from graben.quakes.testing.temporal import rescaled_time_test

BLOCK = 200  # consecutive events resampled together: aftershocks are not independent


@dataclass(frozen=True)
class Likelihood:
    """Scores of a window in nats per event, each with its 95 % interval.

    Attributes
    ----------
    temporal, spatial, total
        Mean log-likelihood per event: in time, log(1/day); in space given the time, log(1/km2);
        their sum. The days after the last event are no part of them.
    events
        How many events were scored.
    expected_over_observed
        Events expected in the whole window over those that came.
    time_rescaling_distance
        See the function of this name.
    """

    temporal: Interval
    spatial: Interval
    total: Interval
    events: int
    expected_over_observed: float
    time_rescaling_distance: float


def score_events(scores: EventScores) -> Likelihood:
    """Summarise what a model said of the events of a window.

    Intervals resample blocks of 200 consecutive events; with fewer than 400 events there are too
    few blocks, and the bounds are NaN.

    Parameters
    ----------
    scores
        Of one event or more.

    Examples
    --------
    >>> one = np.ones(1000)
    >>> found = score_events(EventScores(2 * one, one, 0.5 * one, 0.0))
    >>> round(found.temporal.value, 6), round(found.total.value, 6), found.expected_over_observed
    (0.193147, -0.5, 0.5)
    """
    count = scores.expected.size
    return Likelihood(
        _mean(scores.temporal),
        _mean(scores.spatial),
        _mean(scores.total),
        count,
        float(scores.expected.sum() + scores.expected_after) / count,
        time_rescaling_distance(scores),
    )


def gain_per_event(scores: EventScores, baseline: EventScores) -> Interval:
    """Return the mean gain in total log-likelihood over a baseline on the same events, nats.

    Above 0 the model is better; the interval is paired, so that what is hard for both cancels.
    """
    return _mean(scores.total - baseline.total)


def time_rescaling_distance(scores: EventScores) -> float:
    """Return how far the model's clock is off: 0 is perfect, below 1.36 / sqrt(events) is chance.

    On a clock that runs with the expected number of events, waiting times are exponential if the
    model is right. The distance is that of Kolmogorov and Smirnov between 1 - exp(-expected) and
    the uniform distribution (Brown et al. 2002, doi:10.1162/08997660252741149).
    """
    return rescaled_time_test(scores.expected).distance


def _mean(values: NDArray[Any]) -> Interval:
    if values.size < 2 * BLOCK:
        return Interval(float(values.mean()), float("nan"), float("nan"))
    blocks = np.arange(values.size) // BLOCK
    return block_bootstrap(*sums_by_block(values, np.ones(values.size), blocks))
