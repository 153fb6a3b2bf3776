"""Training: one step by hand, the same weights twice, after a kill and after Ctrl-C."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from graben.errors import InputError, ModelError
from graben.learning import Recipe, TensorSamples, fit, predict
from graben.learning.nets import ConvNet, ConvNetConfig, Convolution
from graben.learning.training import initialise

ONE_STEP = Recipe(
    optimiser="sgd",
    learning_rate=0.1,
    momentum=0,
    schedule="constant",
    weight_decay=0,
    patience=0,
    keep_best=False,
    max_epochs=1,
    batch_size=100,
    clip=0,
)
SMALL = Recipe(max_epochs=6, batch_size=16, mixup=0.2, learning_rate=0.01, patience=0)


def problem(seed: int = 0, n: int = 80) -> TensorSamples:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 2, 3, 3)).astype("f4")
    return TensorSamples(x, x[:, 0, 1, 1] + generator.normal(size=n) > 0)


def small_net() -> ConvNet:
    return ConvNet(ConvNetConfig(2, (Convolution(4),), dropout=0.3))


def state(net: nn.Module) -> bytes:
    return b"".join(value.numpy().tobytes() for value in net.state_dict().values())


def logistic(x: np.ndarray, w: np.ndarray, b: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(x @ w + b)))


def test_one_step_is_the_hand_computed_one() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(10, 3)), (generator.random(10) < 0.5).astype(float)
    offset, weight = generator.normal(size=10), generator.random(10)
    net = nn.Sequential(nn.Linear(3, 1))
    recipe = replace(ONE_STEP, class_weight=3.0)
    initialise(net, recipe)
    w, b = net[0].weight.detach().numpy()[0].astype(float), net[0].bias.item()
    gradient_w, gradient_b = np.zeros(3), 0.0
    for i in range(10):
        p = 1 / (1 + np.exp(-(x[i] @ w + b + offset[i])))
        slope = weight[i] * ((1 - y[i]) * p - 3.0 * y[i] * (1 - p)) / 10
        gradient_w += slope * x[i]
        gradient_b += slope
    samples = TensorSamples(x, y, offset, weight)
    history = fit(net, samples, samples, "cross-entropy", recipe)
    np.testing.assert_allclose(net[0].weight.detach().numpy()[0], w - 0.1 * gradient_w, atol=1e-6)
    np.testing.assert_allclose(net[0].bias.item(), b - 0.1 * gradient_b, atol=1e-6)
    assert history.steps == 1


@pytest.mark.parametrize(
    "change",
    [
        {"momentum": 0.8},
        {"weight_decay": 0.3},
        {"clip": 0.5},
        {"schedule": "cosine"},
        {"schedule": "cooldown"},
        {"schedule": "cooldown", "warmup": 2},
        {"momentum": 0.9, "weight_decay": 0.1, "clip": 1.0, "schedule": "cosine"},
    ],
)
def test_descent_with_everything_on_equals_the_loop(change: dict[str, object]) -> None:
    x = np.random.default_rng(4).normal(size=(12, 3))
    recipe = replace(ONE_STEP, max_epochs=3, batch_size=12, **change)

    def slope(output: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return 4 * output[:, 0] + 0 * batch["y"]

    net = nn.Sequential(nn.Linear(3, 1, bias=False))
    initialise(net, recipe)
    w, velocity = net[0].weight.detach().numpy()[0].astype(float), np.zeros(3)
    for step in range(3):
        gradient = 4 * x.mean(0)
        if recipe.clip:
            gradient = gradient * min(1, recipe.clip / np.linalg.norm(gradient))
        gradient = gradient + recipe.weight_decay * w
        velocity = recipe.momentum * velocity + gradient
        rate = recipe.learning_rate
        if recipe.schedule == "cosine":
            rate *= (1 + np.cos(np.pi * step / 3)) / 2
        elif recipe.schedule == "cooldown":
            rate *= (1, 1, (1 / 3) / 0.6)[step]
        if recipe.warmup:
            rate *= min(1, (step + 1) / recipe.warmup)
        w = w - rate * velocity
    samples = TensorSamples(x, np.zeros(12))
    fit(net, samples, samples, slope, recipe)
    np.testing.assert_allclose(net[0].weight.detach().numpy()[0], w, atol=1e-5)


def test_each_epoch_visits_every_sample_once_in_an_order_of_its_own() -> None:
    seen = []

    class Watched(TensorSamples):
        def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
            seen.append(indices)
            return super().batch(indices)

    x = np.random.default_rng(0).normal(size=(20, 1))
    recipe = replace(ONE_STEP, max_epochs=2, batch_size=10)
    net = nn.Sequential(nn.Linear(1, 1))
    fit(net, Watched(x, x[:, 0] > 0), TensorSamples(x, x[:, 0] > 0), "cross-entropy", recipe)
    first, second = np.concatenate(seen[1:3]), np.concatenate(seen[3:5])
    assert sorted(first) == sorted(second) == list(range(20))
    assert first.tolist() != second.tolist()


def test_validation_is_never_class_weighted() -> None:
    def before(class_weight: float) -> float:
        recipe = replace(ONE_STEP, class_weight=class_weight)
        return fit(small_net(), problem(), problem(1), "cross-entropy", recipe).validation[0]

    assert before(1.0) == before(50.0)


def test_cross_entropy_equals_the_loop() -> None:
    x = np.random.default_rng(1).normal(size=(20, 3)).astype("f4")
    y = (x[:, 0] > 0.3).astype(float)
    weight = np.linspace(0.5, 2, 20)
    net = nn.Sequential(nn.Linear(3, 1))
    initialise(net, ONE_STEP)
    w, b = net[0].weight.detach().numpy()[0].astype(float), net[0].bias.item()
    total = 0.0
    for i in range(20):
        p = logistic(x[i], w, b)
        total -= weight[i] * (y[i] * np.log(p) + (1 - y[i]) * np.log(1 - p))
    samples = TensorSamples(x, y, weight=weight)
    history = fit(net, samples, samples, "cross-entropy", ONE_STEP)
    assert history.validation[0] == pytest.approx(total / weight.sum(), rel=1e-6)
    assert history.train_loss[0] == pytest.approx(total / weight.sum(), rel=1e-6)


def test_classic_weights_start_within_a_hundredth() -> None:
    net = small_net()
    initialise(net, Recipe.classic())
    weights = torch.cat([weight.flatten() for weight in net.parameters()])
    assert weights.abs().max() <= 0.01
    assert weights.abs().max() > 0.009
    assert weights.mean().abs() < 0.003


def test_classic_recovers_a_logistic_law() -> None:
    generator = np.random.default_rng(2)
    x = generator.normal(size=(4000, 2))
    y = generator.random(4000) < logistic(x, np.array([2.0, -1.0]), -0.5)
    samples = TensorSamples(x, y)
    net = nn.Sequential(nn.Linear(2, 1))
    history = fit(net, samples, samples, "cross-entropy", Recipe.classic(0.1, 1000, 256))
    assert history.steps == 1000
    np.testing.assert_allclose(net[0].weight.detach().numpy()[0], [2, -1], atol=0.15)
    assert net[0].bias.item() == pytest.approx(-0.5, abs=0.1)


def test_a_callable_objective_and_offset_recover_a_poisson_rate() -> None:
    generator = np.random.default_rng(3)
    base = generator.normal(size=3000)
    count = generator.poisson(np.exp(base + 0.7))

    def poisson(output: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return (output.exp() - batch["y"][:, None] * output)[:, 0]

    net = nn.Sequential(nn.Linear(1, 1))
    samples = TensorSamples(np.zeros((3000, 1)), count, offset=base)
    recipe = Recipe(learning_rate=0.05, batch_size=500, max_epochs=60, weight_decay=0)
    fit(net, samples, samples, poisson, recipe)
    exact = np.log(count.sum() / np.exp(base).sum())
    assert float(predict(net, samples)[0, 0]) == pytest.approx(exact, abs=0.01)


def test_the_same_seed_gives_the_same_weights_and_another_does_not() -> None:
    states = []
    for seed, noise in ((5, 1), (5, 2), (6, 1)):
        torch.manual_seed(noise)
        net = small_net()
        before = torch.get_rng_state()
        fit(net, problem(), problem(1), "cross-entropy", replace(SMALL, seed=seed))
        assert torch.equal(torch.get_rng_state(), before)
        states.append(state(net))
    assert states[0] == states[1]
    assert states[0] != states[2]


def test_the_untouched_net_is_kept_where_training_only_harms() -> None:
    net = ConvNet(ConvNetConfig(2, (Convolution(4),), zero_initialised=True))
    flipped = TensorSamples(
        problem().batch(np.arange(80))["x"], 1 - problem().batch(np.arange(80))["y"]
    )
    recipe = replace(SMALL, mixup=0, patience=3, max_epochs=50)
    history = fit(net, problem(), flipped, "cross-entropy", recipe)
    assert history.best_epoch == 0
    assert len(history.train_loss) == 3
    assert len(history.validation) == 4
    assert (predict(net, flipped) == 0).all()


def test_the_best_epoch_or_the_last_is_handed_back() -> None:
    scores = iter([3.0, 2.0, 1.0, 5.0, 0.5, 2.0, 2.0])
    outputs = []

    def score(output: np.ndarray) -> float:
        outputs.append(output)
        return next(scores)

    net = small_net()
    history = fit(net, problem(), problem(1), "cross-entropy", SMALL, validation_score=score)
    assert history.best_epoch == 4
    assert history.validation == (3.0, 2.0, 1.0, 5.0, 0.5, 2.0, 2.0)
    np.testing.assert_array_equal(predict(net, problem(1), SMALL.batch_size), outputs[4])
    outputs.clear()
    scores = iter([3.0, 2.0, 1.0, 5.0, 0.5, 2.0, 2.0])
    recipe = replace(SMALL, keep_best=False)
    fit(net, problem(), problem(1), "cross-entropy", recipe, validation_score=score)
    np.testing.assert_array_equal(predict(net, problem(1), SMALL.batch_size), outputs[6])


def test_steps_end_in_the_middle_of_an_epoch() -> None:
    recipe = replace(SMALL, max_steps=7)
    history = fit(small_net(), problem(), problem(1), "cross-entropy", recipe)
    assert history.steps == 7
    assert len(history.train_loss) == 2


def test_divergence_and_empty_samples_are_errors() -> None:
    x = np.full((8, 1), 1e30)
    samples = TensorSamples(x, np.zeros(8))

    def cubic(output: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return output[:, 0] ** 3 - batch["y"]

    net = nn.Sequential(nn.Linear(1, 1))
    with pytest.raises(ModelError, match="diverged in epoch 1"):
        fit(net, samples, samples, cubic, ONE_STEP)
    empty = TensorSamples(np.zeros((0, 1)), np.zeros(0))
    with pytest.raises(InputError, match="got 0 and 8"):
        fit(net, empty, samples, "cross-entropy", ONE_STEP)


class Interrupted:
    """Samples whose 13th batch does something drastic."""

    def __init__(self, samples: TensorSamples, act: object) -> None:
        self.samples, self.act, self.calls = samples, act, 0

    def __len__(self) -> int:
        return len(self.samples)

    def batch(self, indices: np.ndarray) -> dict[str, Tensor]:
        self.calls += 1
        if self.calls == 14:  # the first call is for the fingerprint
            self.act()
        return self.samples.batch(indices)


def test_ctrl_c_surfaces_and_leaves_a_checkpoint_to_resume_from(tmp_path: Path) -> None:
    whole = small_net()
    fit(whole, problem(), problem(1), "cross-entropy", SMALL)
    handler = signal.getsignal(signal.SIGINT)
    cut = Interrupted(problem(), lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        fit(small_net(), cut, problem(1), "cross-entropy", SMALL, checkpoint_folder=tmp_path)
    assert signal.getsignal(signal.SIGINT) is handler
    net = small_net()
    fit(net, problem(), problem(1), "cross-entropy", SMALL, checkpoint_folder=tmp_path)
    assert state(net) == state(whole)


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_training_killed_midway_resumes_to_the_same_weights(
    tmp_path: Path, optimiser: str
) -> None:
    """The child is this very module, so that it trains exactly what the parent trains."""
    script = f"""
        import importlib.util, os, signal, torch
        from pathlib import Path
        torch.set_num_threads({torch.get_num_threads()})
        spec = importlib.util.spec_from_file_location("twin", {__file__!r})
        twin = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(twin)
        recipe = twin.replace(twin.SMALL, optimiser={optimiser!r})
        cut = twin.Interrupted(twin.problem(), lambda: os.kill(os.getpid(), signal.SIGKILL))
        twin.fit(twin.small_net(), cut, twin.problem(1), "cross-entropy", recipe,
                 checkpoint_folder=Path({str(tmp_path)!r}))
    """
    child = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert child.returncode == -signal.SIGKILL
    recipe = replace(SMALL, optimiser=optimiser)
    resumed, whole = small_net(), small_net()
    left = fit(resumed, problem(), problem(1), "cross-entropy", recipe, checkpoint_folder=tmp_path)
    right = fit(whole, problem(), problem(1), "cross-entropy", recipe)
    assert state(resumed) == state(whole)
    assert replace(left, seconds=0) == replace(right, seconds=0)
    again = small_net()
    fit(again, problem(), problem(1), "cross-entropy", recipe, checkpoint_folder=tmp_path)
    assert state(again) == state(whole)
    with pytest.raises(ModelError, match="belongs to a training with other data"):
        fit(
            again,
            problem(),
            problem(1),
            "cross-entropy",
            replace(recipe, seed=9),
            checkpoint_folder=tmp_path,
        )


def test_a_damaged_checkpoint_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelError, match="Delete"):
        fit(small_net(), problem(), problem(), "cross-entropy", SMALL, checkpoint_folder=tmp_path)
