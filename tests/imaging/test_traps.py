import numpy as np
import pytest
from scipy import ndimage

from graben.imaging import draw_scene, render_scene
from graben.imaging.synthetic import draw_window
from graben.imaging.traps import closures, spill_levels

Y, X = np.mgrid[-20:21, -20:21].astype(float)


def slow_levels(surface, sealing):
    """The least, over all paths to the rim, of the deepest point on the way: by relaxation."""
    level = np.where(sealing, np.inf, 1e9)
    rim = np.ones(surface.shape, bool)
    rim[1:-1, 1:-1] = False
    level[rim & ~sealing] = surface[rim & ~sealing]
    for _ in range(surface.size):
        padded = np.pad(np.where(sealing, np.inf, level), 1, constant_values=np.inf)
        n, m = surface.shape
        around = np.min(
            [padded[1 + a : 1 + a + n, 1 + b : 1 + b + m] for a in (-1, 0, 1) for b in (-1, 0, 1)],
            axis=0,
        )
        better = np.where(sealing, np.inf, np.minimum(level, np.maximum(surface, around)))
        if np.array_equal(better, level):
            break
        level = better
    return level


def test_spill_levels_are_those_of_the_slow_twin():
    generator = np.random.default_rng(0)
    for _ in range(8):
        surface = generator.normal(size=(14, 17)).astype(np.float32).cumsum(0)
        sealing = generator.random(surface.shape) < 0.15
        found, expected = spill_levels(surface, sealing), slow_levels(surface, sealing)
        reached = expected < 1e9
        np.testing.assert_allclose(found[reached], expected[reached], rtol=1e-6)
        assert np.isneginf(found[~reached & ~sealing]).all()


def test_a_dome_is_closed_down_to_its_saddle():
    dome = (60 - 20 * np.exp(-(X**2 + Y**2) / 80)).astype(np.float32)
    [(basin, crest, spill)] = closures(dome, np.zeros(dome.shape, bool))
    assert crest == dome.min() == 40
    rim = np.concatenate([dome[0], dome[-1], dome[:, 0], dome[:, -1]])
    assert spill == rim.min()
    np.testing.assert_array_equal(basin, dome < spill)


def test_a_tilted_plane_is_open_and_a_sealing_fault_closes_it():
    plane = (50 + 0.8 * X).astype(np.float32)
    assert closures(plane, np.zeros(plane.shape, bool)) == []
    # a fault like a horseshoe, open down dip, above which the layer goes on
    sealing = ((X == -8) & (np.abs(Y) <= 8)) | ((np.abs(Y) == 8) & (X >= -8) & (X <= 8))
    [(basin, crest, spill)] = closures(plane, sealing)
    assert (crest, spill) == (pytest.approx(50 - 0.8 * 7), pytest.approx(50 + 0.8 * 9))
    assert not basin[sealing].any()


def test_a_basin_traps_nothing():
    bowl = (60 + 20 * np.exp(-(X**2 + Y**2) / 80)).astype(np.float32)
    assert closures(bowl, np.zeros(bowl.shape, bool)) == []


def test_hydrocarbons_stand_on_level_contacts_and_brighten():
    filled = 0
    for seed in range(30):
        scene = draw_scene(np.random.default_rng(seed), "full", 64)
        cube = render_scene(scene)
        if not cube.closure.any():
            continue
        filled += 1
        assert not (cube.closure & cube.salt).any()
        length = scene.layers.reflectivity.shape[1]
        within = np.zeros(cube.closure.shape, bool)
        for reservoir in scene.reservoirs:
            top = reservoir.time + reservoir.package * length
            time = cube.geologic_time
            within |= (time >= top) & (time < top + reservoir.thickness)
        assert within[cube.closure].all()
        # a flat spot is three samples thick, around the deepest filled sample
        depths = np.nonzero(cube.flat_spot.any((0, 1)))[0]
        touching = cube.closure | np.roll(cube.closure, 1, 2) | np.roll(cube.closure, -1, 2)
        assert (cube.flat_spot & touching).any() == bool(depths.size)
    assert filled >= 6


def test_hydrocarbons_stand_out_more_often_than_not():
    brighter = []
    for number in range(20):
        one = draw_window(np.random.default_rng([8, number]), (96, 96, 96), "full")
        if one.closure.sum() < 100:
            continue
        beside = ndimage.binary_dilation(one.closure, np.ones((9, 9, 1))) & ~one.closure & ~one.salt
        inside, outside = (
            np.sqrt(np.square(one.amplitude[m]).mean()) for m in (one.closure, beside)
        )
        brighter.append(inside / outside)
    assert len(brighter) >= 5
    assert np.median(brighter) > 1.2
