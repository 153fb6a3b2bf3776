import numpy as np
import pytest

from graben.quakes.grid import Grid
from graben.quakes.places import disc_matrix, struck

GRID = Grid(west=25, south=35, columns=40, rows=32, step=0.25)


def great_circle_km(lon, lat, other_lon, other_lat):
    lon, lat, other_lon, other_lat = map(np.radians, (lon, lat, other_lon, other_lat))
    half = np.sin((other_lat - lat) / 2) ** 2
    half = half + np.cos(lat) * np.cos(other_lat) * np.sin((other_lon - lon) / 2) ** 2
    return 2 * 6371 * np.arcsin(np.sqrt(half))


def sampled_shares(grid, lon, lat, radius_km, per_side=40):
    """The share of sub-points of each cell within the radius, by great-circle distance."""
    inner = (np.arange(per_side) + 0.5) / per_side * grid.step
    y = (grid.south + grid.step * np.arange(grid.rows)[:, None] + inner).ravel()
    x = (grid.west + grid.step * np.arange(grid.columns)[:, None] + inner).ravel()
    near = great_circle_km(lon, lat, x[None, :], y[:, None]) <= radius_km
    return near.reshape(grid.rows, per_side, grid.columns, per_side).mean(axis=(1, 3))


@pytest.mark.parametrize("radius_km", [50.0, 100.0])
@pytest.mark.parametrize(("lon", "lat"), [(30.0, 39.0), (30.11, 38.93), (25.0, 35.0), (34.9, 42.9)])
def test_shares_are_those_of_brute_force_sub_sampling(lon, lat, radius_km):
    found = disc_matrix(GRID, np.array([lon]), np.array([lat]), radius_km).toarray()
    exact = sampled_shares(GRID, lon, lat, radius_km)
    share = found.reshape(GRID.shape)
    assert np.abs(share - exact).max() < 0.08  # four rows a cell
    area = (share * GRID.area).sum()
    assert area == pytest.approx((exact * GRID.area).sum(), rel=0.015)


@pytest.mark.parametrize("lat", [-55.0, 0.0, 39.5, 70.0])
def test_a_disc_wholly_inside_has_the_area_of_its_cap_at_any_latitude(lat):
    grid = Grid(-10, lat // 1 - 5, 80, 40, 0.25)
    share = disc_matrix(grid, np.array([0.0]), np.array([lat]), 100.0)
    cap = 2 * np.pi * 6371**2 * (1 - np.cos(100 / 6371))
    assert (share @ grid.area.ravel())[0] == pytest.approx(cap, rel=0.005)
    assert share.data.max() <= 1 + 1e-12
    assert share.data.min() > 0


def test_many_places_at_once_are_those_places_one_by_one():
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(25, 35, 20), rng.uniform(35, 43, 20)
    together = disc_matrix(GRID, lon, lat, 100.0).toarray()
    for i in range(20):
        alone = disc_matrix(GRID, lon[i : i + 1], lat[i : i + 1], 100.0).toarray()
        np.testing.assert_allclose(together[i], alone[0], atol=1e-12)


def test_struck_is_brute_force_over_events_windows_and_places():
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(25, 35, 40), rng.uniform(35, 43, 40)
    event_lon, event_lat = rng.uniform(24, 36, 60), rng.uniform(34, 44, 60)
    window = rng.integers(-1, 5, 60)
    found = struck(lon, lat, event_lon, event_lat, window, 5, 100.0)
    near = great_circle_km(lon[None], lat[None], event_lon[:, None], event_lat[:, None]) <= 100
    for number in range(5):
        np.testing.assert_array_equal(found[number], near[window == number].any(axis=0))
    assert found.any()
    assert not found.all()


def test_without_events_nothing_is_struck():
    none = np.zeros(0)
    assert not struck(np.array([30.0]), np.array([40.0]), none, none, none, 3, 100.0).any()
