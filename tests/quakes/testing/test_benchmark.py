import numpy as np
import pandas as pd
import pytest

from graben.errors import CatalogError, InputError, ModelError
from graben.quakes.catalog import Catalog
from graben.quakes.models.point_process import EventScores
from graben.quakes.models.poisson import HomogeneousPoisson
from graben.quakes.polygon import Polygon
from graben.quakes.testing.benchmark import (
    BenchmarkData,
    ScoredModel,
    baseline_of,
    benchmark_names,
    read_benchmark,
    score_models,
    summarise,
)
from graben.quakes.testing.likelihood import score_events

OWN = """
name = "own"
completeness_magnitude = 3
auxiliary_start = 2000-01-01
training_start = "2001-01-01"
validation_start = 2003-01-01T00:00:00
test_start = "2004-01-01"
test_end = 2005-01-01
catalog = "data/events.csv"
polygon = "/elsewhere/box.npy"
[published.etas]
temporal = 1.5
spatial = -8.5
"""


def own(folder, text=OWN):
    path = folder / "own.toml"
    path.write_text(text)
    return path


def test_the_sets_that_ship():
    names = ["ComCat_25", "SCEDC_20", "SCEDC_25", "SCEDC_30", "SaltonSea_10", "SanJac_10"]
    assert benchmark_names() == [*names, "WHITE_06"]
    for name in benchmark_names():
        found = read_benchmark(name)
        assert found.name == name
        assert found.completeness_magnitude == int(name[-2:]) / 10
        assert set(found.published) == {"etas", "poisson"}
        assert found.published["etas"].total > found.published["poisson"].total
        assert found.convention == "magnitudes rounded to 0.1, then cut"


@pytest.mark.parametrize(
    ("name", "total"),
    [("ComCat_25", -7.2555), ("SCEDC_20", -4.9932), ("SCEDC_25", -5.3986), ("SCEDC_30", -5.7803),
     ("SaltonSea_10", 0.0169), ("SanJac_10", -4.2656), ("WHITE_06", -2.2400)],
)  # fmt: skip
def test_the_published_totals_of_etas(name, total):
    assert read_benchmark(name).published["etas"].total == pytest.approx(total, abs=1e-9)


def test_an_own_file_takes_dates_as_text_or_as_dates(tmp_path):
    found = read_benchmark(own(tmp_path))
    assert found.windows.moments[2] == pd.Timestamp("2003-01-01", tz="UTC")
    assert found.windows.auxiliary_start == "2000-01-01"
    assert found.catalog == tmp_path / "data" / "events.csv"
    assert str(found.polygon) == "/elsewhere/box.npy"
    assert (found.bin_width, found.round_magnitudes) == (0.1, True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "own"', 'name = "own"\nmagnitude = 3', "magnitude: Extra inputs"),
        ('name = "own"', "", "name: Field required"),
        ("completeness_magnitude = 3", 'completeness_magnitude = "low"', "completeness_magnitude"),
        ("completeness_magnitude = 3", "completeness_magnitude = 3\nbin_width = 0", "bin_width"),
        ("temporal = 1.5", "time = 1.5", "published.etas"),
        ('"2004-01-01"', '"2002-01-01"', "Put the dates in order"),
        ('"2004-01-01"', '"soon"', "expected a date"),
        ("name =", "name", "Give a file in TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_key(tmp_path, old, new, said):
    with pytest.raises(InputError, match=said) as caught:
        read_benchmark(own(tmp_path, OWN.replace(old, new)))
    assert "own.toml" in str(caught.value)


def test_an_unknown_name_or_absent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"known are ComCat_25.*give a \.toml file"):
        read_benchmark("Atlantis_10")
    with pytest.raises(InputError, match="cannot read"):
        read_benchmark(tmp_path / "absent.toml")


def data(folder, last="2004-12-30", repeats=0, text=OWN, magnitude=3.0):
    days = pd.date_range("2000-01-01T12:00", last, freq="12h", tz="UTC")
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "time": days,
            "longitude": rng.uniform(10, 12, days.size),
            "latitude": rng.uniform(40, 42, days.size),
            "magnitude": magnitude,
        }
    )
    table.loc[: repeats - 1, ["longitude", "latitude"]] = 11.0, 41.0
    catalog = Catalog.from_table(table, "by hand")
    box = Polygon([10, 12, 12, 10], [40, 40, 42, 42])
    return BenchmarkData.of(read_benchmark(own(folder, text)), catalog, box)


def test_the_rows_of_the_catalogue_are_the_events_of_the_sequence(tmp_path):
    found = data(tmp_path)
    days = (found.test_events["time"] - found.sequence.windows.moments[0]) / pd.Timedelta(days=1)
    np.testing.assert_array_equal(days, found.sequence.time[found.sequence.test])


STEPPED = OWN.replace(
    "auxiliary_start",
    'completeness_steps = [["2003-12-31", 3.5], [2004-02-01, 3.0]]\nauxiliary_start',
    1,
)


def test_completeness_of_a_file_varies_in_time(tmp_path, monkeypatch):
    found = data(tmp_path, text=STEPPED)
    assert found.sequence.completeness_steps == ((1460.0, 3.5), (1492.0, 3.0))
    # two a day in January, and the one at the very day of the step
    assert len(found.test_events) == len(data(tmp_path).test_events) - 31 * 2 - 1
    assert found.smaller_sources == 0
    assert found.benchmark.convention.endswith("then cut, completeness varies in time")
    (poisson,) = score_models(found, ["poisson"])
    assert poisson.likelihood.expected_over_observed == pytest.approx(1.0, abs=0.01)
    monkeypatch.delattr(HomogeneousPoisson, "fit")  # refused before anything is fitted
    with pytest.raises(ModelError, match="Use poisson, etas"):
        score_models(found, ["poisson", "hybrid-etas"])


def test_completeness_of_a_file_rises_after_shocks(tmp_path):
    text = OWN.replace("[published", "short_term_incompleteness = true\n[published")
    assert data(tmp_path, text=text).sequence.completeness_steps == ()
    shaken = data(tmp_path, text=text, magnitude=7.0).sequence
    assert shaken.completeness_at(shaken.time[1:] + 0.1).min() == pytest.approx(3.3)


def test_steps_below_completeness_are_refused(tmp_path):
    with pytest.raises(InputError, match="none below the completeness magnitude 3"):
        data(tmp_path, text=STEPPED.replace("3.5]", "2.5]"))


def test_repeated_coordinates_are_counted(tmp_path):
    assert data(tmp_path).repeated_coordinates == 0
    found = data(tmp_path, repeats=36)
    assert found.repeated_coordinates == pytest.approx(36 / len(found.sequence))


def test_a_test_window_without_events_is_refused(tmp_path):
    with pytest.raises(CatalogError, match="Give a catalogue that reaches it"):
        data(tmp_path, last="2003-06-01")


def scored(label, kind, gain=0.0, count=800):
    one = np.ones(count)
    scores = EventScores(one, np.exp(gain) * one, one, 0.0)
    return ScoredModel(label, kind, scores, score_events(scores), 0.0)


def test_the_baseline_is_etas_before_poisson():
    poisson, etas, second, other = (
        scored("p", "poisson"), scored("e", "etas"), scored("f", "etas"), scored("o", "recurrent"),
    )  # fmt: skip
    assert baseline_of([poisson, other, etas, second]) is etas
    assert baseline_of([other, poisson]) is poisson
    assert baseline_of([other]) is None


def test_gains_are_told_of_all_but_the_baseline(tmp_path):
    models = [scored("net", "recurrent", 0.3), scored("base", "etas")]
    found = summarise(data(tmp_path), models)["models"]
    assert found["net"]["gain_over_base"]["value"] == pytest.approx(0.3)
    assert not [key for key in found["base"] if key.startswith("gain")]


def test_one_label_is_one_model(tmp_path):
    with pytest.raises(InputError, match="different names"):
        score_models(data(tmp_path), ["poisson", "poisson"])
