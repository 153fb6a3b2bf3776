"""SEG-Y read by regions: trace headers scanned once, samples in long reads, never a whole file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from graben.errors import SeismicError
from graben.imaging.geometry import CDP, PAIRS, Geometry, Grid, solve
from graben.imaging.sample_kernels import IBM_SCALE, decode_ibm, decode_ieee
from graben.imaging.segy_headers import (
    Frame,
    Layout,
    Oddity,
    Overrides,
    text_headers,
    word,
)
from graben.imaging.segy_layout import read_layout
from graben.progress import track

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graben.tiling.plan import Region

BLOCK = 8_000_000  # bytes that are read at once
NEAR = 8_192  # bytes that are faster read than skipped
PEEKED = 2_000  # traces whose whole headers are looked at
OFFSET, DELAY, SCALAR = 37, 109, 71
COORDINATES = ((181, 185), (73, 77))
DEFAULT_INTERVAL = 4.0  # ms; what most surveys of the last decades have
FOOT = 0.3048
FLOATS = (1, 5, 6)
NATIVE = "<" if np.little_endian else ">"
IN_DEPTH = re.compile(
    r"depth[ -]+domain|domain\s*[:=]?\s*depth|(vertical|z)[ -]?(axis|unit|domain)s?\s*[:=]\s*"
    r"(depth|m\b|met|ft|feet)|sample (interval|rate)\s*[:=]?\s*[\d.]+\s*(m|ft|met(er|re)s|feet)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SegyTraces:
    """The traces of a SEG-Y file, by number; each call opens the file anew.

    Parameters
    ----------
    path
        The file.
    layout
        Where everything lies in it.
    """

    path: Path
    layout: Layout

    def headers(self, first: int, count: int) -> "NDArray[np.uint8]":
        """Read the headers of consecutive traces, (traces, bytes)."""
        layout = self.layout
        if layout.stride > NEAR:
            return self.headers_of(range(first, first + count))
        found = np.empty(count * layout.stride, np.uint8)
        with self._open() as file:
            _fill(file, layout.start + first * layout.stride, found, self.path)
        return found.reshape(count, layout.stride)[:, : layout.header]

    def headers_of(self, numbers: Sequence[int]) -> "NDArray[np.uint8]":
        """Read the headers of some traces, (traces, bytes)."""
        layout = self.layout
        found = np.empty((len(numbers), layout.header), np.uint8)
        with self._open() as file:
            for row, number in zip(found, numbers, strict=True):
                _fill(file, layout.start + int(number) * layout.stride, row, self.path)
        return found

    def scan(self, places: Sequence[int]) -> "dict[int, NDArray[np.int32]]":
        """Read the numbers that begin at these bytes of the header of every trace."""
        layout = self.layout
        found = {byte: np.empty(layout.traces, np.int32) for byte in places}
        step = max(1, BLOCK // layout.stride) if layout.stride <= NEAR else 4096
        for first in track(range(0, layout.traces, step), "trace headers"):
            block = self.headers(first, min(step, layout.traces - first))
            for byte, numbers in found.items():
                numbers[first : first + len(block)] = word(block, byte, layout.order)
        return found

    def read(self, numbers: "NDArray[np.int64]", window: slice, out: "NDArray[np.float32]") -> None:
        """Read samples of traces.

        Parameters
        ----------
        numbers
            Which traces, ascending.
        window
            Which of their samples.
        out
            (traces, samples) to fill; NaN and infinity become 0.
        """
        layout = self.layout
        wide = layout.dtype.itemsize
        length = (window.stop - window.start) * wide
        if not len(numbers) or not length:
            return
        begin = layout.start + layout.header + window.start * wide
        apart = np.diff(numbers) * layout.stride - length > NEAR
        together = max(1, BLOCK // layout.stride)
        with self._open() as file:
            if 2 * int(apart.sum()) > len(numbers):
                self._read_scattered(file, begin, numbers, length, out)
                return
            starts = np.flatnonzero(np.concatenate([[True], apart]))
            for low, high in zip(starts, [*starts[1:], len(numbers)], strict=True):
                for first in range(low, high, together):
                    picked = slice(first, min(first + together, high))
                    self._read_run(file, begin, numbers[picked], length, out[picked])

    def not_numbers(self, numbers: "NDArray[np.int64]") -> float:
        """Return the share of samples that are NaN, or too large for float32, in some traces."""
        layout = self.layout
        if layout.sample_format not in FLOATS:
            return 0.0
        bad = 0
        raw = np.empty(layout.stride - layout.header, np.uint8)
        with self._open() as file:
            for number in numbers.tolist():
                _fill(file, layout.start + layout.header + number * layout.stride, raw, self.path)
                values = raw.view(layout.dtype)
                if layout.sample_format == 1:
                    values = IBM_SCALE[values >> 24] * (values & 0xFFFFFF)
                bad += int((~(np.abs(values) <= np.finfo(np.float32).max)).sum())
        return bad / max(1, len(numbers) * layout.samples)

    def _read_scattered(
        self, file: FileIO, begin: int, numbers: "NDArray[np.int64]", length: int,
        out: "NDArray[np.float32]",
    ) -> None:  # fmt: skip
        """Read traces one by one, and decode many at once."""
        many = max(1, BLOCK // length)
        for first in range(0, len(numbers), many):
            picked = numbers[first : first + many]
            raw = np.empty((len(picked), length), np.uint8)
            for row, number in zip(raw, picked.tolist(), strict=True):
                _fill(file, begin + number * self.layout.stride, row, self.path)
            self._decode(raw.reshape(-1), length, out[first : first + many])

    def _read_run(
        self, file: FileIO, begin: int, numbers: "NDArray[np.int64]", length: int,
        out: "NDArray[np.float32]",
    ) -> None:  # fmt: skip
        """Read traces that lie close to each other, and what lies between, at once."""
        stride = self.layout.stride
        first, last = int(numbers[0]), int(numbers[-1])
        raw = np.empty((last - first) * stride + length, np.uint8)
        _fill(file, begin + first * stride, raw, self.path)
        if last - first + 1 == len(numbers):
            self._decode(raw, stride, out)
            return
        between = np.empty((last - first + 1, out.shape[1]), np.float32)
        self._decode(raw, stride, between)
        out[:] = between[numbers - first]

    def _decode(self, raw: "NDArray[np.uint8]", stride: int, out: "NDArray[np.float32]") -> None:
        """Fill `out` from rows of samples that lie `stride` bytes apart."""
        layout = self.layout
        turn = layout.order != NATIVE
        if layout.sample_format == 1:
            decode_ibm(raw.view(np.uint32), stride // 4, turn, IBM_SCALE, out)
        elif layout.sample_format == 5:
            decode_ieee(raw.view(np.uint32), stride // 4, turn, out.view(np.uint32))
        else:
            strides = (stride, layout.dtype.itemsize)
            stored: NDArray[Any] = np.ndarray(out.shape, layout.dtype, raw, strides=strides)
            with np.errstate(over="ignore"):
                np.copyto(
                    out, stored, casting="same_kind" if stored.dtype.kind == "f" else "unsafe"
                )
            if stored.dtype.kind == "f":
                np.nan_to_num(out, copy=False, posinf=0.0, neginf=0.0)

    def _open(self) -> FileIO:
        try:
            return FileIO(self.path)
        except OSError as error:
            raise SeismicError(
                f"cannot read {self.path}: {error.strerror}. Put the file back where it was when "
                "it was opened."
            ) from error


@dataclass(frozen=True, eq=False)
class SegySource:
    """The samples of a SEG-Y file on the grid of its line numbers, see `graben.tiling.Source`."""

    traces: SegyTraces
    grid: Grid

    @property
    def shape(self) -> tuple[int, int, int]:
        """(inline, crossline, sample)."""
        lines, columns = self.grid.trace_of.shape
        return lines, columns, self.traces.layout.samples

    def read(self, region: "Region") -> "NDArray[np.float32]":
        """Read a region as float32; 0 where there is no trace or no finite sample."""
        lines, columns, window = region
        numbers = self.grid.trace_of[lines, columns]
        window = slice(*window.indices(self.shape[2])[:2])
        flat = numbers.ravel()
        out = np.zeros((flat.size, window.stop - window.start), np.float32)
        rows = np.flatnonzero(flat >= 0)
        wanted = flat[rows]
        if len(rows) == len(flat) and (np.diff(flat) > 0).all():
            self.traces.read(wanted, window, out)
        else:
            order = np.argsort(wanted, kind="stable")
            found = np.empty((len(rows), out.shape[1]), np.float32)
            self.traces.read(wanted[order], window, found)
            out[rows[order]] = found
        return out.reshape(*numbers.shape, out.shape[1])

    @property
    def frame(self) -> Frame:
        """Everything but the samples."""
        layout = self.traces.layout
        with self.traces.path.open("rb") as file:
            head = file.read(layout.start)
        return Frame(head, layout.order, self.grid.position, self.traces.headers)


def open_segy(path: Path, overrides: Overrides) -> tuple[SegySource, Geometry, list[Oddity]]:
    """Open a SEG-Y file: find its layout, scan its trace headers, solve its geometry.

    Raises
    ------
    SeismicError
        See `read_layout` and `solve`.
    """
    layout, oddities = read_layout(path, overrides)
    traces = SegyTraces(path, layout)
    peeked = traces.headers_of(
        np.unique(
            np.r_[
                np.arange(min(PEEKED // 2, layout.traces)),
                np.linspace(0, layout.traces - 1, min(PEEKED // 2, layout.traces)).astype(int),
            ]
        ).tolist()
    )
    varied = {
        byte: len(np.unique(word(peeked, byte, layout.order))) > 1
        for byte in (OFFSET, DELAY, SCALAR)
    }
    given = None
    if overrides.inline_byte is not None and overrides.crossline_byte is not None:
        given = overrides.inline_byte, overrides.crossline_byte
    xy = _coordinate_bytes(peeked, layout, overrides)
    lines = given or tuple(sorted(_promising(peeked, layout)))
    wanted = dict.fromkeys((*lines, *(xy or ()), *((SCALAR,) if varied[SCALAR] else ())))
    words = traces.scan(list(wanted))
    grid = solve(
        {byte: words[byte] for byte in lines}, given, gathers=given is None and varied[OFFSET]
    )
    oddities += grid.oddities
    first, unit, interval = _vertical(path, peeked, layout, overrides, oddities)
    x, y = _coordinates(words, xy, grid, peeked, layout)
    if xy is None:
        oddities.append(
            Oddity(
                "no coordinates",
                "bytes 181 and 185 as well as 73 and 77 hold zeros or one point",
                "places on the ground are unknown; lines are told by number",
                "--x-byte --y-byte",
            )
        )
    geometry = Geometry(
        grid.inlines, grid.crosslines, grid.trace_of < 0, x, y, interval, first, unit,
        grid.is_line, grid.axes,
    )  # fmt: skip
    return SegySource(traces, grid), geometry, oddities


def _promising(peeked: "NDArray[np.uint8]", layout: Layout) -> set[int]:
    """Return the bytes to look for line numbers in: the standard ones, if they can be right."""
    first, second = (word(peeked, byte, layout.order) for byte in PAIRS[0])
    both = np.unique(np.stack([first, second]), axis=1).shape[1]
    if 2 * both >= len(peeked) and len(peeked) > 1:
        return {*PAIRS[0], CDP}
    return {CDP, *(byte for pair in PAIRS for byte in pair)}


def _coordinate_bytes(
    peeked: "NDArray[np.uint8]", layout: Layout, overrides: Overrides
) -> tuple[int, int] | None:
    if overrides.x_byte is not None and overrides.y_byte is not None:
        return overrides.x_byte, overrides.y_byte
    for pair in COORDINATES:
        x, y = (word(peeked, byte, layout.order) for byte in pair)
        if x.any() and y.any() and (np.ptp(x) or np.ptp(y) or len(x) == 1):
            return pair
    return None


def _coordinates(
    words: "dict[int, NDArray[np.int32]]",
    places: tuple[int, int] | None,
    grid: Grid,
    peeked: "NDArray[np.uint8]",
    layout: Layout,
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Return x and y on the grid, NaN where both are 0 or there is no trace."""
    if places is None:
        unknown = np.full(grid.trace_of.shape, np.nan)
        return unknown, unknown.copy()
    stored = words.get(SCALAR)
    scalar = (word(peeked[:1], SCALAR, layout.order) if stored is None else stored).astype(float)
    by = np.where(scalar < 0, -1 / np.where(scalar, scalar, 1), np.where(scalar, scalar, 1))
    x, y = (words[byte].astype(np.float64) for byte in places)
    known = (x != 0) | (y != 0)
    return grid.spread(np.where(known, x * by, np.nan)), grid.spread(
        np.where(known, y * by, np.nan)
    )


def _vertical(
    path: Path,
    peeked: "NDArray[np.uint8]",
    layout: Layout,
    overrides: Overrides,
    oddities: list[Oddity],
) -> tuple[float, Literal["ms", "m"], float]:
    """Return the first sample, the unit, and the sample interval."""
    domain = overrides.domain
    if domain is None:
        spoken = any(IN_DEPTH.search(text) for text in text_headers(path, layout.start))
        domain = "depth" if spoken else "time"
        if spoken:
            oddities.append(
                Oddity(
                    "depth domain",
                    "the text header speaks of samples in depth",
                    "samples run down in metres",
                    "--domain time",
                )
            )
    interval = layout.interval / 1000
    if overrides.sample_interval is not None:
        interval = overrides.sample_interval
    elif not interval:
        interval = DEFAULT_INTERVAL
        oddities.append(
            Oddity(
                "no sample interval",
                "neither the binary nor the trace headers tell one",
                f"{DEFAULT_INTERVAL:g} ms is taken",
                "--sample-interval",
            )
        )
    elif domain == "depth" and layout.feet:
        interval *= FOOT
    delays, counts = np.unique(word(peeked, DELAY, layout.order), return_counts=True)
    first = float(delays[counts.argmax()])
    if len(delays) > 1:
        oddities.append(
            Oddity(
                "delays vary",
                f"traces begin between {delays[0]} and {delays[-1]} ms (byte 109)",
                f"all are read as if they began at {first:g}; they are not shifted",
            )
        )
    return first, "m" if domain == "depth" else "ms", interval


def _fill(file: FileIO, at: int, out: "NDArray[np.uint8]", path: Path) -> None:
    """Read exactly as many bytes as `out` holds."""
    file.seek(at)
    view = out.data
    done = file.readinto(view) or 0
    while done < len(view):
        more = file.readinto(view[done:])
        if not more:
            raise SeismicError(
                f"{path} ends at byte {at + done}, earlier than when it was opened. Was it being "
                "written? Open it again when it is whole."
            )
        done += more
