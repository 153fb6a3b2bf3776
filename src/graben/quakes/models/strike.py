"""The strike of past seismicity about an event, along which its aftershocks are expected."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graben.quakes.models.background_kernels import MOMENTS, near_sums
from graben.quakes.models.source_tiles import places_of_events, places_of_points, tiles_of
from graben.quakes.sequence import EventSequence

BANDWIDTH_KM = 3.0
REACH_KM = 6 * BANDWIDTH_KM
LOCATION_ERROR_KM = 0.1
NEIGHBOURS_FOR_HALF = 10.0


class Strikes(NamedTuple):
    """Directions and how marked they are; arrays of one length.

    Attributes
    ----------
    east, north
        Unit vector along strike; it and its opposite are the same.
    strength
        From 0, no direction, to 1, a line.
    """

    east: NDArray[Any]
    north: NDArray[Any]
    strength: NDArray[Any]


def strikes_of(sequence: EventSequence) -> Strikes:
    """Return the strike at each event, of the events strictly before it.

    It is the major axis of the covariance of their epicentres, weighted by a Gaussian of 3 km
    about the event, those beyond 18 km left out. With the variances l1 >= l2 along and across, and
    the location error e of 0.1 km, the strength is (l1 - l2) / (l1 + l2 + 2 e2), times n / (n + 10)
    where n is the sum of the weights: ten neighbours halve it, none make it 0 (and the direction
    east).

    Examples
    --------
    Events on a line that strikes north-east:

    >>> from graben.quakes.polygon import Polygon
    >>> from graben.quakes.sequence import Windows
    >>> along = np.random.default_rng(0).uniform(-0.02, 0.02, 200)
    >>> sequence = EventSequence(
    ...     np.arange(200.0), along, along, np.full(200, 3.0), 3.0, 0.1,
    ...     Polygon([-1, 1, 1, -1], [-1, -1, 1, 1]),
    ...     Windows("2000-01-01", "2000-02-01", "2000-03-01", "2000-04-01", "2000-07-19"),
    ... )
    >>> found = strikes_of(sequence)
    >>> float(np.degrees(np.arctan2(found.north[-1], found.east[-1])).round(3))
    45.0
    >>> bool(found.strength[-1] > 0.9), float(found.strength[0])
    (True, 0.0)
    """
    places = places_of_events(sequence, np.arange(len(sequence)))
    return _strikes(sequence, places, sequence.history, places)


def strike_at(
    sequence: EventSequence, longitude: ArrayLike, latitude: ArrayLike, until_event: int
) -> Strikes:
    """Return the strike at points (degrees) of the first `until_event` events; see `strikes_of`."""
    places = places_of_points(sequence, np.asarray(longitude, float), np.asarray(latitude, float))
    sources = places_of_events(sequence, np.arange(until_event))
    return _strikes(sequence, places, np.full(places.shape[1], until_event), sources)


def _strikes(
    sequence: EventSequence, places: NDArray[Any], known: NDArray[Any], sources: NDArray[Any]
) -> Strikes:
    tiles = tiles_of(sequence, sources, np.ones(sources.shape[1]), REACH_KM)
    sums = np.empty((known.size, MOMENTS))
    near_sums(places, known, tiles, np.float32(-np.log2(np.e) / (2 * BANDWIDTH_KM**2)), sums)
    neighbours = sums[:, 0]
    x, y, xx, xy, yy = (sums[:, 1:] / np.maximum(neighbours, 1e-30)[:, None]).T
    xx, xy, yy = xx - x * x, xy - x * y, yy - y * y
    angle = np.arctan2(2 * xy, xx - yy) / 2
    marked = np.hypot(xx - yy, 2 * xy) / (np.maximum(xx + yy, 0) + 2 * LOCATION_ERROR_KM**2)
    shrunk = np.minimum(marked, 1.0) * neighbours / (neighbours + NEIGHBOURS_FOR_HALF)
    return Strikes(np.cos(angle), np.sin(angle), shrunk)
