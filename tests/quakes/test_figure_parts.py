import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from graben.quakes.figure_parts import (
    colour_bar,
    dots,
    floats,
    image,
    log_limits,
    map_canvas,
    percent_axis,
    shade,
)
from graben.quakes.region import Region


@pytest.mark.parametrize(
    ("shares", "limits"),
    [
        ([0.001, 0.01], (0.001, 0.01)),
        ([0.0011, 0.0099], (0.001, 0.01)),
        ([1e-9, 1.0], (0.001, 1.0)),
        ([0.02], (0.01, 0.03)),
        ([np.nan, 0], (0.001, 1.0)),
        ([1e-12], (1e-7, 3e-7)),
    ],
)
def test_limits_hold_the_shares_within_three_decades(shares, limits):
    assert log_limits(np.array(shares), lowest=0) == pytest.approx(limits)


def test_none_is_no_number():
    np.testing.assert_array_equal(floats([None, 1]), [np.nan, 1.0])


@pytest.mark.parametrize("most", [3, 8])
def test_a_logarithmic_axis_has_few_marks_in_percent(most):
    axes = Figure().subplots()
    axes.set(xscale="log", xlim=(0.001, 1))
    percent_axis(axes.xaxis, most)
    assert len(axes.get_xticks()) <= most
    assert axes.xaxis.get_major_formatter().format_ticks([0.003, 1]) == ["0.3 %", "100 %"]


def test_a_map_lies_where_its_cells_lie_and_says_so_in_degrees():
    figure, axes, view = map_canvas(np.arange(-3.0, 3), np.arange(-4.0, 5), beside=2)
    values = np.arange(40.0).reshape(5, 8)
    field = image(axes, values, view, "viridis", LogNorm(2, 50))
    assert view == Region(-4, -3, 4, 2)
    assert tuple(field.get_extent()) == (-4, 4, -3, 2)
    assert field.origin == "lower"
    shown = axes.xaxis.get_major_formatter().format_ticks([-2.5, 0, 30])
    assert shown == ["2.5°W", "0°", "30°E"]
    assert axes.yaxis.get_major_formatter().format_ticks([-2, 2]) == ["2°S", "2°N"]
    colour_bar(figure, axes, field, [3, 30], ["three", "thirty"], "label")
    bar = figure.axes[1]
    assert [text.get_text() for text in bar.get_xticklabels()] == ["three", "thirty"]
    assert bar.get_xlabel() == "label"


@pytest.mark.parametrize(
    ("values", "extend"), [([3, 4], "neither"), ([1, 4], "min"), ([3, 9], "max"), ([1, 9], "both")]
)
def test_a_scale_of_colours_says_that_values_lie_beyond_it(values, extend):
    figure, axes, view = map_canvas(np.arange(2.0), np.arange(3.0), beside=2)
    field = image(axes, np.array([values]), view, "viridis", LogNorm(2, 5, clip=True))
    colour_bar(figure, axes, field, [2], ["2"], "label")
    assert field.colorbar.extend == extend


def cover_of(heights, step=0.1):
    """The shading of elevations that are given from north to south."""
    y = 40 - step * (np.arange(heights.shape[0]) + 0.5)
    x = 30 + step * (np.arange(heights.shape[1]) + 0.5)
    axes = Figure().subplots()
    shade(axes, xr.DataArray(heights, {"y": y, "x": x}, ("y", "x")), Region(29, 35, 36, 41))
    return axes.images[0]


def test_relief_is_lit_from_the_north_west_and_flat_land_stays():
    flat = cover_of(np.full((20, 30), 500.0))
    assert np.abs(np.asarray(flat.get_array())[..., 3]).max() < 1e-6
    assert tuple(flat.get_extent()) == pytest.approx((30, 33, 38, 40))
    row, column = np.mgrid[:20, :30]
    for slope, bright in ((column, True), (-column, False), (row, True), (-row, False)):
        # heights that rise eastwards or southwards face the light
        cover = np.asarray(cover_of(2000.0 * slope).get_array())
        assert (cover[..., 0] == bright).all()
        assert (cover[..., 3] > 0.05).all()


def test_voids_count_as_sea_level_and_little_terrain_is_no_fault():
    heights = np.zeros((20, 30))
    heights[5:8] = np.nan
    assert np.isfinite(np.asarray(cover_of(heights).get_array())).all()
    axes = Figure().subplots()
    far = xr.DataArray(np.zeros((3, 3)), {"y": [2.0, 1, 0], "x": [0.0, 1, 2]}, ("y", "x"))
    shade(axes, far, Region(29, 35, 36, 41))
    assert not axes.images


def test_dots_stand_at_their_values_with_intervals_where_known():
    rows = [
        {"model": "a", "value": 1.0, "low": 0.5, "high": 2.0},
        {"model": "b", "value": -1.0, "low": None, "high": float("nan")},
        {"model": "c", "value": 3.0},
    ]
    _, axes = dots(rows, "model")
    assert axes.lines[1].get_xdata().tolist() == [1, -1, 3]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b", "c"]
    drawn = [part for part in axes.collections[0].get_segments() if len(part)]
    np.testing.assert_array_equal(drawn, [[[0.5, 0], [2.0, 0]]])
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
