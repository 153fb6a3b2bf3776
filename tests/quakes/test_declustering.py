import numpy as np
import pandas as pd
import pytest

from graben.quakes.catalog import Catalog, embedded_catalog
from graben.quakes.declustering import forward_gardner_knopoff, gardner_knopoff_windows
from graben.quakes.region import Region


def clustered(seed: int, count: int = 400) -> Catalog:
    """Events in a few places and months, so that windows overlap; some at equal times."""
    random = np.random.default_rng(seed)
    seconds = np.sort(random.integers(0, 400 * 86400, count))
    seconds[1::20] = seconds[::20]
    table = pd.DataFrame(
        {
            "time": pd.Timestamp("2000-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s"),
            "longitude": 178 + random.normal(0, 1.5, count),
            "latitude": 60 + random.normal(0, 1.0, count),
            "magnitude": 4 + random.exponential(0.6, count).round(1),
        }
    )
    return Catalog.from_table(table, "made for a test")


def great_circle_km(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    lon1, lat1, lon2, lat2 = np.radians([lon1, lat1, lon2, lat2])
    half = (
        np.sin((lat2 - lat1) / 2) ** 2
        + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6371.0 * np.arcsin(np.sqrt(half))


def by_every_pair(catalog: Catalog) -> np.ndarray:
    rows = list(catalog.table.itertuples())
    marked = np.zeros(len(rows), bool)
    for j, late in enumerate(rows):
        for i, early in enumerate(rows[:j]):
            days = (late.time - early.time).total_seconds() / 86400
            km, reach = gardner_knopoff_windows(np.array([early.magnitude]))
            if (
                not marked[i]
                and 0 < days <= reach[0]
                and late.magnitude <= early.magnitude
                and great_circle_km(early.longitude, early.latitude, late.longitude, late.latitude)
                <= km[0]
            ):
                marked[j] = True
                break
    return marked


@pytest.mark.parametrize("seed", [1, 2])
def test_agrees_with_every_pair_looked_at(seed):
    catalog = clustered(seed, 250)
    flags = forward_gardner_knopoff(catalog)
    assert 0.2 < flags.mean() < 0.98
    np.testing.assert_array_equal(flags, by_every_pair(catalog))


def test_deleting_the_future_changes_no_flag():
    catalog = clustered(3)
    flags = forward_gardner_knopoff(catalog)
    for known in range(1, len(catalog), 23):
        past = catalog.until(catalog.table["time"][known])
        np.testing.assert_array_equal(forward_gardner_knopoff(past), flags[: len(past)])


def test_windows_of_the_published_table():
    """Gardner and Knopoff (1974), table 1, within the rounding of the fitted formulae."""
    km, days = gardner_knopoff_windows(np.array([3.0, 4.0, 5.0, 6.0, 7.0, 8.0]))
    np.testing.assert_allclose(km, [22.5, 30, 40, 54, 70, 94], rtol=0.04)
    np.testing.assert_allclose(days, [11.5, 42, 155, 510, 915, 985], rtol=0.09)


def test_marks_the_published_share_of_the_embedded_tile():
    """46.8 % with planar distances in the reference; great circles hardly differ."""
    sources = embedded_catalog().select(min_magnitude=4.5, region=Region(-5, -5, 95, 55))
    assert forward_gardner_knopoff(sources).mean() == pytest.approx(0.468, abs=0.001)
