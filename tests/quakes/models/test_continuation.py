from dataclasses import replace

import numpy as np
import pytest

from graben.errors import ModelError
from graben.quakes.models.continuation import Continuations
from graben.quakes.models.etas import Etas
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas, MappedRates
from graben.quakes.models.poisson import HomogeneousPoisson

DAY, HORIZON, CATALOGS = 470.25, 0.02, 20_000


def mapped_of(kind, triggering):
    """A model of given parameters: all maps alike."""
    model = kind(strike=False)
    widths = len(model.background.bandwidths_km)
    triggering = replace(triggering, anisotropy=0.0)
    model.first_ = MappedRates(triggering, np.full(widths + 1, 0.01))
    model.fitted_ = MappedRates(triggering, np.full(2 * widths + 1, 0.01))
    return model


class FixedGates(HybridEtas):
    """Gates that are the same after each event but for its number."""

    def log_gates(self, sequence):
        count = len(sequence) - sequence.training.start + 1
        return np.arange(count)[:, None] / count + np.linspace(-1, 1, 6)


def expected(continuations, day=DAY):
    """Mean number of events of the first generation in the plane, by simulation."""
    process, sources = continuations.at(day)
    events = process.simulate(sources, HORIZON, CATALOGS, 1)
    return np.sum(events.generation == 0) / CATALOGS, np.sum(events.generation == 1) / CATALOGS


def by_the_book(sequence, triggering, day=DAY):
    """Expected direct offspring of each earlier event within the horizon."""
    p = triggering.parameters
    age = day - sequence.time[sequence.time < day]
    steps = (np.arange(400) + 0.5) * HORIZON / 400 + age[:, None]
    in_time = np.exp(-steps / 10**p.log10_tau) * (steps + 10**p.log10_c) ** -(1 + p.omega)
    produced = triggering.produced(sequence.excess[: age.size])
    return produced * in_time.mean(axis=1) * HORIZON


def test_constant_background_and_all_sources_are_continued(short_sequence, triggering):
    area = short_sequence.polygon.area_km2
    model = Etas.with_parameters(triggering.parameters, area)
    spontaneous, triggered = expected(Continuations(model, short_sequence))
    assert spontaneous == pytest.approx(model.background_rate_ * HORIZON, rel=0.1)
    direct = by_the_book(short_sequence, triggering).sum()
    assert 0.6 * direct < triggered < 1.02 * direct  # some fall outside the polygon


def test_the_gates_of_the_issue_time_multiply_background_and_ranks(short_sequence, triggering):
    plain = Continuations(mapped_of(MappedEtas, triggering), short_sequence)
    gated = Continuations(mapped_of(FixedGates, triggering), short_sequence)
    (process, sources), (gated_process, gated_sources) = plain.at(DAY), gated.at(DAY)
    known = sources.age.size
    row = known - short_sequence.training.start
    gates = np.exp(gated.process.log_gates(short_sequence)[row])
    ranks = np.arange(known)[::-1]
    of_rank = np.select([ranks < 10, ranks < 100, ranks < 1000], [2, 3, 4], 5)
    assert gated_sources.multiplier == pytest.approx(gates[of_rank])
    assert sources.multiplier == pytest.approx(np.ones(known))
    fine, coarse = plain.process.parted_rates().sum(axis=0)
    assert process.background.total_rate == pytest.approx(fine + coarse)
    both = gates[0] * fine + gates[1] * coarse
    assert gated_process.background.total_rate == pytest.approx(both)


@pytest.mark.parametrize("kind", [MappedEtas, FixedGates])
def test_what_happens_later_changes_nothing(kind, short_sequence, triggering):
    model = mapped_of(kind, triggering)
    known = int(np.searchsorted(short_sequence.time, DAY))
    later = np.arange(len(short_sequence)) >= known
    other = replace(
        short_sequence,
        longitude=np.where(later, 11.5, short_sequence.longitude),
        magnitude=np.where(later & (short_sequence.time < 500), 5.5, short_sequence.magnitude),
    )
    law = Continuations(model, short_sequence).at(DAY)[0].magnitudes
    drawn = []
    for sequence in (short_sequence, other):
        process, sources = Continuations(model, sequence).at(DAY)
        events = replace(process, magnitudes=law).simulate(sources, 1.0, 50, 3)
        drawn.append((events.time, events.longitude))
    for ours, theirs in zip(*drawn, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_gates_know_nothing_before_the_training_start(short_sequence, triggering):
    gated = Continuations(mapped_of(FixedGates, triggering), short_sequence)
    with pytest.raises(ModelError, match="after the training start"):
        gated.at(short_sequence.days[1] - 10)


def test_other_processes_are_refused(short_sequence):
    with pytest.raises(ModelError, match="expected an ETAS model"):
        Continuations(HomogeneousPoisson(), short_sequence)
