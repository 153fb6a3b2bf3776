"""Convolution, pooling, dense layers: one net for a score per image or per pixel."""

# ruff: noqa: F722 - axis names look like forward references to it

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from graben.errors import InputError


@dataclass(frozen=True)
class Convolution:
    """One convolution with its ReLU and, where named, its pooling.

    Parameters
    ----------
    filters
        Number of output channels.
    kernel
        Pixels per side of the kernel.
    padding
        Pixels of zeros around the input; 0 shrinks the image by ``kernel - 1``.
    pool
        "max", "average" or None.
    pool_size
        Pixels per side of the pooling window, which is also its stride.
    """

    filters: int
    kernel: int = 3
    padding: int = 0
    pool: Literal["max", "average"] | None = None
    pool_size: int = 2

    def side(self, side: int) -> int:
        """Pixels per side of the output for an input of `side` pixels."""
        convolved = side + 2 * self.padding - self.kernel + 1
        return convolved if self.pool is None else convolved // self.pool_size


@dataclass(frozen=True)
class ConvNetConfig:
    """What a `ConvNet` is made of.

    Parameters
    ----------
    channels
        Channels of the input.
    convolutions
        From the input on.
    dense
        Widths of the hidden dense layers.
    size
        Pixels per side of the input. With it the last map is flattened and the net gives one row
        of outputs per image; without it (no dense layers then) a 1x1 convolution gives outputs
        per pixel and any input size will do.
    outputs
        Number of outputs; they are logits or another unbounded quantity.
    dropout
        Share of the activations set to zero in training: on the flattened map, or after each
        hidden convolution where nothing is flattened.
    zero_initialised
        The last layer starts at zero, so the untrained net answers exactly 0 everywhere.
    bfloat16
        Compute in bfloat16 (weights stay float32): twice as fast on CPUs that have it, see
        `has_bfloat16`, with about 2 digits less.
    """

    channels: int
    convolutions: tuple[Convolution, ...]
    dense: tuple[int, ...] = ()
    size: int | None = None
    outputs: int = 1
    dropout: float = 0.0
    zero_initialised: bool = False
    bfloat16: bool = False

    def __post_init__(self) -> None:
        if self.dense and self.size is None:
            raise InputError(
                f"expected the size of the input with dense layers {self.dense}, got none. "
                "Give size= in pixels per side."
            )
        if self.size is not None and self.flattened_side(self.size) < 1:
            raise InputError(
                f"an input of {self.size} pixels per side leaves nothing after the convolutions. "
                "Use a larger input, fewer convolutions or padding."
            )

    def flattened_side(self, side: int) -> int:
        """Pixels per side of the map behind the last convolution."""
        for convolution in self.convolutions:
            side = convolution.side(side)
        return side


class ConvNet(nn.Module):
    """A convolutional net: ReLU after every hidden layer, nothing after the last.

    Parameters
    ----------
    config
        The architecture.

    Examples
    --------
    Two convolutions with pooling, then dense layers, on 224 x 224 pixels of 3 channels:

    >>> net = ConvNet(ConvNetConfig(3, (Convolution(32, pool="max"), Convolution(64, pool="max")),
    ...                             dense=(64,), size=224))
    >>> sum(weight.numel() for weight in net.parameters())
    11963457
    """

    def __init__(self, config: ConvNetConfig) -> None:
        super().__init__()
        self.config = config
        features = nn.Sequential()
        channels = config.channels
        for convolution in config.convolutions:
            features.extend(_convolved(channels, convolution))
            if config.size is None and config.dropout > 0:
                features.append(nn.Dropout(config.dropout))
            channels = convolution.filters
        self.features = features
        self.head, self.last = _head(config, channels)
        self.reset_parameters()
        # on a CPU this layout makes wide convolutions 1.5 to 2 times faster
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def reset_parameters(self) -> None:
        """Draw all weights anew from torch's generator, by torch's default rule."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.reset_parameters()
        if self.config.zero_initialised:
            for weight in self.last.parameters():
                nn.init.zeros_(weight)

    def forward(
        self, x: Float[Tensor, "batch channel y x"]
    ) -> Float[Tensor, "batch output"] | Float[Tensor, "batch output y2 x2"]:
        """Give one row of outputs per image, or a map where the net is fully convolutional."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bfloat16):
            hidden = self.features(x.contiguous(memory_format=torch.channels_last))
            answer: Tensor = self.last(self.head(hidden))
        return answer.to(x.dtype)


def has_bfloat16() -> bool:
    """Tell whether this CPU computes in bfloat16 by itself."""
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def _convolved(channels: int, convolution: Convolution) -> nn.Sequential:
    layers = nn.Sequential(
        nn.Conv2d(channels, convolution.filters, convolution.kernel, padding=convolution.padding),
        nn.ReLU(),
    )
    if convolution.pool == "max":
        layers.append(nn.MaxPool2d(convolution.pool_size))
    elif convolution.pool == "average":
        layers.append(nn.AvgPool2d(convolution.pool_size))
    return layers


def _head(config: ConvNetConfig, channels: int) -> tuple[nn.Sequential, nn.Module]:
    if config.size is None:
        return nn.Sequential(), nn.Conv2d(channels, config.outputs, 1)
    head = nn.Sequential(nn.Flatten())
    if config.dropout > 0:
        head.append(nn.Dropout(config.dropout))
    width = channels * config.flattened_side(config.size) ** 2
    for units in config.dense:
        head.extend((nn.Linear(width, units), nn.ReLU()))
        width = units
    return head, nn.Linear(width, config.outputs)
