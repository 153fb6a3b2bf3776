"""Scores of probabilities against what happened.

Each takes a probability, an outcome (0 or 1) and a weight per sample, in arrays of one shape.
Samples in which any of the three is NaN are masked out. A score that the samples cannot give
(the AUC where nothing happened, say) is NaN.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from sklearn import metrics

from graben.errors import InputError


class Checked(NamedTuple):
    """Valid samples, flat and in float64."""

    probability: np.ndarray
    outcome: np.ndarray
    weight: np.ndarray

    @property
    def base_rate(self) -> float:
        """Weighted share of the samples in which it happened."""
        return float(np.average(self.outcome, weights=self.weight))


def checked(
    probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
) -> Checked:
    """Flatten the samples, drop the masked ones and check the rest.

    Raises
    ------
    InputError
        The shapes differ, nothing is left, or values lie outside their range.
    """
    given = [np.asarray(probability, float), np.asarray(outcome, float)]
    given.append(np.ones(given[0].shape) if weight is None else np.asarray(weight, float))
    shapes = [values.shape for values in given]
    if len(set(shapes)) > 1:
        raise InputError(
            f"expected probability, outcome and weight of one shape, got {shapes}. "
            "Broadcast them first."
        )
    p, y, w = (values.ravel() for values in given)
    valid = ~(np.isnan(p) | np.isnan(y) | np.isnan(w))
    if not valid.all():
        p, y, w = p[valid], y[valid], w[valid]
    if not (w > 0).any():
        raise InputError(
            f"expected samples with a weight above 0, got none among {valid.size}. "
            "Check the mask and the period."
        )
    for name, wrong in (
        ("probabilities from 0 to 1", (p < 0) | (p > 1)),
        ("outcomes of 0 or 1", (y != 0) & (y != 1)),
        ("weights of 0 or more", w < 0),
    ):
        if wrong.any():
            raise InputError(
                f"expected {name}, got others in {wrong.sum()} of {p.size} samples. "
                "Check what was passed."
            )
    return Checked(p, y, w)


class Score(Protocol):
    """One number that says how good probabilities are."""

    name: ClassVar[str]

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples."""


@dataclass(frozen=True)
class LogLoss:
    """Cross-entropy in nats per sample; lower is better.

    Examples
    --------
    >>> round(LogLoss().compute(np.array([0.5, 0.5]), np.array([0, 1])), 6)
    0.693147
    """

    name: ClassVar[str] = "log_loss"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples."""
        p, y, w = checked(probability, outcome, weight)
        return float(metrics.log_loss(y, p, sample_weight=w, labels=[0, 1]))


@dataclass(frozen=True)
class InformationGain:
    """Nats per sample over the constant base rate of the same samples; higher is better.

    The base rate is known in hindsight, so this reference is deliberately hard.
    """

    name: ClassVar[str] = "information_gain"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples."""
        samples = checked(probability, outcome, weight)
        constant = np.full_like(samples.probability, samples.base_rate)
        reference = LogLoss().compute(constant, samples.outcome, samples.weight)
        return reference - LogLoss().compute(*samples)


@dataclass(frozen=True)
class Accuracy:
    """Share of samples on the right side of `threshold`; says little where events are rare."""

    threshold: float = 0.5
    name: ClassVar[str] = "accuracy"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples."""
        p, y, w = checked(probability, outcome, weight)
        return float(metrics.accuracy_score(y, p >= self.threshold, sample_weight=w))


@dataclass(frozen=True)
class Precision:
    """Share of the alarms (probability at `threshold` or above) in which it happened."""

    threshold: float = 0.5
    name: ClassVar[str] = "precision"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples; NaN without alarms."""
        p, y, w = checked(probability, outcome, weight)
        return _alarm_score(metrics.precision_score, p >= self.threshold, y, w)


@dataclass(frozen=True)
class Recall:
    """Share of the happenings that had an alarm (probability at `threshold` or above)."""

    threshold: float = 0.5
    name: ClassVar[str] = "recall"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples; NaN where nothing happened."""
        p, y, w = checked(probability, outcome, weight)
        return _alarm_score(metrics.recall_score, p >= self.threshold, y, w)


@dataclass(frozen=True)
class F1:
    """Harmonic mean of precision and recall at `threshold`."""

    threshold: float = 0.5
    name: ClassVar[str] = "f1"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples; NaN where nothing happened and no alarm was given."""
        p, y, w = checked(probability, outcome, weight)
        return _alarm_score(metrics.f1_score, p >= self.threshold, y, w)


def _alarm_score(
    score: "_SklearnScore", alarm: np.ndarray, outcome: np.ndarray, weight: np.ndarray
) -> float:
    return float(score(outcome, alarm, sample_weight=weight, zero_division=np.nan))


class _SklearnScore(Protocol):
    def __call__(
        self,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        *,
        sample_weight: np.ndarray,
        zero_division: float,
    ) -> float: ...


@dataclass(frozen=True)
class AveragePrecision:
    """Mean of the precision over all recalls; the base rate is what chance gives."""

    name: ClassVar[str] = "average_precision"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples; NaN where nothing happened."""
        samples = checked(probability, outcome, weight)
        if samples.base_rate == 0:
            return float("nan")
        p, y, w = samples
        return float(metrics.average_precision_score(y, p, sample_weight=w))


@dataclass(frozen=True)
class AUC:
    """Chance that a happening had a higher probability than a non-happening; never alone.

    Where earthquakes repeat their places, a one-parameter map has a high AUC: print a baseline's
    beside it.
    """

    name: ClassVar[str] = "auc"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples; NaN where all or nothing happened."""
        samples = checked(probability, outcome, weight)
        if samples.base_rate in (0.0, 1.0):
            return float("nan")
        p, y, w = samples
        return float(metrics.roc_auc_score(y, p, sample_weight=w))


@dataclass(frozen=True)
class Brier:
    """Mean squared error of the probability; lower is better."""

    name: ClassVar[str] = "brier"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples."""
        p, y, w = checked(probability, outcome, weight)
        return float(np.average((p - y) ** 2, weights=w))


@dataclass(frozen=True)
class BrierSkill:
    """Share of the Brier score of the constant base rate that is saved; 1 is perfect."""

    name: ClassVar[str] = "brier_skill"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples; NaN where all or nothing happened."""
        samples = checked(probability, outcome, weight)
        reference = samples.base_rate * (1 - samples.base_rate)
        return 1 - Brier().compute(*samples) / reference if reference > 0 else float("nan")


@dataclass(frozen=True)
class MolchanArea:
    """Area under the share of misses against the share of weight under alarm; 0.5 is chance.

    References
    ----------
    Molchan (1991), doi:10.1016/0040-1951(91)90336-Q.

    Examples
    --------
    Chance gives one half:

    >>> MolchanArea().compute(np.full(4, 0.2), np.array([0, 1, 0, 0]))
    0.5
    """

    name: ClassVar[str] = "molchan_area"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples; NaN where nothing happened."""
        samples = checked(probability, outcome, weight)
        if samples.base_rate == 0:
            return float("nan")
        alarm, missed, _ = alarm_curve(samples)
        return float(np.trapezoid(missed, alarm))


@dataclass(frozen=True)
class ExpectedOverObserved:
    """Sum of the probabilities over the happenings; 1 is calibrated in the mean."""

    name: ClassVar[str] = "expected_over_observed"

    def compute(
        self, probability: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Give the score of the samples; NaN where nothing happened."""
        p, y, w = checked(probability, outcome, weight)
        happened = float(np.dot(w, y))
        return float(np.dot(w, p)) / happened if happened > 0 else float("nan")


def alarm_curve(samples: Checked) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give share under alarm, share of misses and threshold, from no alarm to all; ties joined."""
    p, y, w = samples
    order = np.argsort(-p, kind="stable")
    threshold = p[order]
    last = np.append(np.flatnonzero(np.diff(threshold)), p.size - 1)
    alarm = np.cumsum(w[order])[last]
    hit = np.cumsum((w * y)[order])[last]
    return (
        np.append(0.0, alarm / alarm[-1]),
        np.append(1.0, 1 - hit / hit[-1]),
        np.append(np.inf, threshold[last]),
    )
