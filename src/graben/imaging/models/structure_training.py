"""Salt, hydrocarbons and flat spots learned from synthetic volumes alone."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from graben.imaging.models.structure import PRIORS
from graben.imaging.models.structure_samples import WINDOW, KeptVolumes, StructureImages
from graben.imaging.synthetic import Shape
from graben.learning import History, Recipe, fit
from graben.learning.nets import UNet, UNetConfig, has_bfloat16
from graben.learning.threads import torch_threads

CONFIG = UNetConfig(3, 5, 3, width=16, depth=3, stem=2)
EPOCHS = 20
RARE = (2.0, 4.0, 4.0)  # weight of the positive samples of salt, hydrocarbons and flat spots
CROSS = (4.0, 30.0, 30.0)  # weight of their cross-entropies: most of it lies in few samples
MOMENTUM = 0.05  # volumes differ, and come in pairs: statistics are averages of many
SOFTENING = 60.0  # samples that soften a Dice loss, so that volumes without a class stay quiet


@dataclass(frozen=True)
class StructurePlan:
    """What the net is made of and learns from.

    Attributes
    ----------
    config
        The net: channels of `channels_of`; outputs salt, hydrocarbons, flat spot.
    shape
        (inline, crossline, sample) of the volumes.
    batch_size, learning_rate
        Of the training.
    held
        Volumes that choose the weights to keep.
    whole
        (inline, crossline, sample) of the volumes that it is calibrated and checked on.
    """

    config: UNetConfig = CONFIG
    shape: Shape = (64, 64, 64)
    batch_size: int = 2
    learning_rate: float = 1e-2
    held: int = 12
    whole: Shape = WINDOW


def structure_recipe(plan: StructurePlan, steps: int, seed: int = 0) -> Recipe:
    """Return how the net is trained for a number of steps."""
    return Recipe(
        optimiser="muon",
        schedule="cooldown",
        learning_rate=plan.learning_rate,
        weight_decay=1e-4,
        clip=5.0,
        warmup=min(30, max(steps // 4, 1)),
        patience=0,
        max_epochs=min(EPOCHS, steps),
        max_steps=steps,
        batch_size=plan.batch_size,
        seed=seed,
    )


def trained_unet(
    plan: StructurePlan, steps: int, seed: int = 0, checkpoint_folder: Path | None = None
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
    each = -(-steps // min(EPOCHS, steps)) * plan.batch_size
    net = UNet(replace(plan.config, bfloat16=has_bfloat16()))
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm3d):
            layer.momentum = MOMENTUM
    with torch_threads(1):
        history = fit(
            net,
            StructureImages(plan.shape, each, seed, sought=True),
            KeptVolumes(StructureImages(plan.shape, plan.held, use="validation", sought=True)),
            structure_loss,
            structure_recipe(plan, steps, seed),
            checkpoint_folder=checkpoint_folder,
        )
    kept = UNet(plan.config).eval()
    kept.load_state_dict(net.state_dict())
    return kept, history


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
