from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from graben.errors import CatalogError
from graben.evaluation import LabelWindows, leak_check
from graben.quakes.catalog import embedded_catalog
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region
from graben.quakes.scene import TILE
from graben.quakes.study import PARTS, Periods, Study


@pytest.mark.parametrize("horizon", [30, 90, 365])
def test_no_window_straddles_the_border_of_a_period(horizon):
    periods = Periods()
    windows = periods.windows(horizon)
    borders = ("training_start", "training_end", "validation_end", "test_end")
    edges = [pd.Timestamp(getattr(periods, name), tz="UTC") for name in borders]
    for part, start, end in zip(PARTS, edges[:-1], edges[1:], strict=True):
        assert windows[part][0] == start
        assert windows[part][-1] + pd.Timedelta(days=horizon) <= end
        assert end - windows[part][-1] < pd.Timedelta(days=2 * horizon)  # nor is one left out
        assert (np.diff(windows[part]) == np.timedelta64(horizon, "D")).all()


def test_a_period_shorter_than_the_horizon_has_no_windows():
    short = Periods("2000-01-01", "2010-01-01", "2010-02-01", "2020-01-01")
    assert len(short.windows(90)["validation"]) == 0


def test_an_event_on_a_border_belongs_to_the_window_that_it_ends(study):
    starts = study.issue_times
    step = pd.Timedelta(nanoseconds=1000)
    month = pd.Timedelta(days=30)
    times = [starts[5], starts[5] + step, starts[5] + month, starts[0], starts[-1] + month]
    found = study.window_of(pd.Series(pd.DatetimeIndex(times)))
    assert found.tolist() == [4, 5, 5, -1, len(starts) - 1]


def test_an_event_between_two_periods_belongs_to_no_window(study):
    last = study.issue_times[study.windows_of("training")[-1]] + pd.Timedelta(days=30)
    border = pd.Timestamp(study.periods.training_end, tz="UTC")
    assert last < border
    between = [last, last + pd.Timedelta(seconds=1), last + (border - last) / 2, border]
    found = study.window_of(pd.Series(pd.DatetimeIndex(between)))
    assert found.tolist() == [study.windows_of("training")[-1], -1, -1, -1]
    far = pd.Series(pd.DatetimeIndex(["1980-01-01", "2030-01-01"], tz="UTC"))
    assert study.window_of(far).tolist() == [-1, -1]


def test_counts_and_outcomes_are_brute_force_over_events(study):
    events = study.catalog.select(min_magnitude=5.0).table
    counts = np.zeros((len(study.issue_times), *study.grid.shape), int)
    hit = np.zeros((len(study.issue_times), len(study.places[0])), bool)
    lon, lat = map(np.radians, study.places)
    for event in events.itertuples():
        began = (study.issue_times < event.time) & (
            event.time <= study.issue_times + study.window_length
        )
        assert began.sum() <= 1
        row = int((event.latitude - 30) // 0.25)
        column = int((event.longitude - 20) // 0.25)
        if 0 <= row < 48 and 0 <= column < 48:
            counts[began, row, column] += 1
        y, x = np.radians([event.latitude, event.longitude])
        cosine = np.sin(lat) * np.sin(y) + np.cos(lat) * np.cos(y) * np.cos(lon - x)
        hit[began] |= np.arccos(np.clip(cosine, -1, 1)) * 6371 <= 100
    parts = [study.counts(part) for part in PARTS]
    np.testing.assert_array_equal(np.concatenate(parts), counts)
    np.testing.assert_array_equal(study.outcomes, hit)
    assert hit.any()


def labels(study, part):
    """Every label of a period, with the events that made it positive."""
    windows = study.windows_of(part)
    count = len(study.places[0])
    targets = study.catalog.select(min_magnitude=5.0).table
    window = study.window_of(targets["time"])
    lon, lat = map(np.radians, study.places)
    y, x = np.radians(targets[["latitude", "longitude"]].to_numpy().T)
    cosine = np.sin(lat)[:, None] * np.sin(y) + np.cos(lat)[:, None] * np.cos(y) * np.cos(
        lon[:, None] - x
    )
    near = np.arccos(np.clip(cosine, -1, 1)) * 6371 <= 100
    ids = targets["event_id"].to_numpy()
    events = [
        frozenset(ids[near[place] & (window == number)])
        for number in windows
        for place in range(count)
    ]
    return LabelWindows(
        np.repeat(study.issue_times[windows].tz_localize(None).to_numpy(), count),
        np.tile(study.places[0], windows.size),
        np.tile(study.places[1], windows.size),
        events,
    )


def test_training_validation_and_test_share_no_time_and_no_event(study):
    training, validation, test = (labels(study, part) for part in PARTS)
    assert any(training.events)
    for left, right in ((training, validation), (validation, test), (training, test)):
        assert leak_check(left, right, horizon_days=30, radius_km=100) == []


def test_the_leak_check_would_see_windows_that_straddle(study):
    """The same check on windows a fortnight early finds the shared month."""
    training, validation = labels(study, "training"), labels(study, "validation")
    early = replace(validation, issue_times=validation.issue_times - np.timedelta64(29, "D"))
    assert leak_check(training, early, horizon_days=30, radius_km=100)


def test_places_stand_clear_of_the_border_by_more_than_the_radius(study):
    lon, lat = study.places
    assert (lon.min(), lon.max(), lat.min(), lat.max()) == (23, 29, 33, 39)
    assert len(lon) == 13 * 13
    small = replace(study, region=Region(22, 34, 30, 40), boxes={})
    assert (small.places[0].min(), small.places[1].max()) == (23, 39)
    np.testing.assert_allclose(study.place_weight, np.cos(np.radians(lat)))


def test_whole_discs_lie_in_the_grid(study):
    area = study.discs @ study.grid.area.ravel()
    np.testing.assert_allclose(area, np.pi * 100**2, rtol=0.01)


def test_scored_names_the_whole_first(study):
    assert list(study.scored) == ["aegean", "north"]


def test_without_targets_in_training_the_remedies_are_named(study):
    hopeless = replace(study, quantity=Quantity(min_magnitude=7.9))
    with pytest.raises(CatalogError, match=r"no event of M >= 7.9 .* Lower the target magnitude"):
        hopeless.require_training_events()
    study.require_training_events()


def test_without_any_window_the_remedy_is_named(catalog):
    periods = Periods("2000-01-01", "2000-01-10", "2000-01-20", "2000-01-25")
    with pytest.raises(CatalogError, match="horizon"):
        Study(catalog, periods=periods)


def test_the_tile_holds_as_many_targets_as_were_published():
    """The test decade by the calendar, and by years of 365.25 days since 1973 as published."""
    events = embedded_catalog("usgs-tile-m4").select(min_magnitude=5.0, region=TILE).table
    assert len(events) == 5129
    assert (events["time"] >= pd.Timestamp("2015-01-01", tz="UTC")).sum() == 1101
    days = (events["time"] - pd.Timestamp("1973-01-01", tz="UTC")) / pd.Timedelta(days=1)
    assert (1973 + days / 365.25 >= 2015).sum() == 1100
