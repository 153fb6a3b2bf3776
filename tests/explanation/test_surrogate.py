"""The surrogate tree: faithful to a tree, honest about noise."""

import numpy as np
import pytest

from graben.errors import InputError
from graben.explanation import shallow_tree


def test_a_tree_is_imitated_exactly_and_noise_not_at_all() -> None:
    generator = np.random.default_rng(0)
    x = generator.uniform(size=(3000, 3))
    x[0, 0] = np.nan
    output = np.where(x[:, 0] > 0.4, 1.0, np.where(x[:, 2] > 0.7, 3.0, 0.0))
    tree = shallow_tree(x, output, ["rate", "relief", "land"], depth=2)
    assert tree.fidelity > 0.97
    assert "rate <= 0.4" in tree.rules
    assert "land <= 0.7" in tree.rules
    assert "relief" not in tree.rules
    noise = shallow_tree(x, generator.normal(size=3000), ["rate", "relief", "land"])
    assert noise.fidelity < 0.05


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="Give one column per name"):
        shallow_tree(np.zeros((40, 2)), np.zeros(40), ["a"])
    with pytest.raises(InputError, match="at least 30"):
        shallow_tree(np.full((40, 1), np.nan), np.zeros(40), ["a"])
