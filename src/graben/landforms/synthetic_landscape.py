"""A synthetic landscape whose mapped units are known cell for cell."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graben.landforms.legend import Legend, LegendClass
from graben.landforms.synthetic import placed, self_affine

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

LANDSCAPE_UNITS = Legend(
    "Units of a synthetic landscape",
    (
        LegendClass(1, "floodplain", "#a6cee3"),
        LegendClass(2, "terraces", "#b2df8a"),
        LegendClass(3, "rounded hills", "#33a02c"),
        LegendClass(4, "dissected mountains", "#8c6d46"),
        LegendClass(5, "dunes", "#ffe08a"),
        LegendClass(6, "volcanic cones", "#e31a1c"),
        LegendClass(7, "hummocky deposits", "#cab2d6"),
        LegendClass(8, "tilted fault blocks", "#ff7f00"),
    ),
)
PATCH = 2_500.0  # metres, how far the patches of a unit reach


def landscape(
    seed: int = 0, rows: int = 400, columns: int = 400, cell: float = 30.0
) -> "xr.Dataset":
    """Make a landscape of eight units, each with a texture of its own.

    Each unit covers an eighth of the area, give or take 1 %, in irregular patches. The textures
    ride on one smooth relief that all units share and fade into each other within some 100 m, so
    that neither height nor a step betrays a unit. Wavelengths and heights of the textures vary by a
    quarter from seed to seed.

    Parameters
    ----------
    seed
        The same seed makes the same landscape.
    rows, columns
        Size of the grid; patches are some 2.5 km wide, so a side should be 8 km or more.
    cell
        Width of a cell in metres, 10 to 60.

    Returns
    -------
    xarray.Dataset
        Dims (y, x), in UTM zone 36 north: `elevation` in metres, float32, and `unit`, uint8, the
        codes of `LANDSCAPE_UNITS`.

    Examples
    --------
    >>> made = landscape(seed=3, rows=300, columns=300)
    >>> np.unique(made.unit).tolist()
    [1, 2, 3, 4, 5, 6, 7, 8]
    """
    random = np.random.default_rng(seed)
    ground = _Ground(rows, columns, cell, random)
    unit = _patches(ground, len(LANDSCAPE_UNITS.classes))
    base = 900 + 150 * ground.noise(longest=np.inf, shortest=4_000, hurst=0.9)
    textures = [
        _floodplain(ground),
        _terraces(ground, base),
        _hills(ground),
        _mountains(ground),
        _dunes(ground),
        _cones(ground, unit == 5),
        _hummocks(ground),
        _fault_blocks(ground),
    ]
    heights = base + _blended(unit, textures, fade=60 / cell)
    elevation = placed(heights, cell)
    codes = elevation.copy(data=unit.astype(np.uint8) + np.uint8(1)).rename("unit").drop_attrs()
    return elevation.to_dataset().assign(unit=codes)


@dataclass(frozen=True)
class _Ground:
    """Where textures are made: a grid in metres, and the random numbers of this landscape."""

    rows: int
    columns: int
    cell: float
    random: np.random.Generator

    def about(self, value: float) -> float:
        """Vary a value by a quarter."""
        return value * self.random.uniform(0.75, 1.25)

    def noise(self, longest: float, shortest: float, hurst: float) -> "NDArray[np.float64]":
        """Make noise of standard deviation 1 with wavelengths between two, in metres."""
        from scipy.ndimage import gaussian_filter

        surface = self_affine(self.rows, self.columns, hurst, self.random)
        if shortest > 2 * self.cell:
            surface = gaussian_filter(surface, shortest / (2 * np.pi * self.cell))
        if np.isfinite(longest):
            surface = surface - gaussian_filter(surface, longest / (2 * np.pi * self.cell))
        return surface / surface.std()

    def along(self, angle: float) -> "NDArray[np.float64]":
        """Give metres in a direction, in radians from east."""
        north = -self.cell * np.arange(self.rows)[:, None]
        east = self.cell * np.arange(self.columns)
        return east * np.cos(angle) + north * np.sin(angle)


def _floodplain(ground: _Ground) -> "NDArray[np.float64]":
    """Flat but for shallow sinuous channels."""
    bends = ground.noise(ground.about(2_000), 400, 0.8)
    channel = np.exp(-((bends / 0.15) ** 2))
    return 0.4 * ground.noise(600, 60, 0.5) - ground.about(2.5) * channel


def _terraces(ground: _Ground, base: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The relief of all units in treads and short risers."""
    rise = ground.about(16.0)
    steps = (base + 4 * ground.noise(1_500, 300, 0.7)) / rise
    riser = np.clip((steps - np.floor(steps) - 0.8) / 0.2, 0, 1)
    treads = np.floor(steps) + riser**2 * (3 - 2 * riser)
    return rise * (treads - steps + 0.4) + 0.4 * ground.noise(600, 60, 0.5)


def _hills(ground: _Ground) -> "NDArray[np.float64]":
    return ground.about(28.0) * ground.noise(ground.about(3_000), 350, 0.9)


def _mountains(ground: _Ground) -> "NDArray[np.float64]":
    """Sharp crests between valleys: the absolute values of noise, turned over."""
    crests = -np.abs(ground.noise(ground.about(3_500), 200, 0.75))
    rills = -np.abs(ground.noise(ground.about(700), 80, 0.6))
    height = ground.about(110.0)
    return height * (crests - crests.mean()) + 0.18 * height * (rills - rills.mean())


def _dunes(ground: _Ground) -> "NDArray[np.float64]":
    """Asymmetric waves with gentle windward and steep lee sides, crests not quite straight."""
    wavelength = ground.about(320.0)
    across = ground.along(ground.random.uniform(0, 2 * np.pi))
    phase = across / wavelength + 0.35 * ground.noise(3_000, 500, 0.8)
    part = phase - np.floor(phase)
    wave = np.where(part < 0.7, part / 0.7, (1 - part) / 0.3)
    strength = 1 + 0.25 * np.clip(ground.noise(4_000, 800, 0.8), -2, 2)
    return ground.about(16.0) * strength * (wave - 0.5)


def _cones(ground: _Ground, inside: "NDArray[np.bool_]") -> "NDArray[np.float64]":
    """Cones with craters on a lava plain, each whole within a patch."""
    from scipy.ndimage import distance_transform_edt

    cell, random = ground.cell, ground.random
    heights = 1.5 * ground.noise(800, 60, 0.5)
    room = cell * distance_transform_edt(inside)
    sites = np.argwhere(room > 200)
    y, x = cell * np.arange(ground.rows)[:, None], cell * np.arange(ground.columns)
    for _ in range(round(inside.sum() * cell**2 / ground.about(700.0) ** 2) if len(sites) else 0):
        row, column = random.choice(sites)
        radius = min(random.uniform(250, 600), room[row, column])
        away = np.hypot(y - cell * row, x - cell * column) / radius
        rim = 0.25
        profile = np.where(away > rim, 1 - away, 1 - 2 * rim + away)
        slope = random.uniform(0.25, 0.4)
        heights = np.maximum(heights, slope * radius * profile)
    return heights


def _hummocks(ground: _Ground) -> "NDArray[np.float64]":
    """Mounds and hollows without direction, as debris avalanches and ice leave them."""
    mounds = ground.noise(ground.about(420), 150, 0.5)
    return ground.about(7.0) * (np.maximum(mounds, -0.5) - mounds.clip(-0.5).mean())


def _fault_blocks(ground: _Ground) -> "NDArray[np.float64]":
    """Blocks tilted like dominoes, with degraded scarps between them."""
    spacing = ground.about(1_100.0)
    across = ground.along(ground.random.uniform(0, 2 * np.pi))
    phase = across / spacing + 0.12 * ground.noise(5_000, 1_000, 0.9)
    part = phase - np.floor(phase)
    scarp = 0.1
    block = np.where(part < 1 - scarp, part / (1 - scarp), (1 - part) / scarp)
    return ground.about(45.0) * (block - 0.5) + 1.5 * ground.noise(800, 60, 0.6)


def _patches(ground: _Ground, count: int) -> "NDArray[np.int64]":
    """Number the cells 0 to `count` - 1 in irregular patches of nearly equal shares."""
    fields = np.stack([ground.noise(2 * PATCH, PATCH / 2, 0.9) for _ in range(count)])
    lift = np.zeros(count)
    for _ in range(40):
        share = np.bincount((fields + lift[:, None, None]).argmax(0).ravel(), minlength=count)
        lift += 0.8 * (1 / count - share / share.sum())
    return (fields + lift[:, None, None]).argmax(0)


def _blended(
    unit: "NDArray[np.int64]", textures: "list[NDArray[np.float64]]", fade: float
) -> "NDArray[np.float64]":
    """Add each unit's texture where it lies, faded over some cells at its borders."""
    from scipy.ndimage import gaussian_filter

    shares = [gaussian_filter((unit == code).astype(float), fade) for code in range(len(textures))]
    return sum(share * texture for share, texture in zip(shares, textures, strict=True))
