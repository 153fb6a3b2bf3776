import numpy as np
import pytest
from scipy.stats import kstest, nbinom, poisson

from graben.errors import InputError
from graben.quakes.testing.csep import comparison_tests
from graben.quakes.testing.cumulative import (
    cumulative_gain,
    cumulative_number,
    gain_tests,
    pass_rate,
)
from graben.quakes.testing.grids import GriddedForecast
from graben.quakes.testing.temporal import (
    count_test,
    expected_between,
    fitted_overdispersion,
    negative_binomial_likelihood,
    rescaled_time_test,
    window_likelihood_test,
)


@pytest.fixture(scope="module")
def benchmark(gridded):
    return GriddedForecast(gridded.cells, gridded.rates**0.7, gridded.start, gridded.end, "flatter")


@pytest.mark.parametrize("number", [12, 60])
def test_t_and_w_are_those_of_pycsep(number, gridded, benchmark, drawn):
    targets = drawn(gridded, 3, number)
    log_ratio = np.log(gridded.rates / benchmark.rates)[targets.cell, targets.bin]
    ours = gain_tests(log_ratio, gridded.expected - benchmark.expected)
    for one, other in zip(ours, comparison_tests(gridded, benchmark, targets), strict=True):
        assert one.test == other.test
        assert one.gain == pytest.approx(other.gain, rel=1e-10)
        assert one.p_value == pytest.approx(other.p_value, rel=1e-6)
        assert one.low == pytest.approx(other.low, rel=1e-9, nan_ok=True)
        assert one.high == pytest.approx(other.high, rel=1e-9, nan_ok=True)
        assert one.better is other.better


def test_the_better_forecast_of_its_own_catalogues_is_called_better(gridded, drawn):
    flat = gridded.rates**0.3
    scaled = GriddedForecast(
        gridded.cells,
        flat * gridded.expected / flat.sum(),
        gridded.start,
        gridded.end,
        "flat",
    )
    targets = drawn(gridded, 3, 200)
    assert [one.better for one in comparison_tests(gridded, scaled, targets)] == [True, True]
    assert comparison_tests(scaled, gridded, targets)[0].better is False


def test_one_earthquake_compares_nothing(gridded, benchmark, drawn):
    assert [x.better for x in comparison_tests(gridded, benchmark, drawn(gridded, 3, 1))] == [
        None,
        None,
    ]


def test_windows_without_forecast_are_left_out_of_both_sides():
    random = np.random.default_rng(2)
    expected, benchmark = random.uniform(1, 3, 20), random.uniform(1, 3, 20)
    window = np.sort(random.integers(0, 20, 60))
    log_ratio = random.normal(0.2, 0.5, 60)
    gaps = [4, 5, 11]
    with_gaps = expected.copy()
    with_gaps[gaps] = np.nan
    found = cumulative_gain(log_ratio, window, with_gaps, benchmark)
    kept = ~np.isin(window, gaps)
    rest = np.setdiff1d(np.arange(20), gaps)
    wanted = log_ratio[kept].sum() - (expected - benchmark)[rest].sum()
    assert found.gain[-1] == pytest.approx(wanted)
    assert (found.missing, found.events) == (3, kept.sum())
    assert found.window.tolist() == rest.tolist()
    assert found.tests[0].gain == pytest.approx(wanted / kept.sum())
    observed = np.bincount(window, minlength=20)
    number = cumulative_number(with_gaps, observed)
    assert number.observed[-1] == kept.sum()
    assert number.expected[-1] == pytest.approx(expected[rest].sum())
    assert number.missing == 3


def test_cumulative_number_of_simulated_poisson_windows_is_poisson():
    random = np.random.default_rng(1)
    expected, observed = np.full(30, 2.0), random.poisson(2.0, 30)
    simulated = random.poisson(2.0, (30, 20_000))
    by_law = cumulative_number(expected, observed)
    by_draws = cumulative_number(expected, observed, simulated)
    np.testing.assert_allclose(by_draws.at_most, by_law.at_most, atol=0.02)
    np.testing.assert_allclose(by_draws.at_least, by_law.at_least, atol=0.02)


def test_no_forecast_at_all_is_refused():
    with pytest.raises(InputError, match="at least one of 3"):
        cumulative_number(np.full(3, np.nan), np.ones(3))


def test_pass_rates_have_exact_intervals():
    assert pass_rate([None, None]).valid == 0
    rate = pass_rate([True] * 95 + [False] * 5 + [None] * 4)
    assert (rate.passed, rate.valid, rate.undefined) == (95, 100, 4)
    # Clopper & Pearson (1934)
    assert (round(rate.low, 4), round(rate.high, 4)) == (0.8872, 0.9836)


def test_number_of_windows_by_both_laws():
    expected, observed = np.array([3.0, 4.0]), np.array([5, 9])
    by_poisson = count_test(expected, observed)
    assert by_poisson.at_most == pytest.approx(poisson.cdf(14, 7))
    assert by_poisson.at_least == pytest.approx(poisson.sf(13, 7))
    wide = count_test(expected, observed, overdispersion=0.5)
    law = nbinom(2, 2 / 9)
    assert law.var() == pytest.approx(7 + 0.5 * 49)
    assert wide.at_most == pytest.approx(law.cdf(14))
    narrow = count_test(expected, observed, overdispersion=1e-9)
    assert narrow.at_most == pytest.approx(by_poisson.at_most, rel=1e-5)


def test_overdispersion_is_found_again():
    expected = np.random.default_rng(3).uniform(2, 20, 3000)
    observed = nbinom.rvs(1 / 0.4, 1 / (1 + 0.4 * expected), random_state=4)
    assert fitted_overdispersion(expected, observed) == pytest.approx(0.4, rel=0.1)
    almost = negative_binomial_likelihood(expected[:50], observed[:50], 1e-7)
    assert almost == pytest.approx(poisson.logpmf(observed[:50], expected[:50]).sum(), rel=1e-4)


def test_windows_in_the_wrong_order_fail_given_their_number():
    expected = np.geomspace(0.1, 30, 40)
    observed = np.random.default_rng(1).poisson(expected)
    given, free = window_likelihood_test(expected, observed)
    assert given.passed
    assert free.passed
    assert given.observed == pytest.approx(poisson.logpmf(observed, expected).sum())
    assert not window_likelihood_test(expected[::-1], observed)[0].passed
    assert window_likelihood_test(expected, np.zeros(40, int))[0].passed is None


def test_rescaled_time_of_the_truth_is_uniform_and_of_a_steady_rate_is_not():
    edges = np.arange(101.0)
    expected = np.where(np.arange(100) % 10 == 0, 20.0, 1.0)
    p_values, wrong = [], 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        numbers = random.poisson(expected)
        times = np.sort(np.repeat(edges[:-1], numbers) + random.random(numbers.sum()))
        p_values.append(rescaled_time_test(expected_between(edges, expected, times)).p_value)
        steady = np.full(100, expected.mean())
        wrong += rescaled_time_test(expected_between(edges, steady, times)).passed
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert wrong == 0


def test_expected_numbers_add_up_to_the_last_earthquake():
    between = expected_between(np.array([0.0, 1, 2]), np.array([4.0, 2.0]), np.array([0.5, 1.5]))
    assert between.tolist() == [2.0, 3.0]
