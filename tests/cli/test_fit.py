"""`graben quakes fit` and `graben quakes adapt`, through the real command line."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from graben.quakes.models.point_process_folder import load_process

BOX = ("--region", "10", "40", "12", "42")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 events in twenty years, half of them close after another."""
    rng = np.random.default_rng(4)
    count = 1500
    day = rng.uniform(0, 7300, count)
    place = rng.uniform((10.2, 40.2), (11.8, 41.8), (count, 2))
    day[1::2] = day[::2] + 0.05 / (1 - rng.random(count // 2))
    place[1::2] = place[::2] + rng.normal(0, 0.02, (count // 2, 2))
    time = pd.Timestamp("2000-01-01", tz="UTC") + pd.to_timedelta(day, unit="D")
    magnitude = np.round(2.96 + rng.exponential(0.43, count), 1)
    table = pd.DataFrame({"time": time, "magnitude": magnitude})
    table["longitude"], table["latitude"] = place.T
    path = tmp_path_factory.mktemp("catalog") / "own.csv"
    table.sort_values("time").to_csv(path, index=False)
    return path


def test_fit_writes_a_folder_that_says_what_it_is(
    graben: Callable[..., Any], catalog: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    run = graben(
        "quakes", "fit", str(catalog), "--model", "etas", *BOX, "--out", str(out), "--json"
    )
    assert run.code == 0
    assert "estimated" in run.err
    found = run.json()
    assert 3.0 <= found["completeness_magnitude"] <= 3.3
    assert found["metrics"]["gain_over_poisson"]["value"] > 0.5
    fitted = load_process(out)
    assert fitted.process.name == "etas"
    assert fitted.training_end == found["windows"]["test_start"]
    assert "gain_over_poisson" in (out / "CARD.md").read_text()


def test_fit_prints_a_table(graben: Callable[..., Any], catalog: Path, tmp_path: Path) -> None:
    run = graben(
        "quakes", "fit", str(catalog), "--model", "poisson", *BOX, "--mc", "3", "--out",
        str(tmp_path / "model"),
    )  # fmt: skip
    assert run.code == 0
    assert "as given" in run.err
    assert "gain over etas" in run.out


def test_adapt_says_what_it_chose_and_why(
    graben: Callable[..., Any], catalog: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    run = graben(
        "quakes", "adapt", str(catalog), "--model", "japan", *BOX, "--mc", "3", "--out", str(out),
        "--json",
    )  # fmt: skip
    assert run.code == 0
    found = run.json()
    assert found["choice"] in run.err
    assert found["reason"] in " ".join(run.err.split())
    assert set(found["validation"]) == {"zero-shot", "adapted", "local etas"}
    stored = json.loads((out / "model.json").read_text())["description"]
    assert stored["adaptation"]["choice"] == found["choice"]
    assert stored["completeness_magnitude"] == 3.0
    assert load_process(out).process.name in ("hybrid-etas", "etas")


def test_adapt_with_little_data_keeps_the_pretrained_one(
    graben: Callable[..., Any], catalog: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few.csv"
    pd.read_csv(catalog).iloc[::20].to_csv(few, index=False)
    run = graben(
        "quakes", "adapt", str(few), "--model", "anatolia", *BOX, "--mc", "3", "--out",
        str(tmp_path / "model"),
    )  # fmt: skip
    assert run.code == 0
    assert "too little data" in " ".join(run.err.split())
    assert "nan" not in run.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("fit", "--model", "oracle"), "there is no point process"),
        (("fit", "--polygon", "area.csv", *BOX), "Leave one out"),
        (("fit", "--polygon", "area.csv"), "there is no file"),
        (("fit", "--mc", "9"), "expected events"),
        (("adapt", "--model", "atlantis"), "anatolia, california, japan"),
    ],
)
def test_bad_input_is_refused_and_nothing_written(
    graben: Callable[..., Any],
    catalog: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    told: str,
) -> None:
    command, *options = arguments
    out = tmp_path / "model"
    run = graben("quakes", command, str(catalog), *options, "--out", str(out))
    assert run.code != 0
    assert told in " ".join(run.err.split())
    assert not out.exists()


def test_a_fit_that_fails_leaves_the_old_folder_whole(
    graben: Callable[..., Any], catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "model"
    options = ("quakes", "fit", str(catalog), "--model", "poisson", *BOX, "--mc", "3")
    assert graben(*options, "--out", str(out)).code == 0
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    assert graben(*options, "--mc", "6.8", "--out", str(out)).code != 0
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("longitude", np.linspace(-179, 179, 1500), "at most 180 degrees wide"),
        ("time", "2000-01-01T00:00:00Z", "expected events at different times"),
    ],
)
def test_a_catalogue_around_the_globe_or_of_one_moment_is_refused(
    graben: Callable[..., Any],
    catalog: Path,
    tmp_path: Path,
    column: str,
    values: Any,
    told: str,
) -> None:
    odd = tmp_path / "odd.csv"
    pd.read_csv(catalog).assign(**{column: values}).to_csv(odd, index=False)
    run = graben("quakes", "fit", str(odd), "--mc", "3", "--out", str(tmp_path / "model"))
    assert run.code == 2
    assert told in " ".join(run.err.split())


def test_a_disk_without_room_for_a_new_folder_is_told(
    graben: Callable[..., Any], catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.mkdtemp", full)
    out = tmp_path / "model"
    run = graben(
        "quakes", "fit", str(catalog), "--model", "poisson", *BOX, "--mc", "3", "--out", str(out)
    )
    assert run.code == 1
    assert "No space left on device" in " ".join(run.err.split())
    assert "free some space" in " ".join(run.err.split())
