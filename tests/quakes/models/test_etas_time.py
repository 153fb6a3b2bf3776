from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from graben.quakes.models.etas_time import DecayMixture, running_rates

AGES = np.geomspace(1e-6, 5000, 60)
DECAYS = pytest.mark.parametrize(
    ("log10_c", "omega", "log10_tau"),
    [(-2.8, -0.06, 3.7), (-4.35, -0.18, 3.0), (-1.5, 0.3, 2.0), (-3.2, 0.0, 6.9)],
)


def decay(age, p):
    return np.exp(-age / 10**p.log10_tau) * (age + 10**p.log10_c) ** -(1 + p.omega)


def integral(days, p):
    """Integrate in the logarithm of the delay, where the integrand is smooth."""
    c = 10**p.log10_c
    return quad(
        lambda u: np.exp(u) * decay(np.exp(u) - c, p), np.log(c), np.log(days + c), epsabs=0
    )[0]


@pytest.fixture
def parameters(triggering, log10_c, omega, log10_tau):
    return replace(triggering.parameters, log10_c=log10_c, omega=omega, log10_tau=log10_tau)


@DECAYS
def test_exponentials_are_the_decay(parameters):
    mixture = DecayMixture.of(parameters)
    ages = AGES[AGES / 10**parameters.log10_tau < 4]
    found = np.exp(-np.multiply.outer(ages, mixture.decay)) @ mixture.weight
    np.testing.assert_allclose(found, decay(ages, parameters), rtol=1e-5)


@DECAYS
def test_their_integral_is_that_of_the_decay(parameters):
    mixture = DecayMixture.of(parameters)
    exact = [integral(days, parameters) for days in AGES]
    np.testing.assert_allclose(mixture.integral(AGES), exact, rtol=1e-5)
    start, stop = AGES[:-1], AGES[1:]
    found = mixture.integral_and_slopes(start, stop)[:, 0]
    np.testing.assert_allclose(found, np.diff(exact), rtol=2e-5, atol=1e-14)


@DECAYS
def test_slopes_of_the_integral_are_differences(parameters):
    start, stop = np.array([0.0, 0.0, 1e-3, 30.0]), np.array([1e-3, 2000.0, 5.0, 400.0])
    found = DecayMixture.of(parameters).integral_and_slopes(start, stop)
    step = 1e-4
    for column, (name, unit) in enumerate(
        [("log10_c", np.log(10)), ("omega", 1.0), ("log10_tau", np.log(10))], start=1
    ):
        low, high = (
            DecayMixture.of(
                replace(parameters, **{name: getattr(parameters, name) + sign * step / unit})
            ).integral_and_slopes(start, stop)[:, 0]
            for sign in (-1, 1)
        )
        difference = (high - low) / (2 * step)
        scale = 1e-5 * found[:, 0]  # nodes move with c
        np.testing.assert_array_less(
            np.abs(found[:, column] - difference), 1e-4 * abs(difference) + scale
        )


def running(sequence, triggering, split):
    mixture = DecayMixture.of(triggering.parameters)
    out = np.empty((len(sequence), 3))
    produced = triggering.produced(sequence.excess)
    running_rates(sequence.time, produced, mixture.decay, mixture.weight, split, out)
    return out, produced


def test_running_rates_are_direct_sums(short_sequence, triggering):
    time = short_sequence.time
    split = float((time[100] + time[101]) / 2)
    found, produced = running(short_sequence, triggering, split)
    for i in [0, 1, 10, 11, 12, 100, 101, 102, 206, 211, 212, 213, 398, 399]:
        past = short_sequence.history[i]
        ages = time[i] - time[:past]
        exact = produced[:past] @ decay(ages, triggering.parameters)
        assert found[i, 0] == pytest.approx(exact, rel=2e-5)
        begin = time[i - 1] if i else time[0]
        since = max(begin, split) if begin < split < time[i] else begin
        between = sum(
            weight
            * (
                integral(time[i] - source, triggering.parameters)
                - integral(since - source, triggering.parameters)
            )
            for weight, source in zip(produced[:past], time[:past], strict=True)
        )
        assert found[i, 1] == pytest.approx(between, rel=5e-5, abs=1e-12)


def test_the_rate_after_an_event_holds_all_simultaneous_ones(short_sequence, triggering):
    time = short_sequence.time
    found, produced = running(short_sequence, triggering, 0.0)
    for i in [1, 12, 100, 213]:
        known = np.searchsorted(time, time[i - 1], side="right")
        ages = time[i - 1] - time[:known]
        exact = produced[:known] @ decay(ages, triggering.parameters)
        assert found[i, 2] == pytest.approx(exact, rel=2e-5)


def test_simultaneous_events_share_one_rate_and_expect_nothing_between(short_sequence, triggering):
    out, _ = running(short_sequence, triggering, 0.0)
    np.testing.assert_array_equal(out[[211, 212], 0], out[210, 0])
    np.testing.assert_array_equal(out[[211, 212], 1], 0.0)
    assert out[213, 0] != out[210, 0]
