"""Scores against brute force, identities and limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graben.errors import InputError
from graben.evaluation import (
    AUC,
    F1,
    Accuracy,
    AveragePrecision,
    Brier,
    BrierSkill,
    ExpectedOverObserved,
    InformationGain,
    LogLoss,
    MolchanArea,
    Precision,
    Recall,
)

ALL = (
    AUC(),
    F1(0.3),
    Accuracy(0.3),
    AveragePrecision(),
    Brier(),
    BrierSkill(),
    ExpectedOverObserved(),
    InformationGain(),
    LogLoss(),
    MolchanArea(),
    Precision(0.3),
    Recall(0.3),
)


def samples(seed: int = 0, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    p = np.round(generator.random(n), 1).clip(0.05, 0.95)  # many ties
    return p, (generator.random(n) < p).astype(float), generator.integers(1, 4, n).astype(float)


def brute(p: np.ndarray, y: np.ndarray, w: np.ndarray) -> dict[str, float]:
    base = sum(w * y) / sum(w)
    loss = constant = brier = right = tp = fp = fn = 0.0
    for pi, yi, wi in zip(p, y, w, strict=True):
        loss -= wi * np.log(pi if yi else 1 - pi)
        constant -= wi * np.log(base if yi else 1 - base)
        brier += wi * (pi - yi) ** 2
        alarm = pi >= 0.3
        right += wi * (alarm == yi)
        tp += wi * (alarm and yi)
        fp += wi * (alarm and not yi)
        fn += wi * (not alarm and yi)
    wins = pairs = 0.0
    for pi, wi in zip(p[y == 1], w[y == 1], strict=True):
        for pj, wj in zip(p[y == 0], w[y == 0], strict=True):
            wins += wi * wj * ((pi > pj) + 0.5 * (pi == pj))
            pairs += wi * wj
    ap = area = 0.0
    hit_before = alarm_before = 0.0
    for threshold in sorted(set(p), reverse=True):
        on = p >= threshold
        hit = sum((w * y)[on]) / sum(w * y)
        alarm = sum(w[on]) / sum(w)
        ap += (hit - hit_before) * sum((w * y)[on]) / sum(w[on])
        area += (alarm - alarm_before) * (2 - hit - hit_before) / 2
        hit_before, alarm_before = hit, alarm
    total = sum(w)
    return {
        "log_loss": loss / total,
        "information_gain": (constant - loss) / total,
        "brier": brier / total,
        "brier_skill": 1 - brier / total / (base * (1 - base)),
        "accuracy": right / total,
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "auc": wins / pairs,
        "average_precision": ap,
        "molchan_area": area,
        "expected_over_observed": sum(w * p) / sum(w * y),
    }


@pytest.mark.parametrize("score", ALL, ids=lambda score: score.name)
def test_a_score_equals_its_brute_force_twin(score) -> None:
    for seed in range(5):
        p, y, w = samples(seed)
        assert score.compute(p, y, w) == pytest.approx(brute(p, y, w)[score.name], rel=1e-9)


@pytest.mark.parametrize("score", ALL, ids=lambda score: score.name)
def test_a_weight_of_two_is_a_sample_twice_and_nan_is_masked(score) -> None:
    p, y, w = samples(1)
    repeated = np.repeat(p, w.astype(int)), np.repeat(y, w.astype(int))
    assert score.compute(p, y, w) == pytest.approx(score.compute(*repeated))
    masked = [np.append(values, 0.5).reshape(-1, 1) for values in (p, y.round(), w)]
    for hidden in range(3):
        holed = [values.copy() for values in masked]
        holed[1][-1] = 1
        holed[hidden][-1] = np.nan
        assert score.compute(*holed) == pytest.approx(score.compute(p, y, w))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 80))
def test_the_molchan_area_follows_from_the_auc(seed: int, n: int) -> None:
    p, y, w = samples(seed, n)
    if y.min() == y.max():
        return
    base = np.average(y, weights=w)
    expected = (1 - base) * (1 - AUC().compute(p, y, w)) + base / 2
    assert MolchanArea().compute(p, y, w) == pytest.approx(expected)


def test_limits() -> None:
    _, y, w = samples(2)
    base = np.full(y.shape, np.average(y, weights=w))
    assert InformationGain().compute(base, y, w) == pytest.approx(0, abs=1e-12)
    assert BrierSkill().compute(base, y, w) == pytest.approx(0, abs=1e-12)
    assert ExpectedOverObserved().compute(base, y, w) == pytest.approx(1)
    assert AUC().compute(base, y, w) == 0.5
    assert MolchanArea().compute(base, y, w) == pytest.approx(0.5)
    assert AveragePrecision().compute(base, y, w) == pytest.approx(base[0])
    assert LogLoss().compute(y, y, w) == pytest.approx(0, abs=1e-12)
    assert BrierSkill().compute(y, y, w) == 1
    assert AUC().compute(y, y, w) == AveragePrecision().compute(y, y, w) == 1
    assert AUC().compute(1 - y, y, w) == 0


@pytest.mark.parametrize("score", ALL, ids=lambda score: score.name)
def test_a_score_is_a_number_or_nan_where_nothing_happened(score) -> None:
    nothing = score.compute(np.array([0.1, 0.2]), np.zeros(2), np.ones(2))
    undefined = {
        "auc",
        "average_precision",
        "brier_skill",
        "expected_over_observed",
        "f1",
        "molchan_area",
        "precision",
        "recall",
    }
    assert np.isnan(nothing) == (score.name in undefined)


def test_wrong_samples_are_refused() -> None:
    ok = np.array([0.2, 0.4])
    for p, y, w, message in (
        (ok, np.array([0, 1, 1]), None, "one shape"),
        (np.array([0.2, 1.4]), np.array([0, 1]), None, "probabilities from 0 to 1"),
        (ok, np.array([0, 2]), None, "outcomes of 0 or 1"),
        (ok, np.array([0, 1]), np.array([1, -1]), "weights of 0 or more"),
        (ok * np.nan, np.array([0, 1]), None, "got none among 2"),
    ):
        with pytest.raises(InputError, match=message):
            LogLoss().compute(p, y, w)
