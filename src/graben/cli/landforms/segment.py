"""The part of `graben landforms classify` that learns from dense labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from graben.cli.console import say

if TYPE_CHECKING:
    from graben.landforms.dem_file import DemFile


def is_segmentation(model: str) -> bool:
    """Tell whether a name or a model folder is that of a segmentation model."""
    if not (Path(model) / "model.json").exists():
        return model == "unet"
    from graben.learning import load_model

    return bool(load_model(model).description.get("model") == "unet")


def segment(
    dem: "DemFile",
    out: Path,
    labels: Path | None,
    class_field: str | None,
    model: str,
    background: str | None,
    seed: int,
    command: str,
) -> dict[str, Any]:
    """Learn a segmentation model, or open one, and map an elevation model with it."""
    from dataclasses import replace

    from graben.errors import InputError
    from graben.landforms.models.segmentation import Segmentation
    from graben.landforms.segmentation_map import learn_segmentation, map_segmentation

    if labels is None:
        if model == "unet":
            raise InputError(
                "expected labels to learn from, or a model. Give --labels FILE, or --model FOLDER."
            )
        return map_segmentation(dem, Segmentation.load(model), out, {"command": command})
    if model != "unet":
        raise InputError(
            f"expected unet to learn from {labels}, got --model {model}. Leave --labels out to use "
            "that model."
        )
    recipe = replace(Segmentation.tuned(), seed=seed)
    learned, left_out = learn_segmentation(dem, labels, out, class_field, background, recipe)
    for reason, count in left_out.items():
        say(f"left out: {count:,} {reason}")
    about = {
        "training_data": f"{labels.name} on {dem.path.name}",
        "licence": "as the labels and the elevation model allow",
        "seed": seed,
    }
    return map_segmentation(dem, learned, out, {"command": command}, about)


def show_segmentation(found: dict[str, Any]) -> None:
    """Print the table of the classes."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    rates = ("precision", "recall", "F1", "IoU")
    table = Table(box=SIMPLE, pad_edge=False)
    for column in ("class", "km²", "share", *rates):
        table.add_column(column, justify="left" if column == "class" else "right")
    scores = found["validation"]
    for one in found["classes"]:
        told = (_interval(scores[one["class"]][rate]) for rate in rates)
        table.add_row(one["class"], f"{one['km2']:.4g}", f"{one['share']:.1%}", *told)
    table.add_row("mean", "", "", *(_interval(scores["mean"][rate]) for rate in rates))
    console = Console()
    console.print(table)
    console.print("scores on tiles held out of the training, which they stopped; 95 % intervals")


def _interval(one: dict[str, float]) -> str:
    return f"{one['value']:.2f} [{one['low']:.2f}, {one['high']:.2f}]"
