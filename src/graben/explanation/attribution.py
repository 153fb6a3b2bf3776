"""Where in the input an answer comes from."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from captum.attr import IntegratedGradients, Occlusion
from scipy.stats import spearmanr
from torch import Tensor, nn

from graben.errors import InputError

Attribution = Callable[[nn.Module, np.ndarray], np.ndarray]


class _Answer(nn.Module):
    """One number per sample: the chosen output, averaged over the map where the net gives one."""

    def __init__(self, net: nn.Module, output: int) -> None:
        super().__init__()
        self.net, self.output = net, output

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.net(x)[:, self.output]
        return answer.flatten(1).mean(1) if answer.dim() > 1 else answer


def integrated_gradients(
    net: nn.Module,
    x: np.ndarray,
    baseline: np.ndarray | None = None,
    output: int = 0,
    steps: int = 32,
) -> np.ndarray:
    """Share the difference between the answers for `x` and for a baseline among the inputs.

    Parameters
    ----------
    net
        Gives (sample, output) or (sample, output, y, x); of a map the mean is explained.
    x
        Inputs, (sample, channel, y, x) or (sample, time, feature).
    baseline
        Input that stands for "nothing", the shape of one sample; zeros (with standardised
        channels: the average) by default.
    output
        Which output to explain.
    steps
        Points on the way from the baseline to the input.

    Returns
    -------
    numpy.ndarray
        The shape of `x`, in the unit of the output; each sample sums to about the difference.

    References
    ----------
    Sundararajan et al. (2017), doi:10.48550/arXiv.1703.01365.

    Examples
    --------
    Of a linear net it gives weight times input exactly:

    >>> net = nn.Linear(2, 1, bias=False)
    >>> _ = net.weight.data.copy_(torch.tensor([[2.0, -1.0]]))
    >>> integrated_gradients(net, np.array([[3.0, 4.0]])).round(4)
    array([[ 6., -4.]], dtype=float32)
    """
    inputs = torch.as_tensor(x, dtype=torch.float32)
    start = torch.zeros_like(inputs[:1])
    if baseline is not None:
        start = torch.as_tensor(baseline, dtype=torch.float32)[None]
    method = IntegratedGradients(_Answer(net, output))
    with _evaluating(net):
        # in parts, because all points on the way of all samples at once would fill the memory
        shares: list[Tensor] = [
            method.attribute(part, start.expand_as(part), n_steps=steps, internal_batch_size=16)
            for part in torch.split(inputs, 16)
        ]
    return torch.cat(shares).detach().numpy().astype(np.float32)


def occlusion(
    net: nn.Module, x: np.ndarray, window: int = 8, stride: int | None = None, output: int = 0
) -> np.ndarray:
    """Cover one window of one channel after another with zeros, and see how the answer falls.

    Parameters
    ----------
    net
        As for `integrated_gradients`.
    x
        Inputs, (sample, channel, y, x).
    window
        Pixels per side of the cover.
    stride
        Pixels between covers; half a window by default.
    output
        Which output to explain.

    Returns
    -------
    numpy.ndarray
        The shape of `x`: answer without cover minus answer under it, averaged over the covers
        that hold a pixel.

    Raises
    ------
    InputError
        The window is larger than the input.
    """
    if x.ndim != 4 or window > min(x.shape[-2:]):
        raise InputError(
            f"expected inputs (sample, channel, y, x) of at least {window} pixels per side, got "
            f"the shape {x.shape}. Use a smaller window."
        )
    inputs = torch.as_tensor(x, dtype=torch.float32)
    step = stride or max(1, window // 2)
    with _evaluating(net), torch.no_grad():
        falls: Tensor = Occlusion(_Answer(net, output)).attribute(
            inputs, sliding_window_shapes=(1, window, window), strides=(1, step, step)
        )
    return falls.numpy().astype(np.float32)


def randomisation_check(
    net: nn.Module,
    x: np.ndarray,
    attribution: Attribution = integrated_gradients,
    repeats: int = 5,
    seed: int = 0,
) -> float:
    """Compare attributions of the net with those of copies whose weights are drawn anew.

    An explanation that stays the same when everything learned is gone explains the input, not
    the net.

    Parameters
    ----------
    net
        The trained net; not changed.
    x
        Inputs, (sample, ...).
    attribution
        What to check.
    repeats
        Number of copies. Each weight of a copy comes from a normal distribution as wide as the
        trained weights of the same layer.
    seed
        Of the copies.

    Returns
    -------
    float
        Mean rank correlation over copies and samples, -1..1; near 0 the explanation depends on
        what was learned, near 1 it does not. NaN where an attribution is constant.

    References
    ----------
    Adebayo et al. (2018), doi:10.48550/arXiv.1810.03292.
    """
    trained = attribution(net, x).reshape(len(x), -1)
    generator = torch.Generator().manual_seed(seed)
    correlations = []
    for _ in range(repeats):
        blank = copy.deepcopy(net)
        for weight in blank.parameters():
            width = weight.detach().square().mean().sqrt()
            drawn = torch.randn(weight.shape, generator=generator) * width
            weight.data.copy_(drawn)
        random = attribution(blank, x).reshape(len(x), -1)
        correlations += [_rank_correlation(a, b) for a, b in zip(trained, random, strict=True)]
    return float(np.mean(correlations))


def _rank_correlation(left: np.ndarray, right: np.ndarray) -> float:
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return float("nan")
    return float(spearmanr(left, right).statistic)


@contextmanager
def _evaluating(net: nn.Module) -> Iterator[None]:
    """Switch dropout off inside the block."""
    was_training = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(was_training)
