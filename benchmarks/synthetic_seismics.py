"""Synthetic seismic cubes with all labels, drawn and rendered anew: samples a second of one core.

Millions of samples a second of CPU time over 24 scenes of each preset (each scene once; what is
compiled once is left out), the slowest and fastest scene, and beside them a generator made of
scipy's parts that warps a cube of layers once per fault, as gridded generators do. A minute:

    python benchmarks/synthetic_seismics.py --out out/bench
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

from graben.imaging import draw_scene, render_scene
from graben.imaging.wavelets import ricker

SIDE, SCENES, WARPED = 128, 24, 3


def rendered(preset: str) -> list[float]:
    """Measure drawing and rendering, MVox/s of each scene."""
    render_scene(draw_scene(np.random.default_rng(0), preset, 32))
    speeds = []
    for seed in range(SCENES):
        begin = time.process_time()
        render_scene(draw_scene(np.random.default_rng(seed), preset, SIDE))
        speeds.append(SIDE**3 / (time.process_time() - begin) / 1e6)
    return speeds


def warped(seed: int, faults: int = 6) -> float:
    """Measure a cube of layers that is warped on its grid, once per fault, MVox/s."""
    begin = time.process_time()
    generator = np.random.default_rng(seed)
    grid = np.indices((SIDE, SIDE, SIDE), np.float32)
    cube = np.broadcast_to(generator.uniform(-1, 1, SIDE).astype(np.float32), (SIDE,) * 3)
    bend = sum(
        6 * np.exp(-((grid[0] - y) ** 2 + (grid[1] - x) ** 2) / 1500)
        for y, x in generator.uniform(0, SIDE, (8, 2))
    )
    cube = ndimage.map_coordinates(cube, [grid[0], grid[1], grid[2] + bend], order=1)
    for _ in range(faults):
        strike, slope = generator.uniform(0, 2 * np.pi), generator.uniform(0.2, 1)
        middle = generator.uniform(0, SIDE, 3)
        across = (grid[1] - middle[1]) * np.cos(strike) + (grid[0] - middle[0]) * np.sin(strike)
        hanging = across > slope * (grid[2] - middle[2])
        slip = generator.uniform(4, 25) * hanging
        cube = ndimage.map_coordinates(cube, [grid[0], grid[1], grid[2] - slip], order=1)
    cube = ndimage.convolve1d(cube, ricker(30.0), axis=2)
    cube += 0.2 * cube.std() * generator.standard_normal(cube.shape, np.float32)
    return SIDE**3 / (time.process_time() - begin) / 1e6


def main() -> None:
    """Measure, print a table and write synthetic_seismics.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    measured = {
        "faults, with labels": rendered("faults"),
        "full, with labels": rendered("full"),
        "gridded warps, 6 faults, no labels": [warped(seed) for seed in range(WARPED)],
    }
    rows = []
    print(f"{'MVox/s, one core, 128 a side':38s}{'overall':>9s}{'slowest':>9s}{'fastest':>9s}")
    for name, speeds in measured.items():
        overall = len(speeds) / sum(1 / speed for speed in speeds)
        print(f"{name:38s}{overall:9.1f}{min(speeds):9.1f}{max(speeds):9.1f}")
        rows.append({"what": name, "mvox_per_s": overall, "low": min(speeds), "high": max(speeds)})
    out.mkdir(parents=True, exist_ok=True)
    (out / "synthetic_seismics.json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
