"""Probabilities that come true as often as they say, learned from synthetic images alone."""

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

LEAST = 1e-6  # a probability is taken to be at least so far from 0 and from 1
FURTHEST = log(1 / LEAST - 1)  # the logit of that
STEP = 0.02


@dataclass(frozen=True)
class Platt:
    """logit P = slope * logit p + intercept.

    Parameters
    ----------
    slope, intercept
        1 and 0 leave a probability as it is.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines, in Advances in Large Margin
    Classifiers, MIT Press.

    Examples
    --------
    >>> float(Platt(1.0, 0.0).of_probability(np.array(0.25)))
    0.25
    """

    slope: float
    intercept: float

    def of_logits(self, logits: NDArray[Any]) -> NDArray[np.float32]:
        """Give calibrated probabilities of logits, float32 of their shape, as `of_probability`."""
        given = torch.from_numpy(np.asarray(np.clip(logits, -FURTHEST, FURTHEST)))
        scaled = given.mul_(self.slope).add_(self.intercept)
        return scaled.sigmoid_().numpy().astype(np.float32, copy=False)

    def of_probability(self, probability: NDArray[Any]) -> NDArray[np.float32]:
        """Give calibrated probabilities of others, float32 of their shape."""
        return self.of_logits(logits_of(probability))


AS_IT_IS = Platt(1.0, 0.0)


def logits_of(probability: NDArray[Any]) -> NDArray[Any]:
    """Give the logits of probabilities, finite also where they are 0 or 1; float32 stays so."""
    given = np.asarray(probability)
    given = given if given.dtype == np.float32 else given.astype(float)
    return torch.tensor(given).logit_(LEAST).numpy()


def fit_platt(probability: NDArray[Any], outcome: NDArray[Any]) -> Platt:
    """Fit by maximum likelihood; what says the same everywhere becomes the base rate.

    Parameters
    ----------
    probability, outcome
        What was said and what was true, of one shape.

    Notes
    -----
    Logits are gathered in steps of 0.02 first: with millions of samples the fit is the same to
    three digits, and quick.
    """
    from sklearn.linear_model import LogisticRegression

    logits, true = logits_of(probability).ravel(), np.asarray(outcome, bool).ravel()
    group = np.floor((logits - logits.min()) / STEP).astype(np.int64)
    total = np.bincount(group)
    hits = np.bincount(group, true)
    centre = np.bincount(group, logits) / np.maximum(total, 1)
    weight = np.concatenate([hits, total - hits])
    label = np.repeat([True, False], total.size)
    used = weight > 0
    if not (label[used].any() and not label[used].all()):
        return AS_IT_IS
    # a trace of shrinkage, for nets that say nearly the same everywhere
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-8)
    model.fit(np.tile(centre, 2)[used, None], label[used], sample_weight=weight[used])
    return Platt(float(model.coef_[0, 0]), float(model.intercept_[0]))
