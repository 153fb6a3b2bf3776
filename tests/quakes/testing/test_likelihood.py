import numpy as np
import pytest

from graben.evaluation import Interval
from graben.quakes.models.point_process import EventScores
from graben.quakes.testing.likelihood import gain_per_event, score_events, time_rescaling_distance


def poisson_scores(rate_said, count=4000, seed=1, true_rate=2.0):
    """A Poisson process of two events a day, and what a model of another rate says of it."""
    waits = np.random.default_rng(seed).exponential(1 / true_rate, count)
    rate = np.full(count, float(rate_said))
    return EventScores(rate, rate / 100, rate_said * waits, 0.0)


def test_the_expected_log_likelihood_of_a_known_process():
    found = score_events(poisson_scores(2.0))
    assert found.temporal.value == pytest.approx(np.log(2) - 1, abs=0.05)
    assert found.spatial.value == pytest.approx(-np.log(100))
    assert found.total.value == pytest.approx(found.temporal.value + found.spatial.value)
    assert found.temporal.low < np.log(2) - 1 < found.temporal.high
    assert found.events == 4000
    assert found.expected_over_observed == pytest.approx(1.0, abs=0.05)


def test_what_is_expected_after_the_last_event_counts_as_expected_alone():
    one = np.ones(1000)
    ends, goes_on = (score_events(EventScores(one, one, one, after)) for after in (0.0, 500.0))
    assert goes_on.temporal == ends.temporal
    assert goes_on.expected_over_observed == pytest.approx(1.5)


def test_the_distance_tells_a_right_clock_from_a_wrong_one():
    chance = 1.36 / np.sqrt(4000)
    assert time_rescaling_distance(poisson_scores(2.0)) < chance
    # a clock that runs twice as fast: 1 - u**2 against u differs by 1/4 at most
    assert time_rescaling_distance(poisson_scores(4.0)) == pytest.approx(0.25, abs=0.03)


def test_the_distance_against_its_definition():
    scores = poisson_scores(3.0, 57)
    u = np.sort(1 - np.exp(-scores.expected))
    steps = np.arange(58) / 57
    brute = max(np.max(steps[1:] - u), np.max(u - steps[:-1]))
    assert time_rescaling_distance(scores) == pytest.approx(brute)


def test_a_gain_is_paired():
    hard = np.random.default_rng(2).normal(0, 5, 2000)
    one = np.ones(2000)

    def scores(gain):
        return EventScores(one, np.exp(hard + gain), one, 0.0)

    found = gain_per_event(scores(0.1), scores(0.0))
    assert found.value == pytest.approx(0.1)
    assert found.high - found.low < 1e-9
    assert gain_per_event(scores(0.0), scores(0.1)).value == pytest.approx(-0.1)


def test_the_interval_resamples_blocks_not_events():
    level = np.repeat(np.random.default_rng(3).normal(0, 1, 20), 200)
    one = np.ones(4000)
    found = score_events(EventScores(one, np.exp(level), one, 0.0)).total
    # twenty independent values, though there are four thousand events
    assert found.high - found.low == pytest.approx(4 / np.sqrt(20), rel=0.5)


def test_fewer_than_two_blocks_have_no_interval():
    one = np.ones(399)
    found = score_events(EventScores(one, one, one, 0.0)).total
    assert isinstance(found, Interval)
    assert found.value == -1
    assert np.isnan([found.low, found.high]).all()
