"""Extremely randomised trees as plain arrays, so that a model folder holds no pickle."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from graben.learning.forest_kernels import add_leaves

TREES = 200
FEATURES_TRIED = 0.3  # share of the features that a split chooses from
NOISE = 0.01  # share of the answer that is spread over all classes: no tree has seen everything


@dataclass(frozen=True)
class Forest:
    """Trees side by side; see `add_leaves` for their layout.

    Attributes
    ----------
    roots
        First node of each tree, (tree,) int32.
    feature, threshold, left, right
        Of each node, int32, float64, int32 and int32.
    leaves
        Class shares of each leaf, (leaf, class) float32.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    leaves: np.ndarray

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Give the share of the trees' votes for each class.

        Parameters
        ----------
        x
            Features, (sample, feature) float32, without NaN.

        Returns
        -------
        numpy.ndarray
            (sample, class) float32; positive, each row adds up to 1.
        """
        classes = self.leaves.shape[1]
        total = np.zeros((len(x), classes), np.float32)
        x = np.ascontiguousarray(x, np.float32)
        add_leaves(
            x, self.roots, self.feature, self.threshold, self.left, self.right, self.leaves, total
        )
        return (1 - NOISE) * total / len(self.roots) + NOISE / classes

    def arrays(self) -> dict[str, np.ndarray]:
        """Give the arrays by name, for a model folder; `Forest(**arrays)` is the forest again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def grow(x: np.ndarray, codes: np.ndarray, classes: int, seed: int) -> Forest:
    """Grow the trees on labelled samples; each class counts alike, however many samples it has.

    Parameters
    ----------
    x
        Features, (sample, feature) float32, without NaN.
    codes
        Class of each sample, 1 to `classes`; not all need to occur.
    classes
        Number of classes.
    seed
        Of the splits.

    References
    ----------
    Geurts et al. (2006), Extremely randomized trees, doi:10.1007/s10994-006-6226-1.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    grown = ExtraTreesClassifier(
        TREES, max_features=FEATURES_TRIED, class_weight="balanced", random_state=seed
    ).fit(np.ascontiguousarray(x, np.float32), codes)
    present = grown.classes_.astype(int) - 1
    return _joined([_tree(one.tree_, present, classes) for one in grown.estimators_])


def fit_temperature(probabilities: np.ndarray, codes: np.ndarray) -> float:
    """Give the temperature that makes held-out labels most likely; each class counts alike.

    Parameters
    ----------
    probabilities
        Of samples that the trees that gave them had not seen, (sample, class), positive.
    codes
        Their classes, from 1.
    """
    from scipy.optimize import minimize_scalar

    weight = 1 / np.bincount(codes)[codes]
    likely = np.log(probabilities)

    def loss(log_temperature: float) -> float:
        scaled = likely / np.exp(log_temperature)
        chosen = scaled[np.arange(len(codes)), codes - 1]
        return float(weight @ (np.logaddexp.reduce(scaled, axis=1) - chosen))

    return float(np.exp(minimize_scalar(loss, bounds=(-1.5, 1.5), method="bounded").x))


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Sharpen (below 1) or flatten (above 1) probabilities, (..., class).

    References
    ----------
    Guo et al. (2017), On calibration of modern neural networks, doi:10.48550/arXiv.1706.04599.
    """
    raised = probabilities ** np.float32(1 / temperature)
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def _tree(tree: Any, present: np.ndarray, classes: int) -> Forest:
    is_leaf = tree.children_left < 0
    leaves = np.zeros((np.count_nonzero(is_leaf), classes), np.float32)
    votes = tree.value[is_leaf, 0]
    leaves[:, present] = votes / votes.sum(axis=1, keepdims=True)
    left = tree.children_left.astype(np.int32)
    left[is_leaf] = np.arange(len(leaves))
    return Forest(
        np.zeros(1, np.int32),
        np.where(is_leaf, -1, tree.feature).astype(np.int32),
        tree.threshold,
        left,
        tree.children_right.astype(np.int32),
        leaves,
    )


def _joined(trees: list[Forest]) -> Forest:
    node = leaf = 0
    moved = []
    for tree in trees:
        is_leaf = tree.feature < 0
        left = tree.left + np.where(is_leaf, leaf, node).astype(np.int32)
        right = tree.right + np.int32(node)
        moved.append(
            (tree.roots + np.int32(node), tree.feature, tree.threshold, left, right, tree.leaves)
        )
        node, leaf = node + len(tree.feature), leaf + len(tree.leaves)
    return Forest(*(np.concatenate(column) for column in zip(*moved, strict=True)))
