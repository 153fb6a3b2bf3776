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
def sweep(heights, frame, start, stop, widths, tall, sighting, tables, results):  # type: ignore[no-untyped-def]
    """Classify the rows `start` to `stop` of the core; what lies around it is the frame.

    `heights` is the core within `frame` cells of voids or neighbours on each side and `LANES`
    more on the right; `widths` and `tall` are the cell sizes of each row of the core in metres;
    `sighting` holds search, first step, flatness (radians), comparison, the first row of the
    core that sees nothing below it, and whether heights are small integers. `tables` map the bits
    of the lines down, times 256, plus those of the lines up to a form and a ternary code.
    `results` are forms, ternary codes, and (3, row, column) for positive and negative openness
    (degrees) and sky view; the latter two may be empty.
    """
    search, first, flat, comparison, blind_row, small_integers = sighting
    columns = results[0].shape[1]
    patterns = np.empty((3, LANES), np.uint8)
    extremes = np.empty((8, 2, LANES), np.float32)
    distance = np.ones((8, frame + 1))
    inverse = np.empty((8, frame + 1), np.float32)
    last = np.empty(8, np.int64)
    strides = DOWN * heights.shape[1] + RIGHT
    limits = np.array([math.tan(flat), SLACK, SLACK], np.float32)
    rule = (first, flat, comparison)
    for left in range(0, columns, STRIP):
        for row in range(start, stop):
            if row == start or widths[row] != widths[row - 1] or tall[row] != tall[row - 1]:
                reach(widths[row], tall[row], search, last, distance)
                inverse[:] = 1 / distance
                # two steps, one exactly twice the other: single precision tells ties of integers
                exact = small_integers and comparison == ANGLEV1 and last.max() <= 2
                limits[1] = -1.0 if exact else SLACK
            blind = row >= blind_row
            begin = (row + frame) * heights.shape[1] + frame
            for at in range(left, min(left + STRIP, columns), LANES):
                look_around(  # type: ignore[call-arg]
                    heights, begin + at, strides, first, last, inverse, limits, patterns, extremes
                )
                for lane in range(min(LANES, columns - at)):
                    i, j = row + frame, at + lane + frame
                    if math.isnan(heights[i, j]):
                        leave_void(row, at + lane, results)
                        continue
                    up, down = np.int64(patterns[0, lane]), np.int64(patterns[1, lane])
                    if patterns[2, lane]:
                        doubts = np.int64(patterns[2, lane])
                        up, down = settled(
                            heights, i, j, up, down, doubts, last, distance, rule, blind
                        )
                    results[0][row, at + lane] = tables[0][down << 8 | up]
                    if results[1].size:
                        results[1][row, at + lane] = tables[1][down << 8 | up]
                    if results[2].size:
                        sky(extremes[:, :, lane], blind, results[2][:, row, at + lane])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def leave_void(row, column, results):  # type: ignore[no-untyped-def]
    """Write what stands for nothing."""
    results[0][row, column] = 0
    if results[1].size:
        results[1][row, column] = 0
    if results[2].size:
        results[2][:, row, column] = np.nan


@numba.njit(cache=True, nogil=True, error_model="numpy")
def settled(heights, i, j, up, down, doubts, last, distance, rule, blind):  # type: ignore[no-untyped-def]
    """Return the bits up and down after judging the doubtful lines in double precision."""
    first, flat, comparison = rule
    seen = np.empty(6)
    for k in range(8):
        if doubts >> k & 1 and not (blind and DOWN[k] == 1):
            sight(heights, i, j, k, first, last[k], distance[k], seen)
            found = verdict(seen, flat, 0.0, comparison)
            up |= (found > 0) << k
            down |= (found < 0) << k
    return up, down


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sky(extremes, blind, values):  # type: ignore[no-untyped-def]
    """Fill openness and sky view from the ratios of height to distance of eight lines."""
    above = below = hidden = 0.0
    lines = 0
    for k in range(8):
        high, low = float(extremes[k, 0]), float(extremes[k, 1])
        if math.isnan(high) or (blind and DOWN[k] == 1):
            continue
        lines += 1
        above += math.atan(high)
        below += math.atan(low)
        if high > 0:
            hidden += high / math.sqrt(1 + high * high)
    values[0] = 90 - math.degrees(above) / lines
    values[1] = 90 + math.degrees(below) / lines
    values[2] = 1 - hidden / lines
