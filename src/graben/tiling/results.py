"""Results on disk while they grow: plain `.npy` files, and which tiles are in them."""

import itertools
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BytesIO, FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graben.errors import OutputError
from graben.tiling.plan import Tile

SECONDS_AT_RISK = 5.0


class Results:
    """Arrays that are filled tile by tile, and outlive a process that is killed.

    A tile counts as finished once its cells have reached the disk: a run that stops, however it
    stops, loses what was computed in the last `SECONDS_AT_RISK`. One process at a time writes.

    Parameters
    ----------
    folder
        Where they lie; what an earlier run of the same job left there is taken over. Everything
        else beside it is deleted.
    shape
        Shape of every array.
    outputs
        Name and dtype of each array.
    tiles
        How many tiles there are.

    Raises
    ------
    OutputError
        The disk is full or cannot be written to; raised by every method that writes, too.
    """

    def __init__(
        self, folder: Path, shape: tuple[int, ...], outputs: Mapping[str, DTypeLike], tiles: int
    ) -> None:
        self.folder = folder
        self.dtypes = {name: np.dtype(dtype) for name, dtype in outputs.items()}
        self._shape = shape
        self._fresh: list[int] = []
        self._synced = time.monotonic()
        with self._or_output_error(), ExitStack() as opened:
            for other in folder.parent.iterdir() if folder.parent.exists() else ():
                if other != folder:
                    shutil.rmtree(other)
            folder.mkdir(parents=True, exist_ok=True)
            self._files = {
                name: opened.enter_context(self._array_file(name)) for name in self.dtypes
            }
            self._journal = opened.enter_context(_grown(folder / "finished", bytes(tiles), tiles))
            self._opened = opened.pop_all()

    def __enter__(self) -> "Results":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._opened:
            self._sync()

    def missing(self) -> list[int]:
        """Give the numbers of the tiles that are not finished."""
        self._journal.seek(0)
        return np.flatnonzero(np.frombuffer(self._journal.read(), np.uint8) == 0).tolist()

    def write(self, index: int, tile: Tile, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put the results of a tile where they belong."""
        with self._or_output_error():
            for name, file in self._files.items():
                core = np.broadcast_to(arrays[name], tile.shape)
                self._write_core(file, tile, np.ascontiguousarray(core, self.dtypes[name]))
        self._fresh.append(index)
        if time.monotonic() - self._synced > SECONDS_AT_RISK:
            self._sync()

    def _write_core(self, file: FileIO, tile: Tile, core: NDArray[Any]) -> None:
        """Write run by run: memory maps would count as memory, and grow to the whole array."""
        first = _header(self._shape, core.dtype)
        axis = len(self._shape) - 1
        while axis and core.shape[axis] == self._shape[axis]:  # rows that touch are one run
            axis -= 1
        runs = itertools.product(*(range(part.start, part.stop) for part in tile.core[:axis]))
        corner = [part.start for part in tile.core[axis:]]
        length = int(np.prod(core.shape[axis:]))
        for place, run in zip(runs, core.reshape(-1, length), strict=True):
            cell = np.ravel_multi_index((*place, *corner), self._shape)
            file.seek(len(first) + int(cell) * core.itemsize)
            left = run.data.cast("B")
            while left:
                left = left[file.write(left) :]

    def _sync(self) -> None:
        """Journal the tiles whose cells have reached the disk; a failure is asked only once.

        The system may forget cells that it failed to write, and call a second attempt a success.
        """
        fresh, self._fresh = self._fresh, []
        with self._or_output_error():
            for file in self._files.values():
                os.fsync(file.fileno())
            for index in fresh:
                self._journal.seek(index)
                self._journal.write(b"\1")
            os.fsync(self._journal.fileno())
        self._synced = time.monotonic()

    def _array_file(self, name: str) -> FileIO:
        header = _header(self._shape, self.dtypes[name])
        cells = int(np.prod(self._shape))
        return _grown(
            self.folder / f"{name}.npy", header, len(header) + cells * self.dtypes[name].itemsize
        )

    @contextmanager
    def _or_output_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"could not write to {self.folder}: {error.strerror or error}. The tiles that are "
                "finished are kept there: free some space and run the same command again, and it "
                "goes on from them."
            ) from error


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    header = BytesIO()
    described = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)
    return header.getvalue()


def _grown(path: Path, start: bytes, length: int) -> FileIO:
    """Open a file for reading and writing; a new one is `start` and then a hole."""
    path.touch()
    file = path.open("r+b", buffering=0)
    if path.stat().st_size < length:
        file.write(start)
        file.truncate(length)
    return file
