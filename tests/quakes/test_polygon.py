import json

import numpy as np
import pandas as pd
import pytest

from graben.errors import InputError
from graben.quakes.polygon import Polygon, read_polygon
from graben.quakes.region import Region

SQUARE = ([10, 12, 12, 10], [40, 40, 42, 42])


def test_the_area_is_that_of_the_reference_package(reference_data):
    california = read_polygon(reference_data / "catalogs" / "ComCat_california_shape.npy")
    assert california.area_km2 == pytest.approx(959_822.959, abs=1e-3)
    jacinto = read_polygon(reference_data / "catalogs" / "SanJac_shape.npy")
    assert jacinto.area_km2 == pytest.approx(10_306.063, abs=1e-3)


def test_a_small_square_has_the_area_of_a_small_square():
    square = Polygon([0, 0.1, 0.1, 0], [1, 1, 1.1, 1.1])
    degree = np.pi / 180 * 6371
    assert square.area_km2 == pytest.approx((0.1 * degree) ** 2, rel=0.01)


def test_points_inside_on_the_edge_and_outside():
    inside = Polygon(*SQUARE).contains([11, 10, 12, 9.999, 11], [41, 41, 42, 41, 42.001])
    np.testing.assert_array_equal(inside, [True, True, True, False, False])


def test_edges_are_straight_in_degrees():
    slanted = Polygon([0, 10, 0], [0, 10, 20])
    np.testing.assert_array_equal(slanted.contains([4.999, 5.001], [5, 5]), [True, False])


@pytest.mark.parametrize(
    "longitude", [[170, 190, 190, 170], [-190, -170, -170, -190], [170, -170, -170, 170]]
)
def test_the_date_line_in_any_turn(longitude):
    pacific = Polygon(longitude, [-10, -10, 10, 10])
    inside = pacific.contains([175, -175, 185, -185, 0, 165, -165], np.zeros(7))
    np.testing.assert_array_equal(inside, [True] * 4 + [False] * 3)
    east, west = pacific.near([179.5, -179.5])
    assert west - east == pytest.approx(1)
    half = Polygon([0, 20, 20, 0], [0, 0, 10, 10])
    assert pacific.area_km2 == pytest.approx(2 * half.area_km2, rel=1e-3)


def test_a_closing_vertex_changes_nothing():
    closed = Polygon([*SQUARE[0], 10], [*SQUARE[1], 40])
    assert closed.longitude.size == 4
    assert closed.area_km2 == Polygon(*SQUARE).area_km2


def test_a_box_as_a_polygon():
    box = Polygon.of(Region(10, 40, 12, 42))
    assert box.centre == (11, 41)
    assert box.area_km2 == pytest.approx(Polygon(*SQUARE).area_km2)


@pytest.mark.parametrize(
    ("longitude", "latitude", "said"),
    [
        ([0, 1], [0, 1], "three or more"),
        ([0, 1, 1], [0, 0], "one latitude per vertex"),
        ([0, 1, 1], [0, 0, 91], "order: longitude, latitude"),
        ([0, np.nan, 1], [0, 0, 1], "order: longitude, latitude"),
        ([0, 2, 2, 0], [0, 2, 0, 2], "cross"),
        ([0, 1, 2], [0, 1, 2], "area"),
        ([0, 120, -120], [80, 80, 80], "pole"),
    ],
)
def test_what_is_no_polygon_is_refused(longitude, latitude, said):
    with pytest.raises(InputError, match=said):
        Polygon(longitude, latitude)


def written(folder, name):
    """The square as a file of each kind."""
    vertices = np.column_stack(SQUARE)
    path = folder / name
    ring = [*vertices.tolist(), vertices[0].tolist()]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    if path.suffix == ".npy":
        np.save(path, vertices[:, ::-1])
    elif path.suffix == ".csv":
        pd.DataFrame(vertices, columns=["longitude", "latitude"]).to_csv(path, index=False)
    elif path.suffix == ".geojson":
        feature = {"type": "Feature", "geometry": geometry}
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    else:
        path.write_text(json.dumps(geometry))
    return path


@pytest.mark.parametrize("name", ["a.npy", "a.csv", "a.geojson", "a.json"])
def test_every_kind_of_file_gives_the_same_polygon(tmp_path, name):
    found = read_polygon(written(tmp_path, name))
    np.testing.assert_array_equal(found.longitude, SQUARE[0])
    np.testing.assert_array_equal(found.latitude, SQUARE[1])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "lon,lat\n0,0\n", r"columns longitude and latitude"),
        ("a.geojson", '{"type": "Point", "coordinates": [0, 0]}', "one Polygon"),
        ("a.geojson", '{"type": "Polygon", "coordinates": [[], []]}', "holes"),
        ("a.geojson", "not json", "holds no polygon"),
        ("a.npy", "not numpy", "holds no polygon"),
        ("a.kml", "<kml/>", "one of these"),
    ],
)
def test_a_file_without_a_polygon_is_refused_by_name(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=said) as caught:
        read_polygon(tmp_path / name)
    assert name in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        read_polygon(tmp_path / "absent.npy")
