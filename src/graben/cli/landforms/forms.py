"""`graben landforms forms`: a map of landforms."""

from pathlib import Path
from typing import Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.landforms.options import (
    AsJson,
    Comparison,
    Crs,
    Dem,
    Dist,
    Flat,
    Search,
    Skip,
    sighting_of,
)

Outputs = Annotated[
    str,
    typer.Option(
        metavar="NAME,...",
        help="What else to write, as FORMS_NAME.tif: ternary, positive, negative, intensity, "
        "exposition, range, variance, elongation, azimuth, extend, width, openness_positive, "
        "openness_negative, sky_view.",
    ),
]


def forms(
    dem: Dem,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FORMS.tif", help="The map to write; a style, a picture and a page lie beside."
        ),
    ],
    search: Search = 10,
    skip: Skip = 0,
    flat: Flat = 1.0,
    dist: Dist = 0.0,
    comparison: Comparison = "anglev1",
    outputs: Outputs = "forms",
    crs: Crs = None,
    as_json: AsJson = False,
) -> None:
    """Map ten landforms: flat, summit, ridge, shoulder, spur, slope, hollow, and so on.

    The codes 1 to 10 are those of GRASS's r.geomorphon. The elevation model may be larger than
    memory; a command that was interrupted goes on where it stopped.
    """
    from graben.landforms.dem_file import DemFile
    from graben.landforms.forms_report import map_forms

    found = map_forms(
        DemFile(Path(dem), crs),
        out,
        sighting_of(search, skip, flat, dist, comparison),
        [name.strip() for name in outputs.split(",")],
    )
    say(f"open {out.with_suffix('.html')}; {out} has colours and names, and a style for QGIS")
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from graben.landforms.forms_report import distance, whole
    from graben.report.page import shown

    far = distance(found["search_m"])
    console = Console()
    console.print(f"cells of {found['cell']}; looking {far} far; shares of the area with a form")
    table = Table(box=SIMPLE, pad_edge=False)
    for column in ("code", "form", "km²", "share"):
        table.add_column(column, justify="left" if column == "form" else "right")
    for form in found["forms"]:
        share = f"{100 * form['share']:.2f} %"
        table.add_row(str(form["code"]), form["form"], shown(whole(form["km2"])), share)
    console.print(table)
