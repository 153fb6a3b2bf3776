"""pyCSEP through one call: the community's own verdict on a forecast."""

import io
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import InputError
from graben.progress import track
from graben.quakes.testing.catalog_forecast import CatalogForecast
from graben.quakes.testing.fast_poisson import says_nothing
from graben.quakes.testing.grids import Cells, GriddedForecast, Targets
from graben.quakes.testing.verdicts import (
    Comparison,
    Consistency,
    Side,
    comparison,
    judged,
    undefined,
)

Forecast = GriddedForecast | CatalogForecast
GRIDDED = {
    "N": "number_test",
    "M": "magnitude_test",
    "S": "spatial_test",
    "CL": "conditional_likelihood_test",
    "L": "likelihood_test",
}
SIMULATED = {
    "N": "number_test",
    "M": "magnitude_test",
    "S": "spatial_test",
    "PL": "pseudolikelihood_test",
}


def engine() -> str:
    """Return pyCSEP's name and version."""
    return f"pyCSEP {version('pycsep')}"


def consistency_tests(
    forecast: Forecast,
    targets: Targets,
    tests: Sequence[str] | None = None,
    simulations: int = 1000,
    seed: int = 0,
) -> tuple[Consistency, ...]:
    """Run pyCSEP's consistency tests.

    Parameters
    ----------
    forecast
        Gridded (N, M, S, CL and L-tests) or simulated catalogues (N, M, S, PL).
    targets
        What happened, of `forecast.targets(catalog)`. Without any, only the N-test is defined; with
        one bin of magnitude, the M-test is not.
    tests
        Letters of the tests; all that fit the forecast by default.
    simulations, seed
        Of the tests of gridded forecasts; pyCSEP draws from NumPy's global generator, which is
        seeded. Twenty thousand earthquakes take minutes: see `poisson_tests` for a faster way.

    Raises
    ------
    InputError
        A test does not fit the forecast.

    References
    ----------
    Savran et al. (2022), doi:10.1785/0220220033.
    """
    gridded = isinstance(forecast, GriddedForecast)
    known = GRIDDED if gridded else SIMULATED
    tests = list(known) if tests is None else tests
    unknown = [name for name in tests if name not in known]
    if unknown:
        raise InputError(
            f"expected tests among {', '.join(known)} for this forecast, got {unknown[0]!r}. "
            "Leave it out."
        )
    if isinstance(forecast, GriddedForecast):
        run = _gridded_runner(forecast, targets, simulations, seed)
    else:
        run = _catalog_runner(forecast, targets)
    found = []
    for name in track(tests, "testing with pyCSEP"):
        nothing = says_nothing(name, targets)
        found.append(undefined(name, engine(), nothing) if nothing else run(name))
    return tuple(found)


def comparison_tests(
    forecast: GriddedForecast, benchmark: GriddedForecast, targets: Targets
) -> tuple[Comparison, ...]:
    """Run pyCSEP's paired T- and W-tests of a gridded forecast against a benchmark.

    With fewer than two earthquakes neither is defined.

    Raises
    ------
    InputError
        The two forecasts differ in cells, bins or window.

    References
    ----------
    Rhoades et al. (2011), doi:10.2478/s11600-011-0013-5.
    """
    require_same_grid(forecast, benchmark)
    nothing = (np.nan, np.nan)
    ours, theirs = (one.rates[targets.cell, targets.bin] for one in (forecast, benchmark))
    if len(targets) < 2 or not (ours > 0).all() or not (theirs > 0).all():
        return tuple(comparison(name, np.nan, np.nan, engine(), nothing) for name in "TW")
    from csep.core import poisson_evaluations
    from scipy.stats import t as student

    catalog = _catalog(targets)
    with _quiet(), warnings.catch_warnings():
        # pyCSEP's normal approximation below ten earthquakes; the page tells the number
        warnings.filterwarnings("ignore", message="Sample size too small")
        pair = _gridded(forecast), _gridded(benchmark), catalog
        t, w = poisson_evaluations.paired_t_test(*pair), poisson_evaluations.w_test(*pair)
    p_value = 2 * float(student.sf(abs(t.quantile[0]), len(targets) - 1))
    gain = float(t.observed_statistic)
    return (
        comparison("T", gain, p_value, engine(), tuple(t.test_distribution)),
        comparison("W", gain, float(w.quantile), engine(), nothing),
    )


def require_same_grid(forecast: GriddedForecast, benchmark: GriddedForecast) -> None:
    """Refuse two forecasts that cannot be compared.

    Raises
    ------
    InputError
        They differ in cells, bins or window.
    """
    if not forecast.cells.same_as(benchmark.cells):
        raise InputError(
            f"expected two forecasts on the same cells and magnitudes, got {len(forecast.cells)} "
            f"cells x {forecast.cells.magnitudes.size} bins of {forecast.cells.step:g} degrees and "
            f"{len(benchmark.cells)} x {benchmark.cells.magnitudes.size} of "
            f"{benchmark.cells.step:g}. Resample one of them."
        )
    if (forecast.start, forecast.end) != (benchmark.start, benchmark.end):
        raise InputError(
            f"expected two forecasts of one window, got {forecast.start} to {forecast.end} and "
            f"{benchmark.start} to {benchmark.end}. Compare forecasts of the same time."
        )


Runner = Callable[[str], Consistency]


def _gridded_runner(
    forecast: GriddedForecast, targets: Targets, simulations: int, seed: int
) -> Runner:
    from csep.core import poisson_evaluations

    theirs, catalog = _gridded(forecast), _catalog(targets)

    def run(name: str) -> Consistency:
        test = getattr(poisson_evaluations, GRIDDED[name])
        with _quiet(), np.errstate(divide="ignore"):
            if name == "N":
                tails = test(theirs, catalog).quantile
                return judged(name, len(targets), tails, "both", engine())
            found = test(theirs, catalog, num_simulations=simulations, seed=seed)
        above = float(np.mean(np.asarray(found.test_distribution) >= found.observed_statistic))
        tails = above, found.quantile
        return judged(name, found.observed_statistic, tails, "low", engine())

    return run


def _catalog_runner(forecast: CatalogForecast, targets: Targets) -> Runner:
    from csep.core import catalog_evaluations

    theirs, catalog = _simulated(forecast), _catalog(targets)
    bad: dict[str, Side] = {"N": "both", "M": "high"}

    def run(name: str) -> Consistency:
        with _quiet() as said:
            found = getattr(catalog_evaluations, SIMULATED[name])(theirs, catalog)
        note = " ".join(said.getvalue().split())
        if found is None or found.status == "not-valid":
            return undefined(name, engine(), note)
        tails = found.quantile
        return judged(name, found.observed_statistic, tails, bad.get(name, "low"), engine(), note)

    return run


def _quiet() -> "redirect_stdout[io.StringIO]":
    """Keep what pyCSEP prints off the stream that holds results."""
    return redirect_stdout(io.StringIO())


def _region(cells: Cells) -> Any:
    from csep.core.regions import CartesianGrid2D

    corners = np.stack([cells.west, cells.south], axis=1)
    return CartesianGrid2D.from_origins(corners, dh=cells.step, magnitudes=cells.magnitudes)


def _gridded(forecast: GriddedForecast) -> Any:
    from csep.core.forecasts import GriddedForecast as Theirs

    return Theirs(
        forecast.start.to_pydatetime(),
        forecast.end.to_pydatetime(),
        data=forecast.rates,
        region=_region(forecast.cells),
        magnitudes=forecast.cells.magnitudes,
        name=forecast.name,
    )


def _events(cells: Cells, cell: NDArray[Any], found: NDArray[Any]) -> list[tuple[Any, ...]]:
    """Return events in the middle of their cells and bins, so that no edge is in dispute."""
    edges = cells.magnitudes
    half = 0.5 * float(np.diff(edges).min()) if edges.size > 1 else 0.05
    columns = (
        cells.south[cell] + cells.step / 2,
        cells.west[cell] + cells.step / 2,
        np.zeros(cell.size),
        edges[found] + half,
    )
    return [("", 0, *row) for row in zip(*(one.tolist() for one in columns), strict=True)]


def _catalog(targets: Targets) -> Any:
    from csep.core.catalogs import CSEPCatalog

    events = _events(targets.cells, targets.cell, targets.bin)
    return CSEPCatalog(data=events, region=_region(targets.cells), compute_stats=False)


def _simulated(forecast: CatalogForecast) -> Any:
    from csep.core.catalogs import CSEPCatalog
    from csep.core.forecasts import CatalogForecast as Theirs

    region = _region(forecast.cells)
    order = np.argsort(forecast.catalog, kind="stable")
    ends = np.cumsum(forecast.counts)
    events = _events(forecast.cells, forecast.cell[order], forecast.bin[order])
    catalogs = [
        CSEPCatalog(data=events[first:last], region=region, catalog_id=i, compute_stats=False)
        for i, (first, last) in enumerate(zip([0, *ends[:-1]], ends, strict=True))
    ]
    return Theirs(
        catalogs=catalogs,
        n_cat=forecast.count,
        region=region,
        start_time=forecast.start.to_pydatetime(),
        end_time=forecast.end.to_pydatetime(),
        name=forecast.name,
    )
