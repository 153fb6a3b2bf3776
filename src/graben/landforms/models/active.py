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
APART = 10  # cells between suggestions
TILES = 36  # at most so many parts of a large DEM


def suggest(model: FewLabels, dem: "Dem", count: int = 10, seed: int = 0) -> "GeoDataFrame":
    """Choose the cells whose classes the model should be told next.

    Of some thousand cells drawn at random, those are taken whose two likeliest classes are
    closest, but none within 10 cells of one taken already: neighbours teach the same.

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
        Points at the centres of cells, in the system of the DEM, most doubtful first: `rank`,
        `class` (empty, to be filled in), `guess` and `confidence`.
    """
    import geopandas as gpd

    rows, columns, x = _drawn(dem, np.random.default_rng(seed))
    block = model.block(dem)
    p = block.probabilities(x)
    taken = chosen(p, np.stack([rows, columns], axis=1), count)
    transform, crs = grid_of(dem).transform, grid_of(dem).crs
    east, north = transform * (columns[taken] + 0.5, rows[taken] + 0.5)
    facts = {
        "rank": np.arange(1, len(taken) + 1),
        "class": [None] * len(taken),
        "guess": np.asarray(model.classes_)[p.argmax(axis=1)[taken]],
        "confidence": p.max(axis=1)[taken].astype(float).round(3),
    }
    return gpd.GeoDataFrame(facts, geometry=gpd.points_from_xy(east, north), crs=crs.to_wkt())


def chosen(p: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    """Give the indices of doubtful candidates that lie apart, most doubtful first.

    Parameters
    ----------
    p
        Class probabilities of the candidates, (candidate, class).
    places
        Their rows and columns, (candidate, 2).
    count
        How many; fewer where not so many lie apart.
    """
    second, first = np.sort(p, axis=1)[:, -2:].T
    margin = np.asarray(first - second, float)
    taken: list[int] = []
    while len(taken) < count and np.isfinite(margin).any():
        taken.append(int(margin.argmin()))
        near = np.abs(places - places[taken[-1]]).max(axis=1) < APART
        margin[near] = np.inf
    return np.array(taken, int)


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
