"""A mixture of Weibull distributions of a waiting time, whose hazard is exact."""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softplus

COMPONENTS = 8
# the components start spread over the waiting times of aftershocks and of quiet years, in logs of
# the mean waiting time; nets move them from there
FIRST, LAST = -7.0, 1.0
SMALLEST_SHAPE = 0.2
# exp(12) events expected of one component: a waiting time that far out is not told from longer ones
LARGEST_LOG_HAZARD = 12.0


class WeibullMixture:
    """Mixtures of eight Weibull distributions, one mixture per row.

    Parameters
    ----------
    raw
        Any numbers, (row, 24): of each component the weight, the log of the scale relative to
        where it starts, and the shape, which may come no closer to 0 than 0.2.

    Examples
    --------
    The survival function starts at 1, and falls:

    >>> mixture = WeibullMixture(torch.zeros(3, 24))
    >>> mixture.log_survival(torch.tensor([-80.0, 0.0, 10.0])).exp().numpy().round(3)
    array([1.   , 0.129, 0.   ], dtype=float32)
    """

    def __init__(self, raw: Tensor) -> None:
        weight, scale, shape = raw.chunk(3, dim=1)
        self.log_weight = log_softmax(weight, dim=1)
        self.log_scale = scale + torch.linspace(FIRST, LAST, COMPONENTS, dtype=raw.dtype)
        self.shape = SMALLEST_SHAPE + softplus(shape)

    def log_survival(self, log_time: Tensor) -> Tensor:
        """Return the log of the probability to wait longer, (row,), for logs of times, (row,)."""
        return torch.logsumexp(self.log_weight - self._log_expected(log_time).exp(), dim=1)

    def log_density(self, log_time: Tensor) -> Tensor:
        """Return the log of the probability density of the waiting time, (row,)."""
        log_expected = self._log_expected(log_time)
        log_hazard = self.shape.log() + log_expected - log_time[:, None]
        return torch.logsumexp(self.log_weight + log_hazard - log_expected.exp(), dim=1)

    def _log_expected(self, log_time: Tensor) -> Tensor:
        elapsed = self.shape * (log_time[:, None] - self.log_scale)
        return elapsed.clamp(max=LARGEST_LOG_HAZARD)
