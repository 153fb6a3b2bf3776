import numpy as np
import pytest
from scipy.stats import kstest

from graben.quakes.models import simulation_kernels as kernels
from graben.quakes.models.simulation import _outline
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EARTH_RADIUS_KM

CONCAVE = Polygon([0.0, 4.0, 4.0, 2.0, 0.0], [40.0, 40.0, 44.0, 41.0, 43.5])


def plain_stream(state, size):
    """SplitMix64 in Python's integers."""
    mask = 2**64 - 1
    for _ in range(size):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield ((z ^ (z >> 31)) >> 12) / 2**52 + 2.0**-53


def test_a_stream_is_splitmix64_and_knows_nothing_of_its_neighbours():
    states = np.array([5, 2**64 - 3], np.uint64)
    found = [kernels.uniform(states, k) for _ in range(1000) for k in (1, 0)]
    assert found[1::2] == list(plain_stream(5, 1000))
    assert found[0::2] == list(plain_stream(2**64 - 3, 1000))


def test_numbers_are_uniform_and_exponential():
    states = np.array([1], np.uint64)
    assert kstest([kernels.uniform(states, 0) for _ in range(20_000)], "uniform").pvalue > 0.01
    assert kstest([kernels.exponential(states, 0) for _ in range(20_000)], "expon").pvalue > 0.01


def test_inside_an_outline_is_inside_the_polygon():
    rng = np.random.default_rng(1)
    longitude, latitude = rng.uniform(-1, 5, 5000), rng.uniform(39, 45, 5000)
    found = np.empty(5000, bool)
    kernels.are_inside(longitude, latitude, _outline(CONCAVE), found)
    np.testing.assert_array_equal(found, CONCAVE.contains(longitude, latitude))


@pytest.mark.parametrize(("east", "north"), [(30.0, -12.0), (-400.0, 900.0), (0.0, 0.0)])
def test_a_displaced_place_is_as_far_as_distances_are_measured(east, north):
    longitude, latitude = kernels.displaced(10.0, 60.0, east, north)
    middle = np.radians((60.0 + latitude) / 2)
    across = EARTH_RADIUS_KM * np.radians(longitude - 10.0) * np.cos(middle)
    assert across == pytest.approx(east, abs=1e-9)
    assert EARTH_RADIUS_KM * np.radians(latitude - 60.0) == pytest.approx(north, abs=1e-9)


@pytest.mark.parametrize(("east", "north"), [(0.0, 4000.0), (2.1e4, 0.0), (np.inf, 0.0)])
def test_what_is_displaced_off_the_globe_is_nowhere(east, north):
    assert np.isnan(kernels.displaced(10.0, 60.0, east, north)).all()


def test_sums_start_anew_in_every_segment():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    kernels.segment_sums(np.array([0, 2, 2]), np.array([2, 2, 5]), values)
    assert values.tolist() == [1.0, 3.0, 3.0, 7.0, 12.0]


@pytest.mark.parametrize("omega", [-0.2, 0.0, 1e-9, 0.3])
def test_delays_follow_the_power_law_between_their_ends(omega):
    low, high = 0.5, 400.0
    one = np.ones(1)
    parents = kernels.Parents(*([one] * 10))._replace(
        earliest=np.array([low]), log_span=np.array([np.log(high / low)])
    )
    law = kernels.Law(0.01, omega, 1e9, 0.5, 1.0)
    states = np.array([2], np.uint64)
    drawn = np.array([kernels.delay_plus_c(states, 0, parents, 0, law) for _ in range(20_000)])

    def integral(end):
        if abs(omega) < 1e-6:
            return np.log(end / low)
        return (low**-omega - end**-omega) / omega

    assert kstest(drawn, lambda x: integral(x) / integral(high)).pvalue > 0.01
