"""Catalogues from any FDSN event service, with a cache that a killed fetch resumes from."""

import hashlib
import io
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
from time import sleep
from typing import Any

import pandas as pd

from graben.errors import CatalogError, InputError, ServiceError
from graben.output import written_file
from graben.progress import track
from graben.quakes.catalog import NEEDED, Catalog, as_utc
from graben.quakes.formats import event_table, only_earthquakes, read_quakeml
from graben.quakes.region import Region

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before each new attempt
SHORTEST = pd.Timedelta(minutes=10)
NARROWEST = 0.05  # degrees
SETTLED = pd.Timedelta(days=30)
# a line that was cut, XML that breaks off
_CUT_OFF = (HTTPException, OSError, EOFError, zlib.error, SyntaxError, CatalogError)


class _TooLargeError(Exception):
    """The service will not answer so large a query at once."""


def fetch_catalog(
    service_url: str,
    region: Region,
    start: pd.Timestamp | str,
    end: pd.Timestamp | str,
    min_magnitude: float,
    cache_folder: str | Path,
) -> Catalog:
    """Fetch a catalogue from an FDSN event service, year by year.

    What is too large for the service is split, in time and then in space; each event comes once.
    Failures of the service or the line are tried again with growing pauses. Answers are kept in
    `cache_folder`, so that a fetch that broke off goes on where it stopped; what ends within the
    last 30 days is always asked anew, because it may still change.

    Parameters
    ----------
    service_url
        Base address of the service, or a name that ObsPy knows, such as USGS.
    region
        As `Region.contains` has it.
    start, end
        Period, both included; an `end` in the future counts as now.
    min_magnitude
        Least magnitude, of the type that the service prefers for each event.
    cache_folder
        Where answers are kept.

    Returns
    -------
    Catalog
        Its end is `end`, not the last event. Events without place, time or magnitude, and
        blasts and the like, are left out and counted in its source.

    Raises
    ------
    InputError
        The period is empty or the address impossible.
    ServiceError
        The service refuses, or fails again and again.
    CatalogError
        There is no such event.
    """
    now = pd.Timestamp.now("UTC")
    first, last = as_utc(start), min(as_utc(end), now)
    if first >= last:
        raise InputError(f"expected a period that starts before it ends, got {first} to {last}.")
    service = _Service(service_url)
    whole = _Query(region, first, last, min_magnitude)
    parts = []
    for query in track(whole.years(), f"fetching from {service_url}"):
        parts.append(_fetched(service, query, Path(cache_folder), now))
    table, note = only_earthquakes(_once(parts))
    usable = table[list(NEEDED)].notna().all(axis=1)
    table = table[usable]
    if table.empty:
        raise CatalogError(
            f"{service_url} has no event of M {min_magnitude:g} or more in the region from "
            f"{first} to {last}. Lower the magnitude, or widen the region or period."
        )
    source = f"{service_url}, fetched {now:%Y-%m-%d}, {whole}{note}"
    if not usable.all():
        source += f"; without {(~usable).sum()} events that lack place, time or magnitude"
    catalog = Catalog.from_table(table, source)
    known = catalog.table
    asked = region.contains(known["longitude"], known["latitude"])
    asked &= (known["time"].between(first, last) & (known["magnitude"] >= min_magnitude)).to_numpy()
    known = known[asked].reset_index(drop=True)
    return replace(catalog, table=known, start=first, end=last).nonempty()


@dataclass(frozen=True)
class _Query:
    region: Region
    start: pd.Timestamp
    end: pd.Timestamp
    min_magnitude: float

    def __str__(self) -> str:
        box = self.region
        return (
            f"W {box.west:g} S {box.south:g} E {box.east:g} N {box.north:g}, "
            f"{self.start.isoformat()} to {self.end.isoformat()}, M >= {self.min_magnitude:g}"
        )

    def years(self) -> "list[_Query]":
        """Cut at each New Year, so that a later fetch of more years finds the same parts."""
        edges = [self.start]
        for year in range(self.start.year + 1, self.end.year + 1):
            edges.append(as_utc(f"{year}-01-01"))
        edges = [*[edge for edge in edges if edge < self.end], self.end]
        return [replace(self, start=begin, end=stop) for begin, stop in pairwise(edges)]

    def halves(self) -> "tuple[_Query, _Query]":
        """Cut in time or, where that is short already, across the longer side of the region."""
        length, box = self.end - self.start, self.region
        if length > SHORTEST:
            middle = self.start + length / 2
            return replace(self, end=middle), replace(self, start=middle)
        width, height = box.east - box.west, box.north - box.south
        if max(width, height) < NARROWEST:
            raise ServiceError(
                f"the service calls even the smallest query too large ({self}). Raise the least "
                "magnitude, or ask those who run the service."
            )
        if width >= height:
            x = (box.west + box.east) / 2
            boxes = replace(box, east=x), replace(box, west=x)
        else:
            y = (box.south + box.north) / 2
            boxes = replace(box, north=y), replace(box, south=y)
        return replace(self, region=boxes[0]), replace(self, region=boxes[1])


def _fetched(service: "_Service", query: _Query, folder: Path, now: pd.Timestamp) -> pd.DataFrame:
    """Give the events of a query: from the cache, or from the service in one piece or several."""
    name = hashlib.sha256(f"{service.url}\n{query!r}".encode()).hexdigest()[:24]
    path = folder / f"{query.start:%Y%m%d}-{name}.csv"
    kept = _kept(path)
    if kept is not None:
        return kept
    try:
        table = service.answer(query)
    except _TooLargeError:
        table = _once([_fetched(service, half, folder, now) for half in query.halves()])
    if query.end + SETTLED <= now:
        with written_file(path) as temporary:
            table.to_csv(temporary, index=False)
    return table


def _kept(path: Path) -> pd.DataFrame | None:
    """Read an answer from the cache; None where it is absent or damaged."""
    try:
        table = pd.read_csv(path, dtype={"event_id": str, "magnitude_type": str})
    except (FileNotFoundError, ValueError):
        return None
    return table if {*NEEDED, "event_id"} <= set(table.columns) else None


def _once(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Join parts; an event on the edge of two stands in both and is kept once."""
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True).drop_duplicates("event_id", ignore_index=True)


class _Service:
    """One event service, asked with patience; it is not contacted before the first question."""

    def __init__(self, url: str) -> None:
        self.url = url

    def answer(self, query: _Query) -> pd.DataFrame:
        """Give the events of a query, as `graben.quakes.formats.event_table` does."""
        from obspy.clients.fdsn import header

        refusals = (
            header.FDSNBadRequestException,
            header.FDSNUnauthorizedException,
            header.FDSNForbiddenException,
            header.FDSNNotImplementedException,
            header.FDSNRedirectException,
        )
        failure: Exception | None = None
        for wait in (0.0, *WAITS):
            sleep(wait)
            try:
                return self._ask(query)
            except header.FDSNNoDataException:
                return event_table([])
            except header.FDSNRequestTooLargeException as error:
                raise _TooLargeError from error
            except refusals as error:
                if "exceeds search limit" in str(error):  # how the USGS says 413
                    raise _TooLargeError from error
                raise ServiceError(
                    f"{self.url} refuses the query ({query}): {error} Check the address, and "
                    "whether the service covers what you ask for."
                ) from error
            except (header.FDSNException, *_CUT_OFF) as error:
                failure = error
        raise ServiceError(
            f"{self.url} failed {len(WAITS) + 1} times, at last with: {failure}. Check the address "
            "and your connection, and run the same command later: it goes on where it stopped."
        ) from failure

    def _ask(self, query: _Query) -> pd.DataFrame:
        from obspy import UTCDateTime

        content = io.BytesIO()
        self._client.get_events(
            starttime=UTCDateTime(query.start.isoformat()),
            endtime=UTCDateTime(query.end.isoformat()),
            minlongitude=query.region.west,
            minlatitude=query.region.south,
            maxlongitude=query.region.east,
            maxlatitude=query.region.north,
            minmagnitude=query.min_magnitude,
            filename=content,
        )
        return read_quakeml(content.getvalue(), self.url)

    @cached_property
    def _client(self) -> Any:
        from obspy.clients.fdsn import Client

        try:
            return Client(self.url, service_mappings={"dataselect": None, "station": None})
        except ValueError as error:
            raise InputError(
                f"expected the address of an FDSN service, got {self.url!r} ({error}). Give one "
                "such as https://service.example.org, without /fdsnws."
            ) from error
