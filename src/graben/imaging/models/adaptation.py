"""A section net that goes on learning from one interpreted line, without forgetting."""

from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from graben.errors import InputError
from graben.evaluation import AveragePrecision
from graben.imaging.models.fault_samples import DrawnImages
from graben.imaging.models.fault_scores import widened
from graben.imaging.models.fault_training import answers, fault_loss
from graben.imaging.models.faults import FaultNet
from graben.imaging.models.section_faults import Floats, gain_control, respaced
from graben.learning import Recipe, TensorSamples, fit
from graben.learning.nets import UNet, has_bfloat16
from graben.learning.threads import torch_threads

REACH = 5  # picks are taken to be right within two traces and samples
SIDE = 128  # traces, and at most so many samples, of a piece that is learned from
BLOCKS, HELD = 6, 2
BUFFER = 8  # traces beside a block that is held out, of which nothing is learned
BATCH, EPOCHS, TIMED = 8, 8, 4
LEAST_TRACES, LEAST_PICKS = 96, 20
CHECKED = 16  # synthetic sections that tell what was forgotten

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Adaptation:
    """What came of learning from a line; each score is an average precision.

    Attributes
    ----------
    helped
        Whether the adapted net joins the model.
    before, after
        On the blocks of the line that were held out: by the net, and by its mean with the adapted
        one.
    synthetic_before, synthetic_after
        The same on synthetic sections: what was forgotten.
    """

    helped: bool
    before: float
    after: float
    synthetic_before: float
    synthetic_after: float


@dataclass(frozen=True, eq=False)
class Line:
    """An interpreted line, and which of its traces are held out.

    Attributes
    ----------
    section
        (trace, sample), normalised by its survey.
    label
        Where a fault counts as seen, of the same shape.
    held
        (trace,): True in the blocks that are held out.
    """

    section: Floats
    label: Bools
    held: Bools

    @property
    def learned(self) -> Bools:
        """(trace,): True where it is learned from, away from what is held out."""
        near = np.convolve(self.held, np.ones(2 * BUFFER + 1), "same") > 0
        return ~near

    def score(self, probability: Floats) -> float:
        """Give the average precision of a map of the line on the blocks that are held out."""
        return AveragePrecision().compute(probability[self.held], self.label[self.held])


@dataclass(frozen=True, eq=False)
class LinePieces:
    """Samples for `graben.learning.fit`: pieces of a line, varied, among synthetic sections.

    Even places are pieces: of any trace spacing from half to double, from either side, with or
    without gain control. Odd places are synthetic.
    """

    line: Line
    images: DrawnImages

    def __len__(self) -> int:
        return len(self.images)

    def at_epoch(self, number: int) -> "LinePieces":
        """Give the pieces of another epoch."""
        return replace(self, images=self.images.at_epoch(number))

    def batch(self, indices: NDArray[Any]) -> dict[str, Tensor]:
        """Cut and draw the samples `indices`; "known" is 0 where nothing is learned from."""
        planes = [self._piece(index) if index % 2 == 0 else self._drawn(index) for index in indices]
        stacked = [
            torch.from_numpy(np.stack(plane)[:, None]) for plane in zip(*planes, strict=True)
        ]
        return dict(zip(("x", "y", "known"), stacked, strict=True))

    def _drawn(self, index: int) -> tuple[Floats, ...]:
        image = self.images.image(index)
        label = image.fault.reshape(SIDE, -1).astype(np.float32)
        return image.amplitude.reshape(SIDE, -1), label, np.ones_like(label)

    def _piece(self, index: int) -> tuple[Floats, ...]:
        generator = np.random.default_rng([self.images.seed, self.images.epoch, int(index)])
        section, label = self.line.section, self.line.label.astype(np.float32)
        if generator.random() < 0.5:
            section = gain_control(section)
        known = np.broadcast_to(self.line.learned[:, None], label.shape).astype(np.float32)
        traces = round(len(section) * 2 ** generator.uniform(-1, 1))
        height = self.images.shape[2]
        start = int(generator.integers(max(traces - SIDE, 0) + 1))
        top = int(generator.integers(max(section.shape[1] - height, 0) + 1))
        part = slice(start, start + SIDE), slice(top, top + height)
        step = 1 if generator.random() < 0.5 else -1
        x, y, where = (respaced(one, traces)[part][::step] for one in (section, label, known))
        louder = np.float32(np.exp(generator.normal(0, 0.1)))
        # what a piece is filled up with, copies of its last cells, is not learned from
        more = [(0, SIDE - x.shape[0]), (0, height - x.shape[1])]
        return (
            np.pad(louder * x, more, mode="edge"),
            np.pad((y > 0.5).astype(np.float32), more, mode="edge"),
            np.pad((where > 0.99).astype(np.float32), more),
        )


def adapt(
    model: FaultNet, section: Floats, picks: Bools, cpu_seconds: float = 45.0, seed: int = 0
) -> tuple[FaultNet, Adaptation]:
    """Let the section net of a model learn from one interpreted line.

    A copy of the net goes on learning from pieces of the line mixed with synthetic sections. Two
    of six blocks of the line are held out; they tell how long to learn, and whether it helped: if
    the mean of the net and its copy finds the faults there no better than the net, the model is
    given back as it was.

    Parameters
    ----------
    model
        "section" or "best".
    section
        (trace, sample), normalised by its survey.
    picks
        Where the interpreter saw a fault, of the same shape. A pick counts for all within two
        traces and samples of it; everything else counts as unfaulted.
    cpu_seconds
        Processor time of the learning.
    seed
        Of the pieces.

    Raises
    ------
    InputError
        The model has no section net; the shapes differ; the line is short; or it has few picks,
        or all in one part.
    """
    line = interpreted(section, picks)
    if "section" not in model.nets:
        raise InputError(
            "expected a model with a section net to adapt, got volume. Use the preset section or "
            "best."
        )
    own = FaultNet({"section": model.nets["section"]}, model.calibrations)
    with torch_threads(1):
        net = _learned(own.net, line, cpu_seconds, seed)
        both = FaultNet({**own.nets, "adapted": net}, model.calibrations)
        before, after = (
            line.score(one.predict(section[None]).probability[0]) for one in (own, both)
        )
        found = Adaptation(after > before, before, after, _synthetic(own), _synthetic(both))
    if not found.helped:
        return model, found
    about = {**model.about, "adaptation": {**asdict(found), "cpu_seconds": cpu_seconds}}
    return FaultNet({**model.nets, "adapted": net}, model.calibrations, about), found


def interpreted(section: Floats, picks: Bools) -> Line:
    """Widen the picks of a line, and hold out the blocks that are most like the rest.

    Raises
    ------
    InputError
        As `adapt`.
    """
    if section.shape != picks.shape or section.ndim != 2:
        raise InputError(
            f"expected a section (trace, sample) and picks of its shape, got {section.shape} and "
            f"{picks.shape}. Turn or cut one of them."
        )
    if len(section) < LEAST_TRACES or picks.sum() < LEAST_PICKS:
        raise InputError(
            f"expected a line of {LEAST_TRACES} traces or more with at least {LEAST_PICKS} samples "
            f"picked as faults, got {len(section)} traces and {int(picks.sum())}. Interpret more."
        )
    label = widened(picks, REACH)
    block = np.arange(len(section)) * BLOCKS // len(section)
    shares = np.array([label[block == one].mean() for one in range(BLOCKS)])
    apart = {}
    for chosen in combinations(range(BLOCKS), HELD):
        others = np.delete(shares, chosen)
        inside = shares[list(chosen)]
        if inside.sum() > 0 and others.sum() > 0:
            apart[chosen] = abs(inside.mean() - others.mean())
    if not apart:
        raise InputError(
            "expected picks in several parts of the line, got all in one of six. Interpret more."
        )
    return Line(section, label, np.isin(block, min(apart, key=lambda one: apart[one])))


def _learned(own: UNet, line: Line, cpu_seconds: float, seed: int) -> UNet:
    """Train a copy of a net; the time of a few steps tells how many there are."""
    first = _trained(own, line, TIMED, 1, seed)[1] / TIMED
    return _trained(own, line, max(int(cpu_seconds / first), EPOCHS), EPOCHS, seed)[0]


def _trained(own: UNet, line: Line, steps: int, epochs: int, seed: int) -> tuple[UNet, float]:
    net = UNet(replace(own.config, bfloat16=has_bfloat16()))
    net.load_state_dict(own.state_dict())
    traces, samples = line.section.shape
    multiple = own.config.multiple
    more = [(0, -side % multiple) for side in line.section.shape]
    whole = TensorSamples(np.pad(line.section, more, mode="edge")[None, None], np.zeros(1))
    shape = (1, SIDE, min(SIDE, samples + more[1][1]))
    images = DrawnImages(shape, -(-steps // epochs) * BATCH, seed, "adaptation")
    recipe = Recipe(
        learning_rate=5e-4,
        weight_decay=1e-4,
        clip=5.0,
        warmup=min(10, steps // 4),
        patience=0,
        batch_size=BATCH,
        max_epochs=epochs,
        max_steps=steps,
        seed=seed,
        initialisation="none",
    )

    def lack(logits: NDArray[Any]) -> float:
        return 1 - line.score(expit(logits[0, 0, :traces, :samples]))

    history = fit(net, LinePieces(line, images), whole, fault_loss, recipe, validation_score=lack)
    kept = UNet(own.config).eval()
    kept.load_state_dict(net.state_dict())
    return kept, history.cpu_seconds


def _synthetic(model: FaultNet) -> float:
    """Give the average precision on synthetic sections."""
    said, true = answers(model, DrawnImages((1, SIDE, SIDE), CHECKED, use="check"))
    return AveragePrecision().compute(said, true)
