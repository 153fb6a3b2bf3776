"""`graben imaging inspect` and `convert` through the real command line."""

import numpy as np
import pytest
from segy_zoo import amplitudes, survey

from graben.imaging import open_volume


@pytest.fixture
def odd(tmp_path):
    """A survey of more than one oddity."""
    there = np.random.default_rng(1).random((30, 40)) > 0.1
    order = np.random.default_rng(2).permutation(1200)
    path = tmp_path / "A survey.sgy"
    survey(
        path, samples=amplitudes((30, 40, 60)), present=there, sequence=order, order="<",
        inlines=range(100, 130), crosslines=range(300, 340), places=(9, 21), code=3,
    )  # fmt: skip
    return path


def test_the_page_is_whole_and_the_table_names_everything(graben, odd, tmp_path, check_page):
    out = tmp_path / "doctor"
    done = graben("imaging", "inspect", odd, "--out", out)
    assert done.code == 0
    for words in ("little-endian", "16-bit integer", "100 to 129, step 1", "missing traces"):
        assert words in done.out
    page = out / "inspection.html"
    assert f"open {page}" in done.err.replace("\n", "")
    check_page(page)
    pictures = {path.stem for path in out.glob("*.png")}
    assert pictures == {"geometry", "section", "crossing", "slice", "spectrum", "amplitudes"}
    text = page.read_text()
    for words in ("unsorted traces", "line numbers elsewhere", "--inline-byte", "A FILE MADE FOR"):
        assert words in text
    assert "This survey is unlike the synthetic ones" in text


def test_a_page_alone(graben, odd, tmp_path):
    done = graben("imaging", "inspect", odd, "--out", tmp_path / "page.html", "--json")
    assert done.code == 0
    found = done.json()
    assert found["facts"]["line numbers"] == "bytes 9 and 21"
    assert found["amplitudes"]["std"] == pytest.approx(58.0, abs=1)
    assert 0 <= found["unlike_training_percentile"] <= 100
    assert {path.name for path in tmp_path.iterdir()} == {"A survey.sgy", "page.html"}


def test_a_page_of_nothing_but_zeros(graben, tmp_path, check_page):
    survey(tmp_path / "a.sgy", samples=np.zeros((7, 10, 25), np.float32))
    done = graben("imaging", "inspect", tmp_path / "a.sgy", "--out", tmp_path / "a.html")
    assert done.code == 0
    assert "no picture" in done.out
    check_page(tmp_path / "a.html")


def test_of_two_traces_nobody_can_tell_whether_they_are_like_the_training(graben, tmp_path):
    survey(tmp_path / "a.sgy", samples=amplitudes((1, 2, 60)))
    done = graben("imaging", "inspect", tmp_path / "a.sgy", "--out", tmp_path / "a.html")
    assert done.code == 0
    assert "it takes three traces beside each other" in (tmp_path / "a.html").read_text()


def test_the_real_files_have_their_pages(graben, reference_data, tmp_path, check_page):
    for name, words in (
        ("segyio_f3_crop.sgy", "16-bit integer"),
        ("viking_small.segy", "gathers before stacking"),
        ("segyrecover_RIV6.segy", "no grid"),
    ):
        page = tmp_path / f"{name}.html"
        done = graben("imaging", "inspect", reference_data / "seismic" / name, "--out", page)
        assert done.code == 0
        assert words in page.read_text()
        check_page(page)


def test_there_and_back(graben, odd, tmp_path):
    assert graben("imaging", "convert", odd, tmp_path / "a.zarr").code == 0
    assert graben("imaging", "convert", tmp_path / "a.zarr", tmp_path / "b.sgy").code == 0
    assert graben("imaging", "convert", odd, tmp_path / "c.segy").code == 0
    assert (tmp_path / "b.sgy").read_bytes() == (tmp_path / "c.segy").read_bytes()
    before, after = open_volume(odd), open_volume(tmp_path / "b.sgy")
    region = tuple(slice(0, count) for count in before.shape)
    np.testing.assert_array_equal(before.read(region), after.read(region))
    done = graben("imaging", "inspect", tmp_path / "a.zarr")
    assert done.code == 0
    assert "100 to 129, step 1" in done.out


@pytest.mark.parametrize(
    ("out", "reason"),
    [("A survey.sgy", "other than the input"), ("a.tif", "ends in .zarr, .sgy or .segy")],
)
def test_bad_outputs_are_refused(graben, odd, tmp_path, out, reason):
    before = odd.read_bytes()
    done = graben("imaging", "convert", odd, tmp_path / out)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err
    assert odd.read_bytes() == before


def test_bytes_that_make_no_grid_are_refused(graben, odd):
    done = graben("imaging", "inspect", odd, "--inline-byte", 197, "--crossline-byte", 201)
    assert done.code == 2
    assert "do not make a grid" in done.err
