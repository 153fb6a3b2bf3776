import numpy as np
import pytest

from graben.imaging import draw_scene, open_volume, render_scene

EVERYTHING = (slice(0, 20), slice(0, 24), slice(0, 28))


def test_a_survey_and_its_labels_are_written_as_segy(graben, tmp_path):
    out = tmp_path / "survey"
    done = graben("imaging", "synth", "--out", out, "--size", "20,24,28", "--seed", 3, "--json")
    assert done.code == 0, done.err
    made = done.json()
    assert made["shape"] == [20, 24, 28]
    scene = draw_scene(np.random.default_rng(3), "full", (20, 24, 28))
    truth = render_scene(scene)
    for file in made["files"]:
        volume = open_volume(out / file)
        assert volume.sample_interval == 4
        expected = getattr(truth, file.removesuffix(".sgy")).astype(np.float32)
        found = volume.read(EVERYTHING)
        # missing traces are written as traces of zeros
        np.testing.assert_array_equal(found, expected)
    assert len(made["files"]) == 8
    assert made["faults"] == scene.faults
    assert (out / "section.png").stat().st_size > 10_000


def test_faults_only_has_four_files(graben, tmp_path):
    done = graben(
        "imaging", "synth", "--out", tmp_path / "s", "--preset", "faults", "--size", "32", "--json"
    )
    files = {"amplitude.sgy", "fault.sgy", "throw.sgy", "geologic_time.sgy"}
    assert set(done.json()["files"]) == files


@pytest.mark.parametrize(
    ("size", "said"),
    [("abc", "N or I,X,S"), ("10,20", "N or I,X,S"), ("4096", "at most 512"), ("8", "16 samples")],
)
def test_a_size_that_cannot_be_is_refused(graben, tmp_path, size, said):
    done = graben("imaging", "synth", "--out", tmp_path / "s", "--size", size)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "s").exists()


def test_a_folder_with_other_files_is_left_alone(graben, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    done = graben("imaging", "synth", "--out", tmp_path, "--size", "16")
    assert done.code == 2
    assert "did not make" in done.err
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]
