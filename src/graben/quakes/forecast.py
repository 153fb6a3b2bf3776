"""The main job: the probability of earthquakes, on a map or at places."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import graben
from graben.errors import ModelError
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.grid import Grid
from graben.quakes.models.base import Places, Probabilities, Situation
from graben.quakes.models.folder import Trained
from graben.quakes.models.rates import RateModel
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region
from graben.quakes.scene import CELL_DEGREES, Scene

if TYPE_CHECKING:
    import xarray as xr

ElevationOf = Callable[[Region], "xr.DataArray | None"]


@dataclass(frozen=True, eq=False)
class Setting:
    """One forecast to be made: a trained model, a catalogue, a box and an issue time.

    Attributes
    ----------
    trained
        The model.
    catalog
        What is known, cut at the issue time.
    region
        The box that is asked for.
    quantity
        What is asked for.
    scene
        The region and as much around it as the discs of its places need.
    hindsight
        Whether the issue time lies before the end of the model's training data.
    """

    trained: Trained
    catalog: Catalog
    region: Region
    quantity: Quantity
    scene: Scene
    hindsight: bool

    @property
    def issue_time(self) -> pd.Timestamp:
        """When the forecast begins."""
        return self.catalog.end


def set_up(
    trained: Trained,
    catalog: Catalog,
    region: Region,
    *,
    issue_time: pd.Timestamp | str | None = None,
    quantity: Quantity | None = None,
    elevation: ElevationOf | None = None,
) -> Setting:
    """Bring together what a forecast needs, and refuse what cannot be answered.

    Parameters
    ----------
    trained
        The model.
    catalog
        Events; only those up to the issue time are used.
    region
        Where to forecast.
    issue_time
        When the forecast begins (UTC); the catalogue's end by default.
    quantity
        What to forecast; what the model was trained for by default. The radius may differ.
    elevation
        Gives the metres at 0.025 degrees in a box, for models that need terrain.

    Raises
    ------
    StaleError
        The issue time is after the catalogue's end.
    ModelError
        The model was trained for another horizon or magnitude.
    """
    asked = quantity or trained.quantity
    if replace(asked, radius_km=trained.quantity.radius_km) != trained.quantity:
        raise ModelError(
            f"the model was trained for {trained.quantity.slug}, not {asked.slug}. Choose another "
            "model, or train one for this horizon and magnitude: graben quakes train "
            f"--horizon {asked.horizon_days}d --min-magnitude {asked.min_magnitude:g}"
        )
    known = catalog.until(catalog.end if issue_time is None else as_utc(issue_time))
    home = trained.region
    at_home = home.covers(region)
    around = region.padded(_reach(asked, region))
    if at_home:
        around = around.within(home)
    model = trained.model
    metres = None
    if elevation is not None and model.needs_terrain:
        metres = elevation(around.padded(model.margin_degrees))
    scene = Scene(
        known,
        around,
        asked,
        metres,
        trained.source_magnitude,
        reference=home if at_home else region,
    )
    hindsight = known.end < as_utc(trained.training_end)
    return Setting(trained, known, region, asked, scene, hindsight)


def _reach(quantity: Quantity, region: Region) -> float:
    """Degrees around the region that its outermost discs and the nets' 3 x 3 cells touch."""
    widest = np.cos(np.radians(min(max(abs(region.south), abs(region.north)) + 2, 85.0)))
    return float(np.ceil(quantity.radius_km / 111.0 / widest / CELL_DEGREES) + 2) * CELL_DEGREES


def forecast_map(setting: Setting) -> "xr.Dataset":
    """Return the forecast for every cell of the region.

    Returns
    -------
    xarray.Dataset
        Dimensions (issue_time, horizon, magnitude, latitude, longitude): `expected_count` per
        cell (NaN from models that give no rates), `probability` at the cell's centre and the
        bounds of its 90 % interval, `probability_low` and `probability_high`.

    Raises
    ------
    ModelError, RasterError
        The situation is outside what the model was made for.
    """
    import xarray as xr

    grid = Grid.covering(setting.region, CELL_DEGREES)
    lon, lat = np.meshgrid(grid.longitude, grid.latitude)
    situation = Situation(setting.scene, pd.DatetimeIndex([setting.issue_time]))
    setting.trained.model.check(situation)
    found = setting.trained.model.forecast(situation, (lon.ravel(), lat.ravel()))
    dims = ("issue_time", "horizon", "magnitude", "latitude", "longitude")
    shape = (1, 1, 1, *grid.shape)
    layers = {
        "expected_count": _expected(setting, situation),
        "probability": found.value,
        "probability_low": found.low,
        "probability_high": found.high,
    }
    return xr.Dataset(
        {name: (dims, np.asarray(values).reshape(shape)) for name, values in layers.items()},
        coords={
            "issue_time": [setting.issue_time.tz_localize(None).to_datetime64()],
            "horizon": [setting.quantity.horizon_days],
            "magnitude": [setting.quantity.min_magnitude],
            "latitude": grid.latitude,
            "longitude": grid.longitude,
        },
        attrs=_attributes(setting),
    )


def _expected(setting: Setting, situation: Situation) -> NDArray[Any]:
    grid = Grid.covering(setting.region, CELL_DEGREES)
    model = setting.trained.model
    if not isinstance(model, RateModel):
        return np.full(grid.shape, np.nan)
    rates = model.rates_at(situation)[0]
    return rates[setting.scene.grid.crop(grid.region)]


def _attributes(setting: Setting) -> dict[str, Any]:
    return {
        "title": setting.quantity.sentence,
        "model": setting.trained.model.name,
        "radius_km": setting.quantity.radius_km,
        "catalog_source": setting.catalog.source,
        "catalog_sha256": setting.catalog.sha256(),
        "catalog_end": setting.catalog.end.isoformat(),
        "training_end": setting.trained.training_end,
        "hindsight": str(setting.hindsight).lower(),
        "graben_version": graben.__version__,
    }


def forecast_places(
    setting: Setting, places: Places, times: pd.DatetimeIndex | None = None
) -> Probabilities:
    """Return the probability at places in the setting's region, (time, place).

    Parameters
    ----------
    setting
        The forecast.
    places
        Longitudes and latitudes in degrees, inside the region.
    times
        Issue times up to the setting's own, ascending; that one by default.
    """
    moments = pd.DatetimeIndex([setting.issue_time]) if times is None else times
    situation = Situation(setting.scene, moments)
    setting.trained.model.check(situation)
    return setting.trained.model.forecast(situation, places)
