"""Synthetic elevation models: their answers are what they say."""

import numpy as np
import pytest
import xarray as xr

from graben.errors import InputError
from graben.landforms import (
    LANDSCAPE_UNITS,
    add_landslides,
    cell_size,
    cone,
    fault_scarp,
    fractal,
    landscape,
    ridge,
)


@pytest.mark.parametrize("hurst", [0.4, 0.8])
def test_fractal_heights_differ_by_distance_to_the_power_of_hurst(hurst):
    lags = np.array([2, 4, 8, 16])
    spread = np.zeros(4)
    for seed in range(8):
        z = fractal(256, 200, hurst, relief=1000, seed=seed).values
        spread += [np.mean((z[lag:] - z[:-lag]) ** 2) for lag in lags]
    slope = np.polyfit(np.log(lags), np.log(spread) / 2, 1)[0]
    assert slope == pytest.approx(hurst, abs=0.1)


def test_the_same_seed_makes_the_same_terrain():
    assert fractal(60, 50, seed=4).identical(fractal(60, 50, seed=4))
    assert not np.array_equal(fractal(60, 50, seed=4), fractal(60, 50, seed=5))
    dem = fractal(60, 50, relief=250, cell=10)
    assert (dem.dims, dem.dtype, dem.name) == (("y", "x"), np.float32, "elevation")
    assert (float(dem.min()), float(dem.max())) == (0, 250)
    assert np.allclose(cell_size(dem).x, 10)
    assert dem.y[0] > dem.y[-1]


def test_opposite_edges_of_a_fractal_do_not_match():
    z = fractal(200, 200, hurst=0.9).values
    assert np.abs(z[0] - z[-1]).mean() > 10 * np.abs(np.diff(z, axis=0)).mean()


def test_a_cone_and_a_ridge_have_their_slopes():
    z = cone(201, 201, height=300, radius=2000, cell=20).values
    assert z[100, 100] == 300
    assert z[100, 150] == pytest.approx(150)
    assert z[150, 100] == pytest.approx(150)
    assert z[0, 0] == 0
    for strike in (0, 90, 30, 135):
        z = ridge(201, 201, height=100, width=2000, strike=strike, cell=20).values.astype(float)
        down, right = np.gradient(z, 20)
        steepness = np.hypot(down, right)[80:120, 80:120]
        assert np.median(steepness) == pytest.approx(0.1, abs=1e-4)
        ahead = np.radians(strike)
        steps = np.arange(-3, 4) * 10
        rows = np.rint(100 - steps * np.cos(ahead)).astype(int)
        columns = np.rint(100 + steps * np.sin(ahead)).astype(int)
        assert (z[rows, columns] > 98).all()


def test_a_fault_lifts_the_right_side():
    z = fault_scarp(101, 301, throw=12, width=300).values
    assert (z[50, 0], z[50, -1]) == (0, 12)
    assert z[50, 150] == pytest.approx(6)
    assert z[50, 155] - z[50, 145] == pytest.approx(12 * 0.8427, abs=1e-2)
    z = fault_scarp(301, 101, throw=12, width=300, strike=90).values
    assert (z[0, 50], z[-1, 50]) == (0, 12)


@pytest.fixture(scope="module")
def made():
    return landscape(seed=2)


def test_a_landscape_has_every_unit_and_no_void(made):
    assert np.unique(made.unit).tolist() == list(LANDSCAPE_UNITS.names)
    assert made.unit.dtype == np.uint8
    assert made.elevation.dtype == np.float32
    assert np.isfinite(made.elevation).all()
    assert made.unit.rio.crs == made.elevation.rio.crs
    assert landscape(seed=2).identical(made)


@pytest.mark.parametrize("seed", range(4))
def test_units_share_the_area_evenly(seed):
    unit = landscape(seed, 150, 170, cell=50).unit.values
    shares = np.bincount(unit.ravel(), minlength=9)[1:] / unit.size
    assert np.allclose(shares, 1 / 8, rtol=0, atol=0.01)


def test_neither_height_nor_a_step_betrays_a_unit(made):
    z, unit = made.elevation.values.astype(float), made.unit.values
    means = [z[unit == code].mean() for code in LANDSCAPE_UNITS.names]
    assert np.std(means) < 0.4 * z.std()
    step = np.abs(np.diff(z, axis=1))
    border = unit[:, 1:] != unit[:, :-1]
    mountains = (unit[:, 1:] == 4) | (unit[:, :-1] == 4)
    assert np.median(step[border & ~mountains]) < 1.6 * np.median(step[~border & ~mountains])


def test_textures_differ_between_units(made):
    z, unit = made.elevation.values.astype(float), made.unit.values
    rough = np.abs(np.diff(z, 2, axis=1))
    rough = {code: np.median(rough[unit[:, 1:-1] == code]) for code in LANDSCAPE_UNITS.names}
    assert rough[4] == max(rough.values())
    assert rough[4] > 5 * rough[1]


@pytest.fixture(scope="module")
def event():
    before = fractal(300, 300, hurst=0.9, seed=3) + np.float32(500)
    before[40:60, 100:130] = np.nan
    return before, add_landslides(before, seed=7, count=8)


def test_each_landslide_lays_down_what_it_removes(event):
    before, made = event
    change = (made.elevation - before).astype(float).values * 900
    assert set(np.unique(made.landslide)) == set(range(9))
    for slide in made.volume:
        own = made.landslide.values == int(slide.number)
        scar, deposit = (own & (made.zone.values == zone) for zone in (1, 2))
        assert -change[scar].sum() == pytest.approx(float(slide), rel=1e-4)
        assert change[deposit].sum() == pytest.approx(float(slide), rel=1e-4)
        assert scar.sum() * 900 == made.scar_area.sel(number=slide.number)
        assert deposit.sum() * 900 == made.deposit_area.sel(number=slide.number)
        assert -change[scar].min() / 900 == pytest.approx(
            float(made.depth.sel(number=slide.number)), abs=1e-3
        )
        height = before.values
        assert np.nanmean(height[deposit]) < np.nanmean(height[scar])


def test_landslides_do_not_run_up_the_other_side_of_a_valley():
    before = -ridge(200, 200, height=250, width=1500, cell=10)
    for seed in range(10):
        made = add_landslides(before, seed, count=1, length=(400, 700))
        heights = [float(before.where(made.zone == zone).mean()) for zone in (1, 2)]
        assert heights[1] < heights[0]


def test_nothing_changes_elsewhere_and_landslides_keep_apart(event):
    before, made = event
    same = made.landslide.values == 0
    assert np.array_equal(made.elevation.values[same], before.values[same], equal_nan=True)
    assert np.array_equal(np.isnan(made.elevation), np.isnan(before))
    assert not np.isnan(made.elevation.values[~same]).any()
    assert same[[0, -1]].all()
    assert same[:, [0, -1]].all()
    number = made.landslide.values
    for a, b in ((number[1:], number[:-1]), (number[:, 1:], number[:, :-1])):
        assert not ((a != b) & (a > 0) & (b > 0)).any()


def test_the_same_seed_gives_the_same_landslides(event):
    before, made = event
    again = add_landslides(before, seed=7, count=8)
    xr.testing.assert_identical(again, made)
    assert not add_landslides(before, seed=8, count=8).landslide.equals(made.landslide)


def test_no_room_for_so_many():
    with pytest.raises(InputError, match="there is room for 0 landslides"):
        add_landslides(fractal(40, 40, cell=10), seed=0, count=2)
    with pytest.raises(InputError, match="there is room for 0 landslides"):
        add_landslides(fractal(200, 200) * 0, seed=0, count=2)
