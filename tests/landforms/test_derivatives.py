import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio

from graben.errors import InputError, RasterError
from graben.landforms.dem import cell_size, on_map
from graben.landforms.derivative_table import DERIVATIVES, attributes, results
from graben.landforms.derivatives import DerivativesBlock, derive
from graben.landforms.window_kernels import sums_down
from graben.tiling import plan_tiles

SURFACE = [name for name, one in DERIVATIVES.items() if one.family == "surface"]
HORIZON = [name for name, one in DERIVATIVES.items() if one.family == "horizon"]
WINDOWS = [name for name, one in DERIVATIVES.items() if one.family == "window"]
SHIFTS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]


def model(heights, width=30.0, height=None, crs="EPSG:32636"):
    rows, columns = np.shape(heights)
    y = 4e6 - (height or width) * (np.arange(rows) + 0.5)
    x = 5e5 + width * (np.arange(columns) + 0.5)
    return on_map(np.asarray(heights, np.float32), y, x, crs)


def rough(shape=(40, 50), seed=0, step=0.0):
    """Hills of several sizes around 1,500 m; `step` rounds them as files of integers do."""
    noise = np.random.default_rng(seed).normal(size=shape)
    wave = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    wave[0, 0] = np.inf
    hills = np.fft.irfft2(np.fft.rfft2(noise) * wave**-1.8, shape)
    heights = 1500 + 300 * hills / hills.std()
    return np.round(heights / step) * step if step else heights


def quadratic(dem):
    """Fit p, q, r, s, t by their definitions, in float64."""
    z, size = dem.to_numpy().astype(float), cell_size(dem)
    at = {(i, j): np.roll(z, (-i, -j), (0, 1)) for i, j in SHIFTS}  # row i below, column j east
    dx, dy = size.x[:, None], size.y[:, None]
    weights = {-1: 1, 0: 2, 1: 1}
    p = sum(weights[i] * j * at[i, j] for i, j in SHIFTS) / (8 * dx)
    q = sum(weights[j] * -i * at[i, j] for i, j in SHIFTS) / (8 * dy)
    broad = {-1: 1, 0: 4, 1: 1}
    second = {-1: 1, 0: -2, 1: 1}
    r = sum(broad[i] * second[j] * at[i, j] for i, j in SHIFTS) / (6 * dx**2)
    t = sum(broad[j] * second[i] * at[i, j] for i, j in SHIFTS) / (6 * dy**2)
    s = sum(-i * j * at[i, j] for i, j in SHIFTS) / (4 * dx * dy)
    return p, q, r, s, t


def surface_twin(dem):
    p, q, r, s, t = quadratic(dem)
    z = dem.to_numpy().astype(float)
    around = np.stack([np.roll(z, (-i, -j), (0, 1)) for i, j in SHIFTS])
    others = np.delete(around, 4, axis=0)
    g = p**2 + q**2
    sun = np.array([-1, 1, np.sqrt(2)]) / 2  # east, north, up
    with np.errstate(divide="ignore", invalid="ignore"):
        aspect = np.degrees(np.arctan2(-p, -q)) % 360
        level = g < 1e-6
        twin = {
            "slope": np.degrees(np.arctan(np.sqrt(g))),
            "aspect": np.where(g == 0, np.nan, aspect),
            "hillshade": np.maximum(0, (sun[2] - sun[0] * p - sun[1] * q) / np.sqrt(1 + g)),
            "profile_curvature": np.where(
                level, 0, -(r * p**2 + 2 * s * p * q + t * q**2) / (g * (1 + g) ** 1.5)
            ),
            "tangential_curvature": np.where(
                level, 0, -(r * q**2 - 2 * s * p * q + t * p**2) / (g * (1 + g) ** 0.5)
            ),
            "plan_curvature": np.where(
                level, 0, -(r * q**2 - 2 * s * p * q + t * p**2) / g**1.5
            ),
            "mean_curvature": -((1 + q**2) * r - 2 * p * q * s + (1 + p**2) * t)
            / (2 * (1 + g) ** 1.5),
            "gaussian_curvature": (r * t - s**2) / (1 + g) ** 2,
            "tri": np.sqrt(((others - z) ** 2).sum(0)),
            "tri_wilson": abs(others - z).mean(0),
            "tpi": z - others.mean(0),
            "roughness": around.max(0) - around.min(0),
        }  # fmt: skip
    rim = np.ones(z.shape, bool)
    rim[1:-1, 1:-1] = False
    return {name: np.where(rim | np.isnan(around).any(0), np.nan, v) for name, v in twin.items()}


@pytest.mark.parametrize("height", [30.0, 70.0])
def test_each_derivative_of_the_3x3_cells_is_as_defined(height):
    heights = rough()
    heights[10:16, 20:26] = 1400.0
    heights[30, 40] = np.nan
    dem = model(heights, height=height)
    twin, found = surface_twin(dem), derive(dem, SURFACE)
    assert set(twin) == set(SURFACE)
    for name in SURFACE:
        tolerance = {"deg": 5e-5, "m": 1e-3, "1": 1e-6}.get(
            DERIVATIVES[name].units, 3e-6 * np.nanmax(abs(twin[name]))
        )
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], twin[name], rtol=0, atol=tolerance, err_msg=name)
    assert np.isnan(twin["aspect"][12, 22])
    assert found["profile_curvature"][12, 22] == 0


def test_slopes_of_all_steepnesses_and_ways():
    way, steep = np.meshgrid(
        np.arange(0, 360, 7.5), np.concatenate([10.0 ** np.arange(-4, 4), np.linspace(0.9, 1.1, 8)])
    )
    east, north = (
        np.kron(turn(np.radians(way)) * steep, np.ones((3, 3))) for turn in (np.sin, np.cos)
    )
    row, column = np.indices(east.shape) % 3  # a plane for each 3x3 cells
    found = derive(model(north * row - east * column, 1.0), ["slope", "aspect"])
    slope, aspect = (found[name].to_numpy()[1::3, 1::3] for name in ("slope", "aspect"))
    np.testing.assert_allclose(slope, np.degrees(np.arctan(steep)), rtol=0, atol=2e-5)
    apart = abs(aspect - way)
    assert np.minimum(apart, 360 - apart).max() < 5e-5


def test_a_dome_a_bowl_a_saddle_and_a_cone_bend_as_geometry_says():
    x = np.arange(-60.0, 61)
    square = x**2 + x[:, None] ** 2
    radius = 1000.0
    names = [name for name in SURFACE if name.endswith("curvature")]
    dome = derive(model(np.sqrt(radius**2 - square) - radius, 1.0), names)
    place = {"y": 30, "x": 75}
    for name in names:
        expected = {"gaussian_curvature": 1e-6, "plan_curvature": 1 / np.hypot(15, 30)}
        assert float(dome[name].isel(place)) == pytest.approx(expected.get(name, 1e-3), rel=0.03)
    bowl = derive(model(radius - np.sqrt(radius**2 - square), 1.0), ["mean_curvature"])
    assert float(bowl["mean_curvature"].isel(place)) == pytest.approx(-1e-3, rel=0.03)
    saddle = derive(model(0.001 * (x**2 - x[:, None] ** 2), 1.0), ["gaussian_curvature"])
    assert float(saddle["gaussian_curvature"][60, 60]) == pytest.approx(-4e-6, rel=1e-3)
    cone = derive(model(-0.2 * np.sqrt(square), 1.0), names).isel(place)
    assert float(cone["plan_curvature"]) == pytest.approx(1 / np.hypot(15, 30), rel=0.01)
    assert abs(float(cone["profile_curvature"])) < 1e-5


def test_a_void_spoils_the_nine_cells_around_it_and_the_rim_is_void():
    dem = model(rough())
    dem[20, 30] = np.nan
    expected = np.zeros(dem.shape, bool)
    expected[[0, -1]] = expected[:, [0, -1]] = expected[19:22, 29:32] = True
    for name, found in derive(dem, SURFACE).items():
        np.testing.assert_array_equal(np.isnan(found), expected, err_msg=name)


def test_oblong_degrees_are_measured_in_metres_row_by_row():
    y, x = np.linspace(60.2, 39.8, 52), np.linspace(20, 21, 40)
    dem = on_map(rough((52, 40)).astype(np.float32), y, x, "EPSG:4326")
    found, twin = derive(dem, ["slope", "aspect"]), surface_twin(dem)
    np.testing.assert_allclose(found["slope"], twin["slope"], atol=5e-5)
    np.testing.assert_allclose(found["aspect"], twin["aspect"], atol=5e-5)
    ramp = on_map(np.tile(np.arange(40, dtype=np.float32), (52, 1)), y, x, "EPSG:4326")
    steep = np.tan(np.radians(derive(ramp, ["slope"])["slope"][1:-1, 5]))
    np.testing.assert_allclose(steep * cell_size(ramp).x[1:-1], 1, rtol=1e-5)


def windows_twin(heights, radius):
    relief, deviation = (np.full(heights.shape, np.nan) for _ in range(2))
    for i, j in np.argwhere(~np.isnan(heights)):
        window = heights[
            max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1
        ].astype(float)
        relief[i, j] = np.nanmax(window) - np.nanmin(window)
        spread = np.nanstd(window)
        deviation[i, j] = (heights[i, j] - np.nanmean(window)) / spread if spread else 0
    return relief, deviation


def test_windows_are_as_defined_with_voids_and_edges():
    dem = model(rough((25, 31)))
    dem[3:6, 10:20] = np.nan
    dem[14:, :9] = 500.1
    found = derive(dem, WINDOWS, scales=(1, 4, 40))
    farthest = np.zeros(dem.shape)
    for radius in (1, 4, 40):
        relief, deviation = windows_twin(dem.to_numpy(), radius)
        np.testing.assert_allclose(found[f"relief_{radius}"], relief, atol=2e-4)
        np.testing.assert_allclose(found[f"deviation_{radius}"], deviation, atol=1e-5)
        farthest = np.where(abs(deviation) > abs(farthest), deviation, farthest)
    farthest[np.isnan(dem.to_numpy())] = np.nan
    np.testing.assert_allclose(found["deviation_max"], farthest, atol=1e-5)
    assert (found["deviation_4"][20:, :5] == 0).all()


def test_level_land_and_the_last_digits_of_heights_do_not_deviate():
    heights = np.full((90, 70), 8000, np.float32)
    heights[::7, ::5] = np.nextafter(heights[0, 0], np.float32(np.inf))
    for dem in (model(heights), model(np.full((90, 70), 1234.567))):
        for deviation in derive(dem, ["deviation"], (1, 13, 40)).values():
            assert (deviation == 0).all()


@pytest.mark.parametrize("radius", [1, 3, 8])
def test_sums_of_windows_hold_the_same_bits_in_any_block(radius):
    values = np.random.default_rng(radius).normal(size=(60, 4))
    whole = np.empty_like(values)
    sums_down(values, radius, 0, 0, whole)
    expected = [values[max(i - radius, 0) : i + radius + 1].sum(0) for i in range(60)]
    np.testing.assert_allclose(whole, expected, rtol=0, atol=1e-12)
    for start, stop in ((0, 7), (7, 30), (30, 31), (31, 60)):
        first, core = max(start - radius, 0), np.empty((stop - start, 4))
        sums_down(values[first : stop + radius], radius, first, start - first, core)
        assert core.tobytes() == whole[start:stop].tobytes()


def test_openness_and_sky_view_see_what_is_around():
    x = np.arange(-30.0, 31)
    valley = derive(model(abs(x) * 30 * np.ones((61, 1))), HORIZON, search=20)
    middle = valley.isel(y=30, x=30)
    # six of the eight directions rise, across by 45 degrees, aslant by 45 / sqrt(2) of the run
    aslant = np.degrees(np.arctan(np.sqrt(0.5)))
    expected = (2 * 90 + 2 * 45 + 4 * (90 - aslant)) / 8
    assert float(middle["openness_positive"]) == pytest.approx(expected, abs=1e-4)
    assert float(middle["openness_negative"]) == pytest.approx(180 - expected, abs=1e-4)
    assert 0 < float(middle["sky_view"]) < 0.8
    assert float(valley["sky_view"].isel(y=30, x=0)) != float(middle["sky_view"])
    assert np.isnan(valley["sky_view"][0]).all()


@pytest.mark.parametrize("seed", range(6))
def test_any_cut_into_tiles_gives_the_same_bits(seed):
    rng = np.random.default_rng(seed)
    dem = model(8000 + rough((47, 53), seed) / 10_000)  # sums round, differences tell
    if seed % 2:  # the cells of each row have a width of their own
        y, x = np.linspace(60, 59, 47), np.linspace(20, 22, 53)
        dem = on_map(dem.to_numpy(), y, x, "EPSG:4326")
    dem.values[rng.random(dem.shape) < 0.01] = np.nan
    names, scales, search = (*SURFACE, *WINDOWS, *HORIZON), (2, 21), 5
    whole = derive(dem, names, scales, search)
    block = DerivativesBlock(names, cell_size(dem), scales, search)
    pieces = {name: np.zeros(dem.shape, np.float32) for name in results(names, scales)}
    size = rng.integers(1, 40, 2)
    halo = block.halo + int(rng.integers(0, 3))
    for tile in plan_tiles(dem.shape, size, halo):
        found = block(dem.to_numpy()[tile.padded], tile, dem.shape)
        assert set(found) == set(pieces)
        for name, core in found.items():
            assert core.shape == tile.shape
            pieces[name][tile.core] = core
    for name, piece in pieces.items():
        assert piece.tobytes() == whole[name].to_numpy().tobytes(), name


def test_the_halo_is_as_wide_as_the_widest_window_and_no_wider():
    size = cell_size(model(rough()))
    assert DerivativesBlock(("slope", "tpi"), size, (50,)).halo == 1
    assert DerivativesBlock(("slope", "relief"), size, (3, 50)).halo == 50
    assert DerivativesBlock(("slope", "sky_view"), size, (3, 50), 20).halo == 19


def test_threads_do_not_change_a_bit(monkeypatch):
    dem = model(rough((900, 300)))
    counts = []

    def pool(count):
        counts.append(count)
        return ThreadPoolExecutor(count)

    monkeypatch.setattr("graben.landforms.derivatives.ThreadPoolExecutor", pool)
    found = []
    for count in (1, 4):
        monkeypatch.setattr("graben.landforms.derivatives.cores", lambda count=count: count)
        found.append(derive(dem, ["slope", "deviation"], (5,)))
    assert counts == [1, 4]
    assert found[0].identical(found[1])


def test_results_carry_their_place_units_and_source():
    dem = model(rough())
    found = derive(dem, ["relief", "slope", "slope"], (2,))
    assert list(found) == ["relief_2", "slope"]
    assert found["relief_2"].attrs == attributes("relief_2")
    assert found["relief_2"].attrs["long_name"] == "relief, window of 5 cells"
    assert found["slope"].rio.crs == dem.rio.crs
    assert found["slope"].rio.transform() == dem.rio.transform()
    assert found["slope"].attrs["units"] == "deg"


def test_each_has_a_source_with_a_doi_or_says_that_there_is_none():
    for name, one in DERIVATIVES.items():
        assert "doi:10." in one.source or "no " in one.source, name
        assert one.units
        assert one.voids.startswith("NaN")


@pytest.mark.parametrize(
    ("what", "scales", "message"),
    [
        (["slope", "slop"], (3,), "slop. Choose from slope, aspect"),
        ([], (3,), "got none"),
        (["relief"], (0,), "radii"),
        (["relief"], (), "radii"),
        (["relief"], (2.5,), "radii"),
    ],
)
def test_what_cannot_be_derived_is_refused(what, scales, message):
    with pytest.raises(InputError, match=message):
        derive(model(rough()), what, scales)


@pytest.mark.parametrize("shape", [(1, 50), (50, 2)])
def test_a_model_without_neighbours_is_refused(shape):
    with pytest.raises(RasterError, match="three rows and columns"):
        derive(model(np.zeros(shape)), ["slope"])


@pytest.fixture
def program(missing_evidence):
    def find(name):
        if shutil.which(name) is None:
            missing_evidence(f"no {name} in the path")
        return name

    return find


def written(heights, path):
    dem = model(heights)
    dem.rio.write_nodata(np.nan).rio.to_raster(path)
    return dem


def read(path):
    with rasterio.open(path) as file:
        return file.read(1, masked=True).astype(float).filled(np.nan)


GDALDEM = {
    "slope": ["slope"],
    "aspect": ["aspect"],
    "hillshade": ["hillshade"],
    "tri": ["TRI", "-alg", "Riley"],
    "tri_wilson": ["TRI", "-alg", "Wilson"],
    "tpi": ["TPI"],
    "roughness": ["roughness"],
}


def test_gdaldem_gives_the_same(program, tmp_path):
    gdaldem = program("gdaldem")
    heights = rough((150, 170), step=1.0)
    heights[40:43, 100:105] = np.nan
    heights[90:100, 20:30] = 1400
    found = derive(written(heights, tmp_path / "dem.tif"), list(GDALDEM))
    for name, (mode, *options) in GDALDEM.items():
        command = [gdaldem, mode, "dem.tif", f"{name}.tif", "-q", *options]
        subprocess.run(command, cwd=tmp_path, check=True)
        theirs, ours = read(tmp_path / f"{name}.tif"), found[name].to_numpy().astype(float)
        if name == "hillshade":  # 1 to 255 in whole numbers
            np.testing.assert_allclose(theirs, 1 + 254 * ours, rtol=0, atol=0.501)
        else:
            np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-4, err_msg=name)


def test_grass_gives_the_same(program, tmp_path):
    grass = program("grass")
    heights = rough((150, 170))
    heights[40:43, 100:105] = np.nan
    heights[90:100, 20:30] = 1400
    heights[110:140, 100:160] = 1400 + (heights[110:140, 100:160] - 1500) / 5000
    names = ["slope", "aspect", "profile_curvature", "tangential_curvature"]
    found = derive(written(heights, tmp_path / "dem.tif"), names)
    script = (
        "r.in.gdal input=dem.tif output=dem --q && g.region raster=dem && "
        "r.slope.aspect -n elevation=dem slope=slope aspect=aspect pcurvature=profile_curvature "
        "tcurvature=tangential_curvature precision=DCELL --q && "
        f"for map in {' '.join(names)}; do r.out.gdal -c -f input=$map output=$map.tif "
        "type=Float64 nodata=-99999 --q; done"
    )
    subprocess.run(
        [grass, "-c", "dem.tif", "location", "--exec", "bash", "-c", script],
        cwd=tmp_path, env=os.environ | {"GRASS_COMPRESSOR": "ZLIB"}, check=True,
        capture_output=True,
    )  # fmt: skip
    for name in names:
        theirs, ours = read(tmp_path / f"{name}.tif"), found[name].to_numpy()
        if name == "aspect":
            theirs[theirs == -9999] = np.nan
        scale = 1.0 if DERIVATIVES[name].units == "deg" else np.nanmax(abs(theirs))
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-4 * scale, err_msg=name)
