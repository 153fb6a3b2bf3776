"""Platt's calibration."""

import numpy as np
import pytest
from scipy.special import expit, logit

from graben.imaging.models.calibration import Platt, fit_platt


def test_a_known_distortion_is_undone() -> None:
    generator = np.random.default_rng(0)
    true = expit(generator.normal(-2, 2, 200_000))
    outcome = generator.random(true.size) < true
    said = expit((logit(true) - 0.7) / 0.6)  # so that logit true = 0.6 logit said + 0.7
    found = fit_platt(said, outcome)
    assert (found.slope, found.intercept) == (
        pytest.approx(0.6, abs=0.02),
        pytest.approx(0.7, abs=0.05),
    )
    np.testing.assert_allclose(Platt(0.6, 0.7).of_probability(said), true, atol=1e-3)


def test_certainty_stays_finite_and_one_sided_outcomes_change_nothing() -> None:
    assert np.isfinite(Platt(2.0, 1.0).of_probability(np.array([0.0, 1.0]))).all()
    assert fit_platt(np.array([0.2, 0.9]), np.array([True, True])) == Platt(1.0, 0.0)


def test_what_says_the_same_everywhere_becomes_the_base_rate() -> None:
    outcome = np.arange(1000) % 10 == 0
    for said in (np.full(1000, 0.6), np.linspace(0.6, 0.6 + 1e-9, 1000)):
        found = fit_platt(said, outcome)
        np.testing.assert_allclose(found.of_probability(said), 0.1, atol=1e-3)


def test_logits_are_calibrated_as_their_probabilities() -> None:
    logits, calibration = np.linspace(-40, 40, 321), Platt(0.6, 0.7)
    found = calibration.of_logits(logits)
    np.testing.assert_allclose(found, calibration.of_probability(expit(logits)), atol=1e-6)
    assert found.max() < 1
    assert found.min() > 0
