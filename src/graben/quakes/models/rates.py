"""What models of rates have in common: expected counts per cell, and the probability from them."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from graben.errors import ModelError
from graben.quakes.models.base import ForecastModel, Places, Probabilities, Situation
from graben.quakes.models.calibration import Calibration, fit_calibration
from graben.quakes.places import disc_matrix
from graben.quakes.scene import Scene
from graben.quakes.study import Study


class RateModel(ForecastModel):
    """A model of expected counts; subclasses say how the maps of the past become rates.

    Learned: what the subclass learns, and `calibrations_`, one per radius (km), which turn the
    expected count in a disc into the probability of at least one earthquake there.
    """

    calibrations_: dict[float, Calibration]

    @abstractmethod
    def fit_rates(self, study: Study) -> None:
        """Learn the rates from the study's training (and validation) windows."""

    @abstractmethod
    def rates_of(self, scene: Scene, times: pd.DatetimeIndex, maps: NDArray[Any]) -> NDArray[Any]:
        """Return expected counts (time, lat, lon) per horizon from the maps at these times."""

    def members_of(self, scene: Scene, times: pd.DatetimeIndex, maps: NDArray[Any]) -> NDArray[Any]:
        """Return the rates of each ensemble member, (member, time, lat, lon)."""
        return self.rates_of(scene, times, maps)[None]

    def fit(self, study: Study) -> Self:
        """Learn from the study: rates first, then the calibration at the study's radius."""
        self.fit_rates(study)
        windows = study.windows_of("training")
        self.calibrations_ = {}
        self.calibrate(study, watch({self.name: self}, study, windows)[self.name])
        return self

    def calibrate(self, study: Study, seen: "Seen") -> None:
        """Learn the probability from the expected counts in discs of the training windows."""
        training = seen.part(study.windows_of("training"))
        self.calibrations_[study.quantity.radius_km] = fit_calibration(
            training.discs, study.outcomes[training.windows], study.place_weight
        )

    def calibration(self, radius_km: float) -> Calibration:
        """Return the calibration at a radius.

        Raises
        ------
        ModelError
            The model was not calibrated at this radius.
        """
        try:
            return self.calibrations_[radius_km]
        except KeyError:
            known = ", ".join(f"{radius:g}" for radius in sorted(self.calibrations_))
            raise ModelError(
                f"the model {self.name} is calibrated for radii of {known} km, not "
                f"{radius_km:g} km. Choose one of these, or train a model with --radius-km "
                f"{radius_km:g}."
            ) from None

    def forecast(self, situation: Situation, places: Places) -> Probabilities:
        """Return the probability of the scene's quantity at places."""
        scene = situation.scene
        calibration = self.calibration(scene.quantity.radius_km)
        discs = disc_matrix(scene.grid, *places, scene.quantity.radius_km)
        rates = self.rates_of(scene, situation.times, situation.maps)
        members = self.members_of(scene, situation.times, situation.maps)
        value = calibration.probability(in_discs(discs, rates))
        spread = calibration.spread(in_discs(discs, members))
        low, high = np.quantile(spread, (0.05, 0.95), axis=0)
        return Probabilities(value, np.minimum(low, value), np.maximum(high, value))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the calibrations; subclasses add what they learn."""
        return {
            f"calibration-{radius:g}": np.vstack([[fit.intercept, fit.slope], fit.resampled])
            for radius, fit in self.calibrations_.items()
        }

    def settings(self) -> dict[str, Any]:
        """Return nothing: there is nothing to set."""
        return {}

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the calibrations back; subclasses take what they learned."""
        prefix = "calibration-"
        self.calibrations_ = {
            float(name.removeprefix(prefix)): Calibration(
                float(values[0, 0]), float(values[0, 1]), values[1:]
            )
            for name, values in tensors.items()
            if name.startswith(prefix)
        }


@dataclass(frozen=True)
class Seen:
    """What one model said of a study's windows, as much of it as scores need.

    Attributes
    ----------
    windows
        Numbers of the windows, ascending.
    at_events
        Expected count in the cell and window of each of the study's targets; NaN for targets in
        other windows.
    totals
        Expected count over the grid, (window,).
    discs
        Expected count within the radius of each place, (window, place).
    """

    windows: NDArray[Any]
    at_events: NDArray[Any]
    totals: NDArray[Any]
    discs: NDArray[Any]

    def part(self, windows: NDArray[Any]) -> "Seen":
        """Return the same for some of the windows."""
        rows = np.searchsorted(self.windows, windows)
        return Seen(windows, self.at_events, self.totals[rows], self.discs[rows])


def watch(models: Mapping[str, RateModel], study: Study, windows: NDArray[Any]) -> dict[str, Seen]:
    """Run models over windows of a study, in one pass over its maps."""
    times = study.issue_times[windows]
    discs = study.discs.astype(np.float32)
    places = discs.shape[0]
    seen = {
        name: Seen(
            windows,
            np.full(len(study.targets), np.nan),
            np.zeros(windows.size),
            np.zeros((windows.size, places), np.float32),
        )
        for name in models
    }
    position = np.full(len(study.issue_times) + 1, -1)
    position[windows] = np.arange(windows.size)
    at = position[study.targets["window"]]
    rows, columns = study.targets["row"].to_numpy(), study.targets["column"].to_numpy()
    for batch, maps in study.batches(times, "forecasts of past windows"):
        here = (at >= batch.start) & (at < batch.stop)
        for name, model in models.items():
            rates = model.rates_of(study, times[batch], maps)
            into = seen[name]
            into.at_events[here] = rates[at[here] - batch.start, rows[here], columns[here]]
            into.totals[batch] = rates.sum(axis=(1, 2), dtype=np.float64)
            into.discs[batch] = (discs @ rates.reshape(len(rates), -1).T).T
    return seen


def in_discs(discs: csr_matrix, rates: NDArray[Any]) -> NDArray[Any]:
    """Return expected counts in discs, (..., place), from rates (..., lat, lon)."""
    flat = rates.reshape(-1, discs.shape[1]).astype(np.float64)
    return np.asarray((discs @ flat.T).T).reshape(*rates.shape[:-2], discs.shape[0])
