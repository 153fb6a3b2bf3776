"""Fitting and scoring ETAS, whatever its background is made of."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graben.quakes.models.etas_likelihood import TRIGGERING, EtasLikelihood, Triggering
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.etas_time import DecayMixture, running_rates
from graben.quakes.models.fisher import Likelihood, maximise
from graben.quakes.models.point_process import EventScores
from graben.quakes.sequence import EventSequence

if TYPE_CHECKING:
    from graben.quakes.models.strike import Strikes

COARSE_TARGETS = 3_000
COARSE_TOLERANCE = 2e-4
TOLERANCE = 2e-6


@dataclass(frozen=True, eq=False)
class Fitted:
    """The highest likelihood that was found.

    Attributes
    ----------
    at
        Log rates of the maps (events per day), then the parameters in the order of `TRIGGERING`.
    likelihood
        There.
    pairs
        How many pairs of target and source were summed on the way.
    """

    at: NDArray[Any]
    likelihood: Likelihood
    pairs: int

    def standard_errors(self, fitted_to: EtasLikelihood) -> dict[str, float]:
        """Return the standard error of each parameter of triggering, NaN for those at a bound.

        From the information matrix of the targets that were used, on natural scales.
        """
        low, high = fitted_to.bounds
        free = (self.at > low) & (self.at < high)
        information = self.likelihood.information[np.ix_(free, free)] * fitted_to.targets.size
        error = np.full(self.at.size, np.nan)
        # rates that vanished leave no curvature
        error[free] = np.sqrt(np.diag(np.linalg.pinv(information, hermitian=True)))
        rows = error[-len(TRIGGERING) :]
        return {name: float(value) for name, value in zip(TRIGGERING, rows, strict=True)}


def likelihood_of(
    sequence: EventSequence, maps: NDArray[Any], strikes: "Strikes | None" = None
) -> EtasLikelihood:
    """Return the likelihood of training and validation together.

    Parameters
    ----------
    sequence
        The events.
    maps
        Density of each background map at the targets of training and validation, (target, map).
    strikes
        As of `EtasLikelihood`.
    """
    targets = sequence.targets(sequence.fitted)
    period = sequence.span(sequence.fitted)
    return EtasLikelihood(sequence, targets, period, targets.size, maps, strikes)


def climb(likelihood: EtasLikelihood, start: NDArray[Any], targets: int) -> Fitted:
    """Maximise a likelihood: first on few targets, then on at most `targets`.

    Raises
    ------
    ModelError
        The likelihood is not finite.
    """
    pairs = 0
    last = min(targets, likelihood.targets.size)
    stages = [(COARSE_TARGETS, COARSE_TOLERANCE)] * (last > COARSE_TARGETS) + [(last, TOLERANCE)]
    for size, tolerance in stages:
        chosen = likelihood.thinned(size)
        found = maximise(chosen, start, chosen.bounds, tolerance)
        start = found.at
        pairs += found.evaluations * int(likelihood.sequence.history[chosen.targets].sum())
    return Fitted(found.at, found.likelihood, pairs)


def scored(
    sequence: EventSequence,
    events: slice,
    triggering: Triggering,
    background_rate: float,
    intensity: NDArray[Any],
) -> EventScores:
    """Return the scores of the targets of one window.

    Where completeness varies in time, all rates are those of the targets alone.

    Parameters
    ----------
    sequence, events
        The events, and which of them.
    triggering
        Of the model.
    background_rate
        Events per day in the polygon.
    intensity
        At the epicentre of each target, per day and km2, of all events from the completeness
        magnitude of the sequence on.
    """
    start, end = sequence.span(events)
    bounds = sequence.pieces(start, end)
    moments = np.concatenate([bounds, sequence.time[: events.stop]])
    produced = np.zeros(moments.size)  # bounds trigger nothing
    produced[bounds.size :] = triggering.produced(sequence.excess[: events.stop])
    order = np.argsort(moments, kind="stable")
    moments = moments[order]
    mixture = DecayMixture.of(triggering.parameters)
    found = np.empty((moments.size, 3))
    running_rates(moments, produced[order], mixture.decay, mixture.weight, start, found)
    triggered = sequence.reported_share(moments) * np.where(moments > start, found[:, 1], 0.0)
    until = np.cumsum(triggered) + background_rate * sequence.reported_days(start, moments)
    targets = sequence.targets(events)
    at = np.argsort(order)[bounds.size + targets]
    expected = np.diff(until[at], prepend=0.0)
    share = sequence.reported_share(sequence.time[targets])
    return EventScores(
        share * (found[at, 0] + background_rate),
        share * intensity,
        expected,
        float(until[-1] - expected.sum()),
    )


def mean_offspring(parameters: EtasParameters, sequence: EventSequence) -> float:
    """Return the branching ratio over the magnitudes of the targets before the test start."""
    excess = sequence.above_completeness[sequence.targets(slice(0, sequence.test.start))]
    grown = np.exp(parameters.productivity_exponent * excess).mean()
    return float(parameters.offspring_at_completeness * grown)
