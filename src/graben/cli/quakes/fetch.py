"""`graben quakes fetch`: a catalogue from an FDSN event service."""

from pathlib import Path
from typing import Annotated

import typer

from graben.cli.console import say


def fetch(
    service: Annotated[str, typer.Option(help="Address of the service, or a name such as USGS.")],
    region: Annotated[
        tuple[float, float, float, float], typer.Option(metavar="W S E N", help="Degrees.")
    ],
    start: Annotated[str, typer.Option(help="First date, UTC, such as 1973-01-01.")],
    min_magnitude: Annotated[float, typer.Option(help="Least magnitude.")],
    out: Annotated[Path, typer.Option(help="The CSV file to write (or .csv.gz).")],
    end: Annotated[str | None, typer.Option(help="Last date, UTC; without it, now.")] = None,
) -> None:
    """Fetch a catalogue from an FDSN event service; run it again to go on where it stopped."""
    import pandas as pd

    from graben.datasets import cache_folder
    from graben.quakes.fdsn import fetch_catalog
    from graben.quakes.formats import write_catalog
    from graben.quakes.region import Region

    last = pd.Timestamp.now("UTC") if end is None else end
    box, cache = Region(*region), cache_folder() / "fdsn"
    catalog = fetch_catalog(service, box, start, last, min_magnitude, cache)
    write_catalog(catalog, out)
    say(f"{len(catalog):,} events to {catalog.end:%Y-%m-%d} are in {out}")
