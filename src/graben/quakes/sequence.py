"""A catalogue as a point process sees it: events above completeness, in days and kilometres."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.errors import CatalogError, InputError
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.polygon import Polygon

EARTH_RADIUS_KM = 6378.1
DAY = pd.Timedelta(days=1)
SAME_MAGNITUDE = 1e-9


@dataclass(frozen=True)
class Windows:
    """The periods of an experiment, each up to the start of the next; ISO dates, UTC.

    Attributes
    ----------
    auxiliary_start
        Events from here on are history; they are not scored.
    training_start, validation_start, test_start, test_end
        Targets. ETAS and the like learn from training and validation together; what stops early
        learns from training and stops by validation. Nothing learns from the test window.
    """

    auxiliary_start: str
    training_start: str
    validation_start: str
    test_start: str
    test_end: str

    def __post_init__(self) -> None:
        moments = self.moments
        in_order = moments[0] <= moments[1] and all(a < b for a, b in pairwise(moments[1:]))
        if not in_order:
            raise InputError(
                "expected auxiliary_start <= training_start < validation_start < test_start < "
                f"test_end, got {', '.join(map(str, self))}. Put the dates in order."
            )

    def __iter__(self) -> Any:
        return iter(
            (
                self.auxiliary_start,
                self.training_start,
                self.validation_start,
                self.test_start,
                self.test_end,
            )
        )

    @property
    def moments(self) -> tuple[pd.Timestamp, ...]:
        """The five dates as moments."""
        return tuple(as_utc(text) for text in self)


def cut_catalog(
    catalog: Catalog,
    polygon: Polygon,
    windows: Windows,
    completeness_magnitude: float,
    bin_width: float = 0.1,
    rounded: bool = True,
    source_magnitude: float | None = None,
) -> pd.DataFrame:
    """Cut a catalogue: by the outer windows, by the polygon, by magnitude after rounding.

    Magnitudes are rounded as the reference ETAS package does,
    floor(m / bin + 0.5) * bin in floating point, and cut afterwards.

    Parameters
    ----------
    catalog, polygon, windows, completeness_magnitude, bin_width, rounded
        As of `EventSequence`.
    source_magnitude
        Where it is given, smaller events from here on are kept too, as sources alone.

    Returns
    -------
    pandas.DataFrame
        The rows of the catalogue that become events of a sequence, with the rounded magnitudes.

    Raises
    ------
    CatalogError
        No event is left, or the magnitudes or windows are not those of the catalogue.
    InputError
        The bin width is not above 0.
    """
    if not bin_width > 0:
        raise InputError(
            f"expected a magnitude bin above 0, got {bin_width:g}. Give the step of the "
            "magnitudes, such as 0.1."
        )
    start, *_, end = windows.moments
    table = catalog.table
    magnitude = table["magnitude"].to_numpy(float)
    if rounded:
        magnitude = np.floor(magnitude / bin_width + 0.5) * bin_width
    keep = ((table["time"] >= start) & (table["time"] < end)).to_numpy(copy=True)
    keep &= polygon.contains(table["longitude"], table["latitude"])
    targets = keep & (magnitude >= completeness_magnitude - SAME_MAGNITUDE)
    if source_magnitude is None:
        keep = targets
    else:
        keep &= magnitude >= min(source_magnitude, completeness_magnitude) - SAME_MAGNITUDE
    if not targets.any():
        raise CatalogError(
            f"expected events of M >= {completeness_magnitude:g} inside the polygon from "
            f"{windows.auxiliary_start} to {windows.test_end}, got none of the "
            f"{len(catalog)} in {catalog.source}. Check polygon, dates and magnitude."
        )
    return table[keep].assign(magnitude=magnitude[keep])


@dataclass(frozen=True, eq=False)
class EventSequence:
    """Events above completeness inside a polygon, sorted by time; make it with `from_catalog`.

    Equal times are kept; of simultaneous events none is the history of another. Events below
    completeness may stand among them: they are sources alone, not targets.

    Attributes
    ----------
    time
        Days since the auxiliary start, ascending.
    longitude, latitude
        Degrees; longitudes within 180 of the polygon's centre (so past 180 at the date line).
    magnitude
        Rounded to bins where the experiment says so.
    completeness_magnitude
        The smallest magnitude of a target.
    bin_width
        Width of the magnitude bins, used for the b-value; magnitudes were rounded to it unless
        `rounded` was false.
    polygon
        Where events were kept.
    windows
        Which are training, validation and test targets.
    completeness_steps
        (day, magnitude): after this day the catalogue is complete from this magnitude on, until
        the next step; a multiple of the bins where magnitudes are rounded. Smaller events are then
        sources alone. Before the first step it is complete from `completeness_magnitude` on, below
        which no step goes. `beta` tells how many events are missed, so `bin_width` must be that of
        the magnitudes: near 0 where they are continuous.
    """

    time: NDArray[Any]
    longitude: NDArray[Any]
    latitude: NDArray[Any]
    magnitude: NDArray[Any]
    completeness_magnitude: float
    bin_width: float
    polygon: Polygon
    windows: Windows
    completeness_steps: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        day, magnitude = self._steps.T
        lowest = self.completeness_magnitude - SAME_MAGNITUDE
        if not ((np.diff(day) > 0).all() and (magnitude >= lowest).all()):
            raise InputError(
                "expected steps of completeness in the order of time, none below the completeness "
                f"magnitude {self.completeness_magnitude:g}, got {len(day)} steps down to "
                f"{magnitude.min():g}. Sort them, or lower the completeness magnitude."
            )

    @classmethod
    def from_catalog(
        cls,
        catalog: Catalog,
        polygon: Polygon,
        windows: Windows,
        completeness_magnitude: float,
        bin_width: float = 0.1,
        rounded: bool = True,
        source_magnitude: float | None = None,
    ) -> "EventSequence":
        """Make a sequence of the events that `cut_catalog` keeps; it says what is refused."""
        kept = cut_catalog(
            catalog,
            polygon,
            windows,
            completeness_magnitude,
            bin_width,
            rounded,
            source_magnitude,
        )
        return cls(
            ((kept["time"] - windows.moments[0]) / DAY).to_numpy(float),
            polygon.near(kept["longitude"]),
            kept["latitude"].to_numpy(float),
            kept["magnitude"].to_numpy(float),
            completeness_magnitude,
            bin_width,
            polygon,
            windows,
        )

    def __len__(self) -> int:
        return self.time.size

    @cached_property
    def days(self) -> tuple[float, ...]:
        """The five dates of the windows in days since the auxiliary start."""
        start = self.windows.moments[0]
        return tuple((moment - start) / DAY for moment in self.windows.moments)

    @cached_property
    def bounds(self) -> tuple[int, ...]:
        """Number of the first event of training, validation and test, and of all events."""
        return tuple(int(np.searchsorted(self.time, day)) for day in self.days[1:])

    @property
    def training(self) -> slice:
        """Events of the training window."""
        return slice(self.bounds[0], self.bounds[1])

    @property
    def validation(self) -> slice:
        """Events of the validation window."""
        return slice(self.bounds[1], self.bounds[2])

    @property
    def fitted(self) -> slice:
        """Events of training and validation together."""
        return slice(self.bounds[0], self.bounds[2])

    @property
    def test(self) -> slice:
        """Events of the test window."""
        return slice(self.bounds[2], self.bounds[3])

    def span(self, events: slice) -> tuple[float, float]:
        """Return first and last day of the window that `events` (one of the above) belong to.

        Raises
        ------
        InputError
            They are no window of this sequence.
        """
        # in this order, because empty windows make slices that are equal
        for window, first, last in (
            (self.test, 3, 4),
            (self.fitted, 1, 3),
            (self.training, 1, 2),
            (self.validation, 2, 3),
        ):
            if events == window:
                return self.days[first], self.days[last]
        raise InputError(
            f"expected the events of a window, got {events}. Give `training`, `validation`, "
            "`fitted` or `test` of this sequence."
        )

    @cached_property
    def history(self) -> NDArray[Any]:
        """How many events are strictly earlier than each; events 0..history[i] are its past."""
        return np.searchsorted(self.time, self.time, side="left").astype(np.int64)

    @property
    def excess(self) -> NDArray[Any]:
        """Magnitude above completeness; below 0 for events that are sources alone."""
        return self.magnitude - self.completeness_magnitude

    @cached_property
    def _steps(self) -> NDArray[Any]:
        return np.array(self.completeness_steps, float).reshape(-1, 2)

    def completeness_at(self, days: NDArray[Any]) -> NDArray[Any]:
        """Return the completeness magnitude just before each day, as events of that day meet it."""
        level = np.append(self.completeness_magnitude, self._steps[:, 1])
        return np.asarray(level[np.searchsorted(self._steps[:, 0], days, side="left")])

    def pieces(self, start: float, end: float) -> NDArray[Any]:
        """Return the days between which completeness is constant, from `start` to `end`."""
        day = self._steps[:, 0]
        return np.concatenate([[start], day[(day > start) & (day < end)], [end]])

    def reported_share(self, days: NDArray[Any]) -> NDArray[Any]:
        """Return which share of the events above `completeness_magnitude` counts before each day.

        It is that of the Gutenberg-Richter law above the completeness of that time.
        """
        if not self.completeness_steps:
            return np.ones(np.shape(days))
        above = self.completeness_at(days) - self.completeness_magnitude
        return np.exp(-self.beta * above)

    def reported_days(self, start: float, days: NDArray[Any]) -> NDArray[Any]:
        """Return the time from `start` to each day, each moment weighted by `reported_share`."""
        bounds = self.pieces(start, float(np.max(days)))
        passed = np.cumsum(np.diff(bounds) * self.reported_share(bounds[1:]))
        return np.interp(days, bounds, np.append(0.0, passed))

    @cached_property
    def above_completeness(self) -> NDArray[Any]:
        """Magnitude above the completeness of the time of each event."""
        return self.magnitude - self.completeness_at(self.time)

    @cached_property
    def is_target(self) -> NDArray[Any]:
        """Whether each event is above completeness, and so a target of the windows."""
        return self.above_completeness >= -SAME_MAGNITUDE

    def targets(self, events: slice) -> NDArray[Any]:
        """Return the numbers of the targets among some events."""
        return events.start + np.flatnonzero(self.is_target[events])

    def complete(self) -> "EventSequence":
        """Return the sequence without the events below `completeness_magnitude`."""
        kept = self.excess >= -SAME_MAGNITUDE
        return replace(
            self,
            time=self.time[kept],
            longitude=self.longitude[kept],
            latitude=self.latitude[kept],
            magnitude=self.magnitude[kept],
        )

    @cached_property
    def beta(self) -> float:
        """Gutenberg-Richter beta of the targets before the test start (Tinti & Mulargia 1987)."""
        before = self.targets(slice(0, self.bounds[2]))
        mean = float(self.above_completeness[before].mean())
        return float(np.log1p(self.bin_width / max(mean, 1e-9)) / self.bin_width)

    @cached_property
    def east_km(self) -> NDArray[Any]:
        """Longitude from the polygon's centre times the Earth's radius, as on the equator."""
        return EARTH_RADIUS_KM * np.radians(self.longitude - self.polygon.centre[0])

    @cached_property
    def north_km(self) -> NDArray[Any]:
        """Kilometres north of the polygon's centre."""
        return EARTH_RADIUS_KM * np.radians(self.latitude - self.polygon.centre[1])

    def replaced_from(self, event: int, other: "EventSequence") -> "EventSequence":
        """Return the sequence with everything from number `event` on taken from another one.

        What is said of earlier events must not change by this: the leak check of the tests.
        """
        later = other.time >= self.time[event]

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(self, name)[:event], getattr(other, name)[later]])

        return replace(
            self,
            time=joined("time"),
            longitude=joined("longitude"),
            latitude=joined("latitude"),
            magnitude=joined("magnitude"),
        )

    def require(self, targets: int) -> None:
        """Refuse to learn from fewer training and validation events than `targets`.

        Raises
        ------
        CatalogError
            There are fewer.
        """
        found = self.targets(self.fitted).size
        if found < targets:
            raise CatalogError(
                f"expected at least {targets} events of M >= {self.completeness_magnitude:g} from "
                f"{self.windows.training_start} to {self.windows.test_start} to learn from, got "
                f"{found}. Widen the windows or the polygon, or lower the magnitude if the "
                "catalogue is complete below it."
            )
