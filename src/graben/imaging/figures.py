"""Pictures of seismic volumes; each takes a volume and returns a figure."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from graben.errors import SeismicError
from graben.report.drawing import COLOURS, SMALL, TEXT, WIDTH, head, labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from graben.imaging.amplitudes import Amplitudes
    from graben.imaging.volume import SeismicVolume
    from graben.tiling import Source

MOST = 1200  # traces or samples that a picture can show
BLOCK = 16_000_000  # samples that are read at once for a picture
MOST_POINTS = 20_000
LOUDEST = 0.99  # quantile of amplitudes that is drawn black
FLOOR_DB = -60.0
GREYS = "gray_r"
# see-through where nothing is likely; legible over grey, also for the colour-blind
PROBABLE = LinearSegmentedColormap.from_list(
    "probable", [(0.84, 0.37, 0.0, 0.0), (0.84, 0.37, 0.0, 0.75), (0.65, 0.0, 0.15, 1.0)]
)


def draw_section(
    volume: "SeismicVolume",
    *,
    axis: int = 0,
    index: int | None = None,
    over: "Source | None" = None,
    label: str = "probability",
    title: str | None = None,
) -> Figure:
    """Show a vertical section in greys, with a probability over it if there is one.

    Parameters
    ----------
    volume
        Amplitudes (inline, crossline, sample).
    axis
        0: along an inline; 1: along a crossline.
    index
        Which one, counted from 0; by default the middle one.
    over
        Numbers from 0 to 1 of the shape of the volume: nothing shows at 0, dark red is 1.
    label
        What these numbers are.
    title
        Of the figure; by default the name of the line.

    Raises
    ------
    SeismicError
        The volume has no such line, or `over` has another shape.
    """
    place = _place(volume, axis, index, over)
    numbers = (volume.crosslines, volume.inlines)[axis]
    across = volume.axes[1 - axis]
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    axes = figure.subplots()
    axes.set_xlim(*_outer(numbers))
    down = volume.first_sample + volume.sample_interval * np.array([-0.5, volume.shape[2] - 0.5])
    axes.set_ylim(down[1], down[0])
    extent = (*_outer(numbers), down[1], down[0])
    _show(figure, axes, _thinned(volume, place), _thinned_or_none(over, place), extent, label)
    depth = "depth, m" if volume.unit == "m" else "two-way time, ms"
    labels(axes, "trace" if volume.is_line and across == "crossline" else across, depth)
    _even_ticks(axes, numbers)
    head(figure, title or _line_name(volume, axis, place[axis].start))
    return figure


def draw_time_slice(
    volume: "SeismicVolume",
    *,
    index: int | None = None,
    over: "Source | None" = None,
    label: str = "probability",
    title: str | None = None,
) -> Figure:
    """Show a horizontal slice in greys, with a probability over it if there is one.

    Parameters
    ----------
    volume
        Amplitudes (inline, crossline, sample).
    index
        Which sample, counted from 0; by default the middle one.
    over, label, title
        As of `draw_section`.

    Raises
    ------
    SeismicError
        The volume is a line, has no such sample, or `over` has another shape.
    """
    if volume.is_line:
        raise SeismicError(
            "expected a volume of several lines for a slice, got a 2-D line. Draw its section."
        )
    place = _place(volume, 2, index, over)
    shape = volume.shape
    figure = Figure(
        figsize=(WIDTH, float(np.clip(6.5 * shape[0] / shape[1], 2.5, 7)) + 1.5),
        layout="constrained",
    )
    axes = figure.subplots()
    extent = (*_outer(volume.crosslines), *_outer(volume.inlines))
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])
    planes = _thinned(volume, place).T, _thinned_or_none(over, place)
    above = None if planes[1] is None else planes[1].T
    _show(figure, axes, planes[0], above, (*extent[:2], extent[2], extent[3]), label, "lower")
    labels(axes, volume.axes[1], volume.axes[0])
    _even_ticks(axes, volume.crosslines, volume.inlines)
    at = volume.first_sample + volume.sample_interval * place[2].start
    what = "depth" if volume.unit == "m" else "time"
    head(figure, title or f"{what} slice at {at:g} {volume.unit}")
    return figure


def _place(
    volume: "SeismicVolume", axis: int, index: int | None, over: "Source | None"
) -> tuple[slice, slice, slice]:
    """Return the region of one plane."""
    shape = volume.shape
    chosen = shape[axis] // 2 if index is None else index
    if not 0 <= chosen < shape[axis]:
        raise SeismicError(
            f"expected an index from 0 to {shape[axis] - 1}, got {chosen}. Choose one of these."
        )
    if over is not None and tuple(over.shape) != shape:
        raise SeismicError(
            f"expected numbers of the shape of the volume, {shape}, got {tuple(over.shape)}."
        )
    ends = [slice(0, count) for count in shape]
    ends[axis] = slice(chosen, chosen + 1)
    return ends[0], ends[1], ends[2]


def _thinned_or_none(
    source: "Source | None", place: tuple[slice, slice, slice]
) -> "NDArray[np.float32] | None":
    return None if source is None else _thinned(source, place)


def _thinned(source: "Source", place: tuple[slice, slice, slice]) -> "NDArray[np.float32]":
    """Read a plane in parts, and keep no more of it than can be seen; (samples or lines, across).

    The last axis of the plane comes first: rows go down.
    """
    sizes = [part.stop - part.start for part in place]
    flat = sizes.index(1)
    across, down = (axis for axis in range(3) if axis != flat)
    steps = {axis: -(-sizes[axis] // MOST) for axis in (across, down)}
    part = max(1, BLOCK // sizes[down]) // steps[across] * steps[across] or steps[across]
    kept = []
    for first in range(0, sizes[across], part):
        region = list(place)
        region[across] = slice(first, min(first + part, sizes[across]))
        block = np.asarray(source.read(tuple(region)), np.float32)
        plane = np.squeeze(block, axis=flat)
        kept.append(plane[:: steps[across], :: steps[down]].copy())
    return np.ascontiguousarray(np.concatenate(kept).T)


def _show(
    figure: Figure,
    axes: "Axes",
    plane: "NDArray[np.float32]",
    over: "NDArray[np.float32] | None",
    extent: tuple[float, float, float, float],
    label: str,
    origin: Any = "upper",
) -> None:
    live = np.abs(plane[plane != 0])
    loud = float(np.quantile(live, LOUDEST)) if live.size else 1.0
    drawn = {"extent": extent, "aspect": "auto", "origin": origin}
    axes.imshow(plane, cmap=GREYS, vmin=-loud, vmax=loud, interpolation="antialiased", **drawn)
    if over is not None:
        above = axes.imshow(over, cmap=PROBABLE, vmin=0, vmax=1, interpolation="nearest", **drawn)
        bar = figure.colorbar(above, ax=axes, orientation="horizontal", aspect=40, pad=0.02)
        bar.ax.tick_params(labelsize=SMALL)
        bar.set_label(label, fontsize=TEXT)


def _outer(numbers: "NDArray[np.int64]") -> tuple[float, float]:
    """Return the outer edges of evenly drawn lines; uneven ones are counted."""
    if _uneven(numbers):
        return -0.5, len(numbers) - 0.5
    half = (numbers[-1] - numbers[0]) / max(1, len(numbers) - 1) / 2 or 0.5
    return float(numbers[0] - half), float(numbers[-1] + half)


def _uneven(numbers: "NDArray[np.int64]") -> bool:
    steps = np.diff(numbers)
    return bool(steps.size and (steps != steps[0]).any())


def _even_ticks(
    axes: "Axes", across: "NDArray[np.int64]", up: "NDArray[np.int64] | None" = None
) -> None:
    """Write line numbers, whole ones, also where they are not even."""
    for axis, numbers in ((axes.xaxis, across), (axes.yaxis, up)):
        if numbers is None:
            continue
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True))
        if _uneven(numbers):
            axis.set_major_formatter(FuncFormatter(_names_of(numbers)))


def _names_of(numbers: "NDArray[np.int64]") -> Any:
    def name(value: float, _: Any) -> str:
        place = round(value)
        return str(numbers[place]) if 0 <= place < len(numbers) else ""

    return name


def _line_name(volume: "SeismicVolume", axis: int, index: int) -> str:
    number = (volume.inlines, volume.crosslines)[axis][index]
    if volume.is_line and axis == 0 and number == 1:  # most likely no number of its own
        return "2-D line"
    return f"{volume.axes[axis]} {number}"


def draw_geometry(volume: "SeismicVolume", title: str = "where the traces lie") -> Figure:
    """Show where the traces lie: on the ground if coordinates are known, else by line number."""
    known = np.isfinite(volume.x) & ~volume.missing
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    axes = figure.subplots()
    if known.any():
        _draw_ground(axes, volume, known)
    else:
        _draw_grid(axes, volume)
    head(figure, title)
    return figure


def _draw_ground(axes: "Axes", volume: "SeismicVolume", known: "NDArray[np.bool_]") -> None:
    places = np.flatnonzero(known)
    if len(places) > MOST_POINTS:
        places = places[:: -(-len(places) // MOST_POINTS)]
    x, y = volume.x.ravel(), volume.y.ravel()
    size = float(np.clip(3000 / len(places), 0.3, 12))
    axes.scatter(x[places], y[places], s=size, color=COLOURS[0], linewidths=0)
    lines, columns = np.nonzero(known)
    corners = {
        (int(lines[at]), int(columns[at]))
        for at in (
            int(np.argmin(lines + columns)), int(np.argmax(lines + columns)),
            int(np.argmin(lines - columns)), int(np.argmax(lines - columns)),
        )
    }  # fmt: skip
    middle = x[places].mean(), y[places].mean()
    for line, column in sorted(corners):
        at = volume.x[line, column], volume.y[line, column]
        name = str(volume.crosslines[column])
        if not volume.is_line:
            name = f"{volume.inlines[line]} / {name}"
        axes.plot(*at, "o", ms=5, color=COLOURS[1])
        axes.annotate(
            name, at, textcoords="offset points", fontsize=SMALL,
            xytext=(-6 if at[0] > middle[0] else 6, -6 if at[1] > middle[1] else 6),
            ha="right" if at[0] > middle[0] else "left",
            va="top" if at[1] > middle[1] else "bottom",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )  # fmt: skip
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.08)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.10g}"))
    labels(axes, "x", "y")


def _draw_grid(axes: "Axes", volume: "SeismicVolume") -> None:
    present = ~volume.missing
    steps = [-(-count // MOST) for count in present.shape]
    extent = (*_outer(volume.crosslines), *_outer(volume.inlines))
    colours = ListedColormap(["white", COLOURS[0]])
    axes.imshow(
        present[:: steps[0], :: steps[1]], cmap=colours, vmin=0, vmax=1, extent=extent,
        aspect="auto", origin="lower", interpolation="nearest",
    )  # fmt: skip
    labels(axes, volume.axes[1], volume.axes[0])
    _even_ticks(axes, volume.crosslines, volume.inlines)


def draw_spectrum(
    spectrum: "tuple[NDArray[np.float64], NDArray[np.float64]]",
    unit: str = "ms",
    title: str = "mean amplitude spectrum",
) -> Figure:
    """Show an amplitude spectrum in decibels below its maximum.

    Parameters
    ----------
    spectrum
        Frequencies (hertz; cycles per kilometre in depth) and amplitudes, from
        `graben.imaging.amplitudes.spectrum_of`.
    unit
        Of the samples, `ms` or `m`.
    title
        Of the figure.
    """
    frequencies, amplitudes = spectrum
    peak = amplitudes.max()
    relative = np.maximum(amplitudes / peak if peak > 0 else amplitudes, 10 ** (FLOOR_DB / 20))
    decibels = 20 * np.log10(relative)
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.plot(frequencies, decibels, color=COLOURS[0])
    axes.fill_between(frequencies, decibels, FLOOR_DB, color=COLOURS[0], alpha=0.15, lw=0)
    axes.set(xlim=(0, frequencies[-1]), ylim=(FLOOR_DB, 3))
    axes.grid(alpha=0.3)
    labels(axes, "frequency, Hz" if unit == "ms" else "cycles per km", "dB below the maximum")
    head(figure, title)
    return figure


def draw_amplitudes(
    traces: "NDArray[np.float32]", amplitudes: "Amplitudes", title: str = "amplitudes"
) -> Figure:
    """Show how often amplitudes occur, and where networks cut them off.

    Parameters
    ----------
    traces
        (traces, samples), from `graben.imaging.amplitudes.sampled_traces`.
    amplitudes
        Mean, deviation and clip of the survey.
    title
        Of the figure.
    """
    values = traces[np.isfinite(traces) & (traces != 0)]
    far = amplitudes.clip * amplitudes.std
    edges = np.linspace(amplitudes.mean - 1.25 * far, amplitudes.mean + 1.25 * far, 201)
    counts, _ = np.histogram(values, edges)
    beyond = int((values < edges[0]).sum() + (values > edges[-1]).sum())
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.stairs(counts, edges, fill=True, color=COLOURS[0], alpha=0.6)
    axes.set_yscale("log")
    axes.set_xlim(edges[0], edges[-1])
    for at, name, style in (
        (amplitudes.mean, "mean", "-"),
        (amplitudes.mean - amplitudes.std, "one deviation", "--"),
        (amplitudes.mean + amplitudes.std, None, "--"),
        (amplitudes.mean - far, "cut off for networks", ":"),
        (amplitudes.mean + far, None, ":"),
    ):
        axes.axvline(at, color=COLOURS[1], ls=style, lw=1.5, label=name)
    axes.legend(fontsize=SMALL, frameon=False, loc="upper right")
    share = 100 * beyond / max(1, values.size)
    labels(axes, f"amplitude ({share:.2g} % lie outside)", "samples")
    head(figure, title)
    return figure
