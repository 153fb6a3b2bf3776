"""What fault nets answer, and which folders they are read from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit

from graben.errors import InputError, ModelError
from graben.imaging.models.calibration import Platt
from graben.imaging.models.faults import FaultNet
from graben.imaging.models.section_faults import line_directions, net_logits, section_members
from graben.learning import load_model, save_model
from graben.learning.nets import UNet, UNetConfig, folded


def net(ndim: int, seed: int = 0) -> UNet:
    torch.manual_seed(seed)
    return UNet(UNetConfig(ndim, 1, 1, width=4, depth=1)).eval()


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("f4")


def test_a_volume_is_looked_at_once_and_its_spread_from_four_sides() -> None:
    model = FaultNet({"volume": net(3)}, {"volume, volume": Platt(0.5, -1.0)})
    x = image(6, 7, 9)
    once, sides = model.predict(x), model.predict(x, spread=True)
    np.testing.assert_array_equal(once.probability, sides.probability)
    np.testing.assert_allclose(
        once.probability, expit(0.5 * model.predict_logits(x) - 1), atol=1e-5
    )
    looks = [
        expit(0.5 * model.predict_logits(np.ascontiguousarray(x[::i, ::c]))[::i, ::c] - 1)
        for i in (1, -1)
        for c in (1, -1)
    ]
    np.testing.assert_allclose(sides.spread, np.std(looks, axis=0), atol=1e-5)
    assert (once.spread == 0).all()


def test_lines_are_means_of_members_whichever_way_they_run() -> None:
    model = FaultNet({"section": net(2)}, {"section, line": Platt(2.0, 1.0)})
    x = image(1, 14, 10)
    members = section_members(folded(net(2)), x[0])
    along = model.predict(x)
    expected = Platt(2.0, 1.0).of_probability(members.mean(0))
    np.testing.assert_allclose(along.probability[0], expected, atol=1e-6)
    across = model.predict(x.swapaxes(0, 1))
    assert across.probability.shape == (14, 1, 10)
    np.testing.assert_array_equal(across.probability[:, 0], along.probability[0])


def test_a_section_net_sees_a_volume_along_both_directions() -> None:
    model = FaultNet({"section": net(2)})
    x = image(5, 6, 8)
    expected = line_directions(folded(net(2)), x)
    np.testing.assert_allclose(model.predict(x).probability, expected.mean(0), atol=1e-5)
    np.testing.assert_allclose(model.predict(x).spread, expected.std(0), atol=1e-5)


def test_an_adapted_net_is_averaged_with_its_own_before_anything_else() -> None:
    x = image(1, 14, 10)
    first, second = (FaultNet({"section": net(2, seed)}) for seed in (0, 1))
    both = FaultNet({"section": net(2, 0), "adapted": net(2, 1)})
    mean = (first.predict(x).probability + second.predict(x).probability) / 2
    np.testing.assert_allclose(both.predict(x).probability, mean, atol=1e-6)
    with_volume = FaultNet({"volume": net(3), "section": net(2, 0), "adapted": net(2, 1)})
    volume = FaultNet({"volume": net(3)}).predict(x).probability
    np.testing.assert_allclose(with_volume.predict(x).probability, (mean + volume) / 2, atol=1e-6)
    assert (both.preset, with_volume.preset) == ("section", "best")


def test_what_is_no_fault_net_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="graben imaging train"):
        FaultNet.load("nonesuch")
    save_model(tmp_path / "other", {"net": net(2)}, {"model": "unet"})
    with pytest.raises(ModelError, match="got unet"):
        FaultNet.load(tmp_path / "other")
    with pytest.raises(InputError, match="inline, crossline, sample"):
        FaultNet({"section": net(2)}).predict(image(4, 5))
    with pytest.raises(ModelError, match="got two"):
        _ = FaultNet({"volume": net(3), "section": net(2)}).net


def test_logits_of_any_size_are_those_of_the_net() -> None:
    x = image(3, 8, 6)
    answer = FaultNet({"section": net(2)}).predict_logits(x)
    np.testing.assert_allclose(answer, net_logits(folded(net(2)), x), atol=1e-5)


def test_models_that_do_not_tell_their_encoder_have_two_convolutions_a_level(tmp_path) -> None:
    model, x = FaultNet({"volume": net(3)}), image(8, 8, 8)
    model.save(tmp_path / "now")
    about = dict(load_model(tmp_path / "now").description)
    del about["nets"]["volume"]["encoder_convolutions"]
    save_model(tmp_path / "before", dict(model.nets), about)
    found = FaultNet.load(tmp_path / "before")
    assert found.net.config.encoder_convolutions == 2
    np.testing.assert_array_equal(found.predict_logits(x), model.predict_logits(x))
