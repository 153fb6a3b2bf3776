"""Preparation of seismic volumes: steps that clean and even out amplitudes, and chains of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from graben.errors import InputError
from graben.imaging import attribute_kernels, structure_kernels
from graben.imaging.amplitudes import Amplitudes
from graben.imaging.attributes import as_volume
from graben.imaging.complex_trace import nyquist_of
from graben.imaging.structure import Dip, dips
from graben.tiling import Tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

ORDER = 4
QUIETEST = 1e-3  # of a trace's rms: what is quieter is not raised further
COMPARED = np.bartlett(11)[1:-1].astype(np.float32)  # nine samples, weighted as a triangle
SYNTAX = "bandpass LOW-HIGH (Hz), agc WINDOW (ms), denoise [TRACES], normalise"


class Step(Protocol):
    """A step of preparation: from whole traces to whole traces of the same shape."""

    @property
    def halo(self) -> tuple[int, int, int]:
        """How far a value looks: along inlines, crosslines and samples."""

    def __call__(self, volume: "Array") -> "Array":
        """Prepare amplitudes (inline, crossline, sample), float32; none of them is changed."""


@dataclass(frozen=True)
class Bandpass:
    """A zero-phase Butterworth band-pass of each trace: forwards and backwards.

    Of order 4 each way: half the amplitude is left at the corners. What is not finite counts as 0;
    a missing trace stays 0. Beyond its ends a trace is thought to go on as its mirror image about
    its end point.

    Parameters
    ----------
    low, high
        Corners: Hz, or cycles per km.
    interval
        Of samples: ms, or m.

    Raises
    ------
    InputError
        The corners are not 0 < low < high < Nyquist.
    """

    low: float
    high: float
    interval: float

    def __post_init__(self) -> None:
        nyquist = nyquist_of(self.interval)
        if not 0 < self.low < self.high < nyquist:
            raise InputError(
                "expected a band whose corners rise and lie between 0 and the Nyquist frequency of "
                f"{nyquist:g} Hz, got {self.low:g}-{self.high:g}. Give, for example, bandpass "
                f"{nyquist / 16:g}-{nyquist / 2:g}."
            )

    @property
    def halo(self) -> tuple[int, int, int]:
        """It looks at no other trace."""
        return 0, 0, 0

    def __call__(self, volume: "Array") -> "Array":
        """Filter amplitudes (inline, crossline, sample)."""
        from scipy.signal import butter, sosfiltfilt

        values = attribute_kernels.finite(as_volume(volume))
        live = attribute_kernels.live_traces(values)
        corners = self.low, self.high
        sections = butter(ORDER, corners, "bandpass", output="sos", fs=1000 / self.interval)
        longest = 3 * (2 * len(sections) + 1)
        out = np.zeros_like(values)
        for row, there, target in zip(values, live, out, strict=True):
            padding = min(longest, values.shape[2] - 1)
            target[there] = sosfiltfilt(sections, row[there].astype(float), padlen=padding)
        return out


@dataclass(frozen=True)
class GainControl:
    """Automatic gain control: each sample over the rms of the samples around it.

    Windows end where the trace ends. The rms counts as a thousandth of the whole trace's at least:
    silence is not raised. What is not finite counts as 0; a missing trace stays 0.

    Parameters
    ----------
    window
        Length of the window: ms, or m.
    interval
        Of samples: ms, or m.

    Raises
    ------
    InputError
        The window is shorter than three samples.
    """

    window: float
    interval: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.window) and self.window >= 2 * self.interval > 0):
            raise InputError(
                f"expected a window of three samples or more, {2 * self.interval:g} ms, got "
                f"{self.window:g}. Give, for example, agc {125 * self.interval:g}."
            )

    @property
    def halo(self) -> tuple[int, int, int]:
        """It looks at no other trace."""
        return 0, 0, 0

    def __call__(self, volume: "Array") -> "Array":
        """Even out amplitudes (inline, crossline, sample)."""
        values = attribute_kernels.finite(as_volume(volume))
        samples = values.shape[2]
        radius = min(round(self.window / self.interval / 2), samples)
        place = np.arange(samples)
        count = np.minimum(place + radius, samples - 1) - np.maximum(place - radius, 0) + 1
        out = np.empty_like(values)
        for row, target in zip(values, out, strict=True):
            loudest = np.abs(row).max(axis=1, keepdims=True)
            scaled = row / np.where(loudest > 0, loudest, np.float32(1))
            energy = np.empty_like(scaled)
            attribute_kernels.sample_sums(scaled * scaled, radius, energy)
            rms = np.sqrt(energy / count.astype(np.float32))
            least = QUIETEST * np.sqrt(np.mean(scaled * scaled, axis=1, keepdims=True))
            floor = np.maximum(least, np.float32(1e-12))
            target[...] = scaled / np.maximum(rms, floor)
        return out


@dataclass(frozen=True)
class Normalise:
    """Mean 0 and deviation 1 by the amplitudes of the whole survey, outliers cut off.

    What is not finite counts as 0 before; a missing trace stays 0.

    Parameters
    ----------
    amplitudes
        What `SeismicVolume.survey_statistics` gives: of the survey, never of a tile.
    """

    amplitudes: Amplitudes

    @property
    def halo(self) -> tuple[int, int, int]:
        """It looks at no other trace."""
        return 0, 0, 0

    def __call__(self, volume: "Array") -> "Array":
        """Normalise amplitudes (inline, crossline, sample)."""
        values = attribute_kernels.finite(as_volume(volume))
        out = self.amplitudes.normalise(values)
        out[~attribute_kernels.live_traces(values)] = 0
        return out


@dataclass(frozen=True)
class Denoise:
    """Attenuate random noise along the layers, and keep the edges of faults.

    Around each trace lie nine windows of traces that hold it: one about it, eight shifted to all
    sides. Neighbours are read along the local dip (of `graben.imaging.structure.dips`), and the
    mean of the window whose traces are most alike over nine samples (semblance) is taken: beside a
    fault, that of the window on the same side. It is the edge-preserving smoothing of Luo et al.
    2002 (The Leading Edge 21, 136-158) laid along the dip; that windows compete by semblance is of
    Marfurt 2006, doi:10.1190/1.2213049. What is not finite counts as 0; a missing trace stays 0 and
    counts nowhere.

    Parameters
    ----------
    traces
        Radius of a window: 1 averages 3 x 3 traces (3 of a section).

    Raises
    ------
    InputError
        It is no whole number from 1 to 3.
    """

    traces: int = 1

    def __post_init__(self) -> None:
        if self.traces not in (1, 2, 3):
            raise InputError(
                f"expected windows that reach 1, 2 or 3 traces to either side, got {self.traces}. "
                "Give, for example, denoise 1."
            )

    @property
    def halo(self) -> tuple[int, int, int]:
        """How far a value looks: along inlines, crosslines and samples."""
        reach = Dip(1.0).halo[0] + 2 * self.traces
        return reach, reach, 0

    def __call__(self, volume: "Array") -> "Array":
        """Smooth amplitudes (inline, crossline, sample)."""
        values = attribute_kernels.finite(as_volume(volume))
        live = attribute_kernels.live_traces(values)
        out = np.empty_like(values)
        along = np.stack(dips(values))
        structure_kernels.smooth_along(values, live, along, self.traces, COMPARED, out)
        return out


@dataclass(frozen=True)
class Preparation:
    """A chain of steps, for the tiling engine; the same bits from any lateral cut.

    Parameters
    ----------
    steps
        What is done, the first first.

    Examples
    --------
    >>> chain = Preparation((Bandpass(8, 60, interval=4), GainControl(500, interval=4), Denoise()))
    >>> chain.halo
    (8, 8, 0)
    >>> chain.prepare(np.ones((2, 3, 200), np.float32)).shape
    (2, 3, 200)
    """

    steps: tuple[Step, ...]

    @property
    def halo(self) -> tuple[int, int, int]:
        """The halos of all steps together."""
        inlines, crosslines = (sum(step.halo[axis] for step in self.steps) for axis in (0, 1))
        return inlines, crosslines, 0

    def prepare(self, volume: "Array") -> "Array":
        """Apply all steps to amplitudes (inline, crossline, sample)."""
        for step in self.steps:
            volume = step(volume)
        return volume

    def __call__(self, block: "Array", tile: Tile, shape: tuple[int, ...]) -> "Mapping[str, Array]":
        """Give `prepared` for the core of a tile that holds its traces whole."""
        return {"prepared": self.prepare(block)[tile.inner]}


def read_steps(
    text: str, interval: float, survey_statistics: Callable[[], Amplitudes]
) -> Preparation:
    """Read a chain of steps as a geophysicist writes it down.

    Parameters
    ----------
    text
        Steps with commas between them: `bandpass 8-60, agc 500, denoise`.
    interval
        Of samples: ms, or m.
    survey_statistics
        Gives the amplitudes of the survey; asked only for `normalise`.

    Raises
    ------
    InputError
        A step is unknown or its numbers cannot be; `normalise` is not the first step.

    Examples
    --------
    >>> [type(step).__name__ for step in read_steps("agc 500, denoise 2", 4, None).steps]
    ['GainControl', 'Denoise']
    """
    steps: list[Step] = []
    for part in text.split(","):
        name, *numbers = part.replace("-", " ").split() or [""]
        values = _numbers(part, numbers)
        if name == "bandpass" and len(values) == 2:
            steps.append(Bandpass(values[0], values[1], interval))
        elif name == "agc" and len(values) == 1:
            steps.append(GainControl(values[0], interval))
        elif name == "denoise" and len(values) < 2 and all(one == int(one) for one in values):
            steps.append(Denoise(*(int(one) for one in values)))
        elif name == "normalise" and not values:
            if steps:
                raise InputError(
                    "expected normalise as the first step, got it after others: its mean and "
                    "deviation are those of the file. Move it to the front."
                )
            steps.append(Normalise(survey_statistics()))
        else:
            raise _not_understood(part)
    return Preparation(tuple(steps))


def _numbers(part: str, words: Sequence[str]) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise _not_understood(part) from error


def _not_understood(part: str) -> InputError:
    return InputError(
        f"expected steps with commas between them, got {part.strip()!r}. Choose from {SYNTAX}; "
        'for example "bandpass 8-60, agc 500, denoise".'
    )
