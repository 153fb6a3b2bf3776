"""Where the next event happens, from where the last ones did."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graben.progress import track
from graben.quakes.models.recent_kernels import recent_densities
from graben.quakes.sequence import EventSequence

RANKS = np.array([0, 1, 4, 16, 64, 256, 1024, 4096])
BANDWIDTHS_KM = 51.2 / 2.0 ** np.arange(10)
ROUNDS = 1000
# log-likelihood per event that another round must bring
ENOUGH = 1e-6


class RecentPlaces:
    """A uniform density in the polygon and Gaussians around the last 4,096 events.

    The Gaussians have bandwidths from 0.1 to 51.2 km; each bandwidth has one weight for each group
    of events: the last, the three before it, the twelve before those, and so on. Ranks that the
    past does not fill give their weight to the uniform density. The log-likelihood is concave in
    the weights, which are found by expectation maximisation.

    Attributes
    ----------
    weights_
        Of the uniform density, then of (group, bandwidth) in one row; the sum is 1.
    """

    def fit(self, sequence: EventSequence) -> Self:
        """Learn the weights from the training and validation windows."""
        parts = self._parts(sequence, sequence.fitted)
        weights = np.full(parts.shape[1], 1 / parts.shape[1])
        reached = -np.inf
        for _ in track(range(ROUNDS), "learning where events follow"):
            density = parts @ weights
            before, reached = reached, float(np.log(density).mean())
            if reached - before < ENOUGH:
                break
            weights *= (1 / density) @ parts / len(parts)
        self.weights_ = weights
        return self

    def density(self, sequence: EventSequence, events: slice) -> NDArray[Any]:
        """Return the density at the epicentre of each event, given the past, per km2, (event,)."""
        return self._parts(sequence, events) @ self.weights_

    def _parts(self, sequence: EventSequence, events: slice) -> NDArray[Any]:
        half = np.radians(sequence.latitude) / 2
        place = (sequence.east_km, sequence.north_km, np.cos(half), np.sin(half))
        history = sequence.history[events]
        kernels = recent_densities(place, events, history, RANKS, BANDWIDTHS_KM)
        uniform = 1 / sequence.polygon.area_km2
        filled = np.clip(history[:, None] - RANKS[:-1], 0, np.diff(RANKS)) / np.diff(RANKS)
        kernels += (1 - filled[:, :, None]) * uniform
        rows = len(kernels)
        return np.concatenate([np.full((rows, 1), uniform), kernels.reshape(rows, -1)], axis=1)
