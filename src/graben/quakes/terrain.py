"""The terrain as rasters on a forecast's grid."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import RasterError
from graben.quakes.grid import Grid
from graben.quakes.kernels import KM_PER_DEGREE

if TYPE_CHECKING:
    import xarray as xr

ELEVATION_STEP = 0.025
LAND_SUBCELLS = 5


def land_fraction(grid: Grid) -> NDArray[Any]:
    """Return the share of land in each cell (lat, lon), from Natural Earth's outlines.

    Each cell is looked at in 5 x 5 points. Lakes that the outlines leave out, such as the Caspian
    Sea, count as sea.
    """
    from rasterio.enums import MergeAlg
    from rasterio.features import rasterize
    from rasterio.transform import from_origin

    from graben.datasets import load_coastline

    step = grid.step / LAND_SUBCELLS
    north = grid.south + grid.rows * grid.step
    rings = [{"type": "Polygon", "coordinates": [ring.tolist()]} for ring in load_coastline()]
    crossings = rasterize(
        [(ring, 1) for ring in rings],
        out_shape=(grid.rows * LAND_SUBCELLS, grid.columns * LAND_SUBCELLS),
        transform=from_origin(grid.west, north, step, step),
        merge_alg=MergeAlg.add,
        dtype="uint8",
    )
    odd = (crossings[::-1] % 2).astype(np.float32)
    return _blocks(odd, LAND_SUBCELLS).mean(axis=(1, 3), dtype=np.float32)


def _blocks(array: NDArray[Any], size: int) -> NDArray[Any]:
    rows, columns = array.shape
    return array.reshape(rows // size, size, columns // size, size)


def on_fine_grid(elevation: "xr.DataArray", grid: Grid) -> NDArray[Any]:
    """Return the elevations (m) of the grid's box at 0.025 degrees, rows from the south.

    Raises
    ------
    RasterError
        The elevation model does not cover the grid, or has voids in it.
    """
    per_cell = round(grid.step / ELEVATION_STEP)
    shape = (grid.rows * per_cell, grid.columns * per_cell)
    lat = grid.south + ELEVATION_STEP * (np.arange(shape[0]) + 0.5)
    lon = grid.west + ELEVATION_STEP * (np.arange(shape[1]) + 0.5)
    found = elevation.reindex(y=lat, x=lon, method="nearest", tolerance=ELEVATION_STEP / 10)
    values = found.transpose("y", "x").to_numpy().astype(np.float32)
    missing = np.isnan(values).mean()
    if missing:
        raise RasterError(
            f"the elevation model leaves {missing:.1%} of {grid.region} without elevations. Give "
            "one that covers the region and has its voids filled (--dem), choose a smaller "
            "region, or use the model omori, which needs no elevations."
        )
    return values


def terrain_rasters(elevation: "xr.DataArray", grid: Grid) -> NDArray[Any]:
    """Return elevation, relief and slope on the grid, (3, lat, lon).

    Elevation is the mean (km), relief the range (km), slope the mean steepness (km per km) of the
    elevations at 0.025 degrees in each cell.
    """
    fine = on_fine_grid(elevation, grid) / np.float32(1000)
    per_cell = round(grid.step / ELEVATION_STEP)
    lat = np.radians(grid.south + ELEVATION_STEP * (np.arange(fine.shape[0]) + 0.5))
    north, east = np.gradient(fine, ELEVATION_STEP * KM_PER_DEGREE)
    steepness = np.hypot(north, east / np.cos(lat)[:, None].astype(np.float32))
    blocks = _blocks(fine, per_cell)
    mean = blocks.mean(axis=(1, 3))
    relief = blocks.max(axis=(1, 3)) - blocks.min(axis=(1, 3))
    return np.stack([mean, relief, _blocks(steepness, per_cell).mean(axis=(1, 3))])
