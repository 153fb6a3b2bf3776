"""Is a fault seen less when its throw is taken away, and does the spread of looks tell of errors?

Throw: each of 200 synthetic faults, alone in its scene, is rendered with its whole slip, three
quarters, half, a quarter of it and none; layers, wavelet and noise stay. The net is asked in the
label of the whole fault each time. A fault counts as monotone if no step raises the mean
probability there by more than 0.01; without any tolerance is printed beside. Throws of more than
about two samples are resolved, and more of it makes a fault no clearer: so the same is asked of the
way from there to nothing, in four even steps of half a sample of mean throw. (That second series
was added after the first had been seen.)

Spread: on synthetic images that no net learned from, samples are wrong where the calibrated
probability is on the wrong side of one half. How well the spread of the looks tells wrong samples
from right ones (AUC) stands beside how well nearness to one half does; and what the spread adds
where that is alike: AUC within each of ten bins of it.

Attributes: how much of the variance of the net a shallow tree of attributes tells, which attributes
that tree needs, and whether attributions depend on what was learned (rank correlation with those of
random weights).

    python benchmarks/imaging_explain.py --model out/volume --out out/bench

Five minutes of one core for the net of volumes, somewhat more for that of sections.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from graben.cli.console import progress_bar
from graben.evaluation import AUC, block_bootstrap, calibration_error
from graben.imaging import draw_window, in_memory_volume
from graben.imaging.explained import explain_pick
from graben.imaging.imitation import ATTRIBUTES
from graben.imaging.models.faults import FaultNet
from graben.imaging.throw_series import FACTORS, draw_fault_window, take_throw_away
from graben.learning.threads import torch_threads
from graben.progress import shown_by, track

TOLERANCE = 0.01
RESOLVED = 2.0  # samples of throw
SEEN = 0.3  # mean probability from which a fault with its whole slip counts as seen
KEY = {"throw": 31, "spread": 32, "attributes": 33}
SHAPES = {"volume": (48, 48, 64), "section": (1, 96, 96), "best": (48, 48, 64)}
IMAGES = {"volume": (64, 64, 64), "line": (1, 128, 128)}
COUNTS = {"volume": 12, "line": 48}
BINS = 10


def throw_rows(model: FaultNet, count: int) -> dict[str, Any]:
    """Take the throw of `count` faults away."""
    shape = SHAPES[model.preset]
    series, low = [], []
    for number in track(range(count), "throws"):
        window = draw_fault_window(np.random.default_rng([KEY["throw"], number]), shape)
        series.append(take_throw_away(model, window))
        start = min(RESOLVED / series[-1].throw[0], 1.0)
        low.append(take_throw_away(model, window, tuple(start * factor for factor in FACTORS)))
    probability = np.array([one.probability for one in series])
    throw = np.array([one.throw for one in series])
    seen = probability[:, 0] >= SEEN
    table = {
        "monotone": [one.falls(TOLERANCE) for one in series],
        "monotone from two samples down": [one.falls(TOLERANCE) for one in low],
        "monotone from two samples down, strictly": [one.falls() for one in low],
        "monotone, strictly": [one.falls() for one in series],
        "monotone within 0.05": [one.falls(0.05) for one in series],
        "monotone within 0.1": [one.falls(0.1) for one in series],
        "lowest without throw": list(probability.argmin(axis=1) == len(FACTORS) - 1),
        "lower without throw than with all": list(probability[:, -1] < probability[:, 0]),
        "monotone, of the faults that are seen": [
            one.falls(TOLERANCE) for one, is_seen in zip(series, seen, strict=True) if is_seen
        ],
    }
    rates = {
        name: {**interval(np.array(values, float)), "faults": len(values)}
        for name, values in table.items()
    }
    rises = np.diff(probability, axis=1).max(axis=1)
    return {
        "window": shape,
        "faults": count,
        "seen": int(seen.sum()),
        "rates": rates,
        "largest_rise": {"median": float(np.median(rises)), "max": float(rises.max())},
        "factors": FACTORS,
        "mean_throw": throw.mean(axis=0).tolist(),
        "mean_probability": probability.mean(axis=0).tolist(),
        "probabilities": probability.tolist(),
    }


def interval(values: np.ndarray) -> dict[str, float]:
    """Give a mean with its 95 % interval."""
    if len(values) < 2:
        return {"value": float("nan"), "low": float("nan"), "high": float("nan")}
    one = block_bootstrap(values)
    return {"value": one.value, "low": one.low, "high": one.high}


def spread_rows(model: FaultNet, kind: str) -> dict[str, Any]:
    """Tell what the spread of looks says of errors on one kind of image."""
    found: list[dict[str, float]] = []
    kept = []
    for number in track(range(COUNTS[kind]), f"spread on {kind}s"):
        one = draw_window(np.random.default_rng([KEY["spread"], number]), IMAGES[kind])
        seen = model.predict(one.amplitude, spread=True)
        said, spread = seen.probability.ravel(), seen.spread.ravel()
        truth = one.fault.ravel()
        kept.append(np.stack([said, spread, truth], axis=1)[:: 1 if kind == "line" else 4])
        wrong = (said >= 0.5) != truth
        unsure = 0.5 - np.abs(said - 0.5)
        edges = np.quantile(unsure, np.linspace(0, 1, BINS + 1)[1:-1])
        place = np.digitize(unsure, edges)
        within = [  # of equal ones, far from one half, there may be more than a bin holds
            AUC().compute(spread[place == bin_], wrong[place == bin_]) for bin_ in np.unique(place)
        ]
        row = {"spread": AUC().compute(spread, wrong), "nearness": AUC().compute(unsure, wrong)}
        row["spread, nearness alike"] = float(np.nanmean(within)) if wrong.any() else float("nan")
        found.append(row)
    said, spread, truth = np.concatenate(kept).T
    wrong = (said >= 0.5) != (truth > 0)
    edges = np.quantile(spread, np.linspace(0, 1, 6)[1:-1])
    place = np.digitize(spread, edges)
    bins = [
        {
            "spread": float(spread[place == bin_].mean()),
            "error": float(wrong[place == bin_].mean()),
            "probability": float(said[place == bin_].mean()),
            "faults": float(truth[place == bin_].mean()),
        }
        for bin_ in np.unique(place)
    ]
    values = {name: np.array([row[name] for row in found]) for name in found[0]}
    known = {name: interval(one[~np.isnan(one)]) for name, one in values.items()}
    difference = values["spread"] - values["nearness"]
    known["spread - nearness"] = interval(difference[~np.isnan(difference)])
    return {
        "images": len(found),
        "auc_for_errors": known,
        "error": float(wrong.mean()),
        "calibration_error": calibration_error(said, truth > 0, bins=15, by="count").plain,
        "fifths_by_spread": bins,
    }


def attribute_rows(model: FaultNet, count: int) -> dict[str, Any]:
    """Explain the surest right pick of some synthetic images."""
    kind = "line" if model.preset == "section" else "volume"
    found = []
    for number in track(range(count), "picks"):
        one = draw_window(np.random.default_rng([KEY["attributes"], number]), IMAGES[kind])
        if not one.fault.any():
            continue
        said = np.where(one.fault, model.predict(one.amplitude).probability, 0)
        index = tuple(int(at) for at in np.unravel_index(said.argmax(), said.shape))
        found.append(explain_pick(in_memory_volume(one.amplitude), model, index))
    fidelity = np.array([one.imitation.fidelity for one in found])
    return {
        "picks": len(found),
        "fidelity": interval(fidelity),
        "correlation_with_untrained": interval(np.array([one.randomised for one in found])),
        "importance": {
            name: interval(np.array([one.imitation.importance[name] for one in found]))
            for name in ATTRIBUTES
        },
    }


def show(found: dict[str, Any]) -> None:
    """Print the tables."""
    throw = found["throw"]
    for name, one in throw["rates"].items():
        print("{:42s} {value:.3f} [{low:.3f}, {high:.3f}] of {faults}".format(name, **one))
    for factor, depth, mean in zip(
        throw["factors"], throw["mean_throw"], throw["mean_probability"], strict=True
    ):
        print(f"slip x {factor:4.2f}: mean throw {depth:5.2f} samples, probability {mean:.3f}")
    for kind in IMAGES:
        rows = found[f"spread, {kind}"]
        for name, one in rows["auc_for_errors"].items():
            print("{:6s} AUC for errors of {:24s} {value:.3f} [{low:.3f}, {high:.3f}]"
                  .format(kind, name, **one))  # fmt: skip
        fifths = "  ".join(
            "{spread:.3f}:{error:.3f}".format(**one) for one in rows["fifths_by_spread"]
        )
        print(f"{kind:6s} spread:error by fifths  {fifths}; all {rows['error']:.3f}; calibration "
              f"error {rows['calibration_error']:.3f}")  # fmt: skip
    matter = found["attributes"]
    for name in ("fidelity", "correlation_with_untrained"):
        print("{:42s} {value:.3f} [{low:.3f}, {high:.3f}]".format(name, **matter[name]))
    for name, one in matter["importance"].items():
        print("importance of {:28s} {value:.3f} [{low:.3f}, {high:.3f}]".format(name, **one))


def main() -> None:
    """Measure, print, and write imaging_explain_PRESET.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="volume", help="one that ships, or a folder")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--picks", type=int, default=6)
    asked = parser.parse_args()
    model = FaultNet.load(asked.model)
    with torch_threads(1):
        found = {"preset": model.preset, "throw": throw_rows(model, asked.faults)}
        for kind in IMAGES:
            found[f"spread, {kind}"] = spread_rows(model, kind)
        found["attributes"] = attribute_rows(model, asked.picks)
    show(found)
    asked.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=2)
    (asked.out / f"imaging_explain_{model.preset}.json").write_text(text + "\n")


if __name__ == "__main__":
    with shown_by(progress_bar):
        main()
