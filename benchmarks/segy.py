"""SEG-Y: the zoo of odd files, speed of reading against segyio, and a sparse file of 100 GB.

Three tables. The first opens every file of the zoo in `tests/imaging/segy_zoo.py`, compares every
sample with what was written, and shows what is refused and why. The second reads an inline slab, a
crossline and a time slice of a volume, in IBM and in IEEE floats, by graben and by segyio, which
opens the file with its own geometry; `segyio.tools.cube`, which loads everything, stands beside
(wall seconds, the least of five, files in the page cache). The third opens a sparse file of 100 GB
whose traces have 60,000 samples, in a process of its own whose peak memory is measured, and reads a
slab of it; only its trace headers and one inline are on the disk. About two minutes and 2 GB of
disk; where the file system discards what is deleted, minutes more until the file is gone:

    python benchmarks/segy.py --out out/bench
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import segyio

from graben.errors import SeismicError
from graben.imaging import open_volume

sys.path.append(str(Path(__file__).parents[1] / "tests" / "imaging"))
from segy_zoo import REFUSED, ZOO

SHAPE, SLAB, REPEATS = (300, 300, 500), 32, 5
LONG, TRACES_ACROSS = 60_000, 600  # samples; crosslines of an inline of the sparse file
SPARSE_BYTES = 100e9
SPARSE = """
import json, resource, sys, time
begin = time.perf_counter()
from graben.imaging import open_volume
imported = time.perf_counter()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
volume = open_volume(sys.argv[1])
opened = time.perf_counter()
lines, columns, samples = volume.shape
slab = volume.read((slice(5, 6), slice(0, columns), slice(0, samples)))
read = time.perf_counter()
assert slab[0, 3, 7] == 3007 and slab.any(axis=2).all()
volume.read((slice(0, lines), slice(7, 8), slice(1000, 1001)))
print(json.dumps({
    "shape": volume.shape, "open_seconds": opened - imported, "slab_seconds": read - opened,
    "slab_mb": slab.nbytes / 1e6, "scattered_seconds": time.perf_counter() - read,
    "imports_mb": before / 1024, "slab": "one inline",
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def zoo(folder: Path) -> dict[str, Any]:
    """Open everything; print a line for each file."""
    rows = []
    print(f"{'file':32s}{'shape':>16s}  odd")
    for name, specimen in ZOO.items():
        path = folder / f"{name}.sgy"
        truth = specimen.make(path)
        volume = open_volume(path, **specimen.overrides)
        found = volume.read(tuple(slice(0, count) for count in volume.shape))
        exact = bool(np.array_equal(found, truth.samples))
        odd = ", ".join(one.name for one in volume.oddities)
        print(
            f"{name:32s}{'x'.join(map(str, volume.shape)):>16s}  {odd}{'' if exact else ' WRONG'}"
        )
        rows.append({"file": name, "shape": volume.shape, "exact": exact, "odd": odd})
        path.unlink()
    refused = []
    for name, (make, _) in REFUSED.items():
        path = folder / f"{name}.sgy"
        make(path)
        try:
            open_volume(path)
            refused.append({"file": name, "reason": None})
        except SeismicError as error:
            reason = str(error).replace(str(path), "FILE")
            print(f"refused: {name:23s}{reason}")
            refused.append({"file": name, "reason": reason})
    exact = sum(row["exact"] for row in rows)
    print(f"{exact} of {len(rows)} open with exact samples; {len(refused)} are refused\n")
    return {"opened": rows, "refused": refused}


def least(work: Callable[[], Any]) -> float:
    """Measure the least wall seconds of several runs."""
    spent = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begin)
    return min(spent)


def written(path: Path, code: int) -> None:
    """Write a volume with segyio."""
    spec = segyio.spec()
    spec.sorting, spec.format = 2, code
    spec.ilines, spec.xlines = np.arange(1, SHAPE[0] + 1), np.arange(1, SHAPE[1] + 1)
    spec.samples = np.arange(SHAPE[2]) * 4.0
    noise = np.random.default_rng(1).standard_normal(SHAPE[1:]).astype(np.float32)
    with segyio.create(path, spec) as file:
        for i in range(SHAPE[0]):
            file.trace.raw[i * SHAPE[1] : (i + 1) * SHAPE[1]] = noise
            for j in range(SHAPE[1]):
                file.header[i * SHAPE[1] + j] = {115: SHAPE[2], 117: 4000, 189: i + 1, 193: j + 1}
        file.bin.update(hdt=4000)


def reading(folder: Path) -> list[dict[str, Any]]:
    """Read the same regions by graben and by segyio."""
    rows = []
    size = f"{SHAPE[0]} x {SHAPE[1]} x {SHAPE[2]}"
    columns = f"{'MB':>8s}{'graben s':>10s}{'segyio s':>10s}{'MB/s':>8s}{'ratio':>7s}"
    print(f"{'reading, ' + size:44s}{columns}")
    for code, kind in ((1, "IBM"), (5, "IEEE")):
        path = folder / f"{kind}.sgy"
        written(path, code)
        volume = open_volume(path)
        every = tuple(slice(0, count) for count in SHAPE)
        with segyio.open(path) as file:
            numbers = file.ilines[10 : 10 + SLAB]
            regions: dict[str, tuple[tuple[slice, ...], Callable[[], np.ndarray]]] = {
                "whole, beside tools.cube": (
                    every, lambda path=path: segyio.tools.cube(path)
                ),
                f"slab of {SLAB} inlines": (
                    (slice(10, 10 + SLAB), *every[1:]),
                    lambda file=file, numbers=numbers: np.stack(
                        [file.iline[number] for number in numbers]
                    ),
                ),
                "a crossline": (
                    (every[0], slice(50, 51), every[2]), lambda file=file: file.xline[51][:, None]
                ),
                "a time slice": (
                    (*every[:2], slice(90, 91)),
                    lambda file=file: file.depth_slice[90][..., None],
                ),
                "a brick of 64 a side": (
                    (slice(7, 71), slice(9, 73), slice(100, 164)),
                    lambda file=file: np.stack(
                        [file.iline[number][9:73, 100:164] for number in file.ilines[7:71]]
                    ),
                ),
            }  # fmt: skip
            for name, (region, theirs) in regions.items():
                found = volume.read(region)
                assert np.array_equal(found, theirs())
                ours, others = least(lambda: volume.read(region)), least(theirs)  # noqa: B023
                megabytes = found.nbytes / 1e6
                print(
                    f"{kind + ', ' + name:44s}{megabytes:8.1f}{ours:10.4f}{others:10.4f}"
                    f"{megabytes / ours:8.0f}{others / ours:7.1f}"
                )
                rows.append(
                    {"what": f"{kind}, {name}", "mb": megabytes, "graben": ours, "segyio": others}
                )
        path.unlink()
    print()
    return rows


def sparse(folder: Path) -> dict[str, Any]:
    """Make a sparse file, open it and read a slab in a process of its own."""
    path = folder / "sparse.sgy"
    stride = 240 + 4 * LONG
    traces = int(SPARSE_BYTES) // stride // TRACES_ACROSS * TRACES_ACROSS
    head = bytearray(3600)
    for byte, value in ((3217, 4000), (3221, LONG), (3225, 5), (3501, 256)):
        head[byte - 1 : byte + 1] = value.to_bytes(2, "big")
    header = np.zeros(240, np.uint8)
    with path.open("wb") as file:
        file.write(head)
        for number in range(traces):
            line, column = divmod(number, TRACES_ACROSS)
            header[114:118] = np.array([LONG, 4000], ">u2").view(np.uint8)
            header[188:196] = np.array([line + 1, column + 1], ">i4").view(np.uint8)
            file.seek(3600 + number * stride)
            file.write(header.tobytes())
            if line == 5:
                values = np.arange(LONG) + 1000 * column
                file.write(values.astype(">f4").tobytes())
        file.truncate(3600 + traces * stride)
    on_disk = path.stat().st_blocks * 512
    done = subprocess.run(
        [sys.executable, "-c", SPARSE, path], check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    found |= {"file_gb": path.stat().st_size / 1e9, "disk_gb": on_disk / 1e9, "traces": traces}
    print(
        f"sparse file of {found['file_gb']:.1f} GB ({found['disk_gb']:.1f} on the disk), {traces} "
        f"traces of {LONG} samples: opened in {found['open_seconds']:.1f} s, one inline "
        f"({found['slab_mb']:.0f} MB) read in {found['slab_seconds']:.2f} s, one sample of each "
        f"trace of a crossline in {found['scattered_seconds']:.3f} s; peak memory "
        f"{found['peak_mb']:.0f} MB, of which imports {found['imports_mb']:.0f} MB",
        flush=True,
    )
    path.unlink()
    return found


def main() -> None:
    """Measure, print three tables and write segy.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found = {"zoo": zoo(folder), "reading": reading(folder), "sparse": sparse(folder)}
    out.mkdir(parents=True, exist_ok=True)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (out / "segy.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
