"""`graben quakes explain`: what the rate at a place is made of."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.quakes.options import AsJson

if TYPE_CHECKING:
    from graben.quakes.models.rate_parts import RateExplanation


def explain(
    longitude: Annotated[float, typer.Argument(metavar="LON", help="Degrees, west negative.")],
    latitude: Annotated[float, typer.Argument(metavar="LAT", help="Degrees.")],
    catalog: Annotated[Path, typer.Option(help="The catalogue: CSV, ZMAP or QuakeML.")],
    model: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|NAME",
            help="A fitted etas, mapped-etas or hybrid-etas: its folder, or california, japan or "
            "anatolia, which ship.",
        ),
    ],
    time: Annotated[
        str | None, typer.Option(help="The moment, UTC; without it, the catalogue's end.")
    ] = None,
    polygon: Annotated[
        Path | None,
        typer.Option(help="Where events count: .npy, .csv or .geojson; or as the model has it."),
    ] = None,
    radius_km: Annotated[float, typer.Option(help="How far around events are counted.")] = 10.0,
    out: Annotated[Path | None, typer.Option(help="A folder for the page and pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take a rate apart: background, which earlier events trigger, and what the gates add."""
    from graben.output import check_folder
    from graben.quakes.catalog import as_utc
    from graben.quakes.formats import read_catalog
    from graben.quakes.models.point_process_folder import open_process
    from graben.quakes.models.rate_explanation import explain_rate, sequence_until
    from graben.quakes.polygon import read_polygon

    if out is not None:
        check_folder(out)
    fitted = open_process(model)
    events = read_catalog(catalog)
    moment = events.end if time is None else as_utc(time)
    area = None if polygon is None else read_polygon(polygon)
    sequence = sequence_until(fitted, events, moment, area)
    found = explain_rate(fitted.process, sequence, longitude, latitude, moment, radius_km)
    importance = fitted.about.get("gate_importance")
    if out is not None:
        from graben.quakes.rate_report import write_explanation

        write_explanation(found, importance, out)
        say(f"report.html, explanation.json and the pictures are in {out}")
    if as_json:
        print_json(found.as_dict() | {"gate_importance": importance})
    else:
        _show(found)


def _show(found: "RateExplanation") -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from graben.quakes.rate_report import explanation_table, parents_table
    from graben.report.page import shown

    console = Console()
    console.print(
        f"{found.model}, {found.longitude:g} {found.latitude:g}, {found.time:%Y-%m-%d %H:%M} UTC: "
        f"{found.in_disc:.4g} events of M {found.completeness_magnitude:g} or more per day within "
        f"{found.radius_km:g} km"
    )
    for one in (explanation_table(found), parents_table(found)):
        table = Table(title=one.caption, title_justify="left", box=SIMPLE, pad_edge=False)
        for column in one.columns:
            table.add_column(column, overflow="fold")
        for row in one.rows:
            table.add_row(*map(shown, row))
        console.print(table)
    console.print("Parents are counted before the gates.")
