"""The same functions of tiles over dask arrays, whatever their chunks."""

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike, NDArray

from graben.tiling.plan import Extent, Tile, TileFunction, tiles_of

if TYPE_CHECKING:
    import dask.array


def map_overlap_tiles(
    function: TileFunction,
    array: "dask.array.Array",
    outputs: Mapping[str, DTypeLike],
    halo: Extent,
) -> "dict[str, dask.array.Array]":
    """Compute a function of tiles over a dask array, lazily, a tile for each chunk.

    Unlike `dask.array.map_overlap`, chunks may be smaller than the halo, the block is cut off at
    the edges of the array instead of filled, and the function knows where its tile lies: the
    result is the same, to the bit, for any chunks.

    Parameters
    ----------
    function
        What to compute, see `TileFunction`.
    array
        The input, of known shape.
    outputs
        Name and dtype of each array that the function gives.
    halo
        How many cells around a chunk the function must see, along each axis or every one.

    Returns
    -------
    dict
        Each output as a dask array with the chunks of the input.

    Raises
    ------
    InputError
        A halo below zero, or not one for every axis.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> def widest(block, tile, shape):
    ...     around = np.pad(block, 1, mode="edge")
    ...     spread = np.max([around[:-2], around[1:-1], around[2:]], axis=0)
    ...     return {"widest": spread[tile.inner]}
    >>> numbers = da.from_array(np.array([3, 0, 0, 0, 5]), chunks=2)
    >>> map_overlap_tiles(widest, numbers, {"widest": int}, halo=1)["widest"].compute()
    array([3, 3, 0, 5, 5])
    """
    import dask.array as da
    from dask.delayed import delayed

    tiles = tiles_of([_slices(lengths) for lengths in array.chunks], array.shape, halo)
    computed = [
        delayed(partial(_on_block, function, tile, array.shape))(array[tile.padded])
        for tile in tiles
    ]
    blocks = {
        name: [
            da.from_delayed(arrays[name], tile.shape, dtype)
            for arrays, tile in zip(computed, tiles, strict=True)
        ]
        for name, dtype in outputs.items()
    }
    return {name: da.block(_nested(parts, array.numblocks)) for name, parts in blocks.items()}


def _slices(lengths: Sequence[int]) -> list[slice]:
    ends = list(itertools.accumulate(lengths))
    return [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]


def _on_block(
    function: TileFunction, tile: Tile, shape: tuple[int, ...], block: NDArray[Any]
) -> Mapping[str, NDArray[Any]]:
    return function(block, tile, shape)


def _nested(parts: list[Any], counts: Sequence[int]) -> list[Any]:
    """Nest a list in C order as deep as there are axes."""
    for count in reversed(counts[1:]):
        parts = [list(row) for row in zip(*[iter(parts)] * count, strict=True)]
    return parts
