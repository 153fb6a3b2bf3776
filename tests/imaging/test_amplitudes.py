"""What a survey is normalised by."""

import numpy as np
import pytest
from scipy.stats import norm

from graben.errors import SeismicError
from graben.imaging import amplitudes as module
from graben.imaging import in_memory_volume
from graben.imaging.amplitudes import amplitudes_of, sampled_traces, spectrum_of
from graben.tiling import InMemory


def noise(shape=(40, 30, 100), seed=1):
    return np.random.default_rng(seed).normal(3, 20, shape).astype(np.float32)


def test_a_normal_law_gives_its_own_numbers():
    found = in_memory_volume(noise()).survey_statistics()
    assert found.mean == pytest.approx(3, abs=0.3)
    assert found.std == pytest.approx(20, rel=0.01)
    assert found.clip == pytest.approx(4 * norm.ppf(0.975), rel=0.02)


def test_outliers_ten_thousand_times_as_large_do_not_count():
    clean, dirty = noise(), noise()
    dirty.ravel()[::100] = 2e5
    assert amplitudes_of(dirty.reshape(-1, 100)).std == pytest.approx(
        amplitudes_of(clean.reshape(-1, 100)).std, rel=0.02
    )


def test_dead_traces_and_muted_ends_do_not_count():
    cube = noise()
    alone = in_memory_volume(cube).survey_statistics()
    padded = np.concatenate([np.zeros((40, 30, 50), np.float32), cube], axis=2)
    padded = np.concatenate([padded, np.zeros((40, 30, 150), np.float32)], axis=0)
    found = in_memory_volume(padded).survey_statistics()
    assert (found.mean, found.std) == (pytest.approx(alone.mean), pytest.approx(alone.std))


def test_normalised_samples_have_mean_0_and_deviation_1_and_end_at_the_clip():
    cube = noise()
    cube[0, 0, 0] = -1e9
    measured = in_memory_volume(cube).survey_statistics()
    found = measured.normalise(cube)
    assert found.dtype == np.float32
    assert found.mean() == pytest.approx(0, abs=1e-3)
    assert found.std() == pytest.approx(1, abs=1e-3)
    assert found[0, 0, 0] == np.float32(-measured.clip)


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan])
def test_nothing_to_normalise_by_is_refused(value):
    volume = in_memory_volume(np.full((3, 4, 5), value))
    with pytest.raises(SeismicError, match="expected seismic amplitudes"):
        volume.survey_statistics()


def test_a_sample_is_bounded_seeded_and_lies_where_traces_are(monkeypatch):
    monkeypatch.setattr(module, "MOST_SAMPLES", 64 * 4 * 100)
    cube = noise((60, 50, 100))
    missing = np.ones((60, 50), bool)
    missing[50:, 40:] = False
    cube[missing] = 0
    first, second, other = (sampled_traces(InMemory(cube), missing, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert first.shape == (64 * 4, 100)
    assert (first != 0).any(axis=1).mean() > 0.8


def test_a_wave_has_its_own_spectrum():
    time = 0.002 * np.arange(1000)
    waves = np.stack([4 * np.sin(2 * np.pi * 40 * time + phase) for phase in (0, 1, 2)])
    frequencies, found = spectrum_of(
        np.concatenate([waves, np.zeros_like(waves)]).astype(np.float32), 2.0
    )
    assert frequencies[-1] == 250
    assert frequencies[found.argmax()] == 40
    assert found.max() == pytest.approx(2, rel=0.01)
