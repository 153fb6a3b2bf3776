"""Pictures of elevation models and of landforms; each takes rasters and returns a figure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from graben.landforms.dem import cell_size
from graben.landforms.legend import Legend
from graben.report.drawing import SMALL, TEXT, WIDTH, head, labels

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

STEEP = 0.7  # gradient that the steepest tenth of a model is drawn with
MOST_EXAGGERATED = 30.0  # or the rounding of plains to whole metres would look like relief
LETTERS = 75  # that fit into the width of a figure
NO_CLASS = "none (edge or void)"


def shaded(dem: "xr.DataArray") -> "NDArray[np.float32]":
    """Light from the north-west at 45 degrees, as a difference from that of flat land.

    Parameters
    ----------
    dem
        Metres, dims (y, x), y descending, in its own CRS; NaN = void. Heights are exaggerated so
        that the steepest tenth of any model looks alike.

    Returns
    -------
    array of float32
        (y, x), from -1 (in the shade) through 0 (as flat land) to 1 (fully lit); 0 at voids.
    """
    heights = dem.to_numpy().astype(np.float64)
    if min(heights.shape) < 2:
        return np.zeros(heights.shape, np.float32)
    size = cell_size(dem)
    down = np.gradient(heights, axis=0) / size.y[:, None]
    east = np.gradient(heights, axis=1) / size.x[:, None]
    gradient = np.hypot(down, east)
    known = np.isfinite(gradient)
    steep = float(np.quantile(gradient[known], 0.9)) if known.any() else 0.0
    by = min(STEEP / steep, MOST_EXAGGERATED) if steep > 0 else 1.0
    flat = np.sqrt(0.5)
    light = (0.5 * by * (east + down) + flat) / np.sqrt(1 + (by * gradient) ** 2)
    relative = np.where(light > flat, (light - flat) / (1 - flat), (light - flat) / flat)
    return np.nan_to_num(np.clip(relative, -1, 1)).astype(np.float32)


def lit(colours: "NDArray[Any]", light: "NDArray[Any]", depth: float = 0.6) -> "NDArray[Any]":
    """Lay light over colours: flat land keeps its colour.

    Parameters
    ----------
    colours
        (y, x, 3), red, green and blue from 0 to 1.
    light
        (y, x), from `shaded`.
    depth
        How much of the way to black or white the light may go.

    Examples
    --------
    >>> grey = np.full((1, 3, 3), 0.5)
    >>> [float(value) for value in lit(grey, np.array([[-1.0, 0.0, 1.0]]))[0, :, 0].round(2)]
    [0.2, 0.5, 0.8]
    """
    by = depth * light[..., None]
    return np.where(by > 0, colours + (1 - colours) * by, colours * (1 + by))


def map_canvas(dem: "xr.DataArray", beside: float) -> tuple[Figure, "Axes"]:
    """Return a figure, and its axes as a map in the model's own coordinates, with a scale bar.

    Parameters
    ----------
    dem
        As in `shaded`.
    beside
        Inches of what stands above and below the map.
    """
    west, south, east, north = dem.rio.bounds()
    size = cell_size(dem)
    middle = dem.sizes["y"] // 2
    shape = size.y.sum() / (size.x[middle] * dem.sizes["x"])
    height = float(np.clip(6.3 * shape, 1.5, 9)) + beside
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    aspect = shape * (east - west) / (north - south)
    axes.set(xlim=(west, east), ylim=(south, north), aspect=aspect, facecolor="white")
    for axis, letters in ((axes.xaxis, "EW"), (axes.yaxis, "NS")):
        # labels at the corners would meet
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], prune="both"))
        axis.set_major_formatter(_degrees(letters) if dem.rio.crs.is_geographic else _plain)
    if dem.rio.crs.is_geographic:
        labels(axes, "", "")
    else:
        unit = dem.rio.crs.linear_units
        labels(axes, f"easting, {unit}", f"northing, {unit}")
        axes.tick_params(axis="y", labelrotation=90)
        for text in axes.get_yticklabels():
            text.set_verticalalignment("center")
    scale_bar(axes, (east - west) / (size.x[middle] * dem.sizes["x"]))
    return figure, axes


def scale_bar(axes: "Axes", units_per_metre: float) -> None:
    """Draw a bar of a round length, about a fifth of the map, in its lower left corner.

    Parameters
    ----------
    axes
        A map whose limits are set.
    units_per_metre
        How far the map's x goes in one metre on the ground, at its middle.
    """
    west, east = axes.get_xlim()
    length = round_length((east - west) / units_per_metre / 4)
    across = length * units_per_metre / (east - west)
    box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.8, "edgecolor": "none"}
    place: dict[str, Any] = {"transform": axes.transAxes, "zorder": 6}
    axes.plot([0.03, 0.03 + across], [0.035, 0.035], color="white", lw=5, **place)
    axes.plot([0.03, 0.03 + across], [0.035, 0.035], color="black", lw=2.5, **place)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.text(0.03, 0.055, text, fontsize=SMALL, va="bottom", bbox=box, **place)


def round_length(most: float) -> float:
    """Return 1, 2 or 5 times a power of ten: the largest that is not more than `most`.

    Examples
    --------
    >>> round_length(4321.0), round_length(0.3)
    (2000.0, 0.2)
    """
    decade = 10.0 ** np.floor(np.log10(most))
    return float(round(max(step for step in (1, 2, 5) if step * decade <= most) * decade, 9))


def draw_classes(
    classes: "NDArray[np.uint8]",
    dem: "xr.DataArray",
    legend: Legend,
    title: str,
    shares: dict[int, float] | None = None,
) -> Figure:
    """Show classes over shaded relief, with a legend that tells the share of each.

    Parameters
    ----------
    classes
        Codes of the legend, (y, x), on the grid of `dem`; any other code is drawn white.
    dem
        As in `shaded`.
    legend
        Names and colours.
    title
        What the classes are.
    shares
        Share of each code, where `classes` is thinned out and cannot tell; without it they are
        counted among the cells that have a class.
    """
    shares = shares_of(classes, legend) if shares is None else shares
    known = np.isin(classes, [one.code for one in legend.classes])
    entries = [
        (one.color, f"{one.name} {100 * shares[one.code]:.1f} %")
        for one in legend.classes
        if shares[one.code] > 0
    ]
    if not known.all():
        entries.append(("white", NO_CLASS))
    abreast = _abreast([text for _, text in entries])
    figure, axes = map_canvas(dem, 1.0 + 0.25 * -(-len(entries) // abreast))
    colours = np.ones((256, 3))
    for one in legend.classes:
        colours[one.code] = to_rgb(one.color)
    draw_colours(axes, lit(colours[classes], np.where(known, shaded(dem), 0)), dem)
    patches = [
        Patch(facecolor=colour, edgecolor="#555555", lw=0.5, label=text) for colour, text in entries
    ]
    figure.legend(
        handles=patches, loc="outside lower center", ncols=abreast, fontsize=SMALL, frameon=False
    )
    head(figure, title)
    return figure


def _abreast(texts: Sequence[str]) -> int:
    """Return how many entries of a legend fit side by side."""
    return max(1, min(3, LETTERS // (5 + max(map(len, texts), default=1))))


def shares_of(classes: "NDArray[np.uint8]", legend: Legend) -> dict[int, float]:
    """Return the share of each code of the legend among the cells that have one."""
    counts = np.bincount(classes.ravel(), minlength=256)
    total = max(1, sum(int(counts[one.code]) for one in legend.classes))
    return {one.code: int(counts[one.code]) / total for one in legend.classes}


def draw_field(
    values: "NDArray[Any]",
    dem: "xr.DataArray",
    colours: str,
    label: str,
    title: str,
    norm: Normalize | None = None,
) -> Figure:
    """Show numbers over shaded relief, with a scale of colours.

    Parameters
    ----------
    values
        (y, x), on the grid of `dem`; NaN is drawn white.
    dem
        As in `shaded`.
    colours
        Name of a colour map of matplotlib.
    label
        What the numbers are, with their unit.
    title
        Of the figure.
    norm
        Ends of the scale; by default the `limits` of the values.
    """
    figure, axes = map_canvas(dem, 1.6)
    known = np.isfinite(values)
    scale = ScalarMappable(norm or Normalize(*limits(values)), colours)
    painted = scale.to_rgba(np.ma.masked_invalid(values))[..., :3]
    painted[~known] = 1
    draw_colours(axes, lit(painted, np.where(known, shaded(dem), 0), depth=0.35), dem)
    bar = figure.colorbar(
        scale, ax=axes, orientation="horizontal", aspect=40, pad=0.02, extend="both"
    )
    bar.ax.tick_params(labelsize=SMALL)
    bar.set_label(label, fontsize=TEXT)
    head(figure, title)
    return figure


def limits(values: "NDArray[Any]") -> tuple[float, float]:
    """Return the 2nd and the 98th percentile, NaN left out; 0 and 1 if nothing is left."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.quantile(known, (0.02, 0.98)))
    return low, high if high > low else low + 1.0


def draw_colours(axes: "Axes", colours: "NDArray[Any]", dem: "xr.DataArray") -> None:
    """Draw red, green and blue, (y, x, 3) from 0 to 1, on the cells of an elevation model."""
    west, south, east, north = dem.rio.bounds()
    axes.imshow(
        colours, extent=(west, east, south, north), aspect=axes.get_aspect(), interpolation="none"
    )


def _degrees(letters: str) -> Any:
    return lambda value, _: f"{abs(value):g}°{letters[int(value < 0)] if value else ''}"


def _plain(value: float, _: Any) -> str:
    return f"{value:.10g}"
