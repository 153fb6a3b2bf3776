"""Elevation models: from files of any projection to one longitude-latitude grid."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from graben.errors import RasterError

if TYPE_CHECKING:
    import xarray as xr

LOWEST, HIGHEST = -12_000, 9_000
VOID_MARKS = (-9999, -32768, 32767)


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
    path = Path(path)
    dem = _opened(path)
    if region is not None:
        _check_covers(path, dem, region)
        dem = _cropped(dem, _source_edges(dem, region))
    dem = _on_degrees(dem.load())
    if region is not None:
        dem = _cropped(dem, (region.west, region.south, region.east, region.north))
    _check_heights(path, dem)
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


def _opened(path: Path) -> "xr.DataArray":
    """Open lazily as (y, x), voids as NaN, longitudes from -180 to 180."""
    import rasterio
    import rioxarray
    import xarray as xr

    if not path.exists():
        raise RasterError(f"there is no file {path}. Give the path of an elevation model.")
    try:
        dem = rioxarray.open_rasterio(path, masked=True)
    except rasterio.errors.RasterioIOError as error:
        raise RasterError(
            f"{path} is no raster that GDAL reads ({error}). Give a GeoTIFF, NetCDF or ASCII grid."
        ) from error
    if not isinstance(dem, xr.DataArray) or dem.sizes["band"] != 1:
        got = f"{dem.sizes['band']} bands" if isinstance(dem, xr.DataArray) else "several variables"
        raise RasterError(
            f"{path}: expected one band of elevations, got {got}. Keep the one that holds the "
            "elevations, for example with `rio stack --bidx 1 FILE -o OUT.tif`."
        )
    if not dem.rio.transform().is_rectilinear:
        raise RasterError(
            f"{path} is a rotated grid. Warp it first: `rio warp FILE OUT.tif --dst-crs EPSG:4326`."
        )
    return _in_half_turns(path, _with_crs(path, dem.squeeze("band", drop=True)))


def _with_crs(path: Path, dem: "xr.DataArray") -> "xr.DataArray":
    if dem.rio.crs is not None:
        return dem
    units = {value for key, value in dem.attrs.items() if key.endswith("#units")}
    if not {"degrees_north", "degrees_east"} <= units:
        raise RasterError(
            f"{path} has no coordinate reference system. Say which it has, for example that it is "
            f"in longitude and latitude: `rio convert {path.name} OUT.tif` and then "
            "`rio edit-info --crs EPSG:4326 OUT.tif`."
        )
    georeferenced: xr.DataArray = dem.rio.write_crs("EPSG:4326")
    return georeferenced


def _in_half_turns(path: Path, dem: "xr.DataArray") -> "xr.DataArray":
    """Bring longitudes of 0 to 360 to -180 to 180."""
    if not dem.rio.crs.is_geographic:
        return dem
    x = dem["x"].to_numpy()
    turned = (x + 180) % 360 - 180
    if np.array_equal(turned, x):
        return dem
    order = np.argsort(turned)
    steps = np.diff(turned[order])
    if len(steps) and steps.max() > 1.5 * np.median(steps):
        raise RasterError(
            f"{path} crosses the date line ({x.min():.4g} to {x.max():.4g} E). Cut it in two there."
        )
    return dem.isel(x=order).assign_coords(x=turned[order])


def _check_covers(path: Path, dem: "xr.DataArray", region: Box) -> None:
    west, south, east, north = dem.rio.transform_bounds("EPSG:4326", recalc=True)
    slack_x = (east - west) / dem.sizes["x"] / 2
    slack_y = (north - south) / dem.sizes["y"] / 2
    covers_x = west - slack_x <= region.west and region.east <= east + slack_x
    covers_y = south - slack_y <= region.south and region.north <= north + slack_y
    if not (covers_x and covers_y):
        raise RasterError(
            f"{path} does not cover the region west {region.west:g}, south {region.south:g}, east "
            f"{region.east:g}, north {region.north:g}; it covers {west:.4f} to {east:.4f} E and "
            f"{south:.4f} to {north:.4f} N. Choose a region inside it, or another elevation model."
        )


def _source_edges(dem: "xr.DataArray", region: Box) -> tuple[float, float, float, float]:
    """Give the box in the model's own system that reprojection to the region needs."""
    from rasterio.warp import transform_bounds

    edges = (region.west, region.south, region.east, region.north)
    west, south, east, north = transform_bounds("EPSG:4326", dem.rio.crs, *edges)
    margin = 2 * max(abs(step) for step in dem.rio.resolution(recalc=True))
    return west - margin, south - margin, east + margin, north + margin


def _cropped(dem: "xr.DataArray", edges: tuple[float, float, float, float]) -> "xr.DataArray":
    """Keep the cells that share more than an edge with the box."""
    west, south, east, north = edges
    half_x, half_y = (abs(step) * (0.5 - 1e-6) for step in dem.rio.resolution(recalc=True))
    x, y = dem["x"].to_numpy(), dem["y"].to_numpy()
    return dem.isel(
        x=np.flatnonzero((x + half_x > west) & (x - half_x < east)),
        y=np.flatnonzero((y + half_y > south) & (y - half_y < north)),
    )


def _on_degrees(dem: "xr.DataArray") -> "xr.DataArray":
    """Bring a loaded model to EPSG:4326, float32, y descending, voids NaN and nothing else kept."""
    from rasterio.enums import Resampling

    dem = dem.astype(np.float32).rio.write_nodata(np.nan)
    if dem.rio.crs.to_epsg() != 4326:
        dem = dem.rio.reproject("EPSG:4326", resampling=Resampling.bilinear, nodata=np.nan)
    plain = dem.sortby("y", ascending=False).drop_attrs()
    placed: xr.DataArray = plain.rio.write_crs("EPSG:4326").rio.write_transform()
    return placed


def _check_heights(path: Path, dem: "xr.DataArray") -> None:
    values = dem.to_numpy()
    if np.isnan(values).all():
        raise RasterError(
            f"{path} holds nothing but voids here. Choose a region where it has elevations, or "
            "check the nodata value that it declares."
        )
    odd = (values < LOWEST) | (values > HIGHEST) | np.isin(values, VOID_MARKS)
    if odd.any():
        mark = values[odd][0]
        raise RasterError(
            f"{path}: {np.count_nonzero(odd)} cells hold {mark:g}, which is no elevation in "
            "metres. If it marks voids, say so in the file: "
            f"`rio edit-info --nodata {mark:g} {path.name}`."
        )
