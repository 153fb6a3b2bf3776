"""Pictures of why a fault net sees a fault."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from graben.imaging.explained import PickExplanation, Plane
from graben.imaging.figures import GREYS, PROBABLE
from graben.imaging.imitation import Imitation
from graben.imaging.throw_series import ThrowSeries
from graben.report.drawing import COLOURS, SMALL, TEXT, WIDTH, head, labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

    from graben.imaging.volume import SeismicVolume

LOUD = 2.5  # deviations that are drawn black
STRONGEST = 0.995  # quantile of shares that is drawn in full colour
SMOOTH = 1.5  # samples and traces by which shares are smoothed before they are drawn


def draw_planes(found: PickExplanation, volume: "SeismicVolume") -> Figure:
    """Show the sections through the place: probability on the left, shares on the right."""
    planes = found.planes
    figure = Figure(figsize=(WIDTH, 0.6 + 3.6 * len(planes)), layout="constrained")
    panels = figure.subplots(len(planes), 2, squeeze=False, sharey=True)
    strongest = max(_strength(plane.share) for plane in planes)
    for row, plane in zip(panels, planes, strict=True):
        numbers = (volume.inlines, volume.crosslines)[plane.axis]
        extent = _extent(plane, volume)
        mark = (
            numbers[found.index[plane.axis]],
            volume.first_sample + found.index[2] * volume.sample_interval,
        )
        likely = _over(row[0], plane.amplitude, plane.probability, extent, PROBABLE, (0, 1))
        shares = _over(
            row[1], plane.amplitude, _smoothed(plane.share), extent, "RdBu_r",
            (-strongest, strongest), 0.55,
        )  # fmt: skip
        for panel in row:
            panel.plot(*mark, "o", ms=13, mfc="none", mec=COLOURS[6], mew=1.8)
            panel.set_xlabel(volume.axes[plane.axis], fontsize=TEXT)
            panel.tick_params(labelsize=SMALL)
            panel.xaxis.get_major_locator().set_params(nbins=5, integer=True)
        line = volume.axes[1 - plane.axis]
        row[0].set_title(f"{line} {found.place[1 - plane.axis]}", fontsize=TEXT, loc="left")
        down = "depth, m" if volume.unit == "m" else "two-way time, ms"
        row[0].set_ylabel(down, fontsize=TEXT)
    for column, (image, text) in enumerate(
        ((likely, "probability of a fault"), (shares, "adds to the logit at the circle"))
    ):
        bar = figure.colorbar(image, ax=panels[:, column], orientation="horizontal", pad=0.02)
        bar.set_label(text, fontsize=TEXT)
        bar.ax.tick_params(labelsize=SMALL)
        bar.ax.locator_params(nbins=5)
    head(figure, "What the net sees, and from where")
    return figure


def _strength(share: "NDArray[np.float32]") -> float:
    return float(np.quantile(np.abs(_smoothed(share)), STRONGEST)) or 1e-6


def _smoothed(share: "NDArray[np.float32]") -> "NDArray[np.float32]":
    from scipy.ndimage import gaussian_filter

    smooth: NDArray[np.float32] = gaussian_filter(share, SMOOTH)
    return smooth


def _extent(plane: Plane, volume: "SeismicVolume") -> tuple[float, float, float, float]:
    numbers = (volume.inlines, volume.crosslines)[plane.axis]
    traces, samples = plane.amplitude.shape
    left, top = plane.first
    right, bottom = left + traces - 1, top + samples - 1
    half = abs(numbers[right] - numbers[left]) / max(1, traces - 1) / 2
    times = volume.first_sample + volume.sample_interval * np.array([top - 0.5, bottom + 0.5])
    turned = -half if numbers[right] < numbers[left] else half
    return (
        float(numbers[left] - turned), float(numbers[right] + turned),
        float(times[1]), float(times[0]),
    )  # fmt: skip


def _over(
    axes: "Axes",
    amplitude: "NDArray[np.float32]",
    over: "NDArray[np.float32]",
    extent: tuple[float, float, float, float] | None,
    colours: "str | LinearSegmentedColormap",
    ends: tuple[float, float],
    alpha: float = 1.0,
) -> "AxesImage":
    """Draw amplitudes (trace, sample) in greys and something in colours over them."""
    axes.imshow(amplitude.T, cmap=GREYS, vmin=-LOUD, vmax=LOUD, extent=extent, aspect="auto")
    return axes.imshow(
        over.T, cmap=colours, vmin=ends[0], vmax=ends[1], extent=extent, aspect="auto",
        alpha=alpha,
    )  # fmt: skip


def draw_series(series: ThrowSeries) -> Figure:
    """Show a synthetic fault losing its throw, and the probability with it."""
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    grid = figure.add_gridspec(2, len(series.factors), height_ratios=(1.15, 1))
    for place, factor in enumerate(series.factors):
        panel = figure.add_subplot(grid[0, place])
        image = _over(
            panel, series.amplitudes[place], series.maps[place], None, PROBABLE, (0, 1)
        )  # fmt: skip
        panel.set_xticks([])
        panel.set_yticks([])
        panel.set_title(f"slip \N{MULTIPLICATION SIGN} {factor:g}", fontsize=SMALL)
    figure.colorbar(image, ax=figure.axes, orientation="vertical", pad=0.01, aspect=15)
    below = figure.add_subplot(grid[1, :])
    below.plot(series.throw, series.probability, "o-", color=COLOURS[1])
    below.set(ylim=(0, 1), xlim=(1.05 * series.throw.max(), -0.02 * series.throw.max()))
    below.grid(alpha=0.3)
    labels(below, "mean throw of the fault, samples", "mean probability")
    head(figure, "The same fault with less and less throw")
    return figure


def draw_importance(found: Imitation) -> Figure:
    """Show how much of the imitation is lost when an attribute is shuffled."""
    names = sorted(found.importance, key=lambda name: found.importance[name])
    figure = Figure(figsize=(WIDTH, 0.9 + 0.42 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(
        names, [found.importance[name] for name in names], color=COLOURS[0],
        xerr=[found.sd[name] for name in names],
    )  # fmt: skip
    axes.set_xlim(left=0)
    labels(axes, "share of the variance lost when shuffled", "")
    head(figure, "Which attributes the imitation needs")
    return figure
