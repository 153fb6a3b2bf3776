"""Do facies profit from the maps of a fault net, beside textures, coherence and depth?

Asked of synthetic sections with all facies of the generator, so that the default can be chosen
without a look at the section on which `facies.py` scores. They are as wide as that one, cut into
blocks of 48 crosslines, of which every fifth is held out in each of 5 splits, with a gap; 20 clicks
of each class are drawn from what is left. Measures are those of the F3 benchmark, of all held-out
samples of a section together; printed are their means over sections, and the mean gain over the
first row with its 95 % interval over sections. Some minutes:

    python benchmarks/facies_encoder.py --models section --out out/bench

Other nets are folders.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from graben.cli.console import progress_bar
from graben.cli.imaging.facies import features_of
from graben.evaluation import block_bootstrap
from graben.imaging.models.facies_evaluation import LineBlocks, RunningScore, some_of_each
from graben.imaging.models.facies_features import FaciesFeatures, coherence_of
from graben.imaging.scene import FACIES
from graben.imaging.synthetic import Synthetic, draw_window
from graben.learning.forest import grow
from graben.learning.threads import torch_threads
from graben.output import plain
from graben.progress import shown_by, track

SECTIONS, SHAPE, SEED = 32, (1, 960, 384), 2026
SPLITS = LineBlocks(lines=48, folds=5, gap=50)
CLICKS, ASKED = 20, 4  # clicks a class; every so many held-out samples are answered
SHOWN = ("mean class accuracy", "frequency-weighted IoU", "pixel accuracy", "mean IoU")


def described(section: Synthetic, features: FaciesFeatures) -> np.ndarray:
    """Give the features of a section, (sample, feature)."""
    known = np.ones(SHAPE[1:], bool)
    x = features.of_section(section.amplitude[0], known, coherence_of(section.amplitude)[:, 0])
    return x.reshape(len(x), -1).T


def scored(section: Synthetic, x: np.ndarray) -> tuple[float, ...]:
    """Learn from clicks in each split, and score all that was held out."""
    codes = section.facies[0].ravel().astype(np.int64)
    line = np.repeat(np.arange(SHAPE[1]), SHAPE[2])
    score = RunningScore(len(FACIES))
    for learned, held_out in SPLITS.split(line):
        clicks = learned[some_of_each(codes[learned], CLICKS, 0)]
        asked = held_out[::ASKED]
        forest = grow(x[clicks], codes[clicks] + 1, len(FACIES), 0)
        score.update(codes[asked], forest.probabilities(x[asked]).argmax(axis=1))
    measures = score.measures()
    return tuple(measures[name] for name in SHOWN)


def main() -> None:
    """Print a row for each encoder and write facies_encoder.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", default=["section"])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    given = parser.parse_args()
    features = {name: features_of(name) for name in ("none", *given.models)}
    found: dict[str, list[tuple[float, ...]]] = {}
    with shown_by(progress_bar), torch_threads(1):
        for place in track(range(SECTIONS), "sections"):
            section = draw_window(np.random.default_rng([SEED, place]), SHAPE, "full")
            for name, each in features.items():
                found.setdefault(name, []).append(scored(section, described(section, each)))
    rows = []
    first = np.array(found["none"])
    for name, scores in found.items():
        row = {"row": name, "by section": scores}
        print(name)
        for measure, values, base in zip(SHOWN, np.array(scores).T, first.T, strict=True):
            row[measure] = {"mean": values.mean(), "gain": asdict(block_bootstrap(values - base))}
            told = "{value:+.3f} [{low:+.3f}, {high:+.3f}]".format(**row[measure]["gain"])
            print(f"    {measure:24s} {values.mean():.3f}  gain {told}", flush=True)
        rows.append(row)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "facies_encoder.json").write_text(json.dumps(plain(rows), indent=2) + "\n")


if __name__ == "__main__":
    main()
