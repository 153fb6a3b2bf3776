"""`graben landforms change`: what changed between two epochs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.landforms.options import AsJson, Crs
from graben.errors import InputError


def change(
    before: Annotated[Path, typer.Argument(help="Elevation model of the first epoch, in metres.")],
    after: Annotated[Path, typer.Argument(help="Elevation model of the second epoch.")],
    out: Annotated[Path, typer.Option(help="A folder for rasters, polygons, tables and page.")],
    stable: Annotated[
        Path | None,
        typer.Option(metavar="MASK.gpkg", help="Polygons of ground that did not change."),
    ] = None,
    area: Annotated[
        Path | None, typer.Option(metavar="AREAS.gpkg", help="Polygons to sum volumes over.")
    ] = None,
    years: Annotated[float | None, typer.Option(help="Between the epochs; gives rates.")] = None,
    tilt: Annotated[
        bool, typer.Option("--tilt", help="Also remove a plane from the difference.")
    ] = False,
    crs: Crs = None,
    as_json: AsJson = False,
) -> None:
    """Measure erosion, deposition and landslides between two epochs, with 95 % intervals.

    The second epoch is moved onto the first (on ground that did not change, which is found if it
    is not given), errors are learned there, and every volume gets an interval.
    """
    from graben.landforms.change_report import Inputs, map_change

    if years is not None and not years > 0:
        raise InputError(f"expected a positive number of years, got {years:g}. Give --years 12.")
    inputs = Inputs(before, after, stable, area, years, tilt, crs)
    found = map_change(inputs, out)
    say(f"open {out / 'report.html'}; beside it rasters, landslides.gpkg and budget.csv")
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from graben.report.page import shown

    title = (
        f"second epoch displaced {found['shift_east_m']:.3g} m east, "
        f"{found['shift_north_m']:.3g} m north, {found['offset_m']:.3g} m up; "
        f"{len(found['landslides'])} candidates of landslides"
    )
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    table.add_column("m³, with 95 % intervals", overflow="fold")
    for column in ("lowered", "raised", "net"):
        table.add_column(column, justify="right")
    for row in (found["whole"], *found["by_area"]):
        volumes = (row[name] for name in ("lowered", "raised", "net"))
        table.add_row(
            row["name"],
            *(
                f"{shown(one['value'])} ({shown(one['low'])} to {shown(one['high'])})"
                for one in volumes
            ),
        )
    Console().print(table)
