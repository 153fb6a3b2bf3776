"""A user's own landform classes, learned from a handful of labelled cells."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from graben.errors import ModelError
from graben.landforms.dem import CellSize, cell_size, on_map
from graben.landforms.dem_file import DemFile
from graben.landforms.features import TerrainFeatures
from graben.landforms.forms import cores
from graben.landforms.labels import Grid, Labels, checked_labels
from graben.landforms.models.block_evaluation import (
    BlockEvaluation,
    evaluate_by_blocks,
    temperature_of,
)
from graben.learning.forest import Forest, grow, tempered
from graben.learning.store import load_model, save_model
from graben.progress import track
from graben.tiling import InMemory, Source, Tile, plan_tiles

if TYPE_CHECKING:
    import xarray as xr

    Dem = xr.DataArray | DemFile

TILE = 256  # cells of a tile's side; a multiple of what the encoder asks for
MOST_CELLS = 500  # of a class that are learned from: large polygons add little but repetition
EVERY = 4  # each so many-th row and column around the labels tells what the land there is like
TAIL = 0.001  # quantile beyond which a feature is unlike the land around the labels
UNLIKE = 0.1  # share of a cell's features beyond it that makes the cell unlike that land
OUTPUTS = {"classes": "u1", "confidence": "f4", "entropy": "f4", "unlike": "u1"}
KIND = "few-labels"


@dataclass(frozen=True, eq=False)
class ClassBlock:
    """The classes of a tile, for the tiling engine.

    Attributes
    ----------
    features
        Bound to the cells of the DEM.
    forest, temperature
        Of the classifier.
    low, high
        Range of each feature in the land around the labels.
    """

    features: TerrainFeatures
    forest: Forest
    temperature: float
    low: np.ndarray
    high: np.ndarray

    @property
    def halo(self) -> int:
        """How many cells around a tile's core the block must hold."""
        return self.features.halo

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Give the probability of each class, (cell, class)."""
        return tempered(self.forest.probabilities(x), self.temperature)

    def __call__(
        self, block: np.ndarray, tile: Tile, shape: tuple[int, ...]
    ) -> dict[str, np.ndarray]:
        """Give `OUTPUTS` for the core of the tile; 0 and NaN where a feature is NaN."""
        found = {name: np.empty(tile.shape, dtype) for name, dtype in OUTPUTS.items()}
        for part in parts_of(tile, self.halo):
            x = self.features(block[Tile(part.padded, tile.padded).inner], part, shape)
            known = ~np.isnan(x[0])
            for name, values in self._answers(x[:, known].T).items():
                whole = np.full(known.shape, np.nan if OUTPUTS[name] == "f4" else 0)
                whole[known] = values
                found[name][Tile(part.core, tile.core).inner] = whole
        return found

    def _answers(self, x: np.ndarray) -> dict[str, np.ndarray]:
        p = self.probabilities(x)
        return {
            "classes": p.argmax(axis=1) + 1,
            "confidence": p.max(axis=1),
            "entropy": -(p * np.log(p)).sum(axis=1) / np.log(p.shape[1]),
            "unlike": ((x < self.low) | (x > self.high)).mean(axis=1) > UNLIKE,
        }


def parts_of(tile: Tile, halo: int) -> list[Tile]:
    """Cut a tile into parts whose features fit into memory, seen from the whole raster."""
    offset = [core.start for core in tile.core]
    return [
        Tile(
            tuple(slice(c.start + o, c.stop + o) for c, o in zip(part.core, offset, strict=True)),
            tuple(
                slice(max(c.start + o - halo, p.start), min(c.stop + o + halo, p.stop))
                for c, o, p in zip(part.core, offset, tile.padded, strict=True)
            ),
        )
        for part in plan_tiles(tile.shape, TILE, 0)
    ]


class FewLabels:
    """Exact multi-scale features of each cell, and trees that tell the classes apart.

    Parameters
    ----------
    seed
        Of the trees, the folds and the choice among many labels; the same seed and labels give
        the same map.

    Attributes
    ----------
    classes_
        Names; the code of a class is its place plus 1.
    counts_
        Labelled cells of each class that were learned from.
    left_out_
        Labels that were not, by reason.
    evaluation_
        Answers for held-out blocks, before calibration; None where the labels lie too close
        together, and for a model that was loaded.
    scores_
        Precision, recall and F1 on held-out blocks: "F1 of dunes", "F1 of all" and so on, each
        with value, low and high; empty without blocks.
    importance_
        For each group of features, what held-out answers lose when it is shuffled among the
        labelled cells (mean and sd over 5 shuffles, nats per label); empty without blocks.
    temperature_
        By which the probabilities are calibrated on held-out blocks; 1 without these.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.classes_: tuple[str, ...]
        self.counts_: dict[str, int]
        self.left_out_: dict[str, int]
        self.evaluation_: BlockEvaluation | None
        self.temperature_: float
        self.scores_: dict[str, dict[str, float]]
        self.importance_: dict[str, tuple[float, float]]
        self.cell_metres_: float
        self.forest_: Forest
        self.low_: np.ndarray
        self.high_: np.ndarray

    def fit(self, dem: "Dem", labels: Labels) -> Self:
        """Learn the classes.

        Parameters
        ----------
        dem
            Elevation in metres, in memory or on disk.
        labels
            From `read_labels`. Cells on the edge of the DEM or of a void have no features and are
            left out; of classes with more than 500 cells so many are drawn.

        Raises
        ------
        InputError
            Fewer than two cells of a class have features.
        """
        x, around = features_of(dem, labels)
        known = ~np.isnan(x).any(axis=1)
        labels = checked_labels(labels.part(known, "on the edge or on a void"))
        x = x[known]
        kept = _some_of_each(labels.codes, self.seed)
        x, labels = x[kept], labels.part(kept, "more than the class needs")
        classes = len(labels.classes)

        folds: list[tuple[Forest, np.ndarray]] = []

        def answer(learned: np.ndarray, held_out: np.ndarray) -> np.ndarray:
            forest = grow(x[learned], labels.codes[learned], classes, self.seed)
            folds.append((forest, held_out))
            return forest.probabilities(x[held_out])

        self.evaluation_ = evaluate_by_blocks(
            labels.classes, labels.codes, labels.rows, labels.columns, answer, self.seed
        )
        self.temperature_ = temperature_of(self.evaluation_) if self.evaluation_ else 1.0
        self.scores_ = _flat_scores(self.evaluation_, self.seed) if self.evaluation_ else {}
        self.importance_ = group_importance(x, labels.codes, folds, self.seed) if folds else {}
        self.classes_, self.counts_ = labels.classes, labels.counts
        self.left_out_ = labels.left_out
        self.cell_metres_ = _cell_metres(cell_size(dem))
        self.forest_ = grow(x, labels.codes, classes, self.seed)
        self.low_, self.high_ = np.nanquantile(around, (TAIL, 1 - TAIL), axis=0)
        return self

    def block(self, dem: "Dem") -> ClassBlock:
        """Give the function that the tiling engine runs on each tile of `dem`."""
        features = TerrainFeatures(cell_size(dem))
        return ClassBlock(features, self.forest_, self.temperature_, self.low_, self.high_)

    def predict(self, dem: "Dem") -> "xr.Dataset":
        """Classify every cell.

        Parameters
        ----------
        dem
            Elevation in metres, in memory or on disk; not necessarily the one with the labels.

        Returns
        -------
        xarray.Dataset
            On the grid of the DEM: `classes` (uint8; 0 where the features are unknown: on voids
            and beside them, and in the outermost rows and columns), `confidence` (probability of
            that class, if all classes are as frequent), `entropy` (0 sure to 1 at a loss), both
            NaN there, and `unlike` (1 where a tenth of the features lie outside the range of the
            land around the labels: there the model guesses).
        """
        import xarray as xr

        block, source = self.block(dem), source_of(dem)
        tiles = plan_tiles(source.shape, TILE, block.halo)
        found = {name: np.empty(source.shape, dtype) for name, dtype in OUTPUTS.items()}

        def work(tile: Tile) -> None:
            for name, core in block(source.read(tile.padded), tile, source.shape).items():
                found[name][tile.core] = core

        with ThreadPoolExecutor(cores()) as pool:
            for _ in track(pool.map(work, tiles), "classifying", total=len(tiles)):
                pass
        crs = grid_of(dem).crs
        y, x = np.asarray(dem.y), np.asarray(dem.x)
        return xr.Dataset({name: on_map(v, y, x, crs, name) for name, v in found.items()})

    def warnings(self, dem: "Dem", unlike_share: float) -> list[str]:
        """Say why not to trust this model on `dem`; an empty list is as good as it gets."""
        said = []
        ratio = _cell_metres(cell_size(dem)) / self.cell_metres_
        if not 1 / 1.5 <= ratio <= 1.5:
            said.append(
                f"its cells are {ratio:.2g} times as wide as those that the model learned from: "
                "windows cover other distances. Resample the elevation model, or label it anew."
            )
        if unlike_share > UNLIKE:
            said.append(
                f"{unlike_share:.0%} of it is unlike the land around the labels; the classes "
                "there are guesses. Label some of it."
            )
        return said

    def save(self, folder: str | Path, about: dict[str, Any]) -> None:
        """Write a model folder; `about` adds to its description, see `save_model`."""
        tensors = {f"forest.{name}": array for name, array in self.forest_.arrays().items()}
        tensors |= {"low": self.low_, "high": self.high_}
        description = {
            "model": KIND,
            "what": "The class of each cell of an elevation model and its probability",
            "classes": self.classes_,
            "labelled_cells": self.counts_,
            "labels_left_out": self.left_out_,
            "features": TerrainFeatures.names(),
            "cell_metres": self.cell_metres_,
            "metrics": self.scores_,
            "temperature": self.temperature_,
            "importance": self.importance_,
            "seed": self.seed,
        }
        save_model(folder, tensors, description | about)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model folder.

        Raises
        ------
        ModelError
            The folder is damaged, holds another kind of model, or was made with other features.
        """
        stored = load_model(folder)
        about = stored.description
        if about.get("model") != KIND:
            raise ModelError(
                f"{folder} holds the model {about.get('model')}; expected {KIND}. Give the folder "
                "that `graben landforms classify` wrote."
            )
        if about["features"] != list(TerrainFeatures.names()):
            raise ModelError(
                f"the model in {folder} was made with other features than this graben computes. "
                "Use the graben that made it, or learn from the labels again."
            )
        model = cls(about["seed"])
        model.classes_ = tuple(about["classes"])
        model.counts_, model.left_out_ = about["labelled_cells"], about["labels_left_out"]
        model.cell_metres_, model.temperature_ = about["cell_metres"], about["temperature"]
        model.importance_ = {name: (mean, sd) for name, (mean, sd) in about["importance"].items()}
        model.scores_, model.evaluation_ = _with_nan(about["metrics"]), None
        model.forest_ = Forest(**stored.state("forest"))
        model.low_, model.high_ = stored.tensors["low"], stored.tensors["high"]
        return model


def features_of(dem: "Dem", labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """Give the features of labelled cells, and of a sample of the land around them.

    Returns
    -------
    labelled, around : numpy.ndarray
        (cell, feature) float32, NaN where unknown; the first in the order of the labels.
    """
    features, source = TerrainFeatures(cell_size(dem)), source_of(dem)
    found = np.full((len(labels.codes), len(features.names())), np.nan, np.float32)
    around = []
    place = labels.rows // TILE, labels.columns // TILE
    tiles = {(t.core[0].start // TILE, t.core[1].start // TILE): t
             for t in plan_tiles(source.shape, TILE, features.halo)}  # fmt: skip
    for key in track(sorted(set(zip(*place, strict=True))), "features of the labels"):
        tile = tiles[key]
        stack = features(source.read(tile.padded), tile, source.shape)
        here = (place[0] == key[0]) & (place[1] == key[1])
        found[here] = stack[:, labels.rows[here] % TILE, labels.columns[here] % TILE].T
        sample = stack[:, ::EVERY, ::EVERY].reshape(len(stack), -1).T
        around.append(sample[~np.isnan(sample).any(axis=1)])
    return found, np.concatenate(around)


def group_importance(
    x: np.ndarray, codes: np.ndarray, folds: list[tuple[Forest, np.ndarray]], seed: int
) -> dict[str, tuple[float, float]]:
    """Give what held-out answers lose by shuffling each group of features, most important first.

    Parameters
    ----------
    x, codes
        Features and classes of all labelled cells.
    folds
        Forests, and the cells that each has not seen.
    seed
        Of the shuffles.
    """
    from graben.explanation.importance import permutation_importance

    groups = [name.partition(":")[0] for name in TerrainFeatures.names()]
    names = tuple(dict.fromkeys(groups))
    group = np.array([names.index(one) for one in groups])
    columns = np.arange(len(groups))

    def predict(origin: np.ndarray) -> np.ndarray:
        # origin (cell, group): the cell from which each group of features is taken
        p = [forest.probabilities(x[origin[held][:, group], columns]) for forest, held in folds]
        return np.concatenate(p)

    held_out = np.concatenate([held for _, held in folds])
    true = codes[held_out] - 1

    def likelihood(p: np.ndarray) -> float:
        return float(np.log(p[np.arange(len(p)), true]).mean())

    origin = np.repeat(np.arange(len(x))[:, None], len(names), axis=1)
    found = permutation_importance(predict, origin, likelihood, seed=seed)
    order = np.argsort(-found.mean)
    return {names[i]: (float(found.mean[i]), float(found.sd[i])) for i in order}


def _flat_scores(evaluation: BlockEvaluation, seed: int) -> dict[str, dict[str, float]]:
    return {
        f"{rate} of {name}": {"value": one.value, "low": one.low, "high": one.high}
        for name, rates in evaluation.scores(seed).items()
        for rate, one in rates.items()
    }


def _with_nan(scores: dict[str, dict[str, float | None]]) -> dict[str, dict[str, float]]:
    """Give scores as they were before JSON, which knows no NaN."""
    return {
        name: {key: np.nan if value is None else value for key, value in one.items()}
        for name, one in scores.items()
    }


def source_of(dem: "Dem") -> Source:
    """Give a DEM to the tiling engine."""
    return dem if isinstance(dem, DemFile) else InMemory(dem.to_numpy())


def grid_of(dem: "Dem") -> Grid:
    """Say where the cells of a DEM lie."""
    if isinstance(dem, DemFile):
        return Grid(dem.shape, dem.transform, dem.crs)
    return Grid((dem.sizes["y"], dem.sizes["x"]), dem.rio.transform(recalc=True), dem.rio.crs)


def _cell_metres(size: CellSize) -> float:
    return float(np.sqrt(np.median(size.x) * np.median(size.y)))


def _some_of_each(codes: np.ndarray, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    drawn = [
        generator.permutation(np.flatnonzero(codes == code))[:MOST_CELLS]
        for code in np.unique(codes)
    ]
    return np.sort(np.concatenate(drawn))
