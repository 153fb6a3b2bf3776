"""Simulated likelihoods of gridded Poisson forecasts (numba); NumPy twins are in the tests."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)
def alias_table(weight: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return shares and aliases to draw cells in proportion to `weight` in constant time.

    Cell k of a uniform draw is kept with the share of k, and is its alias otherwise (Walker 1977,
    doi:10.1145/355744.355749; built as Vose 1991 does, doi:10.1109/32.92917).
    """
    size = weight.size
    share = weight * (size / weight.sum())
    # what rounding leaves over goes to the likeliest cell, never to one of weight 0
    alias = np.full(size, np.argmax(weight), np.int32)
    waiting = np.empty(size, np.int32)
    poor, rich = 0, size  # both stacks share one array and grow towards each other
    for k in range(size):
        if share[k] < 1.0:
            waiting[poor] = k
            poor += 1
        else:
            rich -= 1
            waiting[rich] = k
    while poor > 0 and rich < size:
        poor -= 1
        low, high = waiting[poor], waiting[rich]
        alias[low] = high
        share[high] -= 1.0 - share[low]
        if share[high] < 1.0:
            rich += 1
            waiting[poor] = high
            poor += 1
    for k in waiting[:poor]:
        if weight[k] > 0:
            share[k] = 1.0
    share[waiting[rich:]] = 1.0
    return share, alias


@numba.njit(cache=True)
def simulated_likelihoods(  # type: ignore[no-untyped-def]
    rng, events, share, alias, log_rate, log_number, out
) -> None:
    """Fill `out` with sum(w log(rate)) - sum(log(w!)) of catalogues of `events` earthquakes.

    `log_number[n]` is log(n), up to the largest number of events: w! is gathered draw by draw.
    """
    cells = log_rate.size
    counts = np.zeros(cells, np.int32)
    drawn = np.empty(events.max() if events.size else 0, np.int32)
    for s in range(events.size):
        total = 0.0
        for i in range(events[s]):
            place = rng.random() * cells
            k = np.int32(place)
            if place - k >= share[k]:
                k = alias[k]
            drawn[i] = k
            counts[k] += 1
            total += log_rate[k] - log_number[counts[k]]
        for k in drawn[: events[s]]:
            counts[k] = 0
        out[s] = total
