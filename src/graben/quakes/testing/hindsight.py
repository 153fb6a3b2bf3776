"""What the forecast said of a place just before a large shock struck it."""

from typing import Any

import numpy as np
import pandas as pd

from graben.quakes.catalog import as_utc
from graben.quakes.models.base import ForecastModel, Situation
from graben.quakes.study import Study

LARGE = 6.5


def large_shocks(
    model: ForecastModel, study: Study, training_end: str, min_magnitude: float = LARGE
) -> list[dict[str, Any]]:
    """Return the probability that stood at the place of each large shock just before it.

    Parameters
    ----------
    model
        A fitted model.
    study
        Its region, catalogue and places.
    training_end
        ISO date; shocks before it are marked as hindsight.
    min_magnitude
        What counts as large.

    Returns
    -------
    list of dict
        By time: `time`, `magnitude`, `longitude`, `latitude`, `depth`, `label`, `probability`
        one second before, `share_higher` (share of the region's area that stood higher) and
        `hindsight`.
    """
    since = as_utc(study.periods.training_start)
    shocks = study.catalog.select(
        min_magnitude=min_magnitude, region=study.region, start=since
    ).table
    longitude, latitude = study.places
    inner = (
        shocks["longitude"].between(longitude.min(), longitude.max())
        & shocks["latitude"].between(latitude.min(), latitude.max())
    ).to_numpy()
    shocks = shocks[inner].reset_index(drop=True)
    rows = []
    for first in range(0, len(shocks), 16):
        part = shocks.iloc[first : first + 16]
        times = pd.DatetimeIndex(part["time"] - pd.Timedelta(seconds=1))
        places = (
            np.concatenate([longitude, part["longitude"]]),
            np.concatenate([latitude, part["latitude"]]),
        )
        found = model.forecast(Situation(study, times), places).value
        for i, (_, shock) in enumerate(part.iterrows()):
            here = found[i, longitude.size + i]
            higher = np.average(found[i, : longitude.size] > here, weights=study.place_weight)
            rows.append(
                {
                    "time": shock["time"].isoformat(),
                    "magnitude": float(shock["magnitude"]),
                    "longitude": float(shock["longitude"]),
                    "latitude": float(shock["latitude"]),
                    "depth": float(shock["depth"]),
                    "label": f"{shock['time']:%Y-%m-%d} M{shock['magnitude']:.1f}",
                    "probability": float(here),
                    "share_higher": float(higher),
                    "hindsight": bool(shock["time"] < as_utc(training_end)),
                }
            )
    return rows
