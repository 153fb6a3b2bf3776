"""Score a trained model over any years, or a forecast file, against a catalogue."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import poisson

from graben.errors import InputError
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.export import read_forecast
from graben.quakes.forecast import ElevationOf
from graben.quakes.grid import Grid
from graben.quakes.models.folder import load_trained
from graben.quakes.models.mixture import Omori, Stationary, Uniform
from graben.quakes.models.places import PlaceModel
from graben.quakes.models.rates import RateModel, watch
from graben.quakes.models.samples import place_samples
from graben.quakes.models.terrain import Terrain
from graben.quakes.places import struck
from graben.quakes.region import Region
from graben.quakes.scene import ANATOLIA, CELL_DEGREES, TILE, Scene
from graben.quakes.study import Study
from graben.quakes.testing.places import score_places, score_samples
from graben.quakes.testing.rates import score_rates


def evaluate_model(
    folder: Path,
    catalog: Catalog,
    elevation: ElevationOf,
    start: str | None = None,
    end: str | None = None,
) -> dict[str, Any]:
    """Score a model folder over back-to-back windows beside baselines fitted before them.

    Parameters
    ----------
    folder
        A trained model.
    catalog
        What happened, and what the forecasts are made from.
    elevation
        Gives the elevations in a box, for models that need terrain.
    start, end
        First issue time and end of the last window (UTC); the model's own test period by
        default. Windows before the end of the model's training data are hindsight, and said so.

    Raises
    ------
    CatalogError
        The catalogue does not cover the windows.
    """
    trained = load_trained(folder)
    model, own = trained.model, trained.periods
    first = start or own.validation_end
    last = end or own.test_end
    if as_utc(last) <= as_utc(first):
        raise InputError(f"expected an end after the start {first}, got {last}. Swap or widen.")
    periods = replace(
        own,
        training_end=min(own.training_end, first, key=as_utc),
        validation_end=first,
        test_end=last,
    )
    at_home = trained.region == TILE
    study = Study(
        catalog,
        trained.region,
        trained.quantity,
        elevation(trained.region) if model.needs_terrain else None,
        trained.source_magnitude,
        periods=periods,
        boxes={"anatolia": ANATOLIA} if at_home else {},
        region_name=trained.region_name,
    )
    study.require_training_events()
    hindsight = as_utc(first) < as_utc(trained.training_end)
    found: dict[str, Any] = {
        "quantity": trained.quantity.sentence,
        "model": model.name,
        "start": str(first),
        "end": str(last),
        "hindsight": hindsight,
        "note": f"{first} to {last}, "
        + (
            f"HINDSIGHT: the model has learned from years up to {trained.training_end}"
            if hindsight
            else f"never used in training; baselines fitted before {periods.training_end}"
        ),
    }
    return found | _scores(study, model)


def _scores(study: Study, model: Any) -> dict[str, Any]:
    rates: dict[str, RateModel] = {m.name: m for m in (Uniform(), Stationary(), Omori())}
    for baseline in rates.values():
        baseline.fit_rates(study)
        baseline.calibrations_ = {}
    fitted = dict(rates)
    if isinstance(model, RateModel):
        rates[model.name] = model
    windows = study.windows_of("training", "test")
    seen = watch(rates, study, windows)
    for name, baseline in fitted.items():
        if rates[name] is baseline:
            baseline.calibrate(study, seen[name])
    test = study.windows_of("test")
    tested = {name: one.part(test) for name, one in seen.items()}
    radius = study.quantity.radius_km
    everywhere = {
        name: each.calibration(radius).probability(tested[name].discs)
        for name, each in rates.items()
    }
    if isinstance(model, Terrain):
        once = 1 / (1 + np.exp(-model.log_odds(study, study.places)))
        everywhere[model.name] = np.tile(once, (test.size, 1))
    found = {"rates": score_rates(study, tested), "points": score_places(study, test, everywhere)}
    if isinstance(model, PlaceModel):
        drawn = place_samples(study)["test"]
        row = np.searchsorted(test, drawn.window)
        sampled = {name: values[row, drawn.place] for name, values in everywhere.items()}
        sampled[model.name] = model.probabilities(study, drawn)
        found["points"]["weighted samples"] = score_samples(study, drawn, sampled)
    return found


def evaluate_file(path: Path, catalog: Catalog) -> dict[str, Any]:
    """Score one forecast file against what happened after its issue time.

    Returns
    -------
    dict
        Events in the region against the expected number (with the chance of so few or so many,
        if the model is right), the gain over an even map of the same total, and the Brier
        score of the cells' probabilities. One window is little evidence, and has no interval.

    Raises
    ------
    InputError
        The file is no forecast, or the catalogue ends before the forecast's window.
    """
    forecast = read_forecast(path)
    one = forecast.isel(issue_time=0, horizon=0, magnitude=0)
    issued = as_utc(pd.Timestamp(one["issue_time"].item()))
    until = issued + pd.Timedelta(days=int(one["horizon"]))
    if catalog.end < until:
        raise InputError(
            f"the forecast runs to {until:%Y-%m-%d %H:%M}, and the catalogue ends "
            f"{catalog.end:%Y-%m-%d %H:%M}. Give a catalogue that reaches further."
        )
    latitude, longitude = one["latitude"].to_numpy(), one["longitude"].to_numpy()
    half = CELL_DEGREES / 2
    box = Region(longitude[0] - half, latitude[0] - half, longitude[-1] + half, latitude[-1] + half)
    scene = Scene(catalog, box)
    table = catalog.select(min_magnitude=float(one["magnitude"])).table
    table = table[(table["time"] > issued) & (table["time"] <= until)]
    row, column, inside = scene.grid.cell_of(
        table["longitude"].to_numpy(), table["latitude"].to_numpy()
    )
    expected = one["expected_count"].to_numpy()
    scores: dict[str, Any] = {"events": {"value": int(inside.sum())}}
    if not np.isnan(expected).any():
        scores |= _count_scores(expected, scene, row[inside], column[inside])
    scores |= _brier(one, scene.grid, table)
    return {
        "quantity": forecast.attrs["title"],
        "note": f"one window, {issued:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}: little evidence",
        "file": {path.name: {forecast.attrs["model"]: scores}},
    }


def _count_scores(expected: Any, scene: Scene, row: Any, column: Any) -> dict[str, Any]:
    total, count = float(expected.sum()), len(row)
    flat = scene.grid.area * total / scene.grid.area.sum()
    scores = {
        "expected": {"value": total},
        "chance_of_so_few": {"value": float(poisson.cdf(count, total))},
        "chance_of_so_many": {"value": float(poisson.sf(count - 1, total))},
    }
    if count:
        gain = np.log(expected[row, column] / flat[row, column]).sum() / count
        scores["information_gain_nats_per_event"] = {"value": float(gain)}
    return scores


def _brier(one: Any, grid: Grid, table: pd.DataFrame) -> dict[str, Any]:
    lon, lat = np.meshgrid(grid.longitude, grid.latitude)
    hit = struck(
        lon.ravel(),
        lat.ravel(),
        table["longitude"].to_numpy(),
        table["latitude"].to_numpy(),
        np.zeros(len(table), int),
        1,
        float(one.attrs["radius_km"]),
    )[0]
    p = one["probability"].to_numpy().ravel()
    weight = grid.area.ravel()
    base = float(np.average(hit, weights=weight))
    brier = float(np.average((p - hit) ** 2, weights=weight))
    return {"brier": {"value": brier, "baseline": base * (1 - base), "baseline_model": "base rate"}}
