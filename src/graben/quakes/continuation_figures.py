"""Pictures of what simulated continuations say."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from graben.report.drawing import COLOURS, SMALL, WIDTH, head, labels

BARS = 40


def counts_figure(counts: NDArray[Any], expected: float, what: str) -> Figure:
    """Show how many catalogues hold how many events.

    Parameters
    ----------
    counts
        Events of each simulated catalogue.
    expected
        Their expected number.
    what
        What is counted.
    """
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    width = max(1, int(np.ceil((np.quantile(counts, 0.999) + 1) / BARS)))
    edges = np.arange(0, counts.max() + width + 1, width) - 0.5
    share = 100 / counts.size * np.histogram(counts, edges)[0]
    axes.bar(edges[:-1], share, width, align="edge", color=COLOURS[0])
    axes.axvline(expected, color=COLOURS[1], lw=2, label=f"expected: {expected:.3g}")
    axes.set_xlim(-0.5, np.quantile(counts, 0.999) + 0.5 + width)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    labels(axes, what, "simulated catalogues, %")
    head(figure, "How many earthquakes the simulated catalogues hold")
    axes.legend(fontsize=SMALL, frameon=False)
    return figure


def decay_figure(edges: NDArray[Any], daily: NDArray[Any], spontaneous: float) -> Figure:
    """Show how the expected number of events a day changes through the horizon.

    Parameters
    ----------
    edges
        Of intervals of days after the issue time, ascending from 0, (interval + 1,).
    daily
        Events a day in each interval, mean over the catalogues, (interval,).
    spontaneous
        Background events a day.
    """
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.stairs(daily, edges, color=COLOURS[0], lw=2, label="all", baseline=None)
    axes.axhline(spontaneous, color=COLOURS[1], ls="--", label="background alone")
    axes.set_ylim(0, 1.15 * max(daily.max(), spontaneous))
    labels(axes, "days after the issue time", "expected events a day")
    head(figure, "How the rate decays")
    axes.legend(fontsize=SMALL, frameon=False)
    return figure
