import numpy as np
import pytest
import xarray as xr

from graben.errors import RasterError
from graben.quakes.grid import Grid
from graben.quakes.region import Region
from graben.quakes.terrain import land_fraction, on_fine_grid, terrain_rasters

GRID = Grid(west=30, south=36, columns=8, rows=6, step=0.25)


def surface(height, box=GRID.region):
    """An elevation model, rows from the north, of a function of longitude and latitude."""
    x = np.arange(box.west + 0.0125, box.east, 0.025)
    y = np.arange(box.north - 0.0125, box.south, -0.025)
    metres = np.asarray(height(x[None, :], y[:, None]), np.float32)
    return xr.DataArray(metres, {"y": y, "x": x}, ("y", "x"))


def test_a_mountain_stands_in_its_cell_and_rows_run_from_the_south():
    def peak(x, y):
        return 2000.0 * ((abs(x - 30.6) < 0.1) & (abs(y - 37.1) < 0.1))

    mean, relief, _ = terrain_rasters(surface(peak), GRID)
    row, column, _ = GRID.cell_of(np.array([30.6]), np.array([37.1]))
    assert np.argwhere(mean > 0).tolist() == [[row[0], column[0]]]
    assert relief[row[0], column[0]] == 2.0
    assert mean[row[0], column[0]] == pytest.approx(2.0 * 64 / 100)  # 8 x 8 of 10 x 10 pixels


def test_a_tilted_plane_has_its_own_slope_east_and_north():
    north = surface(lambda x, y: 1000 * (y - 36) + 0 * x)
    east = surface(lambda x, y: 1000 * (x - 30) + 0 * y)
    np.testing.assert_allclose(terrain_rasters(north, GRID)[2], 1 / 111.195, rtol=1e-3)
    exact = 1 / 111.195 / np.cos(np.radians(GRID.latitude))[:, None]
    np.testing.assert_allclose(terrain_rasters(east, GRID)[2], exact + np.zeros((6, 8)), rtol=1e-3)
    np.testing.assert_allclose(terrain_rasters(north, GRID)[1], 0.225, rtol=1e-3)


def test_means_are_those_of_the_pixels_of_each_cell():
    rng = np.random.default_rng(0)
    model = surface(lambda x, y: rng.uniform(0, 3000, (y.size, x.size)))
    mean = terrain_rasters(model, GRID)[0]
    for row in range(GRID.rows):
        for column in range(GRID.columns):
            south, west = 36 + row / 4, 30 + column / 4
            inside = model.sel(y=slice(south + 0.25, south), x=slice(west, west + 0.25))
            assert inside.size == 100
            assert mean[row, column] == pytest.approx(float(inside.mean()) / 1000, rel=1e-5)


def test_a_larger_model_gives_the_same_elevations_and_may_lie_either_way_up():
    large = surface(lambda x, y: 100 * x + 10 * y, Region(28, 34, 34, 40))
    part = on_fine_grid(large, GRID)
    np.testing.assert_array_equal(part, on_fine_grid(large.isel(y=slice(None, None, -1)), GRID))
    assert part[0, 0] == pytest.approx(100 * 30.0125 + 10 * 36.0125, rel=1e-6)
    assert part.shape == (60, 80)


@pytest.mark.parametrize("wrong", ["short", "void"])
def test_what_does_not_cover_the_grid_is_refused_with_remedies(wrong):
    model = surface(lambda x, y: 0 * x + 0 * y)
    if wrong == "short":
        model = model.isel(x=slice(0, 40))
    else:
        model[10, 10] = np.nan
    with pytest.raises(RasterError, match=r"without elevations.*--dem.*omori"):
        on_fine_grid(model, GRID)


def test_land_is_where_land_is():
    grid = Grid.covering(Region(20, 30, 46, 44), 0.25)
    land = land_fraction(grid)
    known = {"Ankara": (32.9, 39.9), "Cairo": (31.2, 30.0), "Aleppo": (37.2, 36.2)}
    sea = {"Black Sea": (34.0, 43.0), "Mediterranean": (28.0, 33.5), "Libyan Sea": (23.0, 33.5)}
    for places, expected in ((known, 1.0), (sea, 0.0)):
        for lon, lat in places.values():
            row, column, _ = grid.cell_of(np.array([lon]), np.array([lat]))
            assert land[row[0], column[0]] == expected
    assert ((land > 0) & (land < 1)).any()


def test_land_of_a_part_is_the_part_of_the_land():
    whole = Grid.covering(Region(20, 30, 46, 44), 0.25)
    part = Grid.covering(Region(26, 36, 32, 41), 0.25)
    rows, columns = whole.crop(part.region)
    np.testing.assert_array_equal(land_fraction(whole)[rows, columns], land_fraction(part))
