"""Maps of a user's own classes: rasters, styles, suggestions, the model and a page, in a folder."""

import colorsys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio

from graben.errors import RasterError
from graben.landforms.class_pages import write_class_page
from graben.landforms.dem import cell_size
from graben.landforms.dem_file import DemFile
from graben.landforms.forms import cores
from graben.landforms.legend import Legend, LegendClass, write_qgis_ramp, write_qgis_style
from graben.landforms.models.active import suggest
from graben.landforms.models.few_labels import OUTPUTS, FewLabels
from graben.landforms.quick_look import check_not_void, class_areas
from graben.landforms.tiled import Layer, small_gdal_cache, stream
from graben.output import written_folder
from graben.report.drawing import COLOURS

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

UNLIKE = Legend("Where the model guesses", (LegendClass(1, "unlike the labelled land", "#cc0000"),))
CONFIDENCE = ("#440154", "#31688e", "#35b779", "#fde725")
_LONG_NAMES = {
    "classes": "landform class",
    "confidence": "probability of the class",
    "entropy": "entropy, 0 sure to 1 at a loss",
    "unlike": "unlike the land around the labels",
}


def class_legend(classes: tuple[str, ...]) -> Legend:
    """Give each class a code, from 1 on, and a colour.

    Examples
    --------
    >>> [(one.code, one.name) for one in class_legend(("dune", "plain")).classes]
    [(1, 'dune'), (2, 'plain')]
    """
    colours = [*COLOURS[:-1], *(_further(place) for place in range(len(classes)))]
    return Legend(
        "Landform classes",
        tuple(
            LegendClass(code, name, colours[code - 1].lower())
            for code, name in enumerate(classes, 1)
        ),
    )


def _further(place: int) -> str:
    # hues a golden angle apart never meet
    rgb = colorsys.hls_to_rgb(place * 0.618034 % 1, 0.35 + 0.3 * (place % 2), 0.55)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


def map_classes(
    dem: DemFile,
    model: FewLabels,
    out: Path,
    facts: dict[str, str],
    suggestions: int = 10,
    about: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Classify an elevation model that need not fit into memory, and tell what to know of it.

    The folder holds classes.tif (with colours and names), confidence.tif, entropy.tif and
    unlike.tif, styles for QGIS (.qml), classes.png, suggestions.geojson (where to click next) and
    report.html; with `about` also model, the folder of the model.

    Parameters
    ----------
    dem
        The elevation model.
    model
        Fitted or loaded.
    out
        The folder.
    facts
        What is needed to redo the page.
    suggestions
        How many places to suggest.
    about
        What the model's card tells besides; given if the model was learned just now.

    Returns
    -------
    dict
        Area, share and held-out scores of each class, and what makes the map doubtful.

    Raises
    ------
    RasterError
        The elevation model is void, or no cell of it has all that the model looks at.
    InputError
        The place is not writable.
    OutputError
        Writing failed half way; an earlier folder is unchanged.
    """
    check_not_void(dem)
    legend = class_legend(model.classes_)
    with written_folder(out) as folder:
        layers = {
            name: Layer(
                folder / f"{name}.tif",
                np.dtype(dtype).name,
                {"classes": legend, "unlike": UNLIKE}.get(name),
                _LONG_NAMES[name],
                "1",
            )
            for name, dtype in OUTPUTS.items()
        }
        block = model.block(dem)
        stream(dem, block, layers, block.halo, cores())
        write_qgis_style(folder / "classes.qml", legend)
        write_qgis_style(folder / "unlike.qml", UNLIKE)
        for name, colours in (("confidence", CONFIDENCE), ("entropy", CONFIDENCE[::-1])):
            write_qgis_ramp(folder / f"{name}.qml", 0.0, 1.0, colours)
        summary = _summary(dem, model, folder, legend)
        places = suggest(model, dem, suggestions, model.seed) if suggestions else None
        if places is not None:
            _write_points(places, folder / "suggestions.geojson")
        if about is not None:
            model.save(folder / "model", about)
        write_class_page(folder, dem, model, legend, summary, places, facts)
    return summary


def _write_points(places: "GeoDataFrame", path: Path) -> None:
    # the format knows one system only
    places.to_crs(4326).to_file(path, driver="GeoJSON")


def mapped_areas(dem: DemFile, folder: Path, legend: Legend) -> tuple[dict[int, float], float]:
    """Measure the map of classes in `folder`, and how much of it is unlike what was learned.

    Returns
    -------
    tuple
        km2 of each class by its code, and the share of all that is unlike.

    Raises
    ------
    RasterError
        No cell has a class.
    """
    size = cell_size(dem)
    row_areas = size.x * size.y / 1e6
    areas = class_areas(folder / "classes.tif", legend, row_areas)
    total = sum(areas.values())
    if total == 0:
        raise RasterError(
            f"no cell of {dem.path.name} ({dem.shape[0]} x {dem.shape[1]}) has what the model looks"
            " at: heights all around it. Give an elevation model of more rows and columns, or "
            "with fewer voids."
        )
    return areas, class_areas(folder / "unlike.tif", UNLIKE, row_areas)[1] / total


def _summary(dem: DemFile, model: FewLabels, folder: Path, legend: Legend) -> dict[str, Any]:
    areas, share = mapped_areas(dem, folder, legend)
    total = sum(areas.values())
    return {
        "dem": str(dem.path),
        "classes": [
            {
                "code": one.code,
                "class": one.name,
                "labelled_cells": model.counts_[one.name],
                "km2": areas[one.code],
                "share": areas[one.code] / total,
            }
            for one in legend.classes
        ],
        "labels_left_out": model.left_out_,
        "scores": model.scores_,
        "mean_confidence": _mean_confidence(folder / "confidence.tif"),
        "unlike_share": share,
        "warnings": model.warnings(dem, share),
    }


def _mean_confidence(path: Path) -> float:
    total = count = 0.0
    with small_gdal_cache(), rasterio.open(path) as file:
        for _, window in file.block_windows(1):
            values = file.read(1, window=window)
            known = np.isfinite(values)
            total += float(values[known].sum(dtype=float))
            count += int(known.sum())
    return total / count if count else float("nan")
