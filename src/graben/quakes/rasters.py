"""Seismicity as maps: where earthquakes were, and how recent ones decay. Causal by construction.

Every map at an issue time is made of the events at or before that time and of nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import CatalogError
from graben.quakes import kernels
from graben.quakes.declustering import forward_gardner_knopoff
from graben.quakes.grid import Grid
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region

if TYPE_CHECKING:
    import pandas as pd

    from graben.quakes.catalog import Catalog

DAYS_PER_YEAR = 365.25
PADDING_DEGREES = 5.0
BATCH = 16


@dataclass(frozen=True)
class SmoothedKernel:
    """Where events were: a Gaussian of `spread_km` at each one at or above a magnitude."""

    spread_km: float
    declustered: bool
    min_magnitude: float

    @property
    def name(self) -> str:
        """A short name, for example ``declustered M>=4.5 20 km``."""
        kind = "declustered" if self.declustered else "all"
        return f"{kind} M>={self.min_magnitude:g} {self.spread_km:g} km"


@dataclass(frozen=True)
class OmoriKernel:
    """How recent events decay: rate 10^(alpha (m - 5)) (age + c)^-p, as far as the rupture reaches.

    The Gaussian's spread is the root of the squares of `spread_km` and half the rupture length
    10^(-2.44 + 0.59 m) km (subsurface length, Wells and Coppersmith 1994,
    doi:10.1785/BSSA0840040974).
    """

    p: float
    alpha: float
    spread_km: float
    c: float = 0.05

    @property
    def name(self) -> str:
        """A short name, for example ``Omori p 1.2 alpha 0.7 8 km``."""
        return f"Omori p {self.p:g} alpha {self.alpha:g} {self.spread_km:g} km"


Kernel = SmoothedKernel | OmoriKernel


def smoothed_kernels(source_magnitude: float) -> tuple[SmoothedKernel, ...]:
    """Return the 15 kernels of smoothed seismicity: three choices of events, five spreads."""
    choices = ((True, source_magnitude), (False, source_magnitude), (True, source_magnitude + 0.5))
    return tuple(
        SmoothedKernel(spread, declustered, magnitude)
        for declustered, magnitude in choices
        for spread in (10.0, 20.0, 40.0, 80.0, 200.0)
    )


def omori_kernels() -> tuple[OmoriKernel, ...]:
    """Return the 12 Omori kernels: two decays, two productivities, three spreads."""
    return tuple(
        OmoriKernel(p, alpha, spread)
        for p in (0.9, 1.2)
        for alpha in (0.7, 1.0)
        for spread in (8.0, 25.0, 70.0)
    )


@dataclass(frozen=True)
class _Stamps:
    """The Gaussian of each event on the grid, as one factor along y and one along x."""

    y_first: NDArray[Any]
    y_size: NDArray[Any]
    y_factors: NDArray[Any]
    x_first: NDArray[Any]
    x_size: NDArray[Any]
    x_factors: NDArray[Any]

    @classmethod
    def of(
        cls,
        grid: Grid,
        longitude: NDArray[Any],
        latitude: NDArray[Any],
        spread_km: NDArray[Any],
    ) -> "_Stamps":
        in_y = spread_km / kernels.KM_PER_DEGREE
        in_x = in_y / np.cos(np.radians(latitude))
        axes = (
            (latitude, in_y, grid.south, grid.rows),
            (longitude, in_x, grid.west, grid.columns),
        )
        filled: list[NDArray[Any]] = []
        for position, spread, edge, cells in axes:
            widest = int(2 * kernels.TRUNCATION * spread.max(initial=0.0) / grid.step) + 2
            first, size = np.zeros((2, position.size), np.int32)
            factors = np.zeros((position.size, min(cells, widest)), np.float32)
            kernels.gaussian_factors(position, spread, edge, grid.step, cells, first, size, factors)
            filled += [first, size, factors]
        return cls(*filled)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        return (
            self.y_first,
            self.y_size,
            self.y_factors,
            self.x_first,
            self.x_size,
            self.x_factors,
        )


class SeismicityMaps:
    """Maps of the past, for any issue times: expected counts per cell before any weighting.

    A smoothed kernel spreads the region's long-run number of target earthquakes per horizon over
    its density (which sums to 1 over the padded region); an Omori kernel gives the sum over past
    events of productivity times the decay integrated over the horizon.

    Parameters
    ----------
    catalog
        The events; only those at or above `source_magnitude` within 5 degrees of the grid count.
    grid
        The cells.
    smoothed, omori
        The kernels; the maps come in this order, smoothed first.
    quantity
        Over how many days the decay is integrated, and which earthquakes are targets.
    reference
        The box, with 5 degrees around it, over which the long-run number of targets is taken;
        the grid's own by default.
    source_magnitude
        The smallest magnitude that counts.
    memory_days
        How long an event goes on triggering.

    Raises
    ------
    CatalogError
        No event is left.
    """

    def __init__(
        self,
        catalog: "Catalog",
        grid: Grid,
        smoothed: tuple[SmoothedKernel, ...],
        omori: tuple[OmoriKernel, ...],
        *,
        quantity: Quantity,
        reference: Region | None = None,
        source_magnitude: float = 4.5,
        memory_days: float = 7300.0,
    ) -> None:
        self.grid = grid
        self.smoothed = smoothed
        self.omori = omori
        self.quantity = quantity
        self.memory_days = memory_days
        padded = (reference or grid.region).padded(PADDING_DEGREES)
        self.sources = catalog.select(min_magnitude=source_magnitude, region=padded)
        if not len(self.sources):
            raise CatalogError(
                f"the catalogue holds no event of M >= {source_magnitude:g} within "
                f"{PADDING_DEGREES:g} degrees of {reference or grid.region}. Give a catalogue that "
                "covers the region, or another region."
            )
        self._start = catalog.start
        self._declustered = ~forward_gardner_knopoff(self.sources)

    @cached_property
    def _time(self) -> NDArray[Any]:
        return days_since_epoch(self.sources.table["time"])

    @cached_property
    def _magnitude(self) -> NDArray[Any]:
        return self.sources.table["magnitude"].to_numpy(np.float64)

    def _stamps(self, spread_km: NDArray[Any]) -> _Stamps:
        table = self.sources.table
        longitude = table["longitude"].to_numpy(np.float64)
        return _Stamps.of(self.grid, longitude, table["latitude"].to_numpy(np.float64), spread_km)

    @cached_property
    def _smoothed_stamps(self) -> dict[float, _Stamps]:
        spreads = {kernel.spread_km for kernel in self.smoothed}
        return {s: self._stamps(np.full(len(self.sources), s)) for s in spreads}

    @cached_property
    def _omori_stamps(self) -> dict[float, _Stamps]:
        half_rupture = 0.5 * 10 ** (-2.44 + 0.59 * self._magnitude)
        spreads = {kernel.spread_km for kernel in self.omori}
        return {s: self._stamps(np.hypot(s, half_rupture)) for s in spreads}

    def long_run(self, times: "pd.DatetimeIndex") -> NDArray[Any]:
        """Return targets per horizon in the padded region, averaged from the record's start."""
        days = days_since_epoch(times)
        target = self._time[self._magnitude >= self.quantity.min_magnitude]
        elapsed = np.maximum(days - days_since_epoch(self._start), DAYS_PER_YEAR)
        return np.searchsorted(target, days, "right") / elapsed * self.quantity.horizon_days

    def batches(self, times: "pd.DatetimeIndex", size: int = BATCH) -> Iterator[NDArray[Any]]:
        """Yield the maps (time, kernel, lat, lon) of ascending issue times, `size` at a time."""
        days = days_since_epoch(times)
        if np.any(np.diff(days) < 0):
            raise CatalogError("issue times must ascend; sort them first.")
        long_run = self.long_run(times)
        totals = np.zeros((len(self.smoothed), *self.grid.shape))
        used = np.zeros(len(self.smoothed), np.int64)
        done = 0
        for begin in range(0, days.size, size):
            part = days[begin : begin + size]
            scale = long_run[begin : begin + size]
            kernel_count = len(self.smoothed) + len(self.omori)
            maps = np.zeros((part.size, kernel_count, *self.grid.shape), np.float32)
            for i, day in enumerate(part):
                until = int(np.searchsorted(self._time, day, "right"))
                self._add_smoothed(totals, used, done, until)
                done = until
                per_source = scale[i] / np.maximum(used, 1)
                maps[i, : len(self.smoothed)] = totals * per_source[:, None, None]
            if self.omori:
                self._add_omori(maps[:, len(self.smoothed) :], part)
            yield maps

    def _add_smoothed(self, totals: NDArray[Any], used: NDArray[Any], begin: int, end: int) -> None:
        for k, kernel in enumerate(self.smoothed):
            member = self._magnitude >= kernel.min_magnitude
            if kernel.declustered:
                member &= self._declustered
            arrays = self._smoothed_stamps[kernel.spread_km].arrays
            kernels.add_events(totals[k], begin, end, member, *arrays)
            used[k] += np.count_nonzero(member[begin:end])

    def _add_omori(self, maps: NDArray[Any], days: NDArray[Any]) -> None:
        begin = np.searchsorted(self._time, days - self.memory_days, "right")
        end = np.searchsorted(self._time, days, "right")
        for spread, stamps in self._omori_stamps.items():
            chosen = [k for k, kernel in enumerate(self.omori) if kernel.spread_km == spread]
            weights = np.zeros((days.size, int((end - begin).max()), len(chosen)))
            for t, day in enumerate(days):
                past = slice(begin[t], end[t])
                for q, k in enumerate(chosen):
                    weights[t, : end[t] - begin[t], q] = self._productivity(k, past, day)
            out = np.zeros((days.size, len(chosen), *self.grid.shape), np.float32)
            kernels.decaying_sums(out, begin, end, weights, *stamps.arrays)
            maps[:, chosen] = out

    def _productivity(self, k: int, past: slice, day: float) -> NDArray[Any]:
        kernel = self.omori[k]
        age = day - self._time[past]
        decay = kernels.omori_integral(age, self.quantity.horizon_days, kernel.p, kernel.c)
        return 10 ** (kernel.alpha * (np.minimum(self._magnitude[past], 8.0) - 5.0)) * decay


def days_since_epoch(times: "pd.Series[pd.Timestamp] | pd.DatetimeIndex | pd.Timestamp") -> Any:
    """Return UTC times as days since 1970, one number for one time."""
    import pandas as pd

    if isinstance(times, pd.Timestamp):
        return times.value / 86_400e9
    return pd.DatetimeIndex(times).as_unit("ns").asi8 / 86_400e9
