import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graben.errors import CatalogError, StaleError
from graben.quakes.catalog import Catalog, as_utc, embedded_catalog
from graben.quakes.region import Region


def table(**changes: object) -> pd.DataFrame:
    columns = {
        "time": ["2020-01-03T00:00:00Z", "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"],
        "longitude": [30.0, 31.0, 32.0],
        "latitude": [40.0, 41.0, 42.0],
        "depth": [10.0, None, 30.0],
        "magnitude": [5.0, 6.0, 4.0],
        "event_id": ["c", "a", "b"],
    }
    return pd.DataFrame({**columns, **changes})


def test_rows_are_sorted_and_typed():
    catalog = Catalog.from_table(table(extra=1), "three")
    assert catalog.table["event_id"].tolist() == ["a", "b", "c"]
    assert catalog.table["time"].dtype == "datetime64[ns, UTC]"
    assert list(catalog.table) == [
        "time",
        "longitude",
        "latitude",
        "depth",
        "magnitude",
        "event_id",
    ]
    assert catalog.table.index.equals(pd.RangeIndex(3))
    assert np.isnan(catalog.table["depth"][0])
    assert (catalog.start, catalog.end) == (as_utc("2020-01-01"), as_utc("2020-01-03"))


def test_events_of_one_time_keep_their_order():
    ids = [f"{number}" for number in range(50)]
    rows = pd.DataFrame(
        {"time": "2020-01-01", "longitude": 0, "latitude": 0, "magnitude": 5, "event_id": ids}
    )
    assert Catalog.from_table(rows, "at once").table["event_id"].tolist() == ids


def test_depth_ids_and_offsets_may_be_absent():
    bare = table(time=["2020-01-03", "2020-01-01", "2020-01-02 00:00:00"])
    catalog = Catalog.from_table(bare.drop(columns=["depth", "event_id"]), "bare")
    assert catalog.table["depth"].isna().all()
    assert catalog.table["event_id"].tolist() == ["0", "1", "2"]
    assert catalog.table["magnitude"].tolist() == [6, 4, 5]
    assert catalog.start == as_utc("2020-01-01")


def test_longitudes_to_360_are_wrapped():
    catalog = Catalog.from_table(table(longitude=[360.0, 181.0, 180.0]), "wrapped")
    assert sorted(catalog.table["longitude"]) == [-179.0, 0.0, 180.0]


@pytest.mark.parametrize(
    "times",
    [
        ["2020-01-03T02:00:00+02:00", "2019-12-31T19:00:00-0500", "2020-01-02T00:00:00Z"],
        [pd.Timestamp(f"2020-01-0{day}T01", tz="Europe/Berlin") for day in (3, 1, 2)],
        pd.to_datetime(["2020-01-03", "2020-01-01", "2020-01-02"]),
        pd.to_datetime(["2020-01-03", "2020-01-01", "2020-01-02"], utc=True).as_unit("s"),
    ],
)
def test_any_clear_way_to_write_times_gives_utc(times):
    catalog = Catalog.from_table(table(time=times), "three")
    expected = pd.date_range("2020-01-01", periods=3, tz="UTC")
    assert catalog.table["time"].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"magnitude": [5, np.nan, 4]},
            r"magnitude as a number.*nan in 1 of 3 rows \(data row 2\)",
        ),
        ({"magnitude": ["5", "ML 4", "4"]}, "ML 4.*Correct"),
        ({"magnitude": [5, np.inf, 4]}, "magnitude"),
        ({"latitude": [40, 91, 42]}, "latitude as a number from -90 to 90, got 91"),
        ({"longitude": [40, 361, 42]}, "longitude"),
        ({"depth": [1e4, 1, 2]}, "depth"),
        ({"depth": ["deep", 1, 2]}, "deep"),
        ({"time": ["2020-01-03T00:00:00Z", "2020-01-01T00:00:00", "2020-01-02T00Z"]}, "offset"),
        ({"time": ["2020-01-03", "yesterday", "2020-01-02"]}, "yesterday"),
        ({"time": [None, "2020-01-01", "2020-01-02"]}, "ISO 8601"),
        ({"time": ["0020-01-03", "2020-01-01", "2020-01-02"]}, "0020-01-03"),
        ({"event_id": ["a", "a", "b"]}, r"each event once.*data row 2"),
        ({"event_id": ["a", None, "b"]}, "event_id in each row"),
    ],
)
def test_bad_rows_are_named_with_a_remedy(changes, message):
    with pytest.raises(CatalogError, match=message):
        Catalog.from_table(table(**changes), "bad")


def test_the_same_row_twice_without_ids_is_refused():
    twice = pd.concat([table(), table()]).drop(columns="event_id")
    with pytest.raises(CatalogError, match="3 of 6 rows"):
        Catalog.from_table(twice, "twice")


def test_missing_columns_and_empty_tables_are_refused():
    with pytest.raises(CatalogError, match=r"without latitude, magnitude\. Rename"):
        Catalog.from_table(table().drop(columns=["latitude", "magnitude"]), "bad")
    with pytest.raises(CatalogError, match="empty"):
        Catalog.from_table(table()[:0], "bad")
    with pytest.raises(CatalogError, match="period"):
        Catalog.from_table(table(), "bad", end="2020-01-02")


@given(cut=st.integers(0, 10))
def test_until_and_select_split_a_catalogue_without_loss(cut):
    times = pd.date_range("2020-01-01", periods=11, tz="UTC")
    rows = pd.DataFrame({"time": times, "longitude": 0, "latitude": 0, "magnitude": 5})
    catalog = Catalog.from_table(rows, "days")
    past, rest = catalog.until(times[cut]), catalog.select(start=times[cut])
    assert len(past) + len(rest) == len(catalog) + 1
    assert past.end == times[cut] == rest.start
    assert len(catalog.select(end=times[cut])) == len(past) - 1


def test_a_cut_follows_magnitude_region_and_period():
    catalog = Catalog.from_table(table(), "three", end="2020-02-01")
    assert catalog.select(min_magnitude=5).table["event_id"].tolist() == ["a", "c"]
    assert catalog.select(region=Region(31, 40, 32, 42)).table["event_id"].tolist() == ["a"]
    year = catalog.select(start="2020-01-02", end="2021-01-01")
    assert (len(year), year.start, year.end) == (2, as_utc("2020-01-02"), catalog.end)
    with pytest.raises(CatalogError, match="Lower the magnitude"):
        catalog.select(min_magnitude=9).nonempty()
    assert catalog.nonempty() is catalog


def test_nothing_is_known_after_the_end():
    with pytest.raises(StaleError, match="ends at 2020-01-03"):
        Catalog.from_table(table(), "three").until("2020-01-04")


def test_the_hash_follows_the_values_not_the_row_order():
    catalog = Catalog.from_table(table(), "one")
    assert catalog.sha256() == Catalog.from_table(table()[::-1], "two").sha256()
    assert catalog.sha256() != Catalog.from_table(table(magnitude=[5, 6, 4.01]), "one").sha256()


@pytest.mark.parametrize("time", ["soon", None])
def test_what_is_no_moment_is_refused(time):
    with pytest.raises(CatalogError, match="expected a date"):
        as_utc(time)


def test_the_embedded_tile_holds_the_published_number_of_earthquakes():
    tile = embedded_catalog().select(min_magnitude=5, region=Region(0, 0, 90, 50))
    assert len(tile) == 5129
    assert len(embedded_catalog("usgs-world-m5")) == 87347
