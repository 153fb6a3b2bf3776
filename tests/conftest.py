"""What every test may ask for."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from graben.cli import main

STRICT = os.environ.get("GRABEN_STRICT") == "1"


def skip_or_fail(reason: str) -> None:
    """Skip a test whose evidence is missing; in strict mode that is a failure."""
    if STRICT:
        pytest.fail(f"strict mode: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def missing_evidence() -> Callable[[str], None]:
    """Call it with the reason where a browser, an oracle or data is absent."""
    return skip_or_fail


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of reference data: GRABEN_REFERENCE_DATA, by default ../shared/data."""
    default = Path(__file__).parents[1] / ".." / "shared" / "data"
    folder = Path(os.environ.get("GRABEN_REFERENCE_DATA", default)).resolve()
    if not (folder / "SOURCES.md").exists():
        skip_or_fail(f"no reference data in {folder}; set GRABEN_REFERENCE_DATA")
    return folder


@pytest.fixture
def two_workers() -> Iterator[Any]:
    """The client of a dask cluster of two processes."""
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@dataclass(frozen=True)
class Run:
    """What one run of the command line left."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def graben(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Run]:
    """Run the real command line in this process: graben("quakes", "check", FILE) -> Run."""

    def run(*arguments: object) -> Run:
        monkeypatch.setattr(sys, "argv", ["graben", *map(str, arguments)])
        monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        printed = capsys.readouterr()
        return Run(code, printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def page_faults() -> Callable[[Path], list[str]]:
    """Open a page in Chromium, wide and narrow, light and dark; give what is wrong with it."""
    program = shutil.which("chromium")
    if program is None:
        skip_or_fail("no chromium in the path")
    script = (Path(__file__).parent / "page_faults.js").read_text()

    def faults(path: Path) -> list[str]:
        address = path.resolve().as_uri()
        found: list[str] = []
        with sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path=program, args=["--no-sandbox", "--disable-gpu"]
            )
            for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (360, "dark")):
                page = browser.new_page(
                    viewport={"width": width, "height": 800}, color_scheme=scheme
                )
                page.on("console", lambda said: found.append(f"console: {said.text}"))
                page.on("pageerror", lambda error: found.append(f"script error: {error}"))
                page.on("request", lambda asked: found.append(f"request: {asked.url}"))
                page.goto(address)
                found.extend(page.evaluate(script))
                page.close()
            browser.close()
        return [
            one for one in found if not one.startswith((f"request: {address}", "request: data:"))
        ]

    return faults


@pytest.fixture
def check_page(page_faults: Callable[[Path], list[str]]) -> Callable[[Path], None]:
    """Assert that a page is whole, offline, fit for a phone and for a screen reader."""

    def check(path: Path) -> None:
        assert page_faults(path) == []

    return check
