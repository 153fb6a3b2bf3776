"""A stream of slabs gives what the net gives for the whole volume."""

import pytest
import torch
from torch import Tensor

from graben.errors import InputError
from graben.learning.nets import StreamedUNet, UNetConfig, folded


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def streamed(net, volume: Tensor, planes: int) -> Tensor:
    stream = StreamedUNet(net)
    answers = [stream.push(slab) for slab in volume.split(planes, 1)]
    return torch.cat([*answers, *stream.finish()], 1)


@pytest.mark.parametrize(
    ("depth", "stem", "convolutions"),
    [(0, 1, 2), (0, 2, 2), (1, 1, 2), (1, 2, 2), (2, 2, 2), (3, 1, 2), (2, 2, 1), (3, 1, 1)],
)
@pytest.mark.parametrize("slab", [1, 2, 3])
@pytest.mark.parametrize("slabs", [1, 4, 10])
def test_a_stream_equals_the_whole(worn_net, depth, stem, convolutions, slab, slabs):
    config = UNetConfig(3, 2, 3, width=4, depth=depth, stem=stem, encoder_convolutions=convolutions)
    net, m = folded(worn_net(config), torch.float32), config.multiple
    volume = noise(2, slabs * m, 2 * m, 3 * m)  # the last slab is shorter than the others
    found, expected = streamed(net, volume, slab * m), net(volume[None])[0]
    torch.testing.assert_close(found.sigmoid(), expected.sigmoid(), atol=1e-5, rtol=0)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("slab", [8, 16, 24])
def test_in_bfloat16_not_a_bit_differs(worn_net, slab):
    net = folded(worn_net(UNetConfig(3, 1, 1, width=4, depth=2, stem=2)), torch.bfloat16)
    volume = noise(1, 56, 16, 16)
    found = streamed(net, volume, slab)
    assert found.dtype == torch.float32
    assert torch.equal(found, net(volume[None])[0])


def test_answers_lag_hardly_more_than_the_halo_and_a_stream_may_begin_in_the_middle(worn_net):
    config = UNetConfig(3, 1, 1, width=4, depth=2, stem=2)
    net, halo = folded(worn_net(config), torch.float32), config.halo
    volume, stream = noise(1, 2 * halo + 16, 8, 8), StreamedUNet(net)
    expected = net(volume[None])[0]
    given = sum(stream.push(slab).shape[1] for slab in volume.split(8, 1))
    assert volume.shape[1] - halo - config.multiple <= given < volume.shape[1]
    later = streamed(net, volume[:, 8:], 8)[:, halo:]
    torch.testing.assert_close(later, expected[:, 8 + halo :], atol=1e-5, rtol=1e-5)
    sooner = streamed(net, volume[:, :-8], 8)[:, :-halo]
    torch.testing.assert_close(sooner, expected[:, : -8 - halo], atol=1e-5, rtol=1e-5)


def test_two_streams_of_one_net_do_not_meet(worn_net):
    net = folded(worn_net(UNetConfig(3, 1, 1, width=4, depth=1, stem=2)), torch.float32)
    one, other = noise(1, 24, 8, 8), -noise(1, 24, 4, 12)
    streams = StreamedUNet(net), StreamedUNet(net)
    pushed = [
        (streams[0].push(a), streams[1].push(b))
        for a, b in zip(one.split(4, 1), other.split(4, 1), strict=True)
    ]
    for place, volume in enumerate((one, other)):
        answers = [pair[place] for pair in pushed] + list(streams[place].finish())
        torch.testing.assert_close(
            torch.cat(answers, 1), net(volume[None])[0], atol=1e-5, rtol=1e-5
        )


def test_what_does_not_fit_is_refused(worn_net):
    with pytest.raises(InputError, match="a net of volumes, got one of 2 axes"):
        StreamedUNet(folded(worn_net(UNetConfig(2, 1, 1, width=2, depth=1))))
    with pytest.raises(InputError, match="a folded net"):
        StreamedUNet(worn_net(UNetConfig(3, 1, 1, width=2, depth=1)))
    stream = StreamedUNet(folded(worn_net(UNetConfig(3, 1, 1, width=2, depth=1))))
    with pytest.raises(InputError, match="a multiple of 2, got"):
        stream.push(noise(1, 3, 4, 4))
    stream.push(noise(1, 4, 4, 4))
    for shape in [(1, 6, 4, 4), (1, 4, 6, 4), (1, 0, 4, 4)]:
        with pytest.raises(InputError, match="at most 4 x 4 x 4 cells"):
            stream.push(noise(*shape))
