"""`graben landforms explain` through the real command line, and its page."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from graben.landforms import DemFile, read_dem, write_raster
from graben.landforms.dem import on_map
from graben.landforms.explained import explain_cell
from graben.landforms.ray_figures import PAIRS, draw_profiles, draw_rays


@pytest.fixture(scope="module")
def valley(tmp_path_factory):
    """A valley from north to south that deepens to the south; west of the origin."""
    path = tmp_path_factory.mktemp("dem") / "valley.tif"
    y, x = np.mgrid[:41, :41] - 20
    values = (2000 + 1.0 * x**2 - 0.01 * (y + 20) ** 2).astype(np.float32)
    values[20, 26] = np.nan
    dem = on_map(values, -1000.0 - 30 * np.arange(41), -5000.0 + 30 * np.arange(41), "EPSG:3857")
    write_raster(path, dem)
    return path


def test_negative_coordinates_are_no_options_and_the_table_tells_all(graben, valley):
    done = graben("landforms", "explain", valley, -4400, -1600)
    assert (done.code, done.err) == (0, "")
    for text in ("valley (code 9)", "+1 higher", "NW", "SE"):
        assert text in done.out


def test_json_holds_the_rays(graben, valley):
    found = graben("landforms", "explain", valley, -4400, -1600, "--search", 5, "--json").json()
    assert (found["form"], found["code"], found["row"], found["column"]) == ("valley", 9, 20, 20)
    assert (found["search"], found["skip"], found["comparison"]) == (5, 0, "anglev1")
    assert [ray["direction"] for ray in found["rays"]] == [
        "N", "NE", "E", "SE", "S", "SW", "W", "NW"
    ]  # fmt: skip
    east = found["rays"][2]
    assert east["verdict"] == 1
    assert east["up"]["distance"] == pytest.approx(4 * 30)
    assert east["up"]["height"] == 16
    assert east["up"]["angle"] == pytest.approx(np.degrees(np.arctan(16 / 120)))


def test_the_page_is_whole(graben, valley, tmp_path, check_page):
    done = graben("landforms", "explain", valley, -4400, -1600, "--out", tmp_path / "why")
    assert done.code == 0
    folder = tmp_path / "why"
    assert json.loads((folder / "explanation.json").read_text())["form"] == "valley"
    assert (folder / "rays.png").exists()
    assert (folder / "profiles.png").exists()
    assert "Why this is a valley" in (folder / "report.html").read_text()
    check_page(folder / "report.html")


def test_degrees_lead_to_the_same_cell(graben, valley):
    longitude, latitude = -4400 / 111319.49, -1600 / 111319.49
    done = graben("landforms", "explain", valley, longitude, latitude, "--lonlat", "--json")
    assert (done.json()["row"], done.json()["column"]) == (20, 20)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((0, 0), "inside valley.tif"),
        ((-4220, -1600), "it is void"),
        ((-5000, -1600), "outermost 1 rows"),
    ],
)
def test_a_place_without_a_form_ends_with_2(graben, valley, place, words):
    done = graben("landforms", "explain", valley, *place)
    assert done.code == 2
    assert words in done.err


def test_a_folder_of_others_is_not_replaced(graben, valley, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = graben("landforms", "explain", valley, -4400, -1600, "--out", tmp_path)
    assert (done.code, (tmp_path / "notes.txt").read_text()) == (2, "mine")


def test_rays_are_drawn_to_where_they_end_in_the_colour_of_their_verdict(valley):
    found = explain_cell(DemFile(valley), (20, 20))
    figure = draw_rays(found, read_dem(valley))
    assert isinstance(figure, Figure)
    lines = figure.axes[0].lines
    ends = {(float(line.get_xdata()[-1]), float(line.get_ydata()[-1])) for line in lines}
    assert {(float(ray.x[-1]), float(ray.y[-1])) for ray in found.rays} <= ends
    colours = {line.get_color() for line in lines if len(line.get_xdata()) == 2}
    assert len(colours) >= 3  # white, higher, lower


def test_profiles_show_the_ground_from_the_cell_on(valley):
    found = explain_cell(DemFile(valley), (20, 20))
    panels = draw_profiles(found).axes
    rays = {ray.direction: ray for ray in found.rays}
    for panel, direction in zip(panels, PAIRS, strict=True):
        ground = panel.lines[1]
        np.testing.assert_allclose(ground.get_xdata()[1:], rays[direction].distance)
        np.testing.assert_allclose(ground.get_ydata()[1:], rays[direction].height)
        assert panel.get_title(loc="left").startswith(f"{direction}: ")


def test_a_folder_that_holds_the_model_is_not_replaced(graben, valley, tmp_path):
    (tmp_path / "made_by_graben").touch()
    held = tmp_path / "valley.tif"
    held.write_bytes(valley.read_bytes())
    done = graben("landforms", "explain", held, -4400, -1600, "--out", tmp_path)
    assert (done.code, held.exists()) == (2, True)
    assert "would go with it" in done.err
