"""A model that a person can read, in the place of one that nobody can."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeRegressor, export_text

from graben.errors import InputError


@dataclass(frozen=True)
class Surrogate:
    """A shallow tree that imitates a model.

    Attributes
    ----------
    rules
        The tree as text.
    fidelity
        Share of the variance of the model's output that the tree explains (R2) on samples that it
        was not grown on; where it is low, the rules do not describe the model.
    tree
        The tree itself.
    """

    rules: str
    fidelity: float
    tree: DecisionTreeRegressor


def shallow_tree(
    features: np.ndarray,
    output: np.ndarray,
    names: Sequence[str],
    depth: int = 3,
    seed: int = 0,
) -> Surrogate:
    """Grow a tree that imitates a model's output from a few features.

    Parameters
    ----------
    features
        (sample, feature); samples with NaN in a feature or in the output are left out.
    output
        What the model gave, (sample,).
    names
        One per feature.
    depth
        Questions from the root to a leaf.
    seed
        Of the split: two thirds of the samples grow the tree, one third judges it.

    Raises
    ------
    InputError
        The shapes do not fit, or fewer than 30 samples are left.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(300, 2))
    >>> imitation = shallow_tree(x, np.where(x[:, 0] > 0.5, 1.0, 0.0), ["recent rate", "relief"])
    >>> imitation.fidelity > 0.9, "recent rate" in imitation.rules, "relief" in imitation.rules
    (True, True, False)
    """
    if features.shape != (len(output), len(names)):
        raise InputError(
            f"expected features of shape {(len(output), len(names))} for {len(output)} outputs "
            f"and {len(names)} names, got {features.shape}. Give one column per name."
        )
    valid = ~(np.isnan(features).any(axis=1) | np.isnan(output))
    if valid.sum() < 30:
        raise InputError(
            f"expected at least 30 samples without NaN, got {valid.sum()}. Use more samples."
        )
    grown, judged, target, truth = train_test_split(
        features[valid], output[valid], test_size=1 / 3, random_state=seed
    )
    tree = DecisionTreeRegressor(
        max_depth=depth, min_samples_leaf=max(5, len(grown) // 100), random_state=seed
    ).fit(grown, target)
    rules = export_text(tree, feature_names=list(names), decimals=3)
    return Surrogate(rules, float(r2_score(truth, tree.predict(judged))), tree)
