"""The CSEP tests of gridded Poisson forecasts, tens of times faster.

The definitions are those of pyCSEP (Zechar et al. 2010, doi:10.1785/0120090192; Werner et al.
2011, doi:10.4401/ag-4840); simulated catalogues are drawn event by event, on all threads, and never
stored, so memory stays at a few arrays of the size of the grid.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import poisson

from graben import __version__
from graben.errors import InputError
from graben.progress import track
from graben.quakes.testing.grids import GriddedForecast, Targets
from graben.quakes.testing.poisson_kernels import guide_table, simulated_likelihoods
from graben.quakes.testing.verdicts import Consistency, judged, undefined

ENGINE = f"graben {__version__}"
NO_EVENTS = "no earthquake in the window"
ONE_BIN = "a single bin of magnitude"
TIES = 1e-10  # relative: sums of the same terms in another order are equal


@dataclass(frozen=True)
class LikelihoodTest:
    """A log-likelihood and its place among those of catalogues drawn from the forecast.

    Attributes
    ----------
    observed
        Joint Poisson log-likelihood of the observations; -inf where one lies in a cell of rate 0.
    simulated
        That of each simulated catalogue.
    """

    observed: float
    simulated: NDArray[Any]

    @property
    def tails(self) -> tuple[float, float]:
        """Share of the simulated that are at least, and at most, as large as the observed."""
        slack = TIES * abs(self.observed) if np.isfinite(self.observed) else 0.0
        return (
            float(np.mean(self.simulated >= self.observed - slack)),
            float(np.mean(self.simulated <= self.observed + slack)),
        )


def likelihood_test(
    rates: NDArray[Any],
    counts: NDArray[Any],
    simulations: int,
    seed: int,
    conditional: bool = True,
    scaled: bool = False,
) -> LikelihoodTest:
    """Compare the log-likelihood of counts with that of simulated ones.

    Parameters
    ----------
    rates, counts
        Expected and observed numbers, of one shape.
    simulations
        Number of simulated catalogues.
    seed
        Of the simulation.
    conditional
        Simulate as many earthquakes as observed (S, M, CL); otherwise a Poisson number (L).
    scaled
        Scale the rates to the observed number (S, M).

    Examples
    --------
    Two earthquakes in the less likely of two cells are a surprise:

    >>> found = likelihood_test(np.array([9.0, 1.0]), np.array([0, 2]), 4000, seed=0)
    >>> abs(found.tails[1] - 0.01) < 0.006
    True
    """
    flat, seen = np.ravel(rates).astype(float), np.ravel(counts)
    number, expected = int(seen.sum()), float(flat.sum())
    if scaled:
        flat, expected = flat * (number / expected), float(number)
    rng = np.random.default_rng(seed)
    events = np.full(simulations, number) if conditional else rng.poisson(expected, simulations)
    hit = seen > 0
    with np.errstate(divide="ignore"):
        log_rate = np.log(flat[hit])
    observed = float((seen[hit] * log_rate).sum() - gammaln(seen[hit] + 1).sum())
    return LikelihoodTest(observed - expected, _simulated(flat, events, rng) - expected)


def _simulated(rates: NDArray[Any], events: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Return the log-likelihood, but for the expected number, of catalogues of so many events."""
    falling = np.sort(rates[rates > 0])[::-1]
    cumulative = np.cumsum(falling) / falling.sum()
    seeds = rng.integers(0, 2**64, events.size, np.uint64)
    log_number = np.log(np.maximum(np.arange(events.max() + 2), 1))
    found = np.empty(events.size)
    simulated_likelihoods(
        seeds,
        events,
        cumulative,
        guide_table(cumulative),
        np.log(falling),
        log_number,
        found,
        numba.get_num_threads(),
    )
    return found


def poisson_tests(
    forecast: GriddedForecast,
    targets: Targets,
    tests: Sequence[str] = ("N", "M", "S", "CL", "L"),
    simulations: int = 1000,
    seed: int = 0,
) -> tuple[Consistency, ...]:
    """Test a gridded forecast: number, magnitudes, space, likelihood given the number, and all.

    Parameters
    ----------
    forecast
        What was expected.
    targets
        What happened, of `forecast.targets(catalog)`.
    tests
        Some of N, M, S, CL, L.
    simulations, seed
        Simulated catalogues for each test but N.

    Raises
    ------
    InputError
        A test of another name is asked for.
    """
    known = {"N": number_test, **{name: _likelihood(name) for name in _SHAPES}}
    unknown = [name for name in tests if name not in known]
    if unknown:
        raise InputError(
            f"expected tests among {', '.join(known)} for a gridded forecast, got {unknown[0]!r}. "
            "Leave it out."
        )
    return tuple(
        known[name](forecast, targets, simulations, seed) for name in track(tests, "testing")
    )


def number_tails(expected: float, number: int) -> tuple[float, float]:
    """Return the Poisson probabilities of at least and at most so many earthquakes."""
    return float(poisson.sf(number - 1, expected)), float(poisson.cdf(number, expected))


def number_test(
    forecast: GriddedForecast, targets: Targets, simulations: int, seed: int
) -> Consistency:
    """Compare the number of earthquakes with the Poisson distribution of its expectation."""
    number = len(targets)
    return judged("N", number, number_tails(forecast.expected, number), "both", ENGINE)


def says_nothing(test: str, targets: Targets) -> str:
    """Return why a test is not defined for these earthquakes; empty where it is."""
    if test != "N" and not len(targets):
        return NO_EVENTS
    return ONE_BIN if test == "M" and targets.cells.magnitudes.size == 1 else ""


# summed over which axis of (cell, magnitude), scaled to the observed number, given that number
_SHAPES: dict[str, tuple[int | None, bool, bool]] = {
    "M": (0, True, True),
    "S": (1, True, True),
    "CL": (None, False, True),
    "L": (None, False, False),
}


def _likelihood(name: str) -> Callable[[GriddedForecast, Targets, int, int], Consistency]:
    axis, scaled, conditional = _SHAPES[name]

    def test(
        forecast: GriddedForecast, targets: Targets, simulations: int, seed: int
    ) -> Consistency:
        nothing = says_nothing(name, targets)
        if nothing:
            return undefined(name, ENGINE, nothing)
        arrays = [forecast.rates, targets.counts]
        rates, counts = arrays if axis is None else [values.sum(axis=axis) for values in arrays]
        found = likelihood_test(rates, counts, simulations, seed, conditional, scaled)
        return judged(name, found.observed, found.tails, "low", ENGINE)

    return test
