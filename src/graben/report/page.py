"""One HTML file that needs nothing else: styles and pictures are inside, scripts are not used."""

import base64
import math
import re
import shlex
import struct
import sys
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from graben.output import written_file
from graben.report.blocks import RESOLUTION, Picture, Section, Table

MISSING = "\N{EN DASH}"
SCREEN = 96  # CSS pixels per inch
NUMBER = re.compile(
    r"[-+\N{MINUS SIGN}<>]?\s?\d[\d.,\u202f]*(e[-+\N{MINUS SIGN}]?\d+)?\s?%?(\s*[(\[±].*)?"
)


def command_line() -> str:
    """Return the command that runs, quoted so that a shell takes it again."""
    return shlex.join(["graben", *sys.argv[1:]])


def shown(value: object) -> str:
    """Format one cell of a table.

    Integers are printed whole, with a thin space between thousands from 10,000 on; floats with
    four significant digits; None and NaN as a dash.

    Examples
    --------
    >>> shown(0.123456), shown(2015), shown("0.33 (0.21 to 0.44)"), shown(True)
    ('0.1235', '2015', '0.33 (0.21 to 0.44)', 'yes')
    """
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        number = int(value)
        grouped = f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
        return (grouped if abs(number) >= 10_000 else str(number)).replace("-", "\N{MINUS SIGN}")
    if isinstance(value, Real):
        real = float(value)
        if math.isnan(real):
            return MISSING
        return f"{real:.4g}".replace("e-", "e\N{MINUS SIGN}").replace("-", "\N{MINUS SIGN}")
    return str(value)


def numeric(table: Table) -> list[bool]:
    """Tell for each column whether it holds numbers, which are set flush right."""
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    texts = [{shown(cell) for cell in column} - {MISSING} for column in columns]
    return [bool(found) and all(map(NUMBER.fullmatch, found)) for found in texts]


def inlined(picture: Picture) -> str:
    """Give the picture as a data address."""
    return "data:image/png;base64," + base64.b64encode(picture.png).decode()


def size(picture: Picture) -> tuple[int, int]:
    """Give the width and height of the picture on a screen, in CSS pixels."""
    # a PNG file states its pixels in bytes 16 to 24
    pixels = struct.unpack(">II", picture.png[16:24])
    width, height = (round(count * SCREEN / RESOLUTION) for count in pixels)
    return width, height


def anchors(sections: Sequence[Section]) -> list[str]:
    """Give each section an address of its own within the page."""
    taken = {"content", "contents", "to-redo-this-page"}
    unique = []
    for section in sections:
        anchor, count = section.anchor, 1
        while anchor in taken:
            count += 1
            anchor = f"{section.anchor}-{count}"
        taken.add(anchor)
        unique.append(anchor)
    return unique


def write_page(
    path: str | Path,
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    facts: Mapping[str, str],
) -> None:
    """Write one self-contained HTML file.

    It opens without a network and without scripts, prints, fits a phone, follows the reader's
    light or dark scheme, and can be read with a screen reader. All text is plain text: whatever
    looks like HTML is shown as it was typed.

    Parameters
    ----------
    path
        The file to write; an earlier one is replaced when the new one is complete.
    title
        The heading and the title of the window.
    subtitle
        One line under it.
    sections
        The parts, in reading order.
    facts
        What is needed to redo the page: command, versions, seeds, hashes. Printed at the end.

    Raises
    ------
    InputError
        The place is not writable.
    OutputError
        Writing failed half way; an earlier file is unchanged.
    """
    environment = Environment(
        loader=PackageLoader("graben.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown=shown, numeric=numeric, inlined=inlined, size=size)
    page = environment.get_template("page.html.j2").render(
        title=title,
        subtitle=subtitle,
        sections=list(zip(anchors(sections), sections, strict=True)),
        facts=facts,
    )
    with written_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
