"""Where the layers of a trace lie in others: the likeliest path down both."""

from typing import Any, NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from graben.imaging.models.layer_net import Described

MOST_LAG = 32  # samples that a layer may lie higher or lower in the other trace
APART = (1, 4, 8, 12, 16)  # described traces between those that are compared
BEND = np.float32(1.0)  # what a lag that grows or shrinks by a sample costs, of log probability
LEAST = np.float32(-5.0)  # log probability that a sample costs at most

Floats = NDArray[np.float32]


class Pairs(NamedTuple):
    """Traces that were compared, all as far apart.

    Attributes
    ----------
    first, second
        (pair,) numbers of the traces, in the order of inlines and crosslines.
    apart
        How many described traces apart they are.
    lag
        (pair, sample): how many samples lower its layer lies in the second trace.
    likely
        (pair, sample): probability that it does.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    apart: int
    lag: Floats
    likely: Floats


def matched(described: Described) -> list[Pairs]:
    """Compare traces `APART` along inlines and crosslines.

    Of all ways down two traces on which the lag changes by a sample at a time, the one with the
    largest product of probabilities is taken (dynamic time warping; of seismic traces: Hale 2013,
    doi:10.1190/geo2012-0327.1); between samples by the mean of the three probabilities around it.
    """
    numbers = described.numbers
    lines, columns, samples, _ = numbers.shape
    trace = np.arange(lines * columns).reshape(lines, columns)
    found = []
    for axis, side in enumerate((lines, columns)):
        for apart in APART:
            if apart >= side:
                continue
            first = trace.take(range(side - apart), axis).ravel()
            second = trace.take(range(apart, side), axis).ravel()
            lag, likely = np.empty((2, len(first), samples), np.float32)
            traces = numbers.reshape(-1, samples, numbers.shape[3])
            _match(traces, first, second, np.float32(described.none), lag, likely)
            found.append(Pairs(first, second, apart, lag, likely))
    return found


@nb.njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def _alike(first: Floats, second: Floats, out: Floats) -> None:
    """Sum products of numbers: out[k, m] of sample k and sample k + m - `MOST_LAG`."""
    samples, count = first.shape
    for k in range(samples):
        for m in range(2 * MOST_LAG + 1):
            other = k + m - MOST_LAG
            if 0 <= other < samples:
                total = np.float32(0)
                for number in range(count):
                    total += first[k, number] * second[other, number]
                out[k, m] = total
            else:
                out[k, m] = np.float32(-1e9)


@nb.njit(cache=True, nogil=True)
def log_probabilities(first: Floats, second: Floats, none: np.float32, out: Floats) -> None:
    """Give log probabilities of the lags of each sample; that there is none has the rest.

    Parameters
    ----------
    first, second
        (sample, number) of two traces.
    none
        See `Described`.
    out
        (sample, lag) that is filled, lags from -`MOST_LAG`.
    """
    _alike(first, second, out)
    for k in range(out.shape[0]):
        top = none
        for value in out[k]:
            top = max(top, value)
        total = np.exp(none - top)
        for value in out[k]:
            total += np.exp(value - top)
        out[k] -= top + np.log(total)


@nb.njit(cache=True, nogil=True)
def _match(
    traces: Floats,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    none: np.float32,
    lag: Floats,
    likely: Floats,
) -> None:
    samples, lags = traces.shape[1], 2 * MOST_LAG + 1
    said, best = np.empty((samples, lags), np.float32), np.empty((samples, lags), np.float32)
    before = np.zeros((samples, lags), np.int8)
    for pair in range(first.size):
        log_probabilities(traces[first[pair]], traces[second[pair]], none, said)
        likeliest_path(said, best, before, lag[pair], likely[pair])


@nb.njit(cache=True, nogil=True)
def likeliest_path(
    said: Floats, best: Floats, before: NDArray[Any], lag: Floats, likely: Floats
) -> None:
    """Find the way down: fills `lag` and `likely`; `best` and `before` are room to work in.

    Parameters
    ----------
    said
        (sample, lag) log probabilities; what is below `LEAST` counts as that.
    """
    samples, lags = said.shape
    for m in range(lags):
        best[0, m] = max(said[0, m], LEAST)
    for k in range(1, samples):
        for m in range(lags):
            top, came = best[k - 1, m], 0
            if m > 0 and best[k - 1, m - 1] - BEND > top:
                top, came = best[k - 1, m - 1] - BEND, -1
            if m < lags - 1 and best[k - 1, m + 1] - BEND > top:
                top, came = best[k - 1, m + 1] - BEND, 1
            best[k, m] = top + max(said[k, m], LEAST)
            before[k, m] = came
    m = int(np.argmax(best[samples - 1]))
    for k in range(samples - 1, -1, -1):
        total, mean = np.float32(0), np.float32(0)
        for near in range(max(m - 1, 0), min(m + 2, lags)):
            share = np.exp(said[k, near])
            total += share
            mean += share * near
        lag[k] = (mean / total if total > 1e-12 else m) - MOST_LAG
        likely[k] = total
        m += before[k, m]
