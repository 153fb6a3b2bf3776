"""Sums over square windows of any size (numba), at a cost that does not grow with the window."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def sums_down(values, radius, first, core, out):  # type: ignore[no-untyped-def]
    """Add the rows within `radius` of each row from `core` on; beyond the block is nothing.

    Rows are cut into runs as long as a window, counted from the raster's first row (`first` is
    the block's): a window is the end of one run and the beginning of the next. Nothing is ever
    taken away, so that no digits are lost and a row's sum holds the same bits in any block.
    """
    rows, columns = values.shape
    length = 2 * radius + 1
    begun = np.empty((rows, columns))
    ended = np.empty((rows, columns))
    for i in range(rows):
        fresh = i == 0 or (first + i) % length == 0
        for j in range(columns):
            begun[i, j] = values[i, j] if fresh else begun[i - 1, j] + values[i, j]
    for i in range(rows - 1, -1, -1):
        fresh = i == rows - 1 or (first + i + 1) % length == 0
        for j in range(columns):
            ended[i, j] = values[i, j] if fresh else ended[i + 1, j] + values[i, j]
    for i in range(out.shape[0]):
        top, bottom = max(core + i - radius, 0), min(core + i + radius, rows - 1)
        in_one = (first + top) // length == (first + bottom) // length
        for j in range(columns):
            if not in_one:
                out[i, j] = ended[top, j] + begun[bottom, j]
            elif (first + top) % length == 0:
                out[i, j] = begun[bottom, j]
            else:
                out[i, j] = ended[top, j]
