"""Geomorphons: the form of each cell from what is seen of it in eight directions.

Jasiewicz and Stepinski (2013), Geomorphons: a pattern recognition approach to classification and
mapping of landforms, doi:10.1016/j.geomorph.2012.11.005.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import InputError, RasterError
from graben.landforms import form_measures, geomorphon_kernels, horizon_kernels
from graben.landforms.dem import CellSize, cell_size
from graben.landforms.form_measures import MEASURES
from graben.landforms.ray_lanes import LANES
from graben.landforms.sight_rules import reach
from graben.tiling import Tile, map_overlap_tiles, plan_tiles

if TYPE_CHECKING:
    import xarray as xr

FLAT, PEAK, RIDGE, SHOULDER, SPUR, SLOPE, HOLLOW, FOOTSLOPE, VALLEY, PIT = range(1, 11)
# row: lines that look down; column: lines that look up (figure 4 of the paper)
_FORMS = (
    (FLAT, FLAT, FLAT, FOOTSLOPE, FOOTSLOPE, VALLEY, VALLEY, VALLEY, PIT),
    (FLAT, FLAT, FOOTSLOPE, FOOTSLOPE, FOOTSLOPE, VALLEY, VALLEY, VALLEY),
    (FLAT, SHOULDER, SLOPE, SLOPE, HOLLOW, HOLLOW, VALLEY),
    (SHOULDER, SHOULDER, SLOPE, SLOPE, SLOPE, HOLLOW),
    (SHOULDER, SHOULDER, SPUR, SLOPE, SLOPE),
    (RIDGE, RIDGE, SPUR, SPUR),
    (RIDGE, RIDGE, RIDGE),
    (RIDGE, RIDGE),
    (PEAK,),
)
COMPARISONS = ("anglev1", "anglev2", "anglev2_distance")
CROSSOVER = 700  # cells: from here on hulls are faster than walking every line
BAND = 64
SKY = ("openness_positive", "openness_negative", "sky_view")
SWEPT = {"forms", "ternary", *SKY}
_CODES = {"forms": np.uint8, "ternary": np.uint16, "positive": np.uint8, "negative": np.uint8}
_UNITS = {
    "intensity": "m",
    "exposition": "m",
    "range": "m",
    "variance": "m2",
    "azimuth": "degree",
    "width": "m",
    "openness_positive": "degree",
    "openness_negative": "degree",
}


@dataclass(frozen=True)
class Sighting:
    """How far and how strictly a cell looks around.

    Parameters
    ----------
    search
        Radius in cells of the north-south direction; cells at exactly this distance are not
        seen any more (as in GRASS).
    skip
        Nearest cells of each direction that are not looked at; as many, and one more, rows and
        columns at the border stay void.
    flat
        Flatness threshold in degrees.
    dist
        Flatness distance in cells: what decides from farther away needs only the height that the
        threshold asks for at this distance; 0 is off.
    comparison
        "anglev1": the steeper of the two angles decides, a tie is level; "anglev2": each angle
        has to pass the threshold for itself, a tie looks up; "anglev2_distance": a tie looks to
        the farther one.

    Raises
    ------
    InputError
        A value is out of range.
    """

    search: int = 10
    skip: int = 0
    flat: float = 1.0
    dist: float = 0.0
    comparison: str = "anglev1"

    def __post_init__(self) -> None:
        if self.skip < 0 or self.search < self.skip + 2:
            raise InputError(
                f"expected a search radius of at least skip + 2 cells and a skip of 0 or more, "
                f"got search {self.search} and skip {self.skip}: no cell would be seen. "
                "Raise --search or lower --skip."
            )
        if not 0 < self.flat < 90:
            raise InputError(
                f"expected a flatness threshold above 0 and below 90 degrees, got {self.flat:g}. "
                "Choose --flat, for example 1."
            )
        if not 0 <= self.dist < math.inf:
            raise InputError(
                f"expected a flatness distance of 0 (off) or more cells, got {self.dist:g}. "
                "Choose --dist."
            )
        if self.comparison not in COMPARISONS:
            raise InputError(
                f"expected a comparison of {', '.join(COMPARISONS)}; got {self.comparison!r}. "
                "Choose one of these."
            )

    def farthest(self, cells: CellSize) -> int:
        """Give the number of cells that a line of sight may pass: the halo of a tile."""
        wide = max(1.0, float((cells.y / cells.x).max()))
        return max(1, math.ceil(self.search * wide) - 1)


@dataclass(frozen=True, eq=False)
class GeomorphonTile:
    """What is computed for a tile of an elevation model: forms and their measures.

    Parameters
    ----------
    sighting
        How to look around.
    cells
        Cell sizes of all rows of the model.
    outputs
        Some of `MEASURES`.
    threads
        How many bands of rows are worked on at once.
    """

    sighting: Sighting
    cells: CellSize
    outputs: tuple[str, ...] = ("forms",)
    threads: int = 1

    @property
    def halo(self) -> int:
        """Cells around a tile that are seen from it."""
        return self.sighting.farthest(self.cells)

    @property
    def dtypes(self) -> dict[str, Any]:
        """Type of each output."""
        return {name: _CODES.get(name, np.float32) for name in self.outputs}

    def __call__(
        self, block: NDArray[np.float32], tile: Tile, shape: tuple[int, ...]
    ) -> dict[str, NDArray[Any]]:
        """Compute the core of a tile.

        The last row of the whole raster is never seen, and a border of `skip` + 1 cells is void,
        as in GRASS.
        """
        heights = np.ascontiguousarray(block, np.float32)
        if tile.padded[0].stop == shape[0]:
            heights = heights.copy()
            heights[-1] = np.nan
        if self.sighting.dist > 0 or not set(self.outputs) <= SWEPT:
            results = self._measures(heights, tile)
        elif self._far_beyond():
            results = {"forms": self._by_hulls(heights, tile)}
        else:
            results = self._by_sweep(heights, tile)
        for name, values in results.items():
            _void_border(values, tile, shape, self.sighting.skip + 1, name in _CODES)
        return results

    def _far_beyond(self) -> bool:
        """Tell whether hulls do what is asked, and do it faster."""
        sighting = self.sighting
        able = self.outputs == ("forms",) and sighting.skip == 0 and self.cells.is_uniform
        return able and sighting.search >= CROSSOVER

    def _by_sweep(self, heights: NDArray[np.float32], tile: Tile) -> dict[str, NDArray[Any]]:
        sighting = self.sighting
        framed = _framed(heights, tile, self.halo)
        seen = any(name in SKY for name in self.outputs)
        results = (
            np.empty(tile.shape, np.uint8),
            np.empty(tile.shape if "ternary" in self.outputs else (0, 0), np.uint16),
            np.empty((len(SKY), *tile.shape) if seen else (0, 0, 0), np.float32),
        )
        widths, tall = self.cells.x[tile.core[0]], self.cells.y[tile.core[0]]
        small = bool(sighting.search <= 3 and geomorphon_kernels.holds_small_integers(heights))
        rule = (
            sighting.search,
            sighting.skip + 1,
            math.radians(sighting.flat),
            COMPARISONS.index(sighting.comparison),
            self._blind_row(tile),
            small,
        )

        def band(start: int, stop: int) -> None:
            geomorphon_kernels.sweep(
                framed, self.halo, start, stop, widths, tall, rule, _tables(), results
            )

        _in_bands(band, 0, tile.shape[0], self.threads)
        named = {"forms": results[0], "ternary": results[1]} | dict(
            zip(SKY, results[2], strict=False)
        )
        return {name: named[name] for name in self.outputs}

    def _by_hulls(self, heights: NDArray[np.float32], tile: Tile) -> NDArray[np.uint8]:
        sighting = self.sighting
        rows, columns = tile.inner
        core = (rows.start, rows.stop, columns.start, columns.stop)
        codes = np.zeros(tile.shape, np.uint8)
        distance = np.ones((8, self.halo + 1))
        last = np.empty(8, np.int64)
        reach(self.cells.x[0], self.cells.y[0], sighting.search, last, distance)
        flat, comparison = math.radians(sighting.flat), COMPARISONS.index(sighting.comparison)
        for k in horizon_kernels.ORIENTATIONS:
            first, stop = _lines(k, heights.shape)

            def part(start: int, end: int, k: int = k) -> None:
                horizon_kernels.judge_lines(
                    heights, core, k, (start, end), last[k], distance[k], flat, comparison, codes
                )

            _in_bands(part, first, stop, self.threads)
        forms = _table()[codes]
        forms[np.isnan(heights[tile.inner])] = 0
        return forms

    def _blind_row(self, tile: Tile) -> int:
        """Give the row of the core whose first step down is the raster's last row, never seen."""
        return len(self.cells.y) - 2 - self.sighting.skip - int(tile.core[0].start)

    def _measures(self, heights: NDArray[np.float32], tile: Tile) -> dict[str, NDArray[Any]]:
        sighting = self.sighting
        framed = _framed(heights, tile, self.halo)
        wanted = np.array([MEASURES.index(name) for name in self.outputs])
        results = np.empty((len(wanted), *tile.shape), np.float32)
        widths, tall = self.cells.x[tile.core[0]], self.cells.y[tile.core[0]]
        rule = (
            sighting.search,
            sighting.skip + 1,
            math.radians(sighting.flat),
            float(sighting.dist),
            COMPARISONS.index(sighting.comparison),
            self._blind_row(tile),
        )

        def band(start: int, stop: int) -> None:
            form_measures.measure(
                framed, self.halo, start, stop, widths, tall, rule, _tables(), wanted, results
            )

        _in_bands(band, 0, tile.shape[0], self.threads)
        return {
            name: values.astype(dtype, copy=False)
            for (name, dtype), values in zip(self.dtypes.items(), results, strict=True)
        }


def geomorphons(
    dem: "xr.DataArray",
    sighting: Sighting | None = None,
    outputs: Sequence[str] = ("forms",),
    threads: int | None = None,
) -> "xr.Dataset":
    """Classify the form of every cell, in projected systems as r.geomorphon of GRASS does.

    Parameters
    ----------
    dem
        Elevation in metres, dims (y, x), y descending, with its coordinate reference system;
        NaN = void. A dask array is computed lazily, chunk by chunk, to the same cells.
    sighting
        How far and how strictly to look; `Sighting()` by default.
    outputs
        Any of: "forms" (codes 1 to 10: flat, summit, ridge, shoulder, spur, slope, hollow,
        footslope, valley, depression), "ternary" (pattern of the eight lines), "positive" and
        "negative" (its lines up and down, as GRASS counts them), "intensity" (mean height above
        what decided, m), "exposition" (greatest height above it, m), "range" (m), "variance"
        (m2), "elongation", "azimuth" (degrees), "extend" (area within the eight ends over that
        of the octagon at the search radius), "width" (m); and "openness_positive",
        "openness_negative" (degrees, Yokoyama et al. 2002) and "sky_view" (share of the sky,
        Zaksek et al. 2011, doi:10.3390/rs3020398).
    threads
        By default all cores; for a dask array one, since dask spreads the chunks itself.

    Returns
    -------
    xarray.Dataset
        Codes are integers with 0 = void, measures float32 with NaN = void. Void are: cells that
        are void in `dem`, and `skip` + 1 rows and columns at the border. Voids farther along a
        line are looked through; a direction whose next cell is void does not count. Geographic
        grids use the size of each row's cells in metres, which is not how GRASS measures them.

    Raises
    ------
    InputError
        An output is unknown.
    RasterError
        The model is too small for the border to leave anything.

    Examples
    --------
    The top of a cone is a summit.

    >>> from graben.landforms import cone
    >>> dem = cone(21, 21, height=300, radius=250)
    >>> int(geomorphons(dem)["forms"][10, 10])
    2
    """
    import xarray as xr

    sighting = sighting or Sighting()
    unknown = [name for name in outputs if name not in MEASURES]
    if unknown or not outputs:
        raise InputError(
            f"expected outputs of {', '.join(MEASURES)}; got {', '.join(unknown) or 'none'}. "
            "Choose among these."
        )
    check_size((dem.sizes["y"], dem.sizes["x"]), sighting)
    threads = threads or (cores() if dem.chunks is None else 1)
    compute = GeomorphonTile(sighting, cell_size(dem), tuple(outputs), threads)
    if dem.chunks is not None:
        arrays = map_overlap_tiles(compute, dem.data, compute.dtypes, compute.halo)
    else:
        whole = plan_tiles(dem.shape, dem.shape, 0)[0]
        arrays = compute(dem.to_numpy(), whole, dem.shape)
    placed = {name: dem.copy(data=arrays[name]) for name in outputs}
    for name, array in placed.items():
        array.attrs = {"units": _UNITS.get(name, "1"), "long_name": name.replace("_", " ")}
    return xr.Dataset(placed)


def check_size(shape: tuple[int, int], sighting: Sighting) -> None:
    """Refuse a raster of which the void border leaves nothing.

    Raises
    ------
    RasterError
        It has too few rows or columns.
    """
    least = 2 * sighting.skip + 3
    if min(shape) < least:
        raise RasterError(
            f"expected an elevation model of at least {least} rows and columns, got {shape[0]} x "
            f"{shape[1]}: a border of {sighting.skip + 1} cells stays void. Use a larger model or "
            "a smaller --skip."
        )


def cores() -> int:
    """Give the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _table() -> NDArray[np.uint8]:
    table = np.zeros(9 * 9, np.uint8)
    for down, forms in enumerate(_FORMS):
        table[9 * down : 9 * down + len(forms)] = forms
    return table


@cache
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    form, ternary = form_measures.code_tables(_table())
    return form, ternary


def _framed(heights: NDArray[np.float32], tile: Tile, frame: int) -> NDArray[np.float32]:
    """Surround the core by `frame` cells, NaN where the block does not reach."""
    rows, columns = tile.shape
    framed = np.full((rows + 2 * frame, columns + 2 * frame + LANES), np.nan, np.float32)
    inner_row, inner_column = (part.start for part in tile.inner)
    top, left = max(0, frame - inner_row), max(0, frame - inner_column)
    skipped_rows, skipped_columns = max(0, inner_row - frame), max(0, inner_column - frame)
    seen = heights[skipped_rows:, skipped_columns:]
    seen = seen[: rows + 2 * frame - top, : columns + 2 * frame - left]
    framed[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return framed


def _void_border(
    values: NDArray[Any], tile: Tile, shape: tuple[int, ...], width: int, is_code: bool
) -> None:
    void = 0 if is_code else np.nan
    for axis, (core, length) in enumerate(zip(tile.core, shape, strict=True)):
        along = np.moveaxis(values, axis, 0)
        along[: max(0, width - core.start)] = void
        along[max(0, length - width - core.start) :] = void


def _lines(k: int, shape: tuple[int, ...]) -> tuple[int, int]:
    """Give the numbers of all lines of an orientation through a block."""
    rows, columns = shape
    return {7: (0, rows), 5: (0, columns), 6: (1 - rows, columns), 4: (0, rows + columns - 1)}[k]


def _bands(start: int, stop: int) -> Iterator[tuple[int, int]]:
    for first in range(start, stop, BAND):
        yield first, min(first + BAND, stop)


def _in_bands(band: Callable[[int, int], None], start: int, stop: int, threads: int) -> None:
    if threads == 1:
        band(start, stop)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: band(*part), _bands(start, stop)))
