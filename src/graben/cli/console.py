"""What the command line says: results on stdout, everything else on stderr."""

import json
from collections.abc import Iterable, Iterator
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from graben.output import plain

Item = TypeVar("Item")
stderr = Console(stderr=True)


def say(text: str) -> None:
    """Tell the person at the terminal something that is not the result."""
    stderr.print(text, highlight=False, markup=False)


def say_error(text: str) -> None:
    """Tell what went wrong."""
    stderr.print(f"graben: {text}", style="red", highlight=False, markup=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Print JSON, alone, on stdout; NaN becomes null."""
    typer.echo(json.dumps(plain(value), indent=2))


def progress_bar(items: Iterable[Item], description: str, total: int | None) -> Iterator[Item]:
    """Show a bar on stderr while `items` are worked through; it vanishes when they are."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    # where nobody watches, each bar would leave an empty line
    watched = stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=not watched) as bar:
        yield from bar.track(items, description=description, total=total)
