"""What is known of each data set; the facts stand once, in `data/registry.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from graben.errors import InputError

FOLDER = Path(__file__).parents[1] / "data"
REGISTRY = FOLDER / "registry.json"


@dataclass(frozen=True)
class Package:
    """A pinned package of a public registry that carries data.

    Parameters
    ----------
    name, version
        What the package manager is asked for.
    file
        Name of the archive.
    bytes, sha256
        Size and hash of the archive.
    """

    name: str
    version: str
    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Dataset:
    """What is known of one data set.

    Parameters
    ----------
    name, title, kind
        Kinds are "catalogue", "elevation", "outlines" and "faults".
    ships
        Whether it is part of graben; otherwise `fetch` gets it.
    origin, licence, traps
        For people: where it comes from, what it may be used for, what to beware of.
    file, bytes, sha256
        The file as it lies on disk.
    package, member
        The package that it comes from, and its path there if it is taken as it is.
    period
        First and last day (catalogues).
    region
        West, south, east, north in degrees.
    cells_per_degree
        Grid (elevations).
    counts
        How many events, cells, rings or features.
    decoded_sha256
        Hash of the decoded arrays of a data set that ships, see `decoded_sha256`.
    """

    name: str
    title: str
    kind: str
    ships: bool
    origin: str
    licence: str
    traps: tuple[str, ...]
    file: str
    bytes: int
    sha256: str
    package: str
    region: tuple[float, float, float, float]
    member: str | None = None
    period: tuple[str, str] | None = None
    cells_per_degree: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    decoded_sha256: str | None = None


@cache
def known() -> tuple[dict[str, Package], dict[str, Dataset]]:
    """Packages and data sets by name, as the registry says."""
    facts = json.loads(REGISTRY.read_text(encoding="utf-8"))
    packages = {name: Package(name, **fact) for name, fact in facts["packages"].items()}
    datasets = {}
    for fact in facts["datasets"]:
        for key in {"traps", "region", "period"} & fact.keys():
            fact[key] = tuple(fact[key])
        datasets[fact["name"]] = Dataset(**fact)
    return packages, datasets


def all_datasets() -> list[Dataset]:
    """Every data set that graben knows: first those that ship, then those to fetch."""
    return list(known()[1].values())


def about(name: str) -> Dataset:
    """What is known of the data set `name`.

    Raises
    ------
    InputError
        There is no such data set.

    Examples
    --------
    >>> about("usgs-world-m5").counts["events"]
    87347
    """
    datasets = known()[1]
    if name not in datasets:
        raise InputError(
            f"there is no data set {name!r}. Expected one of {', '.join(datasets)}; "
            "`graben data list` says what they are."
        )
    return datasets[name]


def package(name: str) -> Package:
    """What is known of the pinned package `name`."""
    return known()[0][name]


def about_kind(name: str, kind: str) -> Dataset:
    """As `about`, and it must be of this kind."""
    dataset = about(name)
    if dataset.kind != kind:
        fitting = [other.name for other in all_datasets() if other.kind == kind]
        raise InputError(
            f"the data set {name!r} is of the kind {dataset.kind!r}; expected {kind!r}: one of "
            f"{', '.join(fitting)}."
        )
    return dataset
