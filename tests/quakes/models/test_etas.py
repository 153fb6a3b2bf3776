from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from graben.errors import CatalogError
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_fit import (
    COARSE_TARGETS,
    COARSE_TOLERANCE,
    TOLERANCE,
    climb,
    likelihood_of,
    mean_offspring,
)
from graben.quakes.models.etas_likelihood import TRIGGERING, Triggering
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.etas_time import DecayMixture
from graben.quakes.models.fisher import maximise
from graben.quakes.models.magnitudes import TaperedGutenbergRichter
from graben.quakes.models.simulation import BranchingProcess, simulate_catalog
from graben.quakes.models.spatial_mixture import SpatialMixture
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows

# as the reference package fitted them to California, M >= 2.5
PUBLISHED = EtasParameters(
    -6.334228333083295,
    -2.6755424481822057,
    1.5391618199834523,
    -2.797685488043721,
    -0.061493981696400045,
    3.723224156294125,
    -0.795324630292345,
    1.021525451083945,
    0.5487464250162843,
)
# and to M >= 4.0
PUBLISHED_40 = EtasParameters(
    -7.5633908623893635,
    -2.367157090249104,
    1.6944661812907726,
    -3.202907629354742,
    -0.06700669201995982,
    3.9145002975338667,
    0.06760182682703103,
    1.0805927535005604,
    0.5182910574088333,
)
WIDE = Polygon([0.0, 6.0, 6.0, 0.0], [36.0, 36.0, 42.0, 42.0])
LONG = Windows("2000-01-01", "2001-01-01", "2006-01-01", "2008-01-01", "2010-01-01")
TRUE_RATE = 0.8
# offspring stay near (rho 1) and soon (tau 60 days), so the box and the start cut few families
TRUTH = EtasParameters(
    np.log10(TRUE_RATE / WIDE.area_km2), -2.45, 1.5, -2.0, 0.1, 1.8, -0.4, 0.8, 1.0
)


@pytest.fixture(scope="module")
def synthetic():
    """Ten years simulated from `TRUTH`, about 3,000 events to learn from."""
    magnitudes = TaperedGutenbergRichter(2.3, 3.0, 7.5, 0.0)
    process = BranchingProcess(
        TRUTH, SpatialMixture(WIDE, TRUE_RATE, *np.empty((4, 0))), magnitudes
    )
    catalog = simulate_catalog(process, LONG.auxiliary_start, 3653.0, 12)
    return EventSequence.from_catalog(catalog, WIDE, LONG, 3.0, rounded=False)


def whole_likelihood(sequence):
    events = sequence.fitted.stop - sequence.fitted.start
    return likelihood_of(sequence, np.full((events, 1), 1 / sequence.polygon.area_km2))


@pytest.fixture(scope="module")
def fitted(synthetic):
    return Etas().fit(synthetic)


def test_it_recovers_the_truth_of_a_simulated_catalogue(synthetic, fitted):
    assert synthetic.fitted.stop - synthetic.fitted.start > 2000
    truth, found = Triggering(TRUTH).vector(), fitted.triggering_.vector()
    for i, name in enumerate(TRIGGERING[:-1]):
        error = fitted.standard_errors_[name]
        assert 0 < error < 1.0, name
        assert abs(found[i] - truth[i]) < 3 * error, name
    # four standard errors of the background's count, were it known which events those are
    count = TRUE_RATE * (synthetic.days[3] - synthetic.days[1])
    assert fitted.background_rate_ == pytest.approx(TRUE_RATE, rel=4 / np.sqrt(count))
    assert np.isnan(fitted.standard_errors_["anisotropy"])
    assert 0.3 < fitted.branching_ratio(synthetic) < 1


def test_a_fit_is_better_than_the_truth_on_what_it_saw_and_expects_as_many(synthetic, fitted):
    likelihood = whole_likelihood(synthetic)
    truth = np.concatenate([[np.log(TRUE_RATE)], Triggering(TRUTH).vector()])
    assert fitted.log_likelihood_ > likelihood(truth).value
    scores = fitted.score(synthetic, synthetic.fitted)
    everything = scores.expected.sum() + scores.expected_after
    assert everything == pytest.approx(likelihood.targets.size, rel=0.002)
    # the mean score is the likelihood but for what is expected after the last event
    mean = fitted.log_likelihood_ + scores.expected_after / likelihood.targets.size
    assert scores.total.mean() == pytest.approx(mean, abs=1e-5)


def test_scores_are_those_of_the_definition(short_sequence, triggering, kernel_matrix):
    model = Etas.with_parameters(triggering.parameters, short_sequence.polygon.area_km2)
    scores = model.score(short_sequence, short_sequence.test)
    first, last = short_sequence.test.start, short_sequence.test.stop
    mu = 10**triggering.parameters.log10_mu
    area = short_sequence.polygon.area_km2
    exact = kernel_matrix(short_sequence, triggering).sum(axis=1) + mu
    np.testing.assert_allclose(scores.intensity, exact[first:last], rtol=2e-5)
    produced = triggering.produced(short_sequence.excess)
    mixture = DecayMixture.of(triggering.parameters)
    start, end = short_sequence.span(short_sequence.test)
    moments = np.concatenate([[start], short_sequence.time[first:last], [end]])
    between = []
    for left, right in pairwise(moments):
        known = short_sequence.time < right
        ages = [np.maximum(day - short_sequence.time[known], 0) for day in (left, right)]
        counted = produced[known] @ (mixture.integral(ages[1]) - mixture.integral(ages[0]))
        between.append(counted + mu * area * (right - left))
    np.testing.assert_allclose(scores.expected, between[:-1], rtol=1e-8, atol=1e-12)
    assert scores.expected_after == pytest.approx(between[-1], rel=1e-8)


def test_few_targets_give_nearly_the_fit_of_all(synthetic, fitted):
    few = Etas(targets=1500).fit(synthetic)
    assert few.log_likelihood_ != fitted.log_likelihood_
    whole = whole_likelihood(synthetic)
    found = whole(np.append(np.log(few.background_rate_), few.triggering_.vector())).value
    assert fitted.log_likelihood_ - 0.01 < found < fitted.log_likelihood_ + 1e-5


def test_a_coarse_climb_ends_where_a_direct_one_does(synthetic):
    likelihood = whole_likelihood(synthetic)
    truth = np.concatenate([[np.log(TRUE_RATE)], Triggering(TRUTH).vector()])
    direct = climb(likelihood, truth, likelihood.targets.size)
    far = truth + np.append(np.tile([0.4, -0.4], 4), [0.4, 0.0])[: truth.size]
    climbed = climb(likelihood, far, likelihood.targets.size)
    assert climbed.likelihood.value == pytest.approx(direct.likelihood.value, abs=1e-4)
    assert climbed.pairs > 0


@pytest.mark.parametrize("coarse", [500, COARSE_TARGETS])
def test_a_climb_ends_with_the_fine_tolerance_however_few_events(synthetic, monkeypatch, coarse):
    likelihood, climbs = whole_likelihood(synthetic), []

    def noted(chosen, start, bounds, tolerance):
        climbs.append((chosen.targets.size, tolerance))
        return maximise(chosen, start, bounds, tolerance)

    monkeypatch.setattr("graben.quakes.models.etas_fit.maximise", noted)
    monkeypatch.setattr("graben.quakes.models.etas_fit.COARSE_TARGETS", coarse)
    truth = np.concatenate([[np.log(TRUE_RATE)], Triggering(TRUTH).vector()])
    climb(likelihood, truth, 30_000)
    events = likelihood.targets.size
    assert 500 < events < COARSE_TARGETS
    assert climbs[-1] == (events, TOLERANCE)
    assert climbs[:-1] == ([(500, COARSE_TOLERANCE)] if coarse == 500 else [])


def test_the_mean_offspring_is_over_magnitudes_before_the_test(synthetic, fitted):
    parameters = fitted.triggering_.parameters
    model_free = parameters.offspring_at_completeness * np.mean(
        np.exp(parameters.productivity_exponent * synthetic.excess[: synthetic.test.start])
    )
    assert mean_offspring(parameters, synthetic) == pytest.approx(model_free, rel=1e-12)
    excess = synthetic.excess
    larger = replace(
        synthetic,
        magnitude=3.0 + np.where(np.arange(excess.size) < synthetic.test.start, excess, 5.0),
    )
    assert mean_offspring(parameters, larger) == mean_offspring(parameters, synthetic)


def test_the_background_rate_stands_under_the_references_name(synthetic, fitted):
    named = fitted.settings()["parameters"]
    assert 10 ** named["log10_mu"] * WIDE.area_km2 == pytest.approx(fitted.background_rate_)


def test_twenty_events_are_refused(short_sequence):
    first = short_sequence.fitted.start
    few = replace(
        short_sequence,
        **{
            name: getattr(short_sequence, name)[first : first + 20]
            for name in ("time", "longitude", "latitude", "magnitude")
        },
    )
    with pytest.raises(CatalogError, match=r"at least 50 events.*Widen the windows"):
        Etas().fit(few)


def test_published_parameters_score_as_published(benchmark_sequence):
    sequence = benchmark_sequence("ComCat_25")
    scores = Etas.with_parameters(PUBLISHED, sequence.polygon.area_km2).score(
        sequence, sequence.test
    )
    assert scores.temporal.mean() == pytest.approx(1.43345, abs=1e-3)
    assert scores.spatial.mean() == pytest.approx(-8.68848, abs=1e-3)
    # the published row itself, of a catalogue with eight more events
    assert scores.temporal.mean() == pytest.approx(1.43434, abs=0.003)
    assert scores.spatial.mean() == pytest.approx(-8.68977, abs=0.003)


def test_large_events_score_as_published_and_fit_better_than_by_expectation(benchmark_sequence):
    sequence = benchmark_sequence("ComCat_25", False, 4.0)
    assert sequence.test.stop - sequence.test.start == 823
    given = Etas.with_parameters(PUBLISHED_40, sequence.polygon.area_km2)
    scores = given.score(sequence, sequence.test)
    # the reference leaves out what is triggered from the test start to the first event
    quiet = sequence.time[sequence.test.start] - sequence.span(sequence.test)[0]
    left_out = (scores.expected[0] - given.background_rate_ * quiet) / 823
    assert scores.temporal.mean() + left_out == pytest.approx(-1.3086, abs=1e-4)
    assert scores.spatial.mean() == pytest.approx(-9.6384, abs=1e-4)
    fitted = Etas().fit(sequence)
    scores = fitted.score(sequence, sequence.test)
    assert scores.temporal.mean() == pytest.approx(-1.3006, abs=0.003)
    assert scores.spatial.mean() == pytest.approx(-9.6041, abs=0.003)
    assert fitted.log_likelihood_ > -11.0393 - 1e-3  # what a slow direct search found


def test_san_jacinto_is_not_below_the_floor(benchmark_sequence):
    sequence = benchmark_sequence("SanJac_10")
    scores = Etas().fit(sequence).score(sequence, sequence.test)
    assert scores.total.mean() >= -4.212
