"""What a user gives, and what stands in for what was not given: our own data on one tile."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from graben.datasets import load_elevation
from graben.errors import CatalogError, InputError
from graben.landforms import read_dem_degrees, resample_mean
from graben.quakes.catalog import Catalog, as_utc, embedded_catalog
from graben.quakes.default_model import load_continued, process_folder
from graben.quakes.formats import read_catalog
from graben.quakes.models.folder import (
    Trained,
    load_trained,
    model_class,
    model_names,
    shipped_folder,
)
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region
from graben.quakes.scene import ANATOLIA, TILE
from graben.quakes.study import Periods, Study
from graben.quakes.terrain import ELEVATION_STEP
from graben.quakes.training import periods_of, train

if TYPE_CHECKING:
    import xarray as xr


def open_catalog(path: Path | None) -> Catalog:
    """Read a catalogue; without a path, the one of the tile 0-50N 0-90E that ships."""
    return embedded_catalog() if path is None else read_catalog(path)


def extent(catalog: Catalog) -> Region:
    """Return the box of whole degrees around the catalogue's events.

    Raises
    ------
    CatalogError
        It has none, for example none before the issue time.
    """
    if not len(catalog):
        raise CatalogError(
            f"expected events before the issue time, got none in {catalog.source}. Ask for a later "
            "time, or give a longer catalogue."
        )
    longitude, latitude = catalog.table["longitude"], catalog.table["latitude"]
    return Region(
        float(np.floor(longitude.min())),
        float(np.floor(latitude.min())),
        float(min(np.floor(longitude.max()) + 1, 180)),
        float(min(np.floor(latitude.max()) + 1, 90)),
    )


def asked_region(
    region: Region | None, catalog_path: Path | None, catalog: Catalog, home: Region | None = None
) -> Region:
    """Return where to forecast: as asked, Anatolia for our own data, or where events are.

    Of a point process's home that is not more than the home.
    """
    if region is not None:
        return region
    if catalog_path is None and (home is None or home.covers(ANATOLIA)):
        return ANATOLIA
    return extent(catalog) if home is None else extent(catalog).within(home)


def open_elevation(dem: Path | None, box: Region) -> "xr.DataArray | None":
    """Return elevations at 0.025 degrees in a box; without a path, those of the tile that ship.

    None if nothing covers the box.

    Raises
    ------
    RasterError
        The elevation model cannot be read or does not cover the box.
    """
    if dem is not None:
        return resample_mean(read_dem_degrees(dem, box), ELEVATION_STEP, box)
    shares = box.west < TILE.east and box.east > TILE.west
    shares &= box.south < TILE.north and box.north > TILE.south
    return load_elevation("globe-tile") if shares else None


def open_study(
    catalog_path: Path | None,
    dem: Path | None,
    region: Region | None,
    quantity: Quantity,
    *,
    end: pd.Timestamp | None = None,
    source_magnitude: float = 4.5,
) -> Study:
    """Return the study that a model is trained on.

    With our own data and no region: the tile, Anatolia scored apart, and the periods of the
    published table. Otherwise the periods are shares of the catalogue's length.

    Raises
    ------
    CatalogError
        All events are below the source magnitude.
    """
    catalog = open_catalog(catalog_path)
    if end is not None:
        catalog = catalog.until(end)
    ours = catalog_path is None and region is None
    box = TILE if ours else region or extent(catalog)
    require_sources(catalog, source_magnitude, quantity)
    whole = ours and (end is None or end >= as_utc(Periods().test_end))
    elevation = open_elevation(dem, box)
    return Study(
        catalog,
        box,
        quantity,
        elevation,
        source_magnitude,
        periods=Periods() if whole else periods_of(catalog, catalog.end),
        boxes={"anatolia": ANATOLIA} if ours else {},
        region_name="tile" if ours else "region",
    )


def require_sources(catalog: Catalog, source_magnitude: float, quantity: Quantity) -> None:
    """Refuse a catalogue in which nothing can count, or a target that sources cannot reach."""
    largest = catalog.table["magnitude"].max() if len(catalog) else float("nan")
    if not largest >= source_magnitude:
        raise CatalogError(
            f"expected events of M >= {source_magnitude:g}, from which forecasts are made; the "
            f"largest of {len(catalog)} events is M {largest:g}. Give a catalogue with larger "
            "events, or train with a smaller --source-magnitude."
        )
    if quantity.min_magnitude < source_magnitude:
        raise InputError(
            f"expected a target magnitude of at least the source magnitude {source_magnitude:g}, "
            f"got {quantity.min_magnitude:g}. Raise --min-magnitude or lower --source-magnitude."
        )


def open_model(
    name: str,
    quantity: Quantity,
    catalog_path: Path | None,
    dem: Path | None,
    region: Region | None,
    issue_time: pd.Timestamp | None,
) -> Trained:
    """Return the model of a folder, the one that ships, or one fitted here and now.

    Parameters
    ----------
    name
        A folder, or the name of a model. `grid-cnn` is the trained one that ships, and so are the
        regions that a point process ships for; others are fitted to the catalogue up to the issue
        time.
    quantity
        What is to be forecast.
    catalog_path, dem, region, issue_time
        What the user gave.
    """
    process = process_folder(name)
    if process is not None:
        return load_continued(process, quantity)
    if Path(name).is_dir():
        return load_trained(name)
    if name == "grid-cnn":
        return load_trained(shipped_folder(quantity))
    if name not in model_names():
        model_class(name)
    if region is not None and catalog_path is None and TILE.covers(region):
        region = None  # our own catalogue: learn from all of its tile
    return train(open_study(catalog_path, dem, region, quantity, end=issue_time), name)
