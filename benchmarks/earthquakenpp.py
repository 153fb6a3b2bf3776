"""Every model and every part of the hybrid on the community's benchmark, beside published ETAS.

    python benchmarks/earthquakenpp.py --out out/bench                 # all sets: about 25 CPU min
    python benchmarks/earthquakenpp.py --out out/bench --set SCEDC_30  # one

The catalogues are those of EarthquakeNPP with epicentres moved apart, in the folder `catalogs` of
GRABEN_REFERENCE_DATA (default ../shared/data). One configuration for all sets. Gains are paired,
with 95 % intervals over blocks of 200 events (and of 1,000 in brackets), over our own maximum
likelihood ETAS.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from graben.evaluation import block_bootstrap, sums_by_block
from graben.quakes.formats import read_catalog
from graben.quakes.models.components import gated
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_components import BackgroundParts, EtasParts
from graben.quakes.models.etas_fit import climb, likelihood_of, scored
from graben.quakes.models.etas_likelihood import Triggering
from graben.quakes.models.gates import GateKind, Gates
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas
from graben.quakes.models.point_process import EventScores
from graben.quakes.models.poisson import HomogeneousPoisson
from graben.quakes.models.recurrent import RecurrentProcess
from graben.quakes.models.strike import strikes_of
from graben.quakes.polygon import read_polygon
from graben.quakes.sequence import EventSequence
from graben.quakes.testing.benchmark import BenchmarkData, read_benchmark
from graben.quakes.testing.likelihood import score_events

DATA = Path(os.environ.get("GRABEN_REFERENCE_DATA", "../shared/data")) / "catalogs"
FILES = {
    "ComCat_25": ("EarthquakeNPP_ComCat_25_jittered.csv.gz", "ComCat_california_shape.npy"),
    "SCEDC_20": ("EarthquakeNPP_SCEDC_20_jittered.csv.gz", "SCEDC_shape.npy"),
    "SCEDC_25": ("EarthquakeNPP_SCEDC_20_jittered.csv.gz", "SCEDC_shape.npy"),
    "SCEDC_30": ("EarthquakeNPP_SCEDC_20_jittered.csv.gz", "SCEDC_shape.npy"),
    "SanJac_10": ("EarthquakeNPP_SanJac_10_jittered.csv.gz", "SanJac_shape.npy"),
}
SMALLER_SOURCES = {"SCEDC_25": 2.0, "SCEDC_30": 2.0}
HYBRID = "hybrid-etas"


class Rows:
    """The rows of one set: scores by model, and what each cost."""

    def __init__(self, data: BenchmarkData) -> None:
        self.sequence = data.sequence
        self.scores: dict[str, EventScores] = {}
        self.seconds: dict[str, float] = {}
        self.more: dict[str, dict[str, Any]] = {}

    def add(self, name: str, began: float, scores: EventScores, **more: Any) -> None:
        """Take a row in."""
        self.scores[name] = scores
        self.seconds[name] = time.process_time() - began
        self.more[name] = more
        print(
            f"  {name:28s} {scores.total.mean():8.4f} {self.seconds[name]:6.1f} CPU s", flush=True
        )

    def table(self) -> dict[str, Any]:
        """Return every figure of every row."""
        own = self.scores["etas"]
        found: dict[str, Any] = {}
        for name, scores in self.scores.items():
            gain = scores.total - own.total
            found[name] = {
                **asdict(score_events(scores)),
                "gain_over_etas": {str(block): _interval(gain, block) for block in (200, 1000)},
                "cpu_seconds": self.seconds[name],
                **self.more[name],
            }
        return found


def _interval(values: np.ndarray, block: int) -> dict[str, float]:
    blocks = np.arange(values.size) // block
    return asdict(block_bootstrap(*sums_by_block(values, np.ones(values.size), blocks)))


def run(name: str) -> dict[str, Any]:
    """Fit and score all models on one set."""
    catalog, polygon = (DATA / file for file in FILES[name])
    events, where = read_catalog(catalog), read_polygon(polygon)
    data = BenchmarkData.of(read_benchmark(name), events, where)
    rows = Rows(data)
    sequence = data.sequence
    for model in (HomogeneousPoisson(), RecurrentProcess()):
        began = time.process_time()
        rows.add(model.name, began, model.fit(sequence).score(sequence, sequence.test))
    began = time.process_time()
    etas = Etas().fit(sequence)
    rows.add(
        "etas", began, etas.score(sequence, sequence.test), branching=etas.branching_ratio(sequence)
    )
    alone(rows, etas)
    hybrids(rows)
    if name in SMALLER_SOURCES:
        more = BenchmarkData.of(read_benchmark(name), events, where, SMALLER_SOURCES[name])
        add_hybrid(rows, f"{HYBRID}, sources M >= 2.0", HybridEtas(), more.sequence)
    published = data.benchmark.published["etas"]
    return {
        "events": len(data.test_events),
        "published_etas": {**dict(published), "total": published.total},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "models": rows.table(),
    }


def alone(rows: Rows, etas: Etas) -> None:
    """Add each part by itself on top of ETAS with a constant background."""
    sequence = rows.sequence
    began = time.process_time()
    rows.add("+ gates alone", began, gates_alone(sequence, etas, "mlp"))
    began = time.process_time()
    rows.add("+ one gate alone", began, gates_alone(sequence, etas, "residual"))
    began = time.process_time()
    rows.add("+ strike alone", began, strike_alone(sequence, etas))
    began = time.process_time()
    maps = MappedEtas(strike=False).fit(sequence)
    branching = maps.branching_ratio(sequence)
    rows.add("+ background alone", began, maps.score(sequence, sequence.test), branching=branching)


def gates_alone(sequence: EventSequence, etas: Etas, kind: GateKind) -> EventScores:
    """Gates on ETAS with a constant background."""
    rate = np.array([0.0, etas.background_rate_])
    density = rate / sequence.polygon.area_km2
    first, runs = sequence.training.start, {}
    for window in (sequence.fitted, sequence.test):
        parts = EtasParts(sequence, etas.triggering_, window.stop, sequence.span(window)[1])
        flat = np.tile(density, (window.stop - window.start, 1))
        background = BackgroundParts(flat, rate)
        runs[window.stop] = parts, background, parts.run(background, None, window)
    _, _, learned = runs[sequence.fitted.stop]
    gates = Gates(kind).fit(
        learned,
        sequence.magnitude[first : sequence.fitted.stop],
        slice(0, sequence.training.stop - first),
        slice(sequence.training.stop - first, sequence.fitted.stop - first),
    )
    parts, background, whole = runs[sequence.test.stop]
    log_gates = gates.log_gates(whole, sequence.magnitude[first:])
    window = parts.window(whole, sequence.span(sequence.test)[0], background)
    return gated(window, log_gates[-len(window.time) :])


def strike_alone(sequence: EventSequence, etas: Etas) -> EventScores:
    """Triggering along strike on ETAS with a constant background."""
    strikes = strikes_of(sequence)
    area = sequence.polygon.area_km2
    fitted = sequence.fitted
    likelihood = likelihood_of(
        sequence, np.full((fitted.stop - fitted.start, 1), 1 / area), strikes
    )
    start = np.append(np.log(etas.background_rate_), etas.triggering_.vector())
    found = climb(likelihood, start, etas.targets)
    triggering, rate = Triggering.of(found.at[1:], 0.0), float(np.exp(found.at[0]))
    targets = sequence.targets(sequence.test)
    intensity = triggering.rates_at(sequence, strikes, targets)[:, 0] + rate / area
    return scored(sequence, sequence.test, triggering, rate, intensity)


def hybrids(rows: Rows) -> None:
    """Add the hybrid, what it is without gates, and with gates set by recurrent nets."""
    sequence = rows.sequence
    hybrid = HybridEtas()
    add_hybrid(rows, HYBRID, hybrid, sequence)
    began = time.process_time()
    rows.add("mapped-etas", began, MappedEtas.score(hybrid, sequence, sequence.test))
    for kind in ("gru", "elman", "residual"):
        began = time.process_time()
        hybrid.gates = Gates(kind)
        hybrid.fit_gates(sequence)
        rows.add(f"hybrid, gates {kind}", began, hybrid.score(sequence, sequence.test))


def add_hybrid(rows: Rows, name: str, hybrid: HybridEtas, sequence: EventSequence) -> None:
    """Add a hybrid and each of its seeds."""
    began = time.process_time()
    scores = hybrid.fit(sequence).score(sequence, sequence.test)
    rows.add(name, began, scores, branching=hybrid.branching_ratio(sequence))
    nets = hybrid.gates.nets_
    seeds = []
    for net in nets:
        hybrid.gates.nets_ = [net]
        seeds.append(float(hybrid.score(sequence, sequence.test).total.mean()))
    hybrid.gates.nets_ = nets
    rows.more[name]["total_by_seed"] = seeds


def show(name: str, found: dict[str, Any]) -> None:
    """Print a set's table."""
    published = found["published_etas"]
    print(f"\n{name}: {found['events']} test events, peak {found['peak_mb']:.0f} MB")
    head = ("", "temporal", "spatial", "total", "gain over own ETAS [200] (1,000)", "exp/obs", "KS")
    print("{:30s}{:>9s}{:>9s}{:>9s}  {:43s}{:>8s}{:>7s}{:>8s}".format(*head, "CPU s"))
    print("{:30s}{temporal:9.4f}{spatial:9.4f}{total:9.4f}".format("published ETAS", **published))
    for model, row in found["models"].items():
        gains = [row["gain_over_etas"][block] for block in ("200", "1000")]
        near, wide = (f"{gain['low']:+.3f}, {gain['high']:+.3f}" for gain in gains)
        print(
            f"{model:30s}{row['temporal']['value']:9.4f}{row['spatial']['value']:9.4f}"
            f"{row['total']['value']:9.4f}  {gains[0]['value']:+.3f} [{near}] ({wide})"
            f"{row['expected_over_observed']:9.3f}{row['time_rescaling_distance']:7.3f}"
            f"{row['cpu_seconds']:8.1f}"
        )
        if "total_by_seed" in row:
            print("    seeds", " ".join(f"{seed:.4f}" for seed in row["total_by_seed"]), end="")
            print(f", branching ratio {row['branching']:.2f}")


def main() -> None:
    """Run all sets, each in a process of its own so that its memory can be told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--set", dest="only", choices=FILES)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    target = asked.out / "earthquakenpp.json"
    if asked.only:
        found = {asked.only: run(asked.only)}
        target = asked.out / f"earthquakenpp-{asked.only}.json"
    else:
        found = {}
        for name in FILES:
            command = [sys.executable, __file__, "--out", str(asked.out), "--set", name]
            subprocess.run(command, check=True)
            part = asked.out / f"earthquakenpp-{name}.json"
            found |= json.loads(part.read_text())
            part.unlink()
    for name, rows in found.items():
        show(name, rows)
    target.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
