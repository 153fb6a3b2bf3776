"""Momentum whose steps are orthogonal: convolutions learn from fewer images."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
# of the quintic iteration that draws all singular values near 1, by Jordan et al. (2024)
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


class Muon(torch.optim.AdamW):
    """Orthogonal steps for convolutions that see several cells, AdamW for all other weights.

    The averaged gradient of a convolution, as a matrix (output, input x cells), is replaced by
    the nearest matrix whose singular values are all (about) 1, so that a step moves in every
    direction alike and not mostly along the few that dominate the gradient; it is scaled so that
    its root mean square is 0.2, that of a step of AdamW.

    Parameters
    ----------
    net
        Whose parameters are trained.
    learning_rate
        Of the convolutions.
    weight_decay
        Decoupled, of all parameters.
    other_rate
        Learning rate of what AdamW trains.

    References
    ----------
    Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks,
    https://kellerjordan.github.io/posts/muon; the scale is that of Liu et al. (2025), Muon is
    scalable for LLM training, doi:10.48550/arXiv.2502.16982.
    """

    def __init__(
        self, net: nn.Module, learning_rate: float, weight_decay: float, other_rate: float
    ) -> None:
        convolutions: list[Tensor] = []
        others: list[Tensor] = []
        for weight in net.parameters():
            several = weight.ndim > 2 and weight[0, 0].numel() > 1
            (convolutions if several else others).append(weight)
        groups = [
            {"params": others, "lr": other_rate, "orthogonal": False},
            {"params": convolutions, "lr": learning_rate, "orthogonal": True},
        ]
        super().__init__([group for group in groups if group["params"]], weight_decay=weight_decay)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step, after `closure` has computed the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                if group["orthogonal"]:
                    self._orthogonal_step(group)
        super().step()  # skips what has no gradient left
        return loss

    def _orthogonal_step(self, group: dict[str, Any]) -> None:
        for weight in group["params"]:
            if weight.grad is None:
                continue
            state = self.state[weight]
            if not state:  # AdamW expects a step in every state that it reads back
                state.update(step=torch.zeros(()), momentum=torch.zeros_like(weight))
            momentum = state["momentum"]
            momentum.lerp_(weight.grad, 1 - MOMENTUM)
            ahead = weight.grad.lerp(momentum, MOMENTUM).flatten(1)
            step = 0.2 * max(ahead.shape) ** 0.5 * orthogonal(ahead)
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.sub_(step.reshape(weight.shape), alpha=group["lr"])
            weight.grad = None


def orthogonal(matrix: Tensor) -> Tensor:
    """Draw the singular values of a matrix to between 0.7 and 1.2, and leave its directions.

    Examples
    --------
    >>> steep = torch.diag(torch.tensor([5.0, 1.0, 0.2]))
    >>> bool(torch.allclose(orthogonal(steep), torch.eye(3), atol=0.35))
    True
    """
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix) / (matrix.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x
