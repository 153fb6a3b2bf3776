"""Recurrent nets for sequences: Elman's and the gated recurrent unit."""

# ruff: noqa: F722 - axis names look like forward references to it

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class RecurrentNetConfig:
    """What a `RecurrentNet` is made of.

    Parameters
    ----------
    inputs
        Features per time step.
    hidden
        Width of the state.
    cell
        "elman" or "gru".
    outputs
        Number of outputs; they are logits or another unbounded quantity.
    initial_state
        The state before the first step is drawn once from U[-initial_state, initial_state].
    seed
        Seed of that draw.
    zero_initialised
        The output layer starts at zero, so the untrained net answers exactly 0.
    """

    inputs: int
    hidden: int = 32
    cell: Literal["elman", "gru"] = "elman"
    outputs: int = 1
    initial_state: float = 0.1
    seed: int = 0
    zero_initialised: bool = False


class _Elman(nn.Module):
    """h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h), with the single bias of the equation."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.from_input = nn.Linear(inputs, hidden)
        self.from_state = nn.Linear(hidden, hidden, bias=False)

    def forward(
        self, x: Float[Tensor, "batch time feature"], state: Float[Tensor, "batch hidden"]
    ) -> Float[Tensor, "batch hidden"]:
        """Give the state after the last step."""
        for driven in self.from_input(x).unbind(1):
            state = torch.tanh(self.from_state(state) + driven)
        return state


class _Gru(nn.Module):
    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.gru = nn.GRU(inputs, hidden, batch_first=True)

    def forward(
        self, x: Float[Tensor, "batch time feature"], state: Float[Tensor, "batch hidden"]
    ) -> Float[Tensor, "batch hidden"]:
        """Give the state after the last step."""
        last: Tensor = self.gru(x, state[None].contiguous())[1][0]
        return last


class RecurrentNet(nn.Module):
    """A recurrent net that answers after the last step: y = W_hy h + b_y.

    Parameters
    ----------
    config
        The architecture. The initial state is a buffer: it is stored with the weights and not
        trained.

    Examples
    --------
    >>> net = RecurrentNet(RecurrentNetConfig(inputs=2, hidden=8))
    >>> tuple(net(torch.zeros(5, 120, 2)).shape)
    (5, 1)
    """

    def __init__(self, config: RecurrentNetConfig) -> None:
        super().__init__()
        self.config = config
        cell = {"elman": _Elman, "gru": _Gru}[config.cell]
        self.cell = cell(config.inputs, config.hidden)
        self.last = nn.Linear(config.hidden, config.outputs)
        generator = torch.Generator().manual_seed(config.seed)
        bound = config.initial_state
        state = (2 * torch.rand(config.hidden, generator=generator) - 1) * bound
        self.state: Tensor
        self.register_buffer("state", state)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew from torch's generator, by torch's default rule."""
        for layer in self.modules():
            if isinstance(layer, nn.GRU | nn.Linear):
                layer.reset_parameters()
        if self.config.zero_initialised:
            for weight in self.last.parameters():
                nn.init.zeros_(weight)

    def forward(self, x: Float[Tensor, "batch time feature"]) -> Float[Tensor, "batch output"]:
        """Give one row of outputs per sequence."""
        answer: Tensor = self.last(self.cell(x, self.state.expand(len(x), -1)))
        return answer
