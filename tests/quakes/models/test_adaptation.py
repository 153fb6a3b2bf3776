"""A pretrained point process carried to a region, refitted there by a few parameters, or kept."""

from dataclasses import replace

import numpy as np
import pytest

from graben.errors import ModelError
from graben.evaluation import Interval
from graben.quakes.models import adaptation
from graben.quakes.models.adaptation import PRIOR, adapt, before_validation, carried, refit
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_likelihood import LN10, Triggering
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas, MappedRates
from graben.quakes.models.point_process_folder import FittedProcess, open_process
from graben.quakes.sequence import EventSequence

WINDOWS = {
    "auxiliary_start": "2000-01-01",
    "training_start": "2000-07-01",
    "validation_start": "2001-03-01",
    "test_start": "2001-09-01",
    "test_end": "2002-03-01",
}


def pretrained(triggering: Triggering, completeness: float = 3.0) -> FittedProcess:
    """Maps and triggering that were given, as if fitted to one event a day."""
    process = MappedEtas()
    process.first_ = MappedRates(triggering, np.full(9, 0.03))
    process.fitted_ = MappedRates(triggering, np.full(17, 0.02))
    process.standard_errors_ = {}
    about = {
        "windows": WINDOWS,
        "training_data": {"events": 609},
        "completeness_magnitude": completeness,
        "training_end": "2001-09-01",
        "polygon": {"longitude": [100, 101, 101, 100], "latitude": [40, 40, 41, 41]},
    }
    return FittedProcess(process, about)


@pytest.fixture(scope="module")
def start(triggering: Triggering) -> FittedProcess:
    return pretrained(triggering)


def test_carrying_keeps_offspring_and_the_area_of_a_magnitude(
    start: FittedProcess, short_sequence: EventSequence
) -> None:
    higher = replace(short_sequence, completeness_magnitude=3.5)
    found = carried(start, higher).fitted_.triggering.parameters
    given = start.process.fitted_.triggering.parameters
    assert found.offspring_at_completeness == pytest.approx(given.offspring_at_completeness)
    core = given.log10_d * LN10 + given.gamma * (6.0 - 3.0)
    assert found.log10_d * LN10 + found.gamma * (6.0 - 3.5) == pytest.approx(core)


def test_the_background_follows_the_regions_own_count(
    start: FittedProcess, short_sequence: EventSequence
) -> None:
    first, last = short_sequence.span(short_sequence.fitted)
    events_per_day = short_sequence.targets(short_sequence.fitted).size / (last - first)
    found = carried(start, short_sequence)
    assert found.fitted_.rates.sum() == pytest.approx(17 * 0.02 * events_per_day)
    assert start.process.fitted_.rates.sum() == pytest.approx(17 * 0.02)  # untouched


def test_gates_see_magnitudes_above_completeness_and_rates_beside_the_mean(
    short_sequence: EventSequence,
) -> None:
    """Twice as many events half a magnitude higher look to the gates as they did at home."""
    home = open_process("california")
    assert isinstance(home.process, HybridEtas)
    shifted = replace(short_sequence, completeness_magnitude=home.completeness_magnitude + 0.5)
    found = carried(home, shifted)
    assert isinstance(found, HybridEtas)
    first, last = shifted.span(shifted.fitted)
    here = shifted.targets(shifted.fitted).size / (last - first)
    there = home.about["training_data"]["events"] / (42 * 365.25)  # 1973 to 2015
    moved = found.gates.mean_ - home.process.gates.mean_
    assert sorted(set(np.round(moved, 6))) == pytest.approx(
        sorted({0.0, 0.5, np.log(here / there)}), abs=1e-3
    )
    assert (np.isclose(moved, 0.5).sum(), np.isclose(moved, 0).sum()) == (5, moved.size - 7)


def test_refit_stands_on_the_top_of_likelihood_and_prior(
    start: FittedProcess, short_sequence: EventSequence
) -> None:
    # located to a kilometre, or d would go to its bound
    error = np.random.default_rng(3).normal(0, 0.01, len(short_sequence))
    sequence = replace(short_sequence, longitude=short_sequence.longitude + error)
    zero_shot = carried(start, sequence)
    top = refit(zero_shot, sequence)

    def posterior(process: MappedEtas) -> float:
        scores = process.score(sequence, sequence.fitted)
        moved = np.array(list(adaptation._moved(process, zero_shot).values()))
        prior = np.square(moved / list(PRIOR.values())).sum() / 2
        return float(scores.total.sum() - scores.expected_after - prior)

    best = posterior(top)
    assert best > posterior(zero_shot) + 1
    for name in PRIOR:
        for step in (-0.05, 0.05):
            assert posterior(nudged(top, name, step)) < best


def nudged(process: MappedEtas, name: str, step: float) -> MappedEtas:
    """Move one adapted parameter, productivity kept where d moves."""
    found = MappedEtas()
    found.restore(process.state(), process.settings())
    held = found.fitted_
    p = held.triggering.parameters
    to_k0 = {"productivity": 1.0, "log_d": p.rho}.get(name, 0.0)
    parameters = replace(
        p,
        log10_k0=p.log10_k0 + to_k0 * step / LN10,
        a=p.a + step * (name == "a"),
        log10_c=p.log10_c + step * (name == "log_c") / LN10,
        log10_d=p.log10_d + step * (name == "log_d") / LN10,
    )
    rates = held.rates * np.exp(step * (name == "background"))
    found.fitted_ = MappedRates(replace(held.triggering, parameters=parameters), rates)
    return found


def test_a_firm_prior_holds_the_pretrained_values(
    start: FittedProcess, short_sequence: EventSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptation, "PRIOR", dict.fromkeys(PRIOR, 1e-4))
    zero_shot = carried(start, short_sequence)
    moved = adaptation._moved(refit(zero_shot, short_sequence), zero_shot)
    assert max(map(abs, moved.values())) < 1e-3


@pytest.mark.parametrize(
    ("low", "choice"), [(-0.01, "zero-shot"), (0.01, "adapted"), (0.02, "local etas")]
)
def test_zero_shot_is_left_only_for_what_gains_beyond_doubt(
    start: FittedProcess,
    short_sequence: EventSequence,
    monkeypatch: pytest.MonkeyPatch,
    low: float,
    choice: str,
) -> None:
    """Of those that do, the best is taken."""
    gains = iter([Interval(0.1, low, 0.2), Interval(0.1 + low - 0.015, low, 0.3)])
    monkeypatch.setattr(adaptation, "_gain", lambda _: next(gains))
    found = adapt(start, short_sequence)
    assert found.choice == choice
    assert set(found.validation) == {"zero-shot", "adapted", "local etas"}
    assert bool(found.moved) == (choice == "adapted")
    assert isinstance(found.process, Etas) == (choice == "local etas")


def test_a_pretrained_process_that_is_far_off_is_not_kept(
    triggering: Triggering, short_sequence: EventSequence
) -> None:
    far = replace(triggering, parameters=EtasParameters(-6, 1.0, 0.1, 1.0, 1.5, 1.0, 2.0, 0, 2.0))
    assert adapt(pretrained(far), short_sequence).choice != "zero-shot"


def test_too_little_data_keeps_zero_shot_and_says_so(
    start: FittedProcess, short_sequence: EventSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptation, "FEWEST_TARGETS", len(short_sequence))
    found = adapt(start, short_sequence)
    assert found.choice == "zero-shot"
    assert "too little data" in found.reason
    assert not found.validation


def test_nothing_from_the_test_window_on_is_looked_at(
    start: FittedProcess, short_sequence: EventSequence
) -> None:
    begin = short_sequence.test.start
    other = replace(
        short_sequence,
        longitude=short_sequence.longitude[::-1].copy(),
        magnitude=short_sequence.magnitude[::-1].copy(),
    )
    changed = short_sequence.replaced_from(begin, other)
    assert not np.array_equal(changed.magnitude[begin:], short_sequence.magnitude[begin:])
    ours, theirs = adapt(start, short_sequence), adapt(start, changed)
    assert ours.choice == theirs.choice
    assert ours.validation == theirs.validation
    for name, values in ours.process.state().items():
        assert np.array_equal(values, theirs.process.state()[name])


def test_the_validation_window_is_the_test_of_the_candidates(
    short_sequence: EventSequence,
) -> None:
    past = before_validation(short_sequence)
    assert past.test == short_sequence.validation
    assert past.fitted == short_sequence.training


def test_only_maps_are_carried(short_sequence: EventSequence) -> None:
    etas = FittedProcess(Etas(), {})
    with pytest.raises(ModelError, match="mapped-etas or hybrid-etas"):
        carried(etas, short_sequence)


def test_a_process_that_learned_from_these_years_here_is_told_apart(
    start: FittedProcess, short_sequence: EventSequence
) -> None:
    here = short_sequence.polygon
    about = start.about | {
        "polygon": {"longitude": here.longitude, "latitude": here.latitude},
        "training_end": short_sequence.windows.test_start,
    }
    seen = FittedProcess(start.process, about)
    assert "favours it" in adaptation._seen_before(seen, short_sequence)
    earlier = about | {"training_end": short_sequence.windows.validation_start}
    assert not adaptation._seen_before(FittedProcess(start.process, earlier), short_sequence)
    assert not adaptation._seen_before(start, short_sequence)
