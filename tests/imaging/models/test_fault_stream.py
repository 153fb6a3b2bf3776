"""A net that walks through a volume says what it says of the whole."""

import pickle

import numpy as np
import pytest
import torch
from scipy.special import expit

from graben.imaging.amplitudes import Amplitudes
from graben.imaging.models import fault_stream
from graben.imaging.models.fault_stream import FaultWalk, lane_size, stream_faults
from graben.imaging.models.fault_tiles import state_of
from graben.imaging.models.section_faults import net_logits
from graben.learning.nets import UNet, UNetConfig, folded
from graben.tiling import InMemory

AMPLITUDES = Amplitudes(mean=3.0, std=100.0, clip=6.0)


@pytest.fixture(scope="module")
def net() -> UNet:
    torch.manual_seed(0)
    net = UNet(UNetConfig(3, 1, 1, width=4, depth=1, stem=2)).eval()
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm3d):
            torch.nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2.0)
    return net


def raw(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(3, 100, shape).astype("f4")


def whole(net: UNet, volume: np.ndarray) -> np.ndarray:
    return expit(net_logits(folded(net), AMPLITUDES.normalise(volume)[None])[0])


@pytest.mark.parametrize("shape", [(61, 37, 29), (8, 4, 4), (3, 50, 6)])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_walk_through_a_volume_is_a_look_at_the_whole(net, tmp_path, shape, workers):
    volume = raw(*shape)
    path = stream_faults(net, InMemory(volume), AMPLITUDES, tmp_path, {}, workers)
    found = np.load(path)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, whole(net, volume), atol=1e-5, rtol=0)


def test_narrow_lanes_give_the_same(net, tmp_path, monkeypatch):
    volume = raw(70, 90, 60)
    monkeypatch.setattr(fault_stream, "MEMORY", 60 * 50 * fault_stream.CELL)
    size = lane_size(volume.shape, net.config, 1)
    assert size[1] < 90
    found = np.load(stream_faults(net, InMemory(volume), AMPLITUDES, tmp_path, {}, 1))
    np.testing.assert_allclose(found, whole(net, volume), atol=1e-5, rtol=0)


def test_a_walk_pickles_to_the_same_bytes_before_and_after_it_was_used(net):
    walk = FaultWalk(net.config, state_of(net), AMPLITUDES)
    before = pickle.dumps(walk)
    assert walk.net is walk.net
    assert pickle.dumps(walk) == before


@pytest.mark.parametrize("shape", [(900, 900, 464), (40, 3000, 1500), (500, 700, 30_000)])
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_lanes_are_multiples_and_keep_to_the_memory(shape, workers):
    config = UNetConfig(3, 1, 1, width=16, depth=2, stem=2)
    thick, wide, long = lane_size(shape, config, workers)
    assert all(side % config.multiple == 0 for side in (thick, wide, long))
    seen = [
        min(side + 2 * config.halo, all_of_it)
        for side, all_of_it in zip((wide, long), shape[1:], strict=True)
    ]
    allowed = fault_stream.MEMORY / workers / fault_stream.CELL
    assert np.prod(seen) <= max(1.1 * allowed, (3 * config.halo) ** 2)
