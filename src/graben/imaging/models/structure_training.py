"""Salt, hydrocarbons and flat spots learned from synthetic volumes alone."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from graben.imaging.models.plans import Plan
from graben.imaging.models.structure import PRIORS
from graben.imaging.models.structure_samples import KeptVolumes, StructureImages
from graben.learning import History, fit
from graben.learning.nets import UNet, UNetConfig, has_bfloat16
from graben.learning.samples import Samples
from graben.learning.threads import torch_threads
from graben.learning.training import PerSample

PLAN = Plan(UNetConfig(3, 5, 3, width=16, depth=3, stem=2), (64, 64, 64), 2, 1e-2, 12)
EPOCHS = 20
RARE = (2.0, 4.0, 4.0)  # weight of the positive samples of salt, hydrocarbons and flat spots
CROSS = (4.0, 30.0, 30.0)  # weight of their cross-entropies: most of it lies in few samples
MOMENTUM = 0.05  # volumes differ, and come in pairs: statistics are averages of many
SOFTENING = 60.0  # samples that soften a Dice loss, so that volumes without a class stay quiet


def trained_unet(
    plan: Plan[UNetConfig], steps: int, seed: int = 0, checkpoint_folder: Path | None = None
) -> tuple[UNet, History]:
    """Train the net, not yet calibrated, on volumes that are drawn as it goes.

    Parameters
    ----------
    plan
        Net and volumes.
    steps
        The same seed and steps give the same weights on the same machine.
    seed
        Of the weights and the volumes.
    checkpoint_folder
        A training that was cut off goes on from there.

    Raises
    ------
    ModelError
        The folder holds another training.
    """
    net = UNet(replace(plan.config, bfloat16=has_bfloat16()))
    images = partial(StructureImages, sought=True)
    history = fit_to_volumes(net, images, structure_loss, plan, steps, seed, checkpoint_folder)
    kept = UNet(plan.config).eval()
    kept.load_state_dict(net.state_dict())
    return kept, history


def fit_to_volumes(
    net: nn.Module,
    images: Callable[..., Samples],
    loss: PerSample,
    plan: Plan[Any],
    steps: int,
    seed: int,
    checkpoint_folder: Path | None,
) -> History:
    """Train a net on volumes that are drawn as it goes.

    Parameters
    ----------
    net
        Is trained in place.
    images
        Gives samples of a shape, a number of them, and with the seed or the use of
        `StructureImages`.
    loss
        Of the net's output and a batch, one a volume.
    plan, steps, seed, checkpoint_folder
        As for `trained_unet`.
    """
    epochs = min(EPOCHS, steps)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm3d):
            layer.momentum = MOMENTUM
    with torch_threads(1):
        return fit(
            net,
            images(plan.shape, -(-steps // epochs) * plan.batch_size, seed=seed),
            KeptVolumes(images(plan.shape, plan.held, use="validation")),
            loss,
            plan.recipe(steps, epochs, seed),
            checkpoint_folder=checkpoint_folder,
        )


def structure_loss(output: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Give the loss of each volume: weighted cross-entropy and soft Dice of the three classes."""
    prior = torch.tensor(PRIORS).reshape(3, 1, 1, 1)
    return torch.stack(
        [_class_loss(*pair) for pair in zip(output + prior, batch["y"], strict=True)]
    )


def _class_loss(logits: Tensor, label: Tensor) -> Tensor:
    rare = torch.tensor(RARE).reshape(3, 1, 1, 1)
    cross = binary_cross_entropy_with_logits(logits, label, pos_weight=rare, reduction="none")
    cross = cross.flatten(1).mean(1) * torch.tensor(CROSS)
    said = logits.sigmoid().flatten(1)
    true = label.flatten(1)
    overlap = 2 * (said * true).sum(1) + SOFTENING
    return (cross + 1 - overlap / (said.sum(1) + true.sum(1) + SOFTENING)).sum()
