"""The rules of a line of sight in double precision (numba), as Jasiewicz and Stepinski state them.

Directions stand in the order NE, N, NW, W, SW, S, SE, E. Distances are those of the centre's row.
"""

import math

import numba
import numpy as np

DOWN = np.array([-1, -1, -1, 0, 1, 1, 1, 0], np.int64)
RIGHT = np.array([1, 0, -1, -1, -1, 0, 1, 1], np.int64)
ANGLEV1, ANGLEV2, ANGLEV2_DISTANCE = range(3)
NEARLY = 1e-13  # of a ratio: room for the rounding of the ratio itself


@numba.njit(cache=True, nogil=True, error_model="numpy")
def reach(width, height, search, last, distance):  # type: ignore[no-untyped-def]
    """Fill the distance (8, steps) in metres and the last step of each direction of one row."""
    limit = height * search
    for k in range(8):
        last[k] = 0
        for step in range(1, distance.shape[1]):
            metres = math.sqrt((step * height * DOWN[k]) ** 2 + (step * width * RIGHT[k]) ** 2)
            distance[k, step] = metres
            if metres < limit:
                last[k] = step


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sight(heights, i, j, k, first, last, distance, seen):  # type: ignore[no-untyped-def]
    """Find the steepest angles up and down along direction `k` from the cell (i, j).

    `seen` receives zenith and nadir (radians), their distances and heights (m). Ratios choose
    the few cells whose angles are worth an arc tangent.
    """
    own = float(heights[i, j])
    down, right = DOWN[k], RIGHT[k]
    high, low = -np.inf, np.inf
    for step in range(first, last + 1):
        ratio = (float(heights[i + step * down, j + step * right]) - own) / distance[step]
        if ratio > high:
            high = ratio
        if ratio < low:
            low = ratio
    seen[0], seen[1] = -math.pi / 2, math.pi / 2
    seen[2:] = 0.0
    if high == -np.inf:
        return
    least, most = high - NEARLY * abs(high), low + NEARLY * abs(low)
    for step in range(first, last + 1):
        height = float(heights[i + step * down, j + step * right]) - own
        ratio = height / distance[step]
        if ratio >= least or ratio <= most:
            angle = math.atan2(height, distance[step])
            if angle > seen[0]:
                seen[0], seen[2], seen[4] = angle, distance[step], height
            if angle < seen[1]:
                seen[1], seen[3], seen[5] = angle, distance[step], height


@numba.njit(cache=True, nogil=True, error_model="numpy")
def threshold_at(distance, flat, flat_distance):  # type: ignore[no-untyped-def]
    """Give the flatness threshold (radians) for something seen at `distance` metres."""
    if 0 < flat_distance < distance:
        return math.atan2(math.tan(flat) * flat_distance, distance)
    return flat


@numba.njit(cache=True, nogil=True, error_model="numpy")
def verdict(seen, flat, flat_distance, comparison):  # type: ignore[no-untyped-def]
    """Give 1 where the line looks up, -1 where it looks down, 0 where it is level or undecided."""
    up, down = abs(seen[0]), abs(seen[1])
    rises = up > threshold_at(seen[2], flat, flat_distance)
    falls = down > threshold_at(seen[3], flat, flat_distance)
    if not (rises or falls):
        return 0
    if comparison != ANGLEV1 and rises != falls:
        return 1 if rises else -1
    if down < up:
        return 1
    if down > up:
        return -1
    if comparison == ANGLEV1:
        return 0
    if comparison == ANGLEV2_DISTANCE and seen[3] > seen[2]:
        return -1
    return 1
