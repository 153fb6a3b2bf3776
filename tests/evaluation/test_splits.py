"""Splits in time and space, and the check for leaks."""

import numpy as np
import pandas as pd
import pytest

from graben.errors import InputError
from graben.evaluation import LabelWindows, SpaceBlocks, TimeSplit, leak_check


def test_no_label_window_straddles_a_boundary() -> None:
    split = TimeSplit("2010-01-01", "2015-01-01", start="1985-01-01", test_end="2025-11-01")
    times = pd.date_range("1980-01-01", "2026-01-01", freq="7D", tz="UTC")
    part = split.assign(times, horizon_days=30)
    end = times + pd.Timedelta(days=30)
    for name, first, last in (
        ("train", "1985-01-01", "2010-01-01"),
        ("validation", "2010-01-01", "2015-01-01"),
        ("test", "2015-01-01", "2025-11-01"),
    ):
        inside = (times >= pd.Timestamp(first, tz="UTC")) & (end <= pd.Timestamp(last, tz="UTC"))
        np.testing.assert_array_equal(part == name, inside)
    assert (part == "").any()


def test_times_may_come_in_any_dress() -> None:
    split = TimeSplit(pd.Timestamp("2010-01-01", tz="Asia/Tokyo"), np.datetime64("2015-01-01"))
    # 2010-01-01 in Tokyo begins at 15:00 UTC the day before
    assert split.assign("2009-12-31T14:00", 1 / 24).tolist() == ["train"]
    assert split.assign("2009-12-31T15:00", 1 / 24).tolist() == ["validation"]
    assert split.assign(pd.Series(["2016-01-01"]), 30).tolist() == ["test"]


def test_periods_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match="Put them in order"):
        TimeSplit("2015-01-01", "2010-01-01")


def test_whole_blocks_are_held_out_and_all_points_are_tested_once() -> None:
    generator = np.random.default_rng(0)
    longitude, latitude = generator.uniform(20, 50, 3000), generator.uniform(-10, 20, 3000)
    tested = []
    sizes = []
    for train, test in SpaceBlocks(5, folds=4, seed=1).split(longitude, latitude):
        block = [
            set(zip(longitude[part] // 5, latitude[part] // 5, strict=True))
            for part in (train, test)
        ]
        assert not block[0] & block[1]
        assert len(train) + len(test) == 3000
        tested.extend(test)
        sizes.append(len(test))
    assert sorted(tested) == list(range(3000))
    assert max(sizes) < 1.3 * min(sizes)


def test_the_buffer_keeps_training_points_away_even_over_the_date_line() -> None:
    longitude, latitude = (grid.ravel() for grid in np.meshgrid(np.arange(-179.5, 180, 3), [0.5]))
    for train, test in SpaceBlocks(6, folds=5, buffer=4).split(longitude, latitude):
        apart = np.abs((longitude[train][:, None] - longitude[test] + 180) % 360 - 180)
        assert apart.min() >= 4


def test_fewer_blocks_than_folds_are_refused() -> None:
    with pytest.raises(InputError, match="smaller blocks"):
        next(SpaceBlocks(10, folds=3).split(np.array([1.0, 2.0]), np.array([1.0, 2.0])))


def windows(seed: int, n: int) -> LabelWindows:
    generator = np.random.default_rng(seed)
    days = generator.integers(0, 2000, n).astype("timedelta64[D]")
    return LabelWindows(
        np.datetime64("2000-01-01") + days,
        generator.uniform(170, 190, n) - 360 * (generator.random(n) < 0.5),
        generator.uniform(-80, 80, n),
    )


def test_the_check_finds_what_a_loop_over_all_pairs_finds() -> None:
    train, test = windows(0, 300), windows(1, 200)
    leaking = set()
    for j in range(200):
        for i in range(300):
            gap = abs((train.issue_times[i] - test.issue_times[j]) / np.timedelta64(1, "D"))
            a, b = np.radians([train.latitude[i], test.latitude[j]])
            c = np.radians(train.longitude[i] - test.longitude[j])
            cosine = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(c)
            if gap < 90 and 6371 * np.arccos(np.clip(cosine, -1, 1)) < 800:
                leaking.add(j)
    leaks = leak_check(train, test, horizon_days=90, radius_km=400)
    assert {leak.test for leak in leaks} == leaking
    assert 0 < len(leaking) < 200


def test_a_clean_split_is_clean_and_a_shared_event_is_named() -> None:
    place = np.array([30.0, 31.0]), np.array([38.0, 38.0])
    past = LabelWindows(["2009-11-01", "2009-11-25"], *place, [frozenset(), frozenset({"us1"})])
    future = LabelWindows(["2010-01-01", "2010-02-01"], *place, [frozenset({"us1"}), frozenset()])
    leaks = leak_check(past, future, horizon_days=30, radius_km=100)
    assert [(leak.kind, leak.train, leak.test, leak.detail) for leak in leaks] == [
        ("event", 1, 0, "us1")
    ]
    clean = LabelWindows(future.issue_times, *place, [frozenset({"us2"}), frozenset()])
    assert leak_check(past, clean, horizon_days=30, radius_km=100) == []
    far = LabelWindows(past.issue_times, place[0] + 4, place[1])
    assert leak_check(past, far, horizon_days=30, radius_km=100) == []
