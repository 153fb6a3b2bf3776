import numpy as np
import pytest

from graben.errors import InputError
from graben.imaging.amplitudes import Amplitudes
from graben.imaging.attributes import semblance
from graben.imaging.prepare import (
    Bandpass,
    Denoise,
    GainControl,
    Normalise,
    Preparation,
    read_steps,
)
from graben.imaging.structure import dips
from graben.tiling import plan_tiles

INTERVAL = 4.0
TIME = np.arange(600) * INTERVAL / 1000


def of_survey():
    return Amplitudes(mean=1.0, std=2.0, clip=3.0)


@pytest.fixture(scope="module")
def faulted():
    """Dipping layers cut by a fault with a throw of six samples: clean, and with noise."""
    generator = np.random.default_rng(7)
    wavelet = (1 - 2 * (np.arange(-8, 9) / 3.0) ** 2) * np.exp(-((np.arange(-8, 9) / 3.0) ** 2))
    trace = np.convolve(generator.standard_normal(500), wavelet, "same")
    inline, crossline, sample = np.mgrid[:20, :40, :120]
    at = sample - 0.4 * inline + 0.3 * crossline - 6.0 * (crossline >= 20) + 150
    clean = np.interp(at.ravel(), np.arange(500), trace / trace.std()).reshape(at.shape)
    noisy = clean + 0.7 * generator.standard_normal(clean.shape)
    return clean.astype(np.float32), noisy.astype(np.float32)


def test_a_band_is_let_through_without_delay():
    band = Bandpass(8, 60, INTERVAL)
    for hertz, left in {2: 0, 30: 1, 110: 0, 8: 0.5, 60: 0.5}.items():
        wave = np.cos(2 * np.pi * hertz * (TIME - TIME[300])).astype(np.float32)
        found = band(wave[None, None])[0, 0]
        np.testing.assert_allclose(found[200:400], left * wave[200:400], atol=0.02)


def test_a_band_pass_is_filtered_forwards_and_backwards():
    from scipy.signal import butter, sosfreqz

    spike = np.zeros((1, 1, 2001), np.float32)
    spike[0, 0, 1000] = 1
    found = Bandpass(10, 50, INTERVAL)(spike)[0, 0]
    np.testing.assert_allclose(found, found[::-1], atol=1e-6)
    hertz, response = sosfreqz(butter(4, (10, 50), "bandpass", output="sos", fs=250), 300, fs=250)
    spectrum = abs(np.fft.rfft(found, 40_000))
    expected = np.interp(np.fft.rfftfreq(40_000, 0.004), hertz, abs(response) ** 2)
    np.testing.assert_allclose(spectrum[50:-500], expected[50:-500], atol=5e-3)


@pytest.mark.parametrize("window", [40, 100, 10_000])
def test_gain_is_over_the_rms_of_its_window(window):
    volume = np.random.default_rng(1).standard_normal((2, 3, 90)).astype(np.float32)
    volume *= np.geomspace(1e-3, 1e3, 90, dtype=np.float32)
    found = GainControl(window, INTERVAL)(volume)
    radius = round(window / INTERVAL / 2)
    least = 1e-3 * np.sqrt((volume.astype(float) ** 2).mean(axis=2))
    for k in range(90):
        around = volume[..., max(k - radius, 0) : k + radius + 1].astype(float)
        rms = np.maximum(np.sqrt((around**2).mean(axis=2)), least)
        np.testing.assert_allclose(found[..., k], volume[..., k] / rms, rtol=1e-4)


def test_gain_does_not_raise_silence_and_takes_any_scale():
    volume = np.zeros((1, 2, 200), np.float32)
    volume[0, 0, 100:] = np.random.default_rng(2).standard_normal(100)
    volume[0, 0, :60] = 1e-12
    found = GainControl(200, INTERVAL)(volume)
    assert abs(found[0, 0, :60]).max() < 1e-6
    assert (found[0, 1] == 0).all()
    for scale in (1e-25, 1e25):
        np.testing.assert_allclose(
            GainControl(200, INTERVAL)(volume * np.float32(scale)), found, rtol=1e-4, atol=1e-6
        )


def test_normalised_by_the_survey_and_missing_traces_stay_so():
    volume = np.array([[[1, 3, -1, 100.0], [0, 0, 0, 0]]], np.float32)
    found = Normalise(of_survey())(volume)
    np.testing.assert_array_equal(found, [[[0, 1, -1, 3], [0, 0, 0, 0]]])


def test_noise_goes_and_edges_stay(faulted):
    clean, noisy = faulted
    found = Denoise()(noisy)
    inner = (slice(3, -3), slice(3, -3), slice(12, -12))

    def noise(volume, where=inner):
        return np.sqrt(np.mean((volume - clean)[where] ** 2))

    assert noise(found) < 0.45 * noise(noisy)  # 7 dB
    at_fault = (slice(3, -3), slice(19, 21), slice(12, -12))
    along = np.mean([np.roll(noisy, step, 1) for step in (-1, 0, 1)], axis=0)
    assert noise(found, at_fault) < 0.95 * noise(noisy, at_fault)
    assert noise(found, at_fault) < 0.95 * noise(along, at_fault)
    alike = semblance(found)[3:-3, :, 12:-12].mean(axis=(0, 2))
    assert alike[19:21].max() < alike[3:17].min() - 0.25


def test_what_is_clean_and_smooth_stays_as_it_is(faulted):
    clean, _ = faulted
    away = (slice(3, -3), slice(3, 16), slice(12, -12))
    lost = (Denoise()(clean) - clean)[away]
    assert np.sqrt(np.mean(lost**2)) < 0.06


def smoothed_twin(volume, at, traces=1):
    """Average along the dip at one place, window by window."""
    inline, crossline = (dip.astype(float) for dip in dips(volume))
    i, j, k = at
    samples = np.arange(k - 4, k + 5)
    weights = np.bartlett(11)[1:-1]

    def cubic(trace, times):
        low = np.floor(times).astype(int)
        a, b, c, d = (trace[low + step].astype(float) for step in (-1, 0, 1, 2))
        t = times - low
        return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))

    best = -1.0, 0.0
    for di in (0, -traces, traces):
        for dj in (0, -traces, traces):
            gathered = np.array([
                cubic(volume[i + m, j + n], samples + m * inline[i, j, samples]
                      + n * crossline[i, j, samples])
                for m in range(di - traces, di + traces + 1)
                for n in range(dj - traces, dj + traces + 1)
            ])  # fmt: skip
            mean = gathered.mean(axis=0)
            alike = (weights * mean**2).sum() / (weights * (gathered**2).mean(axis=0)).sum()
            if alike > best[0]:
                best = alike, mean[4]
    return best[1]


@pytest.mark.parametrize("traces", [1, 2])
def test_smoothing_is_its_definition(faulted, traces):
    volume = faulted[1]
    found = Denoise(traces)(volume)
    for at in [(9, 19, 60), (10, 20, 44), (8, 10, 80), (11, 21, 33)]:
        assert found[at] == pytest.approx(smoothed_twin(volume, at, traces), abs=1e-4)


def test_missing_traces_stay_missing_and_do_not_smear(faulted):
    volume = faulted[0].copy()
    volume[9, 10] = 0
    volume[4, 5, 30:40] = np.nan
    for step in (Denoise(), GainControl(200, INTERVAL), Bandpass(8, 60, INTERVAL)):
        found = step(volume)
        assert np.isfinite(found).all()
        assert (found[9, 10] == 0).all()
    lost = (Denoise()(volume) - volume)[9, 9, 12:-12]
    assert np.sqrt(np.mean(lost**2)) < 0.1


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 2), (1, 1, 50), (2, 1, 9), (1, 30, 20)])
@pytest.mark.parametrize("value", [0, 4, np.nan])
def test_volumes_may_be_narrow_constant_or_void(shape, value):
    volume = np.full(shape, value, np.float32)
    for step in (
        Bandpass(8, 60, INTERVAL), GainControl(100, INTERVAL), Denoise(3), Normalise(of_survey())
    ):  # fmt: skip
        found = step(volume)
        assert found.shape == shape
        assert found.dtype == np.float32
        assert np.isfinite(found).all()


def test_tiles_of_a_chain_give_the_bits_of_the_whole():
    volume = np.random.default_rng(8).standard_normal((17, 25, 60)).astype(np.float32)
    volume[4, 7] = 0
    text = "normalise, bandpass 8-60, denoise, agc 100, denoise"
    chain = read_steps(text, INTERVAL, of_survey)
    assert chain.halo == (16, 16, 0)
    expected = chain.prepare(volume)
    for tile in plan_tiles(volume.shape, (6, 7, 60), chain.halo):
        found = chain(volume[tile.padded], tile, volume.shape)["prepared"]
        np.testing.assert_array_equal(found, expected[tile.core])


def test_steps_are_read_as_they_are_written():
    chain = read_steps("bandpass 8-60, agc 500,denoise 2, bandpass 5 40", INTERVAL, of_survey)
    assert chain == Preparation(
        (Bandpass(8, 60, 4), GainControl(500, 4), Denoise(2), Bandpass(5, 40, 4))
    )
    assert read_steps("normalise", 2, of_survey).steps == (Normalise(of_survey()),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bandpass LOW-HIGH"),
        ("bandpas 8-60", "'bandpas 8-60'"),
        ("bandpass 8", "bandpass LOW-HIGH"),
        ("bandpass low-high", "bandpass LOW-HIGH"),
        ("bandpass 8-140", "Nyquist frequency of 125 Hz, got 8-140"),
        ("bandpass 60-8", "corners rise"),
        ("bandpass 0-60", "corners rise"),
        ("agc", "agc WINDOW"),
        ("agc 4", "8 ms, got 4"),
        ("denoise 0", "1, 2 or 3"),
        ("denoise 1.5", "denoise"),
        ("agc 500, normalise", "first step"),
    ],
)
def test_steps_that_cannot_be_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        read_steps(text, INTERVAL, of_survey)
