"""The networks that see salt, hydrocarbons, flat spots and geologic time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from graben.errors import InputError, ModelError
from graben.imaging.attributes import semblance
from graben.imaging.brightness import envelope_ratio, usual_envelope
from graben.imaging.models.calibration import AS_IT_IS, Platt
from graben.imaging.models.geologic_time import time_by_layers
from graben.imaging.models.horizons import integrated_dips
from graben.imaging.models.layer_net import LayerNet, layer_net
from graben.imaging.structure import dips
from graben.learning import load_model, save_model
from graben.learning.nets import UNet, UNetConfig, folded

MODEL = "structure-nets"
SHIPPED = Path(__file__).parents[2] / "data" / "models" / "structure"
CLASSES = ("salt", "closure", "flat_spot")
PRIORS = (-3.0, -5.0, -5.0)  # logits of `CLASSES` that a net begins with: all are rare
SIDE = 96  # samples a side of the blocks that a net looks at
SIDES = 1  # from which a block is looked at
BRIGHTEST = 6.0
STEEPEST_DIP = 1.0  # samples per trace
UNLIKE, ALIKE = 0.3, 0.7  # semblance from which on dips are trusted a little, and wholly
INTEGRATED_UNIT = 8.0  # samples; what 1 of the integrated dips stands for

Floats = NDArray[np.float32]


class Candidates(NamedTuple):
    """How candidates of a kind are found, chosen on synthetic volumes.

    Attributes
    ----------
    threshold
        Calibrated probability from which on samples belong to a candidate.
    least
        Samples that a candidate has at least.
    slope, intercept
        logit(confidence) = slope * logit(mean probability of its samples) + intercept.
    """

    threshold: float
    least: int
    slope: float = 1.0
    intercept: float = 0.0


def trusted_dips(image: Floats) -> tuple[Floats, Floats]:
    """Give dips, samples per trace: at most `STEEPEST_DIP`, and the less the less alike traces are.

    Noise has steep dips at random, which would add up along the way; with a semblance of `UNLIKE`
    or less it counts as level.
    """
    trust = np.clip((semblance(image) - UNLIKE) / (ALIKE - UNLIKE), 0, 1)
    inline, crossline = (trust * one.clip(-STEEPEST_DIP, STEEPEST_DIP) for one in dips(image))
    return inline, crossline


def channels_of(image: Floats) -> Floats:
    """Give what the net sees of an image: (5, *shape).

    The image; its envelope over what is usual at a depth, at most `BRIGHTEST`; the dips of its
    layers along inline and crossline numbers (`trusted_dips`); and those dips integrated
    (`integrated_dips`), in units of `INTEGRATED_UNIT`.
    """
    inline, crossline = trusted_dips(image)
    integrated = integrated_dips(inline, crossline) / np.float32(INTEGRATED_UNIT)
    usual = usual_envelope(image.reshape(-1, image.shape[2]))
    bright = envelope_ratio(image, usual).clip(max=BRIGHTEST)
    channels = [image, bright, inline, crossline, integrated]
    return np.stack(channels).astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class StructureNet:
    """Nets that give salt, hydrocarbons, flat spots and geologic time at each sample.

    Parameters
    ----------
    net
        In evaluation mode; its inputs are those of `channels_of`, its outputs what is added to
        `PRIORS` as logits of `CLASSES`.
    layers
        The net that knows layers again in other traces, for geologic time.
    calibrations
        By class; what is not named is left as it is.
    candidates
        By class, how candidates are found.
    salt_from
        Calibrated probability from which on a sample counts as salt, chosen on synthetic volumes.
    about
        What the card says of the training.
    """

    net: UNet
    layers: LayerNet
    calibrations: Mapping[str, Platt] = field(default_factory=dict)
    candidates: Mapping[str, Candidates] = field(default_factory=dict)
    salt_from: float = 0.5
    about: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _ready(self) -> UNet:
        return folded(self.net)

    def looks(self, image: Floats, sides: int = SIDES) -> Floats:
        """Look at a block of a volume in one pass.

        Parameters
        ----------
        image
            Normalised by its survey, (inline, crossline, sample), of any size; best of `SIDE`
            samples a side, which candidates are calibrated for.
        sides
            From how many sides to look, 1 to 4: answers are averaged.

        Returns
        -------
        numpy.ndarray
            (3, inline, crossline, sample) float32: logits of `CLASSES` before calibration.

        Raises
        ------
        InputError
            The image has not three axes.
        """
        _check_axes(image)
        total = np.zeros((len(CLASSES), *image.shape), np.float32)
        for inline, crossline in list(product((1, -1), repeat=2))[:sides]:
            seen = _answers(self._ready, np.ascontiguousarray(image[::inline, ::crossline]))
            total += seen[:, ::inline, ::crossline]
        total /= sides
        return total

    def time(self, image: Floats) -> Floats:
        """Tell the relative geologic time of a block of a volume, see `time_by_layers`.

        Parameters
        ----------
        image
            As for `looks`.

        Returns
        -------
        numpy.ndarray
            float32 of its shape: geologic time less the sample, in samples, of mean 0.

        Raises
        ------
        InputError
            The image has not three axes.
        """
        _check_axes(image)
        return time_by_layers(self.layers, image)

    def probabilities(self, logits: Floats) -> Floats:
        """Calibrate the logits of `CLASSES`, the first axis."""
        calibrated = [
            self.calibrations.get(name, AS_IT_IS).of_logits(one)
            for name, one in zip(CLASSES, logits, strict=True)
        ]
        return np.stack(calibrated)

    def save(self, folder: str | Path) -> None:
        """Write a model folder; weights are kept in 16 bits.

        Raises
        ------
        InputError, OutputError
            As `graben.learning.save_model`.
        """
        weights = {
            f"{part}.{name}": _short(values.numpy())
            for part, net in (("structure", self.net), ("layers", self.layers))
            for name, values in net.state_dict().items()
        }
        description = {
            "model": MODEL,
            "what": "Probability of salt, hydrocarbons in closures and flat spots, and relative "
            "geologic time, at each sample of a seismic volume",
            "training_end": "none: all volumes are synthetic",
            "licence": "Apache-2.0; no data of others",
            **self.about,
            "normalisation": "one mean and one standard deviation for the whole survey",
            "net": asdict(self.net.config),
            "layers": asdict(self.layers.config),
            "calibration": {name: asdict(one) for name, one in self.calibrations.items()},
            "candidates": {name: one._asdict() for name, one in self.candidates.items()},
            "salt_from": self.salt_from,
        }
        save_model(folder, weights, description)

    @classmethod
    def load(cls, folder: str | Path | None = None) -> Self:
        """Read the model that ships, or that of a folder.

        Raises
        ------
        ModelError
            There is none, it was changed, or it is another kind of model.
        """
        place = SHIPPED if folder is None else Path(folder)
        if not place.is_dir():
            raise ModelError(
                f"expected the folder of a {MODEL} model, got {place}. Leave it out to use the one "
                "that ships."
            )
        stored = load_model(place)
        about = dict(stored.description)
        if about.get("model") != MODEL:
            raise ModelError(
                f"expected a {MODEL} model in {place}, got {about.get('model')}. Choose another "
                "folder."
            )
        net = UNet(UNetConfig(**about["net"]))
        net.load_state_dict(_tensors(stored.state("structure")))
        return cls(
            net.eval(),
            layer_net(about["layers"], _tensors(stored.state("layers"))),
            {name: Platt(**one) for name, one in about["calibration"].items()},
            {name: Candidates(**one) for name, one in about["candidates"].items()},
            about["salt_from"],
            about,
        )


def _check_axes(image: Floats) -> None:
    if image.ndim != 3:
        raise InputError(
            f"expected an image (inline, crossline, sample), got shape {image.shape}. Give a "
            "section one inline."
        )


def _tensors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(values) for name, values in arrays.items()}


def _short(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float16) if values.dtype == np.float32 else values


def _answers(net: UNet, image: Floats) -> Floats:
    """Give logits; sides are filled up with copies of the last samples and cut again."""
    more = [(0, -side % net.config.multiple) for side in image.shape]
    filled = np.pad(image, more, mode="edge") if any(after for _, after in more) else image
    seen = channels_of(filled)
    with torch.inference_mode():
        answer = net(torch.from_numpy(seen)[None])[0].numpy().astype(np.float32)
    answer += np.array(PRIORS, np.float32).reshape(3, 1, 1, 1)
    inside = (slice(None), *(slice(0, side) for side in image.shape))
    return np.ascontiguousarray(answer[inside])
