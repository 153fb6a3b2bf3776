import numpy as np
import pytest

from graben.errors import InputError
from graben.quakes.grid import Grid
from graben.quakes.region import Region

GRID = Grid(west=25, south=35, columns=80, rows=32, step=0.25)


def test_covering_encloses_the_region_with_edges_at_multiples_of_the_step():
    grid = Grid.covering(Region(25.1, 35.2, 30.0, 40.3), 0.25)
    assert (grid.west, grid.south) == (25.0, 35.0)
    assert grid.region == Region(25.0, 35.0, 30.0, 40.5)


def test_covering_of_a_box_on_the_lattice_is_that_box_for_steps_that_binary_cannot_hold():
    for step in (0.1, 0.025):
        assert Grid.covering(Region(22.3, 34.1, 27.9, 39.7), step).shape == (
            round(5.6 / step),
            round(5.6 / step),
        )


def test_cells_have_the_area_of_the_band_that_the_box_cuts_from_the_sphere():
    band = 2 * np.pi * 6371**2 * (np.sin(np.radians(43)) - np.sin(np.radians(35)))
    assert GRID.area.sum() == pytest.approx(band * 20 / 360, rel=1e-12)
    assert GRID.area.shape == GRID.shape
    assert (np.diff(GRID.area[:, 0]) < 0).all()  # narrower towards the pole


def test_each_centre_lies_in_its_own_cell():
    lon, lat = np.meshgrid(GRID.longitude, GRID.latitude)
    row, column, inside = GRID.cell_of(lon, lat)
    assert inside.all()
    np.testing.assert_array_equal(row, np.arange(32)[:, None] + np.zeros((1, 80), int))
    np.testing.assert_array_equal(column, np.arange(80) + np.zeros((32, 1), int))


def test_west_and_south_edges_belong_to_a_cell_and_east_and_north_do_not():
    row, column, inside = GRID.cell_of(np.array([25.0, 45.0, 30]), np.array([35.0, 36.0, 43.0]))
    assert inside.tolist() == [True, False, False]
    assert (row[0], column[0]) == (0, 0)


def test_crop_gives_the_cells_with_centres_in_the_region():
    rows, columns = GRID.crop(Region(30, 36, 35, 38))
    np.testing.assert_array_equal(GRID.latitude[rows], np.arange(36.125, 38, 0.25))
    assert (columns.start, columns.stop) == (20, 40)


def test_crop_outside_is_refused_with_a_remedy():
    with pytest.raises(InputError, match=r"outside the grid.*Choose a region inside"):
        GRID.crop(Region(60, 36, 65, 38))
