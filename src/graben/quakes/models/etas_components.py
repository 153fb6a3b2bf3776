"""ETAS taken apart: fine and coarse background, and triggering by how recent the parent is."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import NDArray

from graben.quakes.models.components import Components
from graben.quakes.models.etas_likelihood import EVER, Triggering
from graben.quakes.models.etas_time import DecayMixture, running_rates
from graben.quakes.sequence import EventSequence

if TYPE_CHECKING:
    from graben.quakes.models.strike import Strikes

RANKS = (0, 10, 100, 1000)
NAMES = (
    "fine background",
    "coarse background",
    "triggered by the last 10",
    "triggered by ranks 11-100",
    "triggered by ranks 101-1,000",
    "triggered by older events",
)
LEAST_RATE = 1e-12
FIRST_LOG_AGE, LOG_AGE_STEP, AGES = -24.0, 0.01, 3700


@dataclass(frozen=True, eq=False)
class BackgroundParts:
    """The background at targets, in two parts.

    Attributes
    ----------
    density
        Intensity at epicentres, per day and km2, (target, 2): fine, coarse.
    rate
        Events per day in the polygon, (2,).
    """

    density: NDArray[Any]
    rate: NDArray[Any]


@dataclass(frozen=True, eq=False)
class EtasParts:
    """The parts of the triggered rate in the intervals of a run of events.

    The run starts with the training window and ends with event `stop` - 1 or later, on day `end`.
    """

    sequence: EventSequence
    triggering: Triggering
    stop: int
    end: float

    @property
    def first(self) -> int:
        """Number of the first event of the run."""
        return self.sequence.training.start

    @cached_property
    def bounds(self) -> NDArray[Any]:
        """Start and end of each interval, days, (interval, 2)."""
        time = self.sequence.time[self.first : self.stop]
        starts = np.concatenate([[self.sequence.days[1]], time])
        return np.stack([starts, np.append(time, self.end)], axis=1)

    def run(
        self, background: BackgroundParts, strikes: "Strikes | None", events: slice
    ) -> Components:
        """Return the components of the run; intensities of some targets, NaN elsewhere.

        Parameters
        ----------
        background
            At the targets among `events`.
        strikes
            Of all events; None where triggering is isotropic.
        events
            At the targets among which intensities are needed.
        """
        triggered, expected, after = self._in_time()
        flat = np.broadcast_to(background.rate, (len(triggered), 2))
        intensity = np.full((len(triggered), len(NAMES)), np.nan)
        ranks = (*RANKS, EVER)
        targets = self.sequence.targets(events)
        at = targets - self.first
        intensity[at, :2] = background.density
        intensity[at, 2:] = self.triggering.rates_at(self.sequence, strikes, targets, ranks)
        return Components(
            self.bounds[:, 1],
            intensity,
            np.hstack([flat, triggered]),
            np.hstack([np.diff(self.bounds, axis=1) * background.rate, expected]),
            after + background.rate.sum(),
            NAMES,
        )

    def window(self, run: Components, start: float, background: BackgroundParts) -> Components:
        """Return the end of a run, of which the background was given, counted from day `start`.

        The first interval that is kept is the one that holds `start`; its expected counts are
        those of what is left of it.
        """
        kept = int(np.searchsorted(run.time, start, side="left"))
        expected = run.expected[kept:].copy()
        expected[0] = self._expected_between(start, float(run.time[kept]), kept, background.rate)
        return Components(
            run.time[kept:],
            run.intensity[kept:],
            run.rate[kept:],
            expected,
            run.rate_after[kept:],
            run.names,
        )

    def _expected_between(
        self, start: float, end: float, interval: int, background_rate: NDArray[Any]
    ) -> NDArray[Any]:
        """Return what is expected in a part of an interval, (component,)."""
        past = self._past[interval]
        _, recent = self._recent(np.array([[start, end]]), np.array([past]))
        age = self.sequence.time[:past]
        mixture = DecayMixture.of(self.triggering.parameters)
        integral = mixture.integral(end - age) - mixture.integral(start - age)
        total = float(self.triggering.produced(self.sequence.excess[:past]) @ integral)
        older = max(total - float(recent.sum()), 0.0)
        return np.concatenate([(end - start) * background_rate, recent[0], [older]])

    @cached_property
    def _past(self) -> NDArray[Any]:
        """How many events are strictly earlier than the end of each interval, (interval,)."""
        return np.append(self.sequence.history[self.first : self.stop], self.stop)

    def _in_time(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return rates before events, expected counts of intervals, and total rates after starts.

        The first is (event, class of rank), the second (interval, class of rank).
        """
        sequence, mixture = self.sequence, DecayMixture.of(self.triggering.parameters)
        produced = self.triggering.produced(sequence.excess)
        followed = np.empty((self.stop + 1, 3))
        running_rates(
            np.append(sequence.time[: self.stop], self.end),
            np.append(produced[: self.stop], 0.0),  # the end of the run triggers nothing
            mixture.decay,
            mixture.weight,
            sequence.days[1],
            followed,
        )
        followed = followed[self.first :]
        rate, expected = self._recent(self.bounds, self._past)
        rate = np.column_stack([rate, followed[:, 0] - rate.sum(axis=1)])
        expected = np.column_stack([expected, followed[:, 1] - expected.sum(axis=1)])
        return np.maximum(rate[:-1], LEAST_RATE), np.maximum(expected, 0.0), followed[:, 2]

    def _recent(
        self, bounds: NDArray[Any], past: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return rates at ends and expected counts, (interval, class), but of the oldest class."""
        parameters = self.triggering.parameters
        mixture = DecayMixture.of(parameters)
        ages = np.exp(FIRST_LOG_AGE + LOG_AGE_STEP * np.arange(AGES))
        decay = np.exp(-np.multiply.outer(ages, mixture.decay)) @ mixture.weight
        integral = np.stack([mixture.integral(ages), ages * decay])
        rate = np.empty((len(bounds), len(RANKS) - 1))
        expected = np.empty_like(rate)
        _by_rank(
            bounds,
            past,
            np.array(RANKS),
            self.sequence.time,
            self.triggering.produced(self.sequence.excess),
            integral,
            rate,
            expected,
        )
        return rate, expected


@numba.njit(cache=True)
def _integral_to(age, integral):  # type: ignore[no-untyped-def]
    """Return decay rate and its integral from 0, by cubic interpolation in the logarithm of age."""
    if age <= np.exp(FIRST_LOG_AGE):
        slope = integral[1, 0] * np.exp(-FIRST_LOG_AGE)
        return slope, slope * max(age, 0.0)
    position = (np.log(age) - FIRST_LOG_AGE) / LOG_AGE_STEP
    k = min(int(position), integral.shape[1] - 2)
    s = position - k
    left, right = integral[0, k], integral[0, k + 1]
    rise, end = integral[1, k] * LOG_AGE_STEP, integral[1, k + 1] * LOG_AGE_STEP
    square, cube = s * s, s * s * s
    value = (
        left * (2 * cube - 3 * square + 1)
        + rise * (cube - 2 * square + s)
        + right * (3 * square - 2 * cube)
        + end * (cube - square)
    )
    slope = (
        (left - right) * 6 * (square - s)
        + rise * (3 * square - 4 * s + 1)
        + end * (3 * square - 2 * s)
    )
    return slope / (LOG_AGE_STEP * age), value


@numba.njit(parallel=True, cache=True)
def _by_rank(bounds, past, ranks, time, produced, integral, rate, expected):  # type: ignore[no-untyped-def]
    for q in numba.prange(past.size):
        for k in range(ranks.size - 1):
            at_end = 0.0
            between = 0.0
            first = max(0, past[q] - ranks[k + 1])
            for j in range(first, max(0, past[q] - ranks[k])):
                slope, until_end = _integral_to(bounds[q, 1] - time[j], integral)
                at_end += produced[j] * slope
                if bounds[q, 1] > bounds[q, 0]:
                    _, until_start = _integral_to(bounds[q, 0] - time[j], integral)
                    between += produced[j] * (until_end - until_start)
            rate[q, k] = at_end
            expected[q, k] = between
