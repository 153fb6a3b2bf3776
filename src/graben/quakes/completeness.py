"""From which magnitude a catalogue is complete, and its b-value, with uncertainty."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from graben.quakes.catalog import Catalog

FEWEST_EVENTS = 50
BIN_WIDTH = 0.1
Magnitudes = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BValue:
    """A b-value of the Gutenberg-Richter law.

    Parameters
    ----------
    value, uncertainty
        Estimate and standard deviation (Shi and Bolt 1982, doi:10.1785/BSSA0720051677); both
        NaN where fewer than 50 numbers support them, or all fall in one bin.
    events
        How many magnitudes (or differences) it rests on.
    """

    value: float
    uncertainty: float
    events: int


@dataclass(frozen=True)
class CompletenessWindow:
    """What `completeness_windows` finds in one window of time.

    Parameters
    ----------
    start, end
        The window, UTC.
    events
        How many events it holds.
    maximum_curvature, goodness_90, goodness_95
        Completeness magnitudes; see `maximum_curvature` and `goodness_of_fit`. NaN where the
        window cannot tell.
    b_value
        At and above `maximum_curvature`.
    b_positive
        From all events of the window.
    """

    start: pd.Timestamp
    end: pd.Timestamp
    events: int
    maximum_curvature: float
    goodness_90: float
    goodness_95: float
    b_value: BValue
    b_positive: BValue


def maximum_curvature(
    magnitudes: Magnitudes, bin_width: float = BIN_WIDTH, correction: float = 0.2
) -> float:
    """Give the centre of the fullest magnitude bin plus a correction.

    Parameters
    ----------
    magnitudes
        In any order. Fewer than 50 give NaN.
    bin_width
        Bins are centred on its multiples; no narrower than the catalogue's own steps.
    correction
        The fullest bin lies below the completeness magnitude; 0.2 is the usual amends.

    References
    ----------
    Wiemer and Wyss (2000), doi:10.1785/0119990114.
    """
    if len(magnitudes) < FEWEST_EVENTS:
        return float("nan")
    bins = magnitude_bins(magnitudes, bin_width)
    fullest = bins.min() + int(np.bincount(bins - bins.min()).argmax())
    return round(float(fullest * bin_width + correction), 6)


def goodness_of_fit(
    magnitudes: Magnitudes, level: float = 90.0, bin_width: float = BIN_WIDTH
) -> float:
    """Give the least magnitude above which a Gutenberg-Richter law explains the numbers.

    Parameters
    ----------
    magnitudes
        In any order.
    level
        How much of the cumulative numbers must be explained, percent.
    bin_width
        As in `maximum_curvature`.

    Returns
    -------
    float
        NaN where no magnitude with 50 events at or above it reaches the level.

    References
    ----------
    Wiemer and Wyss (2000), doi:10.1785/0119990114.
    """
    if len(magnitudes) < FEWEST_EVENTS:
        return float("nan")
    bins = magnitude_bins(magnitudes, bin_width)
    counts = np.bincount(bins - bins.min())
    reached = counts[::-1].cumsum()[::-1]  # events at or above each bin
    for cut in range(int(np.searchsorted(-reached, -FEWEST_EVENTS, "right"))):
        steps = np.arange(len(counts) - cut)
        observed = reached[cut:]
        mean = (counts[cut:] * steps).sum() / reached[cut]
        expected = reached[cut] * (mean / (1 + mean)) ** steps  # the law of that mean
        misfit = np.abs(observed - expected).sum() / observed.sum()
        if mean > 0 and 100 * (1 - misfit) >= level:
            return round(float((bins.min() + cut) * bin_width), 6)
    return float("nan")


def b_value(magnitudes: Magnitudes, completeness: float, bin_width: float = BIN_WIDTH) -> BValue:
    """Estimate the b-value by maximum likelihood from binned magnitudes.

    Aki's estimate with the exact correction for binning, ln(1 + d / (mean - Mc)) / (d ln 10)
    with bin width d (Tinti and Mulargia 1987), of which Utsu's Mc - d/2 is the first order.

    Parameters
    ----------
    magnitudes
        In any order; they are put into bins, so steps finer than `bin_width`, also mixed ones,
        do no harm.
    completeness
        Only bins centred at or above it count.
    bin_width
        No narrower than the catalogue's own steps.

    References
    ----------
    Aki (1965), doi:10.15083/0000033631; Utsu (1966); Tinti and Mulargia (1987),
    doi:10.1785/BSSA0770062125; Shi and Bolt (1982), doi:10.1785/BSSA0720051677.

    Examples
    --------
    >>> counts = (10 ** (5 - np.arange(40) / 10)).astype(int)  # b = 1
    >>> round(b_value(np.repeat(4 + np.arange(40) / 10, counts), 4.0).value, 2)
    1.0
    """
    lowest = int(np.ceil(completeness / bin_width - 1e-6))
    steps = magnitude_bins(magnitudes, bin_width) - lowest
    return _slope(steps[steps >= 0], bin_width)


def b_positive(
    magnitudes: Magnitudes, bin_width: float = BIN_WIDTH, min_difference: float = 0.2
) -> BValue:
    """Estimate the b-value from positive differences of successive magnitudes.

    It hardly feels the short gaps after large shocks, and needs no completeness magnitude.

    Parameters
    ----------
    magnitudes
        In the order of time.
    bin_width
        As in `b_value`.
    min_difference
        Only differences of at least this count, at least one bin.

    References
    ----------
    van der Elst (2021), doi:10.1029/2020JB021027.
    """
    smallest = max(1, int(np.ceil(min_difference / bin_width - 1e-6)))
    steps = np.diff(magnitude_bins(magnitudes, bin_width)) - smallest
    return _slope(steps[steps >= 0], bin_width)


def completeness_windows(catalog: Catalog, years: int = 5) -> tuple[CompletenessWindow, ...]:
    """Estimate completeness and b-value in successive windows of the catalogue's period.

    Parameters
    ----------
    catalog
        Any catalogue.
    years
        Length of a window; a last piece shorter than half of it joins the one before.
    """
    edges = [catalog.start]
    while edges[-1] + pd.DateOffset(months=6 * years) < catalog.end:
        edges.append(edges[-1] + pd.DateOffset(years=years))
    edges = [*edges[: max(1, len(edges) - 1)], catalog.end + pd.Timedelta(1, "ns")]
    width = max(BIN_WIDTH, coarsest_step(catalog.table["magnitude"].to_numpy()))
    windows = []
    for start, end in pairwise(edges):
        part = catalog.select(start=start, end=end)
        magnitudes = part.table["magnitude"].to_numpy()
        curvature = maximum_curvature(magnitudes, width)
        windows.append(
            CompletenessWindow(
                start=start,
                end=part.end,
                events=len(part),
                maximum_curvature=curvature,
                goodness_90=goodness_of_fit(magnitudes, 90, width),
                goodness_95=goodness_of_fit(magnitudes, 95, width),
                b_value=b_value(magnitudes, np.nan_to_num(curvature), width),
                b_positive=b_positive(magnitudes, width),
            )
        )
    return tuple(windows)


def coarsest_step(values: npt.NDArray[np.float64]) -> float:
    """Give the coarsest step of which nine values in ten are multiples; 0 if there is none.

    Examples
    --------
    >>> coarsest_step(np.array([4.1, 4.5, 5.0, 4.7]))
    0.1
    """
    for step in (1.0, 0.5, 0.25, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001):
        multiple = values / step
        if np.mean(np.abs(multiple - np.rint(multiple)) < 1e-6 / step) >= 0.9:
            return step
    return 0.0


def magnitude_bins(magnitudes: Magnitudes, bin_width: float) -> npt.NDArray[np.int64]:
    """Give the number of each magnitude's bin; bin k is centred on k times the width."""
    return np.floor(magnitudes / bin_width + 0.5 + 1e-6).astype(np.int64)


def _slope(steps: npt.NDArray[np.int64], bin_width: float) -> BValue:
    """Give the b-value of a geometric law of whole steps from zero up."""
    count = len(steps)
    if count < FEWEST_EVENTS or not steps.any():
        return BValue(float("nan"), float("nan"), count)
    value = float(np.log1p(1 / steps.mean()) / (bin_width * np.log(10)))
    deviation = bin_width * steps.std(ddof=1) / np.sqrt(count)
    return BValue(value, float(np.log(10) * value**2 * deviation), count)
