"""Against a small server on loopback that speaks the FDSN event protocol and fails on demand."""

import socket
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest

from graben.errors import CatalogError, InputError, ServiceError
from graben.quakes import fdsn
from graben.quakes.fdsn import fetch_catalog
from graben.quakes.formats import read_catalog
from graben.quakes.region import Region

BOX = Region(20, 30, 45, 45)
PARAMETERS = ["starttime", "endtime", "format", "limit", "orderby"] + [
    bound + name
    for name in ("latitude", "longitude", "magnitude", "depth")
    for bound in ("min", "max")
]
WADL = (
    '<?xml version="1.0"?><application xmlns="http://wadl.dev.java.net/2009/02" '
    'xmlns:xs="http://www.w3.org/2001/XMLSchema"><resources base="http://127.0.0.1/fdsnws/'
    'event/1/"><resource path="query"><method id="query" name="GET"><request>'
    + "".join(f'<param name="{name}" style="query" type="xs:string"/>' for name in PARAMETERS)
    + "</request></method></resource></resources></application>"
)
EVENT = (
    '<event publicID="quakeml:local/{event_id}">{kind}<preferredOriginID>quakeml:local/o{event_id}'
    '</preferredOriginID><origin publicID="quakeml:local/o{event_id}"><time><value>{time}</value>'
    "</time><longitude><value>{longitude!r}</value></longitude><latitude><value>{latitude!r}"
    "</value></latitude><depth><value>{metres!r}</value></depth></origin>"
    "{size}</event>"
)
MAGNITUDE = (
    '<magnitude publicID="quakeml:local/m{event_id}"><mag><value>{magnitude!r}</value></mag>'
    "<type>mb</type></magnitude>"
)


@dataclass
class Service:
    """What the server holds, how it misbehaves, and what it was asked."""

    events: pd.DataFrame
    url: str = ""
    limit: int = 20000
    faults: deque[int | str] = field(default_factory=deque)
    always: int | str | None = None
    too_large: tuple[int, str] = (413, "too much data")
    asked: list[dict[str, str]] = field(default_factory=list)
    wadl_faults: int = 0

    def select(self, query: dict[str, str]) -> pd.DataFrame:
        """Both ends of each range belong to the answer, as the protocol has it."""
        table = self.events
        return table[
            (table["time"] >= pd.Timestamp(query["starttime"], tz="UTC"))
            & (table["time"] <= pd.Timestamp(query["endtime"], tz="UTC"))
            & table["longitude"].between(float(query["minlongitude"]), float(query["maxlongitude"]))
            & table["latitude"].between(float(query["minlatitude"]), float(query["maxlatitude"]))
            & ~(table["magnitude"] < float(query["minmagnitude"]))
        ]


def quakeml(table: pd.DataFrame) -> bytes:
    rows = table.assign(
        time=table["time"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        metres=table["depth"] * 1000,
        kind=np.where(table["event_id"] == "blast", "<type>quarry blast</type>", ""),
    )
    body = "".join(
        EVENT.format(**row, size=MAGNITUDE.format(**row) if row["magnitude"] > 0 else "")
        for row in rows.to_dict("records")
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><q:quakeml '
        'xmlns="http://quakeml.org/xmlns/bed/1.2" xmlns:q="http://quakeml.org/xmlns/quakeml/1.2">'
        f'<eventParameters publicID="quakeml:local/c">{body}</eventParameters></q:quakeml>'
    ).encode()


def handler_of(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/fdsnws/event/1/application.wadl":
                service.wadl_faults -= 1
                self.reply(503 if service.wadl_faults >= 0 else 200, WADL.encode())
            elif parts.path == "/fdsnws/event/1/version":
                self.reply(200, b"1.2.0")
            elif parts.path == "/fdsnws/event/1/query":
                self.query({key: value[0] for key, value in parse_qs(parts.query).items()})
            else:
                self.reply(404, b"")

        def query(self, query: dict[str, str]) -> None:
            service.asked.append(query)
            fault = service.faults.popleft() if service.faults else service.always
            found = service.select(query)
            content = quakeml(found[: service.limit])
            if isinstance(fault, int):
                self.reply(fault, b"scripted")
            elif fault == "reset":
                self.close_connection = True
            elif fault == "cut":
                self.reply(200, content, sent=len(content) // 2)
            elif fault == "broken":
                self.reply(200, content[: len(content) // 2])
            elif fault == "page":
                self.reply(200, b"<html><body>down for repairs</body></html>")
            elif len(found) > service.limit:
                self.reply(service.too_large[0], service.too_large[1].encode())
            elif found.empty:
                self.reply(204, b"")
            else:
                self.reply(200, content)

        def reply(self, code: int, content: bytes, sent: int | None = None) -> None:
            self.send_response(code)
            if code != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:sent])
            self.close_connection = True

        def log_message(self, format: str, *values: object) -> None:
            """Stay silent."""

    return Handler


def some_events(seed: int = 0, count: int = 700) -> pd.DataFrame:
    """Five years of events; some exactly where years, halves and boxes meet."""
    random = np.random.default_rng(seed)
    first, last = pd.Timestamp("2001-01-01", tz="UTC"), pd.Timestamp("2006-01-01", tz="UTC")
    microseconds = random.integers(0, int((last - first).total_seconds() * 1e6), count)
    times = first + pd.to_timedelta(microseconds, unit="us")
    edges = [first + (last - first) * k / 64 for k in range(64)]
    edges += [pd.Timestamp(f"{year}-01-01", tz="UTC") for year in range(2001, 2006)]
    edges += [edges[-1] + pd.Timedelta(days=365) * k / 8 for k in range(8)]
    times = times[len(edges) :].append(pd.DatetimeIndex(edges).as_unit(times.unit).round("us"))
    return pd.DataFrame(
        {
            "time": times,
            "longitude": random.uniform(20, 45, count).round(4),
            "latitude": random.uniform(30, 45, count).round(4),
            "depth": random.uniform(0, 99, count).round(1),
            "magnitude": np.round(3.95 + random.exponential(0.4, count), 1),
            "event_id": [f"e{number}" for number in range(count)],
        }
    ).sample(frac=1, random_state=seed)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    service = Service(some_events())
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(service))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    yield service
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(fdsn, "sleep", taken.append)
    return taken


def fetch(service: Service, folder: Path, **changes: object):
    query = {"region": BOX, "start": "2001-01-01", "end": "2006-01-01", "min_magnitude": 4.0}
    return fetch_catalog(service.url, **{**query, "cache_folder": folder, **changes})


def assert_holds(catalog, events: pd.DataFrame) -> None:
    expected = events.sort_values(["time", "event_id"], kind="stable")
    found = catalog.table.sort_values(["time", "event_id"], kind="stable")
    assert found["event_id"].str.removeprefix("quakeml:local/").tolist() == list(
        expected["event_id"]
    )
    assert found["time"].tolist() == expected["time"].tolist()
    for name in ("longitude", "latitude", "magnitude"):
        np.testing.assert_array_equal(found[name], expected[name])
    np.testing.assert_allclose(found["depth"], expected["depth"], rtol=1e-12)


def test_every_event_comes_once_whatever_fails(service, pauses, tmp_path):
    service.limit = 45
    service.wadl_faults = 2
    faults = [500, "cut", 503, None, "reset", "broken", None, "page", 429, 502, None]
    service.faults = deque(faults * 3)
    catalog = fetch(service, tmp_path)
    assert_holds(catalog, service.events)
    assert (catalog.start.year, catalog.end) == (2001, pd.Timestamp("2006-01-01", tz="UTC"))
    assert not service.faults
    assert max(pauses) >= 4


def test_a_second_fetch_needs_no_service(service, pauses, tmp_path):
    service.limit = 90
    first = fetch(service, tmp_path)
    asked = len(service.asked)
    service.always = 500
    again = fetch(service, tmp_path)
    assert again.sha256() == first.sha256()
    assert len(service.asked) == asked
    part = fetch(service, tmp_path, start="2002-01-01", end="2004-01-01")
    assert len(part) == service.events["time"].between("2002", "2004-01-01T00:00:00Z").sum()
    assert len(service.asked) == asked


def test_what_broke_off_goes_on_where_it_stopped(service, pauses, tmp_path):
    service.limit = 90
    service.faults = deque([None] * 9)
    service.always = 503
    with pytest.raises(ServiceError, match=r"failed 6 times.*503|Service temporarily"):
        fetch(service, tmp_path)
    done = {str(query) for query in service.asked[:9] if len(service.select(query)) <= 90}
    service.always, service.asked[:] = None, []
    assert_holds(fetch(service, tmp_path), service.events)
    assert done
    assert not done & {str(query) for query in service.asked}


def test_the_open_end_is_asked_anew(service, pauses, tmp_path):
    """Yesterday's events may be revised tomorrow, though the period stays the same."""
    end = pd.Timestamp.now("UTC").floor("us") - pd.Timedelta(days=1)
    late = some_events(1, 100).assign(time=end - pd.to_timedelta(np.arange(100), unit="h"))
    late["event_id"] += "late"
    early, service.events = service.events, pd.concat([service.events, late[1:]])
    first = fetch(service, tmp_path, start="2005-01-01", end=end)
    service.asked.clear()
    service.events = pd.concat([early, late])
    second = fetch(service, tmp_path, start="2005-01-01", end=end)
    assert (len(second), second.end) == (len(first) + 1, end)
    assert len(service.asked) <= 2


def test_a_period_reaches_no_further_than_now(service, pauses, tmp_path):
    catalog = fetch(service, tmp_path, end="2200-01-01")
    assert abs(catalog.end - pd.Timestamp.now("UTC")) < pd.Timedelta(minutes=5)


def test_many_events_of_one_moment_are_split_in_space(service, pauses, tmp_path):
    service.events["time"] = pd.Timestamp("2003-03-03T03:03:03Z")
    service.limit = 50
    assert_holds(fetch(service, tmp_path, start="2003-03-03", end="2003-03-04"), service.events)
    assert len({query["minlatitude"] for query in service.asked}) > 1


@pytest.mark.parametrize("code", [413, 400])
def test_what_is_always_too_large_ends_with_a_remedy(service, pauses, tmp_path, code):
    service.too_large = (code, "2000 matching events exceeds search limit of 0.")
    service.limit = 0
    with pytest.raises(ServiceError, match="Raise the least magnitude"):
        fetch(service, tmp_path)
    assert not any(len(pd.read_csv(path)) for path in tmp_path.iterdir())


def test_a_refusal_is_not_tried_again(service, pauses, tmp_path):
    service.always = 400
    with pytest.raises(ServiceError, match=r"refuses the query.*(?s:.)*Check the address"):
        fetch(service, tmp_path)
    assert len(service.asked) == 1


def test_nothing_there_is_said(service, pauses, tmp_path):
    with pytest.raises(CatalogError, match="no event of M 9"):
        fetch(service, tmp_path, min_magnitude=9.0)
    with pytest.raises(InputError, match="starts before it ends"):
        fetch(service, tmp_path, start="2006-01-01", end="2001-01-01")


def test_blasts_and_events_without_magnitude_are_left_out_and_counted(service, pauses, tmp_path):
    bare = service.events["event_id"].isin(["e7", "e8"])
    service.events.loc[bare, "magnitude"] = np.nan
    blast = service.events["event_id"] == "e9"
    service.events.loc[blast, "event_id"] = "blast"
    catalog = fetch(service, tmp_path)
    assert_holds(catalog, service.events[~bare & ~blast])
    assert "without 2 events that lack" in catalog.source
    assert "without 1 events that are no earthquakes" in catalog.source


def test_no_service_at_all_ends_with_a_remedy(pauses, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = Service(some_events(), url=f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(ServiceError, match="run the same command later"):
        fetch(nobody, tmp_path)
    assert sum(pauses) == sum(fdsn.WAITS)
    with pytest.raises(InputError, match="address of an FDSN service"):
        fetch(Service(some_events(), url="not an address"), tmp_path)


def test_a_damaged_cache_is_fetched_again(service, pauses, tmp_path):
    first = fetch(service, tmp_path)
    for path in list(tmp_path.iterdir())[:3]:
        path.write_text("")
    assert fetch(service, tmp_path).sha256() == first.sha256()


def test_the_command_writes_a_catalogue_that_check_reads(
    service, pauses, tmp_path, graben, monkeypatch
):
    monkeypatch.setenv("GRABEN_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "events.csv"
    query = ["--region", 20, 30, 45, 45, "--start", "2001-01-01", "--end", "2006-01-01"]
    command = ["quakes", "fetch", "--service", service.url, *query, "--min-magnitude", 4.5]
    run = graben(*command, "--out", out)
    assert (run.code, run.out) == (0, "")
    large = service.events[service.events["magnitude"] >= 4.5]
    assert_holds(read_catalog(out), large)
    report = graben("quakes", "check", out, "--json").json()
    assert report["events"] == len(large)
    assert report["end"].startswith("2006-01-01")
    service.always = 400
    run = graben(*command[:-1], 4.6, "--out", tmp_path / "none.csv")
    assert run.code == 1
    assert "refuses" in run.err
    assert not (tmp_path / "none.csv").exists()
