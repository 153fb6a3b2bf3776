"""Walks through lanes: the same cells however they are cut, by whom, and after a kill."""

import itertools
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graben.errors import InputError, OutputError, RasterError, ServiceError
from graben.progress import shown_by
from graben.tiling import InMemory, map_lanes, results

OUTPUTS = {"around": np.float32, "step": np.int32}


@dataclass(frozen=True)
class Around:
    """Sums of planes up to `radius` away, each the maximum of as near rows; signs of the steps.

    It holds no more planes than it needs, and answers so many planes late.
    """

    radius: int
    pause: float = 0.0

    def __call__(self, slabs, tile, shape):
        held, first, done = None, 0, 0
        for slab in itertools.chain(slabs, [None]):
            time.sleep(self.pause)
            if slab is not None:
                held = slab if held is None else np.concatenate([held, slab])
            end = first + len(held)
            ready = end if slab is None else max(end - self.radius, done)
            answers = [self.answer(held, place - first) for place in range(done, ready)]
            both = np.reshape(answers, (len(answers), 2, *held.shape[1:]))
            yield {"around": both[:, 0], "step": both[:, 1]}
            done = ready
            drop = max(done - self.radius - first, 0)
            held, first = held[drop:], first + drop

    def answer(self, held, place):
        near = held[max(place - self.radius, 0) : place + self.radius + 1]
        rows = near.copy()
        for step in range(1, min(self.radius, near.shape[1] - 1) + 1):
            rows[:, step:] = np.maximum(rows[:, step:], near[:, :-step])
            rows[:, :-step] = np.maximum(rows[:, :-step], near[:, step:])
        return rows.sum(0), np.sign(near[-1] - near[0])


def whole(radius, array):
    planes = [Around(radius).answer(array, place) for place in range(len(array))]
    return {
        name: np.stack(parts)
        for name, parts in zip(OUTPUTS, zip(*planes, strict=True), strict=True)
    }


def walked(scratch, array, size, halo, slab, workers=1, radius=None, key="a"):
    function = Around(int(np.max(halo)) if radius is None else radius)
    source = InMemory(array)
    paths = map_lanes(function, source, OUTPUTS, size, halo, slab, scratch, {"key": key}, workers)
    return {name: np.load(path) for name, path in paths.items()}


def random(shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def assert_same(found, expected):
    for name, dtype in OUTPUTS.items():
        assert found[name].dtype == dtype
        assert np.array_equal(found[name], expected[name])


@st.composite
def jobs(draw):
    shape = draw(st.tuples(*[st.integers(1, 14)] * 3))
    size = draw(st.tuples(*[st.integers(1, 16)] * 3))
    return shape, size, draw(st.integers(0, 5)), draw(st.integers(1, 16))


@settings(max_examples=60, deadline=None)
@given(job=jobs(), workers=st.integers(1, 3))
def test_a_walk_through_lanes_is_a_walk_through_the_whole(tmp_path_factory, job, workers):
    shape, size, halo, slab = job
    array = random(shape)
    found = walked(tmp_path_factory.mktemp("scratch"), array, size, halo, slab, workers)
    assert_same(found, whole(halo, array))


def test_a_halo_that_is_too_small_shows(tmp_path):
    array = random((30, 8, 4))
    found = walked(tmp_path, array, (10, 8, 4), 2, 5, radius=3)
    assert not np.array_equal(found["around"], whole(3, array)["around"])


@dataclass
class Counted:
    """A source that counts the planes it gave."""

    array: np.ndarray
    planes: int = 0

    @property
    def shape(self):
        return self.array.shape

    def read(self, region):
        self.planes += region[0].stop - region[0].start
        return self.array[region]


def test_one_lane_reads_each_plane_once_and_two_a_halo_more(tmp_path):
    for size, planes in ((40, 40), (20, 40 + 2 * 3)):
        source = Counted(random((40, 6, 5)))
        lane = (size, 6, 5)
        map_lanes(Around(3), source, OUTPUTS, lane, 3, 4, tmp_path / str(size), {})
        assert source.planes == planes


def test_sizes_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(InputError, match="a slab of at least 1 cell, got 0"):
        walked(tmp_path, random((4, 4, 4)), 4, 1, 0)
    with pytest.raises(InputError, match="whole cells for every axis"):
        walked(tmp_path, random((4, 4, 4)), 0, 1, 2)


@pytest.fixture
def cluster(two_workers):
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield two_workers
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@dataclass(frozen=True)
class Fails:
    def __call__(self, slabs, tile, shape):
        for slab in slabs:
            if tile.core[0].start:
                raise RasterError("expected a, got b; give a")
            yield {"around": slab, "step": slab}


@dataclass(frozen=True)
class Dies:
    def __call__(self, slabs, tile, shape):
        os.kill(os.getpid(), 9)
        yield {}


def test_a_cluster_of_two_workers_gives_the_same_cells_and_its_errors_are_ours(cluster, tmp_path):
    array = random((50, 20, 10))
    source = InMemory(array)
    found = walked(tmp_path / "cluster", array, (11, 9, 10), 3, 4, cluster)
    assert_same(found, whole(3, array))
    for workers in (2, cluster):
        with pytest.raises(RasterError, match="expected a, got b"):
            map_lanes(Fails(), source, OUTPUTS, 30, 0, 4, tmp_path / "fails", {}, workers)
    with pytest.raises(ServiceError, match="the dask cluster gave up a tile"):
        map_lanes(Dies(), source, OUTPUTS, 30, 0, 4, tmp_path / "dies", {}, cluster)


RUN = """
import sys
from pathlib import Path
from graben.progress import shown_by
from graben.tiling import InMemory, map_lanes, results
sys.path.insert(0, sys.argv[1])
from test_lanes import OUTPUTS, Around, random
results.SECONDS_AT_RISK = 0
def show(slabs, description, total):
    print(total)
    return iter(slabs)
with shown_by(show):
    source, scratch = InMemory(random((240, 12, 10))), Path(sys.argv[2])
    lane, workers = (120, 12, 10), int(sys.argv[3])
    map_lanes(Around(4, 0.02), source, OUTPUTS, lane, 4, 5, scratch, {}, workers)
"""


def started(scratch, workers):
    arguments = [sys.executable, "-c", RUN, Path(__file__).parent, scratch, str(workers)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def finished(scratch):
    """How many slabs are journaled; -1 before there is a journal."""
    journal = list(scratch.glob("*/finished"))
    return int(np.fromfile(journal[0], np.uint8).sum()) if journal else -1


def test_a_killed_run_goes_on_at_the_slab_where_each_lane_stopped(tmp_path):
    with started(tmp_path / "killed", 2) as process:
        while finished(tmp_path / "killed") < 20:
            time.sleep(0.01)
            assert process.poll() is None
        process.kill()
    left = 48 - finished(tmp_path / "killed")
    assert 0 < left <= 28
    with started(tmp_path / "killed", 1) as process:
        assert process.stdout.read() == f"{left}\n"
    expected = whole(4, random((240, 12, 10)))
    for name in OUTPUTS:
        [path] = tmp_path.glob(f"killed/*/{name}.npy")
        assert np.array_equal(np.load(path), expected[name])


def totals(scratch, *settings):
    """Run, and give how many slabs were left to compute."""
    seen = []

    def show(slabs, description, total):
        seen.append(total)
        return iter(slabs)

    with shown_by(show):
        walked(scratch, *settings)
    return seen


def test_another_job_starts_anew_and_leaves_nothing_of_the_old_one(tmp_path):
    array = random((20, 6, 6))
    same = array, (10, 6, 6), 2, 5
    assert totals(tmp_path, *same) == [4]
    assert totals(tmp_path, *same) == [0]
    for other in (
        (*same, 1, None, "b"),
        (*same, 1, 1),
        (array, (10, 6, 6), 3, 5, 1, 2),
        (array, (20, 6, 6), 2, 5),
        (array, (10, 6, 6), 2, 10),
        (array[:, :5], (10, 6, 6), 2, 5),
    ):
        assert totals(tmp_path, *other)[0] > 0
        assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("call", [3, 4, 11])
def test_a_full_disk_is_told_and_loses_no_finished_slab(tmp_path, monkeypatch, call):
    """The system calls in order: for each slab both arrays, then the journal."""
    calls = itertools.count(1)

    def fsync(handle):
        if next(calls) == call:
            raise OSError(28, "No space left on device")

    job = random((20, 6, 6)), (20, 6, 6), 2, 4
    monkeypatch.setattr(results, "SECONDS_AT_RISK", 0)
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputError, match=r"No space left .* it\s+goes on from them"):
        walked(tmp_path, *job)
    journaled = finished(tmp_path)
    assert journaled == (call - 1) // 3 + (call % 3 == 0)
    assert totals(tmp_path, *job) == [5 - journaled]
    assert_same(walked(tmp_path, *job), whole(2, job[0]))
