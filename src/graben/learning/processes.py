"""Several processes that train one net: the caller's, which goes first, and its helpers."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from multiprocessing.connection import wait
from typing import Any

import torch
from lightning.fabric.plugins.environments.lightning import (
    LightningEnvironment,
    find_free_network_port,
)
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from graben.errors import ModelError
from graben.learning.sharing import summed_over_processes

LONGEST_WAIT = timedelta(hours=2)  # of helpers, while the first process validates


class _Place(LightningEnvironment):
    """The place of one process among all; none of them was started by Lightning."""

    def __init__(self, rank: int, port: int) -> None:
        super().__init__()
        self.rank, self._main_port = rank, port

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return "127.0.0.1"

    def local_rank(self) -> int:
        return self.rank

    def node_rank(self) -> int:
        return 0


def strategy(rank: int, port: int) -> DDPStrategy:
    """Average the gradients over the processes that share a port."""
    return DDPStrategy(
        cluster_environment=_Place(rank, port),
        process_group_backend="gloo",
        timeout=LONGEST_WAIT,
    )


@contextmanager
def shared_statistics(net: nn.Module) -> Iterator[None]:
    """Let batch normalisation see the samples of all processes, as one process would.

    What several processes compute because a batch has fewer samples than there are processes
    counts as often as it is computed.
    """
    norms = [layer for layer in net.modules() if isinstance(layer, _BatchNorm)]
    for norm in norms:
        norm.forward = partial(_normalised, norm)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


def _normalised(norm: _BatchNorm, x: Tensor) -> Tensor:
    if not norm.training:
        return type(norm).forward(norm, x)
    axes, sides = [0, *range(2, x.ndim)], [-1, *[1] * (x.ndim - 2)]
    count = float(summed_over_processes(torch.tensor(x.numel() / x.shape[1])))
    full = x.float()  # also where the net computes in bfloat16
    mean = summed_over_processes(full.sum(axes)) / count
    centred = full - mean.view(sides)
    variance = summed_over_processes(centred.square().sum(axes)) / count
    unbiased = variance * (count / (count - 1))
    with torch.no_grad():
        for kept, found in ((norm.running_mean, mean), (norm.running_var, unbiased)):
            assert kept is not None
            assert norm.momentum is not None
            kept.lerp_(found, norm.momentum)
    factor = norm.weight / (variance + norm.eps).sqrt()
    return (centred * factor.view(sides) + norm.bias.view(sides)).to(x.dtype)


@contextmanager
def helped(work: Callable[..., None], arguments: tuple[Any, ...], processes: int) -> Iterator[int]:
    """Run `work(rank, port, *arguments)` in processes of rank 1 and more, beside the block.

    Helpers are new interpreters, not copies of this one: a copy of a process that has computed
    gradients cannot compute any.

    Yields
    ------
    int
        The port at which they wait for the first process.

    Raises
    ------
    ModelError
        A helper could not begin.
    """
    port = find_free_network_port()
    context = torch.multiprocessing.get_context("spawn")
    # as bytes, for torch would otherwise put the weights where all processes write
    content = pickle.dumps((work, arguments))
    ends = [context.Pipe(duplex=False) for _ in range(1, processes)]
    helpers = [
        context.Process(
            target=_help, args=(content, rank, port, torch.get_num_threads(), send), daemon=True
        )
        for rank, (_, send) in enumerate(ends, 1)
    ]
    try:
        for helper in helpers:
            helper.start()
        for helper, (receive, _) in zip(helpers, ends, strict=True):
            if receive not in wait([receive, helper.sentinel]):
                raise ModelError(
                    "a process that was to help with the training ended before it began. A script "
                    "that trains in several processes starts its work under `if __name__ == "
                    '"__main__"`; or train in one process.'
                )
        yield port
        for helper in helpers:
            helper.join()
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for helper in helpers:
            if helper.is_alive():
                helper.kill()  # Lightning keeps a process that waits for others from a SIGTERM


def _help(content: bytes, rank: int, port: int, threads: int, began: Any) -> None:
    torch.set_num_threads(threads)
    work, arguments = pickle.loads(content)
    began.send(rank)
    work(rank, port, *arguments)
