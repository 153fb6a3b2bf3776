"""What goes into a simulation and what comes out: observed sources, simulated catalogues."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import InputError
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence

COLUMNS = ("catalog", "time", "longitude", "latitude", "magnitude", "generation")


@dataclass(frozen=True, eq=False)
class Sources:
    """Events observed before the issue time, which go on triggering; (event,) each.

    Attributes
    ----------
    age
        Days before the issue time, 0 or more.
    longitude, latitude
        Degrees.
    excess
        Magnitude above completeness.
    multiplier
        Factor on the productivity; 1 where None.
    strike
        Unit vectors along strike (east, north) and its strength in 0..1; none where None.

    Raises
    ------
    InputError
        The arrays differ in length, an event lies after the issue time, a value is missing or a
        multiplier negative.
    """

    age: NDArray[Any]
    longitude: NDArray[Any]
    latitude: NDArray[Any]
    excess: NDArray[Any]
    multiplier: NDArray[Any] | None = None
    strike: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None = None

    def __post_init__(self) -> None:
        arrays = [self.age, self.longitude, self.latitude, self.excess, *(self.strike or ())]
        if self.multiplier is not None:
            arrays.append(self.multiplier)
        if len({np.shape(one) for one in arrays}) > 1 or np.ndim(self.age) != 1:
            raise InputError(
                "expected one age, place, excess, multiplier and strike per source, got "
                f"{', '.join(str(np.shape(one)) for one in arrays)}. Give arrays of one length."
            )
        negative = self.multiplier is not None and np.any(self.multiplier < 0)
        if negative or not all(np.isfinite(one).all() for one in arrays):
            raise InputError(
                "expected sources without missing values and with multipliers of 0 or more, got "
                "others. Leave such events out."
            )
        if np.any(self.age < 0):
            raise InputError(
                f"expected sources from before the issue time, got one {-np.min(self.age):g} days "
                "after it. Leave out what has not happened yet."
            )

    @classmethod
    def none(cls) -> "Sources":
        """Return an empty past."""
        return cls(*np.empty((4, 0)))

    @classmethod
    def before(cls, sequence: EventSequence, day: float) -> "Sources":
        """Return the events of a sequence before `day` (days since its auxiliary start)."""
        past = slice(0, int(np.searchsorted(sequence.time, day)))
        return cls(
            day - sequence.time[past],
            sequence.longitude[past],
            sequence.latitude[past],
            sequence.excess[past],
        )


@dataclass(frozen=True, eq=False)
class SimulatedCatalogs:
    """Events of several simulated catalogues, sorted by catalogue and time; (event,) each.

    Attributes
    ----------
    catalog
        Number of the catalogue, 0 to count - 1.
    time
        Days after the issue time.
    longitude, latitude
        Degrees; longitudes within 180 of the polygon's centre.
    magnitude
        As the catalogue would record them.
    generation
        0 for background, 1 for direct offspring of observed sources or of background, and so on.
    count
        How many catalogues there are, empty ones included.
    """

    catalog: NDArray[Any]
    time: NDArray[Any]
    longitude: NDArray[Any]
    latitude: NDArray[Any]
    magnitude: NDArray[Any]
    generation: NDArray[Any]
    count: int

    def __len__(self) -> int:
        return self.time.size

    def counts(self) -> NDArray[Any]:
        """Return the number of events of each catalogue, (catalogue,)."""
        return np.bincount(self.catalog, minlength=self.count)

    def select(
        self, min_magnitude: float | None = None, polygon: Polygon | None = None
    ) -> "SimulatedCatalogs":
        """Return the events from a magnitude on (within 1e-9), inside a polygon, or both."""
        keep = np.ones(len(self), bool)
        if min_magnitude is not None:
            keep &= self.magnitude >= min_magnitude - 1e-9
        if polygon is not None:
            keep &= polygon.contains(self.longitude, self.latitude)
        return self.rows(keep)

    def rows(self, chosen: NDArray[Any]) -> "SimulatedCatalogs":
        """Return the chosen events, in the order chosen."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in COLUMNS})

    @classmethod
    def joined(cls, parts: Sequence["SimulatedCatalogs"], count: int) -> "SimulatedCatalogs":
        """Return the events of several parts one after the other, unsorted."""
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS
        }
        return cls(**columns, count=count)
