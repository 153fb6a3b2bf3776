"""The nine parameters of space-time ETAS, with the names and units of the reference package."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import quad

from graben.errors import ModelError


@dataclass(frozen=True)
class EtasParameters:
    """Parameters of the conditional intensity (events per day and km2).

    lambda(t, x) = mu(x) + sum over past events j of
    k0 exp(a (m_j - mc)) exp(-dt/tau) (dt + c)^-(1+omega)
    (r^2 + d exp(gamma (m_j - mc)))^-(1+rho)

    Attributes
    ----------
    log10_mu
        Background rate, per day and km2, averaged over the polygon where it is mapped.
    log10_k0
        Productivity.
    a
        Growth of the productivity with magnitude (natural logarithm).
    log10_c
        Days.
    omega
        Decay in time; the Omori exponent is 1 + omega.
    log10_tau
        Taper of the decay, days.
    log10_d
        Square of the core radius at completeness, km2.
    gamma
        Growth of d with magnitude (natural logarithm).
    rho
        Decay in space.

    References
    ----------
    Ogata (1998), doi:10.1023/A:1003403601725; Mizrahi et al. (2021), doi:10.1785/0220200231.
    """

    log10_mu: float
    log10_k0: float
    a: float
    log10_c: float
    omega: float
    log10_tau: float
    log10_d: float
    gamma: float
    rho: float

    @classmethod
    def from_reference(cls, found: dict[str, Any] | str | Path) -> "EtasParameters":
        """Read the parameters as the reference package writes them: a table or its JSON file.

        Raises
        ------
        ModelError
            One is missing or no finite number, or there is no such table.
        """
        table = _table_of(found)
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if not _is_number(table.get(name))]
        if missing:
            raise ModelError(
                f"expected the parameters {', '.join(names)}; {', '.join(missing)} is missing or "
                "no finite number. Give a parameter file of the reference ETAS package."
            )
        return cls(**{name: float(table[name]) for name in names})

    def as_dict(self) -> dict[str, float]:
        """Return the parameters under the reference's names."""
        return asdict(self)

    @property
    def productivity_exponent(self) -> float:
        """Growth of the expected number of direct offspring with magnitude (natural logarithm)."""
        return self.a - self.rho * self.gamma

    @property
    def offspring_at_completeness(self) -> float:
        """Expected direct offspring of an event of completeness magnitude, for all time."""
        c, tau = 10.0**self.log10_c, 10.0**self.log10_tau
        in_space = np.pi / self.rho * 10.0 ** (-self.rho * self.log10_d)
        # in u = log(t + c) the integrand is smooth over all decades
        in_time = quad(
            lambda u: np.exp(-self.omega * u - (np.exp(u) - c) / tau),
            np.log(c),
            np.log(c + 60.0 * tau),
            limit=500,
        )[0]
        return float(10.0**self.log10_k0 * in_space * in_time)

    def branching_ratio(self, beta: float, magnitude_span: float = np.inf) -> float:
        """Return the mean number of direct offspring, magnitudes being Gutenberg-Richter.

        Parameters
        ----------
        beta
            b ln 10.
        magnitude_span
            Largest magnitude above completeness; without one, infinite where the productivity
            grows as fast as large magnitudes become rare.
        """
        rest = beta - self.productivity_exponent
        if np.isinf(magnitude_span):
            return self.offspring_at_completeness * beta / rest if rest > 0 else float("inf")
        grown = -np.expm1(-rest * magnitude_span) / rest if abs(rest) > 1e-12 else magnitude_span
        return float(
            self.offspring_at_completeness * beta * grown / -np.expm1(-beta * magnitude_span)
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))


def _table_of(found: dict[str, Any] | str | Path) -> dict[str, Any]:
    try:
        held = found
        if not isinstance(held, dict):
            held = json.loads(Path(held).read_text(encoding="utf-8"))
        if isinstance(held, dict):
            held = held.get("final_parameters", held)
        if isinstance(held, str):  # some releases write a table inside the table
            held = json.loads(held)
        if not isinstance(held, dict):
            raise ValueError("no table")
    except (OSError, ValueError) as error:
        what = "the table" if isinstance(found, dict) else found
        raise ModelError(
            f"{what} holds no ETAS parameters ({error}). Give a parameter file of the reference "
            "ETAS package, or a folder of a trained model."
        ) from error
    return held
