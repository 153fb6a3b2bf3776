"""Synthetic landslides: a second epoch whose change is known, to the cubic metre."""

import math
from typing import TYPE_CHECKING

import numpy as np

from graben.errors import InputError
from graben.landforms.dem import CellSize, cell_size

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

TRIES = 200  # sites that are tried for each landslide
STEEPEST_SHARE = 0.3  # of the cells, where landslides start


def add_landslides(
    dem: "xr.DataArray", seed: int, count: int = 10, length: tuple[float, float] = (200.0, 600.0)
) -> "xr.Dataset":
    """Let landslides happen: each empties a scar and lays the same volume down below it.

    Scars are half-ellipsoidal bowls of a depth of 5 to 10 % of their length on the steepest 30 % of
    the terrain, their long axes downslope; deposits are hummocky lobes further down, broader and
    thinner. Landslides do not touch each other, the edges or voids.

    Parameters
    ----------
    dem
        The terrain before; its slope is judged over half the length of a short landslide.
    seed
        The same seed gives the same landslides.
    count
        How many.
    length
        Shortest and longest scar, in metres; drawn evenly in their logarithms.

    Returns
    -------
    xarray.Dataset
        Dims (y, x): `elevation` afterwards, metres, float32; `landslide`, int32, the number of the
        landslide that a cell belongs to, 0 for none; `zone`, uint8, 1 in scars, 2 in deposits. And
        by `number`, 1 to `count`: `volume` (m3), `depth` and `thickness` (largest, m), `scar_area`
        and `deposit_area` (m2). A landslide removes as much as it lays down, up to the rounding of
        heights to float32.

    Raises
    ------
    InputError
        There is no room for so many.

    Examples
    --------
    >>> from graben.landforms import fractal
    >>> before = fractal(200, 200, seed=1)
    >>> made = add_landslides(before, seed=1, count=3)
    >>> change = (made.elevation - before).astype(float) * 30**2
    >>> removed = -float(change.where(made.zone == 1).sum())
    >>> bool(abs(removed / made.volume.sum() - 1) < 1e-4), bool(abs(change.sum()) < removed * 1e-4)
    (True, True)
    """
    before = dem.to_numpy().astype(float)
    terrain = _Terrain(before, cell_size(dem), length[0] / 2)
    random = np.random.default_rng(seed)
    after = before.copy()
    numbers = np.zeros(dem.shape, np.int32)
    zones = np.zeros(dem.shape, np.uint8)
    slides: list[dict[str, float]] = []
    for number in range(1, count + 1):
        change = _placed_landslide(terrain, numbers > 0, length, random)
        if change is None:
            raise InputError(
                f"there is room for {len(slides)} landslides of {length[0]:g} to {length[1]:g} m, "
                f"not for {count}. Ask for fewer or shorter ones, or give a larger terrain."
            )
        after += change
        for zone, part in ((1, change < 0), (2, change > 0)):
            numbers[part], zones[part] = number, zone
        slides.append(_measured(change, terrain.area))
    placed = dem.drop_attrs()
    made = dem.copy(data=after.astype(np.float32)).rename("elevation").to_dataset()
    made["landslide"], made["zone"] = placed.copy(data=numbers), placed.copy(data=zones)
    made = made.assign_coords(number=np.arange(1, count + 1))
    for name, units in _MEASURES.items():
        made[name] = ("number", np.array([one[name] for one in slides], float), {"units": units})
    return made


_MEASURES = {
    "volume": "m3",
    "depth": "m",
    "thickness": "m",
    "scar_area": "m2",
    "deposit_area": "m2",
}


def _measured(change: "NDArray[np.float64]", area: "NDArray[np.float64]") -> dict[str, float]:
    return {
        "volume": float((np.maximum(change, 0) * area).sum()),
        "depth": float(-change.min()),
        "thickness": float(change.max()),
        "scar_area": float((area * (change < 0)).sum()),
        "deposit_area": float((area * (change > 0)).sum()),
    }


class _Terrain:
    """Where landslides can be: metres, slopes and their directions, void cells."""

    def __init__(self, heights: "NDArray[np.float64]", size: CellSize, reach: float) -> None:
        from scipy.ndimage import gaussian_filter

        self.void = np.isnan(heights)
        self.area = (size.x * size.y)[:, None]
        self.north = -np.cumsum(size.y)[:, None]
        self.east = np.arange(heights.shape[1]) * size.x.mean()
        filled = np.where(self.void, np.nanmean(heights), heights)
        self.heights = gaussian_filter(filled, reach / 2 / size.y.mean())
        down, right = np.gradient(self.heights)
        self.uphill = -down / size.y[:, None], right / size.x[:, None]
        self.slope = np.hypot(*self.uphill)
        steep = np.quantile(self.slope[~self.void], 1 - STEEPEST_SHARE)
        self.sites = np.argwhere((self.slope >= steep) & (self.slope > 0) & ~self.void)

    def oval(
        self, north: float, east: float, axis: tuple[float, float], long: float, wide: float
    ) -> "NDArray[np.float64]":
        """Give the squared distance from a place, in half axes of an oval that points to `axis`."""
        up, right = self.north - north, self.east - east
        ahead = up * axis[0] + right * axis[1]
        aside = up * axis[1] - right * axis[0]
        return (2 * ahead / long) ** 2 + (2 * aside / wide) ** 2


def _placed_landslide(
    terrain: _Terrain,
    taken: "NDArray[np.bool_]",
    length: tuple[float, float],
    random: np.random.Generator,
) -> "NDArray[np.float64] | None":
    """Find a place for one more landslide and give its change of height, in metres."""
    from scipy.ndimage import binary_dilation

    closed = binary_dilation(taken | terrain.void, iterations=2)
    closed[[0, -1]] = closed[:, [0, -1]] = True
    for _ in range(TRIES if len(terrain.sites) else 0):
        row, column = random.choice(terrain.sites)
        long = math.exp(random.uniform(*np.log(length)))
        change = _landslide(terrain, (row, column), long, random)
        if change is not None and not (closed & (change != 0)).any():
            return change
    return None


def _landslide(
    terrain: _Terrain, site: tuple[int, int], long: float, random: np.random.Generator
) -> "NDArray[np.float64] | None":
    """Give the change by one landslide, or none if it would leave the terrain or run uphill."""
    north, east = terrain.north[site[0], 0], terrain.east[site[1]]
    steep = terrain.slope[site]
    axis = -terrain.uphill[0][site] / steep, -terrain.uphill[1][site] / steep
    wide = long * random.uniform(0.5, 0.8)
    bowl = np.maximum(1 - terrain.oval(north, east, axis, long, wide), 0)
    scar = long * random.uniform(0.05, 0.1) * np.sqrt(bowl)
    lobe_long, lobe_wide = long * random.uniform(1.0, 1.8), wide * random.uniform(1.1, 1.6)
    run = 0.5 * long + 0.45 * lobe_long
    toe = north + run * axis[0], east + run * axis[1]
    row = int(np.abs(terrain.north[:, 0] - toe[0]).argmin())
    column = int(np.abs(terrain.east - toe[1]).argmin())
    inside = 0 < row < len(terrain.north) - 1 and 0 < column < len(terrain.east) - 1
    if not inside or terrain.heights[row, column] >= terrain.heights[site]:
        return None
    lobe = np.maximum(1 - terrain.oval(*toe, axis, lobe_long, lobe_wide), 0)
    lobe *= 1 + 0.3 * random.uniform(-1, 1, lobe.shape)
    return lobe * (scar * terrain.area).sum() / (lobe * terrain.area).sum() - scar
