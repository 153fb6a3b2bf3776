from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from graben.imaging import Amplitudes
from graben.imaging.models.layer_net import LayerNet, LayerNetConfig
from graben.imaging.models.structure import Candidates, StructureNet
from graben.imaging.models.structure_tiles import block_starts, block_weight, see_volume
from graben.learning.nets import UNet, UNetConfig
from graben.tiling import InMemory

AS_THEY_ARE = Amplitudes(0.0, 1.0, 1e9)


@dataclass(frozen=True, eq=False)
class Reader(StructureNet):
    """Says that time less the sample is the image, up to a constant of each block."""

    def looks(self, image, sides=1):
        return np.stack([image, -image, np.zeros_like(image)]).astype(np.float32)

    def time(self, image):
        return image - image.mean()


@pytest.fixture(scope="module")
def reader():
    config = UNetConfig(3, 5, 3, width=2, depth=0, stem=2)
    return Reader(
        UNet(config).eval(),
        LayerNet(LayerNetConfig(4, 4, (1,))).eval(),
        {},
        {"closure": Candidates(0.5, 1)},
    )


def plane(shape, tilt):
    grid = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in shape), indexing="ij")
    return sum(slope * axis for slope, axis in zip(tilt, grid, strict=True))


def test_blocks_agree_on_the_time_of_a_tilted_plane(reader, tmp_path):
    shape = (260, 20, 330)
    image = plane(shape, (0.2, -0.3, 0.0))
    seen = see_volume(reader, InMemory(image), AS_THEY_ARE, tmp_path, timed=True)
    assert len(seen.times.corners) == 2 * 1 * 3
    assert list(seen.slabs("looking")) == [(0, 260)]
    time = seen.time(0, 260)
    residual = time - np.arange(330)
    expected = image - image.mean()
    np.testing.assert_allclose(residual - residual.mean(), expected - expected.mean(), atol=0.2)
    horizon_tilt = np.diff(time[:, 3, 50]).mean()
    assert horizon_tilt == pytest.approx(0.2, abs=0.01)


def test_slabs_are_parts_of_the_whole(reader, tmp_path):
    image = plane((100, 12, 40), (0.3, 0.1, 0.0))
    seen = see_volume(reader, InMemory(image), AS_THEY_ARE, tmp_path, timed=True)
    np.testing.assert_allclose(seen.time(37, 61), seen.time(0, 100)[37:61], atol=1e-5)
    whole, part = seen.probability(0, 100), seen.probability(37, 61)
    np.testing.assert_allclose(part, whole[:, 37:61], atol=1e-6)


def test_probabilities_of_blocks_are_blended(reader, tmp_path):
    image = np.full((100, 16, 16), 2.0, np.float32)
    seen = see_volume(reader, InMemory(image), AS_THEY_ARE, tmp_path, timed=False)
    assert seen.times is None
    probability = seen.probability(0, 100)
    np.testing.assert_allclose(probability[0], 1 / (1 + np.exp(-2)), rtol=1e-3)
    np.testing.assert_allclose(probability[1], 1 / (1 + np.exp(2)), rtol=1e-3)


def test_nothing_is_said_where_nothing_was_recorded(reader, tmp_path):
    image = np.full((9, 16, 30), 2.0, np.float32)
    image[:, :, :7] = image[:, :, 25:] = 0  # water, and a mute
    image[4, 5] = 0  # a gap of one trace
    image[:, 10:] = 0  # and a wide one
    image[2, 2, 12] = 0
    seen = see_volume(reader, InMemory(image), AS_THEY_ARE, tmp_path, timed=False)
    expected = np.zeros(image.shape, bool)
    expected[:, :12, 7:25] = True  # two traces beside what was recorded
    np.testing.assert_array_equal(seen.recorded(0, 9), expected)
    np.testing.assert_array_equal(seen.recorded(4, 5), expected[4:5])
    assert (seen.probability(3, 6) > 0).all(0).tolist() == expected[3:6].tolist()


@pytest.mark.parametrize("side", [1, 95, 96, 97, 160, 161, 1000])
def test_blocks_cover_every_sample_and_overlap(side):
    starts = block_starts(side, 96, 32)
    assert starts[0] == 0
    assert max(starts[-1], 0) + 96 >= side
    assert all(later - one <= 96 - 32 for one, later in pairwise(starts))
    assert len(set(starts)) == len(starts)


def test_weights_are_least_at_the_rim():
    weight = block_weight((8, 8, 8))
    assert weight.min() == weight[0, 0, 0] > 0
    assert weight.max() == pytest.approx(weight[4, 4, 4])
