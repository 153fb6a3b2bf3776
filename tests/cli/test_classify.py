import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from shapely.geometry import Point

from graben.landforms import fractal
from graben.landforms.dem import write_raster


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A smooth west, a rough east, and clicks on both in longitude and latitude."""
    folder = tmp_path_factory.mktemp("classify")
    smooth, rough = (fractal(90, 200, hurst=h, relief=300.0, seed=1) for h in (0.9, 0.3))
    is_rough = np.broadcast_to(np.arange(200) >= 100, smooth.shape)
    land = smooth.copy(data=np.where(is_rough, rough, smooth).astype(np.float32))
    write_raster(folder / "land.tif", land)
    generator = np.random.default_rng(0)
    rows, columns = generator.integers(2, 88, 40), generator.integers(2, 198, 40)
    names = np.where(is_rough[rows, columns], "rough", "smooth")
    points = [Point(500_015 + 30 * c, 4_299_985 - 30 * r) for r, c in zip(rows, columns)]  # noqa: B905
    points.append(Point(0, 0))
    clicks = gpd.GeoDataFrame({"kind": [*names, "rough"]}, geometry=points, crs=32636)
    clicks.to_crs(4326).to_file(folder / "clicks.gpkg")
    return folder, is_rough


@pytest.fixture
def learned(case, graben):
    """The command has learned the classes; only once."""
    out = case[0] / "out"
    if not out.exists():
        done = graben(
            "landforms", "classify", case[0] / "land.tif", "--labels", case[0] / "clicks.gpkg",
            "--out", out, "--suggestions", 4, "--json",
        )  # fmt: skip
        assert done.code == 0, done.err
        assert "left out: 1 outside the elevation model" in done.err
        (case[0] / "said.json").write_text(done.out)
    return out


def test_clicks_become_a_map_with_all_that_belongs_to_it(case, learned):
    with rasterio.open(learned / "classes.tif") as file:
        classes = file.read(1)
        assert file.colormap(1)[1][:3] == (0x00, 0x72, 0xB2)
        assert file.crs.to_epsg() == 32636
    known = classes > 0
    expected = np.where(case[1], 1, 2)  # rough comes before smooth
    assert (classes == expected)[known].mean() > 0.9
    assert "smooth" in (learned / "classes.tif.aux.xml").read_text()
    assert 'label="smooth"' in (learned / "classes.qml").read_text()
    with rasterio.open(learned / "confidence.tif") as file:
        confidence = file.read(1)
    assert np.array_equal(np.isnan(confidence), ~known)
    for name in ("classes.png", "entropy.tif", "unlike.tif", "model/CARD.md"):
        assert (learned / name).stat().st_size > 0


def test_json_tells_shares_and_held_out_scores(case, learned):
    said = json.loads((case[0] / "said.json").read_text())
    assert [one["class"] for one in said["classes"]] == ["rough", "smooth"]
    assert sum(one["share"] for one in said["classes"]) == pytest.approx(1)
    score = said["scores"]["F1 of all"]
    assert score["low"] <= score["value"] <= score["high"]
    assert said["labels_left_out"]["outside the elevation model"] == 1
    assert json.loads((learned / "model" / "model.json").read_text())["description"]["metrics"]


def test_suggestions_are_points_in_longitude_and_latitude(learned):
    places = gpd.read_file(learned / "suggestions.geojson")
    assert places.crs.to_epsg() == 4326
    assert len(places) == 4
    assert set(places["guess"]) <= {"rough", "smooth"}
    assert places["class"].isna().all()


def test_the_page_is_whole(learned, check_page):
    check_page(learned / "report.html")
    text = (learned / "report.html").read_text()
    for told in (
        "Held-out blocks",
        "probability of the class",
        "Where to click next",
        "clicks.gpkg",
    ):
        assert told in text


def test_a_model_maps_another_elevation_model(case, learned, graben, tmp_path):
    other = fractal(80, 90, hurst=0.3, relief=150.0, seed=7)
    write_raster(tmp_path / "other.tif", other)
    done = graben(
        "landforms", "classify", tmp_path / "other.tif", "--model", learned / "model",
        "--out", tmp_path / "out", "--suggestions", 0, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    rough, smooth = done.json()["classes"]
    assert rough["share"] > 0.8 > smooth["share"]
    assert not (tmp_path / "out" / "suggestions.geojson").exists()
    assert not (tmp_path / "out" / "model").exists()


def test_a_model_says_that_there_is_nothing_to_map(case, learned, graben, tmp_path):
    void = fractal(80, 90)
    write_raster(tmp_path / "void.tif", void.where(False))
    model = ("--model", learned / "model", "--out", tmp_path / "out")
    done = graben("landforms", "classify", tmp_path / "void.tif", *model)
    assert done.code == 2
    assert "nothing but voids" in done.err


@pytest.mark.parametrize("suggestions", [0, 3])
def test_a_model_too_narrow_for_any_class_is_refused(learned, graben, tmp_path, suggestions):
    write_raster(tmp_path / "narrow.tif", fractal(30, 30)[:2])
    done = graben(
        "landforms", "classify", tmp_path / "narrow.tif", "--model", learned / "model",
        "--out", tmp_path / "out", "--suggestions", suggestions,
    )  # fmt: skip
    assert done.code == 2
    assert "no cell of narrow.tif (2 x 30)" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --labels"),
        (["--model", "nowhere"], "expected weights.safetensors"),
        (["--labels", "{clicks}", "--class-field", "sort"], "no attribute 'sort'"),
        (["--labels", "{folder}/none.gpkg"], "there is no file"),
        (["--labels", "{clicks}", "--model", "unknown"], "got --model unknown"),
    ],
)
def test_bad_input_ends_with_2_and_says_what_to_do(case, graben, tmp_path, arguments, said):
    filled = [one.format(clicks=case[0] / "clicks.gpkg", folder=case[0]) for one in arguments]
    done = graben("landforms", "classify", case[0] / "land.tif", "--out", tmp_path / "o", *filled)
    assert done.code == 2
    assert said.lower() in done.err.lower()
    assert not (tmp_path / "o").exists()


def test_labels_that_are_no_raster_are_refused(case, graben, tmp_path):
    (tmp_path / "labels.tif").write_text("no raster")
    done = graben(
        "landforms", "classify", case[0] / "land.tif", "--labels", tmp_path / "labels.tif",
        "--out", tmp_path / "o",
    )  # fmt: skip
    assert done.code == 2
    assert "no raster that GDAL reads" in done.err


def test_the_model_that_is_used_is_not_replaced_by_its_map(case, learned, graben):
    for out in (learned, learned / "model"):
        done = graben(
            "landforms", "classify", case[0] / "land.tif", "--model", learned / "model",
            "--out", out,
        )  # fmt: skip
        assert done.code == 2
        assert "would go with it" in done.err
    assert (learned / "model" / "weights.safetensors").exists()


def test_labels_in_an_earlier_result_are_not_replaced(case, learned, graben):
    labels = learned / "suggestions.geojson"
    done = graben(
        "landforms", "classify", case[0] / "land.tif", "--labels", labels, "--out", learned
    )
    assert done.code == 2
    assert "would go with it" in done.err
    assert labels.exists()
