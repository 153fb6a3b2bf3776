"""The generator against a slow twin that follows one sample at a time, and against identities."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from graben.errors import InputError
from graben.imaging import FACIES, draw_scene, draw_window, render_scene
from graben.imaging import synthetic_kernels as k


def fault_row(**given):
    """A planar fault that dips 45 degrees towards growing crosslines, slipping 8 samples."""
    row = np.zeros(k.EVENT_COLUMNS, np.float32)
    plain = {k.KIND: k.FAULT, k.CX: 32, k.CY: 32, k.CZ: 32, k.A: 1, k.SLOPE: 1, k.REACH: 1,
             k.SLIP: 8, k.DOWN: 1, k.DECAY: 1e-9}  # fmt: skip
    for column, value in plain.items():
        row[column] = value
    for name, value in given.items():
        row[getattr(k, name)] = value
    return row


def flat_scene(*events, size=64, **changes):
    """Level layers, quiet recording, and the given events."""
    scene = draw_scene(np.random.default_rng(7), "faults", size)
    layers = replace(
        scene.layers,
        folds=np.zeros_like(scene.layers.folds),
        shears=np.zeros_like(scene.layers.shears),
    )
    recording = replace(
        scene.recording, noise=0.0, gain=0.0, resolution=0.0, footprint=(0.0, 4.0, 4.0)
    )
    rows = np.array(events, np.float32).reshape(-1, k.EVENT_COLUMNS)
    changes = {"spacing": 1.0, "events": rows, **changes}
    return replace(scene, layers=layers, recording=recording, **changes)


def cosine(x):
    """The generator's wave, from its definition: a smooth step between -1 and 1 and back."""
    t = np.abs(2 * (x - np.floor(x)) - 1)
    return t * t * (6 - 4 * t) - 1


def restored(scene, y, x, z):
    """Follow one sample back, written for clarity: (undeformed depth, fault, salt)."""
    y, x, z = float(y) * scene.spacing, float(x) * scene.spacing, float(z)
    layers, faulted, in_salt = scene.layers, False, False
    package, alive = len(layers.folds) - 1, True
    for s in scene.salts.astype(float):
        dx, dy = x - s[k.SALT_X], y - s[k.SALT_Y]
        r0 = np.hypot(dx, dy) + 1e-9
        turn = np.arctan2(dy, dx)
        lobes = s[k.SALT_LOBE] * np.cos(3 * turn) + s[k.SALT_LOBE_PHASE] * np.sin(2 * turn) / 2
        r = r0 * (1 + lobes)
        rise = np.clip((z - s[k.SALT_TOP]) / s[k.SALT_CAP], 0, 1)
        bulb = np.exp(-(((z - s[k.SALT_BULB_Z]) / s[k.SALT_BULB_W]) ** 2))
        in_salt = r < s[k.SALT_RADIUS] * (1 + s[k.SALT_BULB] * bulb) * np.sqrt(rise)
        out = max(r - 0.7 * s[k.SALT_RADIUS], 0) / s[k.SALT_REACH]
        deep = np.clip((z - 0.3 * s[k.SALT_TOP]) / (0.7 * s[k.SALT_TOP]), 0, 1)
        z += s[k.SALT_UPLIFT] * np.exp(-out * out / 2) * deep
    for e in scene.events.astype(float):
        if not alive:
            break
        if e[k.KIND] == k.UNCONFORMITY:
            level = e[k.DEPTH] + e[k.DIP_X] * x + e[k.DIP_Y] * y
            level += e[k.RELIEF] * cosine(e[k.WAVE_X] * x + e[k.WAVE_Y] * y + e[k.PHASE])
            if z < level:
                package, alive = int(e[k.PACKAGE]), False
            continue
        along = np.array([-e[k.B], e[k.A]])
        ahead = np.array([e[k.A], e[k.B]])
        dx, dy, dz = x - e[k.CX], y - e[k.CY], z - e[k.CZ]
        h = ahead @ [dx, dy]
        bent = np.clip(dz, -e[k.REACH], e[k.REACH])
        slope = e[k.SLOPE] + e[k.CURVATURE] * bent
        surface = e[k.SLOPE] * dz + e[k.CURVATURE] * bent * (dz - bent / 2)
        down_dip = np.array([slope, 1]) / np.hypot(slope, 1)
        side = (h - surface) / np.hypot(slope, 1)
        if e[k.SPREAD] == 0:
            share = np.exp(-(dx**2 + dy**2 + dz**2) * e[k.DECAY])
        else:
            share = np.clip(0.5 + down_dip @ [h, dz] * e[k.DECAY], 0, 1.5)
        slip = e[k.SLIP] * share
        faulted |= abs(side) <= scene.half_thickness and abs(slip) > 1
        if side > 0:
            moved = slip * e[k.DOWN] * down_dip
            x, y = np.array([x, y]) - moved[0] * ahead - slip * e[k.ALONG] * along
            z -= moved[1]
    grid = layers.folds[package].astype(float)
    v, u = ((c + layers.margin) / 2 for c in (y, x))
    v, u = np.clip(v, 0, grid.shape[0] - 2), np.clip(u, 0, grid.shape[0] - 2)
    a, b = int(v), int(u)
    corners = grid[a : a + 2, b : b + 2]
    fold = np.array([1 - (v - a), v - a]) @ corners @ np.array([1 - (u - b), u - b])
    shear = layers.shears[package].astype(float) @ [x, y]
    length = layers.reflectivity.shape[1]
    depth = np.clip(z + shear + z * fold + layers.start, 0, length - 2)
    return depth + package * length, faulted, in_salt


@pytest.mark.parametrize("preset", ["faults", "full"])
def test_every_sample_is_followed_as_the_slow_twin_follows_it(preset):
    pick = np.random.default_rng(3)
    differing = compared = 0
    for seed in range(12):
        scene = draw_scene(np.random.default_rng(seed), preset, 32)
        cube = render_scene(scene, (24, 32, 28), (3, 0, 2))
        for place in pick.integers(0, cube.fault.shape, (60, 3)):
            expected, faulted, in_salt = restored(scene, *np.add(place, (3, 0, 2)))
            found = cube.geologic_time[tuple(place)]
            # a surface may pass between where two roundings put the same sample
            differing += abs(found - expected) > 0.1 or (
                not in_salt and cube.fault[tuple(place)] != faulted
            )
            if cube.salt is not None:
                differing += cube.salt[tuple(place)] != in_salt
            compared += 1
    assert compared == 720
    assert differing <= 0.01 * compared


def test_a_planar_fault_drops_its_hanging_wall_by_the_slip():
    cube = render_scene(flat_scene(fault_row()))
    still = render_scene(flat_scene())
    fallen = still.geologic_time - cube.geologic_time
    # beyond the fault, on the side it dips to: 8 samples down the dip of 45 degrees
    np.testing.assert_allclose(fallen[:, 40:, :32], 8 * np.sqrt(0.5), atol=0.01)
    np.testing.assert_array_equal(fallen[:, :24, 32:], 0)
    np.testing.assert_allclose(cube.throw[cube.fault], 8 * np.sqrt(0.5), rtol=1e-5)
    # the plane crosslines = samples, within a sample on each side
    crossline, sample = np.nonzero(cube.fault[5])
    assert np.abs(crossline - sample).max() == 1
    assert cube.fault[5].sum() == 64 + 2 * 63


def test_a_reverse_fault_lifts_and_strike_slip_moves_along():
    lifted = render_scene(flat_scene(fault_row(SLIP=-8)))
    still = render_scene(flat_scene())
    rise = still.geologic_time - lifted.geologic_time
    np.testing.assert_allclose(rise[:, 44:, :32], -8 * np.sqrt(0.5), atol=0.01)
    aside = render_scene(flat_scene(fault_row(DOWN=0, ALONG=1)))
    np.testing.assert_array_equal(aside.geologic_time, still.geologic_time)


def test_a_listric_fault_flattens_downwards():
    cube = render_scene(flat_scene(fault_row(SLOPE=0.5, CURVATURE=0.05, REACH=30), size=96))
    middle = [np.nonzero(cube.fault[8, :, z])[0].mean() for z in (34, 44, 54)]
    # half a sample sideways for each down at the centre, 0.05 more with each sample below
    np.testing.assert_allclose(middle, [33.1, 41.6, 55.1], atol=0.6)


def test_what_slips_less_than_a_sample_is_no_fault():
    assert not render_scene(flat_scene(fault_row(SLIP=0.9))).fault.any()
    assert render_scene(flat_scene(fault_row(SLIP=1.1))).fault.any()


def test_a_younger_fault_displaces_an_older_one():
    steep = fault_row(SLOPE=0, SLIP=10, CX=20)
    flat = fault_row(SLOPE=3, SLIP=12, CX=32)
    cube = render_scene(flat_scene(steep, flat, size=96))
    low = np.nonzero(cube.fault[8, 10])[0].mean() + (30 - 10) / 3
    high = np.nonzero(cube.fault[8, 30])[0]
    assert np.abs(high - low).min() > 4


def test_above_an_unconformity_nothing_older_shows():
    erosion = np.zeros(k.EVENT_COLUMNS, np.float32)
    erosion[[k.KIND, k.DEPTH]] = k.UNCONFORMITY, 30
    scene = flat_scene(erosion, fault_row())
    layers = scene.layers
    two = replace(
        layers,
        reflectivity=np.repeat(layers.reflectivity, 2, 0),
        styles=np.repeat(layers.styles, 2, 0),
        folds=np.repeat(layers.folds, 2, 0),
        shears=np.repeat(layers.shears, 2, 0),
    )
    cube = render_scene(replace(scene, layers=two))
    length = layers.reflectivity.shape[1]
    assert not cube.fault[:, :, :30].any()
    assert cube.fault[:, :, 30:].any()
    assert (cube.geologic_time[:, :, :30] < length).all()
    assert (cube.geologic_time[:, :, 30:] >= length).all()


def test_without_faults_time_rises_down_every_trace():
    for seed in range(6):
        scene = draw_scene(np.random.default_rng(seed), "full", 40)
        quiet = replace(scene.with_slip(0), salts=scene.salts[:0])
        cube = render_scene(quiet)
        assert (np.diff(cube.geologic_time, axis=2) > 0).all()
        assert not cube.fault.any()
        assert not cube.throw.any()


def test_a_window_is_a_part_of_the_whole():
    scene = draw_scene(np.random.default_rng(11), "faults", 48)
    whole = render_scene(scene)
    part = render_scene(scene, (16, 20, 24), (5, 6, 7))
    cut = np.s_[5:21, 6:26, 7:31]
    for name in ("geologic_time", "fault", "throw"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[cut])


def test_the_same_seed_gives_the_same_samples_in_another_process():
    scene = draw_scene(np.random.default_rng(5), "full", 32)
    again = pickle.loads(pickle.dumps(scene))
    first, second = render_scene(scene), render_scene(again)
    for name in ("amplitude", "fault", "facies", "closure", "flat_spot", "salt"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


def test_less_slip_is_the_same_image_but_for_the_faults():
    scene = draw_scene(np.random.default_rng(2), "faults", 48)
    assert render_scene(scene.with_slip(1)).amplitude.tobytes() == (
        render_scene(scene).amplitude.tobytes()
    )
    throws = [render_scene(scene.with_slip(f)).throw.max() for f in (1, 0.5, 0.25)]
    assert throws[0] > throws[1] > throws[2] > 0
    assert scene.events[:, k.SLIP].any()


def test_amplitudes_are_normalised_and_missing_traces_are_zero():
    for seed in range(8):
        cube = draw_window(np.random.default_rng(seed), (24, 24, 24))
        assert abs(cube.amplitude.mean()) < 1e-3
        assert abs(cube.amplitude.std() - 1) < 1e-3
        assert cube.amplitude.dtype == np.float32
    scene = draw_scene(np.random.default_rng(0), "full", 32)
    gaps = replace(scene, recording=replace(scene.recording, missing=0.5))
    dead = ~render_scene(gaps).amplitude.any(2)
    assert 0.4 < dead.mean() < 0.6


def test_noise_is_as_strong_as_was_asked():
    scene = flat_scene()
    loud = replace(scene, recording=replace(scene.recording, noise=1.0))
    signal, both = render_scene(scene).amplitude, render_scene(loud).amplitude
    # of unit variance, half is signal
    assert np.corrcoef(signal.ravel(), both.ravel())[0, 1] == pytest.approx(np.sqrt(0.5), abs=0.03)


def test_a_footprint_repeats_along_lines():
    scene = flat_scene()
    printed = replace(scene.recording, footprint=(0.4, 4.0, 1.0))
    cube = render_scene(replace(scene, recording=printed)).amplitude
    strength = np.abs(cube[:, :, :20]).mean((1, 2))
    np.testing.assert_allclose(strength[:4], strength[4:8], rtol=1e-3)
    assert strength[0] > 1.3 * strength[2]


def test_detailed_scenes_hold_what_they_promise():
    seen, salts = set(), 0
    for seed in range(20):
        cube = render_scene(draw_scene(np.random.default_rng(seed), "full", 48))
        seen |= set(np.unique(cube.facies))
        salts += cube.salt.any()
        np.testing.assert_array_equal(cube.facies == FACIES.index("salt"), cube.salt)
        assert not (cube.fault & cube.salt).any()
        assert not cube.throw[cube.salt].any()
    assert seen == set(range(len(FACIES)))
    assert 2 <= salts <= 16


def test_both_presets_have_faults_and_few_many_and_spaced_modes():
    scenes = [draw_scene(np.random.default_rng(seed), "faults", 64) for seed in range(60)]
    assert {scene.spacing for scene in scenes} == {1.0, 2.0, 3.0}
    counts = np.array([scene.faults for scene in scenes])
    assert counts.min() == 3
    assert counts.max() >= 15
    slips = np.concatenate([scene.events[:, k.SLIP] for scene in scenes])
    assert 0.1 < (slips < 0).mean() < 0.3


@pytest.mark.parametrize(
    ("preset", "size", "said"), [("salt", 64, "faults or full"), ("faults", 8, "16 samples")]
)
def test_what_cannot_be_drawn_is_refused(preset, size, said):
    with pytest.raises(InputError, match=said):
        draw_scene(np.random.default_rng(0), preset, size)


def test_slip_of_one_fault_is_scaled_alone():
    scene = flat_scene(fault_row(SLIP=8), fault_row(SLIP=6, CX=10))
    one = scene.with_slip(0.5, 1)
    assert one.events[:, k.SLIP].tolist() == [8, 3]
    np.testing.assert_array_equal(one.with_slip(0.5, 0).events, scene.with_slip(0.5).events)
