"""Earthquakes sorted into square tiles, so that sums over near ones need not visit all."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graben.quakes.sequence import EARTH_RADIUS_KM, EventSequence

TILES_PER_REACH = 5
MOST_TILES_ACROSS = 1000


class SourceTiles(NamedTuple):
    """Sources by tile, each tile's in the order of time, in the form that the kernels read.

    Attributes
    ----------
    south, west
        Corner of the first tile, km in the sequence's coordinates.
    width
        Width of a tile, km; along parallels as measured on the equator.
    rows, columns
        Number of tiles.
    narrowest
        Smallest cosine of latitude in the polygon.
    reach
        Sources farther than this, km, may be left out.
    tile
        Tile of each source in the order of time, (source,).
    first
        Where each tile's sources begin in `places`, (tile + 1,).
    places
        float32, (5, source), sorted by tile: east and north of the tile's centre in km, cosine and
        sine of half the latitude, weight. Measured from the tile, so that single precision holds
        metres.
    """

    south: float
    west: float
    width: float
    rows: int
    columns: int
    narrowest: float
    reach: float
    tile: NDArray[Any]
    first: NDArray[Any]
    places: NDArray[Any]


def places_of_events(sequence: EventSequence, events: NDArray[Any]) -> NDArray[Any]:
    """Return (4, event): east and north in km, cosine and sine of half the latitude."""
    half = np.radians(sequence.latitude[events]) / 2
    return np.stack(
        [sequence.east_km[events], sequence.north_km[events], np.cos(half), np.sin(half)]
    )


def places_of_points(
    sequence: EventSequence, longitude: NDArray[Any], latitude: NDArray[Any]
) -> NDArray[Any]:
    """Return (4, point), as of events, for points in degrees."""
    centre_east, centre_north = sequence.polygon.centre
    half = np.radians(latitude) / 2
    return np.stack(
        [
            EARTH_RADIUS_KM * np.radians(sequence.polygon.near(longitude) - centre_east),
            EARTH_RADIUS_KM * np.radians(latitude - centre_north),
            np.cos(half),
            np.sin(half),
        ]
    )


def tiles_of(
    sequence: EventSequence, sources: NDArray[Any], weights: NDArray[Any], reach: float
) -> SourceTiles:
    """Sort sources, (4, source) in the order of time, into tiles for sums within `reach` km.

    The tiles are laid out by the polygon, not by the sources: what is summed up to an event is
    then the same to the last bit whatever comes later.
    """
    corners = places_of_points(sequence, sequence.polygon.longitude, sequence.polygon.latitude)
    west, south = corners[:2].min(axis=1).tolist()
    extent = corners[:2].max(axis=1) - (west, south)
    width = max(reach / TILES_PER_REACH, float(extent.max()) / MOST_TILES_ACROSS)
    columns, rows = (int(across) + 1 for across in extent / width)
    column = np.clip(np.floor((sources[0] - west) / width), 0, columns - 1).astype(np.int64)
    row = np.clip(np.floor((sources[1] - south) / width), 0, rows - 1).astype(np.int64)
    tile = row * columns + column
    order = np.argsort(tile, kind="stable")
    local = np.stack(
        [
            sources[0] - (west + (column + 0.5) * width),
            sources[1] - (south + (row + 0.5) * width),
            sources[2],
            sources[3],
            weights,
        ]
    )
    return SourceTiles(
        south,
        west,
        width,
        rows,
        columns,
        # at a pole a little above 0, so that it divides
        max(float(np.cos(np.radians(np.abs(sequence.polygon.latitude).max()))), 1e-6),
        reach,
        tile,
        np.concatenate([[0], np.cumsum(np.bincount(tile, minlength=rows * columns))]),
        np.ascontiguousarray(local[:, order], np.float32),
    )
