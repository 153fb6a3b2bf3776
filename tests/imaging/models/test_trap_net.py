import numpy as np
import torch

from graben.imaging.models.structure import channels_of
from graben.imaging.models.trap_net import FEATURES, TrapNet, trap_features, trap_logits

K = np.arange(64, dtype=np.float32)


def channels(image):
    return channels_of(image.astype(np.float32))


def test_every_sample_has_its_features():
    image = np.random.default_rng(0).normal(size=(10, 12, 64))
    found = trap_features(channels(image))
    assert found.shape == (10, 12, 64, FEATURES)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_a_level_event_among_dipping_layers_stands_out():
    i = np.arange(40, dtype=np.float32)[:, None, None]
    image = np.broadcast_to(np.sin((K - 0.8 * i) / 1.5), (40, 40, 64)).copy()
    image[10:30, 10:30, 40] += 2
    share = trap_features(channels(image))[..., 6]  # of what is level
    assert share[20, 20, 40] > 1.5 * share[20, 20, 20]
    level = np.broadcast_to(np.sin(K / 1.5), (40, 40, 64))
    assert trap_features(channels(level))[20, 20, 20, 6] > 0.95


def test_a_dome_stands_out_by_its_height():
    i, j = np.ogrid[-30:30, -30:30]
    dome = 6 * np.exp(-(i**2 + j**2) / 100)
    image = np.sin((K + dome[:, :, None]) / 2)
    high = trap_features(channels(image))[..., 5]
    assert high[30, 30, 32] > 2 / 8
    assert high[30, 30, 32] > high[8, 30, 32]


def test_what_lies_below_is_seen_there():
    image = np.zeros((16, 16, 64))
    image[:, :, 30] = 1.0
    found = trap_features(channels(image))
    here, three, eight = found[..., 10], found[..., 11], found[..., 13]
    assert here[8, 8, 30] == three[8, 8, 27] == eight[8, 8, 22] == 1


def test_logits_are_those_of_each_sample():
    torch.manual_seed(0)
    net = TrapNet().eval()
    seen = channels(np.random.default_rng(1).normal(size=(6, 7, 32)))
    found = trap_logits(net, seen)
    assert found.shape == (2, 6, 7, 32)
    row = torch.from_numpy(trap_features(seen)[3, 4, 5])[None]
    np.testing.assert_allclose(found[:, 3, 4, 5], net(row).detach()[0], atol=1e-5)
