import numpy as np
import pytest
from scipy import ndimage

from graben.imaging.models.structure_objects import (
    Matches,
    agrees,
    connected,
    match,
    objects_of,
)


def test_objects_are_those_of_a_dense_labelling():
    mask = np.random.default_rng(1).random((14, 9, 11)) < 0.06
    numbers, count = ndimage.label(mask, np.ones((3, 3, 3)))
    found = objects_of(mask)
    assert len(found) == count
    sparse = [np.flatnonzero(mask)[one] for one in connected(np.argwhere(mask))]
    assert {frozenset(one.tolist()) for one in sparse} == {frozenset(one.tolist()) for one in found}
    expected = {frozenset(np.flatnonzero(numbers == n).tolist()) for n in range(1, count + 1)}
    assert {frozenset(one.tolist()) for one in found} == expected
    sizes = [len(one) for one in found]
    assert sizes == sorted(sizes, reverse=True)


def test_opposite_sides_of_a_volume_do_not_touch():
    mask = np.zeros((4, 4, 4), bool)
    mask[0, 0, 3] = mask[0, 1, 0] = True
    assert len(objects_of(mask)) == 2


def test_small_objects_and_empty_masks():
    mask = np.zeros((5, 5, 5), bool)
    assert objects_of(mask) == []
    mask[0, 0, :3] = mask[4, 4, 4] = True
    assert [len(one) for one in objects_of(mask, 2)] == [3]
    assert connected(np.empty((0, 3), np.int64)) == []


@pytest.mark.parametrize(
    ("both", "said", "true", "expected"),
    [
        (10, 10, 10, (True, True)),
        (2, 10, 10, (False, False)),
        (4, 10, 10, (True, True)),  # 4 of 16: more than a fifth
        (10, 100, 10, (False, True)),  # all of the true one, but a tenth of what was said
        (10, 10, 100, (True, False)),
    ],
)
def test_when_objects_agree(both, said, true, expected):
    assert agrees(both, said, true) == expected


def test_precision_and_recall_of_objects():
    true = [np.arange(0, 10), np.arange(50, 60), np.arange(90, 95)]
    said = [np.arange(0, 9), np.arange(200, 210)]
    matches, right = match(said, true)
    assert right == [True, False]
    assert matches == Matches(1, 2, 1, 3)
    assert (matches.precision, matches.recall) == (0.5, pytest.approx(1 / 3))
    assert matches.f1 == pytest.approx(0.4)
    assert matches + matches == Matches(2, 4, 2, 6)


def test_nothing_said_or_nothing_there():
    assert match([], [])[0] == Matches(0, 0, 0, 0)
    assert np.isnan(Matches(0, 0, 0, 0).f1)
    assert match([np.arange(3)], [])[0].f1 == 0
    assert np.isnan(match([], [np.arange(3)])[0].precision)
