"""The second epoch on the first one's grid, at any small shift, without a second smoothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from graben.errors import RasterError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

LARGEST = 25_000_000  # cells; the sums over pairs of cells then take some 3 GB


@dataclass(frozen=True)
class SecondEpoch:
    """A DEM that can be sampled at the cell centres of another one.

    Every sample is taken from the original cells by one cubic B-spline, whatever the shift, so
    that shifting in several steps does not smooth in several steps. A sample is NaN outside the
    DEM and where a void lies in the 3 x 3 cells about one of its four nearest: there the spline
    would feel what stands in for the void.

    Parameters
    ----------
    coefficients
        Of the spline; voids are filled with their nearest neighbour.
    near_void
        1 in voids and beside them, else 0.
    row, column
        Where the other DEM's cell centres lie, in rows and columns of this one.
    """

    coefficients: "NDArray[np.float32]"
    near_void: "NDArray[np.float32]"
    row: "NDArray[np.float64]"
    column: "NDArray[np.float64]"

    @classmethod
    def of(cls, after: "xr.DataArray", before: "xr.DataArray") -> "SecondEpoch":
        """Prepare `after` for samples at the cell centres of `before`.

        Where the cells of `after` are at most half as large, it is averaged over whole numbers of
        them first.

        Raises
        ------
        RasterError
            The two do not overlap, or are too large to be compared at once.
        """
        _check_size(before)
        after = _coarsened(after, before)
        _check_size(after)
        values = after.to_numpy().astype(np.float64)
        void = np.isnan(values)
        if void.any():
            nearest = ndimage.distance_transform_edt(
                void, return_distances=False, return_indices=True
            )
            values = values[tuple(nearest)]
        row, column = _indices(after, before)
        overlap = (row > -0.5) & (row < values.shape[0] - 0.5)
        overlap &= (column > -0.5) & (column < values.shape[1] - 0.5)
        if not overlap.any():
            raise RasterError(
                f"the two epochs do not overlap: the first covers {_bounds(before, before)}, the "
                f"second {_bounds(after, before)} (in the first one's system). Give two elevation "
                "models of the same area, and check their coordinate reference systems."
            )
        near_void = ndimage.binary_dilation(void, np.ones((3, 3), bool)) if void.any() else void
        spline = ndimage.spline_filter(values, order=3, mode="mirror", output=np.float32)
        return cls(spline, near_void.astype(np.float32), row, column)

    def at(self, rows: float, columns: float) -> "NDArray[np.float64]":
        """Sample at the other DEM's cell centres, moved by so many of its rows and columns."""
        row = self.row + rows * np.gradient(self.row, axis=0)
        row += columns * np.gradient(self.row, axis=1)
        column = self.column + rows * np.gradient(self.column, axis=0)
        column += columns * np.gradient(self.column, axis=1)
        shape = self.coefficients.shape
        outside = (row < 0) | (row > shape[0] - 1) | (column < 0) | (column > shape[1] - 1)
        where = np.stack([row, column])
        values = ndimage.map_coordinates(
            self.coefficients, where, order=3, mode="mirror", prefilter=False, output=np.float64
        )
        void = ndimage.map_coordinates(self.near_void, where, order=1, mode="nearest")
        values[outside | (void > 1e-3)] = np.nan
        return values


def _check_size(dem: "xr.DataArray") -> None:
    rows, columns = dem.shape
    if min(rows, columns) < 5:
        raise RasterError(
            f"a DEM of {rows} x {columns} cells is too small to compare epochs. Give at least 5 "
            "rows and columns; a few hundred, most of them unchanged, make good intervals."
        )
    if rows * columns > LARGEST:
        raise RasterError(
            f"{rows} x {columns} cells do not fit the sums over all pairs of cells; at most "
            f"{LARGEST:,} do. Crop both epochs (`rio clip`), or coarsen them (`rio warp --res`)."
        )


def _coarsened(after: "xr.DataArray", before: "xr.DataArray") -> "xr.DataArray":
    """Average whole blocks of a DEM whose cells are at most half as large as the other one's."""
    if after.rio.crs == before.rio.crs:
        own = np.abs(after.rio.resolution(recalc=True))
        other = np.abs(before.rio.resolution(recalc=True))
    else:
        own = np.sqrt(_area(after) / after.size)
        other = np.sqrt(_area(before) / before.size)
    x, y = (int(ratio) for ratio in np.broadcast_to((other / own + 1e-6) // 1, 2))
    if max(x, y) < 2:
        return after
    coarse = after.coarsen(x=max(x, 1), y=max(y, 1), boundary="trim").reduce(np.mean)
    placed: xr.DataArray = coarse.rio.write_crs(after.rio.crs).rio.write_transform()
    return placed


def _area(dem: "xr.DataArray") -> float:
    """Give the area of a DEM in square degrees at the equator's scale, whatever its system."""
    west, south, east, north = dem.rio.transform_bounds("EPSG:4326", recalc=True)
    return float((east - west) * (north - south))


def _indices(
    after: "xr.DataArray", before: "xr.DataArray"
) -> tuple["NDArray[np.float64]", "NDArray[np.float64]"]:
    """Give the row and column of `after` at each cell centre of `before`."""
    x, y = np.meshgrid(before["x"].to_numpy(), before["y"].to_numpy())
    if after.rio.crs != before.rio.crs:
        from pyproj import Transformer

        to_after = Transformer.from_crs(before.rio.crs, after.rio.crs, always_xy=True)
        x, y = to_after.transform(x, y)
    transform = ~after.rio.transform(recalc=True)
    column, row = transform.a * x + transform.c, transform.e * y + transform.f
    return np.round(row - 0.5, 9), np.round(column - 0.5, 9)


def _bounds(dem: "xr.DataArray", reference: "xr.DataArray") -> str:
    west, south, east, north = dem.rio.transform_bounds(reference.rio.crs, recalc=True)
    return f"x {west:.6g} to {east:.6g}, y {south:.6g} to {north:.6g}"
