"""Geomorphons beside GRASS's r.geomorphon: the same cells, the same files, CPU seconds of each.

Agreement: the elevation models of the reference data (GRABEN_REFERENCE_DATA), whole, of integers,
put on a metric map and with voids punched in, and two fractals; one of them also as it is, in
degrees. Speed: a fractal of 4,096 x 4,096 cells of float32 and the same in whole metres; reading,
computing and writing count on both sides.
Then what threads bring, beside a kernel of pure arithmetic, and what long searches cost. GRASS
takes some ten minutes of it:

    python benchmarks/geomorphons.py --out out/bench
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import numba
import numpy as np
import rasterio
import xarray as xr
from rasterio.transform import from_origin

from graben.landforms import (
    GEOMORPHONS,
    DemFile,
    Layer,
    Sighting,
    cell_size,
    fractal,
    geomorphons,
    stream,
)
from graben.landforms.forms import COMPARISONS, CROSSOVER, GeomorphonTile
from graben.tiling import plan_tiles

SIDE = 4096
LONG = 2048
VOID = -32768


def write_dem(path: Path, heights: np.ndarray) -> Path:
    """Write heights of 30 m cells in UTM."""
    rows, columns = heights.shape
    profile = {"driver": "GTiff", "count": 1, "height": rows, "width": columns}
    profile |= {"dtype": heights.dtype, "nodata": VOID if heights.dtype == np.int16 else np.nan}
    place = {"crs": "EPSG:32633", "transform": from_origin(500_000, 4_000_000, 30, 30)}
    with rasterio.open(path, "w", **profile, **place) as file:
        file.write(heights, 1)
    return path


def in_grass(dem: Path, lines: list[str]) -> str:
    """Run commands of GRASS on an imported model; return what they print."""
    script = ["set -e", f"r.in.gdal -o input={dem} output=dem --q", "g.region raster=dem", *lines]
    done = subprocess.run(
        ["grass", "--tmp-location", str(dem), "--exec", "bash", "-c", "\n".join(script)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


def holed(heights: np.ndarray, seed: int) -> np.ndarray:
    """Punch single cells, a lake and a stripe out of a model of whole metres."""
    generator = np.random.default_rng(seed)
    punched = heights.astype(np.int16)
    punched[generator.random(punched.shape) < 0.01] = VOID
    row, column = (int(length * 0.4) for length in punched.shape)
    punched[row : row + 9, column : column + 14] = VOID
    punched[:, column + 30 : column + 32] = VOID
    return punched


def models(reference: Path) -> dict[str, np.ndarray]:
    """Return the models that agreement is tested on."""
    with rasterio.open(reference / "pysheds_dem.tif") as file:
        plain = file.read(1)
    return {
        "jacksboro": holed(np.load(reference / "jacksboro_fault_dem.npz")["elevation"], 1),
        "plain": holed(plain, 2),
        "boulder": holed(np.loadtxt(reference / "boulder_SRTMGL3.asc", skiprows=6), 3),
        "rough fractal": fractal(512, 512, hurst=0.5, relief=900, seed=4).to_numpy(),
        "smooth fractal": fractal(512, 512, hurst=0.9, relief=900, seed=5).to_numpy(),
    }


def agreement(folder: Path, reference: Path) -> list[dict[str, Any]]:
    """Count the cells whose forms differ, voids included."""
    cases = [Sighting(search, comparison=one) for search in (3, 10, 30, 50) for one in COMPARISONS]
    cases.append(Sighting(12, skip=2, flat=2.0, dist=5))
    found = []
    for name, heights in models(reference).items():
        dem = write_dem(folder / "dem.tif", heights)
        found += [{"model": name, **row} for row in differences(folder, dem, cases)]
    return found


def differences(folder: Path, dem: Path, cases: list[Sighting]) -> list[dict[str, Any]]:
    """Count the cells of a file whose forms differ, for each way of looking around."""
    lines, found = [], []
    for number, case in enumerate(cases):
        settings = " ".join(f"{key}={value}" for key, value in vars(case).items())
        lines.append(f"r.geomorphon --q elevation=dem forms=f{number} {settings}")
        lines.append(f"r.out.bin --q -i bytes=4 input=f{number} output={folder}/f{number} null=0")
    in_grass(dem, lines)
    for number, case in enumerate(cases):
        ours = forms(DemFile(dem), case, folder / "ours.tif", 1)
        theirs = np.fromfile(folder / f"f{number}", np.int32).reshape(ours.shape)
        differing = int(np.count_nonzero(ours != theirs))
        found.append({**vars(case), "cells": ours.size, "differing": differing})
    return found


def forms(dem: DemFile, sighting: Sighting, out: Path, workers: int) -> np.ndarray:
    """Make the map of forms as the command does, from a file into a file."""
    compute = GeomorphonTile(sighting, cell_size(dem))
    layer = Layer(out, "uint8", GEOMORPHONS, "landform")
    stream(dem, compute, {"forms": layer}, compute.halo, workers)
    with rasterio.open(out) as file:
        return file.read(1)


def cpu(run: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def speed(folder: Path) -> list[dict[str, Any]]:
    """Time both on the same large models."""
    heights = fractal(SIDE, SIDE, hurst=0.7, relief=1500, seed=1).to_numpy()
    found = []
    for kind, cells in (("fractal", heights), ("integer", np.round(heights).astype(np.int16))):
        dem = write_dem(folder / f"{kind}.tif", cells)
        for search in (3, 10, 50):
            printed = in_grass(
                dem,
                [
                    "TIMEFORMAT='cpu %U %S'",
                    f"time r.geomorphon --q elevation=dem forms=forms search={search}",
                ],
            )
            theirs = sum(map(float, re.search(r"cpu ([\d.]+) ([\d.]+)", printed).groups()))
            job = (DemFile(dem), Sighting(search), folder / "ours.tif", 1)
            ours = min(cpu(lambda job=job: forms(*job)) for _ in range(3))
            found.append({"model": kind, "search": search, "grass": theirs, "graben": ours})
            print(f"{kind:8} search {search:3}: GRASS {theirs:7.2f} s, graben {ours:5.2f} s CPU,"
                  f" {theirs / ours:6.1f} times", flush=True)  # fmt: skip
    return found


@numba.njit(nogil=True)
def arithmetic(turns: int) -> float:
    """Keep one core busy without touching memory."""
    x = 0.5
    for _ in range(turns):
        x = 3.7 * x * (1 - x)
    return x


def wall(run: Callable[[], object]) -> float:
    """Return the shortest of three wall times of a call."""
    best = np.inf
    for _ in range(3):
        begun = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - begun)
    return best


def two_threads() -> dict[str, float]:
    """Compare what a second thread brings to the map and to pure arithmetic."""
    heights = fractal(SIDE, SIDE, hurst=0.7, relief=1500, seed=1)

    def halves(threads: int) -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(arithmetic, [100_000_000] * 2))

    walls = {}
    for threads in (1, 2):
        compute = GeomorphonTile(Sighting(50), cell_size(heights), threads=threads)
        walls[threads] = wall(lambda one=compute: on_whole(one, heights))
    arithmetic(1)
    gain, ideal = walls[1] / walls[2], wall(lambda: halves(1)) / wall(lambda: halves(2))
    return {"forms": gain, "arithmetic": ideal, "share": gain / ideal}


def long_searches() -> list[dict[str, float]]:
    """Time both ways of looking far, in CPU seconds."""
    heights, small = (fractal(side, side, hurst=0.7, relief=1500, seed=1) for side in (LONG, 64))
    found = []
    for search in (200, 500, 1000):
        compute = GeomorphonTile(Sighting(search), cell_size(heights))
        row: dict[str, float] = {"search": search}
        for way, crossover in (("sweep", 10**9), ("hulls", 0), ("chosen", CROSSOVER)):
            with mock.patch("graben.landforms.forms.CROSSOVER", crossover):
                geomorphons(small, Sighting(search))  # compiles
                row[way] = cpu(lambda one=compute: on_whole(one, heights))
        found.append(row)
    return found


def on_whole(compute: GeomorphonTile, heights: xr.DataArray) -> None:
    """Compute the forms of a model in memory."""
    compute(heights.to_numpy(), plan_tiles(heights.shape, heights.shape, 0)[0], heights.shape)


def starts() -> dict[str, float]:
    """Time what no run repeats: the interpreter's start, and the first compilation."""
    code = (
        "import time; begun = time.process_time()\n"
        "from graben.landforms import fractal, geomorphons\n"
        "dem = fractal(64, 64); imported = time.process_time()\n"
        "geomorphons(dem); print(imported, time.process_time() - imported)"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        times = [
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True,
                env=environment,
            ).stdout.split()
            for _ in range(2)
        ]  # fmt: skip
    (start, compiled), (_, loaded) = (map(float, pair) for pair in times)
    return {"start": start, "first_compilation": compiled, "later_load": loaded}


def main() -> None:
    """Run all, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    reference = Path(os.environ.get("GRABEN_REFERENCE_DATA", "../shared/data")) / "dem"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        same = agreement(folder, reference)
        cells, differing = (sum(row[key] for row in same) for key in ("cells", "differing"))
        print(f"{differing} of {cells} cells differ from r.geomorphon, in {len(same)} maps")
        [degrees] = differences(folder, reference / "pysheds_dem.tif", [Sighting(10)])
        print("{differing} of {cells} on a model in degrees".format(**degrees))
        rows = speed(folder)
    found = {"agreement": same, "in_degrees": degrees, "speed": rows, "starts": starts()}
    found |= {"two_threads": two_threads(), "long_searches": long_searches()}
    for name in ("starts", "two_threads"):
        print(name, {key: round(value, 3) for key, value in found[name].items()})
    for row in found["long_searches"]:
        print("CPU seconds:", {key: round(value, 2) for key, value in row.items()})
    out.mkdir(parents=True, exist_ok=True)
    (out / "geomorphons.json").write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
