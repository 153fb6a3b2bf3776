import json
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from matplotlib.figure import Figure
from rasterio.transform import from_origin

from graben.cli.landforms.derive import What
from graben.errors import OutputError
from graben.landforms.dem import read_dem
from graben.landforms.derivative_table import DERIVATIVES, results
from graben.landforms.derivatives import derive
from graben.landforms.synthetic import fractal


@pytest.fixture
def dem(tmp_path):
    model = fractal(70, 90, hurst=0.8, relief=400, seed=3)
    model[20:23, 40:45] = np.nan
    path = tmp_path / "hills.tif"
    model.rio.write_nodata(np.nan).rio.to_raster(path)
    return path


def plain_file(path, heights, crs="EPSG:32636", nodata=None):
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "crs": crs, "nodata": nodata}
    rows, columns = heights.shape
    profile |= {"width": columns, "height": rows, "transform": from_origin(5e5, 4e6, 30, 30)}
    with rasterio.open(path, "w", **profile) as file:
        file.write(heights.astype(np.float32), 1)
    return path


def test_all_are_derived_as_the_library_does(graben, dem, tmp_path, monkeypatch):
    out = tmp_path / "out"
    blank = Figure(figsize=(1, 1))
    monkeypatch.setattr(
        "graben.landforms.derivative_report.draw_derivative", lambda *arguments: blank
    )
    done = graben(
        "landforms", "derive", dem, "--what", "all", "--scales", "2,9", "--search", 5,
        "--out", out, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    summary = done.json()
    names = results(list(DERIVATIVES), (2, 9))
    assert [one["name"] for one in summary["derivatives"]] == names
    expected = derive(read_dem(dem), list(DERIVATIVES), (2, 9), 5)
    for one in summary["derivatives"]:
        values = expected[one["name"]].to_numpy()
        with rasterio.open(out / one["file"]) as file:
            np.testing.assert_array_equal(file.read(1), values, err_msg=one["name"])
            assert file.crs.to_epsg() == 32636
            assert np.isnan(file.nodata)
            assert file.units == (one["units"],)
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert one["median"] == pytest.approx(np.nanmedian(values), rel=1e-6)
        assert (one["min"], one["max"]) == (np.nanmin(values), np.nanmax(values))
        assert one["nan_share"] == pytest.approx(np.isnan(values).mean())
        style = ElementTree.parse(out / f"{one['name']}.qml")
        assert style.find(".//colorrampshader/item") is not None
    assert json.loads((out / "derivatives.json").read_text()) == summary
    page = (out / "report.html").read_text()
    assert all(one.definition in page for one in DERIVATIVES.values() if "'" not in one.definition)
    assert not list(tmp_path.glob(".*"))


def test_the_page_and_its_pictures_are_whole(graben, dem, tmp_path, check_page):
    out = tmp_path / "out"
    names = ["aspect", "contributing_area", "plan_curvature", "relief_3"]
    asked = "aspect,plan_curvature,relief,contributing_area"
    assert graben(
        "landforms", "derive", dem, "--what", asked, "--scales", 3, "--out", out
    ).code == 0  # fmt: skip
    assert sorted(path.stem for path in out.glob("*.png")) == names
    assert min(path.stat().st_size for path in out.glob("*.png")) > 20_000
    check_page(out / "report.html")


def test_a_table_tells_the_values(graben, dem, tmp_path):
    done = graben("landforms", "derive", dem, "--what", "slope, tpi", "--out", tmp_path / "out")
    assert done.code == 0
    assert "slope" in done.out
    assert "tpi" in done.out
    assert "report.html" in done.err
    assert {path.name for path in (tmp_path / "out").glob("*.tif")} == {"slope.tif", "tpi.tif"}


def test_an_earlier_folder_is_replaced_and_stays_whole_if_writing_fails(
    graben, dem, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    assert graben("landforms", "derive", dem, "--what", "slope", "--out", out).code == 0
    before = sorted(path.name for path in out.iterdir())

    def full(*arguments):
        raise OutputError("no space left")

    monkeypatch.setattr("graben.landforms.derivative_report.write_page", full)
    assert graben("landforms", "derive", dem, "--what", "tri", "--out", out).code == 1
    assert sorted(path.name for path in out.iterdir()) == before
    monkeypatch.undo()
    assert graben("landforms", "derive", dem, "--what", "tri", "--out", out).code == 0
    assert not (out / "slope.tif").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--what", "slop"], "slop. Choose from slope, aspect"),
        (["--what", "relief", "--scales", "0"], "radii"),
        (["--what", "relief", "--scales", "3,wide"], "--scales 3,10,30"),
        (["--what", "sky_view", "--search", "1"], "search"),
        (["--crs", "EPSG:3857"], "EPSG:32636"),
    ],
)
def test_bad_options_end_with_2_and_say_what_to_do(graben, dem, tmp_path, arguments, message):
    done = graben("landforms", "derive", dem, "--out", tmp_path / "out", *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["hills.tif"]


def test_bad_models_end_with_2_and_say_what_to_do(graben, tmp_path):
    hill = np.outer(np.arange(9.0), np.arange(9.0))
    files = {
        "no coordinate": plain_file(tmp_path / "placeless.tif", hill, crs=None),
        "three rows": plain_file(tmp_path / "row.tif", hill[:1]),
        "nothing but voids": plain_file(tmp_path / "void.tif", 0 * hill, nodata=0),
        "no file": tmp_path / "absent.tif",
    }
    for message, file in files.items():
        done = graben("landforms", "derive", file, "--out", tmp_path / "out")
        assert (done.code, done.out) == (2, ""), message
        assert message in done.err
    assert not (tmp_path / "out").exists()
    given = graben(
        "landforms", "derive", files["no coordinate"], "--crs", "EPSG:32636",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert given.code == 0


def test_an_elevation_model_that_ships_goes_by_its_name(graben, tmp_path):
    out = tmp_path / "out"
    done = graben("landforms", "derive", "globe-tile", "--what", "slope", "--out", out, "--json")
    assert done.code == 0, done.err
    assert 0 < done.json()["derivatives"][0]["median"] < 10


def test_the_help_names_every_derivative():
    (option,) = What.__metadata__
    named = option.help.removeprefix("Which: ").removesuffix("; or all.").split(", ")
    assert named == list(DERIVATIVES)


def test_a_model_in_an_earlier_result_is_not_replaced(graben, dem, tmp_path):
    out = tmp_path / "out"
    assert graben("landforms", "derive", dem, "--what", "tpi", "--out", out).code == 0
    done = graben("landforms", "derive", out / "tpi.tif", "--out", out)
    assert done.code == 2
    assert "would go with it" in done.err
    assert (out / "tpi.tif").exists()


def test_a_place_for_rasters_that_cannot_be_made_ends_with_2(graben, dem, tmp_path):
    (tmp_path / ".out-rasters").write_text("in the way")
    done = graben("landforms", "derive", dem, "--out", tmp_path / "out")
    assert done.code == 2
    assert "cannot make the folder" in done.err
