"""Sums over near earthquakes in single precision (numba); float64 twins are in the tests."""

import math

import numba
import numpy as np
from numba import float32

from graben.quakes.models.etas_kernels import exp2_single

HALVINGS = 4
MOMENTS = 6
SLICE = 1024
CHUNKS = 128
_SCATTER = 37
_NO_DENORMAL = np.float32(1e-9)
_BOUNDARY_REACH = 5.0


@numba.njit(cache=True)
def _near_tiles(east, north, tiles, filled, near):  # type: ignore[no-untyped-def]
    """Fill `near` with the tiles that hold sources within reach of a place; return how many."""
    count = 0
    lowest = max(0, math.floor((north - tiles.reach - tiles.south) / tiles.width))
    highest = math.floor((north + tiles.reach - tiles.south) / tiles.width)
    for row in range(lowest, min(tiles.rows - 1, highest) + 1):
        edge = tiles.south + row * tiles.width
        gap = max(0.0, max(edge - north, north - edge - tiles.width))
        half = math.sqrt(max(0.0, tiles.reach**2 - gap**2)) / tiles.narrowest
        begin = max(0, math.floor((east - half - tiles.west) / tiles.width))
        end = min(tiles.columns - 1, math.floor((east + half - tiles.west) / tiles.width)) + 1
        for tile in range(row * tiles.columns + begin, row * tiles.columns + end):
            if filled[tile] > 0:
                near[count] = tile
                count += 1
    return count


@numba.njit(cache=True)
def _from_tile(target, tile, tiles):  # type: ignore[no-untyped-def]
    """Return a target's place as single precision holds it: measured from a tile's centre."""
    east = target[0] - (tiles.west + (tile % tiles.columns + 0.5) * tiles.width)
    north = target[1] - (tiles.south + (tile // tiles.columns + 0.5) * tiles.width)
    return float32(east), float32(north), float32(target[2]), float32(target[3])


@numba.njit(fastmath=True, error_model="numpy", cache=True)
def _halving_sums(at, scale, east, north, cosine, sine, weight):  # type: ignore[no-untyped-def]
    s0 = s1 = s2 = s3 = float32(0)
    x, y, cos_here, sin_here = at
    for j in range(east.shape[0]):
        dx = (x - east[j]) * (cos_here * cosine[j] - sin_here * sine[j])
        dy = y - north[j]
        e = exp2_single((dx * dx + dy * dy) * scale)
        s0 += weight[j] * e
        e = max(e, _NO_DENORMAL)
        e = e * e
        e = e * e
        s1 += weight[j] * e
        e = max(e, _NO_DENORMAL)
        e = e * e
        e = e * e
        s2 += weight[j] * e
        e = max(e, _NO_DENORMAL)
        e = e * e
        e = e * e
        s3 += weight[j] * e
    return s0, s1, s2, s3


@numba.njit(fastmath=True, error_model="numpy", cache=True)
def _moments(at, scale, east, north, cosine, sine, weight):  # type: ignore[no-untyped-def]
    s0 = sx = sy = sxx = sxy = syy = float32(0)
    x, y, cos_here, sin_here = at
    for j in range(east.shape[0]):
        dx = (east[j] - x) * (cos_here * cosine[j] - sin_here * sine[j])
        dy = north[j] - y
        e = weight[j] * exp2_single((dx * dx + dy * dy) * scale)
        s0 += e
        sx += e * dx
        sy += e * dy
        sxx += e * dx * dx
        sxy += e * dx * dy
        syy += e * dy * dy
    return s0, sx, sy, sxx, sxy, syy


@numba.njit(cache=True)
def _sums_of_chunk(  # type: ignore[no-untyped-def]
    begin, end, targets, known, tiles, scale, out
):
    """Fill rows `begin`..`end`; `filled` follows how many sources of each tile are known."""
    filled = np.zeros(tiles.first.size - 1, np.int64)
    near = np.empty(filled.size, np.int64)
    places = tiles.places
    seen = 0
    for q in range(begin, end):
        while seen < known[q]:
            filled[tiles.tile[seen]] += 1
            seen += 1
        while seen > known[q]:
            seen -= 1
            filled[tiles.tile[seen]] -= 1
        out[q] = 0.0
        for tile in near[: _near_tiles(targets[0, q], targets[1, q], tiles, filled, near)]:
            at = _from_tile(targets[:, q], tile, tiles)
            stop = tiles.first[tile] + filled[tile]
            for b in range(tiles.first[tile], stop, SLICE):
                e = min(b + SLICE, stop)
                here = (places[0, b:e], places[1, b:e], places[2, b:e], places[3, b:e])
                if out.shape[1] == HALVINGS:
                    sums = _halving_sums(at, scale, *here, places[4, b:e])
                    for k in range(HALVINGS):
                        out[q, k] += sums[k]
                else:
                    moments = _moments(at, scale, *here, places[4, b:e])
                    for k in range(MOMENTS):
                        out[q, k] += moments[k]


@numba.njit(parallel=True, cache=True)
def near_sums(targets, known, tiles, scale, out):  # type: ignore[no-untyped-def]
    """Fill `out` with Gaussian-weighted sums over the known sources within reach.

    With four columns: sums of weight times exp(-r2 / (2 b2)) for the bandwidth b and its first
    three halves, each from the one before by squaring twice. With six: moments of the sources'
    offsets (east, north) under the bandwidth b: 1, x, y, xx, xy, yy.

    Parameters
    ----------
    targets
        (4, target): east and north in km, cosine and sine of half the latitude, float64.
    known
        How many sources, the earliest first, each target may see, (target,); best ascending.
    tiles
        The sources.
    scale
        float32, -log2(e) / (2 b2).
    """
    count = known.size
    for turn in numba.prange(CHUNKS):
        # later targets see more: scattered, so that cores share evenly
        chunk = turn * _SCATTER % CHUNKS
        begin, end = count * chunk // CHUNKS, count * (chunk + 1) // CHUNKS
        if end > begin:
            _sums_of_chunk(begin, end, targets, known, tiles, scale, out)


@numba.njit(parallel=True, cache=True)
def masses_inside(sources, boundary, bandwidth, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the share of a Gaussian about each source that lies inside the polygon.

    By Green's theorem: the integral of Phi(x / b) phi(y / b) / b along the boundary.

    Parameters
    ----------
    sources
        (4, source), as the targets of `near_sums`.
    boundary
        (6, node) sorted by north: as the sources; cosine of latitude; kilometres north that the
        node stands for, counter-clockwise round the polygon.
    bandwidth
        b in km.
    """
    reach = _BOUNDARY_REACH * bandwidth
    for i in numba.prange(out.size):
        first = np.searchsorted(boundary[1], sources[1, i] - reach)
        last = np.searchsorted(boundary[1], sources[1, i] + reach)
        total = 0.0
        for k in range(first, last):
            narrowing = sources[2, i] * boundary[2, k] - sources[3, i] * boundary[3, k]
            x = (boundary[0, k] - sources[0, i]) * narrowing / bandwidth
            y = (boundary[1, k] - sources[1, i]) / bandwidth
            share = 0.5 * math.erfc(-x * math.sqrt(0.5))
            total += share * math.exp(-0.5 * y * y) * boundary[4, k] / narrowing * boundary[5, k]
        out[i] = total / (math.sqrt(2 * math.pi) * bandwidth)
