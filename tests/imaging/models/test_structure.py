import json

import numpy as np
import pytest
import torch

from graben.errors import InputError, ModelError
from graben.imaging.models.calibration import Platt
from graben.imaging.models.layer_net import LayerNet, LayerNetConfig
from graben.imaging.models.structure import CLASSES, PRIORS, Candidates, StructureNet, channels_of
from graben.learning import save_model
from graben.learning.nets import UNet, UNetConfig

CONFIG = UNetConfig(3, 5, 3, width=4, depth=1, stem=2)
LAYERS = LayerNetConfig(4, 4, (1, 2))


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return StructureNet(
        UNet(CONFIG).eval(),
        LayerNet(LAYERS).eval(),
        {"salt": Platt(2.0, -1.0)},
        {"closure": Candidates(0.3, 40, 1.5, 0.2)},
        salt_from=0.3,
    )


def test_answers_have_the_size_of_the_image_and_time_has_no_mean(tiny):
    image = np.random.default_rng(0).normal(size=(9, 12, 17)).astype(np.float32)
    answer, time = tiny.looks(image), tiny.time(image)
    assert answer.shape == (3, 9, 12, 17)
    assert time.shape == image.shape
    assert answer.dtype == time.dtype == np.float32
    assert abs(time.mean()) < 1e-4


def test_more_looks_are_the_mean_of_flipped_ones(tiny):
    image = np.random.default_rng(1).normal(size=(8, 8, 8)).astype(np.float32)
    flipped = tiny.looks(np.ascontiguousarray(image[:, ::-1]))[:, :, ::-1]
    np.testing.assert_allclose(tiny.looks(image, 2), (tiny.looks(image) + flipped) / 2, atol=1e-5)


def test_the_net_sees_dips_and_what_they_integrate_to():
    i, j, k = np.mgrid[:24, :24, :48].astype(np.float32)
    seen = channels_of(np.sin((k - 0.4 * i + 0.2 * j) / 2).astype(np.float32))
    inside = (slice(6, -6), slice(6, -6), slice(12, -12))
    np.testing.assert_allclose(seen[2][inside], 0.4, atol=0.05)
    np.testing.assert_allclose(seen[3][inside], -0.2, atol=0.05)
    slopes = [8 * np.diff(seen[4], axis=axis)[inside].mean() for axis in (0, 1)]
    np.testing.assert_allclose(slopes, [-0.4, 0.2], atol=0.05)


def test_a_net_without_weights_says_its_priors():
    net = UNet(CONFIG).eval()
    with torch.no_grad():
        net.last.weight.zero_()
        net.last.bias.zero_()
    image = np.random.default_rng(3).normal(size=(16, 16, 16)).astype(np.float32)
    answer = StructureNet(net, LayerNet(LAYERS)).looks(image)
    for place in range(len(CLASSES)):
        np.testing.assert_allclose(answer[place], PRIORS[place])


def test_a_section_needs_an_axis_of_one(tiny):
    for look in (tiny.looks, tiny.time):
        with pytest.raises(InputError, match="one inline"):
            look(np.zeros((8, 8), np.float32))


def test_only_what_is_named_is_calibrated(tiny):
    logits = np.array([0.5, 0.5, 0.5], np.float32).reshape(3, 1, 1, 1)
    found = tiny.probabilities(logits).ravel()
    np.testing.assert_allclose(found, 1 / (1 + np.exp([0, -0.5, -0.5])), rtol=1e-6)


def test_a_model_survives_the_disk(tiny, tmp_path):
    tiny.save(tmp_path / "net")
    back = StructureNet.load(tmp_path / "net")
    assert back.calibrations == tiny.calibrations
    assert back.candidates == tiny.candidates
    assert back.salt_from == 0.3
    image = np.random.default_rng(2).normal(size=(8, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(back.looks(image), tiny.looks(image), atol=0.05)
    assert back.layers.config == LAYERS
    for one, other in zip(*(model.layers.parameters() for model in (back, tiny)), strict=True):
        np.testing.assert_allclose(one.detach(), other.detach(), rtol=1e-3, atol=1e-6)
    assert (
        "relative"
        in json.loads((tmp_path / "net" / "model.json").read_text())["description"]["what"]
    )


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(ModelError, match="expected the folder of a structure-nets"):
        StructureNet.load(tmp_path / "none")
    save_model(tmp_path / "other", {"a": np.zeros(2)}, {"model": "fault-net"})
    with pytest.raises(ModelError, match="got fault-net"):
        StructureNet.load(tmp_path / "other")
