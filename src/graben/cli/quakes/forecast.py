"""`graben quakes forecast`: the probability of earthquakes on a map."""

from pathlib import Path
from typing import Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.quakes.options import (
    AsJson,
    Box,
    CatalogFile,
    Dem,
    Horizon,
    Issue,
    Magnitude,
    Radius,
    quantity_of,
    region_of,
)


def forecast(
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    catalog: CatalogFile = None,
    dem: Dem = None,
    region: Box = None,
    issue_time: Issue = None,
    horizon: Horizon = "30d",
    min_magnitude: Magnitude = 5.0,
    radius_km: Radius = 100.0,
    model: Annotated[
        str | None,
        typer.Option(
            help="Name of a model, the region that a point process ships for, or a folder. Without "
            "it: hybrid ETAS where one ships for the region and the catalogue is rich enough, else "
            "grid-cnn."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Forecast: maps, a report, and files for GIS and CSEP. Without arguments: Anatolia, now."""
    from graben.output import check_folder
    from graben.quakes.catalog import as_utc
    from graben.quakes.default_model import default_model
    from graben.quakes.forecast import set_up
    from graben.quakes.inputs import asked_region, open_catalog, open_elevation, open_model
    from graben.quakes.models.simulated_rates import SimulatedRates
    from graben.quakes.report import write_forecast

    check_folder(out)
    box = region_of(region)
    quantity = quantity_of(horizon, min_magnitude, radius_km)
    events = open_catalog(catalog)
    moment = events.end if issue_time is None else as_utc(issue_time)
    known = events.until(moment)
    choice = None
    if model is None:
        model, why = default_model(known, asked_region(box, catalog, known), quantity)
        choice = f"no model was named: {why}"
        say(choice)
    trained = open_model(model, quantity, catalog, dem, box, moment)
    home = trained.region if isinstance(trained.model, SimulatedRates) else None
    setting = set_up(
        trained,
        known,
        asked_region(box, catalog, known, home),
        quantity=quantity,
        elevation=lambda around: open_elevation(dem, around),
    )
    summary = write_forecast(setting, out, choice)
    say(f"open {out / 'report.html'}")
    if as_json:
        print_json(summary)
