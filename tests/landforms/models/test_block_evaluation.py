import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from graben.landforms.models.block_evaluation import (
    BUFFER,
    BlockEvaluation,
    evaluate_by_blocks,
    rates,
    temperature_of,
)
from graben.learning.forest import tempered

NAMES = ("a", "b", "c")


@pytest.fixture
def cells():
    generator = np.random.default_rng(0)
    rows, columns = generator.integers(0, 800, (2, 300))
    return generator.integers(1, 4, 300), rows, columns


def test_no_block_nor_its_surroundings_is_learned_from(cells):
    codes, rows, columns = cells
    seen = []

    def answer(learned, held_out):
        seen.append((learned, held_out))
        return np.full((len(held_out), 3), 1 / 3)

    found = evaluate_by_blocks(NAMES, codes, rows, columns, answer)
    assert np.array_equal(np.sort(np.concatenate([held for _, held in seen])), np.arange(300))
    side = found.block_cells
    for learned, held_out in seen:
        corners = {(rows[i] // side * side, columns[i] // side * side) for i in held_out}
        for top, left in corners:
            down = np.maximum(top - rows[learned], rows[learned] - (top + side))
            right = np.maximum(left - columns[learned], columns[learned] - (left + side))
            assert (np.maximum(down, right) >= BUFFER * side).all()


def test_a_model_that_knows_nothing_but_its_neighbours_is_found_out():
    # classes in stripes as narrow as a block's buffer: the nearest label is of no use elsewhere
    generator = np.random.default_rng(1)
    rows, columns = generator.integers(0, 400, (2, 600))
    codes = generator.integers(1, 3, (40, 40))[rows // 10, columns // 10]

    def answer(learned, held_out):
        apart = (rows[learned][:, None] - rows[held_out]) ** 2 + (
            columns[learned][:, None] - columns[held_out]
        ) ** 2
        return np.eye(2)[codes[learned][apart.argmin(axis=0)] - 1]

    found = evaluate_by_blocks(("a", "b"), codes, rows, columns, answer)
    assert found.scores()["all"]["accuracy"].value < 0.6


def test_labels_in_one_place_cannot_be_held_out():
    codes = np.array([1, 2, 1, 2])
    places = np.array([5, 6, 7, 8])
    assert evaluate_by_blocks(NAMES, codes, places, places, lambda *_: None) is None


def test_rates_are_those_of_scikit_learn():
    generator = np.random.default_rng(2)
    codes, answers = generator.integers(0, 3, (2, 200))
    confusion = np.zeros((1, 3, 3))
    np.add.at(confusion[0], (codes, answers), 1)
    found = rates(confusion)
    precision, recall, f1, _ = precision_recall_fscore_support(codes, answers)
    for name, expected in (("precision", precision), ("recall", recall), ("F1", f1)):
        np.testing.assert_allclose(found[name][0, :3], expected)
        np.testing.assert_allclose(found[name][0, 3], expected.mean())
    np.testing.assert_allclose(found["accuracy"][0, 3], accuracy_score(codes, answers))


def test_a_class_that_does_not_occur_has_no_f1():
    found = rates(np.array([[[5, 0, 1], [1, 4, 0], [0, 0, 0]]]))
    assert np.isnan(found["F1"][0, 2])
    np.testing.assert_allclose(found["F1"][0, 3], np.nanmean(found["F1"][0, :3]))


def evaluation(p, codes):
    return BlockEvaluation(NAMES, codes, p, np.arange(len(codes)) % 7, 50, 10.0)


def test_the_temperature_that_spoiled_the_probabilities_is_found():
    generator = np.random.default_rng(3)
    honest = generator.dirichlet([0.7, 0.7, 0.7], 4000).clip(1e-4)
    honest /= honest.sum(axis=1, keepdims=True)
    codes = 1 + (generator.random(4000)[:, None] > honest.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    found = temperature_of(evaluation(tempered(honest, 1 / 2.0), codes))
    assert found == pytest.approx(2.0, rel=0.08)


def test_intervals_hold_the_value_and_shrink_with_blocks():
    generator = np.random.default_rng(4)
    codes = generator.integers(1, 4, 700)
    p = np.eye(3)[np.where(generator.random(700) < 0.8, codes, generator.integers(1, 4, 700)) - 1]
    few = BlockEvaluation(NAMES, codes, p, np.arange(700) % 5, 50, 10.0).scores()["all"]["F1"]
    many = BlockEvaluation(NAMES, codes, p, np.arange(700) % 70, 50, 10.0).scores()["all"]["F1"]
    assert few.value == many.value
    assert many.low < many.value < many.high
    assert many.value == pytest.approx(0.8 + 0.2 / 3, abs=0.04)
