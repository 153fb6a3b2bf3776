"""Elevation models: from files of any projection to one longitude-latitude grid."""

import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from graben.errors import RasterError
from graben.landforms.dem import on_map
from graben.landforms.dem_file import DemFile, same_crs

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray


class Box(Protocol):
    """A box in longitude and latitude, in degrees."""

    @property
    def west(self) -> float:
        """Western edge."""

    @property
    def south(self) -> float:
        """Southern edge."""

    @property
    def east(self) -> float:
        """Eastern edge."""

    @property
    def north(self) -> float:
        """Northern edge."""


def read_dem_degrees(path: str | Path, region: Box | None = None) -> "xr.DataArray":
    """Read an elevation model (GeoTIFF, NetCDF, ASCII grid, whatever GDAL reads).

    Parameters
    ----------
    path
        A file of one band, in metres, with a coordinate reference system. NetCDF whose
        coordinates are in degrees_north and degrees_east needs no other.
    region
        Read only the cells that touch this box; only these are loaded.

    Returns
    -------
    xarray.DataArray
        Elevation in metres, float32, dims (y, x), y descending, CRS EPSG:4326 (other systems are
        reprojected bilinearly), longitudes from -180 to 180; NaN where the file has a void.

    Raises
    ------
    RasterError
        The file cannot be read, has several bands or no CRS, crosses the date line, does not
        cover the region, holds nothing but voids there, or voids that it does not declare.
    """
    file = DemFile(Path(path))
    columns, x = _in_half_turns(file)
    rows, y = np.arange(file.shape[0]), file.y
    if region is not None:
        _check_covers(file, x, region)
        west, south, east, north = _source_edges(file, region)
        inside = _touching(x, file.transform.a, west, east)
        columns, x = columns[inside], x[inside]
        inside = _touching(y, file.transform.e, south, north)
        rows, y = rows[inside], y[inside]
    dem = _on_degrees(on_map(_read(file, rows, columns), y, x, file.crs))
    if region is not None:
        step_x, step_y = dem.rio.resolution(recalc=True)
        dem = dem.isel(
            x=_touching(dem.x.to_numpy(), step_x, region.west, region.east),
            y=_touching(dem.y.to_numpy(), step_y, region.south, region.north),
        )
    if not dem.notnull().any():
        raise RasterError(
            f"{path} holds nothing but voids here. Choose a region where it has elevations, or "
            "check the nodata value that it declares."
        )
    return dem.rename("elevation").assign_attrs(units="m", long_name="elevation")


def resample_mean(dem: "xr.DataArray", degrees: float, region: Box) -> "xr.DataArray":
    """Average an elevation model over the cells of a longitude-latitude lattice.

    Parameters
    ----------
    dem
        Elevation on EPSG:4326, NaN = void.
    degrees
        Step of the lattice; its cell edges lie at whole multiples of it.
    region
        Box to fill; it is widened to whole cells.

    Returns
    -------
    xarray.DataArray
        float32, dims (y, x), y descending: the mean of the valid parts of the model in each
        cell, by their share of it; NaN only where there is none.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from graben.datasets import load_elevation
    >>> ararat = SimpleNamespace(west=44.0, south=39.5, east=44.5, north=40.0)
    >>> fine, coarse = load_elevation("globe-anatolia"), load_elevation("globe-tile")
    >>> mean = resample_mean(fine, 0.025, ararat)
    >>> box = coarse.sel(x=slice(44.0, 44.5), y=slice(40.0, 39.5))
    >>> bool(abs(mean.values - box.values).max() <= 0.5)
    True
    """
    from rasterio.enums import Resampling
    from rasterio.transform import Affine

    west, south = (math.floor(edge / degrees + 1e-6) for edge in (region.west, region.south))
    east, north = (math.ceil(edge / degrees - 1e-6) for edge in (region.east, region.north))
    mean: xr.DataArray = dem.rio.write_nodata(np.nan).rio.reproject(
        "EPSG:4326",
        shape=(north - south, east - west),
        transform=Affine(degrees, 0, west * degrees, 0, -degrees, north * degrees),
        resampling=Resampling.average,
        nodata=np.nan,
    )
    return mean.assign_coords(
        x=(np.arange(west, east) + 0.5) * degrees, y=(np.arange(north, south, -1) - 0.5) * degrees
    )


def _in_half_turns(file: DemFile) -> "tuple[NDArray[np.intp], NDArray[np.float64]]":
    """Give the order of the columns, and where they lie, with longitudes from -180 to 180."""
    x = file.x
    turned = (x + 180) % 360 - 180
    if not file.crs.is_geographic or np.array_equal(turned, x):
        return np.arange(len(x)), x
    order = np.argsort(turned)
    steps = np.diff(turned[order])
    if len(steps) and steps.max() > 1.5 * np.median(steps):
        raise RasterError(
            f"{file.path} crosses the date line ({x.min():.4g} to {x.max():.4g} E). Cut it in two "
            "there."
        )
    return order, turned[order]


def _check_covers(file: DemFile, x: "NDArray[np.float64]", region: Box) -> None:
    from rasterio.warp import transform_bounds

    half_x, half_y = file.transform.a / 2, -file.transform.e / 2
    edges = x[0] - half_x, file.y[-1] - half_y, x[-1] + half_x, file.y[0] + half_y
    west, south, east, north = transform_bounds(file.crs, "EPSG:4326", *edges)
    slack_y, slack_x = ((north - south) / file.shape[0] / 2, (east - west) / file.shape[1] / 2)
    covers_x = west - slack_x <= region.west and region.east <= east + slack_x
    covers_y = south - slack_y <= region.south and region.north <= north + slack_y
    if not (covers_x and covers_y):
        raise RasterError(
            f"{file.path} does not cover the region west {region.west:g}, south {region.south:g}, "
            f"east {region.east:g}, north {region.north:g}; it covers {west:.4f} to {east:.4f} E "
            f"and {south:.4f} to {north:.4f} N. Choose a region inside it, or another elevation "
            "model."
        )


def _source_edges(file: DemFile, region: Box) -> tuple[float, float, float, float]:
    """Give the box in the model's own system that reprojection to the region needs."""
    from rasterio.warp import transform_bounds

    edges = (region.west, region.south, region.east, region.north)
    west, south, east, north = transform_bounds("EPSG:4326", file.crs, *edges)
    margin = 2 * max(file.transform.a, -file.transform.e)
    return west - margin, south - margin, east + margin, north + margin


def _touching(
    centres: "NDArray[np.float64]", step: float, low: float, high: float
) -> "NDArray[np.intp]":
    """Choose the cells that share more than an edge with a range."""
    half = abs(step) * (0.5 - 1e-6)
    return np.flatnonzero((centres + half > low) & (centres - half < high))


def _read(
    file: DemFile, rows: "NDArray[np.intp]", columns: "NDArray[np.intp]"
) -> "NDArray[np.float32]":
    """Read rows that follow each other and columns that do so but for one turn."""
    turns = [0, *(np.flatnonzero(np.diff(columns) != 1) + 1), len(columns)]
    down = slice(rows[0], rows[-1] + 1)
    parts = [slice(columns[start], columns[end - 1] + 1) for start, end in pairwise(turns)]
    return np.concatenate([file.read((down, part)) for part in parts], axis=1)


def _on_degrees(dem: "xr.DataArray") -> "xr.DataArray":
    """Bring a model to EPSG:4326, y descending, voids NaN and nothing else kept."""
    from rasterio.enums import Resampling

    if not same_crs(dem.rio.crs, "EPSG:4326"):
        dem = dem.rio.write_nodata(np.nan).rio.reproject(
            "EPSG:4326", resampling=Resampling.bilinear, nodata=np.nan
        )
    placed: xr.DataArray = dem.drop_attrs().rio.write_crs("EPSG:4326").rio.write_transform()
    return placed
