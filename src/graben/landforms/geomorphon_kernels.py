"""Geomorphons row by row (numba): the sweep in single precision, its doubts settled in double."""

import math

import numba
import numpy as np

from graben.landforms.ray_lanes import LANES, look_around
from graben.landforms.sight_rules import ANGLEV1, DOWN, RIGHT, reach, sight, verdict

SLACK = 5e-7  # relative: three roundings in single precision on either side
SMALL_INTEGER = 32_768
STRIP = 8 * LANES  # columns: few enough that long lines of sight stay in the cache


@numba.njit(cache=True, nogil=True, error_model="numpy")
def holds_small_integers(heights):  # type: ignore[no-untyped-def]
    """Tell whether every height that is not void is a whole number of less than 16 bits."""
    for row in heights:
        for height in row:
            whole = height == math.floor(height) and abs(height) < SMALL_INTEGER
            if not (whole or math.isnan(height)):
                return False
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sweep(heights, frame, start, stop, widths, tall, sighting, table, forms):  # type: ignore[no-untyped-def]
    """Classify the rows `start` to `stop` of the core; what lies around it is the frame.

    `heights` is the core within `frame` cells of voids or neighbours on each side and `LANES`
    more on the right; `widths` and `tall` are the cell sizes of each row of the core in metres;
    `sighting` holds search, first step, flatness (radians), comparison, the first row of the
    core that sees nothing below it, and whether heights are small integers; `table` maps 9 times
    the lines down plus the lines up to a form.
    """
    search, first, flat, comparison, blind_row, small_integers = sighting
    columns = forms.shape[1]
    codes = np.empty(STRIP, np.uint8)
    doubts = np.empty(STRIP, np.uint8)
    distance = np.ones((8, frame + 1))
    inverse = np.empty((8, frame + 1), np.float32)
    last = np.empty(8, np.int64)
    strides = DOWN * heights.shape[1] + RIGHT
    limits = np.array([math.tan(flat), SLACK, SLACK], np.float32)
    seen = np.empty(6)
    for left in range(0, columns, STRIP):
        right = min(left + STRIP, columns)
        for row in range(start, stop):
            if row == start or widths[row] != widths[row - 1] or tall[row] != tall[row - 1]:
                reach(widths[row], tall[row], search, last, distance)
                inverse[:] = 1 / distance
                # two steps, one exactly twice the other: single precision tells ties of integers
                exact = small_integers and comparison == ANGLEV1 and last.max() <= 2
                limits[1] = -1.0 if exact else SLACK
            begin = (row + frame) * heights.shape[1] + frame
            for at in range(left, right, LANES):
                lanes = slice(at - left, at - left + LANES)
                look_around(  # type: ignore[call-arg]
                    heights,
                    begin + at,
                    strides,
                    first,
                    last,
                    inverse,
                    limits,
                    codes[lanes],
                    doubts[lanes],
                )
            for column in range(left, right):
                i, j = row + frame, column + frame
                code, doubt = np.int64(codes[column - left]), np.int64(doubts[column - left])
                if math.isnan(heights[i, j]):
                    forms[row, column] = 0
                    continue
                k = 0
                while doubt:
                    if doubt & 1 and not (row >= blind_row and DOWN[k] == 1):
                        sight(heights, i, j, k, first, last[k], distance[k], seen)
                        found = verdict(seen, flat, 0.0, comparison)
                        code += found if found >= 0 else 9
                    doubt >>= 1
                    k += 1
                forms[row, column] = table[code]
