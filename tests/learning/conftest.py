"""Nets this small run on one thread; waiting for a second one takes longer than it saves."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from graben.learning.nets import UNet, UNetConfig


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def worn_net() -> Callable[[UNetConfig], UNet]:
    """Make a net whose normalisation has seen something, in evaluation mode."""

    def worn(config: UNetConfig) -> UNet:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = UNet(config)
            for layer in net.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    nn.init.uniform_(layer.running_mean, -0.5, 0.5)
                    nn.init.uniform_(layer.running_var, 0.5, 2.0)
                    nn.init.uniform_(layer.weight, 0.5, 1.5)
                    nn.init.uniform_(layer.bias, -0.5, 0.5)
        return net.eval()

    return worn
