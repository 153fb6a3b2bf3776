"""Looks at a section: spacings, gains, sides; directions through a volume."""

import numpy as np
import pytest
import torch
from scipy.special import expit

from graben.imaging.models import section_faults
from graben.imaging.models.section_faults import (
    gain_control,
    line_directions,
    net_logits,
    respaced,
    section_members,
    section_net,
)
from graben.learning.nets import UNet, UNetConfig


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("f4")


def net(ndim: int = 2) -> UNet:
    torch.manual_seed(0)
    return UNet(UNetConfig(ndim, 1, 1, width=4, depth=1)).eval()


def test_traces_are_interpolated_and_come_back() -> None:
    ramp = np.arange(12, dtype=float)[:, None] * [1.0, -2.0]
    np.testing.assert_allclose(respaced(ramp, 6), ramp.reshape(6, 2, 2).mean(1), atol=1e-6)
    wide = respaced(ramp, 24)
    np.testing.assert_allclose(wide[1:-1, 0], np.arange(0.25, 11, 0.5), atol=1e-6)
    np.testing.assert_allclose(respaced(wide, 12)[1:-1], ramp[1:-1], atol=1e-6)
    assert respaced(ramp[:1], 2).shape == (2, 2)


def test_gain_control_forgets_a_gain_that_changes_slowly() -> None:
    section = image(30, 200)
    swelling = section * np.exp(np.linspace(0, 4, 200))
    np.testing.assert_allclose(gain_control(swelling).std(0).mean(), 1, atol=0.1)
    # an eighth of the variance is what a window of 41 samples cannot tell from the signal
    assert np.corrcoef(gain_control(swelling).ravel(), section.ravel())[0, 1] > 0.9


def test_any_size_is_filled_up_and_cut_again() -> None:
    small = net()
    answer = net_logits(small, image(2, 13, 7))
    filled = np.pad(image(2, 13, 7), ((0, 0), (0, 1), (0, 1)), mode="edge")
    with torch.inference_mode():
        expected = small(torch.from_numpy(filled)[:, None])[:, 0, :13, :7].numpy()
    np.testing.assert_array_equal(answer, expected)


def test_members_see_every_spacing_gain_and_side(monkeypatch: pytest.MonkeyPatch) -> None:
    section, seen = image(20, 16), []

    def same(_: UNet, given: np.ndarray) -> np.ndarray:
        seen.append(given[0].copy())
        return given

    monkeypatch.setattr(section_faults, "net_logits", same)
    members = section_members(net(), section)
    assert [len(one) for one in seen] == [10, 10, 20, 20, 40, 40] * 2
    np.testing.assert_array_equal(seen[2], seen[3][::-1])
    np.testing.assert_allclose(members[2], expit(section), atol=1e-6)
    np.testing.assert_allclose(members[3], members[2], atol=1e-6)
    np.testing.assert_allclose(members[8], expit(gain_control(section)), atol=1e-6)
    assert members.shape == (12, 20, 16)


def test_a_volume_is_seen_along_both_directions() -> None:
    small, volume = net(), image(5, 6, 8)
    along = line_directions(small, volume, lines=2)
    for inline in range(5):
        alone = expit(net_logits(small, volume[[inline]])[0])
        np.testing.assert_allclose(along[0, inline], alone, atol=1e-5)
    for crossline in range(6):
        alone = expit(net_logits(small, volume[:, crossline][None])[0])
        np.testing.assert_allclose(along[1, :, crossline], alone, atol=1e-5)


@pytest.mark.parametrize("stem", [1, 2])
def test_a_volume_net_sees_an_endless_stack_of_copies(stem: int) -> None:
    torch.manual_seed(0)
    volume_net = UNet(UNetConfig(3, 1, 1, width=4, depth=1, stem=stem)).eval()
    section = image(12, 8)
    answer = net_logits(section_net(volume_net), section[None])[0]
    halo = volume_net.config.halo
    stack = np.repeat(section[None], 2 * halo + 4, axis=0)
    expected = net_logits(volume_net, stack[None])[0, halo : halo + 2 * stem].mean(0)
    np.testing.assert_allclose(answer, expected, atol=1e-5)
    assert section_net(net()).config == net().config
