"""`graben quakes at`: the probability at places, and what happened there."""

from pathlib import Path
from typing import Annotated, Any

import typer

from graben.cli.console import print_json
from graben.cli.quakes.options import (
    AsJson,
    Dem,
    Horizon,
    Issue,
    Magnitude,
    Model,
    Radius,
    quantity_of,
)


def at(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="LON LAT | CSV",
            help="A longitude and a latitude, or a CSV with longitude, latitude (and name).",
        ),
    ],
    catalog: Annotated[
        Path | None, typer.Option(help="A catalogue; without it, the USGS one that ships.")
    ] = None,
    dem: Dem = None,
    issue_time: Issue = None,
    horizon: Horizon = "30d",
    min_magnitude: Magnitude = 5.0,
    radius_km: Radius = 100.0,
    model: Model = "grid-cnn",
    as_json: AsJson = False,
) -> None:
    """Print the probability at places: now, over the past years, and the events around."""
    from graben.quakes.catalog import as_utc
    from graben.quakes.inputs import open_catalog, open_elevation, open_model
    from graben.quakes.place_report import read_places, report_places

    names, longitude, latitude = read_places(places)
    events = open_catalog(catalog)
    moment = events.end if issue_time is None else as_utc(issue_time)
    trained = open_model(
        model, quantity_of(horizon, min_magnitude, radius_km), catalog, dem, None, moment
    )
    rows = report_places(
        trained,
        events.until(moment),
        quantity_of(horizon, min_magnitude, radius_km),
        names,
        (longitude, latitude),
        lambda around: open_elevation(dem, around),
    )
    if as_json:
        print_json(rows)
    else:
        _show(rows)


def _show(rows: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(rows["quantity"])
    console.print(f"issued {rows['issue_time']}, model {rows['model']}")
    table = Table()
    for name in ("place", "probability", "90 % interval", "median of 10 years", "highest", "last"):
        table.add_column(name)
    for row in rows["places"]:
        last = row["events"][0] if row["events"] else None
        low, high = row["low"], row["high"]
        table.add_row(
            row["name"],
            f"{row['probability']:.2%}",
            "-" if low is None else f"{low:.2%} to {high:.2%}",
            f"{row['history']['median']:.2%}",
            f"{row['history']['highest']:.2%} ({row['history']['highest_at'][:10]})",
            f"M{last['magnitude']:.1f} {last['time'][:10]}" if last else "none since the start",
        )
    console.print(table)
    for row in rows["places"]:
        if len(rows["places"]) == 1 and row["events"]:
            console.print(f"the largest within {rows['radius_km']:g} km:")
            for event in row["largest"]:
                console.print(
                    f"  {event['time'][:16]}  M{event['magnitude']:.1f}  "
                    f"{event['distance_km']:.0f} km"
                )
