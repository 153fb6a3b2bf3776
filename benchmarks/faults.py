"""How well nets that were trained in ten processor minutes on synthetic images alone see faults.

Three seeds each of the 3-D net (volume), the 2-D net (section), their calibrated mean (best), and a
net of the shape of FaultSeg3D with the same processor time, which is not FaultSeg3D; semblance and
eigen-coherence beside them. They are scored on sixteen synthetic cubes made by another generator,
to which nothing here was fitted, and on three real lines (Great South Basin), which are few: one
survey, one interpreter. Then the section net learns from one of the lines and is scored on the
other two, in all rotations.

Trainings are kept as model folders, so that each can be started by itself and goes on after a kill;
each takes ten processor minutes:

    python benchmarks/faults.py --models out/faults --train volume --seed 0
    python benchmarks/faults.py --models out/faults --train section --seed 0
    python benchmarks/faults.py --models out/faults --train faultseg-shaped --seed 0

and the same for seeds 1 and 2. How many steps ten minutes are is timed at the start; where other
work on the machine makes that plan wrong, --steps says it (the tables state what was used). One
more shares the steps of volume-0 between two processes, and has to end within what three seeds of
one process give:

    python benchmarks/faults.py --models out/faults --train volume --seed 0 --processes 2

Then, about half an hour on one core:

    python benchmarks/faults.py --models out/faults --data ../shared/data --out out/bench

Without --models the nets that ship are scored, some minutes:

    python benchmarks/faults.py --data ../shared/data --out out/bench
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graben.cli.console import progress_bar
from graben.evaluation import AUC, F1, AveragePrecision, block_bootstrap, calibration_error
from graben.imaging.attributes import eigen_coherence, semblance
from graben.imaging.models.adaptation import adapt
from graben.imaging.models.fault_samples import DrawnImages
from graben.imaging.models.fault_scores import best_within, widened, within
from graben.imaging.models.fault_training import PLANS, Single, fuse, train_fault_net
from graben.imaging.models.faults import FaultNet
from graben.imaging.volume import in_memory_volume
from graben.learning.threads import torch_threads
from graben.output import plain
from graben.progress import shown_by, track

SEEDS = range(3)
CPU_SECONDS = 600.0
LINES = (2700, 2800, 2900)
NEAR, NEAR_LINE, BINS = 2.0, 3.0, 15
SHARED = "volume, two processes"
SHIPPED = ("volume", "section", "best")
NETS = (*SHIPPED, "faultseg-shaped")
Map = Callable[[np.ndarray], np.ndarray]
COHERENCE: dict[str, Map] = {
    "1 - semblance": lambda image: 1 - semblance(image),
    "1 - eigen-coherence": lambda image: 1 - eigen_coherence(image),
}


@dataclass(frozen=True, eq=False)
class Labelled:
    """Normalised images (inline, crossline, sample) and where their faults are."""

    images: list[np.ndarray]
    faults: list[np.ndarray]


def train(folder: Path, name: Single, seed: int, processes: int, steps: int | None) -> None:
    """Train a net into its folder, unless it is there."""
    out = folder / (f"{name}-{seed}" if processes == 1 else f"{SHARED}-{seed}")
    if not out.exists():
        if processes > 1:
            steps = trained(folder, name, seed).about["cost"]["steps"]
        model = train_fault_net(
            name,
            cpu_seconds=CPU_SECONDS,
            steps=steps,
            seed=seed,
            processes=processes,
            checkpoint_folder=folder / "unfinished" / out.name,
        )
        model.save(out)


def trained(folder: Path, name: str, seed: int) -> FaultNet:
    """Read a net; "best" is made of two others when it is first asked for."""
    out = folder / f"{name}-{seed}"
    if name == "best" and not out.exists():
        fuse(trained(folder, "volume", seed), trained(folder, "section", seed)).save(out)
    return FaultNet.load(out)


def nets_of(folder: Path | None) -> Iterator[tuple[dict[str, Any], FaultNet]]:
    """Yield the nets to score, and what to call them; without a folder those that ship."""
    if folder is None:
        for name in SHIPPED:
            model = FaultNet.load(name)
            yield {"row": name, "CPU seconds": cpu_seconds(model)}, model
        return
    made = [(name, seed) for name in NETS for seed in SEEDS]
    made += [(SHARED, seed) for seed in SEEDS if (folder / f"{SHARED}-{seed}").exists()]
    for name, seed in made:
        model = trained(folder, name, seed)
        yield {"row": name, "seed": seed, "CPU seconds": cpu_seconds(model)}, model


def cpu_seconds(model: FaultNet) -> float:
    """Give what the training cost, its planning included."""
    cost = model.about["cost"]
    parts = [cost] if "cpu_seconds" in cost else [cost[name] for name in model.nets]
    return float(sum(part["cpu_seconds"] for part in parts))


def fixed_cubes(data: Path) -> Labelled:
    """Read the sixteen cubes."""
    with np.load(data / "seismic" / "faults_test_16x96.npz") as arrays:
        amplitude, scale = arrays["amplitude"], arrays["scale"]
        faults = np.unpackbits(arrays["fault"])[: amplitude.size].reshape(amplitude.shape)
    images = [one * np.float32(size / 127) for one, size in zip(amplitude, scale, strict=True)]
    return Labelled(
        [((one - one.mean()) / one.std()).astype(np.float32) for one in images],
        list(faults.astype(bool)),
    )


def real_lines(data: Path) -> Labelled:
    """Read the three lines, normalised by one mean and deviation for all."""
    with np.load(data / "seismic" / "gsb_fault_sections_dev.npz") as arrays:
        values = np.stack([arrays[f"seis_crl_{line}"].T for line in LINES])
        faults = [arrays[f"fault_crl_{line}"].T[None] > 0 for line in LINES]
    normalised = in_memory_volume(values).survey_statistics().normalise(values)
    return Labelled([one[None] for one in normalised], faults)


def cube_scores(
    maps: list[np.ndarray], faults: list[np.ndarray], threshold: float
) -> dict[str, Any]:
    """Score cubes: pooled, and average precision of each."""
    p, y = np.stack(maps), np.stack(faults)
    found = [within(one >= threshold, true, NEAR) for one, true in zip(maps, faults, strict=True)]
    picks = np.array([(one >= threshold).sum() for one in maps])
    precision = np.nansum([one.precision * n for one, n in zip(found, picks, strict=True)])
    recall = np.nansum([one.recall * true.sum() for one, true in zip(found, faults, strict=True)])
    precision, recall = precision / max(picks.sum(), 1), recall / y.sum()
    return {
        "AP": AveragePrecision().compute(p, y),
        "AUC": AUC().compute(p, y),
        "F1": F1(threshold).compute(p, y),
        "F1 near": 2 * precision * recall / max(precision + recall, 1e-12),
        "calibration error": calibration_error(p, y, bins=BINS, by="count").plain,
        "AP of cubes": [AveragePrecision().compute(*one) for one in zip(maps, faults, strict=True)],
    }


def best_threshold(function: Map) -> float:
    """Choose the threshold of an attribute for the best F1 on synthetic cubes of our own."""
    images = [DrawnImages((96, 96, 96), 4, use="calibration").image(place) for place in range(4)]
    values = np.concatenate([function(one.amplitude).ravel() for one in images])
    truth = np.concatenate([one.fault.ravel() for one in images])
    order = np.argsort(-values)
    picked = np.arange(1, values.size + 1)
    f1 = 2 * np.cumsum(truth[order]) / (picked + truth.sum())
    return float(values[order[f1.argmax()]])


def cube_rows(folder: Path | None, cubes: Labelled) -> Iterator[dict[str, Any]]:
    """Yield a row for each net and seed, and for coherence."""
    for name, function in COHERENCE.items():
        threshold = best_threshold(function)
        maps = [function(image) for image in track(cubes.images, name)]
        yield {"row": name, **cube_scores(maps, cubes.faults, threshold)}
    for named, model in nets_of(folder):
        maps = [model.predict(image).probability for image in track(cubes.images, named["row"])]
        yield {**named, **cube_scores(maps, cubes.faults, 0.5)}


def gain(rows: list[dict[str, Any]], name: str, other: str) -> dict[str, float]:
    """Give by how much the average precision per cube is higher, with its interval over cubes."""
    means = [
        np.mean([row["AP of cubes"] for row in rows if row["row"] == one], axis=0)
        for one in (name, other)
    ]
    return asdict(block_bootstrap(means[0] - means[1]))


def line_scores(p: np.ndarray, fault: np.ndarray) -> dict[str, float]:
    """Score a line by its label, widened to five traces and samples."""
    wide = widened(fault)
    return {
        "AUC": AUC().compute(p, wide),
        "AP": AveragePrecision().compute(p, wide),
        "F1 near": best_within(p[0], fault[0], NEAR_LINE)[0],
        "calibration error": calibration_error(p, wide, bins=BINS, by="count").plain,
    }


def over_lines(scores: list[dict[str, float]]) -> dict[str, Any]:
    """Give the mean of each score with its interval over lines, and the lines themselves."""
    means = {
        name: asdict(block_bootstrap(np.array([one[name] for one in scores]))) for name in scores[0]
    }
    return {**means, "lines": scores}


def line_rows(folder: Path | None, lines: Labelled) -> Iterator[dict[str, Any]]:
    """Yield a row for each net and seed on lines of which it has seen nothing, and coherence."""
    pairs = list(zip(lines.images, lines.faults, strict=True))
    for name, function in COHERENCE.items():
        yield {"row": name, **over_lines([line_scores(function(x), y) for x, y in pairs])}
    for named, model in nets_of(folder):
        maps = [model.predict(image).probability for image in lines.images]
        found = over_lines([line_scores(p, y) for p, y in zip(maps, lines.faults, strict=True)])
        pooled = np.stack(maps), np.stack([widened(fault) for fault in lines.faults])
        error = calibration_error(*pooled, bins=BINS, by="count").plain
        yield {**named, **found, "pooled calibration error": error}


def adaptation_rows(folder: Path | None, lines: Labelled) -> Iterator[dict[str, Any]]:
    """Yield a row for each line that is learned from and each seed, scored on the other two."""
    for named, model in nets_of(folder):
        if named["row"] != "section":
            continue
        seed = named.get("seed", 0)
        for place, number in enumerate(LINES):
            section, picks = lines.images[place][0], lines.faults[place][0]
            adapted, found = adapt(model, section, picks, seed=seed)
            row: dict[str, Any] = {"row": f"from {number}", "seed": seed, **asdict(found)}
            for name, one in (("zero-shot", model), ("adapted", adapted)):
                scores = [
                    line_scores(one.predict(lines.images[other]).probability, lines.faults[other])
                    for other in range(len(LINES))
                    if other != place
                ]
                row[name] = {key: np.mean([score[key] for score in scores]) for key in scores[0]}
            yield row


def told(row: dict[str, Any]) -> str:
    """Give a row as a line."""
    parts = [f"{row['row']:20} {row.get('seed', ''):>2}"]
    for name, value in row.items():
        if isinstance(value, float) and name != "seed":
            parts.append(f"{name} {value:.3f}")
        elif isinstance(value, dict) and "low" in value:
            parts.append(f"{name} {value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]")
        elif isinstance(value, dict):
            parts.append(f"{name}: " + ", ".join(f"{k} {v:.3f}" for k, v in value.items()))
    return "  ".join(parts)


def score(folder: Path | None, data: Path, out: Path) -> None:
    """Print all tables and write faults.json."""
    cubes, lines = fixed_cubes(data), real_lines(data)
    tables = {
        "cubes": cube_rows(folder, cubes),
        "lines": line_rows(folder, lines),
        "adaptation": adaptation_rows(folder, lines),
    }
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, Any]]] = {}
    for title, rows in tables.items():
        print(title, flush=True)
        found[title] = []
        for row in rows:
            found[title].append(row)
            print(f"  {told(row)}", flush=True)
        if title == "cubes":
            for other in (*SHIPPED[1:], "1 - semblance", *([] if folder is None else NETS[-1:])):
                difference = gain(found["cubes"], "volume", other)
                row = {"row": f"volume - {other}", "AP of cubes, gain": difference}
                found.setdefault("gains", []).append(row)
                print(f"  {told(row)}", flush=True)
        (out / "faults.json").write_text(json.dumps(plain(found), indent=2) + "\n")


def main() -> None:
    """Train one net, or score all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=Path)
    parser.add_argument("--train", choices=list(PLANS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="instead of what is planned for ten minutes")
    parser.add_argument("--processes", type=int, default=1, choices=[1, 2])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    given = parser.parse_args()
    with shown_by(progress_bar), torch_threads(1):
        if given.train:
            models = given.models or Path("out/faults")
            train(models, given.train, given.seed, given.processes, given.steps)
        else:
            score(given.models, given.data, given.out)


if __name__ == "__main__":
    main()
