"""`graben imaging train`: a fault net from synthetic images, made on this computer."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graben.cli.console import print_json, say

if TYPE_CHECKING:
    from graben.imaging.models.faults import FaultNet


class FaultPreset(StrEnum):
    """Which net sees the faults."""

    volume = "volume"
    section = "section"
    best = "best"


def train(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The model folder to write.")],
    preset: Annotated[
        FaultPreset,
        typer.Option(
            help="volume: a quick 3-D net; section: a 2-D net, for lines; best: the mean of both."
        ),
    ] = FaultPreset.volume,
    cpu_minutes: Annotated[
        float, typer.Option(min=0.05, help="Processor time of the training.")
    ] = 10.0,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Take so many steps instead: the same model each time."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the weights and the images.")] = 0,
    processes: Annotated[int, typer.Option(min=1, help="That share the images of each step.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Train a net that sees faults, on synthetic images that are drawn as it goes.

    A training that was cut off goes on from FOLDER.training when the same command is run again.
    The card of the model tells its cost and its skill on synthetic images that it has not seen.
    """
    import shutil

    from graben.imaging.models.fault_training import train_preset
    from graben.output import check_folder

    check_folder(out)
    unfinished = out.with_name(f"{out.name}.training")
    model = train_preset(
        preset.value,
        cpu_seconds=60 * cpu_minutes,
        steps=steps,
        seed=seed,
        processes=processes,
        checkpoint_folder=unfinished,
    )
    model.save(out)
    shutil.rmtree(unfinished, ignore_errors=True)
    say(f"{preset.value} is in {out} (CARD.md tells what it is)")
    if as_json:
        print_json({"cost": model.about["cost"], "metrics": model.about["metrics"]})
    else:
        _show(model)


def _show(model: "FaultNet") -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("on synthetic images not seen in training")
    table.add_column("", justify="right")
    table.add_column("95 % interval")
    for name, row in model.about["metrics"].items():
        known = f"{row['low']:.3f} to {row['high']:.3f}" if "low" in row else ""
        table.add_row(name, f"{row['value']:.3f}", known)
    Console().print(table)
