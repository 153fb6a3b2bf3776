"""How well faults are seen that were cut into real lines, whose layers and noise no generator made.

Windows of 192 traces and 96 samples are taken at random from F3 inline 244 and from RIV6, a scanned
line on land, and get three to eight faults each: the hanging wall is moved down along a straight
fault of 2 to 9 samples of slip at its middle, which dies out along the fault and away from it. The
noise moves with the layers, so that faults are clearer than they would be; those that were there
before are not labelled and count as false, whoever sees them. So rows can be compared with each
other, and their level says little. No net was trained or calibrated on these lines.

Average precision by the label as it is, and the best F1 within 3 samples or traces, as for the real
lines of faults.py: means over windows with their 95 % interval, and the gain over the first row.
Some minutes:

    python benchmarks/fault_cuts.py --models section volume best --out out/bench

Other nets are folders.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates

from graben.cli.console import progress_bar
from graben.evaluation import AveragePrecision, block_bootstrap
from graben.imaging import open_volume
from graben.imaging.attributes import eigen_coherence, semblance
from graben.imaging.models.fault_scores import best_within
from graben.imaging.models.faults import FaultNet
from graben.imaging.volume import in_memory_volume
from graben.learning.threads import torch_threads
from graben.output import plain
from graben.progress import shown_by, track

WINDOWS, TRACES, SAMPLES, SEED = 48, 192, 96, 5
ABOVE = 30  # samples above and below a window that may move into it
NEAR, HALF_THICKNESS = 3.0, 0.8
SCORES = ("AP", "F1 near")
Window = tuple[np.ndarray, np.ndarray]


def real_lines(data: Path) -> dict[str, np.ndarray]:
    """Read the lines (trace, sample), normalised by their own amplitudes."""
    with np.load(data / "seismic" / "f3_inline244.npz") as arrays:
        lines = {"F3 inline 244": arrays["amp"].T[None].astype(np.float32)}
    scanned = open_volume(data / "seismic" / "segyrecover_RIV6.segy")
    lines["RIV6"] = scanned.read(tuple(slice(0, side) for side in scanned.shape))
    return {name: normalised(line)[0] for name, line in lines.items()}


def normalised(image: np.ndarray) -> np.ndarray:
    """Normalise an image (inline, crossline, sample) as the command does."""
    return in_memory_volume(image).survey_statistics().normalise(image)


def window(line: np.ndarray, generator: np.random.Generator) -> Window:
    """Take a window where something was recorded, and cut faults into it."""
    while True:
        trace = generator.integers(line.shape[0] - TRACES)
        top = generator.integers(ABOVE, line.shape[1] - SAMPLES - ABOVE)
        around = line[trace : trace + TRACES, top - ABOVE : top + SAMPLES + ABOVE]
        if (around != 0).mean() > 0.98:
            break
    x, z = np.indices((TRACES, SAMPLES), np.float64)
    moved, fault = np.zeros((TRACES, SAMPLES)), np.zeros((TRACES, SAMPLES), bool)
    for _ in range(generator.integers(3, 9)):
        middle, level = generator.uniform(5, TRACES - 5), generator.uniform(0, SAMPLES)
        lean = generator.uniform(0.05, 0.35) * generator.choice([-1, 1])  # traces a sample
        beside = (x - middle - lean * (z - level)) * np.sign(lean)
        slip = generator.uniform(2, 9) * np.exp(-(((z - level) / generator.uniform(40, 120)) ** 2))
        fades = np.exp(-((beside / generator.uniform(40, 150)) ** 2))
        moved += np.where(beside > 0, slip * fades, 0)
        fault |= (np.abs(beside) <= HALF_THICKNESS) & (slip > 1)
    image = map_coordinates(around, [x, z + ABOVE - moved], order=3, mode="nearest")
    return normalised(image[None].astype(np.float32)), fault


def scores(answer: Callable[[np.ndarray], np.ndarray], windows: list[Window]) -> np.ndarray:
    """Score every window, (window, score)."""
    found = []
    for image, fault in windows:
        p = answer(image)[0]
        found.append((AveragePrecision().compute(p, fault), best_within(p, fault, NEAR)[0]))
    return np.array(found)


def answers(models: list[str]) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Give what is compared, by name."""

    def net(model: FaultNet) -> Callable[[np.ndarray], np.ndarray]:
        return lambda image: model.predict(image).probability

    return {
        **{name: net(FaultNet.load(name)) for name in models},
        "1 - semblance": lambda image: 1 - semblance(image),
        "1 - eigen-coherence": lambda image: 1 - eigen_coherence(image),
    }


def main() -> None:
    """Print a table for each line and write fault_cuts.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", default=["section", "volume", "best"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    given = parser.parse_args()
    rows: list[dict[str, object]] = []
    with shown_by(progress_bar), torch_threads(1):
        for number, (line, values) in enumerate(real_lines(given.data).items()):
            seeds = [[SEED, number, place] for place in range(WINDOWS)]
            windows = [window(values, np.random.default_rng(seed)) for seed in seeds]
            first: np.ndarray | None = None
            print(line)
            for name, answer in track(answers(given.models).items(), line):
                found = scores(answer, windows)
                first = found if first is None else first
                row: dict[str, object] = {"line": line, "row": name}
                told = [f"    {name:20}"]
                for score, these, those in zip(SCORES, found.T, first.T, strict=True):
                    value, gain = block_bootstrap(these), block_bootstrap(these - those)
                    row[score] = {**asdict(value), "gain": asdict(gain)}
                    told.append(
                        f"{score} {value.value:.3f} [{value.low:.3f}, {value.high:.3f}] "
                        f"({gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}])"
                    )
                rows.append(row)
                print("  ".join(told), flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "fault_cuts.json").write_text(json.dumps(plain(rows), indent=2) + "\n")


if __name__ == "__main__":
    main()
