"""Convolutional nets that look at the image around a place."""

from typing import Any, ClassVar

import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from graben.learning import Recipe, Samples
from graben.learning.nets import ConvNet, ConvNetConfig, Convolution, has_bfloat16
from graben.quakes.models.base import Places
from graben.quakes.models.images import FINE, MARGIN_DEGREES, SIDE, Surroundings
from graben.quakes.models.places import PlaceModel
from graben.quakes.models.samples import PlaceSamples
from graben.quakes.scene import Scene


class _Images:
    """Samples whose images are cut batch by batch."""

    def __init__(
        self,
        around: Surroundings,
        seismicity: NDArray[Any],
        corner: NDArray[Any],
        labels: PlaceSamples | None,
        *,
        fine: bool,
        offset: bool,
    ) -> None:
        self.seismicity, self.corner = seismicity, corner
        self.cut = around.fine if fine else around.coarse
        self.columns: dict[str, Tensor] = {}
        if labels is not None:
            chosen = {"y": labels.outcome}
            chosen |= {"offset": labels.offset} if offset else {"weight": labels.weight}
            self.columns = {k: torch.as_tensor(v, dtype=torch.float32) for k, v in chosen.items()}

    def __len__(self) -> int:
        return len(self.corner)

    def batch(self, indices: NDArray[Any]) -> dict[str, Tensor]:
        """Return the images and labels of some samples."""
        images = torch.from_numpy(self.cut(self.corner[indices], self.seismicity[indices]))
        chosen = torch.as_tensor(indices)
        columns = {name: values[chosen] for name, values in self.columns.items()}
        return {"x": images.contiguous(memory_format=torch.channels_last), **columns}


class LightCnn(PlaceModel):
    """A small net on 56 x 56 pixels of elevation, relief, long-term and recent seismicity."""

    name = "light-cnn"
    fits = "as grid-cnn; one place at a time"
    needs_terrain = True
    margin_degrees = MARGIN_DEGREES
    threads: ClassVar[int | None] = 1
    fine = False

    @classmethod
    def tuned(cls) -> Recipe:
        """Return momentum descent with cosine decay and mixup."""
        return Recipe(
            optimiser="sgd",
            learning_rate=0.02,
            momentum=0.9,
            schedule="cosine",
            weight_decay=1e-4,
            mixup=0.2,
            patience=0,
            max_epochs=6,
            batch_size=32,
            clip=2.0,
        )

    def build(self) -> ConvNet:
        """Return the untrained net of 40,145 weights."""
        layers = (
            Convolution(16, pool="max"),
            Convolution(32, pool="max"),
            Convolution(32, pool="max"),
        )
        return ConvNet(ConvNetConfig(4, layers, dense=(32,), size=SIDE, dropout=0.3))

    def inputs(
        self,
        scene: Scene,
        times: pd.DatetimeIndex,
        window: NDArray[Any],
        places: Places,
        labels: PlaceSamples | None,
        offset: bool,
    ) -> Samples:
        """Return the images around places."""
        around = Surroundings(scene)
        corner = around.corners(*places)
        seismicity = around.seismicity(times, window, corner)
        return _Images(around, seismicity, corner, labels, fine=self.fine, offset=offset)


class SurveyCnn(LightCnn):
    """The worked example Conv32-Pool-Conv64-Pool-Flatten-Dense64-Dense1 on 224 x 224 x 3.

    Channels: long-term seismicity, recent seismicity, elevation.
    """

    name = "survey-cnn"
    fits = "images of 224 x 224 pixels around places"
    share = 1 / 6
    threads = None
    fine = True

    @classmethod
    def tuned(cls) -> Recipe:
        """Return momentum descent with cosine decay and mixup, three epochs."""
        return Recipe(
            optimiser="sgd",
            learning_rate=0.01,
            momentum=0.9,
            schedule="cosine",
            weight_decay=1e-4,
            mixup=0.2,
            patience=0,
            max_epochs=3,
            batch_size=16,
            clip=2.0,
        )

    @classmethod
    def classic(cls) -> Recipe:
        """Return the textbook training: weights within 0.01, plain gradient descent."""
        return Recipe.classic(batch_size=2)

    def build(self) -> ConvNet:
        """Return the untrained net of 11,963,457 weights."""
        layers = (Convolution(32, pool="max"), Convolution(64, pool="max"))
        config = ConvNetConfig(3, layers, dense=(64,), size=SIDE * FINE, bfloat16=has_bfloat16())
        return ConvNet(config)
