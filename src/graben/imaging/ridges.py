"""Fault probability thinned to surfaces: what stays is highest across the fault."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from graben.tiling import Tile

REACH = 3  # smoothing and the neighbours across
OUTER, INNER, MIDDLE = np.float32(1 / 16), np.float32(4 / 16), np.float32(6 / 16)

Floats = NDArray[np.float32]
Steps = NDArray[np.int64]
# no fast mathematics: a tile is thinned as the whole is, and NaN is no crest
_exact = nb.njit(cache=True, nogil=True, error_model="numpy")


@dataclass(frozen=True)
class Thinning:
    """Keep the probability on the crest of its ridges, and 0 elsewhere; a function of tiles.

    The probability is smoothed over its neighbours (binomial weights). Of the 13 directions to
    neighbouring samples (4 on a line) the one along which it curves down most counts as across
    the fault, and a sample stays if none of the two neighbours in that direction is higher.
    Directions that leave the volume do not count.

    Parameters
    ----------
    threshold
        Lower probabilities are never kept.
    """

    threshold: float = 0.5
    halo: int = REACH

    def __call__(
        self, block: NDArray[Any], tile: Tile, shape: tuple[int, ...]
    ) -> Mapping[str, NDArray[np.float32]]:
        """Thin a tile of probabilities (inline, crossline, sample)."""
        return {"thinned": thin(block, self.threshold)[tile.inner]}


def thin(probability: NDArray[np.float32], threshold: float = 0.5) -> NDArray[np.float32]:
    """Thin a whole array; see `Thinning`.

    Parameters
    ----------
    probability
        (inline, crossline, sample), float32; one inline or one crossline is a line.
    threshold
        Lower probabilities are never kept.

    Returns
    -------
    numpy.ndarray
        float32 of the same shape: the probability where it is kept, else 0.

    Examples
    --------
    >>> wall = np.zeros((1, 5, 4), np.float32)
    >>> wall[0, 1:4] = np.array([0.6, 0.9, 0.6])[:, None]
    >>> np.flatnonzero(thin(wall)[0, :, 2])
    array([2])
    """
    probability = np.ascontiguousarray(probability, np.float32)
    steps = np.array(
        [
            step
            for step in product((-1, 0, 1), repeat=3)
            if step > (0, 0, 0)
            and all(extent > 1 or not s for s, extent in zip(step, probability.shape, strict=True))
        ],
        np.int64,
    ).reshape(-1, 3)
    return _crests(probability, steps, np.float32(threshold))


@_exact
def _crests(probability: Floats, steps: Steps, threshold: np.float32) -> Floats:
    """Keep crests, inline by inline: no more is held than the planes that one of them needs."""
    inlines, crosslines, samples = probability.shape
    kept = np.zeros(probability.shape, np.float32)
    within = np.empty((5, crosslines, samples), np.float32)  # averaged within the inline
    smooth = np.empty((3, crosslines, samples), np.float32)
    mirrored = np.empty((crosslines + 4, samples + 4), np.float32)
    down = np.empty((crosslines + 4, samples), np.float32)
    for last in range(inlines + 3):
        if last < inlines:
            _mirror(probability[last], mirrored)
            _average_plane(mirrored, down, within[last % 5])
        i = last - 2
        if 0 <= i < inlines:
            a, b = within[_place(i - 2, inlines) % 5], within[_place(i - 1, inlines) % 5]
            d, e = within[_place(i + 1, inlines) % 5], within[_place(i + 2, inlines) % 5]
            _average(a, b, within[i % 5], d, e, smooth[i % 3])
        if last >= 3:
            _keep_crests(last - 3, probability, smooth, steps, threshold, kept)
    return kept


@_exact
def _place(index: int, length: int) -> int:
    """Give the place of a plane, or of what it is the mirror image of."""
    index %= 2 * length
    return min(index, 2 * length - 1 - index)


@_exact
def _mirror(plane: Floats, mirrored: Floats) -> None:
    """Copy a plane, with two mirrored cells on each side."""
    rows, columns = plane.shape
    for j in range(rows + 4):
        mirrored[j, 2:-2] = plane[_place(j - 2, rows)]
        for k in (0, 1, columns + 2, columns + 3):
            mirrored[j, k] = plane[_place(j - 2, rows), _place(k - 2, columns)]


@_exact
def _average_plane(mirrored: Floats, down: Floats, out: Floats) -> None:
    """Average along both axes by binomial weights of five."""
    for j in range(down.shape[0]):
        for k in range(down.shape[1]):
            beside = INNER * (mirrored[j, k + 1] + mirrored[j, k + 3])
            beside += OUTER * (mirrored[j, k] + mirrored[j, k + 4])
            down[j, k] = MIDDLE * mirrored[j, k + 2] + beside
    rows = out.shape[0]
    _average(down[:rows], down[1:], down[2:], down[3:], down[4:], out)


@_exact
def _average(a: Floats, b: Floats, c: Floats, d: Floats, e: Floats, out: Floats) -> None:
    """Average five planes by binomial weights."""
    for j in range(out.shape[0]):
        for k in range(out.shape[1]):
            beside = INNER * (b[j, k] + d[j, k]) + OUTER * (a[j, k] + e[j, k])
            out[j, k] = MIDDLE * c[j, k] + beside


@_exact
def _keep_crests(
    i: int,
    probability: Floats,
    smooth: Floats,
    steps: Steps,
    threshold: np.float32,
    kept: Floats,
) -> None:
    """Copy what is on a crest of an inline; of `smooth`, inlines lie at their number modulo 3."""
    inlines, crosslines, samples = probability.shape
    for j in range(crosslines):
        for k in range(samples):
            if not probability[i, j, k] >= threshold:
                continue
            here = smooth[i % 3, j, k]
            most, crest = np.float32(-1.0), False
            for di, dj, dk in steps:
                a, b, c = i + di, j + dj, k + dk
                e, f, g = i - di, j - dj, k - dk
                if min(a, b, c, e, f, g) < 0 or (
                    max(a, e) >= inlines or max(b, f) >= crosslines or max(c, g) >= samples
                ):
                    continue
                ahead, behind = smooth[a % 3, b, c], smooth[e % 3, f, g]
                bend = (2 * here - ahead - behind) / (di * di + dj * dj + dk * dk)
                if bend > most:
                    # of two equal neighbours the first stays
                    most, crest = bend, here >= ahead and here > behind
            if crest:
                kept[i, j, k] = probability[i, j, k]
