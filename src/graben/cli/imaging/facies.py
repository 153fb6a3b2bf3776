"""`graben imaging facies`: a user's own facies from a few strokes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.imaging.options import AsJson, CrosslineByte, InlineByte, Volume, Workers

if TYPE_CHECKING:
    from graben.imaging.models.facies_features import FaciesFeatures

Encoder = Annotated[
    str,
    typer.Option(
        metavar="NAME|FOLDER|none",
        help="Also see sections through a fault net: one that ships, or the folder of one that "
        "`graben imaging train --preset section` wrote.",
    ),
]


def facies(
    volume: Volume,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="A .sgy or .zarr file of class codes; beside it come FILE_confidence, a page and "
            "the model.",
        ),
    ],
    strokes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV with inline, crossline, time (or depth, or sample) and class; points with "
            "the same number in a column stroke are joined to a line. Or a mask as large as the "
            "volume: SEG-Y, zarr or npz, 0 unlabelled.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A model that this command wrote, instead of strokes."),
    ] = None,
    encoder: Encoder = "none",
    seed: Annotated[int, typer.Option(help="Of all that is drawn at random.")] = 0,
    workers: Workers = 2,
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    as_json: AsJson = False,
) -> None:
    """Map your own facies, salt among them, from a few strokes on a section or volume.

    With --strokes a model is learned, scored on lines that it has not seen, and kept beside the
    map; with --model such a model is used on another volume.
    """
    from graben.errors import InputError
    from graben.imaging.facies_map import facies_paths, map_facies
    from graben.imaging.models.facies import FaciesModel, learn_facies
    from graben.imaging.strokes import read_strokes
    from graben.imaging.volume import open_volume
    from graben.report import command_line

    if (strokes is None) == (model is None):
        raise InputError("expected --strokes FILE to learn from, or --model FOLDER; give one.")
    opened = open_volume(volume, inline_byte=inline_byte, crossline_byte=crossline_byte)
    paths = facies_paths(opened, out)
    facts = {"command": command_line()}
    if strokes is None:
        found = map_facies(opened, FaciesModel.load(model or ""), out, facts=facts, workers=workers)
    else:
        drawn = read_strokes(strokes, opened)
        for reason, count in drawn.left_out.items():
            say(f"left out: {count:,} {reason}")
        learned, evaluation = learn_facies(opened, drawn, features_of(encoder), seed)
        learned.save(paths["model"])
        found = map_facies(opened, learned, out, drawn, evaluation, facts, workers)
        found["files"]["model"] = str(paths["model"])
    for warning in found["warnings"]:
        say(f"careful: {warning}")
    if as_json:
        print_json(found)
    else:
        _show(found)
    say(f"open {paths['page']}; the map is {out}")


def features_of(encoder: str) -> "FaciesFeatures":
    """Give the features that see sections through this net."""
    from graben.errors import ModelError
    from graben.imaging.models.facies_features import FaciesFeatures
    from graben.imaging.models.faults import FaultNet

    if encoder == "none":
        return FaciesFeatures()
    nets = FaultNet.load(encoder).nets
    if "section" not in nets:
        raise ModelError(
            f"expected a net of sections in {encoder}, got {', '.join(nets)}. Choose section, best "
            "or none."
        )
    return FaciesFeatures(nets["section"])


def _show(found: dict[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=SIMPLE, pad_edge=False)
    for column in ("class", "code", "labelled", "share", "confidence", "held-out accuracy"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for one in found["classes"]:
        accuracy = one["held_out_accuracy"]
        table.add_row(
            one["class"],
            str(one["code"]),
            "" if one["labelled"] is None else str(one["labelled"]),
            f"{one['share']:.1%}",
            f"{one['confidence']:.2f}",
            "" if accuracy is None or accuracy != accuracy else f"{accuracy:.2f}",
        )
    console.print(table)
    for name, score in found["scores"].items():
        low, high = score.get("low"), score.get("high")
        told = "" if low is None else f" [{low:.3f}, {high:.3f}]"
        console.print(f"{name}: {score['value']:.3f}{told}")
    if not found["scores"]:
        console.print("not scored: no strokes could be held out")
