from math import erf, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from graben.errors import CatalogError
from graben.quakes.catalog import Catalog
from graben.quakes.declustering import forward_gardner_knopoff
from graben.quakes.grid import Grid
from graben.quakes.quantity import Quantity
from graben.quakes.rasters import (
    OmoriKernel,
    SeismicityMaps,
    SmoothedKernel,
    days_since_epoch,
    omori_kernels,
    smoothed_kernels,
)
from graben.quakes.region import Region

BOX = Region(24, 34, 29, 38)
GRID = Grid.covering(BOX, 0.25)
TIMES = pd.DatetimeIndex(["2003-05-05", "2009-01-01", "2009-01-31", "2018-07-07"], tz="UTC")
SMOOTHED = (SmoothedKernel(20.0, False, 4.5), SmoothedKernel(80.0, True, 5.0))
OMORI = (OmoriKernel(1.2, 0.7, 8.0), OmoriKernel(0.9, 1.0, 70.0))


def maps_of(catalog, grid=GRID, **options):
    options = {"quantity": Quantity(), "memory_days": 3000.0, **options}
    return SeismicityMaps(catalog, grid, SMOOTHED, OMORI, **options)


def all_maps(maps, times=TIMES, size=16):
    return np.concatenate(list(maps.batches(times, size)))


def gaussian_share(edges, position, spread):
    """Exact mass of a Gaussian between edges, nothing beyond 4 spreads' cells."""
    below = np.array([0.5 * (1 + erf((e - position) / spread / sqrt(2))) for e in edges])
    share = np.diff(below)
    share[(edges[1:] < position - 4 * spread) | (edges[:-1] > position + 4 * spread)] = 0
    return share


def stamp(event, spread_km):
    """The exact Gaussian of one event on the grid; degrees of longitude shrink with latitude."""
    in_y = spread_km / 111.195
    in_x = in_y / np.cos(np.radians(event.latitude))
    y = gaussian_share(GRID.south + 0.25 * np.arange(GRID.rows + 1), event.latitude, in_y)
    x = gaussian_share(GRID.west + 0.25 * np.arange(GRID.columns + 1), event.longitude, in_x)
    return np.outer(y, x)


def slow_maps(catalog, time):
    """The definition, event by event, from those up to the time alone."""
    known = catalog.select(min_magnitude=4.5, region=BOX.padded(5))
    table = known.table
    declustered = ~forward_gardner_knopoff(known)
    past = (table["time"] <= time).to_numpy()
    years = (time - catalog.start) / pd.Timedelta(days=365.25)
    long_run = (past & (table["magnitude"] >= 5.0)).sum() / years * 30 / 365.25
    maps = []
    for kernel in SMOOTHED:
        chosen = past & (table["magnitude"] >= kernel.min_magnitude).to_numpy()
        if kernel.declustered:
            chosen &= declustered
        total = sum(stamp(e, kernel.spread_km) for e in table[chosen].itertuples())
        maps.append(long_run * total / chosen.sum())
    age = (time - table["time"]).dt.total_seconds().to_numpy() / 86400
    for kernel in OMORI:
        total = np.zeros(GRID.shape)
        for i in np.flatnonzero(past & (age < 3000)):
            event = table.iloc[i]
            reach = np.hypot(kernel.spread_km, 0.5 * 10 ** (-2.44 + 0.59 * event.magnitude))
            decay, _ = quad(lambda s, a=age[i], p=kernel.p: (a + s + 0.05) ** -p, 0, 30)
            total += 10 ** (kernel.alpha * (event.magnitude - 5)) * decay * stamp(event, reach)
        maps.append(total)
    return np.stack(maps)


@pytest.mark.parametrize("number", [0, 3])
def test_maps_are_brute_force_sums_over_the_events_known(catalog, number):
    found = all_maps(maps_of(catalog))[number]
    exact = slow_maps(catalog, TIMES[number])
    for k in range(4):
        np.testing.assert_allclose(found[k], exact[k], rtol=1e-4, atol=1e-5 * exact[k].max())


def test_batches_equal_one_time_at_a_time_bit_for_bit(catalog):
    maps = maps_of(catalog)
    together, in_twos = all_maps(maps), all_maps(maps, size=2)
    alone = np.concatenate([all_maps(maps, TIMES[i : i + 1]) for i in range(len(TIMES))])
    assert together.tobytes() == in_twos.tobytes() == alone.tobytes()


def test_a_part_of_the_grid_equals_the_crop_of_the_whole_bit_for_bit(catalog):
    part = Grid.covering(Region(25, 35, 27, 37), 0.25)
    rows, columns = GRID.crop(part.region)
    cropped = all_maps(maps_of(catalog))[:, :, rows, columns]
    alone = all_maps(maps_of(catalog, part, reference=BOX))
    assert cropped.tobytes() == alone.tobytes()


def test_maps_do_not_know_what_comes_after(catalog):
    """Neither deleting the future nor filling it with large shocks changes a bit."""
    time = TIMES[2]
    known = catalog.table[catalog.table["time"] <= time]
    doom = pd.DataFrame(
        {
            "time": time + pd.to_timedelta(np.arange(1, 40), unit="s"),
            "longitude": 26.0,
            "latitude": 36.0,
            "magnitude": 7.5,
            "depth": 10.0,
            "event_id": [f"doom{i}" for i in range(1, 40)],
        }
    )
    before = Catalog.from_table(known, "before", catalog.start, time)
    other = Catalog.from_table(pd.concat([known, doom]), "doomed", catalog.start, catalog.end)
    whole, cut, doomed = (all_maps(maps_of(c), TIMES[:3]) for c in (catalog, before, other))
    assert whole.tobytes() == cut.tobytes() == doomed.tobytes()


def test_an_event_at_the_issue_time_itself_is_known():
    table = pd.DataFrame(
        {
            "time": pd.to_datetime(["2000-01-01", "2009-01-01"], utc=True),
            "longitude": [24.5, 27.0],
            "latitude": [34.5, 36.0],
            "magnitude": [5.0, 6.0],
        }
    )
    found = all_maps(maps_of(Catalog.from_table(table, "two")), TIMES[1:2])[0]
    row, column, _ = GRID.cell_of(np.array([27.0]), np.array([36.0]))
    assert found[2, row[0], column[0]] > 0.1


def test_a_smoothed_map_holds_the_long_run_number_of_targets(catalog):
    """Mass is conserved: events in the middle put all of theirs on a large enough grid."""
    middle = catalog.select(region=Region(23, 33, 29, 39))
    grid = Grid.covering(Region(12, 22, 40, 50), 0.25)
    maps = maps_of(middle, grid)
    found = all_maps(maps, TIMES)[:, :2].sum(axis=(2, 3))
    expected = np.repeat(maps.long_run(TIMES)[:, None], 2, axis=1)
    np.testing.assert_allclose(found, expected, rtol=3e-4)


def test_an_omori_map_holds_productivity_times_decay():
    table = pd.DataFrame(
        {"time": ["2009-01-01"], "longitude": [26.5], "latitude": [36.0], "magnitude": [7.0]}
    )
    one = Catalog.from_table(table, "one", "2000-01-01", "2020-01-01")
    found = all_maps(maps_of(one), TIMES[2:3])[0, 2]
    decay, _ = quad(lambda s: (s + 0.05) ** -1.2, 30, 60)
    assert found.sum() == pytest.approx(10 ** (0.7 * 2) * decay, rel=1e-3)


def test_events_older_than_the_memory_trigger_nothing(catalog):
    short = all_maps(maps_of(catalog, memory_days=1.0), TIMES[:1])
    recent = catalog.table["time"].between(TIMES[0] - pd.Timedelta(days=1), TIMES[0])
    assert not recent.any()
    assert not short[0, 2:].any()


def test_the_long_run_counts_targets_of_the_padded_box_from_the_start(catalog):
    table = catalog.select(min_magnitude=5.0, region=BOX.padded(5)).table
    days = (TIMES[1] - catalog.start) / pd.Timedelta(days=1)
    expected = (table["time"] <= TIMES[1]).sum() / days * 30
    assert maps_of(catalog).long_run(TIMES)[1] == pytest.approx(expected, rel=1e-12)


def test_issue_times_out_of_order_are_refused(catalog):
    with pytest.raises(CatalogError, match="ascend"):
        all_maps(maps_of(catalog), TIMES[::-1])


def test_without_sources_the_remedy_is_named(catalog):
    far = Grid.covering(Region(100, 0, 104, 4), 0.25)
    with pytest.raises(CatalogError, match=r"no event of M >= 4.5 .* covers the region"):
        maps_of(catalog, far)


def test_there_are_fifteen_smoothed_and_twelve_omori_kernels_each_with_its_own_name():
    kernels = (*smoothed_kernels(4.5), *omori_kernels())
    assert (len(smoothed_kernels(4.5)), len(omori_kernels())) == (15, 12)
    assert len({kernel.name for kernel in kernels}) == 27


def test_days_are_exact_at_midnight_whatever_holds_the_times():
    times = pd.DatetimeIndex(["1970-01-02", "2010-01-01"], tz="UTC")
    assert days_since_epoch(times).tolist() == [1.0, 14610.0]
    assert days_since_epoch(times.as_unit("us")).tolist() == [1.0, 14610.0]
    assert days_since_epoch(times[1].as_unit("ns")) == 14610.0
