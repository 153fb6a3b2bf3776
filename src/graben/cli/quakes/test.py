"""`graben quakes test`: a forecast against what happened, by the tests of CSEP."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.quakes.options import AsJson, Box, region_of

if TYPE_CHECKING:
    from graben.quakes.testing.verification import Verification


def verify(
    forecast: Annotated[
        Path,
        typer.Argument(help="forecast.nc, a CSEP grid (.dat) or a CSEP catalogue forecast (.csv)."),
    ],
    catalog: Annotated[
        Path | None, typer.Option(help="What happened; without it, the USGS one that ships.")
    ] = None,
    benchmark: Annotated[
        Path | None, typer.Option(help="A gridded forecast of the same cells to compare with.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Where a .dat or .csv begins, UTC; .nc says it itself.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="Where a .dat or .csv ends, UTC.")] = None,
    region: Box = None,
    min_magnitude: Annotated[
        float | None, typer.Option(help="Smallest magnitude tested in a .csv.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for the page and pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Test a forecast for consistency, against a benchmark, and as alarms."""
    from graben.errors import InputError
    from graben.output import check_folder
    from graben.quakes.inputs import open_catalog
    from graben.quakes.region import Region
    from graben.quakes.scene import TILE
    from graben.quakes.testing import verification as tests

    if out is not None:
        check_folder(out)
    opened = tests.open_test_forecast(
        forecast, tests.Question(start, end, region_of(region), min_magnitude)
    )
    other = None if benchmark is None else tests.open_benchmark(benchmark, opened)
    cells = opened.cells
    if catalog is None and not TILE.covers(
        Region(cells.west.min(), cells.south.min(), cells.west.max(), cells.south.max())
    ):
        raise InputError(
            f"expected a forecast inside {TILE}, which the catalogue that ships covers; got one "
            "that reaches outside. Give the events with --catalog."
        )
    found = tests.verify(opened, open_catalog(catalog), other)
    if out is not None:
        from graben.quakes.testing.verification_page import write_verification

        write_verification(found, out)
        say(f"report.html, report.json and the pictures are in {out}")
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found)


def _show(found: "Verification") -> None:
    from rich.console import Console
    from rich.table import Table

    from graben.quakes.testing.verification_page import MEANING, verdict

    console = Console()
    forecast = found.forecast
    start, end = (f"{moment:%Y-%m-%d %H:%M}" for moment in (forecast.start, forecast.end))
    console.print(
        f"{forecast.name}, {start} to {end}: {found.expected:.4g} earthquakes expected, "
        f"{len(found.targets)} observed"
    )
    table = Table(title=f"consistency, by {found.consistency[0].engine}", title_justify="left")
    for name in ("test", "statistic", "P(at least)", "P(at most)", "at 5 %", "note"):
        table.add_column(name)
    for one in found.consistency:
        cells = ("-" if x != x else f"{x:.4g}" for x in (one.observed, one.at_least, one.at_most))
        table.add_row(f"{one.test}: {MEANING[one.test]}", *cells, verdict(one), one.note)
    console.print(table)
    for pair in found.comparison:
        words = {True: "better", False: "worse", None: "no difference"}[pair.better]
        console.print(
            f"{pair.test}-test over {found.reference}: {pair.gain:+.3f} nats per earthquake, "
            f"p = {pair.p_value:.3g}: {words}"
        )
    if found.molchan and found.roc:
        console.print(
            f"alarms against {found.reference}: area skill {found.molchan.skill:.3f} (by the "
            f"reference {found.molchan.skill_low:.3f} to {found.molchan.skill_high:.3f}), ROC area "
            f"{found.roc.area:.3f} (the reference's {found.roc.reference_area:.3f})"
        )
