import numpy as np
import pytest

from graben.imaging import draw_window
from graben.imaging.models.structure_samples import KeptVolumes, StructureImages, closed_time

SHAPE = (32, 32, 32)


def test_the_same_volume_whenever_it_is_asked_for():
    images = StructureImages(SHAPE, 4, seed=2)
    one, again = images.batch(np.array([1])), images.batch(np.array([0, 1]))
    for name in one:
        np.testing.assert_array_equal(one[name][0], again[name][1])
    other = images.at_epoch(1).batch(np.array([1]))
    assert not np.array_equal(one["x"], other["x"])
    held = StructureImages(SHAPE, 4, seed=2, use="validation").batch(np.array([1]))
    assert not np.array_equal(one["x"], held["x"])


def test_shapes_and_labels():
    images = StructureImages(SHAPE, 2)
    batch = images.batch(np.arange(2))
    assert batch["x"].shape == (2, 5, *SHAPE)
    assert batch["y"].shape == (2, 3, *SHAPE)
    drawn = images.image(1)
    np.testing.assert_array_equal(batch["y"][1, 0].numpy() > 0, drawn.salt)
    np.testing.assert_array_equal(batch["x"][1, 0], drawn.amplitude)


def test_what_is_sought_is_found_and_cut_out():
    images = StructureImages((48, 48, 48), 4, seed=5, sought=True)
    drawn = [images.image(number) for number in range(4)]
    assert all(one.amplitude.shape == one.salt.shape == (48, 48, 48) for one in drawn)
    assert drawn[0].closure.any()
    assert drawn[1].salt.any()
    assert drawn[2].closure.any()


def test_kept_volumes_are_those_that_were_drawn():
    images = StructureImages(SHAPE, 3)
    kept = KeptVolumes(images)
    assert len(kept) == 3
    np.testing.assert_array_equal(kept.batch(np.array([2]))["x"], images.batch(np.array([2]))["x"])


def test_time_within_a_package_is_only_shifted():
    one = draw_window(np.random.default_rng([7, 5]), (40, 40, 64), "full")
    closed, package = closed_time(one.geologic_time, one.salt, 512)
    assert set(np.unique(package)) == {0, 1}
    for number in (0, 1):
        shift = (closed - one.geologic_time)[package == number]
        assert np.ptp(shift) < 1e-3


def test_a_pause_is_closed_up_to_a_tenth_of_the_traces():
    time = np.broadcast_to(np.arange(30.0, dtype=np.float32), (10, 10, 30)).copy()
    time[:, :, 15:] += 512 + np.arange(100, dtype=np.float32).reshape(10, 10, 1)
    closed, _ = closed_time(time, np.zeros(time.shape, bool), 512)
    step = closed[:, :, 15] - closed[:, :, 14]
    assert (step > 0).mean() == pytest.approx(0.9, abs=0.02)
    assert np.median(step) < 45


def test_packages_that_never_touch_stay_in_order():
    time = np.zeros((4, 4, 8), np.float32) + np.arange(8, dtype=np.float32)
    salt = np.zeros(time.shape, bool)
    time[:, :, 5:] += 512
    salt[:, :, 4:6] = True
    closed, _ = closed_time(time, salt, 512)
    assert closed[:, :, 5:].min() > closed[:, :, :5].max()
