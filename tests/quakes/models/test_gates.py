"""Gates: exact likelihood, nothing seen of the future, and a truth that they find."""

from dataclasses import replace

import numpy as np
import pytest

from graben.quakes.models.components import Components, gated
from graben.quakes.models.gate_features import feature_names, gate_features
from graben.quakes.models.gates import Gates
from graben.quakes.models.point_process import EventScores

TRAINING, VALIDATION, TEST = slice(0, 2000), slice(2000, 3000), slice(3000, 4000)
DECAY, OFFSPRING = 5.0, 1.75


def true_gates(magnitude):
    """Triggering is stronger after a large event and weaker after others."""
    return np.array([0.0, 1.0 if magnitude > 1 else -0.3])


def simulate(count, seed=0, gates=true_gates):
    """Draw a background over 100 km2 and triggered events, exponential in time, on 10 km2 of it."""
    rng = np.random.default_rng(seed)
    time, last, triggered = 0.0, 0.0, 0.0
    events, intervals = [], []
    for _ in range(count + 1):
        gate = np.exp(gates(last))
        before, age = triggered, 0.0
        while True:
            bound = gate[0] + gate[1] * triggered
            step = rng.exponential(1 / bound)
            age += step
            triggered *= np.exp(-DECAY * step)
            rate = gate[0] + gate[1] * triggered
            if rng.random() < rate / bound:
                break
        time += age
        gone = before * -np.expm1(-DECAY * age) / DECAY
        intervals.append((time, age, gone, 1 + before))
        near = rng.random() < gate[1] * triggered / rate or rng.random() < 0.1
        last = rng.exponential(0.5)
        events.append((1.0, triggered, 0.01, near * triggered / 10, last))
        triggered += OFFSPRING
    events, intervals = np.array(events[:count]), np.array(intervals)
    names = ("background", "triggered")
    return (
        Components(
            intervals[:, 0],
            events[:, 2:4],
            events[:, :2],
            intervals[:, 1:3],
            intervals[:, 3],
            names,
        ),
        events[:, 4],
    )


@pytest.fixture(scope="module")
def run():
    return simulate(4000)


@pytest.fixture(scope="module")
def fitted(run):
    return Gates().fit(*run, TRAINING, VALIDATION)


def few_epochs(monkeypatch):
    tuned = Gates.tuned
    few = classmethod(lambda _, seed: replace(tuned(seed), max_epochs=2))
    monkeypatch.setattr(Gates, "tuned", few)


def gain(run, log_gates):
    return (gated(run[0], log_gates).total - gated(run[0], 0 * log_gates).total)[TEST].mean()


def with_later_replaced(run, other, event):
    """Return a run that is another one from an event on; the time before it is known."""
    one, two = run[0], other[0]
    shift = one.time[event - 1] - two.time[event - 1]
    parts = {"time": np.r_[one.time[:event], two.time[event:] + shift]}
    for name in ("intensity", "rate", "expected"):
        parts[name] = np.concatenate([getattr(one, name)[:event], getattr(two, name)[event:]])
    known = one.rate_after[: event + 1]
    parts["rate_after"] = np.concatenate([known, two.rate_after[event + 1 :]])
    return replace(one, **parts), np.concatenate([run[1][:event], other[1][event:]])


def test_the_gated_likelihood_is_the_formula(run):
    components, _ = run
    f = np.random.default_rng(1).normal(size=components.expected.shape)
    scores = gated(components, f)
    assert isinstance(scores, EventScores)
    for i in (0, 17, 3999):
        intensity = sum(np.exp(f[i, c]) * components.intensity[i, c] for c in (0, 1))
        rate = sum(np.exp(f[i, c]) * components.rate[i, c] for c in (0, 1))
        expected = sum(np.exp(f[i, c]) * components.expected[i, c] for c in (0, 1))
        assert scores.total[i] == pytest.approx(np.log(intensity) - expected, rel=1e-12)
        assert scores.temporal[i] == pytest.approx(np.log(rate) - expected, rel=1e-12)
    after = (np.exp(f[-1]) * components.expected[-1]).sum()
    assert scores.expected_after == pytest.approx(after, rel=1e-12)


def test_features_are_what_their_names_say(run):
    components, magnitude = run
    names = feature_names(components.names)
    features = gate_features(components, magnitude)
    assert features.shape == (4001, len(names))
    for i in (1, 5, 700, 4000):
        row = dict(zip(names, features[i], strict=True))
        expected = components.expected[max(i - 30, 0) : i].sum()
        ratio = (min(i, 30) + 1) / (expected + 1)
        assert row["log observed/expected, last 30"] == pytest.approx(np.log(ratio))
        assert row["last magnitude"] == magnitude[i - 1]
        assert row["largest magnitude, last 50"] == magnitude[max(i - 50, 0) : i].max()
        assert row["mean magnitude, last 30"] == pytest.approx(magnitude[max(i - 30, 0) : i].mean())
        before = components.rate[i - 1]
        assert row["log rate before the last event"] == pytest.approx(np.log(before.sum()))
        assert row["log share of triggered"] == pytest.approx(
            np.log(max(before[1] / before.sum(), 1e-9))
        )
        assert row["log rate after the last event"] == np.log(components.rate_after[i])
        interval = components.expected[i - 1].sum()
        assert row["log expected before the last event"] == pytest.approx(np.log(interval + 1e-3))


@pytest.mark.parametrize("event", [1, 2, 40, 2500])
def test_features_do_not_see_the_event_they_speak_of_nor_later_ones(run, event):
    changed = with_later_replaced(run, simulate(4000, seed=9), event)
    before, after = gate_features(*run), gate_features(*changed)
    assert np.array_equal(before[: event + 1], after[: event + 1], equal_nan=True)
    assert not np.array_equal(before[event + 1], after[event + 1])


def simultaneous(run, first, count):
    """Let the events from `first` on happen at once."""
    components, magnitude = run
    time, expected = components.time.copy(), components.expected.copy()
    time[first : first + count] = time[first]
    expected[first + 1 : first + count] = 0
    return replace(components, time=time, expected=expected), magnitude


@pytest.mark.parametrize("kind", ["mlp", "residual", "elman", "gru"])
def test_simultaneous_events_do_not_see_each_other(run, kind, monkeypatch):
    few_epochs(monkeypatch)
    components, magnitude = simultaneous(run, 2000, 3)
    features = gate_features(components, magnitude)
    assert (features[2000] == features[2001]).all()
    assert (features[2000] == features[2002]).all()
    assert (features[2000] != features[2003]).any()
    gates = Gates(kind).fit(components, magnitude, TRAINING, VALIDATION)
    log_gates = gates.log_gates(components, magnitude)
    assert log_gates.shape == (4001, 2)
    assert (log_gates[2000:2003] == log_gates[2000]).all()
    assert (log_gates[2003] != log_gates[2000]).any()
    assert (kind == "residual") == (log_gates[:, 0] == log_gates[:, 1]).all()


def test_gates_find_the_truth(run, fitted):
    components, magnitude = run
    log_gates = fitted.log_gates(components, magnitude)
    truth = np.array([true_gates(m) for m in np.r_[0, magnitude]])
    assert gain(run, log_gates) > 0.4 * gain(run, truth) > 0.01
    after = log_gates[1:]
    assert after[magnitude > 1, 1].mean() > 0.4
    assert after[magnitude < 1, 1].mean() < -0.1
    assert np.abs(after[:, 0].mean()) < 0.1


def test_gates_leave_a_true_intensity_alone():
    run = simulate(4000, gates=lambda _: np.zeros(2))
    gates = Gates().fit(*run, TRAINING, VALIDATION)
    assert abs(gain(run, gates.log_gates(*run))) < 0.005


def test_nothing_is_learned_from_after_the_validation_events(run, monkeypatch):
    few_epochs(monkeypatch)
    changed = with_later_replaced(run, simulate(4000, seed=9), TEST.start)
    one, two = (Gates().fit(*which, TRAINING, VALIDATION).state() for which in (run, changed))
    assert all((one[name] == two[name]).all() for name in one)


def test_the_feature_that_decides_is_the_important_one(run, fitted):
    found = fitted.importance(*run, VALIDATION)
    assert tuple(found) == feature_names(run[0].names)
    loss, spread = found["last magnitude"]
    assert loss == max(loss for loss, _ in found.values())
    assert loss > 0.02 > spread > 0
    assert all(other < loss / 3 for name, (other, _) in found.items() if name != "last magnitude")


@pytest.mark.parametrize("kind", ["mlp", "gru"])
def test_gates_come_back_from_their_arrays(run, kind, monkeypatch):
    few_epochs(monkeypatch)
    gates = Gates(kind).fit(*run, TRAINING, VALIDATION)
    again = Gates(kind)
    again.restore(gates.state(), components=2)
    assert (gates.log_gates(*run) == again.log_gates(*run)).all()
    assert len(gates.importance(*run, slice(2000, 2100))) == len(gates.mean_)
