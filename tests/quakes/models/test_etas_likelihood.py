from dataclasses import replace

import numpy as np
import pytest

from graben.quakes.models.etas_fit import likelihood_of
from graben.quakes.models.etas_likelihood import TRIGGERING, EtasLikelihood, Triggering
from graben.quakes.models.etas_time import DecayMixture

LOG_RATES = np.log([0.1, 0.04])


@pytest.fixture(scope="module")
def maps(short_sequence):
    """One uniform map, and one that rises to the east."""
    fitted = short_sequence.fitted
    east = short_sequence.longitude[fitted] - 10
    even = 1 / short_sequence.polygon.area_km2
    return np.column_stack([np.full(east.size, even), even * east / 1.5])


@pytest.fixture(scope="module", params=[False, True], ids=["isotropic", "along strike"])
def likelihood(request, short_sequence, some_strikes, maps):
    return likelihood_of(short_sequence, maps, some_strikes if request.param else None)


def by_the_book(likelihood, at, kernel_matrix):
    """Sum of logarithms less expected counts, the integral in time by substitution."""
    sequence, targets = likelihood.sequence, likelihood.targets
    count = likelihood.maps.shape[1]
    triggering = Triggering.of(at[count:], 0.0)
    p = triggering.parameters
    matrix = kernel_matrix(sequence, triggering, likelihood.strikes)
    rates = np.exp(at[:count])
    intensity = matrix[targets].sum(axis=1) + likelihood.maps @ rates
    start, end = likelihood.period
    expected = rates.sum() * (end - start)
    core = 10**p.log10_d * np.exp(p.gamma * sequence.excess)
    produced = 10**p.log10_k0 * np.exp(p.a * sequence.excess) * np.pi / (p.rho * core**p.rho)
    c = 10**p.log10_c
    for time, weight in zip(sequence.time, produced, strict=True):
        if time < end:
            u = np.linspace(np.log(max(start - time, 0) + c), np.log(end - time + c), 2001)
            inside = np.exp(-p.omega * u - (np.exp(u) - c) / 10**p.log10_tau)
            expected += weight * np.trapezoid(inside, u)
    return (np.log(intensity).sum() - expected) / targets.size


def where(triggering, likelihood):
    vector = triggering.vector()
    if likelihood.strikes is None:
        vector[-1] = 0.0
    return np.concatenate([LOG_RATES, vector])


def test_its_value_is_that_of_the_definition(likelihood, triggering, kernel_matrix):
    at = where(triggering, likelihood)
    found = likelihood(at)
    assert found.value == pytest.approx(by_the_book(likelihood, at, kernel_matrix), abs=5e-6)


@pytest.mark.parametrize("which", range(2 + len(TRIGGERING)))
def test_each_slope_is_a_difference_of_the_definition(likelihood, triggering, kernel_matrix, which):
    at = where(triggering, likelihood)
    step = 1e-4 * np.eye(at.size)[which]
    low, high = (by_the_book(likelihood, at + sign * step, kernel_matrix) for sign in (-1, 1))
    assert likelihood(at).slopes[which] == pytest.approx((high - low) / 2e-4, abs=2e-5, rel=1e-4)


def test_the_information_is_that_of_the_slopes_of_events(likelihood, triggering):
    at = where(triggering, likelihood)
    found = likelihood(at).information
    np.testing.assert_allclose(found, found.T, rtol=1e-12)
    # of a map, the mean square of its share of the intensity
    sequence = likelihood.sequence
    triggered = Triggering.of(at[2:], 0.0).rates_at(
        sequence, likelihood.strikes, likelihood.targets
    )[:, 0]
    background = likelihood.maps * np.exp(LOG_RATES)
    share = background[:, 0] / (triggered + background.sum(axis=1))
    assert found[0, 0] == pytest.approx((share**2).mean(), rel=1e-6)


def test_thinned_targets_stand_for_all(short_sequence, maps, triggering):
    whole = likelihood_of(short_sequence, maps)
    at = where(triggering, whole)
    events = whole.targets.size
    for parts in (2, 5):
        shifted = [
            replace(whole, targets=whole.targets[k::parts], maps=whole.maps[k::parts])
            for k in range(parts)
        ]
        weights = np.array([part.targets.size for part in shifted]) / events
        values = np.array([part(at).value for part in shifted])
        slopes = np.array([part(at).slopes for part in shifted])
        assert weights @ values == pytest.approx(whole(at).value, rel=1e-9)
        np.testing.assert_allclose(weights @ slopes, whole(at).slopes, atol=1e-9)


def test_thinning_takes_targets_evenly_and_leaves_small_ones_whole(short_sequence, maps):
    whole = likelihood_of(short_sequence, maps)
    few = whole.thinned(30)
    assert few.targets.size == 30
    assert few.expected_targets == whole.targets.size
    gaps = np.diff(few.targets)
    assert gaps.max() - gaps.min() <= 1
    np.testing.assert_array_equal(few.maps, whole.maps[few.targets - whole.targets[0]])
    assert whole.thinned(whole.targets.size) is whole


def test_the_integral_holds_offspring_of_events_before_the_period(short_sequence, maps, triggering):
    whole = likelihood_of(short_sequence, maps)
    at = where(triggering, whole)
    mixture = DecayMixture.of(triggering.parameters)
    produced = triggering.produced(short_sequence.excess)
    start, end = whole.period
    time = short_sequence.time
    known = time < end
    ages = [np.maximum(day - time[known], 0) for day in (start, end)]
    exact = produced[known] @ (mixture.integral(ages[1]) - mixture.integral(ages[0]))
    # the slope by log k0 is the share of triggered events less their expected number
    triggered = triggering.rates_at(short_sequence, None, whole.targets)[:, 0]
    share = triggered / (triggered + whole.maps @ np.exp(LOG_RATES))
    expected = share.sum() - whole(at).slopes[2] * whole.targets.size
    assert expected == pytest.approx(exact, rel=1e-6)


def test_without_strikes_anisotropy_rests_at_nothing(short_sequence, some_strikes, maps):
    low, high = likelihood_of(short_sequence, maps).bounds
    assert (low[-1], high[-1]) == (0.0, 0.0)
    low, high = likelihood_of(short_sequence, maps, some_strikes).bounds
    assert low[-1] < 0 < high[-1]


def test_nothing_that_follows_the_period_matters(short_sequence, maps, triggering):
    whole = likelihood_of(short_sequence, maps)
    at = where(triggering, whole)
    first = short_sequence.test.start
    later = replace(
        short_sequence,
        magnitude=np.where(np.arange(len(short_sequence)) < first, short_sequence.magnitude, 7.0),
    )
    other = EtasLikelihood(later, whole.targets, whole.period, whole.expected_targets, whole.maps)
    assert other(at).value == whole(at).value


def test_vectors_and_triggering_are_the_same(triggering):
    again = Triggering.of(triggering.vector(), triggering.parameters.log10_mu)
    np.testing.assert_allclose(again.vector(), triggering.vector(), rtol=1e-15)
    assert again.anisotropy == triggering.anisotropy
