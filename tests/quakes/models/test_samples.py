import numpy as np
import pytest
from scipy.special import expit, logit

from graben.quakes.models.samples import SIZES, place_samples
from graben.quakes.study import PARTS


@pytest.fixture(scope="module")
def drawn(study):
    return place_samples(study)


@pytest.mark.parametrize("part", PARTS)
def test_outcomes_are_those_of_the_study_in_its_own_windows(study, drawn, part):
    samples = drawn[part]
    np.testing.assert_array_equal(samples.outcome, study.outcomes[samples.window, samples.place])
    assert set(samples.window) <= set(study.windows_of(part))


@pytest.mark.parametrize("part", PARTS)
def test_a_weighted_mean_estimates_the_full_base_rate(study, drawn, part):
    samples = drawn[part]
    outcomes = study.outcomes[study.windows_of(part)]
    area = np.broadcast_to(study.place_weight, outcomes.shape)
    full = np.average(outcomes, weights=area)
    assert samples.weight.mean() == pytest.approx(1)
    assert np.average(samples.outcome, weights=samples.weight) == pytest.approx(full, rel=0.15)
    assert samples.outcome.mean() > 2 * full  # unweighted it is far off


def test_weighted_means_estimate_means_over_area_and_time(study, drawn):
    samples = drawn["training"]
    windows = study.windows_of("training")
    lat = study.places[1]
    full = np.average(lat, weights=study.place_weight)
    found = np.average(lat[samples.place], weights=samples.weight)
    assert found == pytest.approx(full, abs=0.12)
    found = np.average(samples.window, weights=samples.weight)
    assert found == pytest.approx(windows.mean(), abs=4)


@pytest.mark.parametrize("part", PARTS)
def test_offset_and_weight_are_two_sides_of_the_same_odds(drawn, part):
    """A case weighs 1/s1 and a control 1/s0, and the offset is log(s1/s0)."""
    samples = drawn[part]
    case = samples.weight[samples.outcome]
    np.testing.assert_allclose(case, case[0])
    control = samples.weight[~samples.outcome]
    np.testing.assert_allclose(samples.offset[~samples.outcome], np.log(control / case[0]))


def test_cases_and_controls_of_one_probability_have_one_offset(study, drawn, seen, rate_models):
    samples = drawn["training"]
    p = rate_models["omori"].calibration(100.0).probability(seen["omori"].discs)
    here = p[samples.window, samples.place]
    # s1/s0 falls with p: 1 / offset's odds is a straight line in p, for cases as for controls
    line = np.polyfit(here, np.exp(-samples.offset), 1)
    np.testing.assert_allclose(np.polyval(line, here), np.exp(-samples.offset), rtol=1e-4)


def test_population_log_odds_plus_offset_are_calibrated_on_the_samples(
    study, drawn, seen, rate_models
):
    samples = drawn["training"]
    p = rate_models["omori"].calibration(100.0).probability(seen["omori"].discs)
    among = expit(logit(p[samples.window, samples.place].astype(float)) + samples.offset)
    assert among.sum() == pytest.approx(samples.outcome.sum(), rel=0.1)


@pytest.mark.parametrize("part", PARTS)
def test_sizes_are_as_said_or_as_many_cases_as_there_are(study, drawn, part):
    wanted, negatives = SIZES[part]
    there = int(study.outcomes[study.windows_of(part)].sum())
    assert drawn[part].outcome.sum() == min(wanted, there)
    assert (~drawn[part].outcome).sum() == negatives


@pytest.mark.parametrize("share", [0.5, 1 / 6, 0.1])
def test_a_first_share_keeps_the_proportions(drawn, share):
    whole, part = drawn["training"], drawn["training"].first(share)
    assert len(part) == pytest.approx(share * len(whole), abs=1)
    assert part.outcome.mean() == pytest.approx(whole.outcome.mean(), rel=0.02)
    assert part.weight.mean() == pytest.approx(1)
    assert len(part.window) == len(part.place) == len(part.offset) == len(part.weight)
    everything = whole.first(1.0)
    np.testing.assert_array_equal(everything.window, whole.window)


def test_the_seed_decides_what_is_drawn(study, drawn):
    place_samples.cache_clear()
    again, other = place_samples(study, 0), place_samples(study, 1)
    np.testing.assert_array_equal(again["test"].place, drawn["test"].place)
    assert (other["test"].place != drawn["test"].place).any()
