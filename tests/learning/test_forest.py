import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from graben.learning.forest import FEATURES_TRIED, NOISE, TREES, Forest, grow


@pytest.fixture(scope="module")
def samples():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(90, 7)).astype(np.float32)
    codes = 1 + (x[:, 2] > 0.3) + (x[:, 5] > 0)
    return x, codes


def test_the_arrays_answer_as_the_trees_that_were_grown(samples):
    x, codes = samples
    again = np.random.default_rng(1).normal(size=(500, 7)).astype(np.float32)
    ours = grow(x, codes, 3, seed=4).probabilities(again)
    theirs = ExtraTreesClassifier(
        TREES, max_features=FEATURES_TRIED, class_weight="balanced", random_state=4
    )
    theirs = theirs.fit(x, codes).predict_proba(again)
    np.testing.assert_allclose(ours, (1 - NOISE) * theirs + NOISE / 3, atol=1e-5)


def test_a_class_without_samples_keeps_its_place(samples):
    x, codes = samples
    found = grow(x, np.where(codes == 2, 4, codes), 5, seed=0).probabilities(x)
    assert found.shape == (90, 5)
    np.testing.assert_allclose(found[:, [1, 4]], NOISE / 5, rtol=1e-5)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
    assert (found.argmax(1) + 1 == np.where(codes == 2, 4, codes)).all()


def test_the_seed_decides(samples):
    x, codes = samples
    first, again, other = (grow(x, codes, 3, seed).probabilities(-x) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_forest_is_its_arrays(samples):
    x, codes = samples
    forest = grow(x, codes, 3, seed=0)
    assert np.array_equal(Forest(**forest.arrays()).probabilities(x), forest.probabilities(x))
