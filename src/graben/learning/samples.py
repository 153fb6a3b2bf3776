"""What nets learn from, and what they answer."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from graben.errors import InputError


class Samples(Protocol):
    """Samples that are made batch by batch, so that large inputs can be cut on the fly."""

    def __len__(self) -> int:
        """Give the number of samples."""

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """Give the samples `indices`; the first axis of every tensor is the sample.

        "x" is what the net sees and "y" the label. "offset" (optional) is added to the net's
        output before the objective, "weight" (optional, 1 on average) multiplies the loss.
        """


@runtime_checkable
class DrawnSamples(Samples, Protocol):
    """Samples that are drawn anew for each epoch, as by a generator that never runs dry."""

    def at_epoch(self, number: int) -> Samples:
        """Give the samples of epoch `number` (from 0): as many, and the same whenever asked."""


def of_epoch(samples: Samples, number: int) -> Samples:
    """Give the samples that are learned from in an epoch."""
    return samples.at_epoch(number) if isinstance(samples, DrawnSamples) else samples


class TensorSamples:
    """Samples that lie ready in memory.

    Parameters
    ----------
    x
        Inputs, (sample, ...).
    y
        Labels, (sample,) or the shape of the net's output.
    offset
        Added to the net's output before the objective; none by default.
    weight
        Weight of each sample, (sample,); 1 by default.

    Raises
    ------
    InputError
        The arrays differ in length.
    """

    def __init__(
        self,
        x: np.ndarray | Tensor,
        y: np.ndarray | Tensor,
        offset: np.ndarray | Tensor | None = None,
        weight: np.ndarray | Tensor | None = None,
    ) -> None:
        given = {"x": x, "y": y, "offset": offset, "weight": weight}
        self._tensors = {
            name: torch.as_tensor(values, dtype=torch.float32)
            for name, values in given.items()
            if values is not None
        }
        lengths = {name: len(tensor) for name, tensor in self._tensors.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(
                f"expected arrays of one length, got {lengths}. Give one row per sample in each."
            )

    def __len__(self) -> int:
        return len(self._tensors["x"])

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        """Give the samples `indices`."""
        chosen = torch.as_tensor(indices)
        return {name: tensor[chosen] for name, tensor in self._tensors.items()}


def batches(samples: Samples, size: int) -> Iterator[dict[str, Tensor]]:
    """Yield all samples in their order, `size` at a time."""
    for start in range(0, len(samples), size):
        yield samples.batch(np.arange(start, min(start + size, len(samples))))


def predict(net: nn.Module, samples: Samples, batch_size: int = 256) -> np.ndarray:
    """Give the net's own output for every sample; offsets are not added.

    Parameters
    ----------
    net
        Its mode (training or not) is left as it was; here it runs without dropout.
    samples
        Only "x" is used.
    batch_size
        Samples at a time; bounds the memory.

    Returns
    -------
    numpy.ndarray
        (sample, output) or (sample, output, y, x), float32.
    """
    was_training = net.training
    net.eval()
    with torch.inference_mode():
        outputs = [net(batch["x"]).numpy() for batch in batches(samples, batch_size)]
    net.train(was_training)
    return np.concatenate(outputs)
