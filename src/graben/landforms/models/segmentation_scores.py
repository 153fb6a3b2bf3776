"""How well a class map agrees with labels, class by class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def confusion(codes: NDArray[Any], mapped: NDArray[Any], classes: int) -> Counts:
    """Count cells by true and mapped class.

    Parameters
    ----------
    codes, mapped
        (block, ...): true and mapped classes, counted from 1; cells with 0 in either are left
        out.
    classes
        Number of classes.

    Returns
    -------
    numpy.ndarray
        (block, true class, mapped class).
    """
    pair = (codes.astype(int) * (classes + 1) + mapped).reshape(len(codes), -1)
    square = (classes + 1) ** 2
    counts = [np.bincount(block, minlength=square) for block in pair]
    return np.stack(counts).reshape(-1, classes + 1, classes + 1)[:, 1:, 1:]


def f1_by_class(table: NDArray[Any]) -> NDArray[np.float64]:
    """Give F1 of each class, (..., class), from (..., true, mapped); 0 where nothing is right.

    Examples
    --------
    >>> f1_by_class(np.array([[8, 2], [2, 0]])).tolist()
    [0.8, 0.0]
    """
    right = np.diagonal(table, axis1=-2, axis2=-1)
    either = table.sum(-1) + table.sum(-2)
    return 2 * right / np.maximum(either, 1)


def class_scores(
    tables: Counts, classes: Sequence[str], n: int = 1000, seed: int = 0
) -> dict[str, dict[str, dict[str, float]]]:
    """Give precision, recall, F1 and intersection over union of each class and their means.

    Parameters
    ----------
    tables
        (block, true class, mapped class).
    classes
        Their names.
    n, seed
        Resamples of the blocks for the 95 % intervals, and their seed.

    Returns
    -------
    dict
        By class (and "mean", every class counting alike) and score: value, low, high.
    """
    drawn = np.random.default_rng(seed).multinomial(
        len(tables), np.full(len(tables), 1 / len(tables)), n
    )
    again = np.tensordot(drawn, tables, 1)
    found: dict[str, dict[str, dict[str, float]]] = {}
    scores = _scores(tables.sum(0)), _scores(again)
    for index, name in enumerate([*classes, "mean"]):
        found[name] = {}
        for score in scores[0]:
            value, spread = scores[0][score][index], scores[1][score][:, index]
            low, high = np.quantile(spread, (0.025, 0.975))
            found[name][score] = {"value": float(value), "low": float(low), "high": float(high)}
    return found


def _scores(table: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    right = np.diagonal(table, axis1=-2, axis2=-1)
    true, mapped = table.sum(-1), table.sum(-2)
    scores = {
        "precision": right / np.maximum(mapped, 1),
        "recall": right / np.maximum(true, 1),
        "F1": f1_by_class(table),
        "IoU": right / np.maximum(true + mapped - right, 1),
    }
    return {
        name: np.concatenate([values, values.mean(-1, keepdims=True)], -1)
        for name, values in scores.items()
    }
