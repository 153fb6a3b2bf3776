"""`graben landforms explain`: why a cell has its form."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from graben.landforms.explained import CellExplanation


def explain(
    dem: Dem,
    x: Annotated[float, typer.Argument(metavar="X", help="In the model's coordinates.")],
    y: Annotated[float, typer.Argument(metavar="Y", help="In the model's coordinates.")],
    lonlat: Annotated[
        bool, typer.Option("--lonlat", help="X and Y are longitude and latitude, degrees.")
    ] = False,
    search: Search = 10,
    skip: Skip = 0,
    flat: Flat = 1.0,
    dist: Dist = 0.0,
    comparison: Comparison = "anglev1",
    crs: Crs = None,
    out: Annotated[Path | None, typer.Option(help="A folder for the page and pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the eight lines of sight that give a cell its form: what decides, how far, how steep."""
    from graben.landforms.dem_file import DemFile
    from graben.landforms.explained import cell_at, explain_cell
    from graben.output import check_folder

    if out is not None:
        check_folder(out, [dem])
    model = DemFile(Path(dem), crs)
    found = explain_cell(
        model,
        cell_at(model, x, y, lonlat),
        sighting_of(search, skip, flat, dist, comparison),
    )
    if out is not None:
        from graben.landforms.explained_page import write_cell_page

        write_cell_page(found, model, out)
        say(f"report.html, explanation.json and the pictures are in {out}")
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found)


def _show(found: "CellExplanation") -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from graben.landforms.explained_page import rays_table, verdict_sentence
    from graben.report.page import shown

    console = Console()
    one = rays_table(found)
    table = Table(title=one.caption, title_justify="left", box=SIMPLE, pad_edge=False)
    for column in one.columns:
        name = column in ("toward", "verdict")
        table.add_column(column, justify="left" if name else "right", no_wrap=name)
    for row in one.rows:
        table.add_row(*map(shown, row))
    console.print(table)
    console.print(verdict_sentence(found))
