"""Which input channels a model uses."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from graben.errors import InputError
from graben.progress import track


@dataclass(frozen=True)
class Importance:
    """What shuffling a channel costs.

    Attributes
    ----------
    score
        With all channels in place.
    mean, sd
        Of the loss of score by shuffling, one entry per channel; `sd` over the repeats.
    """

    score: float
    mean: np.ndarray
    sd: np.ndarray


def permutation_importance(
    predict: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    score: Callable[[np.ndarray], float],
    repeats: int = 5,
    seed: int = 0,
) -> Importance:
    """Shuffle each channel among the samples, and see how much score is lost.

    A shuffled channel no longer fits the others, so a large loss may come from inputs that do not
    occur in nature; what a channel is worth is what training without it costs.

    Parameters
    ----------
    predict
        Gives the outputs for inputs of the shape of `x`.
    x
        Inputs, (sample, channel, ...); not changed.
    score
        Gives the score of the outputs; higher is better.
    repeats
        Shuffles per channel.
    seed
        Of the shuffles.

    Raises
    ------
    InputError
        There are fewer than two samples.

    References
    ----------
    Breiman (2001), doi:10.1023/A:1010933404324.

    Examples
    --------
    Only the first of three channels decides:

    >>> x = np.random.default_rng(0).normal(size=(500, 3))
    >>> found = permutation_importance(
    ...     lambda x: x[:, 0], x, lambda out: -float(np.mean((out - x[:, 0]) ** 2)))
    >>> found.mean.round(1)
    array([1.9, 0. , 0. ])
    """
    if len(x) < 2:
        raise InputError(
            f"expected at least 2 samples to shuffle, got {len(x)}. Use a longer period."
        )
    generator = np.random.default_rng(seed)
    whole = score(predict(x))
    lost = np.zeros((x.shape[1], repeats))
    shuffled = x.copy()
    for channel in track(range(x.shape[1]), "shuffling channels"):
        for repeat in range(repeats):
            shuffled[:, channel] = x[generator.permutation(len(x)), channel]
            lost[channel, repeat] = whole - score(predict(shuffled))
        shuffled[:, channel] = x[:, channel]
    sd = lost.std(axis=1, ddof=1) if repeats > 1 else np.full(len(lost), np.nan)
    return Importance(whole, lost.mean(axis=1), sd)
