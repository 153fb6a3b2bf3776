"""Weighted sums along axes, and the way layers dip, from structure tensors (numba)."""

import numba
import numpy as np

_ONE, _ZERO, _HALF = np.float32(1), np.float32(0), np.float32(0.5)
_TINY = np.float32(1e-30)
SQUARINGS = 6  # the 64th power: an eigenvalue nine tenths of the largest is down to a thousandth


@numba.njit(cache=True, nogil=True)
def _add_weighted(target, source, weight):  # type: ignore[no-untyped-def]
    for k in range(target.size):
        target[k] += weight * source[k]


@numba.njit(cache=True, nogil=True)
def correlate(values, weights, axis, out):  # type: ignore[no-untyped-def]
    """Add the neighbours along an axis, weighted; beyond the ends is nothing."""
    inlines, crosslines, samples = values.shape
    radius = weights.size // 2
    for i in range(inlines):
        for j in range(crosslines):
            row = out[i, j]
            for k in range(samples):
                row[k] = _ZERO
            for tap in range(weights.size):
                away, weight = tap - radius, weights[tap]
                if axis == 2:
                    low, high = max(-away, 0), min(samples - away, samples)
                    if low < high:
                        _add_weighted(row[low:high], values[i, j, low + away : high + away], weight)
                elif axis == 1 and 0 <= j + away < crosslines:
                    _add_weighted(row, values[i, j + away], weight)
                elif axis == 0 and 0 <= i + away < inlines:
                    _add_weighted(row, values[i + away, j], weight)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _squared(a, b, c, d, e, f):  # type: ignore[no-untyped-def]
    """Square a symmetric matrix of rows (a b c), (b d e), (c e f), and make its trace 1."""
    bb, cc, ee = b * b, c * c, e * e
    one, two, three = a * a + bb + cc, bb + d * d + ee, cc + ee + f * f
    scale = _ONE / max(one + two + three, _TINY)
    return (
        one * scale,
        (a * b + b * d + c * e) * scale,
        (a * c + b * e + c * f) * scale,
        two * scale,
        (b * c + d * e + e * f) * scale,
        three * scale,
    )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def dips_of(tensors, steepest, inline, crossline):  # type: ignore[no-untyped-def]
    """Find the normal of the layers, the tensor's first eigenvector, and the dips that it means.

    `tensors` holds ii, ix, it, xx, xt, tt of inline, crossline and time; dips are in samples per
    trace, positive where layers go down.
    """
    first, second = inline.ravel(), crossline.ravel()
    aa, bb, cc = tensors[0].ravel(), tensors[1].ravel(), tensors[2].ravel()
    dd, ee, ff = tensors[3].ravel(), tensors[4].ravel(), tensors[5].ravel()
    for k in range(first.size):
        a, b, c, d, e, f = aa[k], bb[k], cc[k], dd[k], ee[k], ff[k]
        trace = a + d + f
        scale = _ONE / max(trace, _TINY)
        a, b, c = a * scale, b * scale, c * scale
        d, e, f = d * scale, e * scale, f * scale
        for _ in range(SQUARINGS):
            a, b, c, d, e, f = _squared(a, b, c, d, e, f)
        low = max(f, _TINY)
        p, q = _ZERO - c / low, _ZERO - e / low
        p, q = min(max(p, -steepest), steepest), min(max(q, -steepest), steepest)
        first[k] = p if trace > _TINY else _ZERO
        second[k] = q if trace > _TINY else _ZERO


@numba.njit(cache=True, nogil=True)
def _steered(trace, shift_i, shift_x, dip_i, dip_x, out):  # type: ignore[no-untyped-def]
    """Read a neighbouring trace along the dip, between samples by cubic convolution."""
    last = trace.size - 1
    for k in range(out.size):
        at = np.float32(k) + shift_i * dip_i[k] + shift_x * dip_x[k]
        at = min(max(at, _ZERO), np.float32(last))
        low = int(at)
        t = at - np.float32(low)
        a, b = trace[max(low - 1, 0)], trace[low]
        c, d = trace[min(low + 1, last)], trace[min(low + 2, last)]
        cubic = np.float32(3) * (b - c) + d - a
        square = np.float32(2) * a - np.float32(5) * b + np.float32(4) * c - d
        out[k] = b + _HALF * t * (c - a + t * (square + t * cubic))


@numba.njit(cache=True, nogil=True)
def _average(stack, members, total, energy):  # type: ignore[no-untyped-def]
    for k in range(total.size):
        total[k] = _ZERO
        energy[k] = _ZERO
    for n in members:
        trace = stack[n]
        for k in range(total.size):
            total[k] += trace[k]
            energy[k] += trace[k] * trace[k]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _keep_if_alike(power, energy, total, count, best, out):  # type: ignore[no-untyped-def]
    share = _ONE / count
    for k in range(out.size):
        alike = power[k] * share / energy[k] if energy[k] > _ZERO else _ONE
        better = alike > best[k]
        best[k] = alike if better else best[k]
        out[k] = total[k] * share if better else out[k]


@numba.njit(cache=True, nogil=True)
def smooth_along(values, live, dips, window, weights, out):  # type: ignore[no-untyped-def]
    """Average along the dip in the one window, of nine that hold the trace, that is most alike.

    `window` is the radius in traces of each of the nine; they are shifted by as much. `weights`
    are those of the samples around one in the comparison.
    """
    inlines, crosslines, samples = values.shape
    reach, radius = 2 * window, weights.size // 2
    wide = 2 * reach + 1
    stack = np.zeros((wide * wide, samples), np.float32)
    there = np.zeros(wide * wide, np.bool_)
    members = np.empty((2 * window + 1) ** 2, np.int64)
    total, energy, power, below, best = np.empty((5, samples), np.float32)
    for i in range(inlines):
        for j in range(crosslines):
            result = out[i, j]
            result[:] = values[i, j]
            if not live[i, j]:
                continue
            for n in range(wide * wide):
                di, dj = n // wide - reach, n % wide - reach
                near, beside = i + di, j + dj
                there[n] = 0 <= near < inlines and 0 <= beside < crosslines
                if there[n] and live[near, beside]:
                    _steered(
                        values[near, beside], np.float32(di), np.float32(dj),
                        dips[0, i, j], dips[1, i, j], stack[n],
                    )  # fmt: skip
                else:
                    there[n] = False
            best[:] = -_ONE
            for turn in range(9):
                # the middle window comes first: where all are alike, it is kept
                place = (turn + 4) % 9
                middle_i, middle_j = window * (place // 3 - 1), window * (place % 3 - 1)
                count = 0
                for di in range(middle_i - window, middle_i + window + 1):
                    for dj in range(middle_j - window, middle_j + window + 1):
                        n = (di + reach) * wide + dj + reach
                        if there[n]:
                            members[count] = n
                            count += 1
                if count < 2:
                    continue
                _average(stack, members[:count], total, energy)
                for k in range(samples):
                    below[k] = total[k] * total[k]
                _weigh(below, weights, radius, power)
                _weigh(energy, weights, radius, below)
                _keep_if_alike(power, below, total, np.float32(count), best, result)


@numba.njit(cache=True, nogil=True)
def _weigh(row, weights, radius, out):  # type: ignore[no-untyped-def]
    for k in range(out.size):
        out[k] = _ZERO
    for tap in range(weights.size):
        away = tap - radius
        low, high = max(-away, 0), min(row.size - away, row.size)
        if low < high:
            _add_weighted(out[low:high], row[low + away : high + away], weights[tap])
