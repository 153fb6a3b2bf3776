"""An intensity as the sum of its components: what gates multiply."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.quakes.models.point_process import EventScores


@dataclass(frozen=True, eq=False)
class Components:
    """What each component of a point process said of a run of events, interval by interval.

    Interval i ends with event i and starts with the event before (the first: with the run); one
    more interval leads from the last event to the end of the run.

    Attributes
    ----------
    time
        End of each interval, days: the time of its event; of the run for the last, (interval,).
    intensity
        Events per day and square kilometre at each event's epicentre, (event, component).
    rate
        Events per day over the whole plane, just before each event, (event, component).
    expected
        Events expected in each interval, (interval, component).
    rate_after
        Events per day of all components just after each interval's start, (interval,).
    names
        Of the components.
    """

    time: NDArray[Any]
    intensity: NDArray[Any]
    rate: NDArray[Any]
    expected: NDArray[Any]
    rate_after: NDArray[Any]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.intensity)

    def only(self, kept: NDArray[Any]) -> "Components":
        """Return the run of some of its events, (event,) of bool; the others end no interval."""
        if kept.all():
            return self
        ends = np.flatnonzero(np.append(kept, True))
        starts = np.concatenate([[0], ends[:-1] + 1])
        return Components(
            self.time[ends],
            self.intensity[ends[:-1]],
            self.rate[ends[:-1]],
            np.add.reduceat(self.expected, starts),
            self.rate_after[starts],
            self.names,
        )

    @property
    def history(self) -> NDArray[Any]:
        """How many events are strictly earlier than the end of each interval, (interval,)."""
        return np.searchsorted(self.time[:-1], self.time, side="left")


def gated(components: Components, log_gates: NDArray[Any]) -> EventScores:
    """Return the scores of the components, each multiplied by its gate and summed.

    The gates are constant within an interval, so the likelihood stays exact: of event i it is
    log(sum_c exp(f_c) intensity_c) - sum_c exp(f_c) expected_c.

    Parameters
    ----------
    components
        Of the events of a window.
    log_gates
        f, (interval, component).

    Examples
    --------
    Gates of exp(0) leave the components as they are:

    >>> one = Components(
    ...     np.array([1.0, 3.0]), np.array([[0.1, 0.2]]), np.array([[2.0, 1.0]]),
    ...     np.array([[0.5, 0.25], [4.0, 2.0]]), np.array([3.0, 3.0]), ("background", "triggered"))
    >>> scores = gated(one, np.zeros((2, 2)))
    >>> scores.rate, scores.expected, scores.expected_after
    (array([3.]), array([0.75]), 6.0)
    """
    gates = np.exp(log_gates)
    expected = (gates * components.expected).sum(axis=1)
    return EventScores(
        (gates[:-1] * components.rate).sum(axis=1),
        (gates[:-1] * components.intensity).sum(axis=1),
        expected[:-1],
        float(expected[-1]),
    )
