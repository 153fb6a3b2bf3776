"""The amplitudes of a survey: what its samples are normalised by, once for all of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from graben.errors import SeismicError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graben.tiling import Source

PATCHES = 64
MOST_SAMPLES = 8_000_000
SPECTRA = 256  # traces that are transformed at once
LIMIT = 4.0  # times the 95th percentile of what lies about the median: 8 deviations of a normal law


@dataclass(frozen=True)
class Amplitudes:
    """Mean, standard deviation and clip of a survey's samples.

    Parameters
    ----------
    mean, std
        Of the samples without outliers, in the survey's own unit.
    clip
        Where outliers begin, in standard deviations.

    Examples
    --------
    >>> Amplitudes(mean=2.0, std=4.0, clip=5.0).normalise(np.array([2, 6, 1e6])).tolist()
    [0.0, 1.0, 5.0]
    """

    mean: float
    std: float
    clip: float

    def normalise(self, array: "NDArray[Any]") -> "NDArray[np.float32]":
        """Return samples as float32 with mean 0 and deviation 1, cut off at the clip."""
        scaled = np.asarray(array, np.float32) - np.float32(self.mean)
        scaled /= np.float32(self.std)
        clip = np.float32(self.clip)
        return cast("NDArray[np.float32]", np.clip(scaled, -clip, clip, out=scaled))


def sampled_traces(
    source: "Source", missing: "NDArray[np.bool_] | None" = None, seed: int = 0
) -> "NDArray[np.float32]":
    """Read a bounded sample of traces, in patches spread over the survey.

    Parameters
    ----------
    source
        (inline, crossline, sample).
    missing
        (inline, crossline), where there is no trace.
    seed
        The same seed gives the same traces.

    Returns
    -------
    numpy.ndarray
        (traces, samples), float32; all traces of a small volume, at most `MOST_SAMPLES` samples
        (or a few traces more) of a large one.
    """
    lines, columns, samples = source.shape
    if lines * columns * samples <= MOST_SAMPLES:
        whole = source.read((slice(0, lines), slice(0, columns), slice(0, samples)))
        return np.asarray(whole, np.float32).reshape(-1, samples)
    each = max(1, MOST_SAMPLES // (PATCHES * samples))
    wide = min(columns, max(1, each // 4) if each >= 16 else each)
    high = min(lines, max(1, each // wide))
    generator = np.random.default_rng(seed)
    picked = []
    there = np.arange(lines * columns) if missing is None else np.flatnonzero(~missing)
    for place in generator.choice(there, PATCHES).tolist() if len(there) else []:
        line = min(place // columns, lines - high)
        column = min(place % columns, columns - wide)
        region = (slice(line, line + high), slice(column, column + wide), slice(0, samples))
        picked.append(np.asarray(source.read(region), np.float32).reshape(-1, samples))
    return np.concatenate(picked) if picked else np.zeros((0, samples), np.float32)


def recorded(traces: "NDArray[np.float32]") -> "NDArray[np.bool_]":
    """Tell the samples of traces (last axis) from the zeros and NaN above and below them.

    Examples
    --------
    >>> recorded(np.float32([[0, 0, 3, 0, 2, 0], [0, 0, 0, 0, 0, 0]])).astype(int)
    array([[0, 0, 1, 1, 1, 0],
           [0, 0, 0, 0, 0, 0]])
    """
    live = np.isfinite(traces) & (traces != 0)
    if live.all():
        return live
    samples, last = np.arange(live.shape[-1]), live.shape[-1] - 1
    first, end = live.argmax(-1, keepdims=True), last - live[..., ::-1].argmax(-1, keepdims=True)
    return (samples >= first) & (samples <= end) & live.any(-1, keepdims=True)


def amplitudes_of(traces: "NDArray[np.float32]") -> Amplitudes:
    """Measure amplitudes, robust against up to one sample in twenty being an outlier.

    Traces of zeros, and the zeros at both ends of the others, are left out.

    Parameters
    ----------
    traces
        (traces, samples); NaN is left out.

    Raises
    ------
    SeismicError
        Nothing is left, or it is the same everywhere.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(5, 2, (100, 500)).astype(np.float32)
    >>> noise[3, 7] = 1e5
    >>> found = amplitudes_of(noise)
    >>> round(found.mean, 1), round(found.std, 1)
    (5.0, 2.0)
    """
    values = traces[recorded(traces) & np.isfinite(traces)]
    if not values.size:
        raise SeismicError(
            "expected seismic amplitudes, got zeros (or no finite numbers) in every trace that was "
            "looked at. Export the volume again, or check the sample format (graben imaging "
            "inspect)."
        )
    middle = np.median(values, overwrite_input=True)
    limit = LIMIT * float(np.quantile(np.abs(values - middle), 0.95, overwrite_input=True))
    kept = values[np.abs(values - middle) <= limit]
    std = float(kept.std(dtype=np.float64))
    if not std > 0:
        raise SeismicError(
            f"expected seismic amplitudes that vary, got {middle:g} (nearly) everywhere. Export "
            "the volume again, or check the sample format (graben imaging inspect)."
        )
    return Amplitudes(float(kept.mean(dtype=np.float64)), std, limit / std)


def spectrum_of(
    traces: "NDArray[np.float32]", sample_interval: float
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Return the mean amplitude spectrum of traces, tapered to zero at both ends.

    Parameters
    ----------
    traces
        (traces, samples); traces of zeros are left out.
    sample_interval
        In milliseconds or metres.

    Returns
    -------
    frequencies
        In hertz, or in cycles per kilometre.
    amplitudes
        As many; of a sine that fills the trace, half its amplitude.

    Examples
    --------
    >>> wave = np.sin(2 * np.pi * 30 * 0.004 * np.arange(500)).astype(np.float32)
    >>> frequencies, amplitudes = spectrum_of(wave[None], 4.0)
    >>> round(float(frequencies[amplitudes.argmax()]), 3)
    30.0
    """
    live = traces[np.any(traces != 0, axis=1)]
    samples = traces.shape[1]
    taper = np.hanning(samples + 2)[1:-1]
    frequencies = np.fft.rfftfreq(samples, sample_interval / 1000).astype(np.float64)
    total = np.zeros(len(frequencies))
    for first in range(0, len(live), SPECTRA):
        part = live[first : first + SPECTRA].astype(np.float64)
        total += np.abs(np.fft.rfft((part - part.mean(axis=1, keepdims=True)) * taper)).sum(axis=0)
    return frequencies, total / (max(1, len(live)) * taper.sum())
