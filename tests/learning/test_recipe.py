"""Recipes: what the classic one is, and what is refused."""

import pytest

from graben.errors import InputError
from graben.learning import Recipe


def test_classic_is_plain_gradient_descent() -> None:
    recipe = Recipe.classic()
    assert (recipe.optimiser, recipe.momentum, recipe.schedule) == ("sgd", 0, "constant")
    assert (recipe.initialisation, recipe.max_steps) == ("uniform-0.01", 1000)
    assert recipe.mixup == recipe.weight_decay == recipe.clip == recipe.patience == 0
    assert 0.01 <= recipe.learning_rate <= 0.1
    assert not recipe.keep_best
    with pytest.raises(InputError, match=r"0\.01 to 0\.1"):
        Recipe.classic(learning_rate=0.5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimiser": "adam"},
        {"schedule": "stepwise"},
        {"initialisation": "zero"},
        {"learning_rate": 0},
        {"batch_size": 0},
        {"mixup": -1},
        {"max_steps": 0},
    ],
)
def test_a_wrong_recipe_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Recipe(**wrong)
