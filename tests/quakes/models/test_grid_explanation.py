import copy

import numpy as np
import pytest

from graben.quakes.models import grid_explanation
from graben.quakes.models.grid_cnn import _net
from graben.quakes.models.grid_explanation import explain


@pytest.fixture(scope="module", autouse=True)
def _few_samples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid_explanation, "EXPLAINED", 60)
        patch.setattr(grid_explanation, "REPEATS", 2)
        yield


@pytest.fixture(scope="module")
def told(study, rate_models):
    return explain(rate_models["grid-cnn"], study)


def test_the_gain_is_the_likelihood_ratio_per_event_on_validation(study, rate_models, seen, told):
    model = rate_models["grid-cnn"]
    patches = model.patches(study, "validation")
    f = model.correction(patches.x)
    events = patches.y > 0
    exact = f[events].sum() + (patches.y[~events] * np.expm1(f[~events])).sum()
    assert told["gain"] == pytest.approx(exact / events.sum(), rel=1e-5)
    windows = study.windows_of("validation")
    ours, omori = seen["grid-cnn"].part(windows), seen["omori"].part(windows)
    used = np.isin(study.targets["window"], windows)
    dense = np.log(ours.at_events[used] / omori.at_events[used]).sum()
    dense -= (ours.totals[0] - omori.totals[0]).sum()
    assert told["gain"] == pytest.approx(dense / used.sum(), abs=0.01)  # drawn cells, not all


def test_every_channel_is_told_of(rate_models, told):
    channels = set(rate_models["grid-cnn"].channels)
    for part in ("permutation", "attribution", "occlusion"):
        assert set(told[part]) == channels
    assert -1 <= told["randomisation_correlation"] <= 1
    assert told["surrogate"]["fidelity"] <= 1


def test_nets_that_correct_nothing_are_explained_by_nothing(study, rate_models):
    blank = copy.copy(rate_models["grid-cnn"])
    blank.nets_ = {"3x3-0": _net(13, 3, 0.0).eval()}
    told = explain(blank, study)
    assert told["gain"] == 0
    for entry in told["permutation"].values():
        assert entry == {"value": 0.0, "sd": 0.0}
    for part in ("attribution", "occlusion"):
        assert not any(told[part].values())
