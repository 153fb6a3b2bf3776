"""The U-Net: an answer per cell of a profile, a map or a volume."""

# ruff: noqa: F722 - axis names look like forward references to it

from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import pad

from graben.errors import InputError

_CONVOLUTION = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
GROW = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}
_NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_POOL = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
_LAYOUT = {2: torch.channels_last, 3: torch.channels_last_3d}


@dataclass(frozen=True)
class UNetConfig:
    """What a `UNet` is made of.

    Parameters
    ----------
    ndim
        Axes of space: 1 for profiles, 2 for maps, 3 for volumes.
    channels
        Channels of the input.
    outputs
        Number of outputs per cell; they are logits or another unbounded quantity.
    width
        Channels of the finest level; each coarser level has twice as many.
    depth
        How often the maps are halved.
    bfloat16
        Compute in bfloat16 (weights stay float32), see `graben.learning.nets.has_bfloat16`.
    stem
        Cells per side of the blocks that become one cell at the entrance: the net works at so many
        times coarser a resolution and gives each cell of a block an output of its own at the end.
        1 for a net that works on the cells themselves.
    encoder_convolutions
        Convolutions of each level of the encoder, 1 or 2; those of the decoder have two.

    Examples
    --------
    >>> config = UNetConfig(ndim=2, channels=3, outputs=2, depth=3)
    >>> config.multiple, config.halo
    (8, 48)
    >>> config = UNetConfig(ndim=3, channels=1, outputs=1, depth=2, stem=2)
    >>> config.multiple, config.halo
    (8, 48)
    """

    ndim: Literal[1, 2, 3]
    channels: int
    outputs: int
    width: int = 16
    depth: int = 3
    bfloat16: bool = False
    stem: int = 1
    encoder_convolutions: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        sizes = (self.channels, self.outputs, self.width, self.stem)
        if min(sizes) < 1 or self.depth < 0:
            raise InputError(
                "expected at least 1 channel, 1 output, a width of 1, a stem of 1 and a depth of "
                f"0; got {sizes} and {self.depth}. Change the configuration."
            )

    @property
    def multiple(self) -> int:
        """What each side of the input has to be a multiple of."""
        return int(self.stem * 2**self.depth)

    @property
    def halo(self) -> int:
        """Cells around a tile beyond which nothing can change the answers in the tile.

        A multiple of `multiple`. A tile whose corner lies a multiple of `multiple` from that of
        the whole, read with so many cells around it as the whole has, gets the answers that the
        whole gets.
        """
        reach = 0
        for _ in range(self.depth):  # down the decoder: two convolutions, then cells twice as wide
            reach = -(-(reach + 2) // 2)
        reach += self.encoder_convolutions
        for _ in range(self.depth):  # and back up the encoder
            reach = 2 * reach + self.encoder_convolutions
        reach *= self.stem
        return -(-reach // self.multiple) * self.multiple


class _Convolved(nn.Sequential):
    """Some 3 x 3 convolutions, each with batch normalisation and ReLU."""

    def __init__(self, ndim: int, channels: int, width: int, times: int = 2) -> None:
        layers: list[nn.Module] = []
        for before in (channels, *[width] * (times - 1)):
            # the normalisation has a bias of its own
            layers.append(_CONVOLUTION[ndim](before, width, 3, padding=1, bias=False))
            layers.append(_NORM[ndim](width))
            layers.append(nn.ReLU())
        super().__init__(*layers)


class _Joined(_Convolved):
    """A coarser map grown by repeating its cells, beside the map that skipped the coarser levels.

    The coarser map has twice as many channels.
    """

    def __init__(self, ndim: int, width: int) -> None:
        super().__init__(ndim, 3 * width, width)

    def forward(self, deeper: Tensor, skipped: Tensor) -> Tensor:  # type: ignore[override]
        first, *others = self
        assert isinstance(first.weight, Tensor)
        of_deeper, of_skipped = first.weight.tensor_split([deeper.shape[1]], 1)
        axes = deeper.ndim - 2
        x = GROW[axes](deeper, of_repeated(of_deeper), stride=2, padding=1)
        x = x + _CONVOLVE[axes](skipped, of_skipped, padding=1)
        for layer in others:
            x = layer(x)
        return x


def of_repeated(
    weight: Float[Tensor, "width channel *three"],
) -> Float[Tensor, "channel width *four"]:
    """Give the weights that see each cell of a map once where `weight` saw it repeated.

    A convolution over a map whose cells were repeated sees each of them several times: it is a
    transposed convolution of the map itself (stride 2, padding 1), at a third of the cost in
    volumes, whose weights are sums of its own.
    """
    axes = range(weight.ndim - 2)
    mirrored = weight.transpose(0, 1).flip([2 + axis for axis in axes])
    shifted = (
        pad(mirrored, [side for step in corner for side in (step, 1 - step)])
        for corner in product((0, 1), repeat=len(axes))
    )
    return sum(shifted, torch.zeros(()))


class _Stem(nn.Sequential):
    """Blocks of cells become cells, with batch normalisation and ReLU."""

    def __init__(self, ndim: int, channels: int, width: int, side: int) -> None:
        super().__init__(
            _CONVOLUTION[ndim](channels, width, side, stride=side, bias=False),
            _NORM[ndim](width),
            nn.ReLU(),
        )


def spread_blocks(
    x: Float[Tensor, "batch many *coarse"], side: int
) -> Float[Tensor, "batch output *space"]:
    """Lay the channels of a cell out as a block of cells, `side` per side.

    Of `many` = `output` x side^n channels, those of an output come one after the other, its cells
    in C order.

    Examples
    --------
    >>> spread_blocks(torch.arange(6.0).reshape(1, 2, 3), 2)
    tensor([[[0., 3., 1., 4., 2., 5.]]])
    """
    if side == 1:
        return x
    axes = x.ndim - 2
    cells = x.reshape(len(x), -1, *[side] * axes, *x.shape[2:])
    order = [place for axis in range(axes) for place in (2 + axes + axis, 2 + axis)]
    longer = [length * side for length in x.shape[2:]]
    return cells.permute(0, 1, *order).reshape(len(x), -1, *longer)


class UNet(nn.Module):
    """An encoder and a decoder with skips between equal levels; any input size will do.

    All that the net knows of a cell comes from the cells around it: normalisation is by batch
    statistics in training and by the stored ones afterwards, so that an answer never depends on
    what else lies in the tile (statistics over a tile, as of group or instance normalisation,
    would leave seams).

    Parameters
    ----------
    config
        The architecture.

    References
    ----------
    Ronneberger et al. (2015), U-Net: convolutional networks for biomedical image segmentation,
    doi:10.1007/978-3-319-24574-4_28; here convolutions are padded and maps grow by repeating
    cells, so that the output has the size of the input.

    Examples
    --------
    >>> net = UNet(UNetConfig(ndim=3, channels=1, outputs=2, width=4, depth=2))
    >>> tuple(net(torch.zeros(1, 1, 8, 12, 16)).shape)
    (1, 2, 8, 12, 16)
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.width * 2**level for level in range(config.depth + 1)]
        self.stem: nn.Module | None = None
        channels, outputs = config.channels, config.outputs
        if config.stem > 1:
            self.stem = _Stem(config.ndim, channels, config.width, config.stem)
            channels, outputs = config.width, config.outputs * config.stem**config.ndim
        self.encoder = nn.ModuleList(
            _Convolved(config.ndim, before, width, config.encoder_convolutions)
            for before, width in zip([channels, *widths], widths, strict=False)
        )
        self.pool: nn.Module = _POOL[config.ndim](2)
        self.decoder = nn.ModuleList(_Joined(config.ndim, width) for width in reversed(widths[:-1]))
        self.last = _CONVOLUTION[config.ndim](config.width, outputs, 1)
        if config.ndim in _LAYOUT:
            self.to(memory_format=_LAYOUT[config.ndim])  # type: ignore[call-overload]

    def forward(
        self, x: Float[Tensor, "batch channel *space"]
    ) -> Float[Tensor, "batch output *space"]:
        """Give the outputs of every cell; each side of `x` is a multiple of `config.multiple`."""
        if self.training and len(x) == 1 and self.config.ndim == 3 and not self.config.bfloat16:
            # torch trains on a single volume at a third of the speed: it passes oneDNN by
            return self.forward(x.expand(2, *x.shape[1:]))[:1]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bfloat16):
            answer: Tensor = self.last(self._maps(x)[-1])
        return spread_blocks(answer, self.config.stem).to(x.dtype)

    def features(
        self, x: Float[Tensor, "batch channel *space"]
    ) -> tuple[Float[Tensor, "batch feature *coarse"], ...]:
        """Give the maps of the decoder, from the coarsest level to the finest.

        The first is the encoder's deepest map, `width` x 2^depth channels, each side `multiple`
        times shorter than the input; the last has `width` channels and the sides of the input
        (`stem` times shorter), and the outputs are a linear function of it.
        """
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bfloat16):
            return tuple(level.to(x.dtype) for level in self._maps(x))

    def _maps(self, x: Tensor) -> list[Tensor]:
        x = x.to(self.last.weight.dtype)
        if self.config.ndim in _LAYOUT:
            x = x.contiguous(memory_format=_LAYOUT[self.config.ndim])
        if self.stem is not None:
            x = self.stem(x)
        skips: list[Tensor] = []
        for level, encode in enumerate(self.encoder):
            x = encode(x if level == 0 else self.pool(x))
            skips.append(x)
        maps = [skips.pop()]
        for decode in self.decoder:
            maps.append(decode(maps[-1], skips.pop()))
        return maps
