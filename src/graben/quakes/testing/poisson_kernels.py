"""Simulated likelihoods of gridded Poisson forecasts (numba); NumPy twins are in the tests."""

from typing import Any

import numba
import numpy as np
from numba import float32, int32
from numpy.typing import NDArray

from graben.quakes.models.etas_kernels import log2_single

STEPS = 1 << 17
LN2 = np.log(2.0)


def guide_table(cumulative: NDArray[Any]) -> NDArray[Any]:
    """Return where to look in a cumulative distribution, for each of `STEPS` equal parts of 0..1.

    The cell of a uniform draw u lies from the entry of its part to the next one (Chen & Asau
    1974, doi:10.1080/05695557408974949).
    """
    edges = np.arange(STEPS + 1) / STEPS
    found = np.searchsorted(cumulative, edges, side="right")
    return np.minimum(found, cumulative.size - 1).astype(np.int32)


@numba.njit(cache=True)
def word(seed: np.uint64, number: np.uint64) -> np.uint64:
    """Return word `number` of a stream: SplitMix64 (doi:10.1145/2660193.2660195)."""
    z = seed + (number + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(fastmath=True, error_model="numpy", cache=True)
def waiting_times(seed, out):  # type: ignore[no-untyped-def]
    """Fill `out` with exponential waiting times of mean 1, in single precision, of a stream."""
    for i in range(out.size):
        share = float32(int32(word(seed, np.uint64(i)) >> np.uint64(40)))
        out[i] = float32(-LN2) * log2_single((share + float32(0.5)) * float32(2.0**-24))


@numba.njit(cache=True, parallel=True)
def simulated_likelihoods(  # type: ignore[no-untyped-def]
    seeds, events, cumulative, guide, log_rate, log_number, out, threads
) -> None:
    """Fill `out` with sum(w log(rate)) - sum(log(w!)) of catalogues of `events` earthquakes.

    Each catalogue draws from its own stream, so the number of threads changes nothing. The draws
    come in ascending order, as the waiting times of a Poisson process over the whole time: so the
    cells are visited in their order, and those of a cell follow each other. `log_number[n]` is
    log(n), up to the largest number of events: w! is gathered draw by draw.
    """
    last = cumulative.size - 1
    for thread in numba.prange(threads):
        waits = np.empty(log_number.size, np.float32)
        waited = np.empty(log_number.size)
        for s in range(thread, events.size, threads):
            waiting_times(seeds[s], waits[: events[s] + 1])
            clock = 0.0
            for i in range(events[s] + 1):
                clock += waits[i]
                waited[i] = clock
            scale = 1.0 / clock
            cell, run, total = -1, 0, 0.0
            for i in range(events[s]):
                u = waited[i] * scale
                here = max(guide[int(u * STEPS)], cell)
                while here < last and cumulative[here] <= u:
                    here += 1
                run = run + 1 if here == cell else 1
                cell = here
                total += log_rate[here] - log_number[run]
            out[s] = total
