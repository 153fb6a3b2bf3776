"""Hot loops of the synthetic seismics: where every sample came from, and the seismic record of it.

Loops run along a trace over plain arrays of float32 without branches, so that the compiler uses
the vector units; constants are float32 for the same reason.
"""

import numba as nb
import numpy as np
from numpy.typing import NDArray

F = np.float32
FAULT, UNCONFORMITY = 0, 1
# columns of the table of events; those of a fault, then those of an unconformity
KIND, CX, CY, CZ, A, B, SLOPE, CURVATURE, REACH, SLIP, DOWN, ALONG, SPREAD, DECAY = range(14)
DEPTH, DIP_X, DIP_Y, RELIEF, WAVE_X, WAVE_Y, PHASE, PACKAGE = range(1, 9)
EVENT_COLUMNS = 14
# columns of the one row that describes a salt body
(SALT_X, SALT_Y, SALT_TOP, SALT_RADIUS, SALT_CAP, SALT_BULB, SALT_BULB_Z, SALT_BULB_W, SALT_LOBE,
 SALT_LOBE_PHASE, SALT_UPLIFT, SALT_REACH) = range(12)  # fmt: skip
# columns of a channel
(CH_PACKAGE, CH_TIME, CH_A, CH_B, CH_OFFSET, CH_SWING, CH_WAVE, CH_PHASE, CH_WIDTH, CH_DEPTH,
 CH_STEP) = range(11)  # fmt: skip
PARALLEL, TRANSPARENT, CHAOTIC, BRIGHT, CHANNEL, SALT = range(6)

_fast = nb.njit(fastmath=True, cache=True, error_model="numpy", nogil=True)
# Of a function that others call numba compiles several copies, and which of them runs depends on
# what was in its cache. They must round alike for a seed to give the same image in every process,
# so there the compiler may neither reorder sums nor fuse products.
_alike = nb.njit(fastmath={"nnan", "ninf", "nsz"}, cache=True, error_model="numpy", nogil=True)


@nb.njit(fastmath=True, cache=True, error_model="numpy", inline="always")
def bell(q: np.float32) -> np.float32:
    """exp(-q) for q >= 0, within 0.0011; made of products only, which vectorise."""
    t = max(F(0.0), F(1.0) - q * F(1.0 / 256.0))
    for _ in range(8):
        t = t * t
    return t


@nb.njit(fastmath=True, cache=True, error_model="numpy", inline="always")
def wave(x: np.float32) -> np.float32:
    """A smooth wave of period 1 between -1 and 1, like cos(2 pi x)."""
    t = abs(F(2.0) * (x - np.floor(x)) - F(1.0))
    return t * t * (F(6.0) - F(4.0) * t) - F(1.0)


@_alike
def _undo_fault(
    e: NDArray[np.float32], half: np.float32, x: NDArray[np.float32], y: NDArray[np.float32],
    z: NDArray[np.float32], alive: NDArray[np.float32], throw: NDArray[np.float32],
    work: NDArray[np.float32],
) -> None:  # fmt: skip
    """Mark the fault along one trace, and move its hanging wall back to where it was before.

    Each loop touches few arrays: with more the compiler gives up telling that they do not overlap,
    and works sample by sample.
    """
    side, slip, steep, lean = work[0], work[1], work[2], work[3]
    cx, cy, cz, a, b = e[CX], e[CY], e[CZ], e[A], e[B]
    slope, curve, reach = e[SLOPE], e[CURVATURE], e[REACH]
    down, along, decay = e[DOWN], e[ALONG], e[DECAY]
    upright = F(1.0) / np.sqrt(F(1.0) + slope * slope)
    for k in range(z.size):
        steep[k], lean[k] = upright, slope * upright
    if curve != F(0.0):
        for k in range(z.size):
            g = slope + curve * min(max(z[k] - cz, -reach), reach)
            steep[k] = F(1.0) / np.sqrt(F(1.0) + g * g)
            lean[k] = g / np.sqrt(F(1.0) + g * g)
    for k in range(x.size):
        dz = z[k] - cz
        bent = min(max(dz, -reach), reach)
        off = a * (x[k] - cx) + b * (y[k] - cy) - slope * dz - curve * bent * (dz - F(0.5) * bent)
        side[k] = off * steep[k]
    touched = F(0.0)
    for k in range(x.size):
        touched += F(1.0) if side[k] >= -half else F(0.0)
    if touched == F(0.0):
        return
    if e[SPREAD] == F(0.0):
        for k in range(x.size):
            dx, dy, dz = x[k] - cx, y[k] - cy, z[k] - cz
            slip[k] = e[SLIP] * bell((dx * dx + dy * dy + dz * dz) * decay)
    else:
        for k in range(x.size):
            h = a * (x[k] - cx) + b * (y[k] - cy)
            share = F(0.5) + (h * lean[k] + (z[k] - cz) * steep[k]) * decay
            slip[k] = e[SLIP] * min(max(share, F(0.0)), F(1.5))
    for k in range(x.size):
        d = slip[k] * alive[k]
        near = abs(d * down) * steep[k] if abs(side[k]) <= half else F(0.0)
        throw[k] = max(throw[k], near if abs(d) > F(1.0) else F(0.0))
        slip[k] = d if side[k] > F(0.0) else F(0.0)
    for k in range(x.size):
        ahead, aside = slip[k] * down * lean[k], slip[k] * along
        x[k] -= ahead * a - aside * b
        y[k] -= ahead * b + aside * a
    for k in range(x.size):
        z[k] -= slip[k] * down * steep[k]


@_alike
def _undo_erosion(
    e: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32],
    z: NDArray[np.float32], alive: NDArray[np.float32], package: NDArray[np.float32],
) -> None:  # fmt: skip
    """Leave what lies above an unconformity out of all that happened before it."""
    for k in range(x.size):
        level = e[DEPTH] + e[DIP_X] * x[k] + e[DIP_Y] * y[k]
        level += e[RELIEF] * wave(e[WAVE_X] * x[k] + e[WAVE_Y] * y[k] + e[PHASE])
        above = z[k] < level
        package[k] = e[PACKAGE] if above and alive[k] > F(0.0) else package[k]
        alive[k] = F(0.0) if above else alive[k]


@_alike
def _undo_salt(
    s: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32],
    z: NDArray[np.float32], salt: NDArray[np.float32],
) -> None:  # fmt: skip
    """Mark a salt body along a trace, and let the layers around it sink back."""
    for k in range(x.size):
        dx, dy = x[k] - s[SALT_X], y[k] - s[SALT_Y]
        r2 = dx * dx + dy * dy + F(1e-3)
        lobes = (dx * dx * dx - F(3.0) * dx * dy * dy) / (r2 * np.sqrt(r2))
        r = np.sqrt(r2) * (F(1.0) + s[SALT_LOBE] * lobes + s[SALT_LOBE_PHASE] * dx * dy / r2)
        rise = min(max((z[k] - s[SALT_TOP]) / s[SALT_CAP], F(0.0)), F(1.0))
        t = (z[k] - s[SALT_BULB_Z]) / s[SALT_BULB_W]
        wide = s[SALT_RADIUS] * (F(1.0) + s[SALT_BULB] * bell(t * t))
        salt[k] = F(1.0) if r < wide * np.sqrt(rise) else F(0.0)
        out = max(r - F(0.7) * s[SALT_RADIUS], F(0.0)) / s[SALT_REACH]
        deep = min(max((z[k] - F(0.3) * s[SALT_TOP]) / (F(0.7) * s[SALT_TOP]), F(0.0)), F(1.0))
        z[k] += s[SALT_UPLIFT] * bell(F(0.5) * out * out) * deep


@_alike
def restore(
    origin: NDArray[np.float32], spacing: np.float32, half: np.float32, events: NDArray[np.float32],
    salts: NDArray[np.float32], shears: NDArray[np.float32], folds: NDArray[np.float32],
    margin: np.float32, start: np.float32, length: np.float32,
    time: NDArray[np.float32], east: NDArray[np.float32], north: NDArray[np.float32],
    fault: NDArray[np.bool_], throw: NDArray[np.float32], salt: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Follow every sample back through all events, youngest first, to the layer it belongs to.

    `time` becomes the depth of the undeformed layer (plus `length` for each older package);
    `east` and `north` the place in it, where they are as large as `time`.
    """
    inlines, crosslines, samples = time.shape
    x, y, z = np.empty(samples, F), np.empty(samples, F), np.empty(samples, F)
    alive, package = np.empty(samples, F), np.empty(samples, F)
    drop, body = np.empty(samples, F), np.empty(samples, F)
    work = np.empty((4, samples), F)
    oldest = F(shears.shape[0] - 1)
    last = F(folds.shape[1] - 2)
    for i in range(inlines):
        for j in range(crosslines):
            for k in range(samples):
                y[k] = origin[0] + F(i) * spacing
                x[k] = origin[1] + F(j) * spacing
                z[k] = origin[2] + F(k)
                alive[k], package[k] = F(1.0), oldest
                drop[k], body[k] = F(0.0), F(0.0)
            if salts.shape[0]:
                _undo_salt(salts[0], x, y, z, body)
            for f in range(events.shape[0]):
                if events[f, KIND] == F(FAULT):
                    _undo_fault(events[f], half, x, y, z, alive, drop, work)
                else:
                    _undo_erosion(events[f], x, y, z, alive, package)
            for k in range(samples):
                p = int(package[k])
                v = min(max((y[k] + margin) * F(0.5), F(0.0)), last)
                u = min(max((x[k] + margin) * F(0.5), F(0.0)), last)
                a, b = int(v), int(u)
                v -= F(a)
                u -= F(b)
                fold = (folds[p, a, b] * (F(1.0) - u) + folds[p, a, b + 1] * u) * (F(1.0) - v)
                fold += (folds[p, a + 1, b] * (F(1.0) - u) + folds[p, a + 1, b + 1] * u) * v
                layer = z[k] + shears[p, 0] * x[k] + shears[p, 1] * y[k] + z[k] * fold + start
                time[i, j, k] = min(max(layer, F(0.0)), length - F(2.0)) + F(p) * length
                fault[i, j, k] = drop[k] > F(0.0)
                throw[i, j, k] = drop[k]
            if east.size > 0:
                for k in range(samples):
                    east[i, j, k], north[i, j, k] = x[k], y[k]
                    salt[i, j, k] = body[k] > F(0.0)


@_fast
def reflect(
    time: NDArray[np.float32], reflectivity: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Read the reflectivity of each sample's layer; packages lie one after the other."""
    flat, values = time.reshape(-1), out.reshape(-1)
    for k in range(flat.size):
        a = int(flat[k])
        t = flat[k] - F(a)
        values[k] = reflectivity[a] * (F(1.0) - t) + reflectivity[a + 1] * t


@_fast
def paint(
    time: NDArray[np.float32], east: NDArray[np.float32], north: NDArray[np.float32],
    salt: NDArray[np.bool_], length: np.float32, styles: NDArray[np.uint8],
    reflectivity: NDArray[np.float32], chaos: NDArray[np.float32],
    channels: NDArray[np.float32], salt_step: np.float32,
    out: NDArray[np.float32], step: NDArray[np.float32], facies: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Read reflectivity with disorder where layers are chaotic; add channels and salt.

    `step` becomes what is added to the logarithm of the impedance.
    """
    inlines, crosslines, samples = time.shape
    for i in range(inlines):
        for j in range(crosslines):
            for k in range(samples):
                t, x, y = time[i, j, k], east[i, j, k], north[i, j, k]
                style, added = styles[int(t)], F(0.0)
                if style == CHAOTIC:
                    for c in range(chaos.shape[0]):
                        w = chaos[c]
                        t += w[0] * wave(w[1] * x + w[2] * y + w[3] * t + w[4])
                    t = min(max(t, F(0.0)), F(reflectivity.size - 2))
                a = int(t)
                r = reflectivity[a] + (reflectivity[a + 1] - reflectivity[a]) * (t - F(a))
                for c in range(channels.shape[0]):
                    w = channels[c]
                    t_in = time[i, j, k] - w[CH_TIME] - w[CH_PACKAGE] * length
                    if t_in >= F(0.0) and t_in < w[CH_DEPTH]:
                        u, v = w[CH_A] * x + w[CH_B] * y, w[CH_A] * y - w[CH_B] * x - w[CH_OFFSET]
                        off = (v - w[CH_SWING] * wave(w[CH_WAVE] * u + w[CH_PHASE])) / w[CH_WIDTH]
                        if t_in < w[CH_DEPTH] * (F(1.0) - off * off):
                            style, added = CHANNEL, w[CH_STEP]
                if salt[i, j, k]:
                    style, added, r = SALT, salt_step, F(0.05) * r
                out[i, j, k], step[i, j, k], facies[i, j, k] = r, added, style


@_fast
def add_interfaces(step: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Add to the reflectivity half of each change of the log impedance along a trace."""
    inlines, crosslines, samples = step.shape
    for i in range(inlines):
        for j in range(crosslines):
            for k in range(1, samples):
                out[i, j, k] += F(0.5) * (step[i, j, k] - step[i, j, k - 1])


@_fast
def convolve_traces(values: NDArray[np.float32], wavelet: NDArray[np.float32]) -> None:
    """Convolve every trace with a wavelet of odd length, in place; traces go on evenly outside."""
    inlines, crosslines, samples = values.shape
    half = wavelet.size // 2
    padded, trace = np.empty(samples + 2 * half, F), np.empty(samples, F)
    for i in range(inlines):
        for j in range(crosslines):
            padded[:half] = values[i, j, 0]
            padded[half : half + samples] = values[i, j]
            padded[half + samples :] = values[i, j, samples - 1]
            trace[:] = F(0.0)
            for w in range(wavelet.size):
                tap = wavelet[wavelet.size - 1 - w]
                for k in range(samples):
                    trace[k] += tap * padded[k + w]
            values[i, j] = trace


@_fast
def blur_laterally(values: NDArray[np.float32], weight: np.float32) -> None:
    """Average each sample with those of the two neighbours along both horizontal axes, in place.

    The neighbours get `weight` each; at an edge the sample itself stands for the absent one.
    """
    inlines, crosslines, samples = values.shape
    own = F(1.0) - F(2.0) * weight
    before, here = np.empty((crosslines, samples), F), np.empty((crosslines, samples), F)
    for i in range(inlines):
        here[:] = values[i]
        if i == 0:
            before[:] = here
        after = min(i + 1, inlines - 1)
        for j in range(crosslines):
            for k in range(samples):
                values[i, j, k] = own * here[j, k] + weight * (before[j, k] + values[after, j, k])
        before[:] = here
    for i in range(inlines):
        here[:] = values[i]
        for j in range(crosslines):
            left, right = max(j - 1, 0), min(j + 1, crosslines - 1)
            for k in range(samples):
                values[i, j, k] = own * here[j, k] + weight * (here[left, k] + here[right, k])


@_fast
def blur_vertically(values: NDArray[np.float32], weight: np.float32) -> None:
    """Average each sample with the two above and below it, in place; see `blur_laterally`."""
    inlines, crosslines, samples = values.shape
    own = F(1.0) - F(2.0) * weight
    trace = np.empty(samples + 2, F)
    for i in range(inlines):
        for j in range(crosslines):
            trace[1 : samples + 1] = values[i, j]
            trace[0], trace[samples + 1] = values[i, j, 0], values[i, j, samples - 1]
            for k in range(samples):
                values[i, j, k] = own * trace[k + 1] + weight * (trace[k] + trace[k + 2])


@_fast
def mean_and_deviation(values: NDArray[np.float32]) -> tuple[float, float]:
    """Give mean and standard deviation, summed trace by trace in double precision."""
    flat = values.reshape(-1, values.shape[2])
    total = squares = 0.0
    for trace in range(flat.shape[0]):
        s = q = F(0.0)
        for k in range(flat.shape[1]):
            s += flat[trace, k]
            q += flat[trace, k] * flat[trace, k]
        total += float(s)
        squares += float(q)
    mean = total / values.size
    return mean, np.sqrt(max(squares / values.size - mean * mean, 0.0))
