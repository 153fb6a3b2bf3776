import numpy as np
import pytest
from matplotlib.figure import Figure

from graben.landforms.dem import on_map
from graben.landforms.figures import (
    draw_classes,
    draw_field,
    map_canvas,
    round_length,
    shaded,
    shares_of,
)
from graben.landforms.legend import GEOMORPHONS, Legend, LegendClass

CELL = 30.0


def grid(values, crs="EPSG:32636", step=CELL):
    values = np.asarray(values, np.float32)
    rows, columns = values.shape
    return on_map(values, 4e6 - step * np.arange(rows), 5e5 + step * np.arange(columns), crs)


def degrees(values, north=60.0, step=0.01):
    values = np.asarray(values, np.float32)
    rows, columns = values.shape
    y, x = north - step * (np.arange(rows) + 0.5), step * (np.arange(columns) + 0.5)
    return on_map(values, y, x, "EPSG:4326")


def cone(size=41):
    y, x = np.mgrid[:size, :size] - size // 2
    return 500 - 10 * np.hypot(y, x)


def test_light_comes_from_the_north_west():
    light = shaded(grid(cone()))
    assert light[10, 10] > 0.2 > -0.2 > light[30, 30]
    np.testing.assert_allclose(light, light.T, atol=1e-6)


def test_flat_land_and_voids_are_neither_lit_nor_in_the_shade():
    values = np.full((9, 9), 100.0)
    values[4, 4] = np.nan
    np.testing.assert_array_equal(shaded(grid(values)), 0)
    np.testing.assert_array_equal(shaded(grid(np.full((3, 3), np.nan))), 0)
    np.testing.assert_array_equal(shaded(grid(np.arange(5.0)[None])), np.zeros((1, 5)))


def test_low_and_high_relief_look_alike():
    np.testing.assert_allclose(shaded(grid(cone())), shaded(grid(0.2 * cone())), atol=1e-4)


def test_slopes_are_measured_in_metres_not_in_degrees():
    ramp = np.repeat(np.arange(30.0)[None], 40, 0)
    light = shaded(degrees(ramp, north=80.0, step=1.0))
    assert abs(light[0]).min() > 2 * abs(light[-1]).max()  # columns are narrower in the north


def test_the_scale_bar_is_as_long_as_it_says():
    _, axes = map_canvas(grid(np.zeros((100, 300))), 1.0)  # 9 km wide
    assert [text.get_text() for text in axes.texts] == ["2 km"]
    start, end = axes.lines[-1].get_xdata()
    assert end - start == pytest.approx(2 / 9)


def test_a_map_in_degrees_is_true_to_shape_and_length_at_its_middle():
    _, axes = map_canvas(degrees(np.zeros((100, 200)), north=60.5), 1.0)
    assert axes.get_aspect() == pytest.approx(2, rel=0.01)  # cos 60 = 1/2
    start, end = axes.lines[-1].get_xdata()
    assert axes.texts[0].get_text() == "20 km"
    assert (end - start) * 2.0 * 111.4 / 2 == pytest.approx(20, rel=0.01)
    assert axes.xaxis.get_major_formatter()(-1.5, None) == "1.5°W"


@pytest.mark.parametrize(("most", "length"), [(1, 1), (1.99, 1), (2, 2), (49, 20), (70, 50)])
def test_round_lengths(most, length):
    assert round_length(most) == length


def test_the_legend_tells_shares_of_the_cells_that_have_a_class():
    classes = np.zeros((10, 20), np.uint8)
    classes[:5], classes[5:8] = 3, 9
    figure = draw_classes(classes, grid(np.zeros((10, 20))), GEOMORPHONS, "Landforms")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["ridge 62.5 %", "valley 37.5 %", "none (edge or void)"]
    assert shares_of(classes, GEOMORPHONS)[9] == 0.375
    full = draw_classes(np.maximum(classes, 1), grid(np.zeros((10, 20))), GEOMORPHONS, "")
    assert "none" not in " ".join(text.get_text() for text in full.legends[0].get_texts())


@pytest.mark.parametrize(("letters", "abreast"), [(5, 3), (25, 2), (60, 1), (90, 1)])
def test_long_names_stand_in_fewer_columns(letters, abreast):
    names = [LegendClass(code, "n" * letters, "#123456") for code in range(1, 5)]
    classes = np.arange(1, 5, dtype=np.uint8).reshape(2, 2)
    figure = draw_classes(classes, grid(np.zeros((2, 2))), Legend("", tuple(names)), "")
    assert figure.legends[0]._ncols == abreast


def test_flat_land_has_the_colour_of_the_legend():
    figure = draw_classes(
        np.full((4, 4), 9, np.uint8), grid(np.zeros((4, 4))), GEOMORPHONS, "Landforms"
    )
    painted = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(painted * 255, np.broadcast_to((0x6E, 0xB4, 0xEB), (4, 4, 3)))


@pytest.mark.parametrize("shape", [(2, 30), (30, 2), (60, 400)])
def test_any_shape_can_be_drawn(shape, tmp_path):
    dem = grid(np.random.default_rng(0).normal(0, 10, shape))
    dem[0, 0] = np.nan
    for figure in (
        draw_classes(np.ones(shape, np.uint8), dem, GEOMORPHONS, "Landforms"),
        draw_field(dem.to_numpy(), dem, "viridis", "elevation, m", "Elevation"),
    ):
        assert isinstance(figure, Figure)
        figure.savefig(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size > 3000
