"""Elevation models on disk: opened, checked, and read window by window in their own system."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from graben.errors import RasterError
from graben.landforms.shipped import ShippedGrid, shipped_names

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

EARTH = (-12_000, 9_000)
ELSEWHERE = (-30_000, 30_000)  # Mars spans -8.2 to 21.2 km, the Moon -9.1 to 10.8 km
VOID_MARKS = (-9999, -32768, 32767)
CF_SUFFIXES = (".nc", ".nc4", ".cdf", ".zarr")
EAST_NAMES = {"x", "lon", "longitude", "easting", "projection_x_coordinate"}
NORTH_NAMES = {"y", "lat", "latitude", "northing", "projection_y_coordinate"}

_HDF5_LOCK = threading.Lock()  # the library beneath NetCDF crashes where threads enter together


class _Stored(Protocol):
    """A grid as its file holds it."""

    @property
    def shape(self) -> tuple[int, int]: ...

    @property
    def transform(self) -> Any: ...

    @property
    def crs(self) -> Any: ...

    def read(self, rows: slice, columns: slice) -> "NDArray[np.float32]": ...


@dataclass
class DemFile:
    """An elevation model on disk, of which windows are read.

    It can be pickled and shared by threads: each window opens the file anew. Nothing is
    reprojected; rows run from north to south and columns from west to east, whatever the file's
    order is. Longitudes stay as the file counts them (-180 to 180, or 0 to 360).

    Parameters
    ----------
    path
        GeoTIFF, ASCII grid or anything else that GDAL reads; NetCDF or a Zarr folder with one
        variable on evenly spaced coordinates. Elevations are in metres. Or the name of an
        elevation model that ships, globe-anatolia or globe-tile, in which sea is void.
    crs
        The coordinate reference system, for a file that does not tell it (`"EPSG:32636"`).
        NetCDF and Zarr with coordinates in degrees_north and degrees_east need none.

    Attributes
    ----------
    shape
        Rows and columns.
    transform
        The affine transform from (column, row) to coordinates, north up.

    Raises
    ------
    RasterError
        The file cannot be read, has several bands or variables, no CRS or another one than was
        given, is rotated, or is unevenly spaced.
    """

    path: Path
    crs: Any = None
    shape: tuple[int, int] = field(init=False)
    transform: Any = field(init=False)
    _stored: _Stored = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        self._stored = _stored_at(self.path)
        self.crs = _agreed_crs(self.path, self._stored.crs, self.crs)
        self.shape = self._stored.shape
        self.transform = _north_up(self._stored.transform, self.shape)
        self._check_place()

    @property
    def x(self) -> "NDArray[np.float64]":
        """Coordinates of the columns' centres, ascending."""
        return self.transform.c + self.transform.a * (np.arange(self.shape[1]) + 0.5)

    @property
    def y(self) -> "NDArray[np.float64]":
        """Coordinates of the rows' centres, descending."""
        return self.transform.f + self.transform.e * (np.arange(self.shape[0]) + 0.5)

    def read(self, region: tuple[slice, slice] = (slice(None), slice(None))) -> "NDArray[Any]":
        """Read a window.

        Parameters
        ----------
        region
            Rows and columns, of step 1; by default all.

        Returns
        -------
        numpy.ndarray
            Elevation in metres, float32, (rows, columns); NaN where the file has a void.

        Raises
        ------
        RasterError
            The window holds infinite values, voids that the file does not declare, or heights
            that no elevation in metres has.
        """
        rows, columns = (
            slice(*one.indices(size)[:2]) for one, size in zip(region, self.shape, strict=True)
        )
        down, right = self._stored.transform.e < 0, self._stored.transform.a > 0
        values = self._stored.read(
            rows if down else _mirrored(rows, self.shape[0]),
            columns if right else _mirrored(columns, self.shape[1]),
        )
        values = values[:: 1 if down else -1, :: 1 if right else -1]
        _check_heights(self.path, values, _plausible(self.crs))
        return np.ascontiguousarray(values)

    def _check_place(self) -> None:
        south, north = self.y[-1], self.y[0]
        if self.crs.is_geographic and max(abs(south), abs(north)) > 90.001:
            raise RasterError(
                f"{self.path} would reach from {south:g} to {north:g} degrees north. Its "
                f"coordinates are not those of {self.crs.to_string()}: give the system that it is "
                "in, for example --crs EPSG:32636."
            )


def _stored_at(path: Path) -> _Stored:
    if path.exists():
        return _cf_variable(path) if path.suffix.lower() in CF_SUFFIXES else _gdal_band(path)
    if str(path) in shipped_names():
        return ShippedGrid(str(path))
    raise RasterError(
        f"there is no file {path}. Give the path of an elevation model, or the name of one that "
        f"ships: {', '.join(shipped_names())}."
    )


@dataclass(frozen=True)
class _GdalBand:
    path: Path
    shape: tuple[int, int]
    transform: Any
    crs: Any

    def read(self, rows: slice, columns: slice) -> "NDArray[np.float32]":
        import rasterio
        from rasterio.windows import Window

        window = Window.from_slices(rows, columns)
        try:
            with rasterio.open(self.path) as file:
                band = file.read(1, window=window, masked=True)
                scale, offset = file.scales[0], file.offsets[0]
        except rasterio.errors.RasterioIOError as error:
            raise RasterError(f"{self.path} cannot be read: {error}. Fetch it again.") from error
        values = band.data.astype(np.float32)
        values[np.ma.getmaskarray(band)] = np.nan
        if (scale, offset) != (1.0, 0.0):
            values = (values * scale + offset).astype(np.float32)
        return values


def _gdal_band(path: Path) -> _GdalBand:
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
        return _GdalBand(path, file.shape, file.transform, file.crs)


@dataclass(frozen=True)
class _CfVariable:
    path: Path
    name: str
    axes: tuple[str, str]
    shape: tuple[int, int]
    transform: Any
    crs: Any

    def read(self, rows: slice, columns: slice) -> "NDArray[np.float32]":
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


def _cf_variable(path: Path) -> _CfVariable:
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
        return _CfVariable(path, name, (y, x), shape, transform, crs)


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


def _agreed_crs(path: Path, own: Any, given: Any) -> Any:
    import rasterio
    from rasterio.crs import CRS

    if given is None:
        if own is None:
            raise RasterError(
                f"{path} has no coordinate reference system. Give the one that it is in: where "
                "there is an option or argument for it, --crs EPSG:4326 (longitude and latitude); "
                f"or else in a copy, `rio convert {path.name} OUT.tif` and then "
                "`rio edit-info --crs EPSG:4326 OUT.tif`."
            )
        return own
    try:
        given = CRS.from_user_input(given)
    except rasterio.errors.CRSError as error:
        raise RasterError(
            f"{given!r} is no coordinate reference system. Give one such as EPSG:4326 (longitude "
            "and latitude) or EPSG:32636 (UTM zone 36 north)."
        ) from error
    if own is not None and not _same(own, given):
        raise RasterError(
            f"{path} says that it is in {own.to_string()}, not {given.to_string()}. Leave --crs "
            "out; if the file is wrong, correct it: "
            f"`rio edit-info --crs {given.to_string()} {path.name}`."
        )
    return given if own is None else own


def _same(one: Any, other: Any) -> bool:
    from pyproj import CRS

    first, second = CRS.from_user_input(one), CRS.from_user_input(other)
    return first.equals(second, ignore_axis_order=True) or (
        first.to_epsg() is not None and first.to_epsg() == second.to_epsg()
    )


def _north_up(transform: Any, shape: tuple[int, int]) -> Any:
    from rasterio.transform import Affine

    west = min(transform.c, transform.c + transform.a * shape[1])
    north = max(transform.f, transform.f + transform.e * shape[0])
    return Affine(abs(transform.a), 0, west, 0, -abs(transform.e), north)


def _mirrored(part: slice, size: int) -> slice:
    return slice(size - part.stop, size - part.start)


def _plausible(crs: Any) -> tuple[float, float]:
    """Give the lowest and highest elevation of the body that a system belongs to."""
    from pyproj import CRS

    ellipsoid = CRS.from_user_input(crs).ellipsoid
    earth = ellipsoid is None or abs(ellipsoid.semi_major_metre / 6_378_137 - 1) < 0.01
    return EARTH if earth else ELSEWHERE


def _check_heights(path: Path, values: "NDArray[np.float32]", limits: tuple[float, float]) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        raise RasterError(
            f"{path}: {np.count_nonzero(infinite)} cells are infinite. Declare what marks voids, "
            "or replace them by the nodata value: `rio calc` or `gdal_calc.py`."
        )
    odd = (values < limits[0]) | (values > limits[1]) | np.isin(values, VOID_MARKS)
    if odd.any():
        mark = values[odd][0]
        remedy = (
            f"`rio edit-info --nodata {mark:g} {path.name}`"
            if path.suffix.lower() != ".asc"
            else f"a line `NODATA_value {mark:g}` at the end of its header"
        )
        raise RasterError(
            f"{path}: {np.count_nonzero(odd)} cells hold {mark:g}, which is no elevation in "
            f"metres. If it marks voids, say so in the file: {remedy}."
        )
