"""`graben imaging explain` through the real command line, and its page."""

import json

import numpy as np
import pytest
import torch

from graben.imaging import draw_window, explained, write_new_segy
from graben.imaging.models.faults import FaultNet
from graben.learning.nets import UNet, UNetConfig
from graben.tiling import InMemory


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A small volume as SEG-Y and a net of random weights."""
    folder = tmp_path_factory.mktemp("explain")
    cube = draw_window(np.random.default_rng(2), (20, 24, 40)).amplitude
    write_new_segy(folder / "cube.sgy", InMemory(cube), sample_interval=4.0)
    torch.manual_seed(0)
    net = UNet(UNetConfig(3, 1, 1, width=4, depth=1, stem=2)).eval()
    FaultNet({"volume": net}).save(folder / "net")
    return folder


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(explained, "SYNTHETICS", 1)
    monkeypatch.setattr(explained, "COPIES", 1)
    monkeypatch.setattr(explained, "BOX", (16, 24, 32))


def test_the_page_is_whole(graben, quick, files, tmp_path, check_page):
    asked = "imaging", "explain", files / "cube.sgy", 10, 12, 80, "--model", files / "net"
    done = graben(*asked, "--out", tmp_path / "why", "--json")
    assert done.code == 0, done.err
    found = done.json()
    assert (found["inline"], found["crossline"], found["at"]) == (10, 12, 80)
    assert found["throw_series"]["factor"] == [1, 0.75, 0.5, 0.25, 0]
    folder = tmp_path / "why"
    assert json.loads((folder / "explanation.json").read_text()) == found
    for name in ("sections", "attributes", "throw"):
        assert (folder / f"{name}.png").exists()
    check_page(folder / "report.html")


def test_the_tables_are_shown(graben, quick, files):
    done = graben("imaging", "explain", files / "cube.sgy", 10, 12, 80, "--model", files / "net")
    assert (done.code, done.err) == (0, "")
    for text in ("the probability of a fault is", "semblance", "less and less slip"):
        assert text in done.out


@pytest.mark.parametrize(
    ("place", "words"), [((999, 12, 80), "inline from"), ((10, 12, 9999), "Give one inside")]
)
def test_a_place_outside_ends_with_2(graben, files, place, words):
    done = graben("imaging", "explain", files / "cube.sgy", *place, "--model", files / "net")
    assert done.code == 2
    assert words in done.err


def test_a_model_that_is_not_there_ends_with_2(graben, files):
    done = graben("imaging", "explain", files / "cube.sgy", 10, 12, 80, "--model", "none-such")
    assert done.code == 2
    assert "expected the folder of a fault net" in done.err
