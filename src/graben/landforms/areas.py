"""A user's polygons on the cells of an elevation model."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graben.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr
    from numpy.typing import NDArray

NAMES = ("name", "Name", "NAME", "id", "ID")
MOST = 255


def area_cells(path: str | Path, dem: "xr.DataArray") -> tuple["NDArray[np.uint8]", dict[int, str]]:
    """Number the cells whose centres lie in polygons, and name the numbers.

    Parameters
    ----------
    path
        Any vector file that GDAL reads, with a coordinate reference system.
    dem
        Whose cells.

    Returns
    -------
    codes, names
        Code of each cell, (y, x), 0 outside; where polygons overlap, that of the later one. Names
        come from an attribute `name` or `id`, otherwise from the order.

    Raises
    ------
    InputError
        The file cannot be read, has no CRS, holds none or too many polygons, or none on the grid.
    """
    from rasterio.features import rasterize

    table = _read(Path(path)).to_crs(dem.rio.crs)
    named = next((column for column in NAMES if column in table), None)
    names = {
        number: str(number if named is None else table[named].iloc[number - 1])
        for number in range(1, len(table) + 1)
    }
    outlines = [(shape, number) for number, shape in enumerate(table.geometry, 1)]
    codes: NDArray[np.uint8] = rasterize(
        outlines, dem.shape, transform=dem.rio.transform(recalc=True), dtype="uint8"
    )
    if not codes.any():
        raise InputError(
            f"none of the {len(table)} polygons of {path} covers a cell of the first epoch. Check "
            "that both are of the same area, and their coordinate reference systems."
        )
    return codes, names


def _read(path: Path) -> "gpd.GeoDataFrame":
    import geopandas as gpd
    from pyogrio.errors import DataSourceError

    if not path.exists():
        raise InputError(f"there is no file {path}. Give the path of a file of polygons.")
    try:
        table = gpd.read_file(path, engine="pyogrio")
    except DataSourceError as error:
        raise InputError(
            f"{path} is no vector file that GDAL reads ({error}). Give a GeoPackage or GeoJSON."
        ) from error
    if not isinstance(table, gpd.GeoDataFrame) or table.crs is None:
        raise InputError(
            f"{path} has no geometry or no coordinate reference system. Save it as GeoPackage with "
            "its system set."
        )
    table = table[table.geom_type.isin(["Polygon", "MultiPolygon"]) & ~table.is_empty]
    if not 1 <= len(table) <= MOST:
        raise InputError(
            f"{path} holds {len(table)} polygons; expected 1 to {MOST}. Give polygons, no points "
            "or lines, and join those that belong together."
        )
    return table
