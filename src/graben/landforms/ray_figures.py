"""Pictures of why a cell has its form: its lines of sight on the map, and as profiles."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from graben.landforms.explained import CellExplanation, Ray
from graben.landforms.figures import draw_colours, lit, map_canvas, shaded
from graben.report.drawing import COLOURS, SMALL, TEXT, WIDTH, head

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

VERDICT_COLOURS = {1: COLOURS[1], -1: COLOURS[0], 0: "#808080"}
PAIRS = ("N", "S", "NE", "SW", "E", "W", "SE", "NW")  # opposite directions side by side


def draw_rays(found: CellExplanation, dem: "xr.DataArray") -> Figure:
    """Show the lines of sight of a cell over shaded relief, coloured by what they met.

    Parameters
    ----------
    found
        The explanation.
    dem
        The elevation model around the cell, metres, dims (y, x), NaN = void.
    """
    figure, axes = map_canvas(dem, 1.3)
    grey = np.where(np.isnan(dem.to_numpy())[..., None], 1.0, np.full((*dem.shape, 3), 0.75))
    draw_colours(axes, lit(grey, shaded(dem)), dem)
    for ray in found.rays:
        if not len(ray.distance):
            continue
        colour = VERDICT_COLOURS[ray.verdict]
        axes.plot([found.x, ray.x[-1]], [found.y, ray.y[-1]], color="white", lw=4)
        axes.plot([found.x, ray.x[-1]], [found.y, ray.y[-1]], color=colour, lw=2)
        for place, marker in ((ray.highest, "^"), (ray.lowest, "v")):
            if place is not None:
                style: dict[str, Any] = {"color": colour, "markeredgecolor": "white", "ms": 9}
                axes.plot(ray.x[place], ray.y[place], marker, **style)
    axes.plot(found.x, found.y, "o", ms=9, color="black", markeredgecolor="white")
    lines = {1: "higher than the cell", -1: "lower than the cell", 0: "level"}
    signs = {"^": "steepest way up", "v": "steepest way down", "o": "the cell"}
    handles = [
        Line2D([], [], color=VERDICT_COLOURS[verdict], lw=2, label=text)
        for verdict, text in lines.items()
    ] + [
        Line2D([], [], ls="", marker=marker, color="#202020", label=text)
        for marker, text in signs.items()
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False
    )
    head(figure, f"{found.form.capitalize()} at {found.place}: what its lines of sight meet")
    return figure


def draw_profiles(found: CellExplanation) -> Figure:
    """Show the ground along each line of sight, opposite directions side by side."""
    figure = Figure(figsize=(WIDTH, 9.5), layout="constrained")
    grid = figure.subplots(4, 2, sharex=True, sharey=True)
    rays = {ray.direction: ray for ray in found.rays}
    for axes, direction in zip(grid.ravel(), PAIRS, strict=True):
        _profile(axes, rays[direction])
    figure.supxlabel("metres from the cell", fontsize=TEXT)
    figure.supylabel("metres above the cell", fontsize=TEXT)
    head(figure, f"The ground along the eight lines of sight from {found.place}")
    return figure


def _profile(axes: "Axes", ray: Ray) -> None:
    axes.axhline(0, color="#555555", lw=0.8)
    axes.grid(color="#dddddd", lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL)
    if ray.highest is None or ray.lowest is None:
        axes.set_title(f"{ray.direction}: {ray.word}", loc="left", fontsize=SMALL)
        return
    colour = VERDICT_COLOURS[ray.verdict]
    axes.plot([0, *ray.distance], [0, *ray.height], color="#404040", lw=1.2, marker=".", ms=3)
    for place, marker in ((ray.highest, "^"), (ray.lowest, "v")):
        style: dict[str, Any] = {"color": colour, "lw": 1.4, "ls": "--", "markevery": [1], "ms": 8}
        axes.plot([0, ray.distance[place]], [0, ray.height[place]], marker=marker, **style)
    up, down = (f"{ray.angle[place]:.1f}°" for place in (ray.highest, ray.lowest))
    text = f"{ray.direction}: {ray.word} ({up} and {down})".replace("-", "\N{MINUS SIGN}")
    axes.set_title(text, loc="left", fontsize=SMALL)
