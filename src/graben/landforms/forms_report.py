"""The page of a map of landforms, its quick look and its style."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from matplotlib import colormaps
from matplotlib.colors import to_hex
from rasterio.windows import Window

import graben
from graben.errors import InputError
from graben.landforms.dem import cell_size, on_map
from graben.landforms.dem_file import DemFile
from graben.landforms.figures import draw_classes, draw_field, limits
from graben.landforms.form_measures import MEASURES
from graben.landforms.forms import GeomorphonTile, Sighting, check_size, cores
from graben.landforms.legend import GEOMORPHONS, write_qgis_ramp, write_qgis_style
from graben.landforms.quick_look import (
    check_not_void,
    class_areas,
    layer_thumbnail,
    middle_part,
    thumbnail,
)
from graben.landforms.tiled import Layer, stream
from graben.output import written_file
from graben.report import Picture, Section, Table, Text, command_line, write_page

if TYPE_CHECKING:
    import xarray as xr

COLOURS = "viridis"
DEFINITION = "https://doi.org/10.1016/j.geomorph.2012.11.005"
MEANINGS = {
    1: "hardly anything around is steeper than the flat angle",
    2: "the land falls in all directions",
    3: "it falls to both sides, and little rises",
    4: "level on one side, falling on the other",
    5: "a slope that bulges: it falls to the sides too",
    6: "rises on one side, falls on the other",
    7: "a slope that is hollow: it rises to the sides too",
    8: "level on one side, rising on the other",
    9: "it rises to both sides, and little falls",
    10: "the land rises in all directions",
}
LABELS = {
    "forms": ("landform", ""),
    "intensity": ("mean height above what decides", "m"),
    "exposition": ("greatest height above what decides", "m"),
    "range": ("range of heights of what decides", "m"),
    "variance": ("variance of heights of what decides", "m2"),
    "elongation": ("elongation of what is seen", ""),
    "azimuth": ("azimuth of what is seen", "degree"),
    "extend": ("extent of what is seen", ""),
    "width": ("width of what is seen", "m"),
    "openness_positive": ("positive openness", "degree"),
    "openness_negative": ("negative openness", "degree"),
    "sky_view": ("sky-view factor", ""),
}
TIES = {
    "anglev1": "level",
    "anglev2": "higher",
    "anglev2_distance": "lower if the place below is farther away, otherwise higher",
}
WORTH_KNOWING = (
    "A form depends on how far one looks. A search of a few cells finds gullies and bumps; a long "
    "one finds ranges and basins. There is no single right map.",
    "The flat angle decides what counts as a plain. Errors of the elevation model steeper than it "
    "show as forms.",
    "Lines of sight end before the search distance: a search of 10 square cells looks at 9 along "
    "rows and columns, and at 7 along diagonals. The outermost rows and columns (skip + 1) have no "
    "form, and those within the search distance of the edge see less. Voids have no form; a "
    "direction that begins with a void is not counted; voids farther away are looked over.",
    "The rules are those of r.geomorphon (GRASS 8.2), whose codes these are: in projected systems "
    "cell for cell; in degrees, where cells are measured in metres row by row, some differ. Its "
    "habits come with it: each angle is held against the flat angle by itself (the paper takes "
    "their difference), and no line of sight looks at the southernmost row.",
    "Forms say what a place looks like, not how it came about.",
)


def map_forms(
    dem: DemFile, out: Path, sighting: Sighting, outputs: Sequence[str] = ("forms",)
) -> dict[str, Any]:
    """Map the forms of an elevation model that need not fit into memory.

    NAME.tif is the map, with colours and names; beside it NAME.qml (a style for QGIS), NAME.png (a
    quick look), NAME.html (a page), and for each other output NAME_OUTPUT.tif, likewise.

    Parameters
    ----------
    dem
        The elevation model.
    out
        NAME.tif.
    sighting
        How to look around.
    outputs
        As of `geomorphons`; "forms" is always among them.

    Returns
    -------
    dict
        The settings, the size of a cell, and area and share of each form.

    Raises
    ------
    RasterError
        The elevation model is too small, or void.
    InputError
        An output is unknown, or the place is not writable.
    OutputError
        Writing failed half way; what stood there before is unchanged.
    """
    rasters = [out, *(out.with_name(f"{out.stem}_{name}.tif") for name in outputs)]
    written = [path.with_suffix(suffix) for path in rasters for suffix in (out.suffix, ".png")]
    if dem.path.resolve() in [path.resolve() for path in written]:
        raise InputError(f"the map would replace the elevation model {out}. Name another --out.")
    names = tuple(dict.fromkeys(("forms", *outputs)))
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        raise InputError(
            f"expected outputs of {', '.join(MEASURES)}; got {', '.join(unknown)}. Choose among "
            "these."
        )
    check_size(dem.shape, sighting)
    check_not_void(dem)
    compute = GeomorphonTile(sighting, cell_size(dem), names)
    layers = {
        name: Layer(
            out if name == "forms" else out.with_name(f"{out.stem}_{name}.tif"),
            np.dtype(dtype).name,
            GEOMORPHONS if name == "forms" else None,
            *LABELS.get(name, (name, "")),
        )
        for name, dtype in compute.dtypes.items()
    }
    stream(dem, compute, layers, compute.halo, cores())
    return _write_page(dem, sighting, layers)


def _write_page(dem: DemFile, sighting: Sighting, layers: dict[str, Layer]) -> dict[str, Any]:
    out = layers["forms"].path
    summary = _summary(out, dem, sighting)
    ground = thumbnail(dem)
    write_qgis_style(out.with_suffix(".qml"), GEOMORPHONS)
    picture = _save(_forms_picture(ground, dem, summary, out), out)
    pictures = [picture]
    if ground.shape != dem.shape:
        pictures.append(_close_look(ground, dem, out))
    fields = tuple(
        _save(_field_picture(ground, layer), layer.path)
        for layer in layers.values()
        if layer.dtype == "float32"
    )
    sections = [
        Section("The map", (_lead(summary), *pictures, _shares_table(summary))),
        *([Section("Measures", fields)] if fields else []),
        Section("How a cell gets its form", (_rule(sighting), _settings_table(sighting))),
        Section("What to know", (Text(WORTH_KNOWING),)),
    ]
    facts = {
        "command": command_line(),
        "elevation model": f"{dem.path.name}, {dem.crs.to_string()}",
        "graben": graben.__version__,
    }
    rows, columns = dem.shape
    subtitle = f"{rows:,} by {columns:,} cells of {summary['cell']}"
    write_page(out.with_suffix(".html"), f"Landforms of {dem.path.name}", subtitle, sections, facts)
    return summary


def _summary(out: Path, dem: DemFile, sighting: Sighting) -> dict[str, Any]:
    size = cell_size(dem)
    areas = class_areas(out, GEOMORPHONS, size.x * size.y / 1e6)
    total = sum(areas.values())
    forms = [
        {"code": one.code, "form": one.name, "km2": areas[one.code],
         "share": areas[one.code] / total if total else 0.0}
        for one in GEOMORPHONS.classes
    ]  # fmt: skip
    middle = dem.shape[0] // 2
    return asdict(sighting) | {
        "dem": str(dem.path),
        "cell": _cell(dem, size.x[middle], size.y[middle]),
        "search_m": sighting.search * float(size.y[middle]),
        "forms": forms,
    }


def _save(picture: Picture, path: Path) -> Picture:
    with written_file(path.with_suffix(".png")) as temporary:
        temporary.write_bytes(picture.png)
    return picture


def _field_picture(ground: "xr.DataArray", layer: Layer) -> Picture:
    values = layer_thumbnail(layer.path)
    low, high = limits(values)
    colours = [to_hex(colour) for colour in colormaps[COLOURS](np.linspace(0, 1, 9))]
    unit = {"degree": "°", "m2": "m²"}.get(layer.units, layer.units)
    label = f"{layer.long_name}, {unit}" if unit else layer.long_name
    write_qgis_ramp(layer.path.with_suffix(".qml"), low, high, colours, unit)
    figure = draw_field(values, ground, COLOURS, label, layer.long_name.capitalize())
    alt = f"Map of {layer.long_name}, mostly from {low:.3g} to {high:.3g}."
    return Picture(figure, alt, "", layer.path.stem.lower())


def _cell(dem: DemFile, width: float, height: float) -> str:
    metres = f"{width:.4g} by {height:.4g} m"
    if not dem.crs.is_geographic:
        return metres
    return f"{abs(dem.transform.a) * 3600:.4g} arc-seconds ({metres} in the middle)"


def _lead(summary: dict[str, Any]) -> Text:
    first, second, *_ = sorted(summary["forms"], key=lambda form: -form["share"])
    return Text(
        (
            f"{first['form'].capitalize()} covers {first['share']:.0%} of the land, "
            f"{second['form']} {second['share']:.0%}, looking {summary['search']} cells "
            f"({distance(summary['search_m'])}) far from each cell.",
        ),
        lead=True,
    )


def _forms_picture(
    ground: "xr.DataArray", dem: DemFile, summary: dict[str, Any], path: Path
) -> Picture:
    shares = {form["code"]: form["share"] for form in summary["forms"]}
    title = f"Landforms of {dem.path.name}, looking {distance(summary['search_m'])} far"
    most = max(summary["forms"], key=lambda form: form["share"])
    return Picture(
        draw_classes(layer_thumbnail(path), ground, GEOMORPHONS, title, shares),
        f"Map of the ten landforms over shaded relief; {most['form']} covers most.",
        "Shares are of the area that has a form. Light comes from the north-west.",
        "forms",
    )


def _close_look(ground: "xr.DataArray", dem: DemFile, path: Path) -> Picture:
    rows, columns = middle_part(ground, dem)
    with rasterio.open(path) as file:
        forms = file.read(1, window=Window.from_slices(rows, columns))
    part = on_map(dem.read((rows, columns)), dem.y[rows], dem.x[columns], dem.crs)
    return Picture(
        draw_classes(forms, part, GEOMORPHONS, "A part of the map, cell by cell"),
        "Map of the ten landforms in a part of the model near its middle.",
        "Near the middle of the model. Shares are of the cells of this part.",
        "close",
    )


def _shares_table(summary: dict[str, Any]) -> Table:
    rows = tuple(
        (form["code"], form["form"], MEANINGS[form["code"]], whole(form["km2"]),
         f"{100 * form['share']:.2f} %")
        for form in summary["forms"]
    )  # fmt: skip
    return Table("The ten forms", ("code", "form", "what it means", "km²", "share"), rows)


def _rule(sighting: Sighting) -> Text:
    return Text(
        (
            "From each cell eight lines of sight run to N, NE, E, SE, S, SW, W and NW. Along each, "
            "the steepest angle up and the steepest angle down are found. "
            f"{verdict_rule(sighting)} How many of the eight are higher and how many lower "
            f"decides the form (geomorphons; Jasiewicz and Stepinski 2013, {DEFINITION}). "
            "`graben landforms explain` shows the lines of any cell.",
        )
    )


def verdict_rule(sighting: Sighting) -> str:
    """Say how the two angles of a direction make it level, higher or lower."""
    shrinks = f" (less beyond {sighting.dist:g} cells)" if sighting.dist else ""
    alone = (
        "" if sighting.comparison == "anglev1" else "; if one alone exceeds it, that one decides"
    )
    return (
        f"A direction is level where neither angle exceeds {sighting.flat:g}°{shrinks}{alone}; "
        "otherwise the steeper of the two says whether it is higher or lower. Where both are "
        "equally steep, as on an even slope or in models of whole metres, it is "
        f"{TIES[sighting.comparison]}."
    )


def _settings_table(sighting: Sighting) -> Table:
    rows = (
        ("search", f"{sighting.search} cells", "where a line of sight ends"),
        ("skip", f"{sighting.skip} cells", "about the cell, not looked at"),
        ("flat", f"{sighting.flat:g}°", "angles up to this count as level"),
        ("dist", f"{sighting.dist:g} cells", "beyond it the flat angle shrinks; 0: never"),
        ("comparison", sighting.comparison, "how up and down are weighed"),
    )
    return Table("Settings", ("setting", "value", "meaning"), rows)


def whole(area: float) -> float | int:
    """Return a large number without its decimals, a small one as it is."""
    return round(area) if area >= 100 else area


def distance(metres: float) -> str:
    """Return a length as text, in metres or kilometres.

    Examples
    --------
    >>> distance(300.0), distance(9250.0)
    ('300 m', '9.25 km')
    """
    return f"{metres / 1000:.3g} km" if metres >= 1000 else f"{metres:.3g} m"
