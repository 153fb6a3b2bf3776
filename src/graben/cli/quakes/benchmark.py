"""`graben quakes benchmark`: point processes beside the community's published scores."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.quakes.options import TOLERATED_REPEATS, AsJson

if TYPE_CHECKING:
    from graben.quakes.testing.benchmark import BenchmarkData


def benchmark(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME|FILE.toml", help="A set that ships, or a benchmark file."),
    ],
    catalog: Annotated[
        Path | None, typer.Option(help="The catalogue; without it, the one the file names.")
    ] = None,
    polygon: Annotated[
        Path | None,
        typer.Option(help="Where events count: .npy, .csv or .geojson; or as the file names it."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FOLDER|FILE.json",
            help="A point process to fit, a fitted one, or parameters of the reference ETAS "
            "package; repeatable. Without it, all that are installed.",
        ),
    ] = None,
    sources_from: Annotated[
        float | None,
        typer.Option(
            metavar="M",
            help="Events below completeness, from this magnitude on, are sources for the models "
            "that take them (mapped-etas, hybrid-etas); the same events are scored.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for scores.csv, scores.json and report.html.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit and score point processes event by event, beside the published scores."""
    from graben.output import check_folder
    from graben.quakes.models.point_process_folder import process_names
    from graben.quakes.testing.benchmark import score_models, summarise

    if out is not None:
        check_folder(out)
    data = _open(name, catalog, polygon, sources_from)
    if data.repeated_coordinates > TOLERATED_REPEATS:
        say(
            f"{data.repeated_coordinates:.1%} of the events share an epicentre with another, which "
            "flatters spatial scores. Compare only with scores on the same coordinates; those "
            "published with EarthquakeNPP are of epicentres moved apart."
        )
    scored = score_models(data, model or process_names())
    summary = summarise(data, scored)
    if out is not None:
        from graben.quakes.testing.benchmark_report import write_benchmark

        write_benchmark(out, data, scored, summary)
        say(f"open {out / 'report.html'}")
    if as_json:
        print_json(summary)
    else:
        _show(summary)


def _open(
    name: str, catalog: Path | None, polygon: Path | None, sources_from: float | None
) -> "BenchmarkData":
    from graben.errors import InputError
    from graben.quakes.formats import read_catalog
    from graben.quakes.polygon import read_polygon
    from graben.quakes.testing.benchmark import BenchmarkData, read_benchmark

    found = read_benchmark(name)
    catalog, polygon = catalog or found.catalog, polygon or found.polygon
    if catalog is None or polygon is None:
        raise InputError(
            f"expected a catalogue and a polygon, got {'a' if catalog else 'no'} catalogue and "
            f"{'a' if polygon else 'no'} polygon; {found.name} names no such file itself. Give "
            "--catalog and --polygon."
        )
    return BenchmarkData.of(found, read_catalog(catalog), read_polygon(polygon), sources_from)


def _show(summary: dict[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"{summary['benchmark']}: {summary['events']:,} test events; {summary['convention']}; "
        f"{summary['repeated_coordinates']:.1%} share an epicentre with another"
    )
    title = "log-likelihood per event, nats, [95 % of bootstraps over blocks of 200 events]"
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for column in ("model", "in time", "in space", "total", "gain", "exp./obs."):
        table.add_column(column)
    for label, row in summary["models"].items():
        gain = next((row[key] for key in row if key.startswith("gain_over_")), None)
        table.add_row(
            label,
            *(_interval(row[part]) for part in ("temporal", "spatial", "total")),
            "-" if gain is None else _interval(gain),
            f"{row['expected_over_observed']:.3f}",
        )
    for label, row in summary["published"].items():
        values = (f"{row[part]:.4f}" for part in ("temporal", "spatial", "total"))
        table.add_row(f"{label} (published)", *values, "-", "-")
    console.print(table)


def _interval(entry: dict[str, float]) -> str:
    if entry["low"] != entry["low"]:
        return f"{entry['value']:.4f}"
    return f"{entry['value']:.4f}\n[{entry['low']:.3f}, {entry['high']:.3f}]"
