"""Candidate resources in a seismic volume: closures, flat spots and bright spots; salt bodies."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.special import expit

from graben.imaging.amplitudes import Amplitudes, sampled_traces
from graben.imaging.brightness import envelope_ratio, usual_envelope
from graben.imaging.models.calibration import logits_of
from graben.imaging.models.structure import CLASSES, Candidates, Floats, StructureNet
from graben.imaging.models.structure_objects import Places, connected
from graben.imaging.models.structure_tiles import SeenVolume, see_volume
from graben.imaging.volume import SeismicVolume

KINDS = ("closure", "flat_spot", "bright_spot")
BRIGHT = 2.5  # times the usual envelope at a depth
LEAST_BRIGHT = 200  # samples of a bright spot
AROUND = 16  # traces on each side of a candidate that its amplitude is compared with
WIDEST = 128  # traces from its middle, beyond which a candidate's amplitudes are not read
NEAR_SALT = 4  # samples above and below salt, whose own reflection is bright


@dataclass(frozen=True, eq=False)
class Candidate:
    """One candidate.

    Attributes
    ----------
    kind
        One of `KINDS`.
    places
        (sample, 3): inline, crossline and sample, counted from 0.
    confidence
        Share of such candidates that were true on synthetic volumes; of a bright spot, which no
        net was asked about, the largest calibrated probability of hydrocarbons in it.
    amplitude_ratio
        Root mean square of its amplitudes over that of the same depths around it; NaN where
        there is nothing around it.
    """

    kind: str
    places: Places
    confidence: float
    amplitude_ratio: float

    @property
    def footprint(self) -> Places:
        """(trace, 2): its inlines and crosslines, counted from 0."""
        return np.unique(self.places[:, :2], axis=0)

    @property
    def crest(self) -> int:
        """Its highest sample."""
        return int(self.places[:, 2].min())

    @property
    def contact(self) -> int:
        """The sample below its lowest one."""
        return int(self.places[:, 2].max()) + 1


@dataclass(frozen=True, eq=False)
class Salt:
    """Salt of a volume.

    Attributes
    ----------
    thickness
        (inline, crossline): samples of salt in each trace.
    top
        Its highest sample in each trace; -1 where there is none.
    """

    thickness: NDArray[np.int64]
    top: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Resources:
    """What was found in a volume.

    Attributes
    ----------
    candidates
        Most confident first.
    salt
        Salt, as a map.
    """

    candidates: tuple[Candidate, ...]
    salt: Salt


@dataclass(frozen=True, eq=False)
class ClassVolume:
    """The calibrated probability of one class of a volume that was looked at, as a source.

    Parameters
    ----------
    seen
        The volume.
    name
        The class.
    """

    seen: SeenVolume
    name: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the volume."""
        return self.seen.shape

    def read(self, region: tuple[Any, ...]) -> Floats:
        """Read a region."""
        inlines = region[0]
        part = self.seen.probability(inlines.start, inlines.stop)[CLASSES.index(self.name)]
        return part[:, region[1], region[2]]


@contextmanager
def seen_by(
    model: StructureNet, volume: SeismicVolume, beside: Path, *, timed: bool
) -> Iterator[SeenVolume]:
    """Look at a volume; what the nets answer is kept in a hidden folder while it is needed.

    Parameters
    ----------
    model
        The nets.
    volume
        The volume.
    beside
        A path in the folder of the hidden folder, which takes up to 27 bytes a sample.
    timed
        Whether to tell geologic time, too.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{beside.name}-", dir=beside.parent) as scratch:
        yield see_volume(model, volume, volume.survey_statistics(), Path(scratch), timed=timed)


def find_resources(volume: SeismicVolume, seen: SeenVolume) -> Resources:
    """Gather candidates and salt from a volume and what a net says of it.

    Memory grows with the samples of the candidates, not with the volume.

    Parameters
    ----------
    volume
        The volume.
    seen
        The same, looked at.
    """
    amplitudes = volume.survey_statistics()
    usual = usual_envelope(amplitudes.normalise(sampled_traces(volume)))
    gathered = _Gathered()
    salt = Salt(np.zeros(volume.shape[:2], np.int64), np.full(volume.shape[:2], -1))
    for first, last in seen.slabs("searching"):
        probability = seen.probability(first, last)
        is_salt = probability[0] >= seen.model.salt_from
        salt.thickness[first:last] = is_salt.sum(2)
        salt.top[first:last] = np.where(is_salt.any(2), is_salt.argmax(2), -1)
        for name, rule in seen.model.candidates.items():
            likely = probability[CLASSES.index(name)]
            gathered.add(name, first, likely >= rule.threshold, likely)
        bright = _bright(volume, amplitudes, usual, first, last)
        bright &= ~binary_dilation(is_salt, np.ones((1, 1, 2 * NEAR_SALT + 1)))
        gathered.add("bright_spot", first, bright, probability[CLASSES.index("closure")])
    found = [
        _candidate(volume, amplitudes, kind, places, likely, seen.model.candidates.get(kind))
        for kind in KINDS
        for places, likely in gathered.objects(kind, seen.model.candidates.get(kind))
    ]
    found.sort(key=lambda one: (-one.confidence, KINDS.index(one.kind), -len(one.places)))
    return Resources(tuple(found), salt)


def confidence_of(likely: Floats, rule: Candidates) -> float:
    """Give the confidence of a candidate from the probabilities of its samples."""
    return float(expit(rule.slope * logits_of(likely.mean()) + rule.intercept))


def bin_area(volume: SeismicVolume) -> float:
    """Give the square metres (of the coordinates' unit) of a trace; NaN on lines or unknown."""
    east, north = plane_of(volume)
    return float("nan") if volume.is_line else float(abs(east[0] * north[1] - east[1] * north[0]))


def plane_of(volume: SeismicVolume) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit coordinates: x, and y, as (per inline, per crossline, at the first trace), least squares.

    NaN where coordinates are unknown, or lie on one point.
    """
    known = np.isfinite(volume.x) & np.isfinite(volume.y) & ~volume.missing
    places = np.argwhere(known)
    unknown = np.full(3, np.nan)
    if len(places) < 3:
        return unknown, unknown
    design = np.column_stack([places, np.ones(len(places))])
    ground = np.column_stack([volume.x[known], volume.y[known]])
    east, north = np.linalg.lstsq(design, ground, rcond=None)[0].T
    still = np.hypot(east[:2], north[:2]).max() < 1e-6
    return (unknown, unknown) if still else (np.asarray(east), np.asarray(north))


@dataclass
class _Gathered:
    """Samples of candidates, slab by slab."""

    places: dict[str, list[Places]] = field(default_factory=dict)
    likely: dict[str, list[Floats]] = field(default_factory=dict)

    def add(self, kind: str, first: int, mask: NDArray[np.bool_], likely: Floats) -> None:
        places = np.argwhere(mask)
        places[:, 0] += first
        self.places.setdefault(kind, []).append(places)
        self.likely.setdefault(kind, []).append(likely[mask])

    def objects(self, kind: str, rule: Candidates | None) -> Iterator[tuple[Places, Floats]]:
        if kind not in self.places:
            return
        places, likely = np.concatenate(self.places[kind]), np.concatenate(self.likely[kind])
        least = LEAST_BRIGHT if rule is None else rule.least
        for one in connected(places):
            if len(one) >= least:
                yield places[one], likely[one]


def _bright(
    volume: SeismicVolume, amplitudes: Amplitudes, usual: Floats, first: int, last: int
) -> NDArray[np.bool_]:
    """Tell where inlines are bright; a line more on each side is read for the smoothing."""
    lines, columns, samples = volume.shape
    before, after = max(first - 1, 0), min(last + 1, lines)
    image = volume.read((slice(before, after), slice(0, columns), slice(0, samples)))
    ratio = envelope_ratio(amplitudes.normalise(image), usual)
    return ratio[first - before : last - before] >= BRIGHT


def _candidate(
    volume: SeismicVolume,
    amplitudes: Amplitudes,
    kind: str,
    places: Places,
    likely: Floats,
    rule: Candidates | None,
) -> Candidate:
    confidence = float(likely.max()) if rule is None else confidence_of(likely, rule)
    return Candidate(kind, places, confidence, _amplitude_ratio(volume, amplitudes, places))


def _amplitude_ratio(volume: SeismicVolume, amplitudes: Amplitudes, places: Places) -> float:
    margin = np.array([AROUND, AROUND, 0])
    middle = places[len(places) // 2]
    # of a candidate that is wider than that, the middle stands for all
    near = np.all(np.abs(places - middle)[:, :2] <= WIDEST, axis=1)
    places = places[near]
    low = np.maximum(places.min(0) - margin, 0)
    high = np.minimum(places.max(0) + margin + 1, volume.shape)
    region = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    image = amplitudes.normalise(volume.read(region))
    inside = np.zeros(image.shape, bool)
    inside[tuple((places - low).T)] = True
    outside = ~inside & np.any(image != 0, axis=2, keepdims=True)
    if not outside.any():
        return float("nan")
    usual = np.sqrt(np.mean(np.square(image[outside], dtype=np.float64)))
    bright = np.sqrt(np.mean(np.square(image[inside], dtype=np.float64)))
    return float(bright / usual) if usual > 0 else float("nan")
