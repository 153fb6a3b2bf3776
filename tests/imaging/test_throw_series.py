"""A fault that loses its throw: the scene stays, the throw goes, an honest measure follows."""

import numpy as np
import pytest

from graben.errors import InputError
from graben.imaging import render_scene
from graben.imaging.attributes import semblance
from graben.imaging.models.faults import FaultMap
from graben.imaging.throw_series import (
    FACTORS,
    ThrowSeries,
    draw_fault_window,
    lone_fault,
    take_throw_away,
)

SHAPE = (24, 32, 40)


class Unlikeness:
    """Stands for a model: how unlike neighbouring traces are."""

    def predict(self, image):
        return FaultMap(1 - semblance(image), np.zeros_like(image))


@pytest.fixture(scope="module")
def window():
    return draw_fault_window(np.random.default_rng([1, 2]), SHAPE)


def test_one_fault_is_left_and_in_view(window):
    seen = render_scene(window.scene, SHAPE, window.origin)
    assert seen.fault.mean() >= 0.003
    without = render_scene(window.scene.with_slip(0, window.fault), SHAPE, window.origin)
    assert not without.fault.any()
    alone = lone_fault(window.scene, window.fault)
    assert render_scene(alone, SHAPE, window.origin).amplitude.tobytes() == seen.amplitude.tobytes()


def test_the_same_state_draws_the_same_fault(window):
    again = draw_fault_window(np.random.default_rng([1, 2]), SHAPE)
    np.testing.assert_array_equal(again.scene.events, window.scene.events)
    assert (again.fault, again.origin) == (window.fault, window.origin)


@pytest.mark.parametrize(("shape", "plane"), [(SHAPE, (32, 40)), ((1, 64, 64), (64, 64)),
                                              ((64, 1, 64), (64, 64))])  # fmt: skip
def test_series_hold_a_section_for_each_factor(shape, plane):
    window = draw_fault_window(np.random.default_rng(5), shape)
    series = take_throw_away(Unlikeness(), window)
    assert series.amplitudes.shape == series.maps.shape == (len(FACTORS), *plane)
    assert series.throw[0] > 1
    np.testing.assert_allclose(series.throw, series.throw[0] * np.array(FACTORS))


def test_unlikeness_falls_with_the_throw(window):
    series = take_throw_away(Unlikeness(), window, (1.0, 0.5, 0.0))
    label = render_scene(window.scene, SHAPE, window.origin).fault
    for factor, said in zip(series.factors, series.probability, strict=True):
        scene = window.scene.with_slip(factor, window.fault)
        image = render_scene(scene, SHAPE, window.origin).amplitude
        assert said == pytest.approx((1 - semblance(image))[label].mean(), rel=1e-5)
    assert series.probability[0] > series.probability[-1]


def test_a_rise_is_seen_beyond_the_tolerance():
    none = np.zeros((3, 1, 1), np.float32)
    series = ThrowSeries((1, 0.5, 0), np.arange(3.0), np.array([0.5, 0.52, 0.1]), none, none)
    assert (series.falls(0.03), series.falls(0.01), series.falls()) == (True, False, False)


def test_a_window_without_room_is_refused(monkeypatch):
    monkeypatch.setattr("graben.imaging.throw_series.TRIES", 3)
    monkeypatch.setattr("graben.imaging.throw_series.LEAST_SHARE", 1.1)
    with pytest.raises(InputError, match="Enlarge"):
        draw_fault_window(np.random.default_rng(0), (1, 8, 8))
