"""`graben imaging resources`: candidate resources and salt in a seismic volume."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.imaging.options import (
    AsJson,
    CrosslineByte,
    Domain,
    InlineByte,
    SampleInterval,
    Volume,
)

LISTED = 20


class What(StrEnum):
    """What is searched for."""

    candidates = "candidates"
    salt = "salt"


def resources(
    volume: Volume,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="For the page, the polygons and the table.")
    ],
    what: Annotated[
        What,
        typer.Option(
            help="candidates: closures, flat spots and bright spots; salt: a mask as SEG-Y."
        ),
    ] = What.candidates,
    model: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Another net than the one that ships.")
    ] = None,
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    sample_interval: SampleInterval = None,
    domain: Domain = None,
    as_json: AsJson = False,
) -> None:
    """Search a volume for candidate resources, or for salt, without holding it in memory.

    Candidates have an outline, area, relief, amplitude ratio and a confidence: the share of such
    candidates that were true on synthetic volumes. The net has seen nothing real.
    """
    from graben.imaging.models.structure import StructureNet
    from graben.imaging.resource_page import write_resources
    from graben.imaging.volume import open_volume

    opened = open_volume(
        volume,
        inline_byte=inline_byte,
        crossline_byte=crossline_byte,
        sample_interval=sample_interval,
        domain=domain,
    )
    net = StructureNet.load(model)
    found = write_resources(opened, out, net, what.value)
    say(f"open {out / 'report.html'}")
    if as_json:
        print_json(found)
    elif what is What.salt:
        say(f"salt fills {100 * found['salt']['share']:.2g} % of the volume")
    else:
        _show(found["candidates"], opened.unit)


def _show(records: list[dict[str, Any]], unit: str) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    if not records:
        say("no candidates")
        return
    table = Table(box=SIMPLE, pad_edge=False)
    for name in ("", "kind", "confidence", "inline", "crossline", f"crest, {unit}", "traces"):
        table.add_column(name)
    for one in records[:LISTED]:
        place = one["inline"], one["crossline"], f"{one[f'crest_{unit}']:g}", one["traces"]
        kind = one["kind"].replace("_", " ")
        table.add_row(str(one["number"]), kind, f"{one['confidence']:.2f}", *map(str, place))
    Console().print(table)
    if len(records) > LISTED:
        say(f"{len(records) - LISTED} more are in candidates.csv")
