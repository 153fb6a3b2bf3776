from dataclasses import dataclass

import numpy as np
import pytest

from graben.imaging import in_memory_volume
from graben.imaging.models.layer_net import LayerNet, LayerNetConfig
from graben.imaging.models.structure import Candidates, StructureNet
from graben.imaging.resource_page import candidate_record, polygons_of, salt_record
from graben.imaging.resources import (
    Candidate,
    Resources,
    Salt,
    bin_area,
    confidence_of,
    find_resources,
    plane_of,
    seen_by,
)
from graben.learning.nets import UNet, UNetConfig

LOUD = 12.0  # of the closure, in deviations of the survey
RADIUS, CREST, CONTACT = 12, 40, 52


@dataclass(frozen=True, eq=False)
class Reader(StructureNet):
    """Loud and positive is a closure, loud and negative is salt."""

    def looks(self, image, sides=1):
        says = [image < -3, image > 3, np.zeros(image.shape, bool)]
        return np.stack([np.where(one, 6.0, -6.0) for one in says]).astype(np.float32)


@pytest.fixture(scope="module")
def reader():
    config = UNetConfig(3, 5, 3, width=2, depth=0, stem=2)
    rules = {"closure": Candidates(0.5, 50, 1.0, -1.0), "flat_spot": Candidates(0.5, 50)}
    return Reader(UNet(config).eval(), LayerNet(LayerNetConfig(4, 4, (1,))).eval(), {}, rules)


def dome(shape=(60, 64, 110), middle=(30, 30)):
    """Noise, and a dome of revolution filled from its crest down to a level contact."""
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32).clip(-2, 2)
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    away = ((i - middle[0]) ** 2 + (j - middle[1]) ** 2) / RADIUS**2
    filled = (k >= CREST + (CONTACT - CREST) * away) & (k < CONTACT)
    image[filled] = LOUD
    return image, filled


def found_in(volume, reader, tmp_path):
    with seen_by(reader, volume, tmp_path / "out", timed=False) as seen:
        return find_resources(volume, seen)


def test_a_dome_has_its_area_relief_and_place(reader, tmp_path):
    image, filled = dome()
    volume = in_memory_volume(image, spacing=20.0, first_sample=100.0)
    found = found_in(volume, reader, tmp_path)
    one = next(one for one in found.candidates if one.kind == "closure")
    record = candidate_record(volume, 1, one)
    assert record["samples"] == filled.sum()
    assert record["traces"] == filled.any(2).sum()
    # at the last sample above the contact the dome is 11/12 as large
    assert record["area_m2"] == pytest.approx(11 / 12 * np.pi * (RADIUS * 20) ** 2, rel=0.03)
    assert record["relief_ms"] == pytest.approx(4 * (CONTACT - CREST))
    assert record["crest_ms"] == pytest.approx(100 + 4 * CREST)
    assert (record["inline"], record["crossline"]) == (31, 31)
    assert (record["x"], record["y"]) == (volume.x[30, 30], volume.y[30, 30])
    assert record["amplitude_ratio"] > 5
    # the logits of its samples are 6: slope 1 and intercept -1 make that 5
    assert record["confidence"] == pytest.approx(1 / (1 + np.exp(-5)), abs=0.01)
    assert not [other for other in found.candidates if other.kind == "flat_spot"]


def test_a_dome_is_bright_too_and_salt_is_not(reader, tmp_path):
    image, filled = dome()
    volume = in_memory_volume(image)
    found = found_in(volume, reader, tmp_path)
    bright = [one for one in found.candidates if one.kind == "bright_spot"]
    assert len(bright) == 1
    inside = np.zeros(image.shape, bool)
    inside[tuple(bright[0].places.T)] = True
    assert filled[inside].mean() > 0.5
    salty = found_in(in_memory_volume(-image), reader, tmp_path)
    assert not [one for one in salty.candidates if one.kind == "closure"]
    np.testing.assert_array_equal(salty.salt.thickness, filled.sum(2))
    assert salty.salt.top[30, 30] == CREST
    assert salty.salt.top[0, 0] == -1


def test_slabs_do_not_cut_candidates(reader, tmp_path, monkeypatch):
    image, _ = dome()
    volume = in_memory_volume(image)
    whole = found_in(volume, reader, tmp_path)
    monkeypatch.setattr("graben.imaging.models.structure_tiles.SLAB", 7 * 64 * 110)
    parts = found_in(volume, reader, tmp_path)
    assert len(whole.candidates) == len(parts.candidates)
    for one, other in zip(whole.candidates, parts.candidates, strict=True):
        assert one.kind == other.kind
        np.testing.assert_array_equal(one.places, other.places)
        assert one.amplitude_ratio == other.amplitude_ratio


def test_polygons_lie_on_the_ground(reader, tmp_path):
    image, _ = dome()
    volume = in_memory_volume(image, spacing=20.0)
    polygons = polygons_of(volume, found_in(volume, reader, tmp_path))
    np.testing.assert_allclose(polygons.area, polygons["area_m2"])
    closure = polygons[polygons["kind"] == "closure"].geometry.iloc[0]
    assert closure.centroid.coords[0] == pytest.approx((volume.x[30, 30], volume.y[30, 30]))


def test_polygons_over_line_numbers_where_the_ground_is_unknown():
    places = np.array([[0, 0, 5], [0, 1, 5], [1, 0, 6]])
    found = Resources(
        (Candidate("closure", places, 0.5, 1.0),),
        Salt(np.zeros((1, 4), np.int64), np.full((1, 4), -1)),
    )
    line = in_memory_volume(np.zeros((1, 4, 9)), inlines=[700], crosslines=[100, 102, 104, 106])
    only = Resources((Candidate("closure", places[:2], 0.5, 1.0),), found.salt)
    outline = polygons_of(line, only).geometry.iloc[0]
    assert outline.bounds == (99, 699.5, 103, 700.5)
    assert np.isnan(bin_area(line))


def test_the_plane_of_turned_coordinates():
    volume = in_memory_volume(np.zeros((5, 7, 3)), spacing=10.0)
    turned = np.deg2rad(30)
    x = volume.x * np.cos(turned) - volume.y * np.sin(turned) + 1000
    y = volume.x * np.sin(turned) + volume.y * np.cos(turned)
    x[2, 3] = np.nan
    object.__setattr__(volume, "geometry", type(volume.geometry)(
        volume.inlines, volume.crosslines, volume.missing, x, y, 4.0, 0.0, "ms", False
    ))  # fmt: skip
    assert bin_area(volume) == pytest.approx(100)
    east, north = plane_of(volume)
    assert east[2] == pytest.approx(x[0, 0])
    assert north[1] == pytest.approx(5)


def test_coordinates_on_one_point_are_none():
    volume = in_memory_volume(np.zeros((5, 7, 3)), spacing=0.0)
    assert np.isnan(bin_area(volume))


def test_salt_has_a_volume():
    volume = in_memory_volume(np.zeros((4, 5, 6)), sample_interval=10.0, unit="m", spacing=20.0)
    thickness = np.zeros((4, 5), np.int64)
    thickness[1, 1:3] = 3
    record = salt_record(volume, Salt(thickness, np.where(thickness, 2, -1)))
    assert record["m3"] == pytest.approx(2 * 3 * 400 * 10)
    assert record["area_m2"] == pytest.approx(800)
    assert record["share"] == pytest.approx(6 / 120)


def test_confidence_is_the_logistic_of_the_mean_probability():
    likely = np.array([0.2, 0.4], np.float32)
    logit = np.log(0.3 / 0.7)
    found = confidence_of(likely, Candidates(0.1, 1, 2.0, 0.5))
    assert found == pytest.approx(1 / (1 + np.exp(-(2 * logit + 0.5))), rel=1e-5)
