from dataclasses import replace

import numpy as np
import pytest

from graben.evaluation.scores import (
    AUC,
    Accuracy,
    AveragePrecision,
    Brier,
    BrierSkill,
    ExpectedOverObserved,
    InformationGain,
    LogLoss,
    MolchanArea,
    Recall,
)
from graben.quakes.models.samples import place_samples
from graben.quakes.region import Region
from graben.quakes.testing import places as testing_places
from graben.quakes.testing.places import alarm_table, curves, score_places, score_samples


@pytest.fixture(scope="module", autouse=True)
def _few_resamples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing_places, "RESAMPLES", 20)
        yield


@pytest.fixture(scope="module")
def windows(study):
    return study.windows_of("test")


@pytest.fixture(scope="module")
def probability(seen, rate_models, windows):
    return {
        name: rate_models[name].calibration(100.0).probability(seen[name].part(windows).discs)
        for name in ("uniform", "stationary", "omori", "grid-cnn")
    }


@pytest.fixture(scope="module")
def scores(study, windows, probability):
    return score_places(study, windows, probability)


def flat(study, windows, probability, box):
    region = study.scored[box]
    lon, lat = study.places
    inside = (lon >= region.west) & (lon <= region.east)
    inside &= (lat >= region.south) & (lat <= region.north)
    p, y = probability[:, inside], study.outcomes[windows][:, inside]
    w = np.broadcast_to(np.cos(np.radians(lat[inside])), p.shape)
    return p.ravel(), y.ravel().astype(float), w.ravel()


@pytest.mark.parametrize("box", ["aegean", "north"])
@pytest.mark.parametrize("name", ["uniform", "omori"])
def test_scores_are_those_of_the_flat_arrays(study, windows, probability, scores, box, name):
    cases = flat(study, windows, probability[name], box)
    found = scores[box][name]
    for score in (
        AUC(),
        AveragePrecision(),
        Brier(),
        BrierSkill(),
        MolchanArea(),
        ExpectedOverObserved(),
        LogLoss(),
        Accuracy(0.1),
        Recall(0.1),
    ):
        assert found[score.name]["value"] == pytest.approx(score.compute(*cases), rel=1e-9)
    mnat = found["information_gain_mnat_per_sample"]["value"]
    assert mnat == pytest.approx(1e3 * InformationGain().compute(*cases), rel=1e-6)
    assert found["base_rate"] == pytest.approx(np.average(cases[1], weights=cases[2]))


def test_every_score_has_its_interval_and_its_baseline_beside_it(scores):
    for name, base in (("stationary", "uniform"), ("omori", "stationary"), ("grid-cnn", "omori")):
        for score, entry in scores["aegean"][name].items():
            if isinstance(entry, dict):
                assert entry["baseline_model"] == base
                # without any alarm there is no precision
                other = scores["aegean"][base][score]["value"]
                np.testing.assert_equal(entry["baseline"], other)
        gain = scores["aegean"][name]["information_gain_mnat_per_sample"]
        assert gain["low"] <= gain["value"] <= gain["high"]


def test_a_place_on_the_edge_of_a_box_belongs_to_it(study, windows, probability):
    inner = replace(study, boxes={"inner": Region(24, 34, 27, 37)})
    p, y, w = flat(inner, windows, probability["omori"], "inner")
    assert y.size == windows.size * 7 * 7  # 24.0, 24.5 .. 27.0
    found = score_places(inner, windows, {"omori": probability["omori"]})["inner"]["omori"]
    assert found["base_rate"] == pytest.approx(np.average(y, weights=w))
    assert found["brier"]["value"] == pytest.approx(Brier().compute(p, y, w))


def test_curves_agree_with_brute_force(study, windows, probability):
    found = curves(study, windows, {"omori": probability["omori"]})
    p, y, w = flat(study, windows, probability["omori"], "aegean")
    table = found["reliability"]["omori"]
    for i, (low, high) in enumerate(zip(table["from"], table["to"], strict=True)):
        here = (p >= low) & (p < high)
        assert table["count"][i] == here.sum()
        assert table["expected"][i] == pytest.approx(np.average(p[here], weights=w[here]))
        assert table["observed"][i] == pytest.approx(np.average(y[here], weights=w[here]))
        if table["low"][i] is not None:
            assert table["low"][i] <= table["observed"][i] <= table["high"][i]
    line = found["molchan"]["omori"]
    assert (line["alarm"][0], line["missed"][0]) == (0, 1)
    assert (line["alarm"][-1], line["missed"][-1]) == (1, 0)
    assert line["area"] == pytest.approx(MolchanArea().compute(p, y, w))


def test_more_area_under_alarm_catches_no_less_and_rings_earlier(study, windows, probability):
    rows = alarm_table(study, windows, probability["omori"], "aegean")
    assert [row["area_share"] for row in rows] == [0.01, 0.02, 0.05, 0.1, 0.2]
    assert (np.diff([row["caught"] for row in rows]) >= 0).all()
    assert (np.diff([row["probability"] for row in rows]) <= 0).all()
    p, y, w = flat(study, windows, probability["omori"], "aegean")
    for row in rows:
        rings = p >= row["probability"]
        assert w[rings].sum() / w.sum() == pytest.approx(row["area_share"], abs=0.005)
        caught = (w * y)[rings].sum() / (w * y).sum()
        assert row["caught"] == pytest.approx(caught, abs=0.02)


def test_sampled_scores_estimate_the_full_enumeration(study, windows, probability, scores):
    drawn = place_samples(study)["test"]
    row = drawn.window - windows[0]
    sampled = {name: p[row, drawn.place] for name, p in probability.items()}
    found = score_samples(study, drawn, sampled)
    for name in ("stationary", "omori"):
        full = scores["aegean"][name]
        for score, tolerance in (
            ("information_gain_mnat_per_sample", {"rel": 0.15}),
            ("auc", {"abs": 0.02}),
            ("expected_over_observed", {"rel": 0.1}),
        ):
            expected = pytest.approx(full[score]["value"], **tolerance)
            assert found[name][score]["value"] == expected
    assert found["omori"]["share_of_omori_gain"]["value"] == 1
    assert found["omori"]["gain_over_omori_mnat_per_sample"]["value"] == 0
    gain = {n: r["information_gain_mnat_per_sample"]["value"] for n, r in found.items()}
    share = found["stationary"]["share_of_omori_gain"]
    assert share["value"] == pytest.approx(gain["stationary"] / gain["omori"])
    over = found["stationary"]["gain_over_omori_mnat_per_sample"]["value"]
    assert over == pytest.approx(gain["stationary"] - gain["omori"])
