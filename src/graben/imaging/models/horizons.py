"""Horizons as surfaces of equal relative geologic time."""

import numba as nb
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

STEEPEST = 3.0  # samples of time in a sample: more is a gap, of a fault or a pause
STRICT = 1e-3  # samples of time that each sample adds, so that no time is met twice

Floats = NDArray[np.float32]


def forward_in_time(time: Floats) -> Floats:
    """Give the rising times that are, in least squares, nearest to others down each trace.

    Parameters
    ----------
    time
        (inline, crossline, sample).

    Returns
    -------
    numpy.ndarray
        float32 of its shape; each sample is later than the one above it.

    References
    ----------
    Barlow et al. (1972), Statistical inference under order restrictions, Wiley: adjacent
    violators are pooled.

    Examples
    --------
    >>> forward_in_time(np.array([[[0, 3, 1, 4]]], np.float32)).round(2)
    array([[[0., 2., 2., 4.]]], dtype=float32)
    """
    out = np.ascontiguousarray(time, np.float32).copy()
    pool_violators(out.reshape(-1, time.shape[-1]))
    out += np.float32(STRICT) * np.arange(time.shape[-1], dtype=np.float32)
    return out


@nb.njit(cache=True, nogil=True)
def pool_violators(traces: NDArray[np.float32]) -> None:
    """Replace each row by the nearest row that never falls."""
    samples = traces.shape[1]
    mean = np.empty(samples, np.float64)
    size = np.empty(samples, np.int64)
    for row in range(traces.shape[0]):
        count = 0
        for k in range(samples):
            mean[count], size[count] = traces[row, k], 1
            count += 1
            while count > 1 and mean[count - 2] >= mean[count - 1]:
                both = size[count - 2] + size[count - 1]
                weighted = mean[count - 2] * size[count - 2] + mean[count - 1] * size[count - 1]
                mean[count - 2], size[count - 2] = weighted / both, both
                count -= 1
        k = 0
        for pool in range(count):
            for _ in range(size[pool]):
                traces[row, k] = mean[pool]
                k += 1


@nb.njit(cache=True, nogil=True)
def surface_of(time: NDArray[np.float32], level: float, steepest: float) -> NDArray[np.float32]:
    """Find where each trace meets a geologic time.

    Parameters
    ----------
    time
        (inline, crossline, sample), rising down each trace.
    level
        The time.
    steepest
        Where time passes the level in a jump of more than so much from one sample to the next,
        the layer is not there: a fault has cut it out, or it was eroded.

    Returns
    -------
    numpy.ndarray
        (inline, crossline) float32, in samples; NaN where the level is not met.
    """
    lines, columns, samples = time.shape
    found = np.full((lines, columns), np.float32(np.nan), np.float32)
    for i in range(lines):
        for j in range(columns):
            trace = time[i, j]
            k = np.searchsorted(trace, level)
            if k == samples or (k == 0 and trace[0] > level):
                continue
            if k == 0:
                found[i, j] = 0.0
                continue
            step = trace[k] - trace[k - 1]
            if step <= steepest:
                found[i, j] = k - 1 + (level - trace[k - 1]) / step
    return found


def integrated_dips(inline: Floats, crossline: Floats) -> Floats:
    """Give geologic time less the sample from dips, slice by slice, up to a constant of each.

    Of all maps of a slice it is the one whose slopes are, in least squares, those of the dips:
    Poisson's equation, solved by cosine transforms (as Lomask et al. 2006, doi:10.1190/1.2210848,
    flatten seismic volumes). Faults are not known of.

    Parameters
    ----------
    inline, crossline
        (inline, crossline, sample): how many samples lower a layer lies in the next trace.

    Returns
    -------
    numpy.ndarray
        float32 samples, of mean 0 in each slice.

    Examples
    --------
    >>> half = np.full((3, 2, 1), 0.5, np.float32)
    >>> integrated_dips(half, 0 * half)[:, 0, 0].round(3).tolist()
    [0.5, 0.0, -0.5]
    """
    bend = np.zeros(inline.shape, np.float32)
    for axis, dip in enumerate((inline, crossline)):
        if dip.shape[axis] > 1:
            ends = np.delete(dip, 0, axis), np.delete(dip, -1, axis)
            between = -0.5 * (ends[0] + ends[1])
            bend += np.diff(between, axis=axis, prepend=np.float32(0), append=np.float32(0))
    waves = dctn(bend, type=2, axes=(0, 1))
    rows, columns = (2 * np.cos(np.pi * np.arange(n) / n) - 2 for n in inline.shape[:2])
    curvature = rows[:, None] + columns
    curvature[0, 0] = 1
    waves /= curvature[:, :, None].astype(np.float32)
    waves[0, 0] = 0
    return np.asarray(idctn(waves, type=2, axes=(0, 1)), np.float32)


def time_at(trace: Floats, sample: float) -> float:
    """Read the geologic time of a trace between its samples.

    Examples
    --------
    >>> time_at(np.array([0, 2, 3], np.float32), 1.5)
    2.5
    """
    return float(np.interp(sample, np.arange(trace.size), trace))
