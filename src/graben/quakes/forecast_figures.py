"""Pictures of forecasts, of their skill and of how the models came to them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, SymmetricalLogLocator

from graben.quakes.export import cell_edges, single_map
from graben.quakes.figure_parts import (
    MARKERS,
    STEPS,
    colour_bar,
    dots,
    draw_epicentres,
    floats,
    image,
    log_limits,
    map_canvas,
    percent,
    percent_axis,
    shade,
)
from graben.report.drawing import COLOURS, LINES, SMALL, TEXT, WIDTH, head, labels

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from graben.quakes.catalog import Catalog

    Rows = Sequence[Mapping[str, Any]]
    Series = Mapping[str, Mapping[str, Any]]

# without the darkest tones, on which neither coast nor epicentres would show
HEAT = LinearSegmentedColormap.from_list("heat", colormaps["YlOrRd"](np.linspace(0, 0.85, 256)))


def probability_map(
    forecast: "xr.Dataset",
    catalog: "Catalog",
    elevation: "xr.DataArray | None" = None,
    min_magnitude: float = 5.0,
) -> Figure:
    """Show the probability on a map with relief, coast and past epicentres.

    Parameters
    ----------
    forecast
        One issue time, horizon and magnitude; its `title` says what it is the probability of.
    catalog
        Its events up to the issue time are drawn, those of the last year before it set off.
    elevation
        Metres, dims (y, x), y descending, degrees; shades the map. NaN counts as sea level.
    min_magnitude
        Smallest magnitude drawn.

    Raises
    ------
    InputError
        The forecast holds several maps.
    """
    one = single_map(forecast).transpose("latitude", "longitude")
    issued = pd.Timestamp(one["issue_time"].item(), tz="UTC")
    probability = one["probability"].to_numpy()
    figure, axes, view = map_canvas(*cell_edges(one), beside=2.4)
    low, high = log_limits(probability)
    field = image(axes, probability, view, HEAT, LogNorm(low, high, clip=True))
    if elevation is not None:
        shade(axes, elevation, view)
    events = catalog.select(min_magnitude=min_magnitude, region=view).table
    draw_epicentres(figure, axes, events[events["time"] <= issued], issued, min_magnitude)
    ticks = STEPS[(low <= STEPS) & (high >= STEPS)]
    colour_bar(figure, axes, field, ticks, [percent(p) for p in ticks], "probability")
    late = one.attrs.get("hindsight") == "true"
    note = ", in hindsight: it has learned from later years" if late else ""
    made = f"issued {issued:%Y-%m-%d %H:%M} UTC; model {one.attrs['model']}{note}"
    head(figure, one.attrs["title"], made)
    return figure


def correction_map(
    ratio: "ArrayLike", longitude: "ArrayLike", latitude: "ArrayLike", title: str
) -> Figure:
    """Show where a network raises and where it lowers the Omori rate.

    Parameters
    ----------
    ratio
        Rate of the network over the Omori rate, (latitude, longitude); NaN is left blank.
    longitude, latitude
        Centres of the cells, degrees, ascending.
    title
        What is shown, the issue time included.
    """
    import xarray as xr

    grid = xr.Dataset(coords={"latitude": np.asarray(latitude), "longitude": np.asarray(longitude)})
    figure, axes, view = map_canvas(*cell_edges(grid), beside=1.8)
    values = np.asarray(ratio, float)
    away = np.abs(np.log(values[np.isfinite(values)]))
    largest = max(1.1, float(np.exp(np.quantile(away, 0.99))))
    field = image(axes, values, view, "RdBu_r", LogNorm(1 / largest, largest))
    steps = np.array([1.25, 1.6, 2.5] if largest < 3 else [2, 5, 10, 30, 100, 300, 1000])
    kept = steps[steps <= largest * 1.001]
    times, over = "\N{MULTIPLICATION SIGN}", "\N{DIVISION SIGN}"
    texts = [
        *(f"{over} {step:g}" for step in kept[::-1]),
        "1",
        *(f"{times} {step:g}" for step in kept),
    ]
    ticks = np.concatenate([1 / kept[::-1], [1], kept])
    colour_bar(figure, axes, field, ticks, texts, "rate of the network over the rate of Omori")
    head(figure, title)
    return figure


def attribution_maps(maps: Mapping[str, "ArrayLike"], title: str) -> Figure:
    """Show where a network looked, one small map for each channel, all on one scale.

    Parameters
    ----------
    maps
        Channel to attribution, (y, x), from south to north; a cross marks the place asked about,
        in the middle. NaN is left blank.
    title
        What the attributions are of, units included.
    """
    columns = min(len(maps), 2 if len(maps) <= 4 else 3)
    rows = -(-len(maps) // columns)
    figure = Figure(
        figsize=(WIDTH, 1.5 + rows * (0.25 + 0.92 * WIDTH / columns)), layout="constrained"
    )
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    arrays = [np.asarray(values, float) for values in maps.values()]
    largest = max([float(np.nanmax(np.abs(a), initial=0)) for a in arrays]) or 1.0
    for axes, channel, values in zip(panels, maps, arrays, strict=False):
        field = axes.imshow(values, origin="lower", cmap="RdBu_r", vmin=-largest, vmax=largest)
        middle = (np.array(values.shape) - 1) / 2
        axes.plot(middle[1], middle[0], "+", color="black", ms=9)
        axes.set(xticks=[], yticks=[])
        axes.set_title(channel, fontsize=TEXT)
    for axes in panels[len(maps) :]:
        axes.set_axis_off()
    ticks = [-largest, -largest / 2, 0, largest / 2, largest]
    label = "attribution: red raises the probability, blue lowers it"
    colour_bar(figure, panels.tolist(), field, ticks, [f"{tick:.2g}" for tick in ticks], label)
    head(figure, title)
    return figure


def reliability_figure(tables: "Series") -> Figure:
    """Show how often it happened against how probable it was said to be.

    Parameters
    ----------
    tables
        Model to `expected`, `observed` (0..1) and `count` for each group of probabilities, and
        `low`, `high`, an interval of `observed`, where known. A group in which it never happened
        is drawn as an open mark on the lower edge.
    """
    figure = Figure(figsize=(WIDTH, 7.6), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    for number, (model, table) in enumerate(tables.items()):
        style: dict[str, Any] = {"color": COLOURS[number % 7], "marker": MARKERS[number % 7]}
        expected, observed = floats(table["expected"]), floats(table["observed"])
        happened = observed > 0
        axes.plot(expected[happened], observed[happened], lw=1, ms=7, label=model, **style)
        edge = np.full((~happened).sum(), 0.02)
        axes.plot(
            expected[~happened], edge, "o", transform=axes.get_xaxis_transform(), ms=9, mfc="none",
            color=style["color"],
        )  # fmt: skip
        if table.get("low") is not None and table.get("high") is not None:
            # an interval that reaches 0 is drawn to the lower edge
            low = np.maximum(floats(table["low"]), 1e-9)
            axes.vlines(expected, low, floats(table["high"]), color=style["color"], lw=1.5)
        below.plot(expected, floats(table["count"]), lw=1, ms=5, **style)
    everything = [floats(t[name]) for t in tables.values() for name in ("expected", "observed")]
    low, high = log_limits(np.concatenate(everything))
    axes.plot([low, high], [low, high], color="#555555", lw=1, ls="--", label="perfect")
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    below.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        percent_axis(axis)
    labels(axes, "", "observed frequency")
    labels(below, "forecast probability", "samples")
    head(figure, "Does it happen as often as the forecast says?")
    axes.legend(loc="upper left", fontsize=SMALL, frameon=False)
    return figure


def molchan_figure(curves: "Series") -> Figure:
    """Show the share of earthquakes missed against the share of space and time under alarm.

    Parameters
    ----------
    curves
        Model to `alarm` and `missed`, 0..1, and its `area` where known: the smaller, the better.
    """
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    axes = figure.subplots()
    first = 0.1
    for number, (model, curve) in enumerate(curves.items()):
        alarm, missed = floats(curve["alarm"]), floats(curve["missed"])
        area = curve.get("area")
        label = model if area is None else f"{model} (area {area:.3f})"
        style: dict[str, Any] = {"color": COLOURS[number % 7], "ls": LINES[number % 4]}
        axes.plot(alarm, missed, lw=2, label=label, **style)
        first = min(first, alarm[(alarm > 0) & (missed < 1)].min(initial=0.1))
    first = max(1e-4, STEPS[first >= STEPS].max(initial=0))
    chance = np.geomspace(first, 1, 200)
    axes.plot(chance, 1 - chance, color="#555555", lw=1, ls="--", label="by chance (area 0.5)")
    axes.set(xscale="log", xlim=(first, 1), ylim=(0, 1))
    percent_axis(axes.xaxis)
    axes.yaxis.set_major_formatter(lambda value, _: percent(value))
    labels(axes, "space and time under alarm", "earthquakes missed")
    head(figure, "What alarms would miss: the lower, the better")
    axes.legend(loc="lower left", fontsize=SMALL, frameon=False)
    return figure


def skill_figure(rows: "Rows", unit: str, baseline_name: str) -> Figure:
    """Show the gain of each model over the baseline with its interval.

    Parameters
    ----------
    rows
        `model`, `value`, `low`, `high` (NaN or None where there is no interval), best first.
    unit
        Of the values, such as "nats per earthquake".
    baseline_name
        The model that stands at zero.
    """
    figure, axes = dots(rows, "model")
    ends = floats([[row["value"], row.get("low"), row.get("high")] for row in rows])
    typical = float(np.nanmedian(np.abs(ends[:, 0])))
    if np.nanmax(np.abs(ends)) > 20 * typical > 0:
        # one very bad model would squeeze all others into a point
        decade = 10 ** np.ceil(np.log10(typical))
        axes.set_xscale("symlog", linthresh=decade)
        axes.set_xlim(min(2 * np.nanmin(ends), -decade), max(2 * np.nanmax(ends), decade / 3))
        axes.xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=decade))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    labels(axes, f"{unit}: left is worse, right is better than {baseline_name}", "")
    head(figure, f"Gain over {baseline_name}, {unit}")
    return figure


def importance_figure(rows: "Rows", unit: str) -> Figure:
    """Show what is lost when a channel is shuffled, the most important channel on top.

    Parameters
    ----------
    rows
        `channel`, `value`, `low`, `high` (NaN or None where there is no interval).
    unit
        Of the values, such as "nats per earthquake".
    """
    order = sorted(rows, key=lambda row: -row["value"])
    figure, axes = dots(order, "channel")
    labels(axes, f"skill lost when the channel is shuffled ({unit})", "")
    head(figure, f"Which channels matter, {unit}")
    return figure


def learning_figure(histories: "Series") -> Figure:
    """Show training loss and validation score, epoch by epoch; a dot marks the best epoch.

    Parameters
    ----------
    histories
        Name to `train_loss` (from epoch 1), `validation` (from epoch 0, the untouched net) and
        `best_epoch`. Of more than 7, all have one colour.
    """
    figure = Figure(figsize=(WIDTH, 6.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    many = len(histories) > len(COLOURS)
    for number, (name, history) in enumerate(histories.items()):
        style: dict[str, Any] = {
            "color": COLOURS[0 if many else number],
            "lw": 1,
            "alpha": 0.6 if many else 1,
        }
        losses, scores = floats(history["train_loss"]), floats(history["validation"])
        above.plot(np.arange(1, len(losses) + 1), losses, **style)
        label = f"{len(histories)} trainings" if many and number == 0 else None if many else name
        below.plot(np.arange(len(scores)), scores, label=label, **style)
        best = history["best_epoch"]
        below.plot(best, scores[best], "o", ms=7, color=style["color"], mec="white")
    labels(above, "", "training loss")
    labels(below, "epoch (0: before training)", "validation score")
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    below.plot([], [], "o", ms=7, color="#555555", mec="white", label="best epoch, kept")
    head(figure, "How the learning went: the lower, the better")
    figure.legend(loc="outside lower left", ncols=3, fontsize=SMALL, frameon=False)
    return figure


def hindsight_figure(rows: "Rows") -> Figure:
    """Show what the forecast said at the place of each large shock, just before it.

    Parameters
    ----------
    rows
        `label`, `probability` (0..1), `share_higher` (of the region, 0..1) and `hindsight`:
        whether the model had learned from the time of the shock; such shocks are drawn open.
    """
    height = 2.2 + 0.36 * len(rows)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    place = np.arange(len(rows))
    learned = np.array([bool(row["hindsight"]) for row in rows], bool)
    for axes, name in ((left, "probability"), (right, "share_higher")):
        values = floats([row[name] for row in rows])
        for chosen, label, fill in (
            (~learned, "after the training's end", COLOURS[0]),
            (learned, "known to the training", "white"),
        ):
            axes.plot(
                values[chosen], place[chosen], "o", ms=8, color=COLOURS[0], mfc=fill, label=label
            )
        axes.grid(axis="y", color="#dddddd", lw=0.8)
        axes.set_axisbelow(True)
    marks = left.get_legend_handles_labels()[0]
    low, high = log_limits(floats([row["probability"] for row in rows]))
    left.set(xscale="log", xlim=(low / 1.3, high * 1.3), ylim=(len(rows) - 0.5, -0.5))
    left.set_yticks(place, [row["label"] for row in rows])
    percent_axis(left.xaxis, most=4)
    right.set(xlim=(-0.03, 1.03), xticks=(0, 0.5, 1))
    right.xaxis.set_major_formatter(lambda value, _: percent(value))
    labels(left, "probability there,\njust before", "")
    labels(right, "share of the region\nthat stood higher", "")
    head(figure, "What stood there before the large shocks")
    figure.legend(handles=marks, loc="outside lower left", ncols=2, fontsize=SMALL, frameon=False)
    return figure


def place_history(
    times: "ArrayLike", probability: "ArrayLike", events: pd.DataFrame, title: str
) -> Figure:
    """Show the probability at a place through time, and the earthquakes near it.

    Parameters
    ----------
    times
        Issue times, UTC, ascending.
    probability
        At each issue time, 0..1; the line breaks at NaN.
    events
        Columns `time` (UTC), `magnitude` and `distance_km`; may be empty.
    title
        What it is the probability of, and where.
    """
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    moments = pd.DatetimeIndex(np.asarray(times, "datetime64[ns]"))
    values = floats(probability)
    above.plot(moments, values, color=COLOURS[0], lw=1.2)
    low, high = log_limits(values, lowest=0)
    above.set(yscale="log", ylim=(low / 1.2, high * 1.2))
    percent_axis(above.yaxis)
    struck = pd.DatetimeIndex(events["time"]).tz_convert(None)
    magnitude = events["magnitude"].to_numpy(float)
    if len(events):
        floor = np.floor(magnitude.min() * 2 - 0.5) / 2
        below.vlines(struck, floor, magnitude, color="#888888", lw=1)
        style: dict[str, Any] = {"c": events["distance_km"], "s": 36, "cmap": "viridis"}
        marks = below.scatter(struck, magnitude, zorder=3, **style)
        below.set_ylim(floor, max(floor + 1, magnitude.max() + 0.4))
        bar = figure.colorbar(marks, ax=[above, below], shrink=0.4, anchor=(0, 0), aspect=15)
        bar.ax.tick_params(labelsize=SMALL)
        bar.set_label("distance (km)", fontsize=TEXT)
    else:
        below.set_yticks([])
        below.text(0.5, 0.5, "none", fontsize=TEXT, transform=below.transAxes, ha="center")
    dates = ConciseDateFormatter(below.xaxis.get_major_locator())  # type: ignore[no-untyped-call]
    below.xaxis.set_major_formatter(dates)
    labels(above, "", "probability")
    labels(below, "issue time (UTC)", "magnitude")
    head(figure, title)
    return figure
