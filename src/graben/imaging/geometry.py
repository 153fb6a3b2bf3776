"""Where traces belong: line numbers of trace headers made into a grid, or a line."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from graben.errors import SeismicError
from graben.imaging.segy_headers import Oddity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# where line numbers are found in trace headers: revision 1 first, then what software has written
PAIRS = (
    (189, 193),
    (9, 21),
    (17, 13),
    (5, 21),
    (181, 185),
    (9, 25),
    (9, 17),
    (193, 189),
    (221, 225),
)
CDP = 21
SPARSEST = 0.05  # of the cells of a grid that hold a trace; an arbitrary line holds far fewer
SPARSEST_GUESSED = 0.3
MOST_CELLS = 50  # for each trace, of a grid that a user asks for


@dataclass(frozen=True, eq=False)
class Geometry:
    """What a volume's axes mean.

    Parameters
    ----------
    inlines, crosslines
        Line numbers, int64.
    missing
        (inline, crossline), True where there is no trace.
    x, y
        (inline, crossline), coordinates as float64; NaN where they are unknown.
    sample_interval, first_sample
        In `unit`.
    unit
        `ms`, or `m` in depth.
    is_line
        Whether it is a single line, of shape (1, traces, samples).
    axes
        What the first two axes count; a single crossline is a line along its inlines.
    """

    inlines: "NDArray[np.int64]"
    crosslines: "NDArray[np.int64]"
    missing: "NDArray[np.bool_]"
    x: "NDArray[np.float64]"
    y: "NDArray[np.float64]"
    sample_interval: float
    first_sample: float = 0.0
    unit: Literal["ms", "m"] = "ms"
    is_line: bool = False
    axes: tuple[str, str] = ("inline", "crossline")


def new_geometry(
    shape: tuple[int, int, int],
    *,
    inlines: "Sequence[int] | NDArray[Any] | None" = None,
    crosslines: "Sequence[int] | NDArray[Any] | None" = None,
    sample_interval: float = 4.0,
    first_sample: float = 0.0,
    unit: Literal["ms", "m"] = "ms",
    spacing: float = 25.0,
) -> Geometry:
    """Give an array axes, see `graben.imaging.in_memory_volume`.

    Raises
    ------
    SeismicError
        Line numbers do not fit the shape.
    """
    numbers = []
    for name, given, count in zip(
        ("inlines", "crosslines"), (inlines, crosslines), shape, strict=False
    ):
        chosen = np.arange(1, count + 1) if given is None else np.asarray(given, np.int64)
        if chosen.shape != (count,):
            raise SeismicError(
                f"expected {count} {name}, one for each line, got an array of shape "
                f"{chosen.shape}. Give as many as the volume has."
            )
        numbers.append(chosen)
    # not from 0, which SEG-Y headers take for unknown
    y, x = np.meshgrid(*(spacing * np.arange(1, count + 1) for count in shape[:2]), indexing="ij")
    return Geometry(
        numbers[0], numbers[1], np.zeros(shape[:2], bool), x, y, sample_interval, first_sample,
        unit, shape[0] == 1,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Grid:
    """Which trace of a file lies where.

    Parameters
    ----------
    inlines, crosslines
        Line numbers, int64.
    trace_of
        (inline, crossline), the number of the trace, -1 where there is none.
    position
        The cell of every trace, inline * crosslines + crossline; -1 for a trace that has no place.
    is_line, axes
        As of `Geometry`.
    line_bytes
        Where the line numbers were found in the trace headers.
    oddities
        What was odd about them.
    """

    inlines: "NDArray[np.int64]"
    crosslines: "NDArray[np.int64]"
    trace_of: "NDArray[np.int64]"
    position: "NDArray[np.int64]"
    is_line: bool = False
    axes: tuple[str, str] = ("inline", "crossline")
    line_bytes: tuple[int, int] | None = None
    oddities: list[Oddity] = field(default_factory=list)

    def spread(self, values: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Lay a number of each trace on the grid, NaN where there is no trace."""
        return np.where(self.trace_of >= 0, values[self.trace_of], np.nan)


@dataclass(frozen=True, eq=False)
class _Candidate:
    """Line numbers of every trace as two bytes of the headers have them."""

    pair: tuple[int, int]
    first: "NDArray[np.int32]"
    second: "NDArray[np.int32]"

    def __post_init__(self) -> None:
        placed = (self.first != 0) | (self.second != 0)
        lines, columns = (np.unique(one[placed]) for one in (self.first, self.second))
        object.__setattr__(self, "placed", placed)
        object.__setattr__(self, "lines", lines)
        object.__setattr__(self, "columns", columns)
        cells = len(lines) * len(columns)
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "distinct", self._distinct() if cells else 0)

    placed: "NDArray[np.bool_]" = field(init=False)
    lines: "NDArray[np.int32]" = field(init=False)
    columns: "NDArray[np.int32]" = field(init=False)
    cells: int = field(init=False)
    distinct: int = field(init=False)

    def _distinct(self) -> int:
        both = (self.first[self.placed].astype(np.int64) << 32) + self.second[self.placed]
        return len(np.unique(both))

    @property
    def fill(self) -> float:
        """Share of the cells that hold a trace."""
        return self.distinct / self.cells if self.cells else 0.0

    @property
    def crooked(self) -> bool:
        """Whether hardly two traces share a line or a column: a line across the grid."""
        sides = len(self.lines), len(self.columns)
        return min(sides) > 1 and self.distinct <= max(sides)

    def fits(self, standard: bool) -> bool:
        """Whether the numbers make a grid, or a line of it."""
        traces = len(self.first)
        sides = len(self.lines), len(self.columns)
        if self.crooked or 2 * self.distinct < traces or max(sides, default=0) < 2:
            return False
        if standard:
            return self.fill >= SPARSEST
        return self.fill >= SPARSEST_GUESSED and min(sides) > 1 and 1.01 * self.distinct >= traces


def solve(
    words: "Mapping[int, NDArray[np.int32]]",
    given: tuple[int, int] | None = None,
    gathers: bool = False,
) -> Grid:
    """Find where the traces of a file belong.

    Parameters
    ----------
    words
        The numbers of all trace headers by the byte at which they begin; those of the given pair,
        or of 189 and 193 and of any others among `PAIRS`, and of `CDP`.
    given
        The bytes that a user asks for, which are taken whatever they hold.
    gathers
        Whether offsets vary from trace to trace, as before stacking: then only the standard bytes
        are believed.

    Raises
    ------
    SeismicError
        The bytes that were asked for cannot make a grid.
    """
    count = len(next(iter(words.values())))
    if given is not None:
        asked = _Candidate(given, words[given[0]], words[given[1]])
        if asked.cells == 0 or asked.cells > max(MOST_CELLS * count, 1_000_000):
            raise SeismicError(
                f"bytes {given[0]} and {given[1]} do not make a grid: {len(asked.lines)} and "
                f"{len(asked.columns)} different numbers in {count} traces. Give others "
                "(--inline-byte, --crossline-byte), or none."
            )
        return _gridded(asked)
    candidates = [
        _Candidate(pair, words[pair[0]], words[pair[1]])
        for pair in PAIRS
        if pair[0] in words and pair[1] in words
    ]
    for one in candidates:
        if one.pair == PAIRS[0] and one.fits(standard=True):
            return _gridded(one)
    guessed = [one for one in candidates[1:] if not gathers and one.fits(standard=False)]
    if guessed:
        best = max(guessed, key=lambda one: one.fill)
        return _gridded(best, _instead(candidates[0], best))
    return _line(words, candidates[0], gathers)


def _instead(standard: _Candidate, best: _Candidate) -> Oddity:
    return Oddity(
        "line numbers elsewhere",
        f"bytes 189 and 193 hold {_content(standard)}; {best.pair[0]} and {best.pair[1]} make a "
        f"grid of {len(best.lines)} by {len(best.columns)} lines, {100 * best.fill:.0f} % filled",
        f"inlines are read from byte {best.pair[0]}, crosslines from byte {best.pair[1]}",
        "--inline-byte --crossline-byte",
    )


def _content(one: _Candidate) -> str:
    if not one.placed.any():
        return "zeros"
    if max(len(one.lines), len(one.columns)) < 2:
        return f"the same numbers everywhere ({one.lines[0]} and {one.columns[0]})"
    if 2 * one.distinct < len(one.first):
        return f"{one.distinct} different positions for {len(one.first)} traces"
    if one.crooked:
        return "numbers that hardly two traces share"
    return f"numbers that fill {100 * one.fill:.1f} % of a grid"


def _axis(numbers: "NDArray[np.int32]") -> "tuple[NDArray[np.int64], bool]":
    """Return evenly spaced numbers that hold all given ones, or these, and whether it is even."""
    wide = numbers.astype(np.int64)
    if len(wide) < 3:
        return wide, True
    step = int(np.gcd.reduce(np.diff(wide)))
    count = (wide[-1] - wide[0]) // step + 1
    if count > 2 * len(wide):
        return wide, False
    return np.arange(wide[0], wide[-1] + 1, step), True


def _gridded(one: _Candidate, first: Oddity | None = None) -> Grid:
    """Put every trace into its cell; the first comes, the first is served."""
    oddities = [first] if first else []
    lines, even_lines = _axis(one.lines)
    columns, even_columns = _axis(one.columns)
    cell = np.searchsorted(lines, one.first) * len(columns) + np.searchsorted(columns, one.second)
    position = np.where(one.placed, cell, -1)
    trace_of = np.full(len(lines) * len(columns), -1, np.int64)
    numbers = np.flatnonzero(one.placed)[::-1]
    trace_of[position[numbers]] = numbers
    oddities += _about(one, position, trace_of)
    if not (even_lines and even_columns):
        oddities.append(
            Oddity(
                "uneven line numbers",
                "line numbers have gaps that are no multiples of a step",
                "every number that occurs is a line, beside the next that occurs",
            )
        )
    shape = len(lines), len(columns)
    if shape[1] == 1 and shape[0] > 1:  # a single crossline
        return Grid(
            columns, lines, trace_of[None], position, True, ("crossline", "inline"), one.pair,
            [*oddities, _single("crossline", one)],
        )  # fmt: skip
    if shape[0] == 1:
        oddities.append(_single("inline", one))
    return Grid(
        lines, columns, trace_of.reshape(shape), position, shape[0] == 1, line_bytes=one.pair,
        oddities=oddities,
    )  # fmt: skip


def _single(what: str, one: _Candidate) -> Oddity:
    number = int((one.lines if what == "inline" else one.columns)[0])
    return Oddity(
        "a single line",
        f"all traces belong to {what} {number}",
        "it is treated as a 2-D line",
    )


def _about(
    one: _Candidate, position: "NDArray[np.int64]", trace_of: "NDArray[np.int64]"
) -> list[Oddity]:
    """Say what is odd about the traces of a grid."""
    found = []
    count = len(one.first)
    unplaced = count - int(one.placed.sum())
    if unplaced:
        found.append(
            Oddity(
                "zero line numbers",
                f"{unplaced} of {count} traces have 0 for inline and crossline",
                "they have no place in the volume; files made from this one keep them, with "
                "samples of 0",
            )
        )
    repeated = count - unplaced - one.distinct
    if repeated:
        found.append(
            Oddity(
                "duplicate positions",
                f"{repeated} of {count} traces lie where another one lies",
                "the first of each is read; files made from this one give all the same samples",
            )
        )
    absent = int((trace_of < 0).sum())
    if absent:
        found.append(
            Oddity(
                "missing traces",
                f"{absent} of {len(trace_of)} positions of the grid have no trace",
                "they are read as 0 and marked as missing; files made from this one lack them, too",
            )
        )
    steps = np.diff(position[position >= 0])
    if (steps < 0).any():
        sides = len(one.lines), len(one.columns)
        along = int((np.diff(one.first[one.placed]) != 0).sum())
        across = int((np.diff(one.second[one.placed]) != 0).sum())
        crossed = min(sides) > 1 and across < along and across <= 2 * sides[1]
        found.append(
            Oddity(
                "sorted by crossline" if crossed else "unsorted traces",
                "traces follow each other along crosslines"
                if crossed
                else f"{int((steps < 0).sum())} traces come before others of smaller line numbers",
                "they are read by their line numbers; files made from this one keep the order",
            )
        )
    return found


def _line(words: "Mapping[int, NDArray[np.int32]]", standard: _Candidate, gathers: bool) -> Grid:
    """Take the traces in the order of the file as one line."""
    count = len(standard.first)
    numbers = np.arange(1, count + 1)
    source = "numbered from 1"
    if gathers:
        name = "gathers before stacking"
        why = f"offsets vary, and bytes 189 and 193 hold {_content(standard)}"
    else:
        name = "no grid"
        why = f"bytes 189 and 193 hold {_content(standard)}, and no other bytes make a grid"
        if CDP in words and (np.diff(words[CDP]) > 0).all() and count > 1:
            numbers = words[CDP].astype(np.int64)
            source = "numbered by their CDP (byte 21)"
    done = f"its {count} traces are treated as a 2-D line in the order of the file, {source}"
    if gathers:
        done += "; stack them for a picture of the ground"
    oddity = Oddity(name, why, done, "--inline-byte --crossline-byte")
    inline = standard.first[:1] if len(standard.lines) == 1 and standard.placed.all() else [1]
    return Grid(
        np.asarray(inline, np.int64), numbers.astype(np.int64), np.arange(count)[None],
        np.arange(count), True, oddities=[oddity],
    )  # fmt: skip
