"""A small world whose truth is known: earthquakes in clusters, and terrain, made by code."""

from collections.abc import Iterator
from dataclasses import replace

import numba
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from graben.quakes.catalog import Catalog
from graben.quakes.models.grid_cnn import RECIPE, GridCnn
from graben.quakes.models.mixture import Omori, Stationary, Uniform
from graben.quakes.models.rates import RateModel, Seen, watch
from graben.quakes.region import Region
from graben.quakes.study import Periods, Study

AEGEAN = Region(20, 30, 32, 42)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Nets this small run on one thread; waiting for a second one takes longer than it saves.

    The loops of numba too: their first start would give torch its threads back.
    """
    threads = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    yield
    torch.set_num_threads(threads[0])
    numba.set_num_threads(threads[1])


def clustered_events(seed: int = 1) -> pd.DataFrame:
    """Poissonian main shocks about a few centres, each followed by Omori-Utsu aftershocks."""
    rng = np.random.default_rng(seed)
    span = 30 * 365.25
    centres = rng.uniform((20, 30), (32, 42), (8, 2))
    count = 500
    centre = centres[rng.integers(0, 8, count)]
    main = pd.DataFrame(
        {
            "day": rng.uniform(0, span, count),
            "longitude": np.clip(centre[:, 0] + rng.normal(0, 0.7, count), 16, 36),
            "latitude": np.clip(centre[:, 1] + rng.normal(0, 0.6, count), 26, 46),
            "magnitude": 4.4 + rng.exponential(1 / np.log(10), count).round(1),
        }
    )
    parts = [main]
    for _, shock in main.iterrows():
        children = rng.poisson(0.8 * 10 ** (0.8 * (shock["magnitude"] - 5)))
        share = rng.random(children)
        age = 0.05 * ((1 - share) ** -5.0 - 1)
        place = rng.normal(0, 0.1, (2, children))
        parts.append(
            pd.DataFrame(
                {
                    "day": shock["day"] + age,
                    "longitude": shock["longitude"] + place[0],
                    "latitude": shock["latitude"] + place[1],
                    "magnitude": 4.4 + rng.exponential(1 / np.log(10), children).round(1),
                }
            )
        )
    table = pd.concat(parts)
    table = table[(table["day"] < span) & (table["magnitude"] < 8)]
    table["time"] = pd.Timestamp("1990-01-01", tz="UTC") + pd.to_timedelta(table["day"], unit="D")
    table["depth"] = 10.0
    return table.drop(columns="day")


def hills(region: Region) -> xr.DataArray:
    """Smooth hills and sea beds, metres at 0.025 degrees."""
    x = np.arange(region.west + 0.0125, region.east, 0.025)
    y = np.arange(region.north - 0.0125, region.south, -0.025)
    metres = 600 * (np.sin(2 * x) + np.cos(3 * y)[:, None]) + 300
    return xr.DataArray(metres.astype(np.float32), {"y": y, "x": x}, ("y", "x"))


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Thirty years of clustered earthquakes of M >= 4.4."""
    return Catalog.from_table(clustered_events(), "made by code", "1990-01-01", "2020-01-01")


@pytest.fixture(scope="session")
def study(catalog: Catalog) -> Study:
    """A study of 12 x 12 degrees with land, sea and terrain."""
    return Study(
        catalog,
        AEGEAN,
        elevation=hills(AEGEAN.padded(3)),
        periods=Periods("1998-01-01", "2010-01-01", "2014-01-01", "2020-01-01"),
        boxes={"north": Region(20, 36, 32, 42)},
        region_name="aegean",
    )


@pytest.fixture(scope="session")
def _fitted(study: Study) -> tuple[dict[str, RateModel], dict[str, Seen]]:
    small = GridCnn(seeds=1, recipe=replace(RECIPE, max_epochs=4, patience=0, keep_best=False))
    models: dict[str, RateModel] = {
        "uniform": Uniform(),
        "stationary": Stationary(),
        "omori": Omori(),
        "grid-cnn": small,
    }
    for model in models.values():
        model.fit_rates(study)
        model.calibrations_ = {}
    said = watch(models, study, np.arange(len(study.issue_times)))
    for name, model in models.items():
        model.calibrate(study, said[name])
    return models, said


@pytest.fixture(scope="session")
def rate_models(_fitted: tuple[dict[str, RateModel], dict[str, Seen]]) -> dict[str, RateModel]:
    """The models of rates, fitted to the small study."""
    return _fitted[0]


@pytest.fixture(scope="session")
def seen(_fitted: tuple[dict[str, RateModel], dict[str, Seen]]) -> dict[str, Seen]:
    """What the models of rates said of all windows."""
    return _fitted[1]
