"""Point processes by name and on disk."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

from graben.errors import InputError, ModelError
from graben.learning import load_model, save_model
from graben.quakes.catalog import Catalog
from graben.quakes.models.point_process import PointProcess
from graben.quakes.sequence import EventSequence

GROUP = "graben.point_processes"
NEEDED = ("training_end", "completeness_magnitude")
SHIPPED = Path(str(files("graben") / "data" / "models"))
PREFIX = "hybrid-etas-"


def process_names() -> list[str]:
    """Return the names of all point processes that are installed, ours and others'."""
    return sorted(entry.name for entry in entry_points(group=GROUP))


def process_class(name: str) -> type[PointProcess]:
    """Return the class that a name stands for.

    Raises
    ------
    ModelError
        There is no such point process.
    """
    for entry in entry_points(group=GROUP, name=name):
        found: type[PointProcess] = entry.load()
        return found
    raise ModelError(
        f"there is no point process {name!r}; known are {', '.join(process_names())}. Choose one "
        "of these, or give the folder of a fitted one."
    )


@dataclass(frozen=True)
class FittedProcess:
    """A point process from a folder, and what is known of its fit.

    Attributes
    ----------
    process
        Ready to score.
    about
        What `save_process` was given, and what it added.
    """

    process: PointProcess
    about: dict[str, Any]

    @property
    def training_end(self) -> str:
        """ISO date: nothing from this day on was learned from."""
        return str(self.about["training_end"])

    @property
    def completeness_magnitude(self) -> float:
        """The smallest magnitude of the events that it knows."""
        return float(self.about["completeness_magnitude"])


def about_fit(sequence: EventSequence, catalog: Catalog) -> dict[str, Any]:
    """Return what must be said of a fit: its data, windows, polygon and completeness."""
    return {
        "training_data": {
            "source": catalog.source,
            "events": int(sequence.targets(slice(0, sequence.test.start)).size),
            "sha256": catalog.sha256(),
        },
        "training_end": sequence.windows.test_start,
        "windows": asdict(sequence.windows),
        "completeness_magnitude": sequence.completeness_magnitude,
        "bin_width": sequence.bin_width,
        "polygon": {
            "longitude": sequence.polygon.longitude,
            "latitude": sequence.polygon.latitude,
        },
    }


def save_process(folder: str | Path, process: PointProcess, about: Mapping[str, Any]) -> None:
    """Write a fitted point process: weights.safetensors, model.json and CARD.md.

    Parameters
    ----------
    folder
        New, empty or an earlier model.
    process
        A fitted one.
    about
        From `about_fit`, and what else the card shall tell; see `graben.learning.save_model`.

    Raises
    ------
    InputError
        `about` does not tell the end of the training or the completeness magnitude, or the folder
        holds other files.
    OutputError
        Writing failed; what stood there is unchanged.
    """
    missing = [name for name in NEEDED if name not in about]
    if missing:
        raise InputError(
            f"expected {' and '.join(NEEDED)} of the fit, got none of {', '.join(missing)}. Start "
            "from about_fit(sequence, catalog)."
        )
    own = {"model": process.name, "what": process.fits, "settings": process.settings()}
    save_model(folder, process.state(), {**own, **about})


def load_process(folder: str | Path) -> FittedProcess:
    """Read a folder that `save_process` wrote.

    Raises
    ------
    ModelError
        A byte of it was changed, its model is not installed, or it is no point process.
    """
    stored = load_model(folder)
    about = stored.description
    process = process_class(about["model"])()
    process.restore(stored.tensors, about["settings"])
    return FittedProcess(process, about)


def shipped_processes() -> dict[str, Path]:
    """Return the folders of the fitted point processes that ship, by the name of their region."""
    folders = sorted(SHIPPED.glob(f"{PREFIX}*"))
    return {folder.name.removeprefix(PREFIX): folder for folder in folders}


def open_process(name: str) -> FittedProcess:
    """Read a fitted point process: from a folder, or the one that ships for a region.

    Parameters
    ----------
    name
        A key of `shipped_processes`, or a folder.

    Raises
    ------
    ModelError
        It is neither, or as `load_process`.

    Examples
    --------
    >>> open_process("california").process.name
    'hybrid-etas'
    """
    shipped = shipped_processes()
    if not Path(name).is_dir() and name not in shipped:
        raise ModelError(
            f"expected the folder of a fitted point process or one of {', '.join(shipped)}, got "
            f"{name!r}. Fit one: graben quakes fit."
        )
    return load_process(shipped.get(name, name))
