import numpy as np
import pandas as pd
import pytest
import torch

from graben.quakes.models.base import Situation
from graben.quakes.models.samples import place_samples
from graben.quakes.models.survey_cnn import LightCnn, SurveyCnn

TIMES = pd.DatetimeIndex(["2015-06-01"], tz="UTC")


@pytest.mark.parametrize(
    ("kind", "channels", "side", "weights"),
    [(LightCnn, 4, 56, 40_145), (SurveyCnn, 3, 224, 11_963_457)],
)
def test_the_nets_have_the_published_numbers_of_weights(kind, channels, side, weights):
    net = kind().build()
    assert sum(values.numel() for values in net.parameters()) == weights
    with torch.inference_mode():
        assert net(torch.zeros(2, channels, side, side)).shape == (2, 1)


def test_the_worked_example_has_the_layers_of_the_survey():
    kinds = [
        type(layer).__name__
        for layer in SurveyCnn().build().modules()
        if not list(layer.children())
    ]
    wanted = ["Conv2d", "MaxPool2d", "Conv2d", "MaxPool2d", "Flatten", "Linear", "Linear"]
    assert [kind for kind in kinds if kind in wanted] == wanted


def test_training_takes_offsets_and_validation_takes_weights(study):
    drawn = place_samples(study)["validation"].first(0.05)
    model = LightCnn()
    for offset, column in ((True, "offset"), (False, "weight")):
        samples = model._inputs(study, drawn, offset=offset)
        batch = samples.batch(np.array([0, 3]))
        assert set(batch) == {"x", "y", column}
        np.testing.assert_allclose(batch[column], getattr(drawn, column)[[0, 3]], rtol=1e-6)
        np.testing.assert_array_equal(batch["y"], drawn.outcome[[0, 3]])
        assert batch["x"].shape == (2, 4, 56, 56)


def test_a_forecast_is_the_nets_probability_of_the_image_around_each_place(study):
    model = LightCnn()
    torch.manual_seed(0)
    model.net_ = model.build().eval()
    places = np.array([24.0, 27.5]), np.array([35.0, 36.5])
    found = model.forecast(Situation(study, TIMES), places)
    samples = model.inputs(study, TIMES, np.zeros(2, int), places, None, False)
    with torch.inference_mode():
        logit = model.net_(samples.batch(np.arange(2))["x"])[:, 0]
    np.testing.assert_allclose(found.value[0], torch.sigmoid(logit), rtol=1e-5)
    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()


def test_the_classic_training_is_plain_descent_from_small_weights():
    classic = SurveyCnn.classic()
    assert (classic.optimiser, classic.momentum, classic.schedule) == ("sgd", 0.0, "constant")
    assert (classic.initialisation, classic.mixup, classic.weight_decay) == ("uniform-0.01", 0, 0)
