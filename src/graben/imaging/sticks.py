"""Fault sticks: lines drawn down faults on sections, in the formats that interpreters exchange."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graben.errors import SeismicError
from graben.imaging.volume import SeismicVolume
from graben.output import written_file
from graben.progress import track

if TYPE_CHECKING:
    from graben.tiling import Source

UNDEFINED = 1e30  # how stick files mark coordinates that nobody knows
LONGEST_GAP = 2  # samples without a crest that a stick bridges
SIDESTEP = 2  # traces that a stick may move from one sample to the next
CLOSE = 6.0  # traces between sticks of one fault on neighbouring sections, or their distance
SHARED = 0.3  # of the shorter of two sticks that must lie beside the other


@dataclass(frozen=True, eq=False)
class Stick:
    """A fault on one section, from top to bottom.

    Attributes
    ----------
    fault, number
        Which fault it belongs to, from 1, and which of its sticks it is, from 1.
    inline, crossline
        Line numbers of each node.
    depth
        Of each node, ms or m.
    x, y
        Coordinates of each node; NaN where unknown.
    """

    fault: int
    number: int
    inline: NDArray[np.float64]
    crossline: NDArray[np.float64]
    depth: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def trace_sticks(crests: NDArray[np.float32], shortest: int = 8) -> list[NDArray[np.float64]]:
    """Follow the crests of a section from top to bottom into lines.

    Parameters
    ----------
    crests
        (trace, sample), above 0 on the crest of a fault; see `thin`.
    shortest
        Samples that a line must span.

    Returns
    -------
    list of numpy.ndarray
        (node, 2): trace and sample of each node, not further than one trace from the crests.

    Examples
    --------
    >>> [line] = trace_sticks(np.eye(12, dtype=np.float32))
    >>> line.tolist()
    [[0.0, 0.0], [11.0, 11.0]]
    """
    from shapely import LineString

    growing: list[list[tuple[float, int]]] = []
    done: list[list[tuple[float, int]]] = []
    for sample, middles in enumerate(_middles(crests > 0)):
        pairs = sorted(
            (abs(line[-1][0] - middle), place, other)
            for place, line in enumerate(growing)
            for other, middle in enumerate(middles)
            if abs(line[-1][0] - middle) <= SIDESTEP * (sample - line[-1][1])
        )
        taken: set[int] = set()
        grown: set[int] = set()
        for _, place, other in pairs:
            if place not in grown and other not in taken:
                growing[place].append((middles[other], sample))
                grown.add(place)
                taken.add(other)
        done += [line for line in growing if sample - line[-1][1] > LONGEST_GAP]
        growing = [line for line in growing if sample - line[-1][1] <= LONGEST_GAP]
        growing += [[(m, sample)] for other, m in enumerate(middles) if other not in taken]
    long = [line for line in done + growing if line[-1][1] - line[0][1] + 1 >= shortest]
    return [np.array(LineString(line).simplify(1.0).coords) for line in long]


def _middles(kept: NDArray[np.bool_]) -> Iterator[list[float]]:
    """Give the middles of the runs of neighbouring traces, sample by sample."""
    samples, traces = np.nonzero(np.ascontiguousarray(kept.T))
    if not samples.size:
        yield from ([] for _ in range(kept.shape[1]))
        return
    ends = np.flatnonzero((np.diff(traces) != 1) | (np.diff(samples) != 0))
    first, last = np.r_[0, ends + 1], np.r_[ends, len(traces) - 1]
    middles = ((traces[first] + traces[last]) / 2).tolist()
    ends = np.searchsorted(samples[first], np.arange(kept.shape[1] + 1))
    yield from (middles[begin:end] for begin, end in pairwise(ends.tolist()))


def find_sticks(
    volume: SeismicVolume, crests: "Source", every: int = 10, shortest: int = 8
) -> list[Stick]:
    """Draw sticks on every so many inlines, and gather them into faults.

    A stick belongs to the fault of a stick on the section before if they lie side by side over a
    third of the shorter one: no more traces apart than the sections are lines apart, or six.

    Parameters
    ----------
    volume
        Tells where the traces lie.
    crests
        Thinned fault probability, of the shape of the volume.
    every
        Inlines from one section to the next. Where there is one inline, or only one crossline,
        the only section is drawn on.
    shortest
        Samples that a stick must span.
    """
    axis = 1 if volume.shape[1] == 1 else 0
    lines = range(0, volume.shape[axis], every)
    before: list[tuple[int, NDArray[np.float64]]] = []
    found: list[Stick] = []
    counts: dict[int, int] = {}
    for line in track(lines, "sticks"):
        region = [slice(0, extent) for extent in volume.shape]
        region[axis] = slice(line, line + 1)
        section = crests.read(tuple(region))[:, 0] if axis else crests.read(tuple(region))[0]
        here: list[tuple[int, NDArray[np.float64]]] = []
        for drawn in trace_sticks(section, shortest):
            used = {fault for fault, _ in here}
            fault = _beside(drawn, before, used, max(CLOSE, every)) or len(counts) + 1
            counts[fault] = counts.get(fault, 0) + 1
            here.append((fault, drawn))
            found.append(_placed(volume, axis, line, drawn, fault, counts[fault]))
        before = here
    return found


def _beside(
    drawn: NDArray[np.float64],
    before: list[tuple[int, NDArray[np.float64]]],
    used: set[int],
    close: float,
) -> int:
    """Give the fault of the nearest stick beside this one, or 0."""
    nearest, found = close, 0
    for fault, other in before:
        top = max(drawn[0, 1], other[0, 1])
        bottom = min(drawn[-1, 1], other[-1, 1])
        shorter = min(np.ptp(drawn[:, 1]), np.ptp(other[:, 1]))
        if fault in used or bottom - top < SHARED * shorter:
            continue
        depths = np.linspace(top, bottom, 8)
        apart = np.interp(depths, drawn[:, 1], drawn[:, 0])
        apart = np.abs(apart - np.interp(depths, other[:, 1], other[:, 0])).mean()
        if apart < nearest:
            nearest, found = float(apart), fault
    return found


def _placed(
    volume: SeismicVolume, axis: int, line: int, drawn: NDArray[np.float64], fault: int, number: int
) -> Stick:
    trace = np.clip(np.round(drawn[:, 0]).astype(int), 0, volume.shape[1 - axis] - 1)
    fixed = np.full(len(trace), line)
    inline, crossline = (trace, fixed) if axis else (fixed, trace)
    return Stick(
        fault,
        number,
        volume.inlines[inline].astype(float),
        volume.crosslines[crossline].astype(float),
        volume.first_sample + volume.sample_interval * drawn[:, 1],
        volume.x[inline, crossline],
        volume.y[inline, crossline],
    )


def write_charisma(path: str | Path, sticks: Iterable[Stick]) -> None:
    """Write fault sticks in the CHARISMA format.

    A line a node: ``INLINE-``, inline, crossline, x, y, depth, name of the fault, number of the
    stick; unknown coordinates are 1e30.

    Raises
    ------
    InputError, OutputError
        As `graben.output.written_file`.
    """
    rows = (
        f"INLINE- {il:8.0f} {xl:8.0f} {_known(x)} {_known(y)} {depth:12.3f} "
        f"F{stick.fault:04d} {stick.number:6d}\n"
        for stick in sticks
        for il, xl, depth, x, y in _nodes(stick)
    )
    _write(path, rows)


def write_stick_points(path: str | Path, sticks: Iterable[Stick]) -> None:
    """Write fault sticks as plain points: x, y, depth, inline, crossline, fault, stick.

    Raises
    ------
    InputError, OutputError
        As `graben.output.written_file`.
    """
    rows = (
        f"{_known(x)} {_known(y)} {depth:12.3f} {il:8.0f} {xl:8.0f} "
        f"{stick.fault:6d} {stick.number:6d}\n"
        for stick in sticks
        for il, xl, depth, x, y in _nodes(stick)
    )
    _write(path, rows)


def _nodes(stick: Stick) -> Iterator[tuple[float, float, float, float, float]]:
    return zip(stick.inline, stick.crossline, stick.depth, stick.x, stick.y, strict=True)


def _known(coordinate: float) -> str:
    return f"{UNDEFINED if np.isnan(coordinate) else coordinate:16.8g}"


def _write(path: str | Path, rows: Iterable[str]) -> None:
    with written_file(path) as temporary, temporary.open("w", encoding="ascii") as file:
        file.writelines(rows)


def read_sticks(path: str | Path) -> list[Stick]:
    """Read fault sticks: CHARISMA, or plain points with line numbers.

    Plain points are rows of x, y, depth, inline, crossline, fault, stick, as
    `write_stick_points` writes them; or x, y, depth, any columns, inline, crossline, of which two
    rows make a stick (the points of planes that OpendTect writes).

    Parameters
    ----------
    path
        A text file; empty lines and lines that begin with # are passed over.

    Raises
    ------
    SeismicError
        It cannot be read, or is in another format.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SeismicError(
            f"expected a text file of fault sticks, cannot read {path}: {error}. Give one in the "
            "CHARISMA format or as plain points."
        ) from error
    rows = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    try:
        return _sticks_of(rows)
    except ValueError as error:
        raise SeismicError(
            f"expected fault sticks in {path}: CHARISMA (INLINE- inline crossline x y depth fault "
            "stick), or points (x y depth inline crossline fault stick, or x y depth ... inline "
            f"crossline in pairs); {error}. Export it in one of these."
        ) from error


def _sticks_of(rows: Sequence[Sequence[str]]) -> list[Stick]:
    if not rows:
        raise ValueError("it is empty")
    groups: dict[tuple[str, str], list[list[float]]] = {}
    for place, row in enumerate(rows):
        if row[0].upper().startswith("INLINE"):
            # the first word and the inline may stand without a space between them
            words = (" ".join(row)).upper().replace("INLINE-", " ").split()
            il, xl, x, y, depth = map(float, words[:5])
            key = (words[-2], words[-1])
        elif len(row) == 7:
            x, y, depth, il, xl = map(float, row[:5])
            key = (row[5], row[6])
        elif len(row) > 5:
            x, y, depth = map(float, row[:3])
            il, xl = map(float, row[-2:])
            key = ("1", str(place // 2))
        else:
            raise ValueError(f"line {place + 1} has {len(row)} columns")
        groups.setdefault(key, []).append([il, xl, depth, x, y])
    names = {name: number for number, name in enumerate(dict.fromkeys(f for f, _ in groups), 1)}
    found = []
    for number, ((fault, _), nodes) in enumerate(groups.items(), 1):
        il, xl, depth, x, y = np.array(sorted(nodes, key=lambda node: node[2])).T
        known = [np.where(np.abs(one) < UNDEFINED, one, np.nan) for one in (x, y)]
        found.append(Stick(names[fault], number, il, xl, depth, *known))
    return found
