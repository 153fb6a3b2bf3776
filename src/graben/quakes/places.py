"""Discs around places: expected counts inside them, and whether an earthquake fell in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from graben.quakes.grid import Grid

EARTH_RADIUS_KM = 6371.0
SUBROWS = 4


def unit_vectors(longitude: NDArray[Any], latitude: NDArray[Any]) -> NDArray[Any]:
    """Return positions on the unit sphere, (place, 3), from degrees."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def chord(radius_km: float) -> float:
    """Return the straight distance on the unit sphere that belongs to a great-circle distance."""
    return float(2 * np.sin(radius_km / EARTH_RADIUS_KM / 2))


def disc_matrix(
    grid: Grid,
    longitude: NDArray[Any],
    latitude: NDArray[Any],
    radius_km: float,
) -> "csr_matrix":
    """Return the share of each cell that lies within `radius_km` of each place.

    Multiplied with a flattened map of expected counts (row by row, from the south) it gives the
    expected counts in the discs. What of a disc lies outside the grid is not counted. Cells are
    cut into 4 rows, each with the exact great-circle chord of its middle.

    Returns
    -------
    scipy.sparse.csr_matrix
        (place, cell), values 0..1.

    Examples
    --------
    >>> grid = Grid(20, 30, 80, 80, 0.25)
    >>> share = disc_matrix(grid, np.array([30.0]), np.array([40.0]), 100.0)
    >>> area = share @ grid.area.ravel()
    >>> bool(abs(area[0] / (np.pi * 100**2) - 1) < 0.01)
    True
    """
    angle = radius_km / EARTH_RADIUS_KM
    step = grid.step / SUBROWS
    place = np.arange(len(longitude))[:, None]
    lowest = np.floor((latitude - np.degrees(angle) - grid.south) / step).astype(int)[:, None]
    subrow = lowest + np.arange(int(2 * np.degrees(angle) / step) + 2)
    phi = np.radians(grid.south + (subrow + 0.5) * step)
    centre = np.radians(np.asarray(latitude))[:, None]
    cosine = (np.cos(angle) - np.sin(centre) * np.sin(phi)) / (np.cos(centre) * np.cos(phi))
    used = (np.abs(cosine) < 1) & (subrow >= 0) & (subrow < grid.rows * SUBROWS)
    place = np.broadcast_to(place, used.shape)[used][:, None]
    half = np.degrees(np.arccos(cosine[used]))[:, None]
    west = (np.asarray(longitude)[place] - half - grid.west) / grid.step
    east = west + 2 * half / grid.step
    cell = np.floor(west).astype(int) + np.arange(int((east - west).max(initial=0)) + 2)
    share = (np.minimum(cell + 1, east) - np.maximum(cell, west)) / SUBROWS
    kept = (share > 0) & (cell >= 0) & (cell < grid.columns)
    flat = subrow[used][:, None] // SUBROWS * grid.columns + cell
    rows = np.broadcast_to(place, kept.shape)[kept]
    shape = (len(longitude), grid.rows * grid.columns)
    return csr_matrix((share[kept], (rows, flat[kept])), shape=shape)


def struck(
    longitude: NDArray[Any],
    latitude: NDArray[Any],
    event_longitude: NDArray[Any],
    event_latitude: NDArray[Any],
    event_window: NDArray[Any],
    windows: int,
    radius_km: float,
) -> NDArray[Any]:
    """Return (window, place): whether an event of the window lies within `radius_km`.

    Events whose window is negative belong to none.
    """
    hit = np.zeros((windows, len(longitude)), np.bool_)
    if not len(event_longitude):
        return hit
    tree = cKDTree(unit_vectors(longitude, latitude))
    near = tree.query_ball_point(unit_vectors(event_longitude, event_latitude), chord(radius_km))
    for window, places in zip(event_window, near, strict=True):
        if window >= 0:
            hit[window, places] = True
    return hit
