"""Train a model, score it beside its baselines, and keep the evidence with it."""

import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.evaluation.comparison import block_bootstrap, stability
from graben.learning import History
from graben.quakes.catalog import Catalog
from graben.quakes.models.base import ForecastModel
from graben.quakes.models.folder import Trained, model_class
from graben.quakes.models.grid_cnn import GridCnn
from graben.quakes.models.places import PlaceModel
from graben.quakes.models.rates import RateModel, Seen, watch
from graben.quakes.models.samples import place_samples
from graben.quakes.models.terrain import Terrain
from graben.quakes.study import Periods, Study
from graben.quakes.testing.hindsight import large_shocks
from graben.quakes.testing.places import alarm_table, curves, score_places, score_samples
from graben.quakes.testing.rates import interval_dict, log_likelihood, score_rates

BASELINES = ("uniform", "stationary", "omori")
WITHOUT = "grid-cnn without landforms"
COMPARED = ("terrain", "grid-cnn", "light-cnn", "survey-cnn", "survey-rnn")


def periods_of(catalog: Catalog, end: pd.Timestamp) -> Periods:
    """Return periods for a catalogue of one's own: 20 % memory, 50 % training, 15 %, 15 %."""
    span = end - catalog.start
    dates = [(catalog.start + span * share).strftime("%Y-%m-%d") for share in (0.2, 0.7, 0.85, 1.0)]
    return Periods(*dates)


def train(study: Study, name: str, *, compare: bool = False) -> Trained:
    """Fit a model, score it on the test windows beside its baselines, and keep the evidence.

    Parameters
    ----------
    study
        What to learn from and to be scored on.
    name
        One of `graben.quakes.models.folder.model_names`.
    compare
        Also fit every other model on the same data, for one table.

    Raises
    ------
    CatalogError
        The training period holds no target.
    RasterError
        The model needs terrain and there is none.
    """
    study.require_training_events()
    began = time.monotonic(), time.process_time()
    names = dict.fromkeys((*BASELINES, name, *(COMPARED if compare else ())))
    models = {each: model_class(each)() for each in names}
    if compare:
        models[WITHOUT] = GridCnn(terrain=False)
    rates = {each: model for each, model in models.items() if isinstance(model, RateModel)}
    seconds: dict[str, float] = {}
    for each, model in rates.items():
        with _timed(seconds, each):
            model.fit_rates(study)
        model.calibrations_ = {}
    seen = watch(rates, study, np.arange(len(study.issue_times)))
    for each, model in rates.items():
        model.calibrate(study, seen[each])
    evidence = _rate_evidence(study, seen)
    others = {each: model for each, model in models.items() if each not in rates}
    for each, other in others.items():
        with _timed(seconds, each):
            other.fit(study)
    evidence |= _place_evidence(study, rates, seen, others)
    evidence |= _model_evidence(study, models[name])
    evidence["training_seconds"] = seconds
    evidence["cost"] = {
        "wall_seconds": round(time.monotonic() - began[0], 1),
        "cpu_seconds": round(time.process_time() - began[1], 1),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    return Trained(
        models[name],
        study.quantity,
        study.region,
        study.source_magnitude,
        study.periods,
        study.region_name,
        {
            "source": study.catalog.source,
            "end": study.catalog.end.isoformat(),
            "sha256": study.catalog.sha256(),
        },
        evidence,
    )


def calibrate_at(model: RateModel, study: Study, radius_km: float) -> None:
    """Calibrate a fitted model of rates at another radius, on the same training windows."""
    quantity = replace(study.quantity, radius_km=radius_km)
    other = replace(study, quantity=quantity)
    seen = watch({model.name: model}, other, other.windows_of("training"))
    model.calibrate(other, seen[model.name])


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[name] = round(time.monotonic() - began, 1)


def _rate_evidence(study: Study, seen: Mapping[str, Seen]) -> dict[str, Any]:
    test = study.windows_of("test")
    if not test.size:
        return {}
    tested = {each: one.part(test) for each, one in seen.items()}
    years = study.issue_times[test].year
    quiet = {each: one.part(test[years != 2023]) for each, one in seen.items()}
    return {
        "rates": score_rates(study, tested),
        "rates_without_2023": score_rates(study, quiet) if (years == 2023).any() else {},
        "stability": _stability(study, seen, test),
        "landforms": _landforms(study, tested),
    }


def _landforms(study: Study, tested: Mapping[str, Seen]) -> dict[str, Any]:
    """Return what the landform channels are worth: the net retrained without them."""
    if WITHOUT not in tested:
        return {}
    with_them, events = log_likelihood(study, tested["grid-cnn"], 0)
    without, _ = log_likelihood(study, tested[WITHOUT], 0)
    return {
        "unit": "nats per event, with landforms over retrained without",
        **interval_dict(block_bootstrap(with_them - without, events)),
    }


def _stability(study: Study, seen: Mapping[str, Seen], test: NDArray[Any]) -> dict[str, Any]:
    """Return the spread of the grid net's gain over its seeds and over the test's years."""
    if "grid-cnn" not in seen:
        return {}
    omori, whole = seen["omori"].part(test), seen["grid-cnn"].part(test)
    gains = [_gain(study, member, omori) for member in whole.members]
    years = study.issue_times[test].year
    by_year = {
        str(year): _gain(study, whole.part(test[years == year]), omori.part(test[years == year]))
        for year in sorted(set(years))
    }
    return {
        "unit": "nats per event over omori",
        "by_seed": gains,
        "over_seeds": asdict(stability(np.array(gains))),
        "by_year": by_year,
        "over_years": asdict(stability(np.array(list(by_year.values())))),
    }


def _gain(study: Study, ours: Seen, theirs: Seen) -> float:
    """Return the log-likelihood per event of a model over another on the same windows."""
    struck = np.isin(study.targets["window"], ours.windows)
    ratio = np.log(ours.at_events[struck] / theirs.at_events[struck]).sum()
    return float((ratio - (ours.totals[0] - theirs.totals[0]).sum()) / max(struck.sum(), 1))


def _place_evidence(
    study: Study,
    rates: Mapping[str, RateModel],
    seen: Mapping[str, Seen],
    others: Mapping[str, ForecastModel],
) -> dict[str, Any]:
    test = study.windows_of("test")
    if not test.size or not study.outcomes[test].any():
        return {}
    radius = study.quantity.radius_km
    everywhere = {
        each: model.calibration(radius).probability(seen[each].part(test).discs)
        for each, model in rates.items()
    }
    terrain = others.get("terrain")
    if isinstance(terrain, Terrain):
        once = 1 / (1 + np.exp(-terrain.log_odds(study, study.places)))
        everywhere["terrain"] = np.tile(once, (test.size, 1))
    best = "grid-cnn" if "grid-cnn" in everywhere else "omori"
    shown = {each: everywhere[each] for each in ("stationary", "omori", best)}
    evidence: dict[str, Any] = {
        "points": score_places(study, test, everywhere),
        **curves(study, test, shown),
        "alarms": {box: alarm_table(study, test, everywhere[best], box) for box in study.scored},
    }
    nets = {each: model for each, model in others.items() if isinstance(model, PlaceModel)}
    if nets:
        evidence["samples"] = _sampled(study, everywhere, test, nets)
    return evidence


def _sampled(
    study: Study,
    everywhere: Mapping[str, NDArray[Any]],
    test: NDArray[Any],
    nets: Mapping[str, PlaceModel],
) -> dict[str, Any]:
    """Score every model on the same weighted samples, the nets in both of their trainings."""
    drawn = place_samples(study)["test"]
    row = np.searchsorted(test, drawn.window)
    probability = {each: values[row, drawn.place] for each, values in everywhere.items()}
    histories = {}
    for each, model in nets.items():
        probability[each] = model.probabilities(study, drawn)
        histories[each] = history_dict(model.history_)
        if hasattr(model, "classic"):
            classic = type(model)(model.classic()).fit(study)
            probability[f"{each} (classic)"] = classic.probabilities(study, drawn)
            histories[f"{each} (classic)"] = history_dict(classic.history_)
    return {
        "samples": len(drawn),
        "positives": int(drawn.outcome.sum()),
        "scores": score_samples(study, drawn, probability),
        "histories": histories,
    }


def _model_evidence(study: Study, model: ForecastModel) -> dict[str, Any]:
    evidence: dict[str, Any] = {
        "hindsight": large_shocks(model, study, study.periods.validation_end)
    }
    if isinstance(model, GridCnn):
        from graben.quakes.models.grid_explanation import explain

        evidence["histories"] = {k: history_dict(h) for k, h in model.histories_.items()}
        evidence["explanation"] = explain(model, study)
    elif isinstance(model, PlaceModel):
        evidence["histories"] = {model.name: history_dict(model.history_)}
    return evidence


def history_dict(history: History) -> dict[str, Any]:
    """Return a history in JSON's types."""
    return {**asdict(history), "seconds": round(history.seconds, 2)}
