"""What a catalogue's user should know before trusting it."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from graben.errors import CatalogError
from graben.output import plain
from graben.quakes.catalog import Catalog
from graben.quakes.completeness import CompletenessWindow, coarsest_step, completeness_windows
from graben.quakes.declustering import forward_gardner_knopoff
from graben.quakes.places import unit_vectors

LARGEST_EVER = 9.5  # Valdivia 1960


@dataclass(frozen=True)
class Gap:
    """A silence: its ends, length in days, and how likely a longest silence is at least so long.

    The probability takes the events that are no aftershocks as a Poisson process of constant
    rate; one close to zero asks for an explanation, such as lost data.
    """

    start: pd.Timestamp
    end: pd.Timestamp
    days: float
    probability: float


@dataclass(frozen=True)
class CatalogReport:
    """What `check_catalog` finds.

    Parameters
    ----------
    source, start, end, sha256, events
        Which catalogue it is.
    repeated_rows
        Rows that were left out because they repeat an earlier one.
    smallest, largest
        Magnitudes.
    suspicious
        event_id, time and magnitude of events of M 9.6 or more: none was ever measured.
    near_duplicates
        Pairs of event_id that are so close in time and place that they may be one earthquake.
    gaps
        The three longest silences, the longest first.
    unknown_depths
        Share of events without depth.
    fixed_depths
        Depths in km that stand for an unknown one, and the share of events at each.
    magnitude_types
        Share of events of each type, the commonest first; empty where the types are unknown.
    magnitude_step
        The coarsest step of which nine magnitudes in ten are multiples; 0 if there is none.
    aftershocks
        Share of events that forward Gardner-Knopoff windows mark.
    completeness
        Completeness and b-value in windows of time.
    """

    source: str
    start: pd.Timestamp
    end: pd.Timestamp
    sha256: str
    events: int
    repeated_rows: int
    smallest: float
    largest: float
    suspicious: tuple[tuple[str, pd.Timestamp, float], ...]
    near_duplicates: tuple[tuple[str, str], ...]
    gaps: tuple[Gap, ...]
    unknown_depths: float
    fixed_depths: dict[float, float]
    magnitude_types: dict[str, float]
    magnitude_step: float
    aftershocks: float
    completeness: tuple[CompletenessWindow, ...]

    def as_dict(self) -> dict[str, object]:
        """Give plain values for JSON: times as ISO 8601 text, None for NaN."""
        table: dict[str, object] = plain(asdict(self))
        return table


def check_catalog(catalog: Catalog, repeated_rows: int = 0) -> CatalogReport:
    """Look for the usual faults and traps of a catalogue.

    Parameters
    ----------
    catalog
        At least one event.
    repeated_rows
        How many repeats were left out while it was read; only reported.

    Raises
    ------
    CatalogError
        The catalogue is empty, or no event reaches its completeness magnitude.
    """
    table = catalog.nonempty().table
    magnitudes = table["magnitude"].to_numpy()
    windows = completeness_windows(catalog)
    levels = [
        window.maximum_curvature for window in windows if np.isfinite(window.maximum_curvature)
    ]
    if levels and magnitudes.max() < min(levels):
        raise CatalogError(
            f"expected events at or above the completeness magnitude {min(levels):g}, got none "
            f"above {magnitudes.max():g}: nothing can be learned from {catalog.source}. Get a "
            "catalogue with larger events, or of a longer period."
        )
    aftershocks = forward_gardner_knopoff(catalog)
    odd = table[magnitudes > LARGEST_EVER + 0.05]
    return CatalogReport(
        source=catalog.source,
        start=catalog.start,
        end=catalog.end,
        sha256=catalog.sha256(),
        events=len(catalog),
        repeated_rows=repeated_rows,
        smallest=float(magnitudes.min()),
        largest=float(magnitudes.max()),
        suspicious=tuple(zip(odd["event_id"], odd["time"], odd["magnitude"], strict=True)),
        near_duplicates=tuple(near_duplicates(catalog)),
        gaps=longest_gaps(catalog, int(np.sum(~aftershocks))),
        unknown_depths=float(table["depth"].isna().mean()),
        fixed_depths=fixed_depths(table["depth"].dropna().to_numpy()),
        magnitude_types=_magnitude_types(table),
        magnitude_step=coarsest_step(magnitudes),
        aftershocks=float(aftershocks.mean()),
        completeness=windows,
    )


def near_duplicates(
    catalog: Catalog, seconds: float = 16.0, degrees: float = 1.0
) -> list[tuple[str, str]]:
    """Find pairs of events closer than `seconds` and `degrees` (of arc, along the surface).

    Returns
    -------
    list of (event_id, event_id)
        In the order of time of the earlier event of each pair.
    """
    table = catalog.table
    time = table["time"].astype("int64").to_numpy()
    vectors = unit_vectors(table["longitude"].to_numpy(), table["latitude"].to_numpy()).T
    pairs: list[npt.NDArray[np.int64]] = []
    for lag in range(1, len(table)):
        early = np.flatnonzero(time[lag:] - time[:-lag] < seconds * 1e9)
        if not len(early):
            break
        late = early + lag
        close = (vectors[:, early] * vectors[:, late]).sum(0) > np.cos(np.radians(degrees))
        pairs.append(np.column_stack([early[close], late[close]]))
    found = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    ids = table["event_id"].to_numpy()
    order = np.lexsort((found[:, 1], found[:, 0]))
    return [(str(ids[i]), str(ids[j])) for i, j in found[order]]


def longest_gaps(catalog: Catalog, independent: int, count: int = 3) -> tuple[Gap, ...]:
    """Find the longest silences of the period, its first and last stretch included.

    Parameters
    ----------
    catalog
        Any catalogue of a period longer than a moment, else there is no gap.
    independent
        How many events count as independent: they give the rate and the number of chances.
    count
        How many gaps to give.
    """
    if catalog.end == catalog.start:
        return ()
    times = pd.DatetimeIndex([catalog.start, *catalog.table["time"], catalog.end])
    days = np.diff(times.as_unit("ns").asi8) / 86400e9
    rate = independent / ((catalog.end - catalog.start).total_seconds() / 86400)
    gaps = []
    for i in np.argsort(-days, kind="stable")[: min(count, np.sum(days > 0))]:
        none_so_long = (independent + 1) * np.log1p(-np.exp(-rate * days[i]))
        chance = float(-np.expm1(none_so_long))
        gaps.append(Gap(times[i], times[i + 1], float(days[i]), chance))
    return tuple(gaps)


def fixed_depths(depths: npt.NDArray[np.float64], share: float = 0.01) -> dict[float, float]:
    """Find depths at which far too many events stand, and the share of events at each.

    A depth is fixed where at least ten events and the given share of all stand at exactly it,
    and more than four times as many as is usual within 5 km, at the step of the depths.

    Parameters
    ----------
    depths
        km; NaN excluded.
    share
        The least share reported.

    Examples
    --------
    >>> fixed_depths(np.append(np.arange(0, 60, 0.1), np.full(400, 10.0)))
    {10.0: 0.401}
    """
    if not len(depths):
        return {}
    values, counts = np.unique(np.round(depths, 3), return_counts=True)
    step = coarsest_step(values) or 0.001
    found = {}
    for value, number in zip(values, counts, strict=True):
        if number < 10 or number < share * len(depths):
            continue
        near = counts[(np.abs(values - value) <= 5) & (values != value)]
        places = max(1, round(min(10.0, value + 5) / step))
        usual = np.median(np.append(near, np.zeros(max(0, places - len(near)))))
        if number > 4 * max(usual, 1):
            found[float(value)] = round(float(number / len(depths)), 4)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _magnitude_types(table: pd.DataFrame) -> dict[str, float]:
    if "magnitude_type" not in table:
        return {}
    kinds = table["magnitude_type"].str.lower().replace("", "unknown")
    return {str(kind): float(part) for kind, part in kinds.value_counts(normalize=True).items()}
