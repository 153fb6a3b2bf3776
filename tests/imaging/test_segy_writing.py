"""Files written: whole or not at all, from nothing, and in bounded memory."""

import errno
import subprocess
import sys

import numpy as np
import pytest
import segyio
import zarr
from segy_zoo import amplitudes, survey

from graben.errors import InputError, OutputError, SeismicError
from graben.imaging import (
    in_memory_volume,
    open_volume,
    segy_writing,
    write_new_segy,
    write_segy_like,
    write_zarr,
    zarr_store,
)
from graben.tiling import InMemory


def whole(volume):
    return volume.read(tuple(slice(0, count) for count in volume.shape))


@pytest.fixture
def volume(tmp_path):
    there = np.random.default_rng(1).random((7, 10)) > 0.2
    order = np.random.default_rng(2).permutation(70)
    survey(tmp_path / "in.sgy", present=there, sequence=order, code=3)
    return open_volume(tmp_path / "in.sgy")


@pytest.mark.parametrize("slab", [900, 2500, 10**9])
def test_files_do_not_depend_on_the_slab(volume, tmp_path, monkeypatch, slab):
    other = InMemory(amplitudes(seed=9) / 7)
    monkeypatch.setattr(segy_writing, "SLAB", slab)
    monkeypatch.setattr(zarr_store, "SLAB", slab)
    write_segy_like(volume, tmp_path / "out.sgy", other)
    found = open_volume(tmp_path / "out.sgy")
    expected = np.where(volume.missing[..., None], 0, other.array)
    np.testing.assert_array_equal(whole(found), expected)
    write_zarr(tmp_path / "out.zarr", other, volume)
    np.testing.assert_array_equal(whole(open_volume(tmp_path / "out.zarr")), other.array)


def test_bytes_that_the_system_may_forget_are_not_written_again(volume, tmp_path, monkeypatch):
    done, kept, write = [0], amplitudes(seed=9), segy_writing._write_run

    def watched(file, frame, numbers, rows):
        stride = 240 + 4 * rows.shape[1]
        assert len(frame.head) + numbers[0] * stride >= done[-1]
        write(file, frame, numbers, rows)

    def told(_, start, length, __):
        assert start == 0
        done.append(length)

    monkeypatch.setattr(segy_writing, "_write_run", watched)
    monkeypatch.setattr(segy_writing, "SLAB", 900)
    monkeypatch.setattr("os.posix_fadvise", told, raising=False)
    monkeypatch.setattr("os.POSIX_FADV_DONTNEED", 4, raising=False)
    write_segy_like(volume, tmp_path / "shuffled.sgy", InMemory(kept))
    assert len(done) > 1
    done[:] = [0]
    write_new_segy(tmp_path / "sorted.sgy", InMemory(kept))
    assert done[-1] > (tmp_path / "sorted.sgy").stat().st_size / 2


def test_systems_without_such_a_hint_write_the_same(volume, tmp_path, monkeypatch):
    write_segy_like(volume, tmp_path / "with.sgy", volume)
    monkeypatch.delattr("os.posix_fadvise", raising=False)
    write_segy_like(volume, tmp_path / "without.sgy", volume)
    assert (tmp_path / "with.sgy").read_bytes() == (tmp_path / "without.sgy").read_bytes()


def test_a_new_file_is_read_by_segyio_too(tmp_path):
    cube = amplitudes((4, 6, 30)) / 3
    path = tmp_path / "new.sgy"
    write_new_segy(
        path, InMemory(cube), sample_interval=2.0, first_sample=100, inlines=range(10, 18, 2),
        spacing=12.5, text=["MADE FOR A TEST"],
    )  # fmt: skip
    with segyio.open(path) as file:
        assert file.ilines.tolist() == [10, 12, 14, 16]
        np.testing.assert_array_equal(segyio.tools.cube(file), cube)
        assert file.samples[:2].tolist() == [100, 102]
        assert b"MADE FOR A TEST" in file.text[0]
    found = open_volume(path)
    assert found.oddities == ()
    assert (found.sample_interval, found.first_sample) == (2.0, 100.0)
    np.testing.assert_allclose(found.x[0], 12.5 * np.arange(1, 7))
    np.testing.assert_allclose(found.y[:, 0], 12.5 * np.arange(1, 5))


def test_a_new_file_of_a_volume_keeps_gaps_lines_and_depth(volume, tmp_path):
    write_new_segy(tmp_path / "new.sgy", volume)
    found = open_volume(tmp_path / "new.sgy")
    np.testing.assert_array_equal(whole(found), whole(volume))
    for name in ("inlines", "crosslines", "missing"):
        np.testing.assert_array_equal(getattr(found, name), getattr(volume, name))
    np.testing.assert_allclose(found.x, volume.x, atol=0.01)
    deep = in_memory_volume(amplitudes(), unit="m", sample_interval=5.0)
    write_new_segy(tmp_path / "deep.sgy", deep)
    assert open_volume(tmp_path / "deep.sgy").unit == "m"


def test_a_zarr_of_somebody_else_opens(tmp_path):
    cube = amplitudes((3, 4, 5))
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=3)
    group.create_array("seismic", shape=cube.shape, dtype="int16")[:] = cube.astype("i2")
    found = open_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(whole(found), cube)
    assert [one.name for one in found.oddities] == ["no sample interval"]
    with pytest.raises(SeismicError, match="without SEG-Y headers"):
        write_segy_like(found, tmp_path / "out.sgy", found)
    zarr.create_array(tmp_path / "b.zarr", shape=cube.shape, dtype="float32")[:] = cube
    np.testing.assert_array_equal(whole(open_volume(tmp_path / "b.zarr")), cube)
    zarr.create_array(tmp_path / "c.zarr", shape=(3, 4), dtype="float32")
    with pytest.raises(SeismicError, match="expected an array of numbers"):
        open_volume(tmp_path / "c.zarr")
    group.create_array("other", shape=cube.shape, dtype="float32")
    with pytest.raises(SeismicError, match="expected one array of three axes"):
        open_volume(tmp_path / "a.zarr")


def test_the_input_is_never_the_output(volume, tmp_path):
    before = (tmp_path / "in.sgy").read_bytes()
    link = tmp_path / "link.sgy"
    link.symlink_to(tmp_path / "in.sgy")
    for path in (tmp_path / "in.sgy", link):
        for write in (
            lambda path=path: write_segy_like(volume, path, volume),
            lambda path=path: write_new_segy(path, volume),
        ):
            with pytest.raises(SeismicError, match="other than the input"):
                write()
    write_zarr(tmp_path / "a.zarr", volume)
    stored = open_volume(tmp_path / "a.zarr")
    with pytest.raises(SeismicError, match="other than the input"):
        write_zarr(tmp_path / "a.zarr", stored)
    assert (tmp_path / "in.sgy").read_bytes() == before


def test_what_does_not_fit_is_refused(volume, tmp_path):
    with pytest.raises(SeismicError, match="of the shape of the volume"):
        write_segy_like(volume, tmp_path / "out.sgy", InMemory(np.zeros((7, 10, 24))))
    with pytest.raises(SeismicError, match="of the shape of the volume"):
        write_zarr(tmp_path / "out.zarr", InMemory(np.zeros((7, 10, 24))), volume)
    with pytest.raises(SeismicError, match="Write zarr instead"):
        write_new_segy(tmp_path / "out.sgy", InMemory(np.zeros((1, 1, 70_000))))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="did not make"):
        write_zarr(tmp_path / "mine", volume)


class Failing(InMemory):
    """Samples whose reading fails after a while, as when a disk is full."""

    def read(self, region):
        if region[0].start:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().read(region)


def test_a_full_disk_leaves_what_stood_there(volume, tmp_path, monkeypatch):
    monkeypatch.setattr(segy_writing, "SLAB", 2500)
    monkeypatch.setattr(zarr_store, "CHUNK", (2, 4, 8))
    source = Failing(amplitudes())
    out, folder = tmp_path / "out.sgy", tmp_path / "out.zarr"
    out.write_bytes(b"before")
    for write in (
        lambda: write_segy_like(volume, out, source),
        lambda: write_new_segy(out, source),
        lambda: write_zarr(folder, source, volume),
    ):
        with pytest.raises(OutputError, match="No space left"):
            write()
    assert out.read_bytes() == b"before"
    assert {path.name for path in tmp_path.iterdir()} == {"in.sgy", "out.sgy"}


KILLED = """
import os, sys
import numpy as np
from graben.imaging import open_volume, segy_writing, write_segy_like
from graben.tiling import InMemory
segy_writing.SLAB = 2500
class Killing(InMemory):
    def read(self, region):
        if region[0].start:
            os.kill(os.getpid(), 9)
        return super().read(region)
volume = open_volume(sys.argv[1])
write_segy_like(volume, sys.argv[2], Killing(np.ones(volume.shape)))
"""


def test_a_kill_half_way_leaves_what_stood_there(volume, tmp_path):
    out = tmp_path / "out.sgy"
    out.write_bytes(b"before")
    done = subprocess.run([sys.executable, "-c", KILLED, volume.path, out], check=False)
    assert done.returncode == -9
    assert out.read_bytes() == b"before"
    write_segy_like(volume, out, volume)
    np.testing.assert_array_equal(whole(open_volume(out)), whole(volume))
