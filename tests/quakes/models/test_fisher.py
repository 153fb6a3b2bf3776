import numpy as np
import pytest

from graben.errors import ModelError
from graben.quakes.models.fisher import LARGEST_STEP, Likelihood, maximise

TOP = np.array([2.0, -1.0, 0.5])
CURVE = np.array([[2.0, 0.6, 0.0], [0.6, 1.0, 0.3], [0.0, 0.3, 0.5]])
FAR = np.full(3, 100.0)


def hill(at):
    away = at - TOP
    return Likelihood(float(-away @ CURVE @ away / 2), -CURVE @ away, CURVE)


def poisson_regression(seed=3):
    """Counts of known rates exp(x b); Fisher scoring is not exact for it."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(500), rng.normal(size=(500, 2))])
    count = rng.poisson(np.exp(x @ [0.5, 1.0, -0.7]))

    def likelihood(at):
        rate = np.exp(x @ at)
        return Likelihood(
            float((count * (x @ at) - rate).mean()),
            x.T @ (count - rate) / 500,
            (x * rate[:, None]).T @ x / 500,
        )

    return likelihood


def test_it_finds_a_known_maximum():
    found = maximise(hill, np.array([-9.0, 9.0, 0.0]), (-FAR, FAR), 1e-12)
    np.testing.assert_allclose(found.at, TOP, atol=1e-4)
    assert found.likelihood.value == pytest.approx(0, abs=1e-8)
    assert found.evaluations < 30


def test_at_the_maximum_of_a_curved_likelihood_slopes_vanish():
    found = maximise(poisson_regression(), np.zeros(3), (-FAR, FAR), 1e-14)
    np.testing.assert_allclose(found.likelihood.slopes, 0, atol=1e-5)
    np.testing.assert_allclose(found.at, [0.5, 1.0, -0.7], atol=0.1)


def test_a_parameter_rests_on_its_bound_and_the_others_take_their_best():
    low, high = -FAR, np.array([1.0, 100.0, 100.0])
    found = maximise(hill, np.zeros(3), (low, high), 1e-13)
    assert found.at[0] == 1.0
    rest = TOP[1:] - np.linalg.solve(CURVE[1:, 1:], CURVE[1:, 0] * (1.0 - TOP[0]))
    np.testing.assert_allclose(found.at[1:], rest, atol=1e-3)


def test_it_leaves_a_bound_that_it_should_not_rest_on():
    low = np.array([-5.0, -100.0, -100.0])
    found = maximise(hill, np.array([-5.0, 0.0, 0.0]), (low, FAR), 1e-13)
    np.testing.assert_allclose(found.at, TOP, atol=1e-4)


def test_a_start_outside_the_bounds_is_brought_inside():
    low, high = np.full(3, -3.0), np.full(3, 3.0)
    asked = []

    def watched(at):
        asked.append(at.copy())
        return hill(at)

    maximise(watched, np.full(3, 50.0), (low, high), 1e-12)
    assert (np.abs(asked) <= 3.0).all()


def test_what_it_returns_is_the_best_it_saw_though_curvature_misleads():
    seen = []

    def misleading(at):
        found = hill(at)
        seen.append(found.value)
        flat = Likelihood(found.value, found.slopes, CURVE / 30)  # steps 30 times too long
        return flat if np.abs(at).max() < 20 else Likelihood(np.nan, found.slopes, CURVE)

    found = maximise(misleading, np.array([-9.0, 9.0, 0.0]), (-FAR, FAR), 1e-10)
    assert found.evaluations == len(seen)
    assert found.likelihood.value == max(seen)
    assert found.likelihood.value > -1e-3
    assert min(np.diff(seen)) < 0  # some were tried and refused


def test_steps_are_held_short():
    asked = []

    def watched(at):
        asked.append(at.copy())
        return hill(at)

    maximise(watched, np.array([-50.0, 0.0, 0.0]), (-FAR, FAR), 1e-9)
    assert np.abs(asked[1] - asked[0]).max() == pytest.approx(LARGEST_STEP)


def test_parameters_without_curvature_do_no_harm():
    def flat(at):
        found = hill(at[:3])
        wide = np.zeros((4, 4))
        wide[:3, :3] = CURVE
        return Likelihood(found.value, np.append(found.slopes, 0.0), wide)

    found = maximise(flat, np.zeros(4), (-np.full(4, 9.0), np.full(4, 9.0)), 1e-12)
    np.testing.assert_allclose(found.at, np.append(TOP, 0.0), atol=1e-4)


def test_a_likelihood_that_is_not_finite_is_refused():
    with pytest.raises(ModelError, match=r"at the first guess\. Check that magnitudes"):
        maximise(lambda at: Likelihood(np.nan, at, CURVE), np.zeros(3), (-FAR, FAR), 1e-6)
