import numpy as np
import pytest
import rasterio

from graben.errors import RasterError
from graben.landforms import quick_look
from graben.landforms.dem import on_map, write_raster
from graben.landforms.dem_file import DemFile
from graben.landforms.legend import GEOMORPHONS
from graben.landforms.quick_look import (
    check_not_void,
    class_areas,
    layer_thumbnail,
    middle_part,
    thumbnail,
)


def grid(values, name="elevation"):
    rows, columns = values.shape
    y, x = 4e6 - 30.0 * np.arange(rows), 5e5 + 30.0 * np.arange(columns)
    return on_map(values, y, x, "EPSG:32636", name)


def test_a_thumbnail_holds_means_of_blocks_where_they_lie(tmp_path, monkeypatch):
    monkeypatch.setattr(quick_look, "LONGEST", 10)
    monkeypatch.setattr(quick_look, "CELLS_AT_ONCE", 200)
    values = np.random.default_rng(0).uniform(0, 1000, (37, 50)).astype(np.float32)
    values[7, 12] = np.nan
    write_raster(tmp_path / "dem.tif", grid(values))
    small = thumbnail(DemFile(tmp_path / "dem.tif"))
    expected = values[:35].reshape(7, 5, 10, 5).mean(axis=(1, 3))
    assert np.isnan(small.to_numpy()[1, 2])
    np.testing.assert_allclose(small, expected, rtol=1e-5)
    np.testing.assert_allclose(small["y"], 4e6 - 30 * (5 * np.arange(7) + 2))
    np.testing.assert_allclose(small["x"], 5e5 + 30 * (5 * np.arange(10) + 2))
    assert small.rio.crs.to_epsg() == 32636


def test_classes_are_thinned_out_onto_the_same_cells(tmp_path, monkeypatch):
    monkeypatch.setattr(quick_look, "LONGEST", 10)
    blocks = np.random.default_rng(0).integers(1, 11, (7, 10)).astype(np.uint8)
    classes = np.pad(blocks.repeat(5, 0).repeat(5, 1), ((0, 4), (0, 0)))
    write_raster(tmp_path / "forms.tif", grid(classes, "forms"), GEOMORPHONS)
    np.testing.assert_array_equal(layer_thumbnail(tmp_path / "forms.tif"), blocks)


def test_a_small_raster_stays_as_it_is(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    write_raster(tmp_path / "dem.tif", grid(values))
    np.testing.assert_array_equal(thumbnail(DemFile(tmp_path / "dem.tif")), values)


def test_the_close_look_is_near_the_middle_where_there_are_no_voids(tmp_path, monkeypatch):
    monkeypatch.setattr(quick_look, "LONGEST", 30)
    monkeypatch.setattr(quick_look, "CLOSE", 18)
    values = np.zeros((90, 90), np.float32)  # thinned by 3, in 5 x 5 parts of 18 cells
    write_raster(tmp_path / "dem.tif", grid(values))
    dem = DemFile(tmp_path / "dem.tif")
    assert middle_part(thumbnail(dem), dem) == (slice(36, 54), slice(36, 54))
    values[:, :60] = np.nan
    values[36:39, 72:75] = np.nan
    write_raster(tmp_path / "dem.tif", grid(values))
    dem = DemFile(tmp_path / "dem.tif")
    assert middle_part(thumbnail(dem), dem) == (slice(36, 54), slice(72, 90))


def test_a_model_of_nothing_but_voids_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(quick_look, "CELLS_AT_ONCE", 20)
    values = np.full((12, 10), np.nan, np.float32)
    write_raster(tmp_path / "void.tif", grid(values))
    with pytest.raises(RasterError, match="nothing but voids"):
        check_not_void(DemFile(tmp_path / "void.tif"))
    values[11, 9] = 1.0
    write_raster(tmp_path / "dem.tif", grid(values))
    check_not_void(DemFile(tmp_path / "dem.tif"))


def test_areas_add_up_row_by_row(tmp_path, monkeypatch):
    monkeypatch.setattr(quick_look, "CELLS_AT_ONCE", 2000)
    classes = np.random.default_rng(0).integers(0, 11, (700, 5)).astype(np.uint8)
    write_raster(tmp_path / "forms.tif", grid(classes, "forms"), GEOMORPHONS)
    row_areas = np.linspace(1, 2, 700)
    found = class_areas(tmp_path / "forms.tif", GEOMORPHONS, row_areas)
    assert list(found) == list(range(1, 11))
    for code, area in found.items():
        np.testing.assert_allclose(area, ((classes == code) * row_areas[:, None]).sum())
    with rasterio.open(tmp_path / "forms.tif") as file:
        assert file.height == 700
