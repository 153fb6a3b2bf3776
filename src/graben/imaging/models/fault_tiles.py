"""Faults of volumes larger than memory, by nets that see lines; functions of tiles."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from graben.imaging.amplitudes import Amplitudes
from graben.imaging.models.calibration import Platt
from graben.imaging.models.faults import FaultNet
from graben.imaging.models.section_faults import Floats, net_logits
from graben.learning.nets import UNet, UNetConfig, folded
from graben.tiling import Tile

State = dict[str, NDArray[Any]]


def state_of(net: UNet) -> State:
    """Return a net's state as plain arrays, whose pickles are alike in every process."""
    return {name: value.numpy() for name, value in net.state_dict().items()}


def net_of(config: UNetConfig, state: State) -> UNet:
    """Build a net, in evaluation mode, from its state."""
    net = UNet(config)
    net.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    return net.eval()


@dataclass(frozen=True, eq=False)
class LineTile:
    """What a 2-D net says of every line of a tile, uncalibrated; see `graben.tiling`.

    Tiles that part lines need corners at multiples of the net's `multiple`, and its `halo` along
    them: the answers are then those of whole lines, to rounding.

    Parameters
    ----------
    config, state
        Of the net, see `state_of`.
    amplitudes
        Of the survey.
    axis
        0: along inlines; 1: along crosslines.
    """

    config: UNetConfig
    state: State
    amplitudes: Amplitudes
    axis: int

    @cached_property
    def net(self) -> UNet:
        """The net, ready for inference."""
        return folded(net_of(self.config, self.state))

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __call__(
        self, block: NDArray[Any], tile: Tile, shape: tuple[int, ...]
    ) -> Mapping[str, Floats]:
        """Give the probabilities of a tile of amplitudes (inline, crossline, sample)."""
        lines = self.amplitudes.normalise(block)
        lines = lines.swapaxes(0, 1) if self.axis else lines
        # one by one: the maps of a line are larger than all its samples
        answer = np.concatenate([expit(net_logits(self.net, line[None])) for line in lines])
        answer = answer.swapaxes(0, 1) if self.axis else answer
        return {"probability": answer[tile.inner]}


@dataclass(frozen=True, eq=False)
class SectionTile:
    """The faults of a part of a 2-D line, calibrated, with their spread; see `graben.tiling`.

    Parameters
    ----------
    nets, calibrations
        Of the model: configuration and state by name, see `state_of`.
    amplitudes
        Of the line.
    """

    nets: dict[str, tuple[UNetConfig, State]]
    calibrations: dict[str, Platt]
    amplitudes: Amplitudes

    @classmethod
    def of(cls, model: FaultNet, amplitudes: Amplitudes) -> Self:
        """Take what is needed from a model."""
        nets = {name: (net.config, state_of(net)) for name, net in model.nets.items()}
        return cls(nets, dict(model.calibrations), amplitudes)

    @cached_property
    def model(self) -> FaultNet:
        """The model."""
        nets = {name: net_of(config, state) for name, (config, state) in self.nets.items()}
        return FaultNet(nets, self.calibrations)

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __call__(
        self, block: NDArray[Any], tile: Tile, shape: tuple[int, ...]
    ) -> Mapping[str, Floats]:
        """Give probability and spread of a part of the line (1, trace, sample) or (trace, 1, .)."""
        found = self.model.predict(self.amplitudes.normalise(block))
        return {"probability": found.probability[tile.inner], "spread": found.spread[tile.inner]}
