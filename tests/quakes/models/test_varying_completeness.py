"""Completeness that varies in time: fewer targets, and as much less that is expected of them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from graben.errors import ModelError
from graben.quakes.incompleteness import short_term_incompleteness
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_fit import likelihood_of, mean_offspring
from graben.quakes.models.etas_likelihood import TRIGGERING, Triggering
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.etas_time import DecayMixture
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas
from graben.quakes.models.magnitudes import TaperedGutenbergRichter
from graben.quakes.models.poisson import HomogeneousPoisson
from graben.quakes.models.recurrent import RecurrentProcess
from graben.quakes.models.simulation import BranchingProcess, simulate_catalog
from graben.quakes.models.spatial_mixture import SpatialMixture
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows

# the windows start on days 182 and 609; the last step is between the last events
STEPS = ((30.0, 3.4), (190.0, 3.1), (450.001, 4.2), (450.2, 3.3), (611.0, 3.0), (700.0, 3.6))
WIDE = Polygon([0.0, 6.0, 6.0, 0.0], [36.0, 36.0, 42.0, 42.0])
LONG = Windows("2000-01-01", "2001-01-01", "2006-01-01", "2008-01-01", "2010-01-01")
TRUE_RATE = 0.8
# large events trigger most, so what is lost after them are their own aftershocks
TRUTH = EtasParameters(
    np.log10(TRUE_RATE / WIDE.area_km2), -3.2, 2.9, -3.0, 0.1, 1.8, -0.4, 0.8, 1.0
)


@pytest.fixture(scope="module")
def stepped(short_sequence):
    return replace(short_sequence, completeness_steps=STEPS)


@pytest.fixture(scope="module")
def thinned():
    """About 4,000 events of `TRUTH`, less those that short-term incompleteness hides."""
    law = TaperedGutenbergRichter(2.3, 3.0, 7.5, 0.0)
    process = BranchingProcess(TRUTH, SpatialMixture(WIDE, TRUE_RATE, *np.empty((4, 0))), law)
    catalog = simulate_catalog(process, LONG.auxiliary_start, 3653.0, 1)
    whole = EventSequence.from_catalog(catalog, WIDE, LONG, 3.0, bin_width=0.001, rounded=False)
    known = short_term_incompleteness(whole, 4.0)
    kept = known.is_target
    names = ("time", "longitude", "latitude", "magnitude")
    return replace(known, **{name: getattr(known, name)[kept] for name in names})


def uniform_likelihood(sequence):
    count = sequence.targets(sequence.fitted).size
    return likelihood_of(sequence, np.full((count, 1), 1 / sequence.polygon.area_km2))


def level_at(day):
    """The completeness just before a day, by going through the steps."""
    level = 3.0
    for start, magnitude in STEPS:
        if start < day:
            level = magnitude
    return level


def expected_between(sequence, triggering, rate, start, end):
    """Share times rate, integrated on a fine grid between events and steps."""
    p = triggering.parameters
    inside = [*sequence.time, *(day for day, _ in STEPS)]
    edges = np.unique([start, *(day for day in inside if start < day < end), end])
    produced, total = triggering.produced(sequence.excess), 0.0
    for low, high in pairwise(edges):
        known = sequence.time <= low
        # fine after the latest event, where the decay is steep
        days = low + (high - low) * np.linspace(0, 1, 1501) ** 6
        age = days[:, None] - sequence.time[known]
        decay = np.exp(-age / 10**p.log10_tau) * (age + 10**p.log10_c) ** -(1 + p.omega)
        share = np.exp(-sequence.beta * (level_at(high) - 3.0))
        total += share * np.trapezoid(decay @ produced[known] + rate, days)
    return total


def test_steps_to_the_same_magnitude_change_nothing(short_sequence, triggering):
    same = replace(short_sequence, completeness_steps=((100.0, 3.0), (450.1, 3.0), (620.0, 3.0)))
    at = np.append(-2.0, triggering.vector())
    plain, found = uniform_likelihood(short_sequence)(at), uniform_likelihood(same)(at)
    assert found.value == pytest.approx(plain.value, rel=1e-12)
    np.testing.assert_allclose(found.slopes, plain.slopes, rtol=1e-12, atol=1e-12)
    model = Etas.with_parameters(triggering.parameters, short_sequence.polygon.area_km2)
    before, after = (model.score(one, one.test) for one in (short_sequence, same))
    np.testing.assert_allclose(after.total, before.total, rtol=1e-12)
    assert after.expected_after == pytest.approx(before.expected_after, rel=1e-11)


def test_counts_are_those_of_each_event_by_itself(stepped, triggering):
    mixture = DecayMixture.of(triggering.parameters)
    rng = np.random.default_rng(1)
    days, share = rng.exponential(3.0, 40), rng.uniform(0, 1, 40)
    days[[5, 6]], share[8] = 0.0, 0.0
    entering, excess = rng.exponential(1.0, 40), rng.exponential(0.4, 40)
    moments = np.cumsum(np.append(0.0, days))
    wanted = np.zeros(5)
    for i in range(40):
        age = moments[i:] - moments[i]
        parts = mixture.integral_and_slopes(age[:-1], age[1:]) * share[i:, None]
        value, *slopes = entering[i] * parts.sum(axis=0)
        wanted += [value, excess[i] * value, *slopes]
    found = mixture.counted(entering, excess, days, share)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_the_likelihood_is_that_of_the_definition(stepped, triggering, kernel_matrix):
    likelihood = uniform_likelihood(stepped)
    isotropic = replace(triggering, anisotropy=0.0)
    targets = [i for i in range(400) if stepped.magnitude[i] > level_at(stepped.time[i]) - 1e-9]
    start, end = likelihood.period
    targets = np.array([i for i in targets if start <= stepped.time[i] < end])
    np.testing.assert_array_equal(likelihood.targets, targets)
    assert targets.size < stepped.fitted.stop - stepped.fitted.start
    level = np.array([level_at(stepped.time[i]) for i in targets])
    intensity = kernel_matrix(stepped, isotropic)[targets].sum(axis=1)
    intensity += 0.2 / stepped.polygon.area_km2
    logs = np.log(intensity) - stepped.beta * (level - 3.0)
    expected = expected_between(stepped, isotropic, 0.2, start, end)
    found = likelihood(np.append(np.log(0.2), isotropic.vector()))
    assert found.value == pytest.approx((logs.sum() - expected) / targets.size, abs=1e-4)


@pytest.mark.parametrize("which", range(1 + len(TRIGGERING) - 1))
def test_each_slope_is_a_difference(stepped, triggering, which):
    likelihood = uniform_likelihood(stepped)
    at = np.append(np.log(0.2), replace(triggering, anisotropy=0.0).vector())
    step = 1e-3 * np.eye(at.size)[which]
    low, high = (likelihood(at + sign * step).value for sign in (-1, 1))
    assert likelihood(at).slopes[which] == pytest.approx((high - low) / 2e-3, abs=2e-4, rel=1e-3)


def test_scores_are_those_of_the_definition(stepped, triggering, kernel_matrix):
    isotropic = replace(triggering, anisotropy=0.0)
    model = Etas.with_parameters(triggering.parameters, stepped.polygon.area_km2)
    found = model.score(stepped, stepped.test)
    targets = stepped.targets(stepped.test)
    assert 10 < targets.size < stepped.test.stop - stepped.test.start
    share = np.exp(-stepped.beta * (np.array([level_at(d) for d in stepped.time[targets]]) - 3.0))
    rate = model.background_rate_
    exact = kernel_matrix(stepped, isotropic)[targets].sum(axis=1)
    exact += rate / stepped.polygon.area_km2
    np.testing.assert_allclose(found.intensity, share * exact, rtol=2e-5)
    start, end = stepped.span(stepped.test)
    moments = [start, *stepped.time[targets], end]
    wanted = [
        expected_between(stepped, isotropic, rate, low, high) if high > low else 0.0
        for low, high in pairwise(moments)
    ]
    np.testing.assert_allclose(found.expected, wanted[:-1], rtol=1e-3, atol=1e-9)
    assert found.expected_after == pytest.approx(wanted[-1], rel=1e-3)
    # just before an event of a simultaneous pair the rate is that of the pair's past
    age = stepped.time[targets[5]] - stepped.time[: stepped.history[targets[5]]]
    p = triggering.parameters
    decay = np.exp(-age / 10**p.log10_tau) * (age + 10**p.log10_c) ** -(1 + p.omega)
    triggered = decay @ triggering.produced(stepped.excess[: age.size])
    assert found.rate[5] == pytest.approx(share[5] * (triggered + rate), rel=2e-5)


def test_a_fit_that_knows_what_is_missing_recovers_what_one_that_does_not_misses(thinned):
    truth = Triggering(TRUTH).vector()

    def deviations(sequence):
        model = Etas().fit(sequence)
        errors = np.array([model.standard_errors_[name] for name in TRIGGERING])
        return dict(zip(TRIGGERING, (model.triggering_.vector() - truth) / errors, strict=True))

    found = deviations(thinned)
    for name in TRIGGERING[:-1]:
        assert abs(found[name]) < 3, name
    misled = deviations(replace(thinned, completeness_steps=()))
    assert misled["a"] < -2.5
    assert misled["log_k0"] > 2
    assert misled["log_c"] > 3


def test_offspring_are_over_magnitudes_above_the_completeness_of_their_time(thinned):
    known = thinned.targets(slice(0, thinned.test.start))
    above = thinned.magnitude[known] - thinned.completeness_at(thinned.time[known])
    growth = np.exp(TRUTH.productivity_exponent * above).mean()
    wanted = TRUTH.offspring_at_completeness * growth
    assert mean_offspring(TRUTH, thinned) == pytest.approx(wanted, rel=1e-12)


def test_background_maps_can_be_fitted_to_it(stepped, monkeypatch):
    monkeypatch.setattr("graben.quakes.models.hybrid_etas.FEWEST_TARGETS", 100)
    model = MappedEtas(strike=False).fit(stepped)
    scores = model.score(stepped, stepped.fitted)
    everything = scores.expected.sum() + scores.expected_after
    # the rates that are best expect as many targets as there are
    assert everything == pytest.approx(stepped.targets(stepped.fitted).size, rel=0.01)


def test_poisson_counts_days_by_their_share(stepped):
    model = HomogeneousPoisson().fit(stepped)
    days = np.linspace(0, stepped.days[3], 200_001)
    share = np.exp(-stepped.beta * (np.array([level_at(day) for day in days]) - 3.0))
    targets = stepped.targets(slice(0, stepped.test.start)).size
    rate = targets / np.trapezoid(share, days)
    assert model.intensity_ * stepped.polygon.area_km2 == pytest.approx(rate, rel=1e-4)
    scores = model.score(stepped, stepped.fitted)
    inside = days >= stepped.days[1]
    expected = rate * np.trapezoid(share[inside], days[inside])
    assert scores.expected.sum() + scores.expected_after == pytest.approx(expected, rel=1e-4)
    numbers = stepped.targets(stepped.fitted)
    level = np.array([level_at(day) for day in stepped.time[numbers]])
    np.testing.assert_allclose(scores.rate, rate * np.exp(-stepped.beta * (level - 3)), rtol=1e-4)


@pytest.mark.parametrize("model", [HybridEtas(), RecurrentProcess()], ids=lambda model: model.name)
def test_what_cannot_take_it_refuses_and_says_what_can(stepped, model):
    with pytest.raises(ModelError, match=r"got 6 steps.*Use poisson, etas"):
        model.fit(stepped)
    with pytest.raises(ModelError, match=model.name):
        model.score(stepped, stepped.test)
