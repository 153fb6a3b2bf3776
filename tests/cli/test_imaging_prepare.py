import shutil

import numpy as np
import pytest

from graben.imaging.prepare import read_steps
from graben.imaging.segy_writing import write_new_segy
from graben.imaging.volume import in_memory_volume, open_volume


@pytest.fixture
def line(tmp_path, reference_data):
    return shutil.copy(reference_data / "seismic" / "segyrecover_RIV6.segy", tmp_path / "line.segy")


def whole(volume):
    return volume.read(tuple(slice(0, length) for length in volume.shape))


def test_a_line_is_prepared_as_the_library_does(graben, line, tmp_path):
    steps = "normalise, bandpass 8-60, agc 500, denoise"
    done = graben(
        "imaging", "prepare", line, "--steps", steps, "--out", tmp_path / "clean.segy", "--json"
    )
    assert done.code == 0, done.err
    summary = done.json()
    assert summary["steps"] == ["normalise", "bandpass 8-60", "agc 500", "denoise"]
    volume = open_volume(line)
    chain = read_steps(steps, volume.sample_interval, volume.survey_statistics)
    expected = chain.prepare(whole(volume))
    np.testing.assert_array_equal(whole(open_volume(tmp_path / "clean.segy")), expected)
    before, after = line.read_bytes(), (tmp_path / "clean.segy").read_bytes()
    assert after[:3200] == before[:3200]
    assert after[3600:3840] == before[3600:3840]
    assert (tmp_path / "clean.png").stat().st_size > 50_000
    assert 0 < summary["rms_after"] < summary["rms_before"]
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "bandpas 8-60"], "Choose from bandpass LOW-HIGH"),
        (["--steps", "bandpass 8-125"], "Nyquist frequency of 125 Hz, got 8-125"),
        (["--steps", "agc 500, normalise"], "first step"),
        (["--steps", "denoise", "--out", "{}/line.segy"], "not the input"),
        (["--steps", "denoise", "--out", "{}/out.png"], "one of these endings"),
    ],
)
def test_bad_options_end_with_2_and_leave_nothing(graben, line, tmp_path, arguments, message):
    given = [one.format(tmp_path) for one in arguments]
    out = [] if "--out" in given else ["--out", tmp_path / "out.sgy"]
    done = graben("imaging", "prepare", line, *out, *given)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["line.segy"]


def test_a_volume_of_zeros_cannot_be_normalised_but_filtered(graben, tmp_path):
    volume = in_memory_volume(np.zeros((4, 5, 60), np.float32))
    write_new_segy(tmp_path / "in.sgy", volume, sample_interval=4.0)
    arguments = ("imaging", "prepare", tmp_path / "in.sgy", "--out", tmp_path / "out.sgy")
    refused = graben(*arguments, "--steps", "normalise")
    assert refused.code == 2
    assert not (tmp_path / "out.sgy").exists()
    done = graben(*arguments, "--steps", "bandpass 8-60, agc 100, denoise")
    assert done.code == 0, done.err
    assert (whole(open_volume(tmp_path / "out.sgy")) == 0).all()
