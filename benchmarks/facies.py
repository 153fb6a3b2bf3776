"""Facies of F3 inline 339 from a few clicks of each class, on crosslines that were held out.

Of the section (951 traces, 463 samples) only the 141,111 labelled samples exist: amplitudes
elsewhere are not known. Windows average what is known; what the net sees of the rest are mirror
images of the trace above and below (`facies_features.filled`), and the row "outlines" tells how far
the shape of the labelled areas alone would go: the same features of noise in the place of all
amplitudes. The section is cut into 20 blocks of 48 crosslines; in each of 5 splits every fifth is
held out, and no trace that the features of a held-out sample see is learned from. Clicks are drawn
at random from what is left, twice. Scores are those of the F3 benchmark, of all held-out
samples of the five splits and all draws together; intervals are over the blocks, those of
differences too. Rivals get our trees and a logistic regression, and are shown with both. Windows,
trees and the absence of the encoder were chosen on synthetic sections, never on this one.

    python benchmarks/facies.py --encoder section --out out/bench

Reference data: GRABEN_REFERENCE_DATA.
"""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from graben.cli.console import progress_bar
from graben.imaging import Amplitudes
from graben.imaging.models.facies_evaluation import (
    LineBlocks,
    check_split,
    confusion_of,
    facies_measures,
    gain_interval,
    intervals,
    some_of_each,
)
from graben.imaging.models.facies_features import FaciesFeatures, coherence_of, filled
from graben.imaging.models.faults import FaultNet
from graben.learning.forest import grow
from graben.learning.threads import torch_threads
from graben.progress import shown_by, track

SPLITS = LineBlocks(lines=48, folds=5, gap=50)
COUNTS = (5, 10, 20, 50, 100)
MAIN = 20
DRAWS = 2
PATCH = (2, 8)  # traces and samples to either side: the raw amplitudes that a rival gets
SHOWN = ("mean class accuracy", "frequency-weighted IoU", "pixel accuracy", "mean IoU")


@dataclass
class Section:
    """What is known of inline 339."""

    amplitude: np.ndarray
    known: np.ndarray
    labels: np.ndarray
    classes: list[str]


def read_section(data: Path) -> Section:
    """Lay the labelled samples out on the section; -1 is no label."""
    with np.load(data / "seismic" / "f3_inline339_facies_points.npz") as stored:
        crossline, time, amplitude, code = stored["xl_t_amp_class"].T
        classes = [str(name) for name in stored["classes"]]
    labels = np.full((951, 463), -1)
    values = np.zeros(labels.shape, np.float32)
    place = crossline - 300, time // 4
    labels[place], values[place] = code, amplitude
    known = labels >= 0
    survey = Amplitudes(float(values[known].mean()), float(values[known].std()), 8.0)
    return Section(survey.normalise(values) * known, known, labels, classes)


def described(section: Section, features: FaciesFeatures) -> tuple[np.ndarray, np.ndarray]:
    """Give the features of the labelled samples, (sample, feature), and the kind of each."""
    whole = filled(section.amplitude, section.known)
    coherence = coherence_of(whole[None])[:, 0]
    with torch_threads(1):
        x = features.of_section(section.amplitude, section.known, coherence)
    return x[:, section.known].T.copy(), np.array(features.groups)


def patches(section: Section) -> np.ndarray:
    """Give the amplitudes around each labelled sample, (sample, place); 0 where not known."""
    padded = np.pad(section.amplitude, [(side, side) for side in PATCH])
    views = np.lib.stride_tricks.sliding_window_view(padded, [2 * side + 1 for side in PATCH])
    return views[section.known].reshape(section.known.sum(), -1)


def outlines(section: Section) -> Section:
    """Put layered noise, the same everywhere, in the place of the amplitudes."""
    noise = np.random.default_rng(0).standard_normal(section.known.shape).astype(np.float32)
    layered = gaussian_filter(noise, (6, 1.5)) - gaussian_filter(noise, (6, 3))
    layered = (layered / layered.std()).astype(np.float32)
    return Section(layered * section.known, section.known, section.labels, section.classes)


def rows_of(section: Section, encoder: FaultNet) -> dict[tuple[str, str], np.ndarray]:
    """Give the features of each row of the table, by name and learner."""
    x, kind = described(section, FaciesFeatures(encoder.nets["section"]))
    depth = x[:, kind == "depth"]
    raw, coherence = patches(section), x[:, kind == "coherence"]
    noise, _ = described(outlines(section), FaciesFeatures(depth=False))
    own = x[:, kind != "encoder"]
    ours = {
        "textures, coherence, depth": own,
        "the same and the encoder": x,
        "without depth": x[:, (kind == "texture") | (kind == "coherence")],
        "without coherence": x[:, (kind == "texture") | (kind == "depth")],
        "encoder, depth": x[:, (kind == "encoder") | (kind == "depth")],
    }
    rivals = {
        "raw amplitudes": raw,
        "raw amplitudes, depth": np.c_[raw, depth],
        "coherence": coherence,
        "coherence, depth": np.c_[coherence, depth],
        "depth": depth,
        "outlines, no depth": noise,
    }
    found = {(name, "trees"): values for name, values in {**ours, **rivals}.items()}
    linear = {"textures, coherence, depth": own, **rivals}
    return found | {(name, "logistic"): values for name, values in linear.items()}


def answers(learner: str, x: np.ndarray, codes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Learn from clicks, and answer: classes from 0 to 8."""
    if learner == "trees":
        return grow(x, codes + 1, 9, 0).probabilities(asked).argmax(axis=1)
    rule = LogisticRegression(C=0.1, class_weight="balanced", max_iter=500)
    return make_pipeline(StandardScaler(), rule).fit(x, codes).predict(asked)


def splits(section: Section) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give what may be learned from and what is held out, checked for shared windows."""
    line = np.nonzero(section.known)[0]
    for learned, held_out in SPLITS.split(line):
        check_split(line[learned], line[held_out], SPLITS.gap)
        yield learned, held_out


def scored(section: Section, learner: str, x: np.ndarray, count: int) -> np.ndarray:
    """Count held-out samples by (block, class, answer) of all draws together."""
    codes = section.labels[section.known]
    block = SPLITS.block(np.nonzero(section.known)[0])
    found = np.zeros((block.max() + 1, 9, 9), np.int64)
    for learned, held_out in splits(section):
        for draw in range(DRAWS):
            clicks = learned[some_of_each(codes[learned], count, draw)]
            answer = answers(learner, x[clicks], codes[clicks], x[held_out])
            for one in np.unique(block[held_out]):
                here = block[held_out] == one
                found[one] += confusion_of(codes[held_out][here], answer[here], 9)
    return found


def by_split(counts: np.ndarray, measure: str) -> list[float]:
    """Give a measure of each of the five splits."""
    folds = np.stack([counts[fold :: SPLITS.folds].sum(0) for fold in range(SPLITS.folds)])
    return facies_measures(folds)[measure].tolist()


def as_row(counts: np.ndarray, ours: np.ndarray) -> dict:
    """Give the measures of a row with their intervals, and by how much ours are better."""
    found: dict = {name: vars(one) for name, one in intervals(counts).items()}
    found["by split"] = {name: by_split(counts, name) for name in SHOWN[:2]}
    if counts is not ours:
        found["ours minus it"] = {
            name: vars(gain_interval(ours, counts, name)) for name in SHOWN[:2]
        }
    accuracy = facies_measures(counts.sum(0)[None])["class accuracy"][0]
    return found | {"class accuracy": accuracy.tolist()}


def table(section: Section, rows: dict[tuple[str, str], np.ndarray]) -> list[dict]:
    """Score every row with the main number of clicks, and print it."""
    found, ours = [], None
    for (name, learner), x in track(rows.items(), "rows of the table"):
        counts = scored(section, learner, x, MAIN)
        ours = counts if ours is None else ours
        line = {"row": name, "learner": learner, "clicks a class": MAIN, **as_row(counts, ours)}
        found.append(line)
        print(f"{name:28s} {learner:8s} {text(line)}", flush=True)
    print("class accuracy of ours:")
    for name, value in zip(section.classes, found[0]["class accuracy"], strict=True):
        print(f"    {name:22s} {value:.3f}")
    return found


def text(line: dict) -> str:
    """Write a row's two main measures, and ours minus it."""
    shown = [
        "{} {value:.3f} [{low:.3f}, {high:.3f}]".format(short, **line[name])
        for short, name in zip(("MCA", "FWIU"), SHOWN[:2], strict=True)
    ]
    if "ours minus it" in line:
        gain = [
            "{value:+.3f} [{low:+.3f}, {high:+.3f}]".format(**line["ours minus it"][name])
            for name in SHOWN[:2]
        ]
        shown.append(f"ours - it: {', '.join(gain)}")
    return "  ".join(shown)


def curve(section: Section, x: np.ndarray) -> list[dict]:
    """Score ours with each number of clicks, and print it."""
    found = []
    for count in track(COUNTS, "numbers of clicks"):
        counts = scored(section, "trees", x, count)
        line = {"clicks a class": count, **as_row(counts, counts)}
        found.append(line)
        print(f"ours, {count:3d} clicks a class: {text(line)}", flush=True)
    return found


def main() -> None:
    """Score, print, and write facies.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--encoder", default="section", help="folder or name of a fault net")
    asked = parser.parse_args()
    data = Path(os.environ.get("GRABEN_REFERENCE_DATA", "../shared/data"))
    section, encoder = read_section(data), FaultNet.load(asked.encoder)
    rows = rows_of(section, encoder)
    found = {
        "encoder": encoder.about,
        "table": table(section, rows),
        "curve": curve(section, next(iter(rows.values()))),
    }
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "facies.json").write_text(json.dumps(found, indent=2, default=str) + "\n")


if __name__ == "__main__":
    with shown_by(progress_bar):
        main()
