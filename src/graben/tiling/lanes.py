"""Arrays that are walked along their first axis, with what is needed again kept on the way."""

import itertools
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graben.errors import InputError
from graben.progress import track
from graben.tiling.engine import Arrays, computed, job_folder
from graben.tiling.plan import Extent, Source, Tile, plan_tiles
from graben.tiling.results import Results

if TYPE_CHECKING:
    from distributed import Client


Finished = tuple[int, Arrays]


class LaneFunction(Protocol):
    """What is computed on a walk through a lane; picklable, and the same for the same lane."""

    def __call__(
        self, slabs: Iterator[NDArray[Any]], tile: Tile, shape: tuple[int, ...]
    ) -> Iterator[Arrays]:
        """Yield every output by name, in slabs of any thickness, none too, one after the other.

        `slabs` are the parts of the padded block of `tile` along the first axis. In all, each
        output is as large as the padded block; `shape` is the shape of the whole array. The steps
        of a walk may be taken by different threads.
        """


@dataclass(frozen=True)
class _Lane:
    """What is left of a lane: its cells, and the numbers of the slabs in its core."""

    tile: Tile
    numbers: range


def map_lanes(
    function: LaneFunction,
    source: Source,
    outputs: Mapping[str, DTypeLike],
    size: Extent,
    halo: Extent,
    slab: int,
    scratch: Path,
    key: Mapping[str, Any],
    workers: "int | Client" = 1,
) -> dict[str, Path]:
    """Compute arrays on walks along the first axis; go on where an interrupted run stopped.

    Beside `graben.tiling.map_tiles`: a tile is a lane, which is read and computed slab by slab, so
    that a function that keeps what it needs of the slabs before computes nothing twice within it.
    Only where a lane begins and ends, and where an interrupted run goes on, a halo is computed
    again. The result does not depend on `size`, `slab` or `workers` if the function gives a cell
    the same value in every lane that holds the cells within `halo` of it.

    Parameters
    ----------
    function
        What to compute. A run goes on only with a function that pickles to the same bytes.
    source
        Where the slabs are read. The workers of a cluster read for themselves: they must reach
        what the source names.
    outputs
        Name and dtype of each array that the function gives.
    size, halo
        Cells of a lane's core and around it, see `plan_tiles`. Lanes that are long compared with
        the halo cost least; each worker walks through one at a time.
    slab
        How many cells of the first axis are read at once, and what is lost at most when a run
        stops, besides the seconds of `graben.tiling.results`.
    scratch
        A folder for nothing but the results; whoever has used them removes it. Results of another
        job in it are deleted.
    key
        What else makes a job another one, besides the version of graben: say here where the
        source's content comes from.
    workers
        Number of threads, or the client of a dask.distributed cluster, whose workers send back
        the core of a lane as a whole.

    Returns
    -------
    dict
        The file of each output: `.npy`, of the shape of the source.

    Raises
    ------
    InputError
        Size, halo or slab do not fit the source.
    OutputError
        The results cannot be written; what is finished is kept for the next run.
    ServiceError
        The cluster has no workers, or lost them.
    """
    if slab < 1:
        raise InputError(f"expected a slab of at least 1 cell, got {slab}. Give a whole number.")
    lanes, slabs = _planned(plan_tiles(source.shape, size, halo), slab)
    folder = job_folder(scratch, (function, source.shape, slab, lanes, dict(outputs)), key)
    with Results(folder, source.shape, outputs, len(slabs)) as results:
        margin = int(np.broadcast_to(halo, len(source.shape))[0])
        left = _left(lanes, slabs, set(results.missing()), margin)
        walk = partial(_walk, function, source, results.dtypes, slab)
        with closing(_walked(walk, left, workers)) as work:
            for index, arrays in track(
                work, "slabs", total=sum(len(lane.numbers) for lane in left)
            ):
                results.write(index, slabs[index], arrays)
    return {name: folder / f"{name}.npy" for name in outputs}


def _planned(tiles: list[Tile], slab: int) -> tuple[list[_Lane], list[Tile]]:
    """Cut the cores of lanes into slabs, and number these."""
    lanes: list[_Lane] = []
    slabs: list[Tile] = []
    for tile in tiles:
        first = len(slabs)
        slabs += [
            Tile((rows, *tile.core[1:]), (rows, *tile.core[1:]))
            for rows in _rows(tile.core[0], slab)
        ]
        lanes.append(_Lane(tile, range(first, len(slabs))))
    return lanes, slabs


def _rows(whole: slice, slab: int) -> list[slice]:
    starts = range(whole.start, whole.stop, slab)
    return [slice(start, min(start + slab, whole.stop)) for start in starts]


def _left(lanes: list[_Lane], slabs: list[Tile], missing: set[int], margin: int) -> list[_Lane]:
    """Shorten lanes to what follows the slabs that are finished, with a halo before it."""
    left = []
    for lane in lanes:
        numbers = [number for number in lane.numbers if number in missing]
        if not numbers:
            continue
        start, tile = slabs[numbers[0]].core[0].start, lane.tile
        core = (slice(start, tile.core[0].stop), *tile.core[1:])
        rows = slice(max(start - margin, 0), tile.padded[0].stop)
        shorter = Tile(core, (rows, *tile.padded[1:]))
        left.append(_Lane(shorter, range(numbers[0], lane.numbers.stop)))
    return left


def _walk(
    function: LaneFunction,
    source: Source,
    dtypes: Mapping[str, np.dtype[Any]],
    slab: int,
    lane: _Lane,
) -> Generator[Finished, None, None]:
    """Walk through a lane; yield each slab of its core as soon as it is whole."""
    tile = lane.tile
    blocks = (source.read((rows, *tile.padded[1:])) for rows in _rows(tile.padded[0], slab))
    wanted = zip(lane.numbers, _rows(tile.core[0], slab), strict=True)
    number, rows = next(wanted)
    filling = _empty(dtypes, rows, tile)
    begin = tile.padded[0].start
    for arrays in function(blocks, tile, source.shape):
        end = begin + len(next(iter(arrays.values())))
        while True:
            low, high = max(begin, rows.start), min(end, rows.stop)
            for name, values in arrays.items() if low < high else ():
                inner = (slice(low - begin, high - begin), *tile.inner[1:])
                filling[name][low - rows.start : high - rows.start] = values[inner]
            if end < rows.stop:
                break
            yield number, filling
            following = next(wanted, None)
            if following is None:
                return
            number, rows = following
            filling = _empty(dtypes, rows, tile)
        begin = end


def _empty(dtypes: Mapping[str, np.dtype[Any]], rows: slice, tile: Tile) -> dict[str, NDArray[Any]]:
    shape = (rows.stop - rows.start, *tile.shape[1:])
    return {name: np.empty(shape, dtype) for name, dtype in dtypes.items()}


def _whole_walk(walk: "partial[Generator[Finished, None, None]]", lane: _Lane) -> list[Finished]:
    """Walk through a lane at once, wherever the worker is."""
    return list(walk(lane))


def _walked(
    walk: "partial[Generator[Finished, None, None]]",
    lanes: Iterable[_Lane],
    workers: "int | Client",
) -> Generator[Finished, None, None]:
    """Yield slabs as they are finished: by threads one by one, by a cluster a lane at a time."""
    if isinstance(workers, int):
        yield from _stepped(map(walk, lanes), workers)
        return
    with closing(computed(partial(_whole_walk, walk), enumerate(lanes), workers)) as work:
        yield from itertools.chain.from_iterable(slabs for _, slabs in work)


def _stepped(
    walks: Iterator[Generator[Finished, None, None]], workers: int
) -> Generator[Finished, None, None]:
    """Take the steps of as many walks at a time as there are threads."""
    running: dict[Future[Finished | None], Generator[Finished, None, None]] = {}
    with ThreadPoolExecutor(workers) as threads:
        try:
            while True:
                for walk in itertools.islice(walks, workers - len(running)):
                    running[threads.submit(next, walk, None)] = walk
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    walk, finished = running.pop(future), future.result()
                    if finished is not None:
                        running[threads.submit(next, walk, None)] = walk
                        yield finished
        finally:
            for future in running:
                future.cancel()
