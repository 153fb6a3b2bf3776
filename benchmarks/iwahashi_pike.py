"""The terrain classes of Iwahashi and Pike (2007), doi:10.1016/j.geomorph.2006.09.012: a legend."""

import numpy as np
import xarray as xr
from scipy.ndimage import laplace, median_filter
from scipy.signal import fftconvolve

from graben.landforms import derive

RADIUS = 10  # cells, of the disc in which convexity and texture are counted
ROUGH = 1.0  # metres from the median of the 3x3 cells that make a cell a pit or a peak


def share_around(flags: np.ndarray) -> np.ndarray:
    """Give the share of flagged cells within the disc around each cell."""
    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    disc = (y**2 + x**2 <= RADIUS**2).astype(float)
    padded = np.pad(flags.astype(float), RADIUS, mode="reflect")
    return fftconvolve(padded, disc / disc.sum(), "valid")


def iwahashi_pike(dem: xr.DataArray) -> np.ndarray:
    """Classify by nested means of slope, local convexity and surface texture.

    Cells steeper than the mean are divided by the means, over the whole map, of convexity (share
    of cells around that the Laplacian finds convex) and texture (share that are pits or peaks);
    the gentler ones by the means among themselves: eight classes. Voids are filled with the mean
    height and have no class.

    Parameters
    ----------
    dem
        Elevation in metres, dims (y, x).

    Returns
    -------
    numpy.ndarray
        1 to 8, 0 where slope is unknown: steep, high texture and convexity first.
    """
    heights = dem.to_numpy().astype(float)
    heights = np.where(np.isnan(heights), np.nanmean(heights), heights)
    slope = derive(dem, ["slope"])["slope"].to_numpy()
    convexity = share_around(laplace(heights, mode="nearest") < 0)
    texture = share_around(np.abs(heights - median_filter(heights, 3, mode="nearest")) >= ROUGH)
    known = ~np.isnan(slope)
    classes = np.zeros(heights.shape, int)
    steep = known & (slope > slope[known].mean())
    for first, part, whole in ((1, steep, known), (5, known & ~steep, known & ~steep)):
        smooth = texture <= texture[whole].mean()
        concave = convexity <= convexity[whole].mean()
        classes[part] = (first + 2 * smooth + concave)[part]
    return classes
