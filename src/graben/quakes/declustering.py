"""Aftershocks, told from what was known when each event happened."""

import numpy as np
import numpy.typing as npt

from graben.quakes.catalog import Catalog
from graben.quakes.places import EARTH_RADIUS_KM, unit_vectors


def forward_gardner_knopoff(catalog: Catalog) -> npt.NDArray[np.bool_]:
    """Mark aftershocks with Gardner-Knopoff windows that look forward in time only.

    An event is an aftershock where a strictly earlier one, at least as large and itself no
    aftershock, has it within its window of distance and time. Flags of events up to a time thus
    never depend on what came later; the usual two-sided windows leak a later mainshock into the
    past by deleting its foreshocks.

    Parameters
    ----------
    catalog
        Any catalogue; depth plays no part.

    Returns
    -------
    array of bool, shape (events,)
        True where the event is an aftershock.

    References
    ----------
    Gardner and Knopoff (1974), doi:10.1785/BSSA0640051363.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"time": ["2020-01-01", "2020-01-02", "2020-01-03"],
    ...                      "longitude": 30.0, "latitude": 40.0, "magnitude": [5.0, 6.0, 4.0]})
    >>> forward_gardner_knopoff(Catalog.from_table(rows, "three events"))
    array([False, False,  True])
    """
    table = catalog.table
    time = table["time"].astype("int64").to_numpy()
    magnitude = table["magnitude"].to_numpy(float)
    x, y, z = unit_vectors(table["longitude"].to_numpy(), table["latitude"].to_numpy()).T
    reach_km, reach_days = gardner_knopoff_windows(magnitude)
    closest_cosine = np.cos(np.minimum(reach_km / EARTH_RADIUS_KM, np.pi))
    first = np.searchsorted(time, time, "right")
    last = np.searchsorted(time, time + (reach_days * 86400e9).astype(np.int64), "right")
    aftershock = np.zeros(len(table), bool)
    for event in range(len(table)):
        if aftershock[event]:
            continue
        later = slice(first[event], last[event])
        cosine = x[later] * x[event] + y[later] * y[event] + z[later] * z[event]
        near = cosine >= closest_cosine[event]
        aftershock[later] |= near & (magnitude[later] <= magnitude[event])
    return aftershock


def gardner_knopoff_windows(
    magnitude: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give the window of each magnitude: distance in km and time in days.

    Examples
    --------
    >>> reach_km, reach_days = gardner_knopoff_windows(np.array([5.0, 7.0]))
    >>> reach_km.round(1), reach_days.round(0)
    (array([40. , 70.7]), array([144., 918.]))
    """
    small = 0.5409 * magnitude - 0.547
    large = 0.032 * magnitude + 2.7389
    return 10 ** (0.1238 * magnitude + 0.983), 10 ** np.where(magnitude >= 6.5, large, small)
