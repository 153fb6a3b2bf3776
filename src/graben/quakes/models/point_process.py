"""What models of point processes have in common: an intensity in time and space, and its score."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from graben.errors import ModelError
from graben.quakes.sequence import EventSequence


@dataclass(frozen=True, eq=False)
class EventScores:
    """What a model said of each target of a window, just before it happened.

    Attributes
    ----------
    rate
        Events per day over the whole plane, (event,).
    intensity
        Events per day and square kilometre at the event's epicentre, (event,).
    expected
        Events expected since the event before (since the window's start for the first), (event,).
    expected_after
        Events expected from the last event to the window's end; it is no part of the scores.
    """

    rate: NDArray[Any]
    intensity: NDArray[Any]
    expected: NDArray[Any]
    expected_after: float

    @property
    def temporal(self) -> NDArray[Any]:
        """Log-likelihood in time, log(1/day), (event,)."""
        return np.log(self.rate) - self.expected

    @property
    def spatial(self) -> NDArray[Any]:
        """Log-likelihood in space given the time, log(1/km2), (event,)."""
        return np.log(self.intensity) - np.log(self.rate)

    @property
    def total(self) -> NDArray[Any]:
        """Log-likelihood in time and space, (event,)."""
        return np.log(self.intensity) - self.expected


class PointProcess(ABC):
    """A model of when and where events above completeness happen; learned state ends in `_`."""

    name: ClassVar[str]
    fits: ClassVar[str]
    takes_sources: ClassVar[bool] = False  # whether events below completeness may be sources
    takes_steps: ClassVar[bool] = False  # whether completeness may vary in time

    def check_completeness(self, sequence: EventSequence) -> None:
        """Refuse a completeness that varies in time, where the model cannot take it.

        Raises
        ------
        ModelError
            It varies, and the model cannot.
        """
        if sequence.completeness_steps and not self.takes_steps:
            raise ModelError(
                f"expected one completeness magnitude for {self.name}, got "
                f"{len(sequence.completeness_steps)} steps of it. Use poisson, etas or "
                "mapped-etas, or cut the catalogue at a magnitude from which it is complete "
                "throughout."
            )

    @abstractmethod
    def fit(self, sequence: EventSequence) -> Self:
        """Learn from the training and validation windows; nothing from the test window on."""

    @abstractmethod
    def score(self, sequence: EventSequence, events: slice) -> EventScores:
        """Return what the fitted model says of the targets of one window of the sequence."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """Return the learned arrays by name."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return what else must be known to build the model again, in JSON's types."""

    @abstractmethod
    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the learned arrays and settings back."""
