"""A short sequence with all that is awkward in one, and ETAS by the book beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from graben.quakes.formats import read_catalog
from graben.quakes.models.etas_likelihood import Triggering
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.strike import Strikes
from graben.quakes.polygon import Polygon, read_polygon
from graben.quakes.sequence import EventSequence, Windows
from graben.quakes.testing.benchmark import BenchmarkData, read_benchmark

WINDOWS = Windows("2000-01-01", "2000-07-01", "2001-03-01", "2001-09-01", "2002-03-01")
BOX = Polygon([10.0, 13.0, 13.0, 10.0], [40.0, 40.0, 43.0, 43.0])
FILES = {"ComCat": "california_shape", "SCEDC": "shape", "SanJac": "shape"}


@pytest.fixture(scope="session")
def short_sequence() -> EventSequence:
    """400 events in clusters of metres to kilometres, some simultaneous, bursts of seconds."""
    rng = np.random.default_rng(5)
    count = 400
    centre = rng.uniform((10.3, 40.3), (12.7, 42.7), (10, 2))[rng.integers(0, 10, count)]
    spread = rng.choice([1e-5, 1e-3, 0.03, 0.3], count)[:, None]
    place = np.clip(centre + spread * rng.normal(size=(count, 2)), (10.01, 40.01), (12.99, 42.99))
    time = rng.uniform(0, 789, count)
    time[200:260] = 450 + np.geomspace(1e-4, 20, 60)
    time.sort()
    time[[11, 211, 212, 301]] = time[[10, 210, 210, 300]]
    time[399] = time[398]  # the last two too
    magnitude = 3 + np.floor(10 * rng.exponential(0.45, count)) / 10
    magnitude[205] = 6.0
    return EventSequence(time, *place.T, magnitude, 3.0, 0.1, BOX, WINDOWS)


@pytest.fixture(scope="session")
def some_strikes(short_sequence: EventSequence) -> Strikes:
    """Return directions and strengths at random."""
    rng = np.random.default_rng(6)
    angle = rng.uniform(0, np.pi, len(short_sequence))
    return Strikes(np.cos(angle), np.sin(angle), rng.uniform(0, 1, len(short_sequence)))


@pytest.fixture(scope="session")
def triggering() -> Triggering:
    """Return triggering without an exponent that is 0 or 1 by chance."""
    return Triggering(EtasParameters(-6.0, -2.4, 1.4, -2.3, 0.08, 2.6, -0.7, 1.1, 0.6), 0.7)


@pytest.fixture(scope="session")
def squared_km() -> Callable[..., NDArray[Any]]:
    """Give the squared distance of targets (rows) and sources, stretched along strike."""

    def by_the_book(
        sequence: EventSequence, triggering: Triggering, strikes: Strikes | None = None
    ) -> NDArray[Any]:
        latitude = np.radians(sequence.latitude)
        middle = (latitude[:, None] + latitude) / 2
        dx = (sequence.east_km[:, None] - sequence.east_km) * np.cos(middle)
        dy = sequence.north_km[:, None] - sequence.north_km
        if strikes is None:
            return dx**2 + dy**2
        stretched = np.exp(triggering.anisotropy * strikes.strength)
        along = dx * strikes.east + dy * strikes.north
        across = dy * strikes.east - dx * strikes.north
        return along**2 / stretched + across**2 * stretched

    return by_the_book


@pytest.fixture(scope="session")
def kernel_matrix(squared_km: Callable[..., NDArray[Any]]) -> Callable[..., NDArray[Any]]:
    """Give g of each target (row) and source (column), 0 where the source is not earlier."""

    def by_the_book(
        sequence: EventSequence, triggering: Triggering, strikes: Strikes | None = None
    ) -> NDArray[Any]:
        p, age = triggering.parameters, sequence.time[:, None] - sequence.time
        past, age = age > 0, np.maximum(age, 0)
        whole = squared_km(sequence, triggering, strikes) + 10**p.log10_d * np.exp(
            p.gamma * sequence.excess
        )
        in_time = np.exp(-age / 10**p.log10_tau) * (age + 10**p.log10_c) ** -(1 + p.omega)
        produced = 10**p.log10_k0 * np.exp(p.a * sequence.excess)
        return np.where(past, produced * in_time * whole ** -(1 + p.rho), 0.0)

    return by_the_book


@pytest.fixture(scope="session")
def benchmark_sequence(reference_data: Path) -> Callable[..., EventSequence]:
    """Give the sequence of a benchmark by its name, jittered or not, at its completeness or not."""
    folder = reference_data / "catalogs"

    def read(name: str, jittered: bool = True, completeness: float | None = None) -> EventSequence:
        network = name.split("_")[0]
        stem = "SCEDC_20" if network == "SCEDC" else name
        file = f"EarthquakeNPP_{stem}{'_jittered' * jittered}.csv.gz"
        benchmark = read_benchmark(name)
        if completeness is not None:
            benchmark = benchmark.model_copy(update={"completeness_magnitude": completeness})
        polygon = read_polygon(folder / f"{network}_{FILES[network]}.npy")
        return BenchmarkData.of(benchmark, read_catalog(folder / file), polygon).sequence

    return read
