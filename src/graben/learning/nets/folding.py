"""Nets made ready for inference: normalisation folded away, short numbers where they pay."""

# ruff: noqa: F722 - axis names look like forward references to it

from copy import deepcopy
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv3d
from torch.nn.utils import fuse_conv_bn_eval

from graben.learning.nets.convnet import has_bfloat16
from graben.learning.nets.unet import GROW, UNet, of_repeated


def folded(net: UNet, dtype: torch.dtype | None = None) -> UNet:
    """Copy a net for inference, with each normalisation folded into the convolution before it.

    Parameters
    ----------
    net
        A trained net; it stays as it is.
    dtype
        What weights and maps are kept in; by default bfloat16 where the CPU computes in it (see
        `graben.learning.nets.has_bfloat16`), else float32. Inputs are converted and answers
        converted back.

    Returns
    -------
    UNet
        In evaluation mode, without gradients. It answers as `net` does in evaluation mode, up to
        the rounding of `dtype`.

    Examples
    --------
    >>> from graben.learning.nets import UNetConfig
    >>> net = UNet(UNetConfig(ndim=3, channels=1, outputs=1, width=4, depth=1)).eval()
    >>> x = torch.ones(1, 1, 4, 4, 4)
    >>> torch.allclose(folded(net, torch.float32)(x), net(x), atol=1e-5)
    True
    """
    dtype = dtype or (torch.bfloat16 if has_bfloat16() else torch.float32)
    ready = deepcopy(net).eval().requires_grad_(False)
    ready.config = replace(net.config, bfloat16=False)
    ready.encoder = nn.ModuleList(_chain(block) for block in ready.encoder)
    ready.decoder = nn.ModuleList(FoldedJoin(block, net.config.ndim) for block in ready.decoder)
    if ready.stem is not None:
        ready.stem = _chain(ready.stem)
    ready.last = _direct(ready.last)
    ready.to(dtype)
    return ready


class FoldedJoin(nn.Module):
    """The join of a coarser map and a skipped one, with the normalisations folded in.

    Parameters
    ----------
    block
        Of a `UNet`'s decoder.
    ndim
        Axes of space.
    """

    def __init__(self, block: nn.Module, ndim: int) -> None:
        super().__init__()
        first, self.second = _folded(block)
        width = first.out_channels
        weight = of_repeated(first.weight.data[:, : 2 * width].double())
        self.weight = nn.Parameter(weight.to(first.weight.dtype), requires_grad=False)
        self.skip = deepcopy(first)
        self.skip.in_channels = width
        self.skip.weight = nn.Parameter(first.weight.data[:, 2 * width :], requires_grad=False)
        self._grow = GROW[ndim]

    def forward(self, deeper: Tensor, skipped: Tensor) -> Tensor:
        """Join the maps and convolve once more."""
        joined: Tensor = self.skip(skipped)
        joined += self._grow(deeper, self.weight, stride=2, padding=1)
        answer: Tensor = self.second(joined.relu_())
        return answer.relu_()


def convolved(
    x: Float[Tensor, "batch channel plane y x"], layer: nn.Conv3d, padding: tuple[int, ...]
) -> Float[Tensor, "batch width plane2 y2 x2"]:
    """Convolve by oneDNN wherever it can; for small maps torch would choose a path 15 x slower."""
    able = x.dtype == torch.float32 or (x.dtype == torch.bfloat16 and has_bfloat16())
    if able and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        answer: Tensor = torch.mkldnn_convolution(
            x, layer.weight, layer.bias, padding, layer.stride, layer.dilation, layer.groups
        )
        return answer
    return conv3d(x, layer.weight, layer.bias, layer.stride, padding, layer.dilation, layer.groups)


class Direct3d(nn.Conv3d):
    """A convolution of volumes by `convolved`."""

    def forward(self, input: Tensor) -> Tensor:
        """Convolve."""
        return convolved(input, self, tuple(map(int, self.padding)))


def _folded(block: nn.Module) -> list[Any]:
    """Give the convolutions of a block, with the normalisations folded in."""
    layers: list[Any] = list(block.children())
    pairs = zip(layers[::3], layers[1::3], strict=True)
    return [_direct(fuse_conv_bn_eval(convolution, norm)) for convolution, norm in pairs]


def _chain(block: nn.Module) -> nn.Sequential:
    steps = [(convolution, nn.ReLU(inplace=True)) for convolution in _folded(block)]
    return nn.Sequential(*chain.from_iterable(steps))


def _direct(layer: Any) -> Any:
    """Give a convolution of volumes the direct path; leave others as they are."""
    if not isinstance(layer, nn.Conv3d):
        return layer
    sizes: list[Any] = [layer.kernel_size, layer.stride, layer.padding]
    direct = Direct3d(layer.in_channels, layer.out_channels, *sizes)
    direct.weight, direct.bias = layer.weight, layer.bias
    return direct
