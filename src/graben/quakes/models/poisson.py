"""The homogeneous Poisson process: every day and every square kilometre alike."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graben.quakes.models.point_process import EventScores, PointProcess
from graben.quakes.sequence import EventSequence

LEAST_EVENTS = 20  # fewer leave the rate uncertain by a quarter and more


class HomogeneousPoisson(PointProcess):
    """One rate for all times and places: the floor under every other model.

    The rate is that of all events from the auxiliary start to the test start over the polygon, as
    in EarthquakeNPP (Stockman et al. 2026, arXiv:2410.08226). The Poisson rows published there
    spread the expected number of the whole test window over its events; the scores here leave out
    the days after the last event, as for all models, which adds less than 0.002 nats per event.

    Attributes
    ----------
    intensity_
        Events per day and square kilometre.
    """

    name = "poisson"
    fits = "any catalogue; it knows neither clusters nor faults"
    takes_steps = True

    intensity_: float

    def fit(self, sequence: EventSequence) -> Self:
        """Count the events before the test window.

        Raises
        ------
        CatalogError
            There are fewer than 20 to learn from.
        """
        sequence.require(LEAST_EVENTS)
        events = sequence.targets(slice(0, sequence.test.start)).size
        days = float(sequence.reported_days(0.0, np.array(sequence.days[3])))
        self.intensity_ = events / days / sequence.polygon.area_km2
        return self

    def score(self, sequence: EventSequence, events: slice) -> EventScores:
        """Return the constant rate, and what it expected between the events."""
        time = sequence.time[sequence.targets(events)]
        start, end = sequence.span(events)
        rate = self.intensity_ * sequence.polygon.area_km2
        moments = np.concatenate([[start], time, [end]])
        expected = rate * np.diff(sequence.reported_days(start, moments))
        share = sequence.reported_share(time)
        return EventScores(
            rate * share,
            self.intensity_ * share,
            expected[:-1],
            float(expected[-1]),
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the intensity."""
        return {"intensity": np.array([self.intensity_])}

    def settings(self) -> dict[str, Any]:
        """Return nothing: there is nothing to set."""
        return {}

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the intensity back."""
        self.intensity_ = float(tensors["intensity"][0])
