import pickle

import numpy as np
import pytest

from graben.datasets import load_elevation, load_land
from graben.errors import RasterError
from graben.landforms import DemFile, read_dem


def test_an_elevation_model_that_ships_is_read_by_its_name():
    dem = pickle.loads(pickle.dumps(DemFile("globe-anatolia")))
    expected = load_elevation("globe-anatolia")
    assert dem.shape == expected.shape
    assert dem.crs.to_epsg() == 4326
    np.testing.assert_allclose(dem.x, expected["x"])
    np.testing.assert_allclose(dem.y, expected["y"])
    window = (slice(700, 720), slice(0, 400))
    found, land = dem.read(window), load_land("globe-anatolia").to_numpy()[window] > 0
    assert 0 < land.mean() < 1
    np.testing.assert_array_equal(np.isnan(found), ~land)
    np.testing.assert_array_equal(found[land], expected.to_numpy()[window][land])
    assert found.dtype == np.float32


def test_a_file_goes_before_a_name_and_a_wrong_name_tells_the_right_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RasterError, match=r"no file globe\. .*globe-anatolia, globe-tile"):
        read_dem("globe")
    (tmp_path / "globe-tile").write_text("not a raster")
    with pytest.raises(RasterError, match="no raster that GDAL reads"):
        read_dem("globe-tile")
    with pytest.raises(RasterError, match="Leave --crs out"):
        read_dem("globe-anatolia", crs="EPSG:32636")
