import numpy as np
import pytest

from graben.quakes.models.mixture import (
    Omori,
    Stationary,
    Uniform,
    expectation_maximisation,
    training_likelihood,
)


def log_likelihood(values, totals, weights):
    return np.log(values @ weights).sum() - totals @ weights


@pytest.fixture(scope="module")
def simulated():
    """Poissonian counts in 20,000 cells from a known mixture of four densities."""
    rng = np.random.default_rng(0)
    components = rng.gamma(0.5, size=(20_000, 4)) * 0.05
    truth = np.array([1.5, 0.0, 0.4, 3.0])
    counts = rng.poisson(components @ truth)
    values = np.repeat(components, counts, axis=0)
    return values, components.sum(axis=0), truth


def test_known_weights_are_recovered(simulated):
    values, totals, truth = simulated
    np.testing.assert_allclose(expectation_maximisation(values, totals), truth, atol=0.12)


def test_the_likelihood_never_falls_and_ends_above_that_of_the_truth(simulated):
    values, totals, truth = simulated
    path = [
        log_likelihood(values, totals, expectation_maximisation(values, totals, steps))
        for steps in (0, 1, 2, 5, 10, 50, 100, 200, 400)
    ]
    assert (np.diff(path) >= -1e-9).all()
    assert path[-1] >= log_likelihood(values, totals, truth)


def test_expected_equals_observed_after_every_step(simulated):
    values, totals, _ = simulated
    for steps in (1, 7, 400):
        weights = expectation_maximisation(values, totals, steps)
        assert totals @ weights == pytest.approx(len(values))


def test_a_component_that_is_nowhere_gets_no_weight():
    values = np.array([[1.0, 0.0], [2.0, 0.0]])
    assert expectation_maximisation(values, np.array([4.0, 0.0])).tolist() == [0.5, 0.0]


def test_values_and_totals_are_those_of_the_maps_window_by_window(study):
    values, totals = training_likelihood(study)
    windows = study.windows_of("training")
    targets = study.targets[np.isin(study.targets["window"], windows)]
    slow_totals, slow_values = np.zeros(29), {}
    for number, maps in zip(
        windows, study.maps.batches(study.issue_times[windows], 1), strict=True
    ):
        long_run = study.maps.long_run(study.issue_times[[number]])[0]
        every = np.concatenate([maps[0], long_run * study.background])
        slow_totals += every.sum(axis=(1, 2), dtype=float)
        for i in np.flatnonzero(targets["window"] == number):
            event = targets.iloc[i]
            slow_values[i] = every[:, event["row"], event["column"]]
    np.testing.assert_allclose(totals, slow_totals, rtol=1e-5)
    np.testing.assert_allclose(values, [slow_values[i] for i in range(len(values))], rtol=1e-6)
    assert len(values) == study.counts("training").sum()


@pytest.mark.parametrize("name", ["uniform", "stationary", "omori"])
def test_expected_equals_observed_over_the_training_windows(study, seen, name):
    training = seen[name].part(study.windows_of("training"))
    assert training.totals[0].sum() == pytest.approx(study.counts("training").sum(), rel=1e-4)


def test_each_richer_mixture_fits_the_training_better(study, rate_models):
    values, totals = training_likelihood(study)
    fits = [
        log_likelihood(values, totals, rate_models[name].weights_)
        for name in ("uniform", "stationary", "omori")
    ]
    assert fits[0] < fits[1] < fits[2]


def test_each_mixture_uses_its_own_maps_alone(rate_models):
    assert not rate_models["uniform"].weights_[:-2].any()
    assert not rate_models["stationary"].weights_[15:-2].any()
    assert rate_models["omori"].weights_[15:-2].any()
    for name in ("uniform", "stationary", "omori"):
        assert (rate_models[name].weights_ >= 0).all()


def test_uniform_is_two_rates_land_and_sea(study, rate_models):
    times = study.issue_times[[50]]
    maps = next(study.maps.batches(times))
    rates = rate_models["uniform"].rates_of(study, times, maps)[0] / study.grid.area
    for here in (study.land > 0.5, study.land <= 0.5):
        assert np.ptp(rates[here]) < 1e-5 * rates[here].max()


def test_rates_are_the_weighted_sum_of_the_maps(study, rate_models):
    times = study.issue_times[[3, 60]]
    maps = next(study.maps.batches(times))
    model = rate_models["omori"]
    long_run = study.maps.long_run(times)
    for t in range(2):
        exact = sum(w * m for w, m in zip(model.weights_, maps[t].astype(float), strict=False))
        exact = exact + long_run[t] * np.tensordot(model.weights_[-2:], study.background, 1)
        np.testing.assert_allclose(
            model.rates_of(study, times, maps)[t], np.maximum(exact, 1e-12), rtol=1e-4
        )


def test_rates_are_positive_everywhere(study, rate_models):
    times = study.issue_times[:3]
    maps = next(study.maps.batches(times))
    for name in ("uniform", "stationary", "omori"):
        assert (rate_models[name].rates_of(study, times, maps) > 0).all()


def test_what_is_restored_answers_the_same(study, rate_models):
    for kind in (Uniform, Stationary, Omori):
        fitted = rate_models[kind.name]
        again = kind()
        again.restore(fitted.state(), fitted.settings())
        np.testing.assert_array_equal(again.weights_, fitted.weights_)
        assert again.calibration(100.0).intercept == fitted.calibration(100.0).intercept
