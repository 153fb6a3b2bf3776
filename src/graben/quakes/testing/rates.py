"""Scores of rates: log-likelihood per earthquake, each model over its baseline."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.evaluation.comparison import Interval, block_bootstrap, time_blocks
from graben.quakes.models.rates import Seen
from graben.quakes.study import Study

BASELINES = {
    "uniform": "uniform",
    "stationary": "uniform",
    "omori": "stationary",
    "grid-cnn": "omori",
    "grid-cnn without landforms": "omori",
}


def baseline_of(name: str, known: Mapping[str, Any]) -> str:
    """Return the model that a model must beat: the next simpler one that was run too."""
    wanted = BASELINES.get(name, "omori")
    return wanted if wanted in known else name


def score_rates(study: Study, seen: Mapping[str, Seen]) -> dict[str, Any]:
    """Score models of rates on the windows that they were run over.

    Parameters
    ----------
    study
        Knows what happened.
    seen
        What each model said, from `graben.quakes.models.rates.watch`; all of the same windows.

    Returns
    -------
    dict
        By box and model, each score as `value`, `low`, `high` (95 %, half-year blocks),
        `baseline` (the baseline model's value) and `baseline_model`:
        `information_gain_nats_per_event` over the land and sea map,
        `gain_over_baseline_nats_per_event`, `log_likelihood_per_event`,
        `expected_over_observed`; and the number of `events`.
    """
    return {
        box: {name: _scores(study, seen, name, number) for name in seen}
        for number, box in enumerate(study.scored)
    }


def _scores(study: Study, seen: Mapping[str, Seen], name: str, box: int) -> dict[str, Any]:
    baseline = baseline_of(name, seen)
    ours, events = log_likelihood(study, seen[name], box)
    theirs, _ = log_likelihood(study, seen[baseline], box)
    flat, _ = log_likelihood(study, seen.get("uniform", seen[baseline]), box)
    expected = _by_block(study, seen[name], seen[name].totals[box])
    expected_baseline = _by_block(study, seen[baseline], seen[baseline].totals[box])
    pairs = {
        "information_gain_nats_per_event": (ours - flat, theirs - flat),
        "log_likelihood_per_event": (ours, theirs),
        "gain_over_baseline_nats_per_event": (ours - theirs, theirs - theirs),
        "expected_over_observed": (expected, expected_baseline),
    }
    scores: dict[str, Any] = {
        score: {
            **interval_dict(block_bootstrap(values, events)),
            "baseline": float(of_baseline.sum() / events.sum()),
            "baseline_model": baseline,
        }
        for score, (values, of_baseline) in pairs.items()
    }
    return {"events": int(events.sum()), **scores}


def log_likelihood(study: Study, seen: Seen, box: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the Poisson log-likelihood and the number of events in each block of time."""
    region = list(study.scored.values())[box]
    table = study.targets
    position = np.full(len(study.issue_times) + 1, -1)
    position[seen.windows] = np.arange(seen.windows.size)
    at = position[table["window"]]
    used = (at >= 0) & region.contains(table["longitude"], table["latitude"])
    blocks = window_blocks(study, seen.windows)
    count = int(blocks.max()) + 1
    gain = np.bincount(blocks[at[used]], np.log(seen.at_events[used]), count)
    events = np.bincount(blocks[at[used]], minlength=count).astype(float)
    return gain - np.bincount(blocks, seen.totals[box], count), events


def _by_block(study: Study, seen: Seen, values: NDArray[Any]) -> NDArray[Any]:
    return np.bincount(window_blocks(study, seen.windows), values)


def window_blocks(study: Study, windows: NDArray[Any]) -> NDArray[Any]:
    """Return the number of the half-year (or of the horizon, if longer) of each window."""
    times = study.issue_times[windows].tz_localize(None).to_numpy()
    return time_blocks(times, max(182.625, float(study.quantity.horizon_days)))


def interval_dict(interval: Interval) -> dict[str, float]:
    """Return an interval in JSON's types."""
    return {"value": interval.value, "low": interval.low, "high": interval.high}
