"""The forecast's folder: maps, files for GIS and CSEP, and a report that tells all of it."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import graben
from graben.datasets import load_elevation
from graben.output import plain, written_folder
from graben.quakes.continuation_pages import (
    continuation_sections,
    continue_setting,
    write_catalogs,
)
from graben.quakes.evidence_pages import evidence_sections, honest_sentence
from graben.quakes.export import write_csep, write_geotiff, write_netcdf
from graben.quakes.forecast import Setting, forecast_map
from graben.quakes.forecast_figures import correction_map, probability_map
from graben.quakes.grid import Grid
from graben.quakes.models.base import Situation
from graben.quakes.models.grid_cnn import GridCnn
from graben.quakes.models.rates import RateModel
from graben.quakes.models.simulated_rates import SimulatedRates
from graben.quakes.region import Region
from graben.quakes.scene import CELL_DEGREES
from graben.report import Picture, Section, Table, Text, command_line, save_picture, write_page

if TYPE_CHECKING:
    import xarray as xr

SHADED = Region(23, 33, 47, 45)


def write_forecast(setting: Setting, out: Path, choice: str | None = None) -> dict[str, Any]:
    """Forecast for the setting's region and write the folder, whole or not at all.

    The folder holds forecast.nc (CF), forecast.tif, forecast.dat (CSEP; from models of rates),
    the pictures, report.html and report.json; from a point process also horizons.nc and simulated
    catalogues as CSEP's CSV, named by their start.

    Parameters
    ----------
    setting
        The forecast to be made.
    out
        The folder to write.
    choice
        How the model was chosen, if nobody named it.

    Returns
    -------
    dict
        What report.json holds.
    """
    forecast = forecast_map(setting)
    summary = summarise(setting, forecast) | {"choice_of_model": choice}
    continued = None
    if isinstance(setting.trained.model, SimulatedRates):
        continued = continue_setting(setting, setting.trained.model)
        summary["continuation"] = continued.as_dict()
    sections = _sections(setting, forecast, summary)
    if continued is not None:
        sections[2:2] = continuation_sections(continued)
    with written_folder(out) as folder:
        write_netcdf(forecast, folder / "forecast.nc")
        write_geotiff(forecast, folder / "forecast.tif")
        if isinstance(setting.trained.model, RateModel):
            write_csep(forecast, folder / "forecast.dat")
        if continued is not None:
            write_netcdf(continued.horizons, folder / "horizons.nc")
            write_catalogs(continued, folder)
        for section in sections:
            for block in section.blocks:
                if isinstance(block, Picture):
                    save_picture(block, folder)
        text = json.dumps(plain(summary), indent=2)
        (folder / "report.json").write_text(text + "\n")
        write_page(
            folder / "report.html",
            _title(setting),
            setting.quantity.sentence,
            sections,
            _facts(setting),
        )
    return summary


def _title(setting: Setting) -> str:
    q = setting.quantity
    return (
        f"Probability of an earthquake of M {q.min_magnitude:.1f} or more, "
        f"{q.horizon_days} days from {setting.issue_time:%Y-%m-%d}"
    )


def summarise(setting: Setting, forecast: "xr.Dataset") -> dict[str, Any]:
    """Return the forecast in numbers, and the model's evidence."""
    one = forecast.isel(issue_time=0, horizon=0, magnitude=0)
    p = one["probability"].to_numpy()
    grid = Grid.covering(setting.region, CELL_DEGREES)
    row, column = np.unravel_index(int(p.argmax()), p.shape)
    box = setting.region
    return {
        "quantity": setting.quantity.sentence,
        **setting.quantity.as_dict(),
        "model": setting.trained.model.name,
        "region": [box.west, box.south, box.east, box.north],
        "issue_time": setting.issue_time.isoformat(),
        "hindsight": setting.hindsight,
        "training_end": setting.trained.training_end,
        "mean_probability": float(np.average(p, weights=grid.area)),
        "median_probability": float(np.median(p)),
        "highest_probability": float(p.max()),
        "highest_at": [float(grid.longitude[column]), float(grid.latitude[row])],
        "expected_events_in_region": _sum(one["expected_count"].to_numpy()),
        "catalog": {
            "source": setting.catalog.source,
            "events": len(setting.catalog),
            "end": setting.catalog.end.isoformat(),
            "sha256": setting.catalog.sha256(),
        },
        "evidence": setting.trained.evidence,
        "graben": graben.__version__,
    }


def _sum(values: Any) -> float | None:
    return None if np.isnan(values).any() else float(values.sum())


def _sections(setting: Setting, forecast: "xr.Dataset", summary: dict[str, Any]) -> list[Section]:
    return [
        Section("What was asked", (_lead(setting, summary), _asked(setting, summary))),
        Section("The map", _maps(setting, forecast, summary)),
        *evidence_sections(setting.trained),
    ]


def _lead(setting: Setting, summary: dict[str, Any]) -> Text:
    sentences = [honest_sentence(setting.trained, setting.region, summary["mean_probability"])]
    if setting.hindsight:
        sentences.append(
            "HINDSIGHT: this issue time lies before the end of the model's training data "
            f"({setting.trained.training_end}). The model has learned from what came after; this "
            "page is no evidence of skill."
        )
    if not setting.trained.region.covers(setting.region):
        sentences.append(
            f"The model was trained on {setting.trained.region} and has not been scored here."
        )
    if summary["choice_of_model"]:
        sentences.append(f"{summary['choice_of_model'].capitalize()}.")
    return Text(tuple(sentences), lead=True)


def _asked(setting: Setting, summary: dict[str, Any]) -> Table:
    quantity = setting.quantity
    expected = summary["expected_events_in_region"]
    rows: list[tuple[object, object]] = [
        ("quantity", quantity.sentence),
        ("issue time (UTC)", f"{setting.issue_time:%Y-%m-%d %H:%M}"),
        ("horizon", f"{quantity.horizon_days} days"),
        ("magnitude", f"{quantity.min_magnitude:.1f} or more"),
        ("radius", f"{quantity.radius_km:g} km"),
        ("region", str(setting.region)),
        ("model", f"{setting.trained.model.name}, trained until {setting.trained.training_end}"),
        ("average over the region", f"{summary['mean_probability']:.2%}"),
        ("highest", f"{summary['highest_probability']:.1%} at {_at(summary['highest_at'])}"),
    ]
    if expected is not None:
        rows.append(("events expected in the region", f"{expected:.2f}"))
    return Table("The question, and the answer in short", ("what", "value"), tuple(rows))


def _at(place: list[float]) -> str:
    longitude, latitude = place
    return (
        f"{abs(latitude):.2f}{'N' if latitude >= 0 else 'S'} "
        f"{abs(longitude):.2f}{'E' if longitude >= 0 else 'W'}"
    )


def _maps(setting: Setting, forecast: "xr.Dataset", summary: dict[str, Any]) -> tuple[Picture, ...]:
    relief = setting.scene.elevation
    if SHADED.covers(setting.region):
        relief = load_elevation("globe-anatolia")
    pictures = [
        Picture(
            probability_map(forecast, setting.catalog, relief, setting.quantity.min_magnitude),
            f"Map of the probability. It is highest, {summary['highest_probability']:.1%}, near "
            f"{_at(summary['highest_at'])}; the median over the region is "
            f"{summary['median_probability']:.2%}.",
            f"{setting.quantity.sentence}. Circles: past earthquakes at or above the target "
            "magnitude.",
            "probability",
        )
    ]
    model = setting.trained.model
    if isinstance(model, GridCnn):
        pictures.append(_correction(setting, model))
    return tuple(pictures)


def _correction(setting: Setting, model: GridCnn) -> Picture:
    import pandas as pd

    times = pd.DatetimeIndex([setting.issue_time])
    situation = Situation(setting.scene, times)
    ours = model.rates_of(setting.scene, times, situation.maps)[0]
    base = model.omori_.rates_of(setting.scene, times, situation.maps)[0]
    grid = Grid.covering(setting.region, CELL_DEGREES)
    ratio = (ours / base)[setting.scene.grid.crop(grid.region)]
    return Picture(
        correction_map(
            ratio, grid.longitude, grid.latitude, "Where the network corrects the Omori rates"
        ),
        f"Map of the network's rate over the Omori rate, from {ratio.min():.2f} to "
        f"{ratio.max():.2f}.",
        "The network's expected count over that of the Omori model; 1 is no correction.",
        "correction",
    )


def _facts(setting: Setting) -> dict[str, str]:
    import torch

    trained = setting.trained
    return {
        "command": command_line(),
        "graben": graben.__version__,
        "Python, torch, NumPy": f"{sys.version.split()[0]}, {torch.__version__}, {np.__version__}",
        "catalogue": setting.catalog.source,
        "catalogue sha256": setting.catalog.sha256(),
        "trained on sha256": trained.catalog["sha256"],
        "seed": str(trained.model.settings().get("recipe", {}).get("seed", "none needed")),
        "training cost": ", ".join(f"{k} {v}" for k, v in trained.evidence["cost"].items()),
    }
