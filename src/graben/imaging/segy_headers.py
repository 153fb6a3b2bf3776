"""The frame of a SEG-Y file: headers, byte order, sample format and the length of a trace.

The layout is that of SEG-Y revisions 0 to 2.0, https://library.seg.org/seg-technical-standards.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from graben.errors import SeismicError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

TEXT, BINARY, TRACE = 3200, 400, 240  # bytes
SHORT_WORDS = frozenset({29, 35, 71, 89, 109, 115, 117})  # bytes of a trace header: two wide
FORMATS = {
    1: ("IBM float", "u4"),
    2: ("32-bit integer", "i4"),
    3: ("16-bit integer", "i2"),
    5: ("IEEE float", "f4"),
    6: ("64-bit IEEE float", "f8"),
    8: ("8-bit integer", "i1"),
    9: ("64-bit integer", "i8"),
    10: ("32-bit unsigned integer", "u4"),
    11: ("16-bit unsigned integer", "u2"),
    12: ("64-bit unsigned integer", "u8"),
    16: ("8-bit unsigned integer", "u1"),
}
REFUSED_FORMATS = {
    4: "fixed point with gain",
    7: "24-bit integer",
    15: "24-bit unsigned integer",
}


@dataclass(frozen=True)
class Oddity:
    """Something about a seismic file that its reader should know.

    Parameters
    ----------
    name
        A few words.
    found
        What the file says.
    done
        What graben makes of it.
    override
        How to have it otherwise; empty where there is no choice.
    """

    name: str
    found: str
    done: str
    override: str = ""


@dataclass(frozen=True)
class Overrides:
    """What a user knows better than the file; None leaves it to the file.

    Parameters
    ----------
    inline_byte, crossline_byte, x_byte, y_byte
        Where the four-byte numbers begin in a trace header, counted from 1.
    sample_format
        Code of the sample format, as in bytes 3225-3226.
    samples
        Samples of a trace.
    sample_interval
        Milliseconds, or metres in depth.
    domain
        Whether the samples run down in time or in depth.
    """

    inline_byte: int | None = None
    crossline_byte: int | None = None
    x_byte: int | None = None
    y_byte: int | None = None
    sample_format: int | None = None
    samples: int | None = None
    sample_interval: float | None = None
    domain: Literal["time", "depth"] | None = None

    def __post_init__(self) -> None:
        for name in ("inline_byte", "crossline_byte", "x_byte", "y_byte"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= TRACE - 3:
                raise SeismicError(
                    f"expected {name} from 1 to {TRACE - 3}, the first of four bytes of a trace "
                    f"header counted from 1, got {value}. Standard are 189 and 193."
                )
        for first, second in (("inline_byte", "crossline_byte"), ("x_byte", "y_byte")):
            if (getattr(self, first) is None) != (getattr(self, second) is None):
                raise SeismicError(
                    f"expected {first} and {second} together, got one of them. Give both, or none."
                )
        if self.sample_format is not None and self.sample_format not in FORMATS:
            raise unknown_format("the sample format that was given", self.sample_format)
        if self.samples is not None and self.samples < 1:
            raise SeismicError(f"expected one sample a trace or more, got {self.samples}.")
        if self.sample_interval is not None and not 0 < self.sample_interval < np.inf:
            raise SeismicError(
                f"expected a sample interval above 0, got {self.sample_interval}. Give "
                "milliseconds, or metres in depth."
            )
        if self.domain not in (None, "time", "depth"):
            raise SeismicError(f"expected the domain time or depth, got {self.domain!r}.")


@dataclass(frozen=True)
class Layout:
    """Where everything lies in a SEG-Y file.

    Parameters
    ----------
    size
        Bytes of the file.
    start
        Byte at which the first trace begins.
    header
        Bytes of a trace's header.
    samples
        Samples of a trace.
    sample_format
        Code, a key of `FORMATS`.
    order
        `>` big-endian, `<` little-endian.
    interval
        Sample interval, thousandths of a millisecond or metre (or foot); 0 if no header tells.
    revision
        Major number of the SEG-Y revision.
    feet
        Whether lengths are in feet.
    ascii
        Whether the text header is ASCII rather than EBCDIC.
    """

    size: int
    start: int
    header: int
    samples: int
    sample_format: int
    order: str
    interval: float
    revision: int
    feet: bool
    ascii: bool

    @property
    def dtype(self) -> "np.dtype[np.generic]":
        """How a sample lies in the file; IBM floats as unsigned integers."""
        return np.dtype(self.order + FORMATS[self.sample_format][1])

    @property
    def stride(self) -> int:
        """Bytes from one trace to the next."""
        return self.header + self.samples * self.dtype.itemsize

    @property
    def traces(self) -> int:
        """Number of traces."""
        return (self.size - self.start) // self.stride


def word(headers: "NDArray[np.uint8]", byte: int, order: str) -> "NDArray[np.int32]":
    """Read one number out of every trace header.

    Parameters
    ----------
    headers
        (traces, bytes).
    byte
        Where it begins, counted from 1.
    order
        `>` or `<`.
    """
    wide = 2 if byte in SHORT_WORDS else 4
    picked = np.ascontiguousarray(headers[:, byte - 1 : byte - 1 + wide])
    kind = "u2" if byte in (115, 117) else f"i{wide}"
    return picked.view(f"{order}{kind}")[:, 0].astype(np.int32)


@dataclass(frozen=True, eq=False)
class Frame:
    """All of a SEG-Y file but its samples: what a file made from it keeps byte for byte.

    Parameters
    ----------
    head
        The text, binary and extended text headers.
    order
        `>` or `<`.
    position
        The cell of every trace in the grid, inline * crosslines + crossline; -1 for none.
    headers
        Gives the headers of consecutive traces, (traces, bytes), from their first number and how
        many they are.
    """

    head: bytes
    order: str
    position: "NDArray[np.int64]"
    headers: "Callable[[int, int], NDArray[np.uint8]]"


def text_of(raw: bytes) -> tuple[str, bool]:
    """Decode a text header; tell whether it was ASCII.

    Examples
    --------
    >>> text_of("C 1 CLIENT".encode("cp037"))
    ('C 1 CLIENT', False)
    """
    plain = sum(byte in (0x20, 0x0A, 0x0D) or 0x30 <= byte < 0x5B for byte in raw)
    coded = sum(byte == 0x40 or 0xC1 <= byte <= 0xF9 for byte in raw)
    is_ascii = plain > coded
    return raw.decode("ascii" if is_ascii else "cp037", "replace"), is_ascii


def text_headers(path: str | Path, start: int) -> list[str]:
    """Return the text header and the extended ones, each in lines of 80 letters at most."""
    with Path(path).open("rb") as file:
        raw = [file.read(TEXT)]
        file.seek(TEXT + BINARY)
        raw += [file.read(TEXT) for _ in range((start - TEXT - BINARY) // TEXT)]
    texts = [text_of(one)[0].replace("\0", " ") for one in raw]
    return [
        "\n".join(text[at : at + 80].rstrip() for at in range(0, len(text), 80)).rstrip()
        for text in texts
    ]


def unknown_format(where: str, code: int) -> SeismicError:
    """Return the error for a sample format that cannot be read."""
    known = ", ".join(f"{key} ({name})" for key, (name, _) in FORMATS.items())
    kind = f", {REFUSED_FORMATS[code]}" if code in REFUSED_FORMATS else ", which is unknown"
    return SeismicError(
        f"expected a sample format that graben reads, got {code}{kind}, from {where}. It reads "
        f"{known}: convert the file to one of these, or give the true format (--sample-format) if "
        "the header is wrong."
    )
