"""`graben landforms classify --model unet`: dense labels, polygons, other elevation models."""

import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import torch
from shapely.geometry import Point

from graben.landforms import write_raster
from graben.landforms.models import segmentation
from graben.landforms.synthetic import fractal
from graben.learning import Recipe


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """A short training of a small net; the commands are what is tested."""
    short = Recipe(learning_rate=5e-3, mixup=0.2, patience=0, max_epochs=6, batch_size=8)
    monkeypatch.setattr(segmentation.Segmentation, "tuned", staticmethod(lambda: short))
    kept = segmentation.Segmentation.__init__

    def small(self, classes, radii=(2, 6), width=4, depth=2):
        kept(self, classes, radii, width, depth)

    monkeypatch.setattr(segmentation.Segmentation, "__init__", small)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def land(tmp_path_factory):
    """Terrain with mounds, and the mounds as polygons in another system."""
    folder = tmp_path_factory.mktemp("land")
    dem = fractal(320, 330, hurst=0.9, relief=300.0, seed=1)
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(dem.x, dem.y)
    discs = []
    for _ in range(60):
        middle = rng.choice(dem.x.values), rng.choice(dem.y.values)
        dem.values[...] += 60 * np.maximum(
            1 - ((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / 180**2, 0
        )
        discs.append(Point(*middle).buffer(160))
    write_raster(folder / "dem.tif", dem)
    shapes = gpd.GeoDataFrame({"class": "mound"}, geometry=discs, index=range(60), crs=dem.rio.crs)
    shapes.to_crs(4326).to_file(folder / "mounds.gpkg")
    return folder


def test_polygons_and_the_land_between_them_make_a_map_and_a_model(
    land, graben, check_page, tmp_path
):
    out = tmp_path / "map"
    done = graben("landforms", "classify", land / "dem.tif", "--labels", land / "mounds.gpkg",
                  "--model", "unet", "--background", "other", "--out", out, "--json")  # fmt: skip
    assert done.code == 0, done.err
    found = done.json()
    assert [one["class"] for one in found["classes"]] == ["mound", "other"]
    assert found["validation"]["mound"]["F1"]["value"] > 0.6
    assert not list(tmp_path.glob(".map*"))
    with rasterio.open(out / "classes.tif") as file:
        classes = file.read(1)
        assert set(file.colormap(1)) >= {1, 2}
    assert set(np.unique(classes)) == {1, 2}
    for name in ("confidence.tif", "unlike.tif", "probability_2.tif", "classes.qml", "classes.png"):
        assert (out / name).exists()
    with (
        rasterio.open(out / "probability_1.tif") as one,
        rasterio.open(out / "probability_2.tif") as two,
    ):
        np.testing.assert_allclose(one.read() + two.read(), 1, atol=1e-5)
    assert "held out" in (out / "report.html").read_text()
    check_page(out / "report.html")

    again = tmp_path / "again"
    done = graben(
        "landforms", "classify", land / "dem.tif", "--model", out / "model", "--out", again
    )
    assert done.code == 0, done.err
    assert "mound" in done.out
    with rasterio.open(again / "classes.tif") as file:
        np.testing.assert_array_equal(file.read(1), classes)
    assert json.loads((out / "model" / "model.json").read_text())["description"]["model"] == "unet"


def test_bad_input_is_told(land, graben, tmp_path):
    def said(*arguments):
        done = graben(
            "landforms", "classify", land / "dem.tif", "--out", tmp_path / "o", *arguments
        )
        assert done.code == 2
        return done.err.replace("\n", " ")

    mounds = ("--labels", land / "mounds.gpkg")
    assert "Give --labels" in said("--model", "unet")
    assert "--background" in said("--model", "unet", *mounds)
    assert "--model unet" in said("--background", "other", *mounds)
    assert not (tmp_path / "o").exists()
