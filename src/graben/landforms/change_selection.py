"""What detection does to volumes: areas that are drawn by a difference flatter that difference."""

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from graben.landforms.change_detection import detect, with_margin
from graben.landforms.change_error import wide
from graben.progress import track

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from graben.landforms.change_error import Sums

    Floats = NDArray[np.float64]

DRAWS = 4
SHARE = 0.5  # of the noise that is added


def selection_effects(
    difference: "Floats", scale: float, sums: "Sums"
) -> dict[int, "NDArray[np.float32]"]:
    """Simulate how much noise is taken for change because the noise helped to draw the areas.

    Noise drawn from the error model is added to the difference, and subtracted from it, and areas
    are detected anew. What those areas hold of the noise, more with it than against it, is the
    effect. For normal errors it is right to first order (Stein's identity) had the difference no
    noise yet; it has, so that the effect comes out too large.

    Parameters
    ----------
    difference
        Second epoch minus first, co-registered, (y, x), m; NaN = void.
    scale
        As in `detect`.
    sums
        The error model.

    Returns
    -------
    dict
        By sign, -1 for lowered areas and 1 for raised ones: metres per cell, to be summed over
        any area.
    """
    draw = _noise(sums)
    effects = {sign: np.zeros(difference.shape, np.float32) for sign in (-1, 1)}
    for seed in track(range(DRAWS), "how detection bends volumes"):
        noise = draw(np.random.default_rng(seed))
        for way in (-1, 1):
            standard = (difference + way * SHARE * noise) / sums.errors.sigma
            found = with_margin(detect(standard, scale), standard)
            for sign, effect in effects.items():
                effect += np.where(found == sign, way * noise / (2 * SHARE * DRAWS), 0)
    return effects


def _noise(sums: "Sums") -> "Callable[[np.random.Generator], Floats]":
    """Give a function that draws errors from the model, by circulant embedding."""
    shape = sums.area.shape
    roots = [
        (size, np.sqrt(np.maximum(sums.kernel(covariance, shape).real, 0)))
        for size, covariance in sums.sources
    ]

    def draw(random: np.random.Generator) -> "Floats":
        total = np.zeros(shape)
        for size, root in roots:
            white = fft.rfft2(random.standard_normal(wide(shape)))
            field = fft.irfft2(white * root, wide(shape))
            total += size * field[: shape[0], : shape[1]]
        return total

    return draw
