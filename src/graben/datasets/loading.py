"""Loading of data sets by name, as plain columns and grids."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graben.datasets import registry
from graben.datasets.fetching import path_of
from graben.datasets.packing import (
    Table,
    from_planes,
    unpack,
    unpack_heights,
    unpack_numbers,
    unpack_texts,
)
from graben.datasets.registry import Dataset, about, about_kind
from graben.errors import DatasetError, InputError

if TYPE_CHECKING:
    import xarray as xr


def _shipped(dataset: Dataset) -> Table:
    """Arrays of a file that ships, as they were packed."""
    path = registry.FOLDER / dataset.file
    try:
        packed = path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetError(
            f"the file {dataset.file} of the data set {dataset.name!r} is missing from the "
            "installation. Install graben again."
        ) from error
    if hashlib.sha256(packed).hexdigest() != dataset.sha256:
        raise DatasetError(
            f"{path} is damaged: its sha256 is not the one on record ({dataset.sha256[:12]}...). "
            "Install graben again."
        )
    return unpack(packed)


def _grid(dataset: Dataset, values: NDArray[np.float32], long_name: str) -> "xr.DataArray":
    import rioxarray  # noqa: F401  (it registers the accessor .rio)
    import xarray as xr

    assert dataset.cells_per_degree is not None
    west, _, _, north = dataset.region
    rows, columns = values.shape
    step = 1 / dataset.cells_per_degree
    coordinates = {
        "y": north - (np.arange(rows) + 0.5) * step,
        "x": west + (np.arange(columns) + 0.5) * step,
    }
    grid = xr.DataArray(values, coordinates, ("y", "x"), attrs={"long_name": long_name})
    placed: xr.DataArray = grid.rio.write_crs("EPSG:4326")
    return placed


def load_catalog_table(name: str) -> Table:
    """Columns of an earthquake catalogue, sorted by time.

    Parameters
    ----------
    name
        "usgs-world-m5", "usgs-tile-m4" or "usgs-anatolia-m3.5", which ship, or "usgs-world"
        after `fetch`.

    Returns
    -------
    dict of str to array
        Each (n,): `time_ns` (int64, nanoseconds since 1970, UTC), `longitude`, `latitude`
        (degrees), `depth` (km, down; NaN where unknown), `magnitude`, all float64; `event_id`
        and `magnitude_type` (str; "" where unknown).

    Raises
    ------
    DatasetError
        The file is missing, damaged or not fetched.
    InputError
        No catalogue has this name.

    Examples
    --------
    >>> table = load_catalog_table("usgs-anatolia-m3.5")
    >>> len(table["magnitude"]), float(table["magnitude"].max())
    (11110, 7.8)
    """
    dataset = about_kind(name, "catalogue")
    if not dataset.ships:
        return _fetched_catalog_table(dataset)
    arrays = _shipped(dataset)
    codes = unpack_texts(arrays["magnitude_types"])
    return {
        "time_ns": np.cumsum(from_planes(arrays["time_ms_steps"])) * 1_000_000,
        "longitude": unpack_numbers(arrays, "longitude"),
        "latitude": unpack_numbers(arrays, "latitude"),
        "depth": unpack_numbers(arrays, "depth"),
        "magnitude": unpack_numbers(arrays, "magnitude"),
        "event_id": unpack_texts(arrays["event_ids"]),
        "magnitude_type": codes[arrays["magnitude_type_codes"]],
    }


def read_usgs_table(source: Path | BytesIO) -> Table:
    """Columns of the source's USGS file, as `load_catalog_table` gives them."""
    import pandas as pd

    numbers = ["longitude", "latitude", "depth", "mag"]
    texts = ["event_id", "mag_type", "time"]
    frame = pd.read_csv(
        source,
        usecols=numbers + texts,
        dtype=dict.fromkeys(texts, str),
        keep_default_na=False,
        na_values={column: [""] for column in numbers},
    )
    frame["time"] = pd.to_datetime(frame["time"], utc=True, format="ISO8601").dt.tz_localize(None)
    frame = frame.sort_values("time", kind="stable")
    table: Table = {"time_ns": frame["time"].dt.as_unit("ns").to_numpy().view(np.int64)}
    for column, key in zip(numbers, ["longitude", "latitude", "depth", "magnitude"], strict=True):
        table[key] = frame[column].to_numpy(np.float64)
    table["event_id"] = frame["event_id"].to_numpy(str)
    table["magnitude_type"] = frame["mag_type"].to_numpy(str)
    return table


def _fetched_catalog_table(dataset: Dataset) -> Table:
    if dataset.name != "usgs-world":
        raise InputError(
            f"the data set {dataset.name!r} has its own columns; expected a catalogue of the "
            f"USGS. Read the file itself: datasets.path_of({dataset.name!r})."
        )
    return read_usgs_table(path_of(dataset.name))


def load_elevation(name: str) -> "xr.DataArray":
    """Elevation in metres on a longitude-latitude grid.

    Parameters
    ----------
    name
        "globe-anatolia" (30 arc-seconds) or "globe-tile" (means on 0.025 degrees), which ship,
        or "globe" (the tile at 30 arc-seconds) after `fetch`.

    Returns
    -------
    xarray.DataArray
        float32, dims (y, x), y descending, cell centres in degrees, CRS EPSG:4326; whole metres,
        no NaN: sea is 0, and so is land below sea level.

    Raises
    ------
    DatasetError
        The file is missing, damaged or not fetched.
    InputError
        No elevation has this name.

    Examples
    --------
    >>> ararat = load_elevation("globe-anatolia").sel(y=slice(39.9, 39.5), x=slice(44.1, 44.5))
    >>> float(ararat.max())
    4938.0
    """
    dataset = about_kind(name, "elevation")
    if dataset.ships:
        heights = unpack_heights(_shipped(dataset)["elevation"])
    else:
        with np.load(path_of(name), allow_pickle=False) as arrays:
            heights = arrays["arr_0"]
    grid = _grid(dataset, heights.astype(np.float32), "elevation")
    return grid.assign_attrs(units="m")


def load_land(name: str) -> "xr.DataArray":
    """Share of land, 0 to 1, of each cell of an elevation grid that ships.

    Parameters
    ----------
    name
        "globe-anatolia" or "globe-tile".

    Returns
    -------
    xarray.DataArray
        float32 on the grid of `load_elevation(name)`, no NaN; inland waters count as land.

    Raises
    ------
    DatasetError
        The file is missing or damaged.
    InputError
        No elevation that ships has this name.

    Examples
    --------
    >>> land = load_land("globe-tile")
    >>> float(land.sel(y=39, x=33, method="nearest")), float(land.sel(y=35, x=19, method="nearest"))
    (1.0, 0.0)
    """
    dataset = about_kind(name, "elevation")
    if not dataset.ships:
        raise InputError(
            f"the data set {name!r} has no land mask. Expected 'globe-anatolia' or 'globe-tile'."
        )
    arrays = _shipped(dataset)
    shape = arrays["elevation"].shape[1:]
    ninths = arrays["land_ninths"]
    if ninths.shape != shape:
        ninths = 9 * np.unpackbits(ninths, axis=1, count=shape[1])
    return _grid(dataset, ninths.astype(np.float32) / np.float32(9), "share of land")


def load_coastline() -> list[NDArray[np.float64]]:
    """Outlines of the world's land.

    Returns
    -------
    list of array
        Closed rings, each (n, 2): longitude and latitude in degrees.

    Raises
    ------
    DatasetError
        The file is missing or damaged.

    Examples
    --------
    >>> max(len(ring) for ring in load_coastline()) > 1000
    True
    """
    arrays = _shipped(about_kind("natural-earth-land", "outlines"))
    lattice = np.cumsum(from_planes(arrays["steps"]), axis=0, dtype=np.int64)
    points = lattice * arrays["scale"] + arrays["translate"]
    return np.split(points, np.cumsum(arrays["lengths"])[:-1])


def decoded_sha256(name: str) -> str:
    """Hash of the decoded arrays of a data set that ships: the same on every machine."""
    dataset = about(name)
    if dataset.kind == "catalogue":
        arrays = load_catalog_table(name)
    elif dataset.kind == "elevation":
        arrays = {"elevation": load_elevation(name).values, "land": load_land(name).values}
    else:
        rings = load_coastline()
        arrays = {"points": np.concatenate(rings), "lengths": np.array([len(r) for r in rings])}
    total = hashlib.sha256()
    for key, array in sorted(arrays.items()):
        if array.dtype.kind == "U":
            content = "\n".join(array).encode()
        else:
            content = array.astype(array.dtype.newbyteorder("<")).tobytes()
        total.update(f"{key} {array.dtype.kind} {array.shape}\n".encode() + content)
    return total.hexdigest()
