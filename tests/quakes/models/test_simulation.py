from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from graben.errors import CatalogError, InputError, ModelError
from graben.quakes.models import simulation
from graben.quakes.models import simulation_kernels as kernels
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.magnitudes import TaperedGutenbergRichter
from graben.quakes.models.simulated_catalogs import SimulatedCatalogs, Sources
from graben.quakes.models.simulation import BranchingProcess, simulate_catalog
from graben.quakes.models.spatial_mixture import SpatialMixture
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EARTH_RADIUS_KM, EventSequence, Windows

BOX = Polygon([0.0, 10.0, 10.0, 0.0], [50.0, 50.0, 60.0, 60.0])
SMALL = Polygon([4.8, 5.2, 5.2, 4.8], [54.9, 54.9, 55.1, 55.1])
# offspring stay near (rho 1.5) and soon (tau 20 days)
NEAR = EtasParameters(-6.0, -1.95, 1.6, -2.0, 0.1, 1.3, -0.3, 0.6, 1.5)
MAGNITUDES = TaperedGutenbergRichter(2.3, 2.5, 7.0, 0.1)


def mixture(polygon=BOX, uniform_rate=0.0, gaussians=()):
    return SpatialMixture(polygon, uniform_rate, *np.array(gaussians, float).reshape(-1, 4).T)


def process_of(parameters=NEAR, background=None, **changes):
    return BranchingProcess(parameters, background or mixture(), MAGNITUDES, **changes)


def source(age=3.0, excess=4.0, **changes):
    return Sources(*np.array([[age], [5.0], [55.0], [excess]]), **changes)


def time_kernel(t, found=NEAR):
    return np.exp(-t / 10**found.log10_tau) * (t + 10**found.log10_c) ** -(1 + found.omega)


def mean_offspring(found, excess, first, last):
    """The integral of the kernel over the plane and from one delay to another."""
    core = 10**found.log10_d * np.exp(found.gamma * excess)
    in_space = np.pi / (found.rho * core**found.rho)
    breaks = np.geomspace(first + 1e-3, last, 12)
    in_time = sum(
        quad(time_kernel, a, b, args=(found,), epsabs=1e-13)[0]
        for a, b in zip([first, *breaks[:-1]], breaks, strict=True)
    )
    return 10**found.log10_k0 * np.exp(found.a * excess) * in_space * in_time


def direct(process, sources, horizon, catalogs=4000, seed=1):
    events = process.simulate(sources, horizon, catalogs, seed)
    return events.rows(events.generation == 1)


def kilometres(events):
    """East and north of the source at 5 E, 55 N, by the rule for distances."""
    middle = np.radians((events.latitude + 55.0) / 2)
    east = EARTH_RADIUS_KM * np.radians(events.longitude - 5.0) * np.cos(middle)
    return east, EARTH_RADIUS_KM * np.radians(events.latitude - 55.0)


@pytest.mark.parametrize("omega", [-0.3, 0.0, 0.25])
@pytest.mark.parametrize(("age", "horizon"), [(0.0, 1.0), (3.0, 30.0), (40.0, 300.0)])
def test_direct_offspring_are_poisson_with_the_exact_integral_as_mean(omega, age, horizon):
    found = replace(NEAR, omega=omega, log10_k0=-3.0)
    wanted = 5.0 / mean_offspring(found, 4.0, age, age + horizon)
    sources = source(age, multiplier=np.array([wanted]))
    counts = direct(process_of(found), sources, horizon).counts()
    assert counts.mean() == pytest.approx(5.0, abs=4 * np.sqrt(5.0 / counts.size))
    assert counts.var() == pytest.approx(5.0, rel=0.1)


def test_times_of_direct_offspring_follow_the_tapered_power_law():
    events = direct(process_of(), source(multiplier=np.array([4.0])), 60.0)
    grid = np.linspace(0.0, 60.0, 20_001)
    density = time_kernel(grid + 3.0)
    below = np.append(0.0, np.cumsum((density[1:] + density[:-1]) / 2))
    assert len(events) > 5000
    assert kstest(events.time, lambda t: np.interp(t, grid, below / below[-1])).pvalue > 0.01


def power_law_share(square, core, rho=NEAR.rho):
    return 1 - (core / (square + core)) ** rho


def test_distances_follow_the_power_law_and_directions_are_even():
    events = direct(process_of(), source(multiplier=np.array([4.0])), 60.0)
    east, north = kilometres(events)
    core = 10**NEAR.log10_d * np.exp(NEAR.gamma * 4.0)
    assert kstest(east**2 + north**2, power_law_share, args=(core,)).pvalue > 0.01
    turn = np.arctan2(north, east) / (2 * np.pi) + 0.5
    assert kstest(turn, "uniform").pvalue > 0.01


@pytest.mark.parametrize("observed", [True, False])
def test_offspring_are_stretched_along_the_strike_of_their_parent(observed):
    found, strength, eps = replace(NEAR, rho=3.0, log10_k0=-2.3), 0.5, 1.2

    def strike(longitude, _):
        return tuple(np.full(np.size(longitude), one) for one in (0.6, 0.8, strength))

    if observed:
        sources = source(multiplier=np.array([60.0]), strike=strike([5.0], None))
        events = direct(process_of(found, anisotropy=eps), sources, 60.0)
    else:  # simulated parents lie within metres of the centre, their offspring do not
        background = mixture(gaussians=[(5.0, 55.0, 1e-6, 100.0)])
        process = process_of(found, background, anisotropy=eps, strike=strike)
        events = direct(process, Sources.none(), 30.0, 20)
    east, north = kilometres(events)
    along, across = east * 0.6 + north * 0.8, north * 0.6 - east * 0.8
    assert len(events) > 3000
    assert (along**2).mean() / (across**2).mean() == pytest.approx(
        np.exp(2 * eps * strength), rel=0.2
    )
    assert abs((along * across).mean()) < 0.05 * (along**2).mean()
    if observed:  # the ellipse has the area of the circle
        square = along**2 * np.exp(-eps * strength) + across**2 * np.exp(eps * strength)
        core = 10**found.log10_d * np.exp(found.gamma * 4.0)
        assert kstest(square, power_law_share, args=(core, 3.0)).pvalue > 0.01


def test_a_strike_without_anisotropy_changes_nothing():
    along = tuple(np.array([one]) for one in (0.6, 0.8, 0.5))
    events = process_of().simulate(source(strike=along), 30.0, 50, 1)
    assert same(events, process_of().simulate(source(), 30.0, 50, 1))


def test_all_generations_together_are_the_branching_series():
    process = process_of(background=mixture(uniform_rate=3.0))
    ratio = process.branching_ratio
    assert 0.5 < ratio < 0.9
    events = process.simulate(Sources.none(), 4000.0, 10, 1)
    generation = np.bincount(events.generation)
    assert generation[0] == pytest.approx(3.0 * 4000 * 10, abs=4 * np.sqrt(120_000))
    # the end of the window cuts some families short, the box's edges some more: below 1 %
    assert len(events) / generation[0] == pytest.approx(1 / (1 - ratio), rel=0.06)
    assert generation[1] / generation[0] == pytest.approx(ratio, rel=0.06)


def test_the_branching_ratio_is_that_of_the_parameters_up_to_the_bins():
    fine = replace(MAGNITUDES, bin_width=0.0, corner_magnitude=9.9)
    process = BranchingProcess(NEAR, mixture(), fine)
    assert process.branching_ratio == pytest.approx(NEAR.branching_ratio(2.3), rel=0.005)


def test_a_uniform_background_is_even_over_the_sphere():
    quiet = replace(NEAR, log10_k0=-9.0)
    triangle = Polygon([0.0, 20.0, 0.0], [40.0, 40.0, 70.0])
    events = process_of(quiet, mixture(triangle, 50.0)).simulate(Sources.none(), 10.0, 40, 1)
    sine = np.sin(np.radians(events.latitude))
    grid = np.radians(np.linspace(40.0, 70.0, 2001))
    width = (np.radians(70.0) - grid) * np.cos(grid)
    below = np.append(0.0, np.cumsum((width[1:] + width[:-1]) / 2))
    assert kstest(sine, lambda s: np.interp(np.arcsin(s), grid, below / below[-1])).pvalue > 0.01
    assert triangle.contains(events.longitude, events.latitude).all()
    across = events.longitude / (20.0 * (70.0 - events.latitude) / 30.0)
    assert kstest(across, "uniform").pvalue > 0.01
    assert kstest(events.time / 10.0, "uniform").pvalue > 0.01


def test_each_gaussian_keeps_its_rate_inside_the_polygon():
    quiet = replace(NEAR, log10_k0=-9.0)
    parts = [(5.0, 55.0, 2.0, 30.0), (0.0, 59.0, 20.0, 10.0)]  # the second is cut in half
    background = mixture(uniform_rate=0.0, gaussians=parts)
    events = process_of(quiet, background).simulate(Sources.none(), 100.0, 10, 1)
    near = events.latitude < 57
    assert near.sum() == pytest.approx(30_000, abs=4 * np.sqrt(30_000))
    assert (~near).sum() == pytest.approx(10_000, abs=4 * np.sqrt(10_000))
    east, north = kilometres(events.rows(near))
    assert kstest(east / 2.0, "norm").pvalue > 0.01
    assert kstest(north / 2.0, "norm").pvalue > 0.01
    assert events.longitude.min() >= 0.0


def slow_family(rng, background_rate, horizon, polygon):
    """One catalogue by the definition: Poisson numbers, times from a table, one event a step."""
    found = NEAR
    core = 10**found.log10_d
    grid = np.append(0.0, np.geomspace(1e-5, horizon, 4000))
    density = time_kernel(grid)
    below = np.append(0.0, np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid)))
    waiting = [(-3.0, 5.0, 55.0, 4.0)]
    for _ in range(rng.poisson(background_rate * horizon)):
        spot = (rng.uniform(4.8, 5.2), rng.uniform(54.9, 55.1))
        waiting.append((rng.uniform(0, horizon), *spot, MAGNITUDES.draw(1, rng)[0] - 2.5))
    kept = []
    while waiting:
        time, longitude, latitude, excess = waiting.pop()
        if time >= 0 and polygon.contains(longitude, latitude):
            kept.append((time, excess))
        size = core * np.exp(found.gamma * excess)
        number = 10**found.log10_k0 * np.exp(found.a * excess) * np.pi / found.rho
        first, last = (np.interp(max(-time, 0.0), grid, below), 0.0)
        reach = np.append(grid, grid[-1] + 3.0)
        longer = np.append(below, below[-1] + 3.0 * time_kernel(horizon + 1.5))
        last = np.interp(horizon - time, reach, longer)
        for _ in range(rng.poisson(number * size**-found.rho * (last - first))):
            child = time + np.interp(rng.uniform(first, last), longer, reach)
            radius = np.sqrt(size * (rng.uniform() ** (-1 / found.rho) - 1))
            angle = rng.uniform(0, 2 * np.pi)
            north = latitude + np.degrees(radius * np.sin(angle) / EARTH_RADIUS_KM)
            east = radius * np.cos(angle) / np.cos(np.radians(latitude)) / EARTH_RADIUS_KM
            place = (longitude + np.degrees(east), north)
            waiting.append((child, *place, MAGNITUDES.draw(1, rng)[0] - 2.5))
    return kept


def test_families_are_those_of_a_slow_loop():
    horizon, catalogs = 20.0, 1000
    rng = np.random.default_rng(11)
    slow = [slow_family(rng, 0.3, horizon, SMALL) for _ in range(catalogs)]
    process = process_of(background=mixture(SMALL, 0.3))
    events = process.simulate(source(), horizon, 20 * catalogs, 1)
    counts, twin = events.counts(), np.array([len(one) for one in slow])
    assert 5 < twin.mean() < 30
    assert counts.mean() == pytest.approx(twin.mean(), abs=4 * twin.std() / np.sqrt(catalogs))
    assert np.median(counts) == pytest.approx(np.median(twin), abs=1)
    assert np.percentile(counts, 90) == pytest.approx(np.percentile(twin, 90), rel=0.15)
    time, excess = np.array([event for one in slow for event in one]).T
    assert events.time.mean() == pytest.approx(time.mean(), rel=0.05)
    assert events.magnitude.mean() - 2.5 == pytest.approx(excess.mean(), rel=0.05)


def same(one, other):
    return one.count == other.count and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("catalog", "time", "longitude", "latitude", "magnitude", "generation")
    )


def test_a_seed_gives_the_same_catalogues_whatever_the_batches():
    process = process_of(background=mixture(uniform_rate=2.0))
    whole = process.simulate(source(), 30.0, 50, 7)
    for size in (1, 7, 50):
        parts = list(process.simulate_in_batches(source(), 30.0, 50, 7, batch_size=size))
        assert [part.count for part in parts] == [size] * (50 // size) + [50 % size] * (
            50 % size > 0
        )
        numbered = [replace(p, catalog=p.catalog + i * size) for i, p in enumerate(parts)]
        assert same(SimulatedCatalogs.joined(numbered, 50), whole)
    assert not same(process.simulate(source(), 30.0, 50, 8), whole)
    order = np.lexsort((whole.time, whole.catalog))
    assert np.array_equal(order, np.arange(len(whole)))


def test_too_little_room_changes_nothing(monkeypatch):
    process = process_of(background=mixture(uniform_rate=2.0))
    whole = process.simulate(source(), 30.0, 50, 7)
    enough = simulation._drawn
    monkeypatch.setattr(simulation, "_drawn", lambda *given: enough(*given[:3], 0.0))
    assert same(process.simulate(source(), 30.0, 50, 7), whole)


def test_events_beyond_the_polygon_trigger_and_are_removed():
    far = Sources(*np.array([[0.1], [5.4], [55.0], [5.0]]))  # 13 km east of the small box
    events = process_of(background=mixture(SMALL)).simulate(far, 10.0, 200, 1)
    assert events.generation.max() > 1
    assert SMALL.contains(events.longitude, events.latitude).all()


def test_counts_and_selection():
    events = SimulatedCatalogs(
        np.array([0, 0, 2], np.int32),
        np.array([0.1, 0.2, 0.1]),
        np.array([5.0, 1.0, 5.0]),
        np.array([55.0, 55.0, 55.0]),
        np.array([2.5, 3.0, 3.0]),
        np.array([0, 1, 0]),
        4,
    )
    assert events.counts().tolist() == [2, 0, 1, 0]
    assert events.select(min_magnitude=3.0).counts().tolist() == [1, 0, 1, 0]
    assert events.select(min_magnitude=3.0, polygon=SMALL).counts().tolist() == [0, 0, 1, 0]


def test_nothing_comes_from_nothing():
    assert process_of().simulate(Sources.none(), 10.0, 3, 1).counts().tolist() == [0, 0, 0]


def test_an_explosive_process_is_refused():
    with pytest.raises(ModelError, match=r"got 1\.\d+ with .* Fit with a larger"):
        process_of(replace(NEAR, log10_k0=-1.75))


def test_more_events_than_memory_holds_are_refused(monkeypatch):
    process = process_of(background=mixture(uniform_rate=2.0))
    monkeypatch.setattr(simulation, "EVENT_LIMIT", 100)
    with pytest.raises(ModelError, match="at most 100 simulated events"):
        process.simulate(source(), 30.0, 500, 7)


@pytest.mark.parametrize(("horizon", "catalogs"), [(0.0, 1), (np.inf, 1), (1.0, 0)])
def test_a_request_for_nothing_is_refused(horizon, catalogs):
    with pytest.raises(InputError, match="horizon above 0 days and one or more"):
        process_of().simulate(source(), horizon, catalogs, 1)


def test_sources_of_the_future_or_of_several_lengths_are_refused():
    with pytest.raises(InputError, match="one 1 days after"):
        source(age=-1.0)
    with pytest.raises(InputError, match="arrays of one length"):
        source(multiplier=np.ones(2))


@pytest.mark.parametrize("changes", [{"excess": np.nan}, {"multiplier": np.array([-1.0])}])
def test_sources_with_missing_or_negative_values_are_refused(changes):
    with pytest.raises(InputError, match="without missing values"):
        source(**changes)


def test_a_background_centred_outside_its_polygon_is_refused():
    with pytest.raises(InputError, match="centres lie inside"):
        process_of(background=mixture(gaussians=[(20.0, 55.0, 2.0, 1.0)]))


def test_a_simulated_catalogue_is_a_catalogue_and_its_events_are_sources():
    dateline = Polygon([175.0, 185.0, 185.0, 175.0], [50.0, 50.0, 60.0, 60.0])
    process = process_of(background=mixture(dateline, 0.5))
    catalog = simulate_catalog(process, "2000-01-01", 1000.0, 1)
    assert (catalog.start, catalog.end) == (
        pd.Timestamp("2000-01-01", tz="UTC"),
        pd.Timestamp("2002-09-27", tz="UTC"),
    )
    assert catalog.table["longitude"].between(-180, 180).all()
    assert (catalog.table["longitude"] < 0).any()
    windows = Windows("2000-01-01", "2000-06-01", "2001-06-01", "2002-01-01", "2002-09-27")
    sequence = EventSequence.from_catalog(catalog, dateline, windows, 2.5)
    assert len(sequence) == len(catalog)
    sources = Sources.before(sequence, 400.0)
    assert sources.age.size == (sequence.time < 400.0).sum()
    assert sources.age[0] == 400.0 - sequence.time[0]
    near = process.simulate(sources, 1.0, 5, 1)
    assert dateline.contains(near.longitude, near.latitude).all()


def test_a_simulated_catalogue_without_events_is_refused():
    with pytest.raises(CatalogError):
        simulate_catalog(process_of(), "2000-01-01", 10.0, 1)


def test_the_stream_of_a_catalogue_advances_once_for_each_number():
    states = np.array([3], np.uint64)
    arguments = (kernels.Gaussians(np.array([2.0]), *np.empty((3, 0))), simulation._outline(BOX), 9)
    first = simulation._drawn(kernels.background, states, arguments, 18.0)
    second = simulation._drawn(kernels.background, states, arguments, 18.0)
    assert not np.isin(first.time, second.time).any()
