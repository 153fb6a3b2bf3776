"""What a segmentation net sees of an elevation model: slope, aspect, curvature, local relief."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.landforms.features import window_mean

Floats = NDArray[Any]

EAST, NORTH = 1, 2  # the two channels that are parts of a vector
SYMMETRIES = 8


def channel_names(radii: tuple[int, ...]) -> tuple[str, ...]:
    """Return the names of the channels of `terrain_channels`."""
    relief = (f"relief within {radius} cells" for radius in radii)
    return ("slope", "aspect, east", "aspect, north", "curvature", *relief)


def channel_reach(radii: tuple[int, ...]) -> int:
    """Return how many cells around a cell its channels depend on."""
    return max(2, *radii)


def terrain_channels(
    elevation: Floats, width: Floats, height: Floats, radii: tuple[int, ...]
) -> NDArray[np.float32]:
    """Describe the surroundings of each cell by numbers without unit or absolute height.

    Slope (radians) and the horizontal parts of the surface's unit normal, which are the sine and
    cosine of the aspect times the sine of the slope and so vanish where there is no aspect;
    curvature, the Laplacian times the size of a cell; and for each radius the height above the
    mean of the square of 2 r + 1 cells a side, over r cells. Gradients are central differences,
    one-sided at the edges of the array.

    Parameters
    ----------
    elevation
        Metres, (y, x), north up; at least 2 rows and 2 columns.
    width, height
        Of the cells of each row in metres, (y,).
    radii
        Of the local relief, in cells.

    Returns
    -------
    numpy.ndarray
        (channel, y, x) in the order of `channel_names`; NaN where the cell is void, or for the
        first four one that their differences need (up to two cells away). Means leave voids and
        what lies beyond the edge out.

    Examples
    --------
    A plane that rises to the east at 45 degrees faces west and is curved nowhere:

    >>> plane = np.tile(10.0 * np.arange(9), (9, 1))
    >>> slope, east, north, curvature, relief = terrain_channels(
    ...     plane, np.full(9, 10.0), np.full(9, 10.0), (2,))[:, 4, 4]
    >>> bool(np.isclose(slope, np.pi / 4) and np.isclose(east, -np.sin(np.pi / 4)))
    True
    >>> float(north), float(curvature), float(relief)
    (0.0, 0.0, 0.0)
    """
    z = elevation.astype(float)
    valid = ~np.isnan(z)
    if valid.any():
        z -= z[valid].mean()  # small numbers keep their digits in sums
    wide, high = width[:, None], height[:, None]
    east, north = np.gradient(z, axis=1) / wide, -np.gradient(z, axis=0) / high
    size = np.sqrt(wide * high)
    curved = np.gradient(east, axis=1) / wide - np.gradient(north, axis=0) / high
    squared = east**2 + north**2
    normal = np.sqrt(1 + squared)
    channels = [np.arctan(np.sqrt(squared)), -east / normal, -north / normal, curved * size]
    channels += [(z - window_mean(z, radius)) / (radius * size) for radius in radii]
    return np.where(valid, np.stack(channels), np.nan).astype(np.float32)


def turned(channels: Floats, symmetry: int) -> Floats:
    """Give the channels of the same land, mirrored and turned.

    Parameters
    ----------
    channels
        (..., channel, y, x), as of `terrain_channels`; scaled, if at all, with one factor for both
        parts of the aspect.
    symmetry
        0 to 7: from 4 on west and east are swapped first; the rest of the division by 4 counts
        the quarter turns against the clock.

    Returns
    -------
    numpy.ndarray
        The channels that the turned elevation model has: those that are numbers move with their
        cells, the aspect turns too.
    """
    moved = turned_map(channels, symmetry).copy()
    east, north = moved[..., EAST, :, :].copy(), moved[..., NORTH, :, :].copy()
    if symmetry >= 4:
        east = -east
    for _ in range(symmetry % 4):
        east, north = -north, east
    moved[..., EAST, :, :], moved[..., NORTH, :, :] = east, north
    return moved


def turned_map(values: NDArray[Any], symmetry: int) -> NDArray[Any]:
    """Mirror and turn maps (..., y, x) whose values have no direction; see `turned`."""
    mirrored = values[..., ::-1] if symmetry >= 4 else values
    return np.rot90(mirrored, symmetry % 4, axes=(-2, -1))
