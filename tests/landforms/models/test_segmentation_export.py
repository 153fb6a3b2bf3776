"""What Deepness is given: the metadata it reads, bands of bytes, the answers of the model."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import rasterio
import torch

from graben.errors import InputError, ModelError
from graben.landforms import read_dem, write_raster
from graben.landforms.dem_file import DemFile
from graben.landforms.models.segmentation import Segmentation
from graben.landforms.models.segmentation_export import DeepnessNet, as_bytes, export_deepness
from graben.landforms.models.segmentation_samples import LIMIT, Scaling
from graben.landforms.synthetic import fractal
from graben.learning import History, save_model
from graben.learning.nets import UNet
from graben.tiling import plan_tiles

TILE = 208


@pytest.fixture(scope="module")
def model() -> Segmentation:
    """A model whose weights were drawn, not learned."""
    model = Segmentation(("land", "slide", "water"), (2, 6), width=4, depth=2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model.net_ = UNet(model.config)
        model.net_.train()
        for _ in range(20):
            model.net_(torch.randn(4, 6, 32, 32))
        model.net_.eval()
    model.scaling_ = Scaling(np.full(6, 0.01, "f4"), np.full(6, 0.1, "f4"))
    model.weights_, model.favour_ = np.array([0.5, 2.0, 1.5]), np.array([0.0, 0.4, 0.1])
    model.cell_metres_, model.validation_ = 30.0, {}
    model.history_ = History((1.0,), (2.0, 1.0), 1, 1, 1.0)
    return model


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    model.save(folder / "model", {"training_data": "none", "licence": "Apache-2.0", "seed": 3})
    return folder


@pytest.fixture(scope="module")
def dem(folder) -> Path:
    dem = fractal(150, 170, relief=400.0, seed=4)
    dem[100:110, 20:30] = np.nan
    write_raster(folder / "dem.tif", dem)
    return folder / "dem.tif"


@pytest.fixture(scope="module")
def onnx(model, folder) -> Path:
    assert export_deepness(model, folder / "slides.onnx", TILE) <= 1e-4
    return folder / "slides.onnx"


def run(path: Path, tile: np.ndarray) -> np.ndarray:
    """Do with a tile of bytes, (y, x, band), what Deepness does."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    mean, std = (json.loads(told[f"standardization_{name}"]) for name in ("mean", "std"))
    x = (np.float32(tile / 255) - np.float32(mean)) / np.float32(std)
    [score] = session.run(None, {session.get_inputs()[0].name: x.transpose(2, 0, 1)[None]})
    return score[0]


def test_the_metadata_are_those_that_deepness_reads(onnx):
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    told = {k: json.loads(v) for k, v in session.get_modelmeta().custom_metadata_map.items()}
    assert told["model_type"] == "Segmentor"
    assert told["class_names"] == {"0": "land", "1": "slide", "2": "water"}
    assert told["resolution"] == 3000  # centimetres
    assert told["tiles_size"] == told["tile_size"] == TILE
    assert told["tiles_overlap"] == 25
    assert told["seg_thresh"] == 0.0
    [given], [answer] = session.get_inputs(), session.get_outputs()
    assert given.shape == [1, 6, TILE, TILE]
    assert answer.shape == [1, 3, TILE, TILE]


def test_deepness_gets_the_map_that_the_model_predicts(model, onnx, dem, folder, graben):
    done = graben("landforms", "export", folder / "model", "--dem", dem, "--tile", TILE,
                  "--out", folder / "again.onnx", "--json")  # fmt: skip
    assert done.code == 0, done.err
    assert done.json()["largest_difference"] <= 1e-4
    with rasterio.open(done.json()["bands"]) as file:
        bands = file.read()
        assert file.descriptions[0] == "slope"
        assert file.crs == DemFile(dem).crs
        assert file.transform == DemFile(dem).transform
    tile = np.zeros((TILE, TILE, 6), np.uint8)  # outside the raster Deepness gives zeros
    tile[:150, :170] = bands.transpose(1, 2, 0)
    scores = run(done.json()["onnx"], tile)
    np.testing.assert_allclose(scores.sum(0), 1, atol=1e-5)
    expected = model.predict(read_dem(dem))
    inner = np.s_[: 150 - model.config.halo, : 170 - model.config.halo]
    same = scores.argmax(0)[:150, :170][inner] + 1 == expected["classes"].values[inner]
    known = expected["classes"].values[inner] > 0
    assert same[known].mean() > 0.97
    assert (bands[:, 100:110, 20:30] == 0).all()


def test_without_rounding_the_scores_are_the_probabilities_with_the_favour(model, dem):
    function = model.block(DemFile(dem))
    block = DemFile(dem).read()[:144, :168]
    [tile] = plan_tiles(block.shape, 400, 0)
    scaled = function.scaled_channels(block, tile)
    x = (1 + 254 * (scaled / LIMIT + 1) / 2) / 255
    x[:, np.isnan(block)] = 0
    with torch.inference_mode():
        score = DeepnessNet(model)(torch.tensor(x)[None])[0].numpy()
    p = np.stack([function(block, tile, block.shape)[f"probability_{k}"] for k in (1, 2, 3)])
    favoured = p * np.exp(model.favour_)[:, None, None]
    favoured /= favoured.sum(0)
    known = ~np.isnan(block)
    np.testing.assert_allclose(score[:, known], favoured[:, known], atol=1e-4)


def test_bytes_hold_the_range_and_zero_is_void():
    scaled = np.linspace(-LIMIT, LIMIT, 1001, dtype=np.float32)[None, None]
    bytes_ = as_bytes(scaled, np.zeros((1, 1001), bool)).astype(float)
    assert (bytes_.min(), bytes_.max()) == (1, 255)
    back = ((bytes_ - 1) / 254 * 2 - 1) * LIMIT
    assert np.abs(back - scaled).max() <= LIMIT / 254 + 1e-6


@pytest.mark.parametrize("tile", [200, 128])
def test_tiles_that_would_leave_seams_are_refused(model, tile, tmp_path):
    with pytest.raises(InputError, match=r"at least 192 cells per side, a multiple of 16"):
        export_deepness(model, tmp_path / "net.onnx", tile)


def test_bad_input_is_told(graben, folder, tmp_path):
    done = graben("landforms", "export", folder / "model", "--out", tmp_path / "net.pb")
    assert (done.code, ".onnx" in done.err) == (2, True)
    write_raster(tmp_path / "coarse.tif", fractal(64, 64, cell=90.0))
    done = graben("landforms", "export", folder / "model", "--out", tmp_path / "net.onnx",
                  "--dem", tmp_path / "coarse.tif")  # fmt: skip
    assert (done.code, "90 m" in done.err) == (2, True)
    assert not (tmp_path / "net.onnx").exists()


def test_another_kind_of_model_is_refused(tmp_path):
    save_model(tmp_path / "other", {"a": np.zeros(1)}, {"model": "few-labels"})
    with pytest.raises(ModelError, match="got few-labels"):
        Segmentation.load(tmp_path / "other")
