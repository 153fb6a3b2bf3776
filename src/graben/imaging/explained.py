"""Why a fault net sees a fault at a place: where it looked, what matters, and without the throw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from graben.errors import SeismicError
from graben.explanation import integrated_gradients, randomisation_check
from graben.imaging.imitation import Imitation, imitate
from graben.imaging.models.section_faults import section_net
from graben.imaging.throw_series import ThrowSeries, draw_fault_window, take_throw_away
from graben.progress import track

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graben.imaging.models.faults import FaultMap, FaultNet
    from graben.imaging.synthetic import Shape
    from graben.imaging.volume import SeismicVolume
    from graben.learning.nets import UNet

    Floats = NDArray[np.float32]

BOX: "Shape" = (48, 48, 64)  # of a volume, around the place
LINE = 128  # traces and samples of a line, around the place
NEAR = 2  # samples and traces about the place whose mean logit is explained
STEPS, COPIES = 12, 3
SYNTHETICS = 6  # synthetic faults among which the one most like the pick is shown


@dataclass(frozen=True, eq=False)
class Plane:
    """A vertical section through the place; arrays are (trace, sample).

    Attributes
    ----------
    axis
        Which axis of the volume runs along the traces: 1 on an inline, 0 on a crossline.
    amplitude, probability
        Normalised amplitudes, and what the model makes of them.
    share
        How much each sample adds to the logit at the place, against a record of nothing.
    first
        Number of the first trace and of the first sample, counted from 0 in the volume.
    """

    axis: Literal[0, 1]
    amplitude: "Floats"
    probability: "Floats"
    share: "Floats"
    first: tuple[int, int]


@dataclass(frozen=True, eq=False)
class PickExplanation:
    """Why a fault net says what it says at a place.

    Attributes
    ----------
    name
        Of the volume.
    place, index
        Inline, crossline and time or depth; and counted from 0.
    unit
        Of time or depth.
    net
        Name of the net whose shares are shown.
    probability, spread
        Of the model at the place: the largest within `NEAR` samples.
    planes
        Sections through the place.
    randomised
        Rank correlation of the shares with those of nets that learned nothing; near 0 is good.
    imitation
        By attributes.
    series
        The synthetic fault, among a few, that the model is about as sure of, with less and less
        slip.
    """

    name: str
    place: tuple[int, int, float]
    index: tuple[int, int, int]
    unit: str
    net: str
    probability: float
    spread: float
    planes: tuple[Plane, ...]
    randomised: float
    imitation: Imitation
    series: ThrowSeries

    def as_dict(self) -> dict[str, Any]:
        """Return everything but pictures for `graben.output.plain` to turn into JSON."""
        return {
            "volume": self.name,
            "inline": self.place[0],
            "crossline": self.place[1],
            "unit": self.unit,
            "at": self.place[2],
            "index": self.index,
            "net": self.net,
            "probability": self.probability,
            "spread": self.spread,
            "correlation_with_untrained": self.randomised,
            "imitation": {
                "fidelity": self.imitation.fidelity,
                "importance": dict(self.imitation.importance),
                "sd": dict(self.imitation.sd),
                "rules": self.imitation.rules,
            },
            "throw_series": {
                "factor": self.series.factors,
                "throw_samples": self.series.throw,
                "probability": self.series.probability,
            },
        }


def place_at(
    volume: "SeismicVolume", inline: int, crossline: int, at: float
) -> tuple[int, int, int]:
    """Return the sample nearest to a place, counted from 0.

    Parameters
    ----------
    volume
        Where.
    inline, crossline
        Line numbers.
    at
        Time or depth in the unit of the volume.

    Raises
    ------
    SeismicError
        The volume has no such line, no such time, or no trace there.
    """
    found = []
    for asked, numbers, what in (
        (inline, volume.inlines, volume.axes[0]),
        (crossline, volume.crosslines, volume.axes[1]),
    ):
        nearest = int(np.abs(numbers - asked).argmin())
        if numbers[nearest] != asked:
            raise SeismicError(
                f"expected a {what} from {numbers.min()} to {numbers.max()}, got {asked}; the "
                f"nearest is {numbers[nearest]}. Give one that the volume has."
            )
        found.append(nearest)
    sample = round((at - volume.first_sample) / volume.sample_interval)
    if not 0 <= sample < volume.shape[2]:
        last = volume.first_sample + (volume.shape[2] - 1) * volume.sample_interval
        raise SeismicError(
            f"expected a place from {volume.first_sample:g} to {last:g} {volume.unit}, got {at:g}. "
            "Give one inside."
        )
    if volume.missing[found[0], found[1]]:
        raise SeismicError(
            f"there is no trace at {inline} / {crossline}. Give a place where there is one."
        )
    return found[0], found[1], sample


def explain_pick(
    volume: "SeismicVolume", model: "FaultNet", index: tuple[int, int, int], seed: int = 0
) -> PickExplanation:
    """Explain what a fault net says at one sample.

    Parameters
    ----------
    volume
        Only the surroundings of the place are read, and a sample of traces for their amplitudes.
    model
        Of any preset; of "best" the net is explained that is made for the kind of image.
    index
        (inline, crossline, sample), from `place_at`.
    seed
        Of the copies without learning, shuffles and synthetic faults.

    References
    ----------
    Sundararajan et al. (2017), doi:10.48550/arXiv.1703.01365, of the shares; Adebayo et al. (2018),
    doi:10.48550/arXiv.1810.03292, of the comparison with nets that learned nothing.
    """
    line = 1 in volume.shape[:2]
    region = _around(volume.shape, index, line)
    block = volume.survey_statistics(seed).normalise(volume.read(region))
    origin = region[0].start, region[1].start, region[2].start
    here = index[0] - origin[0], index[1] - origin[1], index[2] - origin[2]
    seen = model.predict(block, spread=True)
    name = _net_for(model, line)
    shares, randomised = _shares(model.nets[name], block, here, seed)
    near = tuple(slice(max(0, at - NEAR), at + NEAR + 1) for at in here)
    at = int(seen.probability[near].argmax())
    place = (
        int(volume.inlines[index[0]]),
        int(volume.crosslines[index[1]]),
        float(volume.first_sample + index[2] * volume.sample_interval),
    )
    probability = float(seen.probability[near].flat[at])
    return PickExplanation(
        "volume" if volume.path is None else volume.path.name,
        place,
        index,
        volume.unit,
        name,
        probability,
        float(seen.spread[near].flat[at]),
        _planes(block, seen, shares, here, origin),
        randomised,
        imitate(block, seen.probability, seed),
        _series_like(model, probability, line, seed),
    )


def _around(shape: "Shape", index: tuple[int, int, int], line: bool) -> tuple[slice, slice, slice]:
    sides = (LINE, LINE, LINE) if line else BOX
    parts = []
    for at, side, size in zip(index, sides, shape, strict=True):
        start = int(np.clip(at - side // 2, 0, max(0, size - side)))
        parts.append(slice(start, min(start + side, size)))
    return parts[0], parts[1], parts[2]


def _net_for(model: "FaultNet", line: bool) -> str:
    wanted = "section" if line else "volume"
    return wanted if wanted in model.nets else next(iter(model.nets))


class _AtPlace(nn.Module):
    """The mean logit about one place, (sample, 1), of inputs of any size."""

    def __init__(self, net: "UNet", here: tuple[int, ...]) -> None:
        super().__init__()
        self.net, self.here = net, here

    def forward(self, x: Tensor) -> Tensor:
        sides = x.shape[2:]
        more = [-side % self.net.config.multiple for side in sides]
        # last axis first, both ends of each
        ends = [end for extra in reversed(more) for end in (0, extra)]
        answer: Tensor = self.net(torch.nn.functional.pad(x, ends, mode="replicate"))
        near = [slice(max(0, at - 1), at + 2) for at in self.here]
        return answer[:, :, *near].flatten(1).mean(1, keepdim=True)


def _shares(
    net: "UNet", block: "Floats", here: tuple[int, int, int], seed: int
) -> tuple[dict[int, "Floats"], float]:
    """Give what each sample of the sections adds to the logit, by axis, and the check of it."""
    axes = [axis for axis in (1, 0) if block.shape[axis] > 1]
    if net.config.ndim == 3 and len(axes) == 2:
        whole, check = _attributed(net, block, here, seed)
        return {1: whole[here[0]], 0: whole[:, here[1]]}, check
    flat, found, checks = section_net(net), {}, []
    for axis in axes:
        section = block[here[0]] if axis == 1 else block[:, here[1]]
        found[axis], check = _attributed(flat, section, (here[axis], here[2]), seed)
        checks.append(check)
    return found, float(np.mean(checks))


def _attributed(
    net: "UNet", image: "Floats", here: tuple[int, ...], seed: int
) -> tuple["Floats", float]:
    asked = _AtPlace(net, here).eval()

    def attribution(one: nn.Module, x: "NDArray[Any]") -> "NDArray[Any]":
        return integrated_gradients(one, x, steps=STEPS)

    x = np.ascontiguousarray(image[None, None])
    check = randomisation_check(asked, x, attribution, repeats=COPIES, seed=seed)
    return attribution(asked, x)[0, 0], check


def _planes(
    block: "Floats",
    seen: "FaultMap",
    shares: Mapping[int, "Floats"],
    here: tuple[int, int, int],
    origin: tuple[int, int, int],
) -> tuple[Plane, ...]:
    planes: list[Plane] = []
    if 1 in shares:
        cut = np.s_[here[0]]
        first = origin[1], origin[2]
        planes.append(Plane(1, block[cut], seen.probability[cut], shares[1], first))
    if 0 in shares:
        across = np.s_[:, here[1]]
        first = origin[0], origin[2]
        planes.append(Plane(0, block[across], seen.probability[across], shares[0], first))
    return tuple(planes)


def _series_like(model: "FaultNet", probability: float, line: bool, seed: int) -> ThrowSeries:
    """Give the series of the synthetic fault that the model is most nearly as sure of."""
    shape = (1, LINE // 2, LINE // 2) if line else BOX
    drawn = (
        draw_fault_window(np.random.default_rng([seed, number]), shape)
        for number in range(SYNTHETICS)
    )
    series = [
        take_throw_away(model, window)
        for window in track(drawn, "taking the throw away", SYNTHETICS)
    ]
    return min(series, key=lambda one: abs(float(one.probability[0]) - probability))
