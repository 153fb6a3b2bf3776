"""Where the land changed: neighbourhoods that differ by more than the errors of stable ground."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from graben.landforms.coregistration import nmad

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

NEIGHBOURHOOD = 1.5  # cells; standard deviation of the Gaussian mean
SURE, POSSIBLE = 5.0, 1.96  # standard deviations of that mean
SUSPECT = 4.0  # the same, where stable ground is looked for
MARGIN = 5  # cells that a detected area is grown by
AROUND = np.ones((3, 3), bool)


def detect(standard: "Floats", scale: float, sure: float = SURE) -> "NDArray[np.int8]":
    """Find where the land was lowered (-1) and raised (1); 0 elsewhere.

    A Gaussian mean over some 5 x 5 cells lets what neighbours share stand out from what they do
    not. Areas in which it exceeds 1.96 of its own standard deviations are kept if somewhere in
    them it exceeds `sure` of them.

    Parameters
    ----------
    standard
        Difference over its spread, (y, x); NaN = void, never detected.
    scale
        The standard deviation of the mean, of `neighbourhood_spread`.
    sure
        What an area has to exceed somewhere.
    """
    mean = _neighbourhood_mean(standard) / scale
    found = np.zeros(standard.shape, np.int8)
    for sign in (-1, 1):
        areas, count = ndimage.label(sign * mean > POSSIBLE, AROUND)
        kept = np.zeros(count + 1, bool)
        kept[areas[sign * mean > sure]] = True
        found[kept[areas]] = sign
    return found


def with_margin(found: "NDArray[np.int8]", standard: "Floats") -> "NDArray[np.int8]":
    """Grow what was detected by `MARGIN` cells that are not void.

    An edge drawn where the noise happens to end would make the volume within too large.
    """
    return np.where(np.isfinite(standard), grown(found, MARGIN), 0).astype(np.int8)


def grown(labels: "NDArray[Any]", cells: float) -> "NDArray[Any]":
    """Give each cell within a distance of a labelled one the label of the nearest; else 0.

    Examples
    --------
    >>> grown(np.array([[1, 0, 0, 0, 2, 0]]), 1).tolist()
    [[1, 1, 0, 2, 2, 2]]
    """
    if not labels.any():
        return labels
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    return np.where(distance <= cells, labels[tuple(nearest)], 0)


def neighbourhood_spread(standard: "Floats", stable: "Mask") -> float:
    """Give the robust standard deviation of the neighbourhoods' means on stable ground."""
    mean = _neighbourhood_mean(standard)
    return max(nmad(mean[stable & np.isfinite(mean)]), 1e-12)


def unchanged(standard: "Floats", stable: "Mask", sure: float) -> "Mask":
    """Give the cells that lie away from anything that may be a change.

    Parameters
    ----------
    standard
        Difference over its spread, (y, x); NaN = void.
    stable
        What was taken as unchanged so far.
    sure
        See `detect`.
    """
    scale = neighbourhood_spread(standard, stable)
    return np.isfinite(standard) & (with_margin(detect(standard, scale, sure), standard) == 0)


def _neighbourhood_mean(values: "Floats") -> "Floats":
    """Give the Gaussian mean of the known cells around each known cell; NaN stays NaN."""
    known = np.isfinite(values)
    total = ndimage.gaussian_filter(np.where(known, values, 0.0), NEIGHBOURHOOD, truncate=3)
    if known.all():
        return total
    share = ndimage.gaussian_filter(known.astype(float), NEIGHBOURHOOD, truncate=3)
    return np.where(known, total / np.maximum(share, 1e-12), np.nan)
