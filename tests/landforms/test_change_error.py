"""Errors of a difference: the spread, the likeness of neighbours, and sums against brute force."""

import numpy as np
import pytest
from scipy import ndimage

from graben.landforms.change_error import (
    ErrorModel,
    Spread,
    Sums,
    learn_spread,
    slope_and_curvature,
)
from graben.landforms.coregistration import Coregistration
from graben.landforms.error_correlation import (
    Correlation,
    Covariance,
    SharedErrors,
    _pair_sums,
    shared_errors,
)

STEP = (10.0, 15.0)


def test_the_spread_follows_the_slope():
    rows, columns = np.indices((300, 300))
    terrain = (columns / 300) ** 2 * 1500 + 0.0 * rows
    slope, _ = slope_and_curvature(terrain, (10.0, 10.0))
    truth = 0.5 + 0.05 * slope
    errors = truth * np.random.default_rng(1).standard_normal(terrain.shape)
    _, got = learn_spread(errors, terrain, np.ones(terrain.shape, bool), (10.0, 10.0))
    inside = (slice(2, -2), slice(30, -30))
    assert np.abs(got / truth - 1)[inside].max() < 0.12


def test_slope_and_curvature_of_a_bowl():
    y, x = np.indices((20, 20)) * 10.0
    slope, curvature = slope_and_curvature(0.001 * (x**2 + y**2), (10.0, 10.0))
    assert curvature[10, 10] == pytest.approx(0.004)
    assert slope[10, 5] == pytest.approx(np.degrees(np.arctan(0.002 * np.hypot(50, 100))))


def test_pair_sums_are_those_of_all_pairs():
    random = np.random.default_rng(2)
    z, q = random.standard_normal((7, 8)), random.standard_normal((2, 7, 8))
    z[2, 3] = z[5, 1] = np.nan
    lag, pairs, sums = _pair_sums(z, q, STEP)
    got = dict(sums)
    rows, columns = np.nonzero(np.isfinite(z))
    dy = (rows[:, None] - rows) * STEP[0]
    dx = (columns[:, None] - columns) * STEP[1]
    a, b = np.meshgrid(z[rows, columns], z[rows, columns], indexing="ij")
    qq = sum(np.outer(one[rows, columns], one[rows, columns]) for one in q)
    for distance in (0.0, 10.0, 15.0, np.hypot(20, 15)):
        held = np.isclose(np.hypot(dy, dx), distance) & (dx >= 0)
        here = np.isclose(lag, distance)
        assert pairs[here].sum() == pytest.approx(held.sum())
        assert got["errors"][here].sum() == pytest.approx((a * b)[held].sum())
        assert got["errors_by_slope"][here].sum() == pytest.approx((a * b * qq)[held].sum())
        assert got["slope"][here].sum() == pytest.approx(qq[held].sum())
        assert got["slope_square"][here].sum() == pytest.approx((qq**2)[held].sum())
        assert got["halves"][here].sum() == pytest.approx(((a - b)[held] ** 2).sum() / 2)


def smooth_noise(random, shape, cells):
    field = ndimage.gaussian_filter(random.standard_normal(shape), cells, mode="wrap")
    return field / field.std()


def test_noise_that_is_alike_is_told_from_noise_that_is_not():
    random = np.random.default_rng(3)
    shape = (250, 250)
    z = 0.8 * smooth_noise(random, shape, 4) + 0.6 * random.standard_normal(shape)
    shared = shared_errors(z, random.standard_normal((2, *shape)), (10.0, 10.0))
    lag = np.array([0.0, 20, 50, 80, 150])
    # a Gaussian filter of s cells makes a correlation of exp(-h^2 / 4 s^2)
    truth = 0.64 * np.exp(-(lag**2) / (4 * 40**2)) + 0.36 * (lag == 0)
    assert np.abs(shared.noise.at(lag) - truth).max() < 0.06
    assert shared.displacement.at(np.array([0.0]))[0] < 0.02
    assert np.abs(shared.fitted - shared.variogram).max() < 0.08


def test_displacements_that_vary_are_told_from_noise():
    random = np.random.default_rng(4)
    shape = (250, 250)
    q = np.stack([smooth_noise(random, shape, 5) for _ in range(2)])
    u = [0.7 * smooth_noise(random, shape, 12) for _ in range(2)]
    z = u[0] * q[0] + u[1] * q[1] + 0.5 * random.standard_normal(shape)
    shared = shared_errors(z, q, (10.0, 10.0))
    near, far = shared.displacement.at(np.array([0.0, 300.0]))
    assert near - far == pytest.approx(0.49 * (1 - np.exp(-(300**2) / (4 * 120**2))), abs=0.1)
    assert np.ptp(shared.noise.at(np.array([50.0, 300.0]))) < 0.08


def tiny_model():
    random = np.random.default_rng(5)
    shape = (9, 11)
    noise = Covariance(0.3, (Correlation("exponential", 60.0, 0.7),))
    displacement = Covariance(0.0, (Correlation("gaussian", 80.0, 0.2),))
    nothing = np.zeros(1)
    sigma = random.uniform(0.5, 2, shape)
    flat = Spread(nothing, nothing, nothing[:, None], nothing[:, None].astype(int))
    shared = SharedErrors(noise, displacement, nothing, nothing, nothing)
    errors = ErrorModel(sigma, flat, shared, STEP, 2.0)
    design = np.stack([*random.standard_normal((2, *shape)), np.ones(shape)])
    weight = np.where(random.random(shape) < 0.7, random.uniform(0.5, 2, shape), 0.0)
    placed = Coregistration(0, 0, 0, (0, 0), np.zeros(shape), design, weight, ())
    return errors, placed, random.uniform(90, 110, (shape[0], 1))


def brute_force(errors, placed, area, cells):
    """The double sum over all pairs of cells, with matrices."""
    shape = cells.shape
    y, x = (place.ravel() * step for place, step in zip(np.indices(shape), STEP, strict=True))
    lag = np.hypot(y[:, None] - y, x[:, None] - x)
    sigma = errors.sigma.ravel()
    covariance = np.outer(sigma, sigma) * errors.shared.noise.at(lag)
    for axis in (0, 1):
        gradient = placed.design[axis].ravel() / STEP[axis]
        covariance += np.outer(gradient, gradient) * errors.shared.displacement.at(lag)
    design = placed.design.reshape(3, -1)
    weighted = design * placed.weight.ravel()
    sum_of = (np.broadcast_to(area, shape) * cells).ravel()
    weights = sum_of - (design @ sum_of) @ np.linalg.solve(weighted @ design.T, weighted)
    return float(np.sqrt(weights @ covariance @ weights))


def test_the_error_of_a_volume_is_the_double_sum_over_all_pairs():
    errors, placed, area = tiny_model()
    sums = Sums(errors, placed, area)
    some = np.zeros(errors.sigma.shape, bool)
    some[2:5, 3:9] = True
    for cells in (some, ~some, np.ones_like(some), some & (placed.weight > 0)):
        assert sums.standard_error(cells) == pytest.approx(
            brute_force(errors, placed, area, cells), rel=1e-4
        )
    assert sums.standard_error(np.zeros_like(some)) == 0


def test_the_error_of_the_placement_is_that_of_its_least_squares():
    errors, placed, area = tiny_model()
    got = Sums(errors, placed, area).parameter_errors()
    random = np.random.default_rng(6)
    shape = errors.sigma.shape
    y, x = (place.ravel() * step for place, step in zip(np.indices(shape), STEP, strict=True))
    lag = np.hypot(y[:, None] - y, x[:, None] - x)
    sigma = errors.sigma.ravel()
    covariance = np.outer(sigma, sigma) * errors.shared.noise.at(lag)
    for axis in (0, 1):
        gradient = placed.design[axis].ravel() / STEP[axis]
        covariance += np.outer(gradient, gradient) * errors.shared.displacement.at(lag)
    draws = random.multivariate_normal(np.zeros(sigma.size), covariance, 4000)
    design = placed.design.reshape(3, -1)
    weighted = design * placed.weight.ravel()
    fitted = np.linalg.solve(weighted @ design.T, weighted @ draws.T)
    assert np.allclose(fitted.std(axis=1), got, rtol=0.05)
