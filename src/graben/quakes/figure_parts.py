"""What the pictures of forecasts share: sizes, colours, labels, and the layers of a map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.colors import Colormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator

from graben.quakes.figures import draw_coastline
from graben.quakes.region import Region
from graben.report.drawing import COLOURS, SMALL, TEXT, WIDTH, labels

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.image import AxesImage
    from numpy.typing import ArrayLike, NDArray

MARKERS = "osD^vPX"
STEPS = np.sort(np.outer(10.0 ** np.arange(-7, 1), (1, 3)).ravel())[:-1]


def floats(values: "ArrayLike") -> "NDArray[Any]":
    """Return numbers as float64; None becomes NaN."""
    return np.asarray(values, np.float64)


def percent(value: float) -> str:
    """Return a share in percent.

    Examples
    --------
    >>> percent(0.003), percent(1e-6)
    ('0.3 %', '0.0001 %')
    """
    return f"{np.format_float_positional(100 * value, precision=6, trim='-')} %"


def percent_axis(axis: "Axis", most: int = 8) -> None:
    """Mark a logarithmic axis of shares at 1 and 3 of each decade, in percent.

    Parameters
    ----------
    axis
        Its limits are set already.
    most
        Where there would be more marks than this, they are thinned out.
    """
    low, high = sorted(axis.get_view_interval())
    kept = STEPS[(low / 1.001 <= STEPS) & (high * 1.001 >= STEPS)]
    axis.set_ticks(kept[:: -(-len(kept) // most)])
    axis.set_major_formatter(lambda value, _: percent(value))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def log_limits(shares: "NDArray[Any]", lowest: float = 0.05) -> tuple[float, float]:
    """Return limits at 1 or 3 of a decade around shares, at most three decades apart.

    Parameters
    ----------
    shares
        0..1; NaN and 0 are left out.
    lowest
        The share of the values that may lie below the lower limit.

    Examples
    --------
    >>> [float(limit) for limit in log_limits(np.array([0.002, 0.02, np.nan, 0]))]
    [0.001, 0.03]
    """
    positive = shares[shares > 0]
    if not positive.size:
        return 0.001, 1.0
    high = STEPS[np.searchsorted(STEPS, positive.max() / 1.001).clip(1, len(STEPS) - 1)]
    low = max(float(np.quantile(positive, lowest)), high / 1000)
    below = STEPS[(low * 1.001 >= STEPS) & (high > STEPS)]
    return float(below.max(initial=STEPS[0])), float(high)


def map_canvas(
    latitude_edges: "NDArray[Any]", longitude_edges: "NDArray[Any]", beside: float
) -> tuple[Figure, "Axes", Region]:
    """Return a figure, and its axes as a map of the cells with coast and degrees.

    `beside` is the height in inches of what stands above and below the map.
    """
    west, east = longitude_edges[[0, -1]]
    south, north = latitude_edges[[0, -1]]
    view = Region(*(float(edge) for edge in (west, south, east, north)))
    shape = (north - south) / (east - west) / np.cos(np.radians((south + north) / 2))
    figure = Figure(
        figsize=(WIDTH, float(np.clip(6.3 * shape, 2, 9)) + beside), layout="constrained"
    )
    axes = figure.subplots()
    draw_coastline(axes, view)
    for line in axes.lines:
        line.set(color="#202020", linewidth=0.8)
    labels(axes, "", "")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda value, _: _degrees(value, "EW"))
    axes.yaxis.set_major_formatter(lambda value, _: _degrees(value, "NS"))
    return figure, axes, view


def image(
    axes: "Axes", values: "NDArray[Any]", view: Region, colours: "str | Colormap", norm: LogNorm
) -> "AxesImage":
    """Draw values, (latitude, longitude) from south to north, over the whole view."""
    field = axes.imshow(
        values,
        origin="lower",
        extent=(view.west, view.east, view.south, view.north),
        cmap=colours,
        norm=norm,
        interpolation="bilinear",
        aspect=axes.get_aspect(),
    )
    axes.set(xlim=(view.west, view.east), ylim=(view.south, view.north))
    return field


def colour_bar(
    figure: Figure,
    axes: "Axes | list[Axes]",
    field: "AxesImage",
    ticks: "ArrayLike",
    texts: Sequence[str],
    label: str,
) -> None:
    """Put a scale of colours under the axes, pointed where values lie beyond it."""
    values, (low, high) = np.asarray(field.get_array(), np.float64), field.get_clim()
    ends = (bool((values < low).any()), bool((values > high).any()))
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(ends, "neither")
    bar = figure.colorbar(
        field, ax=axes, orientation="horizontal", aspect=40, pad=0.02, extend=extend
    )
    bar.set_ticks(floats(ticks).tolist(), labels=list(texts))
    bar.ax.minorticks_off()
    bar.ax.tick_params(labelsize=SMALL)
    bar.set_label(label, fontsize=TEXT)


def shade(axes: "Axes", elevation: "xr.DataArray", view: Region) -> None:
    """Lay a soft relief over a map, lit from the north-west; flat land and sea stay as they are.

    Parameters
    ----------
    axes
        The map.
    elevation
        Metres, dims (y, x), y descending, degrees; NaN counts as sea level.
    view
        What the map shows.
    """
    cut = elevation.sel(x=slice(view.west, view.east), y=slice(view.north, view.south))
    if min(cut.shape) < 2:
        return
    stride = max(1, -(-max(cut.shape) // 1200))
    cut = cut[::stride, ::stride].fillna(0)
    lat, lon = cut["y"].to_numpy(), cut["x"].to_numpy()
    heights = cut.to_numpy() / 6_371_000.0 * 3  # three times too high, or nothing would show
    north, east = np.gradient(heights, np.radians(lat), np.radians(lon))
    east /= np.cos(np.radians(lat))[:, None]
    flat = np.sqrt(0.5)
    light = (0.5 * east - 0.5 * north + flat) / np.sqrt(1 + east**2 + north**2) - flat
    cover = np.zeros((*light.shape, 4), np.float32)
    cover[..., :3] = (light > 0)[..., None]
    cover[..., 3] = np.clip(np.abs(light), 0, 0.35)
    x, y = (lon[1] - lon[0]) / 2, (lat[0] - lat[1]) / 2
    extent = (lon[0] - x, lon[-1] + x, lat[-1] - y, lat[0] + y)
    axes.imshow(cover, extent=extent, aspect=axes.get_aspect())
    axes.set(xlim=(view.west, view.east), ylim=(view.south, view.north))


def draw_epicentres(
    figure: Figure, axes: "Axes", events: pd.DataFrame, issued: pd.Timestamp, smallest: float
) -> None:
    """Draw past epicentres, larger for larger magnitudes; those of the last year are filled."""
    recent = events["time"] > issued - pd.Timedelta(days=365)
    old: dict[str, Any] = {"color": "none", "edgecolors": "#101010", "linewidths": 0.6}
    new: dict[str, Any] = {"color": COLOURS[0], "edgecolors": "white", "linewidths": 0.8}
    for chosen, style in ((~recent, old | {"alpha": 0.6}), (recent, new)):
        some = events[chosen]
        axes.scatter(some["longitude"], some["latitude"], _area(some["magnitude"]), **style)
    for magnitude in (smallest, smallest + 1, smallest + 2):
        axes.scatter([], [], _area(magnitude), **old, label=f"M {magnitude:g}")
    axes.scatter([], [], _area(smallest + 0.7), **new, label="in the year before")
    figure.legend(loc="outside lower center", ncols=4, fontsize=SMALL, frameon=False)


def dots(rows: Sequence[Any], name: str) -> tuple[Figure, "Axes"]:
    """Draw the `value` of each row as a dot, `low` to `high` as a line, from top to bottom."""
    figure = Figure(figsize=(WIDTH, 1.7 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots()
    place = np.arange(len(rows))
    value, low, high = (floats([row.get(key) for row in rows]) for key in ("value", "low", "high"))
    axes.axvline(0, color="#555555", lw=1, ls="--")
    axes.hlines(place, low, high, color=COLOURS[0], lw=2)
    axes.plot(value, place, "o", ms=6, color=COLOURS[0])
    axes.set_yticks(place, [row[name] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="y", color="#dddddd", lw=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _area(magnitude: Any) -> Any:
    return 10 * 2.4 ** (magnitude - 5)


def _degrees(value: float, letters: str) -> str:
    return f"{abs(value):g}°{letters[int(value < 0)] if value else ''}"
