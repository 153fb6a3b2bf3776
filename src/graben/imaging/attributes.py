"""Attributes of seismic images: how alike neighbouring traces are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graben.errors import InputError, SeismicError
from graben.imaging import attribute_kernels as kernels
from graben.tiling import Tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """The traces and samples that a measure of likeness looks at.

    Parameters
    ----------
    lateral
        How many traces on either side, along inlines and crosslines: 1 is a window of 3 x 3.
    vertical
        How many samples above and below: 4 is a window of 9.

    Raises
    ------
    InputError
        One of them is no whole number, or below 1 (traces) or 0 (samples).
    """

    lateral: int = 1
    vertical: int = 4

    def __post_init__(self) -> None:
        for what, value, least in (("traces", self.lateral, 1), ("samples", self.vertical, 0)):
            if value != int(value) or value < least:
                raise InputError(
                    f"expected a window that reaches {least} or more whole {what} to either side, "
                    f"got {value}. Give, for example, 1 trace and 4 samples: a window of 3 x 3 x 9."
                )


def semblance(volume: "Array", window: Window | None = None) -> "Array":
    """Measure how alike the traces of a window are: the mean trace's energy over their mean energy.

    1 where all traces are the same, 1 / J for J unlike ones. It is taken along samples, not along
    the dip of the layers: Marfurt et al. 1998, doi:10.1190/1.1444415, without dip search and
    without the quadrature trace.

    Parameters
    ----------
    volume
        Amplitudes (inline, crossline, sample); a section is (1, n, m).
    window
        By default 3 x 3 traces and 9 samples. It ends where the volume ends.

    Returns
    -------
    array
        float32, of the shape of `volume`, from 0 to 1; 1 where the window is void of energy. What
        is not finite counts as 0. A trace that is 0 throughout is missing: it counts as none of
        the J traces, and its own value is what the others in its window say.

    Raises
    ------
    SeismicError
        The array is not of three dimensions, or empty.

    Examples
    --------
    Two layers beside each other that are each other's negative:

    >>> section = np.ones((1, 6, 20), np.float32)
    >>> section[0, 3:] = -1
    >>> semblance(section)[0, :, 10].round(2)
    array([1.  , 1.  , 0.11, 0.11, 1.  , 1.  ], dtype=float32)
    """
    return _semblance(volume, window or Window(), False)


def variance(volume: "Array", window: Window | None = None) -> "Array":
    """Measure how unlike the traces of a window are: their variance about the mean trace.

    The squared differences from the mean trace over the squared amplitudes, samples weighted as a
    triangle around the middle: van Bemmel and Pepper 2000, US patent 6,151,555 (no DOI). With all
    samples weighted alike it would be 1 less the semblance.

    Parameters
    ----------
    volume, window
        As of `semblance`.

    Returns
    -------
    array
        float32, of the shape of `volume`, from 0 (alike) to 1; 0 where the window is void of
        energy. What is not finite and missing traces count as in `semblance`.

    Raises
    ------
    SeismicError
        The array is not of three dimensions, or empty.
    """
    return np.float32(1) - _semblance(volume, window or Window(), True)


def eigen_coherence(volume: "Array", window: Window | None = None) -> "Array":
    """Measure how much of the traces of a window is one waveform: the share of one eigenvalue.

    The largest eigenvalue of the covariance of the traces (their products summed over the samples
    of the window, no mean taken away) over the sum of all eigenvalues, called C3: Gersztenkorn and
    Marfurt 1999, doi:10.1190/1.1444651. Traces may differ in strength and sign: it sees shapes.

    Parameters
    ----------
    volume, window
        As of `semblance`.

    Returns
    -------
    array
        float32, of the shape of `volume`, from 1 / J to 1; 1 where the window is void of energy.
        What is not finite counts as 0, and traces that are 0 throughout count as none.

    Raises
    ------
    SeismicError
        The array is not of three dimensions, or empty.

    Examples
    --------
    >>> section = np.ones((1, 6, 20), np.float32)
    >>> section[0, 3:] = -1
    >>> eigen_coherence(section)[0, :, 10].round(2)
    array([1., 1., 1., 1., 1., 1.], dtype=float32)
    """
    values = kernels.finite(as_volume(volume))
    window = window or Window()
    out = np.empty(values.shape, np.float32)
    kernels.eigen_coherence(values, window.lateral, window.vertical, out)
    return out


def as_volume(volume: "Array") -> "Array":
    """Give a volume as a float32 array in C order; refuse what is none."""
    values = np.ascontiguousarray(volume, np.float32)
    if np.ndim(volume) != 3 or not values.size:
        raise SeismicError(
            "expected amplitudes (inline, crossline, sample), got an array of shape "
            f"{np.shape(volume)}. Give a section as (1, traces, samples)."
        )
    return values


def _semblance(volume: "Array", window: Window, taper: bool) -> "Array":
    values = kernels.finite(as_volume(volume))
    out = np.empty(values.shape, np.float32)
    live = kernels.live_traces(values)
    kernels.semblance(values, live, window.lateral, window.vertical, taper, out)
    return out


@dataclass(frozen=True)
class Semblance:
    """`semblance` of a tile, for the tiling engine; the same bits from any lateral cut."""

    window: Window = Window()

    @property
    def halo(self) -> tuple[int, int, int]:
        """How far a value looks: along inlines, crosslines and samples."""
        return self.window.lateral, self.window.lateral, 0

    def __call__(self, block: "Array", tile: Tile, shape: tuple[int, ...]) -> "Mapping[str, Array]":
        """Give `semblance` for the core of a tile that holds its traces whole."""
        return {"semblance": semblance(block, self.window)[tile.inner]}


@dataclass(frozen=True)
class Variance(Semblance):
    """`variance` of a tile, for the tiling engine; the same bits from any lateral cut."""

    def __call__(self, block: "Array", tile: Tile, shape: tuple[int, ...]) -> "Mapping[str, Array]":
        """Give `variance` for the core of a tile that holds its traces whole."""
        return {"variance": variance(block, self.window)[tile.inner]}


@dataclass(frozen=True)
class EigenCoherence(Semblance):
    """`eigen_coherence` of a tile, for the tiling engine; the same bits from any lateral cut."""

    def __call__(self, block: "Array", tile: Tile, shape: tuple[int, ...]) -> "Mapping[str, Array]":
        """Give `eigen_coherence` for the core of a tile that holds its traces whole."""
        return {"eigen_coherence": eigen_coherence(block, self.window)[tile.inner]}
