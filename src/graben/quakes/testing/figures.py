"""Pictures of tests of a forecast."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from graben.quakes.testing.alarms import MolchanTest, RocTest
from graben.quakes.testing.verdicts import LEVEL, Consistency
from graben.report.drawing import COLOURS, SMALL, WIDTH, head, labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FAILING = "#f2c9b8"


def consistency_figure(findings: Sequence[Consistency]) -> Figure:
    """Show where the observations lie among what a forecast expects, test by test.

    Parameters
    ----------
    findings
        Of one forecast; tests that are not defined are named without a dot.
    """
    figure = Figure(figsize=(WIDTH, 1.9 + 0.42 * len(findings)), layout="constrained")
    axes = figure.subplots()
    for row, one in enumerate(findings):
        for low, high in _failing(one):
            axes.fill_betweenx([row - 0.4, row + 0.4], low, high, color=FAILING, lw=0)
        if one.passed is None:
            axes.text(0.5, row, "not defined", ha="center", va="center", fontsize=SMALL)
        else:
            colour, marker = (COLOURS[0], "o") if one.passed else (COLOURS[1], "X")
            axes.plot(one.at_most, row, marker, ms=8, color=colour, clip_on=False, zorder=3)
    axes.set_yticks(range(len(findings)), [f"{one.test}-test" for one in findings])
    axes.set(xlim=(0, 1), ylim=(len(findings) - 0.5, -0.5))
    labels(axes, "probability of as little or less, if the forecast is right", "")
    head(figure, "Consistency: a cross in the shaded part fails at 5 %")
    return figure


def _failing(one: Consistency) -> list[tuple[float, float]]:
    """Return the parts of 0..1 in which a test fails."""
    tail = LEVEL / 2 if one.bad == "both" else LEVEL
    low, high = (0.0, tail), (1 - tail, 1.0)
    return {"both": [low, high], "low": [low], "high": [high], None: []}[one.bad]


def molchan_test_figure(found: MolchanTest, reference: str) -> Figure:
    """Show missed earthquakes against the share of the reference under alarm, and its band.

    Parameters
    ----------
    found
        The test.
    reference
        What alarms are measured by.
    """
    figure, axes = _square()
    axes.fill_between(
        found.alarm, found.low, found.high, color="#dddddd", lw=0, label="95 % by the reference"
    )
    axes.plot([0, 1], [1, 0], color="#555555", lw=1, ls="--")
    label = f"forecast (area skill {found.skill:.3f})"
    axes.plot(found.alarm, found.missed, color=COLOURS[0], lw=2, label=label)
    labels(axes, f"share under alarm, measured by {reference}", "share of earthquakes missed")
    head(figure, "What alarms would miss: the lower, the better")
    axes.legend(loc="upper right", fontsize=SMALL, frameon=False)
    return figure


def roc_figure(found: RocTest, reference: str) -> Figure:
    """Show struck cells under alarm against quiet area under alarm, beside the reference's.

    Parameters
    ----------
    found
        The test.
    reference
        Its name.
    """
    figure, axes = _square()
    ours = f"forecast (area {found.area:.3f})"
    theirs = f"{reference} (area {found.reference_area:.3f})"
    axes.plot(found.false_alarm, found.hit, color=COLOURS[0], lw=2, label=ours)
    axes.plot(
        found.reference_false_alarm, found.reference_hit, color=COLOURS[1], ls="--", label=theirs
    )
    labels(axes, "share of the quiet area under alarm", "share of the struck area under alarm")
    head(figure, "Hits and false alarms: the higher, the better")
    axes.legend(loc="lower right", fontsize=SMALL, frameon=False)
    return figure


def _square() -> "tuple[Figure, Axes]":
    figure = Figure(figsize=(WIDTH, 6.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    return figure, axes
