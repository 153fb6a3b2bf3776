"""Events below completeness as sources: the same targets, more of a past."""

from itertools import pairwise

import numpy as np
import pytest

from graben.errors import ModelError
from graben.quakes.models.background import Background
from graben.quakes.models.components import gated
from graben.quakes.models.continuation import Continuations
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_components import BackgroundParts, EtasParts
from graben.quakes.models.etas_fit import scored
from graben.quakes.models.etas_likelihood import Triggering
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows

PARAMETERS = EtasParameters(-5.0, -2.0, 1.2, -2.0, 0.05, 3.0, -0.5, 0.6, 0.6)
RATES = np.array([0.4, 0.8])


@pytest.fixture(scope="module")
def sequence() -> EventSequence:
    """Two years of 300 events, most of them below completeness."""
    rng = np.random.default_rng(5)
    return EventSequence(
        np.sort(rng.uniform(0, 731, 300)),
        rng.uniform(10, 11, 300),
        rng.uniform(40, 41, 300),
        2.0 + np.round(rng.exponential(0.5, 300), 1),
        2.5,
        0.1,
        Polygon([10, 11, 11, 10], [40, 40, 41, 41]),
        Windows("2000-01-01", "2000-03-01", "2001-01-01", "2001-06-01", "2002-01-01"),
    )


def decay(days: np.ndarray) -> np.ndarray:
    c, tau = 10**PARAMETERS.log10_c, 10**PARAMETERS.log10_tau
    return (days + c) ** -(1 + PARAMETERS.omega) * np.exp(-days / tau)


def expected_between(sequence: EventSequence, start: float, end: float) -> float:
    """By the trapezoidal rule, piece by piece between events."""
    produced = Triggering(PARAMETERS).produced(sequence.excess)
    inner = sequence.time[(sequence.time > start) & (sequence.time < end)]
    edges = np.concatenate([[start], inner, [end]])
    total = 0.0
    for low, high in pairwise(edges):
        past = sequence.time <= low
        days = low + (high - low) * np.linspace(0, 1, 4001) ** 4
        rate = decay(days[:, None] - sequence.time[past]) @ produced[past]
        total += float(np.trapezoid(rate, days))
    return total


def test_scores_are_of_targets_and_sources_are_all_events(sequence: EventSequence) -> None:
    targets = sequence.targets(sequence.test)
    assert 10 < targets.size < sequence.test.stop - sequence.test.start
    found = scored(sequence, sequence.test, Triggering(PARAMETERS), 1.2, np.ones(targets.size))
    produced = Triggering(PARAMETERS).produced(sequence.excess)
    third = targets[3]
    rate = decay(sequence.time[third] - sequence.time[:third]) @ produced[:third] + 1.2
    assert found.rate[3] == pytest.approx(rate, rel=1e-4)
    since = sequence.time[targets[2]], sequence.time[third]
    wanted = expected_between(sequence, *since) + 1.2 * (since[1] - since[0])
    assert found.expected[3] == pytest.approx(wanted, rel=2e-3)
    start, end = sequence.span(sequence.test)
    whole = expected_between(sequence, start, end) + 1.2 * (end - start)
    assert found.expected.sum() + found.expected_after == pytest.approx(whole, rel=2e-3)


def test_components_of_targets_add_up_to_the_scores(sequence: EventSequence) -> None:
    triggering, window = Triggering(PARAMETERS), sequence.test
    targets = sequence.targets(window)
    background = BackgroundParts(np.full((targets.size, 2), RATES / 2e4), RATES)
    start, end = sequence.span(window)
    parts = EtasParts(sequence, triggering, window.stop, end)
    run = parts.run(background, None, window)
    part = parts.window(run, start, background).only(sequence.is_target[window])
    found = gated(part, np.zeros(part.expected.shape))
    intensity = triggering.rates_at(sequence, None, targets)[:, 0] + RATES.sum() / 2e4
    plain = scored(sequence, window, triggering, float(RATES.sum()), intensity)
    np.testing.assert_allclose(found.rate, plain.rate, rtol=1e-6)
    np.testing.assert_allclose(found.intensity, plain.intensity, rtol=1e-5)
    np.testing.assert_allclose(found.expected, plain.expected, rtol=1e-6, atol=1e-9)
    assert found.expected_after == pytest.approx(plain.expected_after, rel=1e-6)


def test_a_complete_sequence_is_what_is_left_without_smaller_events(
    sequence: EventSequence,
) -> None:
    complete = sequence.complete()
    assert complete.is_target.all()
    assert len(complete) == sequence.is_target.sum()
    assert complete.excess.min() == pytest.approx(0, abs=1e-9)
    maps = Background().maps(sequence, np.ones((len(sequence), 1)), sequence.targets(sequence.test))
    assert len(maps) == sequence.targets(sequence.test).size


def test_smaller_events_cannot_be_continued(sequence: EventSequence) -> None:
    model = Etas.with_parameters(PARAMETERS, sequence.polygon.area_km2)
    with pytest.raises(ModelError, match="Leave them out"):
        Continuations(model, sequence)
