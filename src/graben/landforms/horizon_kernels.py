"""Lines of sight at a cost that does not grow with the search radius (numba).

A line of cells is cut into blocks as long as the search. What a cell can see lies in the rest of
its own block and in the beginning of the next; each part is kept as a convex hull, on which the
steepest sight is a tangent. Hulls are built once per block, so the radius does not count.
"""

import math

import numba
import numpy as np

from graben.landforms.sight_rules import DOWN, NEARLY, RIGHT, verdict

ORIENTATIONS = (7, 5, 6, 4)  # E, S, SE, SW; their opposites are walked backwards
STRIDE = 64


@numba.njit(cache=True, nogil=True, error_model="numpy")
def horizon(line, reach, steepest, hull):  # type: ignore[no-untyped-def]
    """Fill the greatest rise per step from each cell to the `reach` cells after it.

    NaN is transparent; -inf where nothing is seen. `hull` is a buffer as long as the line.
    """
    for start in range(0, len(line), reach):
        stop = min(start + reach, len(line))
        own_block(line, start, stop, steepest, hull)
        next_block(line, start, stop, reach, steepest, hull)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def own_block(line, start, stop, steepest, hull):  # type: ignore[no-untyped-def]
    """Look at the rest of the block, whose hull grows from right to left."""
    size = 0
    for cell in range(stop - 1, start - 1, -1):
        own = line[cell]
        steepest[cell] = -np.inf
        if math.isnan(own):
            continue
        while size >= 2:
            near, far = hull[size - 1], hull[size - 2]
            if (line[near] - own) * (far - cell) > (line[far] - own) * (near - cell):
                break
            size -= 1
        if size > 0:
            seen = hull[size - 1]
            steepest[cell] = (line[seen] - own) / (seen - cell)
        hull[size] = cell
        size += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def next_block(line, start, stop, reach, steepest, hull):  # type: ignore[no-untyped-def]
    """Look into the next block as far as the search reaches; its hull grows to the right."""
    size = 0
    for cell in range(start, min(stop, len(line))):
        new = cell + reach
        if new < len(line) and not math.isnan(line[new]):
            while size >= 2:
                last, before = hull[size - 1], hull[size - 2]
                rise = (line[last] - line[before]) * (new - before)
                if rise > (line[new] - line[before]) * (last - before):
                    break
                size -= 1
            hull[size] = new
            size += 1
        own = line[cell]
        if size == 0 or math.isnan(own):
            continue
        low, high = 0, size - 1
        while low < high:
            middle = (low + high) // 2
            one, other = hull[middle], hull[middle + 1]
            if (line[other] - own) * (one - cell) > (line[one] - own) * (other - cell):
                low = middle + 1
            else:
                high = middle
        rise = (line[hull[low]] - own) / (hull[low] - cell)
        if rise > steepest[cell]:
            steepest[cell] = rise


@numba.njit(cache=True, nogil=True, error_model="numpy")
def settle(line, cell, reach, unit, high, low, seen):  # type: ignore[no-untyped-def]
    """Find the angles themselves where `high` and `low`, the extreme rises, are too close."""
    own = line[cell]
    seen[0], seen[1] = -math.pi / 2, math.pi / 2
    seen[2:] = 0.0
    least, most = high - NEARLY * abs(high), low + NEARLY * abs(low)
    for begin in range(1, reach + 1, STRIDE):
        end = min(begin + STRIDE, reach + 1)
        found = 0
        for step in range(begin, end):
            rise = line[cell + step] - own
            found += (rise >= least * step) | (rise <= most * step)
        if found:
            for step in range(begin, end):
                rise = line[cell + step] - own
                if rise >= least * step or rise <= most * step:
                    angle = math.atan2(rise, unit[step])
                    if angle > seen[0]:
                        seen[0], seen[2] = angle, unit[step]
                    if angle < seen[1]:
                        seen[1], seen[3] = angle, unit[step]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def judge(line, reach, distance, flat, comparison, work, codes):  # type: ignore[no-untyped-def]
    """Add to each cell's code what the line after it says: 1 where it looks up, 9 down.

    `distance` holds the metres of each step; `work` are buffers: float64 (3, cells), int64
    (cells), float64 (6).
    """
    rises, hull, seen = work
    high, low, turned = rises[0, : len(line)], rises[1, : len(line)], rises[2, : len(line)]
    turned[:] = -line
    horizon(line, reach, high, hull)
    horizon(turned, reach, low, hull)
    threshold = math.tan(flat) * distance[1]
    for cell in range(len(line) - 1):
        if math.isnan(line[cell]) or math.isnan(line[cell + 1]):
            continue
        up, down = abs(high[cell]), abs(low[cell])
        steepest = max(up, down)
        # twice the slack of `settle`, and what the metres of a diagonal are rounded by
        slack = 1e-12 * max(steepest, threshold)
        if steepest < threshold - slack:
            continue
        if abs(up - down) <= slack or steepest <= threshold + slack:
            within = min(reach, len(line) - 1 - cell)
            settle(line, cell, within, distance, high[cell], -low[cell], seen)
            found = verdict(seen, flat, 0.0, comparison)
            codes[cell] += found if found >= 0 else 9
        else:
            codes[cell] += 1 if up > down else 9


@numba.njit(cache=True, nogil=True, error_model="numpy")
def judge_lines(heights, core, k, lines, reach, distance, flat, comparison, codes):  # type: ignore[no-untyped-def]
    """Judge both senses of some lines of orientation `k` through the core of a block.

    `core` is (top, bottom, left, right) within `heights`; `lines` the first and the last line, by
    number: the row or column in which the line meets the first row, or would. `codes` has the
    core's shape.
    """
    down, right = DOWN[k], RIGHT[k]
    top, bottom, left, right_edge = core
    longest = max(heights.shape)
    line, back = np.empty(longest), np.empty(longest)
    found = np.zeros((2, longest), np.int64)
    work = (np.empty((3, longest)), np.empty(longest, np.int64), np.empty(6))
    for number in range(lines[0], lines[1]):
        # position t of the line is the cell (t * down + row, t * right + column)
        row, column = (number, 0) if down == 0 else (0, number)
        first, last = within(row, down, top, bottom, column, right, left, right_edge)
        if first >= last:
            continue
        begin, end = within(row, down, 0, heights.shape[0], column, right, 0, heights.shape[1])
        begin, end = max(begin, first - reach), min(end, last + reach)
        length = end - begin
        for t in range(length):
            line[t] = heights[row + (begin + t) * down, column + (begin + t) * right]
            back[length - 1 - t] = line[t]
        found[:, :length] = 0
        judge(line[:length], reach, distance, flat, comparison, work, found[0])
        judge(back[:length], reach, distance, flat, comparison, work, found[1])
        for t in range(first - begin, last - begin):
            i, j = row + (begin + t) * down - top, column + (begin + t) * right - left
            codes[i, j] += found[0, t] + found[1, length - 1 - t]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def within(row, down, top, bottom, column, right, left, right_edge):  # type: ignore[no-untyped-def]
    """Give the positions (first, one after the last) of a line inside a rectangle."""
    first, last = -(1 << 40), 1 << 40
    for start, step, low, high in ((row, down, top, bottom), (column, right, left, right_edge)):
        if step == 0:
            if not low <= start < high:
                return 0, 0
        elif step > 0:
            first, last = max(first, low - start), min(last, high - start)
        else:
            first, last = max(first, start - high + 1), min(last, start - low + 1)
    return first, last
