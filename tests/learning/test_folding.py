"""Folded nets answer as the nets they were made from."""

import pytest
import torch
from torch import Tensor, nn

from graben.learning.nets import UNetConfig, folded, has_bfloat16


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("stem", [1, 2])
def test_a_folded_net_answers_the_same(worn_net, ndim, stem):
    net = worn_net(UNetConfig(ndim=ndim, channels=2, outputs=3, width=4, depth=1, stem=stem))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    ready, x = folded(net, torch.float32), noise(2, 2, *(8, 12, 4)[:ndim])
    torch.testing.assert_close(ready(x), net(x), atol=1e-5, rtol=1e-5)
    for one, other in zip(ready.features(x), net.features(x), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    norms = nn.modules.batchnorm._BatchNorm
    assert not any(isinstance(layer, norms) for layer in ready.modules())
    assert not any(weight.requires_grad for weight in ready.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_bfloat16_weights_answer_in_the_numbers_of_the_input_and_stay_close(worn_net):
    net = worn_net(UNetConfig(ndim=3, channels=1, outputs=1, width=4, depth=1, stem=2))
    ready, x = folded(net, torch.bfloat16), noise(1, 1, 8, 8, 8)
    assert {weight.dtype for weight in ready.parameters()} == {torch.bfloat16}
    exact, rounded = net(x), ready(x)
    assert rounded.dtype == torch.float32
    assert 0 < (exact - rounded).abs().max() < 0.05 * exact.abs().max()


def test_bfloat16_is_taken_where_the_processor_has_it(worn_net):
    ready = folded(worn_net(UNetConfig(ndim=2, channels=1, outputs=1, width=2, depth=0)))
    assert ready.last.weight.dtype == (torch.bfloat16 if has_bfloat16() else torch.float32)
    assert not ready.training
