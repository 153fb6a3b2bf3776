"""Forecasts from point processes through the real command line, and which model is chosen."""

import json

import numpy as np
import pytest

from graben.errors import ModelError
from graben.quakes import default_model
from graben.quakes.catalog import embedded_catalog
from graben.quakes.export import read_forecast
from graben.quakes.models.point_process_folder import save_process
from graben.quakes.models.poisson import HomogeneousPoisson
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region
from graben.quakes.scene import ANATOLIA
from graben.quakes.testing.catalog_forecast import read_catalog_forecast

ISSUED = "2023-02-08"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, request):
    if "anatolia" not in default_model.shipped_processes():
        request.getfixturevalue("missing_evidence")("no point process ships for Anatolia")
    return tmp_path_factory.mktemp("continued") / "anatolia"


def test_a_point_process_that_ships_forecasts_and_tells_what_it_simulated(
    folder, graben, check_page
):
    done = graben(
        "quakes", "forecast", "--model", "anatolia", "--region", 34, 36, 40, 40,
        "--issue-time", ISSUED, "--horizon", "10d", "--out", folder, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    told = done.json()
    low, high = told["continuation"]["interval_90_in_region"]
    assert low <= told["continuation"]["expected_in_region"] <= high
    parts = told["continuation"]["expected_above_completeness"]
    # two days after the two shocks of M 7.8 and 7.5
    assert parts["offspring_of_known_events"] > 10 * parts["background"]
    forecast = read_forecast(folder / "forecast.nc")
    total = float(forecast["expected_count"].sum())
    assert total == pytest.approx(told["expected_events_in_region"], rel=1e-5)
    assert total == pytest.approx(told["continuation"]["expected_in_region"], rel=0.02)
    assert np.loadtxt(folder / "forecast.dat")[:, 8].sum() == pytest.approx(total, rel=1e-4)
    several = read_forecast(folder / "horizons.nc")
    assert several["horizon"].to_numpy().tolist() == [1, 7, 10]
    catalogs = read_catalog_forecast(next(folder.glob("catalogs_*.csv")), ISSUED)
    assert catalogs.count == 1000
    assert 0 <= catalogs.time.min() <= catalogs.time.max() <= 10
    check_page(folder / "report.html")
    text = (folder / "report.html").read_text()
    for said in ("What the simulations say", "aftershocks to come", "2023-02-06", "The gates now"):
        assert said in text


def test_without_a_name_the_rule_and_its_outcome_are_told(tmp_path, graben):
    out = tmp_path / "out"
    done = graben("quakes", "forecast", "--region", 26, 36, 29, 39, "--out", out)
    assert done.code == 0, done.err
    assert "no model was named" in done.err
    told = json.loads((out / "report.json").read_text())
    assert told["choice_of_model"].startswith("no model was named")
    assert "No model was named" in (out / "report.html").read_text()


def test_hybrid_etas_is_chosen_where_the_catalogue_is_rich_enough(monkeypatch, folder):
    catalog, quantity = embedded_catalog(), Quantity()
    monkeypatch.setattr(default_model, "RICH_CATALOG", 1_000)
    assert default_model.default_model(catalog, ANATOLIA, quantity)[0] == "anatolia"
    monkeypatch.setattr(default_model, "RICH_CATALOG", 1_000_000)
    name, why = default_model.default_model(catalog, ANATOLIA, quantity)
    assert name == "grid-cnn"
    assert "1,000,000" in why


def test_where_none_ships_the_grid_net_forecasts(monkeypatch):
    monkeypatch.setattr(default_model, "shipped_processes", dict)
    name, why = default_model.default_model(embedded_catalog(), ANATOLIA, Quantity())
    assert (name, "no hybrid-etas that ships covers" in why) == ("grid-cnn", True)
    far = Region(170, -40, 175, -36)
    assert default_model.default_model(embedded_catalog(), far, Quantity())[0] == "grid-cnn"


def test_a_process_that_cannot_be_continued_is_refused(tmp_path):
    poisson = HomogeneousPoisson()
    poisson.intensity_ = 1e-6
    save_process(
        tmp_path / "own", poisson, {"training_end": "2015-01-01", "completeness_magnitude": 4.5}
    )
    with pytest.raises(ModelError, match="can be continued, got poisson"):
        default_model.load_continued(tmp_path / "own", Quantity())


def test_a_region_that_the_process_does_not_know_is_refused(folder, graben, tmp_path):
    done = graben(
        "quakes", "forecast", "--model", "anatolia", "--region", 85, 30, 95, 40,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.code == 2
    assert "Ask for a region inside" in done.err
    assert not (tmp_path / "out").exists()


def test_an_issue_time_before_the_first_event_is_refused(graben, tmp_path):
    events = "event_id,time,longitude,latitude,magnitude\na,2020-01-01T00:00:00Z,30,40,5\n"
    (tmp_path / "events.csv").write_text(events)
    done = graben(
        "quakes", "forecast", tmp_path / "events.csv", "--issue-time", "1990-01-01", "--out",
        tmp_path / "out",
    )  # fmt: skip
    assert done.code == 2
    assert "expected events before the issue time, got none" in " ".join(done.err.split())
