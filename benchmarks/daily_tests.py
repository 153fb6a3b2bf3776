"""Forecasts of single days of California by ETAS, with a mapped background and with gates, tested.

The models are fitted to 1981-2006; a hundred days of 2007-2020, drawn with a seed, are forecast at
00:00 UTC by 1,000 simulated catalogues of M >= 2.5 and put to the tests of CSEP in the cells of its
Californian testing region. Needs the EarthquakeNPP catalogues in the folder named by
GRABEN_REFERENCE_DATA (by default ../shared/data) and about eight minutes:

    python benchmarks/daily_tests.py --out out/bench
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from csep.core.regions import california_relm_region
from matplotlib.figure import Figure

from graben.quakes.formats import read_catalog
from graben.quakes.models.continuation import Continuations
from graben.quakes.models.etas import Etas
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas
from graben.quakes.polygon import read_polygon
from graben.quakes.sequence import EventSequence
from graben.quakes.testing.benchmark import BenchmarkData, read_benchmark
from graben.quakes.testing.csep import consistency_tests, engine
from graben.quakes.testing.daily import (
    DailyTest,
    daily_forecast,
    daily_tests,
    drawn_days,
    observed_on,
    pass_rates,
)
from graben.quakes.testing.grids import Cells

DAYS, CATALOGS, SEED = 100, 1000, 1
CHECKED = 3  # days that pyCSEP tests too
MAGNITUDES = 2.5 + 0.1 * np.arange(52)


def california() -> EventSequence:
    """Return the events of the benchmark's Californian set."""
    folder = Path(os.environ.get("GRABEN_REFERENCE_DATA", "../shared/data")) / "catalogs"
    catalog = read_catalog(folder / "EarthquakeNPP_ComCat_25_jittered.csv.gz")
    polygon = read_polygon(folder / "ComCat_california_shape.npy")
    return BenchmarkData.of(read_benchmark("ComCat_25"), catalog, polygon).sequence


def testing_cells() -> Cells:
    """Return the 7,682 cells of CSEP's Californian testing region."""
    west, south = california_relm_region().origins().T
    return Cells(west, south, 0.1, MAGNITUDES)


def fitted(sequence: EventSequence) -> tuple[dict[str, Continuations], float]:
    """Return the three models, and what the constant background lost to be simulable."""
    free = Etas().fit(sequence)
    etas = free.simulable(sequence)
    models = (etas, MappedEtas().fit(sequence), HybridEtas().fit(sequence))
    ready = {model.name: Continuations(model, sequence) for model in models}
    return ready, free.log_likelihood_ - etas.log_likelihood_


def apart_from_pycsep(
    continuations: Continuations, cells: Cells, tested: Sequence[DailyTest]
) -> float:
    """Return the largest difference of the quantiles to pyCSEP's on the busiest but one days."""
    busiest = sorted(tested, key=lambda day: day.observed)[-1 - CHECKED : -1]
    apart = 0.0
    for day in busiest:
        forecast = daily_forecast(continuations, cells, day.day, CATALOGS, SEED)
        targets = observed_on(continuations.sequence, cells, day.day)
        for ours, theirs in zip(day.findings, consistency_tests(forecast, targets), strict=True):
            apart = max(apart, abs(ours.at_most - theirs.at_most))
    return apart


def gain(ours: Sequence[float], base: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean difference of daily scores with the 95 % interval of resampled days."""
    difference = np.subtract(ours, base)
    rows = np.random.default_rng(SEED).integers(0, difference.size, (5000, difference.size))
    low, high = np.quantile(difference[rows].mean(axis=1), (0.025, 0.975))
    return float(difference.mean()), float(low), float(high)


def summary(tested: Sequence[DailyTest], base: Sequence[DailyTest]) -> dict[str, object]:
    """Return pass rates, numbers, and scores beside those of the first model."""
    found: dict[str, object] = {name: asdict(rate) for name, rate in pass_rates(tested).items()}
    found["expected"] = sum(day.expected for day in tested)
    found["observed"] = sum(day.observed for day in tested)
    found["unsampled"] = sum(day.unsampled for day in tested)
    for score in ("number_score", "cell_score"):
        ours, theirs = ([getattr(day, score) for day in days] for days in (tested, base))
        found[score] = float(np.mean(ours))
        found[f"{score}_gain"] = gain(ours, theirs)
    return found


def record(day: DailyTest) -> dict[str, object]:
    """Return a day as JSON holds it, without the quantiles of tests that are not defined."""
    defined = [one for one in day.findings if one.passed is not None]
    return asdict(day) | {"findings": {one.test: asdict(one) for one in defined}}


def quantile_figure(tested: dict[str, list[DailyTest]]) -> Figure:
    """Draw the quantiles of each test over the days; of a right forecast they are uniform."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    for row, axes in enumerate(figure.subplots(2, 2).ravel()):
        for name, days in tested.items():
            findings = [day.findings[row] for day in days]
            quantile = np.sort([one.at_most for one in findings if one.passed is not None])
            share = (np.arange(quantile.size) + 0.5) / quantile.size
            axes.step(quantile, share, where="mid", label=f"{name} ({quantile.size} days)")
        axes.plot([0, 1], [0, 1], color="0.6", lw=1)
        axes.set(title=f"{findings[0].test}-test", xlim=(0, 1), ylim=(0, 1))
        axes.set(xlabel="quantile: simulated at most the observed", ylabel="share of days")
        axes.legend(frameon=False, fontsize="small")
    return figure


def table(found: dict[str, dict[str, object]]) -> str:
    """Return pass rates and scores, a line a model."""
    lines = []
    for name, row in found.items():
        rates = "  ".join(
            f"{test} {row[test]['passed']}/{row[test]['valid']} "
            f"[{row[test]['low']:.3f}, {row[test]['high']:.3f}]"
            for test in ("N", "M", "S", "PL")
        )
        numbers = f"expected {row['expected']:.0f} of {row['observed']}"
        lines.append(f"{name:12s} {rates}  {numbers}, {row['unsampled']} unsampled")
        for score in ("number_score", "cell_score"):
            mean, low, high = row[f"{score}_gain"]
            within = f"gain {mean:+.3f} [{low:+.3f}, {high:+.3f}]"
            lines.append(f"{'':12s} {score} {row[score]:.3f} a day, {within}")
    return "\n".join(lines)


def main() -> None:
    """Fit, forecast and test; print a table, write daily_tests.json and daily_tests.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    sequence, cells = california(), testing_cells()
    days = drawn_days(sequence, sequence.test, DAYS, SEED)
    models, lost = fitted(sequence)
    tested = {
        name: daily_tests(model, cells, days, CATALOGS, SEED) for name, model in models.items()
    }
    found = {name: summary(one, tested["etas"]) for name, one in tested.items()}
    print(f"{DAYS} days x {CATALOGS} catalogues; etas lost {lost:.4f} nats per event")
    print(table(found))
    apart = apart_from_pycsep(models["hybrid-etas"], cells, tested["hybrid-etas"])
    print(f"quantiles on {CHECKED} busy days are those of {engine()} within {apart:.1g}")
    out.mkdir(parents=True, exist_ok=True)
    quantile_figure(tested).savefig(out / "daily_tests.png", dpi=120)
    written = {
        "days": days.tolist(),
        "catalogs": CATALOGS,
        "etas_loss": lost,
        "apart_from_pycsep": apart,
        "models": found,
        "tested": {name: [record(day) for day in one] for name, one in tested.items()},
    }
    (out / "daily_tests.json").write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
