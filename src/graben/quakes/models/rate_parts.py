"""The parts of a rate of events: what an explanation holds."""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from graben.quakes.models.etas_components import NAMES


@dataclass(frozen=True)
class Part:
    """One part of a rate before its gate, and the gate.

    Attributes
    ----------
    name
        As in `etas_components.NAMES`, or the uniform background, which shares the coarse gate.
    density
        Events per day and km2 at the place.
    in_disc
        Events per day within the radius.
    gate
        What the part is multiplied by; 1 in models without gates.
    """

    name: str
    density: float
    in_disc: float
    gate: float


@dataclass(frozen=True)
class Parent:
    """An earlier event and what it triggers, before the gate.

    Attributes
    ----------
    time, longitude, latitude, magnitude
        Of the event.
    distance_km, age_days
        From the place and moment.
    density, in_disc
        As of `Part`.
    share
        Of the model's rate at the place.
    """

    time: pd.Timestamp
    longitude: float
    latitude: float
    magnitude: float
    distance_km: float
    age_days: float
    density: float
    in_disc: float
    share: float


@dataclass(frozen=True, eq=False)
class RateExplanation:
    """The rate of events above completeness at a place and moment, and what it is made of.

    Attributes
    ----------
    model
        Name of the point process.
    time, longitude, latitude
        Moment and place.
    radius_km
        Of the disc about the place. Background counts where it is, inside the polygon.
    completeness_magnitude
        Smallest magnitude of the events.
    parts
        Background first, then triggering by how recent the parent is.
    parents
        The earlier events that trigger most at the place, most first.
    parent_count
        How many earlier events there are.
    log_gates
        Through the last intervals between events up to this moment, (interval, component of
        `etas_components.NAMES`); of no interval in models without gates.
    """

    model: str
    time: pd.Timestamp
    longitude: float
    latitude: float
    radius_km: float
    completeness_magnitude: float
    parts: tuple[Part, ...]
    parents: tuple[Parent, ...]
    parent_count: int
    log_gates: NDArray[Any]

    @property
    def density(self) -> float:
        """The model's rate at the place, events per day and km2."""
        return sum(part.gate * part.density for part in self.parts)

    @property
    def in_disc(self) -> float:
        """Events per day that the model expects within the radius."""
        return sum(part.gate * part.in_disc for part in self.parts)

    @property
    def residual(self) -> tuple[float, float]:
        """What the gates add to the rate at the place, and within the radius; may be negative."""
        changes = [part.gate - 1 for part in self.parts]
        return (
            sum(by * part.density for by, part in zip(changes, self.parts, strict=True)),
            sum(by * part.in_disc for by, part in zip(changes, self.parts, strict=True)),
        )

    @property
    def other_parents(self) -> tuple[float, float]:
        """What events that are not listed trigger at the place, and within the radius."""
        triggered = [part for part in self.parts if part.name in NAMES[2:]]
        return (
            sum(part.density for part in triggered) - sum(one.density for one in self.parents),
            sum(part.in_disc for part in triggered) - sum(one.in_disc for one in self.parents),
        )

    @property
    def has_gates(self) -> bool:
        """Whether the model has gates."""
        return len(self.log_gates) > 0

    def as_dict(self) -> dict[str, Any]:
        """Return everything that `graben.output.plain` turns into JSON; shares add up to 1."""
        whole = self.density
        return {
            "model": self.model,
            "time": self.time,
            "longitude": self.longitude,
            "latitude": self.latitude,
            "radius_km": self.radius_km,
            "completeness_magnitude": self.completeness_magnitude,
            "rate_per_day_km2": whole,
            "expected_per_day_within_radius": self.in_disc,
            "parts": [asdict(part) | {"share": part.density / whole} for part in self.parts],
            "residual": {
                "density": self.residual[0],
                "in_disc": self.residual[1],
                "share": self.residual[0] / whole,
            },
            "parents": [asdict(one) for one in self.parents],
            "other_parents": {
                "count": self.parent_count - len(self.parents),
                "density": self.other_parents[0],
                "in_disc": self.other_parents[1],
                "share": self.other_parents[0] / whole,
            },
        }
