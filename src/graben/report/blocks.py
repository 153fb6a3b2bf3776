"""What a page is made of: texts, tables and pictures, gathered into sections."""

import io
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from graben.errors import InputError
from graben.output import written_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESOLUTION = 160  # dots per inch: sharp on a phone's screen and on paper


@dataclass(frozen=True)
class Text:
    """Paragraphs of plain text.

    Parameters
    ----------
    paragraphs
        Plain text; whatever looks like HTML is shown as it was typed.
    lead
        Set it apart: the sentence that nobody may miss.
    """

    paragraphs: tuple[str, ...]
    lead: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a header row; the first column names the rows.

    Parameters
    ----------
    caption
        What the table shows, units included.
    columns
        The heading of each column.
    rows
        One cell for each column. Integers and floats are formatted (see `shown`), NaN and None
        are shown as a dash, anything else as its `str`.
    note
        Plain text under the table.
    highlight
        Numbers of the rows (from 0) to be set off, for example the model in use.

    Raises
    ------
    InputError
        A row has not as many cells as there are columns, or a highlighted row does not exist.

    Examples
    --------
    >>> Table("Skill", ("model", "gain"), (("omori", 0.33),)).rows[0][1]
    0.33
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    note: str = ""
    highlight: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise InputError(
                    f"row {number} of the table {self.caption!r} has {len(row)} cells; expected "
                    f"{len(self.columns)}, one for each column. Give None where there is no value."
                )
        absent = [number for number in self.highlight if not 0 <= number < len(self.rows)]
        if absent:
            raise InputError(
                f"the table {self.caption!r} has {len(self.rows)} rows; got {absent} to highlight. "
                "Rows are counted from 0."
            )


@dataclass(frozen=True)
class Picture:
    """A figure with the words that replace it for those who cannot see it.

    Parameters
    ----------
    figure
        Drawn once, as PNG; later changes of the figure are not seen.
    alt
        What the figure shows, in a sentence or two, for a screen reader.
    caption
        Printed under the figure.
    name
        Lower-case letters, digits, `-` and `_`: the name of its file, without a suffix.

    Raises
    ------
    InputError
        The alternative text is empty, or the name is not fit for a file.
    """

    figure: "Figure"
    alt: str
    caption: str
    name: str

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise InputError(
                f"the picture {self.name!r} has no alternative text. Say in `alt` what it shows."
            )
        if not re.fullmatch(r"[a-z0-9_-]+", self.name):
            raise InputError(
                f"a picture's name is made of a-z, 0-9, '-' and '_'; got {self.name!r}. Rename it."
            )

    @cached_property
    def png(self) -> bytes:
        """The figure as a PNG file; the same figure gives the same bytes."""
        stream = io.BytesIO()
        self.figure.savefig(
            stream,
            format="png",
            dpi=RESOLUTION,
            bbox_inches="tight",
            facecolor="white",
            metadata={"Software": None},
        )
        return stream.getvalue()


Block = Table | Picture | Text


@dataclass(frozen=True)
class Section:
    """A titled part of a page, reachable from its table of contents.

    Parameters
    ----------
    title
        Becomes the heading and, through `anchor`, the address within the page.
    blocks
        Texts, tables and pictures in reading order.

    Examples
    --------
    >>> Section("What was asked?", ()).anchor
    'what-was-asked'
    """

    title: str
    blocks: tuple[Block, ...]

    @property
    def anchor(self) -> str:
        """The title in lower-case ASCII letters, digits and hyphens; `section` if none is left."""
        plain = unicodedata.normalize("NFKD", self.title).encode("ascii", "ignore").decode()
        return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "section"


def save_picture(picture: Picture, folder: str | Path) -> Path:
    """Write `picture` as `NAME.png` into `folder` and return the path.

    Raises
    ------
    InputError
        The folder is not writable.
    OutputError
        Writing failed half way; an earlier file is unchanged.
    """
    path = Path(folder) / f"{picture.name}.png"
    with written_file(path) as temporary:
        temporary.write_bytes(picture.png)
    return path
