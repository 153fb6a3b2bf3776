"""`fit`: train a net by a recipe, keep its best weights, survive a kill."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from graben.errors import InputError
from graben.learning.recipe import Recipe
from graben.learning.samples import Samples, batches, predict

PerSample = Callable[[Tensor, dict[str, Tensor]], Tensor]
Objective = Literal["cross-entropy"] | PerSample
Score = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class History:
    """How a training went.

    Attributes
    ----------
    train_loss
        Weighted mean of the objective in each epoch, as met while the weights changed.
    validation
        Validation score (lower is better) before training and after each epoch: one more entry.
    best_epoch
        Epoch with the lowest validation score; 0 is the untouched net.
    steps
        Gradient steps made.
    seconds
        Wall time, parts before an interruption included.
    cpu_seconds
        Time of the processors in all processes, parts before an interruption included.
    """

    train_loss: tuple[float, ...]
    validation: tuple[float, ...]
    best_epoch: int
    steps: int
    seconds: float
    cpu_seconds: float = field(default=0.0, compare=False)


def fit(
    net: nn.Module,
    training: Samples,
    validation: Samples,
    objective: Objective,
    recipe: Recipe,
    *,
    checkpoint_folder: Path | None = None,
    validation_score: Score | None = None,
) -> History:
    """Train `net` in place, from weights drawn anew by the recipe's rule and seed.

    Parameters
    ----------
    net
        Its weights are drawn anew first, then trained; buffers are left alone. With the rule
        "none" it goes on from its weights.
    training, validation
        The samples; nothing is learned from the second but when to stop and what to keep. The
        first may be `DrawnSamples`.
    objective
        "cross-entropy" (the net gives logits, y is 0..1), or a function of (output with offset,
        batch) that gives one loss per sample.
    recipe
        How to train.
    checkpoint_folder
        Where the state after each epoch is kept. A training that was cut off resumes from there
        and ends with the weights it would have had; one that was complete is handed back.
    validation_score
        Function of the net's outputs on all of `validation` (offsets not added), lower is better;
        by default the weighted mean of the objective.

    Returns
    -------
    History
        How it went. `net` holds the weights that the recipe keeps, in evaluation mode.

    Raises
    ------
    InputError
        There are no samples.
    ModelError
        The training diverged, or the checkpoint belongs to another training.
    KeyboardInterrupt
        Ctrl-C; the checkpoint of the last full epoch stays.
    """
    if len(training) == 0 or len(validation) == 0:
        raise InputError(
            f"expected samples to learn from and to validate with, got {len(training)} and "
            f"{len(validation)}. Use a longer period, a larger region or a lower magnitude."
        )
    # lightning takes seconds to import, so only those who train wait for it
    from graben.learning.runner import run

    trained_on = Loss(net, _per_sample(objective, recipe.class_weight))
    judged_by = _per_sample(objective, 1.0)

    def validate() -> float:
        if validation_score is not None:
            return float(validation_score(predict(net, validation, recipe.batch_size)))
        return mean_loss(net, validation, judged_by, recipe.batch_size)

    with torch.random.fork_rng(devices=[]):
        initialise(net, recipe)
        record = run(
            net,
            training,
            trained_on,
            validate,
            recipe,
            checkpoint_folder,
            _fingerprint(net, training, objective, recipe),
        )
    net.eval()
    return History(
        tuple(record.train_loss),
        tuple(record.validation),
        record.best_epoch,
        record.steps,
        record.seconds,
        record.cpu_seconds,
    )


def initialise(net: nn.Module, recipe: Recipe) -> None:
    """Draw the weights of `net` anew, by the recipe's rule and seed."""
    torch.manual_seed(recipe.seed)
    if recipe.initialisation == "uniform-0.01":
        for weight in net.parameters():
            nn.init.uniform_(weight, -0.01, 0.01)
    elif recipe.initialisation == "default":
        _reset(net)


def _reset(module: nn.Module) -> None:
    reset = getattr(module, "reset_parameters", None)
    if callable(reset):
        reset()
        return
    for child in module.children():
        _reset(child)


@dataclass(frozen=True, eq=False)
class Loss:
    """The loss of each sample of a batch under a net and an objective; survives pickling."""

    net: nn.Module
    objective: PerSample

    def __call__(self, batch: dict[str, Tensor]) -> Tensor:
        """Give the losses, weights not applied."""
        return losses(self.net, batch, self.objective)


def losses(net: nn.Module, batch: dict[str, Tensor], objective: PerSample) -> Tensor:
    """Give the loss of each sample of a batch, weights not applied."""
    output = net(batch["x"])
    if "offset" in batch:
        output = output + batch["offset"].reshape(output.shape)
    return objective(output, batch)


def mean_loss(net: nn.Module, samples: Samples, objective: PerSample, batch_size: int) -> float:
    """Give the weighted mean of the objective over `samples`, without dropout."""
    was_training = net.training
    net.eval()
    total = weight = 0.0
    with torch.inference_mode():
        for batch in batches(samples, batch_size):
            loss = losses(net, batch, objective).double()
            weights = batch["weight"].double() if "weight" in batch else torch.ones_like(loss)
            total += float((weights * loss).sum())
            weight += float(weights.sum())
    net.train(was_training)
    return total / weight


@dataclass(frozen=True, eq=False)
class _CrossEntropy:
    """Mean over the outputs of a sample; survives pickling."""

    positive: Tensor

    def __call__(self, output: Tensor, batch: dict[str, Tensor]) -> Tensor:
        label = batch["y"].reshape(output.shape)
        loss = binary_cross_entropy_with_logits(
            output, label, pos_weight=self.positive, reduction="none"
        )
        return loss.flatten(1).mean(1)


def _per_sample(objective: Objective, class_weight: float) -> PerSample:
    return _CrossEntropy(torch.tensor(class_weight)) if objective == "cross-entropy" else objective


def _fingerprint(net: nn.Module, training: Samples, objective: Objective, recipe: Recipe) -> str:
    """Tell whether a checkpoint belongs to this training; a few samples stand for all."""
    some = training.batch(np.arange(min(4, len(training))))
    named = objective if isinstance(objective, str) else objective.__qualname__
    shapes = [(name, tuple(value.shape)) for name, value in net.state_dict().items()]
    digest = hashlib.sha256(
        repr((asdict(recipe), named, shapes, len(training), sorted(some))).encode()
    )
    for name in sorted(some):
        digest.update(some[name].contiguous().numpy().tobytes())
    return digest.hexdigest()
