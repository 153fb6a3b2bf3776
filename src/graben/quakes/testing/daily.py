"""Forecasts of single days by continued catalogues, tested day after day."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import nbinom, poisson

from graben.errors import InputError
from graben.progress import track
from graben.quakes.models.continuation import Continuations
from graben.quakes.sequence import EventSequence
from graben.quakes.testing.catalog_forecast import CatalogForecast
from graben.quakes.testing.cumulative import PassRate, pass_rate
from graben.quakes.testing.fast_catalogs import catalog_tests
from graben.quakes.testing.grids import Cells, Targets
from graben.quakes.testing.verdicts import Consistency


@dataclass(frozen=True, eq=False)
class DailyTest:
    """What the forecast of one day was worth.

    Attributes
    ----------
    day
        Its begin, days since the auxiliary start.
    observed
        Earthquakes in the cells.
    unsampled
        Those in cells where no catalogue has any: the S and PL-tests leave them out, and are
        passed too easily where there are many. More catalogues make them fewer.
    expected, low, high
        Mean, 2.5 % and 97.5 % of the numbers of the simulated catalogues.
    findings
        The N, M, S and PL-tests; the last three are not defined on days without earthquakes.
    number_score
        Log-probability of the observed number; see `number_score`.
    cell_score
        Poisson log-likelihood of the observed cells, less the factorials; see `cell_score`.
    """

    day: float
    observed: int
    unsampled: int
    expected: float
    low: float
    high: float
    findings: tuple[Consistency, ...]
    number_score: float
    cell_score: float


def drawn_days(sequence: EventSequence, window: slice, number: int, seed: int) -> NDArray[Any]:
    """Draw whole days of one window of a sequence, none twice, in their order.

    Parameters
    ----------
    sequence
        Its auxiliary start is day 0.
    window
        `test`, `validation`, ... of the sequence.
    number
        How many.
    seed
        The same seed draws the same days.

    Raises
    ------
    InputError
        The window has fewer whole days.
    """
    start, end = sequence.span(window)
    days = np.arange(np.ceil(start), np.floor(end))
    if not 0 < number <= days.size:
        raise InputError(
            f"expected a number of days from 1 to the {days.size} of the window, got {number}. "
            "Ask for fewer."
        )
    return np.sort(np.random.default_rng(seed).choice(days, number, replace=False))


def daily_forecast(
    continuations: Continuations, cells: Cells, day: float, catalogs: int, seed: int
) -> CatalogForecast:
    """Return simulated catalogues of the 24 hours from `day` on, binned.

    Parameters
    ----------
    continuations
        Of the model; only events before `day` enter.
    cells
        Cells and bins of magnitude.
    day
        Days since the auxiliary start.
    catalogs
        How many to simulate.
    seed
        Days have draws of their own: it is added to the number of the day.

    Raises
    ------
    ModelError
        The branching ratio is 1 or more.
    """
    process, sources = continuations.at(day)
    simulated = process.simulate(sources, 1.0, catalogs, seed + int(day))
    start = continuations.sequence.windows.moments[0] + pd.Timedelta(days=day)
    end = start + pd.Timedelta(days=1)
    return CatalogForecast.of(simulated, cells, start, end, continuations.process.name)


def observed_on(sequence: EventSequence, cells: Cells, day: float) -> Targets:
    """Return the events of a sequence in the 24 hours after `day` that fall into the cells."""
    events = slice(*np.searchsorted(sequence.time, (day, day + 1), side="right"))
    cell = cells.cell_of(sequence.longitude[events], sequence.latitude[events])
    found = cells.bin_of(sequence.magnitude[events])
    inside = (cell >= 0) & (found >= 0)
    return Targets(cell[inside], found[inside], cells)


def daily_tests(
    continuations: Continuations,
    cells: Cells,
    days: NDArray[Any],
    catalogs: int = 1000,
    seed: int = 0,
) -> list[DailyTest]:
    """Forecast days one by one, each from what was known at its begin, and test each.

    Parameters
    ----------
    continuations, cells, catalogs, seed
        As of `daily_forecast`.
    days
        Days since the auxiliary start; see `drawn_days`.

    References
    ----------
    Savran et al. (2020), doi:10.1785/0120200026; the protocol is that of EarthquakeNPP,
    doi:10.48550/arXiv.2410.08226.
    """
    tested = []
    for day in track(days.tolist(), f"days of {continuations.process.name}"):
        forecast = daily_forecast(continuations, cells, day, catalogs, seed)
        targets = observed_on(continuations.sequence, cells, day)
        counts = forecast.counts
        low, high = np.quantile(counts, (0.025, 0.975))
        tested.append(
            DailyTest(
                day,
                len(targets),
                int((forecast.by_cell[targets.cell] == 0).sum()),
                float(counts.mean()),
                float(low),
                float(high),
                catalog_tests(forecast, targets),
                number_score(counts, len(targets)),
                cell_score(forecast, targets),
            )
        )
    return tested


def number_score(counts: NDArray[Any], observed: int) -> float:
    """Return the log-probability of a number under simulated ones.

    It is that of the negative binomial of their mean and variance, or of the Poisson law where the
    variance is not above the mean: the share of equal numbers would say nothing of rare ones.

    Examples
    --------
    >>> round(number_score(np.array([1, 1, 1, 1]), 0), 9)
    -1.0
    """
    mean, variance = float(counts.mean()), float(counts.var())
    if variance <= mean:
        return float(poisson.logpmf(observed, mean))
    return float(nbinom.logpmf(observed, mean**2 / (variance - mean), mean / variance))


def cell_score(forecast: CatalogForecast, targets: Targets) -> float:
    """Return the sum of the log rates at the observed cells less the expected number.

    The rates are the means of the simulated catalogues, which together are given one more event,
    spread evenly over the cells: none has rate 0.
    """
    rate = forecast.by_cell + 1 / (forecast.count * len(forecast.cells))
    return float(np.log(rate[targets.cell]).sum() - rate.sum())


def pass_rates(tested: Sequence[DailyTest]) -> dict[str, PassRate]:
    """Return in how many days each test was passed, by its letter."""
    letters = [one.test for one in tested[0].findings]
    return {
        letter: pass_rate(day.findings[row].passed for day in tested)
        for row, letter in enumerate(letters)
    }
