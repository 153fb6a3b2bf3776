"""The page of a map of facies."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import graben
from graben.imaging.models.facies_evaluation import MEASURES
from graben.report import Picture, Section, Table, Text, write_page
from graben.report.drawing import COLOURS, SMALL, TEXT, WIDTH, head, labels

if TYPE_CHECKING:
    from graben.imaging.models.facies import FaciesModel
    from graben.imaging.models.facies_evaluation import FaciesEvaluation
    from graben.imaging.strokes import Strokes
    from graben.imaging.volume import SeismicVolume
    from graben.report.blocks import Block

MOST = 1200  # traces of a picture
LOUDEST = 0.99  # quantile of amplitudes that is drawn black
# the first ones are told apart by the colour-blind; more classes than these repeat with less ink
PALETTE = (*COLOURS[:6], "#F0E442", "#8C564B", "#7F7F7F", "#332288", "#88CCEE", "#AA4499")


def write_facies_page(
    path: Path,
    volume: "SeismicVolume",
    mapped: Mapping[str, "SeismicVolume"],
    model: "FaciesModel",
    found: dict[str, Any],
    strokes: "Strokes | None",
    evaluation: "FaciesEvaluation | None",
    facts: dict[str, str],
) -> None:
    """Write the page of `map_facies`."""
    region = chosen_section(volume, strokes)
    drawn = Picture(
        draw_facies(volume, mapped["facies"], model.classes, region, strokes),
        "Seismic section in greys under the colours of the facies, with a legend.",
        "Dots are labels of this line." if strokes is not None else "",
        "facies",
    )
    sure = Picture(
        draw_confidence(volume, mapped["confidence"], region),
        "The same section coloured by the probability of the class that was chosen.",
        "Probability if all classes are as frequent; low along borders and where nothing that was "
        "labelled resembles the section.",
        "confidence",
    )
    sections = [
        Section("The map", (*_lead(found), drawn, _classes(found), sure)),
        Section("How far to trust it", tuple(_trust(found, evaluation))),
    ]
    told = facts | {"volume": str(found["volume"]), "graben": graben.__version__}
    name = volume.path.name if volume.path else "a volume"
    subtitle = f"{len(model.classes)} classes on {' x '.join(f'{n:,}' for n in volume.shape)}"
    write_page(path, f"Facies of {name}", f"{subtitle} samples", sections, told)


def chosen_section(
    volume: "SeismicVolume", strokes: "Strokes | None"
) -> tuple[slice, slice, slice]:
    """Choose the section with most labels (or in the middle): no more traces than can be shown."""
    lines, columns, samples = volume.shape
    inline, middle = lines // 2, columns // 2
    if strokes is not None:
        inline = int(np.bincount(strokes.inline).argmax())
        middle = int(np.median(strokes.crossline[strokes.inline == inline]))
    first = int(np.clip(middle - MOST // 2, 0, max(columns - MOST, 0)))
    across = slice(first, min(first + MOST, columns))
    return slice(inline, inline + 1), across, slice(0, samples)


def draw_facies(
    volume: "SeismicVolume",
    facies: "SeismicVolume",
    classes: tuple[str, ...],
    region: tuple[slice, slice, slice],
    strokes: "Strokes | None" = None,
) -> Figure:
    """Show a section in greys under the colours of its facies, with a legend.

    Parameters
    ----------
    volume, facies
        Amplitudes, and codes of the classes.
    classes
        Names.
    region
        Of one inline.
    strokes
        Labels to be shown as dots.
    """
    figure, axes = _grey(volume, region)
    codes = facies.read(region)[0].T
    shown = np.ma.masked_less(codes, 1)
    colours = [PALETTE[place % len(PALETTE)] for place in range(len(classes))]
    norm = BoundaryNorm(np.arange(len(classes) + 1) + 0.5, len(classes))
    axes.imshow(
        shown, cmap=ListedColormap(colours), norm=norm, alpha=0.5, interpolation="nearest",
        extent=_extent(volume, region), aspect="auto",
    )  # fmt: skip
    if strokes is not None:
        _dots(axes, volume, region, strokes, colours)
    patches = [Patch(color=c, label=name) for c, name in zip(colours, classes, strict=True)]
    figure.legend(
        handles=patches, loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False
    )
    head(figure, f"Facies of {volume.axes[0]} {volume.inlines[region[0].start]}")
    return figure


def draw_confidence(
    volume: "SeismicVolume", confidence: "SeismicVolume", region: tuple[slice, slice, slice]
) -> Figure:
    """Show how probable the chosen class is on a section."""
    figure, axes = _grey(volume, region)
    drawn = axes.imshow(
        confidence.read(region)[0].T, cmap="viridis", vmin=0, vmax=1, interpolation="nearest",
        extent=_extent(volume, region), aspect="auto",
    )  # fmt: skip
    bar = figure.colorbar(drawn, ax=axes, orientation="horizontal", aspect=40, pad=0.02)
    bar.ax.tick_params(labelsize=SMALL)
    bar.set_label("probability of the class", fontsize=TEXT)
    head(figure, f"How sure the model is, {volume.axes[0]} {volume.inlines[region[0].start]}")
    return figure


def _grey(volume: "SeismicVolume", region: tuple[slice, slice, slice]) -> tuple[Figure, Any]:
    plane = volume.read(region)[0].T
    live = np.abs(plane[plane != 0])
    loud = float(np.quantile(live, LOUDEST)) if live.size else 1.0
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(
        plane, cmap="gray_r", vmin=-loud, vmax=loud, extent=_extent(volume, region), aspect="auto"
    )
    down = "depth, m" if volume.unit == "m" else "two-way time, ms"
    labels(axes, "trace" if volume.is_line else volume.axes[1], down)
    return figure, axes


def _extent(
    volume: "SeismicVolume", region: tuple[slice, slice, slice]
) -> tuple[float, float, float, float]:
    numbers = volume.crosslines[region[1]]
    half = abs(float(numbers[-1] - numbers[0])) / max(1, len(numbers) - 1) / 2 or 0.5
    way = half if numbers[-1] >= numbers[0] else -half
    down = volume.first_sample + volume.sample_interval * np.array([-0.5, volume.shape[2] - 0.5])
    return float(numbers[0] - way), float(numbers[-1] + way), float(down[1]), float(down[0])


def _dots(
    axes: Any,
    volume: "SeismicVolume",
    region: tuple[slice, slice, slice],
    strokes: "Strokes",
    colours: list[str],
) -> None:
    here = (strokes.inline == region[0].start) & (strokes.crossline >= region[1].start)
    here &= strokes.crossline < region[1].stop
    down = volume.first_sample + volume.sample_interval * strokes.sample[here]
    tints = [colours[code - 1] for code in strokes.codes[here]]
    across = volume.crosslines[strokes.crossline[here]]
    axes.scatter(across, down, s=12, c=tints, edgecolors="black", linewidths=0.4)


def _lead(found: dict[str, Any]) -> Iterator["Block"]:
    total = sum(one["labelled"] or 0 for one in found["classes"])
    said = f"{len(found['classes'])} classes were learned from {total:,} labelled samples"
    score = found["scores"].get("mean class accuracy")
    if score is None:
        scored = "how well was not measured, see below."
    else:
        scored = f"on held-out lines their mean accuracy is {_value(score)}."
    yield Text((f"{said}; {scored}",), lead=True)
    if found["warnings"]:
        yield Text(tuple(f"Careful: {one}" for one in found["warnings"]), lead=True)


def _classes(found: dict[str, Any]) -> Table:
    rows = tuple(
        (
            one["code"], one["class"], one["labelled"], f"{100 * one['share']:.1f} %",
            one["confidence"], one["held_out_accuracy"],
        )
        for one in found["classes"]
    )  # fmt: skip
    left_out = [f"{count:,} {reason}" for reason, count in found["labels_left_out"].items()]
    return Table(
        "The classes",
        ("code", "class", "labelled", "share", "mean confidence", "held-out accuracy"),
        rows,
        f"Labels left out: {', '.join(left_out)}." if left_out else "",
    )


def _trust(found: dict[str, Any], evaluation: "FaciesEvaluation | None") -> Iterator["Block"]:
    if not found["scores"]:
        yield Text(
            (
                "Nothing was measured: the strokes lie so close together that no lines could be "
                "held out. Draw strokes on lines that lie further apart.",
            )
        )
        return
    if evaluation is None:
        yield Text(("The model was learned elsewhere; this is how well it did there.",))
    else:
        yield Text(
            (
                f"Blocks of {evaluation.lines} {evaluation.axis}s were held out in turn. Each "
                "label was answered by a model that had seen no label of its block, nor any within "
                f"{evaluation.gap} {evaluation.axis}s of it, as far as a sample's features look. "
                "Scores are of labels, which are often drawn where a facies is plain: of the rest "
                "of the volume they say less.",
                "Intervals hold 95 % of 1,000 resamples of the blocks. The measures are those of "
                "the F3 facies benchmark (Alaudah et al. 2019).",
            )
        )
    scores = tuple((name, _value(found["scores"][name])) for name in MEASURES)
    yield Table("On lines that were held out", ("measure", "value (95 % interval)"), scores)
    if found["curve"]:
        rows = tuple(
            (one["labels a class"], *(_value(one[name]) for name in MEASURES[1:3]))
            for one in found["curve"]
        )
        yield Table(
            "With fewer labels", ("labels of each class", *MEASURES[1:3]), rows,
            "If the last rows still rise, more strokes will help.",
        )  # fmt: skip


def _value(score: Mapping[str, Any]) -> str:
    low, high = score.get("low"), score.get("high")
    if low is None or not np.isfinite(low):
        return f"{score['value']:.2f}"
    return f"{score['value']:.2f} ({low:.2f} to {high:.2f})"
