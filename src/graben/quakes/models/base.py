"""What all models of the main job have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.quakes.scene import Scene
from graben.quakes.study import Study

Places = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Situation:
    """A scene at issue times: the maps are made once, whatever is asked of them."""

    scene: Scene
    times: pd.DatetimeIndex

    @cached_property
    def maps(self) -> NDArray[Any]:
        """The maps of the past, (time, kernel, lat, lon)."""
        return np.concatenate([maps for _, maps in self.scene.batches(self.times, "maps")])


@dataclass(frozen=True)
class Probabilities:
    """Probabilities at places, (time, place), and 90 % intervals; NaN where there are none.

    The interval says how well training determines the probability: it comes from the ensemble's
    members and from resampled training years. It does not cover what no model here knows.
    """

    value: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]


class ForecastModel(ABC):
    """A model of the probability of earthquakes; learned state ends in `_`."""

    name: ClassVar[str]
    fits: ClassVar[str]
    needs_terrain: ClassVar[bool] = False
    margin_degrees: ClassVar[float] = 0.0

    @abstractmethod
    def fit(self, study: Study) -> Self:
        """Learn from the study's training windows, and stop by its validation windows."""

    @abstractmethod
    def forecast(self, situation: Situation, places: Places) -> Probabilities:
        """Return the probability of the scene's quantity at places."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """Return the learned arrays by name."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return what else must be known to build the model again, in JSON's types."""

    @abstractmethod
    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the learned arrays and settings back."""

    def check(self, situation: Situation) -> None:
        """Raise where the situation is outside what the model was made for.

        Raises
        ------
        RasterError
            The model needs terrain and there is none.
        """
        if self.needs_terrain:
            _ = situation.scene.terrain
