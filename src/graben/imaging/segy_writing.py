"""Volumes written: SEG-Y with the headers of another one, SEG-Y from nothing, and zarr."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from graben.errors import SeismicError
from graben.imaging.geometry import Geometry, new_geometry
from graben.imaging.segy import SegySource
from graben.imaging.segy_headers import BINARY, TEXT, TRACE, Frame
from graben.imaging.volume import SeismicVolume
from graben.imaging.zarr_store import ZarrSource, store
from graben.output import check_file, check_folder, written_file
from graben.progress import track
from graben.tiling import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLAB = 16_000_000  # bytes of samples that are held while a file is written
IEEE = 5
LARGEST = 65_535  # what two bytes of a header hold
STORED = 2**31 - 1


def check_not_input(path: str | Path, volume: SeismicVolume) -> None:
    """Refuse to write over the file that a volume is read from.

    Raises
    ------
    SeismicError
        It is the same file, or lies in the same folder of zarr.
    """
    target = Path(path).resolve()
    if volume.path is not None and target == volume.path.resolve():
        raise SeismicError(
            f"expected an output other than the input, got {path} for both. Choose another name."
        )


def write_segy_like(volume: SeismicVolume, path: str | Path, source: Source) -> None:
    """Write samples as SEG-Y with the traces and headers of another file.

    Every text header and trace header is kept byte for byte, and so is the order of the traces
    and of the bytes; in the binary header the code of the sample format alone changes, to 5 (IEEE
    float of 32 bits). Traces at the same position get the same samples; those that have no
    position get zeros. Memory holds a slab of inlines, whatever the size.

    Parameters
    ----------
    volume
        Opened from SEG-Y, or from zarr that was made of SEG-Y.
    path
        The file to write; an earlier one is replaced when the new one is complete.
    source
        The samples, of the shape of the volume.

    Raises
    ------
    SeismicError
        Shapes differ, the volume has no SEG-Y headers, or the output is the input.
    OutputError
        Writing failed half way, for example because no space was left; `path` is unchanged.
    """
    check_not_input(path, volume)
    check_file(path)
    if tuple(source.shape) != volume.shape:
        raise SeismicError(
            f"expected samples of the shape of the volume, {volume.shape}, got "
            f"{tuple(source.shape)}. Compute them for the whole volume."
        )
    frame = _frame_of(volume)
    if frame is None:
        raise SeismicError(
            "expected a volume that was opened from SEG-Y, got one without SEG-Y headers. Make a "
            "new file (write_new_segy) instead."
        )
    with written_file(path) as temporary, temporary.open("wb") as file:
        head = bytearray(frame.head)
        head[TEXT + 24 : TEXT + 26] = np.array(IEEE, f"{frame.order}u2").tobytes()
        file.write(head)
        _write_traces(file, frame, source)


def _frame_of(volume: SeismicVolume) -> Frame | None:
    if isinstance(volume.source, SegySource | ZarrSource):
        return volume.source.frame
    return None


def _write_traces(file: BufferedWriter, frame: Frame, source: Source) -> None:
    """Write every trace at its place, slab by slab of the source."""
    lines, columns, samples = source.shape
    order = np.argsort(frame.position, kind="stable")
    sorted_positions = frame.position[order]
    nowhere = int(np.searchsorted(sorted_positions, 0))
    first_left = np.minimum.accumulate(order[::-1])[::-1]
    stride = frame.headers(0, 1).shape[1] + 4 * samples
    for numbers in _runs(np.sort(order[:nowhere]), samples):
        _write_run(file, frame, numbers, np.zeros((len(numbers), samples), np.float32))
    for slab in track(list(_slabs(lines, columns, samples)), "slabs"):
        rows, across = slab
        block = np.asarray(source.read((rows, across, slice(0, samples))), np.float32)
        begin, end = rows.start * columns, rows.stop * columns
        if rows.stop - rows.start == 1:
            begin, end = begin + across.start, begin + across.stop
        low, high = np.searchsorted(sorted_positions, (begin, end))
        flat = block.reshape(-1, samples)
        wanted = np.sort(order[low:high])
        for numbers in _runs(wanted, samples):
            _write_run(file, frame, numbers, flat[frame.position[numbers] - begin])
        if high < len(order):
            _let_go(file, len(frame.head) + int(first_left[high]) * stride)


def _let_go(file: BufferedWriter, end: int) -> None:
    """Let the system write a file's bytes up to `end` and forget them, if it knows how to.

    A large file would crowd out all else, and memory that is used again costs less than more of it.
    """
    if hasattr(os, "posix_fadvise"):
        file.flush()
        with suppress(OSError):
            os.posix_fadvise(file.fileno(), 0, end, os.POSIX_FADV_DONTNEED)


def _slabs(lines: int, columns: int, samples: int) -> Iterator[tuple[slice, slice]]:
    """Cut a volume into inlines, or a very wide inline into parts, that memory holds."""
    together = SLAB // (4 * columns * samples)
    if together:
        for first in range(0, lines, together):
            yield slice(first, min(first + together, lines)), slice(0, columns)
        return
    part = max(1, SLAB // (4 * samples))
    for line in range(lines):
        for first in range(0, columns, part):
            yield slice(line, line + 1), slice(first, min(first + part, columns))


def _runs(numbers: "NDArray[np.int64]", samples: int) -> "Iterator[NDArray[np.int64]]":
    """Cut ascending trace numbers into consecutive ones, not too many at a time."""
    if not len(numbers):
        return
    most = max(1, SLAB // (4 * samples + TRACE))
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    for run in np.split(numbers, cuts):
        for first in range(0, len(run), most):
            yield run[first : first + most]


def _write_run(
    file: BufferedWriter, frame: Frame, numbers: "NDArray[np.int64]", rows: "NDArray[np.float32]"
) -> None:
    headers = frame.headers(int(numbers[0]), len(numbers))
    length = headers.shape[1]
    block = np.empty((len(numbers), length + 4 * rows.shape[1]), np.uint8)
    block[:, :length] = headers
    block[:, length:].view(f"{frame.order}f4")[...] = rows
    file.seek(len(frame.head) + int(numbers[0]) * block.shape[1])
    file.write(block.data)


def write_new_segy(
    path: str | Path,
    source: Source,
    *,
    sample_interval: float = 4.0,
    first_sample: float = 0.0,
    unit: Literal["ms", "m"] = "ms",
    inlines: "Sequence[int] | NDArray[np.int64] | None" = None,
    crosslines: "Sequence[int] | NDArray[np.int64] | None" = None,
    spacing: float = 25.0,
    text: Sequence[str] = (),
) -> None:
    """Write samples as a new SEG-Y file: revision 1, IEEE floats, big-endian, inlines first.

    Parameters
    ----------
    path
        The file to write; an earlier one is replaced when the new one is complete.
    source
        (inline, crossline, sample). A `SeismicVolume` brings its own lines, coordinates and
        sampling, and its missing traces are left out; the arguments below are for other sources.
    sample_interval, first_sample
        In `unit`; the first sample in whole ones.
    unit
        `ms`, or `m` in depth.
    inlines, crosslines
        Line numbers; by default 1, 2, 3 and so on.
    spacing
        Metres between lines: crosslines go east, inlines go north.
    text
        Lines of the text header, of 76 letters at most, 37 of them.

    Raises
    ------
    SeismicError
        The headers of SEG-Y cannot hold it, or the output is the input.
    OutputError
        Writing failed half way; `path` is unchanged.
    """
    check_file(path)
    if isinstance(source, SeismicVolume):
        check_not_input(path, source)
        geometry = source.geometry
    else:
        lines, columns, samples = source.shape
        geometry = new_geometry(
            (lines, columns, samples),
            inlines=inlines,
            crosslines=crosslines,
            sample_interval=sample_interval,
            first_sample=first_sample,
            unit=unit,
            spacing=spacing,
        )
    head = _new_head(geometry, source.shape[2], text)
    places = np.flatnonzero(~geometry.missing.ravel())
    if not len(places):
        raise SeismicError("expected a volume with traces, got none. Choose another volume.")
    position = places.astype(np.int64)
    frame = Frame(head, ">", position, _NewHeaders(geometry, source.shape[2], position).read)
    with written_file(path) as temporary, temporary.open("wb") as file:
        file.write(head)
        _write_traces(file, frame, source)


def _new_head(geometry: Geometry, samples: int, text: Sequence[str]) -> bytes:
    """Return the text and the binary header of a new file."""
    interval = round(geometry.sample_interval * 1000)
    if not 0 < interval <= LARGEST or samples > LARGEST:
        raise SeismicError(
            f"expected up to {LARGEST} samples a trace, up to {LARGEST / 1000:g} {geometry.unit} "
            f"apart, as SEG-Y headers can hold, got {samples} samples, "
            f"{geometry.sample_interval:g} {geometry.unit} apart. Write zarr instead."
        )
    lines = list(text)[:37]
    domain = "depth" if geometry.unit == "m" else "time"
    lines += [
        f"domain: {domain}, {geometry.sample_interval:g} {geometry.unit} a sample",
        "inline: bytes 189-192  crossline: bytes 193-196  x, y: bytes 181-188",
    ]
    numbered = [
        f"C{number:2d} {line[:76]}".ljust(80)
        for number, line in enumerate([*lines, *[""] * (39 - len(lines)), "END TEXTUAL HEADER"], 1)
    ]
    binary = np.zeros(BINARY, np.uint8)
    for byte, value, kind in (
        (3213, 1, ">i2"), (3217, interval, ">u2"), (3221, samples, ">u2"), (3225, IEEE, ">i2"),
        (3229, 4, ">i2"), (3255, 1, ">i2"), (3501, 256, ">i2"), (3503, 1, ">i2"),
    ):  # fmt: skip
        binary[byte - TEXT - 1 : byte - TEXT + 1] = np.frombuffer(
            np.array(value, kind).tobytes(), np.uint8
        )
    return "".join(numbered).encode("cp037", "replace") + binary.tobytes()


class _NewHeaders:
    """Trace headers made from a geometry.

    Parameters
    ----------
    geometry
        Of the volume.
    samples
        Of a trace.
    position
        The cell of every trace.
    """

    def __init__(self, geometry: Geometry, samples: int, position: "NDArray[np.int64]") -> None:
        self.geometry = geometry
        self.samples = samples
        self.position = position
        known = np.r_[geometry.x[np.isfinite(geometry.x)], geometry.y[np.isfinite(geometry.y)], 0.0]
        furthest = float(np.abs(known).max())
        self.by = next((by for by in (100, 10, 1) if furthest * by < STORED), 0)
        if not self.by:
            raise SeismicError(
                f"expected coordinates below {STORED} metres, as SEG-Y headers can hold, got "
                f"{furthest:g}. Write zarr instead."
            )

    def read(self, first: int, count: int) -> "NDArray[np.uint8]":
        """Return the headers of consecutive traces, (traces, bytes)."""
        geometry = self.geometry
        cells = self.position[first : first + count]
        rows, columns = np.divmod(cells, geometry.missing.shape[1])
        lines, crossing = geometry.inlines[rows], geometry.crosslines[columns]
        if geometry.axes[0] == "crossline":
            lines, crossing = crossing, lines
        number = np.arange(first + 1, first + count + 1)
        x, y = (
            np.nan_to_num(np.round(one.ravel()[cells] * self.by))
            for one in (geometry.x, geometry.y)
        )
        headers = np.zeros((count, TRACE), np.uint8)
        for byte, value, kind in (
            (1, number, ">i4"), (5, number, ">i4"), (21, crossing, ">i4"), (29, 1, ">i2"),
            (71, -self.by, ">i2"), (89, 1, ">i2"), (109, round(geometry.first_sample), ">i2"),
            (115, self.samples, ">u2"), (117, round(geometry.sample_interval * 1000), ">u2"),
            (181, x, ">i4"), (185, y, ">i4"), (189, lines, ">i4"), (193, crossing, ">i4"),
        ):  # fmt: skip
            wide = np.broadcast_to(value, count).astype(kind)
            headers[:, byte - 1 : byte - 1 + wide.itemsize] = wide.view(np.uint8).reshape(count, -1)
        return headers


def write_zarr(path: str | Path, source: Source, volume: SeismicVolume | None = None) -> None:
    """Write samples as zarr of format 3, block by block.

    Line numbers, coordinates and sampling lie beside them, and so do the SEG-Y headers where there
    are any: `write_segy_like` makes the SEG-Y file again. xarray opens the folder, too.

    Parameters
    ----------
    path
        The folder to write; only an earlier result is replaced.
    source
        (inline, crossline, sample), a `SeismicVolume` or computed from one.
    volume
        What the source was computed from, where it is no `SeismicVolume`; without it lines are
        numbered from 1 and samples are 4 ms apart.

    Raises
    ------
    SeismicError
        Shapes differ, or the output is the input.
    InputError
        The folder holds other things.
    OutputError
        Writing failed half way; `path` is unchanged.
    """
    lines, columns, samples = source.shape
    if isinstance(source, SeismicVolume):
        volume = source
    if volume is None:
        check_folder(path)
        store(Path(path), source, new_geometry((lines, columns, samples)), None)
        return
    check_not_input(path, volume)
    check_folder(path, [volume.path] if volume.path else [])
    if volume.shape != (lines, columns, samples):
        raise SeismicError(
            f"expected samples of the shape of the volume, {volume.shape}, got {source.shape}. "
            "Compute them for the whole volume."
        )
    store(Path(path), source, volume.geometry, _frame_of(volume))


def convert_volume(volume: SeismicVolume, path: Path) -> None:
    """Write a volume as zarr or SEG-Y, as the suffix of the path says.

    Raises
    ------
    InputError
        The suffix is another one, the place is not writable, or the output is the input.
    OutputError
        Writing failed half way; `path` is unchanged.
    """
    suffix = path.suffix.lower()
    if suffix == ".zarr":
        write_zarr(path, volume)
    elif suffix not in (".sgy", ".segy"):
        raise SeismicError(
            f"expected an output that ends in .zarr, .sgy or .segy, got {path.name}. Choose one."
        )
    elif _frame_of(volume) is None:
        write_new_segy(path, volume)
    else:
        write_segy_like(volume, path, volume)
