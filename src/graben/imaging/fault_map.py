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

from graben.errors import InputError
from graben.imaging.amplitudes import Amplitudes
from graben.imaging.fault_page import write_fault_page
from graben.imaging.models.calibration import AS_IT_IS
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
    tile_size,
    write_like,
)
from graben.learning.threads import torch_threads
from graben.progress import track
from graben.tiling import Source, Tile, map_tiles

if TYPE_CHECKING:
    from distributed import Client

LINES = 8  # lines of a tile for nets that see lines
LONGEST = 8192  # traces of a line that are seen at once
BESIDE = 256  # traces beside a part of a longer line
SAMPLES = 2**22  # that are counted at a time

Looks = Mapping[str, tuple[StoredArray, ...]]


@dataclass(frozen=True, eq=False)
class JoinedLooks:
    """What the nets say of a volume, joined where it is asked for.

    Parameters
    ----------
    model
        The nets and their calibrations.
    looks
        By name of the net, the files of its uncalibrated looks; or "probability" (and, of a 2-D
        line, "spread") as it is.
    answer
        "probability" of a fault, or "spread": the standard deviation of the looks.
    """

    model: FaultNet
    looks: Looks
    answer: Literal["probability", "spread"] = "probability"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the volume."""
        return next(iter(self.looks.values()))[0].shape

    def read(self, region: tuple[Any, ...]) -> NDArray[np.float32]:
        """Give a region, float32."""
        if self.answer in self.looks:
            return self.looks[self.answer][0].read(region)
        seen = {
            name: np.stack([one.read(region) for one in files])
            for name, files in self.looks.items()
        }
        if self.answer == "probability":
            return self.model.joined_probability(seen, "volume")
        return self.model.spread_of(seen, "volume")


@dataclass(frozen=True)
class Confidence:
    """The chance that fault or no fault, whichever is likelier, is right."""

    probability: StoredArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the volume."""
        return self.probability.shape

    def read(self, region: tuple[Any, ...]) -> NDArray[np.float32]:
        """Give a region, float32."""
        probability = self.probability.read(region)
        return np.maximum(probability, 1 - probability)


@dataclass(frozen=True)
class KeptAndThinned:
    """A tile of probabilities as it is, and thinned."""

    thinning: Thinning

    def __call__(
        self, block: NDArray[Any], tile: Tile, shape: tuple[int, ...]
    ) -> Mapping[str, NDArray[np.float32]]:
        """Give both."""
        return {"probability": block[tile.inner], **self.thinning(block, tile, shape)}


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
    several = "section" in model.nets or _is_line(volume)
    files = _files(out, several)
    check_outputs(volume, files.values())
    amplitudes = volume.survey_statistics()
    scratch = out.with_name(f".{out.name}-tiles")
    if not scratch.exists():
        check_space(out, 4 * prod(volume.shape) * (_kept(volume, model) + len(files)))
    shift = survey_shift(volume)
    looks = _looked(volume, model, amplitudes, scratch, workers)
    probability, thinned = _thinned(volume, model, looks, threshold, scratch, workers)
    sticks = find_sticks(volume, thinned, every)
    sources: dict[str, Source] = {
        "probability": probability,
        "confidence": Confidence(probability),
        "thinned": thinned,
        "spread": JoinedLooks(model, looks, "spread"),
    }
    for name, path in track(files.items(), "writing"):
        write_like(volume, path, sources[name])
    texts = {"charisma": _beside(out, "_sticks.dat"), "points": _beside(out, "_sticks.xyz")}
    write_charisma(texts["charisma"], sticks)
    write_stick_points(texts["points"], sticks)
    page = out.with_suffix(".html")
    summary = _summary(volume, probability, sticks, threshold) | {
        "preset": model.preset,
        "files": [str(path) for path in (*files.values(), *texts.values(), page)],
        "unlike_training_percentile": shift.percentile,
        "warning": shift.warning,
    }
    write_fault_page(page, volume, model, probability, thinned, sticks, shift, summary)
    shutil.rmtree(scratch)
    return summary


def _is_line(volume: SeismicVolume) -> bool:
    return 1 in volume.shape[:2]


def _kept(volume: SeismicVolume, model: FaultNet) -> int:
    """Count the arrays that are kept until all is whole: looks, what is joined of them, thinned."""
    if _is_line(volume):
        return 3
    looks = sum(1 if net.config.ndim == 3 else 2 for net in model.nets.values())
    return 2 if model.preset == "volume" else looks + 2


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
) -> Looks:
    """Let every net look at the volume."""
    key = {"files": identity_of(volume.path)}
    if _is_line(volume):
        axis = 1 if volume.shape[0] == 1 else 0
        size, halo = list(volume.shape), [0, 0, 0]
        size[axis], halo[axis] = LONGEST, BESIDE
        outputs = {"probability": np.float32, "spread": np.float32}
        tile = SectionTile.of(model, amplitudes)
        paths = map_tiles(tile, volume, outputs, size, halo, scratch / "line", key, workers)
        return {name: (StoredArray(path),) for name, path in paths.items()}
    looks: dict[str, tuple[StoredArray, ...]] = {}
    alone = model.preset == "volume"
    for name, net in model.nets.items():
        if net.config.ndim == 3:
            calibration = model.calibration(name, "volume") if alone else AS_IT_IS
            path = stream_faults(net, volume, amplitudes, scratch / name, key, workers, calibration)
            looks["probability" if alone else name] = (StoredArray(path),)
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
    return looks


def _thinned(
    volume: SeismicVolume,
    model: FaultNet,
    looks: Looks,
    threshold: float,
    scratch: Path,
    workers: "int | Client",
) -> tuple[StoredArray, StoredArray]:
    """Give the joined probability, and the same thinned."""
    thinning = Thinning(threshold)
    kept = looks.get("probability")
    outputs = ["thinned"] if kept else ["probability", "thinned"]
    states = {name: state_of(net) for name, net in model.nets.items()}
    known = hashlib.sha256(pickle.dumps((states, dict(model.calibrations)))).hexdigest()
    halo = 3 * (thinning.halo,)
    with torch_threads(1):
        paths = map_tiles(
            thinning if kept else KeptAndThinned(thinning),
            JoinedLooks(model, looks),
            dict.fromkeys(outputs, np.float32),
            tile_size(volume.shape, halo),
            halo,
            scratch / "thinned",
            {"files": identity_of(volume.path), "model": known},
            # what is thinned lies on this machine
            workers if isinstance(workers, int) else 1,
        )
    probability = kept[0] if kept else StoredArray(paths["probability"])
    return probability, StoredArray(paths["thinned"])


def _summary(
    volume: SeismicVolume, probability: StoredArray, sticks: list[Stick], threshold: float
) -> dict[str, Any]:
    """Count what was found where there are traces."""
    faulted = total = 0
    lines = max(SAMPLES // prod(volume.shape[1:]), 1)
    for first in range(0, volume.shape[0], lines):
        part = slice(first, min(first + lines, volume.shape[0]))
        region = (part, slice(0, volume.shape[1]), slice(0, volume.shape[2]))
        found = probability.read(region) >= threshold
        found &= ~volume.missing[part][:, :, None]
        faulted += int(np.count_nonzero(found))
        total += int(np.count_nonzero(~volume.missing[part])) * volume.shape[2]
    return {
        "shape": list(volume.shape),
        "share": faulted / max(total, 1),
        "faults": len({stick.fault for stick in sticks}),
        "sticks": len(sticks),
        "threshold": threshold,
    }
