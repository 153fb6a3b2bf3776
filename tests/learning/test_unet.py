"""The U-Net: its equations, its reach, tiles that fit together."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from graben.errors import InputError
from graben.learning import Recipe, TensorSamples, fit
from graben.learning.nets import UNet, UNetConfig
from graben.learning.nets.unet import spread_blocks


def worn(config: UNetConfig, seed: int = 0) -> UNet:
    """Return a net whose normalisation has seen something, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = UNet(config)
        for layer in net.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                nn.init.uniform_(layer.running_mean, -0.5, 0.5)
                nn.init.uniform_(layer.running_var, 0.5, 2.0)
                nn.init.uniform_(layer.weight, -1.0, 1.0)
                nn.init.uniform_(layer.bias, -0.5, 0.5)
    return net.eval()


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def doubled(x: np.ndarray, block: nn.Module) -> np.ndarray:
    """Two convolutions of a profile with normalisation and ReLU, by plain loops."""
    for convolution, norm in ((block[0], block[1]), (block[3], block[4])):
        kernel = convolution.weight.detach().numpy()
        padded = np.pad(x, ((0, 0), (1, 1)))
        out = np.zeros((len(kernel), x.shape[1]))
        for f in range(len(kernel)):
            for i in range(x.shape[1]):
                for c in range(len(x)):
                    for k in range(3):
                        out[f, i] += kernel[f, c, k] * padded[c, i + k]
        mean, variance = norm.running_mean.numpy(), norm.running_var.numpy()
        gain, bias = norm.weight.detach().numpy(), norm.bias.detach().numpy()
        scaled = (out - mean[:, None]) / np.sqrt(variance[:, None] + norm.eps)
        x = np.maximum(gain[:, None] * scaled + bias[:, None], 0)
    return x


def test_the_net_equals_the_loops():
    net = worn(UNetConfig(ndim=1, channels=2, outputs=3, width=2, depth=1))
    x = noise(1, 2, 6)
    fine = doubled(x[0].numpy(), net.encoder[0])
    coarse = doubled(np.maximum(fine[:, ::2], fine[:, 1::2]), net.encoder[1])
    grown = np.repeat(coarse, 2, axis=1)
    last = doubled(np.concatenate([grown, fine]), net.decoder[0])
    weight, bias = net.last.weight[..., 0].detach().numpy(), net.last.bias.detach().numpy()
    expected = weight @ last + bias[:, None]
    np.testing.assert_allclose(net(x)[0].detach().numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_every_dimension_gives_outputs_per_cell_and_features_per_level(ndim):
    net = worn(UNetConfig(ndim=ndim, channels=2, outputs=5, width=3, depth=2))
    x = noise(2, 2, *(8, 12, 4)[:ndim])
    assert net(x).shape == (2, 5, *x.shape[2:])
    maps = net.features(x)
    assert [level.shape[1] for level in maps] == [12, 6, 3]
    assert [level.shape[2] for level in maps] == [2, 4, 8]
    torch.testing.assert_close(net.last(maps[-1]), net(x))


def test_the_number_of_weights_is_that_of_the_layers():
    # 3x3 convolutions without bias, gain and bias of the norm, the last 1x1
    def block(before: int, width: int) -> int:
        return 9 * width * (before + width) + 4 * width

    net = UNet(UNetConfig(ndim=2, channels=3, outputs=2, width=8, depth=2))
    expected = block(3, 8) + block(8, 16) + block(16, 32)
    expected += block(48, 16) + block(24, 8) + 8 * 2 + 2
    assert sum(weight.numel() for weight in net.parameters()) == expected


def test_a_net_with_a_stem_equals_the_loops():
    net = worn(UNetConfig(ndim=1, channels=2, outputs=2, width=3, depth=0, stem=2))
    x = noise(1, 2, 8)
    kernel, norm = net.stem[0].weight.detach().numpy(), net.stem[1]
    blocks = x[0].numpy().reshape(2, 4, 2)  # channel, block, cell of the block
    coarse = np.array([[(kernel[f] * blocks[:, i]).sum() for i in range(4)] for f in range(3)])
    mean, spread = norm.running_mean.numpy(), np.sqrt(norm.running_var.numpy() + norm.eps)
    gain, bias = norm.weight.detach().numpy(), norm.bias.detach().numpy()
    scaled = gain[:, None] * (coarse - mean[:, None]) / spread[:, None] + bias[:, None]
    last = doubled(np.maximum(scaled, 0), net.encoder[0])
    weight, bias = net.last.weight[..., 0].detach().numpy(), net.last.bias.detach().numpy()
    many = weight @ last + bias[:, None]
    expected = np.stack([many[0::2], many[1::2]], -1).reshape(2, 8)
    np.testing.assert_allclose(net(x)[0].detach().numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_a_stem_works_on_coarser_maps_and_answers_for_every_cell(ndim):
    net = worn(UNetConfig(ndim=ndim, channels=2, outputs=5, width=3, depth=1, stem=2))
    x = noise(2, 2, *(8, 12, 4)[:ndim])
    assert net(x).shape == (2, 5, *x.shape[2:])
    maps = net.features(x)
    assert [level.shape[1] for level in maps] == [6, 3]
    assert [level.shape[2] for level in maps] == [2, 4]
    torch.testing.assert_close(spread_blocks(net.last(maps[-1]), 2), net(x))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_channels_are_spread_as_blocks_of_cells(axes):
    x = noise(2, 3 * 2**axes, *(3, 4, 5)[:axes])
    spread = spread_blocks(x, 2)
    assert spread.shape == (2, 3, *(6, 8, 10)[:axes])
    for place in np.ndindex(*spread.shape[2:]):
        cell = np.ravel_multi_index([p % 2 for p in place], [2] * axes)
        for output in range(3):
            coarse = x[(slice(None), 2**axes * output + cell, *(p // 2 for p in place))]
            assert torch.equal(spread[(slice(None), output, *place)], coarse)
    if axes == 2:
        assert torch.equal(spread, torch.nn.functional.pixel_shuffle(x, 2))


@pytest.mark.parametrize(
    ("depth", "stem", "convolutions"),
    [
        (0, 1, 2), (1, 1, 2), (2, 1, 2), (3, 1, 2), (0, 2, 2), (2, 2, 2), (1, 3, 2),
        (0, 1, 1), (1, 1, 1), (2, 2, 1), (3, 1, 1),
    ],
)  # fmt: skip
def test_nothing_beyond_the_halo_reaches_a_cell_and_something_within_it_does(
    depth, stem, convolutions
):
    config = UNetConfig(1, 1, 1, width=4, depth=depth, stem=stem, encoder_convolutions=convolutions)
    net, m = UNet(config).double().eval(), config.multiple
    for layer in net.modules():  # nothing is switched off and no maximum hides a change
        if isinstance(layer, nn.Conv1d):
            nn.init.constant_(layer.weight, 0.1)
    side = 2 * config.halo + 4 * m
    core = slice(config.halo + m, config.halo + 2 * m)
    start = torch.linspace(1, 2, side, dtype=torch.float64)[None, None]
    before, reached = net(start)[..., core], []
    for place in range(side):
        changed = start.clone()
        changed[..., place] += 5.0
        reached.append(not torch.equal(net(changed)[..., core], before))
    places = np.flatnonzero(reached)
    assert core.start - places.min() <= config.halo
    assert places.max() - (core.stop - 1) <= config.halo
    assert core.start - places.min() > config.halo - m


@pytest.mark.parametrize("stem", [1, 2])
def test_aligned_tiles_with_their_halo_give_the_whole(stem):
    config = UNetConfig(
        ndim=2, channels=2, outputs=2, width=4, depth=2 if stem == 1 else 1, stem=stem
    )
    net, halo, size = worn(config), config.halo, 16
    x = noise(1, 2, 72, 88)
    with torch.inference_mode():
        whole = net(x)
        for top in range(0, 72, size):
            for left in range(0, 88, size):
                y0, x0 = max(top - halo, 0), max(left - halo, 0)
                tile = net(x[..., y0 : top + size + halo, x0 : left + size + halo])
                inner = tile[..., top - y0 : top - y0 + size, left - x0 : left - x0 + size]
                expected = whole[..., top : top + size, left : left + size]
                torch.testing.assert_close(inner, expected, atol=1e-5, rtol=1e-5)


def test_what_else_is_in_the_batch_does_not_matter():
    net = worn(UNetConfig(ndim=2, channels=1, outputs=1, width=4, depth=1))
    x = noise(3, 1, 8, 8)
    torch.testing.assert_close(net(x)[:1], net(x[:1]), atol=1e-6, rtol=1e-5)


def test_bfloat16_stays_close():
    plain = UNetConfig(ndim=2, channels=2, outputs=2, width=8, depth=2)
    short = UNetConfig(ndim=2, channels=2, outputs=2, width=8, depth=2, bfloat16=True)
    x = noise(1, 2, 16, 16)
    exact, rounded = worn(plain)(x), worn(short)(x)
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    assert (exact - rounded).abs().max() < 0.05 * exact.abs().max()


def test_a_training_redraws_the_weights_by_its_seed_and_learns_a_shape():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, 1, 16)).astype("f4")
    y = (x + np.roll(x, 1, 2) > 0).astype("f4")
    samples = TensorSamples(x, y)
    recipe = Recipe(learning_rate=0.01, max_epochs=30, batch_size=8)
    nets = [UNet(UNetConfig(1, 1, 1, width=8, depth=1)) for _ in range(2)]
    histories = [fit(net, samples, samples, "cross-entropy", recipe) for net in nets]
    assert histories[0].validation == histories[1].validation
    assert min(histories[0].validation) < 0.25
    for one, other in zip(*(net.state_dict().values() for net in nets), strict=True):
        assert torch.equal(one, other)


def test_impossible_architectures_are_refused():
    with pytest.raises(InputError, match="at least 1 channel"):
        UNetConfig(ndim=2, channels=0, outputs=1)


def test_a_single_volume_teaches_what_it_would_teach_beside_others():
    torch.manual_seed(0)
    net = UNet(UNetConfig(ndim=3, channels=1, outputs=1, width=4, depth=1, stem=2))
    volume = torch.randn(1, 1, 8, 12, 8)
    slopes = []
    for answer in (net(volume), spread_blocks(net.last(net.features(volume)[-1]), 2)):
        net.zero_grad()
        answer.square().sum().backward()
        slopes.append([one.grad.clone() for one in net.parameters()])
    torch.testing.assert_close(net(volume), spread_blocks(net.last(net.features(volume)[-1]), 2))
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-4)
