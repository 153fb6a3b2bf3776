"""From the expected count in a disc to the probability of at least one earthquake there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

LEAST_COUNT = 1e-9
BIN = 0.02
RESAMPLES = 24
BLOCKS = 50


@dataclass(frozen=True)
class Calibration:
    """logit P = intercept + slope * log(expected count in the disc).

    Attributes
    ----------
    intercept, slope
        Fitted to the training windows.
    resampled
        The same fitted to block resamples of the training windows, (resample, 2).
    """

    intercept: float
    slope: float
    resampled: NDArray[Any]

    def probability(self, expected: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of at least one earthquake."""
        return expit(self.intercept + self.slope * np.log(expected + LEAST_COUNT))

    def spread(self, members: NDArray[Any]) -> NDArray[Any]:
        """Return probabilities (resample, ...) of members (member, ...) under each resample."""
        chosen = members[np.arange(len(self.resampled)) % len(members)]
        shape = (-1,) + (1,) * (members.ndim - 1)
        intercept, slope = (column.reshape(shape) for column in self.resampled.T)
        return expit(intercept + slope * np.log(chosen + LEAST_COUNT))


def fit_calibration(
    expected: NDArray[Any],
    outcomes: NDArray[Any],
    place_weight: NDArray[Any],
    seed: int = 0,
) -> Calibration:
    """Fit the calibration, and refit it to resampled blocks of windows.

    Parameters
    ----------
    expected, outcomes
        Expected count within the radius, and whether a target fell there, (window, place).
    place_weight
        Relative area of each place, (place,).
    seed
        Of the resampling.

    Notes
    -----
    Expected counts are grouped in steps of 2 % first: with millions of samples the fit is the
    same to four digits and takes a thousandth of the time.
    """
    logs = np.log(expected + np.float32(LEAST_COUNT))
    group = np.floor((logs - logs.min()) / BIN).astype(np.int64)
    groups = int(group.max()) + 1
    hits = np.stack(
        [np.bincount(g, place_weight * y, groups) for g, y in zip(group, outcomes, strict=True)]
    )
    total = np.stack([np.bincount(g, place_weight, groups) for g in group])
    centre = logs.min() + BIN * (np.arange(groups) + 0.5)
    intercept, slope = _logistic(centre, hits.sum(axis=0), total.sum(axis=0))
    rng = np.random.default_rng(seed)
    block = (
        np.arange(len(logs)) * 12 // max(len(logs), 12)
        if len(logs) < 50
        else np.arange(len(logs)) // 6
    )
    resampled = np.zeros((RESAMPLES, 2))
    for i in range(RESAMPLES):
        drawn = rng.integers(0, block[-1] + 1, block[-1] + 1)
        times = np.bincount(drawn, minlength=block[-1] + 1)[block]
        resampled[i] = _logistic(centre, times @ hits, times @ total)
    return Calibration(intercept, slope, resampled)


def _logistic(x: NDArray[Any], hits: NDArray[Any], total: NDArray[Any]) -> tuple[float, float]:
    both = np.concatenate([x, x])[:, None]
    weight = np.concatenate([hits, total - hits])
    label = np.repeat([True, False], x.size)
    used = weight > 0
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    model.fit(both[used], label[used], sample_weight=weight[used])
    return float(model.intercept_[0]), float(model.coef_[0, 0])
