"""The evidence in the default that ships, against the numbers published for the same data."""

import pytest

from graben.errors import ModelError
from graben.quakes.models.folder import load_trained, shipped_folder
from graben.quakes.quantity import Quantity


@pytest.fixture(scope="module")
def evidence(missing_evidence):
    try:
        folder = shipped_folder(Quantity())
    except ModelError:
        missing_evidence("no trained model ships for 30 days and M 5.0")
    return load_trained(folder).evidence


def test_where_earthquakes_were_is_worth_two_nats_over_land_and_sea(evidence):
    score = evidence["rates"]["tile"]["stationary"]["information_gain_nats_per_event"]
    assert score["value"] >= 2.2
    assert score["low"] > 2.0


def test_the_decay_of_sequences_is_worth_a_third_of_a_nat(evidence):
    score = evidence["rates"]["tile"]["omori"]["gain_over_baseline_nats_per_event"]
    assert score["value"] >= 0.33
    assert score["low"] > 0.2


def test_the_nets_gain_over_the_decay(evidence):
    score = evidence["rates"]["tile"]["grid-cnn"]["gain_over_baseline_nats_per_event"]
    assert score["value"] >= 0.01


@pytest.mark.parametrize(
    ("score", "published", "tolerance"),
    [
        ("information_gain_mnat_per_sample", 8.3, 0.4),
        ("auc", 0.938, 0.006),
        ("average_precision", 0.116, 0.01),
        ("brier_skill", 0.062, 0.006),
        ("molchan_area", 0.064, 0.006),
    ],
)
def test_omori_at_every_place_of_the_tile_scores_as_published(
    evidence, score, published, tolerance
):
    entry = evidence["points"]["tile"]["omori"][score]
    assert entry["value"] == pytest.approx(published, abs=tolerance)
    assert entry["low"] <= entry["value"] <= entry["high"]
    assert "baseline" in entry


def test_omori_in_anatolia_gains_as_published(evidence):
    entry = evidence["points"]["anatolia"]["omori"]["information_gain_mnat_per_sample"]
    assert entry["value"] == pytest.approx(11.6, abs=1)


def test_the_default_expects_as_much_as_was_observed(evidence):
    entry = evidence["points"]["tile"]["grid-cnn"]["expected_over_observed"]
    assert 0.8 <= entry["value"] <= 1.1


def test_what_the_default_calls_likely_happens_as_often(evidence):
    table = evidence["reliability"]["grid-cnn"]
    rows = dict(
        zip(table["from"], zip(table["expected"], table["observed"], strict=True), strict=True)
    )
    for low in (0.01, 0.03, 0.1, 0.3):
        expected, observed = rows[low]
        assert observed == pytest.approx(expected, rel=0.35), f"from {low}"


@pytest.mark.parametrize(("net", "least"), [("light-cnn", 0.85), ("survey-cnn", 0.60)])
def test_the_place_nets_reach_their_share_of_omori(evidence, net, least):
    assert evidence["samples"]["scores"][net]["share_of_omori_gain"]["value"] >= least
