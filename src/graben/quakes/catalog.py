"""The catalogue: a validated table of earthquakes, sorted by time."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from graben.datasets import load_catalog_table
from graben.errors import CatalogError, StaleError
from graben.quakes.region import Region

NEEDED = ("time", "longitude", "latitude", "magnitude")
_AWARE = r":\d\d.*(?:Z|[+-]\d\d(?::?\d\d)?)$"


@dataclass(frozen=True, eq=False)
class Catalog:
    """Earthquakes of a period, sorted by time; make one with `from_table` or `read_catalog`.

    Parameters
    ----------
    table
        Columns `time` (datetime64[ns, UTC]), `longitude`, `latitude` (degrees, -180..180 and
        -90..90), `depth` (km, positive down; NaN where unknown), `magnitude`, `event_id` (str,
        unique) and, where known, `magnitude_type` (str). Do not change it.
    source
        One line: where the catalogue came from.
    start, end
        The period that the catalogue covers, UTC: silence inside it means no earthquakes.
    """

    table: pd.DataFrame
    source: str
    start: pd.Timestamp
    end: pd.Timestamp

    @classmethod
    def from_table(
        cls,
        table: pd.DataFrame,
        source: str,
        start: pd.Timestamp | str | None = None,
        end: pd.Timestamp | str | None = None,
    ) -> "Catalog":
        """Validate a table and sort it by time (events of one time keep their order).

        Parameters
        ----------
        table
            Columns as of `Catalog`, in any order and row order. Times may be text (ISO 8601)
            with any offsets; a column wholly without offsets is taken as UTC. Longitudes may run
            to 360. `depth` may be absent; without `event_id` the events are numbered.
        source
            One line: where it came from.
        start, end
            The period covered; by default from the first to the last event.

        Raises
        ------
        CatalogError
            The table is empty or lacks a column; a time, coordinate, depth or magnitude is
            missing, not a number or out of range; times with and without offset are mixed; an
            event stands twice; an event lies outside the period.

        Examples
        --------
        >>> rows = {"time": ["2023-02-06T04:17:34+03:00"], "longitude": [37.03],
        ...         "latitude": [37.23], "magnitude": [7.8]}
        >>> catalog = Catalog.from_table(pd.DataFrame(rows), "one event")
        >>> catalog.end
        Timestamp('2023-02-06 01:17:34+0000', tz='UTC')
        """
        clean = clean_table(table)
        repeated = repeated_rows(clean)
        if repeated.any():
            _refuse(
                repeated,
                "each event once",
                "repeated events",
                "Remove the repeats; `graben quakes check` counts them and goes on without them",
            )
        if "event_id" not in clean:
            clean = clean.sort_values("time", kind="stable")
            clean["event_id"] = pd.Series(range(len(clean)), clean.index).astype(str)
        clean = clean.sort_values("time", kind="stable", ignore_index=True)
        order = [*NEEDED[:3], "depth", "magnitude", "event_id", "magnitude_type"]
        clean = clean[[name for name in order if name in clean]]
        first, last = clean["time"].iloc[0], clean["time"].iloc[-1]
        period = (
            first if start is None else as_utc(start),
            last if end is None else as_utc(end),
        )
        if period[0] > first or period[1] < last:
            raise CatalogError(
                f"expected all events within the period {period[0]} to {period[1]}, got events "
                f"from {first} to {last}. Correct the period or cut the table."
            )
        return cls(clean, source, *period)

    def __len__(self) -> int:
        return len(self.table)

    def until(self, time: pd.Timestamp | str) -> "Catalog":
        """Give what was known at `time`: the events with `event time <= time`, end = `time`.

        Raises
        ------
        StaleError
            The catalogue ends before `time`.
        """
        moment = as_utc(time)
        if moment > self.end:
            raise StaleError(
                f"expected a time within the catalogue, which ends at {self.end}; got {moment}. "
                "Ask for an earlier time, or fetch a newer catalogue."
            )
        known = self.table[self.table["time"] <= moment].reset_index(drop=True)
        return replace(self, table=known, start=min(self.start, moment), end=moment)

    def select(
        self,
        *,
        min_magnitude: float | None = None,
        region: Region | None = None,
        start: pd.Timestamp | str | None = None,
        end: pd.Timestamp | str | None = None,
    ) -> "Catalog":
        """Cut by magnitude (M >= `min_magnitude`), region and time (`start` <= t < `end`).

        The result may be empty; `nonempty` turns that into an error. Its period is what remains
        of the catalogue's own.
        """
        table = self.table
        keep = np.ones(len(table), bool)
        if min_magnitude is not None:
            keep &= (table["magnitude"] >= min_magnitude).to_numpy()
        if region is not None:
            keep &= region.contains(table["longitude"], table["latitude"])
        first = self.start if start is None else max(self.start, as_utc(start))
        last = self.end if end is None else min(self.end, as_utc(end))
        keep &= (table["time"] >= first).to_numpy()
        if end is not None:
            keep &= (table["time"] < as_utc(end)).to_numpy()
        chosen = table[keep].reset_index(drop=True)
        return replace(self, table=chosen, start=first, end=max(first, last))

    def nonempty(self) -> "Catalog":
        """Give the catalogue back if it holds an event.

        Raises
        ------
        CatalogError
            No event is left.
        """
        if not len(self):
            raise CatalogError(
                f"expected at least one event, got none from {self.start} to {self.end} after "
                f"the cuts of {self.source}. Lower the magnitude, or widen the region or period."
            )
        return self

    def sha256(self) -> str:
        """Hash the decoded columns, whatever file they came from."""
        digest = hashlib.sha256()
        for name in self.table:
            column = self.table[name]
            digest.update(f"{name}\n".encode())
            if name == "time":
                digest.update(column.astype("int64").to_numpy().astype("<i8").tobytes())
            elif name in ("event_id", "magnitude_type"):
                digest.update("\n".join(column).encode())
            else:
                values = column.to_numpy(float)
                digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes())
        return digest.hexdigest()


def embedded_catalog(name: str = "usgs-tile-m4") -> Catalog:
    """Give a catalogue that ships with graben; `graben data list` names them.

    Raises
    ------
    DatasetError
        No data set has this name, or its file is damaged.
    """
    columns = load_catalog_table(name)
    table = pd.DataFrame({key: column for key, column in columns.items() if key != "time_ns"})
    table["time"] = pd.to_datetime(columns["time_ns"], unit="ns", utc=True)
    return Catalog.from_table(table, f"USGS ComCat, as {name} ships with graben")


def as_utc(time: pd.Timestamp | str) -> pd.Timestamp:
    """Read one moment; without an offset it is UTC.

    Raises
    ------
    CatalogError
        It is no date.

    Examples
    --------
    >>> as_utc("2023-02-06T04:17:34+03:00")
    Timestamp('2023-02-06 01:17:34+0000', tz='UTC')
    """
    try:
        moment = pd.Timestamp(time)
        if pd.isna(moment):
            raise ValueError("no moment")
        moment = moment.as_unit("ns")
    except ValueError as error:
        raise CatalogError(
            f"expected a date such as 2023-02-06 or 2023-02-06T01:17:34Z, got {time!r}. Write it "
            "so."
        ) from error
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def clean_table(table: pd.DataFrame) -> pd.DataFrame:
    """Bring the columns to the types and ranges of `Catalog`, in the row order given.

    Repeated events are left in, and `event_id` stays absent where it is; see `repeated_rows`.

    Raises
    ------
    CatalogError
        As `Catalog.from_table`, save for repeated events and the period.
    """
    missing = [name for name in NEEDED if name not in table]
    if missing:
        raise CatalogError(
            f"expected the columns {', '.join(NEEDED)}; got {', '.join(map(str, table.columns))}, "
            f"without {', '.join(missing)}. Rename or add them."
        )
    if table.empty:
        raise CatalogError("expected at least one event, got an empty table. Check the source.")
    table = table.reset_index(drop=True)
    longitude = _numbers(table, "longitude", -180, 360)
    columns = {
        "time": _times(table["time"]),
        "longitude": longitude.where(longitude <= 180, longitude - 360),
        "latitude": _numbers(table, "latitude", -90, 90),
        "depth": _depths(table),
        "magnitude": _numbers(table, "magnitude", -10, 12),
    }
    if "event_id" in table and table["event_id"].notna().any():
        blank = table["event_id"].isna().to_numpy()
        if blank.any():
            _refuse(blank, "an event_id in each row", "none", "Fill them in or drop the column")
        columns["event_id"] = table["event_id"].astype(str)
    if "magnitude_type" in table:
        columns["magnitude_type"] = table["magnitude_type"].astype(object).fillna("").astype(str)
    return pd.DataFrame(columns)


def repeated_rows(clean: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which rows of a clean table repeat an earlier one, as a boolean array.

    A repeat has the event_id of an earlier row or, where the table has no ids, the same values
    in all columns.
    """
    names = ["event_id"] if "event_id" in clean else list(clean.columns)
    return clean.duplicated(subset=names).to_numpy()


def _refuse(bad: npt.NDArray[np.bool_], expected: str, got: str, remedy: str) -> NoReturn:
    rows = np.flatnonzero(bad) + 1
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    raise CatalogError(
        f"expected {expected}, got {got} in {len(rows)} of {len(bad)} rows (data row {shown}). "
        f"{remedy}."
    )


def _numbers(table: pd.DataFrame, name: str, low: float, high: float) -> "pd.Series[float]":
    column = table[name]
    values = pd.to_numeric(column, errors="coerce").astype("float64")
    bad = ~values.between(low, high).to_numpy()
    if bad.any():
        first = column[bad].iloc[0]
        remedy = "Correct or remove these rows"
        _refuse(bad, f"{name} as a number from {low:g} to {high:g}", f"{first}", remedy)
    return values


def _depths(table: pd.DataFrame) -> "pd.Series[float]":
    if "depth" not in table:
        return pd.Series(np.nan, index=table.index)
    known = table["depth"].notna()
    if not known.any():
        return pd.Series(np.nan, index=table.index)
    numbers = _numbers(table[known].assign(depth=table["depth"][known]), "depth", -20, 1000)
    return numbers.reindex(table.index)


def _times(column: "pd.Series[Any]") -> "pd.Series[pd.Timestamp]":
    present = column.notna().to_numpy()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        aware = present
    elif column.dtype.kind == "M":
        aware = np.zeros(len(column), bool)
    else:
        column = column.astype(str)
        aware = column.str.contains(_AWARE, regex=True).to_numpy(bool)
    if aware[present].any() and not aware[present].all():
        _refuse(
            present & ~aware,
            "times all with or all without an offset from UTC",
            "times without",
            "Give every time an offset, such as Z",
        )
    times = pd.to_datetime(column, utc=True, format="ISO8601", errors="coerce")
    bad = ~times.dt.year.between(1678, 2261).to_numpy()  # what nanoseconds in 64 bits reach
    if bad.any():
        first = f"{column[bad].iloc[0]}"
        _refuse(
            bad,
            "times in ISO 8601, of the years 1678 to 2261",
            first,
            "Write them as 2023-02-06T01:17:34.000Z",
        )
    return times.dt.as_unit("ns")
