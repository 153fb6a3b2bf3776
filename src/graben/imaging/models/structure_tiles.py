"""Volumes of any size seen by the structure nets: overlapping blocks that are put together."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import lsqr

from graben.imaging.amplitudes import Amplitudes, recorded
from graben.imaging.models.horizons import forward_in_time
from graben.imaging.models.structure import CLASSES, SIDE, Floats, StructureNet
from graben.progress import track
from graben.tiling import Source

OVERLAP = 32  # samples that neighbouring blocks share at least
TIME_SIDE, TIME_OVERLAP = 192, 64  # the same for geologic time: faults end, and layers go on
SLAB = 2**22  # samples that are put together at once
FAINT = 1e-3  # weight of a sample at the rim of a block
GAP = 2  # traces on each side that speak for one without samples

Corner = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Mosaic:
    """What was answered of a volume, block by block; kept in a folder.

    Parameters
    ----------
    shape
        Of the volume.
    folder
        Of the answers of the blocks, (answer, inline, crossline, sample), two bytes a number.
    corners
        Where the blocks begin.
    constants
        What is added to the answers of each block.
    answers
        How many there are of each sample.
    """

    shape: tuple[int, int, int]
    folder: Path
    corners: tuple[Corner, ...]
    constants: NDArray[np.float64]
    answers: int

    def joined(self, first: int, last: int) -> Floats:
        """Put the answers of inlines `first` to `last` (not included) together."""
        total = np.zeros((self.answers, last - first, *self.shape[1:]), np.float32)
        weights = np.zeros(total.shape[1:], np.float32)
        for number, corner in enumerate(self.corners):
            seen = np.load(self.folder / f"{number}.npy", mmap_mode="r")
            start, stop = max(corner[0], first), min(corner[0] + seen.shape[1], last)
            if start >= stop:
                continue
            kept = slice(start - corner[0], stop - corner[0])
            answer = seen[:, kept].astype(np.float32) + np.float32(self.constants[number])
            weight = block_weight(seen.shape[1:])[kept]
            place = (
                slice(start - first, stop - first),
                slice(corner[1], corner[1] + seen.shape[2]),
                slice(corner[2], corner[2] + seen.shape[3]),
            )
            total[(slice(None), *place)] += weight * answer
            weights[place] += weight
        total /= weights
        return total


@dataclass(frozen=True, eq=False)
class SeenVolume:
    """A volume that the structure nets have looked at.

    Parameters
    ----------
    model
        The nets.
    source
        Its samples.
    classes
        Logits of `CLASSES`.
    times
        Geologic time less the sample, if it was asked for.
    """

    model: StructureNet
    source: Source
    classes: Mosaic
    times: Mosaic | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the volume."""
        return self.classes.shape

    def probability(self, first: int, last: int) -> Floats:
        """Give inlines `first` to `last` (not included): calibrated, in the order of `CLASSES`.

        Float32 (class, inline, crossline, sample); 0 where nothing was recorded.
        """
        probability = self.model.probabilities(self.classes.joined(first, last))
        return np.where(self.recorded(first, last), probability, np.float32(0))

    def recorded(self, first: int, last: int) -> NDArray[np.bool_]:
        """Tell where inlines hold something: not in water or a mute, which are zeros.

        A narrow gap counts as recorded where a trace beside it does.
        """
        low, high = max(first - GAP, 0), min(last + GAP, self.shape[0])
        region = slice(low, high), slice(0, self.shape[1]), slice(0, self.shape[2])
        beside = maximum_filter(recorded(self.source.read(region)), (2 * GAP + 1, 2 * GAP + 1, 1))
        return np.asarray(beside[first - low : last - low], bool)

    def time(self, first: int, last: int) -> Floats:
        """Give relative geologic time of inlines, in samples, rising down each trace; float32."""
        assert self.times is not None
        [residual] = self.times.joined(first, last)
        return forward_in_time(residual + np.arange(self.shape[2], dtype=np.float32))

    def slabs(self, description: str) -> Iterator[tuple[int, int]]:
        """Cut the whole volume into slabs of inlines: first, last (not included)."""
        step = max(1, SLAB // (self.shape[1] * self.shape[2]))
        for first in track(range(0, self.shape[0], step), description):
            yield first, min(first + step, self.shape[0])


def see_volume(
    model: StructureNet,
    source: Source,
    amplitudes: Amplitudes,
    folder: Path,
    *,
    timed: bool,
) -> SeenVolume:
    """Look at a volume block by block, and find the constants that make their times agree.

    Memory holds one block, whatever the size of the volume; the folder takes about 27 bytes a
    sample (8 where the volume is no larger than a block), three quarters of it without time.

    Parameters
    ----------
    model
        The nets.
    source
        Samples (inline, crossline, sample); a line is shown as a stack of copies of itself.
    amplitudes
        Of the survey.
    folder
        An existing folder for what the blocks answer.
    timed
        Whether to tell geologic time, too.
    """
    shape = (source.shape[0], source.shape[1], source.shape[2])
    places = folder / "classes", folder / "layers"
    corners = _look(model.looks, source, amplitudes, places[0], (SIDE, OVERLAP))
    classes = Mosaic(shape, places[0], corners, np.zeros(len(corners)), len(CLASSES))
    if not timed:
        return SeenVolume(model, source, classes)
    corners = _look(
        lambda image: model.time(image)[None],
        source,
        amplitudes,
        places[1],
        (TIME_SIDE, TIME_OVERLAP),
    )
    times = Mosaic(shape, places[1], corners, _constants(places[1], corners), 1)
    return SeenVolume(model, source, classes, times)


def _look(
    look: Callable[[Floats], Floats],
    source: Source,
    amplitudes: Amplitudes,
    folder: Path,
    blocks: tuple[int, int],
) -> tuple[Corner, ...]:
    """Keep the answers for blocks of a side and an overlap in a folder, and give their corners."""
    folder.mkdir()
    starts = (block_starts(length, *blocks) for length in source.shape)
    corners = [(i, j, k) for i, j, k in itertools.product(*starts)]
    for number, corner in enumerate(track(corners, "looking")):
        ends = (
            min(start + blocks[0], length)
            for start, length in zip(corner, source.shape, strict=True)
        )
        region = tuple(slice(*pair) for pair in zip(corner, ends, strict=True))
        image = amplitudes.normalise(source.read(region))
        np.save(folder / f"{number}.npy", look(image).astype(np.float16))
    return tuple(corners)


def block_starts(length: int, side: int, overlap: int) -> list[int]:
    """Give where blocks begin along a length: evenly, and sharing at least `overlap` samples.

    Examples
    --------
    >>> block_starts(50, 96, 32), block_starts(160, 96, 32), block_starts(161, 96, 32)
    ([0], [0, 64], [0, 32, 65])
    """
    if length <= side:
        return [0]
    steps = -(-(length - side) // (side - overlap))
    return [round(step * (length - side) / steps) for step in range(steps + 1)]


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
        first, second = (np.load(folder / f"{n}.npy", mmap_mode="r")[0] for n in (one, other))
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
