"""Samples and predictions."""

import numpy as np
import pytest
import torch
from torch import nn

from graben.errors import InputError
from graben.learning import TensorSamples, predict


def test_predict_gives_the_nets_own_output_without_offset_or_dropout() -> None:
    x = np.random.default_rng(0).normal(size=(70, 3)).astype("f4")
    linear = nn.Linear(3, 2)
    net = nn.Sequential(linear, nn.Dropout(0.9))
    samples = TensorSamples(x, np.zeros(70), offset=np.full(70, 5.0))
    expected = x @ linear.weight.detach().numpy().T + linear.bias.detach().numpy()
    for size in (7, 256):
        np.testing.assert_allclose(predict(net, samples, size), expected, rtol=1e-5, atol=1e-6)
    assert net.training


def test_a_batch_holds_what_was_given() -> None:
    samples = TensorSamples(torch.eye(4), np.arange(4), weight=np.ones(4))
    batch = samples.batch(np.array([2, 0]))
    assert set(batch) == {"x", "y", "weight"}
    assert batch["y"].tolist() == [2, 0]


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="one length"):
        TensorSamples(np.zeros((3, 2)), np.zeros(4))
