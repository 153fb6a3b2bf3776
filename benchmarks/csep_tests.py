"""The tests of gridded forecasts: graben's way beside pyCSEP's, on the same earthquakes.

The published forecast of Helmstetter et al. (2007) for California, which pyCSEP brings along, on
7,682 cells x 52 bins of magnitude; earthquakes are drawn from it. Then forecasts of simulated
catalogues: so many a day for so many days.

    python benchmarks/csep_tests.py --out out/bench
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import csep
import numpy as np
import pandas as pd

from graben.quakes.testing.catalog_forecast import CatalogForecast
from graben.quakes.testing.csep import consistency_tests, engine
from graben.quakes.testing.fast_catalogs import catalog_tests
from graben.quakes.testing.fast_poisson import poisson_tests
from graben.quakes.testing.grids import Cells, GriddedForecast, Targets, read_csep_grid

BINS = 52


def california() -> GriddedForecast:
    """Return the published forecast, its magnitudes spread over 52 bins by Gutenberg-Richter."""
    folder = Path(csep.__file__).parent / "artifacts" / "ExampleForecasts" / "GriddedForecasts"
    found = read_csep_grid(folder / "helmstetter_et_al.hkj-fromXML.dat", "2006-11-12", "2011-11-12")
    magnitudes = 2.5 + 0.1 * np.arange(BINS)
    share = 10.0 ** -(magnitudes - 2.5)
    rates = found.by_cell[:, None] * share / share.sum()
    cells = Cells(found.cells.west, found.cells.south, found.cells.step, magnitudes)
    return GriddedForecast(cells, rates, found.start, found.end, "helmstetter")


def drawn(forecast: GriddedForecast, number: int, seed: int) -> Targets:
    """Return so many earthquakes of the forecast."""
    share = forecast.rates.ravel() / forecast.expected
    flat = np.random.default_rng(seed).choice(share.size, number, p=share)
    return Targets(flat // BINS, flat % BINS, forecast.cells)


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """Return a result and the seconds that it took."""
    begun = time.perf_counter()
    result = run()
    return result, time.perf_counter() - begun


def gridded(events: int, simulations: int) -> list[dict[str, Any]]:
    """Time S, M, CL and L both ways."""
    forecast = california()
    scaled = GriddedForecast(
        forecast.cells,
        forecast.rates * events / forecast.expected,
        forecast.start,
        forecast.end,
        forecast.name,
    )
    targets = drawn(scaled, events, 1)
    poisson_tests(scaled, targets, simulations=1)  # numba compiles
    rows = []
    for test in ("M", "S", "CL", "L"):
        (ours,), fast = timed(
            lambda test=test: poisson_tests(scaled, targets, (test,), simulations)
        )
        (theirs,), slow = timed(
            lambda test=test: consistency_tests(scaled, targets, (test,), simulations)
        )
        rows.append(
            {
                "test": test,
                "quantile": ours.at_most,
                "pycsep_quantile": theirs.at_most,
                "seconds": fast,
                "pycsep_seconds": slow,
                "ratio": slow / fast,
            }
        )
    return rows


def simulated(days: int, catalogs: int, daily: float) -> dict[str, Any]:
    """Time the tests of simulated catalogues; pyCSEP on one day, graben on all."""
    forecast = california()
    numbers = np.random.default_rng(2).poisson(daily, catalogs)
    events = drawn(forecast, int(numbers.sum()), 3)
    catalog = np.repeat(np.arange(catalogs), numbers)
    end = forecast.start + pd.Timedelta(days=1)
    one = CatalogForecast(
        forecast.cells, catalog, events.cell, events.bin, catalogs, forecast.start, end, "drawn"
    )
    observed = [drawn(forecast, int(daily), 10 + day) for day in range(days)]
    found, fast = timed(lambda: [catalog_tests(one, targets) for targets in observed])
    theirs, slow = timed(lambda: consistency_tests(one, observed[0]))
    apart = max(abs(a.at_most - b.at_most) for a, b in zip(found[0], theirs, strict=True))
    return {
        "days": days,
        "catalogs": catalogs,
        "seconds_a_day": fast / days,
        "pycsep_seconds_a_day": slow,
        "ratio": slow / (fast / days),
        "largest_difference_of_quantiles": apart,
    }


def main() -> None:
    """Time, print and write csep_tests.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--simulations", type=int, default=1000)
    given = parser.parse_args()
    rows = gridded(given.events, given.simulations)
    print(f"{given.events} earthquakes, {given.simulations} simulations, beside {engine()}")
    for row in rows:
        print(
            f"{row['test']:3s} quantile {row['quantile']:.3f} (pyCSEP {row['pycsep_quantile']:.3f})"
            f"  {row['seconds']:.3f} s (pyCSEP {row['pycsep_seconds']:.1f} s)  x{row['ratio']:.0f}"
        )
    days = simulated(100, 1000, 15.0)
    print(
        f"{days['days']} days x {days['catalogs']} catalogues: {days['seconds_a_day']:.4f} s a day "
        f"(pyCSEP {days['pycsep_seconds_a_day']:.1f} s)  x{days['ratio']:.0f}, quantiles apart by "
        f"{days['largest_difference_of_quantiles']:.1g}"
    )
    given.out.mkdir(parents=True, exist_ok=True)
    found = {"engine": engine(), "events": given.events, "gridded": rows, "simulated": days}
    (given.out / "csep_tests.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
