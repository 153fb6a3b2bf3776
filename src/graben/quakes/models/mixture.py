"""Rates as a mixture of maps: uniform, smoothed seismicity, Omori decay. Weights by EM."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.quakes.models.rates import RateModel
from graben.quakes.scene import Scene
from graben.quakes.study import Study

EM_STEPS = 400
LEAST_RATE = np.float32(1e-12)


def expectation_maximisation(
    values: NDArray[Any], totals: NDArray[Any], steps: int = EM_STEPS
) -> NDArray[Any]:
    """Return the non-negative weights that maximise a Poisson mixture's likelihood.

    Parameters
    ----------
    values
        Each component's expected count in the cell and window of each event, (event, component).
    totals
        Each component's expected count over all cells and windows, (component,). Components
        whose total is 0 get weight 0.
    steps
        EM steps; the likelihood rises at every one and the problem is convex.

    Examples
    --------
    >>> values = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> expectation_maximisation(values, np.array([1.0, 1.0])).round(6)
    array([1., 2.])
    """
    used = totals > 0
    weights = np.zeros(totals.size)
    weights[used] = len(values) / totals[used] / used.sum()
    for _ in range(steps):
        share = values[:, used] / (values[:, used] @ weights[used])[:, None]
        weights[used] *= share.sum(axis=0) / totals[used]
    return weights


class Mixture(RateModel):
    """Expected counts as a weighted sum of maps of the past and of land and sea.

    Learned: `weights_`, one per map of the scene, then land and sea.
    """

    uses_smoothed = True
    uses_omori = True

    def fit_rates(self, study: Study) -> None:
        """Fit the weights to the study's training windows."""
        values, totals = training_likelihood(study)
        self.weights_ = self._fitted(values, totals, study)

    def _fitted(self, values: NDArray[Any], totals: NDArray[Any], study: Study) -> NDArray[Any]:
        smoothed = len(study.maps.smoothed)
        chosen = np.ones(totals.size, bool)
        chosen[:smoothed] = self.uses_smoothed
        chosen[smoothed:-2] = self.uses_omori
        weights = np.zeros(totals.size)
        weights[chosen] = expectation_maximisation(values[:, chosen], totals[chosen])
        return weights

    def members_of(self, scene: Scene, times: pd.DatetimeIndex, maps: NDArray[Any]) -> NDArray[Any]:
        """Return the rates, (1, time, lat, lon): there is one member."""
        seismic = np.tensordot(maps, self.weights_[:-2].astype(np.float32), (1, 0))
        uniform = np.tensordot(self.weights_[-2:], scene.background, 1)
        uniform = scene.maps.long_run(times)[:, None, None] * uniform
        return np.maximum(seismic + uniform.astype(np.float32), LEAST_RATE)[None]

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the learned weights."""
        return {"weights": self.weights_, **super().state()}

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the learned weights back."""
        super().restore(tensors, settings)
        self.weights_ = tensors["weights"]


class Uniform(Mixture):
    """Two rates, land and sea."""

    name = "uniform"
    fits = "any catalogue; the least that a forecast must beat"
    uses_smoothed = False
    uses_omori = False


class Stationary(Mixture):
    """Where earthquakes were: 15 causal maps of smoothed seismicity, land and sea."""

    name = "stationary"
    fits = "any catalogue; long horizons"
    uses_omori = False


class Omori(Mixture):
    """Where earthquakes were and how recent ones decay: 15 smoothed and 12 Omori maps."""

    name = "omori"
    fits = "any catalogue, anywhere; no terrain needed"


@lru_cache(maxsize=1)
def training_likelihood(study: Study) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return every component's value at each training event, and its total (kept on the study)."""
    windows = study.windows_of("training")
    times = study.issue_times[windows]
    targets = study.targets[np.isin(study.targets["window"], windows)]
    components = len(study.maps.smoothed) + len(study.maps.omori)
    totals = np.zeros(components)
    values = np.zeros((len(targets), components))
    for batch, maps in study.batches(times, "maps of the training years"):
        totals += maps.sum(axis=(0, 2, 3), dtype=np.float64)
        here = np.isin(targets["window"], windows[batch])
        at = targets[here]
        values[here] = maps[at["window"] - windows[batch.start], :, at["row"], at["column"]]
    scale = study.maps.long_run(study.issue_times)
    flat = study.background[:, targets["row"], targets["column"]] * scale[targets["window"]]
    values = np.concatenate([values, flat.T], axis=1)
    uniform = study.background.sum(axis=(1, 2)) * scale[windows].sum()
    return values, np.concatenate([totals, uniform])
