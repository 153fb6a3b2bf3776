"""Pictures of horizons."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from graben.imaging.figures import draw_section
from graben.imaging.horizon_map import Horizon, place_of
from graben.imaging.volume import SeismicVolume
from graben.report.drawing import COLOURS, SMALL, head

MOST_NAMED = 8  # horizons that the legend names


def draw_horizons(volume: SeismicVolume, horizons: Sequence[Horizon]) -> Figure:
    """Show horizons on the inline of the first seed; the seeds of that line are dots.

    Parameters
    ----------
    volume
        Amplitudes.
    horizons
        At least one.
    """
    inline, _, _ = place_of(volume, horizons[0].seed)
    figure = draw_section(volume, axis=0, index=inline)
    axes = figure.axes[0]
    even = np.unique(np.diff(volume.crosslines)).size <= 1
    across = volume.crosslines if even else np.arange(volume.shape[1])
    for number, one in enumerate(horizons, 1):
        colour = COLOURS[(number - 1) % len(COLOURS)]
        name = f"horizon {number}" if len(horizons) <= MOST_NAMED else None
        axes.plot(across, one.depth[inline], color=colour, lw=1.8, label=name)
        place, crossline, _ = place_of(volume, one.seed)
        if place == inline:
            axes.plot(across[crossline], one.seed.depth, "o", ms=6, color=colour, mec="white")
    if len(horizons) <= MOST_NAMED:
        figure.legend(fontsize=SMALL, loc="outside lower center", ncols=4)
    head(figure, f"{len(horizons)} horizons on {volume.axes[0]} {volume.inlines[inline]}")
    return figure
