from dataclasses import replace
from math import erf, sqrt

import numpy as np
import pytest

from graben.errors import ModelError
from graben.quakes.grid import Grid
from graben.quakes.kernels import gaussian_factors
from graben.quakes.models.cell_kernels import add_within
from graben.quakes.models.continuation import Continuations
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.expected_cells import ExpectedCells, direct_offspring
from graben.quakes.models.spatial_mixture import SpatialMixture
from graben.quakes.polygon import Polygon
from graben.quakes.region import Region
from graben.quakes.sequence import EARTH_RADIUS_KM, EventSequence, Windows

PARAMETERS = EtasParameters(-7.0, -1.9, 1.2, -2.0, 0.05, 3.0, 1.2, 0.6, 0.8)
BOX = Region(30, 38, 33, 40)


def sequence_of(time, longitude, latitude, magnitude):
    return EventSequence(
        np.asarray(time, float),
        np.asarray(longitude, float),
        np.asarray(latitude, float),
        np.asarray(magnitude, float),
        3.0,
        0.1,
        Polygon.of(BOX),
        Windows("2000-01-01", "2000-02-01", "2000-08-01", "2001-01-01", "2002-01-01"),
    )


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(2)
    size = 400
    magnitude = 3 + np.floor(rng.exponential(1 / np.log(10), size) * 10) / 10
    magnitude[-1] = 6.0
    sequence = sequence_of(
        np.sort(rng.uniform(0, 500, size)),
        rng.uniform(30, 33, size),
        rng.uniform(38, 40, size),
        magnitude,
    )
    process = Etas.with_parameters(PARAMETERS, sequence.polygon.area_km2)
    return ExpectedCells(Continuations(process, sequence))


def test_expected_counts_are_the_mean_of_simulated_catalogues(cells):
    day, horizon = cells.continuations.sequence.time[-1] + 0.5, 20.0
    found = cells.at(day, horizon, 2000, seed=1)
    branching, sources = cells.continuations.at(day)
    drawn = branching.simulate(sources, horizon, 20_000, seed=2)
    error = drawn.counts().std() / np.sqrt(drawn.count)
    assert found.total.sum() == pytest.approx(len(drawn) / drawn.count, abs=4 * error)
    row, column, _ = cells.grid.cell_of(drawn.longitude, drawn.latitude)
    counted = np.zeros(cells.grid.shape)
    np.add.at(counted, (row, column), 1 / drawn.count)
    chosen = counted > 0.05
    assert chosen.any()
    deviation = (found.total - counted)[chosen] / np.sqrt(counted[chosen] / drawn.count)
    assert np.abs(deviation).max() < 8  # events cluster, so cells vary more than by Poisson
    assert found.direct.sum() > 0.2 * found.total.sum()
    assert 0 < found.noise < 0.2


def test_direct_offspring_are_those_of_the_first_generation(cells):
    day = cells.continuations.sequence.time[-1] + 0.5
    branching, sources = cells.continuations.at(day)
    expected = direct_offspring(branching, sources, 20.0)
    assert expected.argmax() == 399
    delays = np.geomspace(1e-6, 20, 200_001)
    p = PARAMETERS
    rate = (0.5 + delays + 10**p.log10_c) ** (-1 - p.omega) * np.exp(
        -(0.5 + delays) / 10**p.log10_tau
    )
    core = 10**p.log10_d * np.exp(3 * p.gamma)
    scale = 10**p.log10_k0 * np.exp(3 * p.a) * np.pi / p.rho * core**-p.rho
    assert expected[-1] == pytest.approx(scale * np.trapezoid(rate, delays), rel=1e-4)


def test_the_background_in_cells_adds_up_to_its_rate_where_it_touches_the_border(cells):
    mixture = SpatialMixture(
        cells.continuations.sequence.polygon,
        0.5,
        np.array([30.01, 31.5]),
        np.array([38.01, 39.1]),
        np.array([20.0, 4.0]),
        np.array([1.0, 2.0]),
    )
    found = cells._background(mixture)
    assert found.sum() == pytest.approx(3.5, rel=1e-12)
    flat = 0.5 * cells.grid.area / cells.grid.area.sum()
    # the narrow one, by error functions: the twin of the kernel
    spread = np.degrees(4.0 / EARTH_RADIUS_KM)

    def within(low, high, centre, width):
        return 0.5 * (
            erf((high - centre) / width / sqrt(2)) - erf((low - centre) / width / sqrt(2))
        )

    row, column, _ = cells.grid.cell_of(np.array([31.5]), np.array([39.1]))
    north = within(39.0, 39.25, 39.1, spread)
    east = within(31.5, 31.75, 31.5, spread / np.cos(np.radians(39.1)))
    at = row[0], column[0]
    assert (found - flat)[at] == pytest.approx(2.0 * north * east, rel=1e-4)


def test_gaussians_are_cut_to_a_polygon_as_in_numpy():
    grid = Grid.covering(Region(30, 38, 31, 39), 0.25)
    inside = np.random.default_rng(0).uniform(0, 1, grid.shape)
    position, spread = np.array([30.4, 30.9]), np.array([0.1, 0.3])
    axes = []
    for edge, shift in ((38.0, 8.0), (30.0, 0.0)):
        first, size = np.empty(2, np.int64), np.empty(2, np.int64)
        factors = np.zeros((2, 4))
        gaussian_factors(position + shift, spread, edge, 0.25, 4, first, size, factors)
        axes += [first, size, factors]
    total = np.zeros(grid.shape)
    rate = np.array([2.0, 3.0])
    add_within(total, rate, inside, *axes)
    twin = np.zeros(grid.shape)
    for i in range(2):
        share = np.zeros(grid.shape)
        rows = slice(axes[0][i], axes[0][i] + axes[1][i])
        columns = slice(axes[3][i], axes[3][i] + axes[4][i])
        share[rows, columns] = np.outer(axes[2][i, : axes[1][i]], axes[5][i, : axes[4][i]])
        share *= inside
        twin += rate[i] * share / share.sum()
    np.testing.assert_allclose(total, twin, rtol=1e-12)


def test_offspring_lie_along_the_strike():
    """Stretched by a strike to the east, the cells east of the event gain what those north lose."""
    sequence = sequence_of([10.0, 11.0], [31.625, 30.1], [39.125, 38.1], [6.0, 3.0])
    process = Etas.with_parameters(PARAMETERS, sequence.polygon.area_km2)

    class Struck(Continuations):
        def at(self, day):
            branching, sources = super().at(day)
            strike = (np.ones(2), np.zeros(2), np.ones(2))
            return replace(branching, anisotropy=1.0), replace(sources, strike=strike)

    even, along = (
        ExpectedCells(kind(process, sequence))._spread.toarray()[0].reshape(8, 12)
        for kind in (Continuations, Struck)
    )
    assert even.sum() == pytest.approx(1, abs=0.35)  # the rest lies outside the box
    assert along[4, 7] > 1.3 * even[4, 7]
    assert along[5, 6] < 0.8 * even[5, 6]


def test_the_same_seed_gives_the_same_and_the_future_none(cells):
    first = cells.at(300.0, 10.0, 50, seed=3)
    sequence = cells.continuations.sequence
    until = int(np.searchsorted(sequence.time, 300.0))
    cut = sequence_of(*(getattr(sequence, name)[:until] for name in
                        ("time", "longitude", "latitude", "magnitude")))  # fmt: skip
    known = ExpectedCells(Continuations(cells.continuations.process, cut))
    again = cells.at(300.0, 10.0, 50, seed=3)
    np.testing.assert_array_equal(first.halves, again.halves)
    np.testing.assert_allclose(known.at(300.0, 10.0, 50, seed=3).direct, first.direct, rtol=1e-12)


def test_a_grid_that_reaches_beyond_is_refused(cells):
    with pytest.raises(ModelError, match="fit one there"):
        cells.part(Grid.covering(Region(29, 38, 33, 40), 0.25))
