"""Elevation models in memory: read in their own system, measured in metres, written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from graben.errors import RasterError
from graben.landforms.dem_file import DemFile
from graben.landforms.legend import Legend
from graben.output import written_file, written_folder

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray


def read_dem(
    path: str | Path, crs: Any = None, window: tuple[slice, slice] | None = None
) -> "xr.DataArray":
    """Read an elevation model as it is: its own system, its own cells.

    Parameters
    ----------
    path
        GeoTIFF, ASCII grid, NetCDF, a Zarr folder, or anything else that GDAL reads; one band,
        in metres.
    crs
        The coordinate reference system, for a file that does not tell it (`"EPSG:32636"`).
    window
        Rows from the north and columns from the west; by default all.

    Returns
    -------
    xarray.DataArray
        Elevation in metres, float32, dims (y, x), y descending, x ascending; NaN where the file
        has a void.

    Raises
    ------
    RasterError
        The file cannot be read, has several bands, no CRS or another one than was given, is
        rotated or unevenly spaced, holds nothing but voids, or voids that it does not declare.
    """
    file = DemFile(Path(path), crs)
    region = window or (slice(0, file.shape[0]), slice(0, file.shape[1]))
    values = file.read(region)
    if values.size == 0:
        raise RasterError(
            f"{path}: the window {region} holds no cell of its {file.shape[0]} rows and "
            f"{file.shape[1]} columns. Choose one inside."
        )
    if np.isnan(values).all():
        raise RasterError(
            f"{path} holds nothing but voids here. Choose a window where it has elevations, or "
            "check the nodata value that it declares."
        )
    dem = on_map(values, file.y[region[0]], file.x[region[1]], file.crs)
    if 1 in dem.shape:  # the centre of a single row does not tell how high it is
        from rasterio.windows import Window, transform

        window = Window.from_slices(*region, *file.shape)
        dem = dem.rio.write_transform(transform(window, file.transform))
    return dem.assign_attrs(units="m", long_name="elevation")


def on_map(
    values: "NDArray[Any]", y: "NDArray[Any]", x: "NDArray[Any]", crs: Any, name: str = "elevation"
) -> "xr.DataArray":
    """Give an array its place: centres of rows and columns, and the CRS."""
    import rioxarray  # noqa: F401  registers .rio
    import xarray as xr

    placed: xr.DataArray = xr.DataArray(values, {"y": y, "x": x}, ("y", "x"), name=name)
    return placed.rio.write_crs(crs, inplace=True).rio.write_coordinate_system(inplace=True)


@dataclass(frozen=True)
class CellSize:
    """How wide (`x`) and high (`y`) the cells of each row are, in metres, float64 of (rows,)."""

    x: "NDArray[np.float64]"
    y: "NDArray[np.float64]"

    @property
    def is_uniform(self) -> bool:
        """Whether all rows have the same cells."""
        return bool(np.ptp(self.x) == 0 == np.ptp(self.y))

    @property
    def is_square(self) -> bool:
        """Whether cells are as wide as high, to a millionth."""
        return bool(np.allclose(self.x, self.y, rtol=1e-6, atol=0))


def cell_size(dem: "xr.DataArray | DemFile") -> CellSize:
    """Measure the cells of an elevation model in metres.

    Projected systems have the same cells everywhere; their units are converted. Degrees are
    measured on the ellipsoid of the system, by its radii of curvature at the middle of each row:
    in the prime vertical along the row, in the meridian across it.

    Parameters
    ----------
    dem
        An elevation model in memory or on disk.

    Returns
    -------
    CellSize
        Widths and heights in metres, one for each row from the north.

    Examples
    --------
    A degree on WGS 84 is 111,319 m wide and 110,574 m high at the equator.

    >>> y, x = np.arange(0.5, -0.6, -0.5), np.arange(0.0, 3.0)
    >>> size = cell_size(on_map(np.zeros((3, 3), np.float32), y, x, "EPSG:4326"))
    >>> float(size.x[1].round()), float(size.y[1].round() * 2)
    (111319.0, 110574.0)
    """
    if isinstance(dem, DemFile):
        crs, transform = dem.crs, dem.transform
    else:
        crs, transform = dem.rio.crs, dem.rio.transform(recalc=True)
    rows = np.ones(dem.shape[0])
    width, height = abs(transform.a), abs(transform.e)
    if not crs.is_geographic:
        metres = crs.linear_units_factor[1]
        return CellSize(width * metres * rows, height * metres * rows)
    from pyproj import CRS

    ellipsoid: Any = CRS.from_user_input(crs).ellipsoid
    flattening = 1 / ellipsoid.inverse_flattening if ellipsoid.inverse_flattening else 0.0
    eccentricity = flattening * (2 - flattening)
    radians = crs.units_factor[1]
    latitude = np.asarray(dem.y, dtype=float) * radians
    bulge = 1 - eccentricity * np.sin(latitude) ** 2
    vertical = ellipsoid.semi_major_metre / np.sqrt(bulge)
    meridian = vertical * (1 - eccentricity) / bulge
    return CellSize(vertical * np.cos(latitude) * width * radians, meridian * height * radians)


def write_raster(path: str | Path, array: "xr.DataArray", legend: Legend | None = None) -> None:
    """Write a raster, in the format that the suffix names.

    `.tif` is a cloud-optimised GeoTIFF, tiled, compressed and with overviews; `.asc` an ESRI ASCII
    grid with its `.prj`; `.nc` NetCDF by the CF conventions; `.zarr` a folder of format 3. Floating
    numbers mark voids by NaN (-9999 in ASCII grids), classes by 0.

    Parameters
    ----------
    path
        Where to; an earlier result is replaced when the new one is whole.
    array
        Dims (y, x), with a CRS. Its name and its attributes `long_name` and `units` are kept.
    legend
        For class rasters (uint8): colours and names of the codes go along, for GeoTIFF as a colour
        table and an `.aux.xml` beside it, for NetCDF and Zarr as CF flags.

    Raises
    ------
    RasterError
        The suffix names no format, the array has no CRS, or its cells are not square although an
        ASCII grid can hold no others.
    InputError
        The place is not writable.
    OutputError
        Writing failed half way; what stood there before is unchanged.
    """
    path = Path(path)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise RasterError(
            f"cannot write {path.name}: expected one of {', '.join(_WRITERS)}. Choose one of these "
            "suffixes."
        )
    if array.rio.crs is None:
        raise RasterError(
            "the raster to write has no coordinate reference system. Give it one: "
            "`array.rio.write_crs('EPSG:...')`."
        )
    writer(path, array, legend)


def _write_tif(path: Path, array: "xr.DataArray", legend: Legend | None) -> None:
    import rasterio

    profile = {"height": array.shape[0], "width": array.shape[1], "dtype": array.dtype.name}
    profile |= {"count": 1, "crs": array.rio.crs, "transform": array.rio.transform(recalc=True)}
    profile |= {"driver": "COG", "nodata": nodata_of(array.dtype), **cog_options(array.dtype)}
    with (
        written_file(path) as temporary,
        gdal_failures_as_os_errors(),
        rasterio.open(temporary, "w", **profile) as file,
    ):
        file.write(array.to_numpy(), 1)
        file.set_band_description(1, str(array.attrs.get("long_name", _name(array))))
        file.set_band_unit(1, str(array.attrs.get("units", "")))
        if legend is not None:
            file.write_colormap(1, {one.code: (*one.rgb, 255) for one in legend.classes})
    write_category_names(path, legend)


def cog_options(dtype: "np.dtype[Any]") -> dict[str, Any]:
    """Give the creation options of our cloud-optimised GeoTIFFs: every GDAL reads them."""
    kind = dtype.kind == "f"
    return {
        "compress": "DEFLATE",
        "level": 1,  # a fifth of the default's time for classes, half for floats; 2 to 10 % larger
        "predictor": "FLOATING_POINT" if kind else "NO",  # classes have no gradients
        "overview_resampling": "AVERAGE" if kind else "NEAREST",
        "blocksize": 512,
        "bigtiff": "IF_SAFER",
    }


def write_category_names(path: Path, legend: Legend | None) -> None:
    """Write the names of a GeoTIFF's codes beside it, where GDAL and QGIS look: `.aux.xml`.

    Without a legend, what lies there goes: it tells of an earlier raster of this name.
    """
    beside = path.with_name(path.name + ".aux.xml")
    if legend is None:
        beside.unlink(missing_ok=True)
        return
    root = Element("PAMDataset")
    names = SubElement(SubElement(root, "PAMRasterBand", band="1"), "CategoryNames")
    for code in range(max(legend.names, default=0) + 1):
        SubElement(names, "Category").text = legend.names.get(code, "")
    with written_file(beside) as temporary:
        temporary.write_bytes(ElementTree.tostring(root))


def _write_asc(path: Path, array: "xr.DataArray", _: Legend | None) -> None:
    transform = array.rio.transform(recalc=True)
    width, height = transform.a, -transform.e
    if not np.isclose(width, height, rtol=1e-6, atol=0):
        raise RasterError(
            f"an ASCII grid holds square cells only; these are {width:g} wide and {height:g} high. "
            "Write .tif, .nc or .zarr, or warp the raster to square cells first."
        )
    floating = array.dtype.kind == "f"
    header = {
        "ncols": array.shape[1],
        "nrows": array.shape[0],
        "xllcorner": repr(float(transform.c)),
        "yllcorner": repr(float(transform.f - height * array.shape[0])),
        "cellsize": repr(float(width)),
        "NODATA_value": -9999 if floating else 0,
    }
    with written_file(path) as temporary:
        values = array.fillna(-9999) if floating else array
        lines = "\n".join(f"{key} {value}" for key, value in header.items())
        np.savetxt(
            temporary, values.to_numpy(), "%.9g" if floating else "%d", header=lines, comments=""
        )
    with written_file(path.with_suffix(".prj")) as temporary:
        temporary.write_text(array.rio.crs.to_wkt(version="WKT1_ESRI"))


def _write_nc(path: Path, array: "xr.DataArray", legend: Legend | None) -> None:
    dataset, name = _cf_dataset(array, legend)
    dataset[name].encoding |= {"zlib": True, "complevel": 4}
    with written_file(path) as temporary, gdal_failures_as_os_errors():
        dataset.to_netcdf(temporary, engine="netcdf4")


def _write_zarr(path: Path, array: "xr.DataArray", legend: Legend | None) -> None:
    import warnings

    dataset, _ = _cf_dataset(array, legend)
    with written_folder(path) as temporary, warnings.catch_warnings():
        # without consolidated metadata, which the format does not have yet, readers list the
        # folder and stumble over the marker
        warnings.filterwarnings("ignore", "Consolidated metadata", UserWarning)
        dataset.to_zarr(temporary, mode="w", zarr_format=3, consolidated=True)


_WRITERS: dict[str, Callable[[Path, "xr.DataArray", Legend | None], None]] = {
    ".tif": _write_tif,
    ".asc": _write_asc,
    ".nc": _write_nc,
    ".zarr": _write_zarr,
}


def _cf_dataset(array: "xr.DataArray", legend: Legend | None) -> "tuple[xr.Dataset, str]":
    name = _name(array)
    placed = array.rename(name).rio.write_coordinate_system().rio.write_transform()
    if legend is not None:
        placed.attrs["flag_values"] = np.array(list(legend.names), array.dtype)
        placed.attrs["flag_meanings"] = " ".join(
            one.replace(" ", "_") for one in legend.names.values()
        )
    placed.encoding = {
        "grid_mapping": placed.rio.grid_mapping,
        "_FillValue": nodata_of(array.dtype),
    }
    return placed.to_dataset(), name


def _name(array: "xr.DataArray") -> str:
    return "raster" if array.name is None else str(array.name)


def nodata_of(dtype: "np.dtype[Any]") -> float:
    """Give what marks voids in our files: NaN, or 0 for classes."""
    return float("nan") if dtype.kind == "f" else 0


@contextmanager
def gdal_failures_as_os_errors() -> Iterator[None]:
    """GDAL and HDF5 report a full disk by errors of their own."""
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError

    try:
        yield
    except (CPLE_BaseError, RasterioError, RuntimeError) as error:
        raise OSError(str(error)) from error
