import numpy as np
import pytest

from graben.imaging.brightness import envelope_ratio, usual_envelope


def test_the_usual_envelope_of_a_sine_is_its_amplitude():
    wave = 3 * np.sin(np.arange(400) / 3).astype(np.float32)
    traces = np.stack([wave, np.zeros(400, np.float32), wave])
    np.testing.assert_allclose(usual_envelope(traces)[60:340], 3, rtol=0.03)


def test_a_spot_three_times_as_loud_has_a_ratio_of_three():
    wave = np.sin(np.arange(200) / 3).astype(np.float32)
    image = np.broadcast_to(wave, (20, 20, 200)).copy()
    image[8:13, 8:13] *= 3
    ratio = envelope_ratio(image, np.ones(200, np.float32))
    assert ratio[10, 10, 100] == pytest.approx(3, rel=0.05)
    assert ratio[2, 2, 100] == pytest.approx(1, rel=0.05)
