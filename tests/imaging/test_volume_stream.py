import shutil
from dataclasses import dataclass

import numpy as np
import pytest

from graben.errors import OutputError, SeismicError
from graben.imaging.attributes import Semblance, semblance
from graben.imaging.volume import in_memory_volume, open_volume
from graben.imaging.volume_stream import StoredArray, stream_volume, tile_size


@pytest.fixture
def volume(tmp_path, reference_data):
    shutil.copy(reference_data / "seismic" / "segyio_f3_crop.sgy", tmp_path / "f3.sgy")
    return open_volume(tmp_path / "f3.sgy")


def whole(volume):
    return volume.read(tuple(slice(0, length) for length in volume.shape))


def small_tiles(monkeypatch, traces=8):
    monkeypatch.setattr("graben.imaging.volume_stream.SAMPLES_OF_A_TILE", traces * 8 * 75)


@dataclass(frozen=True)
class Stopped:
    """Semblance of the first tiles, then no more."""

    halo = (1, 1, 0)

    def __call__(self, block, tile, shape):
        if tile.core[0].start > 8:
            raise KeyboardInterrupt
        return Semblance()(block, tile, shape)


@pytest.mark.parametrize("name", ["alike.sgy", "alike.zarr"])
def test_a_volume_is_streamed_into_one_like_it(volume, tmp_path, monkeypatch, name):
    small_tiles(monkeypatch)
    function = Semblance()
    stream_volume(volume, function, {"semblance": tmp_path / name}, function.halo)
    found = open_volume(tmp_path / name)
    np.testing.assert_array_equal(whole(found), semblance(whole(volume)))
    np.testing.assert_array_equal(found.crosslines, volume.crosslines)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["f3.sgy", name])


def test_a_run_that_was_stopped_goes_on(volume, tmp_path, monkeypatch):
    small_tiles(monkeypatch)
    out = {"semblance": tmp_path / "alike.sgy"}
    with pytest.raises(KeyboardInterrupt):
        stream_volume(volume, Stopped(), out, Stopped.halo, 1)
    assert (tmp_path / ".alike.sgy-tiles").exists()
    assert not (tmp_path / "alike.sgy").exists()
    seen = []
    monkeypatch.setattr(
        Stopped,
        "__call__",
        lambda self, *arguments: seen.append(arguments[1]) or Semblance()(*arguments),
    )
    stream_volume(volume, Stopped(), out, Stopped.halo, 1)
    assert 3 <= len(seen) <= 5  # of 9; what was on the way when it stopped is made again
    np.testing.assert_array_equal(whole(open_volume(out["semblance"])), semblance(whole(volume)))


def test_the_input_is_never_written_to(volume, tmp_path):
    before = (tmp_path / "f3.sgy").read_bytes()
    (tmp_path / "link.sgy").symlink_to(tmp_path / "f3.sgy")
    for name, message in {
        "f3.sgy": "not the input",
        "link.sgy": "not the input",
        "alike.png": r"\.segy or \.zarr",
    }.items():
        with pytest.raises(SeismicError, match=message):
            stream_volume(volume, Semblance(), {"semblance": tmp_path / name}, (1, 1, 0))
    twice = dict.fromkeys(["one", "other"], tmp_path / "same.sgy")
    with pytest.raises(SeismicError, match="twice"):
        stream_volume(volume, Semblance(), twice, (1, 1, 0))
    assert (tmp_path / "f3.sgy").read_bytes() == before


def test_a_disk_that_is_too_small_is_told_before_the_work(volume, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("graben.imaging.volume_stream.shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match=r"expected 0\.2 MB of free space"):
        stream_volume(volume, Semblance(), {"semblance": tmp_path / "out.sgy"}, (1, 1, 0))


def test_a_volume_in_memory_is_streamed_into_zarr(tmp_path):
    array = np.random.default_rng(0).standard_normal((5, 6, 20)).astype(np.float32)
    volume = in_memory_volume(array)
    stream_volume(volume, Semblance(), {"semblance": tmp_path / "out.zarr"}, (1, 1, 0))
    np.testing.assert_array_equal(whole(open_volume(tmp_path / "out.zarr")), semblance(array))


def test_a_stored_array_is_read_by_regions(tmp_path):
    array = np.random.default_rng(0).standard_normal((5, 6, 7)).astype(np.float32)
    np.save(tmp_path / "array.npy", array)
    source = StoredArray(tmp_path / "array.npy")
    assert source.shape == array.shape
    region = slice(1, 4), slice(2, 6), slice(3, 5)
    np.testing.assert_array_equal(source.read(region), array[region])


def test_tiles_are_wide_beside_their_halo():
    assert tile_size((500, 500, 30_000), (7, 7, 0)) == (28, 28, 30_000)
    assert tile_size((3, 2, 10), (0, 0, 0)) == (3, 2, 10)
