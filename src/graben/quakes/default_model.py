"""Point processes that ship or lie in a folder, and which model forecasts when none is named."""

from pathlib import Path

from graben.errors import ModelError
from graben.learning import load_model
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.models.folder import Trained, model_class, model_names
from graben.quakes.models.point_process_folder import (
    FittedProcess,
    load_process,
    shipped_processes,
)
from graben.quakes.models.simulated_rates import SimulatedRates
from graben.quakes.polygon import Polygon
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region
from graben.quakes.sequence import Windows
from graben.quakes.study import Periods

# the gates were measured to gain over ETAS on sets from 5,618 events on; not on smaller ones
RICH_CATALOG = 5_000
WITHOUT_RICHNESS = "grid-cnn"


def process_folder(name: str) -> Path | None:
    """Return the folder of a point process: one that ships, or a path to one; None for others."""
    if name in shipped_processes():
        return shipped_processes()[name]
    folder = Path(name)
    if folder.is_dir() and "quantity" not in load_model(folder).description:
        return folder
    return None


def load_continued(folder: Path, quantity: Quantity) -> Trained:
    """Return a point process from a folder as a model of a quantity.

    It answers any horizon, radius and magnitude from its completeness magnitude on, without
    calibration on past windows.

    Raises
    ------
    ModelError
        The folder is damaged, or its process cannot be continued.
    """
    found = load_process(folder)
    name = found.process.name
    kind = model_class(name) if name in model_names() else None
    if kind is None or not issubclass(kind, SimulatedRates):
        raise ModelError(
            f"expected a point process that can be continued, got {name} in {folder}. Fit "
            "hybrid-etas or etas: graben quakes fit."
        )
    about, windows = found.about, Windows(**found.about["windows"])
    return Trained(
        kind.of(found),
        quantity,
        _box(found),
        found.completeness_magnitude,
        Periods(
            windows.training_start,
            windows.validation_start,
            windows.test_start,
            windows.test_end,
        ),
        folder.name,
        {"end": found.training_end, **about["training_data"]},
        {
            "cost": about["cost"] if isinstance(about.get("cost"), dict) else {},
            "event_scores": about.get("metrics", {}),
            "gate_importance": about.get("gate_importance", {}),
        },
    )


def _box(found: FittedProcess) -> Region:
    polygon = found.about["polygon"]
    longitude, latitude = polygon["longitude"], polygon["latitude"]
    return Region(min(longitude), min(latitude), max(longitude), max(latitude))


def default_model(catalog: Catalog, region: Region, quantity: Quantity) -> tuple[str, str]:
    """Return the name of the model for a forecast that names none, and why.

    It is a hybrid ETAS that ships and covers the region, where the catalogue holds 5,000 events
    above completeness in the training and validation windows of that model; otherwise the grid net.
    """
    reason = f"no hybrid-etas that ships covers {region}"
    for name, folder in shipped_processes().items():
        found = load_process(folder)
        if not _box(found).covers(region):
            continue
        events = _training_events(catalog, found)
        known = f"{events:,} events of M >= {found.completeness_magnitude:g} in its training window"
        if quantity.min_magnitude < found.completeness_magnitude:
            reason = f"hybrid-etas-{name} knows no events of M {quantity.min_magnitude:g}"
        elif events >= RICH_CATALOG:
            return name, f"hybrid-etas-{name}, for the catalogue holds {known}"
        else:
            reason = f"the catalogue holds only {known}; hybrid-etas asks for {RICH_CATALOG:,}"
    return WITHOUT_RICHNESS, f"{WITHOUT_RICHNESS}, for {reason}"


def _training_events(catalog: Catalog, found: FittedProcess) -> int:
    windows, polygon = found.about["windows"], found.about["polygon"]
    table = catalog.table
    first, last = as_utc(windows["training_start"]), as_utc(windows["test_start"])
    used = (table["time"] >= first) & (table["time"] < last)
    used &= table["magnitude"] >= found.completeness_magnitude - 1e-9
    used &= Polygon(polygon["longitude"], polygon["latitude"]).contains(
        table["longitude"], table["latitude"]
    )
    return int(used.sum())
