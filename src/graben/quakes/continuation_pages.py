"""What a continued point process says of a region, in numbers, tables and pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.quakes.continuation_figures import counts_figure, decay_figure
from graben.quakes.continued_forecast import forecast
from graben.quakes.forecast import Setting
from graben.quakes.grid import Grid
from graben.quakes.models.etas_components import NAMES
from graben.quakes.models.expected_cells import CellCounts, direct_offspring
from graben.quakes.models.hybrid_etas import HybridEtas
from graben.quakes.models.simulated_catalogs import SimulatedCatalogs
from graben.quakes.models.simulated_rates import SimulatedRates
from graben.quakes.sequence import DAY, EventSequence
from graben.quakes.testing.catalog_forecast import write_catalog_forecast
from graben.report import Picture, Section, Table

if TYPE_CHECKING:
    import xarray as xr

CATALOGS = 2000
CATALOGS_WRITTEN = 1000
EVENTS_WRITTEN = 200_000
SHOWN_PARENTS = 8
INTERVALS = 10


@dataclass(frozen=True, eq=False)
class Continued:
    """The continuations of one setting.

    Attributes
    ----------
    setting
        The forecast that was asked for.
    simulated
        Catalogues of the whole polygon, over the horizon.
    here
        Their events in the region.
    counts
        Expected events above completeness in the cells of the region.
    parents
        `time`, `magnitude`, `longitude`, `latitude` of the past events with most direct offspring
        to come, wherever in the polygon, their `expected` number and its `share` of all direct.
    gates
        Component to multiplier at the issue time; none without gates.
    branching_ratio
        Mean number of direct offspring of an event.
    horizons
        Several horizons and magnitudes; see `graben.quakes.continued_forecast.forecast`.
    """

    setting: Setting
    simulated: SimulatedCatalogs
    here: SimulatedCatalogs
    counts: CellCounts
    parents: pd.DataFrame
    gates: dict[str, float]
    branching_ratio: float
    horizons: "xr.Dataset"

    @property
    def target_counts(self) -> NDArray[Any]:
        """Target events of each catalogue in the region."""
        return self.here.select(self.setting.quantity.min_magnitude).counts()

    @property
    def expected_targets(self) -> float:
        """Expected target events in the region."""
        target = self.setting.quantity.min_magnitude
        return float(self.counts.from_magnitude(target).sum())

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers, in JSON's types."""
        low, high = np.quantile(self.target_counts, (0.05, 0.95))
        parts = self.counts
        return {
            "catalogs": self.simulated.count,
            "expected_in_region": self.expected_targets,
            "interval_90_in_region": [int(low), int(high)],
            "probability_of_any_in_region": float((self.target_counts > 0).mean()),
            "expected_above_completeness": {
                "background": float(parts.background.sum()),
                "offspring_of_known_events": float(parts.direct.sum()),
                "offspring_of_future_events": float(parts.later.mean(axis=0).sum()),
            },
            "noise_of_simulation": parts.noise,
            "branching_ratio": self.branching_ratio,
            "gates": self.gates,
        }


def continue_setting(setting: Setting, model: SimulatedRates) -> Continued:
    """Continue the setting's catalogue and gather what a report tells of it."""
    cells, day = model.cells(setting.catalog), model.day(setting.issue_time)
    sequence = cells.continuations.sequence
    horizon, seed = setting.quantity.horizon_days, int(day)
    branching, sources = cells.continuations.at(day)
    simulated = branching.simulate(sources, float(horizon), CATALOGS, seed)
    inside = setting.region.contains((simulated.longitude + 180) % 360 - 180, simulated.latitude)
    part = cells.part(Grid.covering(setting.region, cells.grid.step))
    whole = cells.at(day, float(horizon), CATALOGS, seed)
    counts = CellCounts(
        whole.background[part], whole.direct[part], whole.later[:, *part], whole.magnitudes
    )
    process = model.process_
    gates = {}
    if isinstance(process, HybridEtas):
        now = np.exp(process.log_gates(sequence)[-1])
        gates = dict(zip(NAMES, now.tolist(), strict=True))
    target = setting.quantity.min_magnitude
    several = forecast(
        process,
        sequence,
        setting.issue_time,
        sorted({days for days in (1, 7, horizon) if days <= horizon}),
        (target, target + 1),
        setting.region,
        seed=seed,
    )
    parents = _parents(sequence, direct_offspring(branching, sources, float(horizon)))
    ratio = branching.branching_ratio
    here = simulated.rows(inside)
    return Continued(setting, simulated, here, counts, parents, gates, ratio, several)


def _parents(sequence: EventSequence, expected: NDArray[Any]) -> pd.DataFrame:
    chosen = np.argsort(-expected)[:SHOWN_PARENTS]
    return pd.DataFrame(
        {
            "time": sequence.windows.moments[0] + sequence.time[chosen] * DAY,
            "magnitude": sequence.magnitude[chosen],
            "longitude": sequence.longitude[chosen],
            "latitude": sequence.latitude[chosen],
            "expected": expected[chosen],
            "share": expected[chosen] / expected.sum(),
        }
    )


def write_catalogs(continued: Continued, folder: Path) -> None:
    """Write the first thousand catalogues, or as many as hold 200,000 events, as CSEP's CSV."""
    simulated, moment = continued.simulated, continued.setting.issue_time
    ends = np.cumsum(simulated.counts())
    number = int(np.searchsorted(ends, EVENTS_WRITTEN).clip(1, CATALOGS_WRITTEN))
    first = simulated.rows(simulated.catalog < number)
    written = SimulatedCatalogs.joined([first], min(number, simulated.count))
    name = f"catalogs_{moment:%Y-%m-%dT%H-%M-%S-%f}.csv"
    write_catalog_forecast([written], moment, folder / name)


def continuation_sections(continued: Continued) -> list[Section]:
    """Return the sections of a report on what the simulations say."""
    blocks = (_numbers(continued), _distribution(continued), _decay(continued))
    rate = [_parents_table(continued)]
    if continued.gates:
        rate.append(_gates_table(continued))
    return [
        Section("What the simulations say", (*blocks, _several(continued))),
        Section("What the rate is made of", tuple(rate)),
    ]


def _numbers(continued: Continued) -> Table:
    found, target = continued.as_dict(), continued.setting.quantity.min_magnitude
    low, high = found["interval_90_in_region"]
    parts = found["expected_above_completeness"]
    rows = (
        (f"expected M >= {target:.1f} in the region", f"{found['expected_in_region']:.3g}"),
        ("90 % of the catalogues hold", f"{low} to {high}"),
        ("chance of any in the region", f"{found['probability_of_any_in_region']:.1%}"),
        *(
            (f"events above completeness: {part.replace('_', ' ')}", f"{value:.3g}")
            for part, value in parts.items()
        ),
        ("branching ratio", f"{found['branching_ratio']:.2f}"),
        ("simulated catalogues", f"{found['catalogs']:,}"),
        ("noise of simulation, of the expected counts", f"{found['noise_of_simulation']:.1%}"),
    )
    return Table(
        "Continuations of the catalogue",
        ("what", "value"),
        rows,
        "The noise is the difference between halves of the simulated catalogues, summed over the "
        "cells and relative to the total; the sum over the region is far more certain.",
    )


def _distribution(continued: Continued) -> Picture:
    counts, target = continued.target_counts, continued.setting.quantity.min_magnitude
    what = f"earthquakes of M >= {target:.1f} in the region"
    return Picture(
        counts_figure(counts, continued.expected_targets, what),
        f"Histogram of the number of {what}: median {np.median(counts):.0f}, largest "
        f"{counts.max()}.",
        "Earthquakes cluster, so few catalogues hold many of them.",
        "counts",
    )


def _decay(continued: Continued) -> Picture:
    horizon = continued.setting.quantity.horizon_days
    edges = horizon * np.linspace(0, 1, INTERVALS + 1) ** 2  # short at first, where it decays
    daily = np.histogram(continued.here.time, edges)[0]
    daily = daily / np.diff(edges) / continued.simulated.count
    background = float(continued.counts.background.sum()) / horizon
    return Picture(
        decay_figure(edges, daily, background),
        f"Expected events a day, from {daily[0]:.3g} at first to {daily[-1]:.3g} at the end; "
        f"the background alone is {background:.3g}.",
        "Events above completeness in the region, mean over the simulated catalogues.",
        "decay",
    )


def _several(continued: Continued) -> Table:
    found = continued.horizons.isel(issue_time=0)
    expected = found["expected_count"].sum(["latitude", "longitude"]).to_numpy()
    rows = tuple(
        (f"{horizon} days", f"{magnitude:.1f}", f"{expected[i, j]:.3g}")
        for i, horizon in enumerate(found["horizon"].to_numpy())
        for j, magnitude in enumerate(found["magnitude"].to_numpy())
    )
    return Table(
        "Other horizons and magnitudes",
        ("horizon", "M or more", "expected in the region"),
        rows,
        f"From {found.attrs['catalogs']:,} catalogues; horizons.nc holds the maps.",
    )


def _parents_table(continued: Continued) -> Table:
    rows = tuple(
        (
            f"{row.time:%Y-%m-%d %H:%M}",
            f"{row.magnitude:.1f}",
            f"{row.latitude:.2f}, {row.longitude:.2f}",
            f"{row.expected:.3g}",
            f"{row.share:.1%}",
        )
        for row in continued.parents.itertuples()
    )
    return Table(
        "Past events with most aftershocks to come",
        ("time (UTC)", "M", "latitude, longitude", "expected", "of all direct ones"),
        rows,
        "Direct offspring above completeness in the horizon, anywhere in the model's polygon.",
    )


def _gates_table(continued: Continued) -> Table:
    rows = tuple((name, f"{value:.2f}") for name, value in continued.gates.items())
    return Table(
        "The gates now: what the nets multiply each part of the rate by", ("part", "factor"), rows
    )
