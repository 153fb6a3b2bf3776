"""Pictures of catalogues; each takes one and returns a matplotlib figure."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from graben.datasets import load_coastline
from graben.quakes.catalog import Catalog
from graben.quakes.completeness import b_value, magnitude_bins, maximum_curvature
from graben.quakes.region import Region

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def magnitude_time(catalog: Catalog) -> Figure:
    """Show magnitudes against time, and how the number of events grows."""
    table = catalog.nonempty().table
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    times = table["time"].dt.tz_localize(None).to_numpy()
    axes.scatter(times, table["magnitude"], s=3, color="#1f5a7a", linewidths=0, rasterized=True)
    axes.set(xlabel="time (UTC)", ylabel="magnitude", title=f"{len(table):,} earthquakes")
    count = axes.twinx()
    count.plot(times, np.arange(1, len(table) + 1), color="#c1440e")
    count.set_ylabel("events so far", color="#c1440e")
    return figure


def magnitude_frequency(catalog: Catalog, bin_width: float = 0.1) -> Figure:
    """Show how many events have, and how many reach, each magnitude, and the law fitted to them.

    The law is drawn from the completeness magnitude of the whole catalogue up, where the
    catalogue has events enough for one.
    """
    magnitudes = catalog.nonempty().table["magnitude"].to_numpy()
    bins = magnitude_bins(magnitudes, bin_width)
    counts = np.bincount(bins - bins.min())
    centres = (bins.min() + np.arange(len(counts))) * bin_width
    reached = counts[::-1].cumsum()[::-1]
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.semilogy(centres, reached, "o", ms=4, color="#1f5a7a", label="this magnitude or more")
    full = counts > 0
    axes.semilogy(centres[full], counts[full], "^", ms=4, color="#9aa5ad", label="this magnitude")
    completeness = maximum_curvature(magnitudes, bin_width)
    if np.isfinite(completeness):
        law = b_value(magnitudes, completeness, bin_width)
        above = centres[centres >= completeness - bin_width / 2]
        line = law.events * 10 ** (-law.value * (above - completeness))
        label = f"b = {law.value:.2f} ± {law.uncertainty:.2f} from M {completeness:.1f}"
        axes.semilogy(above, line, color="#c1440e", label=label)
    axes.set(xlabel="magnitude", ylabel="events", ylim=(0.7, None))
    axes.legend(frameon=False)
    return figure


def epicentre_map(catalog: Catalog, region: Region | None = None) -> Figure:
    """Show the epicentres on a map with coastlines; colour is depth, size is magnitude.

    Parameters
    ----------
    catalog
        At least one event.
    region
        What the map shows; by default the events and a tenth around them.
    """
    table = catalog.nonempty().table
    view = region or _around(catalog)
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    draw_coastline(axes, view)
    size = 1.5 * 2.2 ** (table["magnitude"] - table["magnitude"].min())
    depth = table["depth"].fillna(0)
    dots = axes.scatter(
        table["longitude"],
        table["latitude"],
        s=np.minimum(size, 300),
        c=depth,
        vmin=0,
        vmax=max(1.0, float(depth.quantile(0.98))),
        cmap="viridis_r",
        alpha=0.6,
        linewidths=0,
        rasterized=True,
    )
    if table["depth"].notna().any():
        figure.colorbar(dots, ax=axes, label="depth (km)", shrink=0.8)
    axes.set_title(
        f"{len(table):,} earthquakes, {catalog.start:%Y-%m-%d} to {catalog.end:%Y-%m-%d}"
    )
    return figure


def draw_coastline(axes: "Axes", region: Region) -> None:
    """Draw outlines of land, and set the axes to `region` with degrees true to its middle."""
    for outline in load_coastline():
        axes.plot(outline[:, 0], outline[:, 1], color="#555555", linewidth=0.6, zorder=1)
    middle = np.radians((region.south + region.north) / 2)
    axes.set(
        xlim=(region.west, region.east),
        ylim=(region.south, region.north),
        xlabel="longitude (degrees)",
        ylabel="latitude (degrees)",
        aspect=1 / max(0.2, float(np.cos(middle))),
    )


def _around(catalog: Catalog) -> Region:
    x, y = catalog.table["longitude"], catalog.table["latitude"]
    margin = max(0.5, 0.1 * float(max(x.max() - x.min(), y.max() - y.min())))
    return Region(
        max(-180.0, float(x.min()) - margin),
        max(-90.0, float(y.min()) - margin),
        min(180.0, float(x.max()) + margin),
        min(90.0, float(y.max()) + margin),
    )
