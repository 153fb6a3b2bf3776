from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from graben.errors import InputError
from graben.quakes.models.background import (
    LEAST_MASS,
    Background,
    background_probability,
)
from graben.quakes.models.source_tiles import tiles_of
from graben.quakes.polygon import Polygon, read_polygon
from graben.quakes.sequence import EARTH_RADIUS_KM, EventSequence, Windows

RAGGED = Polygon(
    [-122.0, -121.2, -119.0, -118.6, -116.0, -116.5, -118.0, -119.5, -120.0, -121.0],
    [36.0, 34.9, 35.4, 33.0, 33.0, 36.5, 35.2, 38.5, 36.4, 38.0],
)
WINDOWS = Windows("2000-01-01", "2000-04-10", "2001-01-01", "2001-09-01", "2002-03-01")
WIDTHS = np.array(Background().bandwidths_km)


def clustered(polygon: Polygon, count: int, seed: int = 3) -> EventSequence:
    """Events in tight clusters and alone, some of them simultaneous."""
    rng = np.random.default_rng(seed)
    box = (polygon.longitude.min(), polygon.latitude.min())
    far = (polygon.longitude.max(), polygon.latitude.max())
    spares = 4 * count + 100
    centre = rng.uniform(box, far, (12, 2))[rng.integers(0, 12, spares)]
    spread = rng.choice([0.002, 0.02, 1.0], spares)[:, None]
    place = centre + spread * rng.normal(size=centre.shape)
    place = place[polygon.contains(place[:, 0], place[:, 1])][:count]
    time = np.sort(rng.uniform(0, 789, count))
    time[1::50] = time[::50]
    magnitude = np.full(count, 3.0)
    return EventSequence(time, place[:, 0], place[:, 1], magnitude, 3.0, 0.1, polygon, WINDOWS)


@pytest.fixture(scope="module")
def sequence() -> EventSequence:
    return clustered(RAGGED, 1500)


def squared_km(sequence: EventSequence, i: int, past: int) -> NDArray[np.float64]:
    middle = np.radians(sequence.latitude[i] + sequence.latitude[:past]) / 2
    x = (sequence.east_km[i] - sequence.east_km[:past]) * np.cos(middle)
    return x**2 + (sequence.north_km[i] - sequence.north_km[:past]) ** 2


def known_one_by_one(sequence: EventSequence, i: int, days: float, frozen: bool = False) -> int:
    """Count the events before the block of event i, stepping from block to block."""
    training, test = sequence.days[1], sequence.days[3]
    start = test if sequence.time[i] >= test else training
    if start == training:
        while start > sequence.time[i]:
            start -= days
    while not (frozen and start == test) and start + days <= sequence.time[i]:
        start += days
    return int((sequence.time < start).sum())


def area_grid(polygon: Polygon, cells: int) -> tuple[NDArray[np.float64], ...]:
    """Centres of cells inside the polygon, and their areas in km2."""
    west, east = polygon.longitude.min(), polygon.longitude.max()
    south, north = polygon.latitude.min(), polygon.latitude.max()
    middles = (np.arange(cells) + 0.5) / cells
    lon, lat = np.meshgrid(west + middles * (east - west), south + middles * (north - south))
    inside = polygon.contains(lon.ravel(), lat.ravel())
    lon, lat = lon.ravel()[inside], lat.ravel()[inside]
    area = np.radians((east - west) / cells) * np.radians((north - south) / cells)
    return lon, lat, EARTH_RADIUS_KM**2 * area * np.cos(np.radians(lat))


def reference_sequence(folder: Path) -> EventSequence:
    windows = Windows("2008-01-01", "2009-01-01", "2014-01-01", "2016-01-01", "2018-01-01")
    polygon = read_polygon(folder / "catalogs" / "SanJac_shape.npy")
    file = folder / "catalogs" / "EarthquakeNPP_SanJac_10_jittered.csv.gz"
    table = pd.read_csv(file).sort_values("time", kind="stable")
    moments = pd.to_datetime(table["time"], utc=True, format="ISO8601")
    kept = (
        (moments >= windows.moments[0]).to_numpy()
        & (table["magnitude"] >= 0.95).to_numpy()
        & polygon.contains(table["longitude"], table["latitude"])
    )
    table = table[kept]
    return EventSequence(
        ((moments[kept] - windows.moments[0]) / pd.Timedelta(days=1)).to_numpy(float),
        table["longitude"].to_numpy(float),
        table["latitude"].to_numpy(float),
        table["magnitude"].to_numpy(float),
        1.0,
        0.1,
        polygon,
        windows,
    )


def maps_twin(
    sequence: EventSequence, weights: NDArray[np.float64], i: int, days: float
) -> NDArray[np.float64]:
    """Map one event in double precision; the shares inside are those of the kernel."""
    past = known_one_by_one(sequence, i, days)
    held = np.maximum(Background()._masses(sequence, past), LEAST_MASS)
    found = [np.array([1 / sequence.polygon.area_km2])]
    for weight in weights[:past].T:
        peaks = np.exp(-squared_km(sequence, i, past)[:, None] / (2 * WIDTHS**2))
        sums = (weight[:, None] * peaks / (2 * np.pi * WIDTHS**2)).sum(axis=0)
        found.append(sums / (weight[:, None] * held).sum(axis=0))
    return np.concatenate(found)


def test_maps_are_the_sums_over_all_earlier_events_that_double_precision_gives(
    sequence: EventSequence,
) -> None:
    rng = np.random.default_rng(0)
    weights = np.stack([Background().rank_weights(sequence), rng.random(len(sequence))], axis=1)
    events = np.sort(rng.choice(np.arange(400, len(sequence)), 60, replace=False))
    found = Background().maps(sequence, weights, events)
    wanted = np.array([maps_twin(sequence, weights, i, 30.0) for i in events])
    uniform = 1 / sequence.polygon.area_km2
    matters = wanted > 0.01 * uniform
    assert found.shape == (60, 17)
    np.testing.assert_allclose(found[matters], wanted[matters], rtol=1e-5)
    assert np.abs(found - wanted)[~matters].max() < 1.1e-6 * uniform


def test_a_map_integrates_to_one_over_a_ragged_polygon() -> None:
    sequence = clustered(RAGGED, 1500)
    lon, lat, area = area_grid(RAGGED, 500)
    background = Background((2.0, 4.0, 8.0, 16.0, 32.0, 64.0))
    weights = background.rank_weights(sequence)[:, None]
    mass = area @ background.at(sequence, weights, lon, lat, len(sequence))
    assert np.all((mass > 0.98) & (mass < 1.01)), mass


def test_the_share_inside_a_box_is_that_of_the_error_function() -> None:
    from scipy.special import ndtr

    box = Polygon([-0.5, 0.5, 0.5, -0.5], [-0.4, -0.4, 0.4, 0.4])
    sequence = clustered(box, 300)
    shares = Background()._masses(sequence, 300)
    half = np.radians([0.5, 0.4]) * EARTH_RADIUS_KM
    place = np.stack([sequence.east_km, sequence.north_km], axis=1)[:, None, :]
    sides = ndtr((half - place) / WIDTHS[:, None]) - ndtr((-half - place) / WIDTHS[:, None])
    np.testing.assert_allclose(shares, sides.prod(axis=2), atol=2e-4)


def test_the_share_inside_does_not_depend_on_the_direction_of_the_vertices() -> None:
    sequence = clustered(RAGGED, 50)
    turned = replace(sequence, polygon=Polygon(RAGGED.longitude[::-1], RAGGED.latitude[::-1]))
    there, back = (Background()._masses(one, 50) for one in (sequence, turned))
    np.testing.assert_allclose(there, back, rtol=1e-9)


@pytest.mark.parametrize("narrow", [(0.5, 1.0), (4.0, 8.0, 16.0, 32.0, 64.0)])
def test_maps_of_real_seismicity_integrate_to_one(
    reference_data: Path, narrow: tuple[float, ...]
) -> None:
    sequence = reference_sequence(reference_data)
    background = Background(narrow)
    until = 4000 if narrow[0] < 1 else len(sequence)
    lon, lat, area = area_grid(sequence.polygon, 700 if narrow[0] < 1 else 150)
    weights = background.rank_weights(sequence)[:, None]
    mass = area @ background.at(sequence, weights, lon, lat, until)
    assert np.all((mass > 0.98) & (mass < 1.01)), mass


@pytest.mark.parametrize("frozen", [False, True])
def test_a_map_knows_the_events_before_its_block(sequence: EventSequence, frozen: bool) -> None:
    background = Background(frozen=frozen)
    every = np.arange(len(sequence))
    wanted = [known_one_by_one(sequence, i, 30.0, frozen) for i in every]
    assert background._known(sequence, every).tolist() == wanted


def test_a_replaced_future_leaves_the_maps_the_same_to_the_last_bit(
    sequence: EventSequence,
) -> None:
    event = 900
    other = sequence.replaced_from(event, clustered(RAGGED, 1500, seed=8))
    background = Background()
    early = np.arange(event)
    before, after = (
        background.maps(one, background.rank_weights(one)[:, None], early)
        for one in (sequence, other)
    )
    assert np.array_equal(before, after)
    before, after = (
        background.maps(one, background.rank_weights(one)[:, None], np.arange(event + 200))
        for one in (sequence, other)
    )
    assert np.array_equal(before[:event], after[:event])
    assert not np.array_equal(before[event:], after[event:])


def test_events_in_any_order_have_the_same_maps(sequence: EventSequence) -> None:
    weights = Background().rank_weights(sequence)[:, None]
    events = np.random.default_rng(2).permutation(len(sequence))
    shuffled = Background().maps(sequence, weights, events)
    assert np.array_equal(shuffled, Background().maps(sequence, weights, np.sort(events))[events])


def test_without_an_earlier_event_every_map_is_uniform() -> None:
    sequence = clustered(RAGGED, 1)
    assert len(sequence) == 1
    found = Background().maps(sequence, np.ones((1, 1)), np.array([0]))
    np.testing.assert_array_equal(found, np.full((1, 9), 1 / RAGGED.area_km2))


def test_maps_at_points_are_those_at_events_of_the_same_moment(sequence: EventSequence) -> None:
    weights = Background().rank_weights(sequence)[:, None]
    first = sequence.test.start
    found = Background().at(
        sequence, weights, sequence.longitude[[first]] + 360, sequence.latitude[[first]], first
    )
    np.testing.assert_allclose(
        found, Background().maps(sequence, weights, np.array([first])), rtol=1e-6
    )


def test_what_lies_beyond_the_reach_is_not_visited_and_does_not_matter() -> None:
    sequence = clustered(RAGGED, 400)
    sources = np.zeros((4, 0))
    assert tiles_of(sequence, sources, np.zeros(0), 10.0).first[-1] == 0
    whole = Background((4.0, 8.0, 16.0, 32.0, 64.0))
    alone = Background((4.0,))
    weights = whole.rank_weights(sequence)[:, None]
    events = np.arange(200, 400)
    np.testing.assert_allclose(
        whole.maps(sequence, weights, events)[:, 1],
        alone.maps(sequence, weights, events)[:, 1],
        rtol=1e-5,
        atol=2e-6 / RAGGED.area_km2,
    )


def test_rank_weights_count_earlier_events_of_the_cell_and_window(
    sequence: EventSequence,
) -> None:
    background = Background(cell_share=0.05, cell_days=50.0)
    cell = 0.05 * np.sqrt(RAGGED.area_km2)
    east = sequence.east_km * np.cos(np.radians(RAGGED.centre[1]))
    seen: dict[tuple[float, ...], int] = {}
    for i, found in enumerate(background.rank_weights(sequence)):
        key = (east[i] // cell, sequence.north_km[i] // cell, sequence.time[i] // 50.0)
        seen[key] = seen.get(key, 0) + 1
        assert found == 1 / seen[key]
    assert max(seen.values()) > 5


def test_the_mixture_is_the_weighted_sum_of_the_maps(sequence: EventSequence) -> None:
    background = Background()
    rng = np.random.default_rng(5)
    weights = np.stack([background.rank_weights(sequence), rng.random(len(sequence))], axis=1)
    rates = np.array([0.5, *rng.random(16)])
    mixture = background.mixture(sequence, weights, rates, 700)
    assert mixture.total_rate == pytest.approx(rates.sum(), rel=2e-3)
    lon, lat = sequence.longitude[900:910], sequence.latitude[900:910]
    shares = background._masses(sequence, 700)
    place = {key: i for i, key in enumerate(zip(*places_of(sequence, 700), strict=True))}
    source = [place[key] for key in zip(mixture.longitude, mixture.latitude, strict=True)]
    inside = shares[source, np.searchsorted(WIDTHS, mixture.bandwidth_km)]
    wanted = background.at(sequence, weights, lon, lat, 700) @ rates
    for i, one in enumerate(wanted):
        x = np.radians(lon[i] - mixture.longitude) * EARTH_RADIUS_KM
        x *= np.cos(np.radians(lat[i] + mixture.latitude) / 2)
        y = np.radians(lat[i] - mixture.latitude) * EARTH_RADIUS_KM
        width2 = mixture.bandwidth_km**2
        peaks = mixture.rate * np.exp(-(x**2 + y**2) / (2 * width2)) / (2 * np.pi * width2)
        found = mixture.uniform_rate / RAGGED.area_km2 + (peaks / inside).sum()
        assert found == pytest.approx(one, rel=1e-4)


def places_of(
    sequence: EventSequence, until: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return sequence.longitude[:until], sequence.latitude[:until]


def test_gaussians_of_no_weight_go_to_the_uniform_part(sequence: EventSequence) -> None:
    background = Background()
    weights = np.full((len(sequence), 1), 1.0)
    weights[10:20] = 1e-12
    rates = np.array([1.0, *np.ones(8)])
    mixture = background.mixture(sequence, weights, rates, 30)
    assert mixture.rate.size == 20 * 8
    assert 1.0 < mixture.uniform_rate < 1.0 + 1e-6 * rates.sum()
    nothing = background.mixture(sequence, weights, rates, 0)
    assert (nothing.uniform_rate, nothing.rate.size) == (9.0, 0)


def test_the_background_probability_is_its_share_of_the_intensity() -> None:
    maps = np.array([[0.1, 0.3], [0.1, 0.0]])
    found = background_probability(maps, np.array([1.0, 2.0]), np.array([0.7, 0.0]))
    np.testing.assert_allclose(found, [0.5, 1.0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bandwidths_km": (0.05, 0.1)}, r"0\.1 km and more"),
        ({"bandwidths_km": (1.0, 3.0)}, "twice the one before"),
        ({"bandwidths_km": ()}, "km and more"),
        ({"refresh_days": 0.0}, "above 0"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, tuple[float, ...]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Background(**settings)


def test_weights_of_another_sequence_are_refused(sequence: EventSequence) -> None:
    with pytest.raises(InputError, match="same sequence"):
        Background().maps(sequence, np.ones((3, 1)), np.array([0]))
    with pytest.raises(InputError, match="same sequence"):
        Background().at(sequence, np.ones((len(sequence), 1)), [-120], [35], len(sequence) + 1)
