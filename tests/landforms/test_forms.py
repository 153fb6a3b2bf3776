"""Geomorphons against GRASS, against a slow twin, and against terrain whose forms are known."""

import math

import numpy as np
import pytest

from graben.errors import InputError, RasterError
from graben.landforms import cone, fractal, geomorphons, ridge
from graben.landforms.dem import CellSize, on_map
from graben.landforms.form_measures import MEASURES
from graben.landforms.forms import CROSSOVER, SKY, GeomorphonTile, Sighting
from graben.tiling import plan_tiles

SEARCHES = (3, 10, 30, 50)
COMPARISONS = ("anglev1", "anglev2", "anglev2_distance")
CASES = [
    {"search": search, "comparison": comparison}
    for search in SEARCHES
    for comparison in COMPARISONS
] + [
    {"search": 12, "skip": 2, "flat": 2, "dist": 5},
    {"search": 12, "dist": 4, "comparison": "anglev2"},
    {"search": 9, "skip": 1, "flat": 0.5},
]
DEMS = ("jacksboro", "plain", "boulder", "rough fractal", "smooth fractal")
GRASS_OUTPUTS = MEASURES[:12]
CODES = GRASS_OUTPUTS[:4]
# NE, N, NW, W, SW, S, SE, E
DOWN = (-1, -1, -1, 0, 1, 1, 1, 0)
RIGHT = (1, 0, -1, -1, -1, 0, 1, 1)

# row: lines that look down; column: lines that look up
FORMS = """
FL FL FL FS FS VL VL VL PT
FL FL FS FS FS VL VL VL
FL SH SL SL HL HL VL
SH SH SL SL SL HL
SH SH SP SL SL
RI RI SP SP
RI RI RI
RI RI
PK
""".strip().splitlines()
CODE = dict(
    zip(["FL", "PK", "RI", "SH", "SP", "SL", "HL", "FS", "VL", "PT"], range(1, 11), strict=True)
)


def form_of(up, down):
    return CODE[FORMS[down].split()[up]]


def model(heights, width=30.0, height=30.0):
    """Put heights on a UTM map; -32768 is void."""
    heights = np.where(heights == -32768, np.nan, heights).astype(np.float32)
    rows, columns = heights.shape
    y = 4e6 - height * (np.arange(rows) + 0.5)
    x = 5e5 + width * (np.arange(columns) + 0.5)
    return on_map(heights, y, x, "EPSG:32633")


def by_hulls(dem, sighting, monkeypatch):
    monkeypatch.setattr("graben.landforms.forms.CROSSOVER", 0)
    return geomorphons(dem, sighting)["forms"].to_numpy()


def twin(dem, sighting, width=30.0, height=30.0):
    """Walk every line of every cell and take the angles one by one, as the definition says."""
    z = dem.to_numpy().astype(float)
    z[-1] = np.nan
    rows, columns = z.shape
    flat, border = math.radians(sighting.flat), sighting.skip + 1
    counts = np.zeros((2, rows, columns), int)
    for i in range(border, rows - border):
        for j in range(border, columns - border):
            for down, right in zip(DOWN, RIGHT, strict=True):
                if np.isnan(z[i + down, j + right]):
                    continue
                zenith, nadir, step = -math.pi / 2, math.pi / 2, border
                while True:
                    a, b = i + step * down, j + step * right
                    metres = math.hypot(step * height * down, step * width * right)
                    if not (
                        0 <= a < rows and 0 <= b < columns and metres < sighting.search * height
                    ):
                        break
                    if not np.isnan(z[a, b]):
                        angle = math.atan2(z[a, b] - z[i, j], metres)
                        zenith, nadir = max(zenith, angle), min(nadir, angle)
                    step += 1
                if max(abs(zenith), abs(nadir)) > flat and abs(zenith) != abs(nadir):
                    counts[int(abs(nadir) > abs(zenith)), i, j] += 1
    return counts


@pytest.mark.parametrize("name", DEMS)
def test_forms_are_those_of_grass(name, oracle_dems, grass_geomorphons, monkeypatch):
    heights = oracle_dems[name]
    dem = model(heights)
    for case, theirs in zip(CASES, grass_geomorphons(heights, CASES), strict=True):
        expected = np.nan_to_num(theirs["forms"])
        ours = geomorphons(dem, Sighting(**case))["forms"].to_numpy()
        assert np.count_nonzero(ours != expected) == 0, case
        if case.get("dist", 0) == 0 == case.get("skip", 0):
            assert np.array_equal(by_hulls(dem, Sighting(**case), monkeypatch), expected), case
            monkeypatch.undo()


@pytest.mark.parametrize("name", DEMS)
def test_all_twelve_outputs_are_those_of_grass(name, oracle_dems, grass_geomorphons):
    heights = oracle_dems[name]
    cases = [{"search": 10}, {"search": 12, "skip": 2, "flat": 2, "dist": 5}]
    for case, theirs in zip(cases, grass_geomorphons(heights, cases, GRASS_OUTPUTS), strict=True):
        ours = geomorphons(model(heights), Sighting(**case), GRASS_OUTPUTS)
        for output in GRASS_OUTPUTS:
            values = ours[output].to_numpy()
            if output in CODES:
                assert np.array_equal(values, np.nan_to_num(theirs[output])), (case, output)
            else:
                infinite = np.isinf(theirs[output])
                assert np.array_equal(np.isinf(values), infinite), (case, output)
                np.testing.assert_allclose(
                    values[~infinite], theirs[output][~infinite], rtol=1e-6, atol=1e-6
                )


def test_the_paths_agree_with_a_walk_of_every_line(monkeypatch):
    heights = np.round(fractal(40, 50, hurst=0.6, relief=60, seed=3).to_numpy())
    heights[10:13, 20:24] = -32768
    dem = model(heights)
    for search in (3, 8, 25):
        sighting = Sighting(search)
        up, down = twin(dem, sighting)
        pattern = geomorphons(dem, sighting, ("forms", "positive"))["forms"].to_numpy()
        swept = geomorphons(dem, sighting)["forms"].to_numpy()
        for i, j in np.argwhere(swept > 0):
            assert swept[i, j] == form_of(up[i, j], down[i, j])
        assert np.array_equal(swept, pattern)
        assert np.array_equal(swept, by_hulls(dem, sighting, monkeypatch))
        monkeypatch.undo()


def test_cells_that_are_not_square_and_rows_of_different_size():
    dem = model(fractal(30, 40, seed=8).to_numpy(), width=20.0)
    up, down = twin(dem, Sighting(6), width=20.0)
    narrow = geomorphons(dem, Sighting(6))["forms"].to_numpy()
    for i, j in np.argwhere(narrow > 0):
        assert narrow[i, j] == form_of(up[i, j], down[i, j])
    rows = 60 - np.arange(30) / 1200
    degrees = on_map(fractal(30, 40, seed=8).to_numpy(), rows, np.arange(40) / 1200, "EPSG:4326")
    forms = geomorphons(degrees, Sighting(6))["forms"].to_numpy()
    measured = geomorphons(degrees, Sighting(6), ("forms", "width"))["forms"].to_numpy()
    assert np.array_equal(forms, measured)
    assert len(np.unique(forms)) > 3


def test_known_terrain():
    top = geomorphons(cone(41, 41, height=300, radius=200))["forms"]
    assert int(top[20, 20]) == 2
    crest = geomorphons(ridge(41, 41, height=200, width=400))["forms"].to_numpy()
    assert np.count_nonzero(crest == 3) > 20


def test_a_plane_sees_the_whole_sky_and_a_pit_less():
    level = model(np.zeros((25, 25)))
    measures = geomorphons(
        level, Sighting(5), ("sky_view", "openness_positive", "openness_negative")
    )
    inner = {name: float(values[12, 12]) for name, values in measures.items()}
    assert inner == {"sky_view": 1.0, "openness_positive": 90.0, "openness_negative": 90.0}
    pit = np.zeros((25, 25))
    pit[12, 12] = -30 * math.sqrt(2)
    seen = geomorphons(model(pit), Sighting(5), ("sky_view", "openness_positive"))
    straight, diagonal = math.atan(math.sqrt(2)), math.pi / 4
    sky = 1 - (math.sin(straight) + math.sin(diagonal)) / 2
    assert float(seen["sky_view"][12, 12]) == pytest.approx(sky, abs=1e-6)
    openness = 90 - math.degrees(straight + diagonal) / 2
    assert float(seen["openness_positive"][12, 12]) == pytest.approx(openness, abs=1e-4)


def test_the_sweep_sees_the_sky_as_double_precision_does():
    heights = np.round(fractal(60, 70, hurst=0.6, relief=90, seed=9).to_numpy())
    heights[20:24, 30:37] = -32768
    for sighting in (Sighting(9), Sighting(8, skip=1)):
        swept = geomorphons(model(heights), sighting, ("ternary", *SKY))
        exact = geomorphons(model(heights), sighting, ("ternary", *SKY, "width"))
        assert np.array_equal(swept["ternary"], exact["ternary"])
        for name in SKY:
            np.testing.assert_allclose(swept[name], exact[name], rtol=0, atol=2e-5)


def test_any_tiles_and_any_path_give_the_same_bits(monkeypatch):
    dem = fractal(90, 110, seed=6)
    heights = dem.to_numpy()
    cells = CellSize(np.full(90, 30.0), np.full(90, 30.0))
    outputs = ("forms", "intensity", "width")
    for crossover, names in ((CROSSOVER, ("forms",)), (CROSSOVER, outputs), (0, ("forms",))):
        monkeypatch.setattr("graben.landforms.forms.CROSSOVER", crossover)
        compute = GeomorphonTile(Sighting(13), cells, names)
        whole = plan_tiles(heights.shape, heights.shape, 0)[0]
        expected = compute(heights, whole, heights.shape)
        pieces = {name: np.empty_like(values) for name, values in expected.items()}
        for tile in plan_tiles(heights.shape, (23, 31), compute.halo):
            for name, values in compute(heights[tile.padded], tile, heights.shape).items():
                pieces[name][tile.core] = values
        for name in names:
            assert np.array_equal(pieces[name], expected[name], equal_nan=True), name


def test_threads_do_not_matter():
    dem = fractal(200, 90, seed=2)
    one, four = (geomorphons(dem, Sighting(7), threads=count)["forms"] for count in (1, 4))
    assert one.equals(four)


def test_a_search_beyond_the_raster_ends_at_its_edges():
    dem = fractal(20, 24, seed=1)
    far = geomorphons(dem, Sighting(30))["forms"]
    assert far.equals(geomorphons(dem, Sighting(5000))["forms"])
    assert np.count_nonzero(far) == 18 * 22


def test_what_cannot_be_is_refused():
    for wrong in ({"search": 1}, {"search": 4, "skip": 3}, {"skip": -1}, {"flat": 0}, {"dist": -1}):
        with pytest.raises(InputError, match="got"):
            Sighting(**wrong)
    with pytest.raises(InputError, match="anglev1, anglev2"):
        Sighting(comparison="anglev3")
    with pytest.raises(InputError, match="forms, ternary"):
        geomorphons(fractal(9, 9), outputs=("landforms",))
    with pytest.raises(RasterError, match="at least 3 rows"):
        geomorphons(model(np.zeros((1, 50))))


def test_a_model_of_voids_has_no_forms():
    forms = geomorphons(model(np.full((12, 12), -32768)), Sighting(4))["forms"]
    assert int(forms.sum()) == 0
