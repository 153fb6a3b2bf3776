"""Where water goes (numba): filled hollows, and areas handed on down the slope.

Cells are numbered along the rows. The eight neighbours are numbered clockwise from north.
"""

import math

import numba
import numpy as np

NOWHERE = 8  # over the edge of the map
_NORTH = (1, 1, 0, -1, -1, -1, 0, 1)
_EAST = (0, 1, 1, 1, 0, -1, -1, -1)


@numba.njit(cache=True, nogil=True, inline="always")
def _before(height, cell, a, b):  # type: ignore[no-untyped-def]
    """Tell whether entry `a` of the heap leaves it before entry `b`."""
    return height[a] < height[b] or (height[a] == height[b] and cell[a] < cell[b])


@numba.njit(cache=True, nogil=True)
def _push(height, cell, size, new_height, new_cell):  # type: ignore[no-untyped-def]
    height[size], cell[size] = new_height, new_cell
    child = size
    while child > 0:
        parent = (child - 1) // 2
        if not _before(height, cell, child, parent):
            break
        height[child], height[parent] = height[parent], height[child]
        cell[child], cell[parent] = cell[parent], cell[child]
        child = parent
    return size + 1


@numba.njit(cache=True, nogil=True)
def _pop(height, cell, size):  # type: ignore[no-untyped-def]
    """Take the lowest entry out: it stands behind the others afterwards."""
    size -= 1
    height[0], height[size] = height[size], height[0]
    cell[0], cell[size] = cell[size], cell[0]
    parent = 0
    while 2 * parent + 1 < size:
        child = 2 * parent + 1
        if child + 1 < size and _before(height, cell, child + 1, child):
            child += 1
        if not _before(height, cell, child, parent):
            break
        height[child], height[parent] = height[parent], height[child]
        cell[child], cell[parent] = cell[parent], cell[child]
        parent = child
    return size


@numba.njit(cache=True, nogil=True)
def _outlets(z, filled, way, height, cell):  # type: ignore[no-untyped-def]
    """Put the cells at the edge of the map and beside voids on the heap."""
    rows, columns = z.shape
    size = 0
    for i in range(rows):
        for j in range(columns):
            filled[i, j] = z[i, j]
            if math.isnan(z[i, j]):
                continue
            inside = 0 < i < rows - 1 and 0 < j < columns - 1
            if inside:
                for d in range(8):
                    inside = inside and not math.isnan(z[i - _NORTH[d], j + _EAST[d]])
            if not inside:
                way[i, j] = NOWHERE
                size = _push(height, cell, size, z[i, j], i * columns + j)
    return size


@numba.njit(cache=True, nogil=True)
def flood(z, filled, way, order):  # type: ignore[no-untyped-def]
    """Fill hollows to the brim, from the outlets inwards, lowest cell first.

    `way` becomes the neighbour that each cell was reached from (`NOWHERE` at outlets) and `order`
    the cells as they were reached: their filled heights never fall, and each stands behind the
    cell it was reached from. Returns how many cells are no voids.
    """
    rows, columns = z.shape
    height = np.empty(z.size, np.float32)
    cell = np.empty(z.size, np.int32)
    way[:] = 255
    size = _outlets(z, filled, way, height, cell)
    done, known = 0, 0
    while size > 0 or done < known:
        if done == known:
            size = _pop(height, cell, size)
            order[known] = cell[size]
            known += 1
        i, j = order[done] // columns, order[done] % columns
        done += 1
        for d in range(8):
            a, b = i - _NORTH[d], j + _EAST[d]
            if a < 0 or b < 0 or a == rows or b == columns:
                continue
            if way[a, b] != 255 or math.isnan(z[a, b]):
                continue
            way[a, b] = (d + 4) % 8
            if z[a, b] <= filled[i, j]:
                filled[a, b] = filled[i, j]
                order[known] = a * columns + b
                known += 1
            else:
                size = _push(height, cell, size, z[a, b], a * columns + b)
    return known


@numba.njit(cache=True, nogil=True, inline="always")
def _falls(filled, i, j, across, along, fall):  # type: ignore[no-untyped-def]
    """Fill in the slopes down to the eight neighbours, 0 where they are not lower."""
    rows, columns = filled.shape
    for d in range(8):
        a, b = i - _NORTH[d], j + _EAST[d]
        fall[d] = 0.0
        if 0 <= a < rows and 0 <= b < columns and filled[a, b] < filled[i, j]:
            drop = np.float64(filled[i, j]) - np.float64(filled[a, b])
            fall[d] = drop / math.hypot(_EAST[d] * across, _NORTH[d] * along)


@numba.njit(cache=True, nogil=True)
def hand_on(filled, way, order, width, height, exponent, area):  # type: ignore[no-untyped-def]
    """Hand each cell's area on to lower neighbours, from the last cell reached to the first.

    `area` holds the cells' own and becomes what drains through them. Shares are as slope to the
    power `exponent`; where that is 0, the steepest way takes all. A cell without a lower
    neighbour hands on to where it was reached from.
    """
    columns = filled.shape[1]
    fall = np.empty(8)
    for k in range(order.size - 1, -1, -1):
        i, j = order[k] // columns, order[k] % columns
        _falls(filled, i, j, width[i], height[i], fall)
        steepest = np.argmax(fall)
        if fall[steepest] == 0.0:
            d = way[i, j]
            if d != NOWHERE:
                area[i - _NORTH[d], j + _EAST[d]] += area[i, j]
        elif exponent == 0.0:
            area[i - _NORTH[steepest], j + _EAST[steepest]] += area[i, j]
        else:
            total = 0.0
            for d in range(8):
                if fall[d] > 0.0:
                    fall[d] = fall[d] ** exponent
                    total += fall[d]
            for d in range(8):
                if fall[d] > 0.0:
                    area[i - _NORTH[d], j + _EAST[d]] += area[i, j] * (fall[d] / total)
