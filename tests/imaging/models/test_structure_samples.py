import numpy as np

from graben.imaging.models.structure_samples import KeptVolumes, StructureImages

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
