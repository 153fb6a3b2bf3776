"""The channels of segmentation nets: against loops, without seams, and turned as the land is."""

import numpy as np
import pytest

from graben.landforms.models.segmentation_channels import (
    SYMMETRIES,
    channel_names,
    channel_reach,
    terrain_channels,
    turned,
    turned_map,
)

RADII = (1, 3)


def rough(rows: int = 24, columns: int = 20, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (2000 + 5 * rng.normal(size=(rows, columns)).cumsum(0).cumsum(1)).astype("f4")


def channels(z: np.ndarray, width: float = 30.0, height: float = 20.0) -> np.ndarray:
    rows = np.ones(len(z))
    return terrain_channels(z, width * rows, height * rows, RADII)


def test_relief_is_the_height_above_the_mean_of_what_is_there():
    z = rough()
    z[5:7, 8] = np.nan
    got = channels(z)[-1]
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            window = z[max(i - 3, 0) : i + 4, max(j - 3, 0) : j + 4].astype(float)
            expected = (z[i, j] - np.nanmean(window)) / (3 * np.sqrt(30.0 * 20.0))
            np.testing.assert_allclose(got[i, j], expected, atol=1e-6)


def test_a_paraboloid_has_its_curvature_and_the_normal_of_its_slope():
    y, x = np.mgrid[8:-9:-1, -8:9] * 1.0
    z = 0.01 * ((30 * x) ** 2 + (20 * y) ** 2)  # cells of 30 m by 20 m
    slope, east, north, curvature = channels(z)[:4, 2:-2, 2:-2]
    x, y = 30 * x[2:-2, 2:-2], 20 * y[2:-2, 2:-2]
    rise = 0.02 * np.hypot(x, y)
    np.testing.assert_allclose(slope, np.arctan(rise), atol=1e-5)
    np.testing.assert_allclose(east, -0.02 * x / np.sqrt(1 + rise**2), atol=1e-5)
    np.testing.assert_allclose(north, -0.02 * y / np.sqrt(1 + rise**2), atol=1e-5)
    np.testing.assert_allclose(curvature, 0.04 * np.sqrt(600), rtol=1e-5)


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_turning_the_land_turns_its_channels(symmetry):
    z = rough()
    swapped = symmetry % 2 == 1
    width, height = (20.0, 30.0) if swapped else (30.0, 20.0)
    expected = channels(np.ascontiguousarray(turned_map(z, symmetry)), width, height)
    np.testing.assert_allclose(turned(channels(z), symmetry), expected, atol=2e-6)


def test_the_eight_symmetries_differ():
    maps = {turned_map(rough(6, 6), symmetry).tobytes() for symmetry in range(SYMMETRIES)}
    assert len(maps) == SYMMETRIES


def test_heights_and_units_of_length_do_not_matter():
    z = rough().astype(float)
    np.testing.assert_allclose(channels(z + 500), channels(z), atol=1e-5)
    np.testing.assert_allclose(channels(4 * z, 120, 80), channels(z), atol=1e-5)


def test_beyond_the_reach_nothing_matters():
    z, reach = rough(), channel_reach(RADII)
    changed = z.copy()
    changed[12, 10] += 100
    differs = (np.abs(channels(changed) - channels(z)) > 1e-4).any(0)
    rows, columns = np.nonzero(differs)
    assert (np.ptp(rows), np.ptp(columns)) == (2 * reach, 2 * reach)


def test_a_void_is_nan_and_blinds_no_more_than_its_neighbours():
    z = rough()
    z[12, 10] = np.nan
    known = ~np.isnan(channels(z))
    assert not known[:, 12, 10].any()
    assert known[4:].sum() == 2 * (z.size - 1)
    assert known[0].sum() == z.size - 5
    assert len(channel_names(RADII)) == len(known)
    assert np.isnan(channels(np.full((4, 4), np.nan))).all()
