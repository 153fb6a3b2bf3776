"""A box in longitude and latitude."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graben.errors import InputError


@dataclass(frozen=True)
class Region:
    """A box in longitude and latitude that does not cross the date line.

    Parameters
    ----------
    west, south, east, north
        Edges in degrees; -180 <= west < east <= 180 and -90 <= south < north <= 90.

    Raises
    ------
    InputError
        The edges are not finite, not in order, or the box crosses the date line.

    Examples
    --------
    >>> Region(25, 35, 45, 43).contains([30.0, 50.0], [40.0, 40.0])
    array([ True, False])
    """

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        edges = (self.west, self.south, self.east, self.north)
        got = "west {:g}, south {:g}, east {:g}, north {:g}".format(*edges)
        if not all(math.isfinite(edge) for edge in edges):
            raise InputError(f"expected four finite edges in degrees, got {got}. Give all four.")
        if not -90 <= self.south < self.north <= 90:
            raise InputError(
                f"expected -90 <= south < north <= 90, got {got}. Give the edges in the order "
                "west south east north."
            )
        if -180 <= self.west <= 180 and (self.east < self.west or 180 < self.east <= 360):
            east = self.east - 360 if self.east > 180 else self.east
            raise InputError(
                f"the region ({got}) crosses the date line, which one box cannot. Ask twice: "
                f"for {self.west:g} to 180 and for -180 to {east:g}."
            )
        if not -180 <= self.west < self.east <= 180:
            raise InputError(
                f"expected -180 <= west < east <= 180, got {got}. Give longitudes from -180 to "
                "180, in the order west south east north."
            )

    def contains(self, longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Tell which points lie in the box.

        West and south edges belong to the box, east and north edges do not (so that boxes side
        by side share no point), except where they are the date line or the pole.

        Parameters
        ----------
        longitude, latitude
            Degrees, of one shape; longitudes from -180 to 180. NaN lies nowhere.
        """
        x, y = np.asarray(longitude, float), np.asarray(latitude, float)
        in_x = (x >= self.west) & ((x < self.east) | ((self.east == 180) & (x == 180)))
        in_y = (y >= self.south) & ((y < self.north) | ((self.north == 90) & (y == 90)))
        inside: npt.NDArray[np.bool_] = in_x & in_y
        return inside

    def padded(self, degrees: float) -> "Region":
        """Give the box that reaches `degrees` further on each side, clipped to the globe."""
        return Region(
            max(self.west - degrees, -180.0),
            max(self.south - degrees, -90.0),
            min(self.east + degrees, 180.0),
            min(self.north + degrees, 90.0),
        )

    def covers(self, other: "Region") -> bool:
        """Tell whether the other box lies wholly in this one."""
        return (
            self.west <= other.west
            and self.south <= other.south
            and other.east <= self.east
            and other.north <= self.north
        )

    def within(self, other: "Region") -> "Region":
        """Give the part of this box that lies in the other.

        Raises
        ------
        InputError
            They share nothing.
        """
        return Region(
            max(self.west, other.west),
            max(self.south, other.south),
            min(self.east, other.east),
            min(self.north, other.north),
        )

    def __str__(self) -> str:
        return f"{self.west:g} {self.south:g} {self.east:g} {self.north:g} (W S E N)"
