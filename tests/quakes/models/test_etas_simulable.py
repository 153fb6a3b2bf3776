import numpy as np
import pytest
from scipy.optimize import approx_fprime

from graben.quakes.models import etas
from graben.quakes.models.continuation import Continuations
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.magnitudes import TaperedGutenbergRichter

EXPLOSIVE = EtasParameters(-6.0, -1.9, 1.4, -2.3, 0.0, 5.0, -0.7, 1.1, 0.6)


def ratio(model, sequence):
    at = np.append(np.log(model.background_rate_), model.triggering_.vector())
    return np.exp(etas._log_ratio(at, TaperedGutenbergRichter.of(sequence)))


def test_a_model_that_can_be_simulated_stays_what_it_is(short_sequence, triggering):
    model = Etas.with_parameters(triggering.parameters, short_sequence.polygon.area_km2)
    assert ratio(model, short_sequence) < 1
    assert model.simulable(short_sequence) is model


def test_an_explosive_model_is_fitted_again_and_can_be_continued(short_sequence):
    model = Etas.with_parameters(EXPLOSIVE, short_sequence.polygon.area_km2)
    assert ratio(model, short_sequence) > 1
    tamed = model.simulable(short_sequence)
    process, _ = Continuations(tamed, short_sequence).at(600.0)
    assert process.branching_ratio < 1
    assert process.branching_ratio == pytest.approx(ratio(tamed, short_sequence))


def test_slopes_of_the_penalised_likelihood_are_those_of_its_value(short_sequence):
    likelihood = etas._likelihood_of(short_sequence)
    law = TaperedGutenbergRichter.of(short_sequence)
    model = Etas.with_parameters(EXPLOSIVE, short_sequence.polygon.area_km2)
    at = np.append(np.log(model.background_rate_), model.triggering_.vector())
    found = etas._penalised(likelihood, law, at)
    assert found.value < likelihood(at).value - 0.01
    by_difference = approx_fprime(at, lambda x: etas._penalised(likelihood, law, x).value, 1e-3)
    # the pair sums are in single precision
    assert found.slopes[:-1] == pytest.approx(by_difference[:-1], abs=0.02, rel=0.02)


def test_a_branching_ratio_below_1_costs_little_likelihood(benchmark_sequence):
    sequence = benchmark_sequence("SCEDC_30")
    free = Etas(3_000).fit(sequence)
    assert ratio(free, sequence) > 1.2
    tamed = free.simulable(sequence)
    assert 0.95 < ratio(tamed, sequence) < 1
    assert 0 < free.log_likelihood_ - tamed.log_likelihood_ < 0.005
