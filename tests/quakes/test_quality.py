import json

import numpy as np
import pandas as pd
import pytest

from graben.errors import CatalogError
from graben.quakes.catalog import Catalog, embedded_catalog
from graben.quakes.quality import (
    check_catalog,
    fixed_depths,
    longest_gaps,
    near_duplicates,
)


def catalog(seed: int = 0, count: int = 2000, **changes: object) -> Catalog:
    random = np.random.default_rng(seed)
    columns = {
        "time": pd.Timestamp("2000-01-01", tz="UTC")
        + pd.to_timedelta(np.sort(random.uniform(0, 3650 * 86400, count)), unit="s"),
        "longitude": random.uniform(20, 40, count),
        "latitude": random.uniform(30, 45, count),
        "depth": random.uniform(0, 60, count).round(1),
        "magnitude": np.round(3.95 + random.exponential(0.43, count), 1),
        "magnitude_type": "mb",
    }
    return Catalog.from_table(pd.DataFrame({**columns, **changes}), "made for a test")


def test_near_duplicates_are_the_pairs_that_every_pair_looked_at_finds():
    random = np.random.default_rng(1)
    count = 300
    seconds = np.sort(random.integers(0, 3000, count))
    rows = {
        "time": pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s"),
        "longitude": ((179 + random.uniform(0, 3, count)) + 180) % 360 - 180,
        "latitude": random.uniform(70, 72, count),
    }
    events = catalog(1, count, **rows)
    places = np.radians(events.table[["longitude", "latitude"]].to_numpy())
    expected = []
    for i in range(count):
        for j in range(i + 1, count):
            (x1, y1), (x2, y2) = places[i], places[j]
            half = np.sin((y2 - y1) / 2) ** 2 + np.cos(y1) * np.cos(y2) * np.sin((x2 - x1) / 2) ** 2
            near = np.degrees(2 * np.arcsin(np.sqrt(half))) < 1
            if near and seconds[j] - seconds[i] < 16:
                expected.append((str(i), str(j)))
    assert len(expected) > 50
    assert near_duplicates(events) == expected


def test_the_worlds_near_duplicates_are_as_many_as_published():
    """107 among all M >= 5; those before 1973 are not in the embedded catalogue."""
    assert 95 <= len(near_duplicates(embedded_catalog("usgs-world-m5"))) <= 107


def test_a_hole_is_the_longest_gap_and_no_chance():
    events = catalog()
    times = events.table["time"]
    hole = (times > pd.Timestamp("2004-01-01", tz="UTC")) & (
        times < pd.Timestamp("2004-04-01", tz="UTC")
    )
    holed = Catalog.from_table(events.table[~hole], "with a hole", end="2010-01-01")
    first = longest_gaps(holed, len(holed))[0]
    assert first.start.isoformat()[:7] in ("2003-12", "2004-01")
    assert 91 < first.days < 101
    assert first.probability < 1e-9


def test_chances_of_poisson_gaps_are_spread_evenly():
    """The probability of the longest gap is uniform where the process is Poisson."""
    chances = [longest_gaps(catalog(seed, 300), 300, count=1)[0].probability for seed in range(200)]
    assert np.mean(chances) == pytest.approx(0.5, abs=0.08)
    assert np.mean(np.array(chances) < 0.1) == pytest.approx(0.1, abs=0.06)


def test_silence_up_to_the_stated_end_is_a_gap():
    events = Catalog.from_table(catalog().table, "stopped", end="2020-01-01")
    assert longest_gaps(events, len(events))[0].end == events.end


def test_fixed_depths_are_found_and_smooth_ones_are_not():
    random = np.random.default_rng(2)
    smooth = random.gamma(2, 8, 5000)
    for digits in (0, 1, 2, 6):
        depths = np.round(smooth, digits)
        assert fixed_depths(depths) == {}
        placed = np.concatenate([depths, np.full(1500, 10.0), np.full(900, 33.0)])
        assert list(fixed_depths(placed)) == [10.0, 33.0]
    assert fixed_depths(np.array([])) == {}


def test_the_world_has_the_published_fixed_depths():
    """22.5 % at 10 km, 13.1 % at 33, 4.1 % at 35 for all magnitudes; M >= 5 is much alike."""
    report = check_catalog(embedded_catalog("usgs-world-m5"))
    assert set(report.fixed_depths) == {10.0, 33.0, 35.0}
    assert report.fixed_depths[10.0] == pytest.approx(0.225, abs=0.03)
    assert report.magnitude_step == 0.1
    assert next(iter(report.magnitude_types)) == "mb"


def test_a_report_names_what_is_wrong_and_fits_json():
    events = catalog()
    size = events.table["magnitude"].to_numpy().copy()
    size[7] = 10.0
    kinds = np.where(np.arange(len(size)) % 4, "mb", "")
    report = check_catalog(catalog(magnitude=size, magnitude_type=kinds), repeated_rows=3)
    assert [event[0] for event in report.suspicious] == ["7"]
    assert report.magnitude_types == {"mb": 0.75, "unknown": 0.25}
    assert report.repeated_rows == 3
    plain = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert plain["largest"] == 10
    assert plain["gaps"][0]["days"] >= plain["gaps"][1]["days"]
    assert plain["completeness"][0]["b_value"]["value"] == pytest.approx(1, abs=0.2)


def test_one_event_alone_can_be_checked():
    report = check_catalog(catalog(count=1, depth=np.nan))
    assert report.gaps == ()
    assert report.as_dict()["completeness"][0]["maximum_curvature"] is None
    assert (report.unknown_depths, report.fixed_depths) == (1.0, {})


def test_nothing_above_completeness_and_nothing_at_all_are_refused():
    with pytest.raises(CatalogError, match=r"completeness magnitude 4\.2"):
        check_catalog(catalog(magnitude=4.0))
    with pytest.raises(CatalogError, match="got none"):
        check_catalog(catalog().select(min_magnitude=9))
