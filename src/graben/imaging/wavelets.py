"""Wavelets of the seismic record."""

import numpy as np
from numpy.typing import NDArray

from graben.imaging.scene import SAMPLE_SECONDS

RICKER_SHARE = 0.7


def ricker(frequency: float, interval: float = SAMPLE_SECONDS) -> NDArray[np.float32]:
    """Give the Ricker wavelet of a peak frequency in Hz, sampled every `interval` seconds.

    Odd in length and cut off where it has fallen below a thousandth; unit peak (Ricker 1953,
    doi:10.1190/1.1437843).

    Examples
    --------
    >>> wavelet = ricker(25.0)
    >>> float(wavelet[wavelet.size // 2])
    1.0
    """
    half = int(np.ceil(1.05 / frequency / interval))
    a = (np.pi * frequency * interval * np.arange(-half, half + 1)) ** 2
    return ((1 - 2 * a) * np.exp(-a)).astype(np.float32)


def ormsby(
    corners: tuple[float, float, float, float], interval: float = SAMPLE_SECONDS
) -> NDArray[np.float32]:
    """Give the zero-phase band-limited (Ormsby) wavelet of four corner frequencies in Hz.

    Odd in length, tapered to zero over 1.5 periods of the lowest full frequency; unit peak.
    """
    half = int(np.ceil(1.5 / corners[1] / interval))
    t = interval * np.arange(-half, half + 1)
    low_cut, low, high, high_cut = corners

    def part(f: float) -> NDArray[np.float64]:
        return (np.pi * f) ** 2 * np.sinc(f * t) ** 2

    values = (part(high_cut) - part(high)) / (np.pi * (high_cut - high))
    values -= (part(low) - part(low_cut)) / (np.pi * (low - low_cut))
    values *= np.cos(np.pi * t / (2 * t[-1] + 2 * interval)) ** 2
    return (values / values[half]).astype(np.float32)


def turned(wavelet: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    """Turn the phase of a wavelet by so many degrees; its length stays."""
    from scipy.signal import hilbert

    analytic = hilbert(wavelet)
    angle = np.deg2rad(degrees)
    return (analytic.real * np.cos(angle) - analytic.imag * np.sin(angle)).astype(np.float32)


def draw_wavelet(generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw a wavelet: mostly Ricker of 12 to 55 Hz at 4 ms, else band-limited, some turned."""
    if generator.random() < RICKER_SHARE:
        wavelet = ricker(float(generator.uniform(12, 55)))
    else:
        low, high = generator.uniform(6, 14), generator.uniform(35, 75)
        wavelet = ormsby((low / 2, low, high, min(1.4 * high, 120.0)))
    if generator.random() < 0.25:
        wavelet = turned(wavelet, float(generator.uniform(-90, 90)))
    return wavelet
