"""ETAS with a background of many maps, triggering along strike, and gates that a net sets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graben.quakes.models.background import Background, background_probability
from graben.quakes.models.components import gated
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_components import NAMES, BackgroundParts, EtasParts
from graben.quakes.models.etas_fit import climb, likelihood_of, mean_offspring, scored
from graben.quakes.models.etas_likelihood import Triggering
from graben.quakes.models.gates import GateKind, Gates
from graben.quakes.models.point_process import EventScores, PointProcess
from graben.quakes.models.strike import Strikes, strikes_of
from graben.quakes.sequence import EventSequence

FEWEST_TARGETS = 500
COARSE_TARGETS = 3_000
WIDEST_FINE_KM = 2.0
LEAST_SHARE = 0.01
FIRST_ANISOTROPY = 0.3


@dataclass(frozen=True, eq=False)
class MappedRates:
    """Triggering and the rates of background maps that were fitted together.

    Attributes
    ----------
    triggering
        Parameters and anisotropy.
    rates
        Events per day of each map, uniform first, (map,).
    """

    triggering: Triggering
    rates: NDArray[Any]

    def intensity(
        self,
        sequence: EventSequence,
        strikes: Strikes | None,
        maps: NDArray[Any],
        events: NDArray[Any],
    ) -> NDArray[Any]:
        """Return the intensity at epicentres, per day and km2, (event,)."""
        triggered = self.triggering.rates_at(sequence, strikes, events)[:, 0]
        return triggered + maps @ self.rates


class MappedEtas(PointProcess):
    """ETAS whose background is many maps of past seismicity, all fitted together.

    The maps are uniform, and Gaussians of 0.5 to 64 km about earlier events in two families: the
    first thins events by their rank in small cells and times, the second weighs each by the
    probability, at the time it happened, to be background in a first fit. They know what happened
    before the 30-day block of each target (before the test start in blocks of their own), which
    holds in the test window too: scores are event-based and the refresh is causal.

    Learned: `first_` (the first fit, with the first family alone), `fitted_` (the final one).

    Parameters
    ----------
    strike
        Whether triggering is stretched along the strike of earlier events about the parent.
    targets
        At most so many events are targets of the fit, as in `Etas`.
    """

    name = "mapped-etas"
    fits = "any catalogue of a thousand events and more"
    takes_sources = True
    takes_steps = True

    def __init__(self, strike: bool = True, targets: int = 15_000) -> None:
        self.strike = strike
        self.targets = targets
        self.background = Background()
        self._kept: tuple[EventSequence, slice, NDArray[Any]] | None = None

    def fit(self, sequence: EventSequence) -> Self:
        """Fit three times: constant background, first family, then both families and strike.

        Raises
        ------
        CatalogError
            There are too few events.
        """
        sequence.require(FEWEST_TARGETS)
        constant = Etas(COARSE_TARGETS).fit(sequence)
        targets = sequence.targets(sequence.fitted)
        ranked = self.background.rank_weights(sequence)[:, None]
        maps = self.background.maps(sequence, ranked, targets)
        even = np.full(maps.shape[1], constant.background_rate_ / maps.shape[1])
        start = MappedRates(constant.triggering_, even)
        self.first_ = self._climb(sequence, maps, None, start, COARSE_TARGETS)
        self._kept = None
        maps = self.maps(sequence, sequence.fitted)
        rates = self.first_.rates
        split = np.concatenate([rates[:1], rates[1:] / 2, rates[1:] / 2])
        anisotropy = FIRST_ANISOTROPY if self.strike else 0.0
        start = MappedRates(
            replace(self.first_.triggering, anisotropy=anisotropy),
            np.maximum(split, LEAST_SHARE * rates.sum()),
        )
        strikes = self._strikes(sequence)
        self.fitted_ = self._climb(sequence, maps, strikes, start, self.targets)
        return self

    def _strikes(self, sequence: EventSequence) -> Strikes | None:
        return strikes_of(sequence) if self.strike else None

    def _climb(
        self,
        sequence: EventSequence,
        maps: NDArray[Any],
        strikes: Strikes | None,
        start: MappedRates,
        targets: int,
    ) -> MappedRates:
        likelihood = likelihood_of(sequence, maps, strikes)
        at = np.concatenate([np.log(start.rates), start.triggering.vector()])
        found = climb(likelihood, at, targets)
        rates = np.exp(found.at[: start.rates.size])
        log10_mu = float(np.log10(rates.sum() / sequence.polygon.area_km2))
        self.standard_errors_ = found.standard_errors(likelihood)
        return MappedRates(Triggering.of(found.at[start.rates.size :], log10_mu), rates)

    def weights(self, sequence: EventSequence, stop: int) -> NDArray[Any]:
        """Return the weights of the events before `stop` as sources of the maps, (event, 2).

        Both families have the weights of the first for events before the training start.
        """
        ranked = self.background.rank_weights(sequence)
        events = np.arange(sequence.training.start, stop)
        maps = self.background.maps(sequence, ranked[:, None], events)
        triggered = self.first_.triggering.rates_at(sequence, None, events)[:, 0]
        likely = ranked.copy()
        likely[events] = background_probability(maps, self.first_.rates, triggered)
        return np.column_stack([ranked, likely])

    def maps(self, sequence: EventSequence, events: slice) -> NDArray[Any]:
        """Return the density of each map at the targets of a window, per km2, (target, map).

        Those of the last window asked for are kept: gates are fitted to what the rates were.
        """
        if self._kept is None or self._kept[0] is not sequence or self._kept[1] != events:
            weights = self.weights(sequence, events.stop)
            densities = self.background.maps(sequence, weights, sequence.targets(events))
            self._kept = sequence, events, densities
        return self._kept[2]

    def score(self, sequence: EventSequence, events: slice) -> EventScores:
        """Return what the model says of the events of one window."""
        triggering, rates = self.fitted_.triggering, self.fitted_.rates
        targets = sequence.targets(events)
        intensity = triggering.rates_at(sequence, self._strikes(sequence), targets)[:, 0]
        intensity += self.maps(sequence, events) @ rates
        return scored(sequence, events, triggering, float(rates.sum()), intensity)

    def parted_rates(self) -> NDArray[Any]:
        """Return the rate of each map as fine (up to 2 km) or coarse background, (map, 2)."""
        widths = np.array(self.background.bandwidths_km)
        rates = self.fitted_.rates
        fine = np.append(False, np.resize(widths <= WIDEST_FINE_KM, rates.size - 1))
        return np.column_stack([np.where(fine, rates, 0.0), np.where(fine, 0.0, rates)])

    def branching_ratio(self, sequence: EventSequence) -> float:
        """Return the mean number of direct offspring over the magnitudes seen before the test."""
        return mean_offspring(self.fitted_.triggering.parameters, sequence)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the vectors of both fits."""
        return {
            "first": self.first_.triggering.vector(),
            "first_rates": self.first_.rates,
            "fitted": self.fitted_.triggering.vector(),
            "fitted_rates": self.fitted_.rates,
        }

    def settings(self) -> dict[str, Any]:
        """Return the parameters under the reference's names, their errors, and the fit's size."""
        return {
            "targets": self.targets,
            "strike": self.strike,
            "parameters": self.fitted_.triggering.parameters.as_dict(),
            "anisotropy": self.fitted_.triggering.anisotropy,
            "standard_errors": self.standard_errors_,
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the vectors and settings back."""
        self.targets, self.strike = settings["targets"], settings["strike"]
        self.standard_errors_ = dict(settings["standard_errors"])
        log10_mu = settings["parameters"]["log10_mu"]
        self._kept = None
        self.first_, self.fitted_ = (
            MappedRates(Triggering.of(tensors[name], log10_mu), tensors[f"{name}_rates"])
            for name in ("first", "fitted")
        )


class HybridEtas(MappedEtas):
    """`MappedEtas` with gates: nets turn background and triggering up and down by what happened.

    The intensity has six components: background of maps up to 2 km and the rest, triggering by
    the last 10 events, by ranks 11-100, 101-1,000 and by older ones. Gates are constant between
    targets and start at no effect, so the likelihood stays exact and the start is `MappedEtas`.

    Learned: as `MappedEtas`, and `gates_`.

    Parameters
    ----------
    kind
        Of the nets; see `Gates`.
    strike, targets
        As of `MappedEtas`.
    """

    name = "hybrid-etas"
    fits = "catalogues of five thousand events and more"
    takes_steps = False

    def __init__(self, kind: GateKind = "mlp", strike: bool = True, targets: int = 15_000) -> None:
        super().__init__(strike, targets)
        self.gates = Gates(kind)

    def fit(self, sequence: EventSequence) -> Self:
        """Fit `MappedEtas`; then learn the gates from training, stopped by validation.

        Raises
        ------
        CatalogError
            There are too few events.
        ModelError
            Completeness varies in time.
        """
        self.check_completeness(sequence)
        super().fit(sequence)
        return self.fit_gates(sequence)

    def fit_gates(self, sequence: EventSequence) -> Self:
        """Learn the gates alone, on what `MappedEtas` found."""
        parts, background = self.taken_apart(sequence, sequence.fitted)
        run = parts.run(background, self._strikes(sequence), sequence.fitted)
        learned = sequence.targets(sequence.training).size
        targets = sequence.targets(sequence.fitted)
        self.gates.fit(
            run.only(sequence.is_target[sequence.fitted]),
            sequence.magnitude[targets],
            slice(0, learned),
            slice(learned, targets.size),
        )
        return self

    def taken_apart(
        self, sequence: EventSequence, events: slice
    ) -> tuple[EtasParts, BackgroundParts]:
        """Return triggering up to the end of a window, and the background at its targets."""
        self.check_completeness(sequence)
        parted = self.parted_rates()
        background = BackgroundParts(self.maps(sequence, events) @ parted, parted.sum(axis=0))
        end = sequence.span(events)[1]
        return EtasParts(sequence, self.fitted_.triggering, events.stop, end), background

    def log_gates(self, sequence: EventSequence) -> NDArray[Any]:
        """Return the log-gates from the training start on, (interval, component).

        Row k holds between target k - 1 and target k of those since the training start; the last
        holds after the last target.
        """
        self.check_completeness(sequence)
        parts = EtasParts(sequence, self.fitted_.triggering, len(sequence), sequence.days[-1])
        nothing = BackgroundParts(np.empty((0, 2)), self.parted_rates().sum(axis=0))
        run = parts.run(nothing, None, slice(len(sequence), len(sequence)))
        since = slice(sequence.training.start, len(sequence))
        targets = sequence.targets(since)
        return self.gates.log_gates(
            run.only(sequence.is_target[since]), sequence.magnitude[targets]
        )

    def score(self, sequence: EventSequence, events: slice) -> EventScores:
        """Return what the model says of the targets of one window."""
        parts, background = self.taken_apart(sequence, events)
        run = parts.run(background, self._strikes(sequence), events)
        known = slice(sequence.training.start, events.stop)
        log_gates = self.gates.log_gates(
            run.only(sequence.is_target[known]), sequence.magnitude[sequence.targets(known)]
        )
        window = parts.window(run, sequence.span(events)[0], background)
        window = window.only(sequence.is_target[events])
        return gated(window, log_gates[-len(window.time) :])

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the vectors of both fits and the weights of the nets."""
        gates = {f"gates.{name}": values for name, values in self.gates.state().items()}
        return super().state() | gates

    def settings(self) -> dict[str, Any]:
        """Return the settings of `MappedEtas` and the kind of the nets."""
        return super().settings() | {"kind": self.gates.kind}

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the vectors, the nets and settings back."""
        super().restore(tensors, settings)
        self.gates = Gates(settings["kind"])
        prefix = "gates."
        learned = {
            name.removeprefix(prefix): values
            for name, values in tensors.items()
            if name.startswith(prefix)
        }
        self.gates.restore(learned, len(NAMES))
