"""The parts of a rate add up to the rate; discs against brute force; refusals."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import dblquad

from graben.errors import InputError, ModelError, StaleError
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_likelihood import Triggering
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.gates import Gates
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas
from graben.quakes.models.parent_rates import rates_by_parent
from graben.quakes.models.poisson import HomogeneousPoisson
from graben.quakes.models.rate_explanation import explain_event, explain_rate, gate_importance
from graben.quakes.models.strike import Strikes
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows

PARAMETERS = EtasParameters(-4.5, -2.6, 1.6, -2.2, 0.05, 3.2, -0.6, 1.0, 0.6)
WINDOWS = Windows("2000-01-01", "2000-02-01", "2000-10-01", "2001-01-01", "2001-06-01")


@pytest.fixture(scope="module")
def sequence():
    """Clusters of events, two of them simultaneous."""
    rng = np.random.default_rng(5)
    count = 1200
    centre = rng.uniform(-0.4, 0.4, (12, 2))[rng.integers(0, 12, count)]
    time = np.sort(rng.uniform(0, 517, count))
    time[1001] = time[1000]
    return EventSequence(
        time,
        20 + centre[:, 0] + rng.normal(0, 0.02, count),
        40 + centre[:, 1] + rng.normal(0, 0.01, count),
        3 + rng.exponential(0.4, count),
        3.0,
        0.1,
        Polygon([19.4, 20.6, 20.6, 19.4], [39.4, 39.4, 40.6, 40.6]),
        WINDOWS,
    )


@pytest.fixture(scope="module")
def models(sequence):
    """The three models, fitted; the gates barely, but away from 1."""
    tuned = Gates.tuned
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Gates,
            "tuned",
            classmethod(lambda _, seed: replace(tuned(seed), max_epochs=3, keep_best=False)),
        )
        hybrid = HybridEtas().fit(sequence)
    mapped = MappedEtas()
    mapped.restore(MappedEtas.state(hybrid), MappedEtas.settings(hybrid))
    return {
        "etas": Etas.with_parameters(PARAMETERS, sequence.polygon.area_km2),
        "mapped-etas": mapped,
        "hybrid-etas": hybrid,
    }


@pytest.mark.parametrize("name", ["etas", "mapped-etas", "hybrid-etas"])
def test_the_parts_add_up_to_what_score_says(models, sequence, name):
    model = models[name]
    scores = model.score(sequence, sequence.test)
    first = sequence.test.start
    # 1000 and 1001 are simultaneous: the second must not know of the first
    for event in (first, 1000, 1001, len(sequence) - 1):
        found = explain_event(model, sequence, event, 1.0)
        assert found.density == pytest.approx(scores.intensity[event - first], rel=3e-6)


def test_the_parts_of_a_hybrid_are_its_components_and_the_residual_is_what_gates_add(
    models, sequence
):
    model, event = models["hybrid-etas"], len(sequence) - 20
    found = explain_event(model, sequence, event, 1.0)
    ungated = explain_event(models["mapped-etas"], sequence, event, 1.0)
    assert found.density - ungated.density == pytest.approx(found.residual[0], rel=1e-9)
    assert abs(found.residual[0]) > 1e-3 * found.density
    assert found.in_disc - ungated.in_disc == pytest.approx(found.residual[1], rel=1e-9)
    assert ungated.residual == (0, 0)
    assert (found.has_gates, ungated.has_gates) == (True, False)
    first = sequence.training.start
    assert np.log([part.gate for part in found.parts]) == pytest.approx(
        model.log_gates(sequence)[event - first][[1, 0, 1, 2, 3, 4, 5]], abs=1e-6
    )


def test_shares_add_up_to_one(models, sequence):
    told = explain_event(models["hybrid-etas"], sequence, len(sequence) - 1, 1.0).as_dict()
    shares = [part["share"] for part in told["parts"]]
    residual = told["residual"]["share"]
    assert sum(shares) + residual == pytest.approx(1, rel=1e-12)
    parents = [parent["share"] for parent in told["parents"]]
    assert parents == sorted(parents, reverse=True)
    background = sum(shares[:3])
    parents.append(told["other_parents"]["share"])
    assert background + sum(parents) + residual == pytest.approx(1, rel=1e-12)


def test_parents_are_those_of_the_formula(models, sequence):
    event = 1001
    found = explain_event(models["etas"], sequence, event, 1.0)
    p = PARAMETERS
    rates = []
    for j in range(1000):
        narrowing = np.cos(np.radians((sequence.latitude[event] + sequence.latitude[j]) / 2))
        dx = (sequence.east_km[event] - sequence.east_km[j]) * narrowing
        dy = sequence.north_km[event] - sequence.north_km[j]
        age = sequence.time[event] - sequence.time[j]
        dm = sequence.magnitude[j] - 3.0
        core = 10**p.log10_d * np.exp(p.gamma * dm)
        rates.append(
            10**p.log10_k0 * np.exp(p.a * dm) * np.exp(-age / 10**p.log10_tau)
            * (age + 10**p.log10_c) ** -(1 + p.omega) * (dx**2 + dy**2 + core) ** -(1 + p.rho)
        )  # fmt: skip
    assert [one.density for one in found.parents] == pytest.approx(sorted(rates)[:-11:-1], rel=1e-9)
    triggered = sum(part.density for part in found.parts[3:])
    assert triggered == pytest.approx(sum(rates), rel=1e-12)
    assert found.parts[3].density == pytest.approx(sum(rates[-10:]), rel=1e-12)
    assert found.parent_count == 1000


@pytest.mark.parametrize("anisotropy", [0.0, 1.2])
@pytest.mark.parametrize("away", [0.0, 2.9, 3.05, 12.0])
def test_the_mass_in_a_disc_is_that_of_a_brute_integral(sequence, anisotropy, away):
    past = replace(
        sequence,
        time=np.array([3.0]),
        longitude=np.array([20.0]),
        latitude=np.array([40.0]),
        magnitude=np.array([3.5]),
    )
    angle = 0.4
    strikes = Strikes(*(np.array([v]) for v in (np.cos(angle), np.sin(angle), 0.9)))
    latitude = 40 + np.degrees(away / 6378.1)
    triggering = Triggering(PARAMETERS, anisotropy)
    found = rates_by_parent(triggering, past, strikes, (20.0, latitude, 5.0), 3.0)
    p = PARAMETERS
    core = 10**p.log10_d * np.exp(p.gamma * 0.5)
    along, across = np.exp(-anisotropy * 0.9), np.exp(anisotropy * 0.9)

    def kernel(theta, r):
        x, y = r * np.cos(theta), away + r * np.sin(theta)
        u = x * np.cos(angle) + y * np.sin(angle)
        w = -x * np.sin(angle) + y * np.cos(angle)
        return r * (u * u * along + w * w * across + core) ** -(1 + p.rho)

    strength = 10**p.log10_k0 * np.exp(p.a * 0.5) * np.exp(-2 / 10**p.log10_tau)
    strength *= (2 + 10**p.log10_c) ** -(1 + p.omega)
    brute = strength * dblquad(kernel, 0, 3, 0, 2 * np.pi, epsabs=0, epsrel=1e-7)[0]
    assert found.in_disc[0] == pytest.approx(brute, rel=1e-5)


def test_a_disc_that_holds_the_polygon_holds_the_whole_background(models, sequence):
    model = models["mapped-etas"]
    found = explain_rate(model, sequence, 20.0, 40.0, "2001-03-01", 130.0)
    background = sum(part.in_disc for part in found.parts[:3])
    assert background == pytest.approx(model.fitted_.rates.sum(), rel=0.01)


def test_a_small_disc_holds_density_times_area(models, sequence):
    found = explain_rate(models["hybrid-etas"], sequence, 20.3, 40.3, "2001-03-01", 0.02)
    for part in found.parts:
        assert part.in_disc == pytest.approx(part.density * np.pi * 0.02**2, rel=2e-3)


@pytest.mark.parametrize(
    ("place", "time", "radius", "error", "words"),
    [
        ((25.0, 40.0), "2001-03-01", 10.0, InputError, "inside the polygon"),
        ((20.0, 40.0), "2001-07-01", 10.0, StaleError, "ends at 2001-06-01"),
        ((20.0, 40.0), "2000-01-15", 10.0, InputError, "training start"),
        ((20.0, 40.0), "2001-03-01", 0.0, InputError, "radius above 0"),
    ],
)
def test_what_cannot_be_explained_is_refused(models, sequence, place, time, radius, error, words):
    with pytest.raises(error, match=words):
        explain_rate(models["etas"], sequence, *place, time, radius)


def test_events_before_training_and_models_of_other_kinds_are_refused(models, sequence):
    with pytest.raises(InputError, match="expected an event from number"):
        explain_event(models["etas"], sequence, sequence.training.start - 1)
    with pytest.raises(ModelError, match="expected an ETAS model, got poisson"):
        explain_event(HomogeneousPoisson(), sequence, 1000)
    with pytest.raises(ModelError, match="expected a model with gates, got mapped-etas"):
        gate_importance(models["mapped-etas"], sequence)


def test_importance_names_every_feature_the_most_useful_first(models, sequence):
    found = gate_importance(models["hybrid-etas"], sequence)
    values = [row["value"] for row in found["permutation"].values()]
    assert values == sorted(values, reverse=True)
    assert len(values) == 22
    assert max(values) > 0


def test_importance_is_that_of_targets_where_smaller_events_are_sources(models, sequence):
    found = gate_importance(models["hybrid-etas"], replace(sequence, completeness_magnitude=3.2))
    assert np.isfinite([row["value"] for row in found["permutation"].values()]).all()


def test_a_step_of_completeness_leaves_the_rate_of_all_events(models, sequence):
    stepped = replace(sequence, completeness_steps=((490.0, 3.5),))
    event = len(sequence) - 1
    found = [explain_event(models["mapped-etas"], one, event, 1.0) for one in (sequence, stepped)]
    assert found[0].parts == found[1].parts
