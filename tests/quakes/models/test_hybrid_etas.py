from dataclasses import replace

import numpy as np
import pytest

from graben.errors import CatalogError
from graben.learning import Recipe
from graben.quakes.models.etas import Etas
from graben.quakes.models.gates import Gates
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows

BOX = Polygon([10.0, 13.0, 13.0, 10.0], [40.0, 40.0, 43.0, 43.0])
WINDOWS = Windows("2000-01-01", "2000-07-01", "2003-01-01", "2004-01-01", "2005-01-01")


def clustered(seed):
    """Main shocks about ten centres, each with a few events that follow soon and near."""
    rng = np.random.default_rng(seed)
    shocks = 500
    centre = np.random.default_rng(0).uniform((10.4, 40.4), (12.6, 42.6), (10, 2))
    place = centre[rng.integers(0, 10, shocks)] + rng.normal(0, 0.1, (shocks, 2))
    after = rng.poisson(2, shocks)
    parent = np.repeat(np.arange(shocks), 1 + after)
    first = np.r_[True, np.diff(parent) > 0]
    day = rng.uniform(0, 1826, shocks)[parent]
    day += np.where(first, 0, 0.01 * ((1 - rng.random(parent.size)) ** -2 - 1))
    where = place[parent] + np.where(first[:, None], 0, rng.normal(0, 0.01, (parent.size, 2)))
    inside = (day < 1827) & BOX.contains(where[:, 0], where[:, 1])
    order = np.argsort(day[inside])
    magnitude = 3 + np.floor(10 * rng.exponential(0.43, order.size)) / 10
    return EventSequence(
        day[inside][order], *where[inside][order].T, magnitude, 3.0, 0.1, BOX, WINDOWS
    )


@pytest.fixture(scope="module")
def sequence():
    return clustered(1)


@pytest.fixture(scope="module")
def replaced(sequence):
    """Everything from the test start on is of another catalogue."""
    return sequence.replaced_from(sequence.test.start, clustered(2))


@pytest.fixture(scope="module")
def fitted(sequence):
    """Fit with gates that have learned a little, however little it helps."""
    tuned = Recipe(learning_rate=1e-2, max_epochs=3, patience=3, seed=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gates, "tuned", lambda self, seed: replace(tuned, seed=seed))
        return HybridEtas().fit(sequence)


def state_bytes(model):
    return {name: values.tobytes() for name, values in model.state().items()}


def zeroed(model):
    """Return the model with gates that answer 0."""
    again = HybridEtas()
    silent = {
        name: np.zeros_like(values) if name.count(".") > 1 else values
        for name, values in model.state().items()
    }
    again.restore(silent, model.settings())
    return again


def test_gates_of_nothing_leave_mapped_etas(sequence, fitted):
    silent, mapped = zeroed(fitted), MappedEtas()
    mapped.restore(fitted.state(), fitted.settings())
    for window in (sequence.fitted, sequence.validation, sequence.test):
        one, other = silent.score(sequence, window), mapped.score(sequence, window)
        np.testing.assert_allclose(one.rate, other.rate, rtol=1e-6)
        # in single precision, summed in other slices
        np.testing.assert_allclose(one.intensity, other.intensity, rtol=1e-5)
        np.testing.assert_allclose(one.expected, other.expected, rtol=1e-6, atol=1e-9)
        assert one.expected_after == pytest.approx(other.expected_after, rel=1e-6)


def test_gates_that_learned_change_the_scores(sequence, fitted):
    gated, silent = (model.score(sequence, sequence.test) for model in (fitted, zeroed(fitted)))
    assert np.abs(gated.rate / silent.rate - 1).max() > 1e-3


def test_mapped_etas_is_better_than_a_constant_background_here(sequence, fitted):
    mapped = zeroed(fitted).score(sequence, sequence.test).spatial.mean()
    constant = Etas().fit(sequence).score(sequence, sequence.test).spatial.mean()
    assert mapped > constant + 0.1


def test_a_fit_knows_nothing_of_the_test_window(sequence, replaced):
    one, other = MappedEtas().fit(sequence), MappedEtas().fit(replaced)
    assert state_bytes(one) == state_bytes(other)


def test_gates_know_nothing_of_the_test_window(sequence, replaced, fitted):
    runs = [
        parts.run(background, None, where.fitted)
        for where in (sequence, replaced)
        for parts, background in [fitted.taken_apart(where, where.fitted)]
    ]
    for name in ("time", "intensity", "rate", "expected", "rate_after"):
        np.testing.assert_array_equal(getattr(runs[0], name), getattr(runs[1], name))


@pytest.mark.parametrize("shift", [1, 60, 200])
def test_gates_up_to_an_event_do_not_change_with_it_and_what_follows(sequence, fitted, shift):
    event = sequence.test.start + shift
    other = sequence.replaced_from(event, clustered(3))
    assert len(other) > event
    one, two = (fitted.log_gates(where) for where in (sequence, other))
    known = event - sequence.training.start
    # single precision: sums over another number of events round otherwise
    np.testing.assert_allclose(one[:known], two[:known], atol=1e-5)
    assert np.abs(one[:known]).max() > 1e-3


def test_scores_before_an_event_do_not_change_with_it_and_what_follows(sequence, fitted):
    event = sequence.test.start + 100
    other = sequence.replaced_from(event, clustered(3))
    one, two = (fitted.score(where, where.test) for where in (sequence, other))
    for name in ("rate", "intensity", "expected"):
        np.testing.assert_allclose(
            getattr(one, name)[:100], getattr(two, name)[:100], rtol=1e-4, atol=1e-7
        )


def test_what_is_restored_says_the_same(sequence, fitted):
    again = HybridEtas()
    again.restore(fitted.state(), fitted.settings())
    assert state_bytes(again) == state_bytes(fitted)
    one, other = (model.score(sequence, sequence.test) for model in (fitted, again))
    np.testing.assert_array_equal(one.total, other.total)


def test_without_strike_triggering_is_isotropic(sequence):
    model = MappedEtas(strike=False).fit(sequence)
    assert model.fitted_.triggering.anisotropy == 0.0
    assert np.isnan(model.standard_errors_["anisotropy"])


def test_the_parted_background_is_the_whole_one(fitted):
    parted = fitted.parted_rates()
    np.testing.assert_allclose(parted.sum(axis=1), fitted.fitted_.rates)
    widths = np.append(np.inf, np.tile(fitted.background.bandwidths_km, 2))
    assert (parted[widths > 2, 0] == 0).all()
    assert (parted[widths <= 2, 1] == 0).all()


def test_too_few_events_are_refused(sequence):
    few = sequence.fitted.start + 300
    short = replace(
        sequence,
        **{
            name: getattr(sequence, name)[:few]
            for name in ("time", "longitude", "latitude", "magnitude")
        },
    )
    with pytest.raises(CatalogError, match=r"at least 500 events.*Widen the windows"):
        MappedEtas().fit(short)


def test_southern_california_above_3_is_subcritical_and_above_the_floor(benchmark_sequence):
    sequence = benchmark_sequence("SCEDC_30")
    model = HybridEtas().fit(sequence)
    assert model.branching_ratio(sequence) < 1
    scores = model.score(sequence, sequence.test)
    assert scores.total.mean() >= -5.53
