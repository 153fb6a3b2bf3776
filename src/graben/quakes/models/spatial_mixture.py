"""A background rate as what it is made of, so that its events can be drawn."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from graben.quakes.polygon import Polygon


@dataclass(frozen=True, eq=False)
class SpatialMixture:
    """A uniform rate and Gaussians, each cut to the polygon and renormalised inside it.

    Attributes
    ----------
    polygon
        Where background events happen.
    uniform_rate
        Events per day, spread evenly over the polygon.
    longitude, latitude
        Centres of the Gaussians, degrees, (component,).
    bandwidth_km
        Standard deviation of each in each direction, (component,).
    rate
        Events per day inside the polygon from each, (component,).
    """

    polygon: Polygon
    uniform_rate: float
    longitude: NDArray[Any]
    latitude: NDArray[Any]
    bandwidth_km: NDArray[Any]
    rate: NDArray[Any]

    @property
    def total_rate(self) -> float:
        """Events per day in the polygon."""
        return self.uniform_rate + float(self.rate.sum())
