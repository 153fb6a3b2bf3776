"""What a facies is told by: a net's view of the section, texture in windows, and depth."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from graben.errors import InputError
from graben.imaging.attributes import eigen_coherence, semblance
from graben.imaging.models.section_faults import section_net

if TYPE_CHECKING:
    from graben.learning.nets import UNet

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

WINDOWS = ((2, 4), (6, 8), (12, 16))  # traces and samples to either side
TEXTURES = (
    "strength", "evenness", "vertical roughness", "lateral roughness", "dip", "layering",
)  # fmt: skip
LEVELS = 2  # of the decoder, the finest ones
LEAST = np.float32(1e-4)  # beside a survey of deviation 1: what no logarithm needs to tell from 0


@dataclass(frozen=True, eq=False)
class FaciesFeatures:
    """Numbers for each sample of a section from which facies are told.

    Parameters
    ----------
    encoder
        A net that was trained on sections (`FaultNet.nets["section"]`), in evaluation mode; its
        finest maps are averaged over windows. None for features without a net.
    attributes
        Whether textures in three windows and two kinds of coherence are among them.
    depth
        Whether the place along the trace is, 0 at its top and 1 at its end.

    Raises
    ------
    InputError
        Nothing is left, or the net takes more than one channel.
    """

    encoder: "UNet | None" = None
    attributes: bool = True
    depth: bool = True

    def __post_init__(self) -> None:
        if self.encoder is None and not self.attributes and not self.depth:
            raise InputError("expected features, got none of three kinds. Choose one or more.")
        if self.encoder is not None and self.encoder.config.channels != 1:
            raise InputError(
                f"expected a net of 1 channel, got {self.encoder.config.channels}. Choose a net "
                "that sees amplitudes."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        found = []
        if self.encoder is not None:
            widths = [self.encoder.config.width * 2**level for level in range(LEVELS)][::-1]
            found += [f"encoder {at}.{n}" for at, w in enumerate(widths, 1) for n in range(w)]
        if self.attributes:
            found += [f"{name} {2 * x + 1}x{2 * z + 1}" for x, z in WINDOWS for name in TEXTURES]
            found += ["semblance", "eigen-coherence"]
        return (*found, "depth") if self.depth else tuple(found)

    @property
    def groups(self) -> tuple[str, ...]:
        """Kind of each feature: "encoder", "texture", "coherence" or "depth"."""
        kinds = {"encoder": "encoder", "semblance": "coherence", "eigen-coherence": "coherence"}
        return tuple(
            kinds.get(name.split(" ")[0], "depth" if name == "depth" else "texture")
            for name in self.names
        )

    @property
    def halo(self) -> int:
        """Traces beside a sample beyond which nothing changes its features."""
        reach = max(WINDOWS)[0] + 1
        if self.encoder is not None:
            reach = max(reach, self.encoder.config.halo + WINDOWS[0][0])
        return reach

    @property
    def multiple(self) -> int:
        """Traces by which a part of a section may begin later than the whole."""
        return 1 if self.encoder is None else self.encoder.config.multiple

    def of_section(self, section: Floats, known: Mask, coherence: Floats) -> Floats:
        """Compute the features of a section.

        Parameters
        ----------
        section
            Amplitudes (trace, sample), normalised by their survey.
        known
            Where there are amplitudes; what is not known counts in no window.
        coherence
            (2, trace, sample), see `coherence_of`.

        Returns
        -------
        numpy.ndarray
            (feature, trace, sample) float32; of no meaning where nothing is known.
        """
        found = []
        if self.encoder is not None:
            maps = encoded(self.encoder, filled(section, known))
            found.append(_averaged(maps, known, WINDOWS[0]))
        if self.attributes:
            found += [textures(np.where(known, section, 0), known)]
            found += [_averaged(coherence, known, WINDOWS[1])]
        if self.depth:
            down = np.linspace(0, 1, section.shape[1], dtype=np.float32)
            found.append(np.broadcast_to(down, (1, *section.shape)))
        return np.concatenate(found)


def coherence_of(volume: Floats) -> Floats:
    """Give semblance and eigen-coherence, (2, inline, crossline, sample)."""
    return np.stack([semblance(volume), eigen_coherence(volume)])


def encoded(net: "UNet", section: Floats) -> Floats:
    """Give the finest maps of a section net at every sample, (feature, trace, sample)."""
    net = section_net(net)
    more = [(0, -side % net.config.multiple) for side in section.shape]
    image = np.pad(section, more, mode="edge")
    with torch.inference_mode():
        maps = net.features(torch.from_numpy(image)[None, None])[-LEVELS:]
    found = []
    for level in maps:
        factor = image.shape[0] // level.shape[2]
        values = level[0].numpy().repeat(factor, 1).repeat(factor, 2)
        found.append(values[:, : section.shape[0], : section.shape[1]])
    return np.concatenate(found)


def textures(section: Floats, known: Mask) -> Floats:
    """Measure strength and structure of amplitudes in windows of three sizes.

    Of each window: the logarithm of the root mean square; how even amplitudes are (mean over root
    mean square of their absolute values: 0.8 for a normal law, less where few are strong); the
    logarithms of the energy of vertical and lateral differences over that of the amplitudes; the
    dip, samples a trace, that fits the differences; and how much one direction is theirs, from 0
    to 1 (the structure tensor: Bigun and Granlund 1987, ICCV, no DOI).

    Parameters
    ----------
    section
        (trace, sample), 0 where it is not known.
    known
        What counts. A difference counts where both of its samples do.

    Returns
    -------
    numpy.ndarray
        (window and texture, trace, sample) float32.
    """
    lateral, both_x = _differences(section, known, 0)
    vertical, both_z = _differences(section, known, 1)
    pairs = both_x & both_z
    found = []
    for window in WINDOWS:
        energy = _mean(section**2, known, window)
        level = np.sqrt(energy) + LEAST
        xx = _mean(lateral**2, both_x, window)
        zz = _mean(vertical**2, both_z, window)
        xz = _mean(lateral * vertical, pairs, window)
        total = xx + zz + LEAST**2
        found += [
            np.log(level),
            _mean(np.abs(section), known, window) / level,
            0.5 * np.log((zz + LEAST**2) / level**2),
            0.5 * np.log((xx + LEAST**2) / level**2),
            np.clip(-xz / (zz + LEAST**2), -3, 3),
            np.sqrt((xx - zz) ** 2 + 4 * xz**2) / total,
        ]
    return np.stack(found).astype(np.float32)


def _differences(section: Floats, known: Mask, axis: int) -> tuple[Floats, Mask]:
    """Give half the difference of the samples on either side, and where both are known."""
    change, both = np.zeros_like(section), np.zeros_like(known)
    after = [slice(None)] * 2
    before, middle = list(after), list(after)
    after[axis], before[axis], middle[axis] = slice(2, None), slice(None, -2), slice(1, -1)
    there = known[tuple(after)] & known[tuple(before)]
    both[tuple(middle)] = there
    half = (section[tuple(after)] - section[tuple(before)]) / 2
    change[tuple(middle)] = np.where(there, half, 0)
    return change, both


def _mean(values: Floats, known: Mask, window: tuple[int, int]) -> Floats:
    """Average what is known in a window around each sample; 0 where nothing is."""
    return _averaged(values[None], known, window)[0]


def _averaged(maps: Floats, known: Mask, window: tuple[int, int]) -> Floats:
    """Average maps of what is known (0 elsewhere), (map, trace, sample), in windows."""
    count = _summed(known.astype(np.float32), window)
    # less than half a sample is none: running sums leave a little behind
    least = np.float32(0.5 / ((2 * window[0] + 1) * (2 * window[1] + 1)))
    share = np.where(count > least, 1 / np.maximum(count, least), 0)
    held = maps if known.all() else maps * known
    return np.stack([_summed(one, window) * share for one in held])


def _summed(values: Floats, window: tuple[int, int]) -> Floats:
    found = values
    for axis, reach in enumerate(window):
        found = uniform_filter1d(found, 2 * reach + 1, axis, mode="constant")
    return found


def filled(section: Floats, known: Mask) -> Floats:
    """Fill what is not known with mirror images of the trace above and below, faded into another.

    A net would take the outline of a hole filled with zeros for geology. Traces of which nothing
    is known become the nearest one of which something is.

    Parameters
    ----------
    section
        (trace, sample).
    known
        Where it is known.
    """
    some = np.flatnonzero(known.any(axis=1))
    if known.all() or not len(some):
        return section
    out = section.astype(np.float32, copy=True)
    for trace in some:
        out[trace] = _mirrored(section[trace], known[trace])
    nearest = np.abs(np.arange(len(section))[:, None] - some).argmin(axis=1)
    return np.asarray(out[some[nearest]])


def _mirrored(trace: Floats, known: NDArray[np.bool_]) -> Floats:
    edges = np.flatnonzero(np.diff(np.r_[False, known, False].astype(np.int8)))
    runs = list(zip(edges[::2], edges[1::2], strict=True))
    out = trace.copy()
    ends = [(0, runs[0][0], None, runs[0]), (runs[-1][1], len(trace), runs[-1], None)]
    gaps = [(a[1], b[0], a, b) for a, b in pairwise(runs)]
    for first, last, above, below in (*ends, *gaps):
        at = np.arange(first, last)
        images = [(trace[_reflected(at, *run)], run) for run in (above, below) if run is not None]
        if len(images) == 2:
            share = (at - first + 1) / (last - first + 1)
            out[first:last] = (1 - share) * images[0][0] + share * images[1][0]
        else:
            out[first:last] = images[0][0]
    return out


def _reflected(at: NDArray[np.int64], first: int, last: int) -> NDArray[np.int64]:
    """Give the samples of a run in which these places are mirrored, to and fro."""
    length = last - first
    place = (at - first) % (2 * length)
    return first + np.minimum(place, 2 * length - 1 - place)
