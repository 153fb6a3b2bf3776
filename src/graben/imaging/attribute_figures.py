"""Pictures of attributes and of preparation: a section in the middle of the volume."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from graben.imaging.attribute_table import described
from graben.imaging.complex_trace import spectrum_of
from graben.imaging.volume import SeismicVolume
from graben.report.drawing import COLOURS, LINES, SMALL, TEXT, WIDTH, head, labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from graben.tiling import Source

MOST = 1200  # traces that a picture can show
SIGNED = ("dip_inline", "dip_crossline")
COLOUR_MAPS = {
    "semblance": "gray", "variance": "gray_r", "eigen_coherence": "gray", "phase": "twilight",
    "azimuth": "twilight", "dip": "viridis", "frequency": "viridis",
} | dict.fromkeys(SIGNED, "RdBu_r")  # fmt: skip
ENDS = {"phase": (-180, 180), "azimuth": (0, 360), "semblance": (0, 1), "variance": (0, 1)}


def middle_section(volume: SeismicVolume) -> tuple[slice, slice, slice]:
    """Choose the region of a section in the middle: no more traces than a picture can show.

    Of an inline if there is more than one crossline.
    """
    inlines, crosslines, samples = volume.shape
    if crosslines == 1:
        return _middle(inlines), slice(0, 1), slice(0, samples)
    return slice(inlines // 2, inlines // 2 + 1), _middle(crosslines), slice(0, samples)


def read_section(source: "Source", region: tuple[slice, slice, slice]) -> "NDArray[np.float32]":
    """Read a section (trace, sample)."""
    return np.asarray(source.read(region), np.float32).reshape(-1, source.shape[2])


def draw_attribute(volume: SeismicVolume, section: "NDArray[np.float32]", result: str) -> Figure:
    """Show an attribute on the section in the middle, with its scale of colours.

    Parameters
    ----------
    volume
        What it was computed from.
    section
        (trace, sample), at `middle_section`.
    result
        Its name, as `attribute_table.results` has it.
    """
    facts = described(result, volume.unit)
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    axes = figure.subplots()
    low, high = _ends(result, section)
    drawn = _show(axes, volume, section, COLOUR_MAPS.get(result, "magma"), low, high)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8)
    title = facts["title"]
    unit = "" if facts["units"] == "1" else f", {facts['units']}"
    bar.set_label(title + unit, fontsize=TEXT)
    bar.ax.tick_params(labelsize=SMALL)
    head(figure, f"{title[0].upper()}{title[1:]} of {_place_of(volume)}")
    return figure


def draw_preparation(
    volume: SeismicVolume, before: "NDArray[np.float32]", after: "NDArray[np.float32]", steps: str
) -> Figure:
    """Show the section in the middle before and after preparation, and both mean spectra.

    Parameters
    ----------
    volume
        What was prepared.
    before, after
        (trace, sample), at `middle_section`.
    steps
        What was done, in words.
    """
    figure = Figure(figsize=(WIDTH, 8), layout="constrained")
    drawn = figure.subplot_mosaic([["left", "right"], ["below", "below"]], height_ratios=(3, 2))
    left, right, spectra = drawn["left"], drawn["right"], drawn["below"]
    for axes, section, name in ((left, before, "before"), (right, after, "after")):
        loud = _loudest(section)
        _show(axes, volume, section, "gray_r", -loud, loud)
        axes.set_title(name, fontsize=TEXT)
    right.set_ylabel("")
    right.tick_params(labelleft=False)
    for number, (section, name) in enumerate(((before, "before"), (after, "after"))):
        hertz, amplitudes = spectrum_of(section, volume.sample_interval)
        highest = amplitudes.max() or 1
        spectra.plot(hertz, amplitudes / highest, LINES[number], color=COLOURS[number], label=name)
    spectra.legend(fontsize=SMALL)
    labels(
        spectra,
        "frequency, Hz" if volume.unit == "ms" else "cycles per km",
        "mean amplitude, highest 1",
    )
    head(figure, f"{_place_of(volume)}: {steps}")
    return figure


def _middle(traces: int) -> slice:
    first = max((traces - MOST) // 2, 0)
    return slice(first, min(first + MOST, traces))


def _place_of(volume: SeismicVolume) -> str:
    inlines, crosslines, _ = middle_section(volume)
    if volume.is_line:
        return "the line"
    if volume.shape[1] == 1:
        return f"crossline {volume.crosslines[crosslines.start]}"
    return f"inline {volume.inlines[inlines.start]}"


def _show(
    axes: "Axes", volume: SeismicVolume, section: "NDArray[Any]", colours: str, *ends: float
) -> Any:
    inlines, crosslines, _ = middle_section(volume)
    along = volume.shape[1] == 1
    numbers = volume.inlines[inlines] if along else volume.crosslines[crosslines]
    half = volume.sample_interval / 2
    top = volume.first_sample - half
    bottom = top + volume.shape[2] * volume.sample_interval
    sides = numbers[0] - 0.5, numbers[0] - 0.5 + len(numbers)
    if not volume.is_line:
        sides = numbers[0] - 0.5, max(numbers[-1] + 0.5, numbers[0] + 0.5)
    drawn = axes.imshow(
        section.T, cmap=colours, vmin=ends[0], vmax=ends[1], aspect="auto",
        extent=(*sides, bottom, top), interpolation="nearest",
    )  # fmt: skip
    across = "trace" if volume.is_line else ("inline" if along else "crossline")
    labels(axes, across, "depth, m" if volume.unit == "m" else "two-way time, ms")
    return drawn


def _loudest(section: "NDArray[np.float32]") -> float:
    live = np.abs(section[section != 0])
    return float(np.quantile(live, 0.99)) if live.size else 1.0


def _ends(result: str, section: "NDArray[np.float32]") -> tuple[float, float]:
    """Give the ends of the colours: most of the values lie between them."""
    if result in ENDS:
        return ENDS[result]
    low, high = (float(one) for one in np.quantile(section, (0.01, 0.99)))
    if result in SIGNED:
        high = max(abs(low), abs(high), 1e-6)
        return -high, high
    return low, max(high, low + 1e-6)
