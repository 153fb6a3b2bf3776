import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graben.errors import InputError, OutputError, RasterError, ServiceError
from graben.progress import shown_by
from graben.tiling import InMemory, map_overlap_tiles, map_tiles, plan_tiles, results

OUTPUTS = {"best": np.float32, "ends": np.uint16}


@dataclass(frozen=True)
class Ahead:
    """The largest value up to `radius` cells ahead, and how many ends of the array are as near."""

    radius: int
    pause: float = 0.0

    def __call__(self, block, tile, shape):
        time.sleep(self.pause)
        best = block
        ends = np.zeros(block.shape, np.uint16)
        for axis, length in enumerate(block.shape):
            ahead = best.copy()
            for step in range(1, min(self.radius, length - 1) + 1):
                here = [slice(None)] * block.ndim
                there = [slice(None)] * block.ndim
                here[axis], there[axis] = slice(None, -step), slice(step, None)
                np.maximum(ahead[tuple(here)], best[tuple(there)], out=ahead[tuple(here)])
            best = ahead
            place = np.arange(length) + tile.padded[axis].start
            near = (place < self.radius) * 1 + (place >= shape[axis] - self.radius)
            ends += near.astype(np.uint16).reshape(
                [-1 if a == axis else 1 for a in range(block.ndim)]
            )
        return {"best": best[tile.inner], "ends": ends[tile.inner]}


def whole(function, array):
    [tile] = plan_tiles(array.shape, max(array.shape), 0)
    return function(array, tile, array.shape)


def mapped(scratch, array, size, halo, workers=1, radius=None, key="a"):
    function = Ahead(np.max(halo) if radius is None else radius)
    paths = map_tiles(
        function, InMemory(array), OUTPUTS, size, halo, scratch, {"key": key}, workers
    )
    return {name: np.load(path) for name, path in paths.items()}


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def assert_same(found, expected):
    for name, dtype in OUTPUTS.items():
        assert found[name].dtype == dtype
        assert np.array_equal(found[name], expected[name])


@st.composite
def jobs(draw):
    shape = draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))
    each = [st.integers(1, 15)] * len(shape), [st.integers(0, 6)] * len(shape)
    size, halo = (draw(st.one_of(axes[0], st.tuples(*axes))) for axes in each)
    return shape, size, halo


@given(jobs())
def test_cores_cover_every_cell_once_and_halos_end_at_the_edges(job):
    shape, size, halo = job
    seen = np.zeros(shape, int)
    cells = np.arange(seen.size).reshape(shape)
    for tile in plan_tiles(shape, size, halo):
        seen[tile.core] += 1
        assert np.array_equal(cells[tile.padded][tile.inner], cells[tile.core])
        assert cells[tile.core].shape == tile.shape
        for axis, margin in enumerate(np.broadcast_to(halo, len(shape))):
            core, padded = tile.core[axis], tile.padded[axis]
            assert padded.start == max(core.start - margin, 0)
            assert padded.stop == min(core.stop + margin, shape[axis])
    assert (seen == 1).all()


@pytest.mark.parametrize(
    ("size", "halo"), [(0, 1), (4, -1), ((4, 4, 4), 1), (4, (1, 2, 3)), (2.5, 0)]
)
def test_sizes_and_halos_that_do_not_fit_are_refused(size, halo):
    with pytest.raises(InputError, match="whole cells for every axis or for each of the 2"):
        plan_tiles((9, 9), size, halo)


@settings(max_examples=40, deadline=None)
@given(job=jobs(), workers=st.integers(1, 3))
def test_tiled_is_whole(tmp_path_factory, job, workers):
    shape, size, halo = job
    array = random(shape)
    function = Ahead(int(np.min(halo)))
    scratch = tmp_path_factory.mktemp("scratch")
    found = mapped(scratch, array, size, halo, workers, function.radius)
    assert_same(found, whole(function, array))


def test_a_halo_that_is_too_small_shows():
    array = random((40, 40))
    assert not np.array_equal(
        whole(Ahead(3), array)["best"],
        map_overlap_tiles(Ahead(3), da.from_array(array, chunks=10), OUTPUTS, 2)["best"].compute(),
    )


@pytest.mark.parametrize("shape", [(37,), (29, 41), (11, 13, 9)])
@pytest.mark.parametrize("chunks", [100, 20, 10, 3])
def test_dask_chunks_of_any_size_give_the_same_cells(shape, chunks):
    array = random(shape)
    lazy = map_overlap_tiles(Ahead(5), da.from_array(array, chunks=chunks), OUTPUTS, 5)
    assert lazy["best"].chunks == da.from_array(array, chunks=chunks).chunks
    assert_same(dict(zip(lazy, da.compute(*lazy.values()), strict=True)), whole(Ahead(5), array))


def test_uneven_chunks_and_a_halo_for_each_axis():
    array = random((20, 30))
    chunked = da.from_array(array, chunks=((1, 12, 7), (2, 3, 25)))
    lazy = map_overlap_tiles(Ahead(4), chunked, OUTPUTS, (4, 4))
    assert_same({name: part.compute() for name, part in lazy.items()}, whole(Ahead(4), array))


@pytest.fixture
def cluster(two_workers):
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield two_workers
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@dataclass(frozen=True)
class Fails:
    def __call__(self, block, tile, shape):
        if tile.core[0].start:
            raise RasterError("expected a, got b; give a")
        return {"best": block, "ends": block > 0}


@dataclass(frozen=True)
class Dies:
    def __call__(self, block, tile, shape):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_cluster_of_two_workers_gives_the_same_cells_and_its_errors_are_ours(cluster, tmp_path):
    array = random((90, 70))
    threads = mapped(tmp_path / "threads", array, 32, 6)
    source = InMemory(array)
    assert_same(mapped(tmp_path / "cluster", array, 17, 6, cluster), threads)
    with pytest.raises(RasterError, match="expected a, got b"):
        map_tiles(Fails(), source, OUTPUTS, 40, 0, tmp_path / "fails", {}, cluster)
    with pytest.raises(ServiceError, match="the dask cluster gave up a tile"):
        map_tiles(Dies(), source, OUTPUTS, 40, 0, tmp_path / "dies", {}, cluster)


RUN = """
import sys
from pathlib import Path
from graben.progress import shown_by
from graben.tiling import InMemory, map_tiles, results
sys.path.insert(0, sys.argv[1])
from test_tiling import OUTPUTS, Ahead, random
results.SECONDS_AT_RISK = 0
def show(tiles, description, total):
    print(total)
    return iter(tiles)
with shown_by(show):
    source = InMemory(random((80, 80)))
    map_tiles(Ahead(4, 0.02), source, OUTPUTS, 10, 4, Path(sys.argv[2]), {}, int(sys.argv[3]))
"""


def started(scratch, workers):
    arguments = [sys.executable, "-c", RUN, Path(__file__).parent, scratch, str(workers)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def finished(scratch):
    """How many tiles are journaled; -1 before there is a journal."""
    journal = list(scratch.glob("*/finished"))
    return int(np.fromfile(journal[0], np.uint8).sum()) if journal else -1


def test_a_killed_run_goes_on_where_it_stopped(tmp_path):
    with started(tmp_path / "killed", 2) as process:
        while finished(tmp_path / "killed") < 20:
            time.sleep(0.01)
            assert process.poll() is None
        process.kill()
    left = 64 - finished(tmp_path / "killed")
    assert 0 < left <= 44
    for scratch, tiles in ((tmp_path / "killed", left), (tmp_path / "whole", 64)):
        with started(scratch, 1) as process:
            assert process.stdout.read() == f"{tiles}\n"
    for name in OUTPUTS:
        [killed] = tmp_path.glob(f"killed/*/{name}.npy")
        [whole_run] = tmp_path.glob(f"whole/*/{name}.npy")
        assert killed.read_bytes() == whole_run.read_bytes()


def totals(scratch, *settings):
    """Run, and give how many tiles were left to compute."""
    seen = []

    def show(tiles, description, total):
        seen.append(total)
        return iter(tiles)

    with shown_by(show):
        mapped(scratch, *settings)
    return seen


def test_another_job_starts_anew_and_leaves_nothing_of_the_old_one(tmp_path):
    array = random((20, 20))
    same = array, 5, 2
    assert totals(tmp_path, *same) == [16]
    assert totals(tmp_path, *same) == [0]
    for other in (
        (*same, 1, None, "b"),
        (*same, 1, 1),
        (array, 5, 3, 1, 2),
        (array, 10, 2),
        (array[:, :19], 5, 2),
    ):
        assert totals(tmp_path, *other)[0] > 0
        assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("call", [3, 4, 11])
def test_a_full_disk_is_told_and_loses_no_finished_tile(tmp_path, monkeypatch, call):
    """The system calls in order: for each tile both arrays, then the journal."""
    calls = itertools.count(1)

    def fsync(handle):
        if next(calls) == call:
            raise OSError(28, "No space left on device")

    array = random((20, 20))
    monkeypatch.setattr(results, "SECONDS_AT_RISK", 0)
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputError, match=r"No space left .* it\s+goes on from them"):
        mapped(tmp_path, array, 10, 2)
    journaled = finished(tmp_path)
    assert journaled == (call - 1) // 3 + (call % 3 == 0)
    assert totals(tmp_path, array, 10, 2) == [4 - journaled]
    assert_same(mapped(tmp_path, array, 10, 2), whole(Ahead(2), array))


@dataclass(frozen=True)
class Slope:
    """A source of any size that holds nothing."""

    shape: tuple[int, int]

    def read(self, region):
        rows, columns = (np.arange(part.start, part.stop, dtype=np.float32) for part in region)
        return rows[:, None] + columns


PEAK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from graben.tiling import map_tiles
from test_tiling import OUTPUTS, Ahead, Slope
source = Slope((int(sys.argv[3]), 4_000))
map_tiles(Ahead(2), source, OUTPUTS, 500, 2, Path(sys.argv[2]), {}, 2)
[peak] = [line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")]
print(int(peak.split()[1]) / 1e3)
"""


def test_memory_depends_on_the_tile_not_on_the_array(tmp_path):
    peaks = []  # of the program itself: getrusage would begin with the memory of this process
    for rows in (1_000, 8_000):
        arguments = [Path(__file__).parent, tmp_path / str(rows), str(rows)]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *arguments], stdout=subprocess.PIPE, check=True
        )
        peaks.append(float(done.stdout))
    assert peaks[1] - peaks[0] < 20  # MB; the results alone hold 168 MB more
