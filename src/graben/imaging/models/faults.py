"""The networks that see faults: what they answer, and how they are kept on disk."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
from scipy.special import expit

from graben.errors import InputError, ModelError
from graben.imaging.models.calibration import AS_IT_IS, Platt
from graben.imaging.models.section_faults import (
    Floats,
    line_directions,
    net_logits,
    section_members,
    section_net,
)
from graben.learning import load_model, save_model
from graben.learning.nets import UNet, UNetConfig, folded

MODEL = "fault-net"
PREFIX = "faults-"
SHIPPED = Path(__file__).parents[2] / "data" / "models"

Preset = Literal["volume", "section", "best"]
Image = Literal["volume", "line"]


class FaultMap(NamedTuple):
    """Calibrated probability of a fault, and how far the members that gave it disagree.

    Both are float32 (inline, crossline, sample); the spread is the standard deviation of the
    members' probabilities, each calibrated as the whole is.
    """

    probability: Floats
    spread: Floats


@dataclass(frozen=True, eq=False)
class FaultNet:
    """One or two nets that give the probability of a fault at each sample of a seismic image.

    Images are (inline, crossline, sample), float32, normalised by their survey: mean 0, standard
    deviation 1, one of each for the whole survey (`Amplitudes.normalise`). An image with one
    inline or one crossline is a line.

    Parameters
    ----------
    nets
        In evaluation mode, by name: "volume", a 3-D net; "section", a 2-D net; or both, whose
        calibrated probabilities are averaged. Beside a section net may stand "adapted", another
        one that has learned from an interpreted line: the two are averaged to one.
    calibrations
        By name of the net and kind of image, as "volume, line"; with two nets also "best, line"
        and "best, volume", of their average. What is not named is left as it is.
    about
        What the card says of the training.
    """

    nets: Mapping[str, UNet]
    calibrations: Mapping[str, Platt] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def preset(self) -> Preset:
        """What it is: "volume", "section" or "best"."""
        if "volume" not in self.nets:
            return "section"
        return "best" if "section" in self.nets else "volume"

    @property
    def net(self) -> UNet:
        """The only net.

        Raises
        ------
        ModelError
            There are two.
        """
        if len(self.nets) > 1:
            raise ModelError(
                "expected a model of one net, got two (best). Choose one: model.nets['volume']."
            )
        return next(iter(self.nets.values()))

    def calibration(self, name: str, image: Image) -> Platt:
        """Give the calibration of a net, or of "best", for one kind of image."""
        return self.calibrations.get(f"{name}, {image}", AS_IT_IS)

    def predict_logits(self, image: Floats) -> Floats:
        """Give what the only net says of an image in one pass, before calibration.

        Parameters
        ----------
        image
            (inline, crossline, sample) for a 3-D net; (line, trace, sample) for a 2-D net.

        Returns
        -------
        numpy.ndarray
            float32 of the same shape.
        """
        net = folded(self.net)
        return net_logits(net, image) if net.config.ndim == 2 else net_logits(net, image[None])[0]

    def predict(self, image: Floats, spread: bool = False) -> FaultMap:
        """Map the faults of an image that fits in memory.

        Lines are seen at three trace spacings, with and without gain control, and from both
        sides, by a 3-D net as an endless stack of copies. In volumes a 3-D net looks once, and a
        2-D net along inlines and crosslines.

        Parameters
        ----------
        image
            Normalised, (inline, crossline, sample).
        spread
            Let a 3-D net look at a volume from four sides; otherwise it has no spread there. The
            probability is the same with and without.

        Raises
        ------
        InputError
            The image has not three axes.
        """
        if image.ndim != 3:
            raise InputError(
                f"expected an image (inline, crossline, sample), got shape {image.shape}. Give a "
                "section one inline."
            )
        kind: Image = "line" if 1 in image.shape[:2] else "volume"
        return self.joined(
            {name: _members(net, image, kind, spread) for name, net in self.nets.items()}, kind
        )

    def joined(self, looks: Mapping[str, Floats], kind: Image) -> FaultMap:
        """Calibrate the looks of all nets, average them, and tell how far they lie apart.

        Parameters
        ----------
        looks
            By name of the net: uncalibrated probabilities (look, inline, crossline, sample).
        kind
            Of image.
        """
        return FaultMap(self.joined_probability(looks, kind), self.spread_of(looks, kind))

    def joined_probability(self, looks: Mapping[str, Floats], kind: Image) -> Floats:
        """Calibrate the looks of all nets and average them; as `joined`."""
        answers: dict[str, list[Floats]] = {"volume": [], "section": []}
        for name, seen in looks.items():
            # the first look at a volume by a 3-D net is its answer; the others only tell the spread
            first = kind == "volume" and self.nets[name].config.ndim == 3
            answer = seen[0] if first or len(seen) == 1 else seen.mean(0)
            of = "volume" if name == "volume" else "section"
            answers[of].append(self.calibration(of, kind).of_probability(answer))
        each = [_mean(several) for several in answers.values() if several]
        probability = _mean(each)
        if self.preset == "best":
            probability = self.calibration("best", kind).of_probability(probability)
        return probability

    def spread_of(self, looks: Mapping[str, Floats], kind: Image) -> Floats:
        """Give the standard deviation of all looks, each calibrated; 0 of a single one."""
        members = []
        for name, seen in looks.items():
            of = "volume" if name == "volume" else "section"
            members.append(self.calibration(of, kind).of_probability(seen))
        every = np.concatenate(members)
        spread: Floats = every.std(0)
        return spread

    def save(self, folder: str | Path) -> None:
        """Write a model folder.

        Raises
        ------
        InputError, OutputError
            As `graben.learning.save_model`.
        """
        save_model(
            folder,
            dict(self.nets),
            {
                "model": MODEL,
                "what": "Probability of a fault at each sample of a seismic line or volume",
                "training_end": "none: all images are synthetic",
                "licence": "Apache-2.0; no data of others",
                **self.about,
                "preset": self.preset,
                "normalisation": "one mean and one standard deviation for the whole survey",
                "nets": {name: asdict(net.config) for name, net in self.nets.items()},
                "calibration": {name: asdict(one) for name, one in self.calibrations.items()},
            },
        )

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """Read a model that ships or lies in a folder.

        Parameters
        ----------
        name
            A folder, or the name of one that ships; see `shipped_fault_nets`.

        Raises
        ------
        ModelError
            There is none, it was changed, or it is another kind of model.
        """
        folder = shipped_fault_nets().get(str(name), Path(name))
        if not folder.is_dir():
            ships = ", ".join(shipped_fault_nets()) or "none"
            raise ModelError(
                f"expected the folder of a fault net or the name of one that ships ({ships}), got "
                f"{name}. Train one: graben imaging train."
            )
        stored = load_model(folder)
        about = dict(stored.description)
        if about.get("model") != MODEL:
            raise ModelError(
                f"expected a {MODEL} in {folder}, got {about.get('model')}. Choose the folder of a "
                "fault net."
            )
        nets = {}
        for key, made in about["nets"].items():
            net = UNet(UNetConfig(**made))
            net.load_state_dict({k: torch.tensor(v) for k, v in stored.state(key).items()})
            nets[key] = net.eval()
        calibrations = {key: Platt(**one) for key, one in about["calibration"].items()}
        return cls(nets, calibrations, about)


def shipped_fault_nets() -> dict[str, Path]:
    """Return the folders of the fault nets that ship, by name: volume, section, best."""
    folders = sorted(SHIPPED.glob(f"{PREFIX}*"))
    return {folder.name.removeprefix(PREFIX): folder for folder in folders}


def _mean(several: list[Floats]) -> Floats:
    if len(several) == 1:
        return several[0]
    mean: Floats = np.mean(several, axis=0)
    return mean


def _members(net: UNet, image: Floats, kind: Image, spread: bool) -> Floats:
    """Give the uncalibrated probabilities of all looks, (member, inline, crossline, sample)."""
    if kind == "line":
        section = image.reshape(-1, image.shape[2])
        return section_members(folded(section_net(net)), section).reshape(-1, *image.shape)
    ready = folded(net)
    if net.config.ndim == 2:
        return line_directions(ready, image)
    sides = list(product((1, -1), repeat=2)) if spread else [(1, 1)]
    looks = []
    for inline, crossline in sides:
        seen = net_logits(ready, image[None, ::inline, ::crossline])[0]
        looks.append(expit(seen)[::inline, ::crossline])
    return np.stack(looks)
