"""The engine: a source is worked through tile by tile, by threads or by a cluster."""

import hashlib
import json
import pickle
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from numpy.typing import DTypeLike, NDArray

from graben import __version__
from graben.errors import ServiceError
from graben.output import plain
from graben.progress import track
from graben.tiling.plan import Extent, Source, Tile, TileFunction, plan_tiles
from graben.tiling.results import Results

if TYPE_CHECKING:
    from distributed import Client

Arrays = Mapping[str, NDArray[Any]]
Item = TypeVar("Item")
Result = TypeVar("Result")


def map_tiles(
    function: TileFunction,
    source: Source,
    outputs: Mapping[str, DTypeLike],
    size: Extent,
    halo: Extent,
    scratch: Path,
    key: Mapping[str, Any],
    workers: "int | Client" = 1,
) -> dict[str, Path]:
    """Compute arrays tile by tile into files; go on where an interrupted run of the same stopped.

    The result does not depend on `size` or `workers` if `function` gives a cell the same value
    from every block that holds the cells within `halo` of it. Each worker holds one padded block
    and what the function makes of it; nothing holds a whole array.

    Parameters
    ----------
    function
        What to compute. A run goes on only with a function that pickles to the same bytes.
    source
        Where the blocks are read. The workers of a cluster read for themselves: they must reach
        what the source names.
    outputs
        Name and dtype of each array that the function gives.
    size, halo
        Cells of a tile's core and around it, see `plan_tiles`.
    scratch
        A folder for nothing but the results; whoever has used them removes it. Results of another
        job in it are deleted.
    key
        What else makes a job another one, besides the version of graben: say here where the
        source's content comes from.
    workers
        Number of threads, or the client of a dask.distributed cluster.

    Returns
    -------
    dict
        The file of each output: `.npy`, of the shape of the source.

    Raises
    ------
    InputError
        Size or halo do not fit the source.
    OutputError
        The results cannot be written; what is finished is kept for the next run.
    ServiceError
        The cluster has no workers, or lost them.
    """
    tiles = plan_tiles(source.shape, size, halo)
    folder = job_folder(scratch, (function, source.shape, tiles, dict(outputs)), key)
    with Results(folder, source.shape, outputs, len(tiles)) as results:
        missing = results.missing()
        compute = partial(_compute_tile, function, source)
        work = computed(compute, ((i, tiles[i]) for i in missing), workers)
        with closing(work):
            for index, arrays in track(work, "tiles", total=len(missing)):
                results.write(index, tiles[index], arrays)
    return {name: folder / f"{name}.npy" for name in outputs}


def job_folder(scratch: Path, job: tuple[Any, ...], key: Mapping[str, Any]) -> Path:
    """Name the folder of a job by all that its results depend on."""
    settings = json.dumps(plain({"graben": __version__, **key}), sort_keys=True).encode()
    return scratch / hashlib.sha256(pickle.dumps(job, protocol=5) + settings).hexdigest()[:16]


def _compute_tile(function: TileFunction, source: Source, tile: Tile) -> Arrays:
    """Read the block of a tile and compute it, wherever the worker is."""
    return function(source.read(tile.padded), tile, source.shape)


def computed(
    compute: Callable[[Item], Result],
    items: Iterable[tuple[int, Item]],
    workers: "int | Client",
) -> Generator[tuple[int, Result], None, None]:
    """Yield results as they are finished, with few on the way so that memory stays bounded."""
    waiting = iter(items)
    running: dict[Future[Result], int] = {}
    with _executor(workers) as (executor, in_flight):
        try:
            while True:
                for index, item in islice(waiting, in_flight - len(running)):
                    running[executor.submit(compute, item)] = index
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()


@contextmanager
def _executor(workers: "int | Client") -> Iterator[tuple[Executor, int]]:
    """Give who computes, and how many tiles may be on the way."""
    if isinstance(workers, int):
        with ThreadPoolExecutor(workers) as threads:
            yield threads, workers + 1
        return
    from distributed import KilledWorker

    capacity = sum(workers.nthreads().values())
    if not capacity:
        raise ServiceError(
            "expected a dask cluster with workers, got one without any. Start some, or work "
            "with threads."
        )
    try:
        with workers.get_executor(pure=False) as cluster:
            yield cluster, 2 * capacity
    except (KilledWorker, CancelledError) as error:
        raise ServiceError(
            f"the dask cluster gave up a tile ({error!r}); its workers may "
            "have too little memory. Take smaller tiles or larger workers, and run the same "
            "command again: it goes on from the tiles that are finished."
        ) from error
