"""The page of a map of a user's own classes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

import graben
from graben.evaluation.calibration import reliability
from graben.landforms.dem_file import DemFile
from graben.landforms.figures import draw_classes, draw_field
from graben.landforms.legend import Legend
from graben.landforms.models.block_evaluation import BlockEvaluation
from graben.landforms.models.few_labels import MOST_CELLS, UNLIKE, FewLabels
from graben.landforms.quick_look import layer_thumbnail, thumbnail
from graben.learning.forest import tempered
from graben.output import written_file
from graben.report import Picture, Section, Table, Text, write_page
from graben.report.drawing import COLOURS, SMALL, head, labels

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from graben.report.blocks import Block

RATES = ("precision", "recall", "F1")
EDGES = (0, 0.2, 0.4, 0.6, 0.8, 0.9, 1)


def write_class_page(
    folder: Path,
    dem: DemFile,
    model: FewLabels,
    legend: Legend,
    summary: dict[str, Any],
    places: "GeoDataFrame | None",
    facts: dict[str, str],
) -> None:
    """Write report.html and classes.png beside the rasters of `map_classes`."""
    ground = thumbnail(dem)
    title = f"Landform classes of {dem.path.name}"
    shares = {one["code"]: one["share"] for one in summary["classes"]}
    drawn = draw_classes(layer_thumbnail(folder / "classes.tif"), ground, legend, title, shares)
    picture = Picture(
        drawn,
        "Map of the classes over shaded relief, with a legend that tells the share of each.",
        "Shares are of the area that has a class. Light comes from the north-west.",
        "classes",
    )
    with written_file(folder / "classes.png") as temporary:
        temporary.write_bytes(picture.png)
    sure = Picture(
        draw_field(
            layer_thumbnail(folder / "confidence.tif"), ground, "viridis",
            "probability of the class", "How sure the model is",
        ),
        "Map of the probability of the class that was chosen.",
        "Low along borders and wherever no label resembles the land.",
        "confidence",
    )  # fmt: skip
    sections = [
        Section("The map", (*_lead(model, summary), picture, _areas(summary), sure)),
        Section("How far to trust it", tuple(_trust(model))),
        Section("What the classes are told by", tuple(_importance(model))),
    ]
    if places is not None:
        sections.append(Section("Where to click next", tuple(_next(places))))
    told = facts | {
        "elevation model": f"{dem.path.name}, {dem.crs.to_string()}",
        "seed": str(model.seed),
        "graben": graben.__version__,
    }
    rows, columns = dem.shape
    subtitle = f"{len(legend.classes)} classes on {rows:,} by {columns:,} cells"
    write_page(folder / "report.html", title, subtitle, sections, told)


def _lead(model: FewLabels, summary: dict[str, Any]) -> Iterator["Block"]:
    total = sum(model.counts_.values())
    said = f"{len(model.classes_)} classes were learned from {total:,} labelled cells"
    whole = summary["scores"].get("F1 of all")
    if whole is None:
        scored = "how well was not measured, see below."
    else:
        scored = (
            f"on held-out blocks of that map their mean F1 is {whole['value']:.2f} "
            f"({whole['low']:.2f} to {whole['high']:.2f})."
        )
    yield Text((f"{said}; {scored}",), lead=True)
    if summary["warnings"]:
        yield Text(tuple(f"Careful: {one}" for one in summary["warnings"]), lead=True)


def _areas(summary: dict[str, Any]) -> Table:
    rows = tuple(
        (
            one["code"],
            one["class"],
            one["labelled_cells"],
            one["km2"],
            f"{100 * one['share']:.1f} %",
        )
        for one in summary["classes"]
    )
    left_out = [f"{count:,} {reason}" for reason, count in summary["labels_left_out"].items()]
    note = f"Labels left out: {', '.join(left_out)}." if left_out else ""
    return Table("The classes", ("code", "class", "labelled cells", "km²", "share"), rows, note)


def _trust(model: FewLabels) -> Iterator["Block"]:
    found = model.evaluation_
    if not model.scores_:
        yield Text(
            (
                "Nothing was measured: the labels lie so close together that no part of them "
                "could be held out. Label places that lie apart.",
            )
        )
        return
    if found is None:
        yield Text(("The model was learned elsewhere; this is how well it did there.",))
        yield _score_table(model)
        return
    side, buffer = (
        cells * model.cell_metres_ / 1000 for cells in (found.block_cells, found.buffer_cells)
    )
    yield Text(
        (
            f"The map was cut into blocks of {side:.3g} km. Each labelled cell was answered by a "
            f"model that had seen no label of its block, nor any within {buffer:.2g} km of it. "
            "Windows of the features do reach over these borders, but they carry heights, no "
            "labels. Land of another kind than that of all blocks would be classified less well. "
            "Of a polygon that reaches over several blocks, parts were learned from and parts were "
            "scored.",
            "Intervals hold 95 % of 1,000 resamples of the blocks. Precision depends on how many "
            "cells of each class were labelled: it is that of the labels, not of the land.",
        )
    )
    yield _score_table(model)
    yield _confusion_table(model, found)
    yield _reliability_picture(model, found)


def _score_table(model: FewLabels) -> Table:
    counts = {**model.counts_, "all": sum(model.counts_.values())}
    rows = tuple(
        (name, count, *(_interval(model.scores_[f"{rate} of {name}"]) for rate in RATES))
        for name, count in counts.items()
    )
    whole = _interval(model.scores_["accuracy of all"])
    return Table(
        "Held-out blocks",
        ("class", "labelled cells", *RATES),
        rows,
        f"All: the mean over the classes. Accuracy: {whole}.",
        (len(rows) - 1,),
    )


def _interval(one: dict[str, float]) -> str | None:
    if np.isnan(one["value"]):
        return None
    if np.isnan(one["low"]):
        return f"{one['value']:.2f}"
    return f"{one['value']:.2f} ({one['low']:.2f} to {one['high']:.2f})"


def _confusion_table(model: FewLabels, found: BlockEvaluation) -> Table:
    counts = found.confusion().sum(axis=0)
    rows = tuple((name, *row.tolist()) for name, row in zip(model.classes_, counts, strict=True))
    return Table(
        "What was labelled (rows) and what was answered (columns), cells of held-out blocks",
        ("class", *model.classes_),
        rows,
    )


def _reliability_picture(model: FewLabels, found: BlockEvaluation) -> Picture:
    held = ~np.isnan(found.probabilities[:, 0])
    p = tempered(found.probabilities[held], model.temperature_)
    right = p.argmax(axis=1) + 1 == found.codes[held]
    table = reliability(p.max(axis=1), right, edges=EDGES)
    figure = Figure(figsize=(5.5, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#888888", lw=1)
    axes.plot(table.expected, table.observed, "o-", color=COLOURS[0])
    for x, y, count in zip(table.expected, table.observed, table.count, strict=True):
        axes.annotate(str(count), (x, y), (5, -12), textcoords="offset points", fontsize=SMALL)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    labels(axes, "confidence", "share that was right")
    head(figure, "Is the confidence honest?")
    return Picture(
        figure,
        "Share of right answers against confidence, in groups, beside the diagonal.",
        "Held-out cells in groups of like confidence, with their number; on the line, confidence "
        f"is as often right as it says. One number, the temperature {model.temperature_:.2f}, was "
        "set on the same cells.",
        "reliability",
    )


def _importance(model: FewLabels) -> Iterator["Block"]:
    if not model.importance_:
        yield Text(("Not measured: no labels could be held out.",))
        return
    yield Table(
        "What held-out answers lose when a group of features is shuffled, nats per label",
        ("features", "lost", "sd over shuffles"),
        tuple((name, mean, sd) for name, (mean, sd) in model.importance_.items()),
        "Groups that tell the same can stand in for each other, so that each alone seems of "
        "little use.",
    )
    yield Text(
        (
            f"At most {MOST_CELLS} cells of a class are used. A cell counts as unlike the labelled "
            f"land where more than {UNLIKE:.0%} of its features lie outside what occurs around "
            "the labels.",
        )
    )


def _next(places: "GeoDataFrame") -> Iterator["Block"]:
    yield Text(
        (
            "Labels at these places should teach the model most: it hesitates between two classes "
            "there. They are in suggestions.geojson; fill in the attribute 'class' and add them to "
            "the labels.",
        )
    )
    rows = tuple(
        (one.rank, f"{one.geometry.x:.7g}, {one.geometry.y:.7g}", one.guess, one.confidence)
        for one in places.itertuples()
    )
    yield Table("Places", ("rank", "x, y", "the model's guess", "confidence"), rows)
