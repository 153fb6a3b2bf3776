"""The net of `trap_net` trained on samples of synthetic volumes."""

import numpy as np
from numpy.typing import NDArray

from graben.imaging.models.structure import channels_of
from graben.imaging.models.structure_samples import StructureImages
from graben.imaging.models.trap_net import FEATURES, TrapNet, trap_features
from graben.learning import History, Recipe, TensorSamples, fit
from graben.learning.threads import torch_threads
from graben.progress import track

POSITIVE, NEGATIVE, BRIGHT = 400, 1000, 300  # samples that a volume gives at most
BRIGHT_FROM = 2.0  # times what is usual: bright samples are looked at whatever they are
EMPTY = 3  # of the volumes without hydrocarbons every so many is looked at
HELD = 6  # every so many volumes is held out
RECIPE = Recipe(
    learning_rate=1e-3, weight_decay=1e-2, patience=0, max_epochs=6, batch_size=512, warmup=50
)


def trained_traps(images: StructureImages) -> tuple[TrapNet, History]:
    """Train a net on samples of volumes as the generator draws them.

    Hydrocarbons and flat spots are drawn more often than they occur, so that the probabilities
    have to be calibrated afterwards.

    Parameters
    ----------
    images
        The volumes.
    """
    parts: dict[bool, list[tuple[NDArray[np.float32], NDArray[np.float32]]]]
    parts = {True: [], False: []}
    used = 0
    for index in track(range(len(images)), "looking at volumes"):
        one = images.image(index)
        traps = np.stack([np.asarray(one.closure), np.asarray(one.flat_spot)], -1).reshape(-1, 2)
        if not traps.any() and index % EMPTY:
            continue
        generator = np.random.default_rng([images.seed, index])
        hits = np.flatnonzero(traps.any(1))
        features = trap_features(channels_of(one.amplitude)).reshape(-1, FEATURES)
        bright = np.flatnonzero(features[:, 0] > BRIGHT_FROM)
        rows = np.concatenate([
            generator.permutation(hits)[:POSITIVE],
            generator.integers(len(traps), size=NEGATIVE),
            generator.permutation(bright)[:BRIGHT],
        ])  # fmt: skip
        parts[used % HELD == HELD - 1].append((features[rows], traps[rows].astype(np.float32)))
        used += 1
    held, learned = (
        TensorSamples(*(np.concatenate(column) for column in zip(*parts[kind], strict=True)))
        for kind in (True, False)
    )
    net = TrapNet()
    with torch_threads(1):
        history = fit(net, learned, held, "cross-entropy", RECIPE)
    return net, history
