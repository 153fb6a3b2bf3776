"""Where background earthquakes happen: maps of past seismicity at several scales at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graben.errors import InputError
from graben.quakes.models.background_kernels import HALVINGS, masses_inside, near_sums
from graben.quakes.models.source_tiles import places_of_events, places_of_points, tiles_of
from graben.quakes.models.spatial_mixture import SpatialMixture
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EARTH_RADIUS_KM, EventSequence

NARROWEST_KM = 0.1
LEAST_MASS = 0.2
NEGLECTED = 1e-6
GAUSS_LEGENDRE = np.array([0.5 - np.sqrt(1 / 12), 0.5 + np.sqrt(1 / 12)])


@dataclass(frozen=True)
class Background:
    """Maps of the background: a uniform one, and Gaussians about past events at each bandwidth.

    Each map is a density per km2 over the polygon. It knows only events before the block of days
    that its target lies in; blocks are counted from the training start, and again from the test
    start. A map of no event is uniform. Gaussians are cut to the polygon: a map is divided by the
    sum of its Gaussians' shares inside, each taken as 0.2 at least, so it integrates to 1 over the
    polygon, or to less where most of the polygon is narrower than the bandwidth.

    Attributes
    ----------
    bandwidths_km
        Standard deviations, ascending, each twice the one before. Below 0.1 km a map would repeat
        the catalogue's location errors.
    refresh_days
        Length of a block.
    frozen
        Whether the test window is one block, so that no test event becomes a source.
    cell_share
        Edge of the cells that thin the sources, in units of the root of the polygon's area.
    cell_days
        Length of the windows that thin the sources.

    Raises
    ------
    InputError
        A bandwidth is below 0.1 km, they do not double, or a length is not above 0.

    References
    ----------
    Helmstetter, Kagan & Jackson (2007), doi:10.1785/gssrl.78.1.78; Zhuang, Ogata & Vere-Jones
    (2002), doi:10.1198/016214502760046925.
    """

    bandwidths_km: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
    refresh_days: float = 30.0
    frozen: bool = False
    cell_share: float = 0.02
    cell_days: float = 100.0

    def __post_init__(self) -> None:
        widths = np.array(self.bandwidths_km, float)
        if widths.size == 0 or not widths[0] >= NARROWEST_KM:
            raise InputError(
                f"expected bandwidths of {NARROWEST_KM:g} km and more, got {self.bandwidths_km}. "
                "Epicentres are not known better than that; leave the narrow ones out."
            )
        if not np.allclose(widths[1:], 2 * widths[:-1]):
            raise InputError(
                f"expected bandwidths of which each is twice the one before, got "
                f"{self.bandwidths_km}. Give such as (0.5, 1, 2, 4)."
            )
        if not min(self.refresh_days, self.cell_share, self.cell_days) > 0:
            raise InputError(
                "expected refresh_days, cell_share and cell_days above 0, got "
                f"{self.refresh_days}, {self.cell_share} and {self.cell_days}. Give positive ones."
            )

    def rank_weights(self, sequence: EventSequence) -> NDArray[Any]:
        """Return 1 / (number of the event in its cell and window of days), (event,)."""
        cell = self.cell_share * np.sqrt(sequence.polygon.area_km2)
        narrowing = np.cos(np.radians(sequence.polygon.centre[1]))
        keys = pd.DataFrame(
            {
                "east": np.floor(sequence.east_km * narrowing / cell),
                "north": np.floor(sequence.north_km / cell),
                "window": np.floor(sequence.time / self.cell_days),
            }
        )
        rank: NDArray[Any] = keys.groupby(list(keys)).cumcount().to_numpy() + 1.0
        return 1 / rank

    def maps(
        self, sequence: EventSequence, weights: NDArray[Any], events: NDArray[Any]
    ) -> NDArray[Any]:
        """Return the maps at events, as they stood before each one's block.

        Parameters
        ----------
        sequence
            The events; those before training are sources too.
        weights
            Weights of the events as sources, (event, family); the weight of an event must not
            depend on later ones.
        events
            Numbers of the events to map at.

        Returns
        -------
        numpy.ndarray
            (event, 1 + family * bandwidth): per km2; uniform first, then the bandwidths of each
            family, narrow to wide. Sources beyond a reach are left out, at a cost below 1e-6 of
            the uniform density.

        Raises
        ------
        InputError
            There is not one row of weights for each event of the sequence.
        """
        _require_weights(sequence, weights, 0)
        known = self._known(sequence, events)
        return self._densities(sequence, weights, places_of_events(sequence, events), known)

    def at(
        self,
        sequence: EventSequence,
        weights: NDArray[Any],
        longitude: ArrayLike,
        latitude: ArrayLike,
        until_event: int,
    ) -> NDArray[Any]:
        """Return the maps of the first `until_event` events at points inside the polygon.

        Points are in degrees, (point,); the maps are (point, 1 + family * bandwidth), per km2.

        Raises
        ------
        InputError
            There is not one row of weights for each event, or there are fewer than `until_event`.
        """
        _require_weights(sequence, weights, until_event)
        places = places_of_points(
            sequence, np.asarray(longitude, float), np.asarray(latitude, float)
        )
        known = np.full(places.shape[1], until_event)
        return self._densities(sequence, weights, places, known)

    def mixture(
        self,
        sequence: EventSequence,
        weights: NDArray[Any],
        rates: NDArray[Any],
        until_event: int,
    ) -> SpatialMixture:
        """Return the background as uniform rate and Gaussians about the first `until_event` events.

        `rates` are the events per day of each map, in the order of `maps`. Gaussians which
        together hold less than 1e-6 of the rate are given to the uniform part.

        Raises
        ------
        InputError
            There is not one row of weights for each event, or there are fewer than `until_event`.
        """
        _require_weights(sequence, weights, until_event)
        masses = self._masses(sequence, until_event)
        seen = weights[:until_event, :, None] * masses[:, None, :]
        held = weights[:until_event, :, None] * np.maximum(masses, LEAST_MASS)[:, None, :]
        total = held.sum(axis=0)
        by_map = rates[1:].reshape(total.shape)
        rate = np.divide(by_map * seen, total, out=np.zeros_like(seen), where=total > 0)
        ascending = np.sort(rate.ravel())
        dropped = np.searchsorted(np.cumsum(ascending), NEGLECTED * rates.sum())
        kept = (rate > 0) & (rate >= np.append(ascending, np.inf)[dropped])
        source, _, bandwidth = np.nonzero(kept)
        return SpatialMixture(
            sequence.polygon,
            float(rates[0] + by_map[total <= 0].sum() + rate[~kept].sum()),
            sequence.longitude[source],
            sequence.latitude[source],
            np.array(self.bandwidths_km)[bandwidth],
            rate[kept],
        )

    def _known(self, sequence: EventSequence, events: NDArray[Any]) -> NDArray[Any]:
        time, training, test = sequence.time[events], sequence.days[1], sequence.days[3]
        blocks = np.floor((time - training) / self.refresh_days)
        start = training + blocks * self.refresh_days
        in_test = np.floor((time - test) / self.refresh_days) * (not self.frozen)
        start = np.where(time >= test, test + in_test * self.refresh_days, start)
        # the block's start may round to just after its first event
        return np.minimum(np.searchsorted(sequence.time, start), sequence.history[events])

    def _densities(
        self,
        sequence: EventSequence,
        weights: NDArray[Any],
        places: NDArray[Any],
        known: NDArray[Any],
    ) -> NDArray[Any]:
        until = int(known.max(initial=0))
        held = np.maximum(self._masses(sequence, until), LEAST_MASS)
        uniform = 1 / sequence.polygon.area_km2
        columns = [np.full((known.size, 1), uniform)]
        for weight in weights[:until].T:
            total = np.cumsum(np.pad(weight[:, None] * held, ((1, 0), (0, 0))), axis=0)[known]
            sums = self._sums(sequence, weight, places, known)
            even = np.full_like(sums, uniform)
            columns.append(np.divide(sums, total, out=even, where=total > 0))
        return np.concatenate(columns, axis=1)

    def _sums(
        self,
        sequence: EventSequence,
        weight: NDArray[Any],
        places: NDArray[Any],
        known: NDArray[Any],
    ) -> NDArray[Any]:
        """Return the weighted sums of whole Gaussians, per km2, (target, bandwidth)."""
        sources = places_of_events(sequence, np.arange(weight.size))
        out = np.empty((known.size, len(self.bandwidths_km)))
        # in groups: squaring on and on would magnify the rounding of single precision beyond 1e-5
        for end in range(out.shape[1], 0, -HALVINGS):
            widest = self.bandwidths_km[end - 1]
            peak = 1 / (2 * np.pi * widest**2)
            left_out = NEGLECTED * LEAST_MASS / sequence.polygon.area_km2
            reach = widest * np.sqrt(2 * np.log(max(peak / left_out, np.e)))
            tiles = tiles_of(sequence, sources, weight, float(reach))
            sums = np.empty((known.size, HALVINGS))
            near_sums(places, known, tiles, np.float32(-np.log2(np.e) / (2 * widest**2)), sums)
            first = max(0, end - HALVINGS)
            out[:, first:end] = sums[:, : end - first][:, ::-1]
        return out / (2 * np.pi * np.square(self.bandwidths_km))

    def _masses(self, sequence: EventSequence, until_event: int) -> NDArray[Any]:
        """Return the share of each source's Gaussian inside the polygon, (event, bandwidth)."""
        sources = places_of_events(sequence, np.arange(until_event))
        out = np.empty((len(self.bandwidths_km), until_event))
        for bandwidth, row in zip(self.bandwidths_km, out, strict=True):
            boundary = _boundary(sequence.polygon, bandwidth)
            masses_inside(sources, boundary, bandwidth, row)
        return out.T


def background_probability(
    maps: NDArray[Any], rates: NDArray[Any], triggered: NDArray[Any]
) -> NDArray[Any]:
    """Return the probability of each event, just as it happens, to be a background event.

    Parameters
    ----------
    maps
        Densities of the background maps at the events, per km2, (event, map).
    rates
        Events per day of each map, (map,).
    triggered
        Triggered intensity at the events, per day and km2, (event,).

    References
    ----------
    Zhuang, Ogata & Vere-Jones (2002), doi:10.1198/016214502760046925.

    Examples
    --------
    >>> background_probability(np.array([[0.01]]), np.array([2.0]), np.array([0.06])).tolist()
    [0.25]
    """
    background = maps @ rates
    return background / (background + triggered)


def _require_weights(sequence: EventSequence, weights: NDArray[Any], until_event: int) -> None:
    if weights.ndim != 2 or len(weights) != len(sequence) or until_event > len(sequence):
        raise InputError(
            f"expected weights (event, family) for {len(sequence)} events, and no more than those "
            f"as sources, got weights of shape {weights.shape} and {until_event} sources. Make the "
            "weights from the same sequence."
        )


def _boundary(polygon: Polygon, step: float) -> NDArray[Any]:
    """Return the nodes of `masses_inside`: two of Gauss and Legendre for each `step` km."""
    centre_east, centre_north = polygon.centre
    east = EARTH_RADIUS_KM * np.radians(polygon.longitude - centre_east)
    lat = np.radians(polygon.latitude)
    turns = np.sign(np.sum(east * np.roll(lat, -1) - np.roll(east, -1) * lat))
    to_east, to_lat = np.roll(east, -1) - east, np.roll(lat, -1) - lat
    length = np.hypot(to_east * np.cos(lat + to_lat / 2), to_lat * EARTH_RADIUS_KM)
    pieces = np.ceil(length / step).astype(int)
    edge = np.repeat(np.arange(lat.size), pieces)
    piece = np.arange(edge.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    along = ((piece[:, None] + GAUSS_LEGENDRE) / pieces[edge][:, None]).ravel()
    edge = np.repeat(edge, 2)
    node_lat = lat[edge] + along * to_lat[edge]
    north = EARTH_RADIUS_KM * (node_lat - np.radians(centre_north))
    weight = turns * EARTH_RADIUS_KM * to_lat[edge] / pieces[edge] / 2
    nodes = np.stack(
        [
            east[edge] + along * to_east[edge],
            north,
            np.cos(node_lat / 2),
            np.sin(node_lat / 2),
            np.cos(node_lat),
            weight,
        ]
    )
    # edges along a parallel add nothing
    return np.ascontiguousarray(nodes[:, weight != 0][:, np.argsort(north[weight != 0])])
