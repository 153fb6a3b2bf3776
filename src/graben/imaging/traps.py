"""Closed reservoirs of a scene, filled with hydrocarbons down to a level contact."""

import numba as nb
import numpy as np
from numpy.typing import NDArray

from graben.imaging.scene import Scene

SMALLEST = 12  # traces; a closure below that is noise of the sampling
LEAST_RELIEF = 2.5  # samples from crest to spill point
FLAT_LEAST = 9  # traces whose contact lies within the reservoir, for a flat spot to be one


def fill_traps(
    scene: Scene,
    time: NDArray[np.float32],
    fault: NDArray[np.bool_],
    salt: NDArray[np.bool_],
    step: NDArray[np.float32],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the closures of each reservoir in a window and fill them.

    A closure is where the top of the reservoir is higher than the lowest saddle (the spill point)
    over which what it holds would leave; the rim of the window is open, salt seals, and faults do
    if the reservoir says so.

    Parameters
    ----------
    scene
        Of the reservoirs.
    time, fault, salt
        As rendered, (inline, crossline, sample).
    step
        What is added to the logarithm of the impedance; hydrocarbons are added here.

    Returns
    -------
    closure, flat_spot : numpy.ndarray
        bool: filled with hydrocarbons, and within a sample of their lower contact.
    """
    closure, flat_spot = np.zeros(time.shape, np.bool_), np.zeros(time.shape, np.bool_)
    depth = np.arange(time.shape[2], dtype=np.float32)
    for reservoir in scene.reservoirs:
        top = reservoir.time + reservoir.package * scene.layers.reflectivity.shape[1]
        porous = (time >= top) & (time < top + reservoir.thickness) & ~salt
        # whole: where older or younger packages cut it off, the layer has no top here
        found = porous.any(2)
        surface = np.where(found, porous.argmax(2), np.inf).astype(np.float32)
        sealing = ~found
        if reservoir.sealed:
            at_top = np.take_along_axis(fault, porous.argmax(2)[:, :, None], 2)[:, :, 0]
            sealing |= at_top
        for basin, crest, spill in closures(surface, sealing):
            contact = np.float32(crest + reservoir.fill * (spill - crest))
            filled = porous & basin[:, :, None] & (depth < contact)
            if not filled.any():
                continue
            step[filled & ~closure] += np.float32(reservoir.step)
            closure |= filled
            level = int(np.ceil(contact)) - 1  # the lowest filled sample
            wet = porous[:, :, min(level + 1, time.shape[2] - 1)] & filled[:, :, level]
            if wet.sum() >= FLAT_LEAST:
                flat_spot[:, :, max(level - 1, 0) : level + 2] |= wet[:, :, None]
    return closure, flat_spot


def closures(
    surface: NDArray[np.float32], sealing: NDArray[np.bool_]
) -> list[tuple[NDArray[np.bool_], float, float]]:
    """Find where a surface is closed: its traces, the depth of its crest and of its spill point.

    Parameters
    ----------
    surface
        Depth of the top of a layer, (inline, crossline), samples; larger is deeper.
    sealing
        Traces over which nothing leaves and which hold nothing.

    Examples
    --------
    A dome of 10 samples beside a saddle:

    >>> y, x = np.mgrid[-16:17, -16:17]
    >>> dome = (50 - 10 * np.exp(-(x**2 + y**2) / 60)).astype(np.float32)
    >>> [(basin, crest, spill)] = closures(dome, np.zeros(dome.shape, bool))
    >>> round(float(crest)), bool(spill > 49)
    (40, True)
    """
    from scipy import ndimage

    level = spill_levels(surface, sealing)
    held = (level > surface + np.float32(1e-3)) & ~sealing & np.isfinite(level)
    numbers, count = ndimage.label(held, np.ones((3, 3)))
    found = []
    for number in range(1, count + 1):
        basin = numbers == number
        # several crests may share a basin; each spills where the water of all of it would
        spill, crest = float(level[basin].max()), float(surface[basin].min())
        basin &= surface < spill
        if basin.sum() >= SMALLEST and spill - crest >= LEAST_RELIEF:
            found.append((basin, crest, spill))
    return found


@nb.njit(cache=True)
def spill_levels(surface: NDArray[np.float32], sealing: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give the depth down to which each trace could be filled before it spills out at the rim.

    With depth for height a dome is a basin, filled from the rim inwards by a priority queue (Barnes
    et al. 2014, doi:10.1016/j.cageo.2013.04.024). Sealed traces are infinite; those that nothing
    can leave, minus infinite.
    """
    rows, columns = surface.shape
    level = np.full((rows, columns), np.float32(-np.inf), np.float32)
    done = sealing.copy()
    heap_key = np.empty(rows * columns, np.float32)
    heap_cell = np.empty(rows * columns, np.int64)
    size = 0
    for i in range(rows):
        for j in range(columns):
            rim = i == 0 or j == 0 or i == rows - 1 or j == columns - 1
            if rim and not done[i, j]:
                done[i, j] = True
                level[i, j] = surface[i, j]
                size = _push(heap_key, heap_cell, size, surface[i, j], i * columns + j)
    while size:
        cell = heap_cell[0]
        size = _pop(heap_key, heap_cell, size)
        i, j = cell // columns, cell % columns
        for di in range(-1, 2):
            for dj in range(-1, 2):
                a, b = i + di, j + dj
                if 0 <= a < rows and 0 <= b < columns and not done[a, b]:
                    done[a, b] = True
                    level[a, b] = max(surface[a, b], level[i, j])
                    size = _push(heap_key, heap_cell, size, level[a, b], a * columns + b)
    for i in range(rows):
        for j in range(columns):
            if sealing[i, j]:
                level[i, j] = np.float32(np.inf)
    return level


@nb.njit(cache=True)
def _push(
    key: NDArray[np.float32], cell: NDArray[np.int64], size: int, value: float, place: int
) -> int:
    at = size
    while at > 0 and key[(at - 1) // 2] > value:
        key[at], cell[at] = key[(at - 1) // 2], cell[(at - 1) // 2]
        at = (at - 1) // 2
    key[at], cell[at] = value, place
    return size + 1


@nb.njit(cache=True)
def _pop(key: NDArray[np.float32], cell: NDArray[np.int64], size: int) -> int:
    size -= 1
    value, place = key[size], cell[size]
    at = 0
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and key[child + 1] < key[child]:
            child += 1
        if key[child] >= value:
            break
        key[at], cell[at] = key[child], cell[child]
        at = child
    key[at], cell[at] = value, place
    return size
