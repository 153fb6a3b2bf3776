"""What each earlier event triggers at a place and in a disc about it, in double precision."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.quakes.models.etas_likelihood import Triggering
from graben.quakes.models.strike import Strikes
from graben.quakes.sequence import EARTH_RADIUS_KM, EventSequence

NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)
AT_ONCE = 20_000


@dataclass(frozen=True, eq=False)
class ParentRates:
    """The rate that each earlier event triggers, arrays of (event,).

    Attributes
    ----------
    density
        At the place, events per day and km2.
    in_disc
        Within the radius, events per day.
    distance_km
        Of the epicentre from the place.
    """

    density: NDArray[Any]
    in_disc: NDArray[Any]
    distance_km: NDArray[Any]


def rates_by_parent(
    triggering: Triggering,
    past: EventSequence,
    strikes: Strikes | None,
    place: tuple[float, float, float],
    radius_km: float,
) -> ParentRates:
    """Return what each event of a past triggers at a place.

    The disc is taken in the plane about the place; its integral has a relative error below 1e-6
    for the isotropic kernel and 1e-5 along a strike.

    Parameters
    ----------
    triggering
        Of the model.
    past
        Only events before the moment in question.
    strikes
        Of these events; None where triggering is isotropic.
    place
        Longitude and latitude in degrees, and the moment in days since the auxiliary start.
    radius_km
        Of the disc.
    """
    longitude, latitude, day = place
    middle = np.radians((past.latitude + latitude) / 2)
    away = past.polygon.near(longitude) - past.longitude
    east = EARTH_RADIUS_KM * np.radians(away) * np.cos(middle)
    north = EARTH_RADIUS_KM * np.radians(latitude - past.latitude)
    p, excess = triggering.parameters, past.excess
    age = day - past.time
    decay = np.exp(-age * 10.0**-p.log10_tau) * (age + 10.0**p.log10_c) ** -(1 + p.omega)
    core = 10.0**p.log10_d * np.exp(p.gamma * excess)
    if strikes is None:
        strikes = Strikes(np.ones(age.size), np.zeros(age.size), np.zeros(age.size))
    # in the coordinates of each parent's kernel, stretched so that it is round; areas stay
    stretch = np.exp(triggering.anisotropy * strikes.strength / 2)
    axes = np.array([[strikes.east, strikes.north], [-strikes.north, strikes.east]])
    axes[0] /= stretch
    axes[1] *= stretch
    along, across = np.einsum("abj,bj->aj", axes, np.stack([east, north]))
    strength = 10.0**p.log10_k0 * np.exp(p.a * excess) * decay
    density = strength * (along**2 + across**2 + core) ** -(1 + p.rho)
    shares = np.empty(age.size)
    for first in range(0, age.size, AT_ONCE):
        some = slice(first, first + AT_ONCE)
        shares[some] = _share_in_disc(
            (east[some], north[some]), radius_km, axes[..., some], core[some], p.rho
        )
    in_disc = triggering.produced(excess) * decay * shares
    return ParentRates(density, in_disc, np.hypot(east, north))


def _share_in_disc(
    centre: tuple[NDArray[Any], NDArray[Any]],
    radius: float,
    axes: NDArray[Any],
    core: NDArray[Any],
    rho: float,
) -> NDArray[Any]:
    """Integrate kernels about the origin over a disc, by Green's theorem along its edge.

    Where the edge is near the origin the integrand has a peak; angles are counted from there, as
    the hyperbolic sine of evenly placed nodes, which resolves peaks of any width.
    """
    east, north = centre
    gap = radius - np.hypot(east, north)
    stretch = np.hypot(axes[1, 0], axes[1, 1])
    width = np.minimum(np.sqrt(gap**2 + core) / (radius * stretch**2), np.pi)
    reach = np.arcsinh(np.pi / width)
    nodes = np.outer(reach, (NODES + 1) / 2)
    offset = width[:, None] * np.sinh(nodes)
    weight = np.outer(reach / 2, WEIGHTS) * width[:, None] * np.cosh(nodes)
    nearest = np.arctan2(-north, -east)[:, None]
    share = np.zeros(east.size)
    for angle in (nearest + offset, nearest - offset):
        x = east[:, None] + radius * np.cos(angle)
        y = north[:, None] + radius * np.sin(angle)
        along = axes[0, 0][:, None] * x + axes[0, 1][:, None] * y
        across = axes[1, 0][:, None] * x + axes[1, 1][:, None] * y
        squared = np.maximum(along**2 + across**2, 1e-30)
        inside = -np.expm1(-rho * np.log1p(squared / core[:, None])) / squared
        turn = radius * (x * np.cos(angle) + y * np.sin(angle))
        share += (inside * turn * weight).sum(axis=1)
    return share / (2 * np.pi)
