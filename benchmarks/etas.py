"""What fitting space-time ETAS takes and gives, beside a plain fit and the published scores.

Four tables: fits of the EarthquakeNPP sets, each in a process of its own; scoring ComCat_25 from
given parameters; how the fit grows with the number of events; and the same fit by a plain double
loop in double precision, climbed by SciPy's L-BFGS-B with a numerical gradient, on the last 2,000
events before the test start of SanJac_10. Needs the EarthquakeNPP catalogues in the folder named by
GRABEN_REFERENCE_DATA (by default ../shared/data) and about eight minutes, two of them for the plain
loop:

    python benchmarks/etas.py --out out/bench

CPU seconds are those of all threads, without compiling. Peaks of memory are of the whole process,
with its imports, the catalogue and the compiler. etas.json is written anew after each part.
"""

import argparse
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid
from scipy.optimize import minimize

from graben.quakes.formats import read_catalog
from graben.quakes.models.etas import FIRST_GUESS, Etas
from graben.quakes.models.etas_fit import likelihood_of
from graben.quakes.models.etas_likelihood import EtasLikelihood, Triggering
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.polygon import read_polygon
from graben.quakes.sequence import EventSequence, Windows
from graben.quakes.testing.benchmark import BenchmarkData, read_benchmark

SETS = ("SanJac_10", "ComCat_25", "SCEDC_20", "SCEDC_25", "SCEDC_30")
FILES = {
    "SanJac": ("EarthquakeNPP_SanJac_10_jittered.csv.gz", "SanJac_shape.npy"),
    "ComCat": ("EarthquakeNPP_ComCat_25_jittered.csv.gz", "ComCat_california_shape.npy"),
    "SCEDC": ("EarthquakeNPP_SCEDC_20_jittered.csv.gz", "SCEDC_shape.npy"),
}
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
PLAIN_EVENTS = 2_000
GROWTH = (5_000, 10_000, 20_000, 50_000, 100_000)


def benchmark_data(name: str) -> BenchmarkData:
    """Return a set and its events, on jittered coordinates."""
    folder = Path(os.environ.get("GRABEN_REFERENCE_DATA", "../shared/data")) / "catalogs"
    catalog, polygon = FILES[name.split("_")[0]]
    return BenchmarkData.of(
        read_benchmark(name), read_catalog(folder / catalog), read_polygon(folder / polygon)
    )


def in_fresh_process(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Run something alone, so that its peak of memory is its own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(work, *arguments).result()


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return what something gives, and the CPU and wall seconds that it took."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    return found, {
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
    }


def last_before_test(sequence: EventSequence, events: int) -> EventSequence:
    """Return a sequence whose training starts so late that it learns from about `events`."""
    stop, windows = sequence.test.start, sequence.windows
    first = windows.moments[0] + pd.Timedelta(days=float(np.floor(sequence.time[stop - events])))
    start = f"{first:%Y-%m-%d}"
    eve = f"{windows.moments[3] - pd.Timedelta(days=1):%Y-%m-%d}"
    later = Windows(start, start, eve, windows.test_start, windows.test_end)
    shift = (later.moments[0] - windows.moments[0]) / pd.Timedelta(days=1)
    kept = sequence.time >= shift
    return replace(
        sequence,
        time=sequence.time[kept] - shift,
        longitude=sequence.longitude[kept],
        latitude=sequence.latitude[kept],
        magnitude=sequence.magnitude[kept],
        windows=later,
    )


def compile_kernels(sequence: EventSequence) -> None:
    """Fit and score a few events, so that what follows is not compiled any more."""
    few = last_before_test(sequence, 300)
    Etas().fit(few).score(few, few.test)


def fit_set(name: str) -> dict[str, Any]:
    """Fit and score one set."""
    data = benchmark_data(name)
    sequence = data.sequence
    compile_kernels(sequence)
    model, took = timed(lambda: Etas().fit(sequence))
    scores = model.score(sequence, sequence.test)
    published = data.benchmark.published["etas"]
    return {
        "events_learned_from": sequence.fitted.stop - sequence.fitted.start,
        "test_events": sequence.test.stop - sequence.test.start,
        **took,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "branching_ratio": model.branching_ratio(sequence),
        "temporal": float(scores.temporal.mean()),
        "spatial": float(scores.spatial.mean()),
        "total": float(scores.total.mean()),
        "published_temporal": published.temporal,
        "published_spatial": published.spatial,
        "published_total": published.total,
    }


def fit_cut(events: int) -> dict[str, Any]:
    """Fit the last events of SCEDC_20 before its test start."""
    whole = benchmark_data("SCEDC_20").sequence
    compile_kernels(whole)
    sequence = last_before_test(whole, events)
    _, took = timed(lambda: Etas().fit(sequence))
    return {"events": sequence.fitted.stop - sequence.fitted.start, **took}


def score_published() -> dict[str, Any]:
    """Score the test window of ComCat_25 from the published parameters."""
    sequence = benchmark_data("ComCat_25").sequence
    compile_kernels(sequence)
    model = Etas.with_parameters(PUBLISHED, sequence.polygon.area_km2)
    scores, took = timed(lambda: model.score(sequence, sequence.test))
    return {
        **took,
        "temporal": float(scores.temporal.mean()),
        "spatial": float(scores.spatial.mean()),
    }


@numba.njit
def plain_intensities(first, last, time, east, north, cosine, sine, excess, law):  # type: ignore[no-untyped-def]
    """Sum the kernel over all earlier events of each target, in double precision."""
    k0, a, c, omega, tau, d, gamma, rho = law
    out = np.zeros(last - first)
    for i in range(first, last):
        for j in range(i):
            age = time[i] - time[j]
            if age <= 0:
                continue
            dx = (east[i] - east[j]) * (cosine[i] * cosine[j] - sine[i] * sine[j])
            dy = north[i] - north[j]
            out[i - first] += (
                k0
                * np.exp(a * excess[j] - age / tau)
                * (age + c) ** -(1 + omega)
                * (dx * dx + dy * dy + d * np.exp(gamma * excess[j])) ** -(1 + rho)
            )
    return out


def plain_value(at: NDArray[Any], sequence: EventSequence) -> float:
    """Return the mean log-likelihood, turned in sign, by the definition."""
    log_rate, log_k0, a, log_c, omega, log_tau, log_d, gamma, rho = at
    c, tau, d = np.exp([log_c, log_tau, log_d])
    fitted, excess = sequence.fitted, sequence.excess
    half = np.radians(sequence.latitude) / 2
    intensity = np.exp(log_rate) / sequence.polygon.area_km2 + plain_intensities(
        fitted.start,
        fitted.stop,
        sequence.time,
        sequence.east_km,
        sequence.north_km,
        np.cos(half),
        np.sin(half),
        excess,
        (np.exp(log_k0), a, c, omega, tau, d, gamma, rho),
    )
    start, end = sequence.span(fitted)
    grid = np.linspace(np.log(c), np.log(c + end), 20_001)
    below = cumulative_trapezoid(np.exp(-omega * grid - (np.exp(grid) - c) / tau), grid, initial=0)
    age = sequence.time[: fitted.stop]
    from_start, to_end = (
        np.interp(np.log(np.maximum(day - age, 0) + c), grid, below) for day in (start, end)
    )
    core = d * np.exp(gamma * excess[: fitted.stop])
    produced = np.exp(log_k0 + a * excess[: fitted.stop]) * np.pi / (rho * core**rho)
    expected = produced @ (to_end - from_start) + np.exp(log_rate) * (end - start)
    return -float(np.log(intensity).sum() - expected) / intensity.size


def uniform_likelihood(sequence: EventSequence) -> EtasLikelihood:
    """Return the likelihood of a constant background."""
    events = sequence.fitted.stop - sequence.fitted.start
    return likelihood_of(sequence, np.full((events, 1), 1 / sequence.polygon.area_km2))


def beside_plain() -> dict[str, Any]:
    """Fit the same events from the same start by `Etas` and by the plain double loop."""
    whole = benchmark_data("SanJac_10").sequence
    compile_kernels(whole)
    sequence = last_before_test(whole, PLAIN_EVENTS)
    likelihood = uniform_likelihood(sequence)
    background = np.log(0.5 * likelihood.targets.size / likelihood.days)
    start = np.concatenate([[background], Triggering(FIRST_GUESS).vector()[:-1]])
    plain_value(start, last_before_test(whole, 300))
    low, high = likelihood.bounds
    bounds = list(zip(low[:-1], high[:-1], strict=True))
    model, took = timed(lambda: Etas().fit(sequence))
    plain, plain_took = timed(
        lambda: minimize(plain_value, start, (sequence,), method="L-BFGS-B", bounds=bounds)
    )
    every = uniform_likelihood(whole)
    at = np.append(start, 0.0)
    _, gradient_took = timed(lambda: every(at))
    _, plain_gradient_took = timed(lambda: plain_value(start, whole))
    plain_gradient = (start.size + 1) * plain_gradient_took["cpu_seconds"]
    return {
        "events": likelihood.targets.size,
        "log_likelihood": model.log_likelihood_,
        "plain_log_likelihood": -float(plain.fun),
        "cpu_seconds": took["cpu_seconds"],
        "plain_cpu_seconds": plain_took["cpu_seconds"],
        "plain_evaluations": int(plain.nfev),
        "ratio": plain_took["cpu_seconds"] / took["cpu_seconds"],
        "whole_events": every.targets.size,
        "whole_gradient_cpu_seconds": gradient_took["cpu_seconds"],
        "whole_plain_gradient_cpu_seconds": plain_gradient,
        "whole_gradient_ratio": plain_gradient / gradient_took["cpu_seconds"],
    }


def growth_exponent(rows: list[dict[str, Any]]) -> float:
    """Return the power of the number of events by which CPU seconds grow, from end to end."""
    first, last = rows[0], rows[-1]
    return float(
        np.log(last["cpu_seconds"] / first["cpu_seconds"])
        / np.log(last["events"] / first["events"])
    )


def draw_growth(rows: list[dict[str, Any]], exponent: float, path: Path) -> None:
    """Draw CPU seconds over the number of events."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.loglog(*zip(*((row["events"], row["cpu_seconds"]) for row in rows), strict=True), "o-")
    axes.set_xlabel("events learned from")
    axes.set_ylabel("CPU seconds of the fit")
    axes.set_title(f"ETAS on cuts of SCEDC_20: grows with power {exponent:.2f}")
    axes.grid(which="both", alpha=0.3)
    figure.savefig(path, dpi=150)


def shown(title: str, row: dict[str, Any]) -> dict[str, Any]:
    """Print one row of a table, and return it."""
    numbers = "   ".join(f"{name} {value:,.4g}" for name, value in row.items())
    print(f"{title:12s}{numbers}", flush=True)
    return row


def main() -> None:
    """Measure, print the tables, write etas.json and etas_growth.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"threads": numba.get_num_threads(), "fits": {}, "growth": []}

    def write() -> None:
        (out / "etas.json").write_text(json.dumps(found, indent=2) + "\n")

    for name in SETS:
        found["fits"][name] = shown(name, in_fresh_process(fit_set, name))
        write()
    found["scoring_from_given_parameters"] = shown("given", in_fresh_process(score_published))
    for events in GROWTH:
        found["growth"].append(shown("growth", in_fresh_process(fit_cut, events)))
    found["growth_exponent"] = exponent = growth_exponent(found["growth"])
    print(f"CPU seconds grow with the power {exponent:.2f} of the number of events")
    draw_growth(found["growth"], exponent, out / "etas_growth.png")
    write()
    found["beside_plain"] = shown("plain", in_fresh_process(beside_plain))
    write()


if __name__ == "__main__":
    main()
