"""Terrain derivatives of an elevation model: of cells' neighbours, of windows, of water's way."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graben.errors import RasterError
from graben.landforms import surface_kernels as kernels
from graben.landforms.dem import CellSize, cell_size
from graben.landforms.derivative_table import (
    DERIVATIVES,
    SCALES,
    SEARCH,
    attributes,
    check_names,
    check_scales,
    results,
)
from graben.landforms.flow import flow_derivatives
from graben.landforms.forms import GeomorphonTile, Sighting, cores
from graben.landforms.window_kernels import sums_down
from graben.progress import track
from graben.tiling import Tile, plan_tiles

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Arrays = dict[str, Array]

SUN = 315.0, 45.0  # azimuth and height, degrees
CELLS_OF_A_BAND = 2**18  # what is made of such a band of rows is still in the cache when it is used
LEVEL = 1e-14  # variance over squared mean: what float32 does not resolve

_OF_GRADIENT: dict[str, Callable[..., None]] = {"slope": kernels.slope, "aspect": kernels.aspect}
_OF_BENDING: dict[str, Callable[..., None]] = {
    "profile_curvature": kernels.profile_curvature,
    "tangential_curvature": kernels.tangential_curvature,
    "plan_curvature": kernels.plan_curvature,
    "mean_curvature": kernels.mean_curvature,
    "gaussian_curvature": kernels.gaussian_curvature,
}
_OF_NEIGHBOURS: dict[str, Callable[..., None]] = {
    "tri": kernels.riley_ruggedness,
    "tri_wilson": kernels.wilson_ruggedness,
    "tpi": kernels.topographic_position,
    "roughness": kernels.roughness,
}


def derive(
    dem: "xr.DataArray",
    what: Sequence[str],
    scales: Sequence[int] = SCALES,
    search: int = SEARCH,
) -> "xr.Dataset":
    """Compute terrain derivatives.

    All of the 3x3 cells rest on one quadratic: Horn's gradient, as `gdaldem` and `r.slope.aspect`
    have it, and second differences weighted 1 4 1 across, as in the curvatures of
    `r.slope.aspect`. Cells may be oblong, and on geographic coordinates each row has its own
    width; that meridians converge within a window is left out.

    Parameters
    ----------
    dem
        Elevation in metres, dims (y, x), y descending, with a CRS; NaN = void.
    what
        Names of `DERIVATIVES`.
    scales
        Radii in cells of the square windows of relief and deviation: 10 is a window of 21 x 21.
    search
        How far openness and sky view look, in cells.

    Returns
    -------
    xarray.Dataset
        float32 on the grid of `dem`, a variable for each name; relief and deviation give one for
        each scale (`relief_10`). Attributes: units, long_name, definition, source, and in voids
        where it is NaN.

    Raises
    ------
    InputError
        A name that is none, no name, a scale that is no whole number from 1 on, or a search of
        less than 2.
    RasterError
        The model has fewer than three rows or columns, or is too large for memory where the flow
        of water is asked for.

    Examples
    --------
    A plane that falls one metre in ten to the south-east:

    >>> from graben.landforms.dem import on_map
    >>> y, x = np.arange(50.0, 0, -10), np.arange(0.0, 50, 10)
    >>> plane = on_map((y[:, None] - x).astype("f4") * 0.1 / 2**0.5, y, x, "EPSG:32636")
    >>> found = derive(plane, ["slope", "aspect"])
    >>> [round(float(found[name][2, 2]), 3) for name in found]
    [5.711, 135.0]
    """
    import xarray as xr

    check_names(what)
    check_scales(scales)
    check_shape(dem.shape)
    flows = [name for name in what if DERIVATIVES[name].family == "flow"]
    arrays = flow_derivatives(dem, flows) if flows else {}
    arrays |= _by_bands(dem, what, scales, search)
    return xr.Dataset(
        {
            name: dem.copy(data=arrays[name]).drop_attrs(deep=False).assign_attrs(attributes(name))
            for name in results(what, scales)
        }
    )


def check_shape(shape: tuple[int, ...]) -> None:
    """Raise a RasterError where no cell has neighbours on all sides."""
    if min(shape) < 3:
        raise RasterError(
            f"expected an elevation model of three rows and columns or more, got {shape[0]} x "
            f"{shape[1]} cells. Derivatives look at the neighbours of a cell: give a larger piece."
        )


@dataclass(frozen=True, eq=False)
class DerivativesBlock:
    """Derivatives of a tile, for the tiling engine; the same bits from any cut.

    Parameters
    ----------
    what
        Names of `DERIVATIVES` whose family is not `flow`.
    size
        The cells of the whole raster.
    scales
        Radii in cells of the windows.
    search
        How far openness and sky view look, in cells.
    """

    what: tuple[str, ...]
    size: CellSize
    scales: tuple[int, ...] = SCALES
    search: int = SEARCH

    @property
    def halo(self) -> int:
        """How many cells around a tile's core the block must hold."""
        halos = [1]
        if self._of("window"):
            halos.append(max(self.scales))
        if self._of("horizon"):
            halos.append(Sighting(self.search).farthest(self.size))
        return max(halos)

    def __call__(self, block: "Array", tile: Tile, shape: tuple[int, ...]) -> "Arrays":
        """Give each of the `results` for the core of the tile."""
        found: Arrays = {}
        if names := self._of("surface"):
            found |= _surface(np.ascontiguousarray(block), tile, self.size, names)
        if names := self._of("window"):
            found |= _windows(block, tile, self.scales, names)
        if names := self._of("horizon"):
            seen = GeomorphonTile(Sighting(self.search), self.size, names)(block, tile, shape)
            found |= {name: values.astype(np.float32, copy=False) for name, values in seen.items()}
        return found

    def _of(self, family: str) -> tuple[str, ...]:
        return tuple(name for name in self.what if DERIVATIVES[name].family == family)


def _surface(block: "Array", tile: Tile, size: CellSize, what: Sequence[str]) -> "Arrays":
    """Compute what looks at the 3x3 cells."""
    rows, columns = tile.inner
    top, bottom = max(rows.start - 1, 0), min(rows.stop + 1, len(block))
    z = block[top:bottom]
    first = tile.padded[0].start + top + 1
    width, height = (
        side[first : first + len(z) - 2].astype(np.float32) for side in (size.x, size.y)
    )
    azimuth, up = np.radians(SUN)
    light = np.array([np.sin(azimuth), np.cos(azimuth), np.tan(up)]) * np.cos(up)
    p, q, r, s, t = (np.empty((len(z) - 2, z.shape[1]), np.float32) for _ in range(5))
    if not set(_OF_NEIGHBOURS).issuperset(what):
        kernels.gradient(z, width, height, p, q)
    if not set(_OF_BENDING).isdisjoint(what):
        kernels.bending(z, width, height, r, s, t)
    found = {}
    for name in what:
        out = np.empty(z.shape, np.float32)
        out[[0, -1]] = np.nan
        if name in _OF_NEIGHBOURS:
            _OF_NEIGHBOURS[name](z, out[1:-1])
        elif name in _OF_BENDING:
            _OF_BENDING[name](p, q, r, s, t, out[1:-1])
        elif name == "hillshade":
            kernels.hillshade(p, q, light.astype(np.float32), out[1:-1])
        else:
            _OF_GRADIENT[name](p, q, out[1:-1])
        found[name] = out[rows.start - top : rows.stop - top, columns]
    return found


def _windows(block: "Array", tile: Tile, scales: Sequence[int], what: Sequence[str]) -> "Arrays":
    """Compute what looks at square windows."""
    found: Arrays = {}
    for radius in scales:
        around = tuple(
            slice(max(inner.start - radius, 0), inner.stop + radius) for inner in tile.inner
        )
        first = [part.start + cut.start for part, cut in zip(tile.padded, around, strict=True)]
        core = [inner.start - cut.start for inner, cut in zip(tile.inner, around, strict=True)]
        z = block[around]
        if "relief" in what:
            found[f"relief_{radius}"] = _relief(z, radius, core, tile.shape)
        if not {"deviation", "deviation_max"}.isdisjoint(what):
            deviation = _deviation(z, radius, first, core, tile.shape)
            if "deviation" in what:
                found[f"deviation_{radius}"] = deviation
            if "deviation_max" in what:
                before = found.get("deviation_max", deviation)
                farther = np.abs(deviation) > np.abs(before)
                found["deviation_max"] = np.where(farther, deviation, before)
    return found


def _relief(z: "Array", radius: int, core: Sequence[int], shape: Sequence[int]) -> "Array":
    from scipy.ndimage import maximum_filter, minimum_filter

    inner = tuple(slice(at, at + length) for at, length in zip(core, shape, strict=True))
    void, size = np.isnan(z), 2 * radius + 1
    high = maximum_filter(np.where(void, -np.inf, z), size, mode="constant", cval=-np.inf)[inner]
    low = minimum_filter(np.where(void, np.inf, z), size, mode="constant", cval=np.inf)[inner]
    return np.where(void[inner], np.float32(np.nan), high - low)


def _deviation(
    z: "Array", radius: int, first: Sequence[int], core: Sequence[int], shape: Sequence[int]
) -> "Array":
    """Compute DEV; `first` is the block's first cell in the raster, `core` the core's in it."""
    rows, columns = shape
    void = np.isnan(z)
    heights = np.where(void, 0.0, z).astype(np.float64)
    sums = []
    for values in ((~void).astype(np.float64), heights, heights**2):
        down = np.empty((rows, z.shape[1]))
        sums_down(values, radius, first[0], core[0], down)
        across = np.empty((columns, rows))
        sums_down(np.ascontiguousarray(down.T), radius, first[1], core[1], across)
        sums.append(across.T)
    count = np.maximum(sums[0], 1)
    mean, square = sums[1] / count, sums[2] / count
    variance = square - mean**2
    middle = z[core[0] : core[0] + rows, core[1] : core[1] + columns]
    is_level = variance <= LEVEL * square
    deviation = np.where(is_level, 0.0, middle - mean) / np.sqrt(np.where(is_level, 1.0, variance))
    deviation[np.isnan(middle)] = np.nan
    return deviation.astype(np.float32)


def _by_bands(
    dem: "xr.DataArray", what: Sequence[str], scales: Sequence[int], search: int
) -> "Arrays":
    """Compute what looks at a neighbourhood, in bands of rows, a thread for each core."""
    values = np.ascontiguousarray(dem.to_numpy(), np.float32)
    rows, columns = values.shape
    jobs: list[tuple[DerivativesBlock, Tile]] = []
    found: Arrays = {}
    for family in ("surface", "window", "horizon"):
        names = tuple(name for name in what if DERIVATIVES[name].family == family)
        if names:
            function = DerivativesBlock(names, cell_size(dem), tuple(scales), search)
            height = max(CELLS_OF_A_BAND // columns, 4 * function.halo)
            tiles = plan_tiles((rows, columns), (height, columns), function.halo)
            jobs += [(function, tile) for tile in tiles]
            found |= {one: np.empty_like(values) for one in results(names, scales)}

    def work(job: tuple[DerivativesBlock, Tile]) -> None:
        function, tile = job
        for name, core in function(values[tile.padded], tile, values.shape).items():
            found[name][tile.core] = core

    with ThreadPoolExecutor(cores()) as pool:
        for _ in track(pool.map(work, jobs), "derivatives", total=len(jobs)):
            pass
    return found
