"""Features of facies: their limits, their masks, and what a tile sees."""

import numpy as np
import pytest
import torch

from graben.errors import InputError
from graben.imaging.models.facies_features import (
    TEXTURES,
    WINDOWS,
    FaciesFeatures,
    coherence_of,
    encoded,
    filled,
    textures,
)
from graben.learning.nets import UNet, UNetConfig


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return UNet(UNetConfig(ndim=2, channels=1, outputs=1, width=4, depth=2)).eval()


@pytest.fixture(scope="module")
def section():
    generator = np.random.default_rng(0)
    return generator.standard_normal((150, 64)).astype(np.float32)


def of(features, section, known=None):
    known = np.ones(section.shape, bool) if known is None else known
    return features.of_section(section, known, coherence_of(section[None])[:, 0])


def test_there_is_a_name_for_each_feature(net, section):
    features = FaciesFeatures(net)
    found = of(features, section)
    assert len(features.names) == len(features.groups) == len(found) == 8 + 4 + 18 + 2 + 1
    assert set(features.groups) == {"encoder", "texture", "coherence", "depth"}
    assert np.isfinite(found).all()
    assert (found[-1] == np.linspace(0, 1, 64, dtype=np.float32)).all()
    with pytest.raises(InputError, match="none of three kinds"):
        FaciesFeatures(None, attributes=False, depth=False)


def test_textures_of_a_dipping_plane_wave():
    traces, samples = np.mgrid[:80, :120]
    dip = 0.5  # samples down for each trace on
    wave = np.sin(2 * np.pi * (samples - dip * traces) / 16).astype(np.float32)
    found = textures(wave, np.ones(wave.shape, bool)).reshape(len(WINDOWS), len(TEXTURES), 80, 120)
    strength, even, _, _, slope, layering = found[1, :, 20:-20, 30:-30]
    assert strength == pytest.approx(np.log(np.sqrt(0.5)), abs=0.1)
    assert even.mean() == pytest.approx(2 * np.sqrt(2) / np.pi, abs=0.01)  # of a sine
    assert slope.mean() == pytest.approx(dip, abs=0.03)
    assert layering.min() > 0.97
    noise = np.random.default_rng(0).standard_normal(wave.shape).astype(np.float32)
    isotropic = textures(noise, np.ones(wave.shape, bool)).reshape(found.shape)[2]
    assert isotropic[5].mean() < 0.2
    assert isotropic[1].mean() == pytest.approx(np.sqrt(2 / np.pi), abs=0.02)


def test_strength_alone_tells_how_loud_it_is(section):
    known = np.ones(section.shape, bool)
    one, other = textures(section, known), textures(3 * section, known)
    change = (other - one).reshape(len(WINDOWS), len(TEXTURES), -1)
    assert change[:, 0] == pytest.approx(np.log(3), abs=1e-3)
    assert np.abs(change[:, 1:]).max() < 5e-3


def test_what_is_not_known_counts_in_no_window(section):
    known = np.random.default_rng(1).random(section.shape) < 0.6
    loud = np.where(known, section, 1e3).astype(np.float32)
    quiet = np.where(known, section, 0).astype(np.float32)
    features = FaciesFeatures(None)
    same = coherence_of(quiet[None])[:, 0]
    one, other = (features.of_section(image, known, same) for image in (loud, quiet))
    assert (one == other).all()
    flat = textures(np.where(known, 2.0, 0).astype(np.float32), known).reshape(3, 6, *known.shape)
    assert flat[:, 0][:, known] == pytest.approx(np.log(2), abs=1e-3)


def test_holes_are_filled_with_mirror_images_and_known_samples_stay(section):
    known = np.ones(section.shape, bool)
    assert filled(section, known) is section
    known[:, :5] = known[:, 60:] = False
    known[7] = False
    found = filled(section, known)
    assert (found[known] == section[known]).all()
    assert (found[3, :5] == section[3, 9:4:-1]).all()
    assert (found[3, 60:] == section[3, 59:55:-1]).all()
    assert (found[7] == found[6]).all()
    known[:, 30:33] = False
    between = filled(section, known)[3, 30:33]
    weights = np.array([0.25, 0.5, 0.75])
    expected = (1 - weights) * section[3, 29:26:-1] + weights * section[3, 35:32:-1]
    assert between == pytest.approx(expected, abs=1e-6)


def test_nothing_beyond_the_halo_changes_a_feature(net, section):
    features = FaciesFeatures(net)
    whole = of(features, section)
    first = 32  # a multiple of what the net asks for
    part = of(features, section[first:].copy())
    inner = slice(first + features.halo, None)
    assert part[:, features.halo :] == pytest.approx(whole[:, inner], abs=1e-5)
    assert features.multiple == 4


def test_coarser_maps_of_the_net_are_laid_out_over_their_samples(net, section):
    found = encoded(net, section)
    maps = net.features(
        torch.from_numpy(np.pad(section, [(0, 2), (0, 0)], mode="edge"))[None, None]
    )
    assert found.shape == (8 + 4, *section.shape)
    assert (found[3, 10:12, 20:22] == maps[-2][0, 3, 5, 10].item()).all()
    assert (found[8:] == maps[-1][0].detach().numpy()[:, :150]).all()
