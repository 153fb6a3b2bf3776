"""Where water flows: contributing areas and wetness, of a whole elevation model at once."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from graben.errors import RasterError
from graben.landforms.dem import CellSize, cell_size
from graben.landforms.flow_kernels import flood, hand_on
from graben.landforms.surface_kernels import gradient
from graben.progress import track

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

EXPONENTS = {"contributing_area": 1.1, "contributing_area_d8": 0.0}  # of slope; 0: steepest only
LEAST_SLOPE = 0.001  # of the wetness index, or level land would be infinitely wet
BYTES_PER_CELL = 48


def flow_derivatives(dem: "xr.DataArray", what: Sequence[str]) -> "dict[str, NDArray[np.float32]]":
    """Compute contributing areas and the wetness index.

    Hollows are filled to their brims (Barnes et al. 2014, doi:10.1016/j.cageo.2013.04.024); level
    land drains the way it was reached from its outlet. The whole model is held in memory: water
    may come from anywhere.

    Parameters
    ----------
    dem
        Elevation in metres, dims (y, x), with a CRS; NaN = void, where water leaves, as it does
        over the edge.
    what
        `contributing_area` (multiple flow, Freeman 1991, doi:10.1016/0098-3004(91)90048-I),
        `contributing_area_d8` (the steepest way takes all) and `wetness` (of multiple flow).

    Returns
    -------
    dict
        (y, x) float32: areas in m2, the cell's own included, NaN at voids; wetness ln(a / tan b),
        NaN where the slope is: in the outermost rows and columns and beside voids.

    Raises
    ------
    RasterError
        The model does not fit into memory.

    Examples
    --------
    Down a slope one cell wide, each cell drains all above it:

    >>> from graben.landforms.dem import on_map
    >>> y, x = np.arange(30.0, 0, -10), np.arange(0.0, 50, 10)
    >>> ramp = np.full((3, 5), np.nan, np.float32)
    >>> ramp[1] = [9, 7, 5, 3, 1]
    >>> found = flow_derivatives(on_map(ramp, y, x, "EPSG:32636"), ["contributing_area_d8"])
    >>> found["contributing_area_d8"][1].tolist()
    [100.0, 200.0, 300.0, 400.0, 500.0]
    """
    check_memory(dem.shape)
    z = np.ascontiguousarray(dem.to_numpy(), np.float32)
    size = cell_size(dem)
    filled, way = np.empty_like(z), np.empty(z.shape, np.uint8)
    order = np.empty(z.size, np.int32)
    found, areas = {}, {}
    asked = [name for name in EXPONENTS if name in what]
    if "wetness" in what and "contributing_area" not in asked:
        asked.append("contributing_area")
    for step in track(["hollows", *asked], "flow of water"):
        if step == "hollows":
            order = order[: flood(z, filled, way, order)]
            continue
        area = np.where(np.isnan(z), np.nan, (size.x * size.y)[:, None])
        hand_on(filled, way, order, size.x, size.y, EXPONENTS[step], area)
        areas[step] = area
    if "wetness" in what:
        found["wetness"] = _wetness(z, areas["contributing_area"], size)
    return found | {name: areas[name].astype(np.float32) for name in asked if name in what}


def _wetness(
    z: "NDArray[np.float32]", area: "NDArray[np.float64]", size: CellSize
) -> "NDArray[np.float32]":
    """Compute ln(a / tan b); the contour that a cell crosses is the root of its area."""
    p, q = (np.full(z.shape, np.nan, np.float32) for _ in range(2))
    width, height = (side[1:-1].astype(np.float32) for side in (size.x, size.y))
    gradient(z, width, height, p[1:-1], q[1:-1])
    steep = np.maximum(np.hypot(p, q), np.float32(LEAST_SLOPE))
    per_metre = area / np.sqrt(size.x * size.y)[:, None]
    return np.log(per_metre / steep).astype(np.float32)


def check_memory(shape: tuple[int, ...]) -> None:
    """Refuse, before hours of swapping, a raster that does not fit into memory.

    Raises
    ------
    RasterError
        It has too many cells.
    """
    cells = int(np.prod(shape))
    room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    most = min(room // BYTES_PER_CELL, np.iinfo(np.int32).max)
    if cells > most:
        raise RasterError(
            f"the flow of water needs the whole raster in memory: expected at most {most:,} cells "
            f"on this computer, got {cells:,}. Cut out one catchment, or average to cells "
            f"{(cells / most) ** 0.5:.1f} times as wide (`gdalwarp -r average -tr`)."
        )
