"""The numbers that tell what one seismic section is like; `shift_features` says what they are."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter, median_filter, uniform_filter1d

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

SEGMENT = 128  # samples of a spectrum, whatever the length of traces
STEP = SEGMENT // 2
SHARE = np.arange(STEP + 1) / STEP  # frequencies, in shares of Nyquist
LAGS, ALIKE = 6, 15  # samples: the steepest dip between traces that is looked for; its window
DEPTHS = 8  # parts of a trace whose strengths are compared
TOGETHER = 6  # traces over which cross-spectra are averaged
RARE = 5e-4  # shares of samples far below it are all alike
LEVELS = 4096  # samples among which different values are counted
TINY = 1e-12


def section_traits(section: "Floats") -> "Floats":
    """Measure one section.

    Parameters
    ----------
    section
        (trace, sample); three traces or more vary.

    Returns
    -------
    numpy.ndarray
        In the order of `graben.imaging.shift_features.TRAITS`; finite.
    """
    raw = section[np.ptp(section, axis=1) > 0]
    live = raw - np.median(raw)
    live = live / (np.sqrt(np.mean(live**2)) + TINY)
    power, cross = _spectra(live)
    return np.array([
        *_spectrum(power.sum(axis=0)),
        _frequency_trend(live),
        *_amplitudes(live),
        _repeated(raw),
        float((section == 0).mean()),
        *_strengths(live),
        *_along_layers(live),
        _mean_wavenumber(live),
        *_likeness(live),
        *_coherences(power, cross),
        *_dip_changes(live),
    ])  # fmt: skip


def _spectra(live: "Floats") -> "tuple[Floats, NDArray[np.complexfloating[Any, Any]]]":
    """Give power by trace, and the cross-spectra of neighbours; both summed over segments."""
    length = min(SEGMENT, live.shape[1])
    taper = np.hanning(length + 2)[1:-1]
    power = np.zeros((len(live), STEP + 1))
    cross = np.zeros((len(live) - 1, STEP + 1), complex)
    for start in range(0, live.shape[1] - length + 1, STEP):
        spectrum = np.fft.rfft(live[:, start : start + length] * taper, SEGMENT, axis=1)
        power += np.abs(spectrum) ** 2
        cross += spectrum[:-1] * spectrum[1:].conj()
    return power, cross


def _spectrum(power: "Floats") -> list[float]:
    """Mean, width, ends, shape and floor of the power spectrum, and the sharpest line in it."""
    power = power / (power.sum() + TINY)
    mean = float(power @ SHARE)
    away = SHARE - mean
    width = float(np.sqrt(power @ away**2)) + 1e-3
    below = np.cumsum(power)
    low, high = (float(np.interp(part, below, SHARE)) for part in (0.05, 0.95))
    floor = power[-STEP // 10 :].mean() / (power.max() + TINY)
    around = median_filter(power, 9, mode="nearest") + 1e-4 * power.max() + TINY
    return [
        float(np.log(mean + 1e-3)),
        float(np.log(width / (mean + 1e-3))),
        float(np.log(low + 1e-2)),
        float(np.log(high + 1e-2)),
        float(power @ away**3 / width**3),
        float(np.log(power @ away**4 / width**4 + 1e-3)),
        float(np.log10(floor + 1e-10)),
        float(np.log((power / around).max())),
    ]


def _frequency_trend(live: "Floats") -> float:
    """Give the change of the logarithm of the mean square frequency from top to bottom."""
    logs = []
    for part in (live[:, : live.shape[1] // 3], live[:, -(live.shape[1] // 3) :]):
        slope, strength = np.mean(np.diff(part, axis=1) ** 2), np.mean(part**2)
        logs.append(0.5 * np.log((slope + 1e-6) / (strength + 1e-6)))
    return float(logs[1] - logs[0])


def _amplitudes(live: "Floats") -> list[float]:
    """Tails, outliers, skewness, and what clipping and rounding left."""
    values = live.ravel()
    size = np.abs(values)
    peak = size.max()
    centred = values - values.mean()
    deviation = centred.std() + TINY
    skewness, kurtosis = (float(np.mean((centred / deviation) ** power)) for power in (3, 4))
    counted = values[:: max(1, values.size // LEVELS)][:LEVELS]
    levels = np.unique(counted).size * LEVELS / counted.size
    return [
        float(np.log(kurtosis)),
        float(np.log(peak / (np.quantile(size, 0.95) + 1e-3))),
        float(np.clip(skewness, -5, 5)),
        float(np.log10((size > 0.995 * peak).mean() + RARE)),
        float(np.log10(levels)),
    ]


def _repeated(raw: "Floats") -> float:
    """Give the share of samples, silence apart, that are the same as the one above."""
    above, below = raw[:, :-1], raw[:, 1:]
    return float(np.log10(((above == below) & (below != 0)).mean() + RARE))


def _strengths(live: "Floats") -> list[float]:
    """How strength changes with depth, about that trend, and from trace to trace."""
    parts = np.array_split(live**2, min(DEPTHS, live.shape[1]), axis=1)
    by_depth = 0.5 * np.log([part.mean() + 1e-6 for part in parts])
    down = np.linspace(-1, 1, len(by_depth))
    trend = np.polyfit(down, by_depth, 1)
    about = float(np.std(by_depth - np.polyval(trend, down)))
    by_trace = 0.5 * np.log(np.mean(live**2, axis=1) + 1e-6)
    return [float(trend[0]), about, float(np.median(np.abs(np.diff(by_trace))))]


def _along_layers(live: "Floats") -> list[float]:
    """How strength changes from trace to trace in depth, and how far that is alike."""
    strength = 0.5 * np.log(np.maximum(uniform_filter1d(live**2, ALIKE, axis=1), 0) + 1e-4)
    smooth = gaussian_filter(strength, (2, 4))
    found = [float(np.log(np.mean(np.abs(np.diff(smooth, axis=0))) + 1e-4))]
    centred = strength - strength.mean()
    variance = float(np.mean(centred**2)) + TINY
    for apart in (8, 24):
        apart = min(apart, len(live) - 1)
        found.append(float(np.mean(centred[:-apart] * centred[apart:])) / variance)
    return found


def _mean_wavenumber(live: "Floats") -> float:
    taper = np.hanning(len(live) + 2)[1:-1, None]
    power = (np.abs(np.fft.rfft(live * taper, axis=0)) ** 2).sum(axis=1)
    share = np.linspace(0, 1, len(power))
    return float(np.log(power @ share / (power.sum() + TINY) + 0.01))


def _likeness(live: "Floats") -> list[float]:
    """Correlation of traces one and two apart along the dip; median and steep dips."""
    best, lag = _aligned(live, 1)
    two, _ = _aligned(live, 2)
    dip = np.abs(lag[best >= np.median(best)])
    return [
        _logit(float(np.median(best))),
        _logit(float(np.median(two))),
        float(np.log(np.median(dip) + 0.05)),
        float(np.log(np.quantile(dip, 0.9) + 0.05)),
    ]


def _aligned(live: "Floats", apart: int) -> tuple["Floats", "Floats"]:
    """Give the best correlation of a trace with the next but `apart` - 1, and at which lag."""
    left, right = live[:-apart], live[apart:]
    reach = max(1, min(LAGS * apart, (live.shape[1] - 1) // 4))
    lags = np.arange(-reach, reach + 1)
    power = [uniform_filter1d(one**2, ALIKE, axis=1) + 1e-6 for one in (left, right)]
    inside = slice(reach, live.shape[1] - reach)
    scores = np.empty((len(lags), *left[:, inside].shape), np.float32)
    for place, lag in enumerate(lags):
        moved, strength = np.roll(right, -lag, axis=1), np.roll(power[1], -lag, axis=1)
        product = uniform_filter1d(left * moved, ALIKE, axis=1)
        scores[place] = (product / np.sqrt(np.maximum(power[0] * strength, TINY)))[:, inside]
    top = scores.argmax(axis=0)
    best = np.take_along_axis(scores, top[None], 0)[0]
    # between samples: the top of the parabola through three lags
    inner = top.clip(1, len(lags) - 2)
    before, at, after = (np.take_along_axis(scores, (inner + k)[None], 0)[0] for k in (-1, 0, 1))
    bend = before - 2 * at + after
    offset = np.where(bend < -1e-6, 0.5 * (before - after) / np.minimum(bend, -1e-6), 0.0)
    return best, (lags[inner] + offset.clip(-1, 1)) / apart


def _coherences(
    power: "Floats", cross: "NDArray[np.complexfloating[Any, Any]]"
) -> tuple[float, float]:
    """Give the coherence of neighbours in the upper and in the lower part of the band."""
    below = np.cumsum(power.sum(axis=0)) / (power.sum() + TINY)
    upper, lower = (below > 0.85) & (below < 0.99), below < 0.15
    upper[np.argmax(below > 0.85)] = lower[np.argmax(below > 0.01)] = True  # one at least
    starts = np.arange(0, len(cross), TOGETHER)
    found = []
    for band in (upper, lower):
        shared, left, right = (
            np.add.reduceat(one[:, band], starts, axis=0) for one in (cross, power[:-1], power[1:])
        )
        found.append(_logit(float(np.abs(shared).sum() / (np.sqrt(left * right).sum() + TINY))))
    return found[0], found[1]


def _dip_changes(live: "Floats") -> list[float]:
    """How dip changes from trace to trace and from sample to sample, and from top to bottom."""
    across, down = np.gradient(live, axis=0), np.gradient(live, axis=1)
    about = (1.5, 4)
    dip = -gaussian_filter(across * down, about) / (gaussian_filter(down * down, about) + 1e-3)
    half = dip.shape[1] // 2
    top, bottom = (float(np.mean(np.abs(one))) for one in (dip[:, :half], dip[:, half:]))
    changes = [float(np.log(np.median(np.abs(np.diff(dip, axis=axis))) + 1e-3)) for axis in (0, 1)]
    return [*changes, float(np.log((bottom + 0.02) / (top + 0.02)))]


def _logit(correlation: float) -> float:
    kept = float(np.clip(correlation, 1e-3, 1 - 1e-3))
    return float(np.log(kept / (1 - kept)))
