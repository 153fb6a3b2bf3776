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
LANCZOS_STEPS, NEWTON_STEPS = 8, 14
_NOTHING = np.float32(1e-10)  # squared, beside a trace of 1: what float32 does not resolve


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


@numba.njit(cache=True, nogil=True)
def _add(target, source, count):  # type: ignore[no-untyped-def]
    for k in range(count):
        target[k] += source[k]


@numba.njit(cache=True, nogil=True)
def _copy(target, source, count):  # type: ignore[no-untyped-def]
    for k in range(count):
        target[k] = source[k]


@numba.njit(cache=True, nogil=True)
def _pairs(target, one, other, count):  # type: ignore[no-untyped-def]
    for k in range(count):
        target[k] = one[k] + other[k]


@numba.njit(cache=True, nogil=True)
def _take(target, factor, source, count):  # type: ignore[no-untyped-def]
    for k in range(count):
        target[k] -= factor[k] * source[k]


@numba.njit(cache=True, nogil=True)
def window_sums(buffers, length, out):  # type: ignore[no-untyped-def]
    """Add `length` samples from each on: out[k] = row[k] + ... + row[k + length - 1].

    `row` is the first of two rows of `buffers`, which are used up and as long as `out` and
    `length` less 1 together, or longer.
    """
    count = out.size
    whole = count + length - 1
    done, power, level = 0, 1, 0
    while True:
        sums = buffers[level % 2]
        if length & power:
            if done:
                _add(out, sums[done : done + count], count)
            else:
                _copy(out, sums, count)
            done += power
        if done == length:
            return
        longer = whole - 2 * power + 1
        _pairs(buffers[1 - level % 2], sums, sums[power : power + longer], longer)
        power *= 2
        level += 1


@numba.njit(cache=True, nogil=True)
def _add_three(target, one, two, three):  # type: ignore[no-untyped-def]
    for k in range(target.size):
        target[k] = one[k] + two[k] + three[k]


@numba.njit(cache=True, nogil=True)
def _stack_three(total, energy, one, two, three):  # type: ignore[no-untyped-def]
    for k in range(total.size):
        a, b, c = one[k], two[k], three[k]
        total[k] = a + b + c
        energy[k] = a * a + b * b + c * c


@numba.njit(cache=True, nogil=True)
def _stack(values, middle, j, lateral, total, energy):  # type: ignore[no-untyped-def]
    """Add the inlines of a window on one crossline, and their squares."""
    first, last = max(middle - lateral, 0), min(middle + lateral + 1, values.shape[0])
    if last - first == 3:  # the usual window, in one go
        _stack_three(total, energy, values[first, j], values[first + 1, j], values[first + 2, j])
        return
    for k in range(total.size):
        total[k] = _ZERO
        energy[k] = _ZERO
    for i in range(first, last):
        trace = values[i, j]
        for k in range(total.size):
            total[k] += trace[k]
            energy[k] += trace[k] * trace[k]


@numba.njit(cache=True, nogil=True)
def _count(live, i, j, lateral):  # type: ignore[no-untyped-def]
    count = 0
    for near in range(max(i - lateral, 0), min(i + lateral + 1, live.shape[0])):
        for next_to in range(max(j - lateral, 0), min(j + lateral + 1, live.shape[1])):
            count += live[near, next_to]
    return count


@numba.njit(cache=True, nogil=True)
def _gather(stacks, first, last, vertical, out):  # type: ignore[no-untyped-def]
    """Add the stacks of crosslines into the middle of a row with empty ends."""
    samples = stacks.shape[1]
    row = out[vertical : vertical + samples]
    for k in range(vertical):
        out[k] = _ZERO
        out[samples + vertical + k] = _ZERO
    wide = stacks.shape[0]
    if last - first == 3:
        _add_three(
            row, stacks[first % wide], stacks[(first + 1) % wide], stacks[(first + 2) % wide]
        )
        return
    for k in range(samples):
        row[k] = _ZERO
    for near in range(first, last):
        _add(row, stacks[near % wide], samples)


@numba.njit(cache=True, nogil=True)
def _windows(buffers, vertical, taper, out):  # type: ignore[no-untyped-def]
    """Add the samples of windows, weighted alike or as a triangle: two boxes of half the length."""
    if taper:
        halfway = buffers[2, : out.size + vertical]
        window_sums(buffers, vertical + 1, halfway)
        for k in range(halfway.size):
            buffers[0, k] = halfway[k]
        window_sums(buffers, vertical + 1, out)
    else:
        window_sums(buffers, 2 * vertical + 1, out)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def semblance(values, live, lateral, vertical, taper, out):  # type: ignore[no-untyped-def]
    """Energy of the mean trace over the mean energy of the traces of each window.

    With `taper` the samples of a window weigh as a triangle.
    """
    inlines, crosslines, samples = values.shape
    wide = 2 * lateral + 1
    sums, squares = np.empty((2, wide, samples), np.float32)
    buffers = np.empty((3, samples + 2 * vertical), np.float32)
    above, below = np.empty((2, samples), np.float32)
    for i in range(inlines):
        for j in range(min(lateral, crosslines)):
            _stack(values, i, j, lateral, sums[j], squares[j])
        for j in range(crosslines):
            newest = j + lateral
            if newest < crosslines:
                place = newest % wide
                _stack(values, i, newest, lateral, sums[place], squares[place])
            first, last = max(j - lateral, 0), min(j + lateral + 1, crosslines)
            _gather(sums, first, last, vertical, buffers[0])
            _square(buffers[0])
            _windows(buffers, vertical, taper, above)
            _gather(squares, first, last, vertical, buffers[0])
            _windows(buffers, vertical, taper, below)
            _ratio(above, below, np.float32(_count(live, i, j, lateral)), out[i, j])


@numba.njit(cache=True, nogil=True)
def _square(row):  # type: ignore[no-untyped-def]
    for k in range(row.size):
        row[k] *= row[k]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _ratio(above, below, traces, out):  # type: ignore[no-untyped-def]
    for k in range(out.size):
        ratio = above[k] / (traces * below[k])
        ratio = ratio if ratio < _ONE else _ONE
        out[k] = ratio if below[k] > _ZERO else _ONE


@numba.njit(cache=True, nogil=True)
def _covariances(values, window, first, count, vertical, work, out):  # type: ignore[no-untyped-def]
    """Sum the products of every pair of a window's traces around `count` samples from `first`."""
    samples = values.shape[2]
    product = work[0, : count + 2 * vertical]
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
            window_sums(work, 2 * vertical + 1, out[a * (a + 1) // 2 + b, :count])


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
def _divide_by_trace(covariances, traces, count, whole):  # type: ignore[no-untyped-def]
    """Make the trace of each matrix 1, and keep in `whole` what it was."""
    whole[:] = _ZERO
    for a in range(traces):
        _add(whole, covariances[a * (a + 1) // 2 + a], count)
    for pair in range(traces * (traces + 1) // 2):
        row = covariances[pair]
        for k in range(count):
            row[k] = row[k] / whole[k] if whole[k] > _ZERO else _ZERO


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _tridiagonal(covariances, traces, count, vectors, diagonal, beside):  # type: ignore[no-untyped-def]
    """Project each matrix, of trace 1, on the vectors that it makes of a first one (Lanczos).

    `beside` holds the squares of what stands beside the diagonal.
    """
    turned = vectors[2]
    length, inverse = np.empty((2, count), np.float32)
    # no window has all of its traces at right angles to this first vector
    norm = 0.0
    for a in range(traces):
        norm += (1.0 + 0.1 * np.sin(1.0 + 2.0 * a)) ** 2
    for a in range(traces):
        start = np.float32((1.0 + 0.1 * np.sin(1.0 + 2.0 * a)) / np.sqrt(norm))
        first, none = vectors[0, a], vectors[1, a]
        for k in range(count):
            first[k] = start
            none[k] = _ZERO
    length[:] = _ZERO
    for step in range(diagonal.shape[0]):
        new, old = vectors[step % 2], vectors[1 - step % 2]
        _turn(covariances, traces, count, new, turned)
        along, apart = diagonal[step], beside[step]
        along[:] = _ZERO
        for a in range(traces):
            row, vector = turned[a], new[a]
            for k in range(count):
                along[k] += row[k] * vector[k]
        apart[:] = _ZERO
        for a in range(traces):
            row = turned[a]
            _take(row, along, new[a], count)
            _take(row, length, old[a], count)
            for k in range(count):
                apart[k] += row[k] * row[k]
        for k in range(count):
            size = apart[k] if apart[k] > _NOTHING else _ZERO
            apart[k] = size
            length[k] = np.sqrt(size)
            inverse[k] = _ONE / length[k] if size > _ZERO else _ZERO
        for a in range(traces):
            row, before = turned[a], old[a]
            for k in range(count):
                before[k] = row[k] * inverse[k]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _upper_bound(diagonal, beside, count, result):  # type: ignore[no-untyped-def]
    """Bound eigenvalues by their mean and their spread (Samuelson's inequality)."""
    steps = diagonal.shape[0]
    mean, square = np.zeros((2, count), np.float32)
    for step in range(steps):
        along, apart = diagonal[step], beside[step]
        weight = np.float32(2 * (step < steps - 1))
        for k in range(count):
            mean[k] += along[k]
            square[k] += along[k] * along[k] + weight * apart[k]
    share, others = _ONE / np.float32(steps), np.float32(steps - 1)
    for k in range(count):
        middle = mean[k] * share
        spread = max(square[k] * share - middle * middle, _ZERO)
        result[k] = min(middle + np.sqrt(others * spread), _ONE)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _largest(diagonal, beside, count, result):  # type: ignore[no-untyped-def]
    """Find each largest eigenvalue of tridiagonal matrices: Newton's way down from above."""
    steps = diagonal.shape[0]
    p, last_p, q, last_q = np.empty((4, count), np.float32)
    _upper_bound(diagonal, beside, count, result)
    for _ in range(NEWTON_STEPS):
        last_p[:] = _ZERO
        last_q[:] = _ZERO
        p[:] = _ONE
        q[:] = _ZERO
        for step in range(steps):
            along = diagonal[step]
            before = beside[max(step - 1, 0)]
            for k in range(count):
                factor = result[k] - along[k]
                next_p = factor * p[k] - before[k] * last_p[k]
                next_q = factor * q[k] + p[k] - before[k] * last_q[k]
                last_p[k], last_q[k] = p[k], q[k]
                p[k], q[k] = next_p, next_q
        for k in range(count):
            step_down = p[k] / q[k]
            result[k] -= step_down if q[k] > _ZERO and step_down > _ZERO else _ZERO


@numba.njit(cache=True, nogil=True)
def eigen_coherence(values, lateral, vertical, out):  # type: ignore[no-untyped-def]
    """Largest eigenvalue of each window's covariance of traces, over the sum of all."""
    inlines, crosslines, samples = values.shape
    most = (2 * lateral + 1) ** 2
    covariances = np.empty((most * (most + 1) // 2, SAMPLES_AT_ONCE), np.float32)
    vectors = np.empty((3, most, SAMPLES_AT_ONCE), np.float32)
    tridiagonal = np.empty((2, LANCZOS_STEPS, SAMPLES_AT_ONCE), np.float32)
    work = np.empty((2, SAMPLES_AT_ONCE + 2 * vertical), np.float32)
    window = np.empty((most, 2), np.int64)
    for i in range(inlines):
        for j in range(crosslines):
            traces = 0
            for near in range(max(i - lateral, 0), min(i + lateral + 1, inlines)):
                for next_to in range(max(j - lateral, 0), min(j + lateral + 1, crosslines)):
                    window[traces] = near, next_to
                    traces += 1
            steps = min(traces, LANCZOS_STEPS)
            for first in range(0, samples, SAMPLES_AT_ONCE):
                count = min(SAMPLES_AT_ONCE, samples - first)
                _covariances(values, window[:traces], first, count, vertical, work, covariances)
                result = out[i, j, first : first + count]
                whole = work[0, :count]
                _divide_by_trace(covariances, traces, count, whole)
                diagonal, beside = tridiagonal[0, :steps, :count], tridiagonal[1, :steps, :count]
                _tridiagonal(covariances, traces, count, vectors, diagonal, beside)
                _largest(diagonal, beside, count, result)
                for k in range(count):
                    result[k] = min(result[k], _ONE) if whole[k] > _ZERO else _ONE


@numba.njit(cache=True, nogil=True)
def sample_sums(rows, vertical, out):  # type: ignore[no-untyped-def]
    """Add the samples around each sample of traces (trace, sample); windows end at the ends."""
    samples = rows.shape[1]
    buffers = np.empty((2, samples + 2 * vertical), np.float32)
    for i in range(rows.shape[0]):
        _gather(rows[i : i + 1], 0, 1, vertical, buffers[0])
        window_sums(buffers, 2 * vertical + 1, out[i])
