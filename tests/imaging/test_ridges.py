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
