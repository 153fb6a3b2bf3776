"""Legends of class rasters, and the styles by which QGIS shows our rasters at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from graben.errors import InputError
from graben.output import written_file


@dataclass(frozen=True)
class LegendClass:
    """One class of a raster: its code (1 to 255), its name, its colour as `#rrggbb`."""

    code: int
    name: str
    color: str

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0 to 255."""
        return int(self.color[1:3], 16), int(self.color[3:5], 16), int(self.color[5:7], 16)


@dataclass(frozen=True)
class Legend:
    """What the codes of a class raster mean; 0 is void.

    Parameters
    ----------
    title
        What is classified, for example `"Geomorphons"`.
    classes
        The classes, each with a code of its own.

    Raises
    ------
    InputError
        A code is not within 1 to 255 or stands twice, or a colour is not `#rrggbb`.

    Examples
    --------
    >>> classes = LegendClass(1, "plain", "#dddddd"), LegendClass(4, "hill", "#aa7744")
    >>> Legend("Land", classes).names
    {1: 'plain', 4: 'hill'}
    """

    title: str
    classes: tuple[LegendClass, ...]

    def __post_init__(self) -> None:
        codes = [one.code for one in self.classes]
        if len(set(codes)) < len(codes) or not all(1 <= code <= 255 for code in codes):
            raise InputError(f"expected codes from 1 to 255, each once, got {codes}. Number anew.")
        for one in self.classes:
            digits = one.color[1:]
            if one.color[:1] != "#" or len(digits) != 6 or set(digits.lower()) - set(_HEX):
                raise InputError(
                    f"expected a colour such as #c8a064 for {one.name!r}, got {one.color!r}. "
                    "Write it as # and six hexadecimal digits."
                )

    @property
    def names(self) -> dict[int, str]:
        """Names by code."""
        return {one.code: one.name for one in self.classes}


_HEX = "0123456789abcdef"

GEOMORPHONS = Legend(
    "Geomorphons",
    (
        LegendClass(1, "flat", "#dcdcdc"),
        LegendClass(2, "summit", "#4a0d0d"),
        LegendClass(3, "ridge", "#c81e1e"),
        LegendClass(4, "shoulder", "#f08232"),
        LegendClass(5, "spur", "#fabe46"),
        LegendClass(6, "slope", "#fff05a"),
        LegendClass(7, "hollow", "#b4e650"),
        LegendClass(8, "footslope", "#46c85a"),
        LegendClass(9, "valley", "#6eb4eb"),
        LegendClass(10, "depression", "#14328c"),
    ),
)


def write_qgis_style(path: str | Path, legend: Legend) -> None:
    """Write the style of a class raster for QGIS (paletted), to lie beside it as `.qml`.

    Raises
    ------
    InputError
        The place is not writable.
    OutputError
        Writing failed half way; what stood there before is unchanged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_qgis_style(Path(folder) / "forms.qml", GEOMORPHONS)
    ...     style = ElementTree.parse(Path(folder) / "forms.qml")
    >>> style.find(".//paletteEntry[@value='3']").get("label")
    'ridge'
    """
    root, renderer = _style("paletted")
    palette = SubElement(renderer, "colorPalette")
    for one in legend.classes:
        entry = {"value": str(one.code), "label": one.name, "color": one.color, "alpha": "255"}
        SubElement(palette, "paletteEntry", entry)
    _save(path, root)


def write_qgis_ramp(
    path: str | Path, low: float, high: float, colors: Sequence[str], unit: str = ""
) -> None:
    """Write the style of a continuous raster for QGIS: colours evenly spaced between two values.

    Parameters
    ----------
    path
        The `.qml` file, named as the raster.
    low, high
        The values of the first and the last colour; beyond them these two stay.
    colors
        Two or more, as `#rrggbb`.
    unit
        Stands behind the values in the legend.

    Raises
    ------
    InputError
        Fewer than two colours, or `high` is not above `low`; or the place is not writable.
    OutputError
        Writing failed half way; what stood there before is unchanged.
    """
    if len(colors) < 2 or not low < high:
        raise InputError(
            f"expected two colours or more between two values that ascend, got {len(colors)} "
            f"from {low:g} to {high:g}. Give a wider range or more colours."
        )
    root, renderer = _style("singlebandpseudocolor")
    renderer.set("classificationMin", f"{low:.9g}")
    renderer.set("classificationMax", f"{high:.9g}")
    ramp = {"colorRampType": "INTERPOLATED", "classificationMode": "1", "clip": "0"}
    ramp |= {"minimumValue": f"{low:.9g}", "maximumValue": f"{high:.9g}"}
    shader = SubElement(SubElement(renderer, "rastershader"), "colorrampshader", ramp)
    for place, color in enumerate(colors):
        value = low + (high - low) * place / (len(colors) - 1)
        label = f"{value:.4g} {unit}".rstrip()
        item = {"value": f"{value:.9g}", "label": label, "color": color, "alpha": "255"}
        SubElement(shader, "item", item)
    _save(path, root)


def _style(kind: str) -> tuple[Element, Element]:
    root = Element("qgis", {"version": "3.28", "styleCategories": "AllStyleCategories"})
    pipe = SubElement(root, "pipe")
    band = {"type": kind, "band": "1", "opacity": "1", "alphaBand": "-1", "nodataColor": ""}
    renderer = SubElement(pipe, "rasterrenderer", band)
    SubElement(renderer, "rasterTransparency")
    SubElement(pipe, "brightnesscontrast", {"brightness": "0", "contrast": "0"})
    SubElement(pipe, "huesaturation", {"saturation": "0", "grayscaleMode": "0"})
    SubElement(pipe, "rasterresampler", {"maxOversampling": "2"})
    return root, renderer


def _save(path: str | Path, root: Element) -> None:
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    with written_file(path) as temporary:
        temporary.write_text(
            f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{text}\n"
        )
