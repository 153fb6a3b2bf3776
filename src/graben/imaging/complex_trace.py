"""Attributes of the complex trace: strength, phase, frequency and spectrum at every sample."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import InputError, SeismicError
from graben.imaging import attribute_kernels as kernels
from graben.imaging.attributes import as_volume
from graben.tiling import Tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

AROUND = 4  # samples above and below over which a frequency is averaged
LEAST_SHARE = 0.01  # of the Nyquist frequency: what sweetness is divided by, at least
BAND = 0.25  # standard deviation of a spectral band over its frequency


def envelope(volume: "Array") -> "Array":
    """Compute the instantaneous amplitude: the magnitude of the analytic signal.

    The trace and its Hilbert transform (zeros are thought above and below the trace) as real and
    imaginary part: Taner et al. 1979, doi:10.1190/1.1440994.

    Parameters
    ----------
    volume
        Amplitudes (inline, crossline, sample). What is not finite counts as 0.

    Returns
    -------
    array
        float32, of the shape and in the units of `volume`; 0 where a trace is missing.

    Raises
    ------
    SeismicError
        The array is not of three dimensions, or empty.

    Examples
    --------
    >>> wave = 3 * np.sin(np.arange(400) / 2)
    >>> envelope(wave[None, None].astype(np.float32))[0, 0, 200].round(1)
    np.float32(3.0)
    """
    return _by_inline(volume, lambda rows: np.abs(_analytic(rows)))


def phase(volume: "Array") -> "Array":
    """Compute the instantaneous phase, degrees from -180 to 180: 0 at a peak, 180 at a trough.

    The angle of the analytic signal, see `envelope` for its source, for what is not finite and for
    what is raised; 0 where a trace is missing.
    """
    return _by_inline(volume, lambda rows: np.degrees(np.angle(_analytic(rows))))


def frequency(volume: "Array", interval: float) -> "Array":
    """Compute the instantaneous frequency, averaged over nine samples by their energy.

    The phase step from sample to sample, as the angle of the summed products of each sample of
    the analytic signal with the conjugate of the one before: where the envelope is weak, phases
    mean little and weigh little. Taner et al. 1979, doi:10.1190/1.1440994, for the frequency of a
    moment; Barnes 2007, doi:10.1190/1.2785048, for weighted averages of it.

    Parameters
    ----------
    volume
        Amplitudes (inline, crossline, sample). What is not finite counts as 0.
    interval
        Of samples: ms, or m.

    Returns
    -------
    array
        float32, Hz (cycles per km where the interval is in m), from 0 to the Nyquist frequency; 0
        where the trace holds nothing.

    Raises
    ------
    InputError
        The interval is not above 0.
    SeismicError
        The array is not of three dimensions, or empty.
    """
    nyquist = nyquist_of(interval)
    return _by_inline(volume, lambda rows: _frequency(_analytic(rows)) * nyquist)


def sweetness(volume: "Array", interval: float) -> "Array":
    """Compute the envelope over the square root of the frequency: strong and low is sweet.

    Radovich and Oliveros 1998, The Leading Edge 17, 1286-1293. Frequencies count as a hundredth of
    the Nyquist frequency at least. Parameters, and what is raised, as of `frequency`.
    """
    nyquist = nyquist_of(interval)

    def of_rows(rows: "Array") -> "NDArray[Any]":
        signal = _analytic(rows)
        return np.abs(signal) / np.sqrt(np.maximum(_frequency(signal), LEAST_SHARE) * nyquist)

    return _by_inline(volume, of_rows)


def spectral(volume: "Array", interval: float, hertz: float) -> "Array":
    """Compute the amplitude of a band around a frequency at every sample (Gabor filter).

    The envelope of the trace after a zero-phase band-pass that is a Gaussian of the frequency, its
    standard deviation a quarter of `hertz`: a continuous wavelet transform at one scale, Sinha et
    al. 2005, doi:10.1190/1.2127113. A sine of this frequency gives its own amplitude.

    Parameters
    ----------
    volume
        Amplitudes (inline, crossline, sample). What is not finite counts as 0.
    interval
        Of samples: ms, or m.
    hertz
        The frequency: Hz, or cycles per km.

    Returns
    -------
    array
        float32, of the shape and in the units of `volume`; 0 where a trace is missing.

    Raises
    ------
    InputError
        The frequency is not between 0 and the Nyquist frequency, or the interval not above 0.
    SeismicError
        The array is not of three dimensions, or empty.
    """
    check_frequency(hertz, interval)
    share = hertz / nyquist_of(interval)

    def band(shares: "NDArray[Any]") -> "NDArray[Any]":
        return np.exp(-0.5 * ((shares - share) / (BAND * share)) ** 2)

    return _by_inline(volume, lambda rows: np.abs(_analytic(rows, band)))


def nyquist_of(interval: float) -> float:
    """Give the Nyquist frequency, Hz (or cycles per km), of samples `interval` ms (or m) apart."""
    if not (np.isfinite(interval) and interval > 0):
        raise InputError(
            f"expected samples some ms or m apart, got an interval of {interval}. Give the file's "
            "sample interval."
        )
    return 500.0 / interval


def check_frequency(hertz: float, interval: float) -> None:
    """Raise an InputError where a frequency is not between 0 and the Nyquist frequency."""
    nyquist = nyquist_of(interval)
    if not 0 < hertz < nyquist:
        raise InputError(
            f"expected a frequency between 0 and the Nyquist frequency of {nyquist:g} Hz (samples "
            f"{interval:g} ms apart), got {hertz:g}. Give a lower one."
        )


def _by_inline(volume: "Array", function: "Callable[[Array], NDArray[Any]]") -> "Array":
    values = as_volume(volume)
    out = np.empty(values.shape, np.float32)
    for inline, target in zip(values, out, strict=True):
        target[...] = function(kernels.finite(inline[None])[0])
    return out


def _analytic(
    rows: "Array", band: "Callable[[NDArray[Any]], NDArray[Any]] | None" = None
) -> "NDArray[np.complex64]":
    """Give the analytic signal (trace, sample), filtered by a function of shares of Nyquist."""
    from scipy import fft

    samples = rows.shape[1]
    length = fft.next_fast_len(2 * samples, real=True)
    length += length % 2
    spectrum = fft.rfft(rows, length)
    shares = np.linspace(0, 1, spectrum.shape[1])
    weights = np.full(spectrum.shape[1], 2.0)
    weights[[0, -1]] = 1
    if band is not None:
        weights *= band(shares)
    whole = np.zeros((len(rows), length), np.complex64)
    whole[:, : spectrum.shape[1]] = spectrum * weights.astype(np.float32)
    return fft.ifft(whole, overwrite_x=True)[:, :samples]


def _frequency(signal: "NDArray[np.complex64]") -> "NDArray[np.float32]":
    """Give the averaged frequency as a share of the Nyquist frequency."""
    steps = np.zeros(signal.shape, np.complex64)
    steps[:, 1:] = signal[:, 1:] * signal[:, :-1].conj()
    sums = []
    for part in (steps.real, steps.imag):
        total = np.empty(part.shape, np.float32)
        kernels.sample_sums(np.ascontiguousarray(part), AROUND, total)
        sums.append(total)
    return np.maximum(np.arctan2(sums[1], sums[0]) / np.float32(np.pi), 0)


@dataclass(frozen=True)
class OfTrace:
    """An attribute of single traces, for the tiling engine; the same bits from any lateral cut.

    Parameters
    ----------
    name
        `envelope`, `phase`, `frequency` or `sweetness`.
    interval
        Of samples: ms, or m.
    """

    name: str
    interval: float

    @property
    def halo(self) -> tuple[int, int, int]:
        """It looks at no other trace."""
        return 0, 0, 0

    def __call__(self, block: "Array", tile: Tile, shape: tuple[int, ...]) -> "Mapping[str, Array]":
        """Give the attribute for the core of a tile that holds its traces whole."""
        rows = block[tile.inner]
        if self.name in _OF_AMPLITUDES:
            return {self.name: _OF_AMPLITUDES[self.name](rows)}
        return {self.name: _OF_INTERVAL[self.name](rows, self.interval)}


_OF_AMPLITUDES: "dict[str, Callable[[Array], Array]]" = {"envelope": envelope, "phase": phase}
_OF_INTERVAL: "dict[str, Callable[[Array, float], Array]]" = {
    "frequency": frequency,
    "sweetness": sweetness,
}


@dataclass(frozen=True)
class Spectral:
    """`spectral` of a tile at some frequencies, for the tiling engine.

    Parameters
    ----------
    interval
        Of samples: ms, or m.
    hertz
        The frequencies: Hz, or cycles per km.

    Raises
    ------
    InputError
        There is no frequency, or one is not between 0 and the Nyquist frequency.
    """

    interval: float
    hertz: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.hertz:
            raise InputError(
                "expected frequencies for the spectral decomposition, got none. Give, for "
                "example, 15, 30 and 60 Hz."
            )
        for one in self.hertz:
            check_frequency(one, self.interval)

    @property
    def halo(self) -> tuple[int, int, int]:
        """It looks at no other trace."""
        return 0, 0, 0

    def __call__(self, block: "Array", tile: Tile, shape: tuple[int, ...]) -> "Mapping[str, Array]":
        """Give `spectral_15` and the like for the core of a tile that holds its traces whole."""
        rows = block[tile.inner]
        return {name: spectral(rows, self.interval, one) for name, one in self.named().items()}

    def named(self) -> dict[str, float]:
        """Name the output of each frequency."""
        return {f"spectral_{one:g}": one for one in self.hertz}


def spectrum_of(traces: "NDArray[Any]", interval: float) -> "tuple[NDArray[Any], NDArray[Any]]":
    """Compute frequencies and the mean amplitude spectrum of traces (..., sample).

    Raises
    ------
    SeismicError
        There are no traces.
    """
    rows = np.asarray(traces, float).reshape(-1, np.shape(traces)[-1])
    if not rows.size:
        raise SeismicError("expected traces for a spectrum, got none. Choose another part.")
    amplitudes = np.abs(np.fft.rfft(rows, axis=1)).mean(axis=0)
    return np.fft.rfftfreq(rows.shape[1], interval / 1000), amplitudes
