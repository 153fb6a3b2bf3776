"""`graben imaging faults`: the faults of a seismic volume or line."""

from pathlib import Path
from typing import Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.imaging.options import (
    AsJson,
    CrosslineByte,
    InlineByte,
    Scheduler,
    Volume,
    Workers,
    at_work,
)
from graben.cli.imaging.train import FaultPreset


def faults(
    volume: Volume,
    out: Annotated[
        Path,
        typer.Option(
            metavar="OUT.sgy",
            help="The probability to write (.sgy or .zarr); the rest lies beside.",
        ),
    ],
    preset: Annotated[
        FaultPreset | None,
        typer.Option(
            help="volume: a quick 3-D net; section: a 2-D net along both lines; best: both. By "
            "default volume, and section for 2-D lines."
        ),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A net of your own instead.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Probability from which on it is a fault.")
    ] = 0.5,
    sticks_every: Annotated[int, typer.Option(help="Inlines between sections with sticks.")] = 10,
    workers: Workers = 2,
    scheduler: Scheduler = None,
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    as_json: AsJson = False,
) -> None:
    """Find faults: their probability at each sample, confidence, thinned faults, sticks, a page.

    The volume may be larger than memory; a command that was interrupted goes on where it stopped.
    A survey that is unlike what the nets have learned from is told as such.
    """
    from graben.errors import InputError
    from graben.imaging.fault_map import map_faults
    from graben.imaging.models.faults import FaultNet
    from graben.imaging.volume import open_volume

    if preset is not None and model is not None:
        raise InputError("expected a preset or a model, got both. Leave out --preset or --model.")
    opened = open_volume(volume, inline_byte=inline_byte, crossline_byte=crossline_byte)
    usual = "section" if 1 in opened.shape[:2] else "volume"
    net = FaultNet.load(model or (preset.value if preset else usual))
    with at_work(workers, scheduler) as working:
        found = map_faults(
            opened, net, out, threshold=threshold, every=sticks_every, workers=working
        )
    if found["warning"]:
        say(found["warning"])
    say(
        f"{found['faults']} faults, {found['sticks']} sticks; {100 * found['share']:.2g} % of the "
        f"samples; open {out.with_suffix('.html')}"
    )
    if as_json:
        print_json(found)
