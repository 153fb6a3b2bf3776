import numpy as np

from graben.imaging.models.horizons import forward_in_time
from graben.imaging.models.structure import StructureNet
from graben.imaging.models.structure_samples import PERIOD, StructureImages
from graben.imaging.models.structure_scores import time_scores


def test_the_net_that_ships_tells_time_better_than_the_sample_does():
    model = StructureNet.load()
    assert set(model.candidates) == {"closure", "flat_spot"}
    gains = []
    for number in range(6):
        one = StructureImages((96, 96, 96), 6, seed=9, use="check").image(number)
        flat = np.broadcast_to(np.arange(96, dtype=np.float32), one.amplitude.shape).copy()
        told = forward_in_time(model.looks(one.amplitude)[3] + flat)
        errors = [time_scores(time, one, PERIOD).horizon for time in (flat, told)]
        gains.append(errors[0] - errors[1])
    assert np.mean(gains) > 0.5, gains
