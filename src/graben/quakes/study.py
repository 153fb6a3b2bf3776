"""A study: a scene with issue times split into training, validation and test."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from graben.errors import CatalogError
from graben.quakes.places import disc_matrix, struck
from graben.quakes.rasters import days_since_epoch
from graben.quakes.region import Region
from graben.quakes.scene import Scene

Part = Literal["training", "validation", "test"]
PARTS: tuple[Part, ...] = ("training", "validation", "test")
PLACE_DEGREES = 0.5


@dataclass(frozen=True)
class Periods:
    """When training begins and ends, and where validation and the test end (UTC dates).

    A window belongs to a period only if all of it lies inside, so no label straddles a boundary.
    """

    training_start: str = "1985-01-01"
    training_end: str = "2010-01-01"
    validation_end: str = "2015-01-01"
    test_end: str = "2025-11-01"

    def windows(self, horizon_days: int) -> dict[Part, pd.DatetimeIndex]:
        """Return the issue times of each period: back to back, one horizon apart."""
        edges = [
            pd.Timestamp(date, tz="UTC")
            for date in (
                self.training_start,
                self.training_end,
                self.validation_end,
                self.test_end,
            )
        ]
        length = pd.Timedelta(days=horizon_days)
        return {
            part: pd.date_range(start, end - length, freq=length, unit="ns")
            for part, start, end in zip(PARTS, edges[:-1], edges[1:], strict=True)
        }


@dataclass(frozen=True, eq=False)
class Study(Scene):
    """A scene and the windows that models are fitted to and scored on.

    Parameters
    ----------
    catalog, region, quantity, elevation, source_magnitude, reference
        As of `Scene`.
    periods
        Training, validation and test.
    boxes
        Named parts of the region that are scored apart as well.
    region_name
        What the region is called in scores.
    """

    periods: Periods = field(default_factory=Periods)
    boxes: Mapping[str, Region] = field(default_factory=dict)
    region_name: str = "region"

    def __post_init__(self) -> None:
        if not len(self.issue_times):
            raise CatalogError(
                f"no window of {self.quantity.horizon_days} days fits into the periods "
                f"{self.periods}. Choose longer periods or a shorter horizon."
            )
        if self.catalog.end < self.issue_times[-1] + self.window_length:
            raise CatalogError(
                f"the catalogue ends {self.catalog.end:%Y-%m-%d}, before the test period's end "
                f"{self.periods.test_end}. Choose an earlier end or a longer catalogue."
            )

    @property
    def window_length(self) -> pd.Timedelta:
        """The horizon."""
        return pd.Timedelta(days=self.quantity.horizon_days)

    @cached_property
    def issue_times(self) -> pd.DatetimeIndex:
        """Issue times of all windows, ascending."""
        parts = self.periods.windows(self.quantity.horizon_days)
        return pd.DatetimeIndex(np.concatenate([parts[part] for part in PARTS]), tz="UTC")

    @cached_property
    def part(self) -> NDArray[Any]:
        """The period that each window belongs to."""
        parts = self.periods.windows(self.quantity.horizon_days)
        return np.concatenate([np.full(len(parts[part]), part) for part in PARTS])

    @cached_property
    def targets(self) -> pd.DataFrame:
        """Target events in the grid with their `window` (or -1), `row` and `column`."""
        events = self.catalog.select(min_magnitude=self.quantity.min_magnitude)
        table = events.table.copy()
        row, column, inside = self.grid.cell_of(
            table["longitude"].to_numpy(), table["latitude"].to_numpy()
        )
        table["row"], table["column"] = row, column
        table["window"] = self.window_of(table["time"])
        return table[inside].reset_index(drop=True)

    def window_of(self, times: "pd.Series[pd.Timestamp]") -> NDArray[Any]:
        """Return the window (issue time, issue time + horizon] of each event, -1 for none."""
        days, starts = days_since_epoch(times), days_since_epoch(self.issue_times)
        window = np.searchsorted(starts, days, "left") - 1
        inside = (window >= 0) & (days <= starts[window] + self.quantity.horizon_days)
        return np.where(inside, window, -1)

    @cached_property
    def _counts(self) -> NDArray[Any]:
        counts = np.zeros((len(self.issue_times), *self.grid.shape), np.uint16)
        used = self.targets[self.targets["window"] >= 0]
        np.add.at(counts, (used["window"], used["row"], used["column"]), 1)
        return counts

    def require_training_events(self) -> None:
        """Raise CatalogError if there is nothing to learn from."""
        if not self.counts("training").any():
            raise CatalogError(
                f"the training period {self.periods.training_start} to "
                f"{self.periods.training_end} holds no event of M >= "
                f"{self.quantity.min_magnitude:g} in {self.region}. Lower the target magnitude, "
                "or give a longer or larger catalogue."
            )

    def counts(self, part: Part) -> NDArray[Any]:
        """Return the target events per cell, (window, lat, lon), of one period."""
        return self._counts[self.part == part]

    def windows_of(self, *parts: Part) -> NDArray[Any]:
        """Return the numbers of the windows of some periods."""
        return np.flatnonzero(np.isin(self.part, parts))

    @cached_property
    def scored(self) -> dict[str, Region]:
        """The whole region and the named boxes."""
        return {self.region_name: self.region, **self.boxes}

    @cached_property
    def places(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Longitude and latitude of the places that point scores are taken over.

        Every half degree, 3 degrees (in small regions 1) inside the region's border.
        """
        box = self.region
        inset = 3.0 if min(box.east - box.west, box.north - box.south) >= 12 else 1.0
        longitude = np.arange(box.west + inset, box.east - inset + 1e-9, PLACE_DEGREES)
        latitude = np.arange(box.south + inset, box.north - inset + 1e-9, PLACE_DEGREES)
        lon, lat = np.meshgrid(longitude, latitude)
        return lon.ravel(), lat.ravel()

    @cached_property
    def place_weight(self) -> NDArray[Any]:
        """Relative area that each place stands for."""
        return np.cos(np.radians(self.places[1]))

    @cached_property
    def discs(self) -> csr_matrix:
        """Share of each cell within the radius of each place, (place, cell)."""
        return disc_matrix(self.grid, *self.places, self.quantity.radius_km)

    @cached_property
    def outcomes(self) -> NDArray[Any]:
        """Whether a target fell within the radius of each place, (window, place)."""
        table = self.catalog.select(min_magnitude=self.quantity.min_magnitude).table
        return struck(
            *self.places,
            table["longitude"].to_numpy(),
            table["latitude"].to_numpy(),
            self.window_of(table["time"]),
            len(self.issue_times),
            self.quantity.radius_km,
        )
