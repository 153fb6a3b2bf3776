"""`graben quakes test` through the real command line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from graben.quakes.catalog import Catalog
from graben.quakes.export import write_csep, write_netcdf
from graben.quakes.formats import write_catalog
from graben.quakes.testing.catalog_forecast import ReadCatalogs, write_catalog_forecast

START, END = pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2020-01-31", tz="UTC")
WINDOW = ("--start", "2020-01-01", "--end", "2020-01-31")


def forecast(rates, south=35.0):
    dims = ("issue_time", "horizon", "magnitude", "latitude", "longitude")
    values = rates[None, None, None]
    return xr.Dataset(
        {
            "expected_count": (dims, values),
            **{
                name: (dims, np.full(values.shape, 0.1))
                for name in ("probability", "probability_low", "probability_high")
            },
        },
        {
            "issue_time": [np.datetime64("2020-01-01", "ns")],
            "horizon": [30],
            "magnitude": [5.0],
            "latitude": south + 0.25 * (np.arange(rates.shape[0]) + 0.5),
            "longitude": 25 + 0.25 * (np.arange(rates.shape[1]) + 0.5),
        },
        {
            "title": "made for a test",
            "model": "made",
            "radius_km": 100.0,
            "catalog_source": "made",
            "catalog_end": "2020-01-01T00:00:00Z",
            "training_end": "2010-01-01T00:00:00Z",
        },
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A forecast in three formats, a benchmark, and catalogues that do and do not reach."""
    folder = tmp_path_factory.mktemp("forecasts")
    random = np.random.default_rng(1)
    rates = random.lognormal(0, 1.5, (12, 10))
    rates *= 25 / rates.sum()
    write_netcdf(forecast(rates), folder / "forecast.nc")
    write_csep(forecast(rates), folder / "forecast.dat")
    write_csep(forecast(np.full((12, 10), rates.mean())), folder / "flat.dat")
    write_csep(forecast(rates, south=36.0), folder / "elsewhere.dat")
    number = 25
    cell = random.choice(120, number, p=rates.ravel() / rates.sum())
    table = pd.DataFrame(
        {
            "time": START + (END - START) * np.linspace(0.01, 1, number),
            "longitude": 25.1 + 0.25 * (cell % 10),
            "latitude": 35.1 + 0.25 * (cell // 10),
            "magnitude": 5 + random.exponential(0.4, number).round(2),
            "depth": 10.0,
        }
    )
    early = table.assign(time=table["time"] - pd.Timedelta(days=40))
    late = early.assign(time=early["time"] + pd.Timedelta(days=400))
    for name, rows in (("seen", table), ("stale", early), ("silent", pd.concat([early, late]))):
        write_catalog(Catalog.from_table(rows, name), folder / f"{name}.csv")
    numbers = random.poisson(rates.sum(), 60)
    cell = random.choice(120, numbers.sum(), p=rates.ravel() / rates.sum())
    simulated = ReadCatalogs(
        np.repeat(np.arange(60), numbers), random.random(cell.size) * 30, 25.1 + 0.25 * (cell % 10),
        35.1 + 0.25 * (cell // 10), 5 + random.exponential(0.4, cell.size), 60,
    )  # fmt: skip
    write_catalog_forecast([simulated], START, folder / "etas_2020-01-01T00-00-00-000000.csv")
    return folder


def test_all_tests_run_and_the_page_opens(files, tmp_path, graben, check_page):
    out = tmp_path / "tests"
    done = graben(
        "quakes", "test", files / "forecast.nc", "--catalog", files / "seen.csv",
        "--benchmark", files / "flat.dat", "--out", out, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = done.json()
    assert [one["test"] for one in found["consistency"]] == ["N", "M", "S", "CL", "L"]
    assert {one["engine"] for one in found["consistency"]} == {"pyCSEP 0.8.0"}
    assert found["observed"] == 25
    assert found["consistency"][2]["passed"] is True
    assert found["consistency"][1]["note"] == "a single bin of magnitude"
    assert [one["test"] for one in found["comparison"]] == ["T", "W"]
    assert found["comparison"][0]["gain"] > 0
    assert found["alarms"]["molchan"]["skill"] > 0.5
    assert json.loads((out / "report.json").read_text()) == found
    names = {path.name for path in out.iterdir()}
    assert {"report.html", "consistency.png", "molchan.png", "roc.png"} <= names
    check_page(out / "report.html")


def test_the_grid_says_the_same_as_the_netcdf(files, graben):
    catalog = ("--catalog", files / "seen.csv", "--json")
    ours = graben("quakes", "test", files / "forecast.nc", *catalog).json()
    theirs = graben("quakes", "test", files / "forecast.dat", *WINDOW, *catalog).json()
    for one, other in zip(ours["consistency"], theirs["consistency"], strict=True):
        assert one["at_most"] == pytest.approx(other["at_most"], abs=1e-6)


def test_simulated_catalogues_are_tested(files, graben):
    done = graben(
        "quakes", "test", files / "etas_2020-01-01T00-00-00-000000.csv", "--end", "2020-01-31",
        "--region", 25, 35, 27.5, 38, "--min-magnitude", 5, "--catalog", files / "seen.csv",
        "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = done.json()
    assert found["start"].startswith("2020-01-01T00:00")
    assert found["simulated_catalogs"] == 60
    assert {one["test"]: one["passed"] for one in found["consistency"]} == dict.fromkeys(
        ("N", "M", "S", "PL"), True
    )


def test_silence_leaves_only_the_number(files, tmp_path, graben):
    arguments = ("quakes", "test", files / "forecast.nc", "--catalog", files / "silent.csv")
    found = graben(*arguments, "--benchmark", files / "flat.dat", "--json").json()
    assert found["observed"] == 0
    assert [one["passed"] for one in found["consistency"]] == [
        None if i else False for i in range(5)
    ]
    assert [one["better"] for one in found["comparison"]] == [None, None]
    shown = graben(*arguments, "--out", tmp_path / "silent")
    assert "not defined" in shown.out
    assert "not defined" in (tmp_path / "silent" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("forecast.nc", "--catalog", "stale.csv"), "Give a newer catalogue"),
        (("forecast.nc", "--catalog", "seen.csv", "--benchmark", "elsewhere.dat"), "same cells"),
        (("forecast.nc", "--catalog", "seen.csv", "--benchmark", "seen.csv"), "does not say"),
        (("forecast.dat", "--catalog", "seen.csv"), "--start and --end"),
        (("forecast.dat", "--start", "2020-01-31", "--end", "2020-01-01"), "ends after its start"),
        (("forecast.dat", "--start", "soon", "--end", "2020-01-01"), "expected a date"),
        (("seen.csv", "--catalog", "seen.csv"), "--region and --min-magnitude"),
        (("seen.csv", "--region", "25", "35", "27", "38", "--min-magnitude", "5", *WINDOW),
         "no catalogue forecast"),
        (("absent.nc",), "there is no file"),
        (("forecast.tif",), ".nc, .dat or .csv"),
        (("etas_2020-01-01T00-00-00-000000.csv", "--end", "2020-01-31", "--region", "25", "35",
          "27", "38", "--min-magnitude", "5", "--benchmark", "flat.dat"), "two gridded forecasts"),
    ],
)  # fmt: skip
def test_bad_input_ends_with_2_and_a_remedy(arguments, words, files, graben, monkeypatch):
    monkeypatch.chdir(files)
    done = graben("quakes", "test", *arguments)
    assert done.code == 2
    assert words in done.err
    assert done.out == ""


def test_a_folder_with_other_things_is_refused_before_the_work(files, graben):
    done = graben("quakes", "test", files / "forecast.nc", "--out", files)
    assert done.code == 2
    assert "did not make" in done.err
    assert Path(files / "seen.csv").exists()
