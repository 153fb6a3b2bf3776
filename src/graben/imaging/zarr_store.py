"""Volumes as zarr of format 3, with the SEG-Y headers that lead back to the file they came from."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from graben.errors import SeismicError
from graben.imaging.geometry import Geometry
from graben.imaging.segy_headers import Frame, Oddity
from graben.output import written_folder
from graben.progress import track
from graben.tiling import Source, plan_tiles

if TYPE_CHECKING:
    import zarr
    from numpy.typing import NDArray

    from graben.tiling.plan import Region

CHUNK, LINE_CHUNK = (32, 64, 256), (1, 512, 512)
HEADERS_AT_ONCE = 4096
SLAB = 64_000_000  # bytes of samples that are held while a volume is written
AMPLITUDE = "amplitude"
DIMENSIONS = ("inline", "crossline", "sample")


@dataclass(frozen=True)
class ZarrSource:
    """The samples of a zarr folder, see `graben.tiling.Source`.

    Parameters
    ----------
    path
        The folder.
    name
        Of the array of samples; empty where the folder is an array.
    shape
        (inline, crossline, sample).
    """

    path: Path
    name: str
    shape: tuple[int, int, int]

    def read(self, region: "Region") -> "NDArray[np.float32]":
        """Read a region as float32; NaN and infinity as 0."""
        found = np.array(_node(self.path, self.name)[region], np.float32)
        if not np.isfinite(found).all():
            np.nan_to_num(found, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return found

    @property
    def frame(self) -> Frame | None:
        """The SEG-Y headers that it keeps; None if it was not made from SEG-Y."""
        group = _group(self.path)
        if group is None or "trace_headers" not in group:
            return None
        headers = cast("zarr.Array[Any]", group["trace_headers"])
        return Frame(
            np.asarray(group["segy_head"]).tobytes(),
            str(group.attrs["segy_byte_order"]),
            np.asarray(group["trace_position"]),
            lambda first, count: np.asarray(headers[first : first + count]),
        )


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is zarr of format 3."""
    return (path / "zarr.json").is_file()


@lru_cache(maxsize=8)
def _opened(path: Path, changed: int) -> Any:
    import zarr

    try:
        return zarr.open(path, mode="r")
    except (OSError, ValueError, KeyError) as error:
        raise SeismicError(
            f"{path} is no zarr folder that can be read ({error}). Give SEG-Y, or zarr of format 3."
        ) from error


def _root(path: Path) -> Any:
    try:
        return _opened(path, (path / "zarr.json").stat().st_mtime_ns)
    except OSError as error:
        raise SeismicError(
            f"cannot read {path}: {error.strerror}. Put the folder back where it was."
        ) from error


def _group(path: Path) -> "zarr.Group | None":
    import zarr

    root = _root(path)
    return root if isinstance(root, zarr.Group) else None


def _node(path: Path, name: str) -> Any:
    return _root(path)[name] if name else _root(path)


def open_zarr(path: Path) -> tuple[ZarrSource, Geometry, tuple[Oddity, ...]]:
    """Open a zarr folder: one that `write_zarr` made, or any with one array of three axes.

    Raises
    ------
    SeismicError
        It has no array of three axes, or several and none is called amplitude.
    """
    group = _group(path)
    name = "" if group is None else _samples_of(path, group)
    array = _node(path, name)
    if array.ndim != 3 or array.dtype.kind not in "iuf" or not array.size:
        raise SeismicError(
            f"expected an array of numbers (inline, crossline, sample) in {path}, got "
            f"{array.dtype} of shape {array.shape}. Give a folder with one."
        )
    lines, columns, samples = array.shape
    stored = {} if group is None else _stored_axes(group, array.shape)
    attributes = {} if group is None else dict(group.attrs)
    oddities: tuple[Oddity, ...] = ()
    if "sample_interval" not in attributes:
        oddities = (Oddity("no sample interval", "zarr attributes tell none", "4 ms is taken"),)
    unknown = np.full((lines, columns), np.nan)
    unit: Literal["ms", "m"] = "m" if attributes.get("sample_unit") == "m" else "ms"
    axes = cast("Sequence[str]", attributes.get("axes", ("inline", "crossline")))
    geometry = Geometry(
        inlines=stored.get("inline", np.arange(1, lines + 1)).astype(np.int64),
        crosslines=stored.get("crossline", np.arange(1, columns + 1)).astype(np.int64),
        missing=stored.get("missing", np.zeros((lines, columns), bool)).astype(bool),
        x=stored.get("x", unknown).astype(np.float64),
        y=stored.get("y", unknown.copy()).astype(np.float64),
        sample_interval=float(cast("float", attributes.get("sample_interval", 4.0))),
        first_sample=float(cast("float", attributes.get("first_sample", 0.0))),
        unit=unit,
        is_line=lines == 1,
        axes=(axes[0], axes[1]),
    )
    return ZarrSource(path, name, (lines, columns, samples)), geometry, oddities


def _samples_of(path: Path, group: "zarr.Group") -> str:
    if AMPLITUDE in group:
        return AMPLITUDE
    with warnings.catch_warnings():
        # a folder may hold other things than zarr's
        warnings.filterwarnings("ignore", "Object at", UserWarning)
        cubes = [name for name, array in group.arrays() if array.ndim == 3]
    if len(cubes) != 1:
        raise SeismicError(
            f"expected one array of three axes in {path}, got {', '.join(cubes) or 'none'}. Give a "
            "folder with one, or call the samples amplitude."
        )
    return cubes[0]


def _stored_axes(group: "zarr.Group", shape: tuple[int, ...]) -> "dict[str, NDArray[Any]]":
    """Return line numbers, coordinates and gaps, as far as they are there and fit."""
    expected = {"inline": shape[:1], "crossline": shape[1:2]}
    expected |= dict.fromkeys(("missing", "x", "y"), shape[:2])
    found = {name: np.asarray(group[name]) for name in expected if name in group}
    return {name: array for name, array in found.items() if array.shape == expected[name]}


def store(path: Path, source: Source, geometry: Geometry, frame: Frame | None) -> None:
    """Write a source as a zarr folder, block by block, see `graben.imaging.write_zarr`."""
    import zarr

    with written_folder(path) as temporary, warnings.catch_warnings():
        # without consolidated metadata, which the format does not have yet, readers list the
        # folder and stumble over the marker
        warnings.filterwarnings("ignore", "Consolidated metadata", UserWarning)
        group = zarr.open_group(temporary, mode="w", zarr_format=3)
        group.attrs.update(
            {
                "sample_interval": geometry.sample_interval,
                "first_sample": geometry.first_sample,
                "sample_unit": geometry.unit,
                "axes": list(geometry.axes),
            }
        )
        _store_axes(group, geometry, source.shape[2])
        chunk = LINE_CHUNK if source.shape[0] == 1 else CHUNK
        chunks = tuple(min(size, count) for size, count in zip(chunk, source.shape, strict=True))
        samples = group.create_array(
            AMPLITUDE, shape=source.shape, chunks=chunks, dtype="float32",
            dimension_names=DIMENSIONS,
        )  # fmt: skip
        blocks = plan_tiles(source.shape, _block(chunks, source.shape), 0)
        for block in track(blocks, "blocks of samples"):
            samples[block.core] = source.read(block.core)
        if frame is not None:
            _store_frame(group, frame)
        zarr.consolidate_metadata(temporary, zarr_format=3)


def _block(chunks: Sequence[int], shape: Sequence[int]) -> list[int]:
    """Return how much to hold at once: whole chunks, most of all along the last axes."""
    block = list(chunks)
    for axis in (2, 1):
        fitting = SLAB // (4 * int(np.prod(block)))
        block[axis] = min(shape[axis], block[axis] * max(1, fitting))
    return block


def _store_axes(group: "zarr.Group", geometry: Geometry, samples: int) -> None:
    first, step = geometry.first_sample, geometry.sample_interval
    down = first + step * np.arange(samples)
    plane = DIMENSIONS[:2]
    for name, values, dimensions in (
        ("inline", geometry.inlines, plane[:1]),
        ("crossline", geometry.crosslines, plane[1:]),
        ("sample", down, DIMENSIONS[2:]),
        ("missing", geometry.missing, plane),
        ("x", geometry.x, plane),
        ("y", geometry.y, plane),
    ):
        array = group.create_array(
            name, shape=values.shape, dtype=values.dtype, dimension_names=dimensions
        )
        array[...] = values


def _store_frame(group: "zarr.Group", frame: Frame) -> None:
    """Keep the headers of SEG-Y, so that the same file can be made again."""
    group.attrs["segy_byte_order"] = frame.order
    head = np.frombuffer(frame.head, np.uint8)
    for name, values, dimension in (
        ("segy_head", head, "head_byte"),
        ("trace_position", frame.position, "trace"),
    ):
        array = group.create_array(
            name, shape=values.shape, dtype=values.dtype, dimension_names=(dimension,)
        )
        array[...] = values
    count = len(frame.position)
    length = frame.headers(0, 1).shape[1]
    stored = group.create_array(
        "trace_headers", shape=(count, length), chunks=(min(count, HEADERS_AT_ONCE), length),
        dtype="uint8", dimension_names=("trace", "header_byte"),
    )  # fmt: skip
    for first in track(range(0, count, HEADERS_AT_ONCE), "trace headers"):
        many = min(HEADERS_AT_ONCE, count - first)
        stored[first : first + many] = frame.headers(first, many)
