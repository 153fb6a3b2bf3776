"""Facies of a seismic volume, learned from a few strokes of an interpreter."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from graben.errors import ModelError
from graben.imaging.amplitudes import Amplitudes
from graben.imaging.models.facies_evaluation import (
    FaciesEvaluation,
    evaluate_strokes,
    some_of_each,
)
from graben.imaging.models.facies_features import FaciesFeatures, Floats, coherence_of
from graben.learning import load_model, save_model
from graben.learning.forest import Forest, grow, tempered
from graben.learning.nets import UNet, UNetConfig
from graben.learning.threads import torch_threads
from graben.progress import track
from graben.tiling import Tile

if TYPE_CHECKING:
    from graben.imaging.strokes import Strokes
    from graben.imaging.volume import SeismicVolume

MODEL = "facies"
MOST = 1000  # samples of a class that are learned from: long strokes add little but repetition


@dataclass(frozen=True, eq=False)
class FaciesBlock:
    """The facies of a tile, for the tiling engine.

    Attributes
    ----------
    features, forest, temperature
        Of the model.
    amplitudes
        Of the survey.
    """

    features: FaciesFeatures
    forest: Forest
    temperature: float
    amplitudes: Amplitudes

    @property
    def halo(self) -> tuple[int, int, int]:
        """How far a value looks: along inlines, crosslines and samples."""
        return 1, self.features.halo + self.features.multiple - 1, 0

    def __call__(
        self, block: Floats, tile: Tile, shape: tuple[int, ...]
    ) -> Mapping[str, NDArray[np.float32]]:
        """Give "facies" (code, 0 on missing traces) and "confidence" for the core of a tile."""
        found = {name: np.zeros(tile.shape, np.float32) for name in ("facies", "confidence")}
        start = -(-tile.padded[1].start // self.features.multiple) * self.features.multiple
        cut = start - tile.padded[1].start
        inner = slice(tile.inner[1].start - cut, tile.inner[1].stop - cut)
        for place, (x, known) in enumerate(
            sections(block[:, cut:], tile.inner[0], self.features, self.amplitudes)
        ):
            there = known[inner]
            seen = x[:, inner][:, there].reshape(len(x), -1).T
            p = tempered(self.forest.probabilities(seen), self.temperature)
            found["facies"][place][there] = p.argmax(axis=1).reshape(-1, tile.shape[2]) + 1
            found["confidence"][place][there] = p.max(axis=1).reshape(-1, tile.shape[2])
        return found


def sections(
    block: Floats, inlines: slice, features: FaciesFeatures, amplitudes: Amplitudes
) -> Iterator[tuple[Floats, NDArray[np.bool_]]]:
    """Give the features of each inline of a block, and which of its traces are there.

    Parameters
    ----------
    block
        Amplitudes (inline, crossline, sample), as recorded; with an inline more on either side.
    inlines
        Of the block, whose features are asked for.
    features, amplitudes
        Of the model and of the survey.

    Yields
    ------
    x, known
        (feature, trace, sample) float32 and (trace,).
    """
    there = np.asarray(block.any(axis=2))
    image = amplitudes.normalise(block) * there[:, :, None]
    coherence = coherence_of(image) if features.attributes else np.zeros((2, *image.shape), "f4")
    with torch_threads(1):
        for inline in range(inlines.start, inlines.stop):
            known = np.repeat(there[inline][:, None], block.shape[2], axis=1)
            yield features.of_section(image[inline], known, coherence[:, inline]), there[inline]


@dataclass(frozen=True, eq=False)
class FaciesModel:
    """What a facies looks like, and how it is kept on disk.

    Attributes
    ----------
    classes
        Names; the code of a class is its place plus 1.
    features, forest
        What is looked at, and the trees that tell the classes apart.
    temperature
        By which their votes are calibrated on held-out lines; 1 without these.
    about
        What the card says: labels, scores on held-out lines, sampling.
    """

    classes: tuple[str, ...]
    features: FaciesFeatures
    forest: Forest
    temperature: float = 1.0
    about: Mapping[str, Any] = field(default_factory=dict)

    def block(self, amplitudes: Amplitudes) -> FaciesBlock:
        """Give the function that the tiling engine runs on each tile of a survey."""
        return FaciesBlock(self.features, self.forest, self.temperature, amplitudes)

    def predict(self, volume: "SeismicVolume") -> dict[str, NDArray[np.float32]]:
        """Map a volume that fits in memory.

        Returns
        -------
        dict
            "facies", code of the class (0 on missing traces), and "confidence", the calibrated
            probability of that class if all classes are as frequent; (inline, crossline, sample).
        """
        whole = tuple(slice(0, side) for side in volume.shape)
        found = self.block(volume.survey_statistics())(
            volume.read(whole), Tile(whole, whole), volume.shape
        )
        return dict(found)

    def warnings(self, volume: "SeismicVolume") -> list[str]:
        """Say why not to trust the model on this volume."""
        said = []
        learned = self.about["sampling"]
        if learned["unit"] != volume.unit:
            said.append(
                f"it was learned on samples in {learned['unit']}, and this volume has "
                f"{volume.unit}. Draw strokes on this volume."
            )
        ratio = volume.sample_interval / learned["interval"]
        if learned["unit"] == volume.unit and not 1 / 1.5 <= ratio <= 1.5:
            said.append(
                f"its samples lie {ratio:.2g} times as far apart as those it was learned on: "
                "windows cover other thicknesses. Resample the volume, or draw strokes on it."
            )
        if self.features.depth:
            apart = abs(learned["last"] - _last(volume)) + abs(
                learned["first"] - volume.first_sample
            )
            if apart > 0.2 * (learned["last"] - learned["first"]):
                said.append(
                    f"it was learned on traces from {learned['first']:g} to {learned['last']:g}, "
                    f"this volume goes from {volume.first_sample:g} to {_last(volume):g}: depth "
                    "along the trace misleads it. Draw strokes on this volume."
                )
        return said

    def save(self, folder: str | Path) -> None:
        """Write a model folder.

        Raises
        ------
        InputError, OutputError
            As `graben.learning.save_model`.
        """
        tensors = {f"forest.{name}": array for name, array in self.forest.arrays().items()}
        encoder = self.features.encoder
        if encoder is not None:
            state = encoder.state_dict().items()
            tensors |= {f"encoder.{name}": np.ascontiguousarray(v.numpy()) for name, v in state}
        save_model(
            folder,
            tensors,
            {
                "model": MODEL,
                "what": "The facies of each sample of a seismic volume and its probability",
                "calibration": "one temperature, fitted to held-out lines",
                "licence": "that of the strokes",
                **self.about,
                "classes": self.classes,
                "features": self.features.names,
                "temperature": self.temperature,
                "encoder": None if encoder is None else asdict(encoder.config),
            },
        )

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model folder.

        Raises
        ------
        ModelError
            The folder is damaged, holds another kind of model, or was made with other features.
        """
        stored = load_model(folder)
        about = dict(stored.description)
        if about.get("model") != MODEL:
            raise ModelError(
                f"expected the model {MODEL} in {folder}, got {about.get('model')}. Give a folder "
                "that `graben imaging facies` wrote."
            )
        encoder = None
        if about["encoder"] is not None:
            encoder = UNet(UNetConfig(**about["encoder"]))
            state = stored.state("encoder").items()
            encoder.load_state_dict({name: torch.tensor(value) for name, value in state})
            encoder.eval()
        names = about["features"]
        features = FaciesFeatures(encoder, "semblance" in names, "depth" in names)
        if list(features.names) != list(names):
            raise ModelError(
                f"the model in {folder} was made with other features than this graben computes. "
                "Use the graben that made it, or learn from the strokes again."
            )
        forest = Forest(**stored.state("forest"))
        return cls(tuple(about["classes"]), features, forest, about["temperature"], about)


def _last(volume: "SeismicVolume") -> float:
    return volume.first_sample + (volume.shape[2] - 1) * volume.sample_interval


def stroke_features(
    volume: "SeismicVolume", strokes: "Strokes", features: FaciesFeatures
) -> Floats:
    """Give the features of labelled samples, (label, feature) float32, in their order."""
    amplitudes = volume.survey_statistics()
    found = np.empty((len(strokes.codes), len(features.names)), np.float32)
    step = features.multiple
    margin = features.halo + step - 1
    for inline in track(np.unique(strokes.inline).tolist(), "features of the strokes"):
        here = np.flatnonzero(strokes.inline == inline)
        traces = strokes.crossline[here]
        first = max(int(traces.min()) - margin, 0)
        first = -(-first // step) * step if first else 0
        last = min(int(traces.max()) + features.halo + 1, volume.shape[1])
        top, bottom = max(inline - 1, 0), min(inline + 2, volume.shape[0])
        block = volume.read((slice(top, bottom), slice(first, last), slice(0, volume.shape[2])))
        one = slice(inline - top, inline - top + 1)
        x, _ = next(sections(block, one, features, amplitudes))
        found[here] = x[:, traces - first, strokes.sample[here]].T
    return found


def learn_facies(
    volume: "SeismicVolume", strokes: "Strokes", features: FaciesFeatures, seed: int = 0
) -> tuple[FaciesModel, FaciesEvaluation | None]:
    """Learn facies from strokes, calibrate, and score on blocks of lines that were held out.

    Parameters
    ----------
    volume
        Of the strokes.
    strokes
        From `read_strokes`; of classes with more than 1,000 samples so many are drawn.
    features
        What is looked at.
    seed
        Of what is drawn.

    Returns
    -------
    model, evaluation
        The latter is None where all strokes lie too close together to hold any out; the model is
        then not calibrated.
    """
    strokes = strokes.part(some_of_each(strokes.codes, MOST, seed), "more than the class needs")
    x = stroke_features(volume, strokes, features)
    forest = grow(x, strokes.codes, len(strokes.classes), seed)
    evaluation = evaluate_strokes(x, strokes, features.halo, seed)
    about = {
        "labelled_samples": strokes.counts,
        "labels_left_out": strokes.left_out,
        "metrics": {} if evaluation is None else evaluation.metrics(seed),
        "sampling": {
            "unit": volume.unit,
            "interval": volume.sample_interval,
            "first": volume.first_sample,
            "last": _last(volume),
        },
        "seed": seed,
    }
    temperature = 1.0 if evaluation is None else evaluation.temperature()
    return FaciesModel(strokes.classes, features, forest, temperature, about), evaluation
