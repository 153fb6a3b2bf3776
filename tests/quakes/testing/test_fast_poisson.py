import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import binomtest, kstest, poisson

from graben.errors import InputError
from graben.quakes.testing.csep import consistency_tests
from graben.quakes.testing.fast_poisson import likelihood_test, poisson_tests
from graben.quakes.testing.grids import Targets
from graben.quakes.testing.poisson_kernels import (
    guide_table,
    simulated_likelihoods,
    waiting_times,
    word,
)


def drawn_slowly(seeds, events, weight):
    """The kernel's twin: draw the same uniforms, look them up, count, and add up in NumPy."""
    cumulative = np.cumsum(weight) / weight.sum()
    likelihoods = []
    for seed, number in zip(seeds, events, strict=True):
        waits = np.empty(number + 1, np.float32)
        waiting_times(seed, waits)
        waited = np.cumsum(waits, dtype=float)
        u = waited[:-1] * (1.0 / waited[-1])
        counts = np.bincount(np.searchsorted(cumulative, u, "right"), minlength=weight.size)
        likelihoods.append((counts * np.log(weight)).sum() - gammaln(counts + 1).sum())
    return np.array(likelihoods)


@pytest.mark.parametrize("cells", [1, 2, 60, 300_000])
def test_the_kernel_agrees_with_its_twin_draw_by_draw(cells):
    weight = np.sort(np.random.default_rng(1).lognormal(0, 3, cells))[::-1]
    events = np.array([0, 1, 7, 2000])
    seeds = np.arange(4, dtype=np.uint64)
    cumulative = np.cumsum(weight) / weight.sum()
    log_number = np.log(np.maximum(np.arange(2002), 1))
    slow = drawn_slowly(seeds, events, weight)
    for threads in (1, 3):
        out = np.empty(4)
        simulated_likelihoods(
            seeds, events, cumulative, guide_table(cumulative), np.log(weight), log_number, out,
            threads,
        )  # fmt: skip
        np.testing.assert_allclose(out, slow, rtol=1e-12)


def test_the_stream_is_splitmix64_and_waiting_times_are_exponential():
    # the first two outputs of the published generator from the state 1234567
    assert word(np.uint64(1234567), np.uint64(0)) == 6457827717110365317
    assert word(np.uint64(1234567), np.uint64(1)) == 3203168211198807973
    waits = np.empty(20_000, np.float32)
    waiting_times(np.uint64(9), waits)
    assert kstest(waits, "expon").pvalue > 0.01


def test_the_statistic_is_the_joint_poisson_likelihood(gridded, drawn):
    counts = drawn(gridded, 2, 40).counts
    found = likelihood_test(gridded.rates, counts, 10, 0)
    assert found.observed == pytest.approx(poisson.logpmf(counts, gridded.rates).sum())


def test_the_same_seed_gives_the_same_quantiles_and_another_others(gridded, drawn):
    targets = drawn(gridded, 2)
    first, same, other = (poisson_tests(gridded, targets, seed=seed) for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_quantiles_agree_with_pycsep_within_chance(gridded, drawn):
    targets = drawn(gridded, 11)
    fast = poisson_tests(gridded, targets, simulations=20_000)
    theirs = consistency_tests(gridded, targets, simulations=2000)
    for ours, other in zip(fast, theirs, strict=True):
        assert ours.test == other.test
        assert ours.observed == pytest.approx(other.observed, rel=1e-12)
        assert abs(ours.at_most - other.at_most) < 4 * np.sqrt(0.25 / 2000 + 0.25 / 20_000)
        if ours.test == "N":
            assert ours.at_most == pytest.approx(other.at_most, abs=1e-9)
            assert ours.at_least == pytest.approx(other.at_least, abs=1e-9)


@pytest.mark.parametrize("test", ["M", "S", "CL", "L"])
def test_quantiles_of_catalogues_of_the_forecast_itself_are_uniform(test, gridded, drawn):
    quantiles, failed = [], 0
    spread = np.random.default_rng(0)
    for seed in range(1000):
        (one,) = poisson_tests(gridded, drawn(gridded, seed), (test,), 500, seed)
        failed += not one.passed
        # spread over ties: a discrete statistic is uniform only between its steps
        below = 1 - one.at_least
        quantiles.append(below + (one.at_most - below) * spread.random())
    assert kstest(quantiles, "uniform").pvalue > 0.01
    assert binomtest(failed, 1000, 0.05, "greater").pvalue > 0.01


def test_a_wrong_map_fails_in_space_but_not_in_number(gridded, drawn):
    shuffled = Targets(
        np.random.default_rng(1).integers(0, 120, 30), drawn(gridded, 1, 30).bin, gridded.cells
    )
    verdicts = {one.test: one.passed for one in poisson_tests(gridded, shuffled)}
    assert verdicts["N"]
    assert verdicts["M"]
    assert not verdicts["S"]
    assert not verdicts["CL"]


def test_an_earthquake_in_a_cell_of_rate_zero_has_no_likelihood():
    counts = np.array([0, 3, 1])
    found = likelihood_test(np.array([1.0, 2.0, 0.0]), counts, 100, 0)
    assert found.observed == -np.inf
    assert found.tails == (1.0, 0.0)
    assert np.isfinite(found.simulated).all()


def test_equal_rates_tie_whatever_the_order_of_the_sum():
    found = likelihood_test(np.full(7, 0.1), np.array([1, 1, 1, 1, 1, 1, 1]), 2000, 0)
    assert found.tails[1] == 1.0
    distinct = 5040 / 7**7
    assert found.tails[0] == pytest.approx(distinct, abs=4 * np.sqrt(distinct / 2000))


def test_without_earthquakes_only_the_number_is_tested(gridded):
    nothing = Targets(np.empty(0, int), np.empty(0, int), gridded.cells)
    number, *others = poisson_tests(gridded, nothing)
    assert number.passed is False
    assert number.at_most == pytest.approx(np.exp(-30))
    assert {one.passed for one in others} == {None}
    assert all("no earthquake" in one.note for one in others)


def test_an_unknown_test_is_refused(gridded, drawn):
    with pytest.raises(InputError, match="N, M, S, CL, L"):
        poisson_tests(gridded, drawn(gridded, 1), ("PL",))
