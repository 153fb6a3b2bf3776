import numpy as np
import pytest
from scipy.special import expit

from graben.quakes.models.calibration import RESAMPLES, Calibration, fit_calibration


@pytest.fixture(scope="module")
def simulated():
    """Outcomes drawn from logit P = 0.3 + 0.8 log(expected), 300 windows of 400 places."""
    rng = np.random.default_rng(0)
    expected = np.exp(rng.normal(-4, 1.5, (300, 400))).astype(np.float32)
    outcomes = rng.random(expected.shape) < expit(0.3 + 0.8 * np.log(expected))
    return expected, outcomes, rng.uniform(0.5, 1, 400)


def test_a_known_calibration_is_recovered_within_its_own_spread(simulated):
    found = fit_calibration(*simulated)
    assert found.intercept == pytest.approx(0.3, abs=0.12)
    assert found.slope == pytest.approx(0.8, abs=0.03)
    assert found.resampled.shape == (RESAMPLES, 2)
    assert (found.resampled.min(axis=0) < [0.36, 0.81]).all()
    assert (found.resampled.max(axis=0) > [0.24, 0.79]).all()
    assert (found.resampled.std(axis=0) < [0.15, 0.03]).all()


def test_probabilities_sum_to_what_was_observed(simulated):
    expected, outcomes, weight = simulated
    probability = fit_calibration(*simulated).probability(expected)
    assert (probability @ weight).sum() == pytest.approx((outcomes @ weight).sum(), rel=0.01)


def test_grouping_changes_nothing_that_matters(simulated):
    """Against the same likelihood maximised over every single sample, by Newton's method."""
    expected, outcomes, weight = simulated
    x, y = np.log(expected.astype(float)).ravel(), outcomes.ravel()
    w, b = np.tile(weight, len(expected)), np.array([-1.0, 1.0])
    design = np.stack([np.ones_like(x), x])
    for _ in range(30):
        p = expit(b @ design)
        b = b + np.linalg.solve((design * (w * p * (1 - p))) @ design.T, design @ (w * (y - p)))
    found = fit_calibration(*simulated)
    np.testing.assert_allclose([found.intercept, found.slope], b, rtol=2e-3)


def test_places_of_no_weight_do_not_count(simulated):
    expected, outcomes, weight = simulated
    half = np.where(np.arange(400) < 200, weight, 0)
    wrong = outcomes.copy()
    wrong[:, 200:] = True
    spoilt = fit_calibration(expected, wrong, half)
    clean = fit_calibration(expected[:, :200], outcomes[:, :200], weight[:200])
    assert spoilt.slope == pytest.approx(clean.slope, abs=2e-3)


def test_the_same_seed_resamples_the_same(simulated):
    again = [fit_calibration(*simulated, seed=3).resampled for _ in range(2)]
    np.testing.assert_array_equal(*again)
    assert (fit_calibration(*simulated, seed=4).resampled != again[0]).any()


def test_spread_takes_members_in_turn_under_each_resample():
    calibration = Calibration(0.0, 1.0, np.array([[0.0, 1.0], [0.5, 0.9], [0.1, 1.1]]))
    members = np.array([[0.01, 0.2], [0.02, 0.1]])
    found = calibration.spread(members)
    for i, (intercept, slope) in enumerate(calibration.resampled):
        exact = expit(intercept + slope * np.log(members[i % 2]))
        np.testing.assert_allclose(found[i], exact, rtol=1e-6)


def test_few_windows_are_enough(simulated):
    expected, outcomes, weight = simulated
    found = fit_calibration(expected[:14], outcomes[:14], weight)
    assert np.isfinite(found.resampled).all()


@pytest.mark.parametrize("name", ["uniform", "stationary", "omori", "grid-cnn"])
def test_every_model_of_rates_expects_what_its_training_saw(study, seen, rate_models, name):
    training = study.windows_of("training")
    probability = rate_models[name].calibration(100.0).probability(seen[name].part(training).discs)
    hits = study.outcomes[training]
    assert (probability @ study.place_weight).sum() == pytest.approx(
        (hits @ study.place_weight).sum(), rel=0.01
    )
