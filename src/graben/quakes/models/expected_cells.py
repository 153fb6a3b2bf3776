"""Expected events in cells when a fitted process is continued: exact but for the later offspring.

An expectation needs no luck: the background's share of each cell and the direct offspring of what
has happened follow from the model itself. Only offspring of events yet to come are simulated, and
even of those the last generation is expected rather than drawn.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from graben.errors import ModelError
from graben.quakes.grid import Grid
from graben.quakes.kernels import TRUNCATION, gaussian_factors
from graben.quakes.models.cell_kernels import add_within
from graben.quakes.models.continuation import Continuations
from graben.quakes.models.etas_likelihood import Triggering
from graben.quakes.models.etas_time import DecayMixture
from graben.quakes.models.magnitudes import TaperedGutenbergRichter
from graben.quakes.models.point_process import PointProcess
from graben.quakes.models.simulated_catalogs import SimulatedCatalogs, Sources
from graben.quakes.models.simulation import BranchingProcess
from graben.quakes.models.spatial_mixture import SpatialMixture
from graben.quakes.region import Region
from graben.quakes.scene import CELL_DEGREES
from graben.quakes.sequence import EARTH_RADIUS_KM, EventSequence

POINTS = 64  # where the offspring of the smallest events may fall
POINTS_GROWTH = 0.6  # decades of points a unit of magnitude: large events rule their days
GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
SUBCELLS = 8
MAGNITUDES_DRAWN = 4096


@dataclass(frozen=True, eq=False)
class CellCounts:
    """Expected events above completeness in each cell, (lat, lon), by where they come from.

    Attributes
    ----------
    background
        Not triggered.
    direct
        Direct offspring of what has happened.
    later
        Offspring of events yet to come, from each half of the simulated catalogues,
        (half, lat, lon).
    magnitudes
        Of all of them alike.
    """

    background: NDArray[Any]
    direct: NDArray[Any]
    later: NDArray[Any]
    magnitudes: TaperedGutenbergRichter

    @property
    def halves(self) -> NDArray[Any]:
        """All of it, from each half of the simulated catalogues, (half, lat, lon)."""
        both: NDArray[Any] = self.background + self.direct + self.later
        return both

    @property
    def total(self) -> NDArray[Any]:
        """All of it, (lat, lon)."""
        mean: NDArray[Any] = self.halves.mean(axis=0)
        return mean

    def from_magnitude(self, magnitude: float) -> NDArray[Any]:
        """Return the expected events from a magnitude on, (lat, lon)."""
        return self.total * float(self.magnitudes.survival(magnitude))

    @property
    def noise(self) -> float:
        """Sum over cells of the difference between the halves over that of their mean."""
        first, second = self.halves
        return float(np.abs(first - second).sum() / self.total.sum())


class ExpectedCells:
    """A fitted process and its sequence, on cells of 0.25 degrees that cover its polygon.

    Direct offspring of an event are spread over points of equal share, on a spiral about its
    epicentre: 64 for the smallest, four times as many a unit of magnitude. What falls outside the
    polygon is not counted, and offspring of future events outside it are left out.

    Parameters
    ----------
    continuations
        The process and what happened.
    """

    def __init__(self, continuations: Continuations) -> None:
        self.continuations = continuations
        polygon = continuations.sequence.polygon
        west, east = float(polygon.longitude.min()), float(polygon.longitude.max())
        south, north = float(polygon.latitude.min()), float(polygon.latitude.max())
        self.grid = Grid.covering(Region(west, south, east, north), CELL_DEGREES)

    @cached_property
    def inside(self) -> NDArray[Any]:
        """Share of each cell that lies in the polygon, (lat, lon)."""
        offset = (np.arange(SUBCELLS) + 0.5) / SUBCELLS - 0.5
        lat = self.grid.latitude[:, None] + self.grid.step * offset
        lon = self.grid.longitude[:, None] + self.grid.step * offset
        east, north = np.meshgrid(lon.ravel(), lat.ravel())
        hit = self.continuations.sequence.polygon.contains(east, north)
        share: NDArray[Any] = hit.reshape(
            self.grid.rows, SUBCELLS, self.grid.columns, SUBCELLS
        ).mean(axis=(1, 3))
        return share

    def part(self, grid: Grid) -> tuple[slice, slice]:
        """Return the rows and columns that are the cells of another grid of the same step.

        Raises
        ------
        ModelError
            The other one reaches beyond the polygon's box.
        """
        whole = self.grid
        if not whole.region.covers(grid.region):
            raise ModelError(
                f"the point process was fitted to {whole.region} and cannot be continued in "
                f"{grid.region}. Ask for a region inside, or fit one there: graben quakes train "
                "--model hybrid-etas --region W S E N"
            )
        row = round((grid.south - whole.south) / whole.step)
        column = round((grid.west - whole.west) / whole.step)
        return slice(row, row + grid.rows), slice(column, column + grid.columns)

    def at(self, day: float, horizon: float, catalogs: int, seed: int) -> CellCounts:
        """Return what is expected in the `horizon` days after `day` of the sequence.

        Raises
        ------
        ModelError
            The process cannot be simulated from.
        """
        branching, sources = self.continuations.at(day)
        simulated = branching.simulate(sources, horizon, catalogs, seed)
        return CellCounts(
            self._background(branching.background) * horizon,
            self._direct(branching, sources, horizon),
            self._later(branching, simulated, horizon, seed),
            branching.magnitudes,
        )

    def _background(self, mixture: SpatialMixture) -> NDArray[Any]:
        """Return the background's events a day in each cell: whole Gaussians, no draws."""
        grid = self.grid
        even = grid.area * self.inside
        total = mixture.uniform_rate * even / even.sum()
        for width in np.unique(mixture.bandwidth_km):
            chosen = mixture.bandwidth_km == width
            latitude = mixture.latitude[chosen]
            north = np.full(latitude.size, np.degrees(width / EARTH_RADIUS_KM))
            east = north / np.cos(np.radians(latitude))
            rows = _factors(latitude, north, grid.south, grid.step, grid.rows)
            columns = _factors(mixture.longitude[chosen], east, grid.west, grid.step, grid.columns)
            add_within(total, mixture.rate[chosen], self.inside, *rows, *columns)
        return total

    def _direct(
        self, branching: BranchingProcess, sources: Sources, horizon: float
    ) -> NDArray[Any]:
        expected = direct_offspring(branching, sources, horizon)
        return np.asarray(expected @ self._spread[: expected.size]).reshape(self.grid.shape)

    @cached_property
    def _spread(self) -> csr_matrix:
        """Share of the direct offspring of each event that falls into each cell, (event, cell)."""
        branching, sources = self.continuations.at(self.continuations.sequence.days[-1])
        excess = sources.excess
        number = np.ceil(POINTS * 10.0 ** (POINTS_GROWTH * excess)).astype(np.int64)
        event = np.repeat(np.arange(excess.size), number)
        point = np.arange(event.size) - np.repeat(np.cumsum(number) - number, number)
        radius = _radius(branching, excess[event], (point + 0.5) / number[event])
        along, across = (radius * turn(GOLDEN_ANGLE * point) for turn in (np.cos, np.sin))
        if sources.strike is not None:
            east, north, strength = (values[event] for values in sources.strike)
            stretch = np.exp(branching.anisotropy / 2 * strength)
            along, across = along * stretch, across / stretch
            along, across = along * east - across * north, along * north + across * east
        cell, hit = self._cells(sources.longitude[event], sources.latitude[event], along, across)
        share = 1 / number[event[hit]]
        shape = (excess.size, self.grid.rows * self.grid.columns)
        return csr_matrix((share, (event[hit], cell[hit])), shape=shape)

    def _later(
        self, branching: BranchingProcess, simulated: SimulatedCatalogs, horizon: float, seed: int
    ) -> NDArray[Any]:
        """Return the mean offspring of simulated events, each at one drawn place, (half, cell)."""
        rng = np.random.default_rng(seed)
        parameters, law = branching.parameters, branching.magnitudes
        triggering = Triggering(parameters)
        drawn = law.draw(MAGNITUDES_DRAWN, rng) - law.completeness_magnitude
        # of any magnitude, so that a single large event does not rule the mean
        weight = triggering.produced(drawn)
        excess = rng.choice(drawn, len(simulated), p=weight / weight.sum())
        mean = triggering.produced(np.zeros(1))[0] * law.mean_growth(
            parameters.productivity_exponent
        )
        expected = mean * DecayMixture.of(parameters).integral(horizon - simulated.time)
        radius = _radius(branching, excess, rng.uniform(size=excess.size))
        angle = rng.uniform(0, 2 * np.pi, excess.size)
        east, north = radius * np.cos(angle), radius * np.sin(angle)
        cell, hit = self._cells(simulated.longitude, simulated.latitude, east, north)
        half = simulated.catalog % 2
        size = self.grid.rows * self.grid.columns
        sums = np.bincount((half * size + cell)[hit], expected[hit], 2 * size)
        catalogs = np.array([(simulated.count + 1) // 2, simulated.count // 2])
        return sums.reshape(2, *self.grid.shape) / np.maximum(catalogs, 1)[:, None, None]

    def _cells(
        self,
        longitude: NDArray[Any],
        latitude: NDArray[Any],
        east: NDArray[Any],
        north: NDArray[Any],
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the cell of the place so many km away, and whether it lies in the polygon."""
        there = latitude + np.degrees(north / EARTH_RADIUS_KM)
        across = EARTH_RADIUS_KM * np.cos(np.radians((latitude + there) / 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            turned = longitude + np.degrees(east / across)
        place = np.nan_to_num(turned, posinf=1e6, neginf=-1e6), there
        row, column, hit = self.grid.cell_of(*place)
        partly = hit & (self.inside[row, column] < 1)
        polygon = self.continuations.sequence.polygon
        hit[partly] = polygon.contains(place[0][partly], place[1][partly])
        return row * self.grid.columns + column, hit


def direct_offspring(branching: BranchingProcess, sources: Sources, horizon: float) -> NDArray[Any]:
    """Return the expected direct offspring of each source in the days to come, (source,)."""
    decay = DecayMixture.of(branching.parameters)
    in_time = decay.integral_and_slopes(sources.age, sources.age + horizon)[:, 0]
    expected: NDArray[Any] = Triggering(branching.parameters).produced(sources.excess) * in_time
    return expected if sources.multiplier is None else expected * sources.multiplier


def _radius(branching: BranchingProcess, excess: NDArray[Any], share: NDArray[Any]) -> NDArray[Any]:
    """Return the distance (km) within which a share of an event's direct offspring falls."""
    found = branching.parameters
    core = 10.0**found.log10_d * np.exp(found.gamma * excess)
    radius: NDArray[Any] = np.sqrt(core * np.expm1(-np.log1p(-share) / found.rho))
    return radius


def _factors(
    position: NDArray[Any], spread: NDArray[Any], edge: float, step: float, cells: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return first cell, number of cells and the share of each, of Gaussians along one axis."""
    first, size = np.empty(position.size, np.int64), np.empty(position.size, np.int64)
    widest = int(2 * TRUNCATION * spread.max(initial=0.0) / step) + 2
    factors = np.empty((position.size, min(widest, cells)))
    gaussian_factors(position, spread, edge, step, cells, first, size, factors)
    return first, size, factors


@lru_cache(maxsize=2)
def cells_of(process: PointProcess, sequence: EventSequence) -> ExpectedCells:
    """Return a process on cells, kept: what all its issue times share takes seconds to make."""
    return ExpectedCells(Continuations(process, sequence))
