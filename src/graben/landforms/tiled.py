"""Elevation models larger than memory: computed tile by tile, from a file into GeoTIFFs."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
import rasterio.shutil
from rasterio.dtypes import dtype_rev, typename_fwd

from graben.errors import OutputError, RasterError
from graben.landforms.dem import (
    cog_options,
    gdal_failures_as_os_errors,
    nodata_of,
    write_category_names,
)
from graben.landforms.dem_file import DemFile
from graben.landforms.legend import Legend
from graben.output import check_file, written_file
from graben.progress import track
from graben.tiling import TileFunction, map_tiles

if TYPE_CHECKING:
    from distributed import Client

SMALLEST_TILE = 1024
GDAL_CACHE = 32_000_000  # bytes


@dataclass(frozen=True)
class Layer:
    """A raster that is written: where to, and what its cells hold.

    Parameters
    ----------
    path
        A `.tif` file; it becomes a cloud-optimised GeoTIFF.
    dtype
        `uint8` for classes, whose void is 0; `float32` with NaN for the rest.
    legend
        Names and colours of classes.
    long_name, units
        What the cells hold, for the people who open the file.
    """

    path: Path
    dtype: str
    legend: Legend | None = None
    long_name: str = ""
    units: str = ""


def stream(
    dem: DemFile,
    function: TileFunction,
    layers: Mapping[str, Layer],
    halo: int,
    workers: "int | Client" = 1,
) -> None:
    """Compute rasters from an elevation model on disk that need not fit into memory.

    Memory holds a few tiles of 1024 cells a side (or four halos, if that is more), whatever the
    size of the model. What is finished is kept, hidden, beside the first layer until all are
    whole: the same call after a kill, a power cut or a full disk goes on from there.

    Parameters
    ----------
    dem
        The elevation model.
    function
        What is computed for a tile of float32 metres with NaN voids, see
        `graben.tiling.TileFunction`: it gives every layer by name.
    layers
        What is written.
    halo
        How many cells around it a cell's value depends on.
    workers
        Number of threads, or the client of a dask.distributed cluster whose workers see the file.

    Raises
    ------
    RasterError
        A layer is no `.tif`, or the elevation model cannot be read.
    InputError
        The place is not writable.
    OutputError
        The disk is too small, or became full; earlier results are unchanged.

    Examples
    --------
    The client of a dask cluster in place of the two threads gives the same cells.

    >>> import tempfile
    >>> from graben.landforms import GEOMORPHONS, GeomorphonTile, Sighting
    >>> from graben.landforms import cell_size, cone, write_raster
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_raster(f"{folder}/cone.tif", cone(31, 31, height=90, radius=150))
    ...     dem = DemFile(Path(folder) / "cone.tif")
    ...     look = GeomorphonTile(Sighting(search=10), cell_size(dem))
    ...     forms = Layer(Path(folder) / "forms.tif", "uint8", GEOMORPHONS)
    ...     stream(dem, look, {"forms": forms}, look.halo, workers=2)
    ...     with rasterio.open(forms.path) as file:
    ...         int(file.read(1)[15, 15])
    2
    """
    for layer in layers.values():
        if layer.path.suffix.lower() != ".tif":
            raise RasterError(
                f"expected a .tif file to write tile by tile, got {layer.path.name}. Write that, "
                f"and convert it: `rio convert OUT.tif {layer.path.name}`."
            )
        check_file(layer.path)
    first = next(iter(layers.values())).path
    scratch = first.with_name(f".{first.name}-tiles")
    dtypes = {name: np.dtype(layer.dtype) for name, layer in layers.items()}
    if not scratch.exists():
        _check_space(first, 2 * prod(dem.shape) * sum(dtype.itemsize for dtype in dtypes.values()))
    with small_gdal_cache():
        size = max(SMALLEST_TILE, 4 * halo)
        key = {"files": _identity(dem.path), "crs": dem.crs.to_wkt()}
        arrays = map_tiles(function, dem, dtypes, size, halo, scratch, key, workers)
        for name, layer in track(layers.items(), "writing"):
            _write_cog(layer, arrays[name], dem)
    shutil.rmtree(scratch)


def small_gdal_cache() -> rasterio.Env:
    """Give a context in which GDAL keeps little of what it reads.

    By itself it keeps as much as fits into a twentieth of the machine's memory: of no use where
    each part of a file is read once.
    """
    return rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE)


def _check_space(path: Path, needed: int) -> None:
    """Ask for the raw cells and as much again for compressed ones with their overviews."""
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise OutputError(
            f"expected {needed / 1e6:,.1f} MB of free space in {path.parent.absolute()} for the "
            f"results while they are made, got {free / 1e6:,.1f} MB. Free some, or choose another "
            "place."
        )


def _identity(path: Path) -> list[Any]:
    """Tell a file, or a folder of files, from what else may stand there later."""
    if not path.exists():  # the model ships with graben
        return [str(path)]
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    facts = [(one, one.stat()) for one in files]
    return [[str(one.resolve()), fact.st_size, fact.st_mtime_ns] for one, fact in facts]


def _write_cog(layer: Layer, array: Path, dem: DemFile) -> None:
    """Let GDAL read the raw cells where they lie: it compresses them without holding them."""
    described = array.with_suffix(".vrt")
    described.write_bytes(ElementTree.tostring(_described(layer, array, dem)))
    with written_file(layer.path) as temporary, gdal_failures_as_os_errors():
        options = cog_options(np.dtype(layer.dtype))
        finished = array.with_suffix(".tif")  # GDAL's own temporary files go with the tiles
        rasterio.shutil.copy(described, finished, driver="COG", **options)
        finished.replace(temporary)
    write_category_names(layer.path, layer.legend)


def _described(layer: Layer, array: Path, dem: DemFile) -> Element:
    """Describe a `.npy` file to GDAL, as a virtual raster of raw cells."""
    cells = np.load(array, mmap_mode="r")
    rows, columns = cells.shape
    root = Element("VRTDataset", rasterXSize=str(columns), rasterYSize=str(rows))
    SubElement(root, "SRS").text = dem.crs.to_wkt()
    SubElement(root, "GeoTransform").text = ", ".join(map(repr, dem.transform.to_gdal()))
    name = typename_fwd[dtype_rev[layer.dtype]]
    band = SubElement(root, "VRTRasterBand", dataType=name, band="1", subClass="VRTRawRasterBand")
    facts = {
        "Description": layer.long_name,
        "UnitType": layer.units,
        "NoDataValue": nodata_of(cells.dtype),
        "ImageOffset": cells.offset,
        "PixelOffset": cells.itemsize,
        "LineOffset": cells.itemsize * columns,
        "ByteOrder": "MSB" if cells.dtype.str[0] == ">" else "LSB",
    }
    for fact, value in facts.items():
        SubElement(band, fact).text = str(value)
    SubElement(band, "SourceFilename", relativetoVRT="1").text = array.name
    if layer.legend is not None:
        SubElement(band, "ColorInterp").text = "Palette"
        table = SubElement(band, "ColorTable")
        colors = {one.code: one.rgb for one in layer.legend.classes}
        for code in range(max(colors) + 1):
            red, green, blue = colors.get(code, (0, 0, 0))
            SubElement(
                table, "Entry", c1=str(red), c2=str(green), c3=str(blue),
                c4="255" if code in colors else "0",
            )  # fmt: skip
    return root
