"""What models that see one place at a time have in common."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.special import expit

from graben.learning import History, Recipe, Samples, fit, predict
from graben.learning.threads import torch_threads
from graben.quakes.models.base import ForecastModel, Places, Probabilities, Situation
from graben.quakes.models.samples import PlaceSamples, place_samples
from graben.quakes.scene import Scene
from graben.quakes.study import Study


class PlaceModel(ForecastModel):
    """A net that answers with the log odds at a place; trained on case-control samples.

    Parameters
    ----------
    recipe
        How the net is trained; the training of the model's name by default.

    Attributes
    ----------
    history_
        How the training went.
    """

    share: ClassVar[float] = 1.0
    threads: ClassVar[int | None] = None
    net_: Any
    history_: History

    def __init__(self, recipe: Recipe | None = None) -> None:
        self.recipe = recipe or self.tuned()

    @classmethod
    @abstractmethod
    def tuned(cls) -> Recipe:
        """Return the recipe that did best on validation data."""

    @abstractmethod
    def build(self) -> Any:
        """Return the untrained net."""

    @abstractmethod
    def inputs(
        self,
        scene: Scene,
        times: pd.DatetimeIndex,
        window: NDArray[Any],
        places: Places,
        labels: PlaceSamples | None,
        offset: bool,
    ) -> Samples:
        """Return what the net sees at each place and issue time, with its labels if given."""

    def fit(self, study: Study) -> Self:
        """Train on the study's case-control samples; keep what is best on weighted validation."""
        if self.needs_terrain:
            _ = study.terrain
        drawn = place_samples(study)
        training = self._inputs(study, drawn["training"].first(self.share), offset=True)
        validation = self._inputs(study, drawn["validation"].first(self.share), offset=False)
        self.net_ = self.build()
        with torch_threads(self.threads or torch.get_num_threads()):
            self.history_ = fit(self.net_, training, validation, "cross-entropy", self.recipe)
        return self

    def _inputs(self, study: Study, drawn: PlaceSamples, *, offset: bool) -> Samples:
        longitude, latitude = study.places
        places = longitude[drawn.place], latitude[drawn.place]
        return self.inputs(study, study.issue_times, drawn.window, places, drawn, offset)

    def probabilities(self, study: Study, drawn: PlaceSamples) -> NDArray[Any]:
        """Return the probability at samples of a study, (sample,)."""
        return expit(self._log_odds(self._inputs(study, drawn, offset=False)))

    def _log_odds(self, inputs: Samples) -> NDArray[Any]:
        with torch_threads(self.threads or torch.get_num_threads()):
            return predict(self.net_, inputs, 64)[:, 0].astype(np.float64)

    def forecast(self, situation: Situation, places: Places) -> Probabilities:
        """Return the probability of the scene's quantity at places, without intervals."""
        count = len(places[0])
        window = np.repeat(np.arange(len(situation.times)), count)
        everywhere = (
            np.tile(places[0], len(situation.times)),
            np.tile(places[1], len(situation.times)),
        )
        inputs = self.inputs(
            situation.scene, situation.times, window, everywhere, None, offset=False
        )
        value = expit(self._log_odds(inputs)).reshape(len(situation.times), count)
        none = np.full_like(value, np.nan)
        return Probabilities(value, none, none)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the net's weights."""
        return {f"net.{name}": value.numpy() for name, value in self.net_.state_dict().items()}

    def settings(self) -> dict[str, Any]:
        """Return how the net was trained."""
        return {"recipe": asdict(self.recipe)}

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the net's weights back."""
        self.recipe = Recipe(**settings["recipe"])
        self.net_ = self.build()
        weights = {n.removeprefix("net."): torch.from_numpy(v.copy()) for n, v in tensors.items()}
        self.net_.load_state_dict(weights)
        self.net_.eval()
