"""Mixup."""

import numpy as np
import torch

from graben.learning.augment import mixup


def test_everything_of_a_sample_is_mixed_with_one_share() -> None:
    rows = torch.arange(6.0)
    batch = {"x": rows[:, None].repeat(1, 3), "y": 2 * rows, "offset": -rows, "weight": 1 + rows}
    mixed = mixup(batch, 0.4, np.random.default_rng(3))
    position = mixed["x"][:, 0]
    torch.testing.assert_close(mixed["y"], 2 * position)
    torch.testing.assert_close(mixed["offset"], -position)
    torch.testing.assert_close(mixed["weight"], 1 + position)
    torch.testing.assert_close(mixed["x"], position[:, None].repeat(1, 3))
    generator = np.random.default_rng(3)
    share, partner = generator.beta(0.4, 0.4), generator.permutation(6)
    torch.testing.assert_close(position, share * rows + (1 - share) * rows[partner])


def test_mixing_keeps_the_mean_of_the_batch() -> None:
    batch = {"x": torch.randn(50, 2), "y": torch.rand(50)}
    mixed = mixup(batch, 0.2, np.random.default_rng(0))
    torch.testing.assert_close(mixed["y"].mean(), batch["y"].mean())
