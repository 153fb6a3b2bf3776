"""A recurrent point process: nothing but a net on waiting times and magnitudes."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graben.errors import ModelError
from graben.learning import Recipe, TensorSamples, fit, predict
from graben.learning.nets import RecurrentNet, RecurrentNetConfig
from graben.learning.threads import torch_threads
from graben.quakes.models.point_process import EventScores, PointProcess
from graben.quakes.models.recent_places import RecentPlaces
from graben.quakes.models.weibull_mixture import COMPONENTS, WeibullMixture
from graben.quakes.sequence import EventSequence

STEPS = 64
HIDDEN = 32
TARGETS = 100
# the log of a waiting time that counts as none
LOG_NONE = -80.0
# shortest waiting time the encoder tells from none, of the mean
SHORTEST = 1e-6
RECIPE = Recipe(
    learning_rate=3e-3,
    schedule="cosine",
    weight_decay=1e-2,
    patience=6,
    max_epochs=30,
    max_steps=4000,
    batch_size=256,
    clip=1.0,
)


class RecurrentProcess(PointProcess):
    """A gated recurrent net that reads the last 64 events and answers when the next one comes.

    The net sees waiting times and magnitudes, and answers a mixture of Weibull distributions of the
    next waiting time, whose hazard is the rate; so the likelihood in time is exact. Where the event
    happens is left to kernels around the last events (`RecentPlaces`). It holds nothing of what is
    known of earthquakes: the row that shows what a net alone is worth.

    Attributes
    ----------
    net_
        Reads (step; log waiting time, magnitude above completeness), standardised.
    unit_
        Mean waiting time, days.
    mean_, scale_
        Of what the net reads, (2,).
    places_
        Density in space.

    References
    ----------
    Dascher-Cousineau et al. (2023), doi:10.1029/2023GL103909.
    """

    name = "recurrent"
    fits = "sequences: waiting times and magnitudes of the last 64 events"

    def fit(self, sequence: EventSequence) -> Self:
        """Learn from the training window, stop by the validation window.

        The weights of the kernels in space need no stopping: they are learned from both.

        Raises
        ------
        CatalogError
            There are too few events.
        ModelError
            Completeness varies in time, or events below completeness are among the sources.
        """
        self._check_events(sequence)
        sequence.require(TARGETS)
        first, last = sequence.days[1], sequence.days[3]
        self.unit_ = (last - first) / (sequence.fitted.stop - sequence.fitted.start)
        steps = self._steps(sequence)
        self.mean_ = steps[sequence.fitted].mean(axis=0)
        self.scale_ = steps[sequence.fitted].std(axis=0) + 1e-6
        self.net_ = _net()
        samples = []
        for window in (sequence.training, sequence.validation):
            waits, history = self._waits(sequence, window)
            samples.append(TensorSamples(self._read(sequence, history[:-1]), waits[:-1]))
        with torch_threads(1):
            fit(self.net_, *samples, _loss, RECIPE)
        self.places_ = RecentPlaces().fit(sequence)
        return self

    def score(self, sequence: EventSequence, events: slice) -> EventScores:
        """Return what the fitted model says of the events of one window of the sequence.

        The first interval is conditioned on nothing having happened before the window's start.
        """
        self._check_events(sequence)
        waits, history = self._waits(sequence, events)
        read = TensorSamples(self._read(sequence, history), torch.zeros(len(history)))
        with torch_threads(1):
            raw = torch.as_tensor(predict(self.net_, read)).double()
        until, since = torch.as_tensor(waits).unbind(1)
        mixture = WeibullMixture(raw)
        survival = mixture.log_survival(until)
        expected = (mixture.log_survival(since) - survival).numpy()
        rate = (mixture.log_density(until) - survival).exp().numpy()[:-1] / self.unit_
        intensity = rate * self.places_.density(sequence, events)
        return EventScores(rate, intensity, expected[:-1], float(expected[-1]))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the learned arrays by name."""
        net = {f"net.{name}": value.numpy() for name, value in self.net_.state_dict().items()}
        read = {"mean": self.mean_, "scale": self.scale_}
        return net | read | {"places": self.places_.weights_}

    def settings(self) -> dict[str, Any]:
        """Return the mean waiting time."""
        return {"mean_waiting_days": self.unit_}

    def restore(self, tensors: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
        """Take the learned arrays and settings back."""
        self.unit_ = float(settings["mean_waiting_days"])
        self.mean_, self.scale_ = tensors["mean"], tensors["scale"]
        self.net_ = _net()
        self.net_.load_state_dict(
            {name: torch.tensor(tensors[f"net.{name}"]) for name in self.net_.state_dict()}
        )
        self.net_.eval()
        self.places_ = RecentPlaces()
        self.places_.weights_ = tensors["places"]

    def _check_events(self, sequence: EventSequence) -> None:
        self.check_completeness(sequence)
        if not sequence.is_target.all():
            raise ModelError(
                "expected a sequence of events above completeness for recurrent, got smaller ones "
                "that are sources alone. Leave them out: sequence.complete()."
            )

    def _steps(self, sequence: EventSequence) -> NDArray[Any]:
        waited = np.diff(sequence.time, prepend=0.0) / self.unit_
        return np.stack([np.log(waited + SHORTEST), sequence.excess], axis=1)

    def _read(self, sequence: EventSequence, history: NDArray[Any]) -> Tensor:
        """Return the last steps of each past, (row, step, 2), oldest first; 0 where none is."""
        steps = (self._steps(sequence) - self.mean_) / self.scale_
        padded = np.concatenate([np.zeros((STEPS, 2)), steps])
        ends = torch.as_tensor(padded, dtype=torch.float32).unfold(0, STEPS, 1)
        return ends[torch.as_tensor(history)].transpose(1, 2)

    def _waits(self, sequence: EventSequence, events: slice) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return logs of waiting times, and the number of past events they are counted from.

        One row per event and one for the window's end; (row, 2): how long it is since the last
        strictly earlier event, and how long of that is part of another interval.
        """
        start, end = sequence.span(events)
        history = np.append(sequence.history[events], events.stop)
        last = np.where(history > 0, sequence.time[np.maximum(history, 1) - 1], 0.0)
        until = np.append(sequence.time[events], end) - last
        since = np.maximum(start - last, 0.0)
        later = history[:-1] < np.arange(events.start, events.stop)
        since[:-1][later] = until[:-1][later]
        waits = np.stack([until, since], axis=1) / self.unit_
        logs = np.full(waits.shape, LOG_NONE)
        np.log(waits, out=logs, where=waits > 0)
        return logs, history


def _net() -> RecurrentNet:
    return RecurrentNet(RecurrentNetConfig(2, HIDDEN, "gru", outputs=3 * COMPONENTS))


def _loss(raw: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Give the negative log-likelihood of the interval, time in mean waiting times."""
    until, since = batch["y"].unbind(1)
    mixture = WeibullMixture(raw)
    return mixture.log_survival(since) - mixture.log_density(until)
