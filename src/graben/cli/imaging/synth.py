"""`graben imaging synth`: synthetic surveys with exact labels."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graben.cli.console import print_json, say
from graben.cli.imaging.options import AsJson
from graben.errors import InputError

LARGEST = 512  # samples a side: a few gigabytes of labels


class Geology(StrEnum):
    """What a synthetic survey holds."""

    faults = "faults"
    full = "full"


def synth(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="For the SEG-Y files.")],
    preset: Annotated[
        Geology,
        typer.Option(
            help="faults: folded layers and faults; full: also unconformities, salt, channels, "
            "facies and closed reservoirs."
        ),
    ] = Geology.full,
    size: Annotated[
        str,
        typer.Option(metavar="N or I,X,S", help="Inlines, crosslines and samples (at 4 ms)."),
    ] = "128",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same survey.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Make a synthetic survey: amplitudes as SEG-Y, and every label as SEG-Y beside it."""
    import numpy as np

    from graben.imaging.synthetic import draw_scene
    from graben.imaging.synthetic_files import write_synthetic
    from graben.output import check_folder

    check_folder(out)
    scene = draw_scene(np.random.default_rng(seed), preset.value, _size(size))
    made = write_synthetic(scene, out)
    shares = ", ".join(f"{name} {100 * share:.2g} %" for name, share in made["shares"].items())
    say(f"{made['faults']} faults; of the samples: {shares}; look at {out / 'section.png'}")
    if as_json:
        print_json(made)


def _size(text: str) -> tuple[int, int, int]:
    numbers = text.split(",")
    if len(numbers) not in (1, 3) or not all(one.strip().isdigit() for one in numbers):
        raise InputError(f"expected --size as N or I,X,S, got {text!r}. Give --size 128.")
    sides = [int(one) for one in numbers]
    inlines, crosslines, samples = sides if len(sides) == 3 else sides * 3
    if max(sides) > LARGEST:
        raise InputError(
            f"expected at most {LARGEST} samples a side, got {text}: the survey is made in memory. "
            "Make several."
        )
    return inlines, crosslines, samples
