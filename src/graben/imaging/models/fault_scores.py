"""How good fault maps are: ranking, decisions, and faults that lie a little beside their place."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, maximum_filter

from graben.evaluation import AUC, F1, AveragePrecision

Floats = NDArray[Any]
Bools = NDArray[np.bool_]


class Found(NamedTuple):
    """Precision, recall and their harmonic mean; NaN where there is nothing to count."""

    precision: float
    recall: float
    f1: float


def within(picked: Bools, fault: Bools, reach: float, mask: Bools | None = None) -> Found:
    """Score picks that may lie up to `reach` samples beside a fault.

    Parameters
    ----------
    picked, fault
        Of one shape, a volume or a section.
    reach
        Largest straight distance, in samples and traces. A pick is right within it of any fault;
        a fault is found within it of any pick.
    mask
        Where to count; everywhere by default. Distances are measured across the rest.

    Examples
    --------
    >>> line = np.zeros((5, 9), bool); line[:, 4] = True
    >>> within(np.roll(line, 2, 1), line, 2.0)
    Found(precision=1.0, recall=1.0, f1=1.0)
    >>> within(np.roll(line, 3, 1), line, 2.0).f1
    0.0
    """
    counted = np.ones(fault.shape, bool) if mask is None else mask
    picks, faults = picked & counted, fault & counted
    precision = _near(picks, _distance(fault), reach)
    recall = _near(faults, _distance(picked), reach)
    both = precision + recall
    return Found(precision, recall, 2 * precision * recall / both if both else both)


def best_within(
    probability: Floats, fault: Bools, reach: float, mask: Bools | None = None
) -> tuple[float, float]:
    """Give the best F1 of `within` over 49 thresholds, 0.02 to 0.98, and its threshold."""
    found = [
        (score, float(threshold))
        for threshold in np.linspace(0.02, 0.98, 49)
        if not np.isnan(score := within(probability >= threshold, fault, reach, mask).f1)
    ]
    return max(found, default=(float("nan"), float("nan")))


def widened(fault: Bools, width: int = 5) -> Bools:
    """Label every sample with a fault in the `width` by `width` window around it.

    Along the last two axes, of which a section has one for traces and one for samples.
    """
    size = (1,) * (fault.ndim - 2) + (width, width)
    return maximum_filter(fault, size=size)


def fault_scores(
    probability: Floats, fault: Bools, reach: float = 2.0, mask: Bools | None = None
) -> dict[str, float]:
    """Score a map: average precision, AUC, F1 at 0.5, and F1 at 0.5 within `reach` samples.

    Parameters
    ----------
    probability, fault
        Of one shape.
    reach, mask
        As for `within`.

    Returns
    -------
    dict
        "AP", "AUC", "F1", "F1 near", "precision near", "recall near".
    """
    counted = np.ones(fault.shape, bool) if mask is None else mask
    p, y = probability[counted], fault[counted]
    near = within(probability >= 0.5, fault, reach, mask)
    return {
        "AP": AveragePrecision().compute(p, y),
        "AUC": AUC().compute(p, y),
        "F1": F1().compute(p, y),
        "F1 near": near.f1,
        "precision near": near.precision,
        "recall near": near.recall,
    }


def _distance(of: Bools) -> Floats:
    """Give the distance to the nearest true sample; infinite where there is none."""
    return distance_transform_edt(~of) if of.any() else np.full(of.shape, np.inf)


def _near(chosen: Bools, distance: Floats, reach: float) -> float:
    return float((distance[chosen] <= reach).mean()) if chosen.any() else float("nan")
