"""Faults on sections: one net, seen at several trace spacings, gains and from both sides."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.special import expit

from graben.learning.nets import UNet

SCALES = (0.5, 1.0, 2.0)
WINDOW = 41  # samples of the gain control

Floats = NDArray[np.float32]


def net_logits(net: UNet, images: Floats) -> Floats:
    """Give the logits of a net in evaluation mode.

    Parameters
    ----------
    net
        With one channel and one output.
    images
        (image, trace, sample), or (image, inline, crossline, sample), normalised; of any size:
        sides are filled up with copies of the last cells and cut again.
    """
    space = images.shape[1:]
    more = [(0, -side % net.config.multiple) for side in space]
    filled = np.pad(images, [(0, 0), *more], mode="edge") if any(m for _, m in more) else images
    with torch.inference_mode():
        answer = net(torch.from_numpy(np.ascontiguousarray(filled, np.float32))[:, None])
    return np.ascontiguousarray(answer[:, 0].numpy()[:, *(slice(0, side) for side in space)])


def section_net(net: UNet) -> UNet:
    """Return the 2-D net that answers as a 3-D net does in an endless stack of equal sections.

    Where nothing changes along inlines, a convolution is one by the sum of its weights along them.

    Parameters
    ----------
    net
        A 3-D net in evaluation mode; a 2-D net is returned as it is.
    """
    if net.config.ndim == 2:
        return net
    config = replace(net.config, ndim=2)
    state = {
        name: value.sum(2) if value.ndim == 5 else value for name, value in net.state_dict().items()
    }
    # the outputs of a block of cells: the mean of its equal sections
    blocks = (config.outputs, config.stem, config.stem**2)
    for name in ("last.weight", "last.bias"):
        value = state[name]
        state[name] = value.unflatten(0, blocks).mean(1).flatten(0, 1)
    flat = UNet(config)
    flat.load_state_dict(state)
    return flat.eval()


def section_members(net: UNet, section: Floats) -> Floats:
    """Give the probabilities of a section seen at all trace spacings, gains and from both sides.

    Parameters
    ----------
    net
        A 2-D net in evaluation mode; see `section_net`.
    section
        (trace, sample), normalised.

    Returns
    -------
    numpy.ndarray
        (member, trace, sample) float32.
    """
    members = []
    for gained in (section, gain_control(section)):
        for scale in SCALES:
            seen = respaced(gained, max(round(len(section) * scale), 1))
            for step in (1, -1):
                probability = expit(net_logits(net, seen[None, ::step])[0])[::step]
                members.append(respaced(probability, len(section)))
    return np.stack(members)


def gain_control(section: Floats, window: int = WINDOW) -> Floats:
    """Divide by the root mean square of `window` samples around each; unit variance remains."""
    power = uniform_filter1d(np.square(section, dtype=np.float32), window, axis=-1)
    level = np.sqrt(np.maximum(power, 0)) + 1e-2 * float(section.std()) + 1e-12
    gained = section / level
    return (gained / (gained.std() + 1e-12)).astype(np.float32)


def respaced(section: NDArray[Any], traces: int) -> Floats:
    """Interpolate a section to another number of traces over the same length of line.

    Examples
    --------
    >>> respaced(np.array([[0.0], [2.0], [4.0], [6.0]]), 2).ravel()
    array([1., 5.], dtype=float32)
    """
    if traces == len(section):
        return section.astype(np.float32, copy=False)
    place = (np.arange(traces) + 0.5) * len(section) / traces - 0.5
    place = place.clip(0, len(section) - 1)
    first = np.minimum(place.astype(int), max(len(section) - 2, 0))
    share = (place - first)[:, None]
    after = np.minimum(first + 1, len(section) - 1)
    return ((1 - share) * section[first] + share * section[after]).astype(np.float32)


def line_directions(net: UNet, volume: Floats, lines: int = 16) -> Floats:
    """Give the probabilities of a 2-D net along inlines and along crosslines.

    Parameters
    ----------
    volume
        (inline, crossline, sample), normalised.
    lines
        So many at a time.

    Returns
    -------
    numpy.ndarray
        (2, inline, crossline, sample) float32.
    """
    found = np.empty((2, *volume.shape), np.float32)
    for start in range(0, volume.shape[0], lines):
        part = slice(start, start + lines)
        found[0, part] = expit(net_logits(net, volume[part]))
    turned = volume.swapaxes(0, 1)
    for start in range(0, volume.shape[1], lines):
        part = slice(start, start + lines)
        found[1, :, part] = expit(net_logits(net, turned[part])).swapaxes(0, 1)
    return found
