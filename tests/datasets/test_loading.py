"""What ships: the numbers that the sources are known by, georeference, and damage noticed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from rasterio.features import rasterize
from rasterio.transform import from_origin

from graben.datasets import (
    about,
    all_datasets,
    decoded_sha256,
    load_catalog_table,
    load_coastline,
    load_elevation,
    load_land,
    registry,
)
from graben.errors import DatasetError, InputError

SHIPPED = [dataset.name for dataset in all_datasets() if dataset.ships]
CATALOGUES = [name for name in SHIPPED if name.startswith("usgs")]
DAY = 86_400_000_000_000


def since(year):
    return np.datetime64(f"{year}-01-01", "ns").astype(np.int64)


def inside(table, west, south, east, north):
    x, y = table["longitude"], table["latitude"]
    return (x >= west) & (x < east) & (y >= south) & (y < north)


def test_what_ships_is_small():
    sizes = [(registry.FOLDER / about(name).file).stat().st_size for name in SHIPPED]
    assert max(sizes) <= 8_000_000
    assert sum(sizes) <= 12_000_000


@pytest.mark.parametrize("name", SHIPPED)
def test_decoded_arrays_are_those_on_record(name):
    assert decoded_sha256(name) == about(name).decoded_sha256


@pytest.mark.parametrize("name", CATALOGUES)
def test_columns_are_whole_and_sorted(name):
    table = load_catalog_table(name)
    assert {key: values.dtype.kind for key, values in table.items()} == {
        "time_ns": "i", "longitude": "f", "latitude": "f", "depth": "f", "magnitude": "f",
        "event_id": "U", "magnitude_type": "U",
    }  # fmt: skip
    assert {len(values) for values in table.values()} == {about(name).counts["events"]}
    assert (np.diff(table["time_ns"]) >= 0).all()
    assert np.unique(table["event_id"]).size == len(table["event_id"])
    assert not any(np.isnan(table[key]).any() for key in ("longitude", "latitude", "magnitude"))
    first, last = about(name).period
    days = table["time_ns"].astype("datetime64[ns]").astype("datetime64[D]").astype(str)
    assert first <= days[0] < "1973-02"
    assert days[-1] == last or (name == "usgs-anatolia-m3.5" and "2025-10" < days[-1] < last)


def test_events_of_the_tile():
    table = load_catalog_table("usgs-tile-m4")
    target = inside(table, 0, 0, 90, 50) & (table["magnitude"] >= 5)
    assert target.sum() == 5129
    time = table["time_ns"][target]
    years = 1973 + (time - since(1973)) / DAY / 365.25
    assert (years >= 2015).sum() == 1100
    assert (time >= since(2015)).sum() == 1101
    strong = inside(table, 0, 0, 90, 50)
    magnitude = table["magnitude"]
    counts = [(strong & (magnitude >= least)).sum() for least in (4.5, 5.5, 6.0, 7.0)]
    assert np.abs(np.array(counts) - [21365, 1309, 417, 50]).max() <= 1


def test_events_of_anatolia_and_the_world():
    anatolia = load_catalog_table("usgs-anatolia-m3.5")
    assert len(anatolia["magnitude"]) == 11110
    assert [(anatolia["magnitude"] >= least).sum() for least in (4.5, 5, 6, 7)] == [
        2110, 541, 56, 9,
    ]  # fmt: skip
    assert len(load_catalog_table("usgs-world-m5")["magnitude"]) == 87347


@pytest.mark.parametrize(
    ("day", "magnitude", "longitude", "latitude"),
    [
        ("2004-12-26", 9.1, 95.98, 3.30),
        ("2010-02-27", 8.8, -72.90, -36.12),
        ("2011-03-11", 9.1, 142.37, 38.30),
        ("2023-02-06", 7.8, 37.01, 37.23),
    ],
)
def test_great_earthquakes_are_where_and_when_they_were(day, magnitude, longitude, latitude):
    table = load_catalog_table("usgs-world-m5")
    days = table["time_ns"].astype("datetime64[ns]").astype("datetime64[D]")
    found = np.flatnonzero((days == np.datetime64(day)) & (table["magnitude"] == magnitude))
    assert len(found) == 1
    assert abs(table["longitude"][found[0]] - longitude) < 0.1
    assert abs(table["latitude"][found[0]] - latitude) < 0.1


def test_catalogues_agree_where_they_overlap():
    world, tile, anatolia = (load_catalog_table(name) for name in CATALOGUES)
    here = inside(world, -5, -5, 95.0001, 55.0001)
    strong = tile["magnitude"] >= 5
    box = inside(tile, 25, 35, 45.0001, 43.0001)
    strong_box = anatolia["magnitude"] >= 4
    for key in world:
        assert np.array_equal(world[key][here], tile[key][strong])
        assert np.array_equal(tile[key][box], anatolia[key][strong_box])


@pytest.mark.parametrize(
    ("name", "longitude", "latitude", "metres"),
    [
        ("globe-anatolia", 44.30, 39.70, 4938),
        ("globe-anatolia", 42.44, 43.35, 5570),
        ("globe-tile", 52.11, 35.95, None),
        ("globe-tile", 44.30, 39.70, None),
        ("globe-tile", 6.86, 45.83, None),
    ],
)
def test_summits_stand_where_they_stand(name, longitude, latitude, metres):
    around = load_elevation(name).sel(
        x=slice(longitude - 0.4, longitude + 0.4), y=slice(latitude + 0.4, latitude - 0.4)
    )
    top = around.isel(around.argmax(...))
    assert abs(top.x - longitude) < 0.03
    assert abs(top.y - latitude) < 0.03
    if metres:
        assert top == metres


@pytest.mark.parametrize("name", ["globe-anatolia", "globe-tile"])
def test_grids_are_georeferenced(name):
    dataset = about(name)
    elevation, land = load_elevation(name), load_land(name)
    for grid in (elevation, land):
        assert (grid.dims, grid.dtype, grid.rio.crs.to_epsg()) == (("y", "x"), np.float32, 4326)
        assert np.allclose(grid.rio.bounds(), dataset.region)
        assert not np.isnan(grid.values).any()
    assert elevation.size == dataset.counts["cells"]
    assert elevation.values.min() == 0
    assert land.values.min() == 0
    assert land.values.max() == 1
    assert not elevation.values[land.values == 0].any()


def test_places_below_the_sea_are_land_at_zero():
    tile, land = load_elevation("globe-tile"), load_land("globe-tile")
    dead_sea = {"x": 35.475, "y": 31.5, "method": "nearest"}
    assert (tile.sel(**dead_sea), land.sel(**dead_sea)) == (0, 1)
    open_sea = {"x": 18.0, "y": 36.0, "method": "nearest"}
    assert (tile.sel(**open_sea), land.sel(**open_sea)) == (0, 0)


def test_outlines_are_closed_and_agree_with_the_land_mask():
    rings = load_coastline()
    assert len(rings) == about("natural-earth-land").counts["rings"]
    assert all(len(ring) >= 4 and (ring[0] == ring[-1]).all() for ring in rings)
    points = np.concatenate(rings)
    assert np.allclose([points[:, 0].min(), points[:, 0].max()], [-180, 180], atol=0.01)
    polygons = [{"type": "Polygon", "coordinates": [ring.tolist()]} for ring in rings]
    drawn = rasterize(polygons, (200, 360), transform=from_origin(0, 50, 0.25, 0.25))
    mask = load_land("globe-tile").values.reshape(200, 10, 360, 10).mean((1, 3)) > 0.5
    agree = (drawn == 1) == mask
    agree[10:60, 184:222] = True  # the Caspian Sea is land in the mask
    assert agree.mean() > 0.985


@pytest.fixture
def damaged(tmp_path, monkeypatch):
    """Copy of the shipped file of a data set, which the loaders read instead."""

    def copy(name):
        monkeypatch.setattr(registry, "FOLDER", tmp_path)
        return Path(shutil.copy(registry.REGISTRY.parent / about(name).file, tmp_path))

    return copy


def load(name):
    kind = about(name).kind
    if kind == "outlines":
        return load_coastline()
    return {"catalogue": load_catalog_table, "elevation": load_elevation}[kind](name)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_a_flipped_byte_is_noticed(damaged, name, place):
    path = damaged(name)
    load(name)
    content = bytearray(path.read_bytes())
    content[round(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"is damaged.*Install graben again"):
        load(name)


def test_a_cut_or_missing_file_is_noticed(damaged):
    path = damaged("usgs-tile-m4")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DatasetError, match="is damaged"):
        load_catalog_table("usgs-tile-m4")
    path.unlink()
    with pytest.raises(DatasetError, match=r"missing from the installation. Install graben again"):
        load_catalog_table("usgs-tile-m4")


def test_the_wrong_loader_names_the_right_names():
    with pytest.raises(InputError, match=r"expected 'catalogue': one of usgs-world-m5"):
        load_catalog_table("globe-tile")
    with pytest.raises(InputError, match="one of globe-anatolia"):
        load_elevation("usgs-tile-m4")
    with pytest.raises(InputError, match="has no land mask"):
        load_land("globe")
    with pytest.raises(InputError, match="its own columns"):
        load_catalog_table("gcmt")
