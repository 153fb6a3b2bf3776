"""Faults of a volume of any size: a 3-D net walks through it, and sees nothing twice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import ceil, isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from graben.imaging.amplitudes import Amplitudes
from graben.imaging.models.calibration import AS_IT_IS, Platt
from graben.imaging.models.fault_tiles import State, net_of, state_of
from graben.imaging.models.section_faults import Floats
from graben.learning.nets import StreamedUNet, UNet, UNetConfig, folded
from graben.learning.threads import torch_threads
from graben.tiling import Source, Tile, map_lanes

if TYPE_CHECKING:
    from distributed import Client

SLAB = 8  # inlines
MEMORY = 1.1e9  # bytes of all streams at a time
CELL = 2_000  # bytes of a stream for each sample of an inline; measured with a larger encoder
LARGEST = 512e6  # bytes that a worker of a cluster sends back at once


@dataclass(frozen=True, eq=False)
class FaultWalk:
    """What a 3-D net says on a walk through raw amplitudes; see `map_lanes`.

    It gives "probability" (inline, crossline, sample), float32. Lanes need corners at multiples of
    the net's `multiple`, and its `halo`. Volumes whose sides are no multiples are continued by
    copies of their last inlines, traces and samples, as `net_logits` does with a whole image.

    Parameters
    ----------
    config, state
        Of the net, see `state_of`.
    amplitudes
        Of the survey.
    calibration
        Of what it says; without one that is left as it is.
    """

    config: UNetConfig
    state: State
    amplitudes: Amplitudes
    calibration: Platt = AS_IT_IS

    @cached_property
    def net(self) -> UNet:
        """The net, ready for inference."""
        return folded(net_of(self.config, self.state))

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __call__(
        self, slabs: Iterator[NDArray[Any]], tile: Tile, shape: tuple[int, ...]
    ) -> Iterator[Mapping[str, Floats]]:
        """Yield the probabilities of a lane, slab by slab."""
        left = tile.padded[0].stop - tile.padded[0].start
        for logits in self._logits(slabs):
            planes = logits[:left]
            left -= len(planes)
            yield {"probability": self.calibration.of_logits(planes.numpy())}

    def _logits(self, slabs: Iterator[NDArray[Any]]) -> Iterator[torch.Tensor]:
        stream, sides = StreamedUNet(self.net), (0, 0)
        for slab in slabs:
            sides = slab.shape[1], slab.shape[2]
            more = [(0, -side % self.config.multiple) for side in slab.shape]
            ready = self.amplitudes.normalise(slab)
            if any(after for _, after in more):
                ready = np.pad(ready, more, mode="edge")
            yield _cut(stream.push(torch.from_numpy(ready)[None]), sides)
        for planes in stream.finish():
            yield _cut(planes, sides)


def stream_faults(
    net: UNet,
    source: Source,
    amplitudes: Amplitudes,
    scratch: Path,
    key: Mapping[str, Any],
    workers: "int | Client" = 1,
    calibration: Platt = AS_IT_IS,
) -> Path:
    """Let a 3-D net look at a volume that need not fit into memory; a run that was cut off goes on.

    Parameters
    ----------
    net
        Of volumes, with one output.
    source
        Raw amplitudes (inline, crossline, sample).
    amplitudes
        Of the survey.
    scratch, key, workers
        As in `graben.tiling.map_lanes`.
    calibration
        Of what the net says; without one that is left as it is.

    Returns
    -------
    pathlib.Path
        Probabilities, float32, a `.npy` file of the shape of the source: those of the net for the
        whole volume, to rounding (to the bit in bfloat16).

    Raises
    ------
    OutputError, ServiceError
        As `graben.tiling.map_lanes`.
    """
    lines, columns, samples = source.shape
    walk = FaultWalk(net.config, state_of(net), amplitudes, calibration)
    size = lane_size((lines, columns, samples), net.config, workers)
    slab = ceil(SLAB / net.config.multiple) * net.config.multiple
    outputs, halo = {"probability": np.float32}, net.config.halo
    with torch_threads(1):
        paths = map_lanes(walk, source, outputs, size, halo, slab, scratch, key, workers)
    return paths["probability"]


def lane_size(
    shape: tuple[int, int, int], config: UNetConfig, workers: "int | Client"
) -> tuple[int, int, int]:
    """Choose how many inlines, crosslines and samples a lane has.

    One lane is as wide as the volume where memory allows; inlines are shared among the workers.

    Examples
    --------
    >>> config = UNetConfig(ndim=3, channels=1, outputs=1, depth=2, stem=2)
    >>> lane_size((900, 900, 464), config, 1), lane_size((900, 480, 464), config, 2)
    ((904, 904, 464), (456, 480, 464))
    """
    inlines, crosslines, samples = shape
    threads = workers if isinstance(workers, int) else 1
    cells = int(MEMORY / threads / CELL)
    long, wide = samples, crosslines
    if cells < 4 * config.halo * samples:
        long = _side(samples, isqrt(cells), config)
    wide = _side(crosslines, cells // min(long + 2 * config.halo, samples), config)
    lanes = ceil(crosslines / wide) * ceil(samples / long)
    if isinstance(workers, int):
        shares = range(1, 2 * threads + 1)
        parts = min(shares, key=lambda n: _effort(inlines, n, lanes, threads, config))
    else:
        parts = max(sum(workers.nthreads().values()), ceil(4 * inlines * wide * long / LARGEST))
    thick = max(_rounded(ceil(inlines / parts), config), config.halo)
    return thick, _rounded(wide, config), _rounded(long, config)


def _effort(inlines: int, parts: int, lanes: int, threads: int, config: UNetConfig) -> float:
    """Tell the inlines that the busiest thread walks through."""
    margin = min(parts - 1, 2) * config.halo
    return ceil(lanes * parts / threads) * (inlines / parts + margin)


def _side(length: int, most: int, config: UNetConfig) -> int:
    """Cut a side into equal parts that, with their halos, have no more than so many cells."""
    if length <= most:
        return length
    core = max(most - 2 * config.halo, config.halo)
    return _rounded(ceil(length / ceil(length / core)), config)


def _rounded(length: int, config: UNetConfig) -> int:
    return ceil(length / config.multiple) * config.multiple


def _cut(logits: torch.Tensor, sides: tuple[int, int]) -> torch.Tensor:
    return logits[0, :, : sides[0], : sides[1]]
