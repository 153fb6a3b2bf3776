"""All tests that fit a forecast file, run against a catalogue."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graben.errors import InputError
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.region import Region
from graben.quakes.testing.alarms import MolchanTest, RocTest, molchan_test, roc_test
from graben.quakes.testing.catalog_forecast import CatalogForecast, read_catalog_forecast
from graben.quakes.testing.csep import (
    Forecast,
    comparison_tests,
    consistency_tests,
    require_same_grid,
)
from graben.quakes.testing.grids import Cells, GriddedForecast, Targets, read_csep_grid
from graben.quakes.testing.verdicts import Comparison, Consistency

STEP = 0.1  # degrees and magnitudes: the bins of CSEP's regional experiments
LARGEST = 8.0
_START_IN_NAME = re.compile(r"_(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d+)")


@dataclass(frozen=True)
class Question:
    """What a file does not say of itself.

    Attributes
    ----------
    start, end
        The window, UTC; of `.dat` and `.csv` (which may carry the start in its name).
    region, min_magnitude
        Where simulated catalogues are tested, in cells of 0.1 degrees, and from which magnitude
        on, in bins of 0.1.
    """

    start: str | None = None
    end: str | None = None
    region: Region | None = None
    min_magnitude: float | None = None


@dataclass(frozen=True)
class Verification:
    """What the tests found.

    Attributes
    ----------
    forecast, targets, catalog
        What was expected, what happened, and where that is from.
    consistency, comparison
        Findings of pyCSEP; no comparison without a benchmark.
    molchan, roc
        Alarms against `reference`; None where no earthquake happened.
    reference
        What alarms are compared with.
    """

    forecast: Forecast
    targets: Targets
    catalog: Catalog
    consistency: tuple[Consistency, ...]
    comparison: tuple[Comparison, ...]
    molchan: MolchanTest | None
    roc: RocTest | None
    reference: str

    @property
    def expected(self) -> float:
        """Expected number of earthquakes."""
        return float(self.forecast.by_cell.sum())

    def as_dict(self) -> dict[str, Any]:
        """Return the findings in plain types, the curves left out."""
        alarms: dict[str, Any] = {"reference": self.reference}
        if self.molchan and self.roc:
            skill = ("skill", "skill_low", "skill_high", "p_value", "events")
            alarms["molchan"] = {name: getattr(self.molchan, name) for name in skill}
            alarms["roc"] = {name: getattr(self.roc, name) for name in ("area", "reference_area")}
        return {
            "forecast": self.forecast.name,
            "start": self.forecast.start.isoformat(),
            "end": self.forecast.end.isoformat(),
            "cells": len(self.forecast.cells),
            "simulated_catalogs": getattr(self.forecast, "count", None),
            "min_magnitude": float(self.forecast.cells.magnitudes[0]),
            "catalog": self.catalog.source,
            "expected": self.expected,
            "observed": len(self.targets),
            "consistency": [asdict(one) for one in self.consistency],
            "comparison": [asdict(one) for one in self.comparison],
            "alarms": alarms,
        }


def open_test_forecast(path: str | Path, question: Question) -> Forecast:
    """Open a forecast of graben (.nc), a CSEP grid (.dat) or simulated catalogues (.csv).

    Raises
    ------
    InputError
        The file is none of these, or does not say its window, region or magnitude and nobody did.
    """
    from graben.quakes.export import read_forecast

    path = Path(path)
    if path.suffix == ".nc":
        return GriddedForecast.from_dataset(read_forecast(path))
    if path.suffix == ".dat":
        if question.start is None or question.end is None:
            raise InputError(
                f"{path.name} does not say its times: the format has no room for them. Give the "
                "window with --start and --end."
            )
        return read_csep_grid(path, question.start, question.end)
    if path.suffix == ".csv":
        return _simulated(path, question)
    raise InputError(
        f"expected a forecast as .nc, .dat or .csv, got {path.name}. Give a forecast.nc of graben, "
        "a CSEP grid or a CSEP catalogue forecast."
    )


def _simulated(path: Path, question: Question) -> CatalogForecast:
    named = _START_IN_NAME.search(path.name)
    start = question.start
    if start is None and named:
        day, *clock, fraction = named.groups()
        start = f"{day}T{':'.join(clock)}.{fraction}"
    if start is None or question.end is None or not question.region or not question.min_magnitude:
        raise InputError(
            f"{path.name} does not say its window, region and magnitude. Give --start (or a name "
            "like model_2019-07-06T00-00-00-000000.csv), --end, --region and --min-magnitude."
        )
    first, last = as_utc(start), as_utc(question.end)
    if not first < last:
        raise InputError(f"expected an end after the start {first}, got {last}. Correct them.")
    bins = question.min_magnitude + STEP * np.arange(
        max(1, round((LARGEST - question.min_magnitude) / STEP) + 1)
    )
    cells = Cells.of(question.region, STEP, bins)
    return CatalogForecast.of(read_catalog_forecast(path, first), cells, first, last, path.stem)


def open_benchmark(path: str | Path, forecast: Forecast) -> GriddedForecast:
    """Open the forecast to compare with; a `.dat` is for the window of `forecast`.

    Raises
    ------
    InputError
        One of the two is no gridded forecast, or their cells or windows differ.
    """
    window = Question(forecast.start.isoformat(), forecast.end.isoformat())
    benchmark = open_test_forecast(path, window)
    if not isinstance(benchmark, GriddedForecast) or not isinstance(forecast, GriddedForecast):
        raise InputError(
            "expected two gridded forecasts to compare, got simulated catalogues. Test each alone."
        )
    require_same_grid(forecast, benchmark)
    return benchmark


def verify(
    forecast: Forecast,
    catalog: Catalog,
    benchmark: GriddedForecast | None = None,
    simulations: int = 1000,
    seed: int = 0,
) -> Verification:
    """Run every test that fits the forecast.

    Parameters
    ----------
    forecast
        Of `open_test_forecast`.
    catalog
        What happened.
    benchmark
        Of `open_benchmark`: for T- and W-test, and the reference of the alarms; without it, the
        reference is the cells' area.
    simulations, seed
        Of the consistency tests.

    Raises
    ------
    StaleError
        The catalogue ends before the forecast's window.
    CatalogError
        It begins after the window.
    """
    targets = forecast.targets(catalog)
    consistency = consistency_tests(forecast, targets, None, simulations, seed)
    compared: tuple[Comparison, ...] = ()
    if benchmark is not None and isinstance(forecast, GriddedForecast):
        compared = comparison_tests(forecast, benchmark, targets)
    molchan, roc = None, None
    area = forecast.cells.area
    reference = area if benchmark is None else benchmark.by_cell
    struck = np.bincount(targets.cell, minlength=area.size)
    if len(targets) and not struck.all():
        molchan = molchan_test(forecast.by_cell, struck, reference, seed)
        roc = roc_test(forecast.by_cell, struck, area, reference)
    name = "area" if benchmark is None else benchmark.name
    return Verification(forecast, targets, catalog, consistency, compared, molchan, roc, name)
