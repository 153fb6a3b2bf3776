"""A forecast from a point process alone: several horizons and magnitudes from one simulation."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import beta

import graben
from graben.errors import InputError, StaleError
from graben.quakes.catalog import as_utc
from graben.quakes.grid import Grid
from graben.quakes.models.expected_cells import cells_of
from graben.quakes.models.point_process import PointProcess
from graben.quakes.models.simulated_catalogs import SimulatedCatalogs
from graben.quakes.region import Region
from graben.quakes.sequence import DAY, EventSequence

if TYPE_CHECKING:
    import xarray as xr

EVENT_BUDGET = 10_000_000
EXPECTED_CATALOGS = 2000
FEWEST_CATALOGS = 100
DIMS = ("issue_time", "horizon", "magnitude", "latitude", "longitude")


def forecast(
    process: PointProcess,
    sequence: EventSequence,
    issue_time: pd.Timestamp | str,
    horizons: Sequence[int],
    magnitudes: Sequence[float],
    region: Region | None = None,
    catalogs: int = 10_000,
    seed: int = 0,
) -> "xr.Dataset":
    """Continue a sequence many times and return what happens in each cell of 0.25 degrees.

    Parameters
    ----------
    process
        `Etas`, `MappedEtas` or `HybridEtas`, fitted, with a branching ratio below 1.
    sequence
        What happened; events after the issue time are not looked at.
    issue_time
        When the forecast begins, UTC; not after the end of the sequence's windows.
    horizons, magnitudes
        Days, and smallest magnitudes (at or above completeness), ascending.
    region
        Inside the polygon's box; that box by default.
    catalogs
        How many to simulate; fewer where they would hold more than ten million events in all.
    seed
        The same seed gives the same forecast.

    Returns
    -------
    xarray.Dataset
        Over (issue_time, horizon, magnitude, latitude, longitude): `expected_count`, exact but for
        offspring of future events and scaled to each magnitude by the law of magnitudes;
        `probability` of at least one event in the cell, the share of catalogues that have one;
        `probability_low` and `probability_high`, the 90 % interval (Jeffreys) of that share.
        The attribute `noise` is the difference of expected counts between the halves of the
        simulated catalogues, summed over cells and relative to the total; `catalogs` their number.

    Raises
    ------
    InputError
        Horizons or magnitudes do not ascend, or a magnitude lies below completeness.
    StaleError
        The issue time is after the end of the sequence.
    ModelError
        The process cannot be continued, or not in that region.
    """
    _require(horizons, magnitudes, sequence.completeness_magnitude)
    moment, end = as_utc(issue_time), sequence.windows.moments[-1]
    if moment > end:
        raise StaleError(
            f"expected an issue time within the sequence, which ends at {end}; got {moment}. Issue "
            "the forecast earlier, or use a newer catalogue."
        )
    cells = cells_of(process, sequence)
    day = float(np.nextafter((moment - sequence.windows.moments[0]) / DAY, np.inf))
    part = cells.part(cells.grid if region is None else Grid.covering(region, cells.grid.step))
    counts = [cells.at(day, horizon, EXPECTED_CATALOGS, seed) for horizon in horizons]
    expected = [[one.from_magnitude(m)[part] for m in magnitudes] for one in counts]
    affordable = int(EVENT_BUDGET / max(counts[-1].total.sum(), 1.0))
    number = max(min(catalogs, affordable), min(catalogs, FEWEST_CATALOGS))
    branching, sources = cells.continuations.at(day)
    batches = branching.simulate_in_batches(sources, horizons[-1], number, seed)
    hits = _struck_catalogs(batches, cells.grid, horizons, magnitudes)[..., *part]
    low, high = (beta.ppf(q, hits + 0.5, number - hits + 0.5) for q in (0.05, 0.95))
    layers = {
        "expected_count": np.array(expected),
        "probability": hits / number,
        "probability_low": np.where(hits > 0, low, 0.0),
        "probability_high": high,
    }
    coords = {
        "issue_time": [moment.tz_localize(None).to_datetime64()],
        "horizon": list(horizons),
        "magnitude": list(magnitudes),
        "latitude": cells.grid.latitude[part[0]],
        "longitude": cells.grid.longitude[part[1]],
    }
    return _dataset(layers, coords).assign_attrs(
        _attributes(process, sequence, moment) | {"catalogs": number, "noise": counts[-1].noise}
    )


def _require(horizons: Sequence[int], magnitudes: Sequence[float], completeness: float) -> None:
    for name, values in (("horizons", horizons), ("magnitudes", magnitudes)):
        if not len(values) or np.any(np.diff(values) <= 0) or values[0] <= 0:
            raise InputError(
                f"expected {name} above 0 that ascend, got {list(values)}. Sort them, each once."
            )
    if magnitudes[0] < completeness - 1e-9:
        raise InputError(
            f"expected magnitudes from the completeness magnitude {completeness:g} on, got "
            f"{magnitudes[0]:g}. The process knows no smaller events: ask for larger ones."
        )


def _struck_catalogs(
    batches: Iterator[SimulatedCatalogs],
    grid: Grid,
    horizons: Sequence[int],
    magnitudes: Sequence[float],
) -> NDArray[Any]:
    """Return in how many catalogues each cell has an event, (horizon, magnitude, lat, lon)."""
    size = grid.rows * grid.columns
    found = np.zeros((len(horizons), len(magnitudes), size))
    for batch in batches:
        row, column, hit = grid.cell_of(batch.longitude, batch.latitude)
        at = batch.catalog.astype(np.int64) * size + row * grid.columns + column
        for i, horizon in enumerate(horizons):
            for j, magnitude in enumerate(magnitudes):
                used = hit & (batch.time <= horizon) & (batch.magnitude >= magnitude - 1e-9)
                found[i, j] += np.bincount(np.unique(at[used]) % size, minlength=size)
    return found.reshape(*found.shape[:2], *grid.shape)


def _dataset(layers: dict[str, NDArray[Any]], coords: dict[str, Any]) -> "xr.Dataset":
    import xarray as xr

    whole = xr.Dataset({name: (DIMS, value[None]) for name, value in layers.items()}, coords)
    whole["probability"].attrs["long_name"] = "probability of at least one earthquake in the cell"
    return whole


def _attributes(
    process: PointProcess, sequence: EventSequence, moment: pd.Timestamp
) -> dict[str, Any]:
    return {
        "title": "P(at least one earthquake of the magnitude in the cell within the horizon)",
        "model": process.name,
        "radius_km": 0.0,
        "catalog_source": f"events of M >= {sequence.completeness_magnitude:g} in the polygon",
        "catalog_end": moment.isoformat(),
        "training_end": sequence.windows.test_start,
        "graben_version": graben.__version__,
    }
