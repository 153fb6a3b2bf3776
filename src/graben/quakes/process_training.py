"""Fit a point process to a catalogue of one's own, and keep the evidence with it."""

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from graben.errors import CatalogError
from graben.progress import track
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.completeness import BIN_WIDTH, completeness_windows
from graben.quakes.models.adaptation import Adapted, carried
from graben.quakes.models.etas import Etas
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas
from graben.quakes.models.point_process import EventScores, PointProcess
from graben.quakes.models.point_process_folder import FittedProcess, about_fit, process_class
from graben.quakes.models.rate_explanation import gate_importance
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows
from graben.quakes.testing.likelihood import gain_per_event, score_events

SHARES = (0.2, 0.7, 0.85)  # of the catalogue's length: memory, training, validation; rest is test
BASELINES = ("etas", "poisson")
LIMITS = (
    "Not for: single alarms or building codes; events below its completeness magnitude; other "
    "regions, unless adapted; catalogues located or sized in another way. Scores are of each event "
    "given all before it, on a revised catalogue: forecasts issued days ahead score lower."
)


def windows_by_share(catalog: Catalog) -> Windows:
    """Return windows for a catalogue of one's own: 20 % memory, 50 % training, 15 %, 15 %.

    Raises
    ------
    CatalogError
        All events are of one moment.
    """
    span = catalog.end - catalog.start
    if not span:
        raise CatalogError(
            f"expected events at different times, got {len(catalog)}, all at "
            f"{catalog.start:%Y-%m-%d %H:%M:%S}. Check the times, or give a longer catalogue."
        )
    dates = [catalog.start, *(catalog.start + span * share for share in SHARES), catalog.end]
    return Windows(*(date.isoformat() for date in dates))


def estimated_completeness(catalog: Catalog, polygon: Polygon, windows: Windows) -> float:
    """Estimate the completeness magnitude of the years before the test window.

    From windows of five years: the median of the maximum curvature plus 0.2, but no less than the
    magnitude above which, in each of them, a Gutenberg-Richter law explains 90 % of the numbers.
    Catalogues put together from several networks have two maxima, which misleads the curvature.

    Raises
    ------
    CatalogError
        There are too few events to tell.
    """
    table = catalog.table
    learned = polygon.contains(table["longitude"], table["latitude"])
    learned &= (table["time"] >= as_utc(windows.training_start)).to_numpy()
    learned &= (table["time"] < as_utc(windows.test_start)).to_numpy()
    found = pd.DataFrame(columns=["maximum_curvature", "goodness_90"], dtype=float)
    if learned.any():
        part = Catalog.from_table(table[learned], catalog.source)
        found = pd.DataFrame(map(asdict, completeness_windows(part)))
    largest = np.fmax(found["maximum_curvature"].median(), found["goodness_90"].max())
    if np.isnan(largest):
        raise CatalogError(
            f"expected some hundred events from {windows.training_start} to {windows.test_start} "
            f"to estimate the completeness magnitude from, got {learned.sum()}. Give --mc, or a "
            "longer catalogue."
        )
    return round(round(largest / BIN_WIDTH) * BIN_WIDTH, 6)


def own_sequence(
    catalog: Catalog, polygon: Polygon, completeness_magnitude: float | None
) -> EventSequence:
    """Return the events of a catalogue of one's own, with windows and completeness found for it.

    Raises
    ------
    CatalogError
        No completeness can be estimated, or the training, validation or test window is empty.
    """
    windows = windows_by_share(catalog)
    if completeness_magnitude is None:
        completeness_magnitude = estimated_completeness(catalog, polygon, windows)
    sequence = EventSequence.from_catalog(catalog, polygon, windows, completeness_magnitude)
    for name in ("training", "validation", "test"):
        if sequence.targets(getattr(sequence, name)).size == 0:
            raise CatalogError(
                f"expected events of M >= {completeness_magnitude:g} in the {name} window, got "
                f"none; the windows begin {', '.join(windows)}. Give a longer catalogue, or a "
                "smaller --mc if it is complete below."
            )
    return sequence


def fit_process(
    name: str, sequence: EventSequence, catalog: Catalog, baselines: Sequence[str] = BASELINES
) -> tuple[PointProcess, dict[str, Any]]:
    """Fit a point process and its baselines, score all on the test window.

    Parameters
    ----------
    name
        One of `graben.quakes.models.point_process_folder.process_names`.
    sequence
        The events.
    catalog
        Where they came from.
    baselines
        Names of the point processes to compare with; each is fitted to the same events.

    Returns
    -------
    PointProcess
        The fitted one.
    dict
        What `save_process` takes: data, windows, scores beside the baselines, limits, cost, and
        what each feature is worth to gates.

    Raises
    ------
    CatalogError
        There are too few events.
    ModelError
        There is no such point process.
    """
    names = dict.fromkeys((name, *baselines))
    fitted: dict[str, PointProcess] = {}
    seconds: dict[str, float] = {}
    for each in track(list(names), "point processes"):
        began = time.process_time()
        fitted[each] = process_class(each)().fit(sequence)
        seconds[each] = round(time.process_time() - began, 1)
    scores = {each: process.score(sequence, sequence.test) for each, process in fitted.items()}
    cost = {
        "cpu_seconds": seconds.pop(name),
        "baselines_cpu_seconds": seconds,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    about = about_process(sequence, catalog) | {"metrics": skill(name, scores), "cost": cost}
    process = fitted[name]
    if isinstance(process, Etas | MappedEtas):
        about["branching_ratio"] = process.branching_ratio(sequence)
    if isinstance(process, HybridEtas):
        about["gate_importance"] = gate_importance(process, sequence)
    return process, about


def repeated_places(sequence: EventSequence) -> float:
    """Return the share of events at exactly the epicentre of another."""
    places = np.column_stack([sequence.longitude, sequence.latitude])
    times = np.unique(places, axis=0, return_counts=True)[1]
    return float(times[times > 1].sum() / len(sequence))


def about_process(sequence: EventSequence, catalog: Catalog) -> dict[str, Any]:
    """Return what a card says of any fitted point process, its scores aside."""
    return about_fit(sequence, catalog) | {
        "what": (
            "Events per day and square kilometre of M >= "
            f"{sequence.completeness_magnitude:g}, given all that happened before. {LIMITS}"
        ),
        "calibration": "See expected_over_observed and time_rescaling_distance.",
        "licence": "Apache-2.0 for the model; its training data have their own terms.",
        "seed": "of nets 0, 1 and 2; nothing else is drawn",
        "repeated_coordinates": repeated_places(sequence),
    }


def about_adapted(
    adapted: Adapted, pretrained: FittedProcess, sequence: EventSequence, catalog: Catalog
) -> dict[str, Any]:
    """Return what a card says of a process that came from another region, test scores included.

    Parameters
    ----------
    adapted
        From `graben.quakes.models.adaptation.adapt`.
    pretrained
        What it came from.
    sequence, catalog
        Of the region.
    """
    names: dict[str, PointProcess] = {
        adapted.choice: adapted.process,
        "zero-shot": carried(pretrained, sequence),
    }
    scores = {each: one.score(sequence, sequence.test) for each, one in names.items()}
    return about_process(sequence, catalog) | {
        "metrics": skill(adapted.choice, scores),
        "adaptation": {
            "choice": adapted.choice,
            "reason": adapted.reason,
            "validation": adapted.validation,
            "gains": {each: asdict(gain) for each, gain in adapted.gains.items()},
            "moved": adapted.moved,
            "pretrained_on": pretrained.about["training_data"],
        },
    }


def skill(name: str, scores: Mapping[str, EventScores]) -> dict[str, dict[str, Any]]:
    """Return the scores of a point process and its gains over the others, for a card.

    Log-likelihoods are in nats per event of the test window, with 95 % intervals over blocks of
    200 events.
    """
    summaries = {each: score_events(one) for each, one in scores.items()}
    ours = summaries.pop(name)
    rows: dict[str, dict[str, Any]] = {
        part: asdict(getattr(ours, part)) for part in ("temporal", "spatial", "total")
    }
    for each, theirs in summaries.items():
        gain = gain_per_event(scores[name], scores[each])
        rows[f"gain_over_{each}"] = {
            **asdict(gain),
            "baseline": theirs.total.value,
            "baseline_model": each,
        }
    for measure in ("expected_over_observed", "time_rescaling_distance"):
        rows[measure] = {"value": getattr(ours, measure)}
        for each, theirs in summaries.items():
            rows[measure] |= {f"of {each}": getattr(theirs, measure)}
    rows["test_events"] = {"value": ours.events}
    return rows
