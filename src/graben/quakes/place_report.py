"""The probability at places, with its history and the events around."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.errors import InputError
from graben.quakes.catalog import Catalog
from graben.quakes.forecast import ElevationOf, Setting, forecast_places, set_up
from graben.quakes.models.base import Places
from graben.quakes.models.folder import Trained
from graben.quakes.places import EARTH_RADIUS_KM, unit_vectors
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region

HISTORY_YEARS = 10
LARGEST = 5


def read_places(given: Sequence[str]) -> tuple[list[str], NDArray[Any], NDArray[Any]]:
    """Return names, longitudes and latitudes from ``LON LAT`` or from a CSV file.

    Raises
    ------
    InputError
        Neither two numbers nor a CSV with the columns longitude and latitude; out of range.
    """
    if len(given) == 1 and Path(given[0]).is_file():
        table = pd.read_csv(given[0])
        table.columns = table.columns.str.strip().str.lower()
        if not {"longitude", "latitude"} <= set(table.columns):
            raise InputError(
                f"expected the columns longitude and latitude in {given[0]}, got "
                f"{', '.join(table.columns)}. Rename the columns."
            )
        names = table.get("name", pd.Series([f"place {i + 1}" for i in range(len(table))]))
        longitude = pd.to_numeric(table["longitude"], errors="coerce").to_numpy(float)
        latitude = pd.to_numeric(table["latitude"], errors="coerce").to_numpy(float)
    else:
        try:
            longitude, latitude = (np.array([float(text)]) for text in given)
        except ValueError:
            raise InputError(
                f"expected a longitude and a latitude, or a CSV file that exists; got "
                f"{' '.join(given)!r}. For example: graben quakes at 29.0 41.0"
            ) from None
        names = pd.Series([f"{longitude[0]:g} {latitude[0]:g}"])
    bad = ~((np.abs(longitude) <= 180) & (np.abs(latitude) <= 90))
    if bad.any() or not len(longitude):
        raise InputError(
            f"expected longitudes from -180 to 180 and latitudes from -90 to 90; {int(bad.sum())} "
            f"of {len(longitude)} places are not. Give the longitude first."
        )
    return names.astype(str).tolist(), longitude, latitude


def report_places(
    trained: Trained,
    catalog: Catalog,
    quantity: Quantity,
    names: Sequence[str],
    places: Places,
    elevation: ElevationOf,
) -> dict[str, Any]:
    """Return the probability at places now and over the last ten years, and the events around.

    The history is what the model would have said every horizon; before the end of its training
    data that is hindsight.
    """
    longitude, latitude = places
    box = Region(
        float(longitude.min()) - 0.01,
        float(latitude.min()) - 0.01,
        float(longitude.max()) + 0.01,
        float(latitude.max()) + 0.01,
    )
    setting = set_up(trained, catalog, box, quantity=quantity, elevation=elevation)
    step = pd.Timedelta(days=quantity.horizon_days)
    count = max(int(HISTORY_YEARS * 365.25 / quantity.horizon_days), 1)
    times = pd.DatetimeIndex([setting.issue_time - step * k for k in range(count, -1, -1)])
    times = times[times >= catalog.start]
    found = forecast_places(setting, places, times)
    rows = []
    for i, name in enumerate(names):
        past = found.value[:-1, i] if len(times) > 1 else found.value[:, i]
        row: dict[str, Any] = {
            "name": name,
            "longitude": float(longitude[i]),
            "latitude": float(latitude[i]),
            "probability": float(found.value[-1, i]),
            "low": _number(found.low[-1, i]),
            "high": _number(found.high[-1, i]),
            "history": {
                "median": float(np.median(past)),
                "highest": float(past.max()),
                "highest_at": times[int(past.argmax())].isoformat(),
                "hindsight_before": trained.training_end,
            },
            **_events_around(setting, longitude[i], latitude[i]),
        }
        rows.append(row)
    return {
        "quantity": quantity.sentence,
        **quantity.as_dict(),
        "model": trained.model.name,
        "issue_time": setting.issue_time.isoformat(),
        "hindsight": setting.hindsight,
        "places": rows,
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _events_around(setting: Setting, longitude: float, latitude: float) -> dict[str, Any]:
    """Return the latest and the largest targets within the radius, at most five of each."""
    quantity = setting.quantity
    table = setting.catalog.select(min_magnitude=quantity.min_magnitude).table
    position = unit_vectors(table["longitude"].to_numpy(), table["latitude"].to_numpy())
    centre = unit_vectors(np.array([longitude]), np.array([latitude]))[0]
    half = np.clip(np.linalg.norm(position - centre, axis=1) / 2, 0, 1)
    near = table.assign(distance_km=2 * EARTH_RADIUS_KM * np.arcsin(half))
    near = near[near["distance_km"] <= quantity.radius_km]
    return {
        "targets_since_start": len(near),
        "events": _as_rows(near.iloc[::-1][:LARGEST]),
        "largest": _as_rows(near.nlargest(LARGEST, "magnitude")),
    }


def _as_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    columns = zip(table["time"], table["magnitude"], table["distance_km"], strict=True)
    return [
        {
            "time": time.isoformat(),
            "magnitude": float(magnitude),
            "distance_km": round(float(distance), 1),
        }
        for time, magnitude, distance in columns
    ]
