"""Pictures of change between two epochs; each takes a result and returns a figure."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from graben.landforms.figures import draw_colours, lit, map_canvas, shaded
from graben.report.drawing import COLOURS, LINES, SMALL, TEXT, WIDTH, head, labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from graben.landforms.change import Change
    from graben.landforms.change_error import ErrorModel
    from graben.landforms.landslides import Landslide
    from graben.landforms.sediment import BudgetRow
    from graben.landforms.slope_area import SlopeArea

LOWERED, RAISED = COLOURS[1], COLOURS[0]
LONGEST = 1400  # cells of a picture's longer side
ASPECT_BINS = 36


def difference_map(change: "Change") -> Figure:
    """Show how much higher each cell is in the second epoch, over shaded relief."""
    by, dem = _thinned(change)
    values = change.difference[::by, ::by]
    known = np.isfinite(values)
    most = max(float(np.quantile(np.abs(values[known]), 0.995)), 1e-6)
    scale = ScalarMappable(TwoSlopeNorm(0, -most, most), "RdBu")
    painted = scale.to_rgba(np.where(known, values, 0.0))[..., :3]
    painted[~known] = 1
    figure, axes = map_canvas(dem, 1.6)
    draw_colours(axes, lit(painted, np.where(known, shaded(dem), 0), depth=0.35), dem)
    bar = figure.colorbar(
        scale, ax=axes, orientation="horizontal", aspect=40, pad=0.02, extend="both"
    )
    bar.ax.tick_params(labelsize=SMALL)
    bar.set_label("second minus first epoch, m", fontsize=TEXT)
    head(figure, "Change of elevation")
    return figure


def detection_map(change: "Change", landslides: "Sequence[Landslide]") -> Figure:
    """Show where the land was detectably lowered and raised, and number the candidates."""
    by, dem = _thinned(change)
    core, stable = change.core[::by, ::by], change.stable[::by, ::by]
    known = np.isfinite(change.difference[::by, ::by])
    kinds = {
        "lowered": (LOWERED, core < 0),
        "raised": (RAISED, core > 0),
        "taken as stable": ("#cfcfcf", stable & (core == 0)),
        "neither": ("#f3ead2", known & ~stable & (core == 0)),
        "no height in one of the epochs": ("#ffffff", ~known),
    }
    colours = np.ones((*core.shape, 3))
    for colour, cells in kinds.values():
        colours[cells] = to_rgb(colour)
    figure, axes = map_canvas(dem, 1.4)
    draw_colours(axes, lit(colours, np.where(known, shaded(dem), 0)), dem)
    x, y = change.before["x"].to_numpy(), change.before["y"].to_numpy()
    for one in landslides:
        row, column = (int(np.median(place)) for place in np.nonzero(one.cells))
        box = {
            "boxstyle": "round,pad=0.15",
            "facecolor": "white",
            "alpha": 0.8,
            "edgecolor": "none",
        }
        axes.text(x[column], y[row], str(one.number), fontsize=SMALL, ha="center", bbox=box)
    patches = [
        Patch(facecolor=colour, edgecolor="#555555", lw=0.5, label=name)
        for name, (colour, cells) in kinds.items()
        if cells.any()
    ]
    figure.legend(
        handles=patches, loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False
    )
    head(figure, "Where the land changed by more than the error")
    return figure


def placement_figure(change: "Change") -> Figure:
    """Show what a displacement does to the difference: a wave by aspect, and its removal."""
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    heights = change.before.to_numpy().astype(np.float64)
    gradient = np.array(np.gradient(heights, *change.errors.step))
    down, right = gradient
    slope = np.hypot(down, right)
    use = change.stable & (slope > np.tan(np.radians(5)))
    aspect = np.degrees(np.arctan2(-right[use], down[use])) % 360
    place = (aspect // (360 / ASPECT_BINS)).astype(int)
    centre = (np.arange(ASPECT_BINS) + 0.5) * 360 / ASPECT_BINS
    axes.axhline(0, color="#555555", lw=0.8)
    series = (("as it came", change.unplaced), ("co-registered", change.after.to_numpy()))
    for number, (name, after) in enumerate(series):
        ratio = np.asarray(after - heights)[use] / slope[use]
        median = [
            np.nanmedian(ratio[place == one]) if (place == one).any() else np.nan
            for one in range(ASPECT_BINS)
        ]
        axes.plot(
            centre, median, "o" + LINES[number], color=COLOURS[1 - number], ms=4, lw=1, label=name
        )
    axes.set_xticks(np.arange(0, 361, 45), ["N", "NE", "E", "SE", "S", "SW", "W", "NW", "N"])
    labels(axes, "the way the slope faces", "difference over gradient, m")
    axes.legend(frameon=False, fontsize=SMALL)
    head(figure, "Co-registration on stable ground")
    return figure


def spread_figure(errors: "ErrorModel") -> Figure:
    """Show how the error of a cell grows with slope and curvature."""
    figure, axes = _plot()
    spread = errors.spread
    for number, curvature in enumerate(spread.curvature):
        axes.plot(
            spread.slope,
            spread.table[:, number],
            "o" + LINES[number % len(LINES)],
            color=COLOURS[number],
            ms=4,
            lw=1,
            label=f"{curvature:.2g} 1/m",
        )
    axes.set_ylim(0, None)
    labels(axes, "slope, degrees", "spread (NMAD), m")
    axes.legend(frameon=False, fontsize=SMALL, title="curvature", title_fontsize=SMALL)
    head(figure, "The error of a cell")
    return figure


def variogram_figure(errors: "ErrorModel") -> Figure:
    """Show how the errors of two cells differ by their distance."""
    figure, axes = _plot()
    shared = errors.shared
    axes.semilogx(
        shared.lag, shared.variogram, "o", color=COLOURS[0], ms=4, label="stable ground, all pairs"
    )
    axes.semilogx(shared.lag, shared.fitted, "-", color=COLOURS[1], label="error model")
    axes.set_ylim(0, None)
    labels(axes, "distance, m", "variogram of error over spread")
    axes.legend(frameon=False, fontsize=SMALL)
    head(figure, "How far errors are alike")
    return figure


def budget_figure(rows: "Sequence[BudgetRow]") -> Figure:
    """Show what each class lost and won, and the balance, with intervals."""
    figure = Figure(figsize=(WIDTH, 1.8 + 0.5 * len(rows)), layout="constrained")
    axes = figure.subplots()
    place = np.arange(len(rows))
    bars: tuple[tuple[str, str, float, float], ...] = (
        ("lowered", LOWERED, -1.0, -0.22),
        ("raised", RAISED, 1.0, -0.22),
        ("net", "#000000", 1.0, 0.22),
    )
    axes.axvline(0, color="#555555", lw=0.8)
    for name, colour, sign, offset in bars:
        volumes = [getattr(row, name) for row in rows]
        value = sign * np.array([one.value for one in volumes])
        error = np.array([one.high - one.value for one in volumes])
        if name == "net":
            axes.plot(value, place + offset, "D", color=colour, ms=5, label=name)
        else:
            axes.barh(place + offset, value, 0.4, color=colour, label=name)
        axes.errorbar(
            value, place + offset, xerr=error, fmt="none", ecolor="#333333", capsize=2, lw=1
        )
    axes.set_yticks(place, [row.name for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.6)
    labels(axes, "volume, m³", "")
    figure.legend(frameon=False, fontsize=SMALL, ncols=3, loc="outside lower center")
    head(figure, "Sediment budget, with 95 % intervals")
    return figure


def slope_area_figure(found: "SlopeArea") -> Figure:
    """Show slope against contributing area, coloured by change, with a power law per regime."""
    figure, axes = _plot()
    most = max(float(np.abs(found.change).max()), 1e-6)
    dots = axes.scatter(
        found.area,
        found.slope,
        c=found.change,
        cmap="RdBu",
        norm=TwoSlopeNorm(0, -most, most),
        edgecolors="#333333",
        linewidths=0.6,
        s=45,
        zorder=3,
    )
    for number, law in enumerate(found.laws):
        ends = np.array([law.smallest, law.largest])
        axes.plot(
            ends,
            law.steepness * ends**-law.concavity,
            LINES[number],
            color="#333333",
            lw=1.4,
            label=f"{law.name}: slope ~ area^{-law.concavity:.2f}",
        )
    axes.set(xscale="log", yscale="log")
    bar = figure.colorbar(dots, ax=axes)
    bar.set_label("mean change, m", fontsize=TEXT)
    labels(axes, "contributing area, m²", "median gradient")
    axes.legend(frameon=False, fontsize=SMALL)
    head(figure, "Slope and area: which process may act where")
    return figure


def _plot() -> tuple[Figure, "Axes"]:
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    return figure, figure.subplots()


def _thinned(change: "Change") -> tuple[int, Any]:
    """Give every how manieth cell is drawn, and the first epoch so thinned."""
    by = -(-max(change.before.shape) // LONGEST)
    return by, change.before[::by, ::by]
