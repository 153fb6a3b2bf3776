"""What the rate of a point process is made of: background, parents, and what the gates add."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.errors import InputError, ModelError, StaleError
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_components import NAMES, RANKS
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas
from graben.quakes.models.parent_rates import ParentRates, rates_by_parent
from graben.quakes.models.point_process import PointProcess
from graben.quakes.models.point_process_folder import FittedProcess
from graben.quakes.models.rate_parts import Parent, Part, RateExplanation
from graben.quakes.models.strike import strikes_of
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import DAY, EARTH_RADIUS_KM, EventSequence, Windows

UNIFORM = "uniform background"
LISTED = 10
INTERVALS = 100
NODE_STEP_KM = 0.6
MOST_STEPS = 200


def explain_rate(
    model: PointProcess,
    sequence: EventSequence,
    longitude: float,
    latitude: float,
    time: pd.Timestamp | str,
    radius_km: float = 10.0,
) -> RateExplanation:
    """Take the rate at a place and moment apart; only strictly earlier events enter.

    The parts, each times its gate, add up to the intensity that `score` gives an event there and
    then, to about 1e-6 of it. `score` sums triggering in single precision, this in double; where a
    parent is so near that single precision blurs its distance, they differ by up to 1e-4. Where
    completeness varies in time, the parts are of all events from the completeness magnitude of the
    sequence on, and `score` of the share that the catalogue holds.

    Parameters
    ----------
    model
        `Etas`, `MappedEtas` or `HybridEtas`, fitted.
    sequence
        What happened, up to the moment at least.
    longitude, latitude
        A place inside the polygon, degrees.
    time
        From the training start to the end of the sequence's windows.
    radius_km
        Of the disc in which events are counted too.

    Raises
    ------
    InputError
        The place is outside the polygon, the moment before the training start, or the radius not
        above 0.
    StaleError
        The moment is after the end of the sequence.
    ModelError
        The model is of another kind.
    """
    if not sequence.polygon.contains(longitude, latitude):
        raise InputError(
            f"expected a place inside the polygon of the model, got {longitude:g} {latitude:g}. "
            "Give the longitude first, and a place where the model observes."
        )
    moment = as_utc(time)
    start, first, _, _, end = sequence.windows.moments
    if moment > end:
        raise StaleError(
            f"expected a time within the catalogue, which ends at {end}; got {moment}. Ask for an "
            "earlier time, or use a newer catalogue."
        )
    if moment < first:
        raise InputError(
            f"expected a time from the training start on, {first}; got {moment}. Ask for a later "
            "one: what happened before is known too little."
        )
    place = (float(longitude), float(latitude), (moment - start) / DAY)
    return _explained(model, sequence, place, radius_km)


def explain_event(
    model: PointProcess, sequence: EventSequence, event: int, radius_km: float = 10.0
) -> RateExplanation:
    """Take the rate at an event of the sequence, just before it happened, apart.

    Raises
    ------
    InputError
        There is no such event from the training start on, or the radius is not above 0.
    ModelError
        The model is none of `etas`, `mapped-etas` and `hybrid-etas`.
    """
    if not sequence.training.start <= event < len(sequence):
        raise InputError(
            f"expected an event from number {sequence.training.start} to {len(sequence) - 1}, got "
            f"{event}. Events before the training start are not explained."
        )
    place = (sequence.longitude[event], sequence.latitude[event], sequence.time[event])
    longitude, latitude, day = map(float, place)
    return _explained(model, sequence, (longitude, latitude, day), radius_km)


def sequence_until(
    fitted: FittedProcess,
    catalog: Catalog,
    moment: pd.Timestamp,
    polygon: Polygon | None = None,
) -> EventSequence:
    """Return the events of a catalogue as a fitted model sees them, up to a moment.

    Windows, completeness and polygon are those of the fit; the test window is prolonged to the
    moment. Magnitudes are rounded to the bins.

    Raises
    ------
    StaleError
        The catalogue ends before the moment.
    ModelError
        The folder does not tell the windows or the polygon.
    """
    about = fitted.about
    missing = [name for name in ("windows", "polygon", "bin_width") if name not in about]
    if missing:
        raise ModelError(
            f"expected a model that tells its windows, polygon and bin_width, got none of "
            f"{', '.join(missing)}. Save it with what about_fit returns."
        )
    fit_windows = Windows(**about["windows"])
    last = max(moment + pd.Timedelta(1, "us"), fit_windows.moments[-1])
    return EventSequence.from_catalog(
        catalog.until(moment),
        polygon or Polygon(about["polygon"]["longitude"], about["polygon"]["latitude"]),
        replace(fit_windows, test_end=last.isoformat()),
        fitted.completeness_magnitude,
        about["bin_width"],
    )


def gate_importance(model: PointProcess, sequence: EventSequence) -> dict[str, Any]:
    """Return what the gates of a model use: what shuffling each feature costs on validation data.

    Returns
    -------
    dict
        `unit`, and `permutation`: feature to `value` and its spread over shuffles, `sd`; the most
        useful first.

    Raises
    ------
    ModelError
        The model has no gates.
    """
    if not isinstance(model, HybridEtas):
        raise ModelError(
            f"expected a model with gates, got {model.name}. Use a fitted hybrid-etas; the others "
            "have no net to explain."
        )
    events = sequence.validation
    parts, background = model.taken_apart(sequence, events)
    run = parts.run(background, strikes_of(sequence) if model.strike else None, events)
    known = slice(sequence.training.start, events.stop)
    run = run.only(sequence.is_target[known])
    found = model.gates.importance(
        run,
        sequence.magnitude[sequence.targets(known)],
        slice(len(run) - sequence.targets(events).size, len(run)),
    )
    ordered = sorted(found.items(), key=lambda item: -item[1][0])
    return {
        "unit": "nats per event on validation data",
        "permutation": {name: {"value": value, "sd": sd} for name, (value, sd) in ordered},
    }


def _explained(
    model: PointProcess,
    sequence: EventSequence,
    place: tuple[float, float, float],
    radius_km: float,
) -> RateExplanation:
    if not isinstance(model, Etas | MappedEtas):
        raise ModelError(
            f"expected an ETAS model, got {model.name}, whose rate is no sum of parts. Use etas, "
            "mapped-etas or hybrid-etas."
        )
    if not radius_km > 0:
        raise InputError(f"expected a radius above 0 km, got {radius_km:g}. Give such as 10.")
    past = _first_events(sequence, int(np.searchsorted(sequence.time, place[2])))
    if isinstance(model, Etas):
        triggering, strikes = model.triggering_, None
    else:
        triggering = model.fitted_.triggering
        strikes = strikes_of(past) if model.strike else None
    by_parent = rates_by_parent(triggering, past, strikes, place, radius_km)
    log_gates = (
        model.log_gates(past) if isinstance(model, HybridEtas) else np.empty((0, len(NAMES)))
    )
    gates = np.exp(log_gates[-1]) if len(log_gates) else np.ones(len(NAMES))
    parts = (
        *_background(model, past, place, radius_km, gates[:2]),
        *_triggered(by_parent, gates[2:]),
    )
    whole = sum(part.gate * part.density for part in parts)
    return RateExplanation(
        model.name,
        _moment(past, place[2]),
        *place[:2],
        radius_km,
        past.completeness_magnitude,
        parts,
        _parents(past, by_parent, place[2], whole),
        len(past),
        log_gates[-INTERVALS:],
    )


def _first_events(sequence: EventSequence, count: int) -> EventSequence:
    return replace(
        sequence,
        time=sequence.time[:count],
        longitude=sequence.longitude[:count],
        latitude=sequence.latitude[:count],
        magnitude=sequence.magnitude[:count],
    )


def _triggered(by_parent: ParentRates, gates: NDArray[Any]) -> list[Part]:
    """Sum the parents by rank, the most recent in front."""
    since = np.arange(by_parent.density.size)[::-1]
    of_rank = np.searchsorted(RANKS[1:], since, side="right")
    density, in_disc = (
        np.bincount(of_rank, values, len(RANKS))
        for values in (by_parent.density, by_parent.in_disc)
    )
    columns = zip(NAMES[2:], density, in_disc, gates, strict=True)
    return [Part(name, float(at), float(about), float(gate)) for name, at, about, gate in columns]


def _background(
    model: Etas | MappedEtas,
    past: EventSequence,
    place: tuple[float, float, float],
    radius_km: float,
    gates: NDArray[Any],
) -> list[Part]:
    """Return the uniform, the fine and the coarse background.

    The place and the nodes of the disc are asked for as simultaneous events that follow the past,
    which no map and no gate knows of: so they see the maps that an event there and then would.
    """
    longitude, latitude, area = _nodes(place, radius_km)
    inside = past.polygon.contains(longitude, latitude)
    longitude, latitude, area = longitude[inside], latitude[inside], area[inside]
    if isinstance(model, Etas):
        maps = np.full((area.size, 1), 1 / past.polygon.area_km2)
        rates = np.array([[model.background_rate_, 0.0, 0.0]])
    else:
        count = area.size
        asked = replace(
            past,
            time=np.append(past.time, np.full(count, place[2])),
            longitude=np.append(past.longitude, past.polygon.near(longitude)),
            latitude=np.append(past.latitude, latitude),
            magnitude=np.append(past.magnitude, np.full(count, past.completeness_magnitude)),
            completeness_steps=(),  # so that all are targets, of which maps are made
        )
        maps = model.maps(asked, slice(len(past), len(asked)))
        fine, coarse = model.parted_rates().T
        uniform = np.where(np.arange(coarse.size) == 0, coarse, 0.0)
        rates = np.column_stack([uniform, fine, coarse - uniform])
    density = maps @ rates
    names, of_part = (UNIFORM, *NAMES[:2]), (gates[1], gates[0], gates[1])
    columns = zip(names, density[0], area @ density, of_part, strict=True)
    return [Part(name, float(at), float(about), float(gate)) for name, at, about, gate in columns]


def _nodes(
    place: tuple[float, float, float], radius_km: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the place, with no area, and nodes in the disc with the km2 that each stands for.

    Gauss and Legendre outwards, even steps around, both finer than the narrowest map.
    """
    longitude, latitude, _ = place
    outwards = min(int(np.ceil(1.5 * radius_km / NODE_STEP_KM)) + 8, MOST_STEPS)
    around = 4 * outwards
    node, weight = np.polynomial.legendre.leggauss(outwards)
    distance = np.repeat(radius_km * (node + 1) / 2, around)
    angle = np.tile(2 * np.pi * np.arange(around) / around, outwards)
    area = np.repeat(weight * radius_km / 2, around) * distance * 2 * np.pi / around
    to_north = np.degrees(distance * np.sin(angle) / EARTH_RADIUS_KM)
    narrowing = np.cos(np.radians(latitude + to_north / 2))
    to_east = np.degrees(distance * np.cos(angle) / EARTH_RADIUS_KM) / narrowing
    return (
        np.append(longitude, longitude + to_east),
        np.append(latitude, latitude + to_north),
        np.append(0.0, area),
    )


def _parents(
    past: EventSequence, by_parent: ParentRates, day: float, whole: float
) -> tuple[Parent, ...]:
    most = np.argsort(-by_parent.density, kind="stable")[:LISTED]
    return tuple(
        Parent(
            _moment(past, float(past.time[j])),
            float(past.longitude[j]),
            float(past.latitude[j]),
            float(past.magnitude[j]),
            float(by_parent.distance_km[j]),
            float(day - past.time[j]),
            float(by_parent.density[j]),
            float(by_parent.in_disc[j]),
            float(by_parent.density[j]) / whole,
        )
        for j in most
    )


def _moment(sequence: EventSequence, day: float) -> pd.Timestamp:
    return sequence.windows.moments[0] + pd.Timedelta(days=day).round("ms")
