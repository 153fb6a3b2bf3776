"""Scores of probabilities at places: everywhere and always, or on case-control samples."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.evaluation.calibration import calibration_error, molchan_curve, reliability
from graben.evaluation.comparison import block_bootstrap as bootstrap
from graben.evaluation.comparison import bootstrap_scores, paired_gain, sums_by_block
from graben.evaluation.scores import (
    AUC,
    F1,
    Accuracy,
    AveragePrecision,
    Brier,
    BrierSkill,
    ExpectedOverObserved,
    LogLoss,
    MolchanArea,
    Precision,
    Recall,
    Score,
)
from graben.quakes.models.samples import PlaceSamples
from graben.quakes.study import Study
from graben.quakes.testing.rates import interval_dict, window_blocks

ALARM = 0.1
SCORES: tuple[Score, ...] = (
    AUC(),
    AveragePrecision(),
    Brier(),
    BrierSkill(),
    MolchanArea(),
    ExpectedOverObserved(),
    LogLoss(),
    Accuracy(ALARM),
    Precision(ALARM),
    Recall(ALARM),
    F1(ALARM),
)
SAMPLED: tuple[Score, ...] = (AUC(), AveragePrecision(), BrierSkill(), ExpectedOverObserved())
RESAMPLES = 60
ALARM_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)
BASELINES = {
    "uniform": "uniform",
    "terrain": "uniform",
    "stationary": "uniform",
    "omori": "stationary",
}


class _Cases:
    """Outcomes, weights and blocks of all places of a box in some windows, flat."""

    def __init__(self, study: Study, windows: NDArray[Any], box: str) -> None:
        region = study.scored[box]
        longitude, latitude = study.places
        # a place on a box's edge belongs to it, as in the published table
        self.inside = (
            (longitude >= region.west)
            & (longitude <= region.east)
            & (latitude >= region.south)
            & (latitude <= region.north)
        )
        count = int(self.inside.sum())
        self.outcome = study.outcomes[windows][:, self.inside].ravel().astype(float)
        self.weight = np.tile(study.place_weight[self.inside], windows.size)
        self.blocks = np.repeat(window_blocks(study, windows), count)

    def flat(self, probability: NDArray[Any]) -> NDArray[Any]:
        return probability[:, self.inside].ravel().astype(np.float64)


def score_places(
    study: Study, windows: NDArray[Any], probability: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """Score probabilities over all places and windows.

    Parameters
    ----------
    study
        Knows what happened.
    windows
        Numbers of the windows.
    probability
        By model, (window, place).

    Returns
    -------
    dict
        By box and model, each score as `value`, `low`, `high` (95 %, half-year blocks),
        `baseline` and `baseline_model`. `information_gain_mnat_per_sample` is over the constant
        base rate of the box in these windows, which nobody knew beforehand: a hard reference.
        Accuracy, precision, recall and F1 are of alarms at a probability of 0.1.
    """
    found: dict[str, Any] = {}
    for box in study.scored:
        cases = _Cases(study, windows, box)
        if not cases.inside.any() or not cases.outcome.any():
            continue
        flat = {name: cases.flat(values) for name, values in probability.items()}
        scored = {name: _scores(cases, values) for name, values in flat.items()}
        found[box] = with_baselines(scored)
    return found


def _scores(cases: _Cases, probability: NDArray[Any]) -> dict[str, Any]:
    y, w, blocks = cases.outcome, cases.weight, cases.blocks
    intervals = bootstrap_scores(SCORES, probability, y, w, blocks, RESAMPLES)
    scores = {
        score.name: interval_dict(interval)
        for score, interval in zip(SCORES, intervals, strict=True)
    }
    base = np.full(y.size, np.average(y, weights=w))
    gain = paired_gain(_losses(probability, y), _losses(base, y), w, blocks)
    mnat = {key: 1e3 * value for key, value in interval_dict(gain).items()}
    error = calibration_error(probability, y, w)
    return {
        "information_gain_mnat_per_sample": mnat,
        **scores,
        "expected_calibration_error_relative": {"value": error.relative},
        "base_rate": float(base[0]),
    }


def _losses(probability: NDArray[Any], outcome: NDArray[Any]) -> NDArray[Any]:
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return -np.where(outcome > 0, np.log(p), np.log1p(-p))


def with_baselines(scored: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Put the baseline model's value beside every score."""
    for name, scores in scored.items():
        baseline = BASELINES.get(name, "omori")
        if baseline not in scored:
            baseline = name
        for score, entry in scores.items():
            if isinstance(entry, dict):
                entry["baseline"] = scored[baseline][score]["value"]
                entry["baseline_model"] = baseline
    return scored


def score_samples(
    study: Study, drawn: PlaceSamples, probability: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """Score probabilities on case-control samples, weighted back to area and time.

    Parameters
    ----------
    study
        Where the samples are from.
    drawn
        The samples.
    probability
        By model, (sample,); `omori` must be among them.

    Returns
    -------
    dict
        By model: `information_gain_mnat_per_sample` with interval and baseline,
        `gain_over_omori_mnat_per_sample` with interval, `share_of_omori_gain` with interval,
        `auc`, `average_precision`, `brier_skill`, `expected_over_observed`.
    """
    windows, window = np.unique(drawn.window, return_inverse=True)
    blocks = window_blocks(study, windows)[window]
    y, w = drawn.outcome.astype(float), drawn.weight
    base = _losses(np.full(y.size, np.average(y, weights=w)), y)
    omori = _losses(probability["omori"], y)
    scored: dict[str, dict[str, Any]] = {}
    for name, p in probability.items():
        loss = _losses(p, y)
        share = bootstrap(
            sums_by_block(base - loss, w, blocks)[0], sums_by_block(base - omori, w, blocks)[0]
        )
        over = paired_gain(loss, omori, w, blocks)
        scored[name] = {
            "information_gain_mnat_per_sample": _mnat(paired_gain(loss, base, w, blocks)),
            "gain_over_omori_mnat_per_sample": _mnat(over),
            "share_of_omori_gain": interval_dict(share),
            **{
                score.name: interval_dict(interval)
                for score, interval in zip(
                    SAMPLED, bootstrap_scores(SAMPLED, p, y, w, blocks, RESAMPLES), strict=True
                )
            },
        }
    return with_baselines(scored)


def _mnat(interval: Any) -> dict[str, float]:
    return {key: 1e3 * value for key, value in interval_dict(interval).items()}


def curves(
    study: Study, windows: NDArray[Any], probability: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """Return reliability tables and Molchan curves over the whole region, by model.

    The observed frequencies carry 95 % intervals from half-year blocks.
    """
    cases = _Cases(study, windows, study.region_name)
    tables: dict[str, Any] = {}
    lines: dict[str, Any] = {}
    for name, values in probability.items():
        p = cases.flat(values)
        table = reliability(p, cases.outcome, cases.weight)
        low, high = [], []
        for lower, upper in zip(table.low, table.high, strict=True):
            group = (p >= lower) & ((p < upper) | (upper == 1))
            sums = sums_by_block(cases.outcome[group], cases.weight[group], cases.blocks[group])
            held = sums[1] > 0
            enough = held.sum() > 1
            interval = bootstrap(*sums, n=500) if enough else None
            low.append(interval.low if interval else None)
            high.append(interval.high if interval else None)
        tables[name] = {
            "from": table.low.tolist(),
            "to": table.high.tolist(),
            "expected": table.expected.tolist(),
            "observed": table.observed.tolist(),
            "low": low,
            "high": high,
            "count": table.count.tolist(),
        }
        curve = molchan_curve(p, cases.outcome, cases.weight)
        lines[name] = {
            "alarm": curve.alarm.tolist(),
            "missed": curve.missed.tolist(),
            "area": MolchanArea().compute(p, cases.outcome, cases.weight),
        }
    return {"reliability": tables, "molchan": lines}


def alarm_table(
    study: Study, windows: NDArray[Any], probability: NDArray[Any], box: str
) -> list[dict[str, float]]:
    """Return what alarms over the most likely share of area and time would have caught.

    Returns
    -------
    list of dict
        `area_share` of area and time under alarm, `probability` from which it rings, and
        `caught`: the share of the struck area and time that lay under it.
    """
    cases = _Cases(study, windows, box)
    curve = molchan_curve(cases.flat(probability), cases.outcome, cases.weight, points=2000)
    rows = []
    for share in ALARM_SHARES:
        threshold = np.interp(share, curve.alarm[1:], curve.threshold[1:])
        rows.append(
            {
                "area_share": share,
                "probability": float(threshold),
                "caught": 1 - curve.missed_at(share),
            }
        )
    return rows
