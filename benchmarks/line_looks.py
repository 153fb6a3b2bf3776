"""Would a 2-D net see faults on lines better if it also looked at fewer or more samples a trace?

Lines are looked at three trace spacings, with and without gain control, from both sides. Each row
adds the same looks at the line interpolated to so many times as many samples. Scores are means over
synthetic lines that no net has learned from or was calibrated on: average precision by the label as
it is and widened to 5 traces and samples, and the best F1 within 3 of them, as for the real lines
of faults.py; beside them the mean gain over the first row, line by line, and its standard error.
Some minutes for each net:

    python benchmarks/line_looks.py --models section --out out/bench

Other nets are folders.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from graben.cli.console import progress_bar
from graben.evaluation import AveragePrecision
from graben.imaging.models.fault_samples import DrawnImages
from graben.imaging.models.fault_scores import best_within, widened
from graben.imaging.models.faults import FaultNet
from graben.imaging.models.section_faults import respaced, section_members
from graben.learning.nets import UNet, folded
from graben.learning.threads import torch_threads
from graben.output import plain
from graben.progress import shown_by, track

LINES, SHAPE, SEED, NEAR = 96, (1, 128, 192), 7, 3.0
TIMES = ((1.0,), (0.5, 1.0), (0.7, 1.0), (0.85, 1.0), (1.0, 1.4), (0.7, 1.0, 1.4))
SCORES = ("AP", "AP widened", "F1 near")


def lines() -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw sections (trace, sample) and their faults; those without any are left out."""
    images = DrawnImages(SHAPE, LINES, SEED, "validation")
    drawn = [images.image(place) for place in range(LINES)]
    pairs = [(one.amplitude.reshape(SHAPE[1:]), one.fault.reshape(SHAPE[1:])) for one in drawn]
    return [(amplitude, fault) for amplitude, fault in pairs if fault.any()]


def seen(net: UNet, section: np.ndarray, times: tuple[float, ...]) -> np.ndarray:
    """Average the looks at a section of so many times as many samples."""
    samples, means = section.shape[1], []
    for time in times:
        stretched = respaced(section.T, round(time * samples)).T
        means.append(respaced(section_members(net, stretched).mean(0).T, samples).T)
    return np.mean(means, axis=0)


def scores(net: UNet, times: tuple[float, ...]) -> np.ndarray:
    """Score every line, (line, score)."""
    found = []
    for section, fault in track(lines(), f"times {times}"):
        mean = seen(net, section, times)
        ap = [AveragePrecision().compute(mean, label) for label in (fault, widened(fault))]
        found.append((*ap, best_within(mean, fault, NEAR)[0]))
    return np.array(found)


def main() -> None:
    """Print a table for each net and write line_looks.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", default=["section"])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    given = parser.parse_args()
    rows: list[dict[str, object]] = []
    with shown_by(progress_bar), torch_threads(1):
        for name in given.models:
            net = folded(FaultNet.load(name).nets["section"])
            first = scores(net, TIMES[0])
            for times in TIMES:
                these = first if times == TIMES[0] else scores(net, times)
                gain = these - first
                errors = gain.std(0, ddof=1) / np.sqrt(len(gain))
                row: dict[str, object] = {"net": name, "times": times}
                told = [f"{name}  times {times}"]
                for place, score in enumerate(SCORES):
                    value, more, error = (
                        one[place] for one in (these.mean(0), gain.mean(0), errors)
                    )
                    row[score] = {"value": value, "gain": more, "error": error}
                    told.append(f"{score} {value:.4f} ({more:+.4f}, {error:.4f})")
                rows.append(row)
                print("  ".join(told), flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "line_looks.json").write_text(json.dumps(plain(rows), indent=2) + "\n")


if __name__ == "__main__":
    main()
