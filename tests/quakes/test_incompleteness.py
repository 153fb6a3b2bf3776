from dataclasses import replace

import numpy as np
import pytest

from graben.quakes.incompleteness import short_term_incompleteness
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows

BOX = Polygon([10, 12, 12, 10], [40, 40, 42, 42])
WINDOWS = Windows("2000-01-01", "2000-03-01", "2000-06-01", "2000-09-01", "2001-01-01")


@pytest.fixture
def shaken():
    """Three hundred events, among them three shocks; two of them a day apart."""
    rng = np.random.default_rng(3)
    time = np.sort(rng.uniform(0, 366, 300))
    magnitude = 2.5 + np.floor(10 * rng.exponential(0.3, 300)) / 10
    magnitude[magnitude > 4.5] = 4.5
    time[101] = time[100] + 1.0
    time[102:110] = time[101] + np.geomspace(1e-4, 1.0, 8)
    time.sort()
    magnitude[[100, 101, 250]] = 7.0, 6.0, 5.0
    place = np.full(300, 11.0), np.full(300, 41.0)
    return EventSequence(time, *place, magnitude, 2.5, 0.1, BOX, WINDOWS)


def curve(sequence, day):
    """Helmstetter, Kagan and Jackson's, the highest of all earlier shocks, down to normal."""
    held = [2.5]
    for time, magnitude in zip(sequence.time, sequence.magnitude, strict=True):
        if magnitude >= 5 and time < day:
            held.append(min(magnitude, magnitude - 4.5 - 0.75 * np.log10(day - time)))
    return max(held)


def test_levels_are_the_curve_rounded_up_to_bins(shaken):
    found = short_term_incompleteness(shaken)
    shocks = shaken.time[shaken.magnitude >= 5]
    after = np.geomspace(1e-5, 30, 300)
    days = np.concatenate([[1.0, 60.0], *(shock + after for shock in shocks)])
    level = found.completeness_at(days)
    exact = np.array([curve(shaken, day) for day in days])
    assert (level >= exact - 1e-6).all()
    assert (level < exact + 0.1 + 1e-6).all()
    just_after = found.completeness_at(np.nextafter(shocks, np.inf))
    np.testing.assert_allclose(just_after, [7.0, 6.0, 5.0])
    np.testing.assert_allclose(level * 10, np.round(level * 10), atol=1e-9)


def test_a_shock_is_a_target_itself_and_hides_what_follows(shaken):
    found = short_term_incompleteness(shaken)
    assert found.is_target[shaken.magnitude >= 5].all()
    hidden = ~found.is_target
    assert hidden.any()
    assert (shaken.time[hidden] > shaken.time[shaken.magnitude >= 5].min()).all()
    assert len(found.complete()) == len(shaken)


def test_a_larger_smallest_shock_leaves_smaller_ones_out(shaken):
    last = shaken.time[250] + np.array([0.001])
    assert short_term_incompleteness(shaken).completeness_at(last) > 2.5
    assert short_term_incompleteness(shaken, 5.5).completeness_at(last) == 2.5
    assert short_term_incompleteness(shaken, 8.0).completeness_steps == ()


def test_steps_that_are_there_already_hold_where_they_are_higher(shaken):
    first = shaken.time[100]
    given = replace(shaken, completeness_steps=((first + 0.5, 3.5), (first + 2.0, 2.6)))
    found = short_term_incompleteness(given)
    alone = short_term_incompleteness(shaken)
    days = np.linspace(0, 366, 20_001)
    wanted = np.maximum(alone.completeness_at(days), given.completeness_at(days))
    np.testing.assert_allclose(found.completeness_at(days), wanted, atol=1e-9)


def test_nothing_is_seen_ahead(shaken):
    event = 250
    other = replace(shaken, magnitude=np.full(300, 8.0))
    changed = short_term_incompleteness(shaken.replaced_from(event, other))
    known = short_term_incompleteness(shaken)
    days = np.linspace(0, shaken.time[event], 5_001)
    np.testing.assert_array_equal(changed.completeness_at(days), known.completeness_at(days))
