"""Slope against contributing area: which process shapes the land where."""

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from graben.errors import RasterError
from graben.landforms.change_error import slope_and_curvature
from graben.landforms.flow import flow_derivatives

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graben.landforms.change import Change

    Floats = NDArray[np.float64]

BINS = 24
FEWEST = 20  # cells of a bin
SHORTEST = 3  # bins of a regime
REGIMES = {1: "hillslopes", 2: "valley heads", 3: "channels"}


@dataclass(frozen=True)
class PowerLaw:
    """Slope = steepness * area ** -concavity within a range of contributing area, m2."""

    name: str
    smallest: float
    largest: float
    steepness: float
    concavity: float


@dataclass(frozen=True)
class SlopeArea:
    """The slope-area diagram of a change.

    Parameters
    ----------
    area, slope
        Of each bin: geometric mean of the contributing area, m2, and median of the gradient (m/m).
    change
        Mean elevation difference of its cells, m.
    cells
        How many they are.
    laws
        A power law for each regime, in the order of area; they meet at their ends.
    regime
        Code of `REGIMES` of each cell, (y, x), uint8; 0 where there is no slope.
    """

    area: "Floats"
    slope: "Floats"
    change: "Floats"
    cells: "NDArray[np.int64]"
    laws: tuple[PowerLaw, ...]
    regime: "NDArray[np.uint8]"


def slope_area_diagram(change: "Change") -> SlopeArea:
    """Plot slope against contributing area in the first epoch, and split it into three regimes.

    Where slope rises or stays with area, hillslope processes rule; where it falls as a power of
    area, rivers do; between the two lie valley heads, in steep land those of debris flows
    (Montgomery and Foufoula-Georgiou 1993, doi:10.1029/93WR02463). Three straight lines that meet
    are fitted to the logarithms of the bins, for every pair of bends, and the best pair is kept.

    Parameters
    ----------
    change
        The change.

    Raises
    ------
    RasterError
        Too few cells have a slope.
    """
    name = "contributing_area_d8"
    area = flow_derivatives(change.before, [name])[name].astype(np.float64)
    heights = change.before.to_numpy().astype(np.float64)
    slope = np.tan(np.radians(slope_and_curvature(heights, change.errors.step)[0]))
    use = np.isfinite(area + slope + change.difference) & (slope > 0)
    edges = np.geomspace(change.area.min() * 0.999, np.nanmax(area) * 1.001, BINS + 1)
    place = np.searchsorted(edges, area[use]) - 1
    held = np.flatnonzero(np.bincount(place, minlength=BINS) >= FEWEST)
    if held.size < 3 * SHORTEST:
        raise RasterError(
            "too few cells have a slope and a contributing area for a slope-area diagram. Give a "
            "wider elevation model."
        )
    inside = [place == number for number in held]
    middle = np.array([np.exp(np.log(area[use][one]).mean()) for one in inside])
    median = np.array([np.median(slope[use][one]) for one in inside])
    mean = np.array([change.difference[use][one].mean() for one in inside])
    laws = _laws(np.log(middle), np.log(median))
    regime = np.where(use, 1 + np.searchsorted([laws[0].largest, laws[1].largest], area), 0)
    cells = np.array([one.sum() for one in inside])
    return SlopeArea(middle, median, mean, cells, laws, regime.astype(np.uint8))


def _laws(area: "Floats", slope: "Floats") -> tuple[PowerLaw, ...]:
    """Fit three lines that meet, by least squares over all pairs of bends at bins."""
    best = (np.inf, np.zeros(4), (area[0], area[-1]))
    last = area.size - SHORTEST
    for first, second in combinations(range(SHORTEST - 1, last + 1), 2):
        if second - first < SHORTEST - 1:
            continue
        bends = area[first], area[second]
        design = np.stack([np.ones(area.size), area, *(np.clip(area - b, 0, None) for b in bends)])
        found, *_ = np.linalg.lstsq(design.T, slope, rcond=None)
        misfit = float(((slope - found @ design) ** 2).sum())
        if misfit < best[0]:
            best = (misfit, found, bends)
    _, (level, *turns), bends = best
    ends = (area[0], *bends, area[-1])
    heights = level + turns[0] * np.array(ends)
    for turn, bend in zip(turns[1:], bends, strict=True):
        heights += turn * np.clip(np.array(ends) - bend, 0, None)
    tilts = np.cumsum(turns)
    return tuple(
        PowerLaw(
            name=name,
            smallest=float(np.exp(ends[place])),
            largest=float(np.exp(ends[place + 1])),
            steepness=float(np.exp(heights[place] - tilts[place] * ends[place])),
            concavity=float(-tilts[place]),
        )
        for place, name in enumerate(REGIMES.values())
    )
