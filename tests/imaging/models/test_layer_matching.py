from itertools import product

import numpy as np
import pytest
import torch

from graben.imaging.models.layer_matching import (
    BEND,
    LEAST,
    MOST_LAG,
    likeliest_path,
    log_probabilities,
    matched,
)
from graben.imaging.models.layer_net import Described

LAGS = 2 * MOST_LAG + 1


def test_probabilities_are_those_of_a_softmax():
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=(2, 90, 5)).astype(np.float32)
    found = np.empty((90, LAGS), np.float32)
    log_probabilities(first, second, np.float32(1.5), found)
    alike = torch.from_numpy(first @ second.T)
    place = torch.arange(90)
    alike[(place - place[:, None]).abs() > MOST_LAG] = -torch.inf
    said = torch.cat([alike, torch.full((90, 1), 1.5)], 1).log_softmax(1).numpy()
    for k, m in product(range(90), range(LAGS)):
        other = k + m - MOST_LAG
        if 0 <= other < 90:
            assert found[k, m] == pytest.approx(said[k, other], abs=1e-4)
        else:
            assert found[k, m] < -1e6


def best_of_all(said):
    """Try every way down."""
    samples, lags = said.shape
    best = {(m,): max(said[0, m], LEAST) for m in range(lags)}
    for k in range(1, samples):
        longer = {}
        for way, value in best.items():
            for m in range(max(way[-1] - 1, 0), min(way[-1] + 2, lags)):
                longer[*way, m] = value + max(said[k, m], LEAST) - BEND * abs(m - way[-1])
        best = longer
    return max(best, key=lambda way: best[way])


@pytest.mark.parametrize("seed", range(5))
def test_no_other_way_is_likelier(seed):
    said = np.log(np.random.default_rng(seed).dirichlet(np.ones(5) / 2, 7)).astype(np.float32)
    lag, likely = np.empty((2, 7), np.float32)
    likeliest_path(said, np.empty_like(said), np.zeros(said.shape, np.int8), lag, likely)
    way = best_of_all(said)
    for k, m in enumerate(way):
        near = [one for one in (m - 1, m, m + 1) if 0 <= one < 5]
        shares = np.exp(said[k, near])
        assert likely[k] == pytest.approx(shares.sum(), rel=1e-4)
        assert lag[k] + MOST_LAG == pytest.approx((shares * near).sum() / shares.sum(), abs=1e-3)


def test_layers_of_a_tilted_plane_are_known_again():
    names = np.random.default_rng(1).normal(size=(200, 32)).astype(np.float32) * 3
    lines, columns = 3, 6
    numbers = np.empty((lines, columns, 80, 32), np.float32)
    for i, j in product(range(lines), range(columns)):
        numbers[i, j] = names[60 - 4 * i + 2 * j :][:80]  # lower by 4 a line, higher by 2 a column
    found = matched(Described(numbers, 0.0))
    along = [(one.apart, len(one.first)) for one in found]
    assert along == [(1, 2 * 6), (1, 3 * 5), (4, 3 * 2)]
    for one, slope in zip(found, (4, -2, -2), strict=True):
        inside = slice(20, 60)
        np.testing.assert_allclose(one.lag[:, inside], slope * one.apart, atol=0.05)
        assert one.likely[:, inside].min() > 0.9
        assert (one.second > one.first).all()
