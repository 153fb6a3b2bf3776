"""What a segmentation net answers for one tile of an elevation model."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from graben.landforms.dem import CellSize
from graben.landforms.models.segmentation_channels import channel_reach, terrain_channels
from graben.landforms.models.segmentation_samples import LIMIT, Scaling
from graben.learning.nets import UNet, UNetConfig
from graben.tiling.plan import Tile, tiles_of

Floats = NDArray[Any]

PIECE = 512


@dataclass(frozen=True, eq=False)
class SegmentTile:
    """What is computed for a tile of an elevation model; see `graben.tiling`.

    Tiles need a halo of `halo` cells and corners at multiples of `multiple`: the same cells then
    get the same answers from tiles of any size, to rounding.

    Parameters
    ----------
    config, state, scaling, radii
        Of the model; the state of its net as plain arrays, whose pickles are alike in every
        process, so that a run that was killed is known again.
    weights, favour
        Of the classes: what the training multiplied their cells by, and what is added to the
        logarithm of their probability where one class is chosen.
    cells
        Cell sizes of the whole elevation model.
    piece
        Cells per side of what is worked on at a time, a multiple of `multiple`; it changes memory
        and time, not the answers.
    """

    config: UNetConfig
    state: dict[str, Floats]
    scaling: Scaling
    radii: tuple[int, ...]
    weights: Floats
    favour: Floats
    cells: CellSize
    piece: int = PIECE

    @cached_property
    def net(self) -> UNet:
        """The net, in evaluation mode."""
        net = UNet(self.config).eval()
        net.load_state_dict({name: torch.tensor(value) for name, value in self.state.items()})
        return net

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def multiple(self) -> int:
        """What corners of tiles have to be a multiple of."""
        return self.config.multiple

    @property
    def halo(self) -> int:
        """Cells around a tile that its answers depend on."""
        reach = channel_reach(self.radii) + self.config.halo
        return -(-reach // self.multiple) * self.multiple

    @property
    def outputs(self) -> dict[str, Any]:
        """Names and types of what a tile gives."""
        probability = {f"probability_{code + 1}": np.float32 for code in range(len(self.weights))}
        return {"classes": np.uint8, "confidence": np.float32, "unlike": np.uint8, **probability}

    def __call__(
        self, block: NDArray[np.float32], tile: Tile, shape: tuple[int, ...]
    ) -> dict[str, NDArray[Any]]:
        """Map the core of a tile.

        Returns
        -------
        dict
            "classes" (0 where void), "confidence": the probability of that class (NaN where void),
            "unlike": 1 where the terrain is unlike that of the training, and the probability of
            each class.
        """
        found = {name: np.empty(tile.shape, dtype) for name, dtype in self.outputs.items()}
        for piece in self._pieces(tile, shape):
            place = Tile(piece.core, tile.core).inner
            for name, values in self._map(
                block[Tile(piece.padded, tile.padded).inner], piece
            ).items():
                found[name][place] = values
        return found

    def _pieces(self, tile: Tile, shape: tuple[int, ...]) -> list[Tile]:
        """Cut the tile, so that memory holds the maps of the net for a part of it at a time."""
        cores = [
            [
                slice(start, min(start + self.piece, part.stop))
                for start in range(part.start, part.stop, self.piece)
            ]
            for part in tile.core
        ]
        return tiles_of(cores, shape, self.halo)

    def scaled_channels(self, block: NDArray[np.float32], tile: Tile) -> NDArray[np.float32]:
        """Give what the net sees of the padded block of a tile, (channel, y, x)."""
        rows = tile.padded[0]
        channels = terrain_channels(block, self.cells.x[rows], self.cells.y[rows], self.radii)
        return self.scaling.apply(channels)

    def _map(self, block: NDArray[np.float32], tile: Tile) -> dict[str, NDArray[Any]]:
        scaled = self.scaled_channels(block, tile)
        core, seen = tile.inner, self._seen(tile)
        logits = self._logits(scaled[:, *seen])
        known = ~np.isnan(block[core])
        log_p = calibrated(logits[:, *Tile(core, seen).inner], self.weights)
        chosen = (log_p + self.favour[:, None, None]).argmax(0)
        p = np.where(known, np.exp(log_p), np.nan).astype(np.float32)
        unlike = (np.abs(scaled[:, *core]) >= LIMIT).any(0)
        return {
            "classes": np.where(known, chosen + 1, 0).astype(np.uint8),
            "confidence": np.take_along_axis(p, chosen[None], 0)[0],
            "unlike": unlike.astype(np.uint8),
            **{f"probability_{code + 1}": plane for code, plane in enumerate(p)},
        }

    def _seen(self, tile: Tile) -> tuple[slice, ...]:
        """Give the part of the block that the net has to see: the outer ring fed the channels."""
        halo = self.config.halo
        return tuple(
            slice(
                max(core.start - halo, 0) - around.start,
                min(core.stop + halo, around.stop) - around.start,
            )
            for core, around in zip(tile.core, tile.padded, strict=True)
        )

    def _logits(self, x: NDArray[np.float32]) -> Floats:
        sides = x.shape[1:]
        missing = [(0, -side % self.multiple) for side in sides]
        padded = np.pad(x, [(0, 0), *missing])
        with torch.inference_mode():
            answer = self.net(torch.from_numpy(padded)[None])[0].numpy()
        return answer[:, : sides[0], : sides[1]]


def calibrated(logits: Floats, weights: Floats) -> Floats:
    """Give log probabilities, (..., class, y, x), from the logits of a class-weighted training.

    A net that is trained with the cells of a class counted w times learns w p, up to the sum.
    """
    fair = logits.astype(float) - np.log(weights)[:, None, None]
    fair -= fair.max(-3, keepdims=True)
    total: Floats = fair - np.log(np.exp(fair).sum(-3, keepdims=True))
    return total
