"""Attributions: exact where they can be, complete, and dependent on what was learned."""

import numpy as np
import pytest
import torch
from torch import nn

from graben.errors import InputError
from graben.explanation import integrated_gradients, occlusion, randomisation_check
from graben.learning import Recipe, TensorSamples, fit
from graben.learning.nets import (
    ConvNet,
    ConvNetConfig,
    Convolution,
    RecurrentNet,
    RecurrentNetConfig,
)


def images(n: int = 20) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 2, 8, 8)).astype("f4")


@pytest.mark.parametrize(
    "net",
    [
        ConvNet(ConvNetConfig(2, (Convolution(4, pool="max"),), dense=(5,), size=8, dropout=0.5)),
        ConvNet(ConvNetConfig(2, (Convolution(4),), dropout=0.5)),
    ],
)
def test_integrated_gradients_sum_to_the_difference(net: ConvNet) -> None:
    x, baseline = images(), np.ones((2, 8, 8), "f4")
    shares = integrated_gradients(net, x, baseline, steps=200)
    assert shares.shape == x.shape
    assert net.training
    net.eval()
    with torch.no_grad():
        answers = net(torch.tensor(x)).flatten(1).mean(1)
        start = net(torch.tensor(baseline)[None]).flatten(1).mean(1)
    expected = (answers - start).numpy()
    np.testing.assert_allclose(shares.sum((1, 2, 3)), expected, atol=0.02 * abs(expected).max())


def test_sequences_are_explained_too() -> None:
    net = RecurrentNet(RecurrentNetConfig(inputs=3))
    x = np.random.default_rng(0).normal(size=(4, 12, 3))
    shares = integrated_gradients(net, x)
    with torch.no_grad():
        difference = net(torch.tensor(x, dtype=torch.float32)) - net(torch.zeros(1, 12, 3))
    np.testing.assert_allclose(shares.sum((1, 2)), difference[:, 0].numpy(), atol=0.02)


def test_occlusion_of_a_linear_net_is_the_covered_sum() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(2 * 8 * 8, 1))
    x = images(3)
    contribution = x * net[1].weight.detach().numpy().reshape(1, 2, 8, 8)
    falls = occlusion(net, x, window=4, stride=4)
    for i in range(0, 8, 4):
        for j in range(0, 8, 4):
            covered = contribution[:, :, i : i + 4, j : j + 4].sum((2, 3))
            for a in range(4):
                for b in range(4):
                    np.testing.assert_allclose(falls[:, :, i + a, j + b], covered, atol=1e-5)
    with pytest.raises(InputError, match="smaller window"):
        occlusion(net, x, window=9)


def test_attributions_change_when_what_was_learned_is_gone() -> None:
    x = images(400)
    y = x[:, 0, 2:4, 2:4].mean((1, 2)) > x[:, 1, 5, 5]
    net = ConvNet(ConvNetConfig(2, (Convolution(8),), dense=(16,), size=8))
    samples = TensorSamples(x, y)
    recipe = Recipe(learning_rate=0.01, max_epochs=10, patience=0)
    history = fit(net, samples, samples, "cross-entropy", recipe)
    assert history.validation[-1] < 0.3
    before = [weight.clone() for weight in net.parameters()]
    assert abs(randomisation_check(net, x[:30])) < 0.2
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    # an "explanation" that only repeats the input is found out
    assert randomisation_check(net, x[:30], attribution=lambda net, x: x) == pytest.approx(1)
    constant = randomisation_check(net, x[:3], attribution=lambda net, x: np.zeros_like(x))
    assert np.isnan(constant)
