"""Orthogonal steps: what they are for a convolution, and that all other weights follow AdamW."""

import numpy as np
import pytest
import torch
from torch import nn

from graben.learning.muon import MOMENTUM, Muon, orthogonal
from graben.learning.nets import UNet, UNetConfig


@pytest.mark.parametrize("shape", [(4, 40), (40, 4), (16, 16), (1, 9)])
def test_singular_values_become_equal_and_directions_stay(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    matrix = left @ torch.diag(torch.linspace(0.3, 3, min(shape))) @ right
    found = orthogonal(matrix)
    along = left.T @ found @ right.T
    inside = along.diagonal()
    assert inside.min() > 0.65
    assert inside.max() < 1.25
    np.testing.assert_allclose(along, np.diag(inside), atol=1e-5)
    torch.testing.assert_close(orthogonal(1000 * matrix), found)


def test_steps_of_convolutions_follow_the_definition() -> None:
    layer = nn.Conv2d(3, 4, 3, bias=False)
    weight = layer.weight.detach().clone()
    optimiser = Muon(layer, learning_rate=0.02, weight_decay=0.1, other_rate=1.0)
    momentum = torch.zeros(4, 27)
    generator = torch.Generator().manual_seed(2)
    for _ in range(3):
        gradient = torch.randn(4, 3, 3, 3, generator=generator)
        layer.weight.grad = gradient.clone()
        optimiser.step()
        momentum = MOMENTUM * momentum + (1 - MOMENTUM) * gradient.flatten(1)
        ahead = MOMENTUM * momentum + (1 - MOMENTUM) * gradient.flatten(1)
        step = 0.2 * 27**0.5 * orthogonal(ahead)
        assert 0.15 < step.square().mean().sqrt() < 0.25
        weight = (1 - 0.02 * 0.1) * weight - 0.02 * step.reshape(weight.shape)
        torch.testing.assert_close(layer.weight.detach(), weight, atol=1e-6, rtol=1e-5)


def test_all_other_weights_follow_adamw() -> None:
    torch.manual_seed(0)
    config = UNetConfig(ndim=2, channels=1, outputs=1, width=2, depth=1)
    one, other = UNet(config), UNet(config)
    other.load_state_dict(one.state_dict())
    ours = Muon(one, learning_rate=0.05, weight_decay=0.1, other_rate=0.01)
    theirs = torch.optim.AdamW(other.parameters(), 0.01, weight_decay=0.1)
    x = torch.randn(2, 1, 8, 8)
    for net, optimiser in ((one, ours), (other, theirs)):
        net(x).square().mean().backward()
        optimiser.step()
    alike = {
        name
        for (name, a), b in zip(one.named_parameters(), other.parameters(), strict=True)
        if torch.equal(a, b)
    }
    several = {name for name, weight in one.named_parameters() if weight.ndim > 2} - {"last.weight"}
    assert alike == {name for name, _ in one.named_parameters()} - several
    assert several
