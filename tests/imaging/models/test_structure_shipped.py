import numpy as np

from graben.evaluation import AveragePrecision
from graben.imaging.brightness import envelope_ratio, usual_envelope
from graben.imaging.models.horizons import forward_in_time
from graben.imaging.models.structure import CLASSES, StructureNet
from graben.imaging.models.structure_samples import StructureImages
from graben.imaging.models.structure_scores import PERIOD, time_scores


def test_the_net_that_ships_tells_time_better_than_the_sample_does():
    model = StructureNet.load()
    assert set(model.candidates) == {"closure", "flat_spot"}
    gains = []
    for number in range(6):
        one = StructureImages((96, 96, 96), 6, seed=9, use="check").image(number)
        flat = np.broadcast_to(np.arange(96, dtype=np.float32), one.amplitude.shape).copy()
        told = forward_in_time(model.time(one.amplitude) + flat)
        errors = [time_scores(time, one, PERIOD).horizon for time in (flat, told)]
        gains.append(errors[0] - errors[1])
    assert np.mean(gains) > 2, gains


def test_the_net_that_ships_tells_hydrocarbons_better_than_brightness_does():
    model = StructureNet.load()
    volumes = StructureImages((96, 96, 96), 8, seed=9, use="check", sought=True)
    told, bright, true = [], [], []
    for number in (0, 2, 4, 6):  # those that were sought for hydrocarbons
        one = volumes.image(number)
        likely = model.probabilities(model.looks(one.amplitude))
        told.append(likely[CLASSES.index("closure")])
        usual = usual_envelope(one.amplitude.reshape(-1, one.amplitude.shape[2]))
        bright.append(envelope_ratio(one.amplitude, usual).clip(max=10) / 10)
        true.append(one.closure)
    assert np.any(true)
    net, rule = (AveragePrecision().compute(np.stack(by), np.stack(true)) for by in (told, bright))
    assert net > 2 * rule, (net, rule)
