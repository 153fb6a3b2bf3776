"""What pictures share: sizes that are legible on a phone, colours, labels and titles."""

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.5  # inches; with letters of this size a picture as wide as a page is legible on a phone
TITLE, TEXT, SMALL = 13, 12, 11  # points
# told apart by the colour-blind: Okabe and Ito (2008), https://jfly.uni-koeln.de/color/
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":")


def labels(axes: "Axes", x: str, y: str) -> None:
    """Label the axes, and set the size of their ticks."""
    axes.set_xlabel(x, fontsize=TEXT)
    axes.set_ylabel(y, fontsize=TEXT)
    axes.tick_params(labelsize=SMALL)


def head(figure: "Figure", *lines: str) -> None:
    """Write a title from the left edge of the figure; long lines are broken."""
    text = "\n".join(textwrap.fill(line, 72) for line in lines)
    figure.suptitle(text, fontsize=TITLE, x=0.01, ha="left")
