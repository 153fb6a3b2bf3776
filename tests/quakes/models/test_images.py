from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from graben.errors import RasterError
from graben.quakes.catalog import Catalog
from graben.quakes.models.images import Surroundings
from graben.quakes.region import Region
from graben.quakes.scene import Scene

BOX = Region(24, 34, 30, 38)
LON, LAT = 27.0, 36.0
TIMES = pd.DatetimeIndex(["2010-01-01", "2012-01-01"], tz="UTC")


def one_event(time="2011-12-30", lon=LON + 0.05, lat=LAT + 0.05):
    """One shock in the middle pixel of the image around LON, LAT."""
    row = {"time": [time], "longitude": [lon], "latitude": [lat], "magnitude": [6.0]}
    return Catalog.from_table(pd.DataFrame(row), "one", "2000-01-01", "2020-01-01")


def one_mountain():
    """A peak of 2,500 m on one pixel of 0.025 degrees, in a sea 100 m deep."""
    x = np.arange(21 + 0.0125, 33, 0.025)
    y = np.arange(41 - 0.0125, 31, -0.025)
    metres = np.full((y.size, x.size), -100.0, np.float32)
    metres[np.abs(y - LAT - 0.0125).argmin(), np.abs(x - LON - 0.0125).argmin()] = 2500.0
    return xr.DataArray(metres, {"y": y, "x": x}, ("y", "x"))


@pytest.fixture(scope="module")
def around():
    return Surroundings(Scene(one_event(), BOX, elevation=one_mountain()))


def images(around, times=TIMES, window=(1,), lon=LON, lat=LAT):
    window = np.asarray(window)
    corner = around.corners(np.full(window.size, lon), np.full(window.size, lat))
    return corner, around.seismicity(times, window, corner)


def brightest(image):
    return np.unravel_index(image.argmax(), image.shape)


def test_shapes_are_those_of_the_nets(around):
    corner, seismicity = images(around, window=[0, 1, 1])
    assert around.coarse(corner, seismicity).shape == (3, 4, 56, 56)
    assert around.fine(corner, seismicity).shape == (3, 3, 224, 224)
    assert around.fine(corner, seismicity).dtype == np.float32


def test_an_earthquake_at_the_place_is_in_the_middle_of_the_image(around):
    corner, seismicity = images(around)
    coarse, fine = around.coarse(corner, seismicity)[0], around.fine(corner, seismicity)[0]
    assert brightest(coarse[2]) == brightest(coarse[3]) == (28, 28)
    for channel in (0, 1):
        rows, columns = np.nonzero(fine[channel] == fine[channel].max())
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (112, 115, 112, 115)


def test_a_mountain_at_the_place_is_in_the_middle_of_the_image(around):
    corner, seismicity = images(around)
    assert brightest(around.fine(corner, seismicity)[0, 2]) == (112, 112)
    coarse = around.coarse(corner, seismicity)[0]
    assert brightest(coarse[0]) == brightest(coarse[1]) == (28, 28)


@pytest.mark.parametrize(("east", "north"), [(1.0, 0.0), (0.0, -0.7), (-1.3, 0.4)])
def test_rows_run_north_and_columns_east(around, east, north):
    """Seen from a place further east, the earthquake lies as much further west."""
    corner, seismicity = images(around, lon=LON + east, lat=LAT + north)
    coarse = around.coarse(corner, seismicity)[0]
    expected = (28 - round(north * 10), 28 - round(east * 10))
    assert brightest(coarse[2]) == expected
    assert brightest(coarse[0]) == expected


def test_the_channels_are_logarithms_of_rates_and_roots_of_heights(around):
    corner, seismicity = images(around)
    fine = around.fine(corner, seismicity)[0]
    assert fine[2].max() == pytest.approx(np.sqrt(2500) / 40 - 0.5)
    assert fine[2].min() == pytest.approx(-0.5)  # the sea, whatever its depth
    rates = 10 ** ((seismicity[0, 0].astype(float) - 2) * 1.5) - 1e-4
    long_run = 30 / ((TIMES[1] - pd.Timestamp("2000-01-01", tz="UTC")) / pd.Timedelta(days=1))
    assert rates.sum() == pytest.approx(long_run, rel=0.03)  # one target in twelve years
    coarse = around.coarse(corner, seismicity)[0]
    assert coarse[0].max() == pytest.approx(np.sqrt((2500 - 0) / 16) / 40 - 0.5)
    assert coarse[1].max() == pytest.approx(np.log1p(2500) / 4 - 0.7)


def test_what_has_not_happened_yet_is_not_in_the_image(around):
    _, seismicity = images(around, window=[0, 1])
    before, after = seismicity.astype(float)
    assert np.ptp(before) == 0  # nothing known in 2010
    assert after[0].max() > before[0].max()
    assert after[1].max() > before[1].max()


def test_samples_in_any_order_get_the_images_of_their_own_window(catalog):
    scene = Scene(catalog, BOX, elevation=one_mountain())
    around = Surroundings(scene)
    times = pd.date_range("2000-01-01", periods=40, freq="90D", tz="UTC")
    rng = np.random.default_rng(0)
    window = rng.integers(0, 40, 30)
    corner = around.corners(rng.uniform(25, 29, 30), rng.uniform(35, 37, 30))
    together = around.seismicity(times, window, corner)
    for i in (0, 7, 29):
        alone = around.seismicity(times[[window[i]]], np.zeros(1, int), corner[[i]])
        np.testing.assert_array_equal(together[i], alone[0])
    assert not (together[0] == together[1]).all()


def test_at_the_border_of_the_elevations_the_image_stays_inside(around):
    corner = around.corners(np.array([21.5, 32.9]), np.array([31.2, 40.9]))
    assert (corner >= 0).all()
    assert (corner[:, 0] + 56 <= around.grid.rows).all()
    assert (corner[:, 1] + 56 <= around.grid.columns).all()


def test_holes_in_the_elevations_are_refused(around):
    holed = around.scene.elevation.copy()
    holed[200, 200] = np.nan
    broken = Surroundings(replace(around.scene, elevation=holed))
    corner, seismicity = images(around)
    with pytest.raises(RasterError, match="without elevations"):
        broken.coarse(corner, seismicity)
