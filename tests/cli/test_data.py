"""graben data, through the real command line. Fetching has its tests beside the fetching."""

import pytest

from graben.datasets import all_datasets


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("GRABEN_CACHE", str(tmp_path))


def test_list_names_each_with_size_period_licence(graben):
    run = graben("data", "list")
    assert (run.code, run.err) == (0, "")
    for dataset in all_datasets():
        state = "ships" if dataset.ships else "to fetch"
        assert any(
            line.split()[0] == dataset.name and state in line and "MB" in line
            for line in run.out.splitlines()
        )
        assert dataset.licence in run.out
    assert "1973-01-01 to 2025-11-09" in run.out


def test_list_as_json(graben):
    listed = graben("data", "list", "--json").json()
    assert [entry["name"] for entry in listed] == [dataset.name for dataset in all_datasets()]
    assert {entry["state"] for entry in listed} == {"ships", "to fetch"}


def test_show_tells_origin_licence_hash_counts_and_traps(graben):
    run = graben("data", "show", "globe-anatolia")
    assert run.code == 0
    for said in (
        "NOAA GLOBE",
        "no copyright",
        "sha256",
        "4,147,200 cells",
        "Dead Sea",
        "120 cells",
    ):
        assert said in run.out
    assert "CC-BY-SA 4.0" in graben("data", "show", "gem-faults").out


def test_show_as_json(graben):
    shown = graben("data", "show", "usgs-tile-m4", "--json").json()
    assert shown["counts"] == {"events": 62826}
    assert shown["region"] == [-5, -5, 95, 55]
    assert len(shown["traps"]) >= 4


@pytest.mark.parametrize("command", ["show", "fetch"])
def test_an_unknown_name_is_bad_usage(graben, command):
    run = graben("data", command, "etopo")
    assert (run.code, run.out) == (2, "")
    assert "no data set 'etopo'" in run.err
    assert "graben data list" in run.err


def test_what_ships_needs_no_fetching(graben):
    run = graben("data", "fetch", "globe-tile")
    assert run.code == 2
    assert "nothing to fetch" in run.err
