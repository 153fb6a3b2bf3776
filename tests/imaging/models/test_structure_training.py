import numpy as np
import torch

from graben.imaging.models.plans import Plan
from graben.imaging.models.structure_training import (
    structure_loss,
    trained_unet,
)
from graben.learning.nets import UNetConfig

TINY = Plan(UNetConfig(3, 5, 3, width=4, depth=1, stem=2), (16, 16, 16), 2, 3e-3, 2)


def test_classes_are_right_or_wrong():
    label = torch.zeros(1, 3, 12, 12, 12)
    label[0, 1, :4] = 1
    sure = torch.full(label.shape, -20.0)  # far below what is rare anyway
    right = torch.where(label > 0, 20.0, sure)
    loss = [float(structure_loss(said, {"y": label})) for said in (right, sure)]
    assert loss[0] < 0.01 < loss[1]


def test_the_same_seed_and_steps_give_the_same_net():
    nets = [trained_unet(TINY, 3, seed=1) for _ in range(2)]
    for one, other in zip(*(net.state_dict().values() for net, _ in nets), strict=True):
        np.testing.assert_array_equal(one, other)
    assert nets[0][1].steps == 3
    assert not nets[0][0].training
