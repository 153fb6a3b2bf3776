"""Space-time ETAS by direct maximum likelihood."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graben.quakes.models.etas_fit import climb, likelihood_of, mean_offspring, scored
from graben.quakes.models.etas_likelihood import Triggering
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.point_process import EventScores, PointProcess
from graben.quakes.sequence import EventSequence

FIRST_GUESS = EtasParameters(-5.8, -2.6, 1.8, -2.5, -0.02, 3.5, -0.85, 1.3, 0.66)
FEWEST_TARGETS = 50


class Etas(PointProcess):
    """Background plus triggering, the background constant over the polygon.

    Learned: `triggering_` (the parameters), `background_rate_` (events per day in the polygon),
    `standard_errors_` (by parameter, from the information matrix), `log_likelihood_` (mean of the

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
        fitted = sequence.fitted
        uniform = np.full((fitted.stop - fitted.start, 1), 1 / sequence.polygon.area_km2)
        likelihood = likelihood_of(sequence, uniform)
        half_background = np.log(0.5 * likelihood.targets.size / likelihood.days)
        start = np.concatenate([[half_background], Triggering(FIRST_GUESS).vector()])
        found = climb(likelihood, start, self.targets)
        self.background_rate_ = float(np.exp(found.at[0]))
        log10_mu = float(np.log10(self.background_rate_ / sequence.polygon.area_km2))
        self.triggering_ = Triggering.of(found.at[1:], log10_mu)
        self.standard_errors_ = found.standard_errors(likelihood)
        self.log_likelihood_ = found.likelihood.value
        return self

    def score(self, sequence: EventSequence, events: slice) -> EventScores:
        """Return what the model says of the events of one window."""
        numbers = np.arange(events.start, events.stop)
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
