"""`graben models`: which model fits which data, its cost, its measured skill."""

from typing import Annotated, Any

import typer

from graben.cli.console import print_json

OTHER_DOMAINS = {
    "volume": "imaging: faults of seismic volumes, quickly",
    "section": "imaging: faults of 2-D lines",
    "best": "imaging: faults, by both of these",
    "structure": "imaging: salt, hydrocarbons, geologic time",
    "facies": "imaging: your own classes from a few strokes",
    "few-labels": "landforms: a handful of your own labels",
    "unet": "landforms: your own labels that cover areas",
}


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, alone, on stdout.")] = False,
) -> None:
    """List the models: which data each fits, what it costs, and its measured skill."""
    from graben.quakes.overview import SCORES, overview

    found = overview()
    unmeasured = {"training_seconds": None, **dict.fromkeys(SCORES)}
    found["models"] += [
        {"model": name, "fits": fits, **unmeasured} for name, fits in OTHER_DOMAINS.items()
    ]
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(found["measured"])
    table = Table()
    for name in ("model", "fits", "training, s", "gain, mnat", "share of omori's", "AUC (omori)"):
        table.add_column(name)
    for row in found["models"]:
        table.add_row(
            row["model"],
            row["fits"],
            _number(row["training_seconds"], "{:.0f}"),
            _interval(row["information_gain_mnat_per_sample"]),
            _interval(row["share_of_omori_gain"]),
            _auc(row["auc"]),
        )
    console.print(table)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _interval(entry: dict[str, float] | None) -> str:
    if entry is None:
        return "-"
    return f"{entry['value']:.2f} [{entry['low']:.2f}, {entry['high']:.2f}]"


def _auc(entry: dict[str, float] | None) -> str:
    return "-" if entry is None else f"{entry['value']:.3f} ({entry['baseline']:.3f})"
