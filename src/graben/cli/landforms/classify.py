"""`graben landforms classify`: a user's own classes from a few labels, or from dense ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graben.cli.console import print_json, say
from graben.cli.landforms.options import AsJson, Crs, Dem
from graben.cli.landforms.segment import is_segmentation, segment, show_segmentation

if TYPE_CHECKING:
    from graben.landforms.models.few_labels import FewLabels

LabelFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Points or polygons (GeoPackage, GeoJSON, Shapefile) or a raster of class numbers, "
        "in any coordinate system. What is not labelled is left open.",
    ),
]


def classify(
    dem: Dem,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder to write.")],
    labels: LabelFile = None,
    class_field: Annotated[
        str | None,
        typer.Option(help="The attribute that names the class; without it, 'class' or the only."),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|FOLDER",
            help="few-labels; unet, for labels that cover areas; or the folder of a model that "
            "this command wrote.",
        ),
    ] = "few-labels",
    background: Annotated[
        str | None,
        typer.Option(help="For unet: the class of all that no label covers; else it is left open."),
    ] = None,
    suggestions: Annotated[
        int,
        typer.Option(min=0, help="For few-labels: how many places to suggest for the next clicks."),
    ] = 10,
    seed: Annotated[int, typer.Option(help="Of all that is drawn at random in the learning.")] = 0,
    crs: Crs = None,
    as_json: AsJson = False,
) -> None:
    """Map your own classes from a handful of labelled points or polygons, or from dense labels.

    With --labels a model is learned, scored on parts of the map that it has not seen, and kept in
    FOLDER/model; with --model FOLDER such a model is used on another elevation model.
    """
    from graben.errors import InputError
    from graben.landforms.class_map import map_classes
    from graben.landforms.dem_file import DemFile
    from graben.output import check_folder
    from graben.report import command_line

    check_folder(out, [dem, labels or model])
    ground = DemFile(Path(dem), crs)
    facts = {"command": command_line()}
    show = _show
    if is_segmentation(model):
        found = segment(ground, out, labels, class_field, model, background, seed, facts)
        show = show_segmentation
    elif background is not None:
        raise InputError(
            f"--background is for labels that cover areas; {model} learns from the labelled cells "
            "alone. Leave it out, or add --model unet."
        )
    elif labels is None:
        found = map_classes(ground, _opened(model), out, facts, suggestions)
    else:
        learned, about = _learned(ground, labels, class_field, model, seed)
        found = map_classes(ground, learned, out, facts, suggestions, about)
    for warning in found["warnings"]:
        say(f"careful: {warning}")
    say(f"open {out / 'report.html'}; the map is {out / 'classes.tif'}")
    if as_json:
        print_json(found)
    else:
        show(found)


def _opened(model: str) -> "FewLabels":
    from graben.errors import InputError
    from graben.landforms.models.few_labels import KIND, FewLabels

    if model == KIND:
        raise InputError(
            "expected labels to learn from, or a model. Give --labels FILE, or --model FOLDER."
        )
    return FewLabels.load(model)


def _learned(
    ground: Any, labels: Path, class_field: str | None, model: str, seed: int
) -> "tuple[FewLabels, dict[str, Any]]":
    from graben.errors import InputError
    from graben.landforms.labels import read_labels
    from graben.landforms.models.few_labels import KIND, FewLabels, grid_of

    if model != KIND:
        raise InputError(
            f"expected {KIND} to learn from {labels}, got --model {model}. Leave --labels out to "
            "use that model."
        )
    found = read_labels(labels, grid_of(ground), class_field)
    learned = FewLabels(seed).fit(ground, found)
    for reason, count in learned.left_out_.items():
        say(f"left out: {count:,} {reason}")
    return learned, {"training_data": f"{labels.name} on {ground.path.name}"}


def _show(found: dict[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=SIMPLE, pad_edge=False)
    for column in ("class", "labelled", "km²", "share", "precision", "recall", "F1"):
        table.add_column(column, justify="left" if column == "class" else "right")
    scores = found["scores"]
    for one in found["classes"]:
        rates = _rates(scores, one["class"])
        share = f"{one['share']:.1%}"
        table.add_row(one["class"], str(one["labelled_cells"]), f"{one['km2']:.4g}", share, *rates)
    if scores:
        table.add_row("mean", "", "", "", *_rates(scores, "all"))
    console.print(table)
    console.print(
        "scores on held-out blocks of the labelled map; [95 % interval]"
        if scores
        else "not scored: no labels could be held out"
    )


def _rates(scores: dict[str, dict[str, float]], name: str) -> list[str]:
    """Return precision and recall, and F1 with its interval."""
    found = [scores.get(f"{rate} of {name}") for rate in ("precision", "recall", "F1")]
    shown = [
        "-" if one is None or one["value"] != one["value"] else f"{one['value']:.2f}"
        for one in found
    ]
    if (f1 := found[-1]) is not None and f1["low"] == f1["low"]:
        shown[-1] += f" [{f1['low']:.2f}, {f1['high']:.2f}]"
    return shown
