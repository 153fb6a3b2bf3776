"""From a seismic file to its faults: probability, confidence, thinned faults and sticks."""

import hashlib
import pickle
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from graben.errors import InputError, SeismicError
from graben.imaging.amplitudes import Amplitudes
from graben.imaging.fault_page import write_fault_page
from graben.imaging.models.fault_stream import stream_faults
from graben.imaging.models.fault_tiles import LineTile, SectionTile, state_of
from graben.imaging.models.faults import FaultNet
from graben.imaging.ridges import Thinning
from graben.imaging.shift import survey_shift
from graben.imaging.sticks import Stick, find_sticks, write_charisma, write_stick_points
from graben.imaging.volume import SeismicVolume
from graben.imaging.volume_stream import (
    StoredArray,
    check_outputs,
    check_space,
    identity_of,
    write_like,
)
from graben.progress import track
from graben.tiling import Source, map_tiles

if TYPE_CHECKING:
    from distributed import Client

LINES = 8  # lines of a tile for nets that see lines
LONGEST = 8192  # traces of a line that are seen at once
BESIDE = 256  # traces beside a part of a longer line
SAMPLES = 2**21  # of a tile of what is thinned

Answer = Literal["probability", "confidence", "spread"]


@dataclass(frozen=True, eq=False)
class FoundFaults:
    """What the nets say of a volume, read from disk and joined where it is asked for.

    Parameters
    ----------
    model
        The nets and their calibrations.
    looks
        By name of the net, the files of its uncalibrated looks; or, of a 2-D line, "probability"
        and "spread" as they are.
    answer
        "probability" of a fault; "confidence", the chance that fault or no fault, whichever is
        likelier, is right; or "spread", the standard deviation of the looks.
    """

    model: FaultNet
    looks: Mapping[str, tuple[StoredArray, ...]]
    answer: Answer = "probability"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the volume."""
        return next(iter(self.looks.values()))[0].shape

    def read(self, region: tuple[Any, ...]) -> NDArray[np.float32]:
        """Give a region, float32."""
        if "probability" in self.looks:
            probability = self.looks["probability"][0].read(region)
            spread = self.looks["spread"][0].read(region)
        else:
            seen = {
                name: np.stack([one.read(region) for one in files])
                for name, files in self.looks.items()
            }
            probability, spread = self.model.joined(seen, "volume")
        if self.answer == "confidence":
            return np.maximum(probability, 1 - probability)
        return spread if self.answer == "spread" else probability


def map_faults(
    volume: SeismicVolume,
    model: FaultNet,
    out: Path,
    *,
    threshold: float = 0.5,
    every: int = 10,
    workers: "int | Client" = 2,
) -> dict[str, Any]:
    """Find the faults of a seismic volume or line of any size, and write them beside each other.

    Memory holds a few slabs of lines. What is finished is kept, hidden, beside the output until
    all is whole: the same call after a kill or a full disk goes on from there.

    Parameters
    ----------
    volume
        What `open_volume` gives.
    model
        A volume net looks at volumes once; section nets along inlines and along crosslines; on a
        2-D line both look at three trace spacings, with and without gain control, from both sides.
    out
        A `.sgy` or `.zarr` file for the probability. Beside it come `_confidence`, `_thinned` and,
        of several looks, `_spread` files, `_sticks.dat` (CHARISMA), `_sticks.xyz` and a page.
    threshold
        Probability from which on a sample counts as fault.
    every
        Inlines between the sections on which sticks are drawn.
    workers
        Threads, or the client of a dask.distributed cluster whose workers see the file.

    Returns
    -------
    dict
        Files, numbers of faults and sticks, share of the samples, and how unlike the training the
        survey is.

    Raises
    ------
    SeismicError
        An output is of another kind or is the input; or all samples are equal.
    InputError
        The threshold is not between 0 and 1, or the place is not writable.
    OutputError
        The disk is too small, or became full; earlier results are unchanged.
    """
    if not 0 < threshold < 1 or every < 1:
        raise InputError(
            f"expected a threshold between 0 and 1 and sticks on every line or fewer, got "
            f"{threshold:g} and {every}. Give --threshold 0.5 --sticks-every 10."
        )
    amplitudes = volume.survey_statistics()
    if not amplitudes.std > 0:
        raise SeismicError(
            "expected amplitudes that vary, got a volume in which all are equal. Check the sample "
            "format: graben imaging inspect."
        )
    files = _files(out, several="section" in model.nets or _is_line(volume))
    check_outputs(volume, files.values())
    scratch = out.with_name(f".{out.name}-tiles")
    if not scratch.exists():
        check_space(out, 4 * prod(volume.shape) * (2 * len(model.nets) + len(files)))
    shift = survey_shift(volume)
    found = _looked(volume, model, amplitudes, scratch, workers)
    thinned = _thinned(volume, found, threshold, scratch, workers)
    sticks = find_sticks(volume, thinned, every)
    for name, path in track(files.items(), "writing"):
        source: Source = (
            thinned if name == "thinned" else FoundFaults(model, found.looks, _answer(name))
        )
        write_like(volume, path, source)
    texts = {"charisma": _beside(out, "_sticks.dat"), "points": _beside(out, "_sticks.xyz")}
    write_charisma(texts["charisma"], sticks)
    write_stick_points(texts["points"], sticks)
    summary = _summary(volume, found, thinned, sticks, threshold)
    page = out.with_suffix(".html")
    summary |= {
        "files": [str(path) for path in (*files.values(), *texts.values(), page)],
        "unlike_training_percentile": shift.percentile,
        "warning": shift.warning,
    }
    write_fault_page(page, volume, found, thinned, sticks, shift, summary)
    shutil.rmtree(scratch)
    return summary


def _is_line(volume: SeismicVolume) -> bool:
    return 1 in volume.shape[:2]


def _answer(name: str) -> Answer:
    return "confidence" if name == "confidence" else "spread" if name == "spread" else "probability"


def _files(out: Path, several: bool) -> dict[str, Path]:
    names = ("confidence", "thinned", *(("spread",) if several else ()))
    return {"probability": out, **{name: _beside(out, f"_{name}{out.suffix}") for name in names}}


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(out.stem + ending)


def _looked(
    volume: SeismicVolume,
    model: FaultNet,
    amplitudes: Amplitudes,
    scratch: Path,
    workers: "int | Client",
) -> FoundFaults:
    """Let every net look at the volume."""
    key = {"files": identity_of(volume.path)}
    if _is_line(volume):
        axis = 1 if volume.shape[0] == 1 else 0
        size, halo = list(volume.shape), [0, 0, 0]
        size[axis], halo[axis] = LONGEST, BESIDE
        outputs = {"probability": np.float32, "spread": np.float32}
        tile = SectionTile.of(model, amplitudes)
        paths = map_tiles(tile, volume, outputs, size, halo, scratch / "line", key, workers)
        return FoundFaults(model, {name: (StoredArray(path),) for name, path in paths.items()})
    looks: dict[str, tuple[StoredArray, ...]] = {}
    for name, net in model.nets.items():
        if net.config.ndim == 3:
            path = stream_faults(net, volume, amplitudes, scratch / name, key, workers)
            looks[name] = (StoredArray(path),)
            continue
        files = []
        for axis in (0, 1):
            long = LONGEST // net.config.multiple * net.config.multiple
            size = [LINES, long, volume.shape[2]] if axis == 0 else [long, LINES, volume.shape[2]]
            halo = [0, 0, 0]
            halo[1 - axis] = net.config.halo
            line_tile = LineTile(net.config, state_of(net), amplitudes, axis)
            place = scratch / f"{name}-{axis}"
            paths = map_tiles(
                line_tile, volume, {"probability": np.float32}, size, halo, place, key, workers
            )
            files.append(StoredArray(paths["probability"]))
        looks[name] = tuple(files)
    return FoundFaults(model, looks)


def _thinned(
    volume: SeismicVolume,
    found: FoundFaults,
    threshold: float,
    scratch: Path,
    workers: "int | Client",
) -> StoredArray:
    function = Thinning(threshold)
    states = {name: state_of(net) for name, net in found.model.nets.items()}
    model = hashlib.sha256(pickle.dumps((states, dict(found.model.calibrations)))).hexdigest()
    lines = max(SAMPLES // prod(volume.shape[1:]), 1)
    paths = map_tiles(
        function,
        found,
        {"thinned": np.float32},
        (lines, *volume.shape[1:]),
        function.halo,
        scratch / "thinned",
        {"files": identity_of(volume.path), "model": model},
        # what is thinned lies on this machine
        workers if isinstance(workers, int) else 1,
    )
    return StoredArray(paths["thinned"])


def _summary(
    volume: SeismicVolume,
    found: FoundFaults,
    thinned: StoredArray,
    sticks: list[Stick],
    threshold: float,
) -> dict[str, Any]:
    """Count what was found where there are traces."""
    faulted = total = 0.0
    lines = max(SAMPLES // prod(volume.shape[1:]), 1)
    for first in range(0, volume.shape[0], lines):
        part = slice(first, min(first + lines, volume.shape[0]))
        region = (part, slice(0, volume.shape[1]), slice(0, volume.shape[2]))
        live = ~volume.missing[part]
        faulted += float((found.read(region)[live] >= threshold).sum())
        total += float(live.sum()) * volume.shape[2]
    return {
        "preset": found.model.preset,
        "shape": list(volume.shape),
        "share": faulted / max(total, 1),
        "faults": len({stick.fault for stick in sticks}),
        "sticks": len(sticks),
        "threshold": threshold,
    }
