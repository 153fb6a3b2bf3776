import numpy as np
import pytest

from graben.errors import InputError, SeismicError
from graben.imaging.complex_trace import (
    OfTrace,
    Spectral,
    envelope,
    frequency,
    phase,
    spectral,
    spectrum_of,
    sweetness,
)
from graben.tiling import plan_tiles

INTERVAL = 4.0
TIME = np.arange(500) * INTERVAL / 1000
MIDDLE = slice(100, -100)


def sine(hertz, amplitude=1.0):
    return (amplitude * np.cos(2 * np.pi * hertz * TIME))[None, None].astype(np.float32)


def analytic_twin(trace, weight=lambda share: 1.0):
    """Sum the discrete Fourier series of a padded trace term by term."""
    from scipy.fft import next_fast_len

    length = next_fast_len(2 * trace.size, real=True)
    length += length % 2
    times = np.arange(length)
    padded = np.zeros(length)
    padded[: trace.size] = trace
    signal = np.zeros(length, complex)
    for k in range(length // 2 + 1):
        wave = np.exp(2j * np.pi * k * times / length)
        doubled = 1 if k in (0, length // 2) else 2
        signal += doubled * weight(2 * k / length) * (padded @ wave.conj()) / length * wave
    return signal[: trace.size]


@pytest.fixture(scope="module")
def trace():
    return np.random.default_rng(3).standard_normal(131)


def close(found, expected, scale=1.0):
    np.testing.assert_allclose(found[0, 0], expected, atol=3e-6 * scale)


def test_envelope_and_phase_are_their_definitions(trace):
    volume = trace[None, None].astype(np.float32)
    twin = analytic_twin(volume[0, 0].astype(float))
    close(envelope(volume), abs(twin))
    strong = abs(twin) > 0.1
    apart = phase(volume)[0, 0] - np.degrees(np.angle(twin))
    assert abs((apart[strong] + 180) % 360 - 180).max() < 0.01
    np.testing.assert_allclose(
        envelope(volume) * np.cos(np.radians(phase(volume))), volume, atol=1e-5
    )


def test_frequency_is_its_definition(trace):
    volume = trace[None, None].astype(np.float32)
    twin = analytic_twin(volume[0, 0].astype(float))
    steps = np.r_[0, twin[1:] * twin[:-1].conj()]
    sums = np.array([steps[max(k - 4, 0) : k + 5].sum() for k in range(trace.size)])
    expected = np.maximum(np.angle(sums) / (2 * np.pi * INTERVAL / 1000), 0)
    close(frequency(volume, INTERVAL), expected, 125)
    sweet = abs(twin) / np.sqrt(np.maximum(expected, 1.25))
    np.testing.assert_allclose(sweetness(volume, INTERVAL)[0, 0], sweet, rtol=1e-3, atol=1e-4)


def test_a_spectral_band_is_its_definition(trace):
    volume = trace[None, None].astype(np.float32)
    twin = analytic_twin(
        volume[0, 0].astype(float), lambda share: np.exp(-0.5 * ((share * 125 - 30) / 7.5) ** 2)
    )
    close(spectral(volume, INTERVAL, 30), abs(twin))


@pytest.mark.parametrize("hertz", [5, 30, 80])
def test_of_a_sine_strength_and_frequency_are_known(hertz):
    volume = sine(hertz, 3)
    np.testing.assert_allclose(envelope(volume)[0, 0, MIDDLE], 3, rtol=0.02)
    np.testing.assert_allclose(frequency(volume, INTERVAL)[0, 0, MIDDLE], hertz, rtol=0.02)
    np.testing.assert_allclose(spectral(volume, INTERVAL, hertz)[0, 0, MIDDLE], 3, rtol=0.02)
    np.testing.assert_allclose(
        sweetness(volume, INTERVAL)[0, 0, MIDDLE], 3 / np.sqrt(hertz), rtol=0.03
    )
    turned = np.radians(phase(volume)[0, 0]) - 2 * np.pi * hertz * TIME
    assert abs(np.angle(np.exp(1j * turned))[MIDDLE]).max() < 0.05


def test_bands_tell_frequencies_apart():
    volume = sine(20) + 0.5 * sine(60)
    assert spectral(volume, INTERVAL, 20)[0, 0, 250] == pytest.approx(1, abs=0.02)
    assert spectral(volume, INTERVAL, 60)[0, 0, 250] == pytest.approx(0.5, abs=0.06)
    assert spectral(volume, INTERVAL, 110)[0, 0, 250] < 0.15


def test_peaks_have_no_phase_and_troughs_are_turned():
    wavelet = np.exp(-(((TIME - 1) * 40) ** 2)) * np.cos(2 * np.pi * 25 * (TIME - 1))
    volume = wavelet[None, None].astype(np.float32)
    assert phase(volume)[0, 0, 250] == pytest.approx(0, abs=1)
    assert abs(phase(-volume)[0, 0, 250]) == pytest.approx(180, abs=1)


def test_what_is_missing_or_not_finite_counts_as_zero():
    volume = np.repeat(sine(25), 3, axis=1)
    volume[0, 1] = 0
    volume[0, 2, 40:45] = np.nan
    zeros = np.nan_to_num(volume)
    for function in (
        envelope, phase, lambda one: frequency(one, 4), lambda one: sweetness(one, 4),
        lambda one: spectral(one, 4, 20),
    ):  # fmt: skip
        found = function(volume)
        assert np.isfinite(found).all()
        assert (found[0, 1] == 0).all()
        np.testing.assert_array_equal(found, function(zeros))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 2), (3, 1, 5), (1, 4, 33)])
def test_traces_may_be_short(shape):
    volume = np.ones(shape, np.float32)
    for found in (envelope(volume), phase(volume), sweetness(volume, 4), spectral(volume, 4, 30)):
        assert found.shape == shape
        assert np.isfinite(found).all()


@pytest.mark.parametrize("samples", [120, 131])
def test_tiles_give_the_bits_of_the_whole(samples):
    volume = np.random.default_rng(1).standard_normal((5, 11, samples)).astype(np.float32)
    functions = [OfTrace(one, 4.0) for one in ("envelope", "phase", "frequency", "sweetness")]
    for function in (*functions, Spectral(4.0, (20, 40.5))):
        (all_of_it,) = plan_tiles(volume.shape, 999, 0)
        expected = function(volume, all_of_it, volume.shape)
        for tile in plan_tiles(volume.shape, (2, 3, samples), function.halo):
            for name, found in function(volume[tile.padded], tile, volume.shape).items():
                np.testing.assert_array_equal(found, expected[name][tile.core], err_msg=name)


def test_a_spectrum_has_its_peak_at_the_frequency_of_a_sine():
    hertz, amplitudes = spectrum_of(np.repeat(sine(30), 4, axis=0), INTERVAL)
    assert hertz[amplitudes.argmax()] == pytest.approx(30)
    assert hertz[-1] == 125
    with pytest.raises(SeismicError, match="got none"):
        spectrum_of(np.empty((0, 5)), INTERVAL)


def test_frequencies_that_cannot_be_are_refused():
    for hertz in (0, -5, 125, np.nan):
        with pytest.raises(InputError, match="Nyquist frequency of 125 Hz"):
            spectral(sine(20), INTERVAL, hertz)
    with pytest.raises(InputError, match="15, 30 and 60"):
        Spectral(4.0, ())
    with pytest.raises(InputError, match="sample interval"):
        frequency(sine(20), 0)
