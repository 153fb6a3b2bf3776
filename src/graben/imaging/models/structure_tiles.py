"""Volumes of any size seen by the structure net: overlapping blocks that are put together."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import lsqr

from graben.imaging.amplitudes import Amplitudes
from graben.imaging.models.horizons import forward_in_time
from graben.imaging.models.structure import SIDE, Floats, StructureNet
from graben.progress import track
from graben.tiling import Source

OVERLAP = 32  # samples that neighbouring blocks share at least
SLAB = 2**22  # samples that are put together at once
FAINT = 1e-3  # weight of a sample at the rim of a block

Corner = tuple[int, int, int]


class Structure(NamedTuple):
    """What a net says of some inlines, float32.

    Attributes
    ----------
    probability
        (class, inline, crossline, sample), calibrated, in the order of `CLASSES`.
    time
        (inline, crossline, sample): relative geologic time in samples, rising down each trace.
    """

    probability: Floats
    time: Floats


@dataclass(frozen=True, eq=False)
class SeenVolume:
    """A volume that a structure net has looked at, block by block; kept in a folder.

    Parameters
    ----------
    model
        The net.
    shape
        Of the volume.
    folder
        Of the answers of the blocks, two bytes a number.
    corners
        Where the blocks begin.
    constants
        What is added to the time of each block.
    """

    model: StructureNet
    shape: tuple[int, int, int]
    folder: Path
    corners: tuple[Corner, ...]
    constants: NDArray[np.float64]

    def part(self, first: int, last: int) -> Structure:
        """Put inlines `first` to `last` (not included) together."""
        _, crosslines, samples = self.shape
        total = np.zeros((4, last - first, crosslines, samples), np.float32)
        weights = np.zeros(total.shape[1:], np.float32)
        for number, corner in enumerate(self.corners):
            seen = np.load(self.folder / f"{number}.npy", mmap_mode="r")
            start, stop = max(corner[0], first), min(corner[0] + seen.shape[1], last)
            if start >= stop:
                continue
            kept = slice(start - corner[0], stop - corner[0])
            answer = seen[:, kept].astype(np.float32)
            answer[3] += np.float32(self.constants[number])
            weight = block_weight(seen.shape[1:])[kept]
            place = (
                slice(start - first, stop - first),
                slice(corner[1], corner[1] + seen.shape[2]),
                slice(corner[2], corner[2] + seen.shape[3]),
            )
            total[(slice(None), *place)] += weight * answer
            weights[place] += weight
        total /= weights
        time = total[3] + np.arange(samples, dtype=np.float32)
        return Structure(self.model.probabilities(total[:3]), forward_in_time(time))

    def parts(self, description: str) -> Iterator[tuple[int, int, Structure]]:
        """Yield the whole volume in slabs of inlines: first, last (not included), what is there."""
        step = max(1, SLAB // (self.shape[1] * self.shape[2]))
        for first in track(range(0, self.shape[0], step), description):
            last = min(first + step, self.shape[0])
            yield first, last, self.part(first, last)


def see_volume(
    model: StructureNet,
    source: Source,
    amplitudes: Amplitudes,
    folder: Path,
) -> SeenVolume:
    """Look at a volume block by block, and find the constants that make their times agree.

    Memory holds one block, whatever the size of the volume; the folder takes about 27 bytes a
    sample (8 where the volume is no larger than a block).

    Parameters
    ----------
    model
        The net.
    source
        Samples (inline, crossline, sample); a line is shown as a stack of copies of itself.
    amplitudes
        Of the survey.
    folder
        An existing folder for what the blocks answer.
    """
    shape = (source.shape[0], source.shape[1], source.shape[2])
    lines, columns, samples = (block_starts(side) for side in shape)
    corners = tuple(itertools.product(lines, columns, samples))
    for number, corner in enumerate(track(corners, "looking")):
        region = tuple(
            slice(start, min(start + SIDE, side)) for start, side in zip(corner, shape, strict=True)
        )
        image = amplitudes.normalise(source.read(region))
        np.save(folder / f"{number}.npy", model.looks(image).astype(np.float16))
    return SeenVolume(model, shape, folder, corners, _constants(folder, corners))


def block_starts(side: int) -> list[int]:
    """Give where blocks begin along a side: evenly, and sharing at least `OVERLAP` samples.

    Examples
    --------
    >>> block_starts(50), block_starts(160), block_starts(161)
    ([0], [0, 64], [0, 32, 65])
    """
    if side <= SIDE:
        return [0]
    steps = -(-(side - SIDE) // (SIDE - OVERLAP))
    return [round(step * (side - SIDE) / steps) for step in range(steps + 1)]


def block_weight(shape: tuple[int, ...]) -> Floats:
    """Give the weights of a block's samples: cosines along each axis, least at the rim."""
    weight = np.ones((1, 1, 1), np.float32)
    for axis, side in enumerate(shape):
        across = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2 + FAINT
        weight = weight * across.astype(np.float32).reshape(
            [-1 if a == axis else 1 for a in range(3)]
        )
    return weight


def _constants(folder: Path, corners: tuple[Corner, ...]) -> NDArray[np.float64]:
    """Solve, in least squares, for what to add to each block so that neighbours agree."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    apart: list[float] = []
    for one, other in _neighbours(corners):
        first, second = (np.load(folder / f"{n}.npy", mmap_mode="r")[3] for n in (one, other))
        shift = [b - a for a, b in zip(corners[one], corners[other], strict=True)]
        shared = [slice(step, None) for step in shift]
        ours = first[tuple(shared)]
        theirs = second[tuple(slice(0, side) for side in ours.shape)]
        ours = ours[tuple(slice(0, side) for side in theirs.shape)]
        equation = len(apart)
        rows += [equation, equation]
        columns += [other, one]
        values += [1.0, -1.0]
        apart.append(float(np.median(ours.astype(np.float32) - theirs)))
    if not apart:
        return np.zeros(len(corners))
    system = coo_matrix((values, (rows, columns)), shape=(len(apart), len(corners)))
    # of all solutions, which differ by a constant, lsqr finds the one of mean 0
    return np.asarray(lsqr(system, np.array(apart), atol=1e-10, btol=1e-10)[0])


def _neighbours(corners: tuple[Corner, ...]) -> Iterator[tuple[int, int]]:
    """Yield pairs of blocks that follow each other along one axis."""
    number = {corner: place for place, corner in enumerate(corners)}
    for axis in range(3):
        starts = sorted({corner[axis] for corner in corners})
        following = dict(itertools.pairwise(starts))
        for corner, place in number.items():
            if corner[axis] in following:
                there = list(corner)
                there[axis] = following[corner[axis]]
                yield place, number[there[0], there[1], there[2]]
