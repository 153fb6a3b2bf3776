"""A forecast as a file: CF NetCDF (written and read), GeoTIFF, and the grid that CSEP tests."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from graben import __version__
from graben.errors import InputError
from graben.output import written_file
from graben.quakes.scene import CELL_DEGREES

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMS = ("issue_time", "horizon", "magnitude", "latitude", "longitude")
BANDS = ("probability", "probability_low", "probability_high", "expected_count")
NEEDED_ATTRS = ("title", "model", "radius_km", "catalog_source", "catalog_end", "training_end")
DEEPEST_KM = 700
LARGEST_MAGNITUDE = 10

_CF: dict[str, dict[str, Any]] = {
    "issue_time": {
        "standard_name": "forecast_reference_time",
        "long_name": "time up to which earthquakes were known (UTC)",
        "axis": "T",
    },
    "horizon": {
        "standard_name": "forecast_period",
        "long_name": "length of the time after the issue time that is forecast",
        "units": "days",
    },
    "magnitude": {"long_name": "smallest magnitude forecast", "units": "1"},
    "latitude": {
        "standard_name": "latitude",
        "long_name": "latitude of the cell's centre",
        "units": "degrees_north",
        "axis": "Y",
        "bounds": "latitude_bounds",
    },
    "longitude": {
        "standard_name": "longitude",
        "long_name": "longitude of the cell's centre",
        "units": "degrees_east",
        "axis": "X",
        "bounds": "longitude_bounds",
    },
    "expected_count": {
        "long_name": "expected number of earthquakes with epicentre in the cell",
        "units": "1",
        "cell_methods": "area: sum",
    },
    "probability": {
        "long_name": "probability of at least one earthquake within the radius of the place",
        "units": "1",
        "cell_methods": "area: point",
        "ancillary_variables": "probability_low probability_high",
    },
    "probability_low": {"long_name": "lower end of the probability's interval", "units": "1"},
    "probability_high": {"long_name": "upper end of the probability's interval", "units": "1"},
}


def write_netcdf(forecast: xr.Dataset, path: str | Path) -> None:
    """Write a forecast as NetCDF 4 by the conventions CF-1.11; nothing of it is lost.

    Parameters
    ----------
    forecast
        Dims `issue_time` (UTC), `horizon` (days), `magnitude`, `latitude` and `longitude`
        (ascending centres of cells, degrees); variables `expected_count` (per cell),
        `probability`, `probability_low` and `probability_high` (NaN where there is no interval).
    path
        The file to write.

    Raises
    ------
    InputError
        The place is not writable.
    OutputError
        Writing failed half way; an earlier file is unchanged.

    References
    ----------
    CF Metadata Conventions 1.11, https://cfconventions.org.
    """
    described = forecast.copy()
    # CF counts time in units down to the microsecond
    described["issue_time"] = described["issue_time"].dt.floor("us")
    for name, attrs in _CF.items():
        # what the forecast itself says of a variable holds
        described[name] = described[name].assign_attrs({**attrs, **described[name].attrs})
    for name, edges in zip(("latitude", "longitude"), cell_edges(forecast), strict=True):
        described[f"{name}_bounds"] = ((name, "bound"), np.stack([edges[:-1], edges[1:]], axis=1))
    now = datetime.now(UTC)
    described.attrs.pop("conventions", None)
    described.attrs |= {
        "Conventions": "CF-1.11",
        "source": f"model {forecast.attrs['model']} of graben {__version__}",
        "history": f"{now:%Y-%m-%dT%H:%M:%SZ} graben {__version__} wrote this forecast",
    }
    encoding: dict[str, dict[str, Any]] = {
        name: {"_FillValue": None} for name in map(str, described.variables) if name not in BANDS
    }
    encoding |= {name: {"zlib": True, "complevel": 4, "_FillValue": np.nan} for name in BANDS}
    encoding["issue_time"] |= {
        "units": "microseconds since 1970-01-01 00:00:00",
        "calendar": "standard",
        "dtype": "int64",
    }
    # made in memory, for the library reports a full disk as a fault of its own
    content = described.to_netcdf(engine="netcdf4", encoding=encoding)
    with written_file(path) as temporary:
        temporary.write_bytes(content)


def read_forecast(path: str | Path) -> xr.Dataset:
    """Read a forecast that `write_netcdf` wrote.

    Returns
    -------
    xarray.Dataset
        As given to `write_netcdf`, loaded.

    Raises
    ------
    InputError
        There is no such file, or it is not a forecast of graben.
    """
    path = Path(path)
    remedy = "Give a forecast.nc that `graben quakes forecast` wrote."
    if not path.is_file():
        raise InputError(f"there is no file {path}. {remedy}")
    try:
        with xr.open_dataset(path, engine="netcdf4", decode_timedelta=False) as opened:
            forecast = opened.load()
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a whole NetCDF file ({error}). {remedy}") from error
    missing = [name for name in NEEDED_ATTRS if name not in forecast.attrs]
    missing += [name for name in DIMS if name not in forecast.coords]
    missing += [name for name in BANDS if name not in forecast]
    if missing:
        raise InputError(f"{path} is no forecast of graben: it has no {missing[0]}. {remedy}")
    for name in BANDS:
        if forecast[name].dims != DIMS:
            raise InputError(
                f"{path}: expected {name} over {DIMS}, got it over {forecast[name].dims}. {remedy}"
            )
    for name in ("latitude", "longitude"):
        if (np.diff(forecast[name]) <= 0).any():
            raise InputError(f"{path}: expected {name} to ascend; it does not. {remedy}")
    return forecast.drop_vars(["latitude_bounds", "longitude_bounds"], errors="ignore")


def write_geotiff(forecast: xr.Dataset, path: str | Path) -> None:
    """Write a forecast as GeoTIFF: EPSG:4326, north up, one band per variable, nodata NaN.

    Parameters
    ----------
    forecast
        As of `write_netcdf`, with one issue time, horizon and magnitude.
    path
        The file to write; the tags say what the bands are the probability of.

    Raises
    ------
    InputError
        The forecast holds several maps, or the place is not writable.
    OutputError
        Writing failed half way; an earlier file is unchanged.
    """
    from rasterio.io import MemoryFile
    from rasterio.transform import from_bounds

    one = single_map(forecast)
    rows, columns = one["probability"].shape
    lat, lon = cell_edges(forecast)
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            height=rows,
            width=columns,
            count=len(BANDS),
            dtype="float32",
            crs="EPSG:4326",
            transform=from_bounds(lon[0], lat[0], lon[-1], lat[-1], columns, rows),
            nodata=np.nan,
            compress="deflate",
            predictor=3,
        ) as raster:
            raster.write(np.stack([one[name].to_numpy()[::-1] for name in BANDS]).astype("float32"))
            raster.descriptions = BANDS
            raster.units = ["1"] * len(BANDS)
            raster.update_tags(
                TIFFTAG_IMAGEDESCRIPTION=one.attrs["title"],
                issue_time=f"{one['issue_time'].dt.strftime('%Y-%m-%dT%H:%M:%SZ').item()}",
                horizon_days=one["horizon"].item(),
                min_magnitude=one["magnitude"].item(),
                **{name: value for name, value in one.attrs.items() if name != "title"},
            )
            raster.update_tags(4, long_name=_CF["expected_count"]["long_name"])
        content = memory.read()
    with written_file(path) as temporary:
        temporary.write_bytes(content)


def write_csep(forecast: xr.Dataset, path: str | Path) -> None:
    """Write the expected counts as a CSEP gridded forecast; name it `.dat`, and pyCSEP loads it.

    Each line is a cell: lon_0 lon_1 lat_0 lat_1 depth_0 depth_1 mag_0 mag_1 rate flag. One bin of
    magnitude runs from the smallest magnitude forecast to 10, one of depth from 0 to 700 km. The
    rate is the expected number of earthquakes in the whole horizon. The format has no room for
    times: give pyCSEP the issue time as `start_date`, and issue time + horizon as `end_date`.

    Parameters
    ----------
    forecast
        As of `write_netcdf`, with one issue time, horizon and magnitude.
    path
        The file to write.

    Raises
    ------
    InputError
        The forecast holds several maps or no rates, or the place is not writable.
    OutputError
        Writing failed half way; an earlier file is unchanged.

    References
    ----------
    Savran et al. (2022), doi:10.1785/0220220033.
    """
    one = single_map(forecast)
    if not np.isfinite(one["expected_count"]).all():
        raise InputError(
            f"expected rates in every cell, but the model {one.attrs['model']} gives none. Choose "
            "a model of rates, such as grid-cnn or omori."
        )
    lat, lon = cell_edges(forecast)
    rows, columns = one["expected_count"].shape
    # the format runs fastest along latitude
    west, south = np.repeat(lon[:-1], rows), np.tile(lat[:-1], columns)
    east, north = np.repeat(lon[1:], rows), np.tile(lat[1:], columns)
    constant = [0, DEEPEST_KM, one["magnitude"].item(), LARGEST_MAGNITUDE]
    counts = one["expected_count"].to_numpy().T.ravel()
    cells = [np.full(counts.shape, value) for value in constant]
    table = np.stack([west, east, south, north, *cells, counts, np.ones(counts.shape)], axis=1)
    with written_file(path) as temporary:
        np.savetxt(temporary, table, fmt=["%.10g"] * 8 + ["%.9e", "%d"])


def single_map(forecast: xr.Dataset) -> xr.Dataset:
    """Return the forecast over latitude and longitude alone.

    Raises
    ------
    InputError
        It holds several issue times, horizons or magnitudes.
    """
    for name in DIMS[:3]:
        if forecast.sizes.get(name, 1) != 1:
            raise InputError(
                f"expected a forecast of one {name}, got {forecast.sizes[name]}. Choose one, for "
                f"example with forecast.isel({name}=[0])."
            )
    return forecast.squeeze([name for name in DIMS[:3] if name in forecast.dims])


def cell_edges(forecast: xr.Dataset) -> "tuple[NDArray[Any], NDArray[Any]]":
    """Return the edges, in degrees and ascending, of the forecast's rows and columns of cells.

    Cells are as high as wide; a single one measures 0.25 degrees.

    Examples
    --------
    >>> place = xr.Dataset(coords={"latitude": [40.125], "longitude": [30.125, 30.375]})
    >>> [edges.tolist() for edges in cell_edges(place)]
    [[40.0, 40.25], [30.0, 30.25, 30.5]]
    """
    axes = [forecast[name].to_numpy() for name in ("latitude", "longitude")]
    longer = max(axes, key=len)
    step = (longer[-1] - longer[0]) / (len(longer) - 1) if len(longer) > 1 else CELL_DEGREES
    # rounded, so that neighbouring cells share an edge in text formats as well
    lat, lon = (np.round(one[0] + step * (np.arange(len(one) + 1) - 0.5), 9) for one in axes)
    return lat, lon
