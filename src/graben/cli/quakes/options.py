"""Options that several commands of `graben quakes` share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graben.quakes.quantity import Quantity
    from graben.quakes.region import Region

CatalogFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="[CATALOG]",
        help="CSV (ComCat, CSEP, own), ZMAP or QuakeML; without it, the USGS catalogue that ships.",
    ),
]
Dem = Annotated[
    Path | None, typer.Option("--dem", help="Elevation model: GeoTIFF or NetCDF, with a CRS.")
]
Box = Annotated[
    tuple[float, float, float, float] | None,
    typer.Option("--region", metavar="W S E N", help="Box in degrees."),
]
Horizon = Annotated[str, typer.Option(help="How far ahead, such as 30d, 90d or 365d.")]
Magnitude = Annotated[float, typer.Option(help="Target: this magnitude or more.")]
Radius = Annotated[float, typer.Option(help="How near to a place, km.")]
Issue = Annotated[
    str | None,
    typer.Option(help="When the forecast begins, UTC; without it, the catalogue's end."),
]
Model = Annotated[str, typer.Option(help="Name of a model, or the folder of a trained one.")]
TOLERATED_REPEATS = 0.01  # of the epicentres; more flatter spatial scores
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, alone, on stdout.")]


def quantity_of(horizon: str, min_magnitude: float, radius_km: float) -> "Quantity":
    """Return what is asked for."""
    from graben.quakes.quantity import Quantity, parse_horizon

    return Quantity(parse_horizon(horizon), min_magnitude, radius_km)


def region_of(box: tuple[float, float, float, float] | None) -> "Region | None":
    """Return the box that is asked for."""
    from graben.quakes.region import Region

    return None if box is None else Region(*box)
