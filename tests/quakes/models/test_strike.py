import numpy as np
import pytest
from numpy.typing import NDArray

from graben.quakes.models.strike import strike_at, strikes_of
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows

POLYGON = Polygon([20.0, 22.0, 22.0, 20.0], [50.0, 50.0, 52.0, 52.0])
WINDOWS = Windows("2000-01-01", "2000-04-10", "2001-01-01", "2001-09-01", "2002-03-01")
CENTRES = np.array([[20.5, 50.5], [21.5, 51.2], [20.4, 51.5]])


def faulted(count: int, seed: int = 1) -> EventSequence:
    """Events about three faults of any direction, some of them simultaneous, some alone."""
    rng = np.random.default_rng(seed)
    fault = rng.integers(0, 4, count)
    angle = np.array([0.3, 1.2, 2.4, 0.0])[fault]
    along, across = rng.normal(0, 0.05, count), rng.normal(0, 0.005, count)
    centre = np.vstack([CENTRES, [21.2, 50.6]])[fault]
    lon = centre[:, 0] + along * np.cos(angle) - across * np.sin(angle)
    lat = centre[:, 1] + along * np.sin(angle) + across * np.cos(angle)
    alone = fault == 3
    lon[alone], lat[alone] = rng.uniform((20, 50), (22, 52), (alone.sum(), 2)).T
    time = np.sort(rng.uniform(0, 789, count))
    time[1::40] = time[::40]
    return EventSequence(time, lon, lat, np.full(count, 3.0), 3.0, 0.1, POLYGON, WINDOWS)


@pytest.fixture(scope="module")
def sequence() -> EventSequence:
    return faulted(1200)


def twin(sequence: EventSequence, i: int) -> tuple[float, NDArray[np.float64]]:
    """Strength and direction by the definition, in double precision."""
    past = sequence.time < sequence.time[i]
    middle = np.radians(sequence.latitude[i] + sequence.latitude[past]) / 2
    x = (sequence.east_km[past] - sequence.east_km[i]) * np.cos(middle)
    y = sequence.north_km[past] - sequence.north_km[i]
    weight = np.exp(-(x**2 + y**2) / 18) * (x**2 + y**2 < 324)
    if not weight.sum() > 1e-6:
        return 0.0, np.array([1.0, 0.0])
    spread = np.cov(np.stack([x, y]), aweights=weight, ddof=0)
    (small, large), axes = np.linalg.eigh(spread)
    strength = (large - small) / (large + small + 0.02)
    return strength * weight.sum() / (weight.sum() + 10), axes[:, 1]


def test_strikes_are_the_major_axes_of_the_earlier_events(sequence: EventSequence) -> None:
    found = strikes_of(sequence)
    np.testing.assert_allclose(found.east**2 + found.north**2, 1.0)
    for i in range(len(sequence)):
        strength, axis = twin(sequence, i)
        assert found.strength[i] == pytest.approx(strength, abs=5e-4)
        sine = found.east[i] * axis[1] - found.north[i] * axis[0]
        assert abs(sine) * strength < 5e-4


def test_a_fault_is_found(sequence: EventSequence) -> None:
    found = strike_at(sequence, *CENTRES.T, len(sequence))
    wide = np.cos(np.radians(CENTRES[:, 1]))
    for k, angle in enumerate([0.3, 1.2, 2.4]):
        wanted = np.arctan2(np.sin(angle), np.cos(angle) * wide[k])
        turned = np.arctan2(found.north[k], found.east[k]) - wanted
        assert abs(np.sin(turned)) < 0.1
    assert np.all(found.strength > 0.6)


def test_a_replaced_future_leaves_the_strikes_the_same_to_the_last_bit(
    sequence: EventSequence,
) -> None:
    event = 700
    other = sequence.replaced_from(event, faulted(1200, seed=9))
    before, after = strikes_of(sequence), strikes_of(other)
    for first, second in zip(before, after, strict=True):
        assert np.array_equal(first[:event], second[:event])
        assert not np.array_equal(first[event : event + 300], second[event : event + 300])


def test_simultaneous_events_do_not_see_each_other() -> None:
    sequence = faulted(2)
    assert sequence.time[0] == sequence.time[1]
    found = strikes_of(sequence)
    assert found.strength.tolist() == [0.0, 0.0]
    assert found.east.tolist() == [1.0, 1.0]


def test_strike_at_an_event_is_that_of_the_event(sequence: EventSequence) -> None:
    i = 800
    at = strike_at(sequence, sequence.longitude[[i]], sequence.latitude[[i]], sequence.history[i])
    events = strikes_of(sequence)
    assert at.strength[0] == pytest.approx(events.strength[i], rel=1e-9)
    assert at.east[0] == pytest.approx(events.east[i], rel=1e-9)


def test_few_neighbours_count_for_little() -> None:
    line = np.array([0.0, 0.02, -0.02])
    few = EventSequence(
        np.arange(3.0), 21 + line, 51 + 0 * line, np.full(3, 3.0), 3.0, 0.1, POLYGON, WINDOWS
    )
    weight = 2 * np.exp(-((np.radians(0.02) * 6378.1 * np.cos(np.radians(51))) ** 2) / 18)
    found = strike_at(few, [21.0], [51.0], 3)
    assert 0.9 * (weight + 1) / (weight + 11) < found.strength[0] < (weight + 1) / (weight + 11)
