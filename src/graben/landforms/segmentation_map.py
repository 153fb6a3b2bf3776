"""Maps by segmentation: learned from dense labels, written with their page into a folder."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import graben
from graben.landforms.class_map import CONFIDENCE, UNLIKE, class_legend, mapped_areas
from graben.landforms.dem_file import DemFile
from graben.landforms.figures import draw_classes, draw_field
from graben.landforms.forms import cores
from graben.landforms.labels import Labels, read_any_labels
from graben.landforms.legend import Legend, write_qgis_ramp, write_qgis_style
from graben.landforms.models.few_labels import grid_of
from graben.landforms.models.segmentation import Segmentation
from graben.landforms.models.segmentation_samples import LabelledDem
from graben.landforms.quick_look import check_not_void, layer_thumbnail, thumbnail
from graben.landforms.tiled import Layer, stream
from graben.learning import Recipe
from graben.learning.threads import torch_threads
from graben.output import written_file, written_folder
from graben.report import Picture, Section, Table, Text, write_page

RATES = ("precision", "recall", "F1", "IoU")


def learn_segmentation(
    dem: DemFile,
    labels: Path,
    out: Path,
    class_field: str | None = None,
    background: str | None = None,
    recipe: Recipe | None = None,
) -> tuple[Segmentation, dict[str, int]]:
    """Learn a segmentation model from labels that cover areas.

    Parameters
    ----------
    dem
        The elevation model.
    labels
        Polygons or a raster, see `graben.landforms.labels.read_labels`.
    out
        Where the results will be: a training that was cut off goes on from what it left, hidden,
        beside that folder.
    class_field
        The attribute that names the class.
    background
        The class of all cells that no label covers; without it they are left out.
    recipe
        How to train; by default `Segmentation.tuned`.

    Returns
    -------
    model : Segmentation
        Fitted.
    left_out : dict
        How many labels were not used, by reason.

    Raises
    ------
    InputError
        The labels cannot be used.
    """
    found = read_any_labels(labels, grid_of(dem), class_field)
    classes, mask = dense_mask(found, dem.shape, background)
    checkpoint = out.absolute().with_name(f".{out.name}-training")
    model = Segmentation(classes)
    model.fit([LabelledDem(dem, mask)], recipe, checkpoint_folder=checkpoint)
    shutil.rmtree(checkpoint)
    return model, found.left_out


def dense_mask(
    labels: Labels, shape: tuple[int, int], background: str | None = None
) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Lay labels on a grid.

    Parameters
    ----------
    labels
        Labelled cells.
    shape
        Of the grid.
    background
        The class of all other cells; 0, nothing known, without it.

    Returns
    -------
    classes, mask
        Names, and the code of each cell.
    """
    mask = np.zeros(shape, np.uint8)
    mask[labels.rows, labels.columns] = labels.codes
    classes = labels.classes
    if background is not None:
        classes = classes if background in classes else (*classes, background)
        mask[mask == 0] = classes.index(background) + 1
    return classes, mask


def map_segmentation(
    dem: DemFile,
    model: Segmentation,
    out: Path,
    facts: dict[str, str],
    about: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Map an elevation model that need not fit into memory.

    The folder holds classes.tif (with colours and names), confidence.tif, unlike.tif and
    probability_CODE.tif of each class, styles for QGIS (.qml), classes.png and report.html; with
    `about` also model, the folder of the model.

    Parameters
    ----------
    dem
        The elevation model.
    model
        Fitted or loaded.
    out
        The folder.
    facts
        What is needed to redo the page.
    about
        What the model's card tells besides; given if the model was learned just now.

    Returns
    -------
    dict
        Area and share of each class, its scores in validation, and what makes the map doubtful.

    Raises
    ------
    RasterError
        The elevation model is void, or no cell of it has all that the net looks at.
    ModelError
        The cells are of another size than those of the training.
    InputError, OutputError
        As `graben.output.written_folder`.
    """
    check_not_void(dem)
    legend = class_legend(model.classes)
    block = model.block(dem)
    with written_folder(out) as folder:
        with torch_threads(1):
            stream(dem, block, _layers(model, folder, legend), block.halo, cores())
        write_qgis_style(folder / "classes.qml", legend)
        write_qgis_style(folder / "unlike.qml", UNLIKE)
        write_qgis_ramp(folder / "confidence.qml", 0.0, 1.0, CONFIDENCE)
        summary = _summary(dem, model, folder, legend)
        if about is not None:
            model.save(folder / "model", about)
        _write_page(folder, dem, model, legend, summary, facts)
    return summary


def _layers(model: Segmentation, folder: Path, legend: Legend) -> dict[str, Layer]:
    sure = "probability of the class"
    layers = {
        "classes": Layer(folder / "classes.tif", "uint8", legend, "class", "1"),
        "confidence": Layer(folder / "confidence.tif", "float32", None, sure, "1"),
        "unlike": Layer(folder / "unlike.tif", "uint8", UNLIKE, "unlike the training", "1"),
    }
    for code, name in enumerate(model.classes, 1):
        path = folder / f"probability_{code}.tif"
        layers[path.stem] = Layer(path, "float32", None, f"probability of {name}", "1")
    return layers


def _summary(dem: DemFile, model: Segmentation, folder: Path, legend: Legend) -> dict[str, Any]:
    areas, unlike = mapped_areas(dem, folder, legend)
    total = sum(areas.values())
    warnings = []
    if unlike > 0.1:
        warnings.append(
            f"{unlike:.0%} of it is unlike the land that the model learned from; the classes there "
            "are guesses. Label some of it."
        )
    return {
        "dem": str(dem.path),
        "classes": [
            {"code": one.code, "class": one.name, "km2": areas[one.code],
             "share": areas[one.code] / total}
            for one in legend.classes
        ],
        "validation": model.validation_,
        "unlike_share": unlike,
        "warnings": warnings,
    }  # fmt: skip


def _write_page(
    folder: Path,
    dem: DemFile,
    model: Segmentation,
    legend: Legend,
    summary: dict[str, Any],
    facts: dict[str, str],
) -> None:
    ground = thumbnail(dem)
    title = f"Classes of {dem.path.name}"
    shares = {one["code"]: one["share"] for one in summary["classes"]}
    picture = Picture(
        draw_classes(layer_thumbnail(folder / "classes.tif"), ground, legend, title, shares),
        "Map of the classes over shaded relief, with a legend that tells the share of each.",
        "Shares are of the area that has a class. Light comes from the north-west.",
        "classes",
    )
    with written_file(folder / "classes.png") as temporary:
        temporary.write_bytes(picture.png)
    confidence = layer_thumbnail(folder / "confidence.tif")
    sure = Picture(
        draw_field(confidence, ground, "viridis", "probability of the class", "How sure it is"),
        "Map of the probability of the class that was chosen.",
        "Low along borders and where the land resembles no training.",
        "confidence",
    )
    sections = [
        Section("The map", (_lead(model, summary), picture, _areas(summary), sure)),
        Section("How far to trust it", (_caveats(model), _validation(model))),
        Section("The model", (_net(model),)),
    ]
    told = facts | {
        "elevation model": f"{dem.path.name}, {dem.crs.to_string()}",
        "graben": graben.__version__,
    }
    rows, columns = dem.shape
    subtitle = f"{len(legend.classes)} classes on {rows:,} by {columns:,} cells"
    write_page(folder / "report.html", title, subtitle, sections, told)


def _lead(model: Segmentation, summary: dict[str, Any]) -> Text:
    score = model.validation_["mean"]["F1"]
    said = (
        f"On tiles that were held out of the training the mean F1 of its {len(model.classes)} "
        f"classes is {score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})."
    )
    return Text((said, *(f"Careful: {one}" for one in summary["warnings"])), lead=True)


def _areas(summary: dict[str, Any]) -> Table:
    rows = tuple(
        (one["code"], one["class"], one["km2"], f"{100 * one['share']:.1f} %")
        for one in summary["classes"]
    )
    return Table("The classes", ("code", "class", "km²", "share"), rows)


def _caveats(model: Segmentation) -> Text:
    reach = model.channel_reach * model.cell_metres_ / 1000
    return Text(
        (
            f"A fifth of the labelled tiles was held out; no training label lay within {reach:.2g} "
            "km of them. The same tiles stopped the training and chose how much rare classes are "
            "favoured, so the scores are a little too good, and they hold for land like the "
            "labelled. Intervals hold 95 % of 1,000 resamples of the tiles.",
            "Labels of landslides, craters or other units tell where somebody drew them. The model "
            "repeats that judgement; where it was not tested, nothing is known of its skill.",
        )
    )


def _validation(model: Segmentation) -> Table:
    def cell(one: dict[str, float]) -> str:
        return f"{one['value']:.2f} ({one['low']:.2f} to {one['high']:.2f})"

    rows = tuple(
        (name, *(cell(scores[rate]) for rate in RATES))
        for name, scores in model.validation_.items()
    )
    return Table("Tiles that were held out", ("class", *RATES), rows, "", (len(rows) - 1,))


def _net(model: Segmentation) -> Table:
    history = model.history_
    weights = sum(weight.numel() for weight in model.net_.parameters())
    rows = (
        ("net", f"U-Net of {weights:,} weights"),
        ("sees", f"{model.config.halo} cells around each, and {model.channel_reach} around those"),
        ("training", f"{history.steps:,} steps, {history.seconds:.0f} s"),
        ("kept", f"epoch {history.best_epoch} of {len(history.train_loss)}"),
        ("cells", f"{model.cell_metres_:.3g} m"),
    )
    return Table("What was trained", ("what", "value"), rows)
