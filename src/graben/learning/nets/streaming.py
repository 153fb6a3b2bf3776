"""A net of volumes walked through plane by plane: nothing is computed twice, and no seams."""

# ruff: noqa: F722 - axis names look like forward references to it

from collections import deque
from collections.abc import Iterator
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import max_pool3d

from graben.errors import InputError
from graben.learning.nets.folding import convolved
from graben.learning.nets.unet import UNet, spread_blocks


class StreamedUNet:
    """The answers of a net for a volume that is handed over slab by slab.

    Each convolution keeps the two planes that it will need again, so that the answers are those
    of the net for the whole volume while the memory is that of some planes: they come a little
    later than what they answer, and the first and the last planes see zeros beyond the volume at
    every level, as in the whole.

    Parameters
    ----------
    net
        Of volumes (`ndim` 3), as `graben.learning.nets.folded` gives it. It may serve several
        streams at once.

    Raises
    ------
    InputError
        The net is not for volumes; a slab does not fit.

    Examples
    --------
    >>> from graben.learning.nets import UNetConfig, folded
    >>> net = folded(UNet(UNetConfig(3, 1, 1, width=4, depth=1, stem=2)), torch.float32)
    >>> stream, volume = StreamedUNet(net), torch.rand(1, 24, 8, 4)
    >>> slabs = [stream.push(slab) for slab in volume.split(8, 1)] + list(stream.finish())
    >>> [slab.shape[1] for slab in slabs[:3]]
    [0, 0, 8]
    >>> torch.allclose(torch.cat(slabs, 1), net(volume[None])[0], atol=1e-5)
    True
    """

    def __init__(self, net: UNet) -> None:
        if net.config.ndim != 3:
            raise InputError(
                f"expected a net of volumes, got one of {net.config.ndim} axes. Give one with 3."
            )
        self.net = net
        self._levels: list[_Level] = []
        self._size: tuple[int, int, int] | None = None

    def push(self, slab: Float[Tensor, "channel plane y x"]) -> Float[Tensor, "output plane2 y x"]:
        """Take the next planes and give those that can be answered now, maybe none.

        All sides are multiples of the net's `multiple`; the first slab says how long and wide the
        planes are and how many planes a slab has at most. Slabs of equal size are fastest.
        """
        self._check(slab)
        x = slab.to(self.net.last.weight.dtype)[None]
        x = x.contiguous(memory_format=torch.channels_last_3d)
        if self.net.stem is not None:
            x = self.net.stem(x)
        found = [self._answer(planes) for planes in self._through(0, x, last=False)]
        nothing = slab.new_empty(self.net.config.outputs, 0, *slab.shape[2:])
        return torch.cat([nothing, *found], 1) if len(found) != 1 else found[0]

    def finish(self) -> Iterator[Float[Tensor, "output plane y x"]]:
        """Give the remaining planes, in slabs; the volume has ended."""
        first, *_ = self._levels
        for planes in self._through(0, first.nothing, last=True):
            yield self._answer(planes)

    def _check(self, slab: Tensor) -> None:
        config, sides = self.net.config, (slab.shape[1], slab.shape[2], slab.shape[3])
        most, *across = self._size or sides
        if (
            any(side % config.multiple or not side for side in sides)
            or sides[0] > most
            or list(sides[1:]) != across
        ):
            raise InputError(
                f"expected slabs of at most {most} x {across[0]} x {across[1]} cells, each a "
                f"multiple of {config.multiple}, got {sides}. Pad the volume first."
            )
        if self._size is None:
            self._size = sides
            self._levels = [_Level(self.net, level, sides) for level in range(config.depth + 1)]

    def _through(self, number: int, x: Tensor, last: bool) -> Iterator[Tensor]:
        """Encode planes of a level, and decode those that the coarser levels give back."""
        level = self._levels[number]
        x = level.encode(x, last)
        if number == self.net.config.depth:
            yield from (x,) if x.shape[2] else ()
            return
        level.skips.append(x)
        for deeper in self._through(number + 1, level.halve(x), last):
            for piece in torch.split(deeper, max(level.planes // 2, 1), 2):
                decoded = level.decode(piece, last=False)
                yield from (decoded,) if decoded.shape[2] else ()
        if last:
            yield level.decode(self._levels[number + 1].nothing, last=True)

    def _answer(self, x: Tensor) -> Tensor:
        logits = convolved(x, cast(nn.Conv3d, self.net.last), (0, 0, 0))
        return spread_blocks(logits, self.net.config.stem)[0].float()


class _Level:
    """What one level of the net keeps between slabs.

    Parameters
    ----------
    net, number
        The level, 0 for the finest.
    sides
        Planes, rows and columns of a slab of the input.
    """

    def __init__(self, net: UNet, number: int, sides: tuple[int, int, int]) -> None:
        scale = net.config.stem * 2**number
        self.planes, y, x = (side // scale for side in sides)
        pair = _convolutions(net.encoder[number])
        self._encoder = [_Window(layer, self.planes, (y, x)) for layer in pair]
        self.nothing = pair[-1].weight.new_empty(1, pair[-1].out_channels, 0, y, x)
        self._odd = self.nothing[..., ::2, ::2]
        self.skips: deque[Tensor] = deque()
        if number < net.config.depth:
            pair = _convolutions(net.decoder[-1 - number])
            self._decoder = [_Window(layer, self.planes, (y, x)) for layer in pair]

    def encode(self, x: Tensor, last: bool) -> Tensor:
        """Convolve twice."""
        first, second = self._encoder
        if x.shape[2]:
            first.room(x.shape[2]).copy_(x)
        return second.follow(first.advance(x.shape[2], last), last)

    def halve(self, x: Tensor) -> Tensor:
        """Pool; a plane without its pair waits."""
        flat = torch.cat([self._odd, max_pool3d(x, (1, 2, 2))], 2) if x.shape[2] else self._odd
        pairs = flat.shape[2] // 2 * 2
        self._odd = flat[:, :, pairs:]
        return torch.maximum(flat[:, :, 0:pairs:2], flat[:, :, 1:pairs:2])

    def decode(self, deeper: Tensor, last: bool) -> Tensor:
        """Grow planes of the coarser level, join the skipped ones to them, convolve twice."""
        first, second = self._decoder
        _, channels, planes, y, x = deeper.shape
        if planes:
            room = first.room(2 * planes)
            blocks = room[:, :channels].view(1, channels, planes, 2, y, 2, x, 2)
            blocks.copy_(deeper[:, :, :, None, :, None, :, None])
            self._join(room[:, channels:])
        return second.follow(first.advance(2 * planes, last), last)

    def _join(self, room: Tensor) -> None:
        """Move the planes that waited longest."""
        filled = 0
        while filled < room.shape[2]:
            oldest = self.skips.popleft()
            count = min(oldest.shape[2], room.shape[2] - filled)
            room[:, :, filled : filled + count] = oldest[:, :, :count]
            filled += count
            if count < oldest.shape[2]:
                self.skips.appendleft(oldest[:, :, count:])


class _Window:
    """A 3 x 3 x 3 convolution with ReLU that slides along the planes of a stream.

    The planes lie one after the other in memory, two that were used already in front; the layer
    before writes its own into the room behind them.
    """

    def __init__(self, layer: nn.Conv3d, planes: int, sides: tuple[int, int]) -> None:
        self._layer = layer
        # at the end of a stream a level gets up to 4 planes, and a plane of zeros behind them
        shape = (1, layer.in_channels, max(planes, 4) + 3, *sides)
        self._buffer = torch.empty(
            shape, dtype=layer.weight.dtype, memory_format=torch.channels_last_3d
        )
        self._buffer[:, :, 0] = 0
        self._held = 1

    def room(self, planes: int) -> Tensor:
        """Give the place where the next planes are to be written."""
        return self._buffer[:, :, self._held : self._held + planes]

    def follow(self, x: Tensor, last: bool) -> Tensor:
        """Take planes, convolve them."""
        if x.shape[2]:
            self.room(x.shape[2]).copy_(x)
        return self.advance(x.shape[2], last)

    def advance(self, planes: int, last: bool) -> Tensor:
        """Convolve what is there, after so many new planes were written."""
        self._held += planes
        if last:
            self._buffer[:, :, self._held] = 0
            self._held += 1
        held = self._buffer[:, :, : self._held]
        if self._held < 3:
            return held.new_empty(1, self._layer.out_channels, 0, *held.shape[3:])
        answer = convolved(held, self._layer, (0, 1, 1)).relu_()
        for place in range(2):  # one by one: they may overlap
            self._buffer[:, :, place] = self._buffer[:, :, self._held - 2 + place]
        self._held = 2
        return answer


def _convolutions(block: nn.Module) -> list[nn.Conv3d]:
    return [layer for layer in block.children() if isinstance(layer, nn.Conv3d)]
