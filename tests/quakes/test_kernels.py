from math import erf, sqrt

import numpy as np
import pytest
from scipy.integrate import quad

from graben.quakes.kernels import (
    TRUNCATION,
    add_events,
    decaying_sums,
    gaussian_factors,
    omori_integral,
)

EDGE, STEP, CELLS = 20.0, 0.25, 48


def factors_of(position, spread):
    position, spread = np.asarray(position, float), np.asarray(spread, float)
    first, size = np.zeros((2, position.size), np.int32)
    factors = np.zeros((position.size, CELLS))
    gaussian_factors(position, spread, EDGE, STEP, CELLS, first, size, factors)
    return first, size, factors


def share_below(x, position, spread):
    return 0.5 * (1 + erf((x - position) / spread / sqrt(2)))


def spread_out(first, size, factors):
    """The factors of each event on the whole axis, (event, cell)."""
    whole = np.zeros((len(first), CELLS))
    for i in range(len(first)):
        whole[i, first[i] : first[i] + size[i]] = factors[i, : size[i]]
    return whole


def test_factors_are_the_exact_gaussian_integral_of_each_cell():
    position, spread = np.array([20.01, 26.1, 31.99, 19.0]), np.array([0.1, 0.7, 0.4, 0.5])
    found = spread_out(*factors_of(position, spread))
    for i in range(4):
        for cell in range(CELLS):
            low, high = EDGE + cell * STEP, EDGE + (cell + 1) * STEP
            exact = share_below(high, position[i], spread[i])
            exact -= share_below(low, position[i], spread[i])
            reached = abs(np.clip(position[i], low, high) - position[i]) <= TRUNCATION * spread[i]
            assert found[i, cell] == pytest.approx(exact if reached else 0.0, abs=1e-15)


def test_an_event_keeps_all_its_mass_inside_and_half_of_it_on_the_edge():
    total = spread_out(*factors_of([26.1, 20.0, 32.0], [0.3, 0.3, 0.3])).sum(axis=1)
    np.testing.assert_allclose(total, [1.0, 0.5, 0.5], atol=1e-4)  # 4 spreads leave 6e-5 out


def test_an_event_out_of_reach_fills_nothing():
    _, size, _ = factors_of([15.0, 40.0], [0.5, 0.5])
    assert size.tolist() == [0, 0]


@pytest.fixture(scope="module")
def stamps():
    rng = np.random.default_rng(0)
    y = factors_of(rng.uniform(19, 33, 30), rng.uniform(0.1, 0.6, 30))
    x = factors_of(rng.uniform(19, 33, 30), rng.uniform(0.1, 0.6, 30))
    return (*y, *x), spread_out(*y), spread_out(*x)


def test_add_events_sums_the_members_between_begin_and_end(stamps):
    arrays, y, x = stamps
    member = np.arange(30) % 3 != 0
    total = np.zeros((CELLS, CELLS))
    add_events(total, 5, 22, member, *arrays)
    twin = sum(np.outer(y[i], x[i]) for i in range(5, 22) if member[i])
    np.testing.assert_allclose(total, twin, atol=1e-14)


def test_decaying_sums_weigh_each_event_at_each_time(stamps):
    arrays, y, x = stamps
    begin, end = np.array([0, 4, 7]), np.array([3, 19, 7])
    weights = np.random.default_rng(1).random((3, 15, 2))
    out = np.zeros((3, 2, CELLS, CELLS))
    decaying_sums(out, begin, end, weights, *arrays)
    for t in range(3):
        for q in range(2):
            twin = np.zeros((CELLS, CELLS))
            for i in range(begin[t], end[t]):
                twin += weights[t, i - begin[t], q] * np.outer(y[i], x[i])
            np.testing.assert_allclose(out[t, q], twin, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("p", [0.9, 1.0, 1.2])
@pytest.mark.parametrize("age", [0.0, 0.3, 400.0])
def test_omori_integral_is_the_quadrature_of_the_law(p, age):
    exact, _ = quad(lambda s: (s + 0.05) ** -p, age, age + 30, limit=200)
    assert omori_integral(np.array([age]), 30, p, 0.05)[0] == pytest.approx(exact, rel=1e-7)
