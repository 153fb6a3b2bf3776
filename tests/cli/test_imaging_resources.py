import csv
import json

import numpy as np
import pytest
import torch

from graben.imaging import open_volume, write_new_segy
from graben.imaging.models.layer_net import LayerNet, LayerNetConfig
from graben.imaging.models.structure import Candidates, StructureNet
from graben.learning.nets import UNet, UNetConfig
from graben.tiling import InMemory

SHAPE = (24, 20, 50)
EVERYTHING = tuple(slice(0, side) for side in SHAPE)


@pytest.fixture
def survey(tmp_path):
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    image[8:16, 6:14, 20:28] *= 12
    write_new_segy(tmp_path / "survey.sgy", InMemory(image), sample_interval=4.0)
    return tmp_path / "survey.sgy"


def drawn(folder, salt):
    """Write a net with drawn weights, which sees salt nearly nowhere if `salt` is -9."""
    torch.manual_seed(0)
    rules = {"closure": Candidates(0.5, 20), "flat_spot": Candidates(0.999, 20)}
    net = UNet(UNetConfig(3, 5, 3, width=4, depth=1, stem=2)).eval()
    with torch.no_grad():
        net.last.bias[:8] += salt
    StructureNet(net, LayerNet(LayerNetConfig(4, 4, (1,))).eval(), {}, rules).save(folder)
    return folder


@pytest.fixture
def model(tmp_path):
    return drawn(tmp_path / "model", -9)


def test_candidates_are_written_as_page_table_and_polygons(graben, tmp_path, survey, model):
    import geopandas as gpd

    out = tmp_path / "out"
    done = graben("imaging", "resources", survey, "--out", out, "--model", model, "--json")
    assert done.code == 0, done.err
    found = done.json()
    kinds = [one["kind"] for one in found["candidates"]]
    assert "bright_spot" in kinds
    with (out / "candidates.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == kinds
    [polygons] = out.glob("candidates.g*")
    table = gpd.read_file(polygons)
    assert list(table["kind"]) == kinds
    if polygons.suffix == ".gpkg":
        np.testing.assert_allclose(table.area, table["area_m2"])
    page = (out / "report.html").read_text()
    assert "Resource candidates of survey.sgy" in page
    assert "bright spot" in page
    assert (out / "map.png").exists()
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]


def test_salt_is_a_mask_with_the_headers_of_the_input(graben, tmp_path, survey):
    out, model = tmp_path / "out", drawn(tmp_path / "model", 3)
    done = graben(
        "imaging", "resources", survey, "--out", out, "--what", "salt", "--model", model, "--json"
    )
    assert done.code == 0, done.err
    mask = open_volume(out / "salt.sgy").read(EVERYTHING)
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert mask.sum() == done.json()["salt"]["samples"]
    assert (out / "salt.sgy").read_bytes()[:3200] == survey.read_bytes()[:3200]
    assert not (out / "candidates.csv").exists()


def test_a_line_has_candidates_over_line_numbers(graben, tmp_path, model):
    line = np.random.default_rng(1).normal(size=(1, 40, 60)).astype(np.float32)
    write_new_segy(tmp_path / "line.sgy", InMemory(line), sample_interval=4.0)
    out = tmp_path / "out"
    done = graben("imaging", "resources", tmp_path / "line.sgy", "--out", out, "--model", model)
    assert done.code == 0, done.err
    assert json.loads((out / "candidates.geojson").read_text())["type"] == "FeatureCollection"


def test_what_cannot_be_is_refused_before_any_work(graben, tmp_path, survey, model):
    missing = graben("imaging", "resources", survey, "--out", tmp_path / "o", "--model", "nowhere")
    assert missing.code != 0
    assert "expected the folder of a structure-net" in missing.err
    inside = graben("imaging", "resources", survey, "--out", tmp_path, "--model", model)
    assert inside.code == 2
    assert "files that graben did not make" in inside.err
    text = tmp_path / "text.sgy"
    text.write_text("no SEG-Y")
    bad = graben("imaging", "resources", text, "--out", tmp_path / "o", "--model", model)
    assert bad.code != 0
    assert "Traceback" not in bad.err
    assert survey.exists()
    assert not (tmp_path / "o").exists()


def test_a_volume_of_zeros_is_refused(graben, tmp_path, model):
    write_new_segy(tmp_path / "zeros.sgy", InMemory(np.zeros(SHAPE, np.float32)))
    out = tmp_path / "out"
    done = graben("imaging", "resources", tmp_path / "zeros.sgy", "--out", out, "--model", model)
    assert done.code != 0
    assert "zeros" in done.err
    assert not out.exists()
