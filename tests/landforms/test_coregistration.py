"""The second epoch on the first one's grid, and the displacement found on stable ground."""

import numpy as np
import pytest

from graben.errors import RasterError
from graben.landforms import cone, fractal, second_epoch
from graben.landforms.coregistration import coregister, nmad
from graben.landforms.dem import on_map
from graben.landforms.second_epoch import SecondEpoch

SHAPE = 96, 110


def smooth(rows, columns):
    """Hills whose height is known anywhere, m; slopes up to some 30 degrees."""
    waves = np.sin(rows / 9) * np.cos(columns / 11) + 0.5 * np.sin((rows + 2 * columns) / 13)
    return 60 * waves + 0.8 * columns


def placed(values, cell=30.0, crs="EPSG:32636", west=500_000.0, north=4_300_000.0):
    y = north - cell * (np.arange(values.shape[0]) + 0.5)
    x = west + cell * (np.arange(values.shape[1]) + 0.5)
    return on_map(values.astype(np.float32), y, x, crs)


def epochs(rows=0.0, columns=0.0, offset=0.0, noise=0.0, seed=0):
    """Two epochs of which the second lies so many rows down and columns to the right."""
    at = np.indices(SHAPE).astype(float)
    random = np.random.default_rng(seed)
    before, after = smooth(*at), smooth(at[0] - rows, at[1] - columns) + offset
    return [placed(one + noise * random.standard_normal(SHAPE)) for one in (before, after)]


def found(before, after, **options):
    heights = before.to_numpy().astype(float)
    stable = options.pop("stable", np.ones(before.shape, bool))
    return coregister(heights, SecondEpoch.of(after, before), stable, **options)


@pytest.mark.parametrize(
    ("rows", "columns"), [(0.0, 0.0), (0.37, -0.61), (-0.5, 0.5), (4.3, -6.2), (0.02, 0.01)]
)
def test_a_displacement_is_found_to_a_twentieth_of_a_cell(rows, columns):
    result = found(*epochs(rows, columns, offset=3.0, noise=1.0))
    assert abs(result.rows - rows) < 0.05
    assert abs(result.columns - columns) < 0.05
    assert abs(result.offset - 3.0) < 0.1


def test_without_noise_the_displacement_is_exact():
    result = found(*epochs(0.3, -0.4, offset=1.0))
    assert result.rows == pytest.approx(0.3, abs=2e-3)
    assert result.columns == pytest.approx(-0.4, abs=2e-3)
    # the spline is a mirror at the edge, the hills are not
    inside = (result.after - smooth(*np.indices(SHAPE)))[8:-8, 8:-8]
    assert np.abs(inside).max() < 0.05


def test_a_tilt_is_removed_when_it_is_asked_for():
    before, after = epochs(0.2, 0.3, noise=0.5)
    plane = np.linspace(-2, 2, SHAPE[0])[:, None] + np.linspace(3, -3, SHAPE[1])
    result = found(before, after + plane.astype(np.float32), tilt=True)
    assert np.allclose(result.tilt, (4, -6), atol=0.2)
    difference = result.after - before.to_numpy()
    assert nmad(difference[3:-3, 3:-3]) == pytest.approx(0.5 * 2**0.5, rel=0.1)
    assert found(before, after).tilt == (0.0, 0.0)


def test_blunders_do_not_matter():
    before, after = epochs(0.3, -0.4, offset=1.0, noise=0.5)
    blunders = np.random.default_rng(3).random(SHAPE) < 0.05
    result = found(before, after + 40 * blunders.astype(np.float32))
    assert abs(result.rows - 0.3) < 0.05
    assert abs(result.offset - 1) < 0.5  # the spline spreads each over some 10 cells


def test_weights_of_the_spread_are_those_of_least_squares():
    before, after = epochs(0.3, -0.4, offset=1.0, noise=0.5)
    sigma = np.full(SHAPE, 0.7)
    result = found(before, after, sigma=sigma, start=(0.3, -0.4))
    use = result.weight > 0
    assert set(np.unique(result.weight)) <= {0.0, 0.7**-2}
    difference = (result.after - before.to_numpy())[use]
    normal = (result.design[:, use] * result.weight[use]) @ difference
    scale = (np.abs(result.design[:, use]) * result.weight[use]).sum(1)
    assert np.abs(normal / scale).max() < 0.01


def test_flat_ground_cannot_tell_a_displacement():
    flat = placed(np.zeros(SHAPE))
    with pytest.raises(RasterError, match="too flat"):
        found(flat, flat + 1)


def test_without_stable_ground_there_is_no_answer():
    before, after = epochs()
    with pytest.raises(RasterError, match=r"no stable ground: 0 cells.*--stable"):
        found(before, after, stable=np.zeros(SHAPE, bool))


def test_the_same_grid_gives_the_same_heights():
    dem = fractal(50, 60, seed=4)
    dem[20:23, 30:32] = np.nan
    got = SecondEpoch.of(dem, dem).at(0, 0)
    near = np.zeros(dem.shape, bool)
    near[19:24, 29:33] = True
    assert np.isnan(got[near]).all()
    assert np.allclose(got[~near], dem.to_numpy()[~near], atol=0.01)


def test_whole_cells_are_a_shift_of_the_array():
    dem = fractal(50, 60, seed=4)
    got = SecondEpoch.of(dem, dem).at(2, -3)
    assert np.allclose(got[:-2, 3:], dem.to_numpy()[2:, :-3], atol=0.01)
    assert np.isnan(got[-2:]).all()
    assert np.isnan(got[:, :3]).all()


def test_another_projection_is_looked_up_where_the_cells_are():
    from pyproj import Transformer

    before = placed(np.zeros((40, 40)))
    y, x = np.meshgrid(
        np.linspace(38.86, 38.82, 200), np.linspace(32.99, 33.03, 200), indexing="ij"
    )
    to_metres = Transformer.from_crs("EPSG:4326", "EPSG:32636", always_xy=True)
    east, north = to_metres.transform(x, y)
    hills = 50 * np.sin((east - 5e5) / 300) + 0.1 * (north - 4.3e6)
    got = SecondEpoch.of(on_map(hills.astype("f4"), y[:, 0], x[0], "EPSG:4326"), before).at(0, 0)
    at_x, at_y = np.meshgrid(before.x, before.y)
    expected = 50 * np.sin((at_x - 5e5) / 300) + 0.1 * (at_y - 4.3e6)
    known = np.isfinite(got)
    assert known.mean() > 0.9
    assert np.abs(got - expected)[known].max() < 0.2


def test_finer_cells_are_averaged_first():
    fine = np.indices((80, 90)).sum(0) + 5.0 * (np.indices((80, 90)).sum(0) % 2)
    got = SecondEpoch.of(placed(fine, 10.0), placed(np.zeros((40, 45)), 20.0)).at(0, 0)
    expected = 2.0 * np.indices((40, 45)).sum(0) + 1.0 + 2.5
    assert np.allclose(got, expected, atol=0.01)


def test_epochs_apart_do_not_overlap():
    before = placed(np.zeros((20, 20)))
    with pytest.raises(RasterError, match="do not overlap"):
        SecondEpoch.of(placed(np.zeros((20, 20)), west=900_000.0), before)


def test_sizes_that_cannot_be_compared(monkeypatch):
    dem = cone(20, 20, 100, 200)
    with pytest.raises(RasterError, match="too small"):
        SecondEpoch.of(dem, dem[:3])
    monkeypatch.setattr(second_epoch, "LARGEST", 300)
    with pytest.raises(RasterError, match="Crop both epochs"):
        SecondEpoch.of(dem, dem)
