"""`graben landforms forms` through the real command line."""

from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from graben.landforms import fractal, read_dem, write_raster
from graben.landforms.forms import Sighting, geomorphons


@pytest.fixture(scope="module")
def hills(tmp_path_factory):
    path = tmp_path_factory.mktemp("dem") / "My hills.tif"
    dem = fractal(90, 120, 0.8, 400.0, seed=1)
    dem[30:40, 50:70] = np.nan
    write_raster(path, dem)
    return path


def test_the_map_has_colours_names_a_style_a_picture_and_a_page(
    graben, hills, tmp_path, check_page
):
    out = tmp_path / "Maps" / "Forms 1.tif"
    done = graben("landforms", "forms", hills, "--out", out, "--json")
    assert done.code == 0
    found = done.json()
    expected = geomorphons(read_dem(hills), threads=1)["forms"]
    with rasterio.open(out) as file:
        np.testing.assert_array_equal(file.read(1), expected)
        assert file.nodata == 0
        assert file.colormap(1)[9] == (0x6E, 0xB4, 0xEB, 255)
        assert file.crs == read_dem(hills).rio.crs
    entries = ElementTree.parse(out.with_suffix(".qml")).findall(".//paletteEntry")
    assert [entry.get("label") for entry in entries][:3] == ["flat", "summit", "ridge"]
    assert out.with_suffix(".png").stat().st_size > 50_000
    check_page(out.with_suffix(".html"))
    cells = np.bincount(expected.values.ravel(), minlength=11)[1:]
    for form, count in zip(found["forms"], cells, strict=True):
        assert form["km2"] == pytest.approx(count * 900 / 1e6)
        assert form["share"] == pytest.approx(count / cells.sum())
    assert (found["search"], found["search_m"], found["cell"]) == (10, 300.0, "30 by 30 m")


def test_every_option_reaches_the_map(graben, hills, tmp_path):
    given = ("--search", 6, "--skip", 1, "--flat", 4, "--dist", 3, "--comparison", "anglev2")
    done = graben("landforms", "forms", hills, "--out", tmp_path / "forms.tif", *given)
    assert done.code == 0
    assert "looking 180 m far" in done.out
    assert "%" in done.out
    sighting = Sighting(search=6, skip=1, flat=4.0, dist=3.0, comparison="anglev2")
    expected = geomorphons(read_dem(hills), sighting, threads=1)["forms"]
    with rasterio.open(tmp_path / "forms.tif") as file:
        np.testing.assert_array_equal(file.read(1), expected)
    page = (tmp_path / "forms.html").read_text()
    assert "neither angle exceeds 4° (less beyond 3 cells)" in page
    assert "if one alone exceeds it, that one decides" in page
    assert "models of whole metres, it is higher." in page


def test_measures_lie_beside_the_map(graben, hills, tmp_path):
    names = "sky_view, azimuth,ternary"
    done = graben("landforms", "forms", hills, "--out", tmp_path / "f.tif", "--outputs", names)
    assert done.code == 0
    expected = geomorphons(
        read_dem(hills), outputs=("forms", "sky_view", "azimuth", "ternary"), threads=1
    )
    for name in ("sky_view", "azimuth", "ternary"):
        with rasterio.open(tmp_path / f"f_{name}.tif") as file:
            np.testing.assert_array_equal(file.read(1), expected[name])
    style = ElementTree.parse(tmp_path / "f_azimuth.qml").find(".//item")
    assert style.get("label").endswith("°")
    assert (tmp_path / "f_sky_view.png").exists()
    assert "Map of azimuth of what is seen" in (tmp_path / "f.html").read_text()


def test_a_large_map_is_thinned_out_with_a_close_look(graben, tmp_path, monkeypatch):
    from graben.landforms import quick_look

    monkeypatch.setattr(quick_look, "LONGEST", 50)
    monkeypatch.setattr(quick_look, "CLOSE", 20)
    dem = fractal(100, 130, 0.8, 400.0, seed=2)
    write_raster(tmp_path / "dem.tif", dem)
    done = graben("landforms", "forms", tmp_path / "dem.tif", "--out", tmp_path / "forms.tif")
    assert done.code == 0
    assert "Near the middle of the model" in (tmp_path / "forms.html").read_text()


def test_an_elevation_model_that_ships_goes_by_its_name(graben, tmp_path):
    done = graben("landforms", "forms", "globe-anatolia", "--out", tmp_path / "forms.tif", "--json")
    assert done.code == 0
    found = done.json()
    assert found["cell"].startswith("30 arc-seconds")
    land = sum(form["km2"] for form in found["forms"])
    assert 1.7e6 < land < 1.9e6
    assert {path.name for path in tmp_path.iterdir()} == {
        "forms.tif", "forms.tif.aux.xml", "forms.qml", "forms.png", "forms.html"
    }  # fmt: skip


def test_a_file_without_a_system_gets_it_from_the_command(graben, tmp_path):
    (tmp_path / "dem.asc").write_text(
        "ncols 5\nnrows 5\nxllcorner 0\nyllcorner 0\ncellsize 10\n" + "1 2 4 8 16\n" * 5
    )
    given = (tmp_path / "dem.asc", "--out", tmp_path / "forms.tif", "--search", 3)
    refused = graben("landforms", "forms", *given)
    assert (refused.code, "--crs" in refused.err) == (2, True)
    assert graben("landforms", "forms", *given, "--crs", "EPSG:32636").code == 0


def write(path, values):
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "nodata": -9999.0}
    place = {"crs": "EPSG:32636", "transform": Affine(30, 0, 5e5, 0, -30, 4e6)}
    height, width = values.shape
    with rasterio.open(path, "w", width=width, height=height, **profile, **place) as file:
        file.write(np.nan_to_num(values, nan=-9999.0), 1)


@pytest.mark.parametrize(
    ("shape", "fill", "arguments", "words"),
    [
        ((9, 9), 1, ("--out", "forms.png"), "expected a .tif file"),
        ((9, 9), 1, ("--out", "./dem.tif"), "would replace the elevation model"),
        ((9, 9), 1, ("--out", "forms.tif", "--search", 0), "--search"),
        ((9, 9), 1, ("--out", "forms.tif", "--flat", 90), "--flat"),
        ((9, 9), 1, ("--out", "forms.tif", "--comparison", "anglev3"), "anglev3"),
        ((9, 9), 1, ("--out", "forms.tif", "--outputs", "form"), "expected outputs of forms, "),
        ((2, 9), 1, ("--out", "forms.tif"), "at least 3 rows"),
        ((1, 9), 1, ("--out", "forms.tif"), "at least 3 rows"),
        ((9, 9), np.nan, ("--out", "forms.tif"), "nothing but voids"),
    ],
)
def test_what_cannot_be_mapped_ends_with_2_and_leaves_nothing(
    graben, tmp_path, monkeypatch, shape, fill, arguments, words
):
    write(tmp_path / "dem.tif", np.full(shape, fill))
    monkeypatch.chdir(tmp_path)
    done = graben("landforms", "forms", "dem.tif", *arguments)
    assert done.code == 2
    assert words in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["dem.tif"]


def test_a_missing_file_names_the_models_that_ship(graben, tmp_path):
    done = graben("landforms", "forms", "nowhere.tif", "--out", tmp_path / "forms.tif")
    assert done.code == 2
    assert "globe-anatolia" in done.err


@pytest.mark.parametrize("held", ["forms_sky_view.tif", "forms.png", "forms_sky_view.png"])
def test_nothing_that_is_written_replaces_the_elevation_model(graben, tmp_path, held):
    write(tmp_path / held, np.ones((9, 9)))
    before = (tmp_path / held).read_bytes()
    done = graben(
        "landforms", "forms", tmp_path / held, "--out", tmp_path / "forms.tif",
        "--outputs", "sky_view",
    )  # fmt: skip
    assert done.code == 2
    assert "would replace the elevation model" in done.err
    assert (tmp_path / held).read_bytes() == before
