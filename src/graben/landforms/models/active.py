"""Where the next click teaches most."""

from typing import TYPE_CHECKING

import numpy as np

from graben.landforms.dem import cell_size
from graben.landforms.features import TerrainFeatures
from graben.landforms.models.few_labels import TILE, FewLabels, grid_of, source_of
from graben.tiling import plan_tiles

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from graben.landforms.models.few_labels import Dem

DRAWN = 4000  # cells that are looked at
TILES = 36  # at most so many parts of a large DEM


def suggest(model: FewLabels, dem: "Dem", count: int = 10, seed: int = 0) -> "GeoDataFrame":
    """Choose the cells whose classes the model should be told next.

    Of some thousand cells drawn at random, those are taken one by one whose two likeliest classes
    are closest, times how far their features lie from all that is labelled or taken already: an
    uncertain place that resembles one already clicked teaches little.

    Parameters
    ----------
    model
        Fitted.
    dem
        Where to click.
    count
        Number of places.
    seed
        Of the drawing.

    Returns
    -------
    geopandas.GeoDataFrame
        Points at the centres of cells, in the system of the DEM, best first: `rank`, `class`
        (empty, to be filled in), `guess` and `confidence`.
    """
    import geopandas as gpd

    rows, columns, x = _drawn(dem, np.random.default_rng(seed))
    block = model.block(dem)
    p = block.probabilities(x)
    taken = chosen(x, p, model.samples_, block.high - block.low, count)
    transform, crs = grid_of(dem).transform, grid_of(dem).crs
    east, north = transform * (columns[taken] + 0.5, rows[taken] + 0.5)
    facts = {
        "rank": np.arange(1, len(taken) + 1),
        "class": [None] * len(taken),
        "guess": np.asarray(model.classes_)[p.argmax(axis=1)[taken]],
        "confidence": p.max(axis=1)[taken].astype(float).round(3),
    }
    return gpd.GeoDataFrame(facts, geometry=gpd.points_from_xy(east, north), crs=crs.to_wkt())


def chosen(
    x: np.ndarray, p: np.ndarray, labelled: np.ndarray, spread: np.ndarray, count: int
) -> np.ndarray:
    """Give the indices of candidates by doubt times novelty, best first.

    Parameters
    ----------
    x, p
        Features and class probabilities of the candidates, (candidate, feature or class).
    labelled
        Features of what is labelled, (cell, feature).
    spread
        Range of each feature, by which distances are measured; a range of 0 is left out.
    count
        How many; fewer where there are not so many candidates.
    """
    from scipy.spatial.distance import cdist

    used = spread > 0
    here, there = x[:, used] / spread[used], labelled[:, used] / spread[used]
    novelty = np.full(len(x), np.inf)
    for start in range(0, len(there), 1000):
        apart = cdist(here, there[start : start + 1000])
        novelty = np.minimum(novelty, apart.min(axis=1))
    second, first = np.sort(p, axis=1)[:, -2:].T
    doubt = 1 - (first - second)
    taken: list[int] = []
    for _ in range(min(count, len(x))):
        taken.append(int((doubt * novelty).argmax()))
        novelty = np.minimum(novelty, cdist(here, here[taken[-1:]])[:, 0])
        novelty[taken] = -1  # never twice
    return np.array(taken)


def _drawn(dem: "Dem", generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw cells that have features: rows, columns, features."""
    features, source = TerrainFeatures(cell_size(dem)), source_of(dem)
    tiles = plan_tiles(source.shape, TILE, features.halo)
    visited = generator.permutation(len(tiles))[:TILES]
    found = []
    for tile in (tiles[index] for index in visited):
        stack = features(source.read(tile.padded), tile, source.shape)
        row, column = np.nonzero(~np.isnan(stack[0]))
        some = generator.permutation(len(row))[: -(-DRAWN // len(visited))]
        row, column = row[some], column[some]
        place = row + tile.core[0].start, column + tile.core[1].start
        found.append((*place, stack[:, row, column].T))
    rows, columns, x = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, columns, x
