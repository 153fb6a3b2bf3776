import numpy as np
import torch

from graben.imaging.models.layer_net import LayerNetConfig
from graben.imaging.models.layer_training import (
    LayerImages,
    layer_loss,
    trained_layer_net,
    true_answers,
)
from graben.imaging.models.plans import Plan
from graben.imaging.models.structure_samples import StructureImages

TINY = Plan(LayerNetConfig(4, 4, (1,)), (16, 16, 32), 2, 3e-3, 2)


def test_samples_are_found_by_their_time():
    first = torch.arange(50.0)[None]
    lower = first - 10.25  # the same layers, 10.25 samples lower
    found = true_answers(first, lower)
    there = np.flatnonzero(found.there[0])
    np.testing.assert_array_equal(there, np.arange(39))
    at = (found.sample + found.part)[0, :39]
    np.testing.assert_allclose(at, np.arange(39) + 10.25, atol=1e-5)
    assert found.known.all()


def test_what_is_too_far_cut_out_or_in_salt_is_not_there():
    first = torch.arange(60.0)[None]
    far = true_answers(first, first - 32)
    assert not far.there.any()
    assert far.known.all()
    cut = first.clone()
    cut[:, 20:] += 6  # 6 samples of layers are gone
    missing = true_answers(first, cut)
    assert missing.there[0, :19].all()
    assert not missing.there[0, 20:26].any()
    assert missing.there[0, 27:50].all()
    salt = first.clone()
    salt[:, 30:] = torch.nan
    assert not true_answers(salt, first).known[0, 30:].any()
    assert not true_answers(first, salt).there[0, 31:].any()


def test_a_layer_that_is_met_twice_says_nothing():
    twice = torch.cat([torch.arange(30.0), torch.arange(10.0, 40.0)])[None]  # a reverse fault
    found = true_answers(torch.arange(60.0)[None], twice)
    assert not found.known[0, 12:28].any()
    assert found.known[0, :9].all()


def described(names):
    """Numbers that name layers."""
    none = torch.full((1, *names.shape[1:]), 15.0)
    return torch.cat([30 * names, none])[None]


def test_naming_layers_costs_less_than_naming_depths():
    time = torch.arange(32.0).expand(4, 4, 32).clone()
    time[2:] -= 3
    names = torch.eye(64)
    by_layer = names[(time + 10).long()].permute(3, 0, 1, 2)
    by_depth = names[torch.arange(32)].expand(4, 4, 32, 64).permute(3, 0, 1, 2)
    batch = {"y": time[None]}
    right, wrong = (float(layer_loss(described(one), batch)) for one in (by_layer, by_depth))
    assert 5 * right < wrong  # right costs something only where a layer leaves the volume


def test_images_come_with_the_time_of_every_fourth_trace():
    images = LayerImages(StructureImages((24, 16, 32), 3, seed=5))
    batch = images.batch(np.array([2]))
    one = images.drawn.image(2)
    np.testing.assert_array_equal(batch["x"][0, 0], one.amplitude)
    time = batch["y"][0].numpy()
    assert time.shape == (6, 4, 32)
    salt = one.salt[::4, ::4]
    assert np.isnan(time[salt]).all()
    np.testing.assert_allclose(time[~salt], one.geologic_time[::4, ::4][~salt])
    assert not torch.equal(images.at_epoch(1).batch(np.array([2]))["x"], batch["x"])


def test_the_same_seed_and_steps_give_the_same_net():
    nets = [trained_layer_net(TINY, 3, seed=1) for _ in range(2)]
    for one, other in zip(*(net.state_dict().values() for net, _ in nets), strict=True):
        np.testing.assert_array_equal(one, other)
    assert nets[0][1].steps == 3
    assert not nets[0][0].training
