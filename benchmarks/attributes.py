"""Attributes of a seeded 128-cube by graben and by what SciPy and NumPy offer: samples a second.

Millions of samples a second of one core (the least CPU time of some runs; what is compiled once is
left out), each peer in the same run, and how far the two are apart. The cube is layered, folded,
faulted and noisy. Less than a minute:

    python benchmarks/attributes.py --out out/bench
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage, signal

from graben.imaging.attributes import eigen_coherence, semblance, variance
from graben.imaging.complex_trace import envelope, frequency, phase, spectral, sweetness
from graben.imaging.prepare import Bandpass, Denoise, GainControl
from graben.imaging.structure import dips

SIDE, REPEATS, INTERVAL = 128, 5, 4.0
WINDOW = (3, 3, 9)
Array = np.ndarray


def cube() -> Array:
    """Make layers that dip, fold and are cut by two faults, with noise."""
    generator = np.random.default_rng(1)
    inline, crossline, sample = np.mgrid[:SIDE, :SIDE, :SIDE].astype(np.float32)
    depth = sample - 0.2 * inline + 6 * np.sin(crossline / 25) + 100
    depth -= 7 * (crossline + 0.4 * sample > 90) + 4 * (inline - 0.5 * sample > 30)
    wavelet = signal.windows.gaussian(15, 2) * np.cos(np.arange(-7, 8) * 0.8)
    trace = np.convolve(generator.standard_normal(400), wavelet, "same")
    clean = np.interp(depth.ravel(), np.arange(400), trace / trace.std()).reshape(depth.shape)
    return (clean + 0.3 * generator.standard_normal(clean.shape)).astype(np.float32)


def box_semblance(volume: Array) -> Array:
    """Semblance by box filters."""
    power = ndimage.uniform_filter(volume, (*WINDOW[:2], 1), mode="constant") ** 2
    above = ndimage.uniform_filter1d(power, WINDOW[2], axis=2, mode="constant")
    below = ndimage.uniform_filter(volume * volume, WINDOW, mode="constant")
    return above / np.maximum(below, 1e-30)


def box_variance(volume: Array) -> Array:
    """Variance by box filters along traces and a triangle along samples."""
    triangle = np.bartlett(WINDOW[2] + 2)[1:-1].astype(np.float32)
    mean = ndimage.uniform_filter(volume, (*WINDOW[:2], 1), mode="constant")
    square = ndimage.uniform_filter(volume * volume, (*WINDOW[:2], 1), mode="constant")
    above = ndimage.correlate1d(square - mean * mean, triangle, axis=2, mode="constant")
    below = ndimage.correlate1d(square, triangle, axis=2, mode="constant")
    return above / np.maximum(below, 1e-30)


def eigh_coherence(volume: Array) -> Array:
    """Compute C3 with all eigenvalues of every window's covariance, inline by inline."""
    out = np.full(volume.shape, np.nan, np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(volume, WINDOW)
    for middle in range(len(windows)):
        traces = windows[middle].reshape(*windows.shape[1:3], 9, WINDOW[2])
        values = np.linalg.eigvalsh(traces @ traces.swapaxes(-1, -2))
        out[middle + 1, 1:-1, 4:-4] = values[..., -1] / values.sum(axis=-1)
    return out


def hilbert_envelope(volume: Array) -> Array:
    """Compute the envelope by scipy.signal.hilbert, zeros thought below as graben has them."""
    return np.abs(signal.hilbert(volume, 2 * volume.shape[2])[..., : volume.shape[2]])


def tensor_dips(volume: Array) -> tuple[Array, Array]:
    """Compute dips by SciPy's filters and the eigenvectors of NumPy."""
    slopes = [ndimage.gaussian_filter(volume, 1, np.eye(3, dtype=int)[axis]) for axis in range(3)]
    tensors = np.empty((*volume.shape, 3, 3), np.float32)
    for one in range(3):
        for other in range(one + 1):
            smooth = ndimage.gaussian_filter(slopes[one] * slopes[other], (1.5, 1.5, 3))
            tensors[..., one, other] = tensors[..., other, one] = smooth
    normal = np.linalg.eigh(tensors)[1][..., -1]
    return -normal[..., 0] / normal[..., 2], -normal[..., 1] / normal[..., 2]


def hilbert_frequency(volume: Array) -> Array:
    """Compute the frequency as the slope of the unwrapped phase."""
    turned = np.unwrap(np.angle(signal.hilbert(volume, 2 * volume.shape[2])))
    return np.gradient(turned[..., : volume.shape[2]], axis=2) * 1000 / (2 * np.pi * INTERVAL)


def speed(work: Callable[[], Any], samples: int, repeats: int = REPEATS) -> float:
    """Measure millions of samples a second of CPU time, at best."""
    spent = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return samples / min(spent) / 1e6


def apart(one: Any, other: Any) -> float:
    """Give the median difference in the middle of the cube."""
    middle = (slice(8, -8),) * 3
    pair = (np.asarray(both[0] if isinstance(both, tuple) else both) for both in (one, other))
    first, second = (array[middle] for array in pair)
    return float(np.nanmedian(np.abs(first - second)))


def main() -> None:
    """Measure, print a table and write attributes.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    volume = cube()
    ours: dict[str, Callable[[Array], Any]] = {
        "semblance": semblance,
        "variance": variance,
        "eigen_coherence": eigen_coherence,
        "envelope": envelope,
        "phase": phase,
        "frequency": lambda array: frequency(array, INTERVAL),
        "sweetness": lambda array: sweetness(array, INTERVAL),
        "spectral, a frequency": lambda array: spectral(array, INTERVAL, 30),
        "dip and azimuth": dips,
        "band-pass": Bandpass(8, 60, INTERVAL),
        "gain control": GainControl(200, INTERVAL),
        "denoise": Denoise(),
    }
    peers: dict[str, tuple[str, Callable[[Array], Any], int]] = {
        "semblance": ("scipy uniform_filter", box_semblance, SIDE),
        "variance": ("scipy filters", box_variance, SIDE),
        "eigen_coherence": ("numpy eigvalsh", eigh_coherence, 24),
        "envelope": ("scipy hilbert", hilbert_envelope, SIDE),
        "frequency": ("scipy hilbert, unwrap", hilbert_frequency, SIDE),
        "dip and azimuth": ("scipy filters, numpy eigh", tensor_dips, 24),
    }
    print(f"{'MVox/s, one core':24s}{'graben':>9s}{'peer':>9s}{'ratio':>8s}{'apart':>11s}  peer")
    rows = []
    for name, function in ours.items():
        function(volume[:8])
        row: dict[str, Any] = {"what": name, "mvox_s": speed(lambda f=function: f(volume), SIDE**3)}
        line = f"{name:24s}{row['mvox_s']:9.1f}"
        if name in peers:
            peer, theirs, inlines = peers[name]
            part = volume[:inlines]
            row["peer"] = peer
            row["peer_mvox_s"] = speed(lambda f=theirs, a=part: f(a), part.size, 2)
            row["ratio"] = row["mvox_s"] / row["peer_mvox_s"]
            row["median_apart"] = apart(function(part), theirs(part))
            line += f"{row['peer_mvox_s']:9.2f}{row['ratio']:8.1f}{row['median_apart']:11.2g}"
            line += f"  {peer}"
        print(line)
        rows.append(row)
    out.mkdir(parents=True, exist_ok=True)
    written = {"side": SIDE, "window": WINDOW, "rows": rows}
    (out / "attributes.json").write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
