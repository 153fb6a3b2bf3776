from itertools import product

import numpy as np
import pytest
from scipy import ndimage

from graben.imaging.ridges import Thinning, thin
from graben.tiling import InMemory, map_tiles


def slab(normal, width=2.0, shape=(24, 24, 24)):
    """Probability that falls off on both sides of a plane through the middle."""
    grid = np.indices(shape) - np.array(shape).reshape(3, 1, 1, 1) / 2 + 0.5
    unit = np.array(normal, float) / np.linalg.norm(normal)
    distance = np.tensordot(unit, grid, 1)
    return np.exp(-((distance / width) ** 2)).astype(np.float32), distance


@pytest.mark.parametrize("normal", [(1, 0, 0), (0, 1, 0), (0, 1, 0.4), (1, 1, 0.3), (0.2, 1, 1)])
def test_a_slab_is_thinned_to_its_middle(normal):
    probability, distance = slab(normal)
    kept = thin(probability) > 0
    inner = np.s_[4:-4, 4:-4, 4:-4]
    assert np.abs(distance[inner][kept[inner]]).max() <= 1.0
    # nothing of the plane is lost: it still parts the block in two
    _, parts = ndimage.label(~kept[inner])
    assert parts == 2 or kept[inner].sum() >= 0.7 * 16**2


def test_a_saturated_slab_keeps_one_sample():
    wall = np.zeros((1, 21, 10), np.float32)
    wall[0, 8:13] = 1.0
    assert (thin(wall)[0] > 0).sum(0).tolist() == [1] * 10
    assert thin(wall)[0, 10].all()


def test_what_is_below_the_threshold_goes_and_values_stay():
    probability, _ = slab((0, 1, 0))
    assert not thin(0.4 * probability).any()
    kept = thin(probability, 0.3)
    np.testing.assert_array_equal(kept[kept > 0], probability[kept > 0])


def test_tiles_give_what_the_whole_gives(tmp_path):
    field = np.random.default_rng(0).random((20, 22, 18), dtype=np.float32)
    field = ndimage.gaussian_filter(field, 1.5)
    field = (field - field.min()) / np.ptp(field)
    function = Thinning(0.4)
    paths = map_tiles(
        function, InMemory(field), {"thinned": np.float32}, (7, 9, 18), function.halo, tmp_path, {}
    )
    np.testing.assert_array_equal(np.load(paths["thinned"]), thin(field, 0.4))


def test_a_line_is_thinned_within_its_plane():
    probability, _ = slab((0, 1, 0), shape=(1, 30, 12))
    assert (thin(probability)[0] > 0).sum(0).tolist() == [1] * 12
    across = np.ascontiguousarray(probability.transpose(1, 0, 2))
    np.testing.assert_array_equal(thin(across)[:, 0], thin(probability)[0])


def test_what_is_unknown_is_no_crest():
    probability, _ = slab((0, 1, 0))
    probability[10:14, :, 8:12] = np.nan
    kept = thin(probability)
    assert not np.isnan(kept).any()
    assert not kept[10:14, :, 8:12].any()
    np.testing.assert_array_equal(kept[:7], thin(slab((0, 1, 0))[0])[:7])


def thinned_by_definition(probability, threshold):
    """The crest by scipy's filter and one direction after the other."""
    smooth = probability.astype(float)
    for axis in range(3):
        smooth = ndimage.correlate1d(smooth, np.array([1, 4, 6, 4, 1]) / 16, axis, mode="reflect")
    most, crest = np.full(smooth.shape, -1.0), np.zeros(smooth.shape, bool)
    for step in product((-1, 0, 1), repeat=3):
        if step <= (0, 0, 0):
            continue
        beside = np.pad(smooth, 1, constant_values=np.nan)
        ahead, behind = (np.roll(beside, sign, (0, 1, 2))[1:-1, 1:-1, 1:-1]
                         for sign in ([-s for s in step], step))  # fmt: skip
        bend = (2 * smooth - ahead - behind) / np.square(step).sum()
        sharper = bend > most
        most[sharper] = bend[sharper]
        crest[sharper] = ((smooth >= ahead) & (smooth > behind))[sharper]
    return np.where(crest & (probability >= threshold), probability, 0)


@pytest.mark.parametrize("shape", [(9, 11, 13), (1, 14, 15), (12, 1, 15), (2, 9, 3)])
def test_thinning_is_that_of_its_definition(shape):
    field = np.random.default_rng(3).random(shape)
    field = ndimage.gaussian_filter(field, 1.0)
    field = ((field - field.min()) / np.ptp(field)).astype(np.float32)
    kept = thin(field, 0.4)
    assert (kept > 0).sum() > 3
    np.testing.assert_array_equal(kept, thinned_by_definition(field, 0.4))
