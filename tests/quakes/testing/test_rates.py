import numpy as np
import pytest
from scipy.stats import poisson

from graben.quakes.models.rates import Seen
from graben.quakes.testing.rates import baseline_of, log_likelihood, score_rates


@pytest.fixture(scope="module")
def tested(study, seen):
    windows = study.windows_of("test")
    return {name: one.part(windows) for name, one in seen.items()}


@pytest.fixture(scope="module")
def scores(study, tested):
    return score_rates(study, tested)


def rates_of(study, model):
    times = study.issue_times[study.windows_of("test")]
    return np.concatenate(
        [
            model.rates_of(study, times[part], maps).astype(float)
            for part, maps in study.batches(times, "")
        ]
    )


@pytest.mark.parametrize("name", ["uniform", "omori", "grid-cnn"])
def test_the_likelihood_is_poissons_over_all_cells_and_windows(study, rate_models, scores, name):
    rates, counts = rates_of(study, rate_models[name]), study.counts("test")
    north = study.grid.latitude > 36
    for box, rows in (("aegean", slice(None)), ("north", north)):
        events = counts[:, rows].sum()
        exact = poisson.logpmf(counts[:, rows], rates[:, rows]).sum()
        # the score leaves out log(n!), which no model can change
        exact += sum(
            np.log(np.arange(1, n + 1)).sum() for n in counts[:, rows][counts[:, rows] > 1]
        )
        found = scores[box][name]
        assert found["events"] == events
        assert found["log_likelihood_per_event"]["value"] == pytest.approx(exact / events, rel=1e-5)
        ratio = rates[:, rows].sum() / events
        assert found["expected_over_observed"]["value"] == pytest.approx(ratio, rel=1e-5)


def test_gains_are_differences_of_likelihoods_and_the_baseline_stands_beside(scores):
    for box in ("aegean", "north"):
        rows = scores[box]
        like = {name: row["log_likelihood_per_event"]["value"] for name, row in rows.items()}
        for name, base in (
            ("uniform", "uniform"),
            ("stationary", "uniform"),
            ("omori", "stationary"),
            ("grid-cnn", "omori"),
        ):
            row = rows[name]
            gain = row["information_gain_nats_per_event"]
            assert gain["value"] == pytest.approx(like[name] - like["uniform"], abs=1e-9)
            assert gain["baseline"] == pytest.approx(like[base] - like["uniform"], abs=1e-9)
            over = row["gain_over_baseline_nats_per_event"]
            assert over["value"] == pytest.approx(like[name] - like[base], abs=1e-9)
            assert over["baseline"] == 0
            assert row["log_likelihood_per_event"]["baseline"] == pytest.approx(like[base])
            for score in row.values():
                if isinstance(score, dict):
                    assert score["baseline_model"] == base
                    assert score["low"] <= score["value"] <= score["high"]


def test_clustered_earthquakes_reward_the_models_that_know_of_clusters(scores):
    gain = {n: r["gain_over_baseline_nats_per_event"] for n, r in scores["aegean"].items()}
    assert gain["stationary"]["low"] > 0.3
    assert gain["omori"]["low"] > 0


def test_blocks_share_out_all_events_and_all_of_the_likelihood(study, tested):
    gain, events = log_likelihood(study, tested["omori"], 0)
    assert events.sum() == study.counts("test").sum()
    used = np.isin(study.targets["window"], study.windows_of("test"))
    exact = np.log(tested["omori"].at_events[used]).sum() - tested["omori"].totals[0].sum()
    assert gain.sum() == pytest.approx(exact)
    assert len(events) == 12  # half-years of six years


def test_twice_the_rate_costs_what_poisson_says(study, tested):
    one = tested["omori"]
    twice = Seen(one.windows, 2 * one.at_events, 2 * one.totals, one.discs)
    scored = score_rates(study, {"uniform": tested["uniform"], "omori": one, "grid-cnn": twice})
    row = scored["aegean"]["grid-cnn"]
    expected = np.log(2) - one.totals[0].sum() / row["events"]
    assert row["gain_over_baseline_nats_per_event"]["value"] == pytest.approx(expected)


def test_the_baseline_is_the_next_simpler_model_that_was_run():
    assert baseline_of("grid-cnn", {"omori": 0, "grid-cnn": 0}) == "omori"
    assert baseline_of("somebody's", {"omori": 0}) == "omori"
    assert baseline_of("omori", {"omori": 0}) == "omori"
