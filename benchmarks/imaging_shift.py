"""Does the shift score tell surveys that are unlike the training from those that are like it?

Clean surveys come from the generator with seeds that nothing was fitted to. Against them stand real
ones, and clean surveys of still other seeds that were spoilt in eleven ways. The traits and the
distance were chosen with the six real surveys and three of the ways in view ("designed on"); five
more ways were known by name; the last three were thought of after everything was fixed. AUC is the
share of pairs in which the unlike survey scores higher; a warning is due from the 95th percentile,
so that one in twenty surveys that are like the training is warned of as well.
Gains of the range of four decades, noise of ten times the most that the generator gives, hum as
strong as the signal: each way is gross.

    python tools/build_shift_range.py                    # if traits have changed
    python benchmarks/imaging_shift.py --out out/bench   # two minutes of one core

Reference data: GRABEN_REFERENCE_DATA.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from graben.cli.console import progress_bar
from graben.imaging import in_memory_volume, open_volume
from graben.imaging.models.section_faults import respaced
from graben.imaging.shift import UNUSUAL, shipped_range, survey_shift
from graben.imaging.shift_features import measure_traits
from graben.progress import shown_by, track
from graben.tiling import InMemory

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from build_shift_range import survey

CLEAN, SPOILT = 200, 40
Array = np.ndarray
Spoiler = Callable[[Array, np.random.Generator], Array]


def decimated(a: Array, _: np.random.Generator) -> Array:
    """Three of four samples left out: a sample interval that is wrong by four."""
    return a[:, :, ::4]


def clipped(a: Array, _: np.random.Generator) -> Array:
    """Cut off at 0.7 standard deviations."""
    return a.clip(-0.7 * a.std(), 0.7 * a.std())


def mis_sorted(a: Array, generator: np.random.Generator) -> Array:
    """Traces of a line, or lines of crosslines, in random order."""
    axis = 1 if a.shape[1] > 1 else 0
    return np.take(a, generator.permutation(a.shape[axis]), axis)


def noisy(a: Array, generator: np.random.Generator) -> Array:
    """White noise of five times the strength of the record."""
    return a + 5 * a.std() * generator.standard_normal(a.shape, np.float32)


def ramped(a: Array, _: np.random.Generator) -> Array:
    """A gain that grows by 35 dB from top to bottom."""
    return a * np.exp(np.linspace(0, 4, a.shape[2], dtype=np.float32))


def quantised(a: Array, _: np.random.Generator) -> Array:
    """Integers of three bits."""
    step = 0.75 * a.std()
    return np.round(a / step).clip(-4, 3) * step


def hum(a: Array, generator: np.random.Generator) -> Array:
    """A sine of 50 or 60 Hz at 4 ms, as strong as the record."""
    hertz, phase = generator.choice([50, 60]), generator.uniform(0, 2 * np.pi)
    wave = np.sin(2 * np.pi * hertz * 0.004 * np.arange(a.shape[2]) + phase)
    return a + (np.sqrt(2) * a.std() * wave).astype(np.float32)


def spiked(a: Array, generator: np.random.Generator) -> Array:
    """Two samples in a thousand are spikes of twenty standard deviations."""
    struck = generator.random(a.shape) < 0.002
    return np.where(struck, generator.choice([-20, 20], a.shape) * a.std(), a)


def shifted(a: Array, generator: np.random.Generator) -> Array:
    """Each trace moved up or down by up to four samples: statics."""
    found = a.copy()
    for place in np.ndindex(a.shape[:2]):
        found[place] = np.roll(a[place], generator.integers(-4, 5))
    return found


def turned_round(a: Array, generator: np.random.Generator) -> Array:
    """Half of the traces with the wrong sign."""
    return a * generator.choice([-1, 1], (*a.shape[:2], 1))


def stretched(a: Array, _: np.random.Generator) -> Array:
    """Interpolated to four times the samples, the middle part of them."""
    count = a.shape[2]
    return np.stack([respaced(line.T, 4 * count)[count : 3 * count].T for line in a])


DESIGNED: dict[str, Spoiler] = {"decimated x 4": decimated, "clipped": clipped,
                                "mis-sorted": mis_sorted}  # fmt: skip
NAMED: dict[str, Spoiler] = {
    "10 x noise": noisy, "gain ramp": ramped, "3 bits": quantised, "hum": hum, "spikes": spiked,
}  # fmt: skip
LATER: dict[str, Spoiler] = {
    "statics": shifted, "wrong signs": turned_round, "stretched x 4": stretched,
}  # fmt: skip
WAYS = {"designed on": DESIGNED, "known by name": NAMED, "thought of later": LATER}


def real_surveys(data: Path) -> dict[str, object]:
    """Open the real lines and the real cube."""
    folder = data / "seismic"
    found = {}
    with np.load(folder / "gsb_fault_sections_dev.npz") as lines:
        for number in (2700, 2800, 2900):
            found[f"GSB {number}"] = in_memory_volume(lines[f"seis_crl_{number}"].T)
    with np.load(folder / "f3_inline244.npz") as line:
        found["F3 inline 244"] = in_memory_volume(line["amp"].T)
    found["RIV6"] = open_volume(folder / "segyrecover_RIV6.segy")
    found["F3 crop"] = open_volume(folder / "segyio_f3_crop.sgy")
    return found


def auc(unlike: Array, like: Array) -> float:
    """Give the share of pairs in which the unlike scores higher; ties count half."""
    pairs = np.asarray(unlike)[:, None] - np.asarray(like)[None]
    return float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def scores_of(images: list[Array]) -> Array:
    """Score surveys."""
    known = shipped_range()
    return np.array([known.score(measure_traits(InMemory(np.float32(one)))) for one in images])


def interval(unlike: list[Array], like: Array, draws: int = 1000) -> dict[str, float]:
    """Give the mean AUC over kinds of surveys, with its interval over surveys."""
    generator = np.random.default_rng(0)

    def mean(pick: Callable[[Array], Array]) -> float:
        reference = np.sort(pick(like))
        return float(np.mean([
            np.searchsorted(reference, pick(one)).mean() / len(reference) for one in unlike
        ]))  # fmt: skip

    drawn = [mean(lambda one: generator.choice(one, len(one))) for _ in range(draws)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {"value": mean(lambda one: one), "low": float(low), "high": float(high)}


def main() -> None:
    """Score, print, and write imaging_shift.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    data = Path(os.environ.get("GRABEN_REFERENCE_DATA", "../shared/data"))
    clean = scores_of([survey(2, number) for number in track(range(CLEAN), "clean surveys")])
    limit = np.quantile(shipped_range().scores, UNUSUAL / 100)
    rows, kinds = [], {}
    for name, volume in real_surveys(data).items():
        found = survey_shift(volume)
        kinds[name] = np.array([found.score])
        rows.append({"survey": name, "group": "real", "score": found.score,
                     "percentile": found.percentile, "auc": auc(kinds[name], clean),
                     "warned": float(found.warning is not None),
                     "outside": [one.name for one in found.outside]})  # fmt: skip
    drawn = [survey(3, number) for number in range(SPOILT)]
    for group, ways in WAYS.items():
        for name, spoil in ways.items():
            images = [spoil(one, np.random.default_rng(n)) for n, one in enumerate(drawn)]
            kinds[name] = scores_of(images)
            rows.append({"survey": name, "group": group, "score": float(np.median(kinds[name])),
                         "auc": auc(kinds[name], clean),
                         "warned": float((kinds[name] >= limit).mean())})  # fmt: skip
    groups = {"real": [row["survey"] for row in rows if row["group"] == "real"]}
    groups |= {group: list(ways) for group, ways in WAYS.items()}
    groups["real and spoilt, kinds weighted alike"] = list(kinds)
    means = {
        name: interval([kinds[one] for one in members], clean) for name, members in groups.items()
    }
    alarms = float((clean >= limit).mean())
    for row in rows:
        print("{survey:16s} {group:18s} score {score:6.2f}  AUC {auc:.3f}  warned {warned:.0%}"
              .format(**row), ", ".join(row.get("outside", [])))  # fmt: skip
    for name, one in means.items():
        print("{:40s} AUC {value:.3f} [{low:.3f}, {high:.3f}]".format(name, **one))
    print(f"false alarms on {CLEAN} clean surveys: {alarms:.1%}")
    asked.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"rows": rows, "means": means, "false_alarms": alarms}, indent=2)
    (asked.out / "imaging_shift.json").write_text(text + "\n")


if __name__ == "__main__":
    with shown_by(progress_bar):
        main()
