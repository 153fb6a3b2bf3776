"""`graben landforms derive`: slope, curvature, openness, wetness and the like."""

from pathlib import Path
from typing import Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.landforms.options import AsJson, Crs, Dem, Search
from graben.errors import InputError

What = Annotated[
    str,
    typer.Option(
        metavar="NAME,...",
        help="Which: slope, aspect, hillshade, profile_curvature, tangential_curvature, "
        "plan_curvature, mean_curvature, gaussian_curvature, tri, tri_wilson, tpi, roughness, "
        "relief, deviation, deviation_max, openness_positive, openness_negative, sky_view, "
        "contributing_area, contributing_area_d8, wetness; or all.",
    ),
]


def derive(
    dem: Dem,
    out: Annotated[Path, typer.Option(help="A folder for rasters, styles, pictures and page.")],
    what: What = "slope,aspect,hillshade",
    scales: Annotated[
        str, typer.Option(metavar="R,...", help="Radii of windows: relief, deviation; cells.")
    ] = "3,10,30",
    search: Search = 10,
    crs: Crs = None,
    as_json: AsJson = False,
) -> None:
    """Derive slope, curvature, ruggedness, openness, wetness and the like, as GeoTIFFs.

    Each as GDAL or GRASS defines it where they do; the page names every definition. All but the
    flow of water may be larger than memory; a command that was interrupted goes on.
    """
    from graben.landforms.dem_file import DemFile
    from graben.landforms.derivative_report import map_derivatives
    from graben.landforms.derivative_table import DERIVATIVES

    names = list(DERIVATIVES) if what == "all" else [name.strip() for name in what.split(",")]
    found = map_derivatives(DemFile(Path(dem), crs), names, out, _radii(scales), search)
    say(f"open {out / 'report.html'}; beside it the rasters, each with a style for QGIS")
    if as_json:
        print_json(found)
    else:
        _show(found)


def _radii(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(radius) for radius in text.split(","))
    except ValueError as error:
        raise InputError(
            f"expected radii in whole cells with commas between them, got {text!r}. Give, for "
            "example, --scales 3,10,30."
        ) from error


def _show(found: dict[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from graben.report.page import shown

    width, height = found["cell_m"]
    title = f"cells of {width:.4g} by {height:.4g} m"
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    table.add_column("derivative", overflow="fold")
    for column in ("unit", "lowest", "median", "highest", "no value"):
        table.add_column(column, justify="right")
    for one in found["derivatives"]:
        numbers = (shown(one[key]) for key in ("min", "median", "max"))
        share = f"{100 * one['nan_share']:.2f} %"
        table.add_row(one["name"], one["units"], *numbers, share)
    Console().print(table)
