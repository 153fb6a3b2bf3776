import numpy as np
import pytest

from graben.errors import InputError
from graben.imaging.structure import DIPS, Dip, dips
from graben.tiling import plan_tiles


def layers(p, q, shape=(20, 22, 90), period=12.0):
    inline, crossline, sample = np.mgrid[tuple(slice(0, length) for length in shape)]
    return np.sin(2 * np.pi * (sample - p * inline - q * crossline) / period).astype(np.float32)


@pytest.fixture(scope="module")
def reflections():
    """Random reflectivity on layers of a known dip."""
    reflectivity = np.convolve(
        np.random.default_rng(2).standard_normal(600), np.exp(-(np.linspace(-2, 2, 9) ** 2)), "same"
    )

    def make(p, q, shape=(16, 18, 100)):
        inline, crossline, sample = np.mgrid[tuple(slice(0, length) for length in shape)]
        at = sample - p * inline - q * crossline + 200
        return np.interp(at.ravel(), np.arange(600), reflectivity).reshape(shape).astype("f4")

    return make


@pytest.mark.parametrize(("p", "q"), [(0, 0), (0.5, -0.25), (-1, 0.75), (2, 0), (0, -2)])
def test_the_dip_of_a_plane_wave_is_known_up_to_the_rim(p, q):
    inline, crossline = dips(layers(p, q))
    np.testing.assert_allclose(inline, p, atol=0.03)
    np.testing.assert_allclose(crossline, q, atol=0.03)


@pytest.mark.parametrize(("p", "q"), [(0.4, -0.8), (-1.5, 0.3)])
def test_the_dip_of_reflections_is_known(reflections, p, q):
    inline, crossline = dips(reflections(p, q))
    inner = (slice(4, -4), slice(4, -4), slice(10, -10))
    assert abs(np.median(inline[inner]) - p) < 0.03
    assert abs(np.median(crossline[inner]) - q) < 0.03
    assert np.quantile(abs(inline[inner] - p), 0.95) < 0.15


def twin(volume, at):
    """The dip at a place by NumPy alone: gradients, averaged products, eigenvectors."""
    from scipy.ndimage import correlate1d, gaussian_filter

    low = [0.037659, 0.249153, 0.426375, 0.249153, 0.037659]
    steep = [-0.109604, -0.276691, 0, 0.276691, 0.109604]
    slopes = []
    for along in range(3):
        slope = volume.astype(float)
        for axis in range(3):
            slope = correlate1d(slope, steep if axis == along else low, axis)
        slopes.append(slope)
    reach = {"mode": "constant", "radius": (4, 4, 8)}
    tensor = [[gaussian_filter(a * b, (1.5, 1.5, 3), **reach)[at] for a in slopes] for b in slopes]
    normal = np.linalg.eigh(np.array(tensor))[1][:, -1]
    return -normal[:2] / normal[2]


def test_dips_are_those_of_the_structure_tensor(reflections):
    volume = reflections(0.6, -0.3)
    volume += np.random.default_rng(4).standard_normal(volume.shape).astype("f4") * 0.3
    inline, crossline = dips(volume)
    for at in [(8, 8, 50), (7, 10, 30), (9, 7, 71)]:
        np.testing.assert_allclose([inline[at], crossline[at]], twin(volume, at), atol=0.02)


def test_a_section_has_no_dip_across():
    inline, crossline = dips(layers(0, 0.7, (1, 30, 80)))
    assert (inline == 0).all()
    np.testing.assert_allclose(crossline, 0.7, atol=0.02)


def test_missing_traces_are_left_out():
    volume = layers(0.5, 0.5)
    volume[12:14, 6] = 0
    volume[3, 12] = np.nan
    inline, crossline = dips(volume)
    np.testing.assert_allclose(inline, 0.5, atol=0.03)
    np.testing.assert_allclose(crossline, 0.5, atol=0.03)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 40), (2, 2, 9), (3, 4, 20), (1, 40, 3)])
@pytest.mark.parametrize("value", [0, 7])
def test_where_nothing_is_seen_there_is_no_dip(shape, value):
    for dip in dips(np.full(shape, value, np.float32)):
        np.testing.assert_array_equal(dip, 0)


def test_tiles_give_the_bits_of_the_whole(reflections):
    volume = reflections(0.5, 0.2, (17, 23, 40))
    volume[5, 6] = 0
    function = Dip(4.0)
    (all_of_it,) = plan_tiles(volume.shape, 99, 0)
    expected = function(volume, all_of_it, volume.shape)
    assert tuple(expected) == DIPS
    for tile in plan_tiles(volume.shape, (5, 4, 40), function.halo):
        for name, found in function(volume[tile.padded], tile, volume.shape).items():
            np.testing.assert_array_equal(found, expected[name][tile.core], err_msg=name)


@pytest.mark.parametrize(
    ("p", "q", "azimuth"), [(1, 0, 0), (0, 1, 90), (-1, 0, 180), (0, -1, 270), (1, 1, 45)]
)
def test_dip_and_azimuth_are_told_in_ms_and_degrees(p, q, azimuth):
    volume = layers(p / 2, q / 2)
    (tile,) = plan_tiles(volume.shape, 99, 0)
    found = Dip(4.0)(volume, tile, volume.shape)
    at = (10, 10, 45)
    assert found["dip_inline"][at] == pytest.approx(2 * p, abs=0.1)
    assert found["dip"][at] == pytest.approx(2 * np.hypot(p, q), abs=0.1)
    assert (found["azimuth"][at] - azimuth + 180) % 360 - 180 == pytest.approx(0, abs=3)


def test_a_dip_that_is_none_is_refused():
    with pytest.raises(InputError, match="dip_inline"):
        Dip(4.0, ("dop",))
