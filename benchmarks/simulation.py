"""How long 10,000 simulated days of California take: ordinary days, and the Ridgecrest sequence.

The model with mapped background and gates, fitted to 1981-2006, M >= 2.5; the median over 20 days
drawn from the test window, and the two days around the M 7.1 of 2019-07-06. The time holds all from
the sequence to the catalogues but what is the same for every day. Needs the EarthquakeNPP
catalogues in the folder named by GRABEN_REFERENCE_DATA (by default ../shared/data) and about three
minutes:

    python benchmarks/simulation.py --out out/bench
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd

from graben.quakes.formats import read_catalog
from graben.quakes.models.continuation import Continuations
from graben.quakes.models.hybrid_etas import HybridEtas
from graben.quakes.polygon import read_polygon
from graben.quakes.sequence import EventSequence
from graben.quakes.testing.benchmark import BenchmarkData, read_benchmark
from graben.quakes.testing.daily import drawn_days

RIDGECREST = ("2019-07-06", "2019-07-07")
DAYS, CATALOGS, SEED = 20, 10_000, 1


def california() -> EventSequence:
    """Return the events of the benchmark's Californian set."""
    folder = Path(os.environ.get("GRABEN_REFERENCE_DATA", "../shared/data")) / "catalogs"
    catalog = read_catalog(folder / "EarthquakeNPP_ComCat_25_jittered.csv.gz")
    polygon = read_polygon(folder / "ComCat_california_shape.npy")
    return BenchmarkData.of(read_benchmark("ComCat_25"), catalog, polygon).sequence


def measured(continuations: Continuations, day: float) -> dict[str, float]:
    """Simulate the day that starts at `day`, batch by batch."""
    sequence = continuations.sequence
    begin = time.perf_counter()
    process, sources = continuations.at(day)
    prepared = time.perf_counter()
    batches = process.simulate_in_batches(sources, 1.0, CATALOGS, SEED)
    counts = np.concatenate([batch.counts() for batch in batches])
    end = time.perf_counter()
    low, high = np.percentile(counts, [2.5, 97.5])
    return {
        "seconds": end - begin,
        "seconds_of_simulation": end - prepared,
        "sources": sources.age.size,
        "simulated_mean": float(counts.mean()),
        "simulated_low": float(low),
        "simulated_high": float(high),
        "observed": int(((sequence.time > day) & (sequence.time <= day + 1)).sum()),
    }


def main() -> None:
    """Measure all days, print a table and write simulation.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    sequence = california()
    continuations = Continuations(HybridEtas().fit(sequence), sequence)
    days = drawn_days(sequence, sequence.test, DAYS, SEED)
    begin = time.perf_counter()
    process, sources = continuations.at(float(days[0]))
    process.simulate(sources, 1.0, 10, SEED)  # compiles
    once = time.perf_counter() - begin
    rows = [measured(continuations, day) for day in days.tolist()]
    found = {
        "median of test days": {name: float(np.median([r[name] for r in rows])) for name in rows[0]}
    }
    for date in RIDGECREST:
        day = (pd.Timestamp(date, tz="UTC") - sequence.windows.moments[0]) / pd.Timedelta(days=1)
        found[date] = measured(continuations, float(day))
    ratio = process.branching_ratio
    print(f"{CATALOGS:,} catalogues of one day; branching ratio {ratio:.3f}; once {once:.1f} s")
    for name, row in found.items():
        print(f"{name:20s}" + "   ".join(f"{key} {value:,.2f}" for key, value in row.items()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"peak memory {peak:,.0f} MB")
    out.mkdir(parents=True, exist_ok=True)
    written = {"rows": found, "branching_ratio": ratio, "seconds_once": once, "peak_mb": peak}
    (out / "simulation.json").write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
