"""Sums and eigenvalues of windows of traces (numba); each has a slow NumPy twin in the tests.

Arrays are (inline, crossline, sample). A window ends where the array ends. Window sums along
samples are made by doubling: sums of 1, 2, 4, ... samples are added up to the length asked for.
Nothing is ever taken away, so that no digits are lost, and every step is one that the processor
does for many samples at once. Nothing here is built with `fastmath` and no loop runs over numba's
threads: a trace gets the same bits in any block.
"""

import numba
import numpy as np

_LARGEST = np.finfo(np.float32).max
_ONE, _ZERO = np.float32(1), np.float32(0)
SAMPLES_AT_ONCE = 64  # covariances of so many windows are still in the cache when they are used
MOST_ITERATIONS, TOLERANCE = 64, np.float32(1e-4)


@numba.njit(cache=True, nogil=True)
def live_traces(values):  # type: ignore[no-untyped-def]
    """Tell the traces that hold anything but zeros and what is not finite."""
    inlines, crosslines, samples = values.shape
    live = np.zeros((inlines, crosslines), np.bool_)
    for i in range(inlines):
        for j in range(crosslines):
            for k in range(samples):
                if values[i, j, k] != _ZERO and abs(values[i, j, k]) <= _LARGEST:
                    live[i, j] = True
                    break
    return live


@numba.njit(cache=True, nogil=True)
def finite(values):  # type: ignore[no-untyped-def]
    """Copy, with zeros for what is not finite."""
    out = np.empty(values.shape, np.float32)
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            source, target = values[i, j], out[i, j]
            for k in range(source.size):
                target[k] = source[k] if abs(source[k]) <= _LARGEST else _ZERO
    return out


@numba.njit(cache=True, nogil=True, inline="always")
def _add(target, source, count):  # type: ignore[no-untyped-def]
    for k in range(count):
        target[k] += source[k]


@numba.njit(cache=True, nogil=True)
def window_sums(padded, length, spare, out):  # type: ignore[no-untyped-def]
    """Add `length` samples from each on: out[k] = padded[k] + ... + padded[k + length - 1].

    `padded` is `length - 1` longer than `out` and is used up; `spare` is as long as `padded`.
    """
    count = out.size
    done, power = 0, 1
    out[:] = _ZERO
    sums, other = padded, spare
    while True:
        if length & power:
            part = sums[done : done + count]
            for k in range(count):
                out[k] += part[k]
            done += power
        if done == length:
            return
        moved = sums[power : padded.size - power + 1]
        for k in range(moved.size):
            other[k] = sums[k] + moved[k]
        sums, other = other, sums
        power *= 2


@numba.njit(cache=True, nogil=True)
def _stacks(values, middle, lateral, sums, squares):  # type: ignore[no-untyped-def]
    """Add the inlines of a window, and their squares, for every crossline."""
    first, last = max(middle - lateral, 0), min(middle + lateral, values.shape[0] - 1)
    sums[:] = _ZERO
    squares[:] = _ZERO
    for i in range(first, last + 1):
        for j in range(values.shape[1]):
            trace, total, square = values[i, j], sums[j], squares[j]
            for k in range(trace.size):
                value = trace[k] if abs(trace[k]) <= _LARGEST else _ZERO
                total[k] += value
                square[k] += value * value


@numba.njit(cache=True, nogil=True)
def _count(live, i, j, lateral):  # type: ignore[no-untyped-def]
    count = 0
    for near in range(max(i - lateral, 0), min(i + lateral + 1, live.shape[0])):
        for next_to in range(max(j - lateral, 0), min(j + lateral + 1, live.shape[1])):
            count += live[near, next_to]
    return count


@numba.njit(cache=True, nogil=True, error_model="numpy")
def semblance(values, live, lateral, vertical, taper, out):  # type: ignore[no-untyped-def]
    """Energy of the mean trace over the mean energy of the traces of each window.

    With `taper` the samples of a window weigh as a triangle: boxes of half the length, twice.
    """
    crosslines, samples = values.shape[1:]
    length = vertical + 1 if taper else 2 * vertical + 1
    longer = samples + 2 * vertical
    sums, squares = np.empty((2, crosslines, samples), np.float32)
    total, energy = np.empty((2, longer), np.float32)
    spare, halfway = np.empty((2, longer), np.float32)
    above, below = np.empty((2, samples), np.float32)
    between = halfway[: longer - vertical]
    for i in range(values.shape[0]):
        _stacks(values, i, lateral, sums, squares)
        for j in range(crosslines):
            total[:] = _ZERO
            energy[:] = _ZERO
            inner, power = total[vertical : vertical + samples], energy[vertical:]
            for near in range(max(j - lateral, 0), min(j + lateral + 1, crosslines)):
                _add(inner, sums[near], samples)
                _add(power, squares[near], samples)
            for k in range(samples):
                inner[k] *= inner[k]
            if taper:
                window_sums(total, length, spare, between)
                window_sums(between, length, spare, above)
                window_sums(energy, length, spare, between)
                window_sums(between, length, spare, below)
            else:
                window_sums(total, length, spare, above)
                window_sums(energy, length, spare, below)
            traces = np.float32(_count(live, i, j, lateral))
            result = out[i, j]
            for k in range(samples):
                full = traces * below[k]
                ratio = above[k] / full
                result[k] = min(ratio, _ONE) if full > _ZERO else _ONE


@numba.njit(cache=True, nogil=True)
def _covariances(values, window, first, count, vertical, work, out):  # type: ignore[no-untyped-def]
    """Sum the products of every pair of a window's traces around `count` samples from `first`."""
    samples = values.shape[2]
    product, spare = work[0, : count + 2 * vertical], work[1, : count + 2 * vertical]
    start = first - vertical
    low, high = max(start, 0), min(first + count + vertical, samples)
    for a in range(len(window)):
        one = values[window[a, 0], window[a, 1]]
        for b in range(a + 1):
            other = values[window[b, 0], window[b, 1]]
            product[: low - start] = _ZERO
            product[high - start :] = _ZERO
            inner = product[low - start : high - start]
            left, right = one[low:high], other[low:high]
            for k in range(high - low):
                inner[k] = left[k] * right[k]
            window_sums(product, 2 * vertical + 1, spare, out[a * (a + 1) // 2 + b, :count])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _turn(covariances, traces, count, vectors, turned):  # type: ignore[no-untyped-def]
    """Multiply each window's vector by its matrix, of which the lower half is stored."""
    turned[:traces, :count] = _ZERO
    for a in range(traces):
        row, value = turned[a], vectors[a]
        for b in range(a):
            both, other, across = covariances[a * (a + 1) // 2 + b], vectors[b], turned[b]
            for k in range(count):
                row[k] += both[k] * other[k]
                across[k] += both[k] * value[k]
        both = covariances[a * (a + 1) // 2 + a]
        for k in range(count):
            row[k] += both[k] * value[k]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _largest(covariances, traces, count, vectors, turned, result):  # type: ignore[no-untyped-def]
    """Find each largest eigenvalue over the trace by power iteration, until it stands still."""
    whole, size, grown = np.empty((3, count), np.float32)
    whole[:] = _ZERO
    for a in range(traces):
        _add(whole, covariances[a * (a + 1) // 2 + a], count)
        # no window has all of its traces at right angles to this
        vectors[a, :count] = _ONE + np.float32(0.1) * np.float32(np.sin(1.0 + 2.0 * a))
    for pair in range(traces * (traces + 1) // 2):
        row = covariances[pair]
        for k in range(count):
            row[k] = row[k] / whole[k] if whole[k] > _ZERO else _ZERO
    result[:] = _ZERO
    for _ in range(MOST_ITERATIONS):
        _turn(covariances, traces, count, vectors, turned)
        size[:] = _ZERO
        grown[:] = _ZERO
        for a in range(traces):
            old, new = vectors[a], turned[a]
            for k in range(count):
                size[k] += old[k] * new[k]
                grown[k] += new[k] * new[k]
        change = _ZERO
        for k in range(count):
            value = grown[k] / size[k] if size[k] > _ZERO else _ZERO
            change = max(change, abs(value - result[k]))
            result[k] = value
            grown[k] = _ONE / np.sqrt(grown[k]) if grown[k] > _ZERO else _ZERO
        if change < TOLERANCE:
            break
        for a in range(traces):
            old, new = vectors[a], turned[a]
            for k in range(count):
                old[k] = new[k] * grown[k]
    for k in range(count):
        result[k] = min(result[k], _ONE) if whole[k] > _ZERO else _ONE


@numba.njit(cache=True, nogil=True)
def eigen_coherence(values, lateral, vertical, out):  # type: ignore[no-untyped-def]
    """Largest eigenvalue of each window's covariance of traces, over the sum of all."""
    inlines, crosslines, samples = values.shape
    most = (2 * lateral + 1) ** 2
    covariances = np.empty((most * (most + 1) // 2, SAMPLES_AT_ONCE), np.float32)
    vectors, turned = np.empty((2, most, SAMPLES_AT_ONCE), np.float32)
    work = np.empty((2, SAMPLES_AT_ONCE + 2 * vertical), np.float32)
    window = np.empty((most, 2), np.int64)
    for i in range(inlines):
        for j in range(crosslines):
            traces = 0
            for near in range(max(i - lateral, 0), min(i + lateral + 1, inlines)):
                for next_to in range(max(j - lateral, 0), min(j + lateral + 1, crosslines)):
                    window[traces] = near, next_to
                    traces += 1
            for first in range(0, samples, SAMPLES_AT_ONCE):
                count = min(SAMPLES_AT_ONCE, samples - first)
                _covariances(values, window[:traces], first, count, vertical, work, covariances)
                result = out[i, j, first : first + count]
                _largest(covariances, traces, count, vectors, turned, result)
