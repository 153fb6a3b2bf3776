"""`graben quakes fit`: a point process of one's own catalogue."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.quakes.options import TOLERATED_REPEATS, AsJson, Box, CatalogFile

if TYPE_CHECKING:
    from graben.quakes.catalog import Catalog
    from graben.quakes.sequence import EventSequence

Area = Annotated[
    Path | None, typer.Option("--polygon", help="Where events count: .npy, .csv or .geojson.")
]
Completeness = Annotated[
    float | None,
    typer.Option("--mc", help="Completeness magnitude; without it, it is estimated and printed."),
]


def fit(
    out: Annotated[Path, typer.Option(help="The model folder to write.")],
    catalog: CatalogFile = None,
    model: Annotated[
        str, typer.Option(help="hybrid-etas, mapped-etas, etas or another point process.")
    ] = "hybrid-etas",
    polygon: Area = None,
    region: Box = None,
    mc: Completeness = None,
    as_json: AsJson = False,
) -> None:
    """Fit a point process, score it on the last 15 % of the time, and write its folder.

    The first 20 % of the catalogue's time is memory, 50 % is for training and 15 % for validation.
    Ten thousand events take about a minute. The folder appears when all is done: stopped earlier,
    the command leaves what stood there as it was.
    """
    from graben.output import check_folder
    from graben.quakes.models.point_process_folder import process_class, save_process
    from graben.quakes.process_training import BASELINES, fit_process

    check_folder(out)
    process_class(model)
    events, sequence = open_sequence(catalog, polygon, region, mc)
    names = [name for name in BASELINES if name != model]
    process, about = fit_process(model, sequence, events, names)
    save_process(out, process, about)
    say(f"{model} is in {out} (CARD.md tells what it is)")
    if about.get("branching_ratio", 0) >= 1:
        say(
            f"its branching ratio is {about['branching_ratio']:.2f}: it scores and explains, but "
            "cannot be simulated from; a larger --mc or polygon may bring the ratio below 1"
        )
    if as_json:
        print_json({key: about[key] for key in ("completeness_magnitude", "windows", "metrics")})
    else:
        _show(about["metrics"])


def open_sequence(
    catalog: Path | None,
    polygon: Path | None,
    region: tuple[float, float, float, float] | None,
    mc: float | None,
) -> "tuple[Catalog, EventSequence]":
    """Return a catalogue and its events with windows and completeness, and tell what was found."""
    from graben.cli.quakes.options import region_of
    from graben.errors import InputError
    from graben.quakes.inputs import extent, open_catalog
    from graben.quakes.polygon import Polygon, read_polygon
    from graben.quakes.process_training import own_sequence, repeated_places

    if polygon is not None and region is not None:
        raise InputError("expected --polygon or --region, got both. Leave one out.")
    events = open_catalog(catalog)
    if polygon is not None:
        area = read_polygon(polygon)
    else:
        area = Polygon.of(region_of(region) or extent(events))
    sequence = own_sequence(events, area, mc)
    windows = (text[:10] for text in sequence.windows)
    say(
        f"{len(sequence):,} events of M >= {sequence.completeness_magnitude:g} "
        f"({'estimated' if mc is None else 'as given'}); memory, training, validation and test "
        f"begin {', '.join(list(windows)[:4])}"
    )
    if (repeated := repeated_places(sequence)) > TOLERATED_REPEATS:
        say(
            f"{repeated:.1%} of the events share an epicentre with another: spatial scores are "
            "flattered where that is rounding"
        )
    return events, sequence


def _show(metrics: dict[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title="test window; log-likelihood and gains in nats per event, 95 % intervals",
        title_justify="left",
        box=SIMPLE,
        pad_edge=False,
    )
    for column in ("measure", "value", "low", "high"):
        table.add_column(column)
    for name, row in metrics.items():
        bounds = (row.get("low", float("nan")), row.get("high", float("nan")))
        shown = (f"{bound:.3f}" if bound == bound else "-" for bound in bounds)
        table.add_row(name.replace("_", " "), f"{row['value']:.4g}", *shown)
    Console().print(table)
