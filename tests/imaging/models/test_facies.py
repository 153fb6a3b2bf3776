"""Facies from strokes: learned, mapped tile by tile, kept on disk."""

import numpy as np
import pytest
import torch

from graben.errors import ModelError
from graben.imaging import in_memory_volume
from graben.imaging.models import facies_evaluation
from graben.imaging.models.facies import FaciesModel, learn_facies, stroke_features
from graben.imaging.models.facies_features import FaciesFeatures
from graben.imaging.strokes import Strokes
from graben.learning import save_model
from graben.learning.nets import UNet, UNetConfig
from graben.tiling import plan_tiles


@pytest.fixture(scope="module")
def scene():
    """Layers above, noise below an undulating border: amplitudes, and where the noise is."""
    generator = np.random.default_rng(0)
    crossline = np.arange(200)
    border = 24 + 6 * np.sin(crossline / 30)
    chaos = np.arange(48) > border[:, None]
    layers = np.sin(2 * np.pi * np.arange(48) / 8) * np.ones((200, 1))
    image = np.stack(
        [np.where(chaos, generator.standard_normal((200, 48)), layers) for _ in range(5)]
    )
    image[3, 60] = 0
    return in_memory_volume(
        image + 0.1 * generator.standard_normal(image.shape) * (image != 0)
    ), chaos


@pytest.fixture(scope="module")
def strokes(scene):
    crossline = np.arange(2, 200, 5)
    place = np.concatenate([np.stack([crossline, 0 * crossline + z]) for z in (8, 42)], axis=1)
    codes = np.repeat([1, 2], len(crossline)).astype(np.uint8)
    return Strokes(("layers", "chaos"), np.full(len(codes), 2), *place, codes, {})


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return UNet(UNetConfig(ndim=2, channels=1, outputs=1, width=2, depth=2)).eval()


@pytest.fixture(scope="module")
def learned(scene, strokes, net):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facies_evaluation, "CURVE", ())
        return learn_facies(scene[0], strokes, FaciesFeatures(net))


def test_strokes_on_one_line_map_the_volume(scene, learned):
    model, evaluation = learned
    found = model.predict(scene[0])
    there = np.ones(scene[0].shape[:2], bool)
    there[3, 60] = False
    assert (found["facies"][~there] == 0).all()
    assert (found["confidence"][~there] == 0).all()
    truth = np.broadcast_to(1 + scene[1], found["facies"].shape)
    assert (found["facies"] == truth)[there].mean() > 0.9
    sure = found["confidence"][there]
    assert sure.min() >= 0.4999
    assert sure.max() <= 1.0001
    assert evaluation.axis == "crossline"
    assert evaluation.metrics()["mean class accuracy"]["value"] > 0.9


def test_borders_are_less_sure_than_what_lies_far_from_them(scene, learned):
    sure = learned[0].predict(scene[0])["confidence"][1]
    assert sure[:, 20:28].mean() < sure[:, 4:12].mean() - 0.05


def test_a_map_of_tiles_is_the_map_of_the_whole(scene, learned):
    volume, model = scene[0], learned[0]
    block = model.block(volume.survey_statistics())
    whole = model.predict(volume)
    for tile in plan_tiles(volume.shape, (2, 67, 48), block.halo):
        for name, part in block(volume.read(tile.padded), tile, volume.shape).items():
            if name == "facies":
                assert (part != whole[name][tile.core]).mean() < 1e-3
            else:
                assert np.abs(part - whole[name][tile.core]).mean() < 1e-4


def test_features_of_strokes_are_those_of_the_map(scene, strokes, net):
    features = FaciesFeatures(net)
    few = strokes.part(np.abs(strokes.crossline - 120) < 20, "elsewhere")
    alone, all_of_them = (stroke_features(scene[0], one, features) for one in (few, strokes))
    kept = np.abs(strokes.crossline - 120) < 20
    assert alone == pytest.approx(all_of_them[kept], abs=1e-5)


def test_a_model_on_disk_answers_as_before(scene, learned, tmp_path):
    learned[0].save(tmp_path / "model")
    again = FaciesModel.load(tmp_path / "model")
    one, other = learned[0].predict(scene[0]), again.predict(scene[0])
    assert all((one[name] == other[name]).all() for name in one)
    assert again.classes == ("layers", "chaos")
    assert again.warnings(scene[0]) == []
    card = (tmp_path / "model" / "CARD.md").read_text()
    assert "mean class accuracy" in card


def test_another_sampling_is_warned_of(scene, learned):
    values = np.random.default_rng(0).standard_normal((2, 30, 48))
    wider = in_memory_volume(values, sample_interval=12.0)
    said = learned[0].warnings(wider)
    assert any("as far apart" in one for one in said)
    assert any("depth along the trace" in one for one in said)
    assert any(
        "samples in ms" in one for one in learned[0].warnings(in_memory_volume(values, unit="m"))
    )


def test_other_models_are_refused(tmp_path):
    save_model(tmp_path / "other", {"a": np.zeros(1)}, {"model": "else"})
    with pytest.raises(ModelError, match="expected the model facies"):
        FaciesModel.load(tmp_path / "other")
