"""Volumes larger than memory: a function of tiles from a seismic file into files like it."""

import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import OutputError, SeismicError
from graben.imaging.segy_writing import write_segy_like, write_zarr
from graben.imaging.volume import SeismicVolume
from graben.output import check_file, check_folder
from graben.progress import track
from graben.tiling import Source, TileFunction, map_tiles

if TYPE_CHECKING:
    from distributed import Client
SAMPLES_OF_A_TILE = 2**21
ENDINGS = (".sgy", ".segy", ".zarr")


@dataclass(frozen=True)
class StoredArray:
    """A `.npy` file of three dimensions as a source; it keeps nothing of what it has read.

    A memory map would count as memory, and grow to the whole array.

    Parameters
    ----------
    path
        The file, in C order.
    """

    path: Path

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self._described()[0]

    def read(self, region: tuple[Any, ...]) -> NDArray[Any]:
        """Read a region, inline by inline."""
        shape, dtype, start = self._described()
        inlines, crosslines, samples = region
        count = (crosslines.stop - crosslines.start) * shape[2]
        out = np.empty([part.stop - part.start for part in region], dtype)
        with self.path.open("rb") as file:
            for row, inline in zip(out, range(inlines.start, inlines.stop), strict=True):
                first = (inline * shape[1] + crosslines.start) * shape[2]
                file.seek(start + first * dtype.itemsize)
                row[...] = np.fromfile(file, dtype, count).reshape(-1, shape[2])[:, samples]
        return out

    def _described(self) -> tuple[tuple[int, ...], np.dtype[Any], int]:
        with self.path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            return shape, dtype, file.tell()


def stream_volume(
    volume: SeismicVolume,
    function: TileFunction,
    outputs: Mapping[str, Path],
    halo: Sequence[int],
    workers: "int | Client" = 2,
) -> None:
    """Compute volumes from a seismic volume that need not fit into memory.

    Tiles hold their traces whole, about two million samples each (or four halos a side, if that is
    more): memory holds a few of them, whatever the size of the volume. What is finished is kept,
    hidden, beside the first output until all are whole: the same call after a kill, a power cut or
    a full disk goes on from there.

    Parameters
    ----------
    volume
        What `open_volume` gives.
    function
        What is computed for a tile of float32 amplitudes (inline, crossline, sample), see
        `graben.tiling.TileFunction`: it gives every output by name, as float32.
    outputs
        The file of each output: `.sgy` or `.segy` (with the headers of the input, which must be
        SEG-Y) or `.zarr`.
    halo
        How far along inlines, crosslines and samples a sample's value looks.
    workers
        Number of threads, or the client of a dask.distributed cluster whose workers see the file.

    Raises
    ------
    SeismicError
        An output is of another kind, is the input, or is another output.
    InputError
        The place is not writable.
    OutputError
        The disk is too small, or became full; earlier results are unchanged.
    """
    check_outputs(volume, outputs.values())
    first = next(iter(outputs.values()))
    scratch = first.with_name(f".{first.name}-tiles")
    if not scratch.exists():
        check_space(first, 2 * prod(volume.shape) * 4 * len(outputs))
    arrays = map_tiles(
        function,
        volume,
        dict.fromkeys(outputs, np.float32),
        tile_size(volume.shape, halo),
        halo,
        scratch,
        {"files": identity_of(volume.path)},
        workers,
    )
    for name, path in track(outputs.items(), "writing"):
        write_like(volume, path, StoredArray(arrays[name]))
    shutil.rmtree(scratch)


def tile_size(shape: Sequence[int], halo: Sequence[int]) -> tuple[int, int, int]:
    """Choose how many inlines, crosslines and samples a tile has: as square as the volume allows.

    Examples
    --------
    >>> tile_size((600, 900, 512), (2, 2, 0))
    (64, 64, 512)
    >>> tile_size((1, 900_000, 512), (2, 2, 0))
    (1, 4096, 512)
    """
    traces = max(SAMPLES_OF_A_TILE // shape[2], 1)
    inlines = min(shape[0], max(isqrt(traces), 4 * halo[0], 1))
    crosslines = min(shape[1], max(traces // inlines, 4 * halo[1], 1))
    return inlines, crosslines, shape[2]


def check_outputs(volume: SeismicVolume, paths: Iterable[Path]) -> None:
    """Ask whether these files may be written, before long work.

    Raises
    ------
    SeismicError
        One is no `.sgy`, `.segy` or `.zarr`, is the input or lies in it, or is there twice.
    InputError
        The place is not writable.
    """
    seen: set[Path] = set()
    for path in paths:
        if path.suffix.lower() not in ENDINGS:
            raise SeismicError(
                f"expected a .sgy, .segy or .zarr file to write, got {path.name}. Give it one of "
                "these endings."
            )
        if path.suffix.lower() != ".zarr" and getattr(volume.source, "frame", None) is None:
            raise SeismicError(
                f"expected a volume with SEG-Y headers to write {path.name} with the same, got one "
                "without. Write .zarr instead."
            )
        place = path.resolve()
        if volume.path is not None and place.is_relative_to(volume.path.resolve()):
            raise SeismicError(
                f"expected an output that is not the input, got {path} for both. Choose another "
                "name: the input is never written to."
            )
        if place in seen:
            raise SeismicError(f"expected a file for each output, got {path} twice.")
        seen.add(place)
        if path.suffix.lower() == ".zarr":
            check_folder(path)
        else:
            check_file(path)


def write_like(volume: SeismicVolume, path: Path, source: Source) -> None:
    """Write samples where a volume has traces: SEG-Y with its headers, or zarr."""
    if path.suffix.lower() == ".zarr":
        write_zarr(path, source, volume)
    else:
        write_segy_like(volume, path, source)


def check_space(path: Path, needed: int) -> None:
    """Ask for so many bytes beside a file, before long work.

    Raises
    ------
    OutputError
        There are fewer.
    """
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise OutputError(
            f"expected {needed / 1e6:,.1f} MB of free space in {path.parent.absolute()} for the "
            f"results while they are made, got {free / 1e6:,.1f} MB. Free some, or choose another "
            "place."
        )


def identity_of(path: Path | None) -> list[Any]:
    """Tell a file, or a folder of files, from what else may stand there later."""
    if path is None:  # what is in memory is never gone on with
        return [uuid.uuid4().hex]
    path = Path(path)
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    facts = [(one, one.stat()) for one in files]
    return [[str(one.resolve()), fact.st_size, fact.st_mtime_ns] for one, fact in facts]
