"""Objects in a volume: connected samples, and how many of those that are there were found."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

IOU = 0.2  # overlap over union from which on an object counts as found
HALF = 0.5  # or so much of it lies in the other

Places = NDArray[np.int64]


def connected(places: Places) -> list[NDArray[np.int64]]:
    """Gather samples that touch, also by edges and corners, into objects.

    Memory grows with the samples that are given, not with the volume they lie in.

    Parameters
    ----------
    places
        (sample, 3): inline, crossline and sample of each, no two the same.

    Returns
    -------
    list of numpy.ndarray
        The numbers of the samples of each object, largest object first.

    Examples
    --------
    >>> [one.tolist() for one in connected(np.array([[0, 0, 0], [5, 5, 5], [1, 1, 1]]))]
    [[0, 2], [1]]
    """
    if not len(places):
        return []
    # a rim around the volume keeps its opposite sides apart
    sides = places.max(0) + 3
    strides = np.array([sides[1] * sides[2], sides[2], 1])
    key = (places + 1) @ strides
    order = np.argsort(key)
    sorted_key = key[order]
    pairs = []
    for offset in product((-1, 0, 1), repeat=3):
        step = int(np.dot(offset, strides))
        if step <= 0:
            continue
        wanted = sorted_key + step
        at = np.searchsorted(sorted_key, wanted).clip(max=len(key) - 1)
        met = sorted_key[at] == wanted
        pairs.append(np.stack([order[met], order[at[met]]]))
    first, second = np.concatenate(pairs, 1)
    graph = coo_matrix((np.ones(len(first), bool), (first, second)), shape=(len(key), len(key)))
    _, label = connected_components(graph, directed=False)
    return _grouped(label)


def _grouped(label: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Give the places of each label, the most frequent first."""
    if not label.size:
        return []
    order = np.argsort(label, kind="stable")
    ends = np.flatnonzero(np.diff(label[order])) + 1
    return sorted(np.split(order, ends), key=len, reverse=True)


def objects_of(mask: NDArray[np.bool_], least: int = 1) -> list[Places]:
    """Give the flat indices of the objects of a mask in memory that have `least` samples or more.

    They are those of `connected`, found more quickly where many samples are set.
    """
    numbers, _ = ndimage.label(mask, np.ones((3, 3, 3)))
    flat = np.flatnonzero(mask)
    found = _grouped(numbers.reshape(-1)[flat])
    return [flat[one] for one in found if len(one) >= least]


@dataclass(frozen=True)
class Matches:
    """How many objects were found.

    Attributes
    ----------
    right, said
        Objects that were said, and those of them that are true.
    found, true
        Objects that are there, and those of them that were found.
    """

    right: int
    said: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        """Share of the objects said that are true; NaN without any."""
        return self.right / self.said if self.said else float("nan")

    @property
    def recall(self) -> float:
        """Share of the true objects that were found; NaN without any."""
        return self.found / self.true if self.true else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where nothing matches, NaN without objects."""
        if not self.said + self.true:
            return float("nan")
        precision = self.right / max(self.said, 1)
        recall = self.found / max(self.true, 1)
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def __add__(self, other: "Matches") -> "Matches":
        return Matches(
            self.right + other.right,
            self.said + other.said,
            self.found + other.found,
            self.true + other.true,
        )


def agrees(both: int, said: int, true: int) -> tuple[bool, bool]:
    """Tell whether an object that was said is right by a true one, and whether that is found.

    Parameters
    ----------
    both, said, true
        Samples that they share, and of each.

    Notes
    -----
    Both are where the overlap is `IOU` of the union; else an object is right where half of it lies
    in the true one, and a true one found where half of it lies in what was said.
    """
    if both >= IOU * (said + true - both):
        return True, True
    return both >= HALF * said, both >= HALF * true


def match(said: Sequence[Places], true: Sequence[Places]) -> tuple[Matches, list[bool]]:
    """Compare objects with true ones, see `agrees`; also tell of each whether it is right."""
    right = [False] * len(said)
    found = [False] * len(true)
    if said and true:
        places = np.concatenate(true)
        owner = np.repeat(np.arange(len(true)), [len(one) for one in true])
        order = np.argsort(places)
        places, owner = places[order], owner[order]
        for number, one in enumerate(said):
            at = np.searchsorted(places, one).clip(max=len(places) - 1)
            shared = np.bincount(owner[at[places[at] == one]], minlength=len(true))
            for other in np.flatnonzero(shared).tolist():
                agreed = agrees(int(shared[other]), len(one), len(true[other]))
                right[number] |= agreed[0]
                found[other] |= agreed[1]
    return Matches(sum(right), len(said), sum(found), len(true)), right
