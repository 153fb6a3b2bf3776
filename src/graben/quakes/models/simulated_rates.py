"""Point processes as models of rates: a fitted process continued from every issue time."""

from abc import abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.errors import ModelError
from graben.quakes.catalog import Catalog
from graben.quakes.models.base import Places, Probabilities, Situation
from graben.quakes.models.calibration import RESAMPLES, Calibration, fit_calibration
from graben.quakes.models.etas import Etas
from graben.quakes.models.expected_cells import ExpectedCells, cells_of
from graben.quakes.models.hybrid_etas import HybridEtas
from graben.quakes.models.mixture import LEAST_RATE
from graben.quakes.models.point_process import PointProcess
from graben.quakes.models.point_process_folder import FittedProcess
from graben.quakes.models.rates import RateModel, in_discs
from graben.quakes.places import disc_matrix, struck
from graben.quakes.polygon import Polygon
from graben.quakes.scene import Scene
from graben.quakes.sequence import DAY, EventSequence, Windows
from graben.quakes.study import Study

CATALOGS = 2000  # an issue time: they take less time than the exact parts
CALIBRATION_CATALOGS = 2000
CALIBRATION_SEED = 1_000_000  # no day is as late: these are not the catalogues of the counts
CALIBRATION_PLACES = 1500
FEWEST_HITS = 50


class SimulatedRates(RateModel):
    """Expected counts from continuations of a point process; subclasses say of which.

    The process knows the events of the study's region from the source magnitude on. It is fitted
    to the training and validation windows together, and never sees the test. Expected counts at
    the target magnitude are those of all events times the share of events that large. There is
    one member: intervals come from the resampled calibration, beside which the noise of
    simulation is small.

    Where no training windows were calibrated on, as for a process from a folder of its own, the
    step from the expected count to the probability is learned from simulated catalogues.

    Learned: `process_`; `polygon_`, `windows_`, `completeness_magnitude_` and `bin_width_` make its
    sequence again.
    """

    needs_maps = False
    process_class: ClassVar[type[PointProcess]]
    process_: PointProcess

    @abstractmethod
    def fitted(self, sequence: EventSequence) -> PointProcess:
        """Return the process, fitted to a sequence and fit to be simulated from."""

    @classmethod
    def of(cls, folder: FittedProcess) -> Self:
        """Return the model of a process from a folder, which no windows were calibrated on."""
        about = folder.about
        model = cls()
        model.process_ = folder.process
        model._know(
            Polygon(about["polygon"]["longitude"], about["polygon"]["latitude"]),
            Windows(**about["windows"]),
            folder.completeness_magnitude,
            float(about["bin_width"]),
        )
        model.calibrations_ = {}
        return model

    def _know(
        self, polygon: Polygon, windows: Windows, completeness: float, bin_width: float
    ) -> None:
        self.polygon_, self.windows_ = polygon, windows
        self.completeness_magnitude_, self.bin_width_ = completeness, bin_width

    def fit_rates(self, study: Study) -> None:
        """Fit the process to the training and validation windows of the study's region."""
        periods = study.periods
        first = min(f"{study.catalog.start:%Y-%m-%d}", periods.training_start)
        windows = Windows(
            first,
            periods.training_start,
            periods.training_end,
            periods.validation_end,
            periods.test_end,
        )
        self._know(Polygon.of(study.region), windows, study.source_magnitude, 0.1)
        self.process_ = self.fitted(self.sequence_of(study.catalog))

    def sequence_of(self, catalog: Catalog) -> EventSequence:
        """Return the process's events of a catalogue, up to its end."""
        return _sequence(
            catalog, self.polygon_, self.windows_, self.completeness_magnitude_, self.bin_width_
        )

    def cells(self, catalog: Catalog) -> ExpectedCells:
        """Return the process on cells, ready for any issue time of a catalogue."""
        return cells_of(self.process_, self.sequence_of(catalog))

    def day(self, time: pd.Timestamp) -> float:
        """Return an issue time in the days of the sequence; an event at that very time is known."""
        return float(np.nextafter((time - self.windows_.moments[0]) / DAY, np.inf))

    def members_of(self, scene: Scene, times: pd.DatetimeIndex, maps: NDArray[Any]) -> NDArray[Any]:
        """Return the expected counts, (1, time, lat, lon): there is one member.

        Raises
        ------
        ModelError
            The scene reaches beyond the process's polygon, or a time lies before its training.
        """
        cells, target = self.cells(scene.catalog), scene.quantity.min_magnitude
        part = cells.part(scene.grid)
        horizon = float(scene.quantity.horizon_days)
        rates = np.empty((1, len(times), *scene.grid.shape), np.float32)
        for rate, time in zip(rates[0], times, strict=True):
            day = self.day(time)
            found = cells.at(day, horizon, CATALOGS, int(day)).from_magnitude(target)
            rate[:] = np.maximum(found[part], LEAST_RATE)
        return rates

    def forecast(self, situation: Situation, places: Places) -> Probabilities:
        """Return the probability of the scene's quantity at places.

        Raises
        ------
        ModelError
            A place lies outside the polygon of the process, of which it knows nothing.
        """
        outside = ~self.polygon_.contains(*places)
        if outside.any():
            raise ModelError(
                f"expected places inside the polygon that the model knows, got {outside.sum()} of "
                f"{outside.size} outside. Ask for a region inside it."
            )
        if self.calibrations_:
            return super().forecast(situation, places)
        calibrated = copy(self)
        radius_km = situation.scene.quantity.radius_km
        calibrated.calibrations_ = {radius_km: self._simulated_calibration(situation)}
        return RateModel.forecast(calibrated, situation, places)

    def _simulated_calibration(self, situation: Situation) -> Calibration:
        """Learn, from simulated catalogues of the last issue time, how counts cluster in discs."""
        scene, time = situation.scene, situation.times[-1]
        quantity, day = scene.quantity, self.day(time)
        branching, sources = self.cells(scene.catalog).continuations.at(day)
        events = branching.simulate(
            sources, float(quantity.horizon_days), CALIBRATION_CATALOGS, CALIBRATION_SEED + int(day)
        ).select(min_magnitude=quantity.min_magnitude)
        lon, lat = (axis.ravel() for axis in np.meshgrid(scene.grid.longitude, scene.grid.latitude))
        thin = slice(None, None, lon.size // CALIBRATION_PLACES + 1)
        lon, lat = lon[thin], lat[thin]
        outcomes = struck(
            lon, lat, events.longitude, events.latitude, events.catalog, events.count,
            quantity.radius_km,
        )  # fmt: skip
        if outcomes.sum() < FEWEST_HITS:  # too rare to cluster
            return Calibration(0.0, 1.0, np.tile([0.0, 1.0], (RESAMPLES, 1)))
        rates = self.rates_of(scene, pd.DatetimeIndex([time]), np.empty(0))
        expected = in_discs(disc_matrix(scene.grid, lon, lat, quantity.radius_km), rates)
        whole = np.broadcast_to(expected.astype(np.float32), outcomes.shape)
        return fit_calibration(whole, outcomes, np.cos(np.radians(lat)))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the process and the calibrations."""
        learned = {f"process.{name}": values for name, values in self.process_.state().items()}
        return {**learned, **super().state()}

    def settings(self) -> dict[str, Any]:
        """Return the settings of the process, and of its sequence."""
        return {
            "process": self.process_.settings(),
            "windows": asdict(self.windows_),
            "polygon": {
                "longitude": self.polygon_.longitude,
                "latitude": self.polygon_.latitude,
            },
            "completeness_magnitude": self.completeness_magnitude_,
            "bin_width": self.bin_width_,
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take process, sequence and calibrations back."""
        super().restore(tensors, settings)
        prefix = "process."
        learned = {
            name.removeprefix(prefix): values
            for name, values in tensors.items()
            if name.startswith(prefix)
        }
        self.process_ = self.process_class()
        self.process_.restore(learned, settings["process"])
        self._know(
            Polygon(**settings["polygon"]),
            Windows(**settings["windows"]),
            settings["completeness_magnitude"],
            settings["bin_width"],
        )


class EtasRates(SimulatedRates):
    """Space-time ETAS with an even background, continued by simulation."""

    name = "etas"
    fits = "catalogues of some thousand events; aftershocks, simulated catalogues"
    process_class = Etas

    def fitted(self, sequence: EventSequence) -> Etas:
        """Fit by maximum likelihood, with as long a memory as a simulation can bear."""
        return Etas().fit(sequence).simulable(sequence)


class HybridEtasRates(SimulatedRates):
    """ETAS with a background of maps, strike and gates that nets set, continued by simulation."""

    name = "hybrid-etas"
    fits = "catalogues of five thousand events and more; aftershocks, simulated catalogues"
    process_class = HybridEtas

    def fitted(self, sequence: EventSequence) -> HybridEtas:
        """Fit by maximum likelihood; the gates learn from training and stop by validation."""
        return HybridEtas().fit(sequence)


@lru_cache(maxsize=4)
def _sequence(
    catalog: Catalog, polygon: Polygon, windows: Windows, completeness: float, bin_width: float
) -> EventSequence:
    # to the catalogue's end, which may lie before the test start in hindsight
    last = max(catalog.end + DAY, windows.moments[3] + DAY)
    until = replace(windows, test_end=last.isoformat())
    return EventSequence.from_catalog(catalog, polygon, until, completeness, bin_width)
