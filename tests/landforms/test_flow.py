import os
import shutil
import subprocess

import numpy as np
import pytest
import rasterio

from graben.errors import RasterError
from graben.landforms.dem import cell_size, on_map
from graben.landforms.derivatives import derive
from graben.landforms.flow import EXPONENTS, flow_derivatives
from graben.landforms.flow_kernels import NOWHERE, flood

NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def model(heights, width=30.0, height=None):
    rows, columns = np.shape(heights)
    y = 4e6 - (height or width) * (np.arange(rows) + 0.5)
    x = 5e5 + width * (np.arange(columns) + 0.5)
    return on_map(np.asarray(heights, np.float32), y, x, "EPSG:32636")


def hilly(seed, shape=(30, 35), voids=True):
    """Ridges, hollows, plains of one height, and voids."""
    rng = np.random.default_rng(seed)
    heights = np.cumsum(np.cumsum(rng.normal(size=shape), 0), 1)
    heights = np.round(heights / heights.std() * 20).astype(np.float32)
    heights[5:12, 8:20] = np.minimum(heights[5:12, 8:20], 3)
    if voids:
        heights[15:18, 20:24] = np.nan
    return heights


def flooded(heights):
    filled, way = np.empty_like(heights), np.empty(heights.shape, np.uint8)
    order = np.empty(heights.size, np.int32)
    return filled, way, order[: flood(heights, filled, way, order)]


def around(padded, shift):
    i, j = shift
    rows, columns = padded.shape
    return padded[1 + i : rows - 1 + i, 1 + j : columns - 1 + j]


def fill_twin(heights):
    """Lower a flood until each cell stands at its own height or at its lowest neighbour's."""
    outside = np.pad(heights, 1, constant_values=np.nan)
    outlet = np.any([np.isnan(around(outside, shift)) for shift in NEIGHBOURS], axis=0)
    level = np.where(outlet, heights, np.inf)
    while True:
        padded = np.pad(np.where(np.isnan(level), np.inf, level), 1, constant_values=np.inf)
        lowest = np.min([around(padded, shift) for shift in NEIGHBOURS], axis=0)
        lower = np.where(outlet, heights, np.maximum(heights, lowest))
        if np.array_equal(lower, level, equal_nan=True):
            return level
        level = lower


@pytest.mark.parametrize("seed", range(4))
def test_hollows_are_filled_to_their_brims_and_no_higher(seed):
    heights = hilly(seed)
    filled, _, order = flooded(heights)
    np.testing.assert_array_equal(filled, fill_twin(heights))
    assert (filled > heights).any()
    assert sorted(order) == np.flatnonzero(~np.isnan(heights)).tolist()


def test_every_cell_is_reached_after_the_lower_one_it_drains_to():
    heights = hilly(5)
    filled, way, order = flooded(heights)
    assert (np.diff(filled.ravel()[order]) >= 0).all()
    place = np.full(heights.size, -1)
    place[order] = np.arange(order.size)
    place = place.reshape(heights.shape)
    for i, j in np.argwhere(~np.isnan(heights)):
        if way[i, j] != NOWHERE:
            down, right = NEIGHBOURS[way[i, j]]
            assert place[i + down, j + right] < place[i, j]
            assert filled[i + down, j + right] <= filled[i, j]


def shares_twin(heights, dem, exponent):
    """Give the matrix of the shares that cells hand on, and the area of each."""
    filled, way, _ = flooded(heights)
    size = cell_size(dem)
    count = heights.size
    shares = np.zeros((count, count))
    for i, j in np.argwhere(~np.isnan(heights)):
        cell, slopes = i * heights.shape[1] + j, {}
        for down, right in NEIGHBOURS:
            a, b = i + down, j + right
            if 0 <= a < heights.shape[0] and 0 <= b < heights.shape[1]:
                far = np.hypot(down * size.y[i], right * size.x[i])
                if filled[a, b] < filled[i, j]:
                    slopes[a * heights.shape[1] + b] = (filled[i, j] - filled[a, b]) / far
        if not slopes:
            if way[i, j] != NOWHERE:
                down, right = NEIGHBOURS[way[i, j]]
                shares[cell, (i + down) * heights.shape[1] + j + right] = 1
            continue
        if exponent == 0:
            slopes = {max(slopes, key=slopes.get): 1.0}
        weights = {other: slope**exponent for other, slope in slopes.items()}
        for other, weight in weights.items():
            shares[cell, other] = weight / sum(weights.values())
    return shares, np.broadcast_to((size.x * size.y)[:, None], heights.shape).ravel()


@pytest.mark.parametrize("name", list(EXPONENTS))
@pytest.mark.parametrize("height", [30.0, 50.0])
def test_areas_solve_the_equation_of_shares(name, height):
    heights = hilly(7, (16, 26))
    dem = model(heights, height=height)
    shares, own = shares_twin(heights, dem, EXPONENTS[name])
    expected = np.linalg.solve(np.eye(heights.size) - shares.T, own).reshape(heights.shape)
    expected[np.isnan(heights)] = np.nan
    found = flow_derivatives(dem, [name])[name]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    leaves = (shares.sum(1) == 0) & ~np.isnan(heights).ravel()
    known = np.count_nonzero(~np.isnan(heights))
    assert found.ravel()[leaves].sum() == pytest.approx(own[0] * known, rel=1e-5)


def test_the_wetness_of_a_plane_grows_with_the_logarithm_of_the_distance_to_its_top():
    tan = 0.05
    dem = model(np.tile(1000 - 30 * tan * np.arange(40.0), (9, 1)))
    dem = dem.copy(data=dem.to_numpy().round(2))
    found = flow_derivatives(dem, ["contributing_area_d8", "wetness"])
    distance = 30 * np.arange(1, 41)
    np.testing.assert_allclose(found["contributing_area_d8"][4], 30 * distance)
    middle = flow_derivatives(model(np.tile(dem.to_numpy()[4], (201, 1))), ["wetness"])["wetness"]
    np.testing.assert_allclose(middle[100, 1:20], np.log(distance[1:20] / tan), atol=2e-3)
    assert np.isnan(middle[0]).all()
    assert np.isnan(middle[:, -1]).all()


def test_level_land_is_not_infinitely_wet():
    wet = flow_derivatives(model(np.full((5, 5), 7.0)), ["wetness"])["wetness"]
    assert np.isfinite(wet[1:-1, 1:-1]).all()
    assert wet[2, 2] >= np.log(30 / 0.001) - 1e-5


def test_water_gathers_in_a_valley():
    x = abs(np.arange(-20.0, 21))
    area = derive(model(3 * x + np.arange(60.0, 0, -1)[:, None]), ["contributing_area"])
    area = area["contributing_area"].to_numpy()
    assert int(area[50].argmax()) == 20
    assert float(area[59, 20]) > 0.8 * 41 * 60 * 900


def test_what_does_not_fit_into_memory_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PHYS_PAGES": 10}.get(name, 4096))
    with pytest.raises(RasterError, match=r"at most 853 cells.*got 1,050.*1\.1 times as wide"):
        derive(model(hilly(0)), ["wetness"])


def test_grass_fills_the_same(missing_evidence, tmp_path):
    grass = shutil.which("grass")
    if grass is None:
        missing_evidence("no grass in the path")
    heights = hilly(3, (80, 90), voids=False) + 200  # r.terraflow takes what is outside for 0 m
    model(heights).rio.write_nodata(np.nan).rio.to_raster(tmp_path / "dem.tif")
    script = (
        "r.in.gdal input=dem.tif output=dem --q && g.region raster=dem && r.terraflow "
        "elevation=dem filled=filled direction=d swatershed=w accumulation=a tci=t memory=300 --q "
        "&& r.out.gdal -c input=filled output=filled.tif type=Float64 nodata=-99999 --q"
    )
    subprocess.run(
        [grass, "-c", "dem.tif", "location", "--exec", "bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"GRASS_COMPRESSOR": "ZLIB"},
        check=True,
        capture_output=True,
    )
    with rasterio.open(tmp_path / "filled.tif") as file:
        np.testing.assert_array_equal(file.read(1), flooded(heights)[0])
