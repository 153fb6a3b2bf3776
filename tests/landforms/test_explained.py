import numpy as np
import pytest

from graben.errors import InputError
from graben.landforms import DemFile, fractal, read_dem, write_raster
from graben.landforms.dem import on_map
from graben.landforms.explained import cell_at, explain_cell
from graben.landforms.explained_page import rays_table, verdict_sentence
from graben.landforms.forms import Sighting, geomorphons


@pytest.fixture
def hills(tmp_path):
    """Whole metres, so that ties occur, with voids."""
    dem = fractal(60, 80, 0.7, 300.0, seed=5).round()
    dem[20:24, 30:33] = np.nan
    dem[40, 50] = np.nan
    write_raster(tmp_path / "hills.tif", dem)
    return DemFile(tmp_path / "hills.tif")


def saved(folder, values, crs="EPSG:32636", step=(30.0, 30.0), corner=(5e5, 4e6)):
    rows, columns = values.shape
    y, x = corner[1] - step[1] * np.arange(rows), corner[0] + step[0] * np.arange(columns)
    write_raster(folder / "dem.tif", on_map(values.astype(np.float32), y, x, crs))
    return DemFile(folder / "dem.tif")


@pytest.mark.parametrize(
    "sighting",
    [
        Sighting(),
        Sighting(search=4, flat=3.0, comparison="anglev2"),
        Sighting(search=15, skip=2, dist=3.0, comparison="anglev2_distance"),
    ],
)
def test_the_verdicts_of_the_rays_make_the_form_of_the_map(hills, sighting):
    forms = geomorphons(read_dem(hills.path), sighting, ("forms", "ternary"), threads=1)
    near = [(58, 40), (3, 5), (19, 31), (39, 49)]  # at the edges and beside voids
    cells = near + [(int(i), int(j)) for i, j in np.random.default_rng(0).integers(3, 57, (30, 2))]
    seen = set()
    for row, column in cells:
        if not forms["forms"][row, column]:
            with pytest.raises(InputError, match="has no form"):
                explain_cell(hills, (row, column), sighting)
            continue
        found = explain_cell(hills, (row, column), sighting)
        assert found.code == forms["forms"][row, column]
        assert ternary([ray.verdict for ray in found.rays]) == forms["ternary"][row, column]
        seen.add(found.code)
    assert len(seen) > 4


def ternary(verdicts):
    """The smallest ternary number of all turns and of the mirror image."""
    digits = [verdict + 1 for verdict in verdicts]
    turned = [way[k:] + way[:k] for way in (digits, digits[::-1]) for k in range(8)]
    return min(sum(digit * 3**place for place, digit in enumerate(one)) for one in turned)


def test_places_and_heights_along_the_rays_are_those_of_the_model(hills):
    found = explain_cell(hills, (30, 40))
    dem = read_dem(hills.path)
    bearings = {"N": 0, "NE": 45, "E": 90, "SE": 135, "S": 180, "SW": 225, "W": 270, "NW": 315}
    assert [ray.direction for ray in found.rays] == list(bearings)
    for ray in found.rays:
        heights = [float(dem.sel(x=x, y=y)) for x, y in zip(ray.x, ray.y, strict=True)]
        np.testing.assert_allclose(ray.height, np.array(heights) - found.elevation)
        np.testing.assert_allclose(
            ray.distance, np.hypot(ray.x - found.x, ray.y - found.y), rtol=1e-9
        )
        away = np.degrees(np.arctan2(ray.x - found.x, ray.y - found.y)) % 360
        np.testing.assert_allclose(away, bearings[ray.direction], atol=1e-6)
        np.testing.assert_allclose(np.tan(np.radians(ray.angle)), ray.height / ray.distance)
        assert ray.highest == np.argmax(ray.angle)
        assert ray.lowest == np.argmin(ray.angle)
        assert max(ray.distance) < 10 * 30


def test_the_top_of_a_dome_looks_down_all_around(tmp_path):
    y, x = np.mgrid[-20:21, -20:21]
    found = explain_cell(saved(tmp_path, 2000 - 2.0 * (x**2 + y**2)), (20, 20))
    assert (found.form, found.higher, found.lower) == ("summit", 0, 8)
    assert "0 are higher and 8 lower: summit (code 2)" in verdict_sentence(found)
    north, northeast = found.rays[:2]
    np.testing.assert_allclose(np.tan(np.radians(north.angle)), -2 * np.arange(1, 10) / 30)
    assert (north.highest, north.lowest) == (0, 8)
    assert len(northeast.distance) == 7


def test_a_direction_that_begins_with_a_void_is_not_seen(tmp_path):
    values = np.add.outer(np.arange(30.0) ** 2, np.zeros(30))
    values[14, 15] = np.nan
    found = explain_cell(saved(tmp_path, values), (15, 15))
    north = found.rays[0]
    assert (north.highest, north.verdict, north.word) == (None, 0, "not seen")
    assert rays_table(found).rows[0] == ("N", *[None] * 6, "not seen")
    south = found.rays[4]
    assert (south.verdict, south.highest) == (1, 8)
    assert south.height[8] == 24**2 - 15**2


def test_degrees_are_measured_in_metres(tmp_path):
    values = np.add.outer(np.zeros(40), np.arange(60.0))
    dem = saved(tmp_path, values, "EPSG:4326", (0.01, 0.01), (359.6, 60.2))
    found = explain_cell(dem, (20, 30))
    east, north = found.rays[2], found.rays[0]
    assert east.distance[0] == pytest.approx(north.distance[0] / 2, rel=0.01)  # cos 60 = 1/2
    assert len(east.distance) == 2 * len(north.distance) + 1


def test_a_place_is_found_by_its_coordinates_and_by_degrees(hills):
    x, y = float(hills.x[7]), float(hills.y[11])
    assert cell_at(hills, x + 14, y - 14) == (11, 7)
    from pyproj import Transformer

    longitude, latitude = Transformer.from_crs(hills.crs, 4326, always_xy=True).transform(x, y)
    assert cell_at(hills, longitude, latitude, lonlat=True) == (11, 7)
    with pytest.raises(InputError, match="--lonlat"):
        cell_at(hills, longitude, latitude)
    with pytest.raises(InputError, match=r"inside hills\.tif"):
        cell_at(hills, 0, 0, lonlat=True)


def test_western_longitudes_are_found_where_a_file_counts_to_360(tmp_path):
    dem = saved(tmp_path, np.zeros((5, 9)), "EPSG:4326", (1.0, 1.0), (230.5, 50.5))
    assert cell_at(dem, -127.4, 49.7) == cell_at(dem, 232.6, 49.7) == (1, 2)
