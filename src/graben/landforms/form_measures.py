"""The measures of a form (numba): what r.geomorphon calls its outputs, openness and sky view."""

import math

import numba
import numpy as np

from graben.landforms.sight_rules import DOWN, RIGHT, reach, sight, threshold_at, verdict

MEASURES = (
    "forms",
    "ternary",
    "positive",
    "negative",
    "intensity",
    "exposition",
    "range",
    "variance",
    "elongation",
    "azimuth",
    "extend",
    "width",
    "openness_positive",
    "openness_negative",
    "sky_view",
)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def least_turn(code):  # type: ignore[no-untyped-def]
    """Give the smallest number among the eight rotations of eight bits."""
    least = code
    for _ in range(7):
        code = (code >> 1) | (code & 1) << 7
        least = min(least, code)
    return least


@numba.njit(cache=True, nogil=True, error_model="numpy")
def ternary_code(pattern):  # type: ignore[no-untyped-def]
    """Give the smallest ternary number among the rotations and mirror images of a pattern."""
    least = 6560
    for turn in range(8):
        ahead = back = 0
        for k in range(7, -1, -1):
            ahead = 3 * ahead + pattern[(k + turn) % 8] + 1
            back = 3 * back + pattern[(turn - k) % 8] + 1
        least = min(least, ahead, back)
    return least


@numba.njit(cache=True, nogil=True, error_model="numpy")
def code_tables(forms):  # type: ignore[no-untyped-def]
    """Return the form and the ternary code for the bits of the lines down * 256 + those up.

    `forms` maps 9 times the lines down plus the lines up to a form.
    """
    form, ternary = np.zeros(1 << 16, np.uint8), np.zeros(1 << 16, np.uint16)
    pattern = np.empty(8, np.int64)
    for down in range(256):
        for up in range(256):
            if down & up:
                continue
            for k in range(8):
                pattern[k] = (up >> k & 1) - (down >> k & 1)
            lines = 9 * (pattern == -1).sum() + (pattern == 1).sum()
            form[down << 8 | up], ternary[down << 8 | up] = forms[lines], ternary_code(pattern)
    return form, ternary


@numba.njit(cache=True, nogil=True, error_model="numpy")
def outline(distances, lines):  # type: ignore[no-untyped-def]
    """Give elongation, azimuth (degrees) and width (m) of the eight ends of the lines of sight.

    The azimuth is that of the regression of northing on easting; the other two are the sides of
    the rectangle around the ends that is turned by it.
    """
    diagonal = math.sqrt(0.5)
    x, y = np.empty(8), np.empty(8)
    for k in range(8):
        shrink = diagonal if DOWN[k] != 0 and RIGHT[k] != 0 else 1.0
        x[k] = distances[k] * RIGHT[k] * shrink
        y[k] = -distances[k] * DOWN[k] * shrink
    shared = (x * y).sum() - x.sum() * y.sum() / lines
    slope = shared / ((x * x).sum() - x.sum() ** 2 / lines)
    turn = math.atan(slope)
    along = x * math.cos(turn) - y * math.sin(turn)
    across = x * math.sin(turn) + y * math.cos(turn)
    one, other = np.ptp(along), np.ptp(across)
    azimuth = math.degrees(math.pi / 2 - turn)
    return max(one, other) / min(one, other), azimuth, min(one, other)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def look(heights, i, j, first, last, distance, rule, blind, around):  # type: ignore[no-untyped-def]
    """Judge the eight lines of a cell; a `blind` one sees nothing of the rows below it.

    `around` (8, 8) receives for each direction: zenith and nadir (radians), the verdict, distance
    and height of what decided, whether the direction counts, and whether it is seen to rise above
    and to fall below the threshold.
    """
    flat, flat_distance, comparison, far = rule
    seen = np.empty(6)
    around[:] = 0.0
    for k in range(8):
        if math.isnan(heights[i + DOWN[k], j + RIGHT[k]]):
            continue
        if blind and DOWN[k] == 1:
            continue
        sight(heights, i, j, k, first, last[k], distance[k], seen)
        found = verdict(seen, flat, flat_distance, comparison)
        around[0, k], around[1, k], around[2, k], around[5, k] = seen[0], seen[1], found, 1.0
        level = abs(seen[0]) <= threshold_at(seen[2], flat, flat_distance) and (
            abs(seen[1]) <= threshold_at(seen[3], flat, flat_distance)
        )
        if found > 0:
            around[3, k], around[4, k] = seen[2], seen[4]
        elif found < 0:
            around[3, k], around[4, k] = seen[3], seen[5]
        elif level:
            around[3, k] = far
        around[6, k] = seen[0] > threshold_at(seen[2], flat, flat_distance)
        around[7, k] = seen[1] < -threshold_at(seen[3], flat, flat_distance)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def measured(around, far, tables, values):  # type: ignore[no-untyped-def]
    """Fill the measures, in the order of `MEASURES`, from what `look` found."""
    bits = 0
    for k in range(8):
        bits |= (around[2, k] > 0) << k | (around[2, k] < 0) << (k + 8)
    lines = around[5].sum()
    reached, height = around[3], around[4]
    index = np.arange(8)
    values[0], values[1] = tables[0][bits], tables[1][bits]
    values[2] = least_turn(int((around[6] * index).sum()))
    values[3] = least_turn(int((around[7] * index).sum()))
    if lines == 0:
        values[4:] = np.nan
        return
    total = np.float32(0)  # as GRASS adds them: in single precision, one after the other
    for k in range(8):
        total += np.float32(height[k])
    mean = total / np.float32(lines)
    values[4] = -mean
    farthest = height[np.argmax(np.abs(height))]
    values[5] = -farthest
    values[6] = height.max() - height.min()
    values[7] = ((height - mean) ** 2).sum() / lines
    values[8], values[9], values[11] = outline(reached, lines)
    around_area = 0.0
    for k in range(8):
        around_area += reached[k] * reached[k - 1]
    values[10] = around_area / (8 * far * far)
    counted = around[5] > 0
    values[12] = 90 - math.degrees(around[0][counted].sum()) / lines
    values[13] = 90 + math.degrees(around[1][counted].sum()) / lines
    values[14] = 1 - np.sin(np.maximum(around[0][counted], 0)).sum() / lines


@numba.njit(cache=True, nogil=True, error_model="numpy")
def measure(heights, frame, start, stop, widths, tall, sighting, tables, wanted, results):  # type: ignore[no-untyped-def]
    """Fill the measures `wanted` (numbers in `MEASURES`) of the rows `start` to `stop`.

    As `geomorphon_kernels.sweep`, but every line in double precision and any flatness distance:
    `sighting` holds search, first step, flatness, flatness distance (cells), comparison and the
    first row of the core that sees nothing below it.
    `results` is float32 of (measure, row, column).
    """
    search, first, flat, flat_cells, comparison, blind_row = sighting
    distance = np.ones((8, frame + 1))
    last = np.empty(8, np.int64)
    around, values = np.empty((8, 8)), np.empty(len(MEASURES))
    for row in range(start, stop):
        reach(widths[row], tall[row], search, last, distance)
        far = search * tall[row]
        rule = (flat, flat_cells * tall[row], comparison, far)
        for column in range(results.shape[2]):
            i, j = row + frame, column + frame
            if math.isnan(heights[i, j]):
                values[:] = np.nan
                values[:4] = 0
            else:
                look(heights, i, j, first, last, distance, rule, row >= blind_row, around)
                measured(around, far, tables, values)
            for number, which in enumerate(wanted):
                results[number, row, column] = values[which]
