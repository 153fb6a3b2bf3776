"""A net that describes the layers of a volume, so that a layer is known again in other traces."""

# ruff: noqa: F722 - axis names look like forward references to it

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from graben.learning.nets import Direct3d

STEP = 4  # traces between those that are described

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LayerNetConfig:
    """What a `LayerNet` is made of.

    Parameters
    ----------
    width
        Channels of its maps.
    numbers
        How many numbers describe a sample.
    dilations
        Of its convolutions along the trace, one after the other.
    """

    width: int = 32
    numbers: int = 32
    dilations: tuple[int, ...] = (1, 2, 4, 2, 1)


class Described(NamedTuple):
    """The samples of every fourth trace, described.

    Attributes
    ----------
    numbers
        (inline / 4, crossline / 4, sample, number) float32; the more alike two samples are, the
        larger is the sum of the products of their numbers.
    none
        What that sum has to exceed for a sample to be likelier the same layer than for none to be.
    """

    numbers: Floats
    none: float


class Describes(Protocol):
    """What describes the samples of every fourth trace of an image."""

    def describe(self, image: Floats) -> Described:
        """Describe an image (inline, crossline, sample), normalised by its survey."""


class _Onward(nn.Module):
    """A convolution whose answer is added to what it saw."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.step = nn.Sequential(
            Direct3d(
                width,
                width,
                (3, 3, 5),
                padding=(1, 1, 2 * dilation),
                dilation=(1, 1, dilation),
                bias=False,
            ),
            nn.BatchNorm3d(width),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.step(x)


class LayerNet(nn.Module):
    """Describe the samples of every fourth trace by what lies around them.

    Along traces nothing is pooled: a layer is described alike at whatever depth it lies, which is
    what a fault changes.

    Parameters
    ----------
    config
        The architecture.

    Examples
    --------
    >>> net = LayerNet(LayerNetConfig(4, 6, (1,))).eval()
    >>> tuple(net(torch.zeros(1, 1, 9, 16, 20)).shape)
    (1, 7, 3, 4, 20)
    """

    def __init__(self, config: LayerNetConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        for before, width in ((1, config.width // 2), (config.width // 2, config.width)):
            layers += [
                Direct3d(before, width, (3, 3, 5), stride=(2, 2, 1), padding=(1, 1, 2), bias=False),
                nn.BatchNorm3d(width),
                nn.ReLU(),
            ]
        layers += [_Onward(config.width, dilation) for dilation in config.dilations]
        layers.append(Direct3d(config.width, config.numbers, 1))
        self.layers = nn.Sequential(*layers)
        self.sharpness = nn.Parameter(torch.tensor(2.5))
        self.none = nn.Parameter(torch.zeros(()))

    def forward(
        self, x: Float[Tensor, "batch 1 inline crossline sample"]
    ) -> Float[Tensor, "batch number line4 column4 sample"]:
        """Give the numbers of `Described`, and behind them `none` everywhere."""
        x = x.contiguous(memory_format=torch.channels_last_3d)
        numbers = normalize(self.layers(x), dim=1) * torch.exp(self.sharpness / 2)
        none = self.none.expand(len(x), 1, *numbers.shape[2:])
        return torch.cat([numbers, none], 1)

    def describe(self, image: Floats) -> Described:
        """Describe an image (inline, crossline, sample), normalised by its survey.

        A line, or what is about as narrow, is shown with copies of its rims beside it.
        """
        lines, columns = image.shape[:2]
        beside = [STEP if side <= 2 * STEP else 0 for side in (lines, columns)]
        filled = np.pad(image, [(margin, margin) for margin in (*beside, 0)], mode="edge")
        with torch.inference_mode():
            found = self(torch.from_numpy(filled)[None, None])[0]
        described = tuple(
            slice(margin // STEP, margin // STEP - (-side // STEP))
            for side, margin in zip((lines, columns), beside, strict=True)
        )
        numbers = found[:-1].permute(1, 2, 3, 0).numpy()[described]
        return Described(np.ascontiguousarray(numbers), self.none.item())


def layer_net(config: Mapping[str, Any], state: Mapping[str, Tensor]) -> LayerNet:
    """Give a net, ready for use, from what was stored of it."""
    net = LayerNet(LayerNetConfig(**{**config, "dilations": tuple(config["dilations"])}))
    net.load_state_dict(dict(state))
    return net.eval()
