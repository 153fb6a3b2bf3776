"""`graben imaging adapt`: a fault net learns from one interpreted line of a survey."""

from pathlib import Path
from typing import Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.imaging.options import AsJson, CrosslineByte, InlineByte, Volume


def adapt(
    volume: Volume,
    picks: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Faults of one line: a mask (.npy, .npz, .png) or sticks (CHARISMA or points).",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The model folder to write.")],
    model: Annotated[
        str,
        typer.Option(metavar="NAME|FOLDER", help="section or best, which ship, or a folder."),
    ] = "section",
    inline: Annotated[int | None, typer.Option(help="The inline that was interpreted.")] = None,
    crossline: Annotated[int | None, typer.Option(help="Or the crossline.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is drawn at random.")] = 0,
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    as_json: AsJson = False,
) -> None:
    """Let a fault net learn from one interpreted line, without forgetting the rest.

    A third of the line is held out. Where the adapted net finds the faults there better, it joins
    the model, and the two are averaged; where not, nothing is written. Takes about a minute.
    """
    from dataclasses import asdict

    from graben.imaging.fault_picks import read_picks
    from graben.imaging.models.adaptation import adapt as adapt_net
    from graben.imaging.models.faults import FaultNet
    from graben.imaging.volume import open_volume
    from graben.output import check_folder

    check_folder(out, [volume, picks, model])
    pretrained = FaultNet.load(model)
    opened = open_volume(volume, inline_byte=inline_byte, crossline_byte=crossline_byte)
    line = read_picks(opened, picks, inline, crossline)
    adapted, found = adapt_net(pretrained, line.section, line.picks, seed=seed)
    change = f"average precision on held-out parts of {line.name} {found.before:.3f}"
    if found.helped:
        adapted.save(out)
        say(f"{model}, adapted to {line.name}, is in {out}: {change}, with it {found.after:.3f}")
    else:
        say(
            f"{model} is kept as it is, and nothing was written: {change}, adapted "
            f"{found.after:.3f}. Use --model {model} itself, or interpret more of the line."
        )
    if as_json:
        print_json({"line": line.name, **asdict(found)})
