"""Where the tiles of an array lie, and what a tile is given to work on."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graben.errors import InputError

Region = tuple[slice, ...]
Extent = int | Sequence[int]


@dataclass(frozen=True)
class Tile:
    """A part of an array that is computed at once.

    Parameters
    ----------
    core
        The cells whose results the tile gives; the cores of a plan cover every cell once.
    padded
        The core and its halo, cut off at the edges of the array: where the padded block ends
        before the halo does, the array ends.
    """

    core: Region
    padded: Region

    @property
    def inner(self) -> Region:
        """The core within the padded block."""
        return tuple(
            slice(core.start - padded.start, core.stop - padded.start)
            for core, padded in zip(self.core, self.padded, strict=True)
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the core."""
        return tuple(part.stop - part.start for part in self.core)


class Source(Protocol):
    """An array that is read by regions, from several threads or processes at once."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole array."""

    def read(self, region: tuple[Any, ...]) -> NDArray[Any]:
        """Read a region, whose slices have a start and a stop within the array and no step."""


class TileFunction(Protocol):
    """What is computed for a tile; picklable, and the same for the same block and place."""

    def __call__(
        self, block: NDArray[Any], tile: Tile, shape: tuple[int, ...]
    ) -> Mapping[str, NDArray[Any]]:
        """Give every output by name, each as large as the core of the tile.

        `block` is the padded part of the array and `shape` the shape of the whole array.
        """


@dataclass(frozen=True, eq=False)
class InMemory:
    """An array in memory as a source."""

    array: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    def read(self, region: Region) -> NDArray[Any]:
        """Give a view of a region."""
        return self.array[region]


def plan_tiles(shape: Sequence[int], size: Extent, halo: Extent) -> list[Tile]:
    """Cut an array of any number of dimensions into tiles.

    Parameters
    ----------
    shape
        Shape of the array.
    size
        Cells of a core along each axis, or along every axis; the last of an axis may be smaller.
    halo
        How many cells around its core a tile must see, along each axis or every one.

    Returns
    -------
    list of Tile
        In C order.

    Raises
    ------
    InputError
        A size below one, a halo below zero, or not one of each for every axis.

    Examples
    --------
    >>> [(tile.core[0], tile.padded[0], tile.inner[0]) for tile in plan_tiles([5], 3, 1)]
    ... # doctest: +NORMALIZE_WHITESPACE
    [(slice(0, 3, None), slice(0, 4, None), slice(0, 3, None)),
     (slice(3, 5, None), slice(2, 5, None), slice(1, 3, None))]
    """
    sizes = _per_axis(size, len(shape), "a size", 1)
    cores = [
        [slice(start, min(start + step, length)) for start in range(0, length, step)]
        for length, step in zip(shape, sizes, strict=True)
    ]
    return tiles_of(cores, shape, halo)


def tiles_of(cores: Iterable[Sequence[slice]], shape: Sequence[int], halo: Extent) -> list[Tile]:
    """Give the tiles whose cores lie, along each axis, at these slices."""
    halos = _per_axis(halo, len(shape), "a halo", 0)
    return [
        Tile(
            core,
            tuple(
                slice(max(part.start - margin, 0), min(part.stop + margin, length))
                for part, margin, length in zip(core, halos, shape, strict=True)
            ),
        )
        for core in itertools.product(*cores)
    ]


def _per_axis(extent: Extent, axes: int, what: str, least: int) -> list[int]:
    values = np.broadcast_to(extent, axes).tolist() if np.size(extent) in (1, axes) else []
    if len(values) != axes or any(value < least or value != int(value) for value in values):
        raise InputError(
            f"expected {what} of {least} or more whole cells for every axis or for each of the "
            f"{axes}, got {extent}. Give one number, or {axes}."
        )
    return values
