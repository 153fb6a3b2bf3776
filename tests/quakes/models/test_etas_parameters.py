import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import gamma, gammaincc

from graben.errors import ModelError
from graben.quakes.models.etas_parameters import EtasParameters

SOME = EtasParameters(-6.0, -2.4, 1.4, -2.3, -0.08, 2.6, -0.7, 1.1, 0.6)


def closed_form(p):
    """e^(c/tau) tau^-omega Gamma(-omega, c/tau), for omega below 0, times the rest."""
    c, tau, d = 10**p.log10_c, 10**p.log10_tau, 10**p.log10_d
    upper = gamma(-p.omega) * gammaincc(-p.omega, c / tau)
    return 10**p.log10_k0 * np.pi / (p.rho * d**p.rho) * np.exp(c / tau) * tau**-p.omega * upper


def test_offspring_are_the_closed_form():
    assert SOME.offspring_at_completeness == pytest.approx(closed_form(SOME), rel=1e-8)


def test_without_a_taper_offspring_are_those_of_omori():
    p = replace(SOME, omega=0.3, log10_tau=12.0)
    in_time = (10**p.log10_c) ** -p.omega / p.omega
    in_space = np.pi / (p.rho * 10 ** (p.rho * p.log10_d))
    exact = 10**p.log10_k0 * in_space * in_time
    assert p.offspring_at_completeness == pytest.approx(exact, rel=5e-4)  # the taper takes c/tau^w


def test_the_branching_ratio_is_the_mean_over_magnitudes():
    beta, span = 2.3, 4.0
    excess = np.linspace(0, span, 400_001)
    law = beta * np.exp(-beta * excess) / -np.expm1(-beta * span)
    offspring = SOME.offspring_at_completeness * np.exp(SOME.productivity_exponent * excess)
    mean = np.trapezoid(law * offspring, excess)
    assert SOME.branching_ratio(beta, span) == pytest.approx(mean, rel=1e-8)
    exponent = SOME.a - SOME.rho * SOME.gamma
    without_end = SOME.offspring_at_completeness * beta / (beta - exponent)
    assert SOME.branching_ratio(beta) == pytest.approx(without_end, rel=1e-12)
    assert SOME.branching_ratio(beta, 40.0) == pytest.approx(without_end, rel=1e-8)


def test_the_branching_ratio_is_smooth_where_growth_equals_decay():
    exponent = SOME.productivity_exponent
    at, beside = (SOME.branching_ratio(exponent + by, 4.0) for by in (0.0, 1e-9))
    assert at == pytest.approx(beside, rel=1e-6)
    assert SOME.branching_ratio(exponent) == np.inf
    assert SOME.branching_ratio(exponent - 0.1) == np.inf


@pytest.mark.parametrize("wrapped", ["table", "final", "text in final", "file"])
def test_parameters_are_read_as_the_reference_writes_them(wrapped, tmp_path):
    table = SOME.as_dict() | {"n_hat": 3.0}
    found = {
        "table": table,
        "final": {"final_parameters": table},
        "text in final": {"final_parameters": json.dumps(table)},
        "file": tmp_path / "parameters_0.json",
    }
    found["file"].write_text(json.dumps(found["text in final"]))
    assert EtasParameters.from_reference(found[wrapped]) == SOME


@pytest.mark.parametrize("held", ["", "[1, 2]", "{}", '{"final_parameters": {"a": 1}}'])
def test_what_holds_no_parameters_is_refused(held, tmp_path):
    path = tmp_path / "parameters.json"
    path.write_text(held)
    with pytest.raises(ModelError, match="Give a parameter file of the reference ETAS package"):
        EtasParameters.from_reference(path)
    with pytest.raises(ModelError, match="Give a parameter file"):
        EtasParameters.from_reference(tmp_path / "nowhere.json")


@pytest.mark.parametrize("final", ["no table", "[1]", 3.0, None])
def test_a_table_that_is_none_is_refused(final):
    with pytest.raises(ModelError, match="the table holds no ETAS parameters"):
        EtasParameters.from_reference({"final_parameters": final})


def test_a_parameter_that_is_not_finite_is_refused_by_its_name():
    with pytest.raises(ModelError, match="rho is missing or no finite number"):
        EtasParameters.from_reference(SOME.as_dict() | {"rho": float("nan")})
