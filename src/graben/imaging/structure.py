"""The way layers run: their dip and azimuth, from the structure tensor."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graben.errors import InputError
from graben.imaging import attribute_kernels, structure_kernels
from graben.imaging.attributes import as_volume
from graben.tiling import Tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

STEEPEST = 10.0  # samples per trace: what is steeper is told as this
AROUND = (1.5, 1.5, 3.0)  # standard deviations of the average, in traces, traces and samples
REACH = (4, 4, 8)
DIPS = ("dip_inline", "dip_crossline", "dip", "azimuth")
# a low pass and a derivative that belong together: the ratio of slopes is right up to half of
# Nyquist. Farid and Simoncelli 2004, doi:10.1109/TIP.2004.823819
_LOW_PASS = np.array([0.037659, 0.249153, 0.426375, 0.249153, 0.037659], np.float32)
_SLOPE = np.array([-0.109604, -0.276691, 0, 0.276691, 0.109604], np.float32)
_SHORT_LOW_PASS = np.array([0.229879, 0.540242, 0.229879], np.float32)
_SHORT_SLOPE = np.array([-0.425287, 0, 0.425287], np.float32)


def dips(volume: "Array") -> "tuple[Array, Array]":
    """Compute the dip of the layers along inline and crossline numbers, in samples per trace.

    The eigenvector of the largest eigenvalue of the structure tensor is normal to the layers, as
    Fehmers and Hoecker 2003, doi:10.1190/1.1598121, use it on seismic images. Slopes by filters of
    five taps, products averaged by a Gaussian of 1.5 traces and 3 samples.

    Parameters
    ----------
    volume
        Amplitudes (inline, crossline, sample); a section is (1, n, m). What is not finite counts
        as 0.

    Returns
    -------
    tuple
        Two float32 arrays of the shape of `volume`: how many samples lower a layer lies in the
        trace of the next higher inline, and of the next higher crossline; from -10 to 10. 0 along
        an axis of fewer than three lines, and where nothing is seen. Slopes that would need what is
        beyond the edge or a missing trace (0 throughout) are left out of the average.

    Raises
    ------
    SeismicError
        The array is not of three dimensions, or empty.

    Examples
    --------
    >>> inline, crossline, sample = np.mgrid[:12, :12, :60]
    >>> layers = np.sin((sample - 0.5 * inline + 0.25 * crossline) / 2)
    >>> [float(dip[6, 6, 30].round(2)) for dip in dips(layers.astype(np.float32))]
    [0.5, -0.25]
    """
    values = as_volume(volume)
    live = attribute_kernels.live_traces(values)
    slopes = _slopes(attribute_kernels.finite(values), live)
    tensors = np.empty((6, *values.shape), np.float32)
    spare = np.empty(values.shape, np.float32)
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    for tensor, (one, other) in zip(tensors, pairs, strict=True):
        np.multiply(slopes[one], slopes[other], out=tensor)
        for axis, (deviation, reach) in enumerate(zip(AROUND, REACH, strict=True)):
            if values.shape[axis] > 1:
                away = np.arange(-reach, reach + 1)
                weights = np.exp(-0.5 * (away / deviation) ** 2)
                structure_kernels.correlate(
                    tensor, (weights / weights.sum()).astype(np.float32), axis, spare
                )
                tensor[...] = spare
    inline, crossline = np.empty((2, *values.shape), np.float32)
    structure_kernels.dips_of(tensors, np.float32(STEEPEST), inline, crossline)
    return inline, crossline


def _slopes(values: "Array", live: "NDArray[np.bool_]") -> "list[Array]":
    """Compute the slope along each axis, 0 where a filter would reach beyond what is there."""
    slopes = []
    seen = live
    for along in range(3):
        slope = values
        for axis, length in enumerate(values.shape):
            if length < 3:
                slope = np.zeros_like(values) if axis == along else slope
                continue
            short = length < 5
            low, steep = (_SHORT_LOW_PASS, _SHORT_SLOPE) if short else (_LOW_PASS, _SLOPE)
            out = np.empty_like(values)
            structure_kernels.correlate(slope, steep if axis == along else low, axis, out)
            slope = out
        slopes.append(slope)
    for axis, length in enumerate(values.shape[:2]):
        if length >= 3:
            seen = _all_within(seen, axis, 1 if length < 5 else 2)
    rim = min(2, values.shape[2] // 2)
    for slope in slopes:
        slope[~seen] = 0
        slope[:, :, :rim] = 0
        slope[:, :, values.shape[2] - rim :] = 0
    return slopes


def _all_within(flags: "NDArray[np.bool_]", axis: int, radius: int) -> "NDArray[np.bool_]":
    """Tell where all flags within a radius along an axis are true; beyond the ends is none."""
    pads = [(radius, radius) if one == axis else (0, 0) for one in range(flags.ndim)]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(flags, pads), 2 * radius + 1, axis)
    return np.all(windows, axis=-1)


@dataclass(frozen=True)
class Dip:
    """Dip and azimuth of a tile, for the tiling engine; the same bits from any lateral cut.

    Parameters
    ----------
    interval
        Of samples: ms, or m; dips are told in it, per trace.
    what
        Some of `DIPS`: `dip_inline` and `dip_crossline` as of `dips`, `dip` the steepest, and
        `azimuth` its direction in degrees: 0 towards higher inlines, 90 towards higher crosslines.

    Raises
    ------
    InputError
        A name is none of these.
    """

    interval: float
    what: tuple[str, ...] = DIPS

    def __post_init__(self) -> None:
        unknown = set(self.what) - set(DIPS)
        if unknown:
            raise InputError(f"expected some of {', '.join(DIPS)}, got {', '.join(unknown)}.")

    @property
    def halo(self) -> tuple[int, int, int]:
        """How far a value looks: along inlines, crosslines and samples."""
        return REACH[0] + 2, REACH[1] + 2, 0

    def __call__(self, block: "Array", tile: Tile, shape: tuple[int, ...]) -> "Mapping[str, Array]":
        """Give what was asked for, for the core of a tile that holds its traces whole."""
        inline, crossline = (np.ascontiguousarray(dip[tile.inner]) for dip in dips(block))
        scale = np.float32(self.interval)
        found = {"dip_inline": inline * scale, "dip_crossline": crossline * scale}
        if "dip" in self.what:
            found["dip"] = np.hypot(inline, crossline) * scale
        if "azimuth" in self.what:
            found["azimuth"] = np.degrees(np.arctan2(crossline, inline)) % np.float32(360)
        return {name: found[name] for name in self.what}
