"""Trainings on synthetic images: what they see, what they keep, and what becomes of a kill."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from graben.errors import InputError, ModelError
from graben.imaging.models import fault_training
from graben.imaging.models.fault_samples import DrawnImages
from graben.imaging.models.fault_training import PLANS, fault_loss, fuse, train_fault_net
from graben.imaging.models.faults import FaultNet
from graben.learning import fit
from graben.learning.nets import UNet

TINY = {
    "volume": replace(PLANS["volume"], shape=(16, 16, 16), held=2),
    "section": replace(PLANS["section"], shape=(1, 32, 32), batch_size=4, held=2),
}


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"volume": ((24, 24, 24), 2), "line": ((1, 32, 32), 2)}
    monkeypatch.setattr(fault_training, "CHECKS", small)


def state(model: FaultNet) -> bytes:
    values = [net.state_dict().values() for net in model.nets.values()]
    return b"".join(value.numpy().tobytes() for one in values for value in one)


def test_images_depend_on_seed_use_epoch_and_place_alone() -> None:
    images = DrawnImages((16, 16, 16), 4, seed=3)
    whole = images.batch(np.arange(4))
    assert whole["x"].shape == whole["y"].shape == (4, 1, 16, 16, 16)
    assert torch.equal(images.batch(np.array([2]))["x"][0], whole["x"][2])
    others = [replace(images, seed=4), replace(images, use="check"), images.at_epoch(1)]
    for other in others:
        assert not torch.equal(other.batch(np.array([2]))["x"][0], whole["x"][2])


def test_sections_run_along_inlines_and_crosslines_in_turn() -> None:
    images = DrawnImages((1, 24, 16), 2)
    assert [images.image(place).amplitude.shape for place in (0, 1)] == [(1, 24, 16), (24, 1, 16)]
    batch = images.batch(np.arange(2))
    assert batch["x"].shape == (2, 1, 24, 16)
    np.testing.assert_array_equal(batch["x"][1, 0], images.image(1).amplitude[:, 0])
    np.testing.assert_array_equal(batch["y"][1, 0], images.image(1).fault[:, 0])


def test_the_loss_equals_the_formula_and_is_blind_to_what_is_unknown() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(2, 1, 4, 5))
    label = (generator.random((2, 1, 4, 5)) < 0.3).astype(float)
    p = 1 / (1 + np.exp(-logits))
    cross = -(label * np.log(p) + (1 - label) * np.log(1 - p)).mean((1, 2, 3))
    dice = 1 - (2 * (p * label).sum() + 1) / (p.sum() + label.sum() + 1)
    batch = {"y": torch.tensor(label)}
    np.testing.assert_allclose(fault_loss(torch.tensor(logits), batch), cross + dice)
    batch["known"] = torch.ones(2, 1, 4, 5, dtype=torch.float64)
    np.testing.assert_allclose(fault_loss(torch.tensor(logits), batch), cross + dice)
    batch["known"][:, :, :2] = 0
    masked = fault_loss(torch.tensor(logits), batch)
    logits[:, :, :2] = 9.0
    np.testing.assert_allclose(fault_loss(torch.tensor(logits), batch), masked)


def test_the_same_seed_and_steps_give_the_same_net_and_its_folder(tmp_path: Path) -> None:
    first, again, other = (
        train_fault_net("volume", steps=3, seed=seed, plan=TINY["volume"]) for seed in (1, 1, 2)
    )
    assert state(first) == state(again) != state(other)
    first.save(tmp_path / "net")
    read = FaultNet.load(tmp_path / "net")
    assert state(read) == state(first)
    assert read.calibrations == first.calibrations
    assert read.about["cost"]["steps"] == 3
    assert read.about["cost"]["images"] == 6
    image = DrawnImages((16, 16, 16), 1).image(0).amplitude
    np.testing.assert_array_equal(read.predict(image).probability, first.predict(image).probability)


def test_a_training_killed_midway_goes_on_with_its_plan(tmp_path: Path) -> None:
    """The child is this very module, so that it trains exactly what the parent trains."""
    script = f"""
        import importlib.util, os, signal, sys
        from pathlib import Path
        from graben.imaging.models import fault_training
        from graben.imaging.models.fault_samples import DrawnImages
        spec = importlib.util.spec_from_file_location("twin", {__file__!r})
        twin = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(twin)
        drawn = DrawnImages.batch
        def batch(self, indices):
            if self.epoch == 7:
                os.kill(os.getpid(), signal.SIGKILL)
            return drawn(self, indices)
        DrawnImages.batch = batch
        twin.train_fault_net("section", cpu_seconds=1e-6, plan=twin.TINY["section"],
                             checkpoint_folder=Path({str(tmp_path)!r}))
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
    )
    assert child.returncode == -signal.SIGKILL
    assert (tmp_path / "plan.json").exists()
    with pytest.raises(ModelError, match="another seed"):
        train_fault_net(
            "section", cpu_seconds=2e-6, plan=TINY["section"], checkpoint_folder=tmp_path
        )
    resumed = train_fault_net(
        "section", cpu_seconds=1e-6, plan=TINY["section"], checkpoint_folder=tmp_path
    )
    whole = train_fault_net("section", steps=fault_training.EPOCHS, plan=TINY["section"])
    assert state(resumed) == state(whole)


def test_two_nets_are_fused_and_kept(tmp_path: Path) -> None:
    volume, section = (train_fault_net(name, steps=2, plan=plan) for name, plan in TINY.items())
    both = fuse(volume, section)
    assert both.preset == "best"
    assert set(both.calibrations) == {
        f"{name}, {kind}" for name in ("volume", "section", "best") for kind in ("volume", "line")
    }
    image = DrawnImages((16, 16, 16), 1).image(0).amplitude
    means = [one.predict(image).probability for one in (volume, section)]
    expected = both.calibration("best", "volume").of_probability(np.mean(means, axis=0))
    np.testing.assert_allclose(both.predict(image).probability, expected, atol=1e-6)
    both.save(tmp_path / "best")
    again = FaultNet.load(tmp_path / "best").predict(image)
    np.testing.assert_array_equal(again.probability, both.predict(image).probability)


def weights(net: UNet) -> torch.Tensor:
    return torch.cat([one.detach().flatten() for one in net.parameters()])


def no_score(_: np.ndarray) -> float:
    return 0.0


def test_two_processes_take_the_first_step_of_one() -> None:
    """Later ones are parted by rounding, which Muon enlarges."""
    plan, moves = TINY["volume"], []
    images = DrawnImages(plan.shape, plan.batch_size, seed=3)
    for processes in (1, 2):
        torch.manual_seed(0)
        net = UNet(plan.config)
        before = weights(net)
        recipe = replace(plan.recipe(1, 1, processes=processes), keep_best=False)
        fit(net, images, images, fault_loss, recipe, validation_score=no_score)
        moves.append(weights(net) - before)
    alone, shared = moves
    assert (shared - alone).norm() < 0.01 * alone.norm()


def test_more_processes_than_images_in_a_batch_are_refused() -> None:
    with pytest.raises(InputError, match="at most 2 processes"):
        train_fault_net("volume", processes=3)
