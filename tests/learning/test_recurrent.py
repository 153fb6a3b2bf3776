"""The equations of the recurrent nets against plain loops."""

import numpy as np
import torch

from graben.learning.nets import RecurrentNet, RecurrentNetConfig


def product(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return np.array(
        [sum(matrix[i, j] * vector[j] for j in range(len(vector))) for i in range(len(matrix))]
    )


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_elman_equals_its_equation() -> None:
    net = RecurrentNet(RecurrentNetConfig(inputs=3, hidden=4, outputs=2))
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("f4")
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    h = state["state"]
    for step in x:
        h = np.tanh(
            product(state["cell.from_state.weight"], h)
            + product(state["cell.from_input.weight"], step)
            + state["cell.from_input.bias"]
        )
    y = product(state["last.weight"], h) + state["last.bias"]
    np.testing.assert_allclose(net(torch.tensor(x)[None]).detach().numpy()[0], y, atol=1e-6)


def test_gru_equals_its_equations() -> None:
    net = RecurrentNet(RecurrentNetConfig(inputs=2, hidden=3, cell="gru"))
    x = np.random.default_rng(1).normal(size=(5, 2)).astype("f4")
    state = {name.rsplit(".", 1)[-1]: value.numpy() for name, value in net.state_dict().items()}
    w_r, w_z, w_n = np.split(state["weight_ih_l0"], 3)
    u_r, u_z, u_n = np.split(state["weight_hh_l0"], 3)
    b_r, b_z, b_n = np.split(state["bias_ih_l0"], 3)
    c_r, c_z, c_n = np.split(state["bias_hh_l0"], 3)
    h = state["state"]
    for step in x:
        r = sigmoid(product(w_r, step) + b_r + product(u_r, h) + c_r)
        z = sigmoid(product(w_z, step) + b_z + product(u_z, h) + c_z)
        n = np.tanh(product(w_n, step) + b_n + r * (product(u_n, h) + c_n))
        h = (1 - z) * n + z * h
    y = product(state["weight"], h) + state["bias"]
    np.testing.assert_allclose(net(torch.tensor(x)[None]).detach().numpy()[0], y, atol=1e-6)


def test_the_initial_state_lies_within_its_bound_and_follows_its_seed() -> None:
    def state(seed: int) -> torch.Tensor:
        return RecurrentNet(RecurrentNetConfig(inputs=1, hidden=500, seed=seed)).state

    assert state(0).abs().max() <= 0.1
    assert state(0).min() < -0.09
    assert state(0).max() > 0.09
    assert torch.equal(state(3), state(3))
    assert not torch.equal(state(3), state(4))


def test_the_initial_state_is_stored_and_not_trained() -> None:
    net = RecurrentNet(RecurrentNetConfig(inputs=1))
    assert "state" in net.state_dict()
    assert "state" not in dict(net.named_parameters())
    before = net.state.clone()
    net.reset_parameters()
    assert torch.equal(net.state, before)


def test_a_zero_initialised_net_answers_zero() -> None:
    for cell in ("elman", "gru"):
        net = RecurrentNet(RecurrentNetConfig(inputs=2, cell=cell, zero_initialised=True))
        assert (net(torch.randn(4, 7, 2)) == 0).all()
