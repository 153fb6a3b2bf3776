"""Why the grid correction answers what it answers: channels, attributions, a readable tree."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.explanation.attribution import integrated_gradients, occlusion, randomisation_check
from graben.explanation.importance import permutation_importance
from graben.explanation.surrogate import shallow_tree
from graben.learning.threads import torch_threads
from graben.quakes.models.grid_cnn import GridCnn
from graben.quakes.study import Study

EXPLAINED = 600
REPEATS = 5


def explain(model: GridCnn, study: Study) -> dict[str, Any]:
    """Return which channels the ensemble uses, on validation data.

    Returns
    -------
    dict
        `permutation`: the gain over Omori (nats per event) that shuffling each channel costs,
        with its spread over shuffles; `attribution` (integrated gradients) and `occlusion`: mean
        absolute share of each channel in one 3 x 3 net's answer; `randomisation_correlation`: the
        rank correlation of the attributions with those of nets whose weights were drawn anew
        (near 0 if the attributions explain the net and not the input); `surrogate`: a shallow
        tree that imitates the ensemble, and its fidelity (R2 on samples it did not see).
    """
    patches = model.patches(study, "validation")
    events = patches.y > 0

    def gain(correction: NDArray[Any]) -> float:
        background = -patches.y[~events] * np.expm1(correction[~events])
        return float((correction[events].sum() - background.sum()) / max(events.sum(), 1))

    shuffled = permutation_importance(model.correction, patches.x, gain, REPEATS)
    net = next(net for key, net in model.nets_.items() if key.startswith("3"))
    some = patches.x[np.random.default_rng(0).permutation(len(patches.x))[:EXPLAINED]]
    with torch_threads(1):
        gradients = integrated_gradients(net, some)
        covered = occlusion(net, some, window=3)
        sanity = randomisation_check(net, some)
    middle = patches.x[:, :, 1, 1] * model.deviation_ + model.mean_
    tree = shallow_tree(middle, model.correction(patches.x), model.channels)
    return {
        "unit": "nats per event on validation data",
        "gain": gain(model.correction(patches.x)),
        "permutation": {
            name: {"value": float(mean), "sd": float(sd)}
            for name, mean, sd in zip(model.channels, shuffled.mean, shuffled.sd, strict=True)
        },
        "attribution": _by_channel(model, gradients),
        "occlusion": _by_channel(model, covered),
        "randomisation_correlation": sanity,
        "surrogate": {"rules": tree.rules, "fidelity": tree.fidelity},
    }


def _by_channel(model: GridCnn, attributions: NDArray[Any]) -> dict[str, float]:
    size = np.abs(attributions).sum(axis=(2, 3)).mean(axis=0)
    return {name: float(value) for name, value in zip(model.channels, size, strict=True)}
