"""Scores of fault maps, against loops and limits."""

import numpy as np
import pytest

from graben.imaging.models.fault_scores import best_within, fault_scores, widened, within


def case(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.random((7, 8, 9)) < 0.06, generator.random((7, 8, 9)) < 0.04


@pytest.mark.parametrize("reach", [1.0, 1.5, 2.0])
def test_tolerance_equals_the_loop(reach: float) -> None:
    picked, fault = case()
    mask = np.ones(fault.shape, bool)
    mask[:2] = False

    def near(these: np.ndarray, those: np.ndarray) -> float:
        places, others = np.argwhere(these & mask), np.argwhere(those)
        return float(np.mean([min(np.hypot.reduce(others - p, axis=1)) <= reach for p in places]))

    found = within(picked, fault, reach, mask)
    precision, recall = near(picked, fault), near(fault, picked)
    assert (found.precision, found.recall) == pytest.approx((precision, recall))
    assert found.f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_nothing_to_count_is_nan_and_nothing_found_is_zero() -> None:
    _, fault = case()
    nothing = np.zeros_like(fault)
    assert np.isnan(within(nothing, nothing, 2.0).f1)
    assert within(nothing, fault, 2.0).recall == 0
    assert np.isnan(within(nothing, fault, 2.0).precision)


def test_the_best_threshold_is_found() -> None:
    _, fault = case()
    noise = np.random.default_rng(1).random(fault.shape)
    score, threshold = best_within(np.where(fault, 0.31 + 0.1 * noise, 0.29 * noise), fault, 0.0)
    assert score == 1.0
    assert 0.29 < threshold <= 0.31


def test_a_widened_label_equals_the_loop() -> None:
    _, fault = case()
    wide = widened(fault, 5)
    for i, j, k in np.ndindex(fault.shape):
        around = fault[i, max(j - 2, 0) : j + 3, max(k - 2, 0) : k + 3]
        assert wide[i, j, k] == around.any()


def test_a_perfect_map_scores_one_and_the_mask_hides_errors() -> None:
    _, fault = case()
    probability = np.where(fault, 0.9, 0.1)
    assert set(fault_scores(probability, fault).values()) == {1.0}
    wrong = probability.copy()
    wrong[0] = 0.95
    mask = np.ones(fault.shape, bool)
    mask[0] = False
    assert fault_scores(wrong, fault)["AP"] < 1
    masked = fault_scores(wrong, fault, reach=0.5, mask=mask)
    assert masked["AP"] == masked["F1 near"] == 1
