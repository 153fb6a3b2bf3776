"""The benchmark through the real command line."""

import json

import numpy as np
import pandas as pd
import pytest

from graben.quakes.models.point_process_folder import save_process
from graben.quakes.models.poisson import HomogeneousPoisson

OWN = """
name = "own"
completeness_magnitude = 3.0
auxiliary_start = 2000-01-01
training_start = 2001-01-01
validation_start = 2003-01-01
test_start = 2004-01-01
test_end = 2005-01-01
catalog = "events.csv"
polygon = "box.csv"
[published.etas]
temporal = 1.5
spatial = -8.5
"""
SETS = {
    "ComCat_25": ("ComCat_25", "ComCat_california", 21_881),
    "SCEDC_20": ("SCEDC_20", "SCEDC", 13_066),
    "SCEDC_25": ("SCEDC_20", "SCEDC", 5_465),
    "SCEDC_30": ("SCEDC_20", "SCEDC", 2_065),
    "SanJac_10": ("SanJac_10", "SanJac", 4_399),
}


def table(count=3000):
    rng = np.random.default_rng(1)
    seconds = np.sort(rng.integers(0, 1826 * 86400, count))
    start = pd.Timestamp("2000-01-01", tz="UTC")
    return pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(count)],
            "time": start + pd.to_timedelta(seconds, unit="s"),
            "longitude": rng.uniform(10, 12, count),
            "latitude": rng.uniform(40, 42, count),
            "magnitude": 3 + rng.exponential(0.4, count),
        }
    )


@pytest.fixture
def own(tmp_path):
    """A benchmark of one's own: file, catalogue and polygon."""
    (tmp_path / "own.toml").write_text(OWN)
    table().to_csv(tmp_path / "events.csv", index=False)
    (tmp_path / "box.csv").write_text("longitude,latitude\n10,40\n12,40\n12,42\n10,42\n")
    return tmp_path / "own.toml"


def with_events(own, rows):
    path = own.parent / "others.csv"
    rows.to_csv(path, index=False)
    return ["quakes", "benchmark", own, "--catalog", path, "--model", "poisson", "--json"]


@pytest.mark.parametrize("name", SETS)
def test_poisson_is_within_a_hundredth_of_the_published_row(reference_data, graben, name):
    catalog, polygon, events = SETS[name]
    folder = reference_data / "catalogs"
    done = graben(
        "quakes", "benchmark", name,
        "--catalog", folder / f"EarthquakeNPP_{catalog}_jittered.csv.gz",
        "--polygon", folder / f"{polygon}_shape.npy",
        "--model", "poisson", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = done.json()
    ours, published = found["models"]["poisson"], found["published"]["poisson"]
    assert found["events"] == ours["events"] == events
    for part in ("temporal", "spatial", "total"):
        assert ours[part]["value"] == pytest.approx(published[part], abs=0.01)
        assert ours[part]["low"] - 1e-9 <= ours[part]["value"] <= ours[part]["high"] + 1e-9
    assert "epicentre" not in done.err


def test_catalogues_with_repeated_epicentres_are_warned_of(reference_data, graben):
    folder = reference_data / "catalogs"
    done = graben(
        "quakes", "benchmark", "SanJac_10", "--catalog", folder / "EarthquakeNPP_SanJac_10.csv.gz",
        "--polygon", folder / "SanJac_shape.npy", "--model", "poisson", "--json",
    )  # fmt: skip
    assert done.json()["repeated_coordinates"] == pytest.approx(1935 / 21291, abs=1e-3)
    assert "9.1% of the events share an epicentre" in done.err


def test_parameters_of_the_reference_package_score_as_they_do_there(
    reference_data, graben, tmp_path
):
    fitted = {
        "log10_mu": -4.080541557611796, "log10_k0": -3.6392179898139814, "a": 1.5203185844657847,
        "log10_c": -4.352662430280686, "omega": -0.17696960638647766,
        "log10_tau": 3.0058388824182374, "log10_d": -3.2517149079006034,
        "gamma": 1.4557395760513507, "rho": 0.3615761997603344,
    }  # fmt: skip
    (tmp_path / "jacinto.json").write_text(json.dumps({"final_parameters": fitted}))
    folder = reference_data / "catalogs"
    done = graben(
        "quakes", "benchmark", "SanJac_10", "--catalog", folder / "EarthquakeNPP_SanJac_10.csv.gz",
        "--polygon", folder / "SanJac_shape.npy", "--model", tmp_path / "jacinto.json",
        "--model", "poisson", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    models = done.json()["models"]
    assert models["jacinto"]["temporal"]["value"] == pytest.approx(1.1373, abs=0.003)
    assert models["jacinto"]["spatial"]["value"] == pytest.approx(-5.1707, abs=0.003)
    assert models["poisson"]["gain_over_jacinto"]["high"] < 0


def test_the_folder_holds_scores_by_event_figures_and_a_page(own, graben, check_page, tmp_path):
    other = HomogeneousPoisson()
    other.intensity_ = 1e-4
    save_process(
        tmp_path / "higher", other, {"training_end": "2004-01-01", "completeness_magnitude": 3.0}
    )
    out = tmp_path / "out"
    models = ["--model", "poisson", "--model", tmp_path / "higher"]
    done = graben("quakes", "benchmark", own, *models, "--out", out, "--json")
    assert done.code == 0, done.err
    found = done.json()
    assert json.loads((out / "scores.json").read_text()) == found
    rows = pd.read_csv(out / "scores.csv", dtype={"event_id": str})
    assert len(rows) == found["events"]
    events = table().set_index("event_id")
    assert (pd.to_datetime(rows["time"]) == events.loc[rows["event_id"], "time"].array).all()
    for label in ("poisson", "higher"):
        total = rows[f"{label}_temporal"] + rows[f"{label}_spatial"]
        np.testing.assert_allclose(rows[f"{label}_total"], total)
        assert total.mean() == pytest.approx(found["models"][label]["total"]["value"])
    gain = (rows["higher_total"] - rows["poisson_total"]).mean()
    assert found["models"]["higher"]["gain_over_poisson"]["value"] == pytest.approx(gain)
    check_page(out / "report.html")
    page = (out / "report.html").read_text()
    assert "etas (published)" in page
    assert "magnitudes rounded to 0.1, then cut" in page


def test_without_json_a_table_tells_ours_beside_the_published(own, graben):
    done = graben("quakes", "benchmark", own, "--model", "poisson")
    assert done.code == 0, done.err
    for text in ("poisson", "etas", "(published)", "-8.5000", "rounded to 0.1, then cut"):
        assert text in done.out


def test_order_outsiders_and_small_events_change_nothing(own, graben):
    rows = table()
    outside = rows.tail(50).assign(longitude=15.0, event_id=lambda x: "o" + x["event_id"])
    small = rows.tail(50).assign(magnitude=2.9, event_id=lambda x: "s" + x["event_id"])
    mixed = pd.concat([rows, outside, small]).sample(frac=1, random_state=1)
    plain, other = (graben(*with_events(own, each)).json() for each in (rows, mixed))
    for found in (plain, other):
        found["models"]["poisson"].pop("cpu_seconds")
    assert plain == other


def test_equal_times_are_scored(own, graben):
    rows = table()
    rows.loc[2500:2509, "time"] = rows.loc[2500, "time"]
    done = graben(*with_events(own, rows))
    assert done.code == 0, done.err
    assert np.isfinite(done.json()["models"]["poisson"]["total"]["value"])


def test_a_polygon_across_the_date_line(own, graben, tmp_path):
    (tmp_path / "pacific.csv").write_text("longitude,latitude\n179,40\n-179,40\n-179,42\n179,42\n")
    rows = table()
    turned = rows["longitude"] + 169  # 179 to 181
    rows["longitude"] = turned.where(turned <= 180, turned - 360)
    done = graben(*with_events(own, rows), "--polygon", tmp_path / "pacific.csv")
    plain = graben("quakes", "benchmark", own, "--model", "poisson", "--json").json()
    found = done.json()
    assert found["events"] == plain["events"]
    ours, theirs = (one["models"]["poisson"]["total"]["value"] for one in (found, plain))
    assert ours == pytest.approx(theirs)


BAD_EVENTS = {
    "duplicates": (lambda rows: pd.concat([rows, rows.head(3)]), "graben quakes check"),
    "no test events": (lambda rows: rows[rows["time"] < "2003-12-01"], "reaches it"),
    "twenty events": (lambda rows: rows.iloc[::150], "Widen the windows"),
    "no magnitudes": (lambda rows: rows.drop(columns="magnitude"), "without magnitude"),
    "all outside": (lambda rows: rows.assign(latitude=0.0), "Check polygon"),
}


@pytest.mark.parametrize("fault", BAD_EVENTS)
def test_bad_events_end_with_2_and_the_remedy(own, graben, fault):
    spoil, said = BAD_EVENTS[fault]
    done = graben(*with_events(own, spoil(table())))
    assert (done.code, done.out) == (2, "")
    assert said in done.err.replace("\n", " ")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"training_end": "2004-06-01", "completeness_magnitude": 3.0}, "learned until 2004-06-01"),
        ({"training_end": "2004-01-01", "completeness_magnitude": 4.0}, "fitted to M >= 4"),
    ],
)
def test_a_model_that_does_not_fit_the_benchmark_is_refused(own, graben, tmp_path, told, said):
    model = HomogeneousPoisson()
    model.intensity_ = 1e-4
    save_process(tmp_path / "later", model, told)
    done = graben("quakes", "benchmark", own, "--model", tmp_path / "later")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "give its name to fit it here" in done.err


def test_wrong_keys_names_and_models_end_with_2(own, graben, tmp_path):
    (tmp_path / "wrong.toml").write_text(OWN.replace("test_end", "end"))
    for arguments, said in (
        (["wrong"], "known are ComCat_25"),
        ([tmp_path / "wrong.toml"], "end: Extra inputs"),
        (["SanJac_10"], "Give --catalog and --polygon"),
        ([own, "--model", "magic"], "known are"),
        ([own, "--model", tmp_path / "absent.json"], "holds no ETAS parameters"),
    ):
        done = graben("quakes", "benchmark", *arguments)
        assert (done.code, done.out) == (2, "")
        assert said in done.err


@pytest.mark.parametrize("magnitude", ["3.5", "nan"])
def test_sources_from_above_completeness_are_refused(own, graben, magnitude):
    done = graben("quakes", "benchmark", own, "--model", "poisson", "--sources-from", magnitude)
    assert (done.code, done.out) == (2, "")
    assert f"expected sources from below the completeness magnitude 3 on, got from {magnitude}" in (
        " ".join(done.err.split())
    )
