"""What segmentation from dense masks is worth, on synthetic land where every answer is known.

Landslides are laid on synthetic landscapes of eight units (15 on 320 x 320 cells of 30 m), four of
which are learned from, or one of them, and six others scored on, once. Beside the U-Net:
thresholds of slope and of roughness, trees on the net's own channels cell by cell, and the
few-labels classifier with 500 cells a class. Everything that a baseline chooses (its threshold) is
chosen for the best F1 on the land that it learned from. Then the same for the eight units.

Nothing here says how well real landslides are found: no such labels are at hand. Real scars are
older, overgrown, less regular, and drawn by people who do not agree.

About twenty minutes on one core:

    python benchmarks/segmentation.py --out out/bench
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier

from graben.cli.console import progress_bar
from graben.landforms.dem import cell_size
from graben.landforms.labels import Labels
from graben.landforms.models import segmentation
from graben.landforms.models.few_labels import FewLabels
from graben.landforms.models.segmentation import Segmentation
from graben.landforms.models.segmentation_channels import terrain_channels
from graben.landforms.models.segmentation_samples import LabelledDem, TurnedTiles
from graben.landforms.models.segmentation_scores import confusion, f1_by_class
from graben.landforms.synthetic_landscape import LANDSCAPE_UNITS, landscape
from graben.landforms.synthetic_landslides import add_landslides
from graben.output import plain
from graben.progress import shown_by, track

SIDE, LANDSLIDES = 320, 15
TRAINING = range(4)
TEST = range(200, 206)
SEEDS = range(3)
RADII = (2, 8, 32)
CLASSES = ("other", "landslide")
UNITS = tuple(one.name for one in LANDSCAPE_UNITS.classes)
Map = Callable[[LabelledDem], np.ndarray]
Fit = Callable[[list[LabelledDem], int], Map]


def slid(seed: int) -> LabelledDem:
    """Give a landscape with landslides; class 2 is scars and deposits."""
    made = add_landslides(landscape(seed, SIDE, SIDE).elevation, seed, LANDSLIDES)
    return LabelledDem(made.elevation, (made.zone.to_numpy() > 0).astype(np.uint8) + np.uint8(1))


def mapped(seed: int) -> LabelledDem:
    """Give a landscape with its units."""
    made = landscape(seed, SIDE, SIDE)
    return LabelledDem(made.elevation, made.unit.to_numpy())


def channels(area: LabelledDem) -> np.ndarray:
    """Give what the net sees, (channel, y, x)."""
    size = cell_size(area.dem)
    return terrain_channels(area.dem.to_numpy(), size.x, size.y, RADII)


def unet(classes: tuple[str, ...], mixup: float = 0.2) -> Fit:
    """Train the net with its defaults, and with or without mixup."""

    def fit(areas: list[LabelledDem], seed: int) -> Map:
        model = Segmentation(classes)
        model.fit(areas, replace(model.tuned(), seed=seed, mixup=mixup))
        return lambda area: model.predict(area.dem)["classes"].to_numpy()

    return fit


def unturned(areas: list[LabelledDem], seed: int) -> Map:
    """Train the net on tiles as they are."""

    def as_they_are(x: Any, codes: Any, weights: Any, symmetries: int = 1) -> TurnedTiles:
        return TurnedTiles(x, codes, weights, symmetries)

    with mock.patch.object(segmentation, "TurnedTiles", as_they_are):
        return unet(CLASSES)(areas, seed)


def best_threshold(score: np.ndarray, mask: np.ndarray) -> float:
    """Give the threshold of a score above which class 2 has the best F1."""
    score, mask = score[::5], mask[::5]  # enough, and quick
    limits = np.quantile(score, np.linspace(0.8, 0.999, 100))
    found = [
        f1_by_class(confusion(mask[None], (score > limit)[None] + 1, 2)[0])[1] for limit in limits
    ]
    return float(limits[int(np.argmax(found))])


def threshold(score: Callable[[LabelledDem], np.ndarray]) -> Fit:
    """Call everything above a threshold a landslide."""

    def fit(areas: list[LabelledDem], seed: int) -> Map:
        both = (np.concatenate([part(area).ravel() for area in areas]) for part in (score, _mask))
        limit = best_threshold(*both)
        return lambda area: (score(area) > limit).astype(np.uint8) + np.uint8(1)

    return fit


def _mask(area: LabelledDem) -> np.ndarray:
    return area.mask


def slope(area: LabelledDem) -> np.ndarray:
    """Give the slope."""
    return channels(area)[0]


def roughness(area: LabelledDem) -> np.ndarray:
    """Give the mean square of the relief within 2 cells over the 9 x 9 cells around."""
    from scipy.ndimage import uniform_filter

    return uniform_filter(channels(area)[4].astype(float) ** 2, 9)


def trees(classes: tuple[str, ...]) -> Fit:
    """Tell cells apart by the net's channels, each cell by itself."""

    def fit(areas: list[LabelledDem], seed: int) -> Map:
        x = np.concatenate([cells(area) for area in areas])
        y = np.concatenate([area.mask.ravel() for area in areas])
        forest = ExtraTreesClassifier(
            50, min_samples_leaf=10, bootstrap=True, max_samples=0.2, random_state=seed
        )
        held = np.arange(len(y)) % 5 == 0
        forest.fit(x[~held], y[~held])
        if len(classes) > 2:
            return lambda area: forest.predict(cells(area)).reshape(area.mask.shape)
        limit = best_threshold(forest.predict_proba(x[held])[:, 1], y[held])
        return lambda area: (
            (forest.predict_proba(cells(area))[:, 1] > limit).reshape(area.mask.shape) + 1
        )

    return fit


def cells(area: LabelledDem) -> np.ndarray:
    """Give the channels of each cell, (cell, channel)."""
    return channels(area).reshape(len(RADII) + 4, -1).T


def few_labels(classes: tuple[str, ...]) -> Fit:
    """Learn 500 cells a class of the first elevation model; choose a threshold on the second."""

    def fit(areas: list[LabelledDem], seed: int) -> Map:
        rows, columns = np.nonzero(areas[0].mask)
        codes = areas[0].mask[rows, columns]
        model = FewLabels(seed).fit(areas[0].dem, Labels(classes, rows, columns, codes, {}))
        if len(classes) > 2:
            return lambda area: model.predict(area.dem)["classes"].to_numpy()
        limit = best_threshold(_second(model, areas[1]).ravel(), areas[1].mask.ravel())
        return lambda area: (_second(model, area) > limit).astype(np.uint8) + np.uint8(1)

    return fit


def _second(model: FewLabels, area: LabelledDem) -> np.ndarray:
    """Give the probability of the second of two classes."""
    found = model.predict(area.dem)
    sure = found["confidence"].fillna(1.0).to_numpy()
    return np.where(found["classes"].to_numpy() == 2, sure, 1 - sure)


def tables(fit: Fit, areas: list[LabelledDem], test: list[LabelledDem], classes: int) -> np.ndarray:
    """Give confusion tables, (seed, elevation model, true, mapped)."""
    found = []
    for seed in SEEDS:
        mapper = fit(areas, seed)
        found.append([confusion(area.mask[None], mapper(area)[None], classes)[0] for area in test])
    return np.array(found)


def score(table: np.ndarray) -> np.ndarray:
    """Give F1 of landslides, or of two classes and more their mean, (...)."""
    f1 = f1_by_class(table)
    return f1[..., 1] if f1.shape[-1] == 2 else f1.mean(-1)


def row(name: str, table: np.ndarray, reference: np.ndarray | None = None) -> dict[str, Any]:
    """Give F1 with its interval over the test's elevation models, and what it adds to another."""
    generator = np.random.default_rng(0)
    drawn = generator.multinomial(len(TEST), np.full(len(TEST), 1 / len(TEST)), 2000)

    def resampled(one: np.ndarray) -> np.ndarray:
        return score(np.einsum("nd,sdij->nsij", drawn, one)).mean(1)

    value, again = score(table.sum(1)), resampled(table)
    found = {"row": name, "F1": value.mean(), "low": np.quantile(again, 0.025),
             "high": np.quantile(again, 0.975), "seeds": value.tolist()}  # fmt: skip
    right = np.diagonal(table.sum(1), axis1=-2, axis2=-1)
    if table.shape[-1] == 2:
        found["IoU"] = float(
            (right[:, 1] / (table.sum(1)[:, 1].sum(-1) + table.sum(1)[:, 0, 1])).mean()
        )
    if reference is not None:
        gain = again - resampled(reference)
        found["gain"] = value.mean() - score(reference.sum(1)).mean()
        found["gain_low"], found["gain_high"] = np.quantile(gain, (0.025, 0.975))
    return found


def landslide_rows() -> Iterator[dict[str, Any]]:
    """Yield the rows of landslides: baselines, label counts, and what each part is worth."""
    areas = [slid(seed) for seed in track(TRAINING, "making land")]
    test = [slid(seed) for seed in track(TEST, "making land")]
    yield row("slope threshold, 4 models", tables(threshold(slope), areas, test, 2))
    yield row("roughness threshold, 4 models", tables(threshold(roughness), areas, test, 2))
    found = {}
    for count, number in ((4, "4 models"), (1, "1 model")):
        best = tables(trees(CLASSES), areas[:count], test, 2)
        yield row(f"trees on the channels, {number}", best)
        found[count] = tables(unet(CLASSES), areas[:count], test, 2)
        yield row(f"unet, {number}; gain over trees", found[count], best)
    yield row("few-labels, 500 cells a class", tables(few_labels(CLASSES), areas[:2], test, 2))
    variants = {"without mixup": unet(CLASSES, mixup=0.0), "without turning": unturned}
    for name, fit in variants.items():
        yield row(f"unet, 1 model, {name}; gain", tables(fit, areas[:1], test, 2), found[1])


def unit_rows() -> Iterator[dict[str, Any]]:
    """Yield the rows of the eight units, macro-F1."""
    areas, test = [mapped(seed) for seed in range(4)], [mapped(seed) for seed in TEST]
    best = tables(trees(UNITS), areas, test, len(UNITS))
    few = tables(few_labels(UNITS), areas[:1], test, len(UNITS))
    yield row("few-labels, 500 cells a class", few)
    yield row("trees on the channels, 4 models", best)
    learned = tables(unet(UNITS), areas, test, len(UNITS))
    yield row("unet, 4 models; gain over few-labels", learned, few)


def told(one: dict[str, Any]) -> str:
    """Give a row as a line."""
    line = f"  {one['row']:44} {one['F1']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
    if "gain" in one:
        line += f"  {one['gain']:+.3f} [{one['gain_low']:+.3f}, {one['gain_high']:+.3f}]"
    return line


def main() -> None:
    """Print the tables and write segmentation.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    found: dict[str, list[dict[str, Any]]] = {"landslides": [], "units": []}
    with shown_by(progress_bar):
        for name, rows in (("landslides", landslide_rows()), ("units", unit_rows())):
            print(
                f"{name}: F1 on {len(TEST)} other elevation models, {len(SEEDS)} seeds", flush=True
            )
            for one in rows:
                found[name].append(one)
                print(told(one), flush=True)
                text = json.dumps(plain(found), indent=2) + "\n"
                (folder / "segmentation.json").write_text(text)


if __name__ == "__main__":
    main()
