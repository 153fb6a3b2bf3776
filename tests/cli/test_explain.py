"""`graben quakes explain` through the real command line, and its page."""

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from graben.errors import InputError
from graben.quakes.formats import read_catalog
from graben.quakes.models import point_process_folder
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.point_process_folder import save_process
from graben.quakes.models.rate_explanation import explain_rate
from graben.quakes.polygon import Polygon
from graben.quakes.rate_figures import (
    gates_figure,
    importance_figure,
    parents_figure,
    shares_figure,
)
from graben.quakes.rate_report import write_explanation
from graben.quakes.sequence import EventSequence, Windows

PARAMETERS = EtasParameters(-4.5, -2.6, 1.6, -2.2, 0.05, 3.2, -0.6, 1.0, 0.6)
WINDOWS = Windows("2000-01-01", "2000-02-01", "2000-10-01", "2001-01-01", "2001-02-01")
POLYGON = Polygon([-20.6, -19.4, -19.4, -20.6], [39.4, 39.4, 40.6, 40.6])
IMPORTANCE = {
    "unit": "nats per event on validation data",
    "permutation": {"last magnitude": {"value": 0.02, "sd": 0.001}},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    rng = np.random.default_rng(1)
    start = pd.Timestamp("2000-01-01", tz="UTC")
    table = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(400)],
            "time": start + pd.to_timedelta(np.sort(rng.uniform(0, 500, 400)), unit="D"),
            "longitude": rng.uniform(-20.5, -19.5, 400),
            "latitude": rng.uniform(39.5, 40.5, 400),
            "depth": 5.0,
            "magnitude": 3 + rng.exponential(0.4, 400),
        }
    )
    table.to_csv(folder / "events.csv", index=False)
    about = {
        "training_end": WINDOWS.test_start,
        "completeness_magnitude": 3.0,
        "bin_width": 0.1,
        "windows": asdict(WINDOWS),
        "polygon": {"longitude": POLYGON.longitude, "latitude": POLYGON.latitude},
        "gate_importance": IMPORTANCE,
    }
    save_process(folder / "etas", Etas.with_parameters(PARAMETERS, POLYGON.area_km2), about)
    del about["windows"]
    save_process(folder / "bare", Etas.with_parameters(PARAMETERS, POLYGON.area_km2), about)
    return folder


@pytest.fixture
def explain(graben, files, monkeypatch):
    """Run the command on the files, at a place with negative degrees."""
    monkeypatch.setattr(point_process_folder, "process_class", lambda _: Etas)

    def run(*arguments, longitude=-20.1, model="etas"):
        known = ("--catalog", files / "events.csv", "--model", files / model)
        return graben("quakes", "explain", longitude, 40.1, *known, *arguments)

    return run


def test_json_holds_shares_that_add_up_and_the_stored_importance(explain):
    done = explain("--json", "--time", "2001-03-01")
    assert (done.code, done.err) == (0, "")
    found = done.json()
    assert found["time"].startswith("2001-03-01")
    assert sum(part["share"] for part in found["parts"]) == pytest.approx(1)
    assert found["parts"][0]["density"] == pytest.approx(10**PARAMETERS.log10_mu)
    assert len(found["parents"]) == 10
    assert found["gate_importance"] == IMPORTANCE


def test_without_a_time_it_is_the_end_of_the_catalogue(explain, files):
    last = pd.read_csv(files / "events.csv")["time"].iloc[-1]
    done = explain("--json").json()
    assert pd.Timestamp(done["time"]) >= pd.Timestamp(last).floor("ms")


def test_the_page_is_whole(explain, files, tmp_path, check_page):
    done = explain("--out", tmp_path / "why", "--time", "2001-03-01")
    assert done.code == 0
    assert "rate of the model" in done.out
    assert "others" in done.out
    assert json.loads((tmp_path / "why" / "explanation.json").read_text())["model"] == "etas"
    assert (tmp_path / "why" / "parents.png").exists()
    check_page(tmp_path / "why" / "report.html")


def test_the_page_of_a_model_with_gates_shows_them_and_the_stored_importance(
    files, tmp_path, check_page
):
    catalog = read_catalog(files / "events.csv")
    sequence = EventSequence.from_catalog(catalog, POLYGON, WINDOWS, 3.0)
    model = Etas.with_parameters(PARAMETERS, POLYGON.area_km2)
    plain = explain_rate(model, sequence, -20.1, 40.1, "2001-01-15")
    with pytest.raises(InputError, match="expected a model with gates, got etas"):
        gates_figure(plain)
    with pytest.raises(InputError, match="expected earlier events"):
        parents_figure(replace(plain, parents=()))
    gates = np.random.default_rng(0).normal(0, 0.2, (100, 6))
    gated = replace(plain, log_gates=gates)
    write_explanation(gated, IMPORTANCE, tmp_path / "why")
    check_page(tmp_path / "why" / "report.html")
    assert {path.stem for path in (tmp_path / "why").glob("*.png")} == {
        "shares", "parents", "gates", "importance"
    }  # fmt: skip
    lines = gates_figure(gated).axes[0].lines
    assert np.log(lines[0].get_ydata()) == pytest.approx(gates[:, 0])
    assert len(importance_figure(IMPORTANCE).axes[0].get_yticks()) == 1


def test_bars_begin_where_the_last_ended_and_reach_the_rate(files):
    catalog = read_catalog(files / "events.csv")
    sequence = EventSequence.from_catalog(catalog, POLYGON, WINDOWS, 3.0)
    model = Etas.with_parameters(PARAMETERS, POLYGON.area_km2)
    found = explain_rate(model, sequence, -20.1, 40.1, "2001-01-15")
    *bars, whole = shares_figure(found).axes[0].patches
    ends = [bar.get_x() + bar.get_width() for bar in bars]
    assert [bar.get_x() for bar in bars] == pytest.approx([0, *ends[:-1]])
    assert ends[-1] == pytest.approx(whole.get_width()) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"longitude": -30}, "inside the polygon"),
        ({"arguments": ("--time", "2010-01-01")}, "within the catalogue, which ends at"),
        ({"arguments": ("--time", "2000-01-10")}, "training start"),
        ({"model": "bare"}, "tells its windows"),
    ],
)
def test_what_cannot_be_explained_ends_with_2(explain, options, words):
    done = explain(*options.pop("arguments", ()), **options)
    assert done.code == 2
    assert words in done.err


def test_a_model_that_ships_goes_by_its_name(graben, files):
    known = ("--catalog", files / "events.csv", "--model", "california")
    done = graben("quakes", "explain", -120, 36, *known)
    assert done.code == 2  # the events lie elsewhere
    assert "expected events of M >= 3.6 inside the polygon" in done.err
