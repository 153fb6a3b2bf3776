"""What interpreters draw, brought to the samples of a volume."""

import numpy as np
import pytest

from graben.errors import SeismicError
from graben.imaging import in_memory_volume, write_new_segy
from graben.imaging.strokes import read_strokes


@pytest.fixture
def volume():
    values = np.random.default_rng(0).standard_normal((6, 20, 30)).astype(np.float32)
    values[2, 3] = 0
    return in_memory_volume(
        values,
        inlines=range(100, 112, 2),
        crosslines=range(300, 320),
        sample_interval=4.0,
        first_sample=400.0,
    )


def drawn(tmp_path, volume, text):
    path = tmp_path / "strokes.csv"
    path.write_text(text)
    return read_strokes(path, volume)


def test_points_in_time_land_on_their_samples(tmp_path, volume):
    found = drawn(
        tmp_path,
        volume,
        "Inline, Crossline, Time, Class\n102, 305, 440, salt\n102, 306, 441.9, salt\n"
        "110, 319, 516, sand\n100, 300, 400, sand\n100, 299, 400, sand\n102, 305, 600, salt\n",
    )
    assert found.classes == ("salt", "sand")
    assert np.c_[found.inline, found.crossline, found.sample, found.codes].tolist() == [
        [0, 0, 0, 2], [1, 5, 10, 1], [1, 6, 10, 1], [5, 19, 29, 2],
    ]  # fmt: skip
    assert found.left_out == {"outside the volume": 2}
    assert found.counts == {"salt": 2, "sand": 2}


def test_corners_of_a_stroke_are_joined(tmp_path, volume):
    found = drawn(
        tmp_path,
        volume,
        "inline,crossline,sample,class,stroke\n100,300,5,2,1\n100,310,10,2,1\n100,310,15,2,1\n"
        "104,301,0,10,2\n104,301,3,10,2\n",
    )
    assert found.classes == ("2", "10")
    line = found.codes == 1
    assert line.sum() == 11 + 5
    steps = np.diff(np.c_[found.crossline, found.sample][line], axis=0)
    assert np.abs(steps).max() == 1
    assert found.sample[found.codes == 2].tolist() == [0, 1, 2, 3]


def test_samples_that_two_classes_claim_are_left_out(tmp_path, volume):
    rows = "100,300,5,a\n100,300,5,b\n100,301,5,a\n100,302,5,a\n100,303,5,b\n100,304,5,b\n"
    found = drawn(tmp_path, volume, "inline,crossline,sample,class\n" + rows)
    assert found.left_out == {"claimed by two classes": 1}
    assert 0 not in found.crossline


def test_a_line_needs_no_inlines(tmp_path):
    line = in_memory_volume(np.ones((40, 30)))
    found = drawn(tmp_path, line, "trace,sample,class\n1,0,a\n40,29,a\n7,3,b\n8,3,b\n")
    assert found.crossline.tolist() == [0, 6, 7, 39]
    assert (found.inline == 0).all()


def test_masks_say_the_same_as_npz_and_as_segy(tmp_path, volume):
    mask = np.zeros(volume.shape, np.uint8)
    mask[0, 2:5, 7] = 1
    mask[4, 9, 10:12] = 3
    np.savez(tmp_path / "mask.npz", labels=mask, classes=["mud", "sand", "salt"])
    write_new_segy(tmp_path / "mask.sgy", in_memory_volume(mask.astype(np.float32)))
    named = read_strokes(tmp_path / "mask.npz", volume)
    plain = read_strokes(tmp_path / "mask.sgy", volume)
    assert (named.classes, plain.classes) == (("mud", "salt"), ("1", "3"))
    for one in (named, plain):
        place = one.inline, one.crossline, one.sample
        assert np.transpose(place).tolist() == np.argwhere(mask).tolist()
        assert one.codes.tolist() == [1, 1, 1, 2, 2]


GOOD = "100,300,5,a\n100,301,5,a\n100,302,5,b\n100,303,5,b\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("inline,crossline,sample\n1,2,3\n", "a column class"),
        ("inline,sample,class\n100,5,a\n", "a column crossline"),
        ("inline,crossline,class\n100,300,a\n", "a column sample, time or depth"),
        ("inline,crossline,depth,class\n" + GOOD, "strokes in ms"),
        ("inline,crossline,sample,class\n100,here,5,a\n", "numbers in the column crossline"),
        ("inline,crossline,sample,class\n" + GOOD[:26], "at least 2 classes"),
        ("inline,crossline,sample,class\n" + GOOD[:39], r"too few have: b \(1\)"),
        ("inline,crossline,sample,class\n1,1,1,a\n", "no stroke lies on a trace"),
        ("inline,crossline,sample,class,stroke\n100,300,1,a,1\n100,301,1,b,1\n", "one class"),
        ("", "cannot read"),
    ],
)
def test_strokes_that_cannot_be_used_are_refused(tmp_path, volume, text, reason):
    with pytest.raises(SeismicError, match=reason):
        drawn(tmp_path, volume, text)


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        ({"labels": np.zeros((2, 3, 4))}, "a mask of the shape of the volume"),
        ({"labels": np.full((6, 20, 30), 0.5)}, "whole numbers"),
        ({"labels": np.full((6, 20, 30), 4), "classes": ["a", "b"]}, "codes from 1 to 2"),
        ({"other": np.zeros(3)}, "an array labels"),
    ],
)
def test_masks_that_cannot_be_used_are_refused(tmp_path, volume, mask, reason):
    np.savez(tmp_path / "mask.npz", **mask)
    with pytest.raises(SeismicError, match=reason):
        read_strokes(tmp_path / "mask.npz", volume)


def test_a_file_that_is_not_there(tmp_path, volume):
    with pytest.raises(SeismicError, match="no file"):
        read_strokes(tmp_path / "none.csv", volume)
