"""Derivatives of the 3x3 window around each cell (numba); each has a NumPy twin in the tests.

`z` is float32 with one row more above and below than the result; the first and last column of a
result are NaN. Elevations are taken from the centre before they are added: nothing is lost to
float32 at great heights, and a void anywhere in the window makes the result NaN.

Nothing here is built with `fastmath` and no loop runs over numba's threads: any cut of a raster
into tiles gives the same bits.
"""

import math

import numba
import numpy as np
from numpy.polynomial import Chebyshev

_FULL, _HALF, _QUARTER = np.float32(360), np.float32(180), np.float32(90)
_DEGREES = np.float32(180 / math.pi)
_ONE, _TWO, _ZERO, _NAN = np.float32(1), np.float32(2), np.float32(0), np.float32(np.nan)
_LEVEL = np.float32(1e-6)  # squared slope that curvatures take for none, as r.slope.aspect does
_EIGHTH, _MEAN_OF_TWO = np.float32(0.125), np.float32(0.5)

# arctan(x) = x P(x^2) on [0, 1] to 1e-8: torch and NumPy have no arctan that a row loop can inline
_ARCTAN = tuple(
    np.float32(coefficient)
    for coefficient in Chebyshev.interpolate(
        lambda t: np.arctan(np.sqrt(t)) / np.sqrt(t), 8, domain=[0, 1]
    )
    .convert(kind=np.polynomial.Polynomial)
    .coef
)


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _arctan_degrees(x):  # type: ignore[no-untyped-def]
    """Degrees of the angle whose tangent is 0 <= x <= 1."""
    t = x * x
    value = _ARCTAN[8]
    value = value * t + _ARCTAN[7]
    value = value * t + _ARCTAN[6]
    value = value * t + _ARCTAN[5]
    value = value * t + _ARCTAN[4]
    value = value * t + _ARCTAN[3]
    value = value * t + _ARCTAN[2]
    value = value * t + _ARCTAN[1]
    value = value * t + _ARCTAN[0]
    return value * x * _DEGREES


@numba.njit(cache=True, nogil=True, error_model="numpy")
def gradient(z, width, height, p, q):  # type: ignore[no-untyped-def]
    """Slope to the east (p) and to the north (q) by Horn's weights; cells in metres, per row."""
    p[:, 0] = p[:, -1] = q[:, 0] = q[:, -1] = _NAN
    for i in range(p.shape[0]):
        nw, n, ne = z[i, :-2], z[i, 1:-1], z[i, 2:]
        w, c, e = z[i + 1, :-2], z[i + 1, 1:-1], z[i + 1, 2:]
        sw, s, se = z[i + 2, :-2], z[i + 2, 1:-1], z[i + 2, 2:]
        x, y = _EIGHTH / width[i], _EIGHTH / height[i]
        east, north = p[i, 1:-1], q[i, 1:-1]
        for j in range(c.size):
            a, b = ne[j] - c[j], nw[j] - c[j]
            f, g = se[j] - c[j], sw[j] - c[j]
            h, k = e[j] - c[j], w[j] - c[j]
            u, v = n[j] - c[j], s[j] - c[j]
            east[j] = ((a - b) + (f - g) + _TWO * (h - k)) * x
            north[j] = ((a - f) + (b - g) + _TWO * (u - v)) * y


@numba.njit(cache=True, nogil=True, error_model="numpy")
def bending(z, width, height, r, s, t):  # type: ignore[no-untyped-def]
    """Second derivatives, 1/m: east-east (r), east-north (s), north-north (t).

    The second differences of three rows or columns are weighted 1 4 1.
    """
    r[:, 0] = r[:, -1] = s[:, 0] = s[:, -1] = t[:, 0] = t[:, -1] = _NAN
    for i in range(r.shape[0]):
        nw, n, ne = z[i, :-2], z[i, 1:-1], z[i, 2:]
        w, c, e = z[i + 1, :-2], z[i + 1, 1:-1], z[i + 1, 2:]
        sw, so, se = z[i + 2, :-2], z[i + 2, 1:-1], z[i + 2, 2:]
        x = _ONE / (np.float32(6) * width[i] * width[i])
        y = _ONE / (np.float32(6) * height[i] * height[i])
        xy = _ONE / (np.float32(4) * width[i] * height[i])
        across, mixed, along = r[i, 1:-1], s[i, 1:-1], t[i, 1:-1]
        for j in range(c.size):
            corners = (ne[j] - c[j]) + (nw[j] - c[j]) + (se[j] - c[j]) + (sw[j] - c[j])
            sides = (e[j] - c[j]) + (w[j] - c[j])
            ends = (n[j] - c[j]) + (so[j] - c[j])
            across[j] = (corners + sides + sides + sides + sides - ends - ends) * x
            along[j] = (corners + ends + ends + ends + ends - sides - sides) * y
            mixed[j] = ((ne[j] - nw[j]) - (se[j] - sw[j])) * xy


@numba.njit(cache=True, nogil=True, error_model="numpy")
def slope(p, q, out):  # type: ignore[no-untyped-def]
    """Steepness in degrees."""
    for i in range(out.shape[0]):
        east, north, row = p[i], q[i], out[i]
        for j in range(row.size):
            steep = math.sqrt(east[j] * east[j] + north[j] * north[j])
            angle = _arctan_degrees(_ONE / steep if steep > _ONE else steep)
            row[j] = _QUARTER - angle if steep > _ONE else angle


@numba.njit(cache=True, nogil=True, error_model="numpy")
def aspect(p, q, out):  # type: ignore[no-untyped-def]
    """Degrees clockwise from north of the way down; NaN where it is level."""
    for i in range(out.shape[0]):
        east, north, row = p[i], q[i], out[i]
        for j in range(row.size):
            x, y = abs(east[j]), abs(north[j])
            angle = _arctan_degrees((y if x > y else x) / (x if x > y else y))
            angle = _QUARTER - angle if x > y else angle
            angle = _HALF - angle if north[j] > _ZERO else angle
            angle = _FULL - angle if east[j] > _ZERO else angle
            row[j] = _ZERO if angle == _FULL else angle


@numba.njit(cache=True, nogil=True, error_model="numpy")
def hillshade(p, q, light, out):  # type: ignore[no-untyped-def]
    """Cosine of the angle at which `light` (east, north, up; length 1) falls, 0 in own shadow."""
    x, y, up = light[0], light[1], light[2]
    for i in range(out.shape[0]):
        east, north, row = p[i], q[i], out[i]
        for j in range(row.size):
            cosine = (up - x * east[j] - y * north[j]) / math.sqrt(
                _ONE + east[j] * east[j] + north[j] * north[j]
            )
            row[j] = _ZERO if cosine < _ZERO else cosine


@numba.njit(cache=True, nogil=True, error_model="numpy")
def profile_curvature(p, q, r, s, t, out):  # type: ignore[no-untyped-def]
    """Normal curvature along the slope line, 1/m, convex positive; 0 where it is level."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            x, y = p[i, j], q[i, j]
            g = x * x + y * y
            along = r[i, j] * x * x + _TWO * s[i, j] * x * y + t[i, j] * y * y
            steep = _ONE + g
            value = -along / (g * steep * math.sqrt(steep))
            out[i, j] = _ZERO * r[i, j] if g < _LEVEL else value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def tangential_curvature(p, q, r, s, t, out):  # type: ignore[no-untyped-def]
    """Normal curvature along the contour, 1/m, convex positive; 0 where it is level."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            x, y = p[i, j], q[i, j]
            g = x * x + y * y
            across = r[i, j] * y * y - _TWO * s[i, j] * x * y + t[i, j] * x * x
            value = -across / (g * math.sqrt(_ONE + g))
            out[i, j] = _ZERO * r[i, j] if g < _LEVEL else value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def plan_curvature(p, q, r, s, t, out):  # type: ignore[no-untyped-def]
    """Curvature of the contour on the map, 1/m, convex positive; 0 where it is level."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            x, y = p[i, j], q[i, j]
            g = x * x + y * y
            across = r[i, j] * y * y - _TWO * s[i, j] * x * y + t[i, j] * x * x
            value = -across / (g * math.sqrt(g))
            out[i, j] = _ZERO * r[i, j] if g < _LEVEL else value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def mean_curvature(p, q, r, s, t, out):  # type: ignore[no-untyped-def]
    """Mean of the principal curvatures, 1/m, convex positive."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            x, y = p[i, j], q[i, j]
            steep = _ONE + x * x + y * y
            sum_ = (_ONE + y * y) * r[i, j] - _TWO * x * y * s[i, j] + (_ONE + x * x) * t[i, j]
            out[i, j] = -_MEAN_OF_TWO * sum_ / (steep * math.sqrt(steep))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def gaussian_curvature(p, q, r, s, t, out):  # type: ignore[no-untyped-def]
    """Product of the principal curvatures, 1/m2."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            x, y = p[i, j], q[i, j]
            steep = _ONE + x * x + y * y
            out[i, j] = (r[i, j] * t[i, j] - s[i, j] * s[i, j]) / (steep * steep)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def riley_ruggedness(z, out):  # type: ignore[no-untyped-def]
    """Root of the summed squares of the eight differences to the centre, m."""
    out[:, 0] = out[:, -1] = _NAN
    for i in range(out.shape[0]):
        nw, n, ne = z[i, :-2], z[i, 1:-1], z[i, 2:]
        w, c, e = z[i + 1, :-2], z[i + 1, 1:-1], z[i + 1, 2:]
        sw, s, se = z[i + 2, :-2], z[i + 2, 1:-1], z[i + 2, 2:]
        row = out[i, 1:-1]
        for j in range(c.size):
            total = (ne[j] - c[j]) ** 2 + (nw[j] - c[j]) ** 2 + (se[j] - c[j]) ** 2
            total += (sw[j] - c[j]) ** 2 + (n[j] - c[j]) ** 2 + (s[j] - c[j]) ** 2
            row[j] = math.sqrt(total + (e[j] - c[j]) ** 2 + (w[j] - c[j]) ** 2)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def wilson_ruggedness(z, out):  # type: ignore[no-untyped-def]
    """Mean absolute difference of the eight neighbours to the centre, m."""
    out[:, 0] = out[:, -1] = _NAN
    for i in range(out.shape[0]):
        nw, n, ne = z[i, :-2], z[i, 1:-1], z[i, 2:]
        w, c, e = z[i + 1, :-2], z[i + 1, 1:-1], z[i + 1, 2:]
        sw, s, se = z[i + 2, :-2], z[i + 2, 1:-1], z[i + 2, 2:]
        row = out[i, 1:-1]
        for j in range(c.size):
            total = abs(ne[j] - c[j]) + abs(nw[j] - c[j]) + abs(se[j] - c[j])
            total += abs(sw[j] - c[j]) + abs(n[j] - c[j]) + abs(s[j] - c[j])
            row[j] = (total + abs(e[j] - c[j]) + abs(w[j] - c[j])) * _EIGHTH


@numba.njit(cache=True, nogil=True, error_model="numpy")
def topographic_position(z, out):  # type: ignore[no-untyped-def]
    """Height of the centre above the mean of its eight neighbours, m."""
    out[:, 0] = out[:, -1] = _NAN
    for i in range(out.shape[0]):
        nw, n, ne = z[i, :-2], z[i, 1:-1], z[i, 2:]
        w, c, e = z[i + 1, :-2], z[i + 1, 1:-1], z[i + 1, 2:]
        sw, s, se = z[i + 2, :-2], z[i + 2, 1:-1], z[i + 2, 2:]
        row = out[i, 1:-1]
        for j in range(c.size):
            total = (c[j] - ne[j]) + (c[j] - nw[j]) + (c[j] - se[j]) + (c[j] - sw[j])
            total += (c[j] - n[j]) + (c[j] - s[j]) + (c[j] - e[j]) + (c[j] - w[j])
            row[j] = total * _EIGHTH


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _higher(a, b):  # type: ignore[no-untyped-def]
    return a if a > b else b


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _lower(a, b):  # type: ignore[no-untyped-def]
    return a if a < b else b


@numba.njit(cache=True, nogil=True, error_model="numpy")
def roughness(z, out):  # type: ignore[no-untyped-def]
    """Highest less lowest of the nine cells, m."""
    out[:, 0] = out[:, -1] = _NAN
    for i in range(out.shape[0]):
        nw, n, ne = z[i, :-2], z[i, 1:-1], z[i, 2:]
        w, c, e = z[i + 1, :-2], z[i + 1, 1:-1], z[i + 1, 2:]
        sw, s, se = z[i + 2, :-2], z[i + 2, 1:-1], z[i + 2, 2:]
        row = out[i, 1:-1]
        for j in range(c.size):
            high = _higher(_higher(_higher(nw[j], n[j]), _higher(ne[j], w[j])), c[j])
            high = _higher(high, _higher(_higher(e[j], sw[j]), _higher(s[j], se[j])))
            low = _lower(_lower(_lower(nw[j], n[j]), _lower(ne[j], w[j])), c[j])
            low = _lower(low, _lower(_lower(e[j], sw[j]), _lower(s[j], se[j])))
            total = nw[j] + n[j] + ne[j] + w[j] + c[j] + e[j] + sw[j] + s[j] + se[j]
            row[j] = total if total != total else high - low
