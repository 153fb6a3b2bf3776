import numpy as np
import pytest

from graben.landforms import fractal
from graben.landforms.dem import cell_size
from graben.landforms.features import TerrainFeatures, window_mean
from graben.landforms.forms import Sighting, geomorphons
from graben.tiling import plan_tiles


def computed(dem, size=None):
    """Features of a whole DEM, computed at once or in tiles."""
    features, heights = TerrainFeatures(cell_size(dem)), dem.to_numpy()
    found = np.empty((len(features.names()), *dem.shape), np.float32)
    for tile in plan_tiles(dem.shape, size or dem.shape, features.halo):
        found[(slice(None), *tile.core)] = features(heights[tile.padded], tile, dem.shape)
    return found


@pytest.fixture(scope="module")
def dem():
    made = fractal(150, 170, relief=400.0, seed=3).round()
    made[40:44, 60:70] = np.nan
    made[100, 20] = np.nan
    return made


@pytest.fixture(scope="module")
def whole(dem):
    return computed(dem)


def test_tiles_give_what_the_whole_gives(dem, whole):
    tiled = computed(dem, 64)
    assert np.array_equal(np.isnan(tiled), np.isnan(whole))
    np.testing.assert_allclose(tiled, whole, rtol=1e-4, atol=1e-5)


def test_features_are_unknown_on_and_beside_voids_and_at_the_border_only(dem, whole):
    void = np.isnan(dem.to_numpy())
    beside = np.zeros_like(void)
    padded = np.pad(void, 1)
    for row in range(3):
        for column in range(3):
            beside |= padded[row : row + void.shape[0], column : column + void.shape[1]]
    beside[[0, -1]] = beside[:, [0, -1]] = True
    assert np.array_equal(np.isnan(whole), np.broadcast_to(beside, whole.shape))


def test_higher_land_has_the_same_features(dem, whole):
    higher = computed(dem + 1000)
    known = ~np.isnan(whole)
    same = np.isclose(higher, whole, rtol=1e-3, atol=1e-3)[known]
    assert same.mean() > 0.9999  # heights in single precision decide some directions otherwise


def test_lines_are_those_of_the_geomorphons(dem, whole):
    forms = geomorphons(dem, Sighting(10))["forms"].to_numpy()
    names = TerrainFeatures.names()
    down, up = (
        whole[names.index(f"geomorphons: lines {way}, search 10")] for way in ("down", "up")
    )
    assert (down[forms == 2] == 8).all()
    assert (up[forms == 10] == 8).all()
    flat = (forms == 1) & ~np.isnan(down)
    assert ((down + up)[flat] <= 2).all()
    shoulder = (forms == 4) & ~np.isnan(down)
    pairs = set(zip(down[shoulder].tolist(), up[shoulder].tolist(), strict=True))
    assert pairs <= {(2, 1), (3, 0), (3, 1), (4, 0), (4, 1)}
    assert len(pairs) > 1


def test_shares_of_forms_add_up_to_one(whole):
    names = TerrainFeatures.names()
    for search in (3, 10):
        for radius in (7, 20):
            ending = f", search {search}, {radius}"
            shares = [
                i for i, name in enumerate(names) if "share" in name and name.endswith(ending)
            ]
            assert len(shares) == 10
            total = whole[shares].sum(axis=0)
            np.testing.assert_allclose(total[~np.isnan(total)], 1, atol=1e-5)


def test_a_window_mean_leaves_voids_and_what_lies_beyond_out():
    values = np.random.default_rng(0).normal(size=(23, 31))
    values[5:12, 8:20] = np.nan
    found = window_mean(values, 3)
    for row in range(23):
        for column in range(31):
            part = values[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
            known = part[~np.isnan(part)]
            expected = known.mean() if known.size else np.nan
            np.testing.assert_allclose(found[row, column], expected, atol=1e-12)
