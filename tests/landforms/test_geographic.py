"""Elevation models: what is read is what is in the file, on degrees, or a clear refusal."""

from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.transform import from_origin
from rasterio.warp import transform

from graben.datasets import load_elevation
from graben.errors import RasterError
from graben.landforms import read_dem_degrees, resample_mean


def box(west, south, east, north):
    return SimpleNamespace(west=west, south=south, east=east, north=north)


def plane(x, y):
    return 1000 + 100 * (x - 30) + 50 * (y - 38)


def write(path, values, west, north, step, crs="EPSG:4326", nodata=-32768.0, dtype="float32"):
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1}
    profile |= {"dtype": dtype, "crs": crs, "nodata": nodata}
    profile["transform"] = from_origin(west, north, step, step)
    with rasterio.open(path, "w", **profile) as file:
        file.write(values.astype(dtype), 1)
    return path


@pytest.fixture
def degrees_file(tmp_path):
    x, y = 30 + 0.01 * (np.arange(200) + 0.5), 39 - 0.01 * (np.arange(150) + 0.5)
    values = plane(x, y[:, None])
    values[10:20, 30:40] = -32768
    return write(tmp_path / "plane.tif", values, 30, 39, 0.01)


def test_a_geotiff_is_read_as_it_is(degrees_file):
    dem = read_dem_degrees(degrees_file)
    assert (dem.dims, dem.shape, dem.dtype) == (("y", "x"), (150, 200), np.float32)
    assert dem.rio.crs.to_epsg() == 4326
    assert (dem.attrs["units"], dem.name) == ("m", "elevation")
    assert dem.y[0] > dem.y[-1]
    void = np.zeros(dem.shape, bool)
    void[10:20, 30:40] = True
    assert np.array_equal(np.isnan(dem.values), void)
    truth = plane(dem.x.values, dem.y.values[:, None])
    assert np.allclose(dem.values[~void], truth[~void], atol=1e-3)


def test_a_region_is_the_cells_that_touch_it(degrees_file):
    whole = read_dem_degrees(degrees_file)
    part = read_dem_degrees(degrees_file, box(30.5, 37.8, 30.7, 38.0))
    assert part.shape == (20, 20)
    assert np.array_equal(part.values, whole.sel(x=slice(30.5, 30.7), y=slice(38.0, 37.8)).values)
    assert read_dem_degrees(degrees_file, box(30.508, 37.802, 30.702, 38.008)).shape == (21, 21)


@pytest.mark.parametrize("crs", ["EPSG:32636", "EPSG:3857"])
def test_projected_models_are_brought_to_degrees(tmp_path, crs):
    [west, _], [_, north] = transform("EPSG:4326", crs, [31.0, 31.0], [38.0, 39.0])
    eastings = west + 500 * (np.arange(250) + 0.5)
    northings = north - 500 * (np.arange(250) + 0.5)
    grid = np.meshgrid(eastings, northings)
    x, y = transform(crs, "EPSG:4326", grid[0].ravel(), grid[1].ravel())
    values = plane(np.array(x), np.array(y)).reshape(250, 250)
    path = write(tmp_path / "projected.tif", values, west, north, 500, crs)
    region = box(31.2, 38.2, 31.8, 38.8)
    for dem in (read_dem_degrees(path), read_dem_degrees(path, region)):
        assert dem.rio.crs.to_epsg() == 4326
        inside = dem.sel(x=slice(31.2, 31.8), y=slice(38.8, 38.2))
        truth = plane(inside.x.values, inside.y.values[:, None])
        assert inside.size > 5000
        assert np.abs(inside.values - truth).max() < 0.2
    assert dem.sizes["x"] < 200
    with pytest.raises(RasterError, match="does not cover"):
        read_dem_degrees(path, box(29, 38, 30, 39))


def netcdf(path, y, x, **attributes):
    y_units, x_units = attributes.pop("units", ("degrees_north", "degrees_east"))
    data = xr.DataArray(
        plane(x, y[:, None]).astype(np.float32),
        {"lat": ("lat", y, {"units": y_units}), "lon": ("lon", x, {"units": x_units})},
        ("lat", "lon"),
        name="z",
    )
    data.to_netcdf(path)
    return path


def test_netcdf_in_degrees_needs_no_crs_and_may_run_northward(tmp_path):
    x, y = 30 + 0.1 * np.arange(20), 36 + 0.1 * np.arange(10)
    dem = read_dem_degrees(netcdf(tmp_path / "a.nc", y, x))
    assert dem.y[0] > dem.y[-1]
    assert np.allclose(dem.values, plane(dem.x.values, dem.y.values[:, None]), atol=1e-3)
    with pytest.raises(RasterError, match="coordinate reference system"):
        read_dem_degrees(netcdf(tmp_path / "b.nc", y, x, units=("m", "m")))


def test_longitudes_of_0_to_360_are_turned(tmp_path):
    values = np.tile(np.arange(36.0), (4, 1))
    dem = read_dem_degrees(write(tmp_path / "turned.tif", values, 0, 20, 10))
    assert dem.x.values.tolist() == list(range(-175, 180, 10))
    assert dem.values[0].tolist() == [*range(18, 36), *range(18)]
    west = read_dem_degrees(tmp_path / "turned.tif", box(-120, -15, -100, 5))
    assert west.values[0].tolist() == [24, 25]
    with pytest.raises(RasterError, match="date line"):
        read_dem_degrees(write(tmp_path / "across.tif", values[:, :6], 150, 20, 10))


def test_not_covering_says_what_it_covers(degrees_file):
    with pytest.raises(RasterError, match=r"30\.0000 to 32\.0000 E and 37\.5000 to 39\.0000 N"):
        read_dem_degrees(degrees_file, box(31, 38, 33, 38.5))


def test_all_void(degrees_file):
    with pytest.raises(RasterError, match="nothing but voids"):
        read_dem_degrees(degrees_file, box(30.31, 38.81, 30.39, 38.89))


@pytest.mark.parametrize("mark", [-9999, 65535])
def test_voids_that_are_not_declared_are_refused(tmp_path, mark):
    values = np.full((10, 10), 500.0)
    values[0, :3] = mark
    path = write(tmp_path / "marked.tif", values, 30, 39, 0.1, nodata=None)
    with pytest.raises(RasterError, match=rf"3 cells hold {mark}.*--nodata {mark}"):
        read_dem_degrees(path)


def test_refusals_of_what_is_no_elevation_model(tmp_path):
    with pytest.raises(RasterError, match="no file"):
        read_dem_degrees(tmp_path / "absent.tif")
    (tmp_path / "text.tif").write_text("not a raster")
    with pytest.raises(RasterError, match="no raster that GDAL reads"):
        read_dem_degrees(tmp_path / "text.tif")
    profile = {"driver": "GTiff", "height": 2, "width": 2, "count": 3, "dtype": "uint8"}
    where = {"crs": "EPSG:4326", "transform": from_origin(30, 39, 1, 1)}
    with rasterio.open(tmp_path / "rgb.tif", "w", **profile, **where) as file:
        file.write(np.ones((3, 2, 2), "uint8"))
    with pytest.raises(RasterError, match="got 3 bands"):
        read_dem_degrees(tmp_path / "rgb.tif")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_real_grids(reference_data):
    with pytest.raises(RasterError, match="rio edit-info --crs EPSG:4326"):
        read_dem_degrees(reference_data / "dem" / "boulder_SRTMGL3.asc")
    dem = read_dem_degrees(reference_data / "dem" / "pysheds_dem.tif")
    assert (dem.shape, dem.min(), dem.max()) == ((359, 367), 147, 298)
    assert not np.isnan(dem).any()


def test_means_on_the_lattice_are_block_means():
    x, y = 30 + 0.01 * (np.arange(200) + 0.5), 39 - 0.01 * (np.arange(150) + 0.5)
    noise = np.random.default_rng(0).normal(size=(150, 200)).astype(np.float32)
    noise[:5, :5] = np.nan
    noise[5:9, :5] = np.nan
    dem = xr.DataArray(noise, {"y": y, "x": x}, ("y", "x")).rio.write_crs("EPSG:4326")
    mean = resample_mean(dem, 0.05, box(30, 37.5, 32, 39))
    assert np.allclose(mean.x, 30 + 0.05 * (np.arange(40) + 0.5))
    assert np.allclose(mean.y, 39 - 0.05 * (np.arange(30) + 0.5))
    blocks = np.moveaxis(noise.reshape(30, 5, 40, 5), 2, 1).reshape(30, 40, 25)
    assert np.isnan(mean.values[0, 0])
    assert np.allclose(mean.values[1, 0], blocks[1, 0][20:].mean(), atol=1e-6)
    mask = np.ones((30, 40), bool)
    mask[:2, 0] = False
    assert np.allclose(mean.values[mask], blocks.mean(-1)[mask], atol=1e-6)


def test_cells_that_straddle_count_by_their_share():
    dem = xr.DataArray(
        np.array([[0.0, 10.0, 20.0]], np.float32), {"y": [0.5], "x": [0.5, 1.5, 2.5]}, ("y", "x")
    ).rio.write_crs("EPSG:4326")
    dem = xr.concat([dem, dem.assign_coords(y=[1.5]), dem.assign_coords(y=[2.5])], "y")
    mean = resample_mean(dem.sortby("y", ascending=False), 1.5, box(0, 0, 3, 3))
    assert np.allclose(mean, [[10 / 3, 50 / 3]] * 2, atol=1e-4)


def test_a_region_is_widened_to_whole_cells_and_empty_beyond_the_model(degrees_file):
    mean = resample_mean(read_dem_degrees(degrees_file), 0.1, box(31.93, 38.51, 32.01, 38.59))
    assert np.allclose(mean.x, [31.95, 32.05])
    assert np.allclose(mean.y, [38.55])
    assert np.isnan(mean.values).tolist() == [[False, True]]
    assert mean.values[0, 0] == pytest.approx(plane(31.95, 38.55), abs=1e-3)


def test_the_tile_that_ships_is_the_mean_of_the_fine_model_that_ships():
    region = box(36, 36, 40, 40)
    mean = resample_mean(load_elevation("globe-anatolia"), 0.025, region)
    tile = load_elevation("globe-tile").sel(x=slice(36, 40), y=slice(40, 36))
    assert np.allclose(mean.x, tile.x)
    assert np.allclose(mean.y, tile.y)
    assert np.abs(mean.values - tile.values).max() <= 0.5
