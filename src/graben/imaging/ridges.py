"""Fault probability thinned to surfaces: what stays is highest across the fault."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from graben.imaging.synthetic_kernels import blur_laterally, blur_vertically
from graben.tiling import Tile

REACH = 3  # smoothing and the neighbours across


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
    return _crests(probability, _smoothed(probability), steps, np.float32(threshold))


def _smoothed(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    smooth = probability.copy()
    for _ in range(2):  # twice 1, 2, 1 are binomial weights of five
        blur_laterally(smooth, np.float32(0.25))
        blur_vertically(smooth, np.float32(0.25))
    return smooth


@nb.njit(cache=True, nogil=True)
def _crests(
    probability: NDArray[np.float32],
    smooth: NDArray[np.float32],
    steps: NDArray[np.int64],
    threshold: np.float32,
) -> NDArray[np.float32]:
    inlines, crosslines, samples = probability.shape
    kept = np.zeros(probability.shape, np.float32)
    for i in range(inlines):
        for j in range(crosslines):
            for k in range(samples):
                if probability[i, j, k] < threshold:
                    continue
                most, crest = -1.0, False
                for di, dj, dk in steps:
                    a, b, c = i + di, j + dj, k + dk
                    e, f, g = i - di, j - dj, k - dk
                    if min(a, b, c, e, f, g) < 0 or (
                        max(a, e) >= inlines or max(b, f) >= crosslines or max(c, g) >= samples
                    ):
                        continue
                    ahead, behind = smooth[a, b, c], smooth[e, f, g]
                    here = smooth[i, j, k]
                    bend = (2 * here - ahead - behind) / (di * di + dj * dj + dk * dk)
                    if bend > most:
                        # of two equal neighbours the first stays
                        most, crest = bend, here >= ahead and here > behind
                if crest:
                    kept[i, j, k] = probability[i, j, k]
    return kept
