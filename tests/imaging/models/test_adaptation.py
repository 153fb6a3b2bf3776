"""Learning from one line: what is held out, what is seen, and when it is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from graben.errors import InputError
from graben.imaging.models import adaptation
from graben.imaging.models.adaptation import BUFFER, Line, LinePieces, adapt, interpreted
from graben.imaging.models.fault_samples import DrawnImages
from graben.imaging.models.faults import FaultNet
from graben.learning.nets import UNet, UNetConfig


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptation, "CHECKED", 2)


def picked(traces: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """A line whose faults are where its amplitude is high."""
    picks = np.zeros((traces, 40), bool)
    picks[10::30, 5:35] = True
    section = np.random.default_rng(0).normal(0, 0.3, picks.shape)
    for step in (-1, 0, 1):
        section += 2 * np.roll(picks, step, 0)
    return section.astype("f4"), picks


def net(bias: float = 0.0) -> UNet:
    torch.manual_seed(0)
    made = UNet(UNetConfig(2, 1, 1, width=4, depth=1))
    nn.init.constant_(made.last.bias, bias)
    return made.eval()


def test_a_third_of_the_line_is_held_out_with_faults_on_both_sides() -> None:
    line = interpreted(*picked())
    assert line.held.sum() == 80
    for part in (line.held, line.learned):
        assert line.label[part].any()
    held = np.flatnonzero(line.held)
    gaps = [abs(held - trace).min() for trace in np.flatnonzero(line.learned)]
    assert min(gaps) == BUFFER + 1
    lonely = picked()[1].copy()
    lonely[30:] = False
    with pytest.raises(InputError, match="several parts"):
        interpreted(picked()[0], lonely)


def test_nothing_is_learned_from_what_is_held_out() -> None:
    held = np.zeros(240, bool)
    held[80:120] = True
    section = np.zeros((240, 40), "f4")
    section[held] = 1
    line = Line(section, np.zeros((240, 40), bool), held)
    pieces = LinePieces(line, DrawnImages((1, 128, 40), 16, use="adaptation"))
    batch = pieces.batch(np.arange(0, 16, 2))
    assert batch["x"].abs().max() > 0.5
    assert (batch["x"] * batch["known"]).abs().max() == 0
    assert batch["known"].max() == 1
    again = pieces.at_epoch(1).batch(np.arange(0, 16, 2))
    assert not torch.equal(again["x"], batch["x"])


def test_every_other_sample_is_synthetic() -> None:
    images = DrawnImages((1, 128, 40), 4, use="adaptation")
    batch = LinePieces(interpreted(*picked()), images).batch(np.arange(4))
    np.testing.assert_array_equal(batch["x"][3, 0], images.image(3).amplitude.reshape(128, 40))
    np.testing.assert_array_equal(batch["y"][3, 0], images.image(3).fault.reshape(128, 40))
    assert batch["known"][3].min() == 1


def test_a_line_is_learned_from_and_the_copy_joins_the_net() -> None:
    model = FaultNet({"section": net()})
    before = {name: value.clone() for name, value in model.net.state_dict().items()}
    adapted, found = adapt(model, *picked(), cpu_seconds=4)
    assert found.helped
    assert found.after > found.before + 0.1
    assert set(adapted.nets) == {"section", "adapted"}
    for name, value in adapted.nets["section"].state_dict().items():
        assert torch.equal(value, before[name])
    assert adapted.about["adaptation"]["after"] == found.after


def test_a_copy_that_does_worse_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FaultNet({"section": net()})
    learned = adapt(model, *picked(), cpu_seconds=4)[0].nets["adapted"]
    good = FaultNet({"section": learned})
    monkeypatch.setattr(adaptation, "_learned", lambda *_: net())
    kept, found = adapt(good, *picked(), cpu_seconds=4)
    assert not found.helped
    assert found.after <= found.before
    assert kept is good


def test_what_cannot_be_learned_from_is_refused() -> None:
    section, picks = picked()
    with pytest.raises(InputError, match="section net"):
        adapt(FaultNet({"volume": net()}), section, picks)
    with pytest.raises(InputError, match="of its shape"):
        interpreted(section, picks.T)
    with pytest.raises(InputError, match="96 traces or more"):
        interpreted(section[:90], picks[:90])
    with pytest.raises(InputError, match="20 samples"):
        interpreted(section, np.zeros_like(picks))
