"""Fault nets made from synthetic images alone, in minutes of one core."""

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from graben.errors import InputError, ModelError
from graben.evaluation import AveragePrecision, calibration_error, reliability
from graben.imaging.models.calibration import fit_platt
from graben.imaging.models.fault_samples import DrawnImages, KeptImages
from graben.imaging.models.fault_scores import fault_scores
from graben.imaging.models.faults import FaultNet, Image, Preset
from graben.imaging.models.plans import Plan
from graben.imaging.synthetic import Shape
from graben.learning import History, fit, predict
from graben.learning.nets import UNet, UNetConfig, has_bfloat16
from graben.learning.sharing import summed_over_processes
from graben.learning.threads import torch_threads
from graben.output import plain, written_file
from graben.progress import track

Single = Literal["volume", "section", "faultseg-shaped"]
EPOCHS = 10  # validations in a training
TIMED, TIMINGS = 4, 3  # steps that are timed to know how many fit in the budget, and how often
# images that a calibration is fitted to, and as many that it is checked on
CHECKS: dict[Image, tuple[Shape, int]] = {
    "volume": ((96, 96, 96), 6),
    "line": ((1, 128, 128), 32),
}


FaultPlan = Plan[UNetConfig]
PLANS: dict[Single, FaultPlan] = {
    "volume": Plan(
        UNetConfig(3, 1, 1, width=16, depth=2, stem=2, encoder_convolutions=1),
        (64, 64, 64),
        2,
        1e-2,
        4,
    ),
    "section": Plan(UNetConfig(2, 1, 1, width=16, depth=3), (1, 128, 128), 8, 1e-2, 24),
    # the shape of FaultSeg3D, as a peer at the same cost; a single cube costs as much as a pair
    "faultseg-shaped": Plan(UNetConfig(3, 1, 1, width=16, depth=3), (64, 64, 64), 2, 1e-2, 4),
}


def fault_loss(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Give the cross-entropy of each image, plus the soft Dice loss of the batch as a whole.

    Where a batch has "known", samples with 0 there count in neither.

    References
    ----------
    Milletari et al. (2016), V-Net, doi:10.1109/3DV.2016.79, of the Dice loss.
    """
    label = batch["y"]
    known = batch.get("known", torch.ones_like(label))
    cross = binary_cross_entropy_with_logits(logits, label, known, reduction="none")
    of_each = cross.flatten(1).sum(1) / known.flatten(1).sum(1).clamp(min=1)
    probability = logits.sigmoid() * known
    overlap = summed_over_processes((probability * label).sum())
    total = summed_over_processes(probability.sum() + (known * label).sum())
    return of_each + 1 - (2 * overlap + 1) / (total + 1)


def train_fault_net(
    preset: Single,
    *,
    cpu_seconds: float = 600.0,
    steps: int | None = None,
    seed: int = 0,
    processes: int = 1,
    checkpoint_folder: Path | None = None,
    plan: FaultPlan | None = None,
) -> FaultNet:
    """Train a net on synthetic images that are drawn as it goes, and calibrate it on others.

    Parameters
    ----------
    preset
        "volume", "section", or "faultseg-shaped": a net of that published shape, to compare with.
    cpu_seconds
        Processor time of the training: a few steps are timed first, and the schedule is laid over
        as many as fit. The calibration comes on top.
    steps
        Take so many steps instead, whatever they cost: the same seed and steps give the same
        weights on the same machine.
    seed
        Of the weights and the images.
    processes
        That share each batch; not more than it has images.
    checkpoint_folder
        A training that was cut off goes on from there, with the steps that it had planned.
    plan
        Another net, image or batch than `PLANS` says.

    Raises
    ------
    InputError
        There are more processes than images in a batch, or a budget of nothing.
    ModelError
        The folder holds another training.
    """
    plan = plan or PLANS[preset]
    if processes > plan.batch_size or cpu_seconds <= 0:
        raise InputError(
            f"expected at most {plan.batch_size} processes for {preset}, one an image of a batch, "
            f"and a budget above 0; got {processes} and {cpu_seconds:g} s. Change them."
        )
    with torch_threads(1):
        held = KeptImages(DrawnImages(plan.shape, plan.held, use="validation"))
        planned = _planned(plan, held, cpu_seconds, steps, seed, checkpoint_folder)
        net = UNet(replace(plan.config, bfloat16=has_bfloat16()))
        history = fit(
            net,
            _training_images(plan, planned["steps"], seed),
            held,
            fault_loss,
            plan.recipe(planned["steps"], EPOCHS, seed, processes),
            checkpoint_folder=checkpoint_folder,
            validation_score=_Lack(held),
        )
        name = "section" if plan.config.ndim == 2 else "volume"
        kept = UNet(plan.config).eval()
        kept.load_state_dict(net.state_dict())
        about = _about(preset, plan, history, seed, processes, planned["timing_cpu_seconds"])
        return calibrated(FaultNet({name: kept}, about=about))


def train_preset(
    preset: Preset,
    *,
    cpu_seconds: float = 600.0,
    steps: int | None = None,
    seed: int = 0,
    processes: int = 1,
    checkpoint_folder: Path | None = None,
) -> FaultNet:
    """Train any preset; "best" is a volume and a section net of half the processor time each.

    Parameters are those of `train_fault_net`; `steps` is for each net.
    """
    names: tuple[Single, ...] = ("volume", "section") if preset == "best" else (preset,)
    trained = [
        train_fault_net(
            name,
            cpu_seconds=cpu_seconds / len(names),
            steps=steps,
            seed=seed,
            processes=processes,
            checkpoint_folder=checkpoint_folder and checkpoint_folder / name,
        )
        for name in names
    ]
    return fuse(*trained) if preset == "best" else trained[0]


def fuse(volume: FaultNet, section: FaultNet) -> FaultNet:
    """Join a 3-D and a 2-D net: the mean of their calibrated probabilities, calibrated again."""
    about = {
        "training_data": volume.about["training_data"],
        "cost": {"volume": volume.about["cost"], "section": section.about["cost"]},
        "seed": {"volume": volume.about["seed"], "section": section.about["seed"]},
    }
    nets = {"volume": volume.net, "section": section.net}
    both = {**volume.calibrations, **section.calibrations}
    with torch_threads(1):
        return calibrated(FaultNet(nets, both, about))


def calibrated(model: FaultNet) -> FaultNet:
    """Calibrate a model on synthetic images of its own kind, and score it on still others.

    Cubes and lines are calibrated apart, each after the looks at it were averaged.
    """
    started = time.process_time()
    name = model.preset
    found = dict(model.calibrations)
    metrics: dict[str, Any] = {}
    tables: dict[str, Any] = {}
    for kind, (shape, count) in CHECKS.items():
        fitted_to = answers(model, DrawnImages(shape, count, use="calibration"))
        found[f"{name}, {kind}"] = fit_platt(*fitted_to)
        said, true = answers(FaultNet(model.nets, found), DrawnImages(shape, count, use="check"))
        metrics |= _scored(kind, shape, said, true)
        table = reliability(said, true, edges=np.linspace(0, 1, 11).tolist())
        tables[kind] = {"expected": table.expected, "observed": table.observed}
    cost = {**model.about["cost"], "calibration_cpu_seconds": time.process_time() - started}
    about = {**model.about, "cost": cost, "metrics": metrics, "reliability": tables}
    return FaultNet(model.nets, found, about)


def answers(model: FaultNet, images: DrawnImages) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give probabilities and truth of many images, each flattened."""
    said, true = [], []
    for index in track(range(len(images)), "calibrating"):
        one = images.image(index)
        said.append(model.predict(one.amplitude).probability.ravel())
        true.append(one.fault.ravel())
    return np.concatenate(said), np.concatenate(true)


def _scored(kind: Image, shape: Shape, said: NDArray[Any], true: NDArray[Any]) -> dict[str, Any]:
    scores = [
        fault_scores(p, y)
        for p, y in zip(said.reshape(-1, *shape), true.reshape(-1, *shape), strict=True)
        if y.any()
    ]
    table = {
        f"synthetic {kind}s, mean of {score}": _interval([one[score] for one in scores])
        for score in ("AP", "F1", "F1 near")
    }
    rows = {
        "pooled AP": AveragePrecision().compute(said, true),
        "calibration error": calibration_error(said, true, bins=15, by="count").plain,
    }
    return table | {f"synthetic {kind}s, {row}": {"value": value} for row, value in rows.items()}


def _interval(values: list[float]) -> dict[str, float]:
    from graben.evaluation import block_bootstrap

    known = np.array(values)[~np.isnan(values)]
    return asdict(block_bootstrap(known)) if known.size > 1 else {"value": float("nan")}


@dataclass(frozen=True, eq=False)
class _Lack:
    """What average precision lacks to 1 on images that are held out."""

    held: KeptImages

    def __call__(self, logits: NDArray[Any]) -> float:
        truth = self.held.all["y"].numpy()
        return 1 - AveragePrecision().compute(expit(logits.ravel()), truth.ravel())


def _training_images(plan: FaultPlan, steps: int, seed: int) -> DrawnImages:
    return DrawnImages(plan.shape, -(-steps // EPOCHS) * plan.batch_size, seed)


def _planned(
    plan: FaultPlan,
    held: KeptImages,
    cpu_seconds: float,
    steps: int | None,
    seed: int,
    folder: Path | None,
) -> dict[str, Any]:
    """Choose the number of steps, or read what an interrupted training had chosen."""
    if steps is not None:
        return {"steps": steps, "timing_cpu_seconds": 0.0}
    kept = None if folder is None else folder / "plan.json"
    asked = plain({"cpu_seconds": cpu_seconds, "seed": seed, "plan": asdict(plan)})
    if kept is not None and kept.exists():
        read: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        if read["asked"] != asked:
            raise ModelError(
                f"{folder} holds a training with another seed, budget or net. Delete it to train "
                "anew, or ask for what was asked then."
            )
        return read
    started = time.process_time()
    a_step, a_validation = _seconds(plan, held)
    spent = time.process_time() - started
    room = cpu_seconds - spent - EPOCHS * a_validation
    planned = {"steps": max(int(room / a_step), EPOCHS), "timing_cpu_seconds": spent}
    if kept is not None:
        with written_file(kept) as temporary:
            temporary.write_text(json.dumps({**planned, "asked": asked}), encoding="utf-8")
    return planned


def _seconds(plan: FaultPlan, held: KeptImages) -> tuple[float, float]:
    """Time a step and a validation, in a training that is thrown away."""
    net = UNet(replace(plan.config, bfloat16=has_bfloat16()))
    images = DrawnImages(plan.shape, TIMED * plan.batch_size, use="check")
    one = KeptImages(replace(images, count=1))
    recipe = plan.recipe(TIMED, 1)
    # one more first, for what is compiled on the way
    of_steps = [
        fit(net, images, one, fault_loss, recipe, validation_score=_nothing).cpu_seconds
        for _ in range(1 + TIMINGS)
    ][1:]
    started = time.process_time()
    _Lack(held)(predict(net, held, plan.batch_size))
    return median(of_steps) / TIMED, time.process_time() - started


def _nothing(_: NDArray[Any]) -> float:
    return 0.0


def _about(
    preset: Single, plan: FaultPlan, history: History, seed: int, processes: int, timing: float
) -> dict[str, Any]:
    seen = history.steps * plan.batch_size
    return {
        "training_data": f"{seen:,} synthetic images of {plan.shape}, each seen once; nothing real",
        "cost": {
            "cpu_seconds": history.cpu_seconds + timing,
            "seconds": history.seconds,
            "steps": history.steps,
            "images": seen,
            "processes": processes,
        },
        "seed": seed,
        "trained_as": preset,
        "plan": asdict(plan),
        "recipe": asdict(plan.recipe(history.steps, EPOCHS, seed, processes)),
        "validation_ap": [1 - lack for lack in history.validation],
        "kept_epoch": history.best_epoch,
    }
