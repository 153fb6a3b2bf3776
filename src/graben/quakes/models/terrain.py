"""Landforms alone: a logistic regression that shows what they do not know."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from graben.quakes.models.base import ForecastModel, Places, Probabilities, Situation
from graben.quakes.scene import Scene
from graben.quakes.study import Study


class Terrain(ForecastModel):
    """Logistic regression on elevation, relief, slope and land at a place, and nothing else."""

    name = "terrain"
    fits = "a warning: landforms alone know where, not when, and not even where within a region"
    needs_terrain = True

    def fit(self, study: Study) -> Self:
        """Fit to all training windows, each place weighted by its area."""
        features = terrain_terms(study, study.places)
        hits = study.outcomes[study.windows_of("training")].mean(axis=0)
        weight = np.concatenate([study.place_weight * hits, study.place_weight * (1 - hits)])
        label = np.repeat([True, False], len(features))
        mean, deviation = features.mean(axis=0), features.std(axis=0)
        both = np.tile((features - mean) / deviation, (2, 1))
        used = weight > 0
        model = LogisticRegression(C=np.inf, solver="newton-cholesky")
        model.fit(both[used], label[used], sample_weight=weight[used] / weight.mean())
        slopes = model.coef_[0] / deviation
        self.coefficients_ = np.concatenate([model.intercept_ - slopes @ mean, slopes])
        return self

    def log_odds(self, scene: Scene, places: Places) -> NDArray[Any]:
        """Return the log odds at places, the same at all times."""
        return self.coefficients_[0] + terrain_terms(scene, places) @ self.coefficients_[1:]

    def forecast(self, situation: Situation, places: Places) -> Probabilities:
        """Return the probability at places, the same at all times, without intervals."""
        once = 1 / (1 + np.exp(-self.log_odds(situation.scene, places)))
        value = np.tile(once, (len(situation.times), 1))
        none = np.full_like(value, np.nan)
        return Probabilities(value, none, none)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the coefficients, the intercept first."""
        return {"coefficients": self.coefficients_}

    def settings(self) -> dict[str, Any]:
        """Return nothing: there is nothing to set."""
        return {}

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the coefficients back."""
        self.coefficients_ = tensors["coefficients"]


def terrain_terms(scene: Scene, places: Places) -> NDArray[Any]:
    """Return seven terms of the terrain (means of the 4 cells around) at places, (place, 7)."""
    elevation, relief, slope, land = (_around(scene, raster, places) for raster in scene.terrain)
    logs = np.log1p(1000 * relief)
    terms = (elevation, logs, np.log1p(100 * slope), land, elevation**2, logs**2, land * logs)
    return np.stack(terms, axis=1)


def _around(scene: Scene, raster: NDArray[Any], places: Places) -> NDArray[Any]:
    grid = scene.grid
    row = np.round((places[1] - grid.south) / grid.step).astype(int)
    column = np.round((places[0] - grid.west) / grid.step).astype(int)
    rows = np.clip([row - 1, row], 0, grid.rows - 1)
    columns = np.clip([column - 1, column], 0, grid.columns - 1)
    return raster[rows[:, None], columns[None]].mean(axis=(0, 1))
