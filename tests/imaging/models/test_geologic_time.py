import numpy as np
import pytest

from graben.imaging.models import geologic_time
from graben.imaging.models.geologic_time import TINY, equations_of, time_by_layers
from graben.imaging.models.layer_matching import Pairs
from graben.imaging.models.layer_net import Described, LayerNet, LayerNetConfig


class Windows:
    """Describes a sample by the samples around it."""

    def describe(self, image):
        around = np.pad(image[::4, ::4], [(0, 0), (0, 0), (5, 5)])
        windows = np.lib.stride_tricks.sliding_window_view(around, 11, axis=2)
        length = np.linalg.norm(windows, axis=3, keepdims=True)
        return Described(np.ascontiguousarray(4 * windows / (length + 1e-6), "f4"), 8.0)


def layered(depth, samples=90):
    """Layers of random amplitude that lie as deep as a map says."""
    layers = np.random.default_rng(3).normal(size=300)
    layers = np.convolve(layers, np.hanning(7), "same")
    at = np.arange(samples) - depth[:, :, None] + 100
    return np.interp(at, np.arange(300), layers).astype(np.float32)


def test_folded_layers_have_the_time_of_their_fold():
    i, j = np.mgrid[:48, :64]
    depth = 5 * np.sin(i / 12) + 0.15 * j
    found = time_by_layers(Windows(), layered(depth))
    assert found.shape == (48, 64, 90)
    assert abs(found.mean()) < 1e-4
    error = found + (depth - depth.mean())[:, :, None]
    error -= error.mean()
    inside = (slice(None), slice(None), slice(20, -20))  # what leaves the volume is not seen
    assert np.abs(error[inside]).mean() < 0.35


def test_layers_are_followed_across_a_fault():
    i, j = np.mgrid[:32, :64]
    depth = 14.0 * (j >= 31) + 0.1 * i
    found = time_by_layers(Windows(), layered(depth))
    step = found[:, :26].mean((0, 1)) - found[:, 37:60].mean((0, 1))
    np.testing.assert_allclose(step[25:-25], 14, atol=0.7)


@pytest.mark.parametrize("shape", [(1, 40, 60), (3, 3, 50), (1, 1, 20), (16, 16, 1)])
def test_small_volumes_have_a_time(shape):
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = time_by_layers(LayerNet(LayerNetConfig(4, 4, (1,))).eval(), image)
    assert found.shape == shape
    assert np.isfinite(found).all()


def test_silence_is_level():
    found = time_by_layers(Windows(), np.zeros((16, 16, 40), np.float32))
    np.testing.assert_allclose(found, 0, atol=1e-4)


def test_a_trace_that_matches_none_lies_as_its_neighbours_do():
    i, j = np.mgrid[:32, :48]
    depth = 0.3 * j + 0 * i
    image = layered(depth)
    image[16, 20] = 0  # one of those that are described
    found = time_by_layers(Windows(), image)[14:19, 17:24, 30:60]
    expected = -0.3 * np.arange(17, 24)
    error = found.mean(2) - expected
    assert np.abs(error - error.mean()).max() < 1.0


def test_traces_of_one_sample_say_nothing():
    pairs = example(30)._replace(lag=np.zeros((1, 1), "f4"), likely=np.ones((1, 1), "f4"))
    assert len(equations_of([pairs], 1).first) == 0


def test_little_to_solve_is_solved():
    generator = np.random.default_rng(0)
    for _ in range(2000):
        samples = int(generator.integers(2, 5))
        lag = generator.uniform(-1, 1, (1, samples)).astype(np.float32)
        likely = generator.uniform(0.3, 1, lag.shape).astype(np.float32)
        pairs = Pairs(np.array([0]), np.array([1]), 1, lag, likely)
        equations = equations_of([pairs], samples)
        residual = np.zeros(2 * samples, np.float32)
        geologic_time._approach(residual, *equations[:4], equations.trust, samples)
        assert np.isfinite(residual).all()


def example(samples=30):
    """Two traces of which the second lies lower by 3, but for one match that is wrong."""
    lag = np.full((1, samples), 3, np.float32)
    lag[0, 10] = -9
    likely = np.full(lag.shape, 0.8, np.float32)
    likely[0, 4] = 0.2
    return Pairs(np.array([0]), np.array([1]), 4, lag, likely)


def test_equations_leave_out_what_is_unlikely_or_outside():
    found = equations_of([example()], 30)
    own = [k for k in range(0, 30, 2) if k != 4 and k + (-9 if k == 10 else 3) <= 29]
    np.testing.assert_array_equal(found.first, own)
    np.testing.assert_allclose(found.second + found.part - 30, own + found.lag, atol=1e-6)
    np.testing.assert_allclose(found.trust, (0.5 / 0.7) ** 2 / 2, rtol=1e-5)
    assert (found.second % 30 < 29).all()


def dense(equations, weight, samples, traces):
    """Solve the same least squares by a dense matrix."""
    size = samples * traces
    rows = []
    for a, b, part in zip(*equations[:3], strict=True):
        row = np.zeros(size)
        row[b] += 1 - part
        row[b + 1] += part
        row[a] -= 1
        rows.append(row)
    matrix = np.array(rows)
    bends = np.diff(np.eye(size), axis=0)[[k for k in range(size - 1) if (k + 1) % samples]]
    normal = matrix.T @ (weight[:, None] * matrix) + TINY * np.eye(size)
    normal += geologic_time.STIFF * bends.T @ bends
    return np.linalg.solve(normal, -matrix.T @ (weight * equations.lag))


def test_the_least_squares_are_those_of_a_dense_matrix():
    equations = equations_of([example()], 30)
    residual = np.zeros(60, np.float32)
    for _ in range(8):
        geologic_time._approach(residual, *equations[:4], equations.trust, 30)
    expected = dense(equations, equations.trust, 30, 2)
    found, known = residual - residual.mean(), expected - expected.mean()
    np.testing.assert_allclose(found, known, atol=0.01)


def test_a_match_that_fits_no_other_comes_to_count_nothing():
    equations = equations_of([example()], 30)
    residual = np.repeat(np.float32([0, -3]), 30)
    off = int(np.flatnonzero(equations.lag < 0)[0])
    weight = geologic_time._weights(residual, *equations, np.float32(2))
    assert weight[off] < 0.01 * equations.trust[off]
    np.testing.assert_array_equal(np.delete(weight, off), np.delete(equations.trust, off))
    plain = geologic_time._weights(residual, *equations, np.float32(np.inf))
    np.testing.assert_array_equal(plain, equations.trust)
