from itertools import product

import numpy as np
import pytest

from graben.errors import InputError, SeismicError
from graben.imaging.attributes import (
    EigenCoherence,
    Semblance,
    Variance,
    Window,
    eigen_coherence,
    semblance,
    variance,
)
from graben.tiling import plan_tiles

LIKENESS = {"semblance": Semblance, "variance": Variance, "eigen_coherence": EigenCoherence}


@pytest.fixture(scope="module")
def noise():
    volume = np.random.default_rng(5).standard_normal((7, 9, 30)).astype(np.float32)
    volume[2:4, 3] = 0
    volume[5, 5, 10:12] = np.nan
    volume[6, 0] = np.inf
    return volume


def windows(volume, lateral, vertical):
    """Give each place, the live traces of its window (float64) and the samples it holds."""
    clean = np.where(np.isfinite(volume), volume, 0).astype(float)
    for i, j, k in product(*map(range, volume.shape)):
        first, last = max(k - vertical, 0), min(k + vertical + 1, volume.shape[2])
        around = clean[max(i - lateral, 0) : i + lateral + 1, max(j - lateral, 0) : j + lateral + 1]
        traces = around.reshape(-1, volume.shape[2])
        traces = traces[traces.any(axis=1)]
        yield (i, j, k), traces[:, first:last], np.arange(first, last) - k


def twin(name, volume, window):
    out = np.empty(volume.shape)
    for place, traces, away in windows(volume, window.lateral, window.vertical):
        weights = np.ones(away.size)
        if name == "variance":
            weights = window.vertical + 1.0 - abs(away)
        energy = (weights * traces**2).sum()
        if energy == 0:
            out[place] = name != "variance"
        elif name == "semblance":
            out[place] = (traces.sum(axis=0) ** 2).sum() / (len(traces) * energy)
        elif name == "variance":
            out[place] = (weights * (traces - traces.mean(axis=0)) ** 2).sum() / energy
        else:
            values = np.linalg.eigvalsh(traces @ traces.T)
            out[place] = values[-1] / values.sum()
    return out


@pytest.mark.parametrize("window", [Window(), Window(2, 3), Window(1, 0), Window(9, 40)])
@pytest.mark.parametrize("name", ["semblance", "variance"])
def test_likeness_is_its_definition(noise, name, window):
    found = LIKENESS[name](window)(noise, plan_tiles(noise.shape, 99, 0)[0], noise.shape)[name]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, twin(name, noise, window), atol=2e-6)


@pytest.mark.parametrize("window", [Window(), Window(2, 3), Window(1, 0), Window(1, 40)])
def test_eigen_coherence_is_its_definition(noise, window):
    apart = abs(eigen_coherence(noise, window) - twin("eigen_coherence", noise, window))
    assert apart.max() < 0.05
    assert apart.mean() < 5e-4


@pytest.mark.parametrize("name", LIKENESS)
def test_likeness_of_tiles_is_that_of_the_whole_bit_for_bit(name):
    volume = np.random.default_rng(6).standard_normal((13, 14, 71)).astype(np.float32)
    volume[4, 5] = 0
    function = LIKENESS[name](Window(2, 4))
    whole = {"semblance": semblance, "variance": variance, "eigen_coherence": eigen_coherence}
    expected = whole[name](volume, Window(2, 4))
    for tile in plan_tiles(volume.shape, (5, 6, 71), function.halo):
        found = function(volume[tile.padded], tile, volume.shape)[name]
        np.testing.assert_array_equal(found, expected[tile.core])


def test_a_fault_is_where_traces_are_unlike():
    time = np.arange(120)
    section = np.stack([np.sin(time / 4 + 3 * (trace >= 20)) for trace in range(40)])[None]
    middle = slice(10, -10)
    for function in (semblance, lambda volume: 1 - variance(volume)):
        alike = function(section.astype(np.float32))[0, :, middle]
        away = np.r_[0:19, 21:40]
        np.testing.assert_allclose(alike[away], 1, atol=1e-5)
        assert alike[19:21].max() < 0.5


def test_eigen_coherence_does_not_mind_strength_and_sign():
    wave = np.random.default_rng(1).standard_normal(50)
    strength = np.array([1, -2, 0.5, 3, -1, 4])
    section = (strength[:, None] * wave)[None].astype(np.float32)
    np.testing.assert_allclose(eigen_coherence(section), 1, atol=1e-5)
    assert semblance(section).min() < 0.2


@pytest.mark.parametrize("constant", [0, 5, np.nan])
def test_traces_that_are_the_same_are_alike_whatever_they_hold(constant):
    volume = np.full((3, 4, 11), constant, np.float32)
    np.testing.assert_allclose(semblance(volume), 1, atol=1e-6)
    np.testing.assert_allclose(eigen_coherence(volume), 1, atol=1e-6)
    np.testing.assert_allclose(variance(volume), 0, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 40), (1, 12, 3), (4, 1, 9)])
def test_a_volume_may_be_one_trace_wide_or_smaller_than_the_window(shape):
    volume = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    for name in ("semblance", "variance"):
        found = semblance(volume) if name == "semblance" else variance(volume)
        np.testing.assert_allclose(found, twin(name, volume, Window()), atol=2e-6)


def test_what_is_no_volume_or_window_is_refused():
    with pytest.raises(SeismicError, match=r"\(1, traces, samples\)"):
        semblance(np.ones((4, 5)))
    with pytest.raises(SeismicError, match="shape"):
        eigen_coherence(np.ones((0, 5, 6)))
    with pytest.raises(InputError, match="3 x 3 x 9"):
        Window(0, 4)
    with pytest.raises(InputError, match="3 x 3 x 9"):
        Window(1, 2.5)
