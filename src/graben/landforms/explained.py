"""Why a cell has its form: the eight lines of sight, and what decides along each."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import InputError
from graben.landforms.dem import CellSize, cell_size
from graben.landforms.dem_file import DemFile
from graben.landforms.forms import COMPARISONS, GeomorphonTile, Sighting
from graben.landforms.legend import GEOMORPHONS
from graben.landforms.sight_rules import DOWN, RIGHT, reach, sight, verdict
from graben.tiling import Tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIRECTIONS = ("NE", "N", "NW", "W", "SW", "S", "SE", "E")  # as in `sight_rules`
CLOCKWISE = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True, eq=False)
class Ray:
    """One line of sight.

    Attributes
    ----------
    direction
        N, NE, E, SE, S, SW, W or NW.
    x, y
        Of the cells looked at, near to far, in the model's coordinates; voids are left out.
    distance, height, angle
        Metres from the cell, metres above it, and the angle of that in degrees.
    highest, lowest
        Which of them is seen under the steepest angle up and down; None where the direction is
        not counted.
    verdict
        1 higher, -1 lower, 0 level.
    """

    direction: str
    x: "NDArray[np.float64]"
    y: "NDArray[np.float64]"
    distance: "NDArray[np.float64]"
    height: "NDArray[np.float64]"
    angle: "NDArray[np.float64]"
    highest: int | None
    lowest: int | None
    verdict: int

    @property
    def word(self) -> str:
        """The verdict in a word: higher, lower, level or, where nothing is seen, not seen."""
        if self.highest is None and not self.verdict:
            return "not seen"
        return {1: "higher", 0: "level", -1: "lower"}[self.verdict]


@dataclass(frozen=True, eq=False)
class CellExplanation:
    """A cell, its eight lines of sight from north clockwise, and the form they make.

    Attributes
    ----------
    dem
        Name of the elevation model.
    sighting
        How it looked around.
    row, column, x, y, elevation
        Of the cell; metres.
    code
        Of its form in `GEOMORPHONS`.
    rays
        Its lines of sight.
    """

    dem: str
    sighting: Sighting
    row: int
    column: int
    x: float
    y: float
    elevation: float
    code: int
    rays: tuple[Ray, ...]

    @property
    def form(self) -> str:
        """Name of the form."""
        return GEOMORPHONS.names[self.code]

    @property
    def place(self) -> str:
        """Coordinates of the cell, as text."""
        return f"{self.x:.9g} {self.y:.9g}"

    @property
    def higher(self) -> int:
        """How many directions are higher."""
        return sum(ray.verdict == 1 for ray in self.rays)

    @property
    def lower(self) -> int:
        """How many directions are lower."""
        return sum(ray.verdict == -1 for ray in self.rays)

    def as_dict(self) -> dict[str, Any]:
        """Return everything that `graben.output.plain` turns into JSON."""
        return {
            "dem": self.dem,
            **asdict(self.sighting),
            "row": self.row,
            "column": self.column,
            "x": self.x,
            "y": self.y,
            "elevation": self.elevation,
            "code": self.code,
            "form": self.form,
            "higher": self.higher,
            "lower": self.lower,
            "rays": [
                {
                    "direction": ray.direction,
                    "verdict": ray.verdict,
                    "up": _sight(ray, ray.highest),
                    "down": _sight(ray, ray.lowest),
                }
                for ray in self.rays
            ],
        }


def _sight(ray: Ray, place: int | None) -> dict[str, float] | None:
    if place is None:
        return None
    return {
        name: float(getattr(ray, name)[place]) for name in ("x", "y", "distance", "height", "angle")
    }


def explain_cell(
    dem: DemFile, cell: tuple[int, int], sighting: Sighting | None = None
) -> CellExplanation:
    """Follow the lines of sight of a cell.

    Parameters
    ----------
    dem
        The elevation model; only the surroundings of the cell are read.
    cell
        Row and column.
    sighting
        How to look around, as for the map of forms.

    Returns
    -------
    CellExplanation
        Its form is that of the map.

    Raises
    ------
    InputError
        The cell is void, or too near to the edge to have a form.
    """
    sighting = sighting or Sighting()
    row, column = cell
    cells = cell_size(dem)
    compute = GeomorphonTile(sighting, cells)
    core = (slice(row, row + 1), slice(column, column + 1))
    window = tuple(
        slice(max(0, part.start - compute.halo), min(size, part.stop + compute.halo))
        for part, size in zip(core, dem.shape, strict=True)
    )
    tile = Tile(core, window)
    block = dem.read((window[0], window[1]))
    code = int(compute(block, tile, dem.shape)["forms"][0, 0])
    if not code:
        raise InputError(
            f"the cell at {dem.x[column]:.9g} {dem.y[row]:.9g} has no form: it is void, or lies in "
            f"one of the outermost {sighting.skip + 1} rows and columns. Choose another place."
        )
    if window[0].stop == dem.shape[0]:
        block[-1] = np.nan  # never seen
    rays = _rays(dem, tile, block, CellSize(cells.x[core[0]], cells.y[core[0]]), sighting)
    elevation = float(block[tile.inner][0, 0])
    x, y = float(dem.x[column]), float(dem.y[row])
    return CellExplanation(dem.path.name, sighting, row, column, x, y, elevation, code, rays)


def _rays(
    dem: DemFile,
    tile: Tile,
    block: "NDArray[np.float32]",
    cells: CellSize,
    sighting: Sighting,
) -> tuple[Ray, ...]:
    frame = sighting.farthest(cells)
    heights = np.pad(block, frame, constant_values=np.nan)
    i, j = (part.start + frame for part in tile.inner)
    distance, last = np.ones((8, frame + 1)), np.empty(8, np.int64)
    reach(cells.x[0], cells.y[0], sighting.search, last, distance)
    rays = {}
    for k, direction in enumerate(DIRECTIONS):
        steps = np.arange(sighting.skip + 1, last[k] + 1)
        ground = heights[i + steps * DOWN[k], j + steps * RIGHT[k]].astype(np.float64)
        seen = np.empty(6)
        sight(heights, i, j, k, sighting.skip + 1, last[k], distance[k], seen)
        known = ~np.isnan(ground)
        steps, height = steps[known], (ground - heights[i, j])[known]
        away = distance[k, steps]
        counted = not np.isnan(heights[i + DOWN[k], j + RIGHT[k]])
        rays[direction] = Ray(
            direction,
            dem.x[tile.core[1].start] + steps * RIGHT[k] * dem.transform.a,
            dem.y[tile.core[0].start] + steps * DOWN[k] * dem.transform.e,
            away,
            height,
            np.degrees(np.arctan2(height, away)),
            highest=int(np.argmin(np.abs(away - seen[2]))) if counted and len(away) else None,
            lowest=int(np.argmin(np.abs(away - seen[3]))) if counted and len(away) else None,
            verdict=_verdict(seen, cells, sighting) if counted else 0,
        )
    return tuple(rays[direction] for direction in CLOCKWISE)


def _verdict(seen: "NDArray[np.float64]", cells: CellSize, sighting: Sighting) -> int:
    flat, comparison = np.radians(sighting.flat), COMPARISONS.index(sighting.comparison)
    return int(verdict(seen, flat, sighting.dist * cells.y[0], comparison))


def cell_at(dem: DemFile, x: float, y: float, lonlat: bool = False) -> tuple[int, int]:
    """Return the row and column of the cell at a place.

    Parameters
    ----------
    dem
        The elevation model.
    x, y
        In the model's coordinates, or
    lonlat
        in degrees, longitude first.

    Raises
    ------
    InputError
        The place is outside the model.
    """
    asked = f"{x:.10g} {y:.10g}"
    if lonlat:
        from pyproj import Transformer

        x, y = Transformer.from_crs("EPSG:4326", dem.crs, always_xy=True).transform(x, y)
    west, north = dem.transform.c, dem.transform.f
    east, south = west + dem.transform.a * dem.shape[1], north + dem.transform.e * dem.shape[0]
    if dem.crs.is_geographic and not west <= x < east and west <= x % 360 < east:
        x %= 360
    if not (west <= x < east and south < y <= north):
        hint = "" if lonlat or dem.crs.is_geographic else ", or --lonlat for degrees"
        raise InputError(
            f"expected a place inside {dem.path.name}, x from {west:.10g} to {east:.10g} and y "
            f"from {south:.10g} to {north:.10g} ({dem.crs.to_string()}), got {asked}. Give another "
            f"place{hint}."
        )
    column, row = ~dem.transform * (x, y)
    return int(row), int(column)
