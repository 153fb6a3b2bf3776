"""Cells of space and magnitude, the earthquakes that fall into them, and gridded forecasts."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.errors import CatalogError, InputError, StaleError
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.region import Region

if TYPE_CHECKING:
    import xarray as xr

EARTH_KM = 6371.0
ROUNDING = 1e-6  # of a cell: what decimal degrees lose in floating point and in text


@dataclass(frozen=True, eq=False)
class Cells:
    """Square cells of one size in degrees, any set of a regular grid, and bins of magnitude.

    Parameters
    ----------
    west, south
        Lower left corners (cell,), degrees.
    step
        Width and height of a cell, degrees.
    magnitudes
        Lower edges of the bins, ascending; the last bin is open above.

    Raises
    ------
    InputError
        The corners do not lie on one grid, or repeat; the bins do not ascend.

    Examples
    --------
    >>> cells = Cells.of(Region(10, 40, 12, 41), 1.0, np.array([4.0, 5.0]))
    >>> cells.cell_of([10.5, 11.0, 12.5], [40.5, 40.2, 40.5])
    array([ 0,  1, -1])
    >>> cells.bin_of([3.9, 4.9, 8.0])
    array([-1,  0,  1])
    """

    west: NDArray[Any]
    south: NDArray[Any]
    step: float
    magnitudes: NDArray[Any]

    def __post_init__(self) -> None:
        if not (np.diff(self.magnitudes) > 0).all():
            raise InputError("expected bins of magnitude that ascend, got others. Sort them.")
        off = max(float(np.abs(place - np.round(place)).max()) for place in self._exact)
        if off > 0.01 or (self._table >= 0).sum() < self.west.size:
            raise InputError(
                f"expected cells of {self.step:g} degrees, each once on one regular grid, got "
                "others. Cells of several sizes cannot be tested here; resample the forecast."
            )

    @classmethod
    def of(cls, region: Region, step: float, magnitudes: NDArray[Any]) -> "Cells":
        """Return the cells that fill a box, from its south-west corner, latitude fastest."""
        columns = int(np.ceil((region.east - region.west) / step - ROUNDING))
        rows = int(np.ceil((region.north - region.south) / step - ROUNDING))
        west = np.repeat(region.west + step * np.arange(columns), rows)
        south = np.tile(region.south + step * np.arange(rows), columns)
        return cls(west, south, step, np.asarray(magnitudes, float))

    def __len__(self) -> int:
        return self.west.size

    @property
    def _exact(self) -> tuple[NDArray[Any], NDArray[Any]]:
        return (
            (self.west - self.west.min()) / self.step,
            (self.south - self.south.min()) / self.step,
        )

    @cached_property
    def _table(self) -> NDArray[Any]:
        """Number of the cell at each column and row of the enclosing grid, -1 where none is."""
        column, row = (np.round(place).astype(int) for place in self._exact)
        table = np.full((column.max() + 1, row.max() + 1), -1)
        table[column, row] = np.arange(self.west.size)
        return table

    def cell_of(self, longitude: Any, latitude: Any) -> NDArray[Any]:
        """Return the number of the cell of each point, -1 outside; edges belong to the north-east.

        Longitudes may be given in any turn.
        """
        west = float(self.west.min())
        east = np.asarray(longitude, float) - west
        turned = east - 360.0 * np.floor(east / 360.0 + ROUNDING * self.step / 360.0)
        column = np.floor(turned / self.step + ROUNDING).astype(int)
        north = np.asarray(latitude, float) - float(self.south.min())
        row = np.floor(north / self.step + ROUNDING).astype(int)
        columns, rows = self._table.shape
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        found: NDArray[Any] = np.where(
            inside, self._table[np.where(inside, column, 0), np.where(inside, row, 0)], -1
        )
        return found

    def bin_of(self, magnitude: Any) -> NDArray[Any]:
        """Return the number of the bin of each magnitude, -1 below the first."""
        values = np.asarray(magnitude, float) + ROUNDING
        return np.searchsorted(self.magnitudes, values, side="right") - 1

    @property
    def area(self) -> NDArray[Any]:
        """Area of each cell in square kilometres."""
        low, high = np.radians(self.south), np.radians(self.south + self.step)
        band: NDArray[Any] = EARTH_KM**2 * np.radians(self.step) * (np.sin(high) - np.sin(low))
        return band

    def same_as(self, other: "Cells") -> bool:
        """Tell whether the other cells are the same ones, in the same order."""
        return (
            len(self) == len(other)
            and self.magnitudes.shape == other.magnitudes.shape
            and np.allclose(self.west, other.west, atol=self.step * 0.01)
            and np.allclose(self.south, other.south, atol=self.step * 0.01)
            and np.allclose(self.magnitudes, other.magnitudes, atol=1e-6)
        )


@dataclass(frozen=True, eq=False)
class Targets:
    """The earthquakes that a forecast is tested on: number of cell and of bin, of each."""

    cell: NDArray[Any]
    bin: NDArray[Any]
    cells: Cells

    def __len__(self) -> int:
        return self.cell.size

    @cached_property
    def counts(self) -> NDArray[Any]:
        """Number of earthquakes by cell and bin."""
        bins = self.cells.magnitudes.size
        flat = np.bincount(self.cell * bins + self.bin, minlength=len(self.cells) * bins)
        return flat.reshape(len(self.cells), bins)


def targets_of(cells: Cells, catalog: Catalog, start: pd.Timestamp, end: pd.Timestamp) -> Targets:
    """Return the earthquakes with start < time <= end that fall into the cells.

    Raises
    ------
    StaleError
        The catalogue ends before the window does.
    CatalogError
        The catalogue begins after the window.
    """
    if catalog.end < end:
        raise StaleError(
            f"expected a catalogue that reaches the end of the forecast, {end:%Y-%m-%d %H:%M}; it "
            f"ends {catalog.end:%Y-%m-%d %H:%M}. Give a newer catalogue, or wait."
        )
    if catalog.start >= end:
        raise CatalogError(
            f"expected a catalogue of the forecast's window, {start:%Y-%m-%d %H:%M} to "
            f"{end:%Y-%m-%d %H:%M}; it begins {catalog.start:%Y-%m-%d %H:%M}. Give an earlier one."
        )
    table = catalog.table
    table = table[(table["time"] > start) & (table["time"] <= end)]
    cell = cells.cell_of(table["longitude"], table["latitude"])
    found = cells.bin_of(table["magnitude"])
    inside = (cell >= 0) & (found >= 0)
    return Targets(cell[inside], found[inside], cells)


@dataclass(frozen=True, eq=False)
class GriddedForecast:
    """Expected numbers of earthquakes by cell and bin of magnitude over one window.

    Parameters
    ----------
    cells
        Where and how large.
    rates
        Expected numbers (cell, magnitude) in the whole window, 0 or more.
    start, end
        The window: start < time <= end, UTC.
    name
        What to call it.

    Raises
    ------
    InputError
        Rates are missing, negative or all zero, or the window is empty.
    """

    cells: Cells
    rates: NDArray[Any]
    start: pd.Timestamp
    end: pd.Timestamp
    name: str

    def __post_init__(self) -> None:
        if not (np.isfinite(self.rates) & (self.rates >= 0)).all() or not self.rates.any():
            raise InputError(
                f"expected rates of 0 or more in every cell of {self.name}, and some above 0; got "
                "others. Choose a model of rates, or repair the file."
            )
        if not self.start < self.end:
            raise InputError(
                f"expected a window that ends after its start, got {self.start} to {self.end}. "
                "Correct the times."
            )

    @classmethod
    def from_dataset(cls, forecast: "xr.Dataset") -> "GriddedForecast":
        """Return graben's own forecast of one issue time, horizon and magnitude for testing.

        Raises
        ------
        InputError
            It holds several maps, or no rates.
        """
        from graben.quakes.export import cell_edges, single_map

        one = single_map(forecast)
        lat, lon = cell_edges(one)
        south, west = np.tile(lat[:-1], lon.size - 1), np.repeat(lon[:-1], lat.size - 1)
        magnitudes = np.array([float(one["magnitude"])])
        start = as_utc(pd.Timestamp(one["issue_time"].item()))
        end = start + pd.Timedelta(days=float(one["horizon"]))
        rates = one["expected_count"].transpose("longitude", "latitude").to_numpy().reshape(-1, 1)
        cells = Cells(west, south, float(lat[1] - lat[0]), magnitudes)
        return cls(cells, rates, start, end, str(one.attrs["model"]))

    @property
    def expected(self) -> float:
        """Expected number of earthquakes in all."""
        return float(self.rates.sum())

    @property
    def by_cell(self) -> NDArray[Any]:
        """Expected numbers summed over magnitude, (cell,)."""
        summed: NDArray[Any] = self.rates.sum(axis=1)
        return summed

    def targets(self, catalog: Catalog) -> Targets:
        """Return what happened; see `targets_of`."""
        return targets_of(self.cells, catalog, self.start, self.end)


def read_csep_grid(
    path: str | Path, start: pd.Timestamp | str, end: pd.Timestamp | str
) -> GriddedForecast:
    """Read a CSEP gridded forecast (`.dat`), as `write_csep` and the testing centres write it.

    Parameters
    ----------
    path
        Lines of lon_0 lon_1 lat_0 lat_1 depth_0 depth_1 mag_0 mag_1 rate flag, magnitude fastest.
        Cells with flag 0 are left out of the test.
    start, end
        The window that the rates are for, UTC: the format has no room for it.

    Raises
    ------
    InputError
        There is no such file, it is not of this format, or its cells are not of one size.
    """
    path = Path(path)
    remedy = "Give a CSEP grid: ten numbers a line, the ninth the rate."
    if not path.is_file():
        raise InputError(f"there is no file {path}. {remedy}")
    try:
        table = pd.read_csv(path, sep=r"\s+", header=None, comment="#").to_numpy(float)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no table of numbers ({error}). {remedy}") from error
    if table.shape[1] != 10:
        raise InputError(f"{path}: expected 10 numbers a line, got {table.shape[1]}. {remedy}")
    table = table[table[:, 9] != 0]
    magnitudes = np.unique(table[:, 6])
    if not len(table) or len(table) % magnitudes.size:
        raise InputError(f"{path}: expected all bins of magnitude in each cell, got {len(table)} "
                         f"lines for {magnitudes.size} bins. {remedy}")  # fmt: skip
    # sorted, so that forecasts of the same cells in another order can be compared
    order = np.lexsort((table[:, 6], table[:, 2], table[:, 0]))
    grouped = table[order].reshape(-1, magnitudes.size, 10)
    width, height = grouped[:, 0, 1] - grouped[:, 0, 0], grouped[:, 0, 3] - grouped[:, 0, 2]
    step = float(np.median(height))
    if not (np.isclose(width, step, rtol=1e-3).all() and np.isclose(height, step, rtol=1e-3).all()):
        raise InputError(f"{path}: expected square cells of one size. Resample the forecast.")
    if not (grouped[:, :, 6] == magnitudes).all() or np.ptp(grouped[:, :, [0, 2]], axis=1).any():
        raise InputError(f"{path}: expected all bins of magnitude in each cell. {remedy}")
    cells = Cells(grouped[:, 0, 0], grouped[:, 0, 2], step, magnitudes)
    return GriddedForecast(cells, grouped[:, :, 8], as_utc(start), as_utc(end), path.stem)
