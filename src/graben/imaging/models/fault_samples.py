"""Synthetic images to learn faults from, drawn anew whenever they are asked for."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from graben.imaging.scene import Preset
from graben.imaging.synthetic import Shape, Synthetic, draw_window

Use = Literal["training", "validation", "calibration", "check", "adaptation"]
_STREAM: dict[Use, int] = {
    "training": 0, "validation": 1, "calibration": 2, "check": 3, "adaptation": 4,
}  # fmt: skip


@dataclass(frozen=True)
class DrawnImages:
    """Samples for `graben.learning.fit`: cubes or sections of synthetic scenes and their faults.

    "x" is (channel, inline, crossline, sample), or (channel, trace, sample) for sections, whose
    direction alternates; "y" is 1 where there is a fault, of the same shape. Each image has a
    scene of its own.

    Parameters
    ----------
    shape
        (inline, crossline, sample); sections have one inline.
    count
        Images in an epoch.
    seed
        The same seed, use, epoch and place give the same image.
    use
        What the images are for; no two uses share a scene.
    epoch
        Number of the epoch.
    detailed
        Share of scenes of the preset "full", with unconformities, salt and channels, which a net
        must not take for faults.
    """

    shape: Shape
    count: int
    seed: int = 0
    use: Use = "training"
    epoch: int = 0
    detailed: float = 0.15

    def __len__(self) -> int:
        return self.count

    def at_epoch(self, number: int) -> "DrawnImages":
        """Give the images of another epoch."""
        return replace(self, epoch=number)

    def image(self, index: int) -> Synthetic:
        """Draw an image; arrays are (inline, crossline, sample), also of sections."""
        keys = [self.seed, _STREAM[self.use], self.epoch, int(index)]
        inline, crossline, sample = self.shape
        turned = inline == 1 and index % 2 == 1
        shape = (crossline, inline, sample) if turned else self.shape
        generator = np.random.default_rng(keys)
        preset: Preset = "full" if generator.random() < self.detailed else "faults"
        return draw_window(generator, shape, preset)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """Draw the images `indices`."""
        images = [self.image(index) for index in indices]
        x = np.stack([one.amplitude.reshape(self._space) for one in images])
        y = np.stack([one.fault.reshape(self._space) for one in images])
        return {"x": torch.from_numpy(x[:, None]), "y": torch.from_numpy(y[:, None]).float()}

    @property
    def _space(self) -> tuple[int, ...]:
        return self.shape[1:] if self.shape[0] == 1 else self.shape


@dataclass(frozen=True)
class KeptImages:
    """Images that are drawn once, when they are first asked for, and then kept."""

    drawn: DrawnImages

    def __len__(self) -> int:
        return len(self.drawn)

    @cached_property
    def all(self) -> dict[str, Tensor]:
        """Every image."""
        return self.drawn.batch(np.arange(len(self)))

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """Give the images `indices`."""
        return {name: values[torch.as_tensor(indices)] for name, values in self.all.items()}
