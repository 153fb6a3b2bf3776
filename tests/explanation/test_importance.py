"""Permutation importance against its expectation."""

import numpy as np
import pytest

from graben.errors import InputError
from graben.explanation import permutation_importance


def test_a_linear_model_loses_twice_its_squared_weights() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(20_000, 3))
    weights = np.array([2.0, 0.0, -1.0])

    def score(output: np.ndarray) -> float:
        return -float(np.mean((output - x @ weights) ** 2))

    found = permutation_importance(lambda x: x @ weights, x, score, repeats=4)
    assert found.score == 0
    np.testing.assert_allclose(found.mean, 2 * weights**2, rtol=0.05, atol=1e-12)
    assert (found.sd[[0, 2]] > 0).all()
    assert found.sd[1] == 0


def test_a_channel_of_pixels_is_shuffled_as_a_whole_and_the_input_stays() -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(size=(50, 2, 4, 4))
    before = x.copy()
    seen = []

    def predict(x: np.ndarray) -> np.ndarray:
        seen.append(x.copy())
        return x.mean(axis=(1, 2, 3))

    def score(output: np.ndarray) -> float:
        return float(output.mean())

    first = permutation_importance(predict, x, score, repeats=1, seed=5)
    np.testing.assert_array_equal(x, before)
    rows = {row.tobytes() for row in x[:, 0]}
    assert {row.tobytes() for row in seen[1][:, 0]} == rows
    np.testing.assert_array_equal(seen[1][:, 1], x[:, 1])
    assert np.isnan(first.sd).all()
    again = permutation_importance(predict, x, score, repeats=1, seed=5)
    np.testing.assert_array_equal(first.mean, again.mean)
    with pytest.raises(InputError, match="at least 2 samples"):
        permutation_importance(predict, x[:1], score)
