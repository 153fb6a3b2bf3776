"""How unlike the training: traits of surveys whose truth is known, and the score they get."""

import numpy as np
import pytest

from graben.errors import ModelError, SeismicError
from graben.imaging import draw_window, in_memory_volume
from graben.imaging.section_traits import section_traits
from graben.imaging.shift import TrainingRange, shift_section, survey_shift
from graben.imaging.shift_features import TRAITS, measure_traits
from graben.report import Table
from graben.tiling import InMemory

NAMES = [trait.name for trait in TRAITS]


def told(section):
    """Name the traits of a section (trace, sample)."""
    return dict(zip(NAMES, section_traits(np.float32(section)), strict=True))


def layers(dip, traces=48, samples=160, seed=0):
    """Band-limited layers, alike from trace to trace, that sink by `dip` samples a trace."""
    from scipy.ndimage import gaussian_filter1d, map_coordinates

    long = gaussian_filter1d(np.random.default_rng(seed).normal(size=800), 2.0)
    at = 300 + np.arange(samples) - dip * np.arange(traces)[:, None]
    return map_coordinates(long, [at], order=3)


@pytest.fixture(scope="module")
def clean():
    """A survey of the generator that nothing was fitted to."""
    return draw_window(np.random.default_rng([99, 4]), (24, 64, 96)).amplitude


def test_traits_know_no_unit(clean):
    one = measure_traits(InMemory(clean))
    other = measure_traits(InMemory(1000 * clean))
    assert one.shape == (len(TRAITS),)
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=2e-3)
    assert np.isfinite(one).all()


@pytest.mark.parametrize("dip", [0.0, 0.5, -1.5])
def test_dips_of_tilted_layers_are_found(dip):
    found = told(layers(dip))
    assert np.exp(found["median dip"]) - 0.05 == pytest.approx(abs(dip), abs=0.06)
    assert found["likeness of neighbours"] > 3.5


def test_a_sine_has_its_frequency_and_is_a_line_in_the_spectrum():
    wave = np.sin(np.pi * 0.4 * np.arange(256))  # 0.4 of Nyquist
    found = told(np.tile(wave, (8, 1)))
    assert np.exp(found["mean frequency"]) == pytest.approx(0.4, abs=0.01)
    assert found["lines in the spectrum"] > told(layers(0))["lines in the spectrum"] + 1


def test_gain_and_silence_are_measured():
    section = layers(0.2) * np.exp(np.linspace(-1.5, 1.5, 160))
    section[:12] = 0
    found = told(section)
    assert found["gain with depth"] == pytest.approx(1.5, abs=0.3)
    assert found["silence"] == pytest.approx(12 / 48)


def test_clipping_rounding_and_disorder_leave_their_marks():
    section = layers(1.0)
    before = told(section)
    assert told(section.clip(-0.5 * section.std(), 0.5 * section.std()))["clipped samples"] > -1
    rounded = np.round(section / section.std()).clip(-4, 3)
    assert told(rounded)["number of levels"] <= np.log10(8) + 0.1
    assert told(rounded)["repeated samples"] > before["repeated samples"] + 1
    mixed = section[np.random.default_rng(0).permutation(48)]
    assert told(mixed)["steep dips"] > before["steep dips"] + 0.5
    assert told(mixed)["likeness at high frequencies"] < before["likeness at high frequencies"]


def test_a_survey_like_the_training_is_not_warned_of(clean):
    shift = survey_shift(in_memory_volume(clean))
    assert shift.warning is None
    assert 0 <= shift.percentile < 95
    assert survey_shift(InMemory(clean)) == shift
    assert "is like" in shift_section(shift).blocks[0].paragraphs[0]


@pytest.mark.parametrize(
    ("spoil", "trait", "advice"),
    [
        (lambda a: a[:, :, ::4], "high end of the spectrum", "left out"),
        (lambda a: a.clip(-0.5, 0.5), "clipped samples", "16 bits"),
        (lambda a: a * np.exp(np.linspace(0, 5, a.shape[2])), "gain with depth", "gain"),
    ],
)
def test_an_unlike_survey_is_warned_of_with_the_trait_and_a_remedy(clean, spoil, trait, advice):
    shift = survey_shift(InMemory(np.float32(spoil(clean))))
    assert shift.percentile >= 95
    assert trait in [one.name for one in shift.outside]
    assert advice in shift.warning
    assert "adapt" in shift.warning
    section = shift_section(shift)
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert len(table.rows) == len(shift.outside)
    for one in shift.outside:
        assert not one.low <= one.value <= one.high


def test_real_surveys_of_other_kinds_are_warned_of(reference_data):
    with np.load(reference_data / "seismic" / "f3_inline244.npz") as line:
        assert survey_shift(in_memory_volume(line["amp"].T)).warning is not None


def test_a_range_is_kept_and_scores_as_its_definition_says(tmp_path):
    generator = np.random.default_rng(3)
    drawn = generator.normal(size=(260, len(TRAITS)))
    drawn[:, 1] += drawn[:, 0]
    known = TrainingRange.fit(drawn[:200], drawn[200:])
    known.save(tmp_path / "range.npz")
    kept = TrainingRange.load(tmp_path / "range.npz")
    one = generator.normal(size=len(TRAITS))
    covariance = np.linalg.inv(known.whitening @ known.whitening.T)
    away = (drawn[:200] - one) / known.scale
    twin = np.sqrt(np.einsum("ij,jk,ik->i", away, np.linalg.inv(covariance), away) / len(one))
    assert kept.score(one) == pytest.approx(np.sort(twin)[:5].mean(), rel=1e-4)
    assert kept.percentile(float(kept.scores[30])) == pytest.approx(50)
    assert kept.score(one + 50) > 20 * kept.score(one)
    assert {f.name for f in kept.outside(drawn[:200].mean(0))} == set()
    assert kept.outside(np.r_[9.0, np.zeros(len(TRAITS) - 1)])[0].name == NAMES[0]


def test_what_cannot_be_measured_is_refused(tmp_path):
    with pytest.raises(SeismicError, match="traces that vary"):
        survey_shift(InMemory(np.zeros((3, 8, 40), np.float32)))
    with pytest.raises(SeismicError, match="three beside each other"):
        survey_shift(InMemory(np.ones((1, 2, 40), np.float32)))
    with pytest.raises(ModelError, match="found none"):
        TrainingRange.load(tmp_path / "none.npz")


def test_long_traces_are_read_in_bounds(monkeypatch):
    monkeypatch.setattr("graben.imaging.shift_features.section_traits", lambda section: [0.0])

    class Endless:
        shape, dtype, read_samples = (4000, 4000, 30_000), np.dtype(np.float32), 0

        def read(self, region):
            shape = tuple(part.stop - part.start for part in region)
            self.read_samples += int(np.prod(shape))
            return np.broadcast_to(np.float32([0, 1] * 15_000), shape)

    source = Endless()
    measure_traits(source)
    assert source.read_samples <= 3_000_000
