"""A user's classes from 5, 20 and 100 labels: exact features, raw channels, a pretrained U-Net.

Legends that are not computed from our features are the measure: the units of synthetic landscapes,
and the classes of Iwahashi and Pike (which share slope, but no other quantity, with our features).
A legend of grouped geomorphons is computed from the very features; it is shown, marked circular.
Clicks lie in one half of the blocks of a map, scores are of the other half, away from the border.
Features and classifier were chosen on other scenes (landscapes 101 to 103; Iwahashi-Pike on
jacksboro, boulder and Thrace); these were then scored once. Rivals get trees and a logistic
regression, and are shown with both. The heights of pysheds and jacksboro had been seen before.

    python tools/train_landform_encoder.py --seed 0 --out out/encoder-0
    for seed in 0 1 2; do
        python benchmarks/few_labels.py --seed $seed --encoder out/encoder-0 --out out/bench
    done

The last run sums up all that lies in OUT/few_labels. Reference data: GRABEN_REFERENCE_DATA.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from graben.cli.console import progress_bar
from graben.datasets import load_elevation
from graben.evaluation.comparison import block_bootstrap
from graben.landforms import Sighting, cell_size, geomorphons, landscape, read_dem
from graben.landforms.features import TerrainFeatures
from graben.landforms.models.active import chosen
from graben.landforms.models.block_evaluation import rates
from graben.landforms.models.segmentation_channels import terrain_channels
from graben.learning.forest import grow
from graben.progress import shown_by, track
from graben.tiling import plan_tiles

from iwahashi_pike import iwahashi_pike  # isort: skip

sys.path.append(str(Path(__file__).parents[1] / "tools"))
from train_landform_encoder import EncoderFeatures, load_encoder

COUNTS = (5, 20, 100)
DRAWS = 5
BLOCK, MARGIN = 50, 10  # cells: side of a block, and how far scored cells lie from clickable ones
SCORED = 3000  # cells of a draw
ROUNDS, MORE = 5, 20  # of clicking, and clicks in each
LEARNERS = {"raw channels": ("trees", "logistic"), "U-Net features": ("trees", "logistic")}


@dataclass
class Scene:
    """A DEM, its legend, and the features of all its cells."""

    name: str
    kind: str
    dem: xr.DataArray
    truth: np.ndarray
    features: dict = field(default_factory=dict)


def grouped_forms(dem: xr.DataArray) -> np.ndarray:
    """Group geomorphons (search 30, flat 3) into plains, ridges, slopes, hollows, valleys."""
    forms = geomorphons(dem, Sighting(30, flat=3.0))["forms"].to_numpy()
    return np.array([0, 1, 2, 2, 2, 3, 3, 4, 5, 5, 5])[forms]


def shipped(rows: slice, columns: slice) -> xr.DataArray:
    """Cut a piece of the elevation of Anatolia."""
    return load_elevation("globe-anatolia").isel(y=rows, x=columns).astype(np.float32)


def jacksboro(data: Path) -> xr.DataArray:
    """Read the DEM of a fault scarp in Tennessee; its file has ymin and ymax swapped."""
    from graben.landforms.dem import on_map

    file = np.load(data / "dem" / "jacksboro_fault_dem.npz")
    heights = file["elevation"].astype(np.float32)
    south, north = sorted((float(file["ymin"]), float(file["ymax"])))
    y = north - float(file["dy"]) * (np.arange(heights.shape[0]) + 0.5)
    x = float(file["xmin"]) + float(file["dx"]) * (np.arange(heights.shape[1]) + 0.5)
    assert south < y[-1] < y[0] < north + 1
    return on_map(heights, y, x, "EPSG:4326")


def scenes(data: Path) -> Iterator[Scene]:
    """Give the scenes."""
    for seed in (11, 12):
        made = landscape(seed)
        yield Scene(f"landscape {seed}", "units", made["elevation"], made["unit"].to_numpy())
    for name, dem in (
        ("pysheds", read_dem(data / "dem" / "pysheds_dem.tif")),
        ("central anatolia", shipped(slice(500, 900), slice(1000, 1400))),
        ("western anatolia", shipped(slice(600, 1000), slice(560, 960))),
    ):
        yield Scene(name, "iwahashi-pike", dem, iwahashi_pike(dem))
    dem = jacksboro(data)
    yield Scene("jacksboro", "grouped geomorphons (circular)", dem, grouped_forms(dem))


def whole(features, dem: xr.DataArray) -> np.ndarray:
    """Compute features of all cells, (cell, feature)."""
    tile = plan_tiles(dem.shape, dem.shape, 0)[0]
    stack = features(dem.to_numpy().astype(np.float32), tile, dem.shape)
    return stack.reshape(len(stack), -1).T


def describe(scene: Scene, encoder: Path) -> None:
    """Fill the features of a scene: exact, raw channels, and those of a net."""
    cells = cell_size(scene.dem)
    heights = scene.dem.to_numpy().astype(np.float32)
    scene.features["exact features"] = whole(TerrainFeatures(cells), scene.dem)
    raw = terrain_channels(heights, cells.x, cells.y, (7, 50))[[0, 4, 5]]
    scene.features["raw channels"] = raw.reshape(3, -1).T
    net = EncoderFeatures(cells, *load_encoder(encoder))
    scene.features["U-Net features"] = whole(net, scene.dem)
    both = (scene.features["exact features"], scene.features["U-Net features"])
    scene.features["exact and U-Net features"] = np.concatenate(both, axis=1)


@dataclass
class Draw:
    """Clicks and scored cells of a scene, as flat indices."""

    clicks: dict
    scored: np.ndarray


def draw(scene: Scene, number: int) -> Draw:
    """Divide the blocks of a scene in two; click in the one half, score in the other."""
    generator = np.random.default_rng([number, 5])
    rows, columns = np.mgrid[: scene.truth.shape[0], : scene.truth.shape[1]]
    across = -(-scene.truth.shape[1] // BLOCK)
    block = rows // BLOCK * across + columns // BLOCK
    order = generator.permutation(np.unique(block))
    clickable = np.isin(block, order[: len(order) // 2])
    from scipy.ndimage import distance_transform_edt

    far = distance_transform_edt(~clickable) > MARGIN
    known = scene.truth > 0
    for values in scene.features.values():
        known &= ~np.isnan(values[:, 0]).reshape(known.shape)
    truth = np.where(known, scene.truth, 0).ravel()
    scored = generator.permutation(np.flatnonzero(far.ravel() & (truth > 0)))[:SCORED]
    clicks = {
        code: generator.permutation(np.flatnonzero(clickable.ravel() & (truth == code)))
        for code in np.unique(truth[truth > 0])
    }
    return Draw(clicks, scored)


def answers(learner: str, x, codes, asked, classes: int, seed: int) -> np.ndarray:
    """Learn from clicks, and give the class of each cell that is asked for."""
    if learner == "trees":
        return grow(x, codes, classes, seed).probabilities(asked).argmax(axis=1) + 1
    from sklearn.linear_model import LogisticRegression

    mean, sd = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    net = LogisticRegression(C=0.1, class_weight="balanced", max_iter=300)
    return net.fit((x - mean) / sd, codes).predict((asked - mean) / sd)


def macro_f1(truth: np.ndarray, answer: np.ndarray, classes: int) -> float:
    """Give the mean F1 over the classes that occur among the scored cells."""
    confusion = np.zeros((1, classes, classes))
    np.add.at(confusion[0], (truth - 1, answer - 1), 1)
    return float(rates(confusion)["F1"][0, -1])


def score_scene(scene: Scene, seed: int) -> list[dict]:
    """Score every feature set on the same clicks: a row for each draw, count and set."""
    classes, found = int(scene.truth.max()), []
    truth = scene.truth.ravel()
    for number in track(range(DRAWS), scene.name):
        drawn = draw(scene, number)
        for count in COUNTS:
            clicks = np.concatenate([cells[:count] for cells in drawn.clicks.values()])
            for name, x in scene.features.items():
                for learner in LEARNERS.get(name, ("trees",)):
                    answer = answers(
                        learner, x[clicks], truth[clicks], x[drawn.scored], classes, seed
                    )
                    found.append(
                        {"scene": scene.name, "kind": scene.kind, "draw": number,
                         "count": count, "seed": seed, "set": name, "learner": learner,
                         "f1": macro_f1(truth[drawn.scored], answer, classes)}
                    )  # fmt: skip
    return found


def clicking(scene: Scene) -> list[dict]:
    """Compare suggested with random clicks: five a class at first, then some more a round."""
    classes, found = int(scene.truth.max()), []
    truth, x = scene.truth.ravel(), scene.features["exact features"]
    for number in track(range(DRAWS), f"clicking on {scene.name}"):
        drawn = draw(scene, number)
        generator = np.random.default_rng([number, 6])
        pool = generator.permutation(np.concatenate(list(drawn.clicks.values())))[:4000]
        for way in ("suggested", "random"):
            clicks = np.concatenate([cells[:5] for cells in drawn.clicks.values()])
            rest = np.setdiff1d(pool, clicks)
            for step in range(ROUNDS + 1):
                forest = grow(x[clicks], truth[clicks], classes, 0)
                answer = forest.probabilities(x[drawn.scored]).argmax(axis=1) + 1
                found.append(
                    {"scene": scene.name, "kind": scene.kind, "draw": number, "way": way,
                     "clicks": len(clicks), "round": step,
                     "f1": macro_f1(truth[drawn.scored], answer, classes)}
                )  # fmt: skip
                if way == "suggested":
                    p = forest.probabilities(x[rest])
                    places = np.stack(np.divmod(rest, scene.truth.shape[1]), axis=1)
                    more = rest[chosen(p, places, MORE)]
                else:
                    more = generator.permutation(rest)[:MORE]
                clicks, rest = np.r_[clicks, more], np.setdiff1d(rest, more)
    return found


def mean_of(rows: list[dict], **wanted) -> dict:
    """Give the mean F1 by scene and draw, seeds averaged."""
    found: dict = {}
    for row in rows:
        if all(row[key] == value for key, value in wanted.items()):
            found.setdefault((row["scene"], row["draw"]), []).append(row["f1"])
    return {key: float(np.mean(values)) for key, values in found.items()}


def interval(values: dict, minus: dict | None = None) -> dict:
    """Give a mean, or a paired difference, with its 95 % interval over scenes and draws."""
    one = block_bootstrap(
        np.array([value - (minus[key] if minus else 0) for key, value in values.items()])
    )
    return {"value": one.value, "low": one.low, "high": one.high, "pairs": len(values)}


def summary(rows: list[dict]) -> list[dict]:
    """Give each set's mean F1, and by how much the exact features are better."""
    found = []
    kinds = dict.fromkeys(row["kind"] for row in rows)
    for kind in kinds:
        for count in COUNTS:
            ours = mean_of(rows, kind=kind, count=count, set="exact features")
            for name, learner in dict.fromkeys((row["set"], row["learner"]) for row in rows):
                theirs = mean_of(rows, kind=kind, count=count, set=name, learner=learner)
                line = {"legend": kind, "labels a class": count, "set": name, "learner": learner}
                line["f1"] = interval(theirs)
                if name != "exact features":
                    line["exact_minus_it"] = interval(ours, theirs)
                found.append(line)
    return found


def curves(clicked: list[dict]) -> list[dict]:
    """Give the mean F1 after each round of clicks, suggested and random, and print it."""
    found = []
    for kind, step in dict.fromkeys((row["kind"], row["round"]) for row in clicked):
        ways = {
            way: mean_of(clicked, kind=kind, round=step, way=way) for way in ("suggested", "random")
        }
        line = {way: interval(values) for way, values in ways.items()}
        line["gain"] = interval(ways["suggested"], ways["random"])
        found.append({"legend": kind, "round": step, **line})
        shown = "   ".join(
            "{} {value:+.3f} [{low:+.3f}, {high:+.3f}]".format(way, **one)
            for way, one in line.items()
        )
        print(f"{kind:32s} round {step}: {shown}")
    return found


def show(lines: list[dict]) -> None:
    """Print the table."""
    for line in lines:
        text = "{value:.3f} [{low:.3f}, {high:.3f}]".format(**line["f1"])
        more = line.get("exact_minus_it")
        more = (
            ""
            if more is None
            else "  ours - it {value:+.3f} [{low:+.3f}, {high:+.3f}]".format(**more)
        )
        print(
            f"{line['legend']:32s} {line['labels a class']:4d}  {line['set']:26s} "
            f"{line['learner']:9s} {text}{more}"
        )


def main() -> None:
    """Score, print, and write few_labels.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, default=Path("out/encoder-0"))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    data = Path(os.environ.get("GRABEN_REFERENCE_DATA", "../shared/data"))
    kept = asked.out / "few_labels"
    kept.mkdir(parents=True, exist_ok=True)
    for scene in scenes(data):
        path = kept / f"{scene.name.replace(' ', '-')}-{asked.seed}.json"
        if not path.exists():
            describe(scene, asked.encoder)
            clicked = clicking(scene) if asked.seed == 0 else []
            path.write_text(json.dumps([score_scene(scene, asked.seed), clicked]))
    rows, clicked = [], []
    for path in sorted(kept.iterdir()):
        one, other = json.loads(path.read_text())
        rows, clicked = rows + one, clicked + other
    lines = summary(rows)
    show(lines)
    curve = curves(clicked)
    text = json.dumps({"table": lines, "clicking": curve, "rows": rows}, indent=2)
    (asked.out / "few_labels.json").write_text(text + "\n")


if __name__ == "__main__":
    with shown_by(progress_bar):
        main()
