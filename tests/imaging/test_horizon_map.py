from dataclasses import dataclass

import numpy as np
import pytest

from graben.errors import SeismicError
from graben.imaging import in_memory_volume
from graben.imaging.horizon_map import Seed, find_horizons, place_of, stacked_seeds
from graben.imaging.models.layer_net import LayerNet, LayerNetConfig
from graben.imaging.models.structure import StructureNet
from graben.imaging.models.structure_tiles import Mosaic, SeenVolume
from graben.learning.nets import UNet, UNetConfig

SHAPE = (12, 16, 60)


@dataclass(frozen=True, eq=False)
class Known(SeenVolume):
    """A volume whose time is known."""

    def time(self, first, last):
        i, j, k = np.mgrid[first:last, : SHAPE[1], : SHAPE[2]].astype(np.float32)
        return k - 0.5 * i + 0.25 * j + 8 * ((j >= 10) & (k >= 30))

    def probability(self, first, last):
        salt = np.zeros((3, last - first, *SHAPE[1:]), np.float32)
        salt[0, :, :2, 40:] = 1
        return salt


def volume_of(samples):
    return in_memory_volume(samples, first_sample=200.0, inlines=range(100, 124, 2))


@pytest.fixture
def volume():
    return volume_of(np.random.default_rng(0).normal(size=SHAPE))


@pytest.fixture
def seen(tmp_path, volume):
    return known(tmp_path, volume)


def known(tmp_path, volume):
    net = StructureNet(
        UNet(UNetConfig(3, 5, 3, width=2, depth=0)).eval(),
        LayerNet(LayerNetConfig(4, 4, (1,))).eval(),
    )
    return Known(net, volume, Mosaic(SHAPE, tmp_path, (), np.zeros(0), 3))


def test_a_tilted_plane_gives_tilted_horizons(volume, seen):
    [one] = find_horizons(volume, [Seed(108, 5, 200 + 4 * 20)], seen)
    i, j = np.mgrid[:12, :10]
    expected = 200 + 4 * (20 + 0.5 * (i - 4) - 0.25 * (j - 4))
    np.testing.assert_allclose(one.depth[:, :10], expected, atol=1e-3)


def test_horizons_are_left_out_where_a_fault_cuts_them_and_in_salt(volume, seen):
    shallow, deep = find_horizons(
        volume, [Seed(108, 5, 200 + 4 * 29), Seed(108, 5, 200 + 4 * 45)], seen
    )
    assert np.isnan(shallow.depth[11, 12])  # 8 samples of layers are gone below sample 29
    assert np.isfinite(shallow.depth[0, 12])
    assert np.isnan(deep.depth[:, :2]).all()
    assert np.isfinite(deep.depth[4, 5])


def test_there_is_no_horizon_where_there_is_no_trace(volume, seen):
    volume.missing[3, 7] = True
    [one] = find_horizons(volume, [Seed(108, 5, 280.0)], seen)
    assert np.isnan(one.depth[3, 7])
    assert np.isfinite(one.depth[3, 6])
    with pytest.raises(SeismicError, match="there is none at inline 106, crossline 8"):
        find_horizons(volume, [Seed(106, 8, 280.0)], seen)


def test_there_is_no_horizon_in_water(tmp_path, volume):
    samples = volume.read(tuple(slice(0, side) for side in SHAPE))
    samples[:6, :, :25] = 0
    muted = volume_of(samples)
    [one] = find_horizons(muted, [Seed(116, 5, 280.0)], known(tmp_path, muted))
    # two inlines beside what was recorded, a gap counts as recorded
    assert np.isnan(one.depth[:4, :10]).all()
    assert np.isfinite(one.depth[4:, :10]).all()
    with pytest.raises(SeismicError, match="got zeros at 280 ms on inline 102, crossline 5"):
        find_horizons(muted, [Seed(102, 5, 280.0)], known(tmp_path, muted))
    through = stacked_seeds(muted, 40.0, Seed(102, 5, 310.0))
    assert [one.depth for one in through] == [310, 350, 390, 430]
    assert [one.depth for one in stacked_seeds(muted, 100.0)] == [300, 400]


def test_a_dead_trace_in_the_middle_is_passed_over(volume):
    samples = volume.read(tuple(slice(0, side) for side in SHAPE))
    samples[5, 7] = 0
    seeds = stacked_seeds(volume_of(samples), 100.0)
    assert [one.depth for one in seeds] == [200, 300, 400]
    assert {(one.inline, one.crossline) for one in seeds} == {(110, 9)}
    assert stacked_seeds(volume_of(np.zeros(SHAPE)), 100.0) == []


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        (Seed(101, 5, 280.0), "inlines 100 to 122, got 101"),
        (Seed(108, 99, 280.0), "crosslines 1 to 16, got 99"),
        (Seed(108, 5, 100.0), "from 200 to 436 ms, got 100"),
        (Seed(108, 5, float("nan")), "got nan"),
    ],
)
def test_a_seed_outside_the_volume_is_refused(volume, seed, said):
    with pytest.raises(SeismicError, match=said):
        place_of(volume, seed)


def test_no_horizons_or_too_many(volume, seen):
    with pytest.raises(SeismicError, match="1 to 200 horizons, got 0"):
        find_horizons(volume, [], seen)
    with pytest.raises(SeismicError, match="got 201"):
        find_horizons(volume, [Seed(108, 5, 280.0)] * 201, seen)


def test_a_stack_of_seeds_holds_the_one_given(volume):
    seeds = stacked_seeds(volume, 40.0, Seed(108, 5, 290.0))
    assert [one.depth for one in seeds] == [210, 250, 290, 330, 370, 410]
    assert {(one.inline, one.crossline) for one in seeds} == {(108, 5)}
    middle = stacked_seeds(volume, 100.0)
    assert {(one.inline, one.crossline) for one in middle} == {(110, 8)}
    assert [one.depth for one in middle] == [200, 300, 400]
    with pytest.raises(SeismicError, match="4 ms apart or more"):
        stacked_seeds(volume, 1.0)
