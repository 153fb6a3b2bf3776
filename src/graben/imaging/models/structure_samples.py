"""Synthetic volumes to learn salt, hydrocarbons and geologic time from, drawn anew when needed."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graben.imaging.models.structure import channels_of
from graben.imaging.synthetic import Shape, Synthetic, draw_window
from graben.learning.samples import Samples

Use = Literal["training", "validation", "calibration", "check"]
_STREAM: dict[Use, int] = {"training": 0, "validation": 1, "calibration": 2, "check": 3}
WINDOW = (96, 96, 96)  # that volumes are cut out of where something is sought
ATTEMPTS = 6  # scenes that are tried for one that has it
LEAST_SOUGHT = 100  # samples of it


@dataclass(frozen=True)
class StructureImages:
    """Samples for `graben.learning.fit`: volumes of detailed synthetic scenes.

    "x" is (5, inline, crossline, sample), see `channels_of`; "y" has three channels of 0 and 1:
    salt, hydrocarbons, flat spot.

    Parameters
    ----------
    shape
        (inline, crossline, sample), at most 128 a side; at most 96 if something is sought.
    count
        Volumes in an epoch.
    seed
        The same seed, use, epoch and place give the same volume.
    use
        What the volumes are for; no two uses share a scene.
    epoch
        Number of the epoch.
    sought
        Cut volumes out around samples of hydrocarbons (two of four), of salt (one of four) and at
        random; scenes are drawn up to `ATTEMPTS` times to have them.
    """

    shape: Shape
    count: int
    seed: int = 0
    use: Use = "training"
    epoch: int = 0
    sought: bool = False

    def __len__(self) -> int:
        return self.count

    def at_epoch(self, number: int) -> "StructureImages":
        """Give the volumes of another epoch."""
        return replace(self, epoch=number)

    def image(self, index: int) -> Synthetic:
        """Draw a volume."""
        keys = [self.seed, 40 + _STREAM[self.use], self.epoch, int(index)]
        generator = np.random.default_rng(keys)
        if not self.sought:
            return draw_window(generator, self.shape, "full")
        name = ("closure", "salt", "closure", None)[index % 4]
        for _ in range(ATTEMPTS):
            one = draw_window(generator, WINDOW, "full")
            mask = None if name is None else getattr(one, name)
            if mask is None or mask.sum() >= LEAST_SOUGHT:
                break
        return _cut(one, self.shape, mask, generator)

    def batch(self, indices: NDArray[Any]) -> dict[str, Tensor]:
        """Draw the volumes `indices`."""
        found = [self._labelled(self.image(index)) for index in indices]
        return {name: torch.from_numpy(np.stack([one[name] for one in found])) for name in found[0]}

    def _labelled(self, one: Synthetic) -> dict[str, NDArray[Any]]:
        labels = [
            np.zeros(self.shape, bool) if label is None else label
            for label in (one.salt, one.closure, one.flat_spot)
        ]
        return {"x": channels_of(one.amplitude), "y": np.stack(labels).astype(np.float32)}


def _cut(
    one: Synthetic,
    shape: Shape,
    mask: NDArray[np.bool_] | None,
    generator: np.random.Generator,
) -> Synthetic:
    """Cut a volume out, around a sample of the mask if it has any."""
    sides = np.array(one.amplitude.shape)
    places = np.empty((0, 3)) if mask is None else np.argwhere(mask)
    around = places[generator.integers(len(places))] if len(places) else generator.uniform(0, sides)
    spread = generator.uniform(0.2, 0.8, 3) * shape
    start = np.clip(np.round(around - spread), 0, sides - shape).astype(int)
    part = tuple(slice(a, a + side) for a, side in zip(start, shape, strict=True))
    cut: dict[str, Any] = {}
    for field in fields(one):
        whole = getattr(one, field.name)
        cut[field.name] = None if whole is None else whole[part].copy()
    return Synthetic(**cut)


@dataclass(frozen=True)
class KeptVolumes:
    """Volumes that are drawn once, when they are first asked for, and then kept."""

    drawn: Samples

    def __len__(self) -> int:
        return len(self.drawn)

    @cached_property
    def all(self) -> dict[str, Tensor]:
        """Every volume."""
        return self.drawn.batch(np.arange(len(self)))

    def batch(self, indices: NDArray[Any]) -> dict[str, Tensor]:
        """Give the volumes `indices`."""
        return {name: values[torch.as_tensor(indices)] for name, values in self.all.items()}
