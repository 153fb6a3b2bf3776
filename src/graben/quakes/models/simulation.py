"""Catalogues simulated from space-time ETAS, many at once: branching without steps in time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.errors import InputError, ModelError
from graben.progress import track
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.models import simulation_kernels as kernels
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.magnitudes import TaperedGutenbergRichter
from graben.quakes.models.simulated_catalogs import SimulatedCatalogs, Sources
from graben.quakes.models.spatial_mixture import SpatialMixture
from graben.quakes.polygon import Polygon

EVENT_LIMIT = 50_000_000  # about 3 GB
BATCH_EVENTS = 1_000_000
Strike = Callable[[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]


@dataclass(frozen=True, eq=False)
class BranchingProcess:
    """Space-time ETAS as what it simulates: background, and offspring generation by generation.

    Offspring are drawn from the exact intensity: no steps in time, no cut in distance short of
    half the globe. Events outside the polygon go on triggering and are removed at the end, as in
    the reference package.

    Parameters
    ----------
    parameters
        Of the triggering; the background rate is taken from `background`.
    background
        Its polygon is where events are kept; centres lie inside.
    magnitudes
        Their completeness magnitude is that of the parameters.
    anisotropy
        Exponent that stretches the distances along strike by exp(anisotropy * strength / 2) and
        shortens them across by as much; 0 is isotropic.
    strike
        Gives unit vectors (east, north) and strength in 0..1 at longitudes and latitudes of
        simulated parents; without it, their offspring are isotropic.

    Raises
    ------
    ModelError
        The branching ratio is 1 or more: such a process explodes.
    InputError
        A centre of the background lies outside its polygon.

    References
    ----------
    Zhuang & Touati (2015), doi:10.5078/corssa-43806322.
    """

    parameters: EtasParameters
    background: SpatialMixture
    magnitudes: TaperedGutenbergRichter
    anisotropy: float = 0.0
    strike: Strike | None = None

    def __post_init__(self) -> None:
        if not self.branching_ratio < 1:
            raise ModelError(
                "expected a branching ratio below 1 to simulate from, got "
                f"{self.branching_ratio:.3g} with magnitudes tapered at "
                f"M {self.magnitudes.corner_magnitude:.2f}. Fit with a larger completeness "
                "magnitude or a longer catalogue; instead of etas, hybrid-etas."
            )
        mixture = self.background
        if not mixture.polygon.contains(mixture.longitude, mixture.latitude).all():
            raise InputError(
                "expected a background whose centres lie inside its polygon, got one outside. "
                "Build it from events of the polygon."
            )

    @cached_property
    def branching_ratio(self) -> float:
        """Mean number of direct offspring of an event, for all time."""
        growth = self.magnitudes.mean_growth(self.parameters.productivity_exponent)
        return self.parameters.offspring_at_completeness * growth

    def simulate(
        self, sources: Sources, horizon: float, catalogs: int, seed: int
    ) -> SimulatedCatalogs:
        """Return all catalogues at once; see `simulate_in_batches` for the arguments.

        Raises
        ------
        ModelError
            They hold more events than fit in memory.
        """
        held, first, events = [], 0, 0
        for batch in self.simulate_in_batches(sources, horizon, catalogs, seed):
            held.append(replace(batch, catalog=batch.catalog + np.int32(first)))
            first += batch.count
            events += len(batch)
            _refuse_too_many(events)
        return SimulatedCatalogs.joined(held, catalogs)

    def simulate_in_batches(
        self,
        sources: Sources,
        horizon: float,
        catalogs: int,
        seed: int,
        batch_size: int | None = None,
    ) -> Iterator[SimulatedCatalogs]:
        """Yield consecutive catalogues of the days after the issue time, in bounded memory.

        Parameters
        ----------
        sources
            What happened before the issue time.
        horizon
            Days to simulate.
        catalogs
            How many in total.
        seed
            The same seed gives the same catalogues, whatever the batches.
        batch_size
            Catalogues a batch; by default as many as hold about a million events.

        Raises
        ------
        InputError
            The horizon is not above 0, or there is no catalogue to simulate.
        ModelError
            A batch holds more events than fit in memory.
        """
        if not 0 < horizon < np.inf or catalogs < 1 or (batch_size or 1) < 1:
            raise InputError(
                f"expected a horizon above 0 days and one or more catalogues, got {horizon:g} and "
                f"{catalogs}. Give how far and how often to simulate."
            )
        observed = self._parents_of(sources, horizon)
        if batch_size is None:
            batch_size = int(BATCH_EVENTS / max(self._expected(observed, horizon), 1.0)) + 1
        states = np.random.SeedSequence(seed).generate_state(catalogs, np.uint64)
        for first in track(range(0, catalogs, batch_size), "simulated catalogues"):
            yield self._batch(observed, horizon, states[first : first + batch_size])

    def _batch(
        self, observed: kernels.Parents, horizon: float, states: NDArray[Any]
    ) -> SimulatedCatalogs:
        outline = _outline(self.background.polygon)
        youngest = self._first_events(observed, outline, horizon, states)
        generations, events = [youngest], len(youngest)
        while len(youngest):
            youngest = self._next_events(youngest, horizon, states)
            generations.append(youngest)
            events += len(youngest)
            _refuse_too_many(events)
        everything = SimulatedCatalogs.joined(generations, states.size)
        inside = np.empty(len(everything), bool)
        kernels.are_inside(everything.longitude, everything.latitude, outline, inside)
        kept = everything.rows(inside)
        return kept.rows(np.lexsort((kept.time, kept.catalog)))

    def _first_events(
        self,
        observed: kernels.Parents,
        outline: kernels.Outline,
        horizon: float,
        states: NDArray[Any],
    ) -> SimulatedCatalogs:
        """Draw the background and the direct offspring of observed sources."""
        mixture = self.background
        gaussians = kernels.Gaussians(
            np.cumsum(np.append(mixture.uniform_rate, mixture.rate)),
            *(mixture.polygon.near(mixture.longitude), np.asarray(mixture.latitude, float)),
            np.asarray(mixture.bandwidth_km, float),
        )
        expected = mixture.total_rate * horizon * states.size
        arguments = (gaussians, outline, horizon)
        spontaneous = _drawn(kernels.background, states, arguments, expected)
        whole = np.full(states.size, observed.time.size)
        triggered = self._offspring(observed, np.zeros_like(whole), whole, horizon, states)
        both = SimulatedCatalogs.joined(
            [self._events(spontaneous, 0, states.size), self._events(triggered, 1, states.size)],
            states.size,
        )
        return both.rows(np.argsort(both.catalog, kind="stable"))

    def _next_events(
        self, youngest: SimulatedCatalogs, horizon: float, states: NDArray[Any]
    ) -> SimulatedCatalogs:
        """Draw the direct offspring of simulated events, which are sorted by catalogue."""
        strike = None
        if self.strike is not None:
            east, north, strength = self.strike(youngest.longitude, youngest.latitude)
            strike = (east, north, self.anisotropy / 2 * strength)
        excess = youngest.magnitude - self.magnitudes.completeness_magnitude
        scale, core = self._reach(excess)
        numbers = np.arange(states.size)
        begin = np.searchsorted(youngest.catalog, numbers, side="left")
        end = np.searchsorted(youngest.catalog, numbers, side="right")
        place = (youngest.longitude, youngest.latitude)
        parents = self._parents(youngest.time, place, (scale, core), strike, horizon)
        kernels.segment_sums(begin, end, parents.cumulative)
        drawn = self._offspring(parents, begin, end, horizon, states)
        return self._events(drawn, youngest.generation[drawn.parent] + 1, states.size)

    def _events(
        self, drawn: kernels.Drawn, generation: NDArray[Any] | int, count: int
    ) -> SimulatedCatalogs:
        return SimulatedCatalogs(
            drawn.catalog,
            drawn.time,
            drawn.longitude,
            drawn.latitude,
            self.magnitudes.from_exponentials(drawn.first, drawn.second),
            np.broadcast_to(np.int32(generation), drawn.time.shape),
            count,
        )

    def _offspring(
        self,
        parents: kernels.Parents,
        begin: NDArray[Any],
        end: NDArray[Any],
        horizon: float,
        states: NDArray[Any],
    ) -> kernels.Drawn:
        found = self.parameters
        law = kernels.Law(
            10.0**found.log10_c, found.omega, 10.0**found.log10_tau, found.rho, horizon
        )
        expected = parents.cumulative[end[end > begin] - 1].sum()
        return _drawn(kernels.offspring, states, (begin, end, parents, law), expected)

    def _reach(self, excess: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the offspring per unit of the time integral, and the core in km2."""
        found = self.parameters
        core = 10.0**found.log10_d * np.exp(found.gamma * excess)
        in_space = np.pi / (found.rho * core**found.rho)
        return 10.0**found.log10_k0 * np.exp(found.a * excess) * in_space, core

    def _parents_of(self, sources: Sources, horizon: float) -> kernels.Parents:
        """Return observed sources as parents, their expected offspring summed up."""
        scale, core = self._reach(np.asarray(sources.excess, float))
        if sources.multiplier is not None:
            scale = scale * sources.multiplier
        scale = scale * np.exp(-sources.age / 10.0**self.parameters.log10_tau)
        strike = None
        if sources.strike is not None:
            east, north, strength = sources.strike
            strike = (east, north, self.anisotropy / 2 * strength)
        place = (self.background.polygon.near(sources.longitude), sources.latitude)
        parents = self._parents(-sources.age, place, (scale, core), strike, horizon)
        return parents._replace(cumulative=np.cumsum(parents.cumulative))

    def _parents(
        self,
        time: NDArray[Any],
        place: tuple[NDArray[Any], NDArray[Any]],
        reach: tuple[NDArray[Any], NDArray[Any]],
        strike: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None,
        horizon: float,
    ) -> kernels.Parents:
        """Return parents with their expected proposals, that is without the taper in time."""
        c, omega = 10.0**self.parameters.log10_c, self.parameters.omega
        earliest = np.maximum(-time, 0.0) + c
        log_span = np.log((horizon - time + c) / earliest)
        in_time = log_span
        if omega != 0:
            in_time = earliest**-omega * -np.expm1(-omega * log_span) / omega
        none = np.zeros(time.size)
        east, north, stretch = strike or (none, none, none)
        scale, core = reach
        numbers = (scale * in_time, time, earliest, log_span, *place, core, stretch, east, north)
        return kernels.Parents(*(np.array(one, float) for one in numbers))

    def _expected(self, observed: kernels.Parents, horizon: float) -> float:
        """Return about how many events a catalogue holds, rather too many."""
        first = self.background.total_rate * horizon + float(observed.cumulative[-1:].sum())
        scale, core = self._reach(np.zeros(1))
        newborn = self._parents(np.zeros(1), (core, core), (scale, core), None, horizon)
        growth = self.magnitudes.mean_growth(self.parameters.productivity_exponent)
        ratio = min(self.branching_ratio, float(newborn.cumulative[0]) * growth)
        return first / (1.0 - ratio)


def simulate_catalog(
    process: BranchingProcess, start: pd.Timestamp | str, days: float, seed: int
) -> Catalog:
    """Simulate one catalogue from an empty past; its first years lack older events' offspring.

    Parameters
    ----------
    process
        What to simulate.
    start
        Begin of the catalogue, UTC.
    days
        Its length.
    seed
        The same seed gives the same catalogue.

    Raises
    ------
    CatalogError
        Nothing happened.
    """
    events = process.simulate(Sources.none(), days, 1, seed)
    first = as_utc(start)
    table = pd.DataFrame(
        {
            "time": first + pd.to_timedelta(events.time, unit="D"),
            "longitude": (events.longitude + 180.0) % 360.0 - 180.0,
            "latitude": events.latitude,
            "magnitude": events.magnitude,
        }
    )
    end = first + pd.Timedelta(days=days)
    return Catalog.from_table(table, f"simulated ETAS, seed {seed}", first, end)


def _outline(polygon: Polygon) -> kernels.Outline:
    south, north = np.sin(np.radians([polygon.latitude.min(), polygon.latitude.max()]))
    west, east = polygon.longitude.min(), polygon.longitude.max()
    return kernels.Outline(
        np.array(polygon.longitude, float),
        np.array(polygon.latitude, float),
        (float(west), float(east), float(south), float(north)),
    )


def _drawn(
    kernel: Callable[..., int], states: NDArray[Any], arguments: tuple[Any, ...], expected: float
) -> kernels.Drawn:
    """Run a kernel with room enough for what it draws, and advance `states` once."""
    _refuse_too_many(expected)
    room = int(expected + 6.0 * np.sqrt(expected)) + 16
    while True:
        drawn = kernels.Drawn(
            np.empty(room, np.int32), np.empty(room, np.int64), *np.empty((5, room))
        )
        advanced = states.copy()
        count = kernel(advanced, *arguments, drawn)
        if count <= room:
            states[:] = advanced
            return kernels.Drawn(*(column[:count] for column in drawn))
        room = count


def _refuse_too_many(events: float) -> None:
    if events > EVENT_LIMIT:
        raise ModelError(
            f"expected at most {EVENT_LIMIT:,} simulated events at a time, got {events:,.0f}. Ask "
            "for fewer catalogues or smaller batches, a shorter horizon, or a larger completeness "
            "magnitude."
        )
