"""The net that knows layers again, learned from the exact geologic time of synthetic volumes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graben.imaging.models.horizons import STEEPEST
from graben.imaging.models.layer_matching import MOST_LAG
from graben.imaging.models.layer_net import STEP, LayerNet, LayerNetConfig
from graben.imaging.models.plans import Plan
from graben.imaging.models.structure_samples import StructureImages
from graben.imaging.models.structure_training import fit_to_volumes
from graben.imaging.synthetic import Shape
from graben.learning import History

DISTANCES = (1, 2, 4, 8, 12)  # described traces between those that are compared
PLAN = Plan(LayerNetConfig(), (64, 64, 96), 2, 1e-2, 12)
EACH = 3  # one pair of traces of so many is learned from
NEVER = -1e4


@dataclass(frozen=True)
class LayerImages:
    """Samples for `graben.learning.fit`.

    "x" is the image, (1, inline, crossline, sample); "y" the geologic time of every fourth trace,
    samples, NaN in salt.
    """

    drawn: StructureImages

    def __len__(self) -> int:
        return len(self.drawn)

    def at_epoch(self, number: int) -> "LayerImages":
        """Give the volumes of another epoch."""
        return LayerImages(self.drawn.at_epoch(number))

    def batch(self, indices: NDArray[Any]) -> dict[str, Tensor]:
        """Draw the volumes `indices`."""
        images, times = [], []
        some = (slice(None, None, STEP), slice(None, None, STEP))
        for index in indices:
            one = self.drawn.image(index)
            time = one.geologic_time[some].astype(np.float32)
            if one.salt is not None:
                time[one.salt[some]] = np.nan
            images.append(one.amplitude[None])
            times.append(time)
        return {"x": torch.from_numpy(np.stack(images)), "y": torch.from_numpy(np.stack(times))}


class Answers(NamedTuple):
    """Where the samples of traces lie in other traces.

    Attributes
    ----------
    sample, part
        (pair, sample): the layer lies `part` of the way from this sample to the next.
    there, known
        (pair, sample): it is met once, within `MOST_LAG`; and whether that can be said at all.
    """

    sample: Tensor
    part: Tensor
    there: Tensor
    known: Tensor


def trained_layer_net(
    plan: Plan[LayerNetConfig], steps: int, seed: int = 0, checkpoint_folder: Path | None = None
) -> tuple[LayerNet, History]:
    """Train the net on volumes that are drawn as it goes.

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
    net = LayerNet(plan.config)
    history = fit_to_volumes(net, drawn_layers, layer_loss, plan, steps, seed, checkpoint_folder)
    return net.eval(), history


def drawn_layers(shape: Shape, count: int, **which: Any) -> LayerImages:
    """Give samples of volumes, see `StructureImages`."""
    return LayerImages(StructureImages(shape, count, **which))


def layer_loss(output: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Give the loss of each volume: how unlikely the true sample of the other trace is.

    Of each sample of a trace the net says at which sample of another trace its layer lies, or
    that it is not there: cross-entropy, between samples shared by nearness.
    """
    return torch.stack([_volume_loss(*pair) for pair in zip(output, batch["y"], strict=True)])


def _volume_loss(described: Tensor, time: Tensor) -> Tensor:
    numbers, none = described[:-1].permute(1, 2, 3, 0), described[-1, 0, 0, 0]
    total, count = none.new_zeros(()), none.new_zeros(())
    for axis in (0, 1):
        for distance in DISTANCES:
            if distance >= time.shape[axis]:
                continue
            said = _said(*_pairs(numbers, axis, distance), none)
            true = true_answers(*_pairs(time, axis, distance))
            beside = [said.gather(2, (true.sample + k)[..., None])[..., 0] for k in (0, 1)]
            shared = (1 - true.part) * beside[0] + true.part * beside[1]
            total = total - (torch.where(true.there, shared, said[..., -1]) * true.known).sum()
            count = count + true.known.sum()
    return total / count.clamp(min=1)


def _pairs(values: Tensor, axis: int, distance: int) -> tuple[Tensor, Tensor]:
    """Give traces (pair, sample, ...) and those at a distance from them along an axis."""
    more = values.shape[axis] - distance
    first, second = values.narrow(axis, 0, more), values.narrow(axis, distance, more)
    return first.flatten(0, 1)[::EACH], second.flatten(0, 1)[::EACH]


def _said(first: Tensor, second: Tensor, none: Tensor) -> Tensor:
    """Give log probabilities (pair, sample, sample of the other trace or none)."""
    alike = first @ second.transpose(1, 2)
    place = torch.arange(alike.shape[1])
    alike = alike.masked_fill((place - place[:, None]).abs() > MOST_LAG, NEVER)
    return torch.cat([alike, none.expand(*alike.shape[:2], 1)], 2).log_softmax(2)


def true_answers(first: Tensor, second: Tensor) -> Answers:
    """Find the samples of traces in others by their geologic time (pair, sample)."""
    step = second[:, 1:] - second[:, :-1]
    met = (second[:, None, :-1] <= first[..., None]) & (second[:, None, 1:] > first[..., None])
    met &= (step <= STEEPEST)[:, None]
    times = met.sum(2)
    sample = met.to(torch.uint8).argmax(2)
    above, length = second.gather(1, sample), step.gather(1, sample)
    there = times == 1
    part = torch.where(there, (first - above) / length.clamp(min=1e-3), 0.0)
    lag = sample + part - torch.arange(first.shape[1])
    known = ~first.isnan() & (times <= 1)
    return Answers(sample, part, there & (lag.abs() <= MOST_LAG - 1), known)
