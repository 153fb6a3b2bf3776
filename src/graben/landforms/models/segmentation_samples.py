"""Training tiles for segmentation nets, cut from labelled elevation models without leaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graben.errors import InputError
from graben.evaluation import SpaceBlocks
from graben.landforms.dem import cell_size
from graben.landforms.models.few_labels import source_of
from graben.landforms.models.segmentation_channels import (
    EAST,
    NORTH,
    SYMMETRIES,
    channel_reach,
    terrain_channels,
    turned,
    turned_map,
)
from graben.progress import track
from graben.tiling.plan import Tile, tiles_of

if TYPE_CHECKING:
    from graben.landforms.models.few_labels import Dem

FOLDS = 5
LIMIT = 4.0  # standard deviations beyond which a channel says no more
Floats = NDArray[np.float32]
Codes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class LabelledDem:
    """An elevation model and the class of its cells.

    Parameters
    ----------
    dem
        Elevation in metres, in memory (y, x), with its CRS, or on disk; NaN is void.
    mask
        Code of the class of each cell, uint8 of the shape of `dem`, counted from 1; 0 where
        nothing is known.

    Raises
    ------
    InputError
        The shapes differ.
    """

    dem: "Dem"
    mask: Codes

    def __post_init__(self) -> None:
        if self.dem.shape != self.mask.shape:
            raise InputError(
                f"expected a mask of the shape of the elevation model {self.dem.shape}, got "
                f"{self.mask.shape}. Bring both to the same grid."
            )


@dataclass(frozen=True, eq=False)
class Tiles:
    """Square pieces of labelled elevation models.

    Attributes
    ----------
    channels
        (tile, channel, y, x) as of `terrain_channels`.
    codes
        (tile, y, x); 0 where nothing is known.
    places
        (tile, 3): the number of the elevation model, first row, first column.
    """

    channels: Floats
    codes: Codes
    places: NDArray[np.int64]

    def part(self, chosen: NDArray[Any]) -> "Tiles":
        """Keep some of the tiles."""
        return Tiles(self.channels[chosen], self.codes[chosen], self.places[chosen])

    def counts(self, classes: int) -> NDArray[np.int64]:
        """Count the labelled cells of each class."""
        return np.bincount(self.codes.ravel(), minlength=classes + 1)[1:]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and spread of each channel in the training tiles, (channel,)."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, channels: Floats) -> "Scaling":
        """Learn from tiles; both parts of the aspect get one scale, so that turning commutes."""
        mean = np.nanmean(channels, axis=(0, 2, 3), dtype=float)
        spread = np.nanstd(channels, axis=(0, 2, 3), dtype=float)
        aspect = [EAST, NORTH]
        spread[aspect] = np.sqrt((spread[aspect] ** 2 + mean[aspect] ** 2).mean())
        mean[aspect] = 0.0
        spread = np.where(spread > 0, spread, 1.0)
        return cls(mean.astype(np.float32), spread.astype(np.float32))

    def apply(self, channels: Floats) -> Floats:
        """Give (..., channel, y, x) in spreads from the mean, at most `LIMIT`; voids are 0."""
        scaled = (channels - self.mean[:, None, None]) / self.spread[:, None, None]
        clipped: Floats = np.nan_to_num(np.clip(scaled, -LIMIT, LIMIT), nan=0.0, copy=False)
        return clipped


def cut_tiles(areas: Sequence[LabelledDem], side: int, radii: tuple[int, ...]) -> Tiles:
    """Cut every labelled part of the elevation models into square tiles.

    Tiles stand side by side; the last of a row or column is moved back so that it fits. Channels
    are computed with the land around the tile.

    Raises
    ------
    InputError
        An elevation model is smaller than a tile, or nothing is labelled.
    """
    channels, codes, places = [], [], []
    for number, area, tile in track(_plan(areas, side, channel_reach(radii)), "cutting tiles"):
        if not area.mask[tile.core].any():
            continue
        block = source_of(area.dem).read(tile.padded)
        mask = np.where(np.isnan(block[tile.inner]), 0, area.mask[tile.core])
        if not mask.any():
            continue
        size = cell_size(area.dem)
        rows = tile.padded[0]
        around = terrain_channels(block, size.x[rows], size.y[rows], radii)
        channels.append(around[:, *tile.inner])
        codes.append(mask.astype(np.uint8))
        places.append((number, tile.core[0].start, tile.core[1].start))
    if not codes:
        raise InputError(
            "no labelled cell has an elevation. Check that labels and elevation model show the "
            "same area."
        )
    return Tiles(np.stack(channels), np.stack(codes), np.array(places))


def _plan(
    areas: Sequence[LabelledDem], side: int, reach: int
) -> list[tuple[int, LabelledDem, Tile]]:
    plan = []
    for number, area in enumerate(areas):
        shape = area.mask.shape
        if min(shape) < side:
            raise InputError(
                f"expected elevation models of at least {side} rows and columns, one tile, got "
                f"{shape[0]} by {shape[1]}. Use a larger area, or `fit(side=...)` in Python."
            )
        starts = ([*range(0, length - side, side), length - side] for length in shape)
        cores = [[slice(start, start + side) for start in axis] for axis in starts]
        plan += [(number, area, tile) for tile in tiles_of(cores, shape, reach)]
    return plan


def split_tiles(tiles: Tiles, classes: int, buffer: int) -> tuple[Tiles, Tiles]:
    """Hold a fifth of the tiles out for validation.

    Whole tiles are held out, as many of each class as possible being a fifth. Training labels
    closer than `buffer` cells to a tile that is held out are dropped.

    Parameters
    ----------
    tiles
        From `cut_tiles`.
    classes
        Number of classes.
    buffer
        In cells.

    Returns
    -------
    training, validation : Tiles
        Each with every class.

    Raises
    ------
    InputError
        There are fewer than five tiles, or no such split has every class on both sides.
    """
    if len(tiles.codes) < FOLDS:
        raise InputError(
            f"expected labels in at least {FOLDS} tiles, one in five being held out to stop the "
            f"training by, got {len(tiles.codes)}. Label a larger area, or learn from few labels: "
            "`--model few-labels`."
        )
    number, row, column = tiles.places.T
    side = tiles.codes.shape[-1]
    # elevation models lie beside each other, further apart than any is wide
    column = column + number * (column.max() + 2 * side)
    best, found = np.inf, None
    for train, held in SpaceBlocks(size=side, folds=FOLDS).split(column, row):
        validation = tiles.part(held)
        training = _clear_of(tiles.part(train), validation, buffer)
        counts = np.stack([part.counts(classes) for part in (training, validation)])
        if (counts > 0).all():
            shares = counts / counts.sum(1, keepdims=True)
            apart = float(np.abs(np.log(shares[0] / shares[1])).sum())
            if apart < best:
                best, found = apart, (training, validation)
    if found is None:
        raise InputError(
            "no fifth of the tiles can be held out so that every class is on both sides. Label "
            "every class in several places, leave the rare class out, or learn from few labels: "
            "`--model few-labels`."
        )
    return found


def _clear_of(training: Tiles, held: Tiles, buffer: int) -> Tiles:
    """Drop training labels near tiles that are held out."""
    side = training.codes.shape[-1]
    codes = training.codes.copy()
    for (number, row, column), mask in zip(training.places, codes, strict=True):
        for other, top, left in held.places:
            if other == number:
                y, x = top - buffer - row, left - buffer - column
                reach = side + 2 * buffer
                mask[max(y, 0) : max(y + reach, 0), max(x, 0) : max(x + reach, 0)] = 0
    kept = codes.any((1, 2))
    return Tiles(training.channels[kept], codes[kept], training.places[kept])


class TurnedTiles:
    """Samples for `graben.learning.fit`: every tile in its eight symmetries, or as it is.

    "x" is (channel, y, x); "y" is (class, y, x): the weight of a cell in the place of its class,
    0 in all others and wherever nothing is known. Mixed samples therefore weigh a cell by what is
    known of it.

    Parameters
    ----------
    channels
        (tile, channel, y, x), scaled.
    codes
        (tile, y, x).
    weights
        Of the classes, (class,).
    symmetries
        8, or 1 for the tiles as they are.
    """

    def __init__(
        self, channels: Floats, codes: Codes, weights: NDArray[Any], symmetries: int = SYMMETRIES
    ) -> None:
        self.channels, self.codes, self.symmetries = channels, codes, symmetries
        self.weight_of_code = np.diag(np.append(0.0, weights))[:, 1:].astype(np.float32)

    def __len__(self) -> int:
        return len(self.codes) * self.symmetries

    def batch(self, indices: NDArray[Any]) -> dict[str, Tensor]:
        """Give the samples `indices`."""
        tiles, symmetries = np.divmod(indices, self.symmetries)
        pairs = list(zip(tiles, symmetries, strict=True))
        x = np.stack([turned(self.channels[tile], symmetry) for tile, symmetry in pairs])
        codes = np.stack([turned_map(self.codes[tile], symmetry) for tile, symmetry in pairs])
        y = np.moveaxis(self.weight_of_code[codes], -1, 1)
        return {"x": torch.from_numpy(x), "y": torch.from_numpy(np.ascontiguousarray(y))}
