"""Gates: small nets that turn the components of an intensity up and down, likelihood exact."""

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graben.explanation.importance import permutation_importance
from graben.learning import Recipe, TensorSamples, fit, predict
from graben.learning.nets import RecurrentNet, RecurrentNetConfig
from graben.learning.threads import torch_threads
from graben.quakes.models.components import Components
from graben.quakes.models.gate_features import feature_names, gate_features

HIDDEN = 24
DROPOUT = 0.2
STEPS = 32
CLAMP = 4.0
SEEDS = (0, 1, 2)
GateKind = Literal["mlp", "residual", "elman", "gru"]


class Gates:
    """Log-multipliers of the components of an intensity, as functions of the past.

    Component c is multiplied by exp(f_c); f is constant between events, learned on the training
    window, stopped early on the validation window and averaged over three seeds. A net that never
    helps on validation data stays at f = 0, which leaves the intensity as it was.

    Parameters
    ----------
    kind
        "mlp": one hidden layer on the features of the interval; "residual": the same with one
        gate for all components; "elman", "gru": a recurrent net on the last 32 intervals.

    Attributes
    ----------
    mean_, scale_
        Of the features in the training window, (feature,).
    nets_
        One per seed.
    """

    def __init__(self, kind: GateKind = "mlp") -> None:
        self.kind = kind

    @classmethod
    def tuned(cls, seed: int) -> Recipe:
        """Return how the nets are trained."""
        return Recipe(
            learning_rate=3e-3,
            schedule="constant",
            weight_decay=1e-2,
            patience=12,
            max_epochs=120,
            batch_size=512,
            clip=1.0,
            seed=seed,
        )

    def fit(
        self,
        components: Components,
        magnitude: NDArray[Any],
        training: slice,
        validation: slice,
    ) -> Self:
        """Learn from the training events of a run; stop by its validation events.

        Parameters
        ----------
        components, magnitude
            Of a run of events; what lies after the validation events is not looked at.
        training, validation
            Which events of the run to learn from and to stop by.
        """
        features = gate_features(components, magnitude)
        self.mean_ = np.nanmean(features[training], axis=0)
        self.scale_ = np.nanstd(features[training], axis=0) + 1e-6
        inputs, targets = self._inputs(features, components.history), _targets(components)
        samples = [TensorSamples(inputs[part], targets[part]) for part in (training, validation)]
        self.nets_ = [self._net(components.rate.shape[1]) for _ in SEEDS]
        with torch_threads(1):
            for seed, net in zip(SEEDS, self.nets_, strict=True):
                fit(net, *samples, _loss, self.tuned(seed))
        return self

    def log_gates(self, components: Components, magnitude: NDArray[Any]) -> NDArray[Any]:
        """Return f of every interval of a run of events, (interval, component).

        Parameters
        ----------
        components, magnitude
            Of a run of events that starts where that of `fit` did.
        """
        features = gate_features(components, magnitude)
        answer = self._answer(self._inputs(features, components.history))
        return np.broadcast_to(answer, components.expected.shape)

    def importance(
        self, components: Components, magnitude: NDArray[Any], events: slice
    ) -> dict[str, tuple[float, float]]:
        """Return what shuffling each feature among events costs, and its spread over shuffles.

        Returns
        -------
        dict
            Feature to (loss, standard deviation) of log-likelihood, nats per event.
        """
        features = gate_features(components, magnitude)
        inputs = self._inputs(features, components.history)[events]
        targets = _targets(components)[events]

        def gain(answer: NDArray[Any]) -> float:
            batch = {"y": targets.double()}
            return -float(_loss(torch.as_tensor(answer), batch).mean())

        # the axis of time, where there is one, goes last
        channels = np.moveaxis(inputs.numpy(), -1, 1)
        found = permutation_importance(
            lambda x: self._answer(torch.as_tensor(np.moveaxis(x, 1, -1))), channels, gain
        )
        losses = zip(found.mean.tolist(), found.sd.tolist(), strict=True)
        return dict(zip(feature_names(components.names), losses, strict=True))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the learned arrays by name."""
        arrays = {"mean": self.mean_, "scale": self.scale_}
        for seed, net in zip(SEEDS, self.nets_, strict=True):
            arrays |= {f"{seed}.{name}": value.numpy() for name, value in net.state_dict().items()}
        return arrays

    def restore(self, tensors: Mapping[str, NDArray[Any]], components: int) -> None:
        """Take the learned arrays back, for an intensity of so many components."""
        self.mean_, self.scale_ = tensors["mean"], tensors["scale"]
        self.nets_ = [self._net(components) for _ in SEEDS]
        for seed, net in zip(SEEDS, self.nets_, strict=True):
            names = net.state_dict()
            net.load_state_dict({name: torch.tensor(tensors[f"{seed}.{name}"]) for name in names})
            net.eval()

    def _net(self, components: int) -> nn.Module:
        features = len(self.mean_)
        if self.kind in ("elman", "gru"):
            return RecurrentNet(
                RecurrentNetConfig(
                    features, HIDDEN, self.kind, outputs=components, zero_initialised=True
                )
            )
        return _Layers(features, 1 if self.kind == "residual" else components)

    def _inputs(self, features: NDArray[Any], history: NDArray[Any]) -> Tensor:
        """Standardise the features; for recurrent nets, (interval, time, feature)."""
        standard = np.clip((features - self.mean_) / self.scale_, -CLAMP, CLAMP)
        inputs = torch.as_tensor(np.nan_to_num(standard), dtype=torch.float32)
        if self.kind not in ("elman", "gru"):
            return inputs
        before = torch.zeros(STEPS - 1, inputs.shape[1])
        sequences = torch.cat([before, inputs]).unfold(0, STEPS, 1).transpose(1, 2)
        # a simultaneous event must not see by a longer sequence that it is not the first
        return sequences[torch.as_tensor(history)]

    def _answer(self, inputs: Tensor) -> NDArray[Any]:
        samples = TensorSamples(inputs, torch.zeros(len(inputs)))
        with torch_threads(1):
            answers = [predict(net, samples, 4096).astype(float) for net in self.nets_]
        return np.mean(answers, axis=0)


class _Layers(nn.Module):
    """One hidden layer; the untrained net answers 0."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(features, HIDDEN)
        self.dropout = nn.Dropout(DROPOUT)
        self.last = nn.Linear(HIDDEN, outputs)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        self.first.reset_parameters()
        for weight in self.last.parameters():
            nn.init.zeros_(weight)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.last(self.dropout(torch.tanh(self.first(x))))
        return answer


def _targets(components: Components) -> Tensor:
    """Return each component's share of the intensity and its expected count, (event, 2 C)."""
    share = components.intensity / components.intensity.sum(axis=1, keepdims=True)
    return torch.as_tensor(
        np.concatenate([share, components.expected[: len(share)]], axis=1), dtype=torch.float32
    )


def _loss(log_gates: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Give the loss of log-likelihood by the gates; gates of 1 lose nothing."""
    share, expected = batch["y"].chunk(2, dim=1)
    gained = (share * torch.exp(log_gates)).sum(dim=1).log()
    return (torch.expm1(log_gates) * expected).sum(dim=1) - gained
