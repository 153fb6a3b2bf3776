from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from graben.errors import InputError
from graben.quakes.region import Region
from graben.quakes.testing.catalog_forecast import (
    CatalogForecast,
    read_catalog_forecast,
    write_catalog_forecast,
)
from graben.quakes.testing.csep import consistency_tests
from graben.quakes.testing.fast_catalogs import catalog_tests
from graben.quakes.testing.grids import Cells, Targets

START = pd.Timestamp("2019-07-06T03:20:00.5", tz="UTC")


def first_of(simulated, catalog):
    """One of the catalogues as if it had been observed."""
    one = simulated.catalog == catalog
    return Targets(simulated.cell[one], simulated.bin[one], simulated.cells)


@pytest.mark.parametrize("seed", range(4))
def test_statistics_and_quantiles_are_those_of_pycsep(seed, simulated, gridded, drawn):
    targets = drawn(gridded, seed) if seed else first_of(simulated, 5)
    ours, theirs = catalog_tests(simulated, targets), consistency_tests(simulated, targets)
    for one, other in zip(ours, theirs, strict=True):
        assert one.test == other.test
        assert one.observed == pytest.approx(other.observed, rel=1e-12)
        assert one.at_least == pytest.approx(other.at_least, abs=1e-12)
        assert one.at_most == pytest.approx(other.at_most, abs=1e-12)
        assert one.passed is other.passed


def test_ties_of_the_same_cells_in_another_order_count_as_ties():
    cells = Cells.of(Region(0, 0, 1, 3), 1.0, np.array([4.0, 5.0]))
    orders = np.array([[0, 1, 2, 2], [2, 1, 0, 2], [1, 2, 2, 0]])
    catalog, bins = np.repeat(np.arange(3), 4), np.zeros(12, int)
    forecast = CatalogForecast(cells, catalog, orders.ravel(), bins, 3, START, START, "ties")
    targets = Targets(np.array([2, 2, 1, 0]), np.zeros(4, int), cells)
    for one in catalog_tests(forecast, targets, ("S", "PL")):
        assert (one.at_least, one.at_most) == (1.0, 1.0)


def test_earthquakes_where_no_catalogue_has_any_are_left_out_and_told(simulated):
    empty = int(np.flatnonzero(simulated.by_cell == simulated.by_cell.min())[0])
    keep = simulated.cell != empty
    forecast = CatalogForecast(
        simulated.cells, simulated.catalog[keep], simulated.cell[keep], simulated.bin[keep], 100,
        simulated.start, simulated.end, "gap",
    )  # fmt: skip
    some = first_of(forecast, 5)
    targets = Targets(np.append(some.cell, empty), np.append(some.bin, 0), forecast.cells)
    ours = catalog_tests(forecast, targets, ("S", "PL"))
    theirs = consistency_tests(forecast, targets, ("S", "PL"))
    for one, other in zip(ours, theirs, strict=True):
        assert one.note.startswith("1 earthquakes where no catalogue")
        assert "undersampled" in other.note
        assert one.observed == pytest.approx(other.observed, rel=1e-12)
        assert one.at_most == pytest.approx(other.at_most, abs=1e-12)
    alone = Targets(np.array([empty]), np.array([0]), forecast.cells)
    assert {one.passed for one in catalog_tests(forecast, alone, ("S", "PL"))} == {None}


def test_without_earthquakes_only_the_number_is_tested(simulated):
    nothing = Targets(np.empty(0, int), np.empty(0, int), simulated.cells)
    for tests in (catalog_tests(simulated, nothing), consistency_tests(simulated, nothing)):
        assert tests[0].at_most == pytest.approx(np.mean(simulated.counts == 0))
        assert {one.passed for one in tests[1:]} == {None}


def test_quantiles_of_catalogues_of_the_forecast_itself_are_uniform(gridded, drawn):
    random = np.random.default_rng(5)
    numbers = random.poisson(gridded.expected, 700)
    events = drawn(gridded, 6, int(numbers.sum()))
    catalog = np.repeat(np.arange(700), numbers)
    past = catalog < 500
    forecast = CatalogForecast(
        gridded.cells, catalog[past], events.cell[past], events.bin[past], 500,
        gridded.start, gridded.end, "itself",
    )  # fmt: skip
    found = {name: [] for name in ("N", "M", "S", "PL")}
    for number in range(500, 700):
        one = catalog == number
        targets = Targets(events.cell[one], events.bin[one], gridded.cells)
        for test in catalog_tests(forecast, targets):
            below = 1 - test.at_least
            found[test.test].append(below + (test.at_most - below) * random.random())
    for quantiles in found.values():
        assert kstest(quantiles, "uniform").pvalue > 0.01


def batch(count, seed, silent=()):
    random = np.random.default_rng(seed)
    catalog = np.sort(random.integers(0, count, 40))
    catalog = catalog[~np.isin(catalog, silent)]
    size = catalog.size
    return SimpleNamespace(
        catalog=catalog,
        time=random.random(size) * 30,
        longitude=179.5 + random.random(size),
        latitude=random.uniform(30, 31, size),
        magnitude=random.uniform(4, 6, size).round(2),
        count=count,
    )


@pytest.mark.parametrize("silent", [(0,), (3, 9), (9,), (0, 1, 2)])
def test_simulated_catalogues_come_back_with_their_silent_ones(silent, tmp_path):
    batches = [batch(10, 1, silent), batch(10, 2, silent)]
    path = tmp_path / "etas_2019-07-06T03-20-00-500000.csv"
    write_catalog_forecast(batches, START, path)
    again = read_catalog_forecast(path, START)
    assert again.count == 20
    assert np.array_equal(
        again.catalog, np.concatenate([batches[0].catalog, batches[1].catalog + 10])
    )
    for name, slack in (("time", 1e-11), ("latitude", 1e-6), ("magnitude", 1e-9)):
        told = np.concatenate([getattr(one, name) for one in batches])
        np.testing.assert_allclose(getattr(again, name), told, atol=slack)
    assert (np.abs(again.longitude) <= 180).all()
    assert again.longitude.min() < -179


def test_pycsep_reads_the_catalogues_at_the_right_time(tmp_path):
    import csep

    one = batch(10, 1, (0, 4, 9))
    path = tmp_path / "etas_2019-07-06T03-20-00-500000.csv"
    write_catalog_forecast([one], START, path)
    forecast = csep.load_catalog_forecast(str(path))
    catalogs = list(forecast)
    assert [each.event_count for each in catalogs] == np.bincount(
        one.catalog, minlength=10
    ).tolist()
    assert forecast.start_time == START.to_pydatetime()
    seen = catalogs[1]
    mine = one.catalog == 1
    days = (seen.get_epoch_times() - START.timestamp() * 1000) / 86_400_000
    np.testing.assert_allclose(days, one.time[mine], atol=2e-8)
    np.testing.assert_allclose(seen.get_magnitudes(), one.magnitude[mine])
    np.testing.assert_allclose(seen.get_latitudes(), one.latitude[mine], atol=1e-6)


def test_events_outside_cells_bins_and_window_are_left_out():
    simulated = SimpleNamespace(
        catalog=np.zeros(5, int),
        time=np.array([0.5, 0.5, 0.5, 1.5, 1.0]),
        longitude=np.array([0.5, 2.5, 0.5, 0.5, 0.5]),
        latitude=np.full(5, 0.5),
        magnitude=np.array([5.0, 5.0, 3.0, 5.0, 5.0]),
        count=2,
    )
    cells = Cells.of(Region(0, 0, 1, 1), 1.0, np.array([4.0]))
    forecast = CatalogForecast.of(simulated, cells, START, START + pd.Timedelta(days=1), "x")
    assert forecast.counts.tolist() == [2, 0]
    assert forecast.by_cell.tolist() == [1.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no catalogue|no catalogue forecast"),
        ("lon,lat,M\n1,2,3\n", "no catalogue forecast"),
        ("1,2,5,2020-01-01T00:00:00,,1,\n1,2,5,2020-01-01T00:00:00,,0,\n", "in the order"),
        ("1,2,five,2020-01-01T00:00:00,,1,\n", "no catalogue forecast"),
        ("1,2,5,yesterday,,1,\n", "no catalogue forecast"),
    ],
)
def test_other_files_are_refused_with_a_reason(text, words, tmp_path):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        read_catalog_forecast(tmp_path / "x.csv", START)


def test_an_unknown_test_is_refused(simulated):
    nothing = Targets(np.empty(0, int), np.empty(0, int), simulated.cells)
    for run in (catalog_tests, consistency_tests):
        with pytest.raises(InputError, match="N, M, S, PL"):
            run(simulated, nothing, ("CL",))
