"""Change between epochs: volumes and their intervals, budgets, landslides, regimes."""

import geopandas as gpd
import numpy as np
import pytest
from scipy import ndimage

from graben.errors import InputError, RasterError
from graben.landforms import add_landslides, fractal
from graben.landforms.areas import area_cells
from graben.landforms.change import measure_change
from graben.landforms.change_detection import MARGIN, detect, grown, neighbourhood_spread
from graben.landforms.dem import on_map
from graben.landforms.landslides import (
    candidate_landslides,
    landslide_polygons,
    landslide_record,
    write_landslides,
)
from graben.landforms.sediment import budget, whole_budget
from graben.landforms.slope_area import _laws, slope_area_diagram

SHAPE = 160, 170
SEED = 2


def noisy(dem, random, size=0.5):
    """Add errors that neighbours share in part."""
    shared = ndimage.gaussian_filter(random.standard_normal(dem.shape), 3)
    errors = 0.7 * random.standard_normal(dem.shape) + 0.7 * shared / shared.std()
    return dem + (size * errors).astype(np.float32)


def moved(dem, rows, columns, offset):
    """Move terrain by parts of a cell, in the way that the code under test does not."""
    waves = np.fft.fft2(np.pad(dem.to_numpy(), 30, mode="symmetric").astype(float))
    turn = [
        np.fft.fftfreq(count) * by for count, by in zip(waves.shape, (rows, columns), strict=True)
    ]
    back = np.fft.ifft2(waves * np.exp(-2j * np.pi * (turn[0][:, None] + turn[1]))).real
    return dem.copy(data=back[30:-30, 30:-30].astype(np.float32) + np.float32(offset))


def scene(seed, size=0.5):
    """Two epochs with three landslides between them, and the landslides."""
    random = np.random.default_rng(seed)
    before = fractal(*SHAPE, hurst=0.95, relief=700.0, seed=seed)
    made = add_landslides(before, seed=seed, count=3, length=(300.0, 600.0))
    after = moved(made.elevation, *random.uniform(-0.5, 0.5, 2), 2.0)
    return noisy(before, random, size), noisy(after, random, size), made


@pytest.fixture(scope="module")
def found():
    before, after, made = scene(SEED)
    return measure_change(before, after), made


def true_volume(change, made, cells):
    return float((np.asarray(made.elevation, float) - change_free(made))[cells].sum()) * 900


def change_free(made):
    return fractal(*SHAPE, hurst=0.95, relief=700.0, seed=SEED).to_numpy().astype(float)


def test_volumes_of_detected_areas_are_the_true_ones(found):
    change, made = found
    everywhere = np.isfinite(change.difference)
    for volume, sign in (
        (change.lowered(everywhere), -1),
        (change.raised(everywhere), 1),
    ):
        truth = sign * true_volume(change, made, everywhere & (change.found == sign))
        assert volume.low < truth < volume.high
        assert truth > 5 * (volume.high - volume.value)


def test_net_volume_of_a_given_area_holds_the_truth(found):
    change, made = found
    for number in (1, 2, 3):
        cells = grown((made.landslide.to_numpy() == number).astype(np.int8), 3) > 0
        cells &= np.isfinite(change.difference)
        volume = change.volume(cells)
        assert volume.low < true_volume(change, made, cells) < volume.high
        assert volume.area == pytest.approx(900 * cells.sum())


def test_the_displacement_is_removed(found):
    change, _ = found
    raw, clean = change.spreads
    assert clean < raw / 2
    random = np.random.default_rng(SEED)
    rows, columns = random.uniform(-0.5, 0.5, 2)
    east, north = change.shift
    assert east == pytest.approx(columns * 30, abs=4 * change.shift_error[0] + 0.3)
    assert north == pytest.approx(-rows * 30, abs=4 * change.shift_error[1] + 0.3)


def test_intervals_of_areas_without_change_cover():
    """Twenty maps, no change, errors that are not those of the model: 95 % within."""
    inside = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        dem = fractal(96, 96, hurst=0.95, relief=300.0, seed=seed)
        change = measure_change(noisy(dem, random), noisy(moved(dem, 0.2, -0.3, 1), random))
        place = np.zeros(dem.shape, bool)
        row, column = random.integers(5, 60, 2)
        place[row : row + 30, column : column + 20] = True
        volume = change.volume(place)
        inside.append(volume.low < 0 < volume.high)
    assert np.mean(inside) >= 0.85  # 2 in 100 fall below at a true coverage of 95 %


def test_without_change_nothing_is_detected():
    random = np.random.default_rng(8)
    dem = fractal(*SHAPE, hurst=0.95, relief=700.0, seed=8)
    change = measure_change(noisy(dem, random), noisy(dem, random))
    assert not change.core.any()
    lowered = change.lowered(np.ones(SHAPE, bool))
    assert (lowered.value, lowered.low, lowered.high) == (0, 0, 0)


def test_an_offset_of_the_second_epoch_changes_no_volume(found):
    before, after, _ = scene(SEED)
    change, _ = found
    other = measure_change(before, after + 50)
    cells = np.isfinite(change.difference)
    cells[:80] = False
    one, two = change.volume(cells), other.volume(cells)
    assert two.value == pytest.approx(one.value, abs=0.05 * (one.high - one.low))
    assert two.high - two.low == pytest.approx(one.high - one.low, rel=0.05)


def test_stable_ground_may_be_given(found):
    before, after, made = scene(SEED)
    stable = made.landslide.to_numpy() == 0
    stable[:40] = False
    change = measure_change(before, after, stable)
    assert change.stable_was_given
    assert not change.stable[~stable].any()
    assert change.volume(~stable).high > change.volume(~stable).low


def test_degrees_give_the_same_volumes_as_metres(found):
    change, _ = found
    before, after, _ = scene(SEED)
    # 30 m at the equator; metres of a degree differ there by less than a percent
    y, x = (np.arange(count) * 30 / 111_000 for count in SHAPE)
    degrees = [on_map(dem.to_numpy(), 0.02 - y, x, "EPSG:4326") for dem in (before, after)]
    everywhere = np.ones(SHAPE, bool)
    one, two = change.lowered(everywhere), measure_change(*degrees).lowered(everywhere)
    assert two.value == pytest.approx(one.value, rel=0.02)


def test_voids_stay_voids_and_are_left_out():
    before, after, _ = scene(SEED)
    before[40:50, 60:80] = np.nan
    after[100:110, 20:30] = np.nan
    change = measure_change(before, after)
    assert np.isnan(change.difference[40:50, 60:80]).all()
    assert np.isnan(change.difference[100:110, 20:30]).all()
    assert np.isfinite(change.difference).mean() > 0.9
    known = np.isfinite(change.difference)
    assert change.volume(np.ones(SHAPE, bool)) == change.volume(known)
    assert change.volume(~known).area == 0


def test_bad_epochs():
    dem = fractal(60, 60, seed=2)
    with pytest.raises(RasterError, match="second epoch holds nothing but voids"):
        measure_change(dem, dem * np.nan)
    with pytest.raises(RasterError, match="first epoch holds nothing but voids"):
        measure_change(dem * np.nan, dem)
    with pytest.raises(RasterError, match=r"no stable ground"):
        measure_change(dem, dem, np.zeros(dem.shape, bool))


def test_identical_epochs_have_no_error_to_speak_of():
    dem = fractal(60, 60, hurst=0.95, seed=2)
    change = measure_change(dem, dem)
    assert np.nanmax(np.abs(change.difference)) < 0.05
    assert abs(change.volume(np.ones(dem.shape, bool)).value) < 0.01 * 900 * 3600


def test_budget_adds_up(found):
    change, _ = found
    classes = (np.indices(SHAPE).sum(0) // 40 % 3 + 1).astype(np.uint8)
    rows = budget(change, classes, {1: "a", 2: "b", 3: "c", 9: "none"})
    assert [row.name for row in rows] == ["a", "b", "c"]
    whole = whole_budget(change)
    for name in ("net", "lowered", "raised"):
        total = sum(getattr(row, name).value for row in rows)
        assert total == pytest.approx(getattr(whole, name).value, rel=1e-6)
    assert sum(row.net.area for row in rows) == pytest.approx(whole.net.area)


def landslides_of(change):
    forms = np.full(SHAPE, 6, np.uint8)
    return candidate_landslides(change, forms, np.where(change.core < 0, 7, 6).astype(np.uint8))


def test_landslides_are_found_with_their_volumes(found, tmp_path):
    change, made = found
    candidates = landslides_of(change)
    assert len(candidates) >= 2
    for one in candidates:
        cells = np.bincount(made.landslide.to_numpy()[one.cells], minlength=4)
        # neighbours that touch are one candidate
        truth = float(made.volume.to_numpy()[cells[1:] > 20].sum())
        assert one.eroded.low * 0.9 < truth < one.eroded.high * 1.1
        assert one.forms["scar_before"] == "slope"
        assert one.forms["scar_after"] == "hollow"
        assert one.confidence > 0.99
    polygons = landslide_polygons(change, candidates)
    assert np.allclose(polygons.area, polygons["area_m2"])
    write_landslides(tmp_path / "slides.gpkg", polygons)
    read = gpd.read_file(tmp_path / "slides.gpkg")
    assert read["number"].tolist() == [1, *range(2, len(candidates) + 1)]
    assert read.crs == change.before.rio.crs
    assert read["eroded_m3"].is_monotonic_decreasing


def test_mass_that_went_uphill_is_no_landslide(found):
    before, after, _ = scene(SEED)
    assert landslides_of(measure_change(before, after))
    assert not landslides_of(measure_change(after, before))


def test_a_folder_without_landslides_has_an_empty_layer(tmp_path, found):
    polygons = landslide_polygons(found[0], ())
    write_landslides(tmp_path / "none.gpkg", polygons)
    assert len(gpd.read_file(tmp_path / "none.gpkg")) == 0


def test_detection_keeps_its_promise_on_white_noise():
    random = np.random.default_rng(9)
    noise = random.standard_normal((200, 200))
    bump = noise.copy()
    bump[80:100, 90:110] += 2.0
    stable = np.ones(noise.shape, bool)
    scale = neighbourhood_spread(noise, stable)
    assert not detect(noise, scale).any()
    got = detect(bump, scale)
    assert (got[82:98, 92:108] == 1).mean() > 0.95
    assert (got == -1).sum() == 0
    assert not got[: 80 - MARGIN].any()


def test_three_lines_that_meet_are_found():
    area = np.linspace(4, 16, 24)
    truth = 0.2 + 0.3 * area - 0.5 * np.clip(area - area[6], 0, None)
    truth -= 0.3 * np.clip(area - area[15], 0, None)
    laws = _laws(area, truth)
    assert np.allclose([law.concavity for law in laws], [-0.3, 0.2, 0.5])
    assert np.allclose([np.log(law.largest) for law in laws[:2]], [area[6], area[15]])
    for law in laws:
        for end in (law.smallest, law.largest):
            expected = np.interp(np.log(end), area, truth)
            assert np.log(law.steepness * end**-law.concavity) == pytest.approx(expected)


def test_the_slope_area_diagram_sorts_every_cell(found):
    change, _ = found
    diagram = slope_area_diagram(change)
    assert (diagram.cells >= 20).all()
    assert (np.diff(diagram.area) > 0).all()
    counts = np.bincount(diagram.regime.ravel(), minlength=4)
    assert counts[1:].sum() > 0.9 * diagram.regime.size
    assert (counts[1:] > 0).all()


def test_polygons_come_onto_the_cells(tmp_path):
    from shapely.geometry import Point, box

    dem = fractal(40, 50, seed=1)
    west, south, east, north = dem.rio.bounds()
    shapes = [box(west, north - 300, west + 600, north), box(west + 900, south, east, south + 600)]
    path = tmp_path / "areas.gpkg"
    gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=shapes, crs=dem.rio.crs).to_crs(4326).to_file(
        path
    )
    codes, names = area_cells(path, dem)
    assert names == {1: "a", 2: "b"}
    assert (codes == 1).sum() == 10 * 20
    assert (codes[:10, :20] == 1).all()
    assert (codes[-20:, 30:] == 2).all()
    for bad, words in (
        ([Point(west, north)], "holds 0 polygons"),
        ([box(0, 0, 1, 1)], "covers a cell"),
    ):
        gpd.GeoDataFrame(geometry=bad, crs=dem.rio.crs).to_file(path)
        with pytest.raises(InputError, match=words):
            area_cells(path, dem)
    path.write_text("no vectors")
    with pytest.raises(InputError, match="no vector file"):
        area_cells(path, dem)
    with pytest.raises(InputError, match="there is no file"):
        area_cells(tmp_path / "none.gpkg", dem)


def test_a_record_is_plain(found):
    one = landslides_of(found[0])[0]
    record = landslide_record(one)
    assert record["area_m2"] == pytest.approx(900 * one.cells.sum())
    assert record["mean_depth_m"] == pytest.approx(one.eroded.value / one.eroded.area)
