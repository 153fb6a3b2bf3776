"""A net imitated by a few attributes: which of them go with its answer, and how much they tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import InputError
from graben.explanation import permutation_importance, shallow_tree
from graben.imaging.attributes import eigen_coherence, semblance
from graben.imaging.complex_trace import envelope
from graben.imaging.structure import dips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

ATTRIBUTES = ("semblance", "eigen-coherence", "dip", "change of dip", "envelope", "depth in view")
CELLS = 8000  # samples that the imitation of the net is grown from
QUESTIONS = 4


@dataclass(frozen=True, eq=False)
class Imitation:
    """How well attributes tell what the net says around the place, and which of them matter.

    Attributes
    ----------
    importance, sd
        By attribute: share of the variance that is no longer told when it is shuffled.
    fidelity
        Share of the variance of the net's probability that the tree tells, on other samples.
    rules
        The tree as text.
    """

    importance: Mapping[str, float]
    sd: Mapping[str, float]
    fidelity: float
    rules: str


def attribute_channels(block: "Floats") -> "Floats":
    """Compute the attributes that an imitation of a net may use.

    Parameters
    ----------
    block
        Normalised amplitudes (inline, crossline, sample).

    Returns
    -------
    numpy.ndarray
        (sample, attribute), in the order of `ATTRIBUTES`; "dip" is the steepness in samples a
        trace, "change of dip" the length of its gradient.
    """
    inline, crossline = dips(block)
    steep = np.hypot(inline, crossline)
    changes = [
        np.gradient(one, axis=axis)
        for one in (inline, crossline)
        for axis in (0, 1)
        if block.shape[axis] > 2
    ]
    change = np.sqrt(np.sum(np.square(changes), axis=0)) if changes else np.zeros_like(steep)
    depth = np.broadcast_to(np.linspace(0, 1, block.shape[2], dtype=np.float32), block.shape)
    channels = (
        semblance(block), eigen_coherence(block), steep, change, envelope(block), depth,
    )  # fmt: skip
    return np.stack([np.asarray(one, np.float32).ravel() for one in channels], axis=1)


def imitate(block: "Floats", probability: "Floats", seed: int = 0) -> Imitation:
    """Imitate a net's probabilities by a shallow tree of attributes, and shuffle each of these.

    Parameters
    ----------
    block
        Normalised amplitudes (inline, crossline, sample).
    probability
        What the net says of them, the same shape.
    seed
        Of the samples, the tree and the shuffles.

    Raises
    ------
    InputError
        There are fewer than 100 samples.
    """
    if block.size < 100:
        raise InputError(
            f"expected at least 100 samples around the place, got {block.size}. Take a larger file."
        )
    generator = np.random.default_rng(seed)
    chosen = generator.choice(block.size, min(CELLS, block.size), replace=False)
    features, said = attribute_channels(block)[chosen], probability.ravel()[chosen]
    tree = shallow_tree(features, said, ATTRIBUTES, QUESTIONS, seed)
    variance = float(said.var()) + 1e-12

    def told(answer: "NDArray[Any]") -> float:
        return 1 - float(np.mean((answer - said) ** 2)) / variance

    matters = permutation_importance(tree.tree.predict, features, told, seed=seed)
    return Imitation(
        dict(zip(ATTRIBUTES, matters.mean.tolist(), strict=True)),
        dict(zip(ATTRIBUTES, matters.sd.tolist(), strict=True)),
        tree.fidelity,
        tree.rules,
    )
