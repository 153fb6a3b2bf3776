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
    Model,
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
    model: Model = "grid-cnn",
    as_json: AsJson = False,
) -> None:
    """Forecast: maps, a report, and files for GIS and CSEP. Without arguments: Anatolia, now."""
    from graben.output import check_folder
    from graben.quakes.catalog import as_utc
    from graben.quakes.forecast import set_up
    from graben.quakes.inputs import extent, open_catalog, open_elevation, open_model
    from graben.quakes.report import write_forecast
    from graben.quakes.scene import ANATOLIA

    check_folder(out)
    box = region_of(region)
    quantity = quantity_of(horizon, min_magnitude, radius_km)
    events = open_catalog(catalog)
    moment = events.end if issue_time is None else as_utc(issue_time)
    known = events.until(moment)
    trained = open_model(model, quantity, catalog, dem, box, moment)
    setting = set_up(
        trained,
        known,
        box or (ANATOLIA if catalog is None else extent(known)),
        quantity=quantity,
        elevation=lambda around: open_elevation(dem, around),
    )
    summary = write_forecast(setting, out)
    say(f"open {out / 'report.html'}")
    if as_json:
        print_json(summary)
