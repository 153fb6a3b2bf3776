"""A geological scene: everything that one synthetic survey is computed from."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graben.imaging.synthetic_kernels import FAULT, KIND, SLIP

Preset = Literal["faults", "full"]
SAMPLE_SECONDS = 0.004
FACIES = ("parallel", "transparent", "chaotic", "bright", "channel", "salt")

Table = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layers:
    """Packages of layers between unconformities, youngest first, before any event bent them.

    Attributes
    ----------
    reflectivity
        (package, sample of the undeformed package).
    styles
        Facies of the same samples, codes of `FACIES`.
    folds
        (package, inline, crossline) on a grid of two samples: vertical strain by folding.
    shears
        (package, 2): rise of the layers along crosslines and along inlines, samples a sample.
    margin
        How far the grid of folds reaches beyond the domain, samples.
    start
        Undeformed depth that lies at the top of the domain, samples.
    """

    reflectivity: Table
    styles: NDArray[np.uint8]
    folds: Table
    shears: Table
    margin: float
    start: float


@dataclass(frozen=True)
class Reservoir:
    """A porous layer that may hold hydrocarbons wherever it is closed.

    Attributes
    ----------
    package, time, thickness
        Which layer: package, undeformed depth of its top and thickness, samples.
    fill
        Share of a closure's height that is filled.
    step
        What hydrocarbons add to the logarithm of the impedance.
    sealed
        Whether faults seal.
    """

    package: int
    time: float
    thickness: float
    fill: float
    step: float
    sealed: bool


@dataclass(frozen=True, eq=False)
class Recording:
    """How the layers are recorded.

    Attributes
    ----------
    wavelet
        Samples of the wavelet, odd in number.
    noise
        Standard deviation of the noise over that of the signal.
    noise_in_band
        Whether the noise has the band of the wavelet.
    noise_lateral, noise_vertical
        Weights of neighbours that the noise is averaged with, 0 to 1/3.
    resolution
        Weight of lateral neighbours that the record is averaged with, 0 to 1/3.
    gain
        Relative change of the amplitude from top to bottom.
    footprint
        Relative amplitude, period in lines along inlines and crosslines of the footprint of the
        acquisition, which fades with depth.
    missing
        Share of traces that are missing.
    seed
        Of noise and missing traces.
    """

    wavelet: Table
    noise: float
    noise_in_band: bool
    noise_lateral: float
    noise_vertical: float
    resolution: float
    gain: float
    footprint: tuple[float, float, float]
    missing: float
    seed: int


@dataclass(frozen=True, eq=False)
class Scene:
    """A geological scene and how it is recorded; the same scene always gives the same samples.

    Coordinates are (inline, crossline, sample) in samples; traces lie `spacing` samples apart.

    Attributes
    ----------
    size
        (inline, crossline, sample) of the domain in which the geology was drawn.
    spacing
        Distance of traces, in samples.
    events
        Faults and unconformities, youngest first; columns as in `synthetic_kernels`.
    layers
        The packages of layers.
    salts
        No row, or one: a salt body.
    channels
        One row a channel.
    chaos
        Rows of amplitude, wave numbers and phase that disturb chaotic layers.
    reservoirs
        Layers that hold hydrocarbons where they are closed.
    salt_step
        What salt adds to the logarithm of the impedance.
    recording
        How it is recorded.
    detailed
        Whether anything beside faults is rendered and labelled.
    """

    size: tuple[int, int, int]
    spacing: float
    events: Table
    layers: Layers
    salts: Table
    channels: Table
    chaos: Table
    reservoirs: tuple[Reservoir, ...]
    salt_step: float
    recording: Recording
    detailed: bool

    @property
    def faults(self) -> int:
        """How many faults there are."""
        return int((self.events[:, KIND] == FAULT).sum())

    @property
    def half_thickness(self) -> float:
        """Samples on each side of a fault surface that its label covers.

        One; where traces lie further apart it covers at least 1.2 traces across a steep fault.
        """
        return 1.0 if self.spacing <= 1 else 0.6 * self.spacing

    def with_slip(self, factor: float, fault: int | None = None) -> "Scene":
        """Return the same layers, wavelet and noise with the slip of faults times `factor`.

        Parameters
        ----------
        factor
            0 takes a fault away.
        fault
            Of this fault only, counted from 0, youngest first; of every fault by default.
        """
        rows = np.flatnonzero(self.events[:, KIND] == FAULT)
        events = self.events.copy()
        events[rows if fault is None else rows[fault], SLIP] *= np.float32(factor)
        return replace(self, events=events)
