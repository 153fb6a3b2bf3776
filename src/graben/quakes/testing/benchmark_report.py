"""The folder of a benchmark: scores by event, all figures as JSON, and a page to read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import graben
from graben.output import plain, written_folder
from graben.quakes.testing.benchmark import BenchmarkData, ScoredModel, baseline_of
from graben.report import Picture, Section, Table, Text, command_line, write_page
from graben.report.drawing import COLOURS, LINES, SMALL, WIDTH, head, labels

MARKED = 5  # at most so many shocks in the picture


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
    """Show how gains over the baseline grew event by event, the largest shocks marked."""
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    axes = figure.subplots()
    time = data.test_events["time"]
    for number, one in enumerate(scored):
        gain = np.cumsum(one.scores.total - baseline.scores.total)
        style = COLOURS[number % len(COLOURS)], LINES[number // len(COLOURS) % len(LINES)]
        axes.step(time, gain, color=style[0], ls=style[1], where="post", label=one.label)
    axes.axhline(0, color="#555555", lw=1, ls="--")
    for _, shock in _largest(data.test_events).iterrows():
        axes.axvline(shock["time"], color="#999999", lw=0.8)
        axes.annotate(
            f"M {shock['magnitude']:.1f}",
            (shock["time"], 1.01),
            xycoords=("data", "axes fraction"),
            ha="center",
            fontsize=SMALL,
        )
    labels(axes, "", f"nats gained over {baseline.label}")
    figure.legend(loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    head(figure, f"{data.benchmark.name}: cumulative gain over {baseline.label}")
    return figure


def _largest(events: pd.DataFrame) -> pd.DataFrame:
    """Return the largest shocks that stand apart in a picture of all events."""
    apart = (events["time"].iloc[-1] - events["time"].iloc[0]) / 10
    rest = events.sort_values("magnitude", ascending=False, kind="stable")
    chosen: list[pd.DataFrame] = []
    while len(rest) and len(chosen) < MARKED:
        chosen.append(rest.iloc[[0]])
        rest = rest[(rest["time"] - rest["time"].iloc[0]).abs() > apart]
    return pd.concat(chosen)


def _sections(
    data: BenchmarkData, scored: Sequence[ScoredModel], summary: Mapping[str, Any]
) -> list[Section]:
    sections = [Section("Scores", (Text(_sentences(summary), lead=True), _table(data, summary)))]
    baseline = baseline_of(scored)
    others = [one for one in scored if one is not baseline]
    if baseline is None or not others:
        return sections
    # Poisson's loss would flatten all other curves
    drawn = [one for one in others if one.kind != "poisson"] or others
    gains = [
        f"{one.label}: {summary['models'][one.label][f'gain_over_{baseline.label}']['value']:+.4f}"
        for one in drawn
    ]
    picture = Picture(
        cumulative_gain(data, drawn, baseline),
        f"Curves of the cumulative gain over {baseline.label} through the test window. Nats per "
        f"event at its end: {', '.join(gains)}.",
        "Where a curve rises the model foresaw the events better than the baseline. Grey: the "
        "largest shocks.",
        "cumulative-gain",
    )
    return [*sections, Section("When it was gained", (picture,))]


def _sentences(summary: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{summary['events']:,} events were scored; {summary['events_before_test']:,} earlier ones "
        f"are history. Convention: {summary['convention']}; "
        f"{summary['repeated_coordinates']:.1%} of the events share an epicentre with another.",
    )


def _table(data: BenchmarkData, summary: Mapping[str, Any]) -> Table:
    parts = ("temporal", "spatial", "total")
    ours: list[tuple[object, ...]] = []
    for label, row in summary["models"].items():
        gain = next((row[key] for key in row if key.startswith("gain_over_")), None)
        ours.append(
            (
                label,
                *(_with_interval(row[part]) for part in parts),
                None if gain is None else _with_interval(gain),
                f"{row['expected_over_observed']:.3f}",
                f"{row['time_rescaling_distance']:.4f}",
            )
        )
    published: list[tuple[object, ...]] = [
        (f"{name} (published)", *(f"{row[part]:.4f}" for part in parts), None, None, None)
        for name, row in summary["published"].items()
    ]
    return Table(
        "Mean log-likelihood per event: log(1/day), log(1/km2) and their sum",
        ("model", "in time", "in space", "total", "gain", "expected / observed", "clock"),
        (*ours, *published),
        "In brackets 95 % of bootstraps over blocks of 200 events; none where there are too few. "
        "Gain: total over the first ETAS model, or over Poisson without one. Clock: how far "
        "waiting times are from exponential on the model's own clock, 0 to 1; below "
        f"{1.36 / np.sqrt(len(data.test_events)):.4f} is chance.",
        tuple(range(len(ours))),
    )


def _with_interval(entry: Mapping[str, float]) -> str:
    if np.isnan(entry["low"]):
        return f"{entry['value']:.4f}"
    return f"{entry['value']:.4f} [{entry['low']:.3f}, {entry['high']:.3f}]"


def _facts(data: BenchmarkData) -> dict[str, str]:
    return {
        "command": command_line(),
        "graben": graben.__version__,
        "catalogue": data.catalog.source,
        "catalogue sha256": data.catalog.sha256(),
        "area": f"{data.sequence.polygon.area_km2:.3f} km2",
        "seed of the intervals": "0",
    }
