"""A net of volumes walked through plane by plane: nothing is computed twice, and no seams."""

# ruff: noqa: F722 - axis names look like forward references to it

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv_transpose3d, max_pool3d

from graben.errors import InputError
from graben.learning.nets.folding import FoldedJoin, convolved
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
        The net is not for volumes, or not folded; a slab does not fit.

    Examples
    --------
    >>> from graben.learning.nets import UNetConfig, folded
    >>> net = folded(UNet(UNetConfig(3, 1, 1, width=4, depth=1, stem=2)), torch.float32)
    >>> stream, volume = StreamedUNet(net), torch.rand(1, 24, 8, 4)
    >>> slabs = [stream.push(slab) for slab in volume.split(8, 1)] + list(stream.finish())
    >>> [slab.shape[1] for slab in slabs[:3]]
    [0, 0, 6]
    >>> torch.allclose(torch.cat(slabs, 1), net(volume[None])[0], atol=1e-5)
    True
    """

    def __init__(self, net: UNet) -> None:
        if net.config.ndim != 3:
            raise InputError(
                f"expected a net of volumes, got one of {net.config.ndim} axes. Give one with 3."
            )
        if any(isinstance(layer, nn.BatchNorm3d) for layer in net.modules()):
            raise InputError(
                "expected a folded net, got one with normalisation. Give folded(net): see "
                "graben.learning.nets.folded."
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
        for planes in self._through(0, first.entering, last=True):
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
        scale, width = net.config.stem * 2**number, net.config.width * 2**number
        self.planes, y, x = (side // scale for side in sides)
        layers = _convolutions(net.encoder[number])
        weight = layers[0].weight
        self.entering = weight.new_empty(1, layers[0].in_channels, 0, y, x)
        self.nothing = weight.new_empty(1, width, 0, y, x)
        later = [self.nothing] * (len(layers) - 1)
        self._encoder = [
            _Window(partial(_convolve, layer), planes, self.planes)
            for layer, planes in zip(layers, (self.entering, *later), strict=True)
        ]
        self._odd = self.nothing[..., ::2, ::2]
        self._skips: deque[Tensor] = deque()
        if number < net.config.depth:
            join = cast(FoldedJoin, net.decoder[-1 - number])
            deeper = weight.new_empty(1, 2 * width, 0, y // 2, x // 2)
            self._grown = _Window(partial(_grow, join.weight), deeper, self.planes // 2)
            self._skipped, self._second = (
                _Window(partial(_convolve, layer), self.nothing, self.planes)
                for layer in (join.skip, join.second)
            )

    def encode(self, x: Tensor, last: bool) -> Tensor:
        """Convolve, as often as the level does."""
        for window in self._encoder:
            x = window.push(x, last).relu_()
        return x

    def halve(self, x: Tensor) -> Tensor:
        """Keep planes for those that will come back, and pool them; an odd one waits."""
        self._skips.append(x)
        flat = torch.cat([self._odd, max_pool3d(x, (1, 2, 2))], 2) if x.shape[2] else self._odd
        pairs = flat.shape[2] // 2 * 2
        self._odd = flat[:, :, pairs:]
        return torch.maximum(flat[:, :, 0:pairs:2], flat[:, :, 1:pairs:2])

    def decode(self, deeper: Tensor, last: bool) -> Tensor:
        """Grow planes of the coarser level, join the skipped ones to them, convolve once more."""
        grown = self._grown.push(deeper, last)
        joined = self._skip(grown.shape[2], last)
        joined += grown
        return self._second.push(joined.relu_(), last).relu_()

    def _skip(self, planes: int, last: bool) -> Tensor:
        """Convolve the planes that waited longest, to get so many."""
        missing = self._skipped.lacks(planes) if planes else 0
        while missing and self._skips:
            oldest = self._skips.popleft()
            count = min(oldest.shape[2], missing)
            self._skipped.add(oldest[:, :, :count])
            missing -= count
            if count < oldest.shape[2]:
                self._skips.appendleft(oldest[:, :, count:])
        return self._skipped.answer(last)


class _Window:
    """What gives planes of which each depends on one plane before and one behind it.

    The planes lie one after the other in memory, two that were used already in front.

    Parameters
    ----------
    function
        It gives the answers for all planes but the first and the last that it sees.
    nothing
        Planes like those that come, none of them.
    planes
        How many come at a time.
    """

    def __init__(
        self,
        function: Callable[[Tensor], Tensor],
        nothing: Tensor,
        planes: int,
    ) -> None:
        self._function = function
        # at the end of a stream a level gets up to 4 planes, and a plane of zeros behind them
        size = (1, nothing.shape[1], max(planes, 4) + 3, *nothing.shape[3:])
        layout = torch.channels_last_3d
        self._buffer = torch.empty(size, dtype=nothing.dtype, memory_format=layout)
        self._buffer[:, :, 0] = 0
        self._held = 1
        self._nothing = function(self._buffer[:, :, :3])[:, :, :0]

    def push(self, x: Tensor, last: bool) -> Tensor:
        """Take planes, and give those that can be answered."""
        self.add(x)
        return self.answer(last)

    def lacks(self, planes: int) -> int:
        """Tell how many planes it must be given to answer so many."""
        return planes + 2 - self._held

    def add(self, x: Tensor) -> None:
        """Take planes."""
        self._buffer[:, :, self._held : self._held + x.shape[2]] = x
        self._held += x.shape[2]

    def answer(self, last: bool) -> Tensor:
        """Answer all planes but the last, or with zeros behind it all."""
        if last:
            self._buffer[:, :, self._held] = 0
            self._held += 1
        if self._held < 3:
            return self._nothing
        answer = self._function(self._buffer[:, :, : self._held])
        for place in range(2):  # one by one: they may overlap
            self._buffer[:, :, place] = self._buffer[:, :, self._held - 2 + place]
        self._held = 2
        return answer


def _convolutions(block: nn.Module) -> list[nn.Conv3d]:
    return [layer for layer in block.children() if isinstance(layer, nn.Conv3d)]


def _convolve(layer: nn.Conv3d, x: Tensor) -> Tensor:
    return convolved(x, layer, (0, 1, 1))


def _grow(weight: Tensor, x: Tensor) -> Tensor:
    """Repeat cells and convolve them, see `FoldedJoin`; what lies beyond the planes is left out."""
    return conv_transpose3d(x, weight, stride=2, padding=(3, 1, 1))
