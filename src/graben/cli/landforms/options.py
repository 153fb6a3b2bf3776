"""Options that several commands of `graben landforms` share."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graben.landforms.forms import Sighting

Dem = Annotated[
    str,
    typer.Argument(
        metavar="DEM",
        help="Elevation model: GeoTIFF, NetCDF, Zarr or ASCII grid, in metres; or globe-anatolia "
        "or globe-tile, which ship.",
    ),
]
Crs = Annotated[
    str | None,
    typer.Option(metavar="EPSG:CODE", help="Coordinate system, for a file that does not tell it."),
]
Search = Annotated[int, typer.Option(help="How far a line of sight reaches, cells.")]
Skip = Annotated[int, typer.Option(help="Cells about the centre that are not looked at.")]
Flat = Annotated[
    float, typer.Option(help="Angles up to this many degrees count as neither up nor down.")
]
Dist = Annotated[
    float,
    typer.Option(help="Beyond this many cells the flat angle shrinks with distance; 0: never."),
]
Comparison = Annotated[
    str, typer.Option(help="How up and down are weighed: anglev1, anglev2 or anglev2_distance.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, alone, on stdout.")]


def sighting_of(search: int, skip: int, flat: float, dist: float, comparison: str) -> "Sighting":
    """Return how to look around, as asked for."""
    from graben.landforms.forms import Sighting

    return Sighting(search, skip, flat, dist, comparison)
