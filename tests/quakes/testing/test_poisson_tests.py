import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import binomtest, kstest, poisson

from graben.errors import InputError
from graben.quakes.testing.csep import consistency_tests
from graben.quakes.testing.grids import Targets
from graben.quakes.testing.poisson_kernels import alias_table, simulated_likelihoods
from graben.quakes.testing.poisson_tests import likelihood_test, poisson_tests


@pytest.mark.parametrize(
    "weight",
    [[1.0], [1.0, 1.0], [5.0, 0.0, 1.0, 0.0, 4.0], np.random.default_rng(0).lognormal(0, 3, 999)],
)
def test_the_alias_table_holds_every_probability(weight):
    weight = np.asarray(weight, float)
    share, alias = alias_table(weight)
    kept = np.minimum(share, 1.0)
    probability = kept + np.bincount(alias, 1 - kept, weight.size)
    np.testing.assert_allclose(probability / weight.size, weight / weight.sum(), atol=1e-12)
    assert (weight[alias[kept < 1]] > 0).all()


def drawn_slowly(events, share, alias, log_rate, rng):
    """The kernel's twin: draw the same uniforms, count, and add up in NumPy."""
    likelihoods = []
    for number in events:
        place = rng.random(number) * log_rate.size
        cell = place.astype(int)
        cell = np.where(place - cell >= share[cell], alias[cell], cell)
        counts = np.bincount(cell, minlength=log_rate.size)
        hit = counts > 0
        likelihoods.append((counts[hit] * log_rate[hit]).sum() - gammaln(counts + 1).sum())
    return np.array(likelihoods)


def test_the_kernel_agrees_with_its_twin_draw_by_draw():
    weight = np.append(np.random.default_rng(1).lognormal(0, 2, 50), 0.0)
    events = np.array([0, 1, 7, 200])
    share, alias = alias_table(weight)
    with np.errstate(divide="ignore"):
        log_rate = np.log(weight)
    out = np.empty(4)
    log_number = np.log(np.maximum(np.arange(201), 1))
    rng = np.random.default_rng(5)
    simulated_likelihoods(rng, events, share, alias, log_rate, log_number, out)
    slow = drawn_slowly(events, share, alias, log_rate, np.random.default_rng(5))
    np.testing.assert_allclose(out, slow, rtol=1e-12)


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
    for seed in range(200):
        (one,) = poisson_tests(gridded, drawn(gridded, seed), (test,), 500, seed)
        failed += not one.passed
        # spread over ties: a discrete statistic is uniform only between its steps
        below = 1 - one.at_least
        quantiles.append(below + (one.at_most - below) * spread.random())
    assert kstest(quantiles, "uniform").pvalue > 0.01
    assert binomtest(failed, 200, 0.05, "greater").pvalue > 0.01


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
