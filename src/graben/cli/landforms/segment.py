"""The part of `graben landforms classify` that learns from dense labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from graben.cli.console import say

if TYPE_CHECKING:
    from graben.landforms.dem_file import DemFile

RATES = ("precision", "recall", "F1", "IoU")


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
    facts: dict[str, str],
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
        return map_segmentation(dem, Segmentation.load(model), out, facts)
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
    return map_segmentation(dem, learned, out, facts, about)


def show_segmentation(found: dict[str, Any]) -> None:
    """Print the table of the classes."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False)
    for column in ("class", "km²", "share", *RATES):
        table.add_column(column, justify="left" if column == "class" else "right")
    for one in found["classes"]:
        scores = found["validation"][one["class"]]
        table.add_row(one["class"], f"{one['km2']:.4g}", f"{one['share']:.1%}", *_told(scores))
    table.add_row("mean", "", "", *_told(found["validation"]["mean"]))
    console = Console()
    console.print(table)
    console.print("scores on tiles held out of the training, which they stopped; [95 % interval]")


def _told(scores: dict[str, dict[str, float]]) -> list[str]:
    told = {rate: f"{one['value']:.2f}" for rate, one in scores.items()}
    told["F1"] += f" [{scores['F1']['low']:.2f}, {scores['F1']['high']:.2f}]"
    return [told[rate] for rate in RATES]
