import numpy as np
import pytest
import torch

from graben.imaging.models.layer_net import LayerNet, LayerNetConfig, layer_net

CONFIG = LayerNetConfig(8, 6, (1, 2))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return LayerNet(CONFIG).eval()


@pytest.mark.parametrize("shape", [(9, 16, 20), (1, 96, 40), (5, 4, 1), (8, 3, 5)])
def test_every_fourth_trace_is_described(net, shape):
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = net.describe(image)
    assert found.numbers.shape == (-(-shape[0] // 4), -(-shape[1] // 4), shape[2], 6)
    lengths = np.linalg.norm(found.numbers, axis=3)
    np.testing.assert_allclose(lengths, np.exp(2.5 / 2), rtol=1e-5)
    assert found.none == 0


def test_a_layer_is_described_alike_at_whatever_depth(net):
    image = np.random.default_rng(1).normal(size=(12, 12, 80)).astype(np.float32)
    deeper = np.roll(image, 7, 2)
    found, lower = (net.describe(one).numbers for one in (image, deeper))
    np.testing.assert_allclose(lower[:, :, 27:60], found[:, :, 20:53], atol=1e-5)


def test_a_line_is_shown_as_a_stack_of_copies(net):
    line = np.random.default_rng(3).normal(size=(1, 20, 30)).astype(np.float32)
    found = net.describe(line).numbers[0]
    np.testing.assert_allclose(found, net.describe(line.repeat(9, 0)).numbers[1], atol=1e-6)
    across = np.ascontiguousarray(line.transpose(1, 0, 2))
    stack = net.describe(across.repeat(9, 1)).numbers
    np.testing.assert_allclose(net.describe(across).numbers, stack[:, 1:2], atol=1e-6)


def test_what_was_stored_describes_the_same(net):
    stored = {**vars(CONFIG), "dilations": list(CONFIG.dilations)}
    image = np.random.default_rng(2).normal(size=(8, 8, 30)).astype(np.float32)
    back = layer_net(stored, net.state_dict())
    assert back.config == CONFIG
    np.testing.assert_array_equal(back.describe(image).numbers, net.describe(image).numbers)
