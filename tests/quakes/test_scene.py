import numpy as np
import pandas as pd
import pytest

from graben.errors import RasterError
from graben.quakes.region import Region
from graben.quakes.scene import Scene

PART = Region(24, 33, 28, 38)


def test_uniform_densities_sum_to_one_over_land_and_over_sea(study):
    land, sea = study.background
    assert land.sum() == pytest.approx(1.0)
    assert sea.sum() == pytest.approx(1.0)
    assert not ((land > 0) & (sea > 0)).any()
    rate = land[land > 0] / study.grid.area[land > 0]
    assert np.ptp(rate) < 1e-12 * rate.max()


def test_a_part_of_the_reference_gets_its_part_of_the_uniform_density(study, catalog):
    part = Scene(catalog, PART, reference=study.region)
    rows, columns = study.grid.crop(PART)
    np.testing.assert_array_equal(part.background, study.background[:, rows, columns])


def test_rates_of_a_part_equal_the_crop_of_the_whole(study, catalog, rate_models):
    times = study.issue_times[[10, 200]]
    part = Scene(catalog, PART, reference=study.region)
    rows, columns = study.grid.crop(PART)
    for name in ("uniform", "stationary", "omori"):
        rates = []
        for scene in (study, part):
            maps = np.concatenate([maps for _, maps in scene.batches(times, "maps")])
            rates.append(rate_models[name].rates_of(scene, times, maps))
        np.testing.assert_allclose(rates[0][:, rows, columns], rates[1], rtol=1e-6)


def test_without_sea_its_density_is_nothing(catalog):
    inland = Scene(catalog, Region(30, 38, 33, 40))
    assert inland.background[0].sum() == pytest.approx(1.0)
    assert not inland.background[1].any()


def test_terrain_is_elevation_relief_slope_and_land(study):
    assert study.terrain.shape == (4, *study.grid.shape)
    np.testing.assert_array_equal(study.terrain[3], study.land)


def test_without_elevations_the_remedies_are_named(catalog):
    with pytest.raises(RasterError, match=r"--dem.*omori"):
        _ = Scene(catalog, PART).terrain


def test_batches_number_the_times_they_hold(catalog):
    times = pd.date_range("2005-01-01", periods=37, freq="30D", tz="UTC")
    scene = Scene(catalog, PART)
    found = [(part, len(maps)) for part, maps in scene.batches(times, "maps")]
    assert [(part.start, part.stop) for part, _ in found] == [(0, 16), (16, 32), (32, 37)]
    assert [length for _, length in found] == [16, 16, 5]
