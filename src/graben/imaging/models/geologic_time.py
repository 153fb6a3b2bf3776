"""Relative geologic time from layers that were known again in other traces, by least squares."""

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from graben.imaging.models.layer_matching import Pairs, matched
from graben.imaging.models.layer_net import STEP, Describes

EVERY = 2  # samples of a trace between those whose matches count
LEAST_LIKELY = 0.3  # matches less probable than this do not count
LEVEL = 1e-3  # trust that neighbouring traces are alike, for those that match no other
STIFF = np.float32(0.3)  # weight of a change of lag from sample to sample, that of a match being 1
TINY = np.float32(1e-6)
# samples by which matches may be off before they count less: at first all do, then fewer
TOLERATED = (np.inf, 4.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0)
SWEEPS = 25  # of conjugate gradients, for each of them

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


class Equations(NamedTuple):
    """What matches say: the residual at `second`, `part` of the way on, is that at `first` - `lag`.

    All of one length; places count samples of traces one after the other. A residual is geologic
    time less the sample.
    """

    first: Places
    second: Places
    part: Floats
    lag: Floats
    trust: Floats


def time_by_layers(net: Describes, image: Floats) -> Floats:
    """Give relative geologic time less the sample, of mean 0.

    Every fourth trace is compared with others by the net; of all times the one that fits what
    matches say best is found by least squares, in which matches that do not fit the others come
    to count less and less (Geman and McClure 1987). Between the traces it is interpolated.

    Parameters
    ----------
    net
        A `LayerNet`, or whatever else describes layers.
    image
        (inline, crossline, sample), normalised by its survey.

    Returns
    -------
    numpy.ndarray
        float32 samples, of its shape.
    """
    described = net.describe(image)
    lines, columns, samples, _ = described.numbers.shape
    residual = np.zeros(lines * columns * samples, np.float32)
    pairs = [*matched(described), *_level(lines, columns, samples)]
    equations = equations_of(pairs, samples)
    for tolerated in TOLERATED:
        weight = _weights(residual, *equations, np.float32(tolerated))
        _approach(residual, *equations[:4], weight, samples)
    full = _between(residual.reshape(lines, columns, samples), image.shape)
    full -= full.mean()
    return full


def _level(lines: int, columns: int, samples: int) -> list[Pairs]:
    """Say, hardly trusted, that layers lie no lower in the next trace."""
    trace = np.arange(lines * columns).reshape(lines, columns)
    likely = LEAST_LIKELY + (1 - LEAST_LIKELY) * LEVEL**0.5
    found = []
    for first, second in ((trace[:-1], trace[1:]), (trace[:, :-1], trace[:, 1:])):
        lag = np.zeros((first.size, samples), np.float32)
        found.append(Pairs(first.ravel(), second.ravel(), 1, lag, np.full_like(lag, likely)))
    return found


def equations_of(pairs: list[Pairs], samples: int) -> Equations:
    """Gather what matches within the traces say, the farther apart the less it counts."""
    found = []
    own = np.arange(0, samples, EVERY)
    for one in pairs:
        lag, likely = one.lag[:, ::EVERY], one.likely[:, ::EVERY]
        there = own + lag
        within = (there >= 0) & (there <= samples - 1) & (samples > 1)
        pair, place = np.nonzero((likely > LEAST_LIKELY) & within)
        at = there[pair, place]
        above = np.minimum(at.astype(np.int64), samples - 2)
        trust = ((likely[pair, place] - LEAST_LIKELY) / (1 - LEAST_LIKELY)) ** 2
        found.append(
            Equations(
                one.first[pair] * samples + own[place],
                one.second[pair] * samples + above,
                (at - above).astype(np.float32),
                lag[pair, place],
                (trust / np.sqrt(one.apart)).astype(np.float32),
            )
        )
    none = Equations(*np.empty((2, 0), np.int64), *np.empty((3, 0), np.float32))
    return Equations(*(np.concatenate(parts) for parts in zip(none, *found, strict=True)))


@nb.njit(cache=True, nogil=True)
def _weights(
    residual: Floats,
    first: Places,
    second: Places,
    part: Floats,
    lag: Floats,
    trust: Floats,
    tolerated: np.float32,
) -> Floats:
    """Let equations count by how well they are met."""
    weight = np.empty_like(trust)
    for one in range(first.size):
        b = second[one]
        there = residual[b] + part[one] * (residual[b + 1] - residual[b])
        off = (there - residual[first[one]] + lag[one]) / tolerated
        weight[one] = trust[one] / (1 + off * off) ** 2
    return weight


@nb.njit(cache=True, nogil=True)
def _applied(
    values: Floats,
    first: Places,
    second: Places,
    part: Floats,
    weight: Floats,
    samples: int,
    out: Floats,
) -> None:
    """Apply the matrix of the normal equations."""
    out[:] = TINY * values
    for one in range(first.size):
        a, b, f = first[one], second[one], part[one]
        off = weight[one] * (values[b] + f * (values[b + 1] - values[b]) - values[a])
        out[a] -= off
        out[b] += off * (1 - f)
        out[b + 1] += off * f
    for k in range(values.size - 1):
        if (k + 1) % samples:
            bend = STIFF * (values[k + 1] - values[k])
            out[k] -= bend
            out[k + 1] += bend


@nb.njit(cache=True, nogil=True)
def _approach(
    residual: Floats,
    first: Places,
    second: Places,
    part: Floats,
    lag: Floats,
    weight: Floats,
    samples: int,
) -> None:
    """Improve the residual by conjugate gradients, scaled by the diagonal."""
    moved, diagonal = np.empty_like(residual), np.full_like(residual, TINY)
    _applied(residual, first, second, part, weight, samples, moved)
    off = -moved
    for one in range(first.size):
        a, b, f, w = first[one], second[one], part[one], weight[one]
        off[a] += w * lag[one]
        off[b] -= w * lag[one] * (1 - f)
        off[b + 1] -= w * lag[one] * f
        diagonal[a] += w
        diagonal[b] += w * (1 - f) ** 2
        diagonal[b + 1] += w * f**2
    for k in range(residual.size):
        diagonal[k] += STIFF * (2 - (k % samples == 0) - (k % samples == samples - 1))
    step = off / diagonal
    left = np.sum(off * step)
    for _ in range(SWEEPS):
        _applied(step, first, second, part, weight, samples, moved)
        along = np.sum(step * moved)
        if not (left > 0 and along > 0):
            return
        length = left / along
        residual += length * step
        off -= length * moved
        scaled = off / diagonal
        now = np.sum(off * scaled)
        step = scaled + now / left * step
        left = now


def _between(values: Floats, shape: tuple[int, ...]) -> Floats:
    """Interpolate between described traces, and go on straight beyond the last."""
    for axis, side in enumerate(shape[:2]):
        at = np.arange(side) / STEP
        low = np.minimum(at.astype(np.int64), max(values.shape[axis] - 2, 0))
        high = np.minimum(low + 1, values.shape[axis] - 1)
        part = (at - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        values = (1 - part) * values.take(low, axis) + part * values.take(high, axis)
    return np.ascontiguousarray(values)
