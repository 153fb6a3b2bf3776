"""Derivatives of the same 4,096 x 4,096 model by graben, gdaldem and GRASS: time and difference.

CPU seconds (user and system, all threads; the least of five runs) from the file to the file: read,
compute, write an uncompressed GeoTIFF of float32 (hillshade by gdaldem: bytes; GRASS: its own
compressed rasters). The interpreter's start is left out, and so is what graben does once for each
machine or process, which is printed apart. The model is a fractal of 2,000 m relief in whole
metres, with a void. A second table compares values where heights are not whole: gdaldem adds them
in single precision, GRASS in double. Needs `gdaldem` and `grass`, and about three minutes:

    python benchmarks/derivatives.py --out out/bench
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr

from graben.landforms import derive, fractal, read_dem

SIZE, REPEATS = 4096, 5
GDALDEM = {
    "slope": ["slope"],
    "aspect": ["aspect"],
    "hillshade": ["hillshade"],
    "tri": ["TRI", "-alg", "Riley"],
    "tri_wilson": ["TRI", "-alg", "Wilson"],
    "tpi": ["TPI"],
    "roughness": ["roughness"],
}
GRASS = ("slope", "aspect", "profile_curvature", "tangential_curvature")
GRASS_SCRIPT = """
r.in.gdal input={file} output=dem --q --o
g.region raster=dem
for repeat in {repeats}; do
    TIMEFORMAT="seconds %U %S"
    time r.slope.aspect -n elevation=dem slope=slope aspect=aspect pcurvature=profile_curvature \
        tcurvature=tangential_curvature precision={precision} --q --o
done
for map in {maps}; do
    r.out.gdal -c -f input=$map output=$map.tif type=Float64 nodata=-99999 --q --o
done
"""


def write(path: Path, array: xr.DataArray) -> None:
    """Write an uncompressed GeoTIFF, as gdaldem does."""
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "nodata": np.nan}
    profile |= {"height": array.shape[0], "width": array.shape[1]}
    profile |= {"crs": array.rio.crs, "transform": array.rio.transform()}
    with rasterio.open(path, "w", **profile) as file:
        file.write(array.to_numpy(), 1)


def read(path: Path) -> np.ndarray:
    """Read a raster, voids as NaN."""
    with rasterio.open(path) as file:
        values = file.read(1, masked=True).astype(np.float64).filled(np.nan)
    values[values == -9999] = np.nan  # level land in GRASS's aspect
    return values


def ours(dem: Path, names: tuple[str, ...], folder: Path) -> None:
    """Read, derive, write."""
    for name, array in derive(read_dem(dem), names).items():
        write(folder / f"{name}.tif", array)


def theirs(dem: Path, name: str, folder: Path) -> None:
    """Run gdaldem."""
    mode, *options = GDALDEM[name]
    target = folder / f"gdal-{name}.tif"
    subprocess.run(["gdaldem", mode, dem, target, "-q", *options], check=True)


def grass(dem: Path, folder: Path, precision: str, repeats: int) -> float:
    """Run r.slope.aspect; return its CPU seconds and leave its rasters in the folder."""
    maps = " ".join(GRASS)
    runs = " ".join(map(str, range(repeats)))
    script = GRASS_SCRIPT.format(file=dem, repeats=runs, maps=maps, precision=precision)
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            ["grass", "-c", dem, f"{place}/location", "--exec", "bash", "-c", script],
            cwd=folder, check=True, capture_output=True, text=True,
            env=os.environ | {"GRASS_COMPRESSOR": "ZLIB"},
        )  # fmt: skip
    timed = [line.split()[1:] for line in done.stderr.splitlines() if line.startswith("seconds")]
    return min(float(user) + float(system) for user, system in timed)


def cpu(work: Callable[[], Any]) -> float:
    """Measure the least CPU seconds of this process and its children."""

    def now() -> float:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in both)

    spent = []
    for _ in range(REPEATS):
        begin = now()
        work()
        spent.append(now() - begin)
    return min(spent)


def apart(name: str, one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Compare two rasters: cells that only one of them has, and the largest difference."""
    gap = abs(one - other)
    if name == "aspect":
        gap = np.minimum(gap, 360 - gap)
    if name == "hillshade":  # whole numbers from 1 to 255
        gap = abs(one - np.floor(1 + 254 * other + 0.5))
    return {
        "voids_differ": int((np.isnan(one) != np.isnan(other)).sum()),
        "largest_difference": float(np.nanmax(gap)),
        "largest_value": float(np.nanmax(abs(one))),
    }


def row(name: str, seconds: tuple[float, float], gap: dict[str, float]) -> dict[str, Any]:
    """Gather a row of the table and print it."""
    their, our = seconds
    print(
        f"{name:42s}{their:8.2f}{our:8.2f}{their / our:8.1f}"
        + "".join(f"{value:14.3g}" for value in gap.values())
    )
    return {"what": name, "their_seconds": their, "our_seconds": our, "ratio": their / our} | gap


def compared(dem: Path, folder: Path) -> list[dict[str, Any]]:
    """Measure all, on heights in whole metres."""
    rows = []
    for name in GDALDEM:
        seconds = (
            cpu(lambda name=name: theirs(dem, name, folder)),
            cpu(lambda name=name: ours(dem, (name,), folder)),
        )
        gap = apart(name, read(folder / f"gdal-{name}.tif"), read(folder / f"{name}.tif"))
        rows.append(row(f"gdaldem {name}", seconds, gap))
    total = sum(one["their_seconds"] for one in rows)
    together = cpu(lambda: ours(dem, tuple(GDALDEM), folder))
    rows.append(row(f"gdaldem, all {len(GDALDEM)} at once", (total, together), {}))
    seconds = (grass(dem, folder, "FCELL", REPEATS), cpu(lambda: ours(dem, GRASS, folder)))
    rows.append(row(f"r.slope.aspect, {len(GRASS)} outputs", seconds, {}))
    return rows


def precise(heights: xr.DataArray, folder: Path) -> list[dict[str, Any]]:
    """Compare values on heights that are not whole: with gdaldem, and with GRASS in double."""
    dem = folder / "fine.tif"
    write(dem, heights)
    ours(dem, tuple({*GDALDEM, *GRASS}), folder)
    found = []
    for name in GDALDEM:
        theirs(dem, name, folder)
        gap = apart(name, read(folder / f"gdal-{name}.tif"), read(folder / f"{name}.tif"))
        found.append({"what": f"gdaldem {name}", **gap})
    our = {name: read(folder / f"{name}.tif") for name in GRASS}
    grass(dem, folder, "DCELL", 1)
    for name in GRASS:
        gap = apart(name, read(folder / f"{name}.tif"), our[name])
        found.append({"what": f"r.slope.aspect {name}", **gap})
    for one in found:
        print(f"{one['what']:42s}" + "".join(f"{value:14.3g}" for value in list(one.values())[1:]))
    return found


def main() -> None:
    """Measure, print two tables and write derivatives.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    heights = fractal(SIZE, SIZE, hurst=0.8, relief=2000, seed=1)
    heights[2000:2010, 1000:1020] = np.nan
    begin = time.perf_counter()
    derive(heights[:50, :50], tuple({*GDALDEM, *GRASS}))
    once = time.perf_counter() - begin
    print(f"once, compiling or loading what was compiled: {once:.1f} s\n")
    differences = f"{'voids differ':>14s}{'difference':>14s}{'of up to':>14s}"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        dem = folder / "dem.tif"
        write(dem, heights.copy(data=np.round(heights.to_numpy())))
        columns = f"{'theirs':>8s}{'ours':>8s}{'ratio':>8s}{differences}"
        print(f"{'CPU seconds, whole metres':42s}{columns}")
        rows = compared(dem, folder)
        print(f"\n{'heights that are not whole':42s}{differences}")
        values = precise(heights, folder)
    out.mkdir(parents=True, exist_ok=True)
    written = {"size": SIZE, "seconds_once": once, "whole_metres": rows, "not_whole": values}
    (out / "derivatives.json").write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
