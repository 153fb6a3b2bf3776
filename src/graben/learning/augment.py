"""More from little data."""

import numpy as np
from torch import Tensor


def mixup(
    batch: dict[str, Tensor], alpha: float, generator: np.random.Generator
) -> dict[str, Tensor]:
    """Mix each sample of a batch with another one of it.

    Everything that belongs to a sample is mixed with the same share: input, label, offset and
    weight, so that the objective stays consistent.

    Parameters
    ----------
    batch
        Tensors whose first axis is the sample.
    alpha
        The share is drawn once per batch from Beta(alpha, alpha).
    generator
        Source of the share and of the partners.

    Returns
    -------
    dict
        A new batch of the same shapes.

    References
    ----------
    Zhang et al. (2018), mixup: beyond empirical risk minimization, doi:10.48550/arXiv.1710.09412.
    """
    share = float(generator.beta(alpha, alpha))
    partner = generator.permutation(len(batch["x"]))
    return {name: share * values + (1 - share) * values[partner] for name, values in batch.items()}
