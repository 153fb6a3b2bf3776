"""What the frame of a SEG-Y file is, found from headers that may be wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from graben.errors import SeismicError
from graben.imaging.segy_headers import (
    BINARY,
    FORMATS,
    REFUSED_FORMATS,
    TEXT,
    TRACE,
    Layout,
    Oddity,
    Overrides,
    text_of,
    unknown_format,
)

LONGEST_SEARCHED = 65_535  # samples of a trace whose length no header tells
ALIKE = 0.6  # of the bytes of two trace headers that follow each other
MOST_TEXTS = 1000


def read_layout(path: Path, overrides: Overrides) -> tuple[Layout, list[Oddity]]:
    """Find byte order, sample format and length of the traces of a SEG-Y file.

    Raises
    ------
    SeismicError
        The file is not SEG-Y, holds no trace, ends within a trace, has traces of different
        lengths or samples of a format that is not read.
    """
    return _Frame(path, overrides).solved()


@dataclass
class _Frame:
    """A file whose layout is being found."""

    path: Path
    overrides: Overrides

    def __post_init__(self) -> None:
        self.oddities: list[Oddity] = []
        try:
            self.size = self.path.stat().st_size
            with self.path.open("rb") as file:
                self.head = file.read(TEXT + BINARY)
        except OSError as error:
            raise SeismicError(
                f"cannot read {self.path}: {error.strerror}. Give the path of a SEG-Y file or of "
                "a zarr folder."
            ) from error

    def solved(self) -> tuple[Layout, list[Oddity]]:
        """Find everything in turn."""
        if self.size < TEXT + BINARY:
            raise SeismicError(
                f"{self.path} is not SEG-Y: expected headers of {TEXT + BINARY} bytes, got a file "
                f"of {self.size}. Give a SEG-Y file, or a zarr folder."
            )
        self.order, self.code = self._format()
        _, is_ascii = text_of(self.head[:TEXT])
        revision = self._revision()
        self.header = TRACE
        if revision >= 2:
            self.header += TRACE * max(0, self._number(3507, "i4"))
        starts = list(self._starts(revision))
        start, samples = self._lengths(starts, revision)
        interval = self._interval(start, revision)
        layout = Layout(
            size=self.size,
            start=start,
            header=self.header,
            samples=samples,
            sample_format=self.code,
            order=self.order,
            interval=interval,
            revision=revision,
            feet=self._number(3255, "i2") == 2,
            ascii=is_ascii,
        )
        if self.order == "<":
            self._say(
                "little-endian",
                "numbers lie with their lowest byte first",
                "they are read, and written, that way",
            )
        return layout, self.oddities

    def _say(self, *words: str) -> None:
        self.oddities.append(Oddity(*words))

    def _number(self, byte: int, kind: str) -> int:
        return int(np.frombuffer(self.head, self.order + kind, 1, byte - 1)[0])

    def _format(self) -> tuple[str, int]:
        """Tell the byte order by the code of the sample format, which is a small number."""
        codes = {order: int(np.frombuffer(self.head, f"{order}u2", 1, 3224)[0]) for order in "><"}
        given = self.overrides.sample_format
        for order, code in codes.items():
            if code in FORMATS:
                if given not in (None, code):
                    self._say(
                        "other sample format",
                        f"the header tells {FORMATS[code][0]} ({code})",
                        f"samples are read as {FORMATS[given][0]} ({given}), as asked for",
                    )
                return order, given or code
        order = ">" if self._plausible(">") >= self._plausible("<") else "<"
        if given is not None:
            self._say(
                "unknown sample format",
                f"the header tells {codes[order]}",
                f"samples are read as {FORMATS[given][0]} ({given}), as asked for",
            )
            return order, given
        refused = [(order, code) for order, code in codes.items() if code in REFUSED_FORMATS]
        if refused:
            raise unknown_format(f"bytes 3225-3226 of {self.path}", refused[0][1])
        if not self._plausible(order) or codes[order] > 255:
            raise SeismicError(
                f"{self.path} is not SEG-Y: expected a code of the sample format in bytes "
                f"3225-3226, got {codes['>']}. Give a SEG-Y file, or the true format "
                "(--sample-format) if only its header is damaged."
            )
        raise unknown_format(f"bytes 3225-3226 of {self.path}", codes[order])

    def _plausible(self, order: str) -> int:
        """Count what looks like the header of a seismic file."""
        interval, samples = np.frombuffer(self.head, f"{order}u2", 3, 3216)[[0, 2]]
        return int(10 <= interval <= 50_000) + int(1 <= samples <= 30_000)

    def _revision(self) -> int:
        major = self.head[3500]
        if self.order == "<" and major == 0:
            major = self.head[3501]
        return major if major <= 2 else 0

    def _starts(self, revision: int) -> Iterator[int]:
        """Yield where the first trace may begin, the best guess first."""
        told = self._number(3505, "i2")
        plain = TEXT + BINARY
        if revision >= 2:
            offset = self._number(3521, "i8")
            if plain < offset < self.size:
                yield offset
        if told == -1:
            yield self._after_last_text()
        elif 0 < told <= MOST_TEXTS and plain + told * TEXT < self.size:
            yield plain + told * TEXT
        yield plain

    def _after_last_text(self) -> int:
        """Find the stanza that ends text headers whose number no header tells."""
        with self.path.open("rb") as file:
            file.seek(TEXT + BINARY)
            for count in range(1, MOST_TEXTS):
                text = text_of(file.read(TEXT))[0]
                if re.search(r"\(\(\s*SEG:\s*EndText\s*\)\)", text, re.IGNORECASE):
                    return TEXT + BINARY + count * TEXT
        return TEXT + BINARY

    def _lengths(self, starts: list[int], revision: int) -> tuple[int, int]:
        """Find where the traces begin and how many samples they have."""
        wide = np.dtype(FORMATS[self.code][1]).itemsize
        if self.size <= starts[0]:
            raise SeismicError(
                f"{self.path} holds no trace: it ends after its headers, at byte {self.size}. "
                "Export it again."
            )
        told = self._number(3221, "u2")
        if revision >= 2:
            told = self._number(3269, "i4") or told
        for start in starts:
            first = self._trace_header(start)
            by_trace = int(np.frombuffer(first, f"{self.order}u2", 1, 114)[0]) if first else 0
            asked = self.overrides.samples
            candidates = [asked] if asked else [told, by_trace]
            fitting = [
                count
                for count in dict.fromkeys(candidates)
                if count and (self.size - start) % (self.header + count * wide) == 0
            ]
            likely = [one for one in fitting if self._repeats(start, self.header + one * wide)]
            if fitting and (likely or told == by_trace or asked or len(fitting) == 1):
                samples = (likely or fitting)[0]
                self._tell_lengths(start, starts, samples, told, by_trace)
                return start, samples
        for start in starts:
            samples = 0 if self.overrides.samples else self._searched(start, wide)
            if samples:
                self._tell_lengths(start, starts, samples, told, 0)
                return start, samples
        raise self._cut_off(starts[0], self.overrides.samples or told, wide)

    def _tell_lengths(
        self, start: int, starts: list[int], samples: int, told: int, by_trace: int
    ) -> None:
        if self.overrides.samples is None and samples != told:
            source = "the trace headers" if samples == by_trace else "the size of the file"
            self._say(
                "wrong sample count",
                f"the binary header tells {told} samples a trace, {source} {samples}",
                f"traces are read with {samples} samples",
                "--samples",
            )
        elif by_trace not in (0, samples):
            self._say(
                "wrong trace length",
                f"the first trace header tells {by_trace} samples, the binary header {told}",
                f"traces are read with {samples} samples, which fit the size of the file",
                "--samples",
            )
        if start != starts[0]:
            self._say(
                "wrong number of text headers",
                f"traces would begin at byte {starts[0]}, where no trace header lies",
                f"they are read from byte {start}",
            )

    def _trace_header(self, at: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(at)
            found = file.read(TRACE)
        return found if len(found) == TRACE else b""

    def _repeats(self, start: int, stride: int) -> bool:
        """Tell whether trace headers lie this far apart, as far as they can be recognised."""
        count = (self.size - start) // stride
        if count < 2:
            return True
        picked = sorted({0, 1, count // 2, count - 1})
        headers = [
            np.frombuffer(self._trace_header(start + one * stride), np.uint8) for one in picked
        ]
        # samples and interval; then the bytes that few traces change
        return all(
            np.array_equal(one[114:118], other[114:118]) and np.mean(one == other) > ALIKE
            for one, other in pairwise(headers)
        )

    def _searched(self, start: int, wide: int) -> int:
        """Find the samples of a trace by where headers repeat; 0 if nowhere."""
        body = self.size - start
        counts = np.arange(1, min(LONGEST_SEARCHED, body // wide) + 1)
        first = self._trace_header(start)
        if not first or not any(first[114:118]):
            return 0
        for count in counts[body % (self.header + counts * wide) == 0].tolist():
            stride = self.header + count * wide
            if stride < body and self._repeats(start, stride):
                return count
        return 0

    def _cut_off(self, start: int, samples: int, wide: int) -> SeismicError:
        stride = self.header + samples * wide
        whole, rest = divmod(self.size - start, stride)
        likely = whole and self._repeats(start, stride)
        if samples and (likely or whole == 0):
            keep = start + whole * stride
            remedy = (
                f"Copy it again from where it came, or keep the {whole} whole traces: "
                f"head -c {keep} {self.path.name} > whole.sgy"
                if whole
                else "Copy it again from where it came."
            )
            return SeismicError(
                f"{self.path} ends within trace {whole + 1}: expected {stride} bytes a trace "
                f"({samples} samples), got {rest} of the last one. {remedy}"
            )
        return SeismicError(
            f"{self.path}: expected traces of one length that fill the file, but {samples} "
            f"samples a trace, as its header tells, do not fit {self.size} bytes, and no other "
            "number does. Traces of different lengths are not read; if all have one length, give "
            "it (--samples)."
        )

    def _interval(self, start: int, revision: int) -> float:
        told = float(self._number(3217, "u2"))
        if revision >= 2:
            exact = float(np.frombuffer(self.head, f"{self.order}f8", 1, 3272)[0])
            told = exact if 0 < exact < 1e7 else told
        first = self._trace_header(start)
        by_trace = float(np.frombuffer(first, f"{self.order}u2", 1, 116)[0])
        if self.overrides.sample_interval is None and told and by_trace not in (0, told):
            self._say(
                "two sample intervals",
                f"the binary header tells {told / 1000:g}, the trace headers {by_trace / 1000:g}",
                f"{told / 1000:g} is taken",
                "--sample-interval",
            )
        return told or by_trace
