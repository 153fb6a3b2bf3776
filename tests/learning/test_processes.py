"""Two processes take the steps of one, stop together and resume; samples drawn anew."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from graben.errors import ModelError
from graben.learning import Objective, Recipe, TensorSamples, fit, processes
from graben.learning.sharing import summed_over_processes
from graben.learning.training import History

RECIPE = Recipe(
    max_epochs=3, batch_size=6, learning_rate=0.05, patience=0, keep_best=False, warmup=3
)


def problem(seed: int = 0, n: int = 20) -> TensorSamples:
    x = np.random.default_rng(seed).normal(size=(n, 4)).astype("f4")
    return TensorSamples(x, x[:, 0] > x[:, 1], weight=np.linspace(0.5, 1.5, n))


class Drawn:
    """Another problem in each epoch."""

    def __init__(self, samples: TensorSamples | None = None) -> None:
        self.samples = samples or problem(99)

    def __len__(self) -> int:
        return len(self.samples)

    def at_epoch(self, number: int) -> "Drawn":
        return Drawn(problem(number))

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        return self.samples.batch(indices)


def of_the_batch(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """A loss that needs the whole batch: what its answers are together."""
    said = logits.sigmoid().flatten()
    overlap = summed_over_processes((said * batch["y"]).sum())
    total = summed_over_processes(said.sum() + batch["y"].sum())
    return torch.zeros(len(said)) + 1 - 2 * overlap / total


def trained(
    samples: object,
    recipe: Recipe,
    folder: Path | None = None,
    norm: type[nn.Module] = nn.Identity,
    objective: Objective = "cross-entropy",
) -> tuple[np.ndarray, History]:
    net = nn.Sequential(nn.Linear(4, 3, bias=False), norm(3), nn.Tanh(), nn.Linear(3, 1))
    history = fit(net, samples, problem(7), objective, recipe, checkpoint_folder=folder)
    state = [value.numpy().ravel() for value in net.state_dict().values() if value.ndim]
    return np.concatenate(state), history


# 20 samples in batches of 6 leave one of 2: of three processes one has none of it
@pytest.mark.parametrize(
    ("number", "mixup", "norm"), [(2, 0.0, nn.BatchNorm1d), (3, 0.3, nn.Identity)]
)
def test_several_processes_take_the_steps_of_one(
    number: int, mixup: float, norm: type[nn.Module]
) -> None:
    recipe = replace(RECIPE, mixup=mixup)
    alone, history = trained(Drawn(), recipe, norm=norm)
    together, shared = trained(Drawn(), replace(recipe, processes=number), norm=norm)
    np.testing.assert_allclose(together, alone, atol=5e-5)
    assert shared.steps == history.steps == 12
    np.testing.assert_allclose(shared.validation, history.validation, atol=1e-5)
    assert shared.cpu_seconds > 0
    assert not torch.distributed.is_initialized()


def test_a_loss_of_the_batch_is_that_of_all_its_samples() -> None:
    samples = problem(n=18)  # three batches of 6
    recipe = replace(RECIPE, learning_rate=0.5)
    alone, history = trained(samples, recipe, objective=of_the_batch)
    together, shared = trained(samples, replace(recipe, processes=2), objective=of_the_batch)
    np.testing.assert_allclose(together, alone, atol=5e-5)
    np.testing.assert_allclose(shared.train_loss, history.train_loss, atol=1e-5)
    assert history.train_loss[-1] < history.train_loss[0] - 0.02


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_statistics_over_one_process_are_those_of_torch(tmp_path: Path, dtype: torch.dtype) -> None:
    x = torch.randn(3, 4, 6, 5, generator=torch.manual_seed(0)).to(dtype) * 2 + 5
    found = []
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/place", rank=0, world_size=1
    )
    try:
        for shared in (processes.shared_statistics, nullcontext):
            norm, seen = nn.BatchNorm2d(4), x.clone().requires_grad_()
            nn.init.uniform_(norm.weight, generator=torch.manual_seed(1))
            with shared(norm):
                answer = norm(seen)
            (answer.float() ** 3).sum().backward()
            found.append([answer, seen.grad, norm.weight.grad, norm.running_mean, norm.running_var])
    finally:
        torch.distributed.destroy_process_group()
    close = {"rtol": 1e-4, "atol": 1e-4} if dtype == torch.float32 else {"rtol": 0.02, "atol": 0.05}
    torch.testing.assert_close(*found, **close)


def test_processes_stop_together_and_their_training_resumes(tmp_path: Path) -> None:
    recipe = replace(RECIPE, processes=2, patience=2, max_epochs=50, learning_rate=1e-9)
    weights, history = trained(problem(), recipe, tmp_path)
    assert len(history.train_loss) < 50
    again, kept = trained(problem(), recipe, tmp_path)
    assert kept == history
    np.testing.assert_array_equal(again, weights)


def test_a_helper_that_cannot_begin_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_help", _leave)
    with pytest.raises(ModelError, match="before it began"):
        trained(problem(), replace(RECIPE, processes=2))


def test_a_failure_of_the_first_process_ends_helpers_that_ignore_a_sigterm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "_help", _wait)
    with pytest.raises(ModelError, match="cannot tell"), processes.helped(_leave, (), 2):
        raise ModelError("cannot tell")
    for helper in multiprocessing.active_children():
        helper.join(10)
        assert not helper.is_alive()


SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
import torch
from graben.learning import Recipe, TensorSamples, fit


class Killed(TensorSamples):
    calls = 0

    def batch(self, indices):
        self.calls += 1  # the first call is for the fingerprint
        if self.calls == 5 and os.getppid() == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGTERM)
        return super().batch(indices)


if __name__ == "__main__":
    x = np.random.default_rng(0).normal(size=(8, 2)).astype("f4")
    samples = [kind(x, x[:, 0] > 0) for kind in (Killed, TensorSamples)]
    recipe = Recipe(max_epochs=3, batch_size=4, learning_rate=0.1, processes=int(sys.argv[1]))
    net = torch.nn.Sequential(torch.nn.Linear(2, 1))
    history = fit(net, *samples, "cross-entropy", recipe, checkpoint_folder=Path(sys.argv[2]))
    print(history.steps, [one.tolist() for one in net.parameters()])
"""


@pytest.mark.parametrize("number", [1, 2])
def test_a_training_that_is_killed_ends_as_such_and_can_go_on(tmp_path: Path, number: int) -> None:
    script = tmp_path / "killed.py"
    script.write_text(SCRIPT)

    def run(folder: str, killed_by: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, script, str(number), tmp_path / folder, str(killed_by)]
        return subprocess.run(command, timeout=100, check=False, stdout=subprocess.PIPE, text=True)

    assert run("cut", os.getpid()).returncode == -signal.SIGTERM
    resumed, whole = run("cut", 0), run("whole", 0)
    assert resumed.stdout == whole.stdout
    assert whole.stdout.startswith("6 ")


def _wait(_content: bytes, rank: int, _port: int, _threads: int, began: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    began.send(rank)
    time.sleep(60)


def _leave(*_: object) -> None:
    raise SystemExit(1)


def test_samples_are_drawn_anew_in_each_epoch_and_alike_after_an_interruption(
    tmp_path: Path,
) -> None:
    seen = []

    class Watched(Drawn):
        stop_at: int | None = None

        def at_epoch(self, number: int) -> Drawn:
            seen.append(number)
            if number == self.stop_at:
                raise KeyboardInterrupt
            return super().at_epoch(number)

    whole, _ = trained(Watched(), RECIPE)
    assert seen == [0, 1, 2]
    cut = Watched()
    cut.stop_at = 2
    with pytest.raises(KeyboardInterrupt):
        trained(cut, RECIPE, tmp_path)
    resumed, _ = trained(Watched(), RECIPE, tmp_path)
    np.testing.assert_array_equal(resumed, whole)
    fixed, _ = trained(problem(99), RECIPE)
    assert not np.allclose(fixed, whole)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_learning_rate_rises_before_it_falls(schedule: str) -> None:
    recipe = Recipe(
        optimiser="sgd", momentum=0, weight_decay=0, clip=0, learning_rate=0.1,
        schedule=schedule, warmup=4, max_epochs=10, batch_size=5, patience=0, keep_best=False,
    )  # fmt: skip
    x, w = np.ones((5, 1)), 0.0
    net = nn.Sequential(nn.Linear(1, 1, bias=False))

    def slope(output: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return output[:, 0] + 0 * batch["y"]

    for step in range(10):
        cosine = (1 + np.cos(np.pi * step / 10)) / 2 if schedule == "cosine" else 1
        w -= 0.1 * min(1, (step + 1) / 4) * cosine
    samples = TensorSamples(x, np.zeros(5))
    torch.manual_seed(recipe.seed)
    start = nn.Linear(1, 1, bias=False).weight.item()
    fit(net, samples, samples, slope, recipe)
    assert net[0].weight.item() - start == pytest.approx(w, abs=1e-5)


def test_a_training_may_go_on_from_weights() -> None:
    recipe = replace(RECIPE, initialisation="none", max_epochs=1, batch_size=20, warmup=0)
    net = nn.Linear(4, 1)
    before = net.weight.detach().numpy().copy()
    fit(net, problem(), problem(), "cross-entropy", replace(recipe, learning_rate=1e-12))
    np.testing.assert_allclose(net.weight.detach().numpy(), before, atol=1e-9)
