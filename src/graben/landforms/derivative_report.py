"""Derivatives of an elevation model on disk, as a folder of rasters with a page."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import graben
from graben.landforms.dem import cell_size, on_map, write_raster
from graben.landforms.dem_file import DemFile
from graben.landforms.derivative_figures import draw_derivative, ramp_of
from graben.landforms.derivative_table import (
    DERIVATIVES,
    SCALES,
    SEARCH,
    attributes,
    check_names,
    check_scales,
    results,
)
from graben.landforms.derivatives import DerivativesBlock, check_shape, derive
from graben.landforms.flow import check_memory
from graben.landforms.forms import cores
from graben.landforms.legend import write_qgis_ramp
from graben.landforms.quick_look import check_not_void, layer_thumbnail, thumbnail
from graben.landforms.tiled import Layer, small_gdal_cache, stream
from graben.output import check_file, check_folder, plain, written_folder
from graben.report import Picture, Section, Table, Text, command_line, save_picture, write_page

if TYPE_CHECKING:
    import xarray as xr

ROWS_AT_ONCE = 512
SAMPLE = 2000  # cells a side, at most, of which the median is taken
WORTH_KNOWING = (
    "Derivatives of the 3x3 cells rest on one quadratic surface: Horn's weights for the gradient, "
    "second differences weighted 1 4 1 for the curvatures, as GRASS has them. They magnify the "
    "noise of an elevation model: curvature more than slope. Steps of whole metres show on gentle "
    "land.",
    "Slopes depend on the size of the cells: they cannot be compared between models of different "
    "resolution.",
    "On geographic coordinates the metres of a cell are those of its row; that meridians converge "
    "within a window is left out.",
    "Water is led over an elevation model whose hollows are filled to their brims. Near the edge "
    "of the map, what flows in from outside is missing.",
)


def map_derivatives(
    dem: DemFile,
    what: Sequence[str],
    out: Path,
    scales: Sequence[int] = SCALES,
    search: int = SEARCH,
) -> dict[str, Any]:
    """Write derivatives of an elevation model into a folder.

    For each result NAME.tif, NAME.qml (a style for QGIS) and NAME.png (a quick look), and for all
    report.html and derivatives.json. All but the flow of water may be larger than memory, and goes
    on where an interrupted run stopped.

    Parameters
    ----------
    dem
        The elevation model.
    what, scales, search
        As of `derive`.
    out
        The folder.

    Returns
    -------
    dict
        The model, the size of its cells, and each result: file, units, definition, source, lowest,
        median and highest value, share of cells that are NaN.

    Raises
    ------
    RasterError
        The elevation model is void, too small, or too large for memory where the flow of water is
        asked for.
    InputError
        A name, scale or search that cannot be; the place is not writable, or is a folder with
        other things in it.
    OutputError
        Writing failed half way; an earlier folder is unchanged.
    """
    check_names(what)
    check_scales(scales)
    check_shape(dem.shape)
    flows = [name for name in what if DERIVATIVES[name].family == "flow"]
    if flows:
        check_memory(dem.shape)
    local = DerivativesBlock(
        tuple(name for name in what if name not in flows), cell_size(dem), tuple(scales), search
    )
    halo = local.halo
    rasters = check_folder(out, [dem.path]) / f".{out.name}-rasters"
    check_not_void(dem)
    paths = {name: rasters / f"{name}.tif" for name in results(what, scales)}
    for path in paths.values():
        check_file(path)
    if local.what:
        layers = {name: _layer(name, paths[name]) for name in results(local.what, scales)}
        stream(dem, local, layers, halo, cores())
    if flows:
        whole = on_map(dem.read(), dem.y, dem.x, dem.crs)
        for name, found in derive(whole, flows).items():
            write_raster(paths[str(name)], found)
    summary = _summary(dem, paths)
    with written_folder(out) as folder:
        _write_page(dem, paths, summary, folder)
        for path in paths.values():
            shutil.move(path, folder / path.name)
    shutil.rmtree(rasters)
    return summary


def _layer(result: str, path: Path) -> Layer:
    facts = attributes(result)
    return Layer(path, "float32", None, facts["long_name"], facts["units"])


def _summary(dem: DemFile, paths: Mapping[str, Path]) -> dict[str, Any]:
    size = cell_size(dem)
    middle = dem.shape[0] // 2
    return {
        "dem": str(dem.path),
        "shape": dem.shape,
        "cell_m": [float(size.x[middle]), float(size.y[middle])],
        "derivatives": [
            {"name": name, "file": path.name, **attributes(name), **_statistics(path)}
            for name, path in paths.items()
        ],
    }


def _statistics(path: Path) -> dict[str, float]:
    """Find lowest, median and highest value, and the share of NaN, a band of rows at a time."""
    import rasterio

    least, most, known, sample = np.inf, -np.inf, 0, []
    with small_gdal_cache(), rasterio.open(path) as file:
        step = max(1, max(file.shape) // SAMPLE)
        for start in range(0, file.height, ROWS_AT_ONCE):
            window = ((start, min(start + ROWS_AT_ONCE, file.height)), (0, file.width))
            values = file.read(1, window=window)
            sample.append(values[-start % step :: step, ::step].ravel())
            values = values[np.isfinite(values)]
            known += values.size
            least = min(least, float(values.min(initial=np.inf)))
            most = max(most, float(values.max(initial=-np.inf)))
        cells = file.width * file.height
    kept = np.concatenate(sample)
    kept = kept[np.isfinite(kept)]
    return {
        "min": least if known else np.nan,
        "median": float(np.median(kept)) if kept.size else np.nan,
        "max": most if known else np.nan,
        "nan_share": 1 - known / cells,
    }


def _write_page(
    dem: DemFile, paths: Mapping[str, Path], summary: dict[str, Any], folder: Path
) -> None:
    ground = thumbnail(dem)
    pictures = []
    for name, path in paths.items():
        values = layer_thumbnail(path)
        pictures.append(_picture(name, values, ground))
        save_picture(pictures[-1], folder)
        low, high, colours = ramp_of(name, values)
        unit = attributes(name)["units"]
        write_qgis_ramp(folder / f"{name}.qml", low, high, colours, "" if unit == "1" else unit)
    rows, columns = dem.shape
    width, height = summary["cell_m"]
    text = json.dumps(plain(summary), indent=2)
    (folder / "derivatives.json").write_text(text + "\n", encoding="utf-8")
    write_page(
        folder / "report.html",
        f"Terrain derivatives of {dem.path.name}",
        f"{rows:,} by {columns:,} cells of {width:.4g} by {height:.4g} m",
        [
            Section("What was derived", (_values(summary), _definitions(summary))),
            Section("Pictures", tuple(pictures)),
            Section("What to know", (Text(WORTH_KNOWING),)),
        ],
        {
            "command": command_line(),
            "elevation model": f"{dem.path.name}, {dem.crs.to_string()}",
            "graben": graben.__version__,
        },
    )


def _picture(name: str, values: Any, ground: "xr.DataArray") -> Picture:
    title = attributes(name)["long_name"]
    return Picture(
        draw_derivative(name, values, ground),
        f"Map of {title} over shaded relief.",
        f"{title[0].upper() + title[1:]}: {attributes(name)['definition']}. White: no value.",
        name,
    )


def _values(summary: dict[str, Any]) -> Table:
    rows = tuple(
        (one["name"], one["units"], one["min"], one["median"], one["max"],
         f"{100 * one['nan_share']:.2f} %")
        for one in summary["derivatives"]
    )  # fmt: skip
    columns = ("derivative", "unit", "lowest", "median", "highest", "no value")
    return Table("Values", columns, rows)


def _definitions(summary: dict[str, Any]) -> Table:
    rows = tuple(
        (one["name"], one["definition"], one["source"], one["voids"])
        for one in summary["derivatives"]
    )
    return Table("Definitions", ("derivative", "what it is", "source", "where it is NaN"), rows)
