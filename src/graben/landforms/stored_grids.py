"""Grids as their files hold them: a band that GDAL reads, a variable of NetCDF or Zarr."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from graben.errors import RasterError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

EAST_NAMES = {"x", "lon", "longitude", "easting", "projection_x_coordinate"}
NORTH_NAMES = {"y", "lat", "latitude", "northing", "projection_y_coordinate"}
_HDF5_LOCK = threading.Lock()  # the library beneath NetCDF crashes where threads enter together


class StoredGrid(Protocol):
    """A grid as its file holds it."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def transform(self) -> Any:
        """From (column, row) to coordinates; rows may run north and columns west."""

    @property
    def crs(self) -> Any:
        """The coordinate reference system, None if the file does not tell it."""

    def read(self, rows: slice, columns: slice) -> "NDArray[np.float32]":
        """Read a window in metres, NaN in voids."""


@dataclass(frozen=True)
class GdalBand:
    """The band of a GeoTIFF, an ASCII grid or another raster that GDAL reads."""

    path: Path
    shape: tuple[int, int]
    transform: Any
    crs: Any

    def read(self, rows: slice, columns: slice) -> "NDArray[np.float32]":
        """Read a window in metres, NaN in voids."""
        import rasterio
        from rasterio.windows import Window

        window = Window.from_slices(rows, columns)
        try:
            with rasterio.open(self.path) as file:
                marked = file.nodata is not None and not np.isnan(file.nodata)
                flags = {flag.name for flag in file.mask_flag_enums[0]}
                masked = marked or not flags <= {"all_valid", "nodata"}
                band = file.read(1, window=window, masked=masked)
                scale, offset = file.scales[0], file.offsets[0]
        except rasterio.errors.RasterioIOError as error:
            cause = error.__cause__ or error  # by itself it only refers to what GDAL said
            raise RasterError(f"{self.path} cannot be read: {cause}. Fetch it again.") from error
        values = np.ma.getdata(band).astype(np.float32, copy=False)
        if masked:
            values[np.ma.getmaskarray(band)] = np.nan
        if (scale, offset) != (1.0, 0.0):
            values = (values * scale + offset).astype(np.float32)
        return values


def gdal_band(path: Path) -> GdalBand:
    """Open what GDAL reads, if it is one band of numbers on a grid that is not rotated."""
    import warnings

    import rasterio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            file = rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:
        raise RasterError(
            f"{path} is no raster that GDAL reads ({error}). Give a GeoTIFF, NetCDF or ASCII grid."
        ) from error
    with file:
        if file.count != 1:
            raise RasterError(
                f"{path}: expected one band of elevations, got {file.count} bands. Keep the one "
                "that holds the elevations, for example with `rio stack --bidx 1 FILE -o OUT.tif`."
            )
        if np.dtype(file.dtypes[0]).kind not in "iuf":
            raise RasterError(f"{path} holds {file.dtypes[0]} numbers. Give a band of elevations.")
        if file.crs is None and file.transform.is_identity:
            raise RasterError(
                f"{path} has no georeference. Say where its cells lie and in which system: "
                f"`rio edit-info --transform ... --crs EPSG:... {path.name}`."
            )
        if not file.transform.is_rectilinear or file.transform.b or file.transform.d:
            raise RasterError(
                f"{path} is a rotated grid. Warp it first: `rio warp FILE OUT.tif --dst-crs "
                "EPSG:...`, with its own system or another."
            )
        return GdalBand(path, file.shape, file.transform, file.crs)


@dataclass(frozen=True)
class CfVariable:
    """The variable of a NetCDF file or a Zarr folder by the CF conventions."""

    path: Path
    name: str
    axes: tuple[str, str]
    shape: tuple[int, int]
    transform: Any
    crs: Any

    def read(self, rows: slice, columns: slice) -> "NDArray[np.float32]":
        """Read a window in metres, NaN in voids."""
        y, x = self.axes
        with _opened_cf(self.path) as dataset:
            part = dataset[self.name].isel({y: rows, x: columns}).squeeze()
            missing = [axis for axis in (y, x) if axis not in part.dims]
            return part.expand_dims(missing).transpose(y, x).to_numpy().astype(np.float32)


@contextmanager
def _opened_cf(path: Path) -> "Iterator[xr.Dataset]":
    zarr = path.suffix.lower() == ".zarr"
    with nullcontext() if zarr else _HDF5_LOCK:
        try:
            dataset = _opened_zarr(path) if zarr else _opened_netcdf(path)
        except (OSError, ValueError, KeyError) as error:
            raise RasterError(
                f"{path} is no NetCDF file or Zarr folder that xarray reads ({error}). Give a "
                "GeoTIFF, NetCDF, Zarr or ASCII grid."
            ) from error
        with dataset:
            yield dataset


def _opened_zarr(path: Path) -> "xr.Dataset":
    import xarray as xr

    whole = None if (path / "zarr.json").exists() else (path / ".zmetadata").exists()
    return xr.open_zarr(path, chunks=None, consolidated=whole, decode_coords="all")


def _opened_netcdf(path: Path) -> "xr.Dataset":
    import xarray as xr

    return xr.open_dataset(path, engine="netcdf4", decode_coords="all", decode_times=False)


def cf_variable(path: Path) -> CfVariable:
    """Open NetCDF or Zarr, if it has one variable on two evenly spaced axes."""
    import rioxarray  # noqa: F401  registers .rio

    with _opened_cf(path) as dataset:
        grids = {
            str(name): axes
            for name, variable in dataset.data_vars.items()
            if variable.dtype.kind in "iuf" and (axes := _axes(variable)) is not None
        }
        if len(grids) != 1:
            got = f"variables {', '.join(grids)}" if grids else "none"
            raise RasterError(
                f"{path}: expected one variable of elevations on two axes with coordinates, got "
                f"{got}. Keep one: `xarray.open_dataset(FILE)[[NAME]].to_netcdf(OUT)`."
            )
        [(name, (y, x))] = grids.items()
        variable = dataset[name]
        shape = (variable.sizes[y], variable.sizes[x])
        transform = _lattice(path, variable[y].to_numpy(), variable[x].to_numpy())
        crs = variable.rio.crs
        if crs is None and _in_degrees(variable, y, x):
            from rasterio.crs import CRS

            crs = CRS.from_epsg(4326)
        return CfVariable(path, name, (y, x), shape, transform, crs)


def _axes(variable: "xr.DataArray") -> tuple[str, str] | None:
    """Give the names of the axes to the north and to the east; other axes have length one."""
    found = []
    for names, letter, units in (
        (NORTH_NAMES, "Y", "degrees_north"),
        (EAST_NAMES, "X", "degrees_east"),
    ):
        for dim in variable.dims:
            attrs = variable[dim].attrs if dim in variable.coords else {}
            named = str(dim).lower() in names or attrs.get("standard_name") in names
            if dim in variable.coords and (
                named or attrs.get("axis") == letter or attrs.get("units") == units
            ):
                found.append(str(dim))
                break
    others = [variable.sizes[dim] for dim in variable.dims if dim not in found]
    return (found[0], found[1]) if len(found) == 2 and all(n == 1 for n in others) else None


def _in_degrees(variable: "xr.DataArray", y: str, x: str) -> bool:
    units = variable[y].attrs.get("units"), variable[x].attrs.get("units")
    return units == ("degrees_north", "degrees_east")


def _lattice(path: Path, y: "NDArray[Any]", x: "NDArray[Any]") -> Any:
    """Give the transform of evenly spaced centres; a single row is as high as a column is wide."""
    from rasterio.transform import Affine

    y, x = y.astype(float), x.astype(float)
    if len(y) == len(x) == 1:
        raise RasterError(f"{path} holds a single cell, which has no size. Give a larger grid.")
    steps = []
    for name, centres in (("rows", y), ("columns", x)):
        step = (centres[-1] - centres[0]) / max(len(centres) - 1, 1)
        off = np.abs(centres - (centres[0] + step * np.arange(len(centres)))).max()
        if len(centres) > 1 and not off <= 0.05 * abs(step):
            sizes = np.abs(np.diff(centres))
            raise RasterError(
                f"{path}: expected evenly spaced {name}, got steps from {sizes.min():.6g} to "
                f"{sizes.max():.6g}. Interpolate it to even steps first, for example with xarray's "
                "`interp`, or warp it from the projection in which they are even."
            )
        steps.append(step)
    height, width = steps[0] or -abs(steps[1]), steps[1] or abs(steps[0])
    return Affine(width, 0, x[0] - width / 2, 0, height, y[0] - height / 2)
