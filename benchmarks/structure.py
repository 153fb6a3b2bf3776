"""Closures, flat spots, salt and relative geologic time on 32 synthetic cubes, beside baselines.

    python benchmarks/structure.py --out out/bench      # 8 CPU minutes

The cubes are drawn from seeds that neither training nor calibration uses, as the generator draws
them. Thresholds of the net and of the baselines are chosen on other cubes, those that the net is
calibrated on. Objects are connected samples; two agree where their overlap is a fifth of their
union, and else an object that was said is right where half of it lies in a true one, and a true
one is found where half of it lies in what was said. Baselines: for objects, the envelope over what
is usual at its depth; for salt, places that are weak and unlike their neighbours; for time, the
sample itself; dips of the structure tensor integrated slice by slice (least squares), as they are
and ("trusted") with less weight where traces are unlike each other; and ("windows") what the net's
answers are worked up to, but with windows of the traces in their place, so that traces are matched
by their normalised correlation. 95 % intervals are over resampled cubes.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from graben.cli.console import say
from graben.imaging.attributes import semblance
from graben.imaging.brightness import envelope_ratio, usual_envelope
from graben.imaging.models.geologic_time import time_by_layers
from graben.imaging.models.horizons import forward_in_time, integrated_dips
from graben.imaging.models.layer_net import STEP, Described
from graben.imaging.models.structure import CLASSES, Candidates, StructureNet, trusted_dips
from graben.imaging.models.structure_calibration import LEAST_TRUE
from graben.imaging.models.structure_objects import Matches, match, objects_of
from graben.imaging.models.structure_samples import StructureImages
from graben.imaging.models.structure_scores import PERIOD, TimeScores, salt_overlap, time_scores
from graben.imaging.structure import dips
from graben.imaging.synthetic import Synthetic, draw_window
from graben.learning.threads import torch_threads
from graben.output import written_file

SHAPE = (96, 96, 96)
CUBES, CHOOSING = 32, 120
RESAMPLES = 2000
RATIOS = (1.2, 1.5, 1.8, 2.1, 2.5, 3.0, 3.5)
LEASTS = (20, 50, 100, 200, 400, 800)
WEAK = (0.25, 0.4, 0.55, 0.7)
UNLIKE = (0.25, 0.35, 0.5, 1.01)
SALT_LEASTS = (500, 4000)
SMOOTH = 9
OBJECTS = ("closure", "flat_spot")
TIMES = ("flat", "dips", "trusted", "windows")
TIMED = 16  # cubes that windows are chosen on

Floats = NDArray[np.float32]


class SaltRule(NamedTuple):
    """Salt is where the envelope is weaker and the semblance lower than these, in large objects."""

    weak: float
    unlike: float
    least: int


@dataclass(frozen=True)
class Windows:
    """Describes a sample by the samples of its trace around it.

    Parameters
    ----------
    half
        Samples before and behind it.
    sharpness
        What a correlation of 1 counts, as a logarithm of odds.
    least
        Correlation from which on two samples are likelier the same layer than none is.
    """

    half: int
    sharpness: float
    least: float

    def describe(self, image: Floats) -> Described:
        """Describe an image, as `LayerNet` does."""
        around = np.pad(image[::STEP, ::STEP], [(0, 0), (0, 0), (self.half, self.half)])
        windows = np.lib.stride_tricks.sliding_window_view(around, 2 * self.half + 1, axis=2)
        length = np.linalg.norm(windows, axis=3, keepdims=True)
        numbers = self.sharpness**0.5 * windows / np.maximum(length, 1e-6)
        return Described(numbers.astype(np.float32), self.sharpness * self.least)


WINDOWS = [Windows(*one) for one in product((6, 10, 14), (5.0, 10.0, 20.0), (0.3, 0.6))]


def test_cube(number: int) -> Synthetic:
    """Draw a cube that only this benchmark uses."""
    return draw_window(
        np.random.default_rng(np.random.SeedSequence([2026, 5, number])), SHAPE, "full"
    )


def brightness(one: Synthetic) -> Floats:
    """Give the envelope over what is usual at its depth."""
    image = one.amplitude
    return envelope_ratio(image, usual_envelope(image.reshape(-1, image.shape[2])))


def salt_measures(one: Synthetic) -> tuple[Floats, Floats]:
    """Give smoothed brightness and semblance."""
    smooth = (
        uniform_filter(values, SMOOTH) for values in (brightness(one), semblance(one.amplitude))
    )
    weak, alike = smooth
    return weak, alike


def salt_said(measures: tuple[Floats, Floats], rule: SaltRule) -> NDArray[np.bool_]:
    """Apply a rule."""
    mask = (measures[0] < rule.weak) & (measures[1] < rule.unlike)
    said = np.zeros(mask.shape, bool)
    for places in objects_of(mask, rule.least):
        said.reshape(-1)[places] = True
    return said


def time_of(residual: Floats) -> Floats:
    """Give the time from what it is less the sample."""
    return forward_in_time(np.add(residual, np.arange(SHAPE[2]), dtype=np.float32))


def chosen_windows(cubes: Iterable[Synthetic]) -> Windows:
    """Choose the windows whose horizons are least off."""
    off = np.zeros(len(WINDOWS))
    for one in cubes:
        for place, windows in enumerate(WINDOWS):
            told = time_of(time_by_layers(windows, one.amplitude))
            off[place] += np.nan_to_num(time_scores(told, one, PERIOD).horizon)
    return WINDOWS[int(off.argmin())]


def chosen(cubes: StructureImages) -> tuple[dict[str, Candidates], SaltRule]:
    """Choose the thresholds of the baselines on cubes that are not scored."""
    found: dict[tuple[str, float, int], Matches] = {}
    overlaps: dict[SaltRule, NDArray[np.int64]] = {}
    for number in range(len(cubes)):
        one = cubes.image(number)
        ratio, measures = brightness(one), salt_measures(one)
        for threshold in RATIOS:
            objects = objects_of(ratio >= threshold, LEASTS[0])
            for name in OBJECTS:
                true = objects_of(getattr(one, name), LEAST_TRUE)
                for least in LEASTS:
                    said = [places for places in objects if len(places) >= least]
                    key = name, threshold, least
                    found[key] = found.get(key, Matches(0, 0, 0, 0)) + match(said, true)[0]
        for weak in WEAK:
            for unlike in UNLIKE:
                for least in SALT_LEASTS:
                    rule = SaltRule(weak, unlike, least)
                    overlap = salt_overlap(salt_said(measures, rule), np.asarray(one.salt))
                    overlaps[rule] = overlaps.get(rule, np.zeros(2, np.int64)) + overlap
    best = {}
    for name in OBJECTS:
        key = max((key for key in found if key[0] == name), key=lambda key: found[key].f1)
        best[name] = Candidates(key[1], key[2])
    rule = max(overlaps, key=lambda one: overlaps[one][0] / max(overlaps[one][1], 1))
    return best, rule


def scored(
    model: StructureNet,
    number: int,
    rules: dict[str, Candidates],
    salt: SaltRule,
    windows: Windows,
) -> dict[str, Any]:
    """Score nets and baselines on one cube."""
    one = test_cube(number)
    likely = model.probabilities(model.looks(one.amplitude))
    times = {
        "net": model.time(one.amplitude),
        "flat": np.zeros(SHAPE, np.float32),
        "dips": integrated_dips(*dips(one.amplitude)),
        "trusted": integrated_dips(*trusted_dips(one.amplitude)),
        "windows": time_by_layers(windows, one.amplitude),
    }
    known = np.asarray(one.salt)
    row: dict[str, Any] = {
        "salt, net": salt_overlap(likely[0] >= model.salt_from, known),
        "salt, baseline": salt_overlap(salt_said(salt_measures(one), salt), known),
        **{f"time, {who}": time_scores(time_of(r), one, PERIOD) for who, r in times.items()},
    }
    ratio = brightness(one)
    for name in OBJECTS:
        true = objects_of(getattr(one, name), LEAST_TRUE)
        rule = model.candidates[name]
        said = objects_of(likely[CLASSES.index(name)] >= rule.threshold, rule.least)
        plain = objects_of(ratio >= rules[name].threshold, rules[name].least)
        row[f"{name}, net"] = match(said, true)[0]
        row[f"{name}, baseline"] = match(plain, true)[0]
    return row


def interval(statistic: Callable[[NDArray[np.int64]], float], cubes: int) -> list[float]:
    """Give a statistic of all cubes, and its 95 % interval over resampled ones."""
    draws = np.random.default_rng(0).integers(cubes, size=(RESAMPLES, cubes))
    values = [statistic(draw) for draw in draws]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return [float(statistic(np.arange(cubes))), float(low), float(high)]


def objects_table(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Give precision, recall and F1 of objects, pooled over cubes, and what the net gains."""
    table: dict[str, Any] = {}
    counts = {
        who: np.array([row[f"{name}, {who}"] for row in rows], object)
        for who in ("net", "baseline")
    }

    def pooled(who: str, draw: NDArray[np.int64]) -> Matches:
        total = Matches(0, 0, 0, 0)
        for one in counts[who][draw]:
            total = total + one
        return total

    def score_of(who: str, score: str, draw: NDArray[np.int64]) -> float:
        return float(getattr(pooled(who, draw), score))

    for who in counts:
        for score in ("precision", "recall", "f1"):
            table[f"{name}, {who}, {score}"] = interval(partial(score_of, who, score), len(rows))
    table[f"{name}, net minus baseline, f1"] = interval(
        lambda draw: pooled("net", draw).f1 - pooled("baseline", draw).f1, len(rows)
    )
    whole = pooled("net", np.arange(len(rows)))
    table[f"{name}, objects"] = {"true": whole.true, "said by the net": whole.said}
    return table


def salt_table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the intersection over union of salt, pooled over cubes."""
    both = {
        who: np.array([row[f"salt, {who}"] for row in rows], float) for who in ("net", "baseline")
    }

    def iou(who: str, draw: NDArray[np.int64]) -> float:
        shared, union = both[who][draw].sum(0)
        return float(shared / union) if union else float("nan")

    table = {f"salt, {who}, IoU": interval(partial(iou, who), len(rows)) for who in both}
    table["salt, net minus baseline, IoU"] = interval(
        lambda draw: iou("net", draw) - iou("baseline", draw), len(rows)
    )
    return table


def mean_of(values: NDArray[np.float64], draw: NDArray[np.int64]) -> float:
    """Give the mean of resampled cubes, those without a value left out."""
    return float(np.nanmean(values[draw]))


def time_table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the means over cubes of the scores of time, and what the net gains."""
    table: dict[str, Any] = {}
    for score in TimeScores._fields:
        values = {
            who: np.array([getattr(row[f"time, {who}"], score) for row in rows])
            for who in ("net", *TIMES)
        }
        for who, of_cubes in values.items():
            table[f"time, {who}, {score}"] = interval(partial(mean_of, of_cubes), len(rows))
        for who in TIMES:
            table[f"time, net minus {who}, {score}"] = interval(
                partial(mean_of, values["net"] - values[who]), len(rows)
            )
    return table


def main() -> None:
    """Choose, score, and write structure.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="another net than the one that ships")
    parser.add_argument("--cubes", type=int, default=CUBES)
    parser.add_argument("--choosing", type=int, default=CHOOSING)
    asked = parser.parse_args()
    started = time.process_time()
    model = StructureNet.load(asked.model)
    with torch_threads(1):
        choosing = StructureImages(SHAPE, asked.choosing, use="calibration")
        rules, salt = chosen(choosing)
        windows = chosen_windows(choosing.image(n) for n in range(min(TIMED, asked.choosing)))
        rows = [scored(model, number, rules, salt, windows) for number in range(asked.cubes)]
    table = objects_table(rows, "closure") | objects_table(rows, "flat_spot")
    table |= salt_table(rows) | time_table(rows)
    for name, value in table.items():
        shown = value if isinstance(value, dict) else "{:.3f} ({:.3f} to {:.3f})".format(*value)
        say(f"{name}: {shown}")
    facts = {
        "cubes": asked.cubes,
        "net": {name: one._asdict() for name, one in model.candidates.items()},
        "baselines": {name: one._asdict() for name, one in rules.items()},
        "salt baseline": salt._asdict(),
        "windows": asdict(windows),
        "cpu_seconds": time.process_time() - started,
        "scores": table,
    }
    with written_file(asked.out / "structure.json") as temporary:
        temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
