"""Elevation models on disk: opened, checked, and read window by window in their own system."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import RasterError
from graben.landforms.shipped import ShippedGrid, shipped_names
from graben.landforms.stored_grids import StoredGrid, cf_variable, gdal_band

if TYPE_CHECKING:
    from numpy.typing import NDArray

EARTH = (-12_000, 9_000)
ELSEWHERE = (-30_000, 30_000)  # Mars spans -8.2 to 21.2 km, the Moon -9.1 to 10.8 km
FINEST = 0.05  # metres; the cells of a grid in degrees are finer if they are taken for metres
VOID_MARKS = (-9999, -32768, 32767)
CF_SUFFIXES = (".nc", ".nc4", ".cdf", ".zarr")


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
    _stored: StoredGrid = field(init=False, repr=False)

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
        near = max(abs(self.x[0]), abs(self.x[-1])) <= 360 and max(abs(south), abs(north)) <= 90
        if self._stored.crs is None and not self.crs.is_geographic and near:
            width = self.transform.a * self.crs.linear_units_factor[1]
            if width < FINEST:
                raise RasterError(
                    f"{self.path} would have cells {width:.3g} m wide in {self.crs.to_string()}, "
                    f"from {self.x[0]:g} to {self.x[-1]:g} and {south:g} to {north:g}. These look "
                    "like degrees: give --crs EPSG:4326."
                )


def _stored_at(path: Path) -> StoredGrid:
    if path.exists():
        return cf_variable(path) if path.suffix.lower() in CF_SUFFIXES else gdal_band(path)
    if str(path) in shipped_names():
        return ShippedGrid(str(path))
    raise RasterError(
        f"there is no file {path}. Give the path of an elevation model, or the name of one that "
        f"ships: {', '.join(shipped_names())}."
    )


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
        with rasterio.Env():  # without it GDAL prints an error of its own
            given = CRS.from_user_input(given)
    except rasterio.errors.CRSError as error:
        raise RasterError(
            f"{given!r} is no coordinate reference system. Give one such as EPSG:4326 (longitude "
            "and latitude) or EPSG:32636 (UTM zone 36 north)."
        ) from error
    if own is not None and not same_crs(own, given):
        raise RasterError(
            f"{path} says that it is in {own.to_string()}, not {given.to_string()}. Leave --crs "
            "out; if the file is wrong, correct it: "
            f"`rio edit-info --crs {given.to_string()} {path.name}`."
        )
    return given if own is None else own


def same_crs(one: Any, other: Any) -> bool:
    """Say whether two coordinate reference systems are one, however they are written."""
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
    least, most = (
        extreme.reduce(values, axis=None, initial=np.nan) for extreme in (np.fmin, np.fmax)
    )
    if max(limits[0], -9998) < least and most < min(limits[1], 32766):
        return  # nothing is odd: found in a tenth of the time that it takes to name what is
    infinite = np.isinf(values)
    if infinite.any():
        raise RasterError(
            f"{path}: {np.count_nonzero(infinite)} cells are infinite. If they are voids, say so "
            "in the file: `rio edit-info --nodata inf` or `-inf`, or write another mark into them."
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
