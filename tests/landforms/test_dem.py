"""Elevation models in their own system: what is read is what is in the file, or a clear refusal."""

import pickle
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
import xarray as xr
from pyproj import CRS
from rasterio.transform import Affine, from_origin

from graben.errors import RasterError
from graben.landforms import (
    DemFile,
    Legend,
    LegendClass,
    cell_size,
    fractal,
    read_dem,
    write_raster,
)
from graben.landforms.dem import on_map

FORMATS = ".tif", ".asc", ".nc", ".zarr"
UTM = "EPSG:32636"


def heights(rows=37, columns=53):
    values = np.random.default_rng(0).normal(1000, 100, (rows, columns)).astype(np.float32)
    values[3:5, 5] = np.nan
    return values


def on_grid(values, crs=UTM, west=500_000.0, north=4_300_000.0, cell=30.0):
    rows, columns = values.shape
    y, x = north - cell * (np.arange(rows) + 0.5), west + cell * (np.arange(columns) + 0.5)
    return on_map(values, y, x, crs)


def geotiff(path, values, transform=None, crs=UTM, nodata=None, **more):
    count, height, width = (1, *values.shape)[-3:]
    profile = {"driver": "GTiff", "height": height, "width": width, "count": count}
    profile |= {"dtype": values.dtype.name, "crs": crs, "nodata": nodata, **more}
    profile["transform"] = transform or from_origin(500_000, 4_300_000, 30, 30)
    with rasterio.open(path, "w", **profile) as file:
        file.write(values.reshape(count, height, width))
    return path


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("crs", [UTM, "EPSG:4326"])
def test_what_is_written_is_read_again(tmp_path, suffix, crs):
    cell, west, north = (30.0, 5e5, 4.3e6) if crs == UTM else (0.0008, 30.0, 39.0)
    dem = on_grid(heights(), crs, west, north, cell)
    path = tmp_path / f"dem{suffix}"
    for _ in range(2):  # the second replaces the first
        write_raster(path, dem)
    back = read_dem(path)
    assert (back.dims, back.dtype, back.name) == (("y", "x"), np.float32, "elevation")
    assert np.array_equal(back.values, dem.values, equal_nan=True)
    assert np.allclose(back.x, dem.x, rtol=0, atol=cell * 1e-6)
    assert np.allclose(back.y, dem.y, rtol=0, atol=cell * 1e-6)
    assert CRS(back.rio.crs).equals(crs, ignore_axis_order=True)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_window_is_a_part_of_the_whole(tmp_path, suffix):
    write_raster(tmp_path / f"dem{suffix}", on_grid(heights()))
    file = pickle.loads(pickle.dumps(DemFile(tmp_path / f"dem{suffix}")))
    assert file.shape == (37, 53)
    whole = file.read((slice(None), slice(None)))
    regions = [(slice(a, a + 7), slice(b, b + 9)) for a in range(0, 30, 5) for b in range(0, 44, 9)]
    with ThreadPoolExecutor(4) as pool:
        for region, part in zip(regions, pool.map(file.read, regions), strict=True):
            assert part.dtype == np.float32
            assert np.array_equal(part, whole[region], equal_nan=True)
    dem = read_dem(tmp_path / f"dem{suffix}", window=(slice(2, 6), slice(5, 15)))
    assert np.array_equal(dem.values, whole[2:6, 5:15], equal_nan=True)
    assert np.allclose(dem.y, file.y[2:6])
    assert np.allclose(dem.x, file.x[5:15])


def test_a_window_of_a_huge_file_takes_no_more_than_itself(tmp_path):
    where = {"crs": UTM, "transform": from_origin(5e5, 4.3e6, 30, 30), "SPARSE_OK": True}
    profile = {"driver": "GTiff", "height": 20_000, "width": 20_000, "count": 1, "tiled": True}
    with rasterio.open(tmp_path / "huge.tif", "w", dtype="float32", **profile, **where) as file:
        file.write(np.full((1, 256, 256), 7, np.float32), window=((9984, 10240), (9984, 10240)))
    file = DemFile(tmp_path / "huge.tif")
    tracemalloc.start()
    part = file.read((slice(9900, 10_300), slice(10_000, 10_100)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert part.sum() == 7 * 256 * 100
    assert peak < 20 * part.nbytes


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("kind", ["tif", "nc", "transposed nc"])
def test_rows_run_south_and_columns_east_whatever_the_file_does(tmp_path, kind, down, right):
    truth = on_grid(heights())
    stored = truth[:: 1 if down else -1, :: 1 if right else -1]
    if kind == "tif":
        path = tmp_path / "dem.tif"
        geotiff(path, stored.values, stored.rio.transform(), nodata=np.nan)
    else:
        path = tmp_path / "dem.nc"
        (stored.T if kind.startswith("transposed") else stored).to_netcdf(path)
    dem = read_dem(path)
    assert np.array_equal(dem.values, truth.values, equal_nan=True)
    assert np.allclose(dem.y, truth.y)
    assert np.allclose(dem.x, truth.x)
    part = DemFile(path).read((slice(1, 8), slice(2, 11)))
    assert np.array_equal(part, truth.values[1:8, 2:11], equal_nan=True)


def test_voids_of_every_kind_are_nan(tmp_path):
    values = np.arange(20, dtype=np.int16).reshape(4, 5)
    values[1, 1] = -32768
    dem = read_dem(geotiff(tmp_path / "integer.tif", values, nodata=-32768))
    assert np.argwhere(np.isnan(dem.values)).tolist() == [[1, 1]]
    with rasterio.open(geotiff(tmp_path / "masked.tif", np.maximum(values, 0)), "r+") as file:
        file.write_mask(values > 3)
    assert np.array_equal(np.isnan(read_dem(tmp_path / "masked.tif").values), values <= 3)
    infinite = np.where(values == -32768, np.inf, values).astype(np.float32)
    dem = read_dem(geotiff(tmp_path / "infinite.tif", infinite, nodata=np.inf))
    assert np.argwhere(np.isnan(dem.values)).tolist() == [[1, 1]]


def test_scaled_integers_are_metres(tmp_path):
    values = np.arange(1000, 1020, dtype=np.int16).reshape(4, 5)
    values[0, 0] = -32768
    with rasterio.open(geotiff(tmp_path / "dem.tif", values, nodata=-32768), "r+") as file:
        file.scales, file.offsets = (0.1,), (500.0,)
    dem = read_dem(tmp_path / "dem.tif").values
    assert np.isnan(dem[0, 0])
    assert np.allclose(dem.ravel()[1:], 500 + 0.1 * values.ravel()[1:], atol=1e-4)


@pytest.mark.parametrize("mark", [-9999, -32768, 65535, 9999])
def test_voids_that_are_not_declared_are_refused(tmp_path, mark):
    values = np.full((10, 10), 500.0, np.float32)
    values[0, :3] = mark
    path = geotiff(tmp_path / "marked.tif", values)
    with pytest.raises(RasterError, match=rf"3 cells hold {mark}.*--nodata {mark} marked"):
        read_dem(path)
    assert DemFile(path).read((slice(1, 5), slice(0, 5))).max() == 500


def test_infinite_heights_are_refused(tmp_path):
    values = np.full((10, 10), 500.0, np.float32)
    values[4, 4:6] = -np.inf
    with pytest.raises(RasterError, match="2 cells are infinite"):
        read_dem(geotiff(tmp_path / "dem.tif", values))


def test_heights_of_another_body_are_its_own(tmp_path):
    mars = "+proj=longlat +a=3396190 +b=3376200 +no_defs"
    values = np.array([[21_229, -8_200], [9_999, 0]], np.int16)
    path = geotiff(tmp_path / "mars.tif", values, from_origin(226, 19, 0.1, 0.1), mars)
    assert read_dem(path).values.tolist() == values.tolist()
    with pytest.raises(RasterError, match="no elevation"):
        read_dem(geotiff(tmp_path / "earth.tif", values))


def test_the_system_is_the_file_s_or_the_given_one(tmp_path):
    values = heights(5, 6)
    bare = geotiff(tmp_path / "bare.tif", values, crs=None, nodata=np.nan)
    with pytest.raises(RasterError, match=r"no coordinate reference system.*--crs EPSG"):
        read_dem(bare)
    assert read_dem(bare, crs="EPSG:32613").rio.crs.to_epsg() == 32613
    with pytest.raises(RasterError, match="'EPSG:1' is no coordinate reference system"):
        read_dem(bare, crs="EPSG:1")
    with pytest.raises(RasterError, match="degrees north"):
        read_dem(bare, crs="EPSG:4326")
    arcs = from_origin(-105.5, 40.2, 1 / 1200, 1 / 1200)
    degrees = geotiff(tmp_path / "degrees.tif", values, arcs, crs=None, nodata=np.nan)
    with pytest.raises(RasterError, match=r"0\.000833 m wide.*look like degrees"):
        read_dem(degrees, crs="EPSG:26913")
    placed = geotiff(tmp_path / "placed.tif", values, nodata=np.nan)
    assert read_dem(placed, crs=UTM).rio.crs.to_epsg() == 32636
    with pytest.raises(RasterError, match="EPSG:32636, not EPSG:32637"):
        read_dem(placed, crs="EPSG:32637")
    write_raster(tmp_path / "grid.asc", on_grid(values))
    assert read_dem(tmp_path / "grid.asc", crs=UTM).shape == (5, 6)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_refusals_of_what_is_no_elevation_model(tmp_path):
    values = heights(5, 6)
    with pytest.raises(RasterError, match="no file"):
        read_dem(tmp_path / "absent.tif")
    for name in ("text.tif", "text.nc", "text.asc"):
        (tmp_path / name).write_text("not a raster")
        with pytest.raises(RasterError, match=r"text.* is no "):
            read_dem(tmp_path / name)
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(RasterError, match="Zarr folder"):
        read_dem(tmp_path / "empty.zarr")
    with pytest.raises(RasterError, match="got 3 bands"):
        read_dem(geotiff(tmp_path / "bands.tif", np.stack([values] * 3)))
    turned = Affine.translation(5e5, 4.3e6) * Affine.rotation(20) * Affine.scale(30, -30)
    with pytest.raises(RasterError, match=r"rotated grid.*rio warp"):
        read_dem(geotiff(tmp_path / "turned.tif", values, turned))
    with pytest.raises(RasterError, match="no georeference"):
        read_dem(geotiff(tmp_path / "bare.tif", values, Affine.identity(), None), crs=UTM)
    with pytest.raises(RasterError, match="nothing but voids"):
        read_dem(geotiff(tmp_path / "void.tif", np.full_like(values, np.nan), nodata=np.nan))
    path = geotiff(tmp_path / "dem.tif", values, nodata=np.nan)
    with pytest.raises(RasterError, match="holds no cell of its 5 rows"):
        read_dem(path, window=(slice(5, 9), slice(0, 3)))
    two = xr.Dataset({"z": on_grid(values), "slope": on_grid(values)})
    two.to_netcdf(tmp_path / "two.nc")
    with pytest.raises(RasterError, match="got variables z, slope"):
        read_dem(tmp_path / "two.nc")


@pytest.mark.parametrize("suffix", [".tif", ".nc", ".zarr"])
@pytest.mark.parametrize("shape", [(1, 6), (6, 1)])
def test_a_single_row_or_column_is_read(tmp_path, suffix, shape):
    values = np.arange(6, dtype=np.float32).reshape(shape)
    geotiff(tmp_path / "line.tif", values)
    dem = read_dem(tmp_path / "line.tif")
    write_raster(tmp_path / f"again{suffix}", dem)
    again = read_dem(tmp_path / f"again{suffix}")
    for one in (dem, again):
        assert np.array_equal(one.values, values)
        size = cell_size(one)
        assert np.allclose(size.x, 30)
        assert np.allclose(size.y, 30)


def test_netcdf_in_degrees_needs_no_system_and_longitudes_stay(tmp_path):
    y, x = 36 + 0.1 * np.arange(10), 234 + 0.1 * np.arange(20)
    degrees = {"lat": ("lat", y, {"units": "degrees_north"})}
    degrees |= {"lon": ("lon", x, {"units": "degrees_east"})}
    values = np.arange(200.0).reshape(1, 10, 20)
    data = xr.DataArray(values, degrees, ("time", "lat", "lon"), name="z")
    packed = {"scale_factor": 0.5, "dtype": "int16", "_FillValue": -1}
    data.to_netcdf(tmp_path / "a.nc", encoding={"z": packed})
    dem = read_dem(tmp_path / "a.nc")
    assert dem.rio.crs.to_epsg() == 4326
    assert np.allclose(dem.x, x)
    assert np.array_equal(dem.values, values[0, ::-1])
    uneven = data.assign_coords(lat=("lat", 36 + (y - 36) ** 1.5, degrees["lat"][2]))
    uneven.to_netcdf(tmp_path / "b.nc")
    with pytest.raises(RasterError, match="evenly spaced rows, got steps from"):
        read_dem(tmp_path / "b.nc")


def test_cells_in_metres():
    square = cell_size(on_grid(heights()))
    assert square.is_square
    assert square.is_uniform
    assert square.x.shape == (37,)
    feet = cell_size(on_grid(heights(), "EPSG:2232"))  # Colorado, US survey feet
    assert np.allclose(feet.x, 30 * 1200 / 3937, rtol=1e-12)
    oblong = on_map(heights(), 4.3e6 - 20.0 * np.arange(37), 5e5 + 30.0 * np.arange(53), UTM)
    assert not cell_size(oblong).is_square
    assert np.allclose(cell_size(oblong).y, 20)


def test_cells_in_degrees_are_geodesics(tmp_path):
    from pyproj import Geod

    step = 1 / 1200
    dem = on_grid(heights(), "EPSG:4326", 30.0, 60.0, step)
    size = cell_size(dem)
    geod = Geod(ellps="WGS84")
    assert not size.is_uniform
    assert not size.is_square
    for row in (0, 20, 36):
        y = float(dem.y[row])
        [wide, high] = (
            geod.inv(30, y, 30 + step, y)[2],
            geod.inv(30, y - step / 2, 30, y + step / 2)[2],
        )
        assert size.x[row] == pytest.approx(wide, rel=1e-8)
        assert size.y[row] == pytest.approx(high, rel=1e-8)
    write_raster(tmp_path / "dem.tif", dem)
    assert np.allclose(cell_size(DemFile(tmp_path / "dem.tif")).x, size.x, rtol=1e-12)


def test_classes_take_their_legend_along(tmp_path):
    legend = Legend(
        "Land", (LegendClass(1, "plain", "#dddddd"), LegendClass(4, "old hill", "#aa7744"))
    )
    codes = on_grid(np.array([[0, 1, 1], [4, 4, 0]], np.uint8)).assign_attrs(long_name="land")
    write_raster(tmp_path / "land.tif", codes, legend)
    with rasterio.open(tmp_path / "land.tif") as file:
        assert file.nodata == 0
        assert file.read(1).tolist() == codes.values.tolist()
        assert file.colormap(1)[4] == (0xAA, 0x77, 0x44, 255)
        assert file.colormap(1)[0][3] == 0
        assert file.descriptions == ("land",)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    names = (tmp_path / "land.tif.aux.xml").read_text()
    assert "<Category>plain</Category><Category /><Category /><Category>old hill" in names
    write_raster(tmp_path / "land.tif", codes)
    assert not (tmp_path / "land.tif.aux.xml").exists()
    for suffix in (".nc", ".zarr"):
        write_raster(tmp_path / f"land{suffix}", codes, legend)
        file = DemFile(tmp_path / f"land{suffix}")
        assert np.array_equal(np.isnan(file.read()), codes.values == 0)
    with xr.open_dataset(tmp_path / "land.nc") as data:
        assert data["elevation"].attrs["flag_values"].tolist() == [1, 4]
        assert data["elevation"].attrs["flag_meanings"] == "plain old_hill"


def test_refusals_to_write(tmp_path):
    dem = on_grid(heights())
    with pytest.raises(RasterError, match=r"expected one of \.tif, \.asc, \.nc, \.zarr"):
        write_raster(tmp_path / "dem.png", dem)
    oblong = on_map(heights(), 4.3e6 - 20.0 * np.arange(37), 5e5 + 30.0 * np.arange(53), UTM)
    with pytest.raises(RasterError, match=r"square cells only; these are 30 wide and 20 high"):
        write_raster(tmp_path / "dem.asc", oblong)
    with pytest.raises(RasterError, match="no coordinate reference system"):
        write_raster(tmp_path / "dem.tif", dem.drop_vars("spatial_ref"))
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, signal, sys
import numpy as np
from graben.errors import OutputError
from graben.landforms import fractal, write_raster
dem = fractal(700, 700)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for path in sys.argv[1:]:
    try:
        write_raster(path, dem)
    except OutputError as error:
        print(error)
"""


def test_no_room_half_way_leaves_the_old_raster_whole(tmp_path):
    old = on_grid(heights())
    paths = [tmp_path / f"dem{suffix}" for suffix in FORMATS]
    for path in paths:
        write_raster(path, old)
    before = {one.name for one in tmp_path.iterdir()}
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {one.name for one in tmp_path.iterdir()} == before
    for path in paths:
        assert f"could not write {path}" in done.stdout
        assert np.array_equal(read_dem(path).values, old.values, equal_nan=True)


def test_real_files_and_their_traps(reference_data):
    folder = reference_data / "dem"
    boulder = read_dem(folder / "boulder_SRTMGL3.asc", crs="EPSG:4326")
    assert (boulder.shape, boulder.min(), boulder.max()) == ((144, 240), 1943, 3286)
    assert float(boulder.y[-1]) == pytest.approx(40.0908, abs=1e-4)
    with pytest.raises(RasterError, match="--crs EPSG:4326"):
        read_dem(folder / "boulder_SRTMGL3.asc")
    gully = read_dem(folder / "west_bijou_gully.asc", crs="EPSG:26913")
    assert (gully.shape, int(gully.isnull().sum())) == ((89, 43), 2739)
    assert cell_size(gully).is_square
    with pytest.raises(RasterError, match=r"2028 cells hold -9999.*line `NODATA_value -9999`"):
        read_dem(folder / "hugo_site_filled.asc", crs="EPSG:26913")
    with pytest.raises(RasterError, match="degrees north"):
        read_dem(folder / "hugo_site_filled.asc", crs="EPSG:4326")
    plain = read_dem(folder / "pysheds_dem.tif")
    assert (plain.shape, plain.min(), plain.max()) == ((359, 367), 147, 298)
    scarp = read_dem(folder / "west_bijou_escarpment_snippet.asc", crs="EPSG:4269")
    assert (scarp.shape, scarp.min(), scarp.max()) == ((67, 129), 1690, 1807)


def test_a_real_grid_of_uneven_latitudes_is_refused_until_it_is_even(reference_data, tmp_path):
    with np.load(reference_data / "dem" / "topobathy.npz") as file:
        z, x, y = file["topo"], file["longitude"], file["latitude"]
    degrees = {"latitude": ("latitude", y, {"units": "degrees_north"})}
    degrees |= {"longitude": ("longitude", x, {"units": "degrees_east"})}
    data = xr.DataArray(z, degrees, ("latitude", "longitude"), name="topo")
    data.to_netcdf(tmp_path / "uneven.nc")
    with pytest.raises(RasterError, match=r"evenly spaced rows.*interp"):
        read_dem(tmp_path / "uneven.nc")
    even = data.interp(latitude=np.linspace(y[0], y[-1], len(y)))
    even.latitude.attrs["units"] = "degrees_north"
    even.to_netcdf(tmp_path / "even.nc")
    dem = read_dem(tmp_path / "even.nc")
    assert np.allclose(dem.values[0], z[-1])
    assert float(dem.x[0]) == pytest.approx(x[0])


def test_a_file_that_breaks_off_is_refused_with_what_gdal_says(tmp_path):
    path = tmp_path / "whole.tif"
    fractal(60, 60, hurst=0.8, relief=100, seed=1).rio.to_raster(path)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(RasterError, match=r"cannot be read: (?!Read failed).*Fetch it again"):
        read_dem(path)


def test_an_unknown_system_is_refused_in_one_voice(tmp_path, capfd):
    path = tmp_path / "hills.tif"
    fractal(9, 9, hurst=0.8, relief=100, seed=1).rio.to_raster(path)
    with pytest.raises(RasterError, match="is no coordinate reference system"):
        read_dem(path, crs="EPSG:999999")
    assert capfd.readouterr().err == ""
