"""Why a net sees a fault: shares that add up and stay within reach, and imitations judged apart."""

import numpy as np
import pytest
import torch

from graben.errors import SeismicError
from graben.imaging import draw_window, in_memory_volume
from graben.imaging import explained as module
from graben.imaging.explained import explain_pick, place_at
from graben.imaging.models.faults import FaultNet
from graben.learning.nets import UNet, UNetConfig


def model(ndim):
    """A net of random weights whose batch norms have seen something."""
    torch.manual_seed(ndim)
    stem = 2 if ndim == 3 else 1
    net = UNet(UNetConfig(ndim, 1, 1, width=4, depth=1, stem=stem))
    net.train()(torch.randn(2, 1, *[16] * ndim))
    return FaultNet({"volume" if ndim == 3 else "section": net.eval()})


@pytest.fixture(scope="module")
def cube():
    return draw_window(np.random.default_rng(11), (28, 40, 48)).amplitude


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "SYNTHETICS", 2)
    monkeypatch.setattr(module, "COPIES", 1)
    monkeypatch.setattr(module, "BOX", (24, 32, 40))


@pytest.mark.parametrize("ndim", [3, 2])
def test_shares_add_up_and_stay_within_reach(quick, cube, ndim):
    net = model(ndim)
    found = explain_pick(in_memory_volume(cube), net, (14, 20, 24))
    # the halo is that of a tile whose corners are multiples
    halo = net.net.config.halo + net.net.config.multiple
    assert [plane.axis for plane in found.planes] == [1, 0]
    for plane in found.planes:
        trace, sample = np.indices(plane.share.shape)
        far = np.maximum(
            np.abs(trace + plane.first[0] - found.index[plane.axis]),
            np.abs(sample + plane.first[1] - found.index[2]),
        )
        strongest = np.abs(plane.share).max()
        assert strongest > 0
        # fast convolutions leave rounding where the exact share is 0
        assert np.abs(plane.share[far > 1 + halo]).max(initial=0) < 1e-3 * strongest
        assert plane.amplitude.shape == plane.probability.shape == plane.share.shape
    assert 0 < found.probability < 1


def test_shares_sum_to_the_difference_of_logits(cube):
    net = model(2).net
    section = cube[14]
    asked = module._AtPlace(net, (20, 24)).eval()
    share, _ = module._attributed(net, section, (20, 24), 0)
    with torch.no_grad():
        x = torch.from_numpy(section[None, None])
        difference = float(asked(x) - asked(torch.zeros_like(x)))
    assert share.sum() == pytest.approx(difference, rel=0.1, abs=0.01)


def test_the_place_is_asked_whatever_the_size_of_the_image(cube):
    net = model(2).net
    section = torch.from_numpy(cube[14, :37, :45].copy()[None, None])
    with torch.no_grad():
        alone = net(torch.nn.functional.pad(section, (0, -45 % 8, 0, -37 % 8), mode="replicate"))
        asked = module._AtPlace(net, (20, 24))(section)
    assert float(asked) == pytest.approx(float(alone[0, 0, 19:22, 23:26].mean()), abs=1e-5)


def test_a_line_is_explained_on_its_only_section(quick, monkeypatch, cube):
    monkeypatch.setattr(module, "LINE", 40)
    found = explain_pick(in_memory_volume(cube[5]), model(2), (0, 20, 24))
    assert [plane.axis for plane in found.planes] == [1]
    assert found.spread >= 0
    assert found.as_dict()["crossline"] == 21


def test_places_are_found_by_their_numbers(cube):
    volume = in_memory_volume(
        cube, inlines=range(100, 128), crosslines=range(500, 540), first_sample=400
    )
    assert place_at(volume, 103, 510, 400 + 4 * 7 + 1) == (3, 10, 7)
    for asked, words in (
        ((99, 510, 410), "inline from 100 to 127"),
        ((103, 999, 410), "crossline from 500 to 539"),
        ((103, 510, 390), "from 400 to 588 ms"),
    ):
        with pytest.raises(SeismicError, match=words):
            place_at(volume, *asked)
