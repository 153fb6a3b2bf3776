"""The main job through the real command line, on the data and the model that ship."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from graben.quakes.export import read_forecast

SHIPPED = Path(str(files("graben") / "data" / "models" / "grid-cnn-30d-m5.0"))
GRID = ("--model", "grid-cnn")
SENTENCE = (
    "P(at least one M >= 5.0 with epicentre within 100 km of x in the 30 days after the issue time)"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("forecast") / "anatolia"
    began = time.monotonic()
    done = run("quakes", "forecast", *GRID, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout), time.monotonic() - began


def run(*arguments, **options):
    command = [sys.executable, "-c", "from graben.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


def test_without_a_region_the_forecast_is_for_anatolia_at_the_last_event(folder):
    out, summary, _ = folder
    assert summary["quantity"] == SENTENCE
    assert summary["region"] == [25, 35, 45, 43]
    assert summary["issue_time"].startswith("2025-11-09T22:13")
    assert not summary["hindsight"]
    names = {path.name for path in out.iterdir()}
    assert {"forecast.nc", "forecast.tif", "forecast.dat", "report.html", "report.json"} <= names
    assert json.loads((out / "report.json").read_text())["quantity"] == SENTENCE


def test_the_forecast_file_holds_probabilities_within_their_intervals(folder):
    forecast = read_forecast(folder[0] / "forecast.nc")
    assert forecast.sizes["latitude"] == 32
    assert forecast.sizes["longitude"] == 80
    p, low, high = (
        forecast[name].to_numpy() for name in ("probability", "probability_low", "probability_high")
    )
    assert np.all((p > 0) & (p < 1) & (low <= p) & (p <= high) & (high > low))


def test_expected_events_agree_between_the_files_and_the_report(folder):
    out, summary, _ = folder
    forecast = read_forecast(out / "forecast.nc")
    total = float(forecast["expected_count"].sum())
    assert total == pytest.approx(summary["expected_events_in_region"], rel=1e-5)
    csep = np.loadtxt(out / "forecast.dat")
    assert csep[:, 8].sum() == pytest.approx(total, rel=1e-5)


def test_the_report_opens_offline_without_a_fault(folder, check_page):
    check_page(folder[0] / "report.html")
    text = (folder[0] / "report.html").read_text()
    assert "This is a probability map, not a prediction" in text
    assert "2023-02-06" in text
    assert "M &gt;= 5.0" in text


def test_the_evidence_names_every_score_with_interval_and_baseline(folder):
    evidence = folder[1]["evidence"]
    for region in ("tile", "anatolia"):
        for model in ("stationary", "omori", "grid-cnn"):
            gain = evidence["rates"][region][model]["information_gain_nats_per_event"]
            assert gain["low"] <= gain["value"] <= gain["high"]
            assert gain["baseline_model"] != model
            auc = evidence["points"][region][model]["auc"]
            assert {"value", "low", "high", "baseline"} <= set(auc)
    samples = evidence["samples"]["scores"]
    for name in ("light-cnn", "survey-cnn", "survey-cnn (classic)", "survey-rnn", "omori"):
        assert {"value", "low", "high"} <= set(samples[name]["share_of_omori_gain"])


def test_the_same_forecast_twice_is_the_same_to_the_bit(folder, tmp_path):
    done = run("quakes", "forecast", *GRID, "--out", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    first = read_forecast(folder[0] / "forecast.nc")
    second = read_forecast(tmp_path / "again" / "forecast.nc")
    assert np.array_equal(first["probability"], second["probability"])


def test_events_after_the_issue_time_change_no_bit_of_the_forecast(tmp_path, graben):
    from graben.quakes.catalog import embedded_catalog
    from graben.quakes.formats import write_catalog

    moment = "2023-02-01"
    past = embedded_catalog().until(moment)
    write_catalog(past, tmp_path / "past.csv")
    region = ["--region", 34, 36, 40, 40]
    cut = graben(
        "quakes", "forecast", tmp_path / "past.csv", *GRID, *region, "--out", tmp_path / "a"
    )
    whole = graben(
        "quakes", "forecast", *GRID, *region, "--issue-time", moment, "--out", tmp_path / "b"
    )
    assert cut.code == whole.code == 0
    ours, theirs = (read_forecast(tmp_path / name / "forecast.nc") for name in "ab")
    assert np.array_equal(ours["probability"], theirs["probability"])
    assert np.array_equal(ours["expected_count"], theirs["expected_count"])


def test_at_agrees_with_the_map_and_tells_the_history(folder, graben):
    forecast = read_forecast(folder[0] / "forecast.nc").isel(issue_time=0, horizon=0, magnitude=0)
    one = forecast.sel(longitude=29.125, latitude=40.875)
    told = graben("quakes", "at", 29.125, 40.875, "--json").json()
    place = told["places"][0]
    assert place["probability"] == pytest.approx(float(one["probability"]), rel=1e-4)
    assert place["history"]["median"] < place["history"]["highest"]
    assert place["largest"][0]["magnitude"] >= 7.0  # 1999 M7.6 Izmit lies within 100 km
    assert told["quantity"] == SENTENCE


def test_at_reads_places_from_a_file(tmp_path, graben):
    places = tmp_path / "places.csv"
    places.write_text("name,longitude,latitude\nIstanbul,29.0,41.0\nVan,43.4,38.5\n")
    told = graben("quakes", "at", places, "--json").json()
    assert [row["name"] for row in told["places"]] == ["Istanbul", "Van"]
    assert "Istanbul" in graben("quakes", "at", places).out


def test_models_lists_all_with_cost_and_skill(graben):
    rows = {row["model"]: row for row in graben("models", "--json").json()["models"]}
    assert rows["survey-cnn"]["training_seconds"] > 0
    assert rows["omori"]["share_of_omori_gain"]["value"] == pytest.approx(1)
    assert rows["few-labels"]["fits"].startswith("landforms")
    assert {"grid-cnn", "few-labels", "unet"} <= set(graben("models").out.split())


def test_a_forecast_file_is_scored_against_what_came(tmp_path, graben):
    out = tmp_path / "before"
    made = graben("quakes", "forecast", *GRID, "--issue-time", "2023-02-01", "--out", out)
    assert made.code == 0
    found = graben("quakes", "evaluate", out / "forecast.nc", "--json").json()
    scores = found["file"]["forecast.nc"]["grid-cnn"]
    assert scores["events"]["value"] >= 20  # the sequence of 6 February 2023
    assert scores["chance_of_so_many"]["value"] < 0.01
    shown = graben("quakes", "evaluate", out / "forecast.nc")
    assert "chance_of_so_many" in shown.out


def test_hindsight_is_marked(tmp_path, graben):
    made = graben(
        "quakes", "forecast", *GRID, "--issue-time", "1999-08-01", "--out", tmp_path / "h"
    )
    assert made.code == 0
    assert "HINDSIGHT" in (tmp_path / "h" / "report.html").read_text()
    assert read_forecast(tmp_path / "h" / "forecast.nc").attrs["hindsight"] == "true"


def test_an_own_catalogue_with_omori_needs_no_terrain(tmp_path, graben):
    table = synthetic(np.random.default_rng(1))
    table.to_csv(tmp_path / "own.csv", index=False)
    made = graben(
        "quakes", "forecast", tmp_path / "own.csv", "--region", 170, -42, 176, -36,
        "--model", "omori", "--out", tmp_path / "nz",
    )  # fmt: skip
    assert made.code == 0, made.err
    forecast = read_forecast(tmp_path / "nz" / "forecast.nc")
    assert forecast.attrs["model"] == "omori"
    assert float(forecast["probability"].max()) > 2 * float(forecast["probability"].min())


def synthetic(rng, years=30, rate=60):
    count = years * rate
    centres = np.array([[172.0, -40.0], [174.5, -38.0]])
    place = centres[rng.integers(0, 2, count)] + rng.normal(0, 0.4, (count, 2))
    seconds = np.sort(rng.integers(0, years * 365 * 86400, count))
    return pd.DataFrame(
        {
            "time": pd.Timestamp("1990-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s"),
            "longitude": place[:, 0],
            "latitude": place[:, 1],
            "depth": 10.0,
            "magnitude": (4.5 + rng.exponential(0.43, count)).round(1),
        }
    )


BAD = {
    "across the date line": (["--region", 170, -45, -170, -35], "date line"),
    "after the end of the catalogue": (["--issue-time", "2031-01-01"], "ends"),
    "outside the elevation model": (["--region", 122, 24, 150, 46], "omori"),
    "an unknown model": (["--model", "crystal-ball"], "grid-cnn"),
    "an unknown horizon": (["--horizon", "soon"], "30d"),
    "a horizon without a model": (["--horizon", "7d"], "graben quakes train"),
    "a radius without calibration": (["--radius-km", "33"], "calibrated"),
    "a catalogue that is not there": (["nowhere.csv"], "nowhere.csv"),
    "a date that is none": (["--issue-time", "yesterday"], "yesterday"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_its_remedy(case, tmp_path, graben):
    arguments, remedy = BAD[case]
    done = graben("quakes", "forecast", *GRID, *arguments, "--out", tmp_path / "out")
    assert done.code == 2
    assert remedy in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()


def test_a_catalogue_below_the_source_magnitude_is_refused(tmp_path, graben):
    table = synthetic(np.random.default_rng(0)).assign(magnitude=3.1)
    table.to_csv(tmp_path / "small.csv", index=False)
    done = graben(
        "quakes", "forecast", tmp_path / "small.csv", "--model", "omori", "--out", tmp_path / "o"
    )
    assert done.code == 2
    assert "source magnitude" in done.err or "--source-magnitude" in done.err


def test_a_target_without_an_event_in_training_is_refused(tmp_path, graben):
    table = synthetic(np.random.default_rng(0))
    table["magnitude"] = table["magnitude"].clip(upper=5.5)
    table.to_csv(tmp_path / "own.csv", index=False)
    done = graben(
        "quakes", "train", tmp_path / "own.csv", "--region", 170, -42, 176, -36, "--model",
        "omori", "--min-magnitude", 7, "--out", tmp_path / "o",
    )  # fmt: skip
    assert done.code == 2
    assert "no event of M >= 7" in done.err


def dem(path, *, crs="EPSG:4326", void=False, west=24.0):
    x = np.arange(west, west + 8, 0.025) + 0.0125
    y = np.arange(41, 35, -0.025) - 0.0125
    heights = np.full((y.size, x.size), 500.0, np.float32)
    if void:
        heights[50:150, 50:150] = -9999
    raster = xr.DataArray(heights, coords={"y": y, "x": x}, dims=("y", "x"))
    raster = raster.rio.write_nodata(-9999)
    if crs:
        raster = raster.rio.write_crs(crs)
    raster.rio.to_raster(path)
    return path


@pytest.mark.parametrize(
    ("options", "remedy"),
    [({"crs": None}, "CRS"), ({"void": True}, "void"), ({"west": 60.0}, "cover")],
    ids=["no CRS", "voids", "elsewhere"],
)
def test_an_elevation_model_that_does_not_fit_is_refused(options, remedy, tmp_path, graben):
    import rioxarray  # noqa: F401 - registers the accessor

    path = dem(tmp_path / "dem.tif", **options)
    done = graben(
        "quakes",
        "forecast",
        *GRID,
        "--dem",
        path,
        "--region",
        26,
        37,
        30,
        39,
        "--out",
        tmp_path / "o",
    )
    assert done.code == 2
    assert remedy.lower() in done.err.lower()


def test_a_folder_with_other_files_is_left_alone(tmp_path, graben):
    (tmp_path / "thesis.txt").write_text("years of work")
    done = graben("quakes", "forecast", "--out", tmp_path)
    assert done.code == 2
    assert "did not make" in done.err
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path, graben):
    (tmp_path / "file").write_text("")
    done = graben("quakes", "forecast", "--out", tmp_path / "file" / "out")
    assert done.code == 2
    assert "output place" in done.err


def test_no_space_left_keeps_the_old_result(tmp_path):
    out = tmp_path / "out"
    region = ("--region", "26", "37", "30", "39")
    assert run("quakes", "forecast", *GRID, *region, "--out", out).returncode == 0
    before = (out / "report.json").read_bytes()

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = run("quakes", "forecast", *GRID, *region, "--out", out, preexec_fn=small_files)
    assert done.returncode == 1
    assert "unchanged" in done.stderr
    assert "Traceback" not in done.stderr
    assert (out / "report.json").read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_flipped_byte_in_a_model_is_noticed(tmp_path, graben):
    model = tmp_path / "model"
    shutil.copytree(SHIPPED, model)
    weights = bytearray((model / "weights.safetensors").read_bytes())
    weights[-7] ^= 1
    (model / "weights.safetensors").write_bytes(weights)
    done = graben("quakes", "forecast", "--model", model, "--out", tmp_path / "out")
    assert done.code == 2
    assert "damaged" in done.err


def test_ctrl_c_in_training_leaves_nothing_half_written(tmp_path):
    command = [sys.executable, "-c", "from graben.cli import main; main()"]
    arguments = ["quakes", "train", "--out", str(tmp_path / "model")]
    process = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True)
    time.sleep(12)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
