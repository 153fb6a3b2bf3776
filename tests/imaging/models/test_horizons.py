import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from graben.imaging.models.horizons import (
    STRICT,
    forward_in_time,
    integrated_dips,
    surface_of,
    time_at,
)


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=40))
def test_times_are_those_of_an_isotonic_regression(values):
    trace = np.array(values, np.float32)
    found = forward_in_time(trace[None, None])[0, 0] - STRICT * np.arange(trace.size)
    np.testing.assert_allclose(found, isotonic_regression(trace).x, atol=1e-3)


def test_times_that_rise_are_kept_and_the_input_is_left_alone():
    time = np.sort(np.random.default_rng(0).normal(0, 30, (3, 4, 50)).astype(np.float32), axis=2)
    before = time.copy()
    np.testing.assert_allclose(forward_in_time(time), time, atol=STRICT * 51)
    np.testing.assert_array_equal(time, before)


def test_a_tilted_plane_gives_tilted_horizons():
    i, j, k = np.mgrid[0:12, 0:15, 0:40].astype(np.float32)
    time = k - 0.5 * i + 0.25 * j
    found = surface_of(time, 20.0, 3.0)
    np.testing.assert_allclose(found, 20 + 0.5 * i[:, :, 0] - 0.25 * j[:, :, 0], atol=1e-4)


def test_a_horizon_ends_where_the_volume_does():
    time = np.broadcast_to(np.arange(10, dtype=np.float32), (1, 2, 10)).copy()
    time[0, 1] += 8
    assert np.isnan(surface_of(time, 12.0, 3.0)[0, 0])
    assert surface_of(time, 12.0, 3.0)[0, 1] == 4
    assert np.isnan(surface_of(time, -1.0, 3.0)).all()
    assert surface_of(time, 0.0, 3.0)[0, 0] == 0
    assert surface_of(time, 9.0, 3.0)[0, 0] == 9


def test_a_layer_that_a_fault_has_cut_out_is_left_out():
    time = np.broadcast_to(np.arange(20, dtype=np.float32), (1, 2, 20)).copy()
    time[0, 1, 10:] += 6  # 6 samples of layers are gone
    level = 12.5
    assert surface_of(time, level, 3.0)[0, 0] == pytest.approx(12.5)
    assert np.isnan(surface_of(time, level, 3.0)[0, 1])
    assert surface_of(time, 17.5, 3.0)[0, 1] == pytest.approx(11.5)


def test_the_time_of_a_seed_is_read_between_samples():
    assert time_at(np.array([5, 6, 9], np.float32), 1.25) == pytest.approx(6.75)


def test_slopes_of_a_surface_integrate_to_it():
    i, j = np.mgrid[:30, :20].astype(np.float32)
    surface = (6 * np.sin(i / 9) * np.cos(j / 7))[:, :, None]
    slopes = [-np.gradient(surface, axis=axis) for axis in (0, 1)]
    found = integrated_dips(*(one.astype(np.float32) for one in slopes))
    np.testing.assert_allclose(found, surface - surface.mean(), atol=0.15)


def test_dips_of_a_line_are_summed_along_it():
    flat = np.zeros((1, 12, 3), np.float32)
    found = integrated_dips(flat, flat + 0.5)
    np.testing.assert_allclose(np.diff(found, axis=1), -0.5, atol=1e-5)
