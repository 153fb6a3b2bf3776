"""Elevation models of known kinds, and GRASS as an oracle that is run as a program of its own."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from graben.landforms import fractal

INTEGER_OUTPUTS = ("forms", "ternary", "positive", "negative")
GrassRun = Callable[..., dict[str, np.ndarray]]


def metric_geotiff(path: Path, heights: np.ndarray, cell: float = 30.0) -> Path:
    """Write heights as a GeoTIFF in UTM; -32768 is the void of integers."""
    profile = {
        "driver": "GTiff",
        "height": heights.shape[0],
        "width": heights.shape[1],
        "count": 1,
        "dtype": heights.dtype,
        "crs": "EPSG:32633",
        "transform": from_origin(500_000, 4_000_000, cell, cell),
        "nodata": -32768 if heights.dtype == np.int16 else np.nan,
    }
    with rasterio.open(path, "w", **profile) as file:
        file.write(heights, 1)
    return path


@pytest.fixture(scope="session")
def grass_geomorphons(
    missing_evidence: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory
) -> GrassRun:
    """Run r.geomorphon for several settings on heights of 30 m cells; void is NaN everywhere."""
    if shutil.which("grass") is None:
        missing_evidence("no GRASS (grass-core) in the path")

    def run(
        heights: np.ndarray, cases: list[dict[str, object]], outputs: tuple[str, ...] = ("forms",)
    ) -> list[dict[str, np.ndarray]]:
        folder = tmp_path_factory.mktemp("grass")
        dem = metric_geotiff(folder / "dem.tif", heights)
        lines = ["set -e", f"r.in.gdal -o input={dem} output=dem --q", "g.region raster=dem"]
        for number, case in enumerate(cases):
            settings = " ".join(f"{name}={value}" for name, value in case.items())
            asked = " ".join(f"{name}={name}_{number}" for name in outputs)
            lines.append(f"r.geomorphon --q elevation=dem {settings} {asked}")
            for name in outputs:
                kind = "-i bytes=4" if name in INTEGER_OUTPUTS else "-f bytes=8"
                place = f"input={name}_{number} output={folder}/{name}_{number}"
                lines.append(f"r.out.bin --q {place} null=-9999 {kind}")
        script = folder / "run.sh"
        script.write_text("\n".join(lines) + "\n")
        done = subprocess.run(
            ["grass", "--tmp-location", str(dem), "--exec", "bash", str(script)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

        def read(name: str, number: int) -> np.ndarray:
            dtype = np.int32 if name in INTEGER_OUTPUTS else np.float64
            values = np.fromfile(folder / f"{name}_{number}", dtype).reshape(heights.shape)
            return np.where(values == -9999, np.nan, values.astype(float))

        return [{name: read(name, number) for name in outputs} for number in range(len(cases))]

    return run


def punched(heights: np.ndarray, seed: int) -> np.ndarray:
    """Punch voids into heights: single cells, a lake, and a stripe."""
    generator = np.random.default_rng(seed)
    holed = heights.astype(np.int16)
    holed[generator.random(holed.shape) < 0.01] = -32768
    row, column = (int(length * 0.4) for length in holed.shape)
    holed[row : row + 9, column : column + 14] = -32768
    holed[:, column + 30 : column + 32] = -32768
    return holed


@pytest.fixture(scope="session")
def oracle_dems(reference_data: Path) -> dict[str, np.ndarray]:
    """Parts of three real models of whole metres with voids punched in, and two fractals."""
    folder = reference_data / "dem"
    jacksboro = np.load(folder / "jacksboro_fault_dem.npz")["elevation"]
    with rasterio.open(folder / "pysheds_dem.tif") as file:
        plain = file.read(1)
    boulder = np.loadtxt(folder / "boulder_SRTMGL3.asc", skiprows=6)
    return {
        "jacksboro": punched(jacksboro[60:190, 80:220], 1),
        "plain": punched(plain[:130, 100:240], 2),
        "boulder": punched(boulder[:130, :140], 3),
        "rough fractal": fractal(120, 140, hurst=0.5, relief=400, seed=4).to_numpy(),
        "smooth fractal": fractal(140, 120, hurst=0.9, relief=900, seed=5).to_numpy(),
    }
