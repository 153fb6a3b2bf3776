from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graben.errors import CatalogError, InputError, StaleError
from graben.quakes.catalog import Catalog
from graben.quakes.region import Region
from graben.quakes.testing.grids import Cells, GriddedForecast, read_csep_grid


def test_every_event_falls_where_it_was_drawn(gridded, drawn, catalog_of):
    targets = drawn(gridded, 1, 50)
    again = gridded.targets(catalog_of(targets))
    assert np.array_equal(again.counts, targets.counts)
    assert again.counts.sum() == 50


@pytest.mark.parametrize("step", [0.1, 0.25, 0.05])
def test_decimal_edges_belong_to_the_cell_north_east_of_them(step):
    cells = Cells.of(Region(-125.4, 31.5, -113.1, 43), step, np.array([3.95]))
    assert np.array_equal(cells.cell_of(cells.west, cells.south), np.arange(len(cells)))
    printed = np.round(cells.west, 6), np.round(cells.south, 6)
    assert np.array_equal(cells.cell_of(*printed), np.arange(len(cells)))
    assert (cells.cell_of(cells.west + 360, cells.south) == np.arange(len(cells))).all()


def test_bins_hold_binned_magnitudes_in_spite_of_floating_point():
    edges = 2.5 + 0.1 * np.arange(20)
    cells = Cells.of(Region(0, 0, 1, 1), 1.0, edges)
    assert cells.bin_of(np.round(edges, 1)).tolist() == list(range(20))
    assert cells.bin_of([2.49, 9.9]).tolist() == [-1, 19]


def test_areas_of_the_globe_add_up():
    cells = Cells.of(Region(-180, -90, 180, 90), 2.0, np.array([5.0]))
    assert cells.area.sum() == pytest.approx(4 * np.pi * 6371.0**2)


def test_the_window_is_open_at_its_start_and_closed_at_its_end(gridded):
    times = [gridded.start, gridded.start + pd.Timedelta("1us"), gridded.end]
    table = pd.DataFrame({"time": times, "longitude": 20.05, "latitude": 30.05, "magnitude": 5.0})
    assert len(gridded.targets(Catalog.from_table(table, "three"))) == 2


@pytest.mark.parametrize(
    ("days", "error", "words"),
    [((-9, 20), StaleError, "Give a newer catalogue"), ((40, 50), CatalogError, "it begins")],
)
def test_catalogues_of_another_time_are_refused(days, error, words, gridded):
    times = [gridded.start + pd.Timedelta(days=day) for day in days]
    table = pd.DataFrame({"time": times, "longitude": 20.05, "latitude": 30.05, "magnitude": 5.0})
    with pytest.raises(error, match=words):
        gridded.targets(Catalog.from_table(table, "another time"))


def write_grid(forecast, path, order=slice(None), flag=None):
    cells, bins = forecast.cells, forecast.cells.magnitudes
    each = np.repeat(np.arange(len(cells)), bins.size)
    west, south = cells.west[each], cells.south[each]
    low = np.tile(bins, len(cells))
    flag = np.ones(len(cells)) if flag is None else flag
    columns = [west, west + cells.step, south, south + cells.step, 0 * west, 0 * west + 30, low,
               low + 0.5, forecast.rates.ravel(), flag[each]]  # fmt: skip
    table = np.stack(columns, axis=1).reshape(len(cells), bins.size, 10)[order]
    np.savetxt(path, table.reshape(-1, 10))


def test_a_grid_is_read_whatever_the_order_of_its_cells(gridded, tmp_path):
    write_grid(gridded, tmp_path / "a.dat", np.random.default_rng(0).permutation(120))
    again = read_csep_grid(tmp_path / "a.dat", "2020-01-01", "2020-01-31")
    assert again.cells.same_as(gridded.cells)
    np.testing.assert_allclose(again.rates, gridded.rates)
    assert (again.start, again.end, again.name) == (gridded.start, gridded.end, "a")


def test_masked_cells_are_left_out(gridded, tmp_path):
    flag = np.ones(120)
    flag[:7] = 0
    write_grid(gridded, tmp_path / "a.dat", flag=flag)
    assert len(read_csep_grid(tmp_path / "a.dat", "2020-01-01", "2020-01-31").cells) == 113


def test_grabens_own_grid_comes_back(tmp_path):
    import xarray as xr

    from graben.quakes.export import write_csep

    dims = ("issue_time", "horizon", "magnitude", "latitude", "longitude")
    counts = np.random.default_rng(1).random((1, 1, 1, 4, 6))
    forecast = xr.Dataset(
        {"expected_count": (dims, counts)},
        {
            "issue_time": [np.datetime64("2020-01-01", "ns")],
            "horizon": [30],
            "magnitude": [5.0],
            "latitude": 30.125 + 0.25 * np.arange(4),
            "longitude": 20.125 + 0.25 * np.arange(6),
        },
        {"model": "made"},
    )
    ours = GriddedForecast.from_dataset(forecast)
    write_csep(forecast, tmp_path / "forecast.dat")
    again = read_csep_grid(tmp_path / "forecast.dat", "2020-01-01", "2020-01-31")
    assert again.cells.same_as(ours.cells)
    np.testing.assert_allclose(again.rates, ours.rates, rtol=1e-9)
    assert ours.end == again.end
    place = ours.cells.cell_of(20.6, 30.9)
    assert ours.by_cell[place] == counts[0, 0, 0, 3, 2]


def test_the_published_grid_of_california_holds_its_cells():
    import csep

    folder = Path(csep.__file__).parent / "artifacts" / "ExampleForecasts" / "GriddedForecasts"
    found = read_csep_grid(folder / "helmstetter_et_al.hkj-fromXML.dat", "2006-11-12", "2011-11-12")
    assert found.rates.shape == (7682, 41)
    assert found.cells.magnitudes[0] == 4.95


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2 3\n4 5 6\n", "10 numbers a line"),
        ("all is well\n", "no table|10 numbers"),
        ("0 1 0 1 0 30 5 6 1 1\n0 1 0 1 0 30 6 7 1 1\n1 2 0 1 0 30 5 6 1 1\n", "all bins"),
        ("0 1 0 1 0 30 5 6 1 1\n1 3 0 1 0 30 5 6 1 1\n", "one size"),
        ("0 1 0 1 0 30 5 6 1 1\n0 1 0 1 0 30 5 6 1 1\n", "each once"),
        ("0 1 0 1 0 30 5 6 nan 1\n", "rates of 0 or more"),
        ("0 1 0 1 0 30 5 6 0 1\n", "some above 0"),
    ],
)
def test_other_files_are_refused_with_a_reason(text, words, tmp_path):
    (tmp_path / "x.dat").write_text(text)
    with pytest.raises(InputError, match=words):
        read_csep_grid(tmp_path / "x.dat", "2020-01-01", "2020-02-01")


def test_a_window_that_ends_before_it_starts_is_refused(gridded):
    with pytest.raises(InputError, match="ends after its start"):
        GriddedForecast(gridded.cells, gridded.rates, gridded.end, gridded.start, "x")
