from dataclasses import dataclass

import numpy as np
import pytest

from graben.imaging.models.layer_net import LayerNet, LayerNetConfig
from graben.imaging.models.plans import Plan
from graben.imaging.models.structure import StructureNet
from graben.imaging.models.structure_calibration import (
    best_candidates,
    best_salt_threshold,
    calibrated,
    check,
    trained_structure_net,
)
from graben.imaging.models.structure_samples import StructureImages
from graben.learning.nets import UNet, UNetConfig

TINY = UNetConfig(3, 5, 3, width=4, depth=1, stem=2)
LAYERS = LayerNetConfig(4, 4, (1,))


@dataclass(frozen=True, eq=False)
class Overconfident(StructureNet):
    """Says three times the logit of the share of positive amplitudes that are so."""

    def looks(self, image, sides=1):
        return np.stack([3 * image] * 3).astype(np.float32)


@dataclass(frozen=True)
class Drawn:
    """Volumes whose labels come true as often as the logistic of the amplitude says."""

    shape = (24, 24, 24)

    def __len__(self):
        return 3

    def image(self, index):
        generator = np.random.default_rng(index)
        logit = generator.normal(0, 2, self.shape).astype(np.float32)
        label = generator.random(self.shape) < 1 / (1 + np.exp(-logit))
        return Labelled(logit, label, label, label)


@dataclass(frozen=True)
class Labelled:
    amplitude: np.ndarray
    salt: np.ndarray
    closure: np.ndarray
    flat_spot: np.ndarray


def test_probabilities_come_true_as_often_as_they_say():
    model = calibrated(Overconfident(UNet(TINY).eval(), LayerNet(LAYERS)), Drawn())
    for one in model.calibrations.values():
        assert one.slope == pytest.approx(1 / 3, abs=0.03)
        assert one.intercept == pytest.approx(0, abs=0.08)
    assert set(model.candidates) == {"closure", "flat_spot"}


def test_salt_begins_where_it_overlaps_best():
    likely = np.linspace(0, 1, 1000, dtype=np.float32).reshape(10, 10, 10)
    for true_from in (0.1, 0.3, 0.5):
        label = likely >= true_from
        assert best_salt_threshold([likely, likely], [label, label]) == true_from
    nothing = np.zeros(likely.shape, bool)
    assert best_salt_threshold([likely], [nothing]) == 0.05


def test_the_threshold_is_the_one_that_finds_the_objects():
    likely = np.full((20, 20, 20), 0.12, np.float32)
    label = np.zeros(likely.shape, bool)
    label[2:8, 2:8, 2:8] = True
    likely[label] = 0.45
    likely[12:14, 12:15, 12:17] = 0.45  # too small to be one
    rule = best_candidates([likely, likely], [label, label])
    assert 0.12 < rule.threshold <= 0.45
    assert 30 < rule.least <= 216
    assert rule.slope == 0  # too few to learn a confidence from: the share that was right
    assert 1 / (1 + np.exp(-rule.intercept)) == pytest.approx(3 / 4)


def test_a_tiny_net_from_nothing_to_a_card(tmp_path):
    plan = Plan(TINY, (32, 32, 32), 2, 3e-3, 2)
    layers = Plan(LAYERS, (16, 16, 32), 2, 3e-3, 2)
    model = trained_structure_net(
        plan, layers, steps=2, layer_steps=3, cubes=2, checked=2, whole=(48, 48, 48)
    )
    assert model.about["cost"]["steps"] == 2
    assert model.about["cost"]["layer_steps"] == 3
    assert "time, rank" in model.about["metrics"]
    model.save(tmp_path / "net")
    back = StructureNet.load(tmp_path / "net")
    images = StructureImages((32, 32, 32), 1, use="check")
    assert set(check(back, images)) == set(model.about["metrics"])
