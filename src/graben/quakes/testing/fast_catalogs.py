"""The CSEP tests of forecasts that are simulated catalogues, on flat arrays.

The definitions are those of pyCSEP (Savran et al. 2020, doi:10.1785/0120200026): the statistics
of all simulated catalogues are found at once.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import InputError
from graben.quakes.testing.catalog_forecast import CatalogForecast
from graben.quakes.testing.fast_poisson import ENGINE, says_nothing
from graben.quakes.testing.grids import Targets
from graben.quakes.testing.verdicts import Consistency, judged, undefined

UNSAMPLED = "every earthquake lies where no catalogue has any"
SILENT = "no catalogue has an earthquake"


def catalog_tests(
    forecast: CatalogForecast, targets: Targets, tests: Sequence[str] = ("N", "M", "S", "PL")
) -> tuple[Consistency, ...]:
    """Test a forecast of simulated catalogues: number, magnitudes, space, pseudo-likelihood.

    Parameters
    ----------
    forecast
        What was expected.
    targets
        What happened, of `forecast.targets(catalog)`. Earthquakes in cells where no catalogue
        has any are left out of S and PL, and counted in the note.
    tests
        Some of N, M, S, PL.

    Raises
    ------
    InputError
        A test of another name is asked for.
    """
    known = {"N": _number, "M": _magnitude, "S": _spatial, "PL": _pseudo_likelihood}
    unknown = [name for name in tests if name not in known]
    if unknown:
        raise InputError(
            f"expected tests among {', '.join(known)} for simulated catalogues, got "
            f"{unknown[0]!r}. Leave it out."
        )
    found = []
    for name in tests:
        nothing = says_nothing(name, targets)
        if name != "N" and not forecast.cell.size:
            nothing = nothing or SILENT
        found.append(
            undefined(name, ENGINE, nothing) if nothing else known[name](forecast, targets)
        )
    return tuple(found)


def _tails(simulated: NDArray[Any], observed: float) -> tuple[float, float]:
    return float(np.mean(simulated >= observed)), float(np.mean(simulated <= observed))


def _number(forecast: CatalogForecast, targets: Targets) -> Consistency:
    return judged("N", len(targets), _tails(forecast.counts, len(targets)), "both", ENGINE)


def _magnitude(forecast: CatalogForecast, targets: Targets) -> Consistency:
    bins = forecast.cells.magnitudes.size
    flat = np.bincount(forecast.catalog * bins + forecast.bin, minlength=forecast.count * bins)
    by_catalog = flat.reshape(forecast.count, bins)
    by_catalog = by_catalog[by_catalog.any(axis=1)]
    number, union = len(targets), by_catalog.sum(axis=0)
    wanted = np.log10(union * (number / union.sum()) + 1)

    def distance(counts: NDArray[Any]) -> Any:
        scaled = counts * (number / counts.sum(axis=-1, keepdims=True))
        return ((np.log10(scaled + 1) - wanted) ** 2).sum(axis=-1)

    observed = float(distance(np.bincount(targets.bin, minlength=bins)))
    return judged("M", observed, _tails(distance(by_catalog), observed), "high", ENGINE)


def _spatial(forecast: CatalogForecast, targets: Targets) -> Consistency:
    sampled, note = _sampled(forecast, targets)
    if not sampled.size:
        return undefined("S", ENGINE, UNSAMPLED)
    share = forecast.by_cell / forecast.by_cell.sum()
    numbers = forecast.counts
    held = numbers > 0
    simulated = _log_sums(forecast, share)[held] / numbers[held]
    observed = _log_sum(sampled, share) / sampled.size
    return judged("S", observed, _tails(simulated, observed), "low", ENGINE, note)


def _pseudo_likelihood(forecast: CatalogForecast, targets: Targets) -> Consistency:
    sampled, note = _sampled(forecast, targets)
    if not sampled.size:
        return undefined("PL", ENGINE, UNSAMPLED)
    rate = forecast.by_cell
    simulated = _log_sums(forecast, rate) - rate.sum()
    observed = _log_sum(sampled, rate) - float(rate.sum())
    return judged("PL", observed, _tails(simulated, observed), "low", ENGINE, note)


def _sampled(forecast: CatalogForecast, targets: Targets) -> tuple[NDArray[Any], str]:
    """Return the cells of the earthquakes where some catalogue has any, and what was left out."""
    held = forecast.by_cell[targets.cell] > 0
    lost = int((~held).sum())
    note = f"{lost} earthquakes where no catalogue has any were left out" if lost else ""
    return targets.cell[held], note


def _log_sums(forecast: CatalogForecast, rate: NDArray[Any]) -> NDArray[Any]:
    # summed in the order of the cells: the same cells give the same sum to the last bit, for ties
    order = np.argsort(forecast.cell, kind="stable")
    terms = np.log(rate[forecast.cell[order]])
    return np.bincount(forecast.catalog[order], terms, forecast.count)


def _log_sum(cells: NDArray[Any], rate: NDArray[Any]) -> float:
    return float(np.bincount(np.zeros(cells.size, int), np.log(rate[np.sort(cells)]))[0])
