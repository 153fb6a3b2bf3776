from dataclasses import replace

import numpy as np
import pytest

from graben.quakes.models import etas_components
from graben.quakes.models.components import gated
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_components import NAMES, BackgroundParts, EtasParts
from graben.quakes.models.etas_likelihood import EVER, Triggering
from graben.quakes.models.etas_time import DecayMixture

RATE = np.array([0.05, 0.08])
RANKS = (0, 5, 40, 100)
FULL_RANKS = (*RANKS, EVER)


@pytest.fixture(autouse=True)
def _ranks_that_a_short_sequence_fills(monkeypatch):
    monkeypatch.setattr(etas_components, "RANKS", RANKS)


@pytest.fixture(scope="module")
def isotropic(triggering):
    return Triggering(triggering.parameters)


def parts_of(sequence, triggering, window):
    events = window.stop - window.start
    rng = np.random.default_rng(7)
    background = BackgroundParts(rng.uniform(0.5, 2, (events, 2)) * 1e-6, RATE)
    return EtasParts(sequence, triggering, window.stop, sequence.span(window)[1]), background


def decay(age, triggering):
    mixture = DecayMixture.of(triggering.parameters)
    return np.exp(-np.multiply.outer(age, mixture.decay)) @ mixture.weight


def test_components_sum_to_the_scores_of_etas(short_sequence, isotropic):
    window = short_sequence.fitted
    parts, background = parts_of(short_sequence, isotropic, window)
    area = short_sequence.polygon.area_km2
    background = BackgroundParts(
        np.broadcast_to(RATE / area, background.density.shape), background.rate
    )
    run = parts.run(background, None, window)
    model = Etas.with_parameters(isotropic.parameters, area)
    model.background_rate_ = RATE.sum()
    exact = model.score(short_sequence, window)
    assert run.names == NAMES
    for one, other in (
        (run.rate.sum(axis=1), exact.rate),
        (run.expected.sum(axis=1)[:-1], exact.expected),
        (run.intensity.sum(axis=1), exact.intensity),
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-12)
    assert run.expected[-1].sum() == pytest.approx(exact.expected_after, rel=1e-6)
    scores = gated(run, np.zeros_like(run.expected))
    np.testing.assert_allclose(scores.total, exact.total, rtol=1e-6)


def test_classes_of_rank_are_direct_sums(short_sequence, isotropic, kernel_matrix):
    window = short_sequence.fitted
    parts, background = parts_of(short_sequence, isotropic, window)
    run = parts.run(background, None, window)
    matrix = kernel_matrix(short_sequence, isotropic)
    produced, time = isotropic.produced(short_sequence.excess), short_sequence.time
    mixture = DecayMixture.of(isotropic.parameters)
    first = short_sequence.training.start
    for q in [0, 1, 20, 100, 180, len(run)]:
        event = first + q
        past = event if q == len(run) else short_sequence.history[event]
        begin, end = parts.bounds[q]
        for k in range(4):
            sources = slice(max(past - FULL_RANKS[k + 1], 0), max(past - FULL_RANKS[k], 0))
            ages = end - time[sources]
            counted = mixture.integral(ages) - mixture.integral(ages - (end - begin))
            expected = produced[sources] @ counted if end > begin else 0.0
            assert run.expected[q, 2 + k] == pytest.approx(expected, rel=1e-5, abs=1e-7)
            if q < len(run):
                rate = produced[sources] @ decay(ages, isotropic)
                assert run.rate[q, 2 + k] == pytest.approx(rate, rel=1e-5, abs=1e-7)
                intensity = matrix[event, sources].sum()
                assert run.intensity[q, 2 + k] == pytest.approx(intensity, rel=1e-4)


def test_the_rate_after_holds_the_event_that_starts_the_interval(short_sequence, isotropic):
    window = short_sequence.fitted
    parts, background = parts_of(short_sequence, isotropic, window)
    run = parts.run(background, None, window)
    produced, time = isotropic.produced(short_sequence.excess), short_sequence.time
    for q in [1, 20, 100, 180, len(run)]:
        begin = parts.bounds[q, 0]
        known = np.searchsorted(time[: window.stop], begin, side="right")
        exact = produced[:known] @ decay(begin - time[:known], isotropic) + RATE.sum()
        assert run.rate_after[q] == pytest.approx(exact, rel=1e-6)


def test_intensities_are_those_of_the_events_asked_for(short_sequence, isotropic):
    window = short_sequence.test
    parts, background = parts_of(short_sequence, isotropic, window)
    run = parts.run(background, None, window)
    asked = slice(window.start - parts.first, window.stop - parts.first)
    assert np.isnan(run.intensity[: asked.start]).all()
    np.testing.assert_array_equal(run.intensity[asked, :2], background.density)
    assert np.isfinite(run.intensity[asked]).all()


@pytest.mark.parametrize("which", ["test", "validation"])
def test_a_window_is_the_end_of_a_run_counted_from_its_start(short_sequence, isotropic, which):
    window = getattr(short_sequence, which)
    parts, background = parts_of(short_sequence, isotropic, window)
    run = parts.run(background, None, window)
    start = short_sequence.span(window)[0]
    cut = parts.window(run, start, background)
    events = window.stop - window.start
    assert len(cut) == events
    np.testing.assert_array_equal(cut.expected[1:], run.expected[-events:])
    np.testing.assert_array_equal(cut.rate, run.rate[-events:])
    # the day that parts the first interval parts its expected counts
    before = parts._expected_between(
        parts.bounds[-events - 1, 0], start, len(run) - events, background.rate
    )
    np.testing.assert_allclose(
        before + cut.expected[0], run.expected[-events - 1], rtol=1e-5, atol=1e-6
    )
    assert (run.expected[-events - 1] > 1e-3).all()
    assert (cut.expected[0] < run.expected[-events - 1]).all()
    area = short_sequence.polygon.area_km2
    model = Etas.with_parameters(isotropic.parameters, area)
    model.background_rate_ = RATE.sum()
    exact = model.score(short_sequence, window)
    np.testing.assert_allclose(cut.expected.sum(axis=1)[:-1], exact.expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(cut.rate.sum(axis=1), exact.rate, rtol=1e-6)
    assert cut.expected[-1].sum() == pytest.approx(exact.expected_after, rel=1e-6)


def test_nothing_of_a_run_knows_what_follows(short_sequence, isotropic):
    event = 300
    moved = short_sequence.time.copy()
    moved[event:] = np.linspace(moved[event], 788, moved.size - event)
    later = replace(
        short_sequence,
        time=moved,
        magnitude=np.where(np.arange(moved.size) < event, short_sequence.magnitude, 5.5),
    )
    found = []
    for sequence in (short_sequence, later):
        parts, _ = parts_of(sequence, isotropic, sequence.test)
        background = BackgroundParts(
            np.full((sequence.test.stop - sequence.test.start, 2), 1e-6), RATE
        )
        found.append((parts.first, parts.run(background, None, sequence.test)))
    (first, one), (again, other) = found
    assert first == again
    known = event - first
    for name in ("time", "rate", "expected", "intensity"):
        np.testing.assert_allclose(
            getattr(one, name)[:known], getattr(other, name)[:known], rtol=1e-6, atol=1e-12
        )
