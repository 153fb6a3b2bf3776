"""`graben quakes evaluate`: how good a model or a forecast file was."""

from pathlib import Path
from typing import Annotated, Any

import typer

from graben.cli.console import print_json
from graben.cli.quakes.options import AsJson, CatalogFile, Dem


def evaluate(
    what: Annotated[
        Path, typer.Argument(metavar="FOLDER|FORECAST.nc", help="A model, or a forecast file.")
    ],
    catalog: CatalogFile = None,
    dem: Dem = None,
    start: Annotated[
        str | None, typer.Option(help="First issue time of a model's windows, UTC.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="Where the last window ends, UTC.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score a model folder over any years beside its baselines, or a forecast file."""
    from graben.quakes.evaluation import evaluate_file, evaluate_model
    from graben.quakes.inputs import open_catalog, open_elevation

    events = open_catalog(catalog)
    if what.is_dir():
        found = evaluate_model(what, events, lambda box: open_elevation(dem, box), start, end)
    else:
        found = evaluate_file(what, events)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(found["quantity"])
    console.print(found["note"])
    for part in ("rates", "points", "file"):
        for region, models in found.get(part, {}).items():
            table = Table(title=f"{part}, {region}", title_justify="left")
            for column in ("model", "score", "value", "95 % interval", "baseline"):
                table.add_column(column)
            for model, scores in models.items():
                for score, entry in scores.items():
                    if isinstance(entry, dict):
                        table.add_row(model, score, *_cells(entry))
            console.print(table)


def _cells(entry: dict[str, Any]) -> tuple[str, str, str]:
    interval = f"{_number(entry['low'])} to {_number(entry['high'])}" if "low" in entry else "-"
    baseline = ""
    if "baseline" in entry:
        baseline = f"{_number(entry['baseline'])} ({entry['baseline_model']})"
    return _number(entry["value"]), interval, baseline


def _number(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.4g}"
