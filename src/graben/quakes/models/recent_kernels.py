"""Hot loop over pairs of events (numba); it has a NumPy twin in the tests."""

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, parallel=True)
def _sums(  # type: ignore[no-untyped-def]
    place, first, history, ranks, widest, density
) -> None:
    east, north, cosine, sine = place
    for row in numba.prange(len(density)):
        i = first + row
        for group in range(ranks.size - 1):
            low = max(history[row] - ranks[group + 1], 0)
            for j in range(low, history[row] - ranks[group]):
                x = (east[i] - east[j]) * (cosine[i] * cosine[j] - sine[i] * sine[j])
                y = north[i] - north[j]
                gauss = math.exp(-0.5 * (x * x + y * y) / widest**2)
                # a bandwidth of half the size has the fourth power of the Gaussian
                for width in range(density.shape[2]):
                    if gauss < 1e-60:
                        break
                    density[row, group, width] += gauss
                    gauss = gauss * gauss
                    gauss = gauss * gauss


def recent_densities(
    place: tuple[NDArray[Any], ...],
    events: slice,
    history: NDArray[Any],
    ranks: NDArray[Any],
    bandwidths: NDArray[Any],
) -> NDArray[Any]:
    """Return Gaussian kernels of past events at later ones, by how recent the past ones are.

    Parameters
    ----------
    place
        Kilometres east as on the equator, kilometres north, cosine and sine of half the latitude;
        of all events.
    events
        At which of them the density is wanted.
    history
        How many events are the past of each of `events`, (row,).
    ranks
        Groups of the past, counted back from the last event: [0, 1, 4] means the last event, and
        the three before it.
    bandwidths
        Kilometres, descending, each half of the one before.

    Returns
    -------
    numpy.ndarray
        Per square kilometre, (row, group, bandwidth): the mean over a group of full size, so
        groups that the past does not fill integrate to less than 1 over the plane.
    """
    density = np.zeros((events.stop - events.start, len(ranks) - 1, len(bandwidths)))
    _sums(place, events.start, history, ranks, bandwidths[0], density)
    return density / (np.diff(ranks)[:, None] * 2 * np.pi * bandwidths**2)
