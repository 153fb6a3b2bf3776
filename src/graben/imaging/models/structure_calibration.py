"""Structure nets trained; calibrated, and candidates chosen, on volumes they have not seen."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from graben.imaging.models import layer_training, structure_training
from graben.imaging.models.calibration import AS_IT_IS, fit_platt
from graben.imaging.models.horizons import forward_in_time
from graben.imaging.models.layer_net import LayerNetConfig
from graben.imaging.models.plans import Plan
from graben.imaging.models.structure import CLASSES, Candidates, Floats, StructureNet
from graben.imaging.models.structure_objects import Matches, Places, match, objects_of
from graben.imaging.models.structure_samples import WINDOW, StructureImages
from graben.imaging.models.structure_scores import PERIOD, salt_overlap, time_scores
from graben.imaging.synthetic import Shape
from graben.learning import History
from graben.learning.nets import UNetConfig
from graben.learning.threads import torch_threads
from graben.output import plain
from graben.progress import track

CUBES = 120
THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)
LEASTS = (20, 50, 100, 200)
LEAST_TRUE = 30  # samples; what is smaller is not asked for
THINNED = 8  # one sample of so many is calibrated with
FEWEST = 10  # candidates that a confidence is fitted to
STEEPEST_CONFIDENCE = 4.0


def trained_structure_net(
    plan: Plan[UNetConfig] = structure_training.PLAN,
    layer_plan: Plan[LayerNetConfig] = layer_training.PLAN,
    *,
    steps: int,
    layer_steps: int,
    seed: int = 0,
    cubes: int = CUBES,
    checked: int = 12,
    whole: Shape = WINDOW,
    checkpoint_folder: Path | None = None,
) -> StructureNet:
    """Train, calibrate and score the structure nets on synthetic volumes.

    Parameters
    ----------
    plan, layer_plan
        Nets and volumes.
    steps, layer_steps
        Of the trainings.
    seed
        Of weights and volumes.
    cubes
        Volumes that are calibrated on, as the generator draws them.
    checked
        Still others, that the card's metrics are of.
    whole
        (inline, crossline, sample) of both.
    checkpoint_folder
        Trainings that were cut off go on from there.
    """
    folders = [checkpoint_folder and checkpoint_folder / name for name in ("classes", "layers")]
    net, history = structure_training.trained_unet(plan, steps, seed, folders[0])
    layers, layer_history = layer_training.trained_layer_net(
        layer_plan, layer_steps, seed, folders[1]
    )
    about = {
        "training_data": f"{_seen(plan, history)}, half around hydrocarbons, a quarter around "
        f"salt; for geologic time {_seen(layer_plan, layer_history)}; nothing real",
        "seed": seed,
        "class_training": _learned(plan, history, seed),
        "layer_training": _learned(layer_plan, layer_history, seed),
    }
    cost = {
        "cpu_seconds": history.cpu_seconds + layer_history.cpu_seconds,
        "seconds": history.seconds + layer_history.seconds,
        "steps": history.steps,
        "layer_steps": layer_history.steps,
    }
    raw = StructureNet(net, layers, about=about)
    started = time.process_time()
    with torch_threads(1):
        ready = calibrated(raw, StructureImages(whole, cubes, use="calibration"))
        metrics = check(ready, StructureImages(whole, checked, use="check"))
    cost["calibration_cpu_seconds"] = time.process_time() - started
    return replace(ready, about={**about, "cost": cost, "metrics": metrics})


def calibrated(model: StructureNet, images: StructureImages) -> StructureNet:
    """Fit probabilities, then the threshold, size and confidence of candidates, on volumes."""
    logits, labels = _answers(model, images)
    calibrations = {}
    for place, name in enumerate(CLASSES):
        some = [
            one[place].reshape(-1)[number % THINNED :: THINNED] for number, one in enumerate(logits)
        ]
        true = [
            one[place].reshape(-1)[number % THINNED :: THINNED] for number, one in enumerate(labels)
        ]
        calibrations[name] = fit_platt(
            expit(np.concatenate(some).astype(float)), np.concatenate(true)
        )
    candidates = {}
    for name in CLASSES[1:]:
        place = CLASSES.index(name)
        likely = [calibrations[name].of_logits(one[place].astype(np.float32)) for one in logits]
        candidates[name] = best_candidates(likely, [one[place] for one in labels])
    salt = [calibrations["salt"].of_logits(one[0].astype(np.float32)) for one in logits]
    return replace(
        model,
        calibrations=calibrations,
        candidates=candidates,
        salt_from=best_salt_threshold(salt, [one[0] for one in labels]),
    )


def best_salt_threshold(likely: Sequence[Floats], labels: Sequence[NDArray[np.bool_]]) -> float:
    """Choose the threshold that gives the best intersection over union of all volumes together."""

    def overlap(threshold: float) -> float:
        pairs = zip(likely, labels, strict=True)
        shared, union = np.sum([salt_overlap(p >= threshold, y) for p, y in pairs], axis=0)
        return float(shared / union) if union else 0.0

    return max(THRESHOLDS, key=overlap)


def best_candidates(likely: Sequence[Floats], labels: Sequence[NDArray[np.bool_]]) -> Candidates:
    """Choose the threshold and the least size that give the best F1 of objects.

    Parameters
    ----------
    likely
        Calibrated probabilities of each volume.
    labels
        What is true.
    """
    true = [objects_of(label, LEAST_TRUE) for label in labels]
    best, chosen = -1.0, Candidates(THRESHOLDS[0], LEASTS[0])
    for threshold in THRESHOLDS:
        found = [objects_of(one >= threshold, LEASTS[0]) for one in likely]
        for least in LEASTS:
            kept = [[one for one in objects if len(one) >= least] for objects in found]
            f1 = object_matches(kept, true).f1
            if f1 > best:
                best, chosen = f1, Candidates(threshold, least)
    return _with_confidence(chosen, likely, true)


def object_matches(said: Sequence[list[Places]], true: Sequence[list[Places]]) -> Matches:
    """Sum `match` over volumes."""
    total = Matches(0, 0, 0, 0)
    for one, other in zip(said, true, strict=True):
        total = total + match(one, other)[0]
    return total


def _with_confidence(
    rule: Candidates, likely: Sequence[Floats], true: Sequence[list[Places]]
) -> Candidates:
    """Fit how often candidates are true, by the mean probability of their samples."""
    means: list[float] = []
    right: list[bool] = []
    for one, known in zip(likely, true, strict=True):
        said = objects_of(one >= rule.threshold, rule.least)
        means += [float(one.reshape(-1)[places].mean()) for places in said]
        right += match(said, known)[1]
    share = (sum(right) + 1) / (len(right) + 2)
    flat = Candidates(rule.threshold, rule.least, 0.0, float(np.log(share / (1 - share))))
    if len(right) < FEWEST:
        return flat
    fitted = fit_platt(np.array(means), np.array(right))
    if fitted == AS_IT_IS or not 0 < fitted.slope <= STEEPEST_CONFIDENCE:
        return flat
    return Candidates(rule.threshold, rule.least, fitted.slope, fitted.intercept)


def check(model: StructureNet, images: StructureImages) -> dict[str, Any]:
    """Score a calibrated model on volumes: what its card says."""
    times, salt = [], np.zeros(2, np.int64)
    found = {name: Matches(0, 0, 0, 0) for name in model.candidates}
    for index in track(range(len(images)), "checking"):
        one = images.image(index)
        likely = model.probabilities(model.looks(one.amplitude))
        sample = np.arange(one.amplitude.shape[2], dtype=np.float32)
        told = forward_in_time(model.time(one.amplitude) + sample)
        times.append(time_scores(told, one, PERIOD))
        salt += salt_overlap(likely[0] >= model.salt_from, np.asarray(one.salt))
        for name, rule in model.candidates.items():
            said = objects_of(likely[CLASSES.index(name)] >= rule.threshold, rule.least)
            true = objects_of(getattr(one, name), LEAST_TRUE)
            found[name] += match(said, true)[0]
    table = {f"time, {name}": {"value": float(np.nanmean([getattr(t, name) for t in times]))}
             for name in times[0]._fields}  # fmt: skip
    table["salt, intersection over union"] = {"value": float(salt[0] / max(salt[1], 1))}
    for name, matches in found.items():
        table[f"{name}, F1 of objects"] = {"value": matches.f1}
    return plain(table)


def _answers(
    model: StructureNet, images: StructureImages
) -> tuple[list[NDArray[np.float16]], list[NDArray[np.bool_]]]:
    logits, labels = [], []
    for index in track(range(len(images)), "calibrating"):
        one = images.image(index)
        logits.append(model.looks(one.amplitude).astype(np.float16))
        labels.append(np.stack([np.asarray(getattr(one, name)) for name in CLASSES]))
    return logits, labels


def _seen(plan: Plan[Any], history: History) -> str:
    seen = history.steps * plan.batch_size
    return f"{seen:,} synthetic volumes of {plan.shape}, each seen once"


def _learned(plan: Plan[Any], history: History, seed: int) -> dict[str, Any]:
    """Say how a net was trained."""
    return {
        "plan": asdict(plan),
        "recipe": asdict(plan.recipe(history.steps, len(history.train_loss), seed)),
        "validation_loss": list(history.validation),
        "kept_epoch": history.best_epoch,
    }
