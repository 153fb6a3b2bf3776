import resource
import signal

import netCDF4
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr

from graben.errors import InputError, OutputError
from graben.quakes.export import read_forecast, write_csep, write_geotiff, write_netcdf
from graben.quakes.quantity import Quantity

WRITERS = [write_netcdf, write_geotiff, write_csep]


def made_forecast(rows=32, columns=80, step=0.25, west=25.0, south=35.0, times=1, intervals=True):
    """A forecast of random numbers in the form that the models give."""
    random = np.random.default_rng(4)
    shape = (times, 1, 1, rows, columns)
    probability = 10 ** random.uniform(-4, -0.3, shape)
    spread = np.full(shape, np.nan) if not intervals else random.uniform(0.1, 0.9, shape)
    dims = ("issue_time", "horizon", "magnitude", "latitude", "longitude")
    quantity = Quantity()
    first = np.datetime64("2025-10-26T17:13:22.123000", "ns")
    return xr.Dataset(
        {
            "expected_count": (dims, 10 ** random.uniform(-7, -2, shape)),
            "probability": (dims, probability),
            "probability_low": (dims, probability * spread),
            "probability_high": (dims, probability + spread * (1 - probability)),
        },
        {
            "issue_time": first + np.arange(times) * np.timedelta64(30, "D"),
            "horizon": [quantity.horizon_days],
            "magnitude": [quantity.min_magnitude],
            "latitude": south + step * (np.arange(rows) + 0.5),
            "longitude": west + step * (np.arange(columns) + 0.5),
        },
        {
            "title": quantity.sentence,
            "model": "grid-cnn",
            "radius_km": quantity.radius_km,
            "catalog_source": "made for a test",
            "catalog_sha256": "0" * 64,
            "catalog_end": "2025-10-26T17:13:22.123Z",
            "training_end": "2010-01-01T00:00:00Z",
            "hindsight": "false",
            "graben_version": "0.1.0",
            "conventions": "CF-1.11",
        },
    )


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("intervals", [True, False])
def test_netcdf_gives_the_same_forecast_back(times, intervals, tmp_path):
    forecast = made_forecast(times=times, intervals=intervals)
    before = forecast.copy(deep=True)
    write_netcdf(forecast, tmp_path / "forecast.nc")
    xr.testing.assert_identical(forecast, before)
    again = read_forecast(tmp_path / "forecast.nc")
    xr.testing.assert_equal(again, forecast)
    forecast.attrs["Conventions"] = forecast.attrs.pop("conventions")
    assert again.attrs.items() >= forecast.attrs.items()
    assert again["issue_time"].dtype == "datetime64[ns]"
    assert again["horizon"].dtype == forecast["horizon"].dtype
    write_netcdf(again, tmp_path / "again.nc")
    xr.testing.assert_equal(read_forecast(tmp_path / "again.nc"), forecast)


def test_netcdf_speaks_cf(tmp_path):
    forecast = made_forecast()
    write_netcdf(forecast, tmp_path / "forecast.nc")
    with netCDF4.Dataset(tmp_path / "forecast.nc") as raw:
        assert raw.Conventions == "CF-1.11"
        assert raw.title == forecast.attrs["title"]
        assert {"history", "source"} <= set(raw.ncattrs())
        expected = {
            "latitude": ("latitude", "degrees_north"),
            "longitude": ("longitude", "degrees_east"),
            "horizon": ("forecast_period", "days"),
        }
        for name, (standard, units) in expected.items():
            assert (raw[name].standard_name, raw[name].units) == (standard, units)
        for name in ("latitude", "longitude", "issue_time"):
            assert "_FillValue" not in raw[name].ncattrs()
        assert raw["expected_count"].cell_methods == "area: sum"
        assert all(raw[name].long_name and raw[name].units == "1" for name in forecast.data_vars)
        edges = raw[raw["latitude"].bounds][:]
        np.testing.assert_array_equal(edges[1:, 0], edges[:-1, 1])
        np.testing.assert_allclose(edges.mean(axis=1), forecast["latitude"])
        time = raw["issue_time"]
        told = netCDF4.num2date(time[0], time.units, time.calendar)
        assert str(told) == "2025-10-26 17:13:22.123000"


def test_files_that_are_no_forecast_are_refused(tmp_path):
    path = tmp_path / "forecast.nc"
    with pytest.raises(InputError, match="no file"):
        read_forecast(path)
    path.write_text("no NetCDF")
    with pytest.raises(InputError, match="not a whole NetCDF"):
        read_forecast(path)
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(path)
    with pytest.raises(InputError, match="no forecast of graben"):
        read_forecast(path)
    write_netcdf(made_forecast(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a whole NetCDF"):
        read_forecast(path)
    path.write_bytes(whole)
    for change, complaint in (
        (lambda one: one.drop_vars("probability_low"), "no probability_low"),
        (lambda one: one.transpose("longitude", ...), "expected probability over"),
        (lambda one: one.isel(latitude=slice(None, None, -1)), "latitude to ascend"),
    ):
        with xr.open_dataset(path, decode_timedelta=False) as opened:
            changed = change(opened.load())
        changed.to_netcdf(tmp_path / "changed.nc")
        with pytest.raises(InputError, match=complaint):
            read_forecast(tmp_path / "changed.nc")


def test_geotiff_holds_every_band_north_up_where_it_belongs(tmp_path):
    forecast = made_forecast(intervals=False)
    write_geotiff(forecast, tmp_path / "forecast.tif")
    names = ("probability", "probability_low", "probability_high", "expected_count")
    with rasterio.open(tmp_path / "forecast.tif") as raster:
        assert raster.descriptions == names
        assert raster.crs.to_epsg() == 4326
        assert np.isnan(raster.nodata)
        assert tuple(raster.bounds) == (25, 35, 45, 43)
        assert raster.transform.e == -0.25
        tags = raster.tags()
        assert tags["TIFFTAG_IMAGEDESCRIPTION"] == Quantity().sentence
        assert tags["issue_time"] == "2025-10-26T17:13:22Z"
        assert (tags["horizon_days"], tags["model"]) == ("30", "grid-cnn")
        for place in ({"longitude": 25.3, "latitude": 42.9}, {"longitude": 44, "latitude": 35.1}):
            values = next(raster.sample([tuple(place.values())]))
            for name, value in zip(names, values, strict=True):
                wanted = forecast[name].sel(place, method="nearest").item()
                np.testing.assert_equal(value, np.float32(wanted))


@pytest.mark.parametrize("step", [0.25, 0.1])
def test_pycsep_loads_the_gridded_forecast(step, tmp_path):
    import csep

    forecast = made_forecast(rows=12, columns=7, step=step)
    write_csep(forecast, tmp_path / "forecast.dat")
    start = pd.Timestamp("2025-10-26T17:13:22")
    loaded = csep.load_gridded_forecast(
        str(tmp_path / "forecast.dat"), start_date=start, end_date=start + pd.Timedelta(days=30)
    )
    counts = forecast["expected_count"].squeeze()
    assert loaded.event_count == pytest.approx(counts.sum().item(), rel=1e-8)
    assert loaded.magnitudes.tolist() == [5.0]
    assert loaded.region.num_nodes == counts.size
    np.testing.assert_allclose(
        loaded.region.midpoints().min(axis=0), (25 + step / 2, 35 + step / 2)
    )
    lon, lat = np.meshgrid(counts["longitude"], counts["latitude"])
    rates = loaded.get_rates(lon.ravel(), lat.ravel(), np.full(lon.size, 6.0))
    np.testing.assert_allclose(rates, counts.to_numpy().ravel(), rtol=1e-8)


@pytest.mark.parametrize(("rows", "columns"), [(1, 5), (3, 1), (1, 1)])
def test_narrow_regions_keep_their_cells(rows, columns, tmp_path):
    forecast = made_forecast(rows=rows, columns=columns)
    write_geotiff(forecast, tmp_path / "forecast.tif")
    with rasterio.open(tmp_path / "forecast.tif") as raster:
        assert tuple(raster.bounds) == (25, 35, 25 + columns / 4, 35 + rows / 4)
    write_csep(forecast, tmp_path / "forecast.dat")
    assert np.loadtxt(tmp_path / "forecast.dat", ndmin=2)[-1, :4].tolist() == [
        25 + columns / 4 - 0.25, 25 + columns / 4, 35 + rows / 4 - 0.25, 35 + rows / 4
    ]  # fmt: skip
    write_netcdf(forecast, tmp_path / "forecast.nc")
    xr.testing.assert_equal(read_forecast(tmp_path / "forecast.nc"), forecast)


@pytest.mark.parametrize("write", [write_geotiff, write_csep])
def test_formats_of_one_map_refuse_several(write, tmp_path):
    with pytest.raises(InputError, match="one issue_time, got 2"):
        write(made_forecast(times=2), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_model_without_rates_has_no_csep_grid_but_a_map(tmp_path):
    forecast = made_forecast()
    forecast["expected_count"][:] = np.nan
    with pytest.raises(InputError, match="such as grid-cnn or omori"):
        write_csep(forecast, tmp_path / "forecast.dat")
    write_geotiff(forecast, tmp_path / "forecast.tif")
    write_netcdf(forecast, tmp_path / "forecast.nc")
    xr.testing.assert_equal(read_forecast(tmp_path / "forecast.nc"), forecast)


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_leaves_what_stood_there(write, tmp_path, monkeypatch):
    path = tmp_path / "forecast.out"
    path.write_text("what stood there")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="unchanged"):
            write(made_forecast(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "what stood there"
    assert [one.name for one in tmp_path.iterdir()] == ["forecast.out"]
