"""Hot loops of simulated catalogues (numba): every catalogue has its own stream of numbers.

Arrivals of a Poisson process at unit rate walk along the axis of expected events; where they fall
tells the parent, and their number needs no table. Twins stand in the tests.
"""

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from graben.quakes.sequence import EARTH_RADIUS_KM

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_MIX = np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12))


class Law(NamedTuple):
    """What all events decay by: days, km and the horizon in days."""

    c: float
    omega: float
    tau: float
    rho: float
    horizon: float


class Parents(NamedTuple):
    """Events that trigger, (parent,) each.

    `cumulative` sums the proposed offspring within a catalogue; `earliest` is the delay (days)
    at the issue time or 0, plus c; `log_span` the logarithm of the last possible delay plus c over
    it; `core` in km2; `stretch` the half exponent along the strike (`east`, `north`).
    """

    cumulative: NDArray[Any]
    time: NDArray[Any]
    earliest: NDArray[Any]
    log_span: NDArray[Any]
    longitude: NDArray[Any]
    latitude: NDArray[Any]
    core: NDArray[Any]
    stretch: NDArray[Any]
    east: NDArray[Any]
    north: NDArray[Any]


class Outline(NamedTuple):
    """Vertices of a polygon in degrees, and its box as (west, east) and sines (south, north)."""

    longitude: NDArray[Any]
    latitude: NDArray[Any]
    box: tuple[float, float, float, float]


class Gaussians(NamedTuple):
    """A background; `cumulative` (events a day) starts with the uniform part."""

    cumulative: NDArray[Any]
    longitude: NDArray[Any]
    latitude: NDArray[Any]
    bandwidth_km: NDArray[Any]


class Drawn(NamedTuple):
    """Room for drawn events; `first` and `second` are the exponentials of their magnitudes."""

    catalog: NDArray[Any]
    parent: NDArray[Any]
    time: NDArray[Any]
    longitude: NDArray[Any]
    latitude: NDArray[Any]
    first: NDArray[Any]
    second: NDArray[Any]


@numba.njit(cache=True)
def uniform(states, k):  # type: ignore[no-untyped-def]
    """Next number of stream `k`, strictly between 0 and 1.

    SplitMix64 of Steele, Lea & Flood (2014), doi:10.1145/2660193.2660195.
    """
    states[k] += _STEP
    z = states[k]
    z = (z ^ (z >> _SHIFTS[0])) * _FIRST_MIX
    z = (z ^ (z >> _SHIFTS[1])) * _SECOND_MIX
    z = z ^ (z >> _SHIFTS[2])
    return (np.float64(z >> _SHIFTS[3]) + 0.5) * 2.0**-52


@numba.njit(cache=True)
def exponential(states, k):  # type: ignore[no-untyped-def]
    """Next standard exponential of stream `k`."""
    return -math.log(uniform(states, k))


@numba.njit(cache=True)
def is_inside(longitude, latitude, outline):  # type: ignore[no-untyped-def]
    """Tell whether a ray to the east crosses the outline an odd number of times."""
    x, y = outline.longitude, outline.latitude
    odd = False
    j = x.size - 1
    for i in range(x.size):
        if (y[i] > latitude) != (y[j] > latitude):
            crossing = x[i] + (x[j] - x[i]) * (latitude - y[i]) / (y[j] - y[i])
            if longitude < crossing:
                odd = not odd
        j = i
    return odd


@numba.njit(cache=True)
def are_inside(longitude, latitude, outline, found):  # type: ignore[no-untyped-def]
    """Fill `found` (event) with whether events lie inside the outline."""
    for i in range(longitude.size):
        found[i] = is_inside(longitude[i], latitude[i], outline)


@numba.njit(cache=True)
def displaced(longitude, latitude, east, north):  # type: ignore[no-untyped-def]
    """Place (degrees) that is so many km away; NaN where that is off the globe."""
    there = latitude + math.degrees(north / EARTH_RADIUS_KM)
    if abs(there) >= 90.0:
        return math.nan, math.nan
    across = EARTH_RADIUS_KM * math.cos(math.radians(0.5 * (latitude + there)))
    turn = math.degrees(east / across)
    if abs(turn) > 180.0:
        return math.nan, math.nan
    return longitude + turn, there


@numba.njit(cache=True)
def background_place(states, k, gaussians, outline):  # type: ignore[no-untyped-def]
    """Draw a place of a background event: a component, then until it lies inside."""
    cumulative = gaussians.cumulative
    chosen = uniform(states, k) * cumulative[-1]
    # the product may round up to the total
    component = min(np.searchsorted(cumulative, chosen, side="right"), cumulative.size - 1) - 1
    west, east, south, north = outline.box
    while True:
        if component < 0:
            longitude = west + uniform(states, k) * (east - west)
            latitude = math.degrees(math.asin(south + uniform(states, k) * (north - south)))
        else:
            radius = gaussians.bandwidth_km[component] * math.sqrt(2.0 * exponential(states, k))
            angle = 2.0 * math.pi * uniform(states, k)
            longitude, latitude = displaced(
                gaussians.longitude[component],
                gaussians.latitude[component],
                radius * math.cos(angle),
                radius * math.sin(angle),
            )
        if is_inside(longitude, latitude, outline):
            return longitude, latitude


@numba.njit(cache=True)
def background(states, gaussians, outline, horizon, drawn):  # type: ignore[no-untyped-def]
    """Draw the background events of all catalogues; return how many there are.

    Where there are more than `drawn` has room for, the rest is counted only.
    """
    count = 0
    rate = gaussians.cumulative[-1]
    if rate == 0.0:
        return count
    for k in range(states.size):
        time = exponential(states, k) / rate
        while time < horizon:
            longitude, latitude = background_place(states, k, gaussians, outline)
            first, second = exponential(states, k), exponential(states, k)
            if count < drawn.time.size:
                drawn.catalog[count] = k
                drawn.time[count] = time
                drawn.longitude[count] = longitude
                drawn.latitude[count] = latitude
                drawn.first[count] = first
                drawn.second[count] = second
            count += 1
            time += exponential(states, k) / rate
    return count


@numba.njit(cache=True)
def segment_sums(begin, end, values):  # type: ignore[no-untyped-def]
    """Replace values by their running sums, each segment `begin`..`end` on its own."""
    for k in range(begin.size):
        for i in range(begin[k] + 1, end[k]):
            values[i] += values[i - 1]


@numba.njit(cache=True)
def delay_plus_c(states, k, parents, i, law):  # type: ignore[no-untyped-def]
    """Draw from (t + c)^-(1 + omega) between the parent's earliest and latest delay."""
    u, span = uniform(states, k), parents.log_span[i]
    if law.omega == 0.0:
        return parents.earliest[i] * math.exp(u * span)
    # exact for both signs of omega, and without loss where it is small
    return parents.earliest[i] * math.exp(
        -math.log1p(u * math.expm1(-law.omega * span)) / law.omega
    )


@numba.njit(cache=True)
def offspring_place(states, k, parents, i, rho):  # type: ignore[no-untyped-def]
    """Draw a place from the power law of distance around the parent, stretched along strike."""
    square = parents.core[i] * math.expm1(exponential(states, k) / rho)
    radius, angle = math.sqrt(square), 2.0 * math.pi * uniform(states, k)
    along = radius * math.cos(angle)
    across = radius * math.sin(angle)
    if parents.stretch[i] == 0.0:
        return displaced(parents.longitude[i], parents.latitude[i], along, across)
    along *= math.exp(parents.stretch[i])
    across *= math.exp(-parents.stretch[i])
    return displaced(
        parents.longitude[i],
        parents.latitude[i],
        along * parents.east[i] - across * parents.north[i],
        along * parents.north[i] + across * parents.east[i],
    )


@numba.njit(cache=True)
def offspring(states, begin, end, parents, law, drawn):  # type: ignore[no-untyped-def]
    """Draw the direct offspring of the parents `begin[k]`..`end[k]` of every catalogue k.

    Proposals follow the power law of time and are kept with probability exp(-t / tau), which
    leaves a Poisson process with the exact intensity. Returns how many there are; where there are
    more than `drawn` has room for, the rest is counted only.
    """
    count = 0
    for k in range(states.size):
        if begin[k] == end[k]:
            continue
        total = parents.cumulative[end[k] - 1]
        walked = exponential(states, k)
        while walked < total:
            i = begin[k] + np.searchsorted(
                parents.cumulative[begin[k] : end[k]], walked, side="right"
            )
            delayed = delay_plus_c(states, k, parents, i, law)
            if uniform(states, k) < math.exp((parents.earliest[i] - delayed) / law.tau):
                longitude, latitude = offspring_place(states, k, parents, i, law.rho)
                first, second = exponential(states, k), exponential(states, k)
                if not math.isnan(longitude):
                    if count < drawn.time.size:
                        drawn.catalog[count] = k
                        drawn.parent[count] = i
                        time = parents.time[i] + (delayed - law.c)
                        drawn.time[count] = min(max(time, 0.0), law.horizon)
                        drawn.longitude[count] = longitude
                        drawn.latitude[count] = latitude
                        drawn.first[count] = first
                        drawn.second[count] = second
                    count += 1
            walked += exponential(states, k)
    return count
