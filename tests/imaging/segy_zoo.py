"""A zoo of SEG-Y: small files with the layout of what is met in practice, and what they hold.

Written with NumPy alone, byte by byte, so that nothing here knows how graben reads.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

SHORT = {29, 35, 71, 89, 109, 115, 117}  # trace header words of two bytes
KINDS = {1: "u4", 2: "i4", 3: "i2", 5: "f4", 6: "f8", 8: "i1", 10: "u4", 11: "u2", 16: "u1"}
SHAPE = (7, 10, 25)


@dataclass(frozen=True)
class Truth:
    """What a file holds: `samples` (inline, crossline, sample), 0 where there is no trace."""

    samples: np.ndarray
    inlines: np.ndarray
    crosslines: np.ndarray
    missing: np.ndarray
    interval: float = 4.0
    first: float = 0.0
    unit: str = "ms"
    is_line: bool = False
    axes: tuple[str, str] = ("inline", "crossline")
    x: np.ndarray | None = None
    y: np.ndarray | None = None
    start: int = 3600
    header: int = 240
    order: str = ">"
    unplaced: tuple[int, ...] = ()


@dataclass(frozen=True)
class Specimen:
    """A file that must open: how it is made, and the name of what is odd about it."""

    make: Callable[[Path], Truth]
    oddity: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


def ibm(values: np.ndarray) -> np.ndarray:
    """Encode numbers as IBM floats, cut off rather than rounded."""
    fraction, exponent = np.frexp(np.abs(values.astype(np.float64)))
    sixteenth = -(-exponent // 4)
    bits = np.floor(np.ldexp(fraction, exponent - 4 * sixteenth + 24)).astype(np.uint32)
    sign = (values < 0).astype(np.uint32) << np.uint32(31)
    coded = sign | (sixteenth + 64).astype(np.uint32) << np.uint32(24) | bits
    return np.where(values == 0, np.uint32(0), coded).astype(np.uint32)


def encoded(traces: np.ndarray, code: int, order: str) -> np.ndarray:
    """Turn samples into bytes, (traces, bytes)."""
    stored = ibm(traces) if code == 1 else traces
    return stored.astype(order + KINDS[code]).view(np.uint8).reshape(len(traces), -1)


def trace_headers(count: int, words: Mapping[int, Any], order: str, length: int) -> np.ndarray:
    """Make trace headers, (traces, bytes), whose unused bytes are not zero."""
    headers = np.zeros((count, length), np.uint8)
    headers[:, 232:240] = np.arange(8, dtype=np.uint8) + 1
    for byte, value in words.items():
        kind = order + ("u2" if byte in (115, 117) else "i2" if byte in SHORT else "i4")
        raw = np.broadcast_to(np.asarray(value), count).astype(kind).view(np.uint8)
        wide = 2 if byte in SHORT else 4
        headers[:, byte - 1 : byte - 1 + wide] = raw.reshape(count, wide)
    return headers


def write(
    path: Path,
    traces: np.ndarray,
    words: Mapping[int, Any],
    *,
    code: int = 5,
    order: str = ">",
    text: bytes = "C 1 A FILE MADE FOR TESTS".ljust(3200).encode("cp037"),
    more: Sequence[bytes] = (),
    binary: Mapping[int, tuple[str, Any]] | None = None,
    length: int = 240,
) -> None:
    """Write a file; `binary` replaces numbers of the binary header by (kind, value)."""
    count, samples = traces.shape
    head = bytearray(400)
    numbers = {
        3213: ("i2", 1), 3217: ("u2", 4000), 3221: ("u2", samples % 65536), 3225: ("i2", code),
        3255: ("i2", 1), 3501: ("u2", 256), 3505: ("i2", len(more)), 3333: ("i4", 0x0BADCAFE),
    }  # fmt: skip
    for byte, (kind, value) in (numbers | dict(binary or {})).items():
        raw = np.array(value, order + kind).tobytes()
        head[byte - 3201 : byte - 3201 + len(raw)] = raw
    defaults = {1: np.arange(1, count + 1), 29: 1, 115: samples, 117: 4000}
    headers = trace_headers(count, defaults | dict(words), order, length)
    body = np.concatenate([headers, encoded(traces, code, order)], axis=1)
    path.write_bytes(text + bytes(head) + b"".join(more) + body.tobytes())


def amplitudes(shape: tuple[int, ...] = SHAPE, seed: int = 1) -> np.ndarray:
    """Whole numbers that every sample format holds exactly, 8-bit integers included."""
    return np.random.default_rng(seed).integers(-100, 101, shape).astype(np.float32)


def survey(
    path: Path,
    *,
    samples: np.ndarray | None = None,
    present: np.ndarray | None = None,
    sequence: Sequence[int] | None = None,
    places: tuple[int, int] = (189, 193),
    inlines: Sequence[int] | np.ndarray = tuple(range(100, 107)),
    crosslines: Sequence[int] | np.ndarray = tuple(range(300, 310)),
    words: Mapping[int, Any] | None = None,
    truth: Mapping[str, Any] | None = None,
    **options: Any,
) -> Truth:
    """Write a survey of several lines.

    `sequence` is the order of the cells in the file, by default inlines first; traces that are
    not `present` are left out.
    """
    cube = amplitudes() if samples is None else samples
    rows, columns = cube.shape[:2]
    there = np.ones((rows, columns), bool) if present is None else present
    cells = np.arange(rows * columns) if sequence is None else np.asarray(sequence)
    cells = cells[there.ravel()[cells]]
    i, j = np.divmod(cells, columns)
    lines, crossing = np.asarray(inlines)[i], np.asarray(crosslines)[j]
    x, y = 500_000.0 + 25 * j, 6_000_000.0 + 12.5 * i
    found = {places[0]: lines, places[1]: crossing}
    if places != (181, 185):
        found |= {71: -10, 181: np.round(10 * x), 185: np.round(10 * y)}
    write(path, cube.reshape(-1, cube.shape[2])[cells], found | dict(words or {}), **options)
    grids = np.full((2, rows * columns), np.nan)
    grids[:, cells] = x, y
    known = dict(zip("xy", grids.reshape(2, rows, columns), strict=True))
    facts = known if places != (181, 185) else {}
    return Truth(
        np.where(there[..., None], cube, 0),
        np.asarray(inlines),
        np.asarray(crosslines),
        ~there,
        **(facts | {"order": options.get("order", ">")} | dict(truth or {})),
    )


def line(path: Path, words: Mapping[int, Any], count: int = 40, **options: Any) -> Truth:
    """Write traces that make no grid; they are numbered from 1 unless `truth` says otherwise."""
    facts = options.pop("truth", {})
    traces = amplitudes((count, SHAPE[2]))
    write(path, traces, words, **options)
    given = {"inlines": np.array([1]), "crosslines": np.arange(1, count + 1)} | facts
    return Truth(traces[None], missing=np.zeros((1, count), bool), is_line=True, **given)


def _holes() -> np.ndarray:
    there = np.random.default_rng(3).random(SHAPE[:2]) > 0.2
    there[0, 0] = there[-1, -1] = True
    return there


def _ragged() -> np.ndarray:
    i, j = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return (i + j >= 3) & (i + j <= 12) & (i - j <= 4)


def _shuffled() -> np.ndarray:
    return np.random.default_rng(5).permutation(SHAPE[0] * SHAPE[1])


def _along_crosslines() -> np.ndarray:
    return np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE[:2]).T.ravel()


def _few_samples_in_header(path: Path) -> Truth:
    return survey(path, binary={3221: ("u2", 1500)})


def _no_samples_in_headers(path: Path) -> Truth:
    return survey(path, words={115: 0}, binary={3221: ("u2", 0)})


def _extended(path: Path) -> Truth:
    text = "C 1 IN ASCII".ljust(3200).encode("ascii")
    more = ["((SEG: Layout ver 1.0))".ljust(3200).encode("cp037"), b"SECOND".ljust(3200)]
    return survey(path, text=text, more=more, truth={"start": 3600 + 6400})


def _extended_until_end(path: Path) -> Truth:
    more = [b"((MINE))".ljust(3200), "((SEG: EndText))".ljust(3200).encode("cp037")]
    return survey(path, more=more, binary={3505: ("i2", -1)}, truth={"start": 3600 + 6400})


def _two_zero_headers(path: Path) -> Truth:
    cube = amplitudes()
    i, j = np.divmod(np.arange(70), 10)
    lines, crossing = 100 + i, 300 + j
    lines[[5, 33]] = crossing[[5, 33]] = 0
    write(path, cube.reshape(70, -1), {189: lines, 193: crossing})
    there = np.ones(70, bool)
    there[[5, 33]] = False
    there = there.reshape(7, 10)
    return Truth(
        np.where(there[..., None], cube, 0), np.arange(100, 107), np.arange(300, 310), ~there,
        unplaced=(5, 33),
    )  # fmt: skip


def _duplicates(path: Path) -> Truth:
    cube = amplitudes()
    sequence = np.r_[np.arange(70), [7, 44]]
    i, j = np.divmod(sequence, 10)
    traces = cube.reshape(70, -1)[sequence].copy()
    traces[70:] += 1  # what comes second is another trace
    write(path, traces, {189: 100 + i, 193: 300 + j})
    present = np.zeros((7, 10), bool)
    return Truth(cube, np.arange(100, 107), np.arange(300, 310), present)


def _steps(path: Path) -> Truth:
    there = np.ones(SHAPE[:2], bool)
    there[3] = False  # a whole inline is missing
    lines, crossing = 100 + 2 * np.arange(7), 304 + 4 * np.arange(10)
    return survey(path, present=there, inlines=lines, crosslines=crossing)


def _gathers(path: Path) -> Truth:
    shot, channel = np.divmod(np.arange(40), 10)
    return line(path, {9: 101 + shot, 13: 1 + channel, 17: 101 + shot, 37: -200 - 25 * channel})


def _single_crossline(path: Path) -> Truth:
    traces = amplitudes((40, SHAPE[2]))
    numbers = np.arange(500, 540)
    write(path, traces, {189: numbers, 193: 2700})
    return Truth(
        traces[None], np.array([2700]), numbers, np.zeros((1, 40), bool), is_line=True,
        axes=("crossline", "inline"),
    )  # fmt: skip


def _single_inline(path: Path) -> Truth:
    numbers = np.r_[np.arange(300, 320), np.arange(321, 341)]
    traces = amplitudes((40, SHAPE[2]))
    write(path, traces, {189: 244, 193: numbers})
    whole = np.insert(traces, 20, 0, axis=0)
    missing = np.arange(300, 341)[None] == 320
    return Truth(whole[None], np.array([244]), np.arange(300, 341), missing, is_line=True)


def _crooked(path: Path) -> Truth:
    number = np.arange(40)
    return line(path, {189: 100 + number, 193: 300 + 2 * number + number % 2})


def _broken_samples(path: Path) -> Truth:
    cube = amplitudes()
    cube[2, 3, 4], cube[2, 3, 5], cube[6, 0, 0] = np.nan, np.inf, -np.inf
    found = survey(path, samples=cube)
    clean = np.nan_to_num(cube, nan=0, posinf=0, neginf=0)
    return replace(found, samples=clean)


def _outliers(path: Path) -> Truth:
    cube = amplitudes()
    cube[1, 2, 3], cube[5, 5, 5] = 1e6, -1e6
    return survey(path, samples=cube)


def _revision_2(path: Path) -> Truth:
    numbers = {
        3221: ("u2", 0), 3269: ("i4", 25), 3273: ("f8", 500.0), 3501: ("u1", 2),
        3507: ("i4", 1), 3521: ("i8", 3600 + 3200),
    }  # fmt: skip
    return survey(
        path, binary=numbers, length=480, words={117: 500}, more=[b"A STANZA".ljust(3200)],
        truth={"start": 6800, "header": 480, "interval": 0.5},
    )  # fmt: skip


def _long(path: Path) -> Truth:
    return survey(path, samples=amplitudes((7, 10, 40_001)), code=8)


def _depth(path: Path) -> Truth:
    text = "C 1 PSDM STACK".ljust(80) + "C 2 DOMAIN: DEPTH".ljust(80)
    facts = {"unit": "m", "interval": 5.0}
    return survey(
        path, text=text.ljust(3200).encode("cp037"), binary={3217: ("u2", 5000)},
        words={117: 5000}, truth=facts,
    )  # fmt: skip


def _feet(path: Path) -> Truth:
    text = "C 1 VERTICAL UNIT: FEET".ljust(3200).encode("cp037")
    facts = {"unit": "m", "interval": 10 * 0.3048}
    numbers = {3217: ("u2", 10_000), 3255: ("i2", 2)}
    return survey(path, text=text, binary=numbers, words={117: 10_000}, truth=facts)


def _uneven(path: Path) -> Truth:
    return survey(path, inlines=np.array([1, 2, 40, 41, 77, 78, 1000]))


def _everywhere(value: float) -> Callable[[Path], Truth]:
    return lambda path: survey(path, samples=np.full(SHAPE, value, np.float32))


def _one_trace(path: Path) -> Truth:
    write(path, amplitudes((1, SHAPE[2])), {189: 5, 193: 6})
    cube = amplitudes((1, SHAPE[2]))[None]
    return Truth(cube, np.array([5]), np.array([1]), np.zeros((1, 1), bool), is_line=True)


def _source_coordinates(path: Path) -> Truth:
    i, j = np.divmod(np.arange(70), 10)
    words = {71: 100, 181: 0, 185: 0, 73: 5000 + j, 77: 60_000 + i}
    grid = {"x": 100.0 * (5000 + j), "y": 100.0 * (60_000 + i)}
    return survey(path, words=words, truth={key: one.reshape(7, 10) for key, one in grid.items()})


def _scalars_vary(path: Path) -> Truth:
    i, j = np.divmod(np.arange(70), 10)
    by = np.where(j < 5, 1, -100)
    x, y = (np.where(by == 1, one, 100 * one) for one in (500_000 + 25 * j, 6_000_000 + 12.5 * i))
    return survey(path, words={71: by, 181: x, 185: y}, truth={"y": None})


def _formatted(code: int, order: str = ">") -> Callable[[Path], Truth]:
    if code in (10, 11, 16):
        return lambda path: survey(path, samples=np.abs(amplitudes()), code=code, order=order)
    return lambda path: survey(path, code=code, order=order)


def _at(first: int, second: int, **options: Any) -> Callable[[Path], Truth]:
    return lambda path: survey(path, places=(first, second), **options)


def _ibm_fractions(path: Path) -> Truth:
    return survey(path, samples=amplitudes() * np.float32(163.8125), code=1)


def _cdp_line(path: Path) -> Truth:
    numbers = 1001 + 2 * np.arange(40)
    return line(path, {21: numbers, 73: 5 * numbers, 77: 9}, truth={"crosslines": numbers})


def _two_good_pairs(path: Path) -> Truth:
    other = {189: np.repeat(np.arange(7), 10), 193: np.tile(np.arange(10), 7)}
    return survey(path, places=(9, 13), words=other)


def _same_numbers(path: Path) -> Truth:
    return line(path, {189: 3, 193: 3}, truth={"inlines": np.array([3])})


def _delays_vary(path: Path) -> Truth:
    delays = np.where(np.arange(70) < 60, 100, 108)
    return survey(path, words={109: delays}, truth={"first": 100.0})


def _late(path: Path) -> Truth:
    return survey(path, words={109: 1500}, truth={"first": 1500.0})


ZOO: dict[str, Specimen] = {
    "plain": Specimen(survey),
    "ibm": Specimen(_formatted(1)),
    "ibm-fractions": Specimen(_ibm_fractions),
    "int32": Specimen(_formatted(2)),
    "int16": Specimen(_formatted(3)),
    "int8": Specimen(_formatted(8)),
    "float64": Specimen(_formatted(6)),
    "uint32": Specimen(_formatted(10)),
    "uint16": Specimen(_formatted(11)),
    "uint8": Specimen(_formatted(16)),
    "little-endian": Specimen(_formatted(5, "<"), "little-endian"),
    "little-endian-ibm": Specimen(_formatted(1, "<"), "little-endian"),
    "little-endian-int16": Specimen(_formatted(3, "<"), "little-endian"),
    "missing-traces": Specimen(lambda path: survey(path, present=_holes()), "missing traces"),
    "ragged-corners": Specimen(lambda path: survey(path, present=_ragged()), "missing traces"),
    "unsorted": Specimen(lambda path: survey(path, sequence=_shuffled()), "unsorted traces"),
    "unsorted-with-gaps": Specimen(
        lambda path: survey(path, sequence=_shuffled(), present=_holes(), code=3), "unsorted traces"
    ),
    "crossline-sorted": Specimen(
        lambda path: survey(path, sequence=_along_crosslines()), "sorted by crossline"
    ),
    "line-numbers-in-steps": Specimen(_steps, "missing traces"),
    "uneven-line-numbers": Specimen(_uneven, "uneven line numbers"),
    "bytes-9-21": Specimen(_at(9, 21), "line numbers elsewhere"),
    "bytes-17-13": Specimen(_at(17, 13), "line numbers elsewhere"),
    "bytes-5-21": Specimen(_at(5, 21), "line numbers elsewhere"),
    "bytes-181-185": Specimen(_at(181, 185), "line numbers elsewhere"),
    "bytes-given": Specimen(_at(205, 213), overrides={"inline_byte": 205, "crossline_byte": 213}),
    "bytes-given-over-good-ones": Specimen(
        _two_good_pairs,
        overrides={"inline_byte": 9, "crossline_byte": 13},
    ),
    "line-with-cdp": Specimen(_cdp_line, "no grid"),
    "line-without-numbers": Specimen(lambda path: line(path, {}), "no grid"),
    "line-with-the-same-numbers": Specimen(_same_numbers, "no grid"),
    "gathers": Specimen(_gathers, "gathers before stacking"),
    "crooked-line": Specimen(_crooked, "no grid"),
    "single-inline": Specimen(_single_inline, "a single line"),
    "single-crossline": Specimen(_single_crossline, "a single line"),
    "one-trace": Specimen(_one_trace, "no grid"),
    "zero-line-numbers": Specimen(_two_zero_headers, "zero line numbers"),
    "duplicate-positions": Specimen(_duplicates, "duplicate positions"),
    "wrong-count-in-binary-header": Specimen(_few_samples_in_header, "wrong sample count"),
    "no-count-in-headers": Specimen(_no_samples_in_headers, "wrong sample count"),
    "wrong-length-in-trace-headers": Specimen(
        lambda path: survey(path, words={115: 1500}), "wrong trace length"
    ),
    "long-traces": Specimen(_long),
    "extended-text": Specimen(_extended),
    "extended-text-until-end": Specimen(_extended_until_end),
    "extended-text-not-there": Specimen(
        lambda path: survey(path, binary={3505: ("i2", 1)}), "wrong number of text headers"
    ),
    "text-of-zeros": Specimen(lambda path: survey(path, text=bytes(3200))),
    "revision-2": Specimen(_revision_2),
    "delayed": Specimen(_late),
    "delays-vary": Specimen(_delays_vary, "delays vary"),
    "depth": Specimen(_depth, "depth domain"),
    "depth-in-feet": Specimen(_feet, "depth domain"),
    "no-sample-interval": Specimen(
        lambda path: survey(path, words={117: 0}, binary={3217: ("u2", 0)}), "no sample interval"
    ),
    "two-sample-intervals": Specimen(
        lambda path: survey(path, words={117: 2000}), "two sample intervals"
    ),
    "source-coordinates": Specimen(_source_coordinates),
    "scalars-vary": Specimen(_scalars_vary),
    "not-a-number": Specimen(_broken_samples, "samples that are no numbers"),
    "zeros": Specimen(_everywhere(0.0), "no picture"),
    "constant": Specimen(_everywhere(42.0), "no picture"),
    "outliers": Specimen(_outliers, "outliers"),
}


def _not_segy(path: Path) -> None:
    path.write_text("time,amplitude\n" + "0.004,12\n" * 2000)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut_off(path: Path) -> None:
    survey(path)
    path.write_bytes(path.read_bytes()[:-77])


def _no_traces(path: Path) -> None:
    survey(path)
    path.write_bytes(path.read_bytes()[:3600])


def _coded(code: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        survey(path, binary={3225: ("i2", code)})

    return make


def _lengths_vary(path: Path) -> None:
    survey(path)
    raw = bytearray(path.read_bytes())
    at = 3600 + 340
    del raw[at + 240 + 40 : at + 340]  # the second trace is shorter
    raw[at + 114 : at + 116] = (10).to_bytes(2, "big")
    path.write_bytes(bytes(raw))


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "not-segy": (_not_segy, "is not SEG-Y"),
    "empty": (_empty, "is not SEG-Y"),
    "cut-off-in-a-trace": (_cut_off, "ends within trace 70"),
    "no-traces": (_no_traces, "holds no trace"),
    "24-bit": (_coded(7), "24-bit integer"),
    "fixed-point-with-gain": (_coded(4), "fixed point with gain"),
    "unknown-format": (_coded(77), "77, which is unknown"),
    "lengths-vary": (_lengths_vary, "Traces of different lengths are not read"),
}
