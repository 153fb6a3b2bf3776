"""What a seismic survey is like, in numbers that know no unit: spectrum, amplitudes, dips."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graben.errors import SeismicError
from graben.imaging.section_traits import section_traits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from graben.tiling import Source

    Floats = NDArray[np.floating[Any]]

SECTIONS, TRACES, MOST_SAMPLES = 8, 64, 3_000_000


class Trait(NamedTuple):
    """One number that tells surveys apart.

    Attributes
    ----------
    name, unit
        For people.
    tolerance
        The least standard deviation that the training range is given, in the unit: what never
        varies in training need not be the same to a hair.
    high, low
        What to do where it is too high or too low; empty where nothing helps but adapting.
    """

    name: str
    unit: str
    tolerance: float
    high: str = ""
    low: str = ""


_COARSE = "resample to a larger sample interval, or check the one in the header"
_FINE = "resample to a smaller sample interval, or check whether samples were left out"
_NOISE = "take random noise away (graben imaging prepare)"
_BAND = "band-pass to the frequencies of the signal (graben imaging prepare)"
_GAIN = "control the gain (agc)"
_HIGH = f"{_BAND}, or check whether samples were left out"
_SORT = f"{_NOISE}, or sort the traces"
_WHITEN = "balance the spectrum"
_CLIPPED = "export the amplitudes again without clipping, in 16 bits or more"

TRAITS = (
    Trait("mean frequency", "log of the share of Nyquist", 0.1, _FINE, _COARSE),
    Trait("width of the spectrum", "log of a ratio to the mean frequency", 0.1, _BAND),
    Trait("low end of the spectrum", "log of the share of Nyquist", 0.1, _FINE, _COARSE),
    Trait("high end of the spectrum", "log of the share of Nyquist", 0.1, _HIGH, _COARSE),
    Trait("skewness of the spectrum", "", 0.2),
    Trait("tails of the spectrum", "log of the kurtosis", 0.2),
    Trait("power near Nyquist", "log10 of the share of the peak", 0.3, _BAND),
    Trait("lines in the spectrum", "log of peak over surroundings", 0.15, "notch out the hum"),
    Trait("frequency with depth", "log, top to bottom", 0.05, _WHITEN, _WHITEN),
    Trait("heavy tails", "log of the kurtosis", 0.15, "take spikes and bursts away"),
    Trait("outliers", "log of the largest over the 95th percentile", 0.15, "take spikes away"),
    Trait("skewness", "", 0.1),
    Trait("clipped samples", "log10 of the share", 0.4, _CLIPPED),
    Trait("number of levels", "log10", 0.5, "", _CLIPPED),
    Trait("repeated samples", "log10 of the share", 0.4, "check whether samples were repeated"),
    Trait("silence", "share of zeros", 0.02, "leave out dead traces, cut mutes off"),
    Trait("gain with depth", "log of the strength, half a trace", 0.15, _GAIN, _GAIN),
    Trait("strength by depth", "log, deviation from the trend", 0.1, _GAIN),
    Trait("strength by trace", "log, between neighbours", 0.05, "balance the traces"),
    Trait("change of strength along layers", "log", 0.1, _GAIN),
    Trait("reach of layers", "correlation of strengths 8 traces apart", 0.05),
    Trait("reach of layers far off", "correlation of strengths 24 traces apart", 0.05),
    Trait("change along traces", "log of the share of Nyquist", 0.1, "interpolate traces"),
    Trait("likeness of neighbours", "correlation, logit", 0.2, "", _SORT),
    Trait("likeness at two traces", "correlation, logit", 0.2, "", _SORT),
    Trait("median dip", "samples a trace, log", 0.15, "interpolate traces"),
    Trait("steep dips", "samples a trace, log", 0.15, "interpolate traces"),
    Trait("likeness at high frequencies", "coherence, logit", 0.2, "", _BAND),
    Trait("likeness at low frequencies", "coherence, logit", 0.2, "", _BAND),
    Trait("change of dip along traces", "log, samples a trace a trace", 0.1, _NOISE),
    Trait("change of dip with depth", "log, samples a trace a sample", 0.1, _NOISE),
    Trait("steepening with depth", "log of |dip|, bottom to top", 0.1),
)  # fmt: skip


def measure_traits(source: "Source", seed: int = 0) -> "Floats":
    """Measure the traits of a survey from a bounded sample of its sections.

    Parameters
    ----------
    source
        (inline, crossline, sample).
    seed
        The same seed gives the same sample.

    Returns
    -------
    numpy.ndarray
        float64, one for each of `TRAITS`; all finite. The mean over up to `SECTIONS` sections of
        up to `TRACES` traces, along inlines and crosslines by turns.

    Raises
    ------
    SeismicError
        No section has three traces of eight samples that vary.
    """
    found = [section_traits(section) for section in _sections(source, seed) if _varies(section)]
    if not found:
        raise SeismicError(
            "expected traces that vary, three beside each other and eight samples long, got none "
            f"in the sections that were looked at (shape {tuple(source.shape)}). Choose another "
            "part of the survey."
        )
    traits: Floats = np.mean(found, axis=0)
    return traits


def _varies(section: "Floats") -> bool:
    live = np.ptp(section, axis=1) > 0
    return section.shape[1] >= 8 and int(live.sum()) >= 3


def _sections(source: "Source", seed: int) -> "Iterator[Floats]":
    """Read sections (trace, sample) at random; all traces of them lie beside each other."""
    generator = np.random.default_rng([seed, 7])
    shape = tuple(source.shape)
    axes = [axis for axis in (1, 0) if shape[axis] >= 3]
    if not axes:
        return
    wide = max(8, min(TRACES, MOST_SAMPLES // (SECTIONS * shape[2])))
    # of a short line no more than what covers it twice or so
    count = min(SECTIONS, 1 + 2 * shape[0] * shape[1] // wide)
    for number in range(count):
        along = axes[number % len(axes)]
        traces = min(wide, shape[along])
        region = [slice(0, 1), slice(0, 1), slice(0, shape[2])]
        start = int(generator.integers(shape[along] - traces + 1))
        region[along] = slice(start, start + traces)
        line = int(generator.integers(shape[1 - along]))
        region[1 - along] = slice(line, line + 1)
        block = np.asarray(source.read((region[0], region[1], region[2])), np.float32)
        yield block.reshape(traces, shape[2])
