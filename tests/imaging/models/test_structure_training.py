import numpy as np
import pytest
import torch

from graben.imaging.models.structure_training import (
    StructurePlan,
    structure_loss,
    trained_unet,
)
from graben.learning.nets import UNetConfig

TINY = StructurePlan(UNetConfig(3, 5, 4, width=4, depth=1, stem=2), (16, 16, 16), 2, 3e-3, 2)


def batch_of(residual, package=None):
    shape = residual.shape
    return {
        "x": torch.zeros(1, 5, *shape),
        "y": torch.zeros(1, 3, *shape),
        "residual": residual[None],
        "package": torch.zeros(1, *shape, dtype=torch.int64) if package is None else package[None],
    }


def output_of(residual):
    sure = torch.full((3, *residual.shape), -20.0)  # far below what is rare anyway
    return torch.cat([sure, residual[None]])[None]


def test_time_may_be_off_by_a_constant():
    true = torch.randn(12, 12, 12)
    batch = batch_of(true)
    assert float(structure_loss(output_of(true + 5), batch)) == pytest.approx(0, abs=1e-5)
    tilted = true + 0.1 * torch.arange(12.0)
    assert float(structure_loss(output_of(tilted), batch)) > 0.1


def test_what_dips_tell_is_added_to_what_the_net_tells():
    true = torch.randn(12, 12, 12)
    batch = batch_of(true)
    batch["x"][0, -1] = true
    assert float(structure_loss(output_of(0 * true), batch)) == pytest.approx(0, abs=1e-5)


def test_a_pause_of_another_length_costs_little_and_a_wrong_layer_much():
    true = torch.zeros(12, 12, 12)
    package = torch.zeros(12, 12, 12, dtype=torch.int64)
    package[:, :, 6:] = 1
    longer = true + package
    within = structure_loss(output_of(longer), batch_of(true, package))
    across = structure_loss(output_of(longer), batch_of(true))
    assert float(within) < 0.3 * float(across)


def test_salt_says_nothing_about_time():
    true = torch.zeros(12, 12, 12)
    package = torch.zeros(12, 12, 12, dtype=torch.int64)
    package[4:8] = -1
    wrong = true.clone()
    wrong[4:8] = 7.0
    assert float(structure_loss(output_of(wrong), batch_of(true, package))) < 1e-5
    everywhere = torch.full_like(package, -1)
    assert float(structure_loss(output_of(wrong), batch_of(true, everywhere))) < 1e-5


def test_classes_are_right_or_wrong():
    batch = batch_of(torch.zeros(12, 12, 12))
    batch["y"][0, 1, :4] = 1
    right, wrong = output_of(batch["residual"][0]), output_of(batch["residual"][0])
    right[0, 1, :4] = 20.0
    assert float(structure_loss(right, batch)) < 0.01 < float(structure_loss(wrong, batch))


def test_the_same_seed_and_steps_give_the_same_net():
    nets = [trained_unet(TINY, 3, seed=1) for _ in range(2)]
    for one, other in zip(*(net.state_dict().values() for net, _ in nets), strict=True):
        np.testing.assert_array_equal(one, other)
    assert nets[0][1].steps == 3
    assert not nets[0][0].training
