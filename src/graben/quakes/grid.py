"""Regular longitude-latitude grids of cells."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import InputError
from graben.quakes.region import Region


@dataclass(frozen=True)
class Grid:
    """Cells of `step` degrees; rows run from south to north, columns from west to east.

    Examples
    --------
    >>> grid = Grid(west=25, south=35, columns=80, rows=32, step=0.25)
    >>> float(grid.latitude[0]), float(grid.longitude[-1])
    (35.125, 44.875)
    >>> bool(abs(Grid(-180, -90, 360, 180, 1.0).area.sum() / 510.1e6 - 1) < 1e-3)
    True
    """

    west: float
    south: float
    columns: int
    rows: int
    step: float

    @classmethod
    def covering(cls, region: Region, step: float) -> "Grid":
        """Return the cells, edges at multiples of `step`, that cover `region`."""
        west = np.floor(region.west / step + 1e-9)
        south = np.floor(region.south / step + 1e-9)
        columns = int(np.ceil(region.east / step - 1e-9) - west)
        rows = int(np.ceil(region.north / step - 1e-9) - south)
        return cls(float(west * step), float(south * step), columns, rows, step)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def latitude(self) -> NDArray[Any]:
        """Latitudes of the cell centres, degrees north."""
        return self.south + self.step * (np.arange(self.rows) + 0.5)

    @property
    def longitude(self) -> NDArray[Any]:
        """Longitudes of the cell centres, degrees east."""
        return self.west + self.step * (np.arange(self.columns) + 0.5)

    @property
    def region(self) -> Region:
        """The box that the cells fill."""
        return Region(
            self.west,
            self.south,
            self.west + self.columns * self.step,
            self.south + self.rows * self.step,
        )

    @property
    def area(self) -> NDArray[Any]:
        """Area of each cell (rows, columns) in square kilometres on a sphere of 6371 km."""
        edges = np.radians(self.south + self.step * np.arange(self.rows + 1))
        band = 6371.0**2 * np.radians(self.step) * np.diff(np.sin(edges))
        return np.repeat(band[:, None], self.columns, axis=1)

    def cell_of(
        self, longitude: NDArray[Any], latitude: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return row, column and whether the point lies in the grid (else row, column are 0)."""
        row = np.floor((np.asarray(latitude) - self.south) / self.step).astype(np.int64)
        column = np.floor((np.asarray(longitude) - self.west) / self.step).astype(np.int64)
        inside = (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        return np.where(inside, row, 0), np.where(inside, column, 0), inside

    def crop(self, region: Region) -> tuple[slice, slice]:
        """Return the row and column slices of the cells whose centres lie in `region`."""
        rows = np.flatnonzero((self.latitude > region.south) & (self.latitude < region.north))
        columns = np.flatnonzero((self.longitude > region.west) & (self.longitude < region.east))
        if not rows.size or not columns.size:
            raise InputError(
                f"the region {region} lies outside the grid {self.region}. Choose a region inside."
            )
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
