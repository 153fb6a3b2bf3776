"""Pictures of what a rate of events is made of."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from graben.errors import InputError
from graben.quakes.figure_parts import dots
from graben.quakes.models.etas_components import NAMES
from graben.quakes.models.rate_parts import RateExplanation
from graben.report.drawing import COLOURS, LINES, SMALL, TEXT, WIDTH, head, labels

LEAST_VIEW_KM = 1.0
LEAST_SHARE = 0.01  # of parents that have a bar or a label of their own


def shares_figure(found: RateExplanation) -> Figure:
    """Show how background, parents and gates add up to the rate, each bar where the last ended."""
    rows = _bars(found)
    share = np.array([value for _, value, _ in rows]) / found.density
    begin = np.concatenate([[0.0], np.cumsum(share)[:-1]])
    figure = Figure(figsize=(WIDTH, 1.9 + 0.4 * len(rows)), layout="constrained")
    axes = figure.subplots()
    place = np.arange(len(rows) + 1)
    axes.barh(place[:-1], share, left=begin, color=[colour for *_, colour in rows])
    axes.barh(place[-1], 1.0, color="#404040")
    ends = np.maximum(begin, begin + share)
    for row, end, value in zip(place.tolist(), [*ends, 1.0], [*share, 1.0], strict=True):
        axes.text(end, row, f" {value:.1%}", va="center", fontsize=SMALL)
    axes.set_yticks(place, [*(name for name, *_ in rows), "rate of the model"])
    axes.set(ylim=(len(rows) + 0.5, -0.5), xlim=(min(0.0, begin.min()), 1.2 * max(ends.max(), 1)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(axis="x", color="#dddddd", lw=0.8)
    axes.set_axisbelow(True)
    labels(axes, "share of the model's rate", "")
    head(
        figure,
        f"{found.density:.3g} events of M {found.completeness_magnitude:g} or more per day and km² "
        f"at {found.longitude:g} {found.latitude:g}, {found.time:%Y-%m-%d %H:%M} UTC",
    )
    return figure


def _bars(found: RateExplanation) -> list[tuple[str, float, str]]:
    """Return name, events per day and km2, and colour of each bar but the last."""
    rows = [(part.name, part.density, COLOURS[0]) for part in found.parts[:3] if part.density > 0]
    least = LEAST_SHARE * found.density
    marked = [one for one in found.parents if one.density >= least]
    rows += [
        (f"M{one.magnitude:.1f} {one.time:%Y-%m-%d}, {one.distance_km:.1f} km", one.density,
         COLOURS[1])
        for one in marked
    ]  # fmt: skip
    others = found.parent_count - len(marked)
    rest = found.other_parents[0] + sum(one.density for one in found.parents[len(marked) :])
    if others:
        rows.append((f"{others:,} other earlier events", rest, COLOURS[4]))
    if found.has_gates:
        rows.append(("what the gates add", found.residual[0], COLOURS[2]))
    return rows


def parents_figure(found: RateExplanation) -> Figure:
    """Show the place and the earlier events that trigger most there; area is the share.

    Raises
    ------
    InputError
        No event was earlier.
    """
    if not found.parents:
        raise InputError("expected earlier events to draw, got none. Explain a later moment.")
    narrowing = np.cos(np.radians(found.latitude))
    to_km = np.pi / 180 * 6378.1
    east = [(one.longitude - found.longitude) * to_km * narrowing for one in found.parents]
    north = [(one.latitude - found.latitude) * to_km for one in found.parents]
    share = np.array([one.share for one in found.parents])
    view = max(1.25 * float(np.max(np.hypot(east, north))), LEAST_VIEW_KM)
    figure = Figure(figsize=(WIDTH, WIDTH + 0.8), layout="constrained")
    axes = figure.subplots()
    axes.add_artist(_circle(found.radius_km))
    axes.scatter(
        east, north, 2500 * share / share.max() + 8, color=COLOURS[1], alpha=0.5, edgecolors="k"
    )
    axes.plot(0, 0, "+", ms=16, mew=2, color=COLOURS[0])
    for number, (x, y, one) in enumerate(zip(east, north, found.parents, strict=True), 1):
        if one.share >= LEAST_SHARE:
            axes.annotate(str(number), (x, y), ha="center", va="center", fontsize=SMALL)
            text = f"M{one.magnitude:.1f} {one.time:%Y-%m-%d %H:%M}: {one.share:.1%}"
            axes.plot([], [], ls="", marker=f"${number}$", color="k", label=text)
    figure.legend(loc="outside lower center", ncols=2, fontsize=SMALL, frameon=False)
    axes.set(xlim=(-view, view), ylim=(-view, view), aspect="equal")
    labels(axes, "km east of the place", "km north of the place")
    head(figure, f"The {len(found.parents)} earlier events that trigger most at the place (+)")
    return figure


def _circle(radius_km: float) -> Any:
    from matplotlib.patches import Circle

    return Circle((0, 0), radius_km, fill=False, color="#555555", ls="--")


def gates_figure(found: RateExplanation) -> Figure:
    """Show what each component was multiplied by through the last events up to the moment.

    Raises
    ------
    InputError
        The model has no gates.
    """
    if not found.has_gates:
        raise InputError(f"expected a model with gates, got {found.model}. Use a hybrid-etas.")
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    axes = figure.subplots()
    events = np.arange(len(found.log_gates)) - len(found.log_gates) + 1
    for number, (name, line) in enumerate(zip(NAMES, found.log_gates.T, strict=True)):
        style = LINES[number % len(LINES)]
        axes.step(events, np.exp(line), color=COLOURS[number], ls=style, lw=1.4, label=name)
    axes.axhline(1, color="#555555", lw=0.8)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, _: "")
    labels(axes, "events before the moment", "multiplied by")
    head(figure, "What the gates multiply each component by")
    figure.legend(loc="outside lower center", ncols=2, fontsize=SMALL, frameon=False)
    return figure


def importance_figure(importance: Mapping[str, Any], most: int = 15) -> Figure:
    """Show what shuffling each feature costs, with two standard deviations over shuffles.

    Parameters
    ----------
    importance
        From `gate_importance`.
    most
        At most so many features, the most useful first.
    """
    ordered = sorted(importance["permutation"].items(), key=lambda item: -item[1]["value"])
    rows = [
        {"feature": name, "value": found["value"], "low": found["value"] - 2 * found["sd"],
         "high": found["value"] + 2 * found["sd"]}
        for name, found in ordered[:most]
    ]  # fmt: skip
    figure, axes = dots(rows, "feature")
    axes.set_xlabel(f"lost by shuffling, {importance['unit']}", fontsize=TEXT)
    axes.tick_params(labelsize=SMALL)
    head(figure, "What the gates look at")
    return figure
