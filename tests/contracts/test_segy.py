"""What every SEG-Y file of the zoo must bear: opened, read, pickled, written, inspected."""

import pickle

import numpy as np
import pytest
from segy_zoo import REFUSED, ZOO, Truth

from graben.errors import SeismicError
from graben.imaging import SeismicVolume, open_volume, write_segy_like, write_zarr

EVERY = pytest.mark.parametrize("name", ZOO)


@pytest.fixture
def made(name, tmp_path):
    """The file, what it holds, and the volume."""
    path = tmp_path / f"{name}.sgy"
    truth = ZOO[name].make(path)
    return path, truth, open_volume(path, **ZOO[name].overrides)


def whole(volume: SeismicVolume) -> np.ndarray:
    return volume.read(tuple(slice(0, count) for count in volume.shape))


def trace_headers(raw: bytes, truth: Truth, wide: int) -> np.ndarray:
    stride = truth.header + wide * truth.samples.shape[2]
    body = np.frombuffer(raw, np.uint8, offset=truth.start).reshape(-1, stride)
    return body[:, : truth.header]


@EVERY
def test_geometry(made):
    _, truth, volume = made
    assert volume.shape == truth.samples.shape
    np.testing.assert_array_equal(volume.inlines, truth.inlines)
    np.testing.assert_array_equal(volume.crosslines, truth.crosslines)
    np.testing.assert_array_equal(volume.missing, truth.missing)
    assert volume.sample_interval == pytest.approx(truth.interval, rel=1e-12)
    assert (volume.first_sample, volume.unit) == (truth.first, truth.unit)
    assert (volume.is_line, volume.axes) == (truth.is_line, truth.axes)
    for found, expected in ((volume.x, truth.x), (volume.y, truth.y)):
        if expected is not None:
            np.testing.assert_allclose(found, expected, rtol=0, atol=0.051)


@EVERY
def test_every_region_holds_the_true_samples(made):
    _, truth, volume = made
    found = whole(volume)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, truth.samples)
    generator = np.random.default_rng(7)
    for _ in range(25):
        ends = (np.sort(generator.integers(0, count + 1, 2)) for count in volume.shape)
        region = tuple(slice(int(low), int(high)) for low, high in ends)
        np.testing.assert_array_equal(volume.read(region), truth.samples[region])


@EVERY
def test_a_pickled_volume_is_small_and_the_same(made):
    _, truth, volume = made
    raw = pickle.dumps(volume)
    assert len(raw) < 2000
    np.testing.assert_array_equal(whole(pickle.loads(raw)), truth.samples)


@EVERY
def test_what_is_written_like_it_differs_in_samples_alone(made, name, tmp_path):
    path, truth, volume = made
    out = tmp_path / "out.sgy"
    write_segy_like(volume, out, volume)
    before, after = path.read_bytes(), out.read_bytes()
    kept = bytearray(before[: truth.start])
    kept[3224:3226] = b"\0\5" if truth.order == ">" else b"\5\0"
    assert after[: truth.start] == bytes(kept)
    wide = (len(before) - truth.start) // len(trace_headers(after, truth, 4)) - truth.header
    old = trace_headers(before, truth, wide // truth.samples.shape[2])
    np.testing.assert_array_equal(trace_headers(after, truth, 4), old)
    again = open_volume(out, **ZOO[name].overrides)
    np.testing.assert_array_equal(whole(again), truth.samples)
    np.testing.assert_array_equal(again.missing, truth.missing)


@EVERY
def test_zarr_leads_back_to_the_same_file(made, tmp_path):
    _, truth, volume = made
    write_zarr(tmp_path / "a.zarr", volume)
    stored = open_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(whole(stored), truth.samples)
    for name in ("inlines", "crosslines", "missing", "x", "y"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(volume, name))
    for name in ("sample_interval", "first_sample", "unit", "is_line", "axes"):
        assert getattr(stored, name) == getattr(volume, name)
    write_segy_like(volume, tmp_path / "one.sgy", volume)
    write_segy_like(stored, tmp_path / "two.sgy", stored)
    assert (tmp_path / "one.sgy").read_bytes() == (tmp_path / "two.sgy").read_bytes()


@EVERY
def test_the_doctor_names_what_is_odd(made, name, graben):
    path = made[0]
    given = []
    for key, value in ZOO[name].overrides.items():
        given += ["--" + key.replace("_", "-"), value]
    done = graben("imaging", "inspect", path, "--json", *given)
    assert done.code == 0, done.err
    named = {one["name"] for one in done.json()["oddities"]}
    if ZOO[name].oddity is None:
        assert named <= {"no coordinates"}
    else:
        assert ZOO[name].oddity in named


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(name, tmp_path, graben):
    make, reason = REFUSED[name]
    path = tmp_path / f"{name}.sgy"
    make(path)
    with pytest.raises(SeismicError, match=reason):
        open_volume(path)
    done = graben("imaging", "inspect", path)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err


def test_the_zoo_is_as_large_as_promised():
    assert len(ZOO) >= 20
    assert len(REFUSED) <= 8
