"""A pretrained point process in another region: as it is, or with a few parameters refitted."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.errors import ModelError
from graben.evaluation import Interval, block_bootstrap, sums_by_block
from graben.quakes.catalog import as_utc
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_components import NAMES
from graben.quakes.models.etas_fit import likelihood_of
from graben.quakes.models.etas_likelihood import LN10, TRIGGERING, Triggering
from graben.quakes.models.fisher import Likelihood, maximise
from graben.quakes.models.gate_features import feature_names
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas, MappedRates
from graben.quakes.models.point_process_folder import FittedProcess
from graben.quakes.models.strike import strikes_of
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows

Choice = Literal["zero-shot", "adapted", "local etas"]
FEWEST_TARGETS = 100  # of training and validation; fewer say nothing about which is better
FEWEST_JUDGES = 50  # of validation
BLOCKS = 20  # of consecutive validation events, resampled together
TOLERANCE = 1e-6
# Standard deviations of the prior about the pretrained values, on natural logarithms (a: as it
# is). Between the three regions that ship they are 0.25, 0.15, 0.2, 0.75 and 3; from so few, the
# small ones are doubled.
PRIOR = {"background": 0.5, "productivity": 0.3, "a": 0.4, "log_c": 0.8, "log_d": 3.0}


@dataclass(frozen=True, eq=False)
class Adapted:
    """What came of a pretrained process in a region.

    Attributes
    ----------
    process
        The one that was chosen, with all labels of the region where it learns from any.
    choice
        Which of the three it is.
    reason
        Why, in a sentence.
    validation
        Mean log-likelihood per validation event of each candidate, nats; empty if there were too
        few events to compare.
    gains
        Of each candidate over zero-shot on the same events, with 95 % intervals.
    moved
        How far each adapted parameter lies from its pretrained value; empty unless "adapted".
    """

    process: MappedEtas | Etas
    choice: Choice
    reason: str
    validation: dict[Choice, float]
    gains: dict[Choice, Interval]
    moved: dict[str, float]


def adapt(pretrained: FittedProcess, sequence: EventSequence) -> Adapted:
    """Fit a few parameters of a pretrained process to a region, if its validation events gain.

    Three candidates learn from the training window and are compared on the validation window: the
    pretrained process as `carried` gives it; the same with background rate, productivity, growth
    of productivity with magnitude, c and d refitted under a prior about the pretrained values; and
    ETAS of the region alone. Zero-shot is kept unless the 95 % interval of another's gain lies
    above 0; of those that pass, the best is fitted again to training and validation together.

    Parameters
    ----------
    pretrained
        A mapped-etas or hybrid-etas, from `load_process`.
    sequence
        Events of the region; nothing from the test window on is looked at.

    Raises
    ------
    ModelError
        The process is of another kind.
    """
    zero_shot = carried(pretrained, sequence)
    labels = sequence.targets(sequence.fitted).size
    judges = sequence.targets(sequence.validation).size
    if labels < FEWEST_TARGETS or judges < FEWEST_JUDGES:
        return Adapted(
            zero_shot,
            "zero-shot",
            f"too little data to choose by: {labels} events to learn from, {judges} of them to "
            f"choose by; at least {FEWEST_TARGETS} and {FEWEST_JUDGES} are needed",
            {},
            {},
            {},
        )
    found = _chosen(pretrained, sequence, zero_shot)
    return replace(found, reason=found.reason + _seen_before(pretrained, sequence))


def _seen_before(pretrained: FittedProcess, sequence: EventSequence) -> str:
    """Return what must be said of a comparison on years that the pretrained process has seen."""
    learned = pretrained.about["polygon"]
    home = Polygon(learned["longitude"], learned["latitude"])
    since = sequence.targets(sequence.validation)
    seen = home.contains(sequence.longitude[since], sequence.latitude[since]).any()
    if not seen or as_utc(pretrained.training_end) <= sequence.windows.moments[2]:
        return ""
    return (
        f"; the pretrained process learned here until {pretrained.training_end}, after the "
        f"validation start {sequence.windows.validation_start}: the comparison favours it"
    )


def _chosen(pretrained: FittedProcess, sequence: EventSequence, zero_shot: MappedEtas) -> Adapted:
    past = before_validation(sequence)
    start = carried(pretrained, past)
    candidates: dict[Choice, MappedEtas | Etas] = {
        "zero-shot": start,
        "adapted": refit(start, past),
    }
    if past.targets(past.fitted).size >= FEWEST_TARGETS:
        candidates["local etas"] = Etas().fit(past)
    totals = {name: one.score(past, past.test).total for name, one in candidates.items()}
    gains: dict[Choice, Interval] = {
        name: _gain(totals[name] - totals["zero-shot"]) for name in totals if name != "zero-shot"
    }
    helpful = {name: gain.value for name, gain in gains.items() if gain.low > 0}
    validation = {name: float(total.mean()) for name, total in totals.items()}
    if not helpful:
        reason = "no other candidate gains on the validation events beyond doubt"
        return Adapted(zero_shot, "zero-shot", reason, validation, gains, {})
    choice = max(helpful, key=lambda name: helpful[name])
    gain = gains[choice]
    reason = (
        f"{choice} gains {gain.value:.3f} [{gain.low:.3f}, {gain.high:.3f}] nats per validation "
        "event over zero-shot"
    )
    if choice == "local etas":
        return Adapted(Etas().fit(sequence), choice, reason, validation, gains, {})
    found = refit(zero_shot, sequence)
    return Adapted(found, choice, reason, validation, gains, _moved(found, zero_shot))


def before_validation(sequence: EventSequence) -> EventSequence:
    """Return the sequence with the validation window as test, and training in two halves."""
    windows = sequence.windows
    _, training, validation, *_ = windows.moments
    middle = (training + (validation - training) / 2).isoformat()
    return replace(
        sequence,
        windows=Windows(
            windows.auxiliary_start,
            windows.training_start,
            middle,
            windows.validation_start,
            windows.test_start,
        ),
    )


def carried(pretrained: FittedProcess, sequence: EventSequence) -> MappedEtas:
    """Return a pretrained process for another region, nothing fitted: zero-shot.

    The background's total is the pretrained share of the region's own rate of events. Triggering
    is self-similar in magnitude: an event so far above completeness triggers as many events as in
    the pretrained region, over the area that its magnitude has there. Gates see magnitudes
    relative to completeness and rates relative to the mean rate.

    Raises
    ------
    ModelError
        The process has no maps of the background.
    """
    if not isinstance(pretrained.process, MappedEtas):
        raise ModelError(
            f"expected a mapped-etas or hybrid-etas to carry to another region, got "
            f"{pretrained.process.name}. Fit one, or use california, japan or anatolia."
        )
    source = pretrained.process
    found = type(source)()
    found.restore(source.state(), source.settings())
    higher = sequence.completeness_magnitude - pretrained.completeness_magnitude
    first, last = sequence.span(sequence.fitted)
    rate = sequence.targets(sequence.fitted).size / (last - first)
    busier = rate / _events_per_day(pretrained)
    area = sequence.polygon.area_km2
    found.first_ = _shifted(found.first_, higher, busier, area)
    found.fitted_ = _shifted(found.fitted_, higher, busier, area)
    if isinstance(found, HybridEtas):
        _shift_gates(found, higher, float(np.log(busier)))
    return found


def _events_per_day(pretrained: FittedProcess) -> float:
    """Return events per day that the process learned from, before its test start."""
    about = pretrained.about
    windows = about["windows"]
    days = as_utc(windows["test_start"]) - as_utc(windows["auxiliary_start"])
    return float(about["training_data"]["events"] / (days / pd.Timedelta(days=1)))


def _shifted(held: MappedRates, higher: float, busier: float, area_km2: float) -> MappedRates:
    vector = held.triggering.vector()
    wider = held.triggering.parameters.gamma * higher
    vector[TRIGGERING.index("log_d")] += wider
    vector[TRIGGERING.index("log_k0")] += held.triggering.parameters.rho * wider
    return _rates_of(vector, held.rates * busier, area_km2)


def _rates_of(vector: NDArray[Any], rates: NDArray[Any], area_km2: float) -> MappedRates:
    return MappedRates(Triggering.of(vector, float(np.log10(rates.sum() / area_km2))), rates)


def _shift_gates(process: HybridEtas, higher: float, log_busier: float) -> None:
    shifts = {"magnitude": higher, "log rate": log_busier}
    mean = process.gates.mean_.copy()
    for column, name in enumerate(feature_names(NAMES)):
        mean[column] += sum(shift for word, shift in shifts.items() if word in name)
    process.gates.mean_ = mean


def refit(process: MappedEtas, sequence: EventSequence) -> MappedEtas:
    """Return a process with the parameters of `PRIOR` fitted to training and validation.

    Shares of the maps, the shape of triggering in time and space otherwise, and the gates stay.
    """
    maps = process.maps(sequence, sequence.fitted)
    likelihood = likelihood_of(sequence, maps, strikes_of(sequence) if process.strike else None)
    held = process.fitted_
    # a map without events in the pretrained fit would be log 0
    rates = np.maximum(held.rates, 1e-12 * held.rates.sum())
    start = np.concatenate([np.log(rates), held.triggering.vector()])
    along = _directions(rates.size, held.triggering.parameters.rho)
    spread = np.array(list(PRIOR.values()))

    def posterior(step: NDArray[Any]) -> Likelihood:
        there = likelihood(start + along @ step)
        n = likelihood.expected_targets
        return Likelihood(
            there.value - float(np.square(step / spread).sum()) / (2 * n),
            there.slopes @ along - step / spread**2 / n,
            along.T @ there.information @ along + np.diag(1 / spread**2) / n,
        )

    # each of the five moves one bounded parameter one to one: the first that it moves
    first = np.argmax(along == 1, axis=0)
    low, high = (bound[first] - start[first] for bound in likelihood.bounds)
    step = maximise(posterior, np.zeros(spread.size), (low, high), TOLERANCE).at
    at = start + along @ step
    found = type(process)()
    found.restore(process.state(), process.settings())
    area = sequence.polygon.area_km2
    found.fitted_ = _rates_of(at[rates.size :], np.exp(at[: rates.size]), area)
    found.standard_errors_ = {}
    return found


def _directions(maps: int, rho: float) -> NDArray[Any]:
    """Return what each adapted parameter moves, (log rates of the maps and `TRIGGERING`, 5).

    Productivity is the number of direct offspring, so k0 follows d.
    """
    along = np.zeros((maps + len(TRIGGERING), len(PRIOR)))
    row = {name: maps + number for number, name in enumerate(TRIGGERING)}
    column = {name: number for number, name in enumerate(PRIOR)}
    along[:maps, column["background"]] = 1.0
    along[row["log_k0"], column["productivity"]] = 1.0
    for name in ("a", "log_c", "log_d"):
        along[row[name], column[name]] = 1.0
    along[row["log_k0"], column["log_d"]] = rho
    return along


def _moved(adapted: MappedEtas, start: MappedEtas) -> dict[str, float]:
    ours, theirs = adapted.fitted_.triggering.parameters, start.fitted_.triggering.parameters
    to_d = (ours.log10_d - theirs.log10_d) * LN10
    return {
        "background": float(np.log(adapted.fitted_.rates.sum() / start.fitted_.rates.sum())),
        "productivity": float((ours.log10_k0 - theirs.log10_k0) * LN10 - theirs.rho * to_d),
        "a": float(ours.a - theirs.a),
        "log_c": float((ours.log10_c - theirs.log10_c) * LN10),
        "log_d": float(to_d),
    }


def _gain(difference: NDArray[Any]) -> Interval:
    blocks = np.arange(difference.size) * BLOCKS // difference.size
    return block_bootstrap(*sums_by_block(difference, np.ones(difference.size), blocks))
