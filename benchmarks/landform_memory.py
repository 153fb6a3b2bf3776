"""How much memory and time the forms of an elevation model of 20,000 x 20,000 cells take.

The model (1.6 GB of float32, 30 m cells) is a fractal of 2,048 cells a side, mirrored over the
plane, under swells of 300 to 700 cells and a slope, so that nothing repeats. The command runs in a
process of its own; its peak memory is the system's count (VmHWM). Needs 3 GB of disk, and some
minutes:

    python benchmarks/landform_memory.py --out out/bench
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine

from graben.landforms import fractal

SIDE, PATCH, SEARCH = 20_000, 2_048, 50
COMMAND = """
import atexit, sys
from pathlib import Path
from graben.cli import main
noted = Path(sys.argv.pop())
def note():
    [peak] = [line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")]
    noted.write_text(peak.split()[1])
atexit.register(note)
main()
"""


def write_model(path: Path, side: int) -> None:
    """Write the model block by block."""
    patch = fractal(PATCH, PATCH, hurst=0.8, relief=600.0, seed=1).to_numpy()
    plane = np.block([[patch, patch[:, ::-1]], [patch[::-1], patch[::-1, ::-1]]])
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": side, "height": side}
    profile |= {"tiled": True, "blockxsize": 512, "blockysize": 512, "nodata": float("nan")}
    place = {"crs": "EPSG:32636", "transform": Affine(30, 0, 300_000, 0, -30, 4_600_000)}
    with rasterio.open(path, "w", **profile, **place) as file:
        for _, window in file.block_windows(1):
            y = np.arange(window.row_off, window.row_off + window.height)[:, None]
            x = np.arange(window.col_off, window.col_off + window.width)
            swell = 40 * np.sin(x / 317 + y / 691) + 25 * np.cos(x / 463 - y / 389)
            heights = plane[y % (2 * PATCH), x % (2 * PATCH)] + swell + 0.02 * (x + y) + 500
            file.write(heights.astype(np.float32), 1, window=window)


def measured(model: Path, out: Path) -> dict[str, float]:
    """Run the command once; its peak of memory, its time and its work."""
    peak = out.with_suffix(".peak")
    arguments = ["landforms", "forms", model, "--search", SEARCH, "--out", out, peak]
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"peak_mb": int(peak.read_text()) / 1e3, "seconds": seconds, "cpu_seconds": cpu}


def main() -> None:
    """Make the model, measure, print a table and write landform_memory.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=SIDE, help="cells of a side")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    rows = {}
    with tempfile.TemporaryDirectory(dir=given.out) as folder:
        for name, side in (("once, to compile", 256), (f"{given.side:,} a side", given.side)):
            model = Path(folder) / f"model-{side}.tif"
            write_model(model, side)
            row = measured(model, Path(folder) / f"forms-{side}.tif")
            rows[name] = row | {"mcells_per_second": side**2 / 1e6 / row["seconds"]}
            shown = "   ".join(f"{key} {value:,.1f}" for key, value in rows[name].items())
            print(f"{name:20s}{shown}", flush=True)
    written = {"search": SEARCH, "side": given.side, "cores": os.cpu_count(), "rows": rows}
    (given.out / "landform_memory.json").write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
