import numpy as np
import pytest

from graben.imaging.wavelets import draw_wavelet, ormsby, ricker, turned


def spectrum(wavelet):
    padded = np.zeros(4096)
    padded[: wavelet.size] = wavelet
    return np.fft.rfftfreq(4096, 0.004), np.abs(np.fft.rfft(padded))


@pytest.mark.parametrize("frequency", [12.0, 25.0, 55.0])
def test_a_ricker_peaks_at_its_frequency_and_is_symmetric(frequency):
    wavelet = ricker(frequency)
    assert wavelet.size % 2 == 1
    np.testing.assert_array_equal(wavelet, wavelet[::-1])
    hertz, strength = spectrum(wavelet)
    assert hertz[strength.argmax()] == pytest.approx(frequency, abs=1.0)
    assert abs(wavelet[0]) < 1e-2 * wavelet.max()


def test_an_ormsby_passes_its_band_and_nothing_far_from_it():
    hertz, strength = spectrum(ormsby((5, 10, 50, 70)))
    inside = strength[(hertz > 15) & (hertz < 45)]
    assert inside.min() > 0.85 * strength.max()
    assert strength[hertz > 85].max() < 0.05 * strength.max()
    assert strength[hertz < 1].max() < 0.2 * strength.max()


def test_turning_by_90_degrees_makes_it_odd_and_keeps_its_spectrum():
    wavelet = ricker(30.0)
    odd = turned(wavelet, 90)
    np.testing.assert_allclose(odd, -odd[::-1], atol=1e-2)
    np.testing.assert_allclose(turned(wavelet, 180), -wavelet, atol=1e-6)
    for part in (spectrum(odd)[1] - spectrum(wavelet)[1])[50:400]:
        assert abs(part) < 0.05 * spectrum(wavelet)[1].max()


def test_wavelets_are_drawn_odd_in_length():
    generator = np.random.default_rng(0)
    drawn = [draw_wavelet(generator) for _ in range(100)]
    assert all(one.size % 2 == 1 and one.dtype == np.float32 for one in drawn)
    assert len({one.size for one in drawn}) > 10
