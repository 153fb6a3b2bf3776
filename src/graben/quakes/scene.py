"""A scene: one catalogue, one region, one quantity and the terrain; what every model looks at."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.errors import RasterError
from graben.progress import track
from graben.quakes.catalog import Catalog
from graben.quakes.grid import Grid
from graben.quakes.quantity import Quantity
from graben.quakes.rasters import BATCH, SeismicityMaps, omori_kernels, smoothed_kernels
from graben.quakes.region import Region
from graben.quakes.terrain import land_fraction, terrain_rasters

if TYPE_CHECKING:
    import xarray as xr

CELL_DEGREES = 0.25
ANATOLIA = Region(25, 35, 45, 43)
TILE = Region(0, 0, 90, 50)


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything that a forecast is made from; built lazily, kept once.

    Parameters
    ----------
    catalog
        The events; those up to 5 degrees outside the region count as sources.
    region
        The box to forecast in; cells of 0.25 degrees.
    quantity
        What is forecast.
    elevation
        Metres above sea at 0.025 degrees, covering the region; None if there is no terrain.
    source_magnitude
        The smallest magnitude that counts as a source.
    reference
        The box that the long-run number of targets is counted over; the region by default.
    """

    catalog: Catalog
    region: Region = TILE
    quantity: Quantity = field(default_factory=Quantity)
    elevation: "xr.DataArray | None" = None
    source_magnitude: float = 4.5
    reference: Region | None = None

    @cached_property
    def grid(self) -> Grid:
        """The cells that rates are given for."""
        return Grid.covering(self.region, CELL_DEGREES)

    @cached_property
    def land(self) -> NDArray[Any]:
        """Share of land in each cell."""
        return land_fraction(self.grid)

    @cached_property
    def background(self) -> NDArray[Any]:
        """Two uniform densities, land and sea, each summing to 1 over the reference.

        A part of the reference thus gets its part of the density; 0 where there is no such cell.
        """
        areas = _land_and_sea(self.grid, self.land)
        whole = areas
        if self.reference is not None:
            grid = Grid.covering(self.reference, CELL_DEGREES)
            whole = _land_and_sea(grid, land_fraction(grid))
        total = whole.sum(axis=(1, 2), keepdims=True)
        return np.divide(areas, total, out=np.zeros_like(areas), where=total > 0)

    @cached_property
    def terrain(self) -> NDArray[Any]:
        """Elevation, relief, slope and land, (4, lat, lon); see `terrain_rasters`."""
        if self.elevation is None:
            raise RasterError(
                f"this model needs the terrain of {self.region}, and no elevation model was "
                "given. Give one with --dem, or use the model omori, which needs none."
            )
        return np.concatenate([terrain_rasters(self.elevation, self.grid), self.land[None]])

    @cached_property
    def maps(self) -> SeismicityMaps:
        """The maps of the past that the rates are made of."""
        return SeismicityMaps(
            self.catalog,
            self.grid,
            smoothed_kernels(self.source_magnitude),
            omori_kernels(),
            quantity=self.quantity,
            reference=self.reference,
            source_magnitude=self.source_magnitude,
        )

    def batches(self, times: pd.DatetimeIndex, doing: str) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield positions in `times` and their maps (time, kernel, lat, lon), batch by batch."""
        parts = [slice(i, min(i + BATCH, len(times))) for i in range(0, len(times), BATCH)]
        yield from zip(track(parts, doing), self.maps.batches(times), strict=True)


def _land_and_sea(grid: Grid, land: NDArray[Any]) -> NDArray[Any]:
    """Return the area of each cell as land and as sea, (2, lat, lon); 0 in the other one."""
    return np.stack([grid.area * (land > 0.5), grid.area * (land <= 0.5)])
