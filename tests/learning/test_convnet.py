"""The equations of a convolutional net against plain loops."""

import numpy as np
import pytest
import torch
from torch import nn

from graben.errors import InputError
from graben.learning.nets import ConvNet, ConvNetConfig, Convolution


def weights(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, padding: int) -> np.ndarray:
    filters, channels, size, _ = kernel.shape
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    rows, columns = x.shape[1] - size + 1, x.shape[2] - size + 1
    out = np.zeros((filters, rows, columns))
    for f in range(filters):
        for i in range(rows):
            for j in range(columns):
                total = bias[f]
                for c in range(channels):
                    for a in range(size):
                        for b in range(size):
                            total += kernel[f, c, a, b] * x[c, i + a, j + b]
                out[f, i, j] = total
    return out


def pooled(x: np.ndarray, size: int, how: str) -> np.ndarray:
    channels, rows, columns = x.shape[0], x.shape[1] // size, x.shape[2] // size
    out = np.zeros((channels, rows, columns))
    for c in range(channels):
        for i in range(rows):
            for j in range(columns):
                window = x[c, i * size : (i + 1) * size, j * size : (j + 1) * size]
                out[c, i, j] = (
                    max(window.ravel()) if how == "max" else sum(window.ravel()) / size**2
                )
    return out


def dense(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return np.array(
        [sum(weight[i, j] * x[j] for j in range(len(x))) + bias[i] for i in range(len(weight))]
    )


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("padding", [0, 2])
def test_convolution_equals_the_loops(kernel: int, padding: int) -> None:
    config = ConvNetConfig(2, (Convolution(3, kernel, padding),))
    net = ConvNet(config)
    x = np.random.default_rng(0).normal(size=(2, 7, 6)).astype("f4")
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    first, bias, last, last_bias = state.values()
    hidden = np.maximum(convolved(x, first, bias, padding), 0)
    expected = convolved(hidden, last, last_bias, 0)
    got = net(torch.tensor(x)[None]).detach().numpy()[0]
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("how", ["max", "average"])
@pytest.mark.parametrize("size", [2, 3])
def test_pooling_flattening_and_dense_layers_equal_the_loops(how: str, size: int) -> None:
    config = ConvNetConfig(
        1, (Convolution(2, pool=how, pool_size=size),), dense=(4,), size=11, outputs=2
    )
    net = ConvNet(config)
    x = np.random.default_rng(1).normal(size=(1, 11, 11)).astype("f4")
    kernel, bias, w1, b1, w2, b2 = (value.numpy() for value in net.state_dict().values())
    hidden = pooled(np.maximum(convolved(x, kernel, bias, 0), 0), size, how)
    expected = dense(np.maximum(dense(hidden.ravel(), w1, b1), 0), w2, b2)
    np.testing.assert_allclose(net(torch.tensor(x)[None]).detach().numpy()[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (
            ConvNetConfig(
                3,
                (Convolution(32, pool="max"), Convolution(64, pool="max")),
                dense=(64,),
                size=224,
            ),
            11_963_457,
        ),
        (ConvNetConfig(13, (Convolution(16, kernel=3), Convolution(16, kernel=1))), 2_177),
        (ConvNetConfig(13, (Convolution(16, kernel=1), Convolution(16, kernel=1))), 513),
        (ConvNetConfig(13, (Convolution(16, kernel=5), Convolution(16, kernel=1))), 5_505),
        (
            ConvNetConfig(
                4,
                (
                    Convolution(16, pool="max"),
                    Convolution(32, pool="max"),
                    Convolution(32, pool="max"),
                ),
                dense=(32,),
                size=56,
                dropout=0.3,
            ),
            40_145,
        ),
    ],
)
def test_the_number_of_weights_is_the_published_one(config: ConvNetConfig, count: int) -> None:
    assert weights(ConvNet(config)) == count


def test_a_zero_initialised_net_answers_zero_and_can_learn() -> None:
    net = ConvNet(ConvNetConfig(2, (Convolution(4),), dropout=0.5, zero_initialised=True))
    output = net(torch.randn(3, 2, 5, 5))
    assert (output == 0).all()
    output.sum().backward()
    assert net.last.bias.grad.abs().sum() > 0


def test_a_convolutional_net_gives_the_same_on_a_patch_and_on_the_map() -> None:
    net = ConvNet(ConvNetConfig(2, (Convolution(4, 3), Convolution(4, 1))))
    x = torch.randn(1, 2, 8, 9)
    whole = net(x)
    patch = net(x[:, :, 3:6, 2:5])
    assert whole.shape == (1, 1, 6, 7)
    torch.testing.assert_close(patch[0, 0, 0, 0], whole[0, 0, 3, 2])


def test_dropout_works_in_training_only() -> None:
    for config in (
        ConvNetConfig(1, (Convolution(8),), dropout=0.5),
        ConvNetConfig(1, (Convolution(8),), size=6, dropout=0.5),
    ):
        net, x = ConvNet(config), torch.randn(1, 1, 6, 6)
        assert not torch.equal(net(x), net(x))
        net.eval()
        assert torch.equal(net(x), net(x))


def test_impossible_architectures_are_refused() -> None:
    with pytest.raises(InputError, match="size="):
        ConvNetConfig(1, (Convolution(2),), dense=(3,))
    with pytest.raises(InputError, match="leaves nothing"):
        ConvNetConfig(1, (Convolution(2, pool="max"), Convolution(2)), size=4)
