"""What a classifier is told of a cell: exact geomorphons and derivatives at several scales."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from graben.landforms.dem import CellSize
from graben.landforms.derivatives import DerivativesBlock
from graben.landforms.forms import GeomorphonTile, Sighting
from graben.tiling import Tile

SEARCHES = (3, 10, 30)  # of the geomorphons, cells
SHARED = (3, 10)  # searches whose forms are counted around a cell
AROUND = (7, 20)  # radii of the windows in which forms are counted and curvatures averaged
RADII = (2, 7, 20, 50)  # of relief and deviation
SMOOTHED = (2, 7, 20)  # radii of means of the heights whose slope and curvatures are features

_FORMS = range(1, 11)
_SLOPES = ("slope", "profile_curvature", "tangential_curvature")
_SURFACE = (*_SLOPES, "tri_wilson")

Named = Iterator[tuple[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class TerrainFeatures:
    """Features of the cells of a tile; the same, to rounding, from any cut of a DEM into tiles.

    All are free of units and of absolute height, and lengths are measured in cells: a model can
    be used where land of the same kind lies higher, or is seen in cells somewhat larger.

    - geomorphons: lines that look up and down, for each search radius; share of each form in
      windows around the cell;
    - openness: positive and negative, for each search radius;
    - slope and curvature: of the heights and of their means in windows;
    - relief and deviation from the mean elevation in windows;
    - texture: means in windows of slope, curvatures (plain and absolute) and ruggedness.

    Parameters
    ----------
    cells
        Cell sizes of all rows of the DEM.

    Examples
    --------
    >>> names = TerrainFeatures.names()
    >>> len(names), names[0]
    (84, 'geomorphons: lines down, search 3')
    """

    cells: CellSize

    @property
    def halo(self) -> int:
        """How many cells around a tile's core the block must hold; a multiple of 8."""
        sights = [Sighting(search).farthest(self.cells) for search in SEARCHES]
        shared = [Sighting(search).farthest(self.cells) + max(AROUND) for search in SHARED]
        return -(-max(*RADII, *sights, *shared, max(SMOOTHED) + 1) // 8) * 8

    @staticmethod
    @cache
    def names() -> tuple[str, ...]:
        """Name each feature: its group, a colon, what it is."""
        flat = np.zeros((8, 8), np.float32)
        tile = Tile((slice(0, 8),) * 2, (slice(0, 8),) * 2)
        features = TerrainFeatures(CellSize(np.full(8, 1.0), np.full(8, 1.0)))
        return tuple(name for name, _ in features._named(flat, tile, (8, 8)))

    def __call__(self, block: np.ndarray, tile: Tile, shape: tuple[int, ...]) -> np.ndarray:
        """Compute the core of a tile.

        Parameters
        ----------
        block
            Elevation in metres, NaN = void, over `tile.padded`.
        tile, shape
            Where the block lies, and the shape of the whole DEM.

        Returns
        -------
        numpy.ndarray
            (feature, y, x) float32 in the order of `names`; NaN in all features on voids and in
            the cells beside them, and in the outermost rows and columns. Windows end at the edge
            and leave voids out.
        """
        heights = np.ascontiguousarray(block, np.float32)
        stack = np.stack([values for _, values in self._named(heights, tile, shape)])
        stack = stack.astype(np.float32)
        stack[:, np.isnan(stack).any(axis=0)] = np.nan
        return stack

    def _named(self, block: np.ndarray, tile: Tile, shape: tuple[int, ...]) -> Named:
        yield from self._lines(block, tile, shape)
        yield from self._shares(block, tile, shape)
        yield from self._surfaces(block, tile, shape)
        yield from self._windows(block, tile, shape)

    def _lines(self, block: np.ndarray, tile: Tile, shape: tuple[int, ...]) -> Named:
        wanted = ("ternary", "openness_positive", "openness_negative")
        for search in SEARCHES:
            found = GeomorphonTile(Sighting(search), self.cells, wanted)(block, tile, shape)
            counts = _line_counts()[found["ternary"]]
            yield f"geomorphons: lines down, search {search}", counts[..., 0]
            yield f"geomorphons: lines up, search {search}", counts[..., 1]
            yield f"openness: positive, search {search}", found["openness_positive"]
            yield f"openness: negative, search {search}", found["openness_negative"]

    def _shares(self, block: np.ndarray, tile: Tile, shape: tuple[int, ...]) -> Named:
        wide = _grown(tile)
        for search in SHARED:
            forms = GeomorphonTile(Sighting(search), self.cells)(block, wide, shape)["forms"]
            for form in _FORMS:
                there = np.where(forms == 0, np.nan, forms == form)
                for radius in AROUND:
                    share = window_mean(there, radius)[wide_inner(tile, wide)]
                    yield f"geomorphons: share of form {form}, search {search}, {radius}", share

    def _surfaces(self, block: np.ndarray, tile: Tile, shape: tuple[int, ...]) -> Named:
        wide = _grown(tile)
        inner = wide_inner(tile, wide)
        for name, values in self._surface(block, wide, shape, _SURFACE).items():
            if name in _SLOPES:
                yield f"slope and curvature: {name}", values[inner]
            for radius in AROUND:
                yield f"texture: {name}, {radius}", window_mean(values, radius)[inner]
                if name.endswith("curvature"):
                    yield (
                        f"texture: |{name}|, {radius}",
                        window_mean(np.abs(values), radius)[inner],
                    )
        for radius in SMOOTHED:
            smooth = window_mean(block, radius).astype(np.float32)
            for name, values in self._surface(smooth, tile, shape, _SLOPES).items():
                yield f"slope and curvature: {name} of means, {radius}", values * (2 * radius + 1)

    def _surface(
        self, block: np.ndarray, tile: Tile, shape: tuple[int, ...], what: tuple[str, ...]
    ) -> dict[str, np.ndarray]:
        """Give derivatives of the 3x3 cells without units: as if cells were 1 m wide."""
        found = self._derivatives(block, tile, shape, what)
        metres = self._metres(tile)
        scale = {"slope": np.ones_like(metres), "tri_wilson": 1 / metres}
        return {name: values * scale.get(name, metres) for name, values in found.items()}

    def _windows(self, block: np.ndarray, tile: Tile, shape: tuple[int, ...]) -> Named:
        found = self._derivatives(block, tile, shape, ("relief", "deviation"))
        for name, values in found.items():
            what, _, radius = name.rpartition("_")
            side = self._metres(tile) * (2 * int(radius) + 1) if what == "relief" else 1.0
            yield f"relief and deviation: {what}, {radius}", values / side

    def _derivatives(
        self, block: np.ndarray, tile: Tile, shape: tuple[int, ...], what: tuple[str, ...]
    ) -> dict[str, np.ndarray]:
        return DerivativesBlock(what, self.cells, RADII)(block, tile, shape)

    def _metres(self, tile: Tile) -> np.ndarray:
        """Give the width of a square cell of the same area, for each row of the core."""
        rows = tile.core[0]
        return np.sqrt(self.cells.x[rows] * self.cells.y[rows])[:, None]


def window_mean(values: np.ndarray, radius: int) -> np.ndarray:
    """Give the mean over the square of 2 `radius` + 1 cells around each cell.

    Parameters
    ----------
    values
        (y, x); NaN is left out, as is what lies beyond the edge.
    radius
        In cells.

    Returns
    -------
    numpy.ndarray
        float64, NaN where the whole window is.
    """
    from scipy.ndimage import uniform_filter

    known = ~np.isnan(values)
    total = uniform_filter(np.where(known, values, 0.0), 2 * radius + 1, mode="constant")
    share = uniform_filter(known.astype(float), 2 * radius + 1, mode="constant")
    mean = np.full(values.shape, np.nan)
    # half a cell of the window tells none from rounding
    return np.divide(total, share, out=mean, where=share > 0.5 / (2 * radius + 1) ** 2)


@cache
def _line_counts() -> np.ndarray:
    """Give how many lines look down and up in each ternary pattern, (6561, 2)."""
    digits = np.arange(3**8)[:, None] // 3 ** np.arange(8) % 3
    return np.stack([(digits == 0).sum(axis=1), (digits == 2).sum(axis=1)], axis=1)


def _grown(tile: Tile) -> Tile:
    """Add the widest window to the core, as far as the block reaches."""
    margin = max(AROUND)
    core = tuple(
        slice(max(core.start - margin, padded.start), min(core.stop + margin, padded.stop))
        for core, padded in zip(tile.core, tile.padded, strict=True)
    )
    return Tile(core, tile.padded)


def wide_inner(tile: Tile, wide: Tile) -> tuple[slice, ...]:
    """Give the core of a tile within that of a wider one."""
    return Tile(tile.core, wide.core).inner
