"""Catalogues from the files that people have: CSV, CSEP, ZMAP, QuakeML; and to CSV."""

import gzip
import io
import zlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from graben.errors import CatalogError
from graben.output import written_file
from graben.quakes.catalog import Catalog

# our column: the names that it has in ComCat, CSEP, benchmark and our own files, in lower case
ALIASES = {
    "time": ("time", "time_string"),
    "longitude": ("longitude", "lon"),
    "latitude": ("latitude", "lat"),
    "depth": ("depth",),
    "magnitude": ("magnitude", "mag", "m"),
    "event_id": ("event_id", "id"),
    "magnitude_type": ("magnitude_type", "magtype", "mag_type"),
    "event_type": ("event_type", "type"),
}
CSEP_COLUMNS = ("lon", "lat", "mag", "time_string", "depth", "catalog_id", "event_id")
ZMAP_MOMENT = ("year", "month", "day", "hour", "minute", "second")
ZMAP_COLUMNS = ("longitude", "latitude", *ZMAP_MOMENT[:3], "magnitude", "depth", *ZMAP_MOMENT[3:])
NO_EARTHQUAKE = "explosion|blast|boom|eruption|slide|collapse|crash|avalanche|ice quake|meteorite"
LAYOUTS = (
    "ComCat CSV (time, latitude, longitude, depth, mag, magType, id), CSEP (lon, lat, mag, "
    "time_string, depth, catalog_id, event_id), ZMAP (10 or more numbers: longitude latitude "
    "decimal-year month day magnitude depth hour minute second), CSV with the columns time, "
    "longitude, latitude, magnitude, and QuakeML; each also gzipped"
)


@dataclass(frozen=True)
class RawCatalog:
    """A catalogue file as it was read, not yet validated.

    Parameters
    ----------
    table
        Columns named as in `Catalog`, whatever they hold.
    source, start, end
        As in `Catalog`; the period is None where the file does not state it.
    """

    table: pd.DataFrame
    source: str
    start: str | None = None
    end: str | None = None


def read_catalog(path: str | Path) -> Catalog:
    """Read a catalogue: ComCat, CSEP or our own CSV, ZMAP, QuakeML; also gzipped.

    Parameters
    ----------
    path
        The file; its layout is told from its content, not from its name. Times without offset
        are UTC. `x` and `y` columns are ignored. Without a depth column depths are NaN.

    Blasts, eruptions and the like are left out where the file tells them (ComCat, QuakeML); the
    source says how many.

    Raises
    ------
    CatalogError
        The file is absent, damaged or of no known layout, or its content is refused by
        `Catalog.from_table`.
    """
    raw = read_raw(path)
    return Catalog.from_table(raw.table, raw.source, raw.start, raw.end)


def read_raw(path: str | Path) -> RawCatalog:
    """Read a catalogue file without validation, for those who look for its faults.

    Raises
    ------
    CatalogError
        The file is absent, damaged or of no known layout.
    """
    path = Path(path)
    content = _content(path)
    stated: dict[str, str] = {}
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        table, layout = read_quakeml(content, path.name), "QuakeML"
    else:
        stated, body = _leading_comments(_lines(content, path))
        if not body:
            raise CatalogError(f"expected a catalogue in {path}, got no line. Get it again.")
        if len(_numbers(body[0])) >= len(ZMAP_COLUMNS):
            table, layout = _zmap(body, path), "ZMAP"
        else:
            table, layout = _csv(body, path), "CSV"
    table, note = only_earthquakes(table)
    source = stated.get("source", f"{path.name} ({layout})") + note
    return RawCatalog(table, source, stated.get("start"), stated.get("end"))


def write_catalog(catalog: Catalog, path: str | Path) -> None:
    """Write a catalogue as CSV (gzipped if the name ends in .gz) that `read_catalog` gives back.

    Three comment lines keep source and period; the values come back exactly.

    Raises
    ------
    InputError, OutputError
        The place is not writable, or no space is left.
    """
    head = f"# source: {catalog.source}\n# start: {catalog.start}\n# end: {catalog.end}\n"
    data = (head + catalog.table.to_csv(index=False)).encode()
    with written_file(path) as temporary:
        temporary.write_bytes(gzip.compress(data) if Path(path).suffix == ".gz" else data)


def event_table(events: Any) -> pd.DataFrame:
    """Turn an ObsPy event catalogue into a table with the columns of `Catalog`.

    Preferred origins and magnitudes, where none is preferred the first; depths from metres to
    km. An event without either keeps NaN, for validation to find. The column `event_type` comes
    on top; see `only_earthquakes`.
    """
    rows = []
    for event in events:
        origin = event.preferred_origin() or next(iter(event.origins), None)
        size = event.preferred_magnitude() or next(iter(event.magnitudes), None)
        row: dict[str, object] = {"event_id": str(event.resource_id.id)}
        row["event_type"] = event.event_type
        if origin is not None:
            row["time"] = str(origin.time)
            row["longitude"], row["latitude"] = origin.longitude, origin.latitude
            row["depth"] = np.nan if origin.depth is None else origin.depth / 1000
        if size is not None:
            row["magnitude"], row["magnitude_type"] = size.mag, size.magnitude_type or ""
        rows.append(row)
    return pd.DataFrame(rows, columns=list(ALIASES))


def only_earthquakes(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Leave out blasts and the like, and say how many in a few words for the source.

    Events whose `event_type` is unknown are kept; the column itself is dropped.
    """
    if "event_type" not in table:
        return table, ""
    kind = table["event_type"].astype(object).fillna("").astype(str).str.lower()
    other = kind.str.contains(NO_EARTHQUAKE, regex=True)
    note = f"; without {other.sum()} events that are no earthquakes" if other.any() else ""
    return table[~other].drop(columns="event_type"), note


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CatalogError(
            f"cannot read {path}: {error.strerror}. Check the name of the catalogue file."
        ) from error
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CatalogError(
            f"expected a whole gzip file, but {path} is damaged ({error}). Get it again."
        ) from error


def _lines(content: bytes, path: Path) -> list[str]:
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise _unknown(path, "bytes that are no text") from error


def _leading_comments(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    """Split off leading comments; a `# key: value` among them states something."""
    stated: dict[str, str] = {}
    for number, line in enumerate(lines):
        if line.strip() and not line.startswith("#"):
            return stated, lines[number:]
        key, colon, value = line.lstrip("# ").partition(": ")
        if colon:
            stated[key] = value.strip()
    return stated, []


def _numbers(line: str) -> list[float]:
    """Give the fields of a line if all are numbers, else nothing."""
    try:
        return [float(field) for field in line.replace(",", " ").split()]
    except ValueError:
        return []


def _unknown(path: Path, found: str) -> CatalogError:
    return CatalogError(
        f"expected a catalogue in one of the layouts {LAYOUTS}; got {found} in {path}. Convert "
        "the file or rename its columns."
    )


def _csv(lines: list[str], path: Path) -> pd.DataFrame:
    first = lines[0].split(",")
    headless = len(first) == len(CSEP_COLUMNS) and len(_numbers(",".join(first[:3]))) == 3
    if "," not in lines[0]:
        raise _unknown(path, f"the line {lines[0][:60]!r}")
    try:
        table = pd.read_csv(
            io.StringIO("\n".join(lines)),
            names=CSEP_COLUMNS if headless else None,
            dtype={"id": str, "event_id": str},
            low_memory=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise _unknown(path, f"a table that breaks off ({str(error).strip()})") from error
    lower = {str(name).strip().lower(): name for name in reversed(table.columns)}
    if "catalog_id" in lower and table[lower["catalog_id"]].nunique() > 1:
        raise CatalogError(
            f"expected one observed catalogue, got {table[lower['catalog_id']].nunique()} "
            f"simulated ones in {path}. Give the rows of one catalog_id."
        )
    found = {
        next(lower[alias] for alias in names if alias in lower): ours
        for ours, names in ALIASES.items()
        if any(alias in lower for alias in names)
    }
    if not {"time", "longitude", "latitude", "magnitude"} & set(found.values()):
        raise _unknown(path, f"the columns {', '.join(map(str, table.columns))}")
    return table[list(found)].rename(columns=found)


def _zmap(lines: list[str], path: Path) -> pd.DataFrame:
    text = "\n".join(lines).replace(",", " ")
    try:
        table = pd.read_csv(io.StringIO(text), sep=r"\s+", header=None)
    except pd.errors.ParserError as error:
        raise _unknown(path, f"ZMAP rows of unequal length ({str(error).strip()})") from error
    table = table.iloc[:, : len(ZMAP_COLUMNS)].set_axis(list(ZMAP_COLUMNS), axis=1)
    moment = table[list(ZMAP_MOMENT)].apply(pd.to_numeric, errors="coerce")
    year = moment["year"]
    if (year % 1 != 0).any():  # near New Year a rounded decimal year may fall on the wrong side
        year = (year - (moment["month"] - 0.5) / 12).round()
    days = pd.to_datetime(
        moment[["month", "day"]].assign(year=year), errors="coerce", utc=True
    ).dt.as_unit("ns")
    seconds = moment["hour"] * 3600 + moment["minute"] * 60 + moment["second"]
    table["time"] = days + pd.to_timedelta(seconds, unit="s").dt.round("us")
    return table.drop(columns=list(ZMAP_MOMENT))


def read_quakeml(content: bytes, name: str) -> pd.DataFrame:
    """Turn QuakeML into a table with the columns of `Catalog`; see `event_table`.

    Raises
    ------
    CatalogError
        `content` (of the file or answer called `name`) is not QuakeML, or breaks off.
    """
    import obspy

    try:
        opening = islice(ElementTree.iterparse(io.BytesIO(content), ["start"]), 2)
        tags = [element.tag.rpartition("}")[2] for _, element in opening]
        if tags != ["quakeml", "eventParameters"]:
            raise ValueError(f"its elements are {tags}")
        return event_table(obspy.read_events(io.BytesIO(content), format="QUAKEML"))
    except (ValueError, SyntaxError, NotImplementedError) as error:
        raise CatalogError(
            f"expected QuakeML in {name}, got XML that cannot be read as such ({error}). Get the "
            "file again, or ask its service for format=xml."
        ) from error
