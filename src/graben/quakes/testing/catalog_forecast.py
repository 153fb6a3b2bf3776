"""Forecasts as simulated catalogues: binned for testing, and as the CSEP text format."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.errors import InputError
from graben.output import written_file
from graben.progress import track
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.testing.grids import Cells, Targets, targets_of

COLUMNS = ["lon", "lat", "M", "time_string", "depth", "catalog_id", "event_id"]
ROWS_AT_ONCE = 500_000
NANOSECONDS_A_DAY = 86_400e9


class Simulated(Protocol):
    """Events of several simulated catalogues, sorted by catalogue; (event,) each.

    `catalog` counts from 0 to `count` - 1, `time` is in days after the issue time, `longitude`
    and `latitude` are in degrees.
    """

    @property
    def catalog(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def time(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def longitude(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def latitude(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def magnitude(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def count(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class ReadCatalogs:
    """Simulated catalogues of a file; as `Simulated`."""

    catalog: NDArray[Any]
    time: NDArray[Any]
    longitude: NDArray[Any]
    latitude: NDArray[Any]
    magnitude: NDArray[Any]
    count: int


@dataclass(frozen=True, eq=False)
class CatalogForecast:
    """Simulated catalogues of one window, binned.

    Attributes
    ----------
    cells
        Cells and bins of magnitude.
    catalog, cell, bin
        Number of the catalogue, of the cell and of the bin of each event inside the cells.
    count
        How many catalogues there are, empty ones included.
    start, end
        The window: start < time <= end, UTC.
    name
        What to call it.
    """

    cells: Cells
    catalog: NDArray[Any]
    cell: NDArray[Any]
    bin: NDArray[Any]
    count: int
    start: pd.Timestamp
    end: pd.Timestamp
    name: str

    @classmethod
    def of(
        cls, simulated: Simulated, cells: Cells, start: pd.Timestamp, end: pd.Timestamp, name: str
    ) -> "CatalogForecast":
        """Bin simulated catalogues; events outside cells, bins and window are left out."""
        cell = cells.cell_of(simulated.longitude, simulated.latitude)
        found = cells.bin_of(simulated.magnitude)
        days = (end - start) / pd.Timedelta(days=1)
        inside = (cell >= 0) & (found >= 0) & (simulated.time > 0) & (simulated.time <= days)
        columns = (simulated.catalog[inside], cell[inside], found[inside])
        return cls(cells, *columns, simulated.count, start, end, name)

    @property
    def by_cell(self) -> NDArray[Any]:
        """Mean number of earthquakes in each cell."""
        return np.bincount(self.cell, minlength=len(self.cells)) / self.count

    @property
    def counts(self) -> NDArray[Any]:
        """Number of earthquakes of each catalogue."""
        return np.bincount(self.catalog, minlength=self.count)

    def targets(self, catalog: Catalog) -> Targets:
        """Return what happened; see `graben.quakes.testing.grids.targets_of`."""
        return targets_of(self.cells, catalog, self.start, self.end)


def write_catalog_forecast(
    batches: Iterable[Simulated], start: pd.Timestamp | str, path: str | Path
) -> None:
    """Write simulated catalogues as the CSV that pyCSEP's `load_catalog_forecast` reads.

    The columns are lon, lat, M, time_string (UTC, microseconds), depth (km; empty, for it is not
    simulated), catalog_id and event_id. A catalogue without earthquakes is a row with nothing but
    its catalog_id, so that readers count it. Name the file NAME_2019-07-06T00-00-00-000000.csv,
    and readers take the start from it.

    Parameters
    ----------
    batches
        Any number of batches; catalogues are numbered on from one to the next.
    start
        The issue time, UTC.
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
    Savran et al. (2022), doi:10.1785/0220220033.
    """
    moment = as_utc(start)
    with (
        written_file(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        stream.write(",".join(COLUMNS) + "\n")
        first = 0
        for batch in batches:
            rows = _rows(batch, moment, first)
            rows.to_csv(stream, index=False, header=False, lineterminator="\n")
            first += batch.count


def _rows(batch: Simulated, start: pd.Timestamp, first: int) -> pd.DataFrame:
    """Return the lines of a batch, in the order of the catalogues, empty ones included."""
    since = np.round(batch.time * NANOSECONDS_A_DAY).astype("timedelta64[ns]")
    moments = start.tz_localize(None).to_datetime64() + since
    numbers = np.arange(batch.time.size)
    number_in_catalog = numbers - np.searchsorted(batch.catalog, batch.catalog)
    table = pd.DataFrame(
        {
            "lon": np.round((batch.longitude + 180) % 360 - 180, 6),
            "lat": np.round(batch.latitude, 6),
            "M": np.round(batch.magnitude, 4),
            "time_string": np.datetime_as_string(moments.astype("datetime64[us]"), unit="us"),
            "depth": "",
            "catalog_id": batch.catalog + first,
            "event_id": number_in_catalog,
        },
        dtype=object,
    )
    empty = np.setdiff1d(np.arange(batch.count), batch.catalog) + first
    silent = pd.DataFrame(dict.fromkeys(COLUMNS, ""), index=range(empty.size), dtype=object)
    silent["catalog_id"] = empty
    joined = pd.concat([table, silent], ignore_index=True)
    return joined.sort_values("catalog_id", kind="stable")


def read_catalog_forecast(path: str | Path, start: pd.Timestamp | str) -> ReadCatalogs:
    """Read a CSEP catalogue forecast, in parts, so that only numbers stay in memory.

    Parameters
    ----------
    path
        As of `write_catalog_forecast`; the header may be absent.
    start
        The issue time, UTC, from which times are counted.

    Returns
    -------
    ReadCatalogs
        The count is the last catalog_id + 1: silent catalogues after it must have their row.

    Raises
    ------
    InputError
        There is no such file, or it is not of this format.
    """
    path = Path(path)
    remedy = f"Give a CSV with the columns {', '.join(COLUMNS)}."
    if not path.is_file():
        raise InputError(f"there is no file {path}. {remedy}")
    parts: list[pd.DataFrame] = []
    last = -1
    try:
        with path.open(encoding="utf-8") as stream:
            header = stream.readline().lower().startswith("lon")
        with pd.read_csv(
            path, names=COLUMNS, skiprows=int(header), chunksize=ROWS_AT_ONCE, dtype=str
        ) as read:
            for chunk in track(read, f"reading {path.name}"):
                numbers = chunk["catalog_id"].astype(int)
                if numbers.iloc[0] < last or (numbers.diff() < 0).any():
                    raise InputError(
                        f"{path}: expected rows in the order of catalog_id. Sort them."
                    )
                last = int(numbers.iloc[-1])
                parts.append(_numbers(chunk[chunk["lon"].notna()], as_utc(start)))
    except InputError:
        raise
    except (ValueError, TypeError, IndexError) as error:
        raise InputError(f"{path} is no catalogue forecast ({error}). {remedy}") from error
    if not parts:
        raise InputError(f"{path} holds no catalogue. {remedy}")
    table = pd.concat(parts, ignore_index=True)
    catalog, time, lon, lat, magnitude = (table[name].to_numpy() for name in table)
    return ReadCatalogs(catalog, time, lon, lat, magnitude, last + 1)


def _numbers(chunk: pd.DataFrame, start: pd.Timestamp) -> pd.DataFrame:
    moments = pd.to_datetime(chunk["time_string"], utc=True, format="ISO8601")
    return pd.DataFrame(
        {
            "catalog": chunk["catalog_id"].astype(np.int64),
            "time": (moments - start) / pd.Timedelta(days=1),
            **{name: chunk[name].astype(float) for name in ("lon", "lat", "M")},
        }
    )
