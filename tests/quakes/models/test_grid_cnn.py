import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import poisson

from graben.errors import ModelError, RasterError
from graben.quakes.models.base import Situation
from graben.quakes.models.grid_cnn import RECIPE, GridCnn, _draw, _net, sparse_poisson

TIMES = pd.DatetimeIndex(["2015-06-01"], tz="UTC")


@pytest.fixture(scope="module")
def fitted(rate_models):
    return rate_models["grid-cnn"]


def in_training_range(fitted):
    """The same model, trained as if on every value there is."""
    model = copy.copy(fitted)
    model.low_ = np.full_like(fitted.low_, -100)
    model.high_ = np.full_like(fitted.high_, 100)
    return model


def test_untrained_nets_correct_nothing(study, fitted):
    blank = copy.copy(fitted)
    blank.nets_ = {key: _net(13, int(key[0]), 0.2).eval() for key in fitted.nets_}
    maps = next(study.maps.batches(TIMES))
    omori = blank.omori_.rates_of(study, TIMES, maps)
    for member in blank.members_of(study, TIMES, maps):
        assert member.tobytes() == omori.tobytes()
    np.testing.assert_allclose(blank.rates_of(study, TIMES, maps), omori, rtol=2e-6)
    assert (fitted.rates_of(study, TIMES, maps) != omori).any()


@pytest.mark.parametrize(("kernel", "weights"), [(3, 2177), (1, 513)])
def test_the_nets_are_as_small_as_was_measured(kernel, weights):
    assert sum(values.numel() for values in _net(13, kernel, 0.2).parameters()) == weights


def test_the_sparse_objective_is_the_dense_likelihood_ratio_when_every_cell_is_drawn():
    rng = np.random.default_rng(0)
    rate, f = rng.gamma(0.5, size=400) * 0.2, rng.normal(0, 0.7, 400)
    counts = rng.poisson(rate)
    at_events = np.repeat(np.arange(400), counts)
    dense = (poisson.logpmf(counts, rate * np.exp(f)) - poisson.logpmf(counts, rate)).sum()
    output = torch.from_numpy(np.concatenate([f[at_events], f]))
    y = torch.from_numpy(np.concatenate([np.ones(at_events.size), -rate]))
    sparse = sparse_poisson(output[:, None, None, None], {"y": y})
    assert sparse.shape == y.shape
    assert -sparse.sum().item() == pytest.approx(dense, rel=1e-9)


def test_drawn_cells_stand_for_the_whole_expected_count():
    rng = np.random.default_rng(0)
    rates = (rng.gamma(0.3, size=(20, 30)) * 1e-3).astype(np.float32)
    f = rng.normal(0, 0.3, rates.shape)
    drawn = _draw(rates, 200_000, rng)
    estimate = np.expm1(f).ravel()[drawn].mean() * rates.sum()
    assert estimate == pytest.approx((rates * np.expm1(f)).sum(), abs=0.02 * float(rates.sum()))
    assert set(drawn) <= set(np.flatnonzero(rates.ravel() > 0))


def test_patches_hold_every_event_and_the_windows_expected_count(study, fitted, seen):
    patches = fitted.patches(study, "validation")
    windows = study.windows_of("validation")
    events = patches.y > 0
    assert events.sum() == study.counts("validation").sum()
    assert (patches.y[events] == 1).all()
    expected = seen["omori"].part(windows).totals[0].sum()
    assert -patches.y[~events].sum() == pytest.approx(expected, rel=1e-4)
    assert patches.x.shape[1:] == (13, 3, 3)


def test_the_middle_of_an_events_patch_is_its_cell(study, fitted, seen):
    patches = fitted.patches(study, "validation")
    middle = patches.x[patches.y > 0, :, 1, 1] * fitted.deviation_ + fitted.mean_
    used = np.isin(study.targets["window"], study.windows_of("validation"))
    order = np.argsort(study.targets["window"][used], kind="stable")
    at_events = seen["omori"].at_events[used][order]
    np.testing.assert_allclose(np.exp(middle[:, 1]), at_events + 1e-7, rtol=1e-4)
    targets = study.targets[used].iloc[order]
    land = study.land[targets["row"], targets["column"]]
    np.testing.assert_allclose(middle[:, fitted.channels.index("land")], land, atol=1e-5)


def test_training_channels_have_mean_zero_and_deviation_one(study, fitted):
    x, _, _ = fitted._gather(study, "training", 12_000)
    scaled = fitted._normalised(x)
    varying = fitted.deviation_ > 1e-6
    np.testing.assert_allclose(scaled.mean(axis=(0, 2, 3)), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(axis=(0, 2, 3))[varying], 1, atol=1e-3)
    # the range is that of all cells, so the drawn ones lie inside
    assert (x.min(axis=(0, 2, 3)) >= fitted.low_).all()
    assert (x.max(axis=(0, 2, 3)) <= fitted.high_).all()


def test_a_map_is_answered_as_its_patches_are(study, fitted):
    """f over a whole map equals f of the 3 x 3 cells around each cell, edges repeated."""
    maps = next(study.maps.batches(TIMES))
    channels, omori = fitted._channels(study, TIMES, maps)
    scaled = np.pad(fitted._normalised(channels), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    cells = [(0, 0), (5, 17), (47, 30)]
    patches = np.stack([scaled[0, :, row : row + 3, col : col + 3] for row, col in cells])
    rates = fitted.rates_of(study, TIMES, maps)[0]
    f = fitted.correction(patches)
    exact = [omori[0][cell] * np.exp(f[i]) for i, cell in enumerate(cells)]
    np.testing.assert_allclose([rates[cell] for cell in cells], exact, rtol=1e-4)


def test_the_same_seed_gives_the_same_weights(study, fitted):
    again = GridCnn(seeds=1, recipe=fitted.recipe)
    again.fit_rates(study)
    for key, net in fitted.nets_.items():
        for name, values in net.state_dict().items():
            assert torch.equal(values, again.nets_[key].state_dict()[name]), (key, name)
    np.testing.assert_array_equal(again.mean_, fitted.mean_)


def test_half_of_the_nets_see_three_by_three_cells_and_half_one(fitted):
    assert sorted(fitted.nets_) == ["1x1-0", "3x3-0"]
    assert sorted(fitted.histories_) == ["1x1-0", "3x3-0"]


def test_a_scene_outside_the_training_range_is_refused_and_the_channel_named(study, fitted):
    model = in_training_range(fitted)
    model.check(Situation(study, TIMES))
    channel = model.channels.index("elevation")
    model.low_[channel], model.high_[channel] = fitted.low_[channel], fitted.high_[channel]
    alps = replace(study, elevation=study.elevation + 5000)
    with pytest.raises(ModelError, match=r"'elevation' lies outside .*omori.*train"):
        model.check(Situation(alps, TIMES))


def test_without_terrain_it_refuses_unless_it_was_trained_so(study, fitted):
    flat = replace(study, elevation=None)
    with pytest.raises(RasterError, match="--dem"):
        fitted.check(Situation(flat, TIMES))
    bare = GridCnn(terrain=False)
    assert len(bare.channels) == 9
    bare.stationary_, bare.omori_ = fitted.stationary_, fitted.omori_
    channels, _ = bare._channels(flat, TIMES, next(study.maps.batches(TIMES)))
    assert channels.shape[1] == 9


def test_the_recipe_of_the_default_is_the_one_measured():
    model = GridCnn()
    assert model.seeds == 3
    assert (RECIPE.learning_rate, RECIPE.weight_decay, RECIPE.patience) == (2e-3, 3e-2, 25)
    assert model.dropout == 0.2


def test_cells_held_out_are_neither_drawn_nor_are_their_events_kept(study, fitted):
    windows = study.windows_of("validation")
    times = study.issue_times[windows]
    west = np.zeros(study.grid.shape, bool)
    west[:, :20] = True
    half = copy.copy(fitted)
    half.cells = west
    y = half.patches(study, "validation").y
    assert (y > 0).sum() == study.counts("validation")[:, west].sum()
    expected = sum(
        fitted.omori_.rates_of(study, times[part], maps)[:, west].sum(dtype=float)
        for part, maps in study.batches(times, "")
    )
    assert -y[y < 0].sum() == pytest.approx(expected, rel=1e-4)
    assert (y > 0).sum() < (fitted.patches(study, "validation").y > 0).sum()
