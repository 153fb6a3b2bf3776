"""Models by name and models on disk."""

from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

from graben.errors import ModelError
from graben.learning import load_model, save_model
from graben.quakes.models.base import ForecastModel
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region
from graben.quakes.study import Periods

GROUP = "graben.models"


def model_names() -> list[str]:
    """Return the names of all models that are installed, ours and others'."""
    return sorted(entry.name for entry in entry_points(group=GROUP))


def model_class(name: str) -> type[ForecastModel]:
    """Return the class that a name stands for.

    Raises
    ------
    ModelError
        There is no such model.
    """
    for entry in entry_points(group=GROUP, name=name):
        found: type[ForecastModel] = entry.load()
        return found
    raise ModelError(
        f"there is no model {name!r}; known are {', '.join(model_names())}. Choose one of these, "
        "or give the folder of a trained model."
    )


@dataclass(frozen=True)
class Trained:
    """A fitted model and what must be known to use and to judge it.

    Attributes
    ----------
    model
        The fitted model.
    quantity
        What it forecasts; its radius is the one it was scored at.
    region
        Where it was trained.
    source_magnitude
        The smallest magnitude that counts as a source.
    periods
        Training, validation and test.
    region_name
        What the region is called in scores.
    catalog
        Source, end and hash of the catalogue it learned from.
    evidence
        Scores, curves and histories; see `graben.quakes.testing`.
    """

    model: ForecastModel
    quantity: Quantity
    region: Region
    source_magnitude: float
    periods: Periods
    region_name: str
    catalog: dict[str, str]
    evidence: dict[str, Any]

    @property
    def training_end(self) -> str:
        """ISO date: nothing from this day on was seen in training or validation."""
        return self.periods.validation_end


def save_trained(folder: str | Path, trained: Trained) -> None:
    """Write a model folder, whole or not at all.

    Raises
    ------
    InputError, OutputError
        As `graben.learning.save_model`.
    """
    box = trained.region
    save_model(
        folder,
        trained.model.state(),
        {
            "model": trained.model.name,
            "what": trained.quantity.sentence,
            "training_data": trained.catalog,
            "training_end": trained.training_end,
            "metrics": _headline(trained),
            "calibration": _calibration(trained),
            "licence": "Apache-2.0; trained on public-domain data of USGS and NOAA",
            "cost": trained.evidence.get("cost", "not measured"),
            "seed": trained.evidence.get("seed", 0),
            "quantity": trained.quantity.as_dict(),
            "region": [box.west, box.south, box.east, box.north],
            "region_name": trained.region_name,
            "periods": asdict(trained.periods),
            "source_magnitude": trained.source_magnitude,
            "settings": trained.model.settings(),
            "evidence": trained.evidence,
        },
    )


def _headline(trained: Trained) -> Any:
    everywhere = trained.evidence.get("points", {}).get(trained.region_name, {})
    sampled = trained.evidence.get("samples", {}).get("scores", {})
    name = trained.model.name
    scores = everywhere.get(name) or sampled.get(name) or {}
    return {k: v for k, v in scores.items() if isinstance(v, dict)} or "Not scored."


def _calibration(trained: Trained) -> Any:
    rows = trained.evidence.get("reliability", {})
    return rows.get(trained.model.name, "Not measured.")


def load_trained(folder: str | Path) -> Trained:
    """Read a model folder.

    Raises
    ------
    ModelError
        A byte of it was changed, or its model is not installed.
    """
    stored = load_model(folder)
    about = stored.description
    model = model_class(about["model"])()
    model.restore(stored.tensors, about["settings"])
    return Trained(
        model,
        Quantity(**about["quantity"]),
        Region(*about["region"]),
        float(about["source_magnitude"]),
        Periods(**about["periods"]),
        about["region_name"],
        about["training_data"],
        about["evidence"],
    )


def shipped_folder(quantity: Quantity) -> Path:
    """Return the folder of the model that ships for a horizon and magnitude.

    Raises
    ------
    ModelError
        None ships for them.
    """
    shipped = Path(str(files("graben") / "data" / "models"))
    folder = shipped / f"grid-cnn-{quantity.slug}"
    if folder.is_dir():
        return folder
    known = ", ".join(sorted(path.name for path in shipped.glob("grid-cnn-*")))
    raise ModelError(
        f"no trained model ships for {quantity.slug}; those that do: {known}. Choose one of their "
        "horizons and magnitudes, use --model omori, or train a model: graben quakes train "
        f"--horizon {quantity.horizon_days}d --min-magnitude {quantity.min_magnitude:g}"
    )
