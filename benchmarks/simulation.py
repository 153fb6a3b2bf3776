"""How long 10,000 simulated days of California take: ordinary days, and the Ridgecrest sequence.

One thread; the median over 20 days drawn from the test window, and the two days around the M 7.1 of
2019-07-06. Needs the EarthquakeNPP catalogues in the folder named by GRABEN_REFERENCE_DATA (by
default ../shared/data) and about a minute:

    python benchmarks/simulation.py --out out/bench

The parameters are those that the reference package fitted with a constant background, M >= 2.5.
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
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.magnitudes import TaperedGutenbergRichter
from graben.quakes.models.simulated_catalogs import Sources
from graben.quakes.models.simulation import BranchingProcess
from graben.quakes.models.spatial_mixture import SpatialMixture
from graben.quakes.polygon import read_polygon
from graben.quakes.sequence import EventSequence, Windows

PUBLISHED = EtasParameters(
    log10_mu=-6.334228333083295,
    log10_k0=-2.6755424481822057,
    a=1.5391618199834523,
    log10_c=-2.797685488043721,
    omega=-0.061493981696400045,
    log10_tau=3.723224156294125,
    log10_d=-0.795324630292345,
    gamma=1.021525451083945,
    rho=0.5487464250162843,
)
COMCAT = Windows("1971-01-01", "1981-01-01", "1998-01-01", "2007-01-01", "2020-01-17")
RIDGECREST = ("2019-07-06", "2019-07-07")
DAYS, CATALOGS, SEED = 20, 10_000, 1


def california() -> EventSequence:
    """Return the events of California from M 2.5 on."""
    folder = Path(os.environ.get("GRABEN_REFERENCE_DATA", "../shared/data")) / "catalogs"
    catalog = read_catalog(folder / "EarthquakeNPP_ComCat_25_jittered.csv.gz")
    polygon = read_polygon(folder / "ComCat_california_shape.npy")
    return EventSequence.from_catalog(catalog, polygon, COMCAT, 2.5)


def published_process(sequence: EventSequence) -> BranchingProcess:
    """Return the process of the published parameters, its background constant."""
    rate = 10.0**PUBLISHED.log10_mu * sequence.polygon.area_km2
    fitted = sequence.magnitude[: sequence.bounds[2]]
    return BranchingProcess(
        PUBLISHED,
        SpatialMixture(sequence.polygon, rate, *np.empty((4, 0))),
        TaperedGutenbergRichter.from_magnitudes(fitted, 2.5, sequence.bin_width),
    )


def measured(process: BranchingProcess, sequence: EventSequence, day: float) -> dict[str, float]:
    """Simulate the day that starts at `day`, batch by batch."""
    begin = time.perf_counter()
    sources = Sources.before(sequence, day)
    batches = process.simulate_in_batches(sources, 1.0, CATALOGS, SEED)
    counts = np.concatenate([batch.counts() for batch in batches])
    low, high = np.percentile(counts, [2.5, 97.5])
    return {
        "seconds": time.perf_counter() - begin,
        "sources": sources.age.size,
        "simulated_mean": float(counts.mean()),
        "simulated_low": float(low),
        "simulated_high": float(high),
        "observed": int(((sequence.time >= day) & (sequence.time < day + 1)).sum()),
    }


def main() -> None:
    """Measure all days, print a table and write simulation.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    sequence = california()
    process = published_process(sequence)
    start, end = sequence.span(sequence.test)
    process.simulate(Sources.before(sequence, start), 1.0, 10, SEED)  # compiles
    chosen = np.random.default_rng(SEED).integers(int(start), int(end), DAYS)
    rows = [measured(process, sequence, float(day)) for day in np.sort(chosen)]
    found = {
        "median of test days": {name: float(np.median([r[name] for r in rows])) for name in rows[0]}
    }
    for date in RIDGECREST:
        day = (pd.Timestamp(date, tz="UTC") - sequence.windows.moments[0]) / pd.Timedelta(days=1)
        found[date] = measured(process, sequence, float(day))
    print(f"{CATALOGS:,} catalogues of one day; branching ratio {process.branching_ratio:.3f}")
    for name, row in found.items():
        print(f"{name:20s}" + "   ".join(f"{key} {value:,.2f}" for key, value in row.items()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"peak memory {peak:,.0f} MB")
    out.mkdir(parents=True, exist_ok=True)
    written = {"rows": found, "branching_ratio": process.branching_ratio, "peak_mb": peak}
    (out / "simulation.json").write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
