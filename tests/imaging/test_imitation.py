"""Imitations of a net by attributes, judged on samples that they were not grown from."""

import numpy as np
import pytest

from graben.errors import InputError
from graben.imaging import draw_window
from graben.imaging.attributes import semblance
from graben.imaging.imitation import ATTRIBUTES, attribute_channels, imitate


@pytest.fixture(scope="module")
def cube():
    return draw_window(np.random.default_rng(11), (28, 40, 48)).amplitude


def test_an_imitation_finds_the_attribute_behind_an_answer(cube):
    found = imitate(cube, 1 - semblance(cube))
    assert found.fidelity > 0.9
    assert max(found.importance, key=found.importance.get) == "semblance"
    assert "semblance" in found.rules
    noise = np.random.default_rng(0).random(cube.shape).astype(np.float32)
    assert imitate(cube, noise).fidelity < 0.05


def test_channels_are_in_the_order_of_their_names(cube):
    channels = attribute_channels(cube)
    assert channels.shape == (cube.size, len(ATTRIBUTES))
    np.testing.assert_array_equal(channels[:, 0].reshape(cube.shape), semblance(cube))
    assert np.isfinite(channels).all()
    with pytest.raises(InputError, match="at least 100"):
        imitate(cube[:2, :3, :4], cube[:2, :3, :4])
