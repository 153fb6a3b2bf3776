"""`graben landforms change` through the real command line, and its folder and page."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely.geometry import Polygon, box

from graben.landforms import add_landslides, fractal, write_raster


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("change")
    random = np.random.default_rng(4)
    before = fractal(140, 150, hurst=0.95, relief=600.0, seed=4)
    after = add_landslides(before, seed=4, count=2, length=(300.0, 500.0)).elevation

    def noise():
        return (0.4 * random.standard_normal(before.shape)).astype(np.float32)

    write_raster(folder / "before.tif", before + noise())
    write_raster(folder / "after.tif", (after + noise() + 3).rename("elevation"))
    west, south, east, north = before.rio.bounds()
    half, strip = box(west, south, west + 2000, north), box(west, south, east, south + 900)
    for name, outline in (("half", half), ("strip", strip)):
        table = gpd.GeoDataFrame({"name": [name]}, geometry=[outline], crs=before.rio.crs)
        table.to_file(folder / f"{name}.gpkg")
    return folder


@pytest.fixture(scope="module")
def compared(files):
    from typer.testing import CliRunner

    from graben.cli import app

    out = files / "out"
    arguments = ["landforms", "change", files / "before.tif", files / "after.tif", "--out", out]
    arguments += ["--area", files / "half.gpkg", "--years", 4, "--json"]
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return out, json.loads(done.stdout)


def test_the_folder_holds_all_that_was_promised(compared):
    out, found = compared
    assert json.loads((out / "change.json").read_text()) == found
    assert found["offset_m"] == pytest.approx(3.0, abs=0.1)
    assert abs(found["shift_east_m"]) < 1.5
    assert found["stable_ground"] == "found"
    with rasterio.open(out / "difference.tif") as file:
        difference = file.read(1)
        assert file.crs.to_epsg() == 32636
        assert file.nodata is not None
        assert np.isnan(file.nodata)
    with rasterio.open(out / "detection-limit.tif") as file:
        limit = file.read(1)
    with rasterio.open(out / "significant.tif") as file:
        codes = file.read(1)
        assert file.colormap(1)[1] == (213, 94, 0, 255)
    alone = np.isin(codes, (3, 4))
    assert (np.abs(difference[alone]) > limit[alone]).all()
    assert 0.02 < alone.mean() < 0.09
    for name in ("difference", "detection-limit", "significant"):
        assert (out / f"{name}.qml").exists()
    slides = gpd.read_file(out / "landslides.gpkg")
    assert len(slides) == len(found["landslides"]) >= 1


def test_the_budget_is_a_table(compared):
    out, found = compared
    table = pd.read_csv(out / "budget.csv")
    assert list(table["by"].unique()) == ["all", "landform", "area", "regime"]
    forms = table[table["by"] == "landform"]
    assert (forms["net_low_m3"] < forms["net_high_m3"]).all()
    assert (forms["lowered_m3"] >= -1).all()
    whole = table[table["by"] == "all"].iloc[0]
    assert whole["net_m3"] == pytest.approx(found["whole"]["net"]["value"])
    assert table[table["by"] == "area"]["name"].tolist() == ["half"]


def test_the_page_is_whole(compared, check_page):
    check_page(compared[0] / "report.html")
    page = (compared[0] / "report.html").read_text()
    assert "net rate, mm a year" in page
    assert "Stable ground was found" in page


def test_given_stable_ground_is_named(graben, files, tmp_path):
    done = graben(
        "landforms", "change", files / "before.tif", files / "after.tif", "--out", tmp_path / "o",
        "--stable", files / "strip.gpkg", "--tilt",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "lowered" in done.out
    found = json.loads((tmp_path / "o" / "change.json").read_text())
    assert found["stable_ground"] == "given"
    assert found["stable_share"] < 30 / 140
    assert found["tilt_m"] != [0, 0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--years", "0"], "positive number of years"),
        (["--stable", "absent.gpkg"], "there is no file"),
        (["--crs", "EPSG:32635"], "EPSG:32635"),
    ],
)
def test_bad_options(graben, files, tmp_path, options, words):
    done = graben(
        "landforms", "change", files / "before.tif", files / "after.tif", "--out", tmp_path / "o",
        *options,
    )  # fmt: skip
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / "o").exists()


def test_epochs_that_do_not_overlap(graben, files, tmp_path):
    write_raster(tmp_path / "far.tif", fractal(60, 60).assign_coords(x=np.arange(60) * 30.0))
    done = graben(
        "landforms", "change", files / "before.tif", tmp_path / "far.tif", "--out", tmp_path / "o"
    )
    assert done.code == 2
    assert "do not overlap" in done.err


def test_a_folder_that_holds_an_epoch_is_not_replaced(graben, files, tmp_path):
    (tmp_path / "made_by_graben").touch()
    held = tmp_path / "after.tif"
    held.write_bytes((files / "after.tif").read_bytes())
    done = graben("landforms", "change", files / "before.tif", held, "--out", tmp_path)
    assert (done.code, held.exists()) == (2, True)
    assert "would go with it" in done.err


def test_areas_without_a_place_are_left_out_silently(graben, files, tmp_path):
    areas = gpd.GeoDataFrame({"name": ["none", "empty"]}, geometry=[None, Polygon()], crs=32636)
    areas.to_file(tmp_path / "areas.gpkg")
    done = graben(
        "landforms", "change", files / "before.tif", files / "after.tif", "--out", tmp_path / "o",
        "--area", tmp_path / "areas.gpkg",
    )  # fmt: skip
    assert done.code == 2
    assert "holds 0 polygons" in done.err


def test_a_small_model_says_that_it_has_no_slope_area_diagram(graben, tmp_path):
    random = np.random.default_rng(1)
    land = fractal(22, 22, hurst=0.9, relief=300.0, seed=2)
    for name in ("before", "after"):
        noise = (0.3 * random.standard_normal(land.shape)).astype(np.float32)
        write_raster(tmp_path / f"{name}.tif", land + noise)
    epochs = (tmp_path / "before.tif", tmp_path / "after.tif")
    done = graben("landforms", "change", *epochs, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert "too few cells" in done.json()["no_slope_area"]
    assert "was left out: too few cells" in (tmp_path / "out" / "report.html").read_text()
