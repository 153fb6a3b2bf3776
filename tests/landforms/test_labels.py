import geopandas as gpd
import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin
from shapely.geometry import LineString, MultiPoint, Point, box

from graben.errors import InputError
from graben.landforms.labels import Grid, read_labels

UTM = CRS.from_epsg(32635)
# cell (row, column) has its centre at x = 500,015 + 30 column, y = 4,199,985 - 30 row
GRID = Grid((20, 30), from_origin(500_000, 4_200_000, 30, 30), UTM)


def centre(row, column):
    return Point(500_015 + 30 * column, 4_199_985 - 30 * row)


def written(folder, shapes, crs=UTM, name="clicks.gpkg", **columns):
    path = folder / name
    gpd.GeoDataFrame(columns, geometry=shapes, crs=crs).to_file(path)
    return path


FOUR = [centre(0, 0), centre(19, 29), centre(5, 7), centre(6, 7)]
AB = ["a", "a", "b", "b"]


def as_cells(labels):
    names = np.array(labels.classes)[labels.codes - 1]
    return dict(
        zip(
            zip(labels.rows.tolist(), labels.columns.tolist(), strict=True),
            names.tolist(),
            strict=True,
        )
    )


def test_a_point_labels_its_cell(tmp_path):
    found = read_labels(written(tmp_path, FOUR, landform=AB), GRID)
    assert as_cells(found) == {(0, 0): "a", (19, 29): "a", (5, 7): "b", (6, 7): "b"}
    assert found.left_out == {}
    assert found.counts == {"a": 2, "b": 2}


def test_points_in_another_system_find_the_same_cells(tmp_path):
    path = written(tmp_path, FOUR, **{"class": AB})
    other = tmp_path / "clicks.geojson"
    gpd.read_file(path).to_crs(4326).to_file(other)
    assert as_cells(read_labels(other, GRID)) == as_cells(read_labels(path, GRID))


def test_a_polygon_labels_the_cells_whose_centres_it_covers(tmp_path):
    patch = box(500_060, 4_199_850, 500_140, 4_199_970)  # columns 2-4 but 4 only by 20 of 30 m
    found = read_labels(written(tmp_path, [patch, *FOUR[2:]], landform=["a", "b", "b"]), GRID)
    cells = {cell for cell, name in as_cells(found).items() if name == "a"}
    assert cells == {(row, column) for row in range(1, 5) for column in (2, 3, 4)}


def test_a_polygon_smaller_than_a_cell_still_counts(tmp_path):
    speck = box(500_031, 4_199_990, 500_034, 4_199_995)
    found = read_labels(written(tmp_path, [speck, *FOUR], landform=["b", *AB]), GRID)
    assert as_cells(found)[0, 1] == "b"


def test_lines_and_multipoints_are_taken(tmp_path):
    trace = LineString([(500_000, 4_199_895), (500_120, 4_199_895)])
    pair = MultiPoint([centre(10, 10), centre(12, 14)])
    found = read_labels(
        written(tmp_path, [trace, pair], name="c.geojson", landform=["fault", "other"]), GRID
    )
    assert {cell for cell, name in as_cells(found).items() if name == "other"} == {
        (10, 10),
        (12, 14),
    }
    assert {(3, 0), (3, 1), (3, 2), (3, 3)} <= set(as_cells(found))


def test_what_cannot_be_used_is_counted_not_guessed(tmp_path):
    shapes = [*FOUR, Point(0, 0), centre(5, 7), centre(1, 1), centre(2, 2)]
    names = [*AB, "a", "a", None, " "]
    shapes.append(centre(8, 8))
    names.append("b")
    found = read_labels(written(tmp_path, shapes, landform=names), GRID)
    assert found.left_out == {
        "without a class or a place": 2,
        "outside the elevation model": 1,
        "claimed by two classes": 1,
    }
    assert (5, 7) not in as_cells(found)


def test_numbers_name_classes_in_their_order(tmp_path):
    shapes = [centre(row, row) for row in range(6)]
    found = read_labels(written(tmp_path, shapes, code=[10, 10, 2, 2, 1, 1]), GRID)
    assert found.classes == ("1", "2", "10")


@pytest.mark.parametrize(
    ("columns", "field", "said"),
    [
        ({"landform": ["a", "a", "b", "c"]}, None, r"too few have: b \(1\), c \(1\)"),
        ({"landform": ["a"] * 4}, None, "got 'a' alone"),
        ({"one": AB, "two": AB}, None, "it has one, two"),
        ({"one": AB}, "two", "no attribute 'two'"),
    ],
)
def test_labels_that_cannot_be_learned_from_are_refused(tmp_path, columns, field, said):
    with pytest.raises(InputError, match=said):
        read_labels(written(tmp_path, FOUR, **columns), GRID, field)


def test_labels_elsewhere_are_refused(tmp_path):
    far = [Point(0, 0), Point(1, 1), Point(2, 2), Point(3, 3)]
    with pytest.raises(InputError, match="4 outside the elevation model"):
        read_labels(written(tmp_path, far, landform=AB), GRID)


def test_a_measured_quantity_is_no_legend(tmp_path):
    shapes = [centre(row, column) for row in range(10) for column in range(10)]
    with pytest.raises(InputError, match="at most 50 classes"):
        read_labels(written(tmp_path, shapes, height=np.linspace(0, 1, 100)), GRID)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_labels_without_a_system_are_refused(tmp_path):
    with pytest.raises(InputError, match="no coordinate reference system"):
        read_labels(written(tmp_path, FOUR, crs=None, landform=AB), GRID)


def test_what_is_no_vector_file_is_refused(tmp_path):
    (tmp_path / "clicks.gpkg").write_text("nothing")
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "clicks.gpkg", GRID)
    with pytest.raises(InputError, match="there is no file"):
        read_labels(tmp_path / "other.gpkg", GRID)


def mask(folder, numbers, transform, nodata=None, dtype="uint8"):
    path = folder / "mask.tif"
    profile = {"driver": "GTiff", "count": 1, "dtype": dtype, "crs": UTM, "nodata": nodata}
    height, width = numbers.shape
    with rasterio.open(
        path, "w", height=height, width=width, transform=transform, **profile
    ) as file:
        file.write(numbers.astype(dtype), 1)
    return path


def test_a_raster_of_numbers_labels_cells_and_0_and_nodata_do_not(tmp_path):
    numbers = np.zeros(GRID.shape, int)
    numbers[3, 4:8] = 7
    numbers[10, :3] = 2
    numbers[15] = 255
    found = read_labels(mask(tmp_path, numbers, GRID.transform, nodata=255), GRID)
    assert found.classes == ("2", "7")
    assert as_cells(found) == {
        **{(3, column): "7" for column in range(4, 8)},
        **{(10, column): "2" for column in range(3)},
    }


def test_a_coarser_raster_is_brought_to_the_grid(tmp_path):
    numbers = np.array([[1, 2], [0, 3]])
    found = read_labels(mask(tmp_path, numbers, from_origin(500_000, 4_200_000, 60, 60)), GRID)
    cells = as_cells(found)
    assert [cells[0, 1], cells[1, 2], cells[3, 3]] == ["1", "2", "3"]
    assert len(cells) == 12


def test_a_raster_of_a_measured_quantity_is_refused(tmp_path):
    numbers = np.arange(600).reshape(20, 30)
    with pytest.raises(InputError, match="one band of whole numbers"):
        read_labels(mask(tmp_path, numbers, GRID.transform, dtype="float32"), GRID)
    with pytest.raises(InputError, match="at most 50 classes"):
        read_labels(mask(tmp_path, numbers, GRID.transform, dtype="int16"), GRID)
