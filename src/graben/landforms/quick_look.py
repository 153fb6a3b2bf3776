"""Large rasters made small enough to look at, and counted, a band of rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import RasterError
from graben.landforms.dem import on_map
from graben.landforms.dem_file import DemFile
from graben.landforms.legend import Legend
from graben.landforms.tiled import small_gdal_cache

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

LONGEST = 1400  # cells of a picture's longer side: more are not seen at its resolution
CLOSE = 420  # cells of a picture whose single cells are seen
CELLS_AT_ONCE = 4_000_000


def thumbnail(dem: DemFile) -> "xr.DataArray":
    """Read an elevation model thinned out to at most `LONGEST` cells a side.

    Parameters
    ----------
    dem
        The file; it is never held as a whole.

    Returns
    -------
    xarray.DataArray
        Metres, float32, dims (y, x): means of square blocks of cells, NaN where a block has a void
        in it; cells that are left over at the last row and column are left out.
    """
    by = _thinning(dem.shape)
    rows, columns = (length // by for length in dem.shape)
    parts = [
        dem.read((band, slice(0, columns * by)))
        .reshape(-1, by, columns, by)
        .mean(axis=(1, 3), dtype=np.float64)
        for band in _bands(rows * by, columns * by, by)
    ]
    y, x = (
        centres[: length * by].reshape(length, by).mean(axis=1)
        for centres, length in ((dem.y, rows), (dem.x, columns))
    )
    return on_map(np.concatenate(parts).astype(np.float32), y, x, dem.crs)


def layer_thumbnail(path: Path) -> "NDArray[Any]":
    """Read a GeoTIFF on the cells of the `thumbnail` of the elevation model it was made of."""
    import rasterio
    from rasterio.windows import Window

    with rasterio.open(path) as file:
        by = _thinning(file.shape)
        rows, columns = (length // by for length in file.shape)
        window = Window(0, 0, columns * by, rows * by)
        values: NDArray[Any] = file.read(1, window=window, out_shape=(rows, columns))
    return values


def middle_part(ground: "xr.DataArray", dem: DemFile) -> tuple[slice, slice]:
    """Return the rows and columns of a part of an elevation model for a close look.

    Parameters
    ----------
    ground
        The `thumbnail` of the model.
    dem
        The model.

    Returns
    -------
    tuple of slice
        About `CLOSE` cells a side: the part nearest to the middle among those of which a tenth at
        most is void, or as little as in any.
    """
    by = dem.shape[0] // ground.sizes["y"]
    side = min(-(-CLOSE // by), *ground.shape)
    rows, columns = (length // side for length in ground.shape)
    parts = ground.to_numpy()[: rows * side, : columns * side].reshape(rows, side, columns, side)
    voids = np.isnan(parts).mean(axis=(1, 3))
    off = np.hypot(*np.ogrid[(1 - rows) / 2 : rows / 2, (1 - columns) / 2 : columns / 2])
    best = np.argmin(np.where(voids <= max(0.1, voids.min()), off, np.inf))
    row, column = (int(place) * side * by for place in np.unravel_index(best, off.shape))
    return slice(row, row + side * by), slice(column, column + side * by)


def check_not_void(dem: DemFile) -> None:
    """Read an elevation model until one cell is not void.

    Raises
    ------
    RasterError
        All of them are.
    """
    rows, columns = dem.shape
    if not any(
        np.isfinite(dem.read((band, slice(0, columns)))).any() for band in _bands(rows, columns, 1)
    ):
        raise RasterError(
            f"{dem.path.name} holds nothing but voids. Check the nodata value that it declares, or "
            "give another elevation model."
        )


def class_areas(path: Path, legend: Legend, row_areas: "NDArray[np.float64]") -> dict[int, float]:
    """Add up the area of each class of a GeoTIFF.

    Parameters
    ----------
    path
        The file, uint8.
    legend
        Its classes; other codes are not counted.
    row_areas
        Area of a cell of each row, (row,).

    Returns
    -------
    dict
        By code, in the unit of `row_areas`.
    """
    import rasterio

    codes = [one.code for one in legend.classes]
    total = np.zeros(len(codes))
    with small_gdal_cache(), rasterio.open(path) as file:
        for band in _bands(file.height, file.width, file.block_shapes[0][0]):
            classes = file.read(1, window=((band.start, band.stop), (0, file.width)))
            cells = np.stack([(classes == code).sum(axis=1) for code in codes])
            total += cells @ row_areas[band]
    return dict(zip(codes, total.tolist(), strict=True))


def _thinning(shape: tuple[int, int]) -> int:
    return max(1, min(-(-max(shape) // LONGEST), min(shape)))


def _bands(rows: int, columns: int, step: int) -> Iterator[slice]:
    """Cut rows into bands of whole steps that are small enough to hold."""
    height = max(1, CELLS_AT_ONCE // (columns * step)) * step
    for start in range(0, rows, height):
        yield slice(start, min(start + height, rows))
