from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from graben.errors import CatalogError, InputError
from graben.quakes.catalog import Catalog
from graben.quakes.formats import read_catalog
from graben.quakes.polygon import Polygon, read_polygon
from graben.quakes.sequence import EventSequence, Windows, cut_catalog

WINDOWS = Windows("2000-01-01", "2001-01-01", "2003-01-01", "2004-01-01", "2005-01-01")
BOX = Polygon([10, 12, 12, 10], [40, 40, 42, 42])


def events(times, magnitude=3.0, longitude=11.0, latitude=41.0):
    table = pd.DataFrame({"time": list(times)})
    return table.assign(longitude=longitude, latitude=latitude, magnitude=magnitude)


def sequence(table, **changed):
    settings = {"polygon": BOX, "windows": WINDOWS, "completeness_magnitude": 3.0} | changed
    return EventSequence.from_catalog(Catalog.from_table(table, "by hand"), **settings)


def random_events(count=300, seed=1):
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0, 1826, count))
    return events(
        pd.Timestamp("2000-01-01", tz="UTC") + pd.to_timedelta(days, unit="D"),
        3 + rng.exponential(0.4, count),
        rng.uniform(10, 12, count),
        rng.uniform(40, 42, count),
    )


def test_magnitudes_are_rounded_as_the_reference_does_and_cut_afterwards():
    days = pd.date_range("2002-01-01", periods=4, tz="UTC")
    table = events(days, [3.55, 3.45, 3.449, 2.95])
    found = sequence(table)
    # 3.55 / 0.1 is 35.49999 in floating point: it goes down; 2.95 / 0.1 is 29.5 and goes up
    np.testing.assert_allclose(found.magnitude, [3.5, 3.5, 3.4, 3.0])
    assert len(sequence(table, completeness_magnitude=3.5)) == 2
    raw = sequence(table, rounded=False)
    np.testing.assert_array_equal(raw.magnitude, [3.55, 3.45, 3.449])


def test_the_cut_of_the_published_rows(reference_data):
    folder = reference_data / "catalogs"
    catalog = read_catalog(folder / "EarthquakeNPP_SCEDC_20_jittered.csv.gz")
    polygon = read_polygon(folder / "SCEDC_shape.npy")
    windows = Windows("1981-01-01", "1985-01-01", "2005-01-01", "2014-01-01", "2020-01-01")

    def count(magnitude, rounded):
        found = EventSequence.from_catalog(catalog, polygon, windows, magnitude, rounded=rounded)
        return found.test.stop - found.test.start

    assert [count(2.5, True), count(3.0, True)] == [5_465, 2_065]
    assert [count(2.5, False), count(3.0, False)] == [4_999, 1_898]


def test_what_counts_lies_inside_above_completeness_and_within_the_windows():
    table = events(
        ["1999-12-31T23:59:59", "2000-01-01", "2002-01-01", "2002-01-02", "2004-12-31T23:59:59",
         "2005-01-01"],
        [5, 5, 5, 2.9, 5, 5],
        [11, 11, 13, 11, 11, 11],
    )  # fmt: skip
    found = sequence(table)
    np.testing.assert_allclose(found.time, [0, 1827 - 1 / 86400])
    kept = cut_catalog(Catalog.from_table(table, "by hand"), BOX, WINDOWS, 3.0)
    assert kept["event_id"].tolist() == ["1", "4"]


def test_an_event_at_a_boundary_belongs_to_the_later_window():
    moments = ["2000-06-01", "2001-01-01", "2003-01-01", "2004-01-01", "2004-06-01"]
    found = sequence(events(moments))
    assert found.bounds == (1, 2, 3, 5)
    assert (found.training, found.validation) == (slice(1, 2), slice(2, 3))
    assert (found.fitted, found.test) == (slice(1, 3), slice(3, 5))


def test_each_window_has_its_own_span():
    found = sequence(random_events())
    first, second, third, last = found.days[1:]
    assert found.span(found.training) == (first, second) == (366, 1096)
    assert found.span(found.validation) == (second, third)
    assert found.span(found.fitted) == (first, third)
    assert found.span(found.test) == (third, last)
    with pytest.raises(InputError, match="events of a window"):
        found.span(slice(1, 3))


def test_a_window_without_events_keeps_the_spans_of_the_others():
    silent = sequence(events(["2002-01-01", "2004-02-01"]))
    assert silent.validation == slice(1, 1)
    assert silent.span(silent.fitted) == (366, 1461)
    assert silent.span(silent.validation) == (1096, 1461)
    assert silent.span(silent.test) == (1461, 1827)
    unfinished = sequence(events(["2002-01-01", "2003-02-01"]))
    assert unfinished.test == slice(2, 2)
    assert unfinished.span(unfinished.test) == (1461, 1827)
    assert unfinished.span(unfinished.fitted) == (366, 1461)


def test_of_simultaneous_events_none_is_the_history_of_another():
    times = ["2002-01-01", "2002-01-02", "2002-01-02", "2002-01-03"]
    found = sequence(events(times, longitude=[11, 11, 11.5, 11]))
    np.testing.assert_array_equal(found.history, [0, 1, 1, 3])


def test_the_order_of_the_rows_does_not_matter():
    table = random_events().assign(event_id=[f"e{i}" for i in range(300)])
    shuffled = table.sample(frac=1, random_state=3)
    ours, theirs = sequence(table), sequence(shuffled)
    for name in ("time", "longitude", "latitude", "magnitude", "history", "east_km", "north_km"):
        assert getattr(ours, name).tobytes() == getattr(theirs, name).tobytes(), name


def test_across_the_date_line_neighbours_stay_neighbours():
    pacific = Polygon([170, -170, -170, 170], [-10, -10, 10, 10])
    days = ["2002-01-01", "2002-01-02"]
    found = sequence(events(days, longitude=[179.5, -179.5], latitude=0.0), polygon=pacific)
    assert len(found) == 2
    assert np.diff(found.east_km) == pytest.approx(np.radians(1) * 6378.1)
    assert found.north_km == pytest.approx(0)


def test_the_b_value_of_a_known_law():
    rng = np.random.default_rng(4)
    days = pd.date_range("2000-01-01", "2003-12-31", periods=40_000, tz="UTC")
    magnitude = 2.95 + rng.exponential(1 / np.log(10), days.size)
    found = sequence(events(days, magnitude))
    assert found.beta / np.log(10) == pytest.approx(1.0, abs=0.02)


def test_above_a_higher_completeness_the_b_value_stays():
    rng = np.random.default_rng(4)
    days = pd.date_range("2000-01-01", "2003-12-31", periods=60_000, tz="UTC")
    whole = sequence(events(days, 2.95 + rng.exponential(1 / np.log(10), days.size)))
    steps = tuple((100.0 * k, 3.0 + 0.5 * (k % 3)) for k in range(1, 14))
    found = replace(whole, completeness_steps=steps)
    assert found.is_target.mean() < 0.6
    assert found.beta / np.log(10) == pytest.approx(1.0, abs=0.02)
    # a share of the law is what is left, and as much of the days
    assert found.reported_share(found.time).mean() == pytest.approx(
        found.is_target.mean(), abs=0.01
    )
    passed = found.reported_days(0.0, np.array([0.0, 100.0, 150.0]))
    np.testing.assert_allclose(passed, [0, 100, 100 + 50 * np.exp(-0.5 * found.beta)])


def test_steps_hold_after_their_day():
    found = replace(sequence(random_events()), completeness_steps=((10.0, 4.0), (20.0, 3.0)))
    days = np.array([10.0, 10.001, 20.0, 20.001])
    np.testing.assert_array_equal(found.completeness_at(days), [3.0, 4.0, 4.0, 3.0])
    np.testing.assert_array_equal(found.pieces(5.0, 15.0), [5.0, 10.0, 15.0])
    assert len(found.complete()) == len(found)


@pytest.mark.parametrize("steps", [((20.0, 4.0), (10.0, 3.5)), ((10.0, 2.5),)])
def test_steps_out_of_order_or_below_completeness_are_refused(steps):
    with pytest.raises(InputError, match="Sort them, or lower the completeness magnitude"):
        replace(sequence(random_events()), completeness_steps=steps)


def test_beta_knows_nothing_of_the_test_window():
    found = sequence(random_events())
    other = sequence(random_events(seed=2).assign(magnitude=6.0))
    replaced = found.replaced_from(found.test.start, other)
    assert replaced.beta == found.beta
    before = slice(0, found.test.start)
    np.testing.assert_array_equal(replaced.time[before], found.time[before])
    assert (replaced.magnitude[found.test.start :] == 6.0).all()


def test_twenty_events_are_a_sequence_but_too_few_to_learn_from():
    found = sequence(random_events(20))
    assert len(found) == 20
    with pytest.raises(CatalogError, match=r"at least 50 events.*Widen the windows"):
        found.require(50)


@pytest.mark.parametrize(
    "dates",
    [
        ("2001-01-02", "2001-01-01", "2003-01-01", "2004-01-01", "2005-01-01"),
        ("2000-01-01", "2001-01-01", "2001-01-01", "2004-01-01", "2005-01-01"),
        ("2000-01-01", "2001-01-01", "2003-01-01", "2005-01-01", "2004-01-01"),
    ],
)
def test_windows_out_of_order_are_refused(dates):
    with pytest.raises(InputError, match="Put the dates in order"):
        Windows(*dates)


def test_a_cut_that_leaves_nothing_is_refused():
    with pytest.raises(CatalogError, match="Check polygon, dates and magnitude"):
        sequence(events(["2002-01-01"]), completeness_magnitude=7.0)
    with pytest.raises(InputError, match="bin above 0"):
        sequence(events(["2002-01-01"]), bin_width=0.0)
