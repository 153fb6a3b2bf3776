"""What models of rates have in common: expected counts per cell, and the probability from them."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

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

    needs_maps: ClassVar[bool] = True
    calibrations_: dict[float, Calibration]

    @abstractmethod
    def fit_rates(self, study: Study) -> None:
        """Learn the rates from the study's training (and validation) windows."""

    @abstractmethod
    def members_of(self, scene: Scene, times: pd.DatetimeIndex, maps: NDArray[Any]) -> NDArray[Any]:
        """Return each ensemble member's expected counts, (member, time, lat, lon), per horizon."""

    def rates_of(self, scene: Scene, times: pd.DatetimeIndex, maps: NDArray[Any]) -> NDArray[Any]:
        """Return expected counts (time, lat, lon): the geometric mean of the members."""
        return _combined(self.members_of(scene, times, maps))

    def members_at(self, situation: Situation) -> NDArray[Any]:
        """Return `members_of` a situation, whose maps are made only if the model looks at them."""
        maps = situation.maps if self.needs_maps else np.empty(0)
        return self.members_of(situation.scene, situation.times, maps)

    def rates_at(self, situation: Situation) -> NDArray[Any]:
        """Return `rates_of` a situation."""
        return _combined(self.members_at(situation))

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
        members = self.members_at(situation)
        value = calibration.probability(in_discs(discs, _combined(members)))
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
        Expected count over the region and over each of the study's boxes, (box, window).
    discs
        Expected count within the radius of each place, (window, place).
    members
        What each ensemble member alone said of events and of the region, where there are several.
    """

    windows: NDArray[Any]
    at_events: NDArray[Any]
    totals: NDArray[Any]
    discs: NDArray[Any]
    members: "tuple[Seen, ...]" = ()

    def part(self, windows: NDArray[Any]) -> "Seen":
        """Return the same for some of the windows."""
        rows = np.searchsorted(self.windows, windows)
        members = tuple(member.part(windows) for member in self.members)
        return Seen(windows, self.at_events, self.totals[:, rows], self.discs[rows], members)


def watch(models: Mapping[str, RateModel], study: Study, windows: NDArray[Any]) -> dict[str, Seen]:
    """Run models over windows of a study, in one pass over its maps."""
    position = np.full(len(study.issue_times) + 1, -1)
    position[windows] = np.arange(windows.size)
    watcher = _Watcher(
        study.discs.astype(np.float32),
        [study.grid.crop(box) for box in study.scored.values()],
        position[study.targets["window"]],
        study.targets["row"].to_numpy(),
        study.targets["column"].to_numpy(),
    )
    times = study.issue_times[windows]
    seen: dict[str, Seen] = {}
    for batch, maps in study.batches(times, "forecasts of past windows"):
        for name, model in models.items():
            members = model.members_of(study, times[batch], maps)
            if name not in seen:
                alone = len(members) if len(members) > 1 else 0
                parts = tuple(watcher.empty(windows, places=0) for _ in range(alone))
                seen[name] = replace(
                    watcher.empty(windows, places=study.discs.shape[0]), members=parts
                )
            watcher.record(seen[name], batch, _combined(members))
            for part, member in zip(seen[name].members, members, strict=False):
                watcher.record(part, batch, member)
    return seen


@dataclass(frozen=True)
class _Watcher:
    """Takes from rates what scores need."""

    discs: csr_matrix
    boxes: list[tuple[slice, slice]]
    window_of_event: NDArray[Any]
    row: NDArray[Any]
    column: NDArray[Any]

    def empty(self, windows: NDArray[Any], places: int) -> Seen:
        return Seen(
            windows,
            np.full(self.row.size, np.nan),
            np.zeros((len(self.boxes), windows.size)),
            np.zeros((windows.size, places), np.float32),
        )

    def record(self, into: Seen, batch: slice, rates: NDArray[Any]) -> None:
        at = self.window_of_event
        here = (at >= batch.start) & (at < batch.stop)
        into.at_events[here] = rates[at[here] - batch.start, self.row[here], self.column[here]]
        for number, (rows, columns) in enumerate(self.boxes):
            into.totals[number, batch] = rates[:, rows, columns].sum(axis=(1, 2), dtype=np.float64)
        if into.discs.shape[1]:
            into.discs[batch] = (self.discs @ rates.reshape(len(rates), -1).T).T


def _combined(members: NDArray[Any]) -> NDArray[Any]:
    """Return the geometric mean over members; of one member itself."""
    return members[0] if len(members) == 1 else np.exp(np.log(members).mean(axis=0))


def in_discs(discs: csr_matrix, rates: NDArray[Any]) -> NDArray[Any]:
    """Return expected counts in discs, (..., place), from rates (..., lat, lon)."""
    flat = rates.reshape(-1, discs.shape[1]).astype(np.float64)
    return np.asarray((discs @ flat.T).T).reshape(*rates.shape[:-2], discs.shape[0])
