"""`graben imaging inspect`: what a seismic file holds, and what is odd about it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.imaging.options import (
    AsJson,
    CrosslineByte,
    Domain,
    InlineByte,
    SampleFormat,
    SampleInterval,
    Samples,
    Volume,
    XByte,
    YByte,
)

if TYPE_CHECKING:
    from graben.imaging.inspection import Inspection


def inspect(
    volume: Volume,
    out: Annotated[
        Path | None,
        typer.Option(help="A page to write (.html), or a folder for page and pictures."),
    ] = None,
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    x_byte: XByte = None,
    y_byte: YByte = None,
    sample_format: SampleFormat = None,
    samples: Samples = None,
    sample_interval: SampleInterval = None,
    domain: Domain = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a seismic file holds, what is odd, what is done about it, and how to override it.

    Headers and a bounded sample of traces are read, whatever the size of the file. What is given
    here is given in the same way to the other commands.
    """
    from graben.imaging.inspection import inspect_volume
    from graben.imaging.volume import open_volume

    opened = open_volume(
        volume,
        inline_byte=inline_byte,
        crossline_byte=crossline_byte,
        x_byte=x_byte,
        y_byte=y_byte,
        sample_format=sample_format,
        samples=samples,
        sample_interval=sample_interval,
        domain=domain,
    )
    found = inspect_volume(opened)
    if out is not None:
        from graben.imaging.inspection_page import write_inspection

        say(f"open {write_inspection(out, opened, found)}")
    if as_json:
        print_json(found.plain())
    else:
        _show(found)


def _show(found: "Inspection") -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    facts = Table(box=SIMPLE, pad_edge=False, show_header=False)
    for name, value in found.facts.items():
        facts.add_row(name, escape(value))
    if found.amplitudes is not None:
        measured = found.amplitudes
        facts.add_row("amplitudes", f"mean {measured.mean:.4g}, deviation {measured.std:.4g}")
    console.print(facts)
    if not found.oddities:
        console.print("nothing is odd")
        return
    odd = Table(title="what is odd", title_justify="left", box=SIMPLE, pad_edge=False)
    for column in ("oddity", "found", "done", "override"):
        odd.add_column(column, overflow="fold")
    for one in found.oddities:
        odd.add_row(*map(escape, (one.name, one.found, one.done, one.override)))
    console.print(odd)
