"""The folder of a benchmark: scores by event, all figures as JSON, and a page to read."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import graben
from graben.output import plain, written_folder
from graben.quakes.figure_parts import COLOURS, LINES, SMALL, WIDTH, head, labels
from graben.quakes.testing.benchmark import BenchmarkData, ScoredModel, baseline_of
from graben.report import Picture, Section, Table, Text, write_page

MARKED = 5  # so many of the largest events are marked in the picture


def write_benchmark(
    out: Path, data: BenchmarkData, scored: Sequence[ScoredModel], summary: Mapping[str, Any]
) -> None:
    """Write scores.csv (one row per test event), scores.json and report.html.

    Parameters
    ----------
    out
        New, empty or an earlier result.
    data, scored, summary
        The benchmark, its scored models, and what `summarise` says of them.

    Raises
    ------
    InputError, OutputError
        The place is not writable, or no space is left.
    """
    with written_folder(out) as folder:
        event_scores(data, scored).to_csv(folder / "scores.csv", index=False)
        text = json.dumps(plain(summary), indent=2)
        (folder / "scores.json").write_text(text + "\n", encoding="utf-8")
        write_page(
            folder / "report.html",
            f"Benchmark {data.benchmark.name}",
            f"Log-likelihood per event from {data.benchmark.test_start} to "
            f"{data.benchmark.test_end}, M {data.benchmark.completeness_magnitude:g} or more",
            _sections(data, scored, summary),
            _facts(data),
        )


def event_scores(data: BenchmarkData, scored: Sequence[ScoredModel]) -> pd.DataFrame:
    """Return temporal, spatial and total log-likelihood of each test event under each model."""
    columns: dict[str, Any] = {
        "event_id": data.test_events["event_id"].to_numpy(),
        "time": data.test_events["time"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ").to_numpy(),
    }
    for one in scored:
        for part in ("temporal", "spatial", "total"):
            columns[f"{one.label}_{part}"] = getattr(one.scores, part)
    return pd.DataFrame(columns)


def cumulative_gain(
    data: BenchmarkData, scored: Sequence[ScoredModel], baseline: ScoredModel
) -> Figure:
    """Show how the gain over the baseline grew event by event, the largest shocks marked."""
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    axes = figure.subplots()
    events = data.test_events
    others = [one for one in scored if one is not baseline]
    for number, one in enumerate(others):
        gain = np.cumsum(one.scores.total - baseline.scores.total)
        style = COLOURS[number % len(COLOURS)], LINES[number // len(COLOURS) % len(LINES)]
        axes.step(events["time"], gain, color=style[0], ls=style[1], where="post", label=one.label)
    axes.axhline(0, color="#555555", lw=1, ls="--")
    for _, shock in events.nlargest(MARKED, "magnitude").iterrows():
        axes.axvline(shock["time"], color="#999999", lw=0.8)
        axes.annotate(
            f"M {shock['magnitude']:.1f}",
            (shock["time"], 1),
            xycoords=("data", "axes fraction"),
            rotation=90,
            va="top",
            ha="right",
            fontsize=SMALL,
        )
    labels(axes, "", f"nats gained over {baseline.label}")
    figure.legend(loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    head(figure, f"{data.benchmark.name}: cumulative gain over {baseline.label}")
    return figure


def _sections(
    data: BenchmarkData, scored: Sequence[ScoredModel], summary: Mapping[str, Any]
) -> list[Section]:
    sections = [Section("Scores", (Text(_sentences(summary), lead=True), _table(data, scored)))]
    baseline = baseline_of(scored)
    if baseline is None or len(scored) < 2:
        return sections
    gains = [
        f"{label}: {row[f'gain_over_{baseline.label}']['value']:+.4f}"
        for label, row in summary["models"].items()
        if label != baseline.label
    ]
    picture = Picture(
        cumulative_gain(data, scored, baseline),
        f"Curves of the cumulative gain over {baseline.label} through the test window, nats per "
        f"event at its end: {', '.join(gains)}.",
        "Where a curve rises the model foresaw the events better than the baseline. Grey: the "
        f"{MARKED} largest shocks.",
        "cumulative-gain",
    )
    return [*sections, Section("When it was gained", (picture,))]


def _sentences(summary: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{summary['events']:,} events were scored; {summary['events_before_test']:,} earlier ones "
        f"are history. Convention: {summary['convention']}; "
        f"{summary['repeated_coordinates']:.1%} of the events share an epicentre with another.",
    )


def _table(data: BenchmarkData, scored: Sequence[ScoredModel]) -> Table:
    ours: list[tuple[object, ...]] = [
        (
            one.label,
            one.likelihood.temporal.value,
            one.likelihood.spatial.value,
            one.likelihood.total.value,
            one.likelihood.total.low,
            one.likelihood.total.high,
            one.likelihood.expected_over_observed,
            one.likelihood.time_rescaling_distance,
        )
        for one in scored
    ]
    published = [
        (f"{name} (published)", row.temporal, row.spatial, row.total, None, None, None, None)
        for name, row in data.benchmark.published.items()
    ]
    return Table(
        "Mean log-likelihood per event: log(1/day), log(1/km2) and their sum",
        ("model", "in time", "in space", "total", "low", "high", "expected / observed", "clock"),
        (*ours, *published),
        "Low and high bound the total: 95 % of bootstraps over blocks of 200 events; a dash where "
        "there are too few. Clock: how far waiting times are from exponential on the model's own "
        "clock, 0 to 1.",
        tuple(range(len(ours))),
    )


def _facts(data: BenchmarkData) -> dict[str, str]:
    return {
        "command": " ".join(["graben", *sys.argv[1:]]),
        "graben": graben.__version__,
        "catalogue": data.catalog.source,
        "catalogue sha256": data.catalog.sha256(),
        "area": f"{data.sequence.polygon.area_km2:.3f} km2",
        "seed of the intervals": "0",
    }
