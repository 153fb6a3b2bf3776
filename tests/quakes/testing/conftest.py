"""A small gridded forecast whose truth is known, and catalogues drawn from it."""

import numpy as np
import pandas as pd
import pytest

from graben.quakes.catalog import Catalog
from graben.quakes.region import Region
from graben.quakes.testing.catalog_forecast import CatalogForecast
from graben.quakes.testing.grids import Cells, GriddedForecast, Targets

START, END = pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2020-01-31", tz="UTC")


@pytest.fixture(scope="session")
def gridded():
    """Thirty earthquakes expected in 120 cells and 8 bins."""
    random = np.random.default_rng(7)
    magnitudes = 4 + 0.5 * np.arange(8)
    rates = random.lognormal(0, 1.5, (120, 1)) * 10.0 ** -(magnitudes - 4)
    cells = Cells.of(Region(20, 30, 21.2, 31), 0.1, magnitudes)
    return GriddedForecast(cells, 30 * rates / rates.sum(), START, END, "made")


@pytest.fixture(scope="session")
def drawn():
    """Draw earthquakes from a gridded forecast: as many as asked for, or a Poisson number."""

    def draw(forecast, seed, number=None):
        random = np.random.default_rng(seed)
        number = random.poisson(forecast.expected) if number is None else number
        share = forecast.rates.ravel() / forecast.expected
        flat = random.choice(share.size, number, p=share)
        bins = forecast.cells.magnitudes.size
        return Targets(flat // bins, flat % bins, forecast.cells)

    return draw


@pytest.fixture(scope="session")
def simulated(gridded, drawn):
    """A hundred catalogues of the gridded forecast, some of them with few earthquakes."""
    random = np.random.default_rng(3)
    numbers = random.poisson(gridded.expected * random.gamma(1.0, 1.0, 100))
    events = drawn(gridded, 4, int(numbers.sum()))
    catalog = np.repeat(np.arange(100), numbers)
    return CatalogForecast(
        gridded.cells, catalog, events.cell, events.bin, 100, START, END, "drawn"
    )


@pytest.fixture(scope="session")
def catalog_of():
    """Turn targets into a catalogue of the forecast's window, events evenly spread in time."""

    def catalog(targets, start=START, end=END):
        number = len(targets)
        middle = targets.cells.step / 2
        table = pd.DataFrame(
            {
                "time": start + (end - start) * (np.arange(number) + 0.5) / max(number, 1),
                "longitude": targets.cells.west[targets.cell] + middle,
                "latitude": targets.cells.south[targets.cell] + middle,
                "magnitude": targets.cells.magnitudes[targets.bin] + 0.05,
            }
        )
        return Catalog.from_table(table, "made by code", start - pd.Timedelta(days=1), end)

    return catalog
