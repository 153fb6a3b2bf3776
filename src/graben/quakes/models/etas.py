"""Space-time ETAS by direct maximum likelihood."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import approx_fprime

from graben.errors import ModelError
from graben.quakes.models.etas_fit import (
    COARSE_TARGETS,
    COARSE_TOLERANCE,
    TOLERANCE,
    Fitted,
    climb,
    likelihood_of,
    mean_offspring,
    scored,
)
from graben.quakes.models.etas_likelihood import EtasLikelihood, Triggering
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.fisher import Likelihood, maximise
from graben.quakes.models.magnitudes import TaperedGutenbergRichter
from graben.quakes.models.point_process import EventScores, PointProcess
from graben.quakes.sequence import EventSequence

FIRST_GUESS = EtasParameters(-5.8, -2.6, 1.8, -2.5, -0.02, 3.5, -0.85, 1.3, 0.66)
FEWEST_TARGETS = 50
LARGEST_RATIO = 0.97
STIFFNESS = 20.0  # where a smaller log ratio costs 0.1 per event, it ends 0.005 above the largest


class Etas(PointProcess):
    """Background plus triggering, the background constant over the polygon.

    Learned: `triggering_` (the parameters), `background_rate_` (events per day in the polygon),
    `standard_errors_` (by parameter, from the information matrix), `log_likelihood_` (mean of the
    events of training and validation, nats; not kept on disk).

    Parameters
    ----------
    targets
        At most so many events are targets of the fit, evenly spaced through training and
        validation; all events are sources and the integral is exact. It makes the cost grow with
        the number of events, not with its square.

    References
    ----------
    Ogata (1998), doi:10.1023/A:1003403601725; the parametrisation of Mizrahi et al. (2021),
    doi:10.1785/0220200231. The score of an event is that of EarthquakeNPP,
    doi:10.48550/arXiv.2410.08226.
    """

    name = "etas"
    fits = "any catalogue of a few hundred events and more"
    takes_steps = True

    def __init__(self, targets: int = 30_000) -> None:
        self.targets = targets

    @classmethod
    def with_parameters(cls, parameters: EtasParameters, area_km2: float) -> Self:
        """Return the model of given parameters, such as published ones, without a fit."""
        model = cls()
        model.triggering_ = Triggering(parameters)
        model.background_rate_ = 10.0**parameters.log10_mu * area_km2
        model.standard_errors_ = {}
        return model

    def fit(self, sequence: EventSequence) -> Self:
        """Fit to training and validation together: a coarse climb on few targets, then the fit.

        Raises
        ------
        CatalogError
            There are too few events.
        """
        sequence.require(FEWEST_TARGETS)
        likelihood = _likelihood_of(sequence)
        half_background = np.log(0.5 * likelihood.targets.size / likelihood.days)
        start = np.concatenate([[half_background], Triggering(FIRST_GUESS).vector()])
        found = climb(likelihood, start, self.targets)
        self._take(found.at, likelihood)
        self.standard_errors_ = found.standard_errors(likelihood)
        self.log_likelihood_ = found.likelihood.value
        return self

    def _take(self, at: NDArray[Any], likelihood: EtasLikelihood) -> None:
        self.background_rate_ = float(np.exp(at[0]))
        log10_mu = float(np.log10(self.background_rate_ / likelihood.sequence.polygon.area_km2))
        self.triggering_ = Triggering.of(at[1:], log10_mu)

    def simulable(self, sequence: EventSequence) -> "Etas":
        """Return the model to simulate from: this one, where its branching ratio is below 1.

        With a constant background the likelihood often wants more than one offspring an event, for
        triggering must stand for what a mapped background knows. In that case all is fitted again,
        with a penalty on ratios above 0.97. What that costs is the difference of
        `log_likelihood_`, nats per event.

        Raises
        ------
        ModelError
            The ratio stays at 1 or more.
        """
        law = TaperedGutenbergRichter.of(sequence)
        at = np.append(np.log(self.background_rate_), self.triggering_.vector())
        if _log_ratio(at, law) < 0:
            return self
        likelihood = _likelihood_of(sequence)
        for targets, tolerance in ((COARSE_TARGETS, COARSE_TOLERANCE), (self.targets, TOLERANCE)):
            chosen = likelihood.thinned(targets)
            found = maximise(partial(_penalised, chosen, law), at, chosen.bounds, tolerance)
            at = found.at
        if not (log_ratio := _log_ratio(at, law)) < 0:
            raise ModelError(
                f"expected a branching ratio below 1, got {np.exp(log_ratio):.3g}. Fit "
                "hybrid-etas, whose background is mapped, or with a larger completeness magnitude."
            )
        model = Etas(self.targets)
        model._take(at, likelihood)
        fitted = Fitted(at, found.likelihood, 0)
        model.standard_errors_ = fitted.standard_errors(chosen)
        model.log_likelihood_ = found.likelihood.value + _penalty(log_ratio)
        return model

    def score(self, sequence: EventSequence, events: slice) -> EventScores:
        """Return what the model says of the events of one window."""
        numbers = sequence.targets(events)
        density = self.background_rate_ / sequence.polygon.area_km2
        triggered = self.triggering_.rates_at(sequence, None, numbers)[:, 0]
        return scored(
            sequence, events, self.triggering_, self.background_rate_, triggered + density
        )

    def branching_ratio(self, sequence: EventSequence) -> float:
        """Return the mean number of direct offspring over the magnitudes seen before the test."""
        return mean_offspring(self.triggering_.parameters, sequence)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the parameters as one vector."""
        return {"triggering": self.triggering_.vector()}

    def settings(self) -> dict[str, Any]:
        """Return the parameters under the reference's names, their errors, and the fit's size."""
        return {
            "targets": self.targets,
            "background_rate": self.background_rate_,
            "parameters": self.triggering_.parameters.as_dict(),
            "standard_errors": self.standard_errors_,
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take parameters and settings back."""
        self.targets = settings["targets"]
        self.background_rate_ = settings["background_rate"]
        self.standard_errors_ = dict(settings["standard_errors"])
        log10_mu = settings["parameters"]["log10_mu"]
        self.triggering_ = Triggering.of(tensors["triggering"], log10_mu)


def _likelihood_of(sequence: EventSequence) -> EtasLikelihood:
    targets = sequence.targets(sequence.fitted).size
    return likelihood_of(sequence, np.full((targets, 1), 1 / sequence.polygon.area_km2))


def _log_ratio(at: NDArray[Any], law: TaperedGutenbergRichter) -> float:
    """Return the log branching ratio of a simulation, which draws magnitudes from the law."""
    found = Triggering.of(at[1:], 0.0).parameters
    growth = law.mean_growth(found.productivity_exponent)
    return float(np.log(found.offspring_at_completeness * growth))


def _penalty(log_ratio: float) -> float:
    return STIFFNESS / 2 * max(log_ratio - np.log(LARGEST_RATIO), 0.0) ** 2


def _penalised(
    likelihood: EtasLikelihood, law: TaperedGutenbergRichter, at: NDArray[Any]
) -> Likelihood:
    found, log_ratio = likelihood(at), _log_ratio(at, law)
    excess = max(log_ratio - np.log(LARGEST_RATIO), 0.0)
    growth = approx_fprime(at, _log_ratio, 1e-5, law) * (excess > 0)
    return Likelihood(
        found.value - _penalty(log_ratio),
        found.slopes - STIFFNESS * excess * growth,
        found.information + STIFFNESS * np.outer(growth, growth),
    )
