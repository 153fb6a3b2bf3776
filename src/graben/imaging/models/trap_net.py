"""Hydrocarbons and flat spots, told sample by sample from what an interpreter would look at."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from torch import Tensor, nn

Floats = NDArray[np.float32]

AROUND = (5, 15, 31)  # traces a side of the squares that brightness is averaged over
HIGHS = (21, 41)  # traces a side of the squares that a structural high stands out from
LEVEL = 7  # traces a side of the squares in which level events add up
NEIGHBOURS = (-8, -5, -3, 0, 3, 5, 8)  # samples below: level events that are looked at
BRIGHT_NEIGHBOURS = (-8, -4, 4, 8)
STEEP = 7  # samples a side of the cubes that dips are averaged over
FEATURES = 1 + len(AROUND) + len(HIGHS) + 1 + len(NEIGHBOURS) + len(BRIGHT_NEIGHBOURS) + 2
WIDTH = 32
DROPOUT = 0.3  # a few hundred volumes are soon known by heart
ROWS = 2**17  # samples that are answered at once


def trap_features(channels: Floats) -> Floats:
    """Give what each sample is judged by.

    Parameters
    ----------
    channels
        (5, inline, crossline, sample), as `graben.imaging.models.structure.channels_of`.

    Returns
    -------
    numpy.ndarray
        (inline, crossline, sample, feature) float32: how bright it is, alone and with its
        surroundings; how high the layers stand out; events that are level although layers are
        not, here and at some samples above and below; brightness above and below; how steep the
        layers are.
    """
    image, bright, inline, crossline, rise = channels
    spread = [uniform_filter(bright, (side, side, 3 if side < 31 else 5)) for side in AROUND]
    highs = [rise - uniform_filter(rise, (side, side, 1)) for side in HIGHS]
    level = uniform_filter(image, (LEVEL, LEVEL, 1))
    power = uniform_filter(np.square(image), (LEVEL, LEVEL, 1))
    strength = np.sqrt(np.maximum(power, 0) + 1e-6)
    found = [bright, *spread, *highs, np.abs(level) / strength]
    found += [_below(level, step) for step in NEIGHBOURS]
    found += [_below(spread[0], step) for step in BRIGHT_NEIGHBOURS]
    share = uniform_filter(np.abs(level), 5) / (uniform_filter(strength, 5) + 0.05)
    found += [share, uniform_filter(np.hypot(inline, crossline), STEEP)]
    return np.stack(found, -1).astype(np.float32, copy=False)


def _below(values: Floats, step: int) -> Floats:
    """Give the values so many samples below; beyond the ends those of the ends."""
    place = np.clip(np.arange(values.shape[2]) + step, 0, values.shape[2] - 1)
    return values[:, :, place]


class TrapNet(nn.Sequential):
    """Logits of hydrocarbons and of a flat spot, (sample, 2), from `trap_features` of samples."""

    def __init__(self) -> None:
        super().__init__(
            nn.BatchNorm1d(FEATURES, momentum=0.01),
            nn.Linear(FEATURES, WIDTH),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(WIDTH, 2),
        )


def trap_logits(net: TrapNet, channels: Floats) -> Floats:
    """Give the logits of an image, (2, inline, crossline, sample), of a net in evaluation mode."""
    rows = trap_features(channels).reshape(-1, FEATURES)
    found = np.empty((len(rows), 2), np.float32)
    with torch.inference_mode():
        for first in range(0, len(rows), ROWS):
            part: Tensor = net(torch.from_numpy(rows[first : first + ROWS]))
            found[first : first + ROWS] = part.numpy()
    return np.ascontiguousarray(found.T).reshape(2, *channels.shape[1:])
