"""The Lightning side of `fit`; imported only when something is trained."""

import logging
import math
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from graben.errors import ModelError
from graben.learning.augment import mixup
from graben.learning.muon import Muon
from graben.learning.recipe import Recipe
from graben.learning.samples import Samples, of_epoch
from graben.output import written_file
from graben.progress import track

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.strategies import DDPStrategy

    from graben.learning.processes import helped, shared_statistics, strategy

Batch = dict[str, Tensor]
COOLDOWN = 0.6  # share of the steps over which the learning rate falls


@dataclass
class Record:
    """What a training knows of itself; goes into the checkpoint."""

    fingerprint: str
    train_loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int = 0
    kept: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    finished: bool = False


def run(
    net: nn.Module,
    training: Samples,
    losses: Callable[[Batch], Tensor],
    validate: Callable[[], float],
    recipe: Recipe,
    folder: Path | None,
    fingerprint: str,
) -> Record:
    """Train `net` in place by `recipe`, and leave it with the weights that the recipe keeps."""
    checkpoint = None if folder is None else Path(folder) / "last.ckpt"
    record = Record(fingerprint)
    saved = checkpoint if checkpoint is not None and checkpoint.exists() else None
    if saved is not None:
        record = _read(saved, fingerprint)
    else:
        record.validation.append(validate())
        record.kept = _copy(net)
    if not record.finished:
        parts = (net, training, losses, recipe, checkpoint, record)
        if recipe.processes == 1:
            _train(_Training(*parts, validate), saved)
        else:
            with helped(_helper, (*parts, saved), recipe.processes) as port:
                _train(_Training(*parts, validate), saved, strategy(0, port))
    net.load_state_dict(record.kept)
    return record


def _helper(
    rank: int,
    port: int,
    net: nn.Module,
    training: Samples,
    losses: Callable[[Batch], Tensor],
    recipe: Recipe,
    checkpoint: Path | None,
    record: Record,
    saved: Path | None,
) -> None:
    module = _Training(net, training, losses, recipe, checkpoint, record, rank=rank)
    _train(module, saved, strategy(rank, port))


def planned_steps(recipe: Recipe, samples: int) -> int:
    """Count the gradient steps of a training that is not stopped early."""
    steps = recipe.max_epochs * math.ceil(samples / recipe.batch_size)
    return steps if recipe.max_steps is None else min(steps, recipe.max_steps)


class _Batches:
    """The batches of one epoch, mixed and shuffled by (seed, epoch) alone.

    A resumed training therefore needs no saved random state.
    """

    def __init__(self, samples: Samples, recipe: Recipe, record: Record, rank: int) -> None:
        self.samples, self.recipe, self.record, self.rank = samples, recipe, record, rank
        self.ticks = _ticks(planned_steps(recipe, len(samples)) - record.steps)

    def __len__(self) -> int:
        return math.ceil(len(self.samples) / self.recipe.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        epoch = len(self.record.train_loss)
        seeds = np.random.SeedSequence([self.recipe.seed, epoch])
        generator = np.random.default_rng(seeds)
        torch.manual_seed(int(seeds.generate_state(1)[0]) + self.rank)
        samples = of_epoch(self.samples, epoch)
        order = generator.permutation(len(samples))
        for start in range(0, len(order), self.recipe.batch_size):
            next(self.ticks, None)
            chosen = order[start : start + self.recipe.batch_size]
            if self.recipe.mixup:
                yield self._part(mixup(samples.batch(chosen), self.recipe.mixup, generator))
            elif self.recipe.processes == 1:
                yield samples.batch(chosen)
            else:
                mine = self._mine(len(chosen))
                yield self._weighted(samples.batch(chosen[mine]), len(chosen))

    def _part(self, batch: Batch) -> Batch:
        """Give what this process takes of a batch that had to be made as a whole."""
        if self.recipe.processes == 1:
            return batch
        size = len(batch["x"])
        mine = self._mine(size)
        return self._weighted({name: values[mine] for name, values in batch.items()}, size)

    def _mine(self, size: int) -> np.ndarray:
        # one without a share computes along, for the others wait for its gradient
        return np.arange(self.rank % size, size, self.recipe.processes)

    def _weighted(self, batch: Batch, size: int) -> Batch:
        """Weight the samples so that the mean over processes is the mean over the batch."""
        held = len(batch["x"]) if self.rank < size else 0
        factor = held * self.recipe.processes / size
        if factor == 1:
            return batch
        weight = batch.get("weight", torch.ones(len(batch["x"])))
        return {**batch, "weight": factor * weight}


def _ticks(steps: int) -> Generator[int, None, None]:
    yield from track(range(steps), "training")


class _Training(LightningModule):
    def __init__(
        self,
        net: nn.Module,
        samples: Samples,
        losses: Callable[[Batch], Tensor],
        recipe: Recipe,
        checkpoint: Path | None,
        record: Record,
        validate: Callable[[], float] | None = None,
        rank: int = 0,
    ) -> None:
        super().__init__()
        self.net, self.losses, self.validate = net, losses, validate
        self.recipe, self.checkpoint, self.record = recipe, checkpoint, record
        self.batches = _Batches(samples, recipe, record, rank)
        self.started = time.monotonic() - record.seconds
        self.computed = time.process_time()
        self.terminated = signal.getsignal(signal.SIGTERM)
        self.loss_sum = self.weight_sum = 0.0

    def on_train_start(self) -> None:
        """Let a kill end the process: Lightning would leave as if all were well, or wait."""
        if self.terminated is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.terminated)

    def train_dataloader(self) -> _Batches:
        return self.batches

    def training_step(self, batch: Batch, _: int) -> Tensor:
        loss = self.losses(batch)
        weights = batch.get("weight", torch.ones_like(loss))
        weighted = weights * loss
        self.loss_sum += float(weighted.detach().sum())
        self.weight_sum += float(weights.sum())
        return weighted.mean()

    def configure_optimizers(self) -> Any:
        optimiser = self._optimiser()
        if self.recipe.schedule == "constant" and self.recipe.warmup == 0:
            return optimiser
        return [optimiser], [{"scheduler": self._schedule(optimiser), "interval": "step"}]

    def _optimiser(self) -> torch.optim.Optimizer:
        recipe, rate = self.recipe, self.recipe.learning_rate
        if recipe.optimiser == "muon":
            return Muon(self.net, rate, recipe.weight_decay, other_rate=rate / 3)
        weights = self.net.parameters()
        if recipe.optimiser == "adamw":
            return torch.optim.AdamW(weights, rate, weight_decay=recipe.weight_decay)
        return torch.optim.SGD(
            weights, rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )

    def _schedule(self, optimiser: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        recipe = self.recipe
        steps = planned_steps(recipe, len(self.batches.samples))
        if recipe.schedule == "cosine" and recipe.warmup == 0:
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

        def share(step: int) -> float:
            falls = {
                "constant": 1.0,
                "cooldown": min(1, (1 - step / steps) / COOLDOWN),
                "cosine": (1 + math.cos(math.pi * step / steps)) / 2,
            }
            return min(1, (step + 1) / max(recipe.warmup, 1)) * falls[recipe.schedule]

        return torch.optim.lr_scheduler.LambdaLR(optimiser, share)

    def on_train_epoch_end(self) -> None:
        record = self.record
        spent = time.process_time() - self.computed
        self.computed += spent
        loss_sum, weight_sum, spent = self._over_processes(self.loss_sum, self.weight_sum, spent)
        loss = loss_sum / weight_sum
        self.loss_sum = self.weight_sum = 0.0
        epoch = len(record.train_loss) + 1
        if not math.isfinite(loss):
            raise ModelError(
                f"the training diverged in epoch {epoch}: expected a finite loss, got {loss}. "
                f"Use a learning rate below {self.recipe.learning_rate} or clip the gradient."
            )
        # only the first process validates; all go on from what it found
        score = self.trainer.strategy.broadcast(self.validate() if self.validate else math.nan)
        if score < record.validation[record.best_epoch]:
            record.best_epoch = epoch
        if record.best_epoch == epoch or not self.recipe.keep_best:
            record.kept = _copy(self.net)
        record.train_loss.append(loss)
        record.validation.append(score)
        record.steps = self.trainer.global_step
        record.seconds = time.monotonic() - self.started
        record.cpu_seconds += spent
        waited = epoch - record.best_epoch
        enough = self.recipe.patience > 0 and waited >= self.recipe.patience
        planned = planned_steps(self.recipe, len(self.batches.samples))
        record.finished = enough or record.steps >= planned
        self.trainer.should_stop = enough
        if self.checkpoint is not None and self.trainer.is_global_zero:
            with written_file(self.checkpoint) as temporary:
                self.trainer.save_checkpoint(temporary)
        elif self.checkpoint is not None:
            self.trainer.save_checkpoint(self.checkpoint)  # writes nothing, but the first waits

    def _over_processes(self, *values: float) -> list[float]:
        summed = self.trainer.strategy.reduce(
            torch.tensor(values, dtype=torch.float64), reduce_op="sum"
        )
        assert isinstance(summed, Tensor)
        return [float(value) for value in summed]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["graben"] = asdict(self.record)


def _read(checkpoint: Path, fingerprint: str) -> Record:
    remedy = f"Delete {checkpoint} to train anew, or choose another checkpoint folder."
    try:
        saved = torch.load(checkpoint, weights_only=True)["graben"]
        record = Record(**saved)
    except (RuntimeError, ValueError, KeyError, TypeError, EOFError, UnpicklingError) as error:
        raise ModelError(
            f"expected a checkpoint of graben in {checkpoint}, got a damaged or foreign file. "
            f"{remedy}"
        ) from error
    if record.fingerprint != fingerprint:
        raise ModelError(
            f"the checkpoint {checkpoint} belongs to a training with other data, another net or "
            f"another recipe. {remedy}"
        )
    return record


def _train(
    module: _Training, checkpoint: Path | None, processes: DDPStrategy | None = None
) -> None:
    recipe = module.recipe
    with _quiet(), shared_statistics(module.net) if processes else nullcontext():
        trainer = Trainer(
            accelerator="cpu",
            devices=recipe.processes,
            strategy=processes or "auto",
            use_distributed_sampler=False,
            max_epochs=recipe.max_epochs,
            max_steps=-1 if recipe.max_steps is None else recipe.max_steps,
            gradient_clip_val=recipe.clip or None,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        try:
            trainer.fit(module, ckpt_path=checkpoint, weights_only=True)
        except SystemExit as stop:
            # Lightning answers Ctrl-C by leaving the process
            if not isinstance(stop.__context__, KeyboardInterrupt):
                raise
            raise KeyboardInterrupt from None
        finally:
            module.batches.ticks.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep advice of Lightning and torch from the user, who did not choose them."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        # of weights whose kernel has one cell: in memory both orders are the same
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _copy(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}
