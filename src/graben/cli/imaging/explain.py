"""`graben imaging explain`: why a fault net sees a fault at a place."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.imaging.options import AsJson, CrosslineByte, InlineByte, Volume

if TYPE_CHECKING:
    from graben.imaging.explained import PickExplanation


def explain(
    volume: Volume,
    inline: Annotated[int, typer.Argument(metavar="INLINE", help="Its number.")],
    crossline: Annotated[int, typer.Argument(metavar="CROSSLINE", help="Its number.")],
    at: Annotated[float, typer.Argument(metavar="TIME", help="Milliseconds, or metres in depth.")],
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="One that ships, or the folder of a fault net.")
    ] = "volume",
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is drawn at random.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For the page and pictures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show where a net looks, which attributes matter, and a fault that loses its throw."""
    from graben.imaging.explained import explain_pick, place_at
    from graben.imaging.models.faults import FaultNet
    from graben.imaging.volume import open_volume
    from graben.learning.threads import torch_threads
    from graben.output import check_folder

    if out is not None:
        check_folder(out, [volume])
    net = FaultNet.load(model)
    opened = open_volume(volume, inline_byte=inline_byte, crossline_byte=crossline_byte)
    index = place_at(opened, inline, crossline, at)
    with torch_threads(1):
        found = explain_pick(opened, net, index, seed)
    if out is not None:
        from graben.imaging.explained_page import write_pick_page

        write_pick_page(found, opened, out)
        say(f"report.html, explanation.json and the pictures are in {out}")
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found)


def _show(found: "PickExplanation") -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from graben.imaging.explained_page import attributes_table, series_table, verdict_sentence
    from graben.report.page import shown

    console = Console()
    console.print(verdict_sentence(found))
    for one in (attributes_table(found), series_table(found)):
        table = Table(title=one.caption, title_justify="left", box=SIMPLE, pad_edge=False)
        for number, column in enumerate(one.columns):
            table.add_column(column, justify="right" if number else "left")
        for row in one.rows:
            table.add_row(*map(shown, row))
        console.print(table)
        if one.note:
            console.print(one.note)
