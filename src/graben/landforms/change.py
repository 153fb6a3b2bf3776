"""Change between two epochs, with the error of every sum."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from graben.errors import RasterError
from graben.landforms.change_detection import (
    SURE,
    SUSPECT,
    detect,
    neighbourhood_spread,
    unchanged,
    with_margin,
)
from graben.landforms.change_error import WIDE, Sums, learn_errors, learn_spread
from graben.landforms.change_selection import selection_effects
from graben.landforms.coregistration import Coregistration, coregister, nmad
from graben.landforms.dem import cell_size
from graben.landforms.second_epoch import SecondEpoch
from graben.progress import track

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from graben.landforms.change_error import ErrorModel

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

ROUNDS = 3  # of looking for stable ground
SELECTED = 3 / 4  # of the simulated effect of detection, as found on simulated pairs of epochs
LEAST_STABLE = 0.2  # of the cells that both epochs hold, if nobody says what is stable


@dataclass(frozen=True)
class Volume:
    """A volume and its 95 % interval, m3, and the area it is summed over, m2."""

    value: float
    low: float
    high: float
    area: float

    def turned(self) -> "Volume":
        """Count what was lost as positive."""
        return Volume(0 - self.value, 0 - self.high, 0 - self.low, self.area)


@dataclass(frozen=True)
class Change:
    """What changed between two epochs.

    Parameters
    ----------
    before, after
        Both epochs on the first one's grid, the second co-registered, (y, x), m; NaN = void.
    unplaced
        The second epoch on the first one's grid as it came, m, float32.
    placed
        How the second epoch lay.
    stable
        The ground that was taken as unchanged.
    stable_was_given
        Whether the user said so; else it was found.
    errors
        The error of the difference.
    core
        Where the land was detectably lowered (-1) or raised (1), int8.
    found
        The same with the margin within which volumes of detected areas are summed.
    area
        Of each cell, (y, x), m2.
    sums
        Standard errors of sums of the difference.
    selection
        What detection adds to volumes, by sign, m per cell (see `selection_effects`).
    """

    before: "xr.DataArray"
    after: "xr.DataArray"
    unplaced: "NDArray[np.float32]"
    placed: Coregistration
    stable: "Mask"
    stable_was_given: bool
    errors: "ErrorModel"
    core: "NDArray[np.int8]"
    found: "NDArray[np.int8]"
    area: "Floats"
    sums: Sums
    selection: dict[int, "NDArray[np.float32]"]

    @cached_property
    def difference(self) -> "Floats":
        """Second epoch minus first, m; NaN = void in either."""
        return self.after.to_numpy().astype(np.float64) - self.before.to_numpy()

    @property
    def shift(self) -> tuple[float, float]:
        """How far east and north the second epoch lay of the first, m."""
        rows, columns = self.errors.step
        return self.placed.columns * columns, -self.placed.rows * rows

    @property
    def shift_error(self) -> tuple[float, float]:
        """Standard errors of `shift`, m."""
        rows, columns = self.sums.parameter_errors()[:2]
        return columns * self.errors.step[1], rows * self.errors.step[0]

    @property
    def spreads(self) -> tuple[float, float]:
        """NMAD of the difference on stable ground without and with co-registration, m."""
        before = (self.unplaced - self.before.to_numpy())[self.stable].astype(np.float64)
        return nmad(before), nmad(self.difference[self.stable])

    def volume(self, cells: "Mask") -> Volume:
        """Sum the difference over some cells: what was raised minus what was lowered.

        Cells that are void in either epoch are left out. The cells have to be chosen without
        regard to the difference; for detected areas there are `lowered` and `raised`.
        """
        known = cells & np.isfinite(self.difference)
        return self._summed(known, 0.0)

    def lowered(self, cells: "Mask") -> Volume:
        """Sum what was lost where the land was detectably lowered, as a positive volume."""
        return self._detected(cells, -1).turned()

    def raised(self, cells: "Mask") -> Volume:
        """Sum what was won where the land was detectably raised."""
        return self._detected(cells, 1)

    def _detected(self, cells: "Mask", sign: int) -> Volume:
        if not (cells & (self.found == sign)).any():
            return Volume(0.0, 0.0, 0.0, 0.0)
        areas = self.area[cells]
        effect = float((self.selection[sign][cells] * areas).sum())
        return self._summed(cells & (self.found == sign), effect)

    def _summed(self, cells: "Mask", effect: float) -> Volume:
        """Sum over known cells, less most of the simulated effect, give or take as much."""
        areas = self.area[cells]
        value = float((self.difference[cells] * areas).sum()) - SELECTED * effect
        wide = WIDE * float(np.hypot(self.sums.standard_error(cells), SELECTED * effect))
        return Volume(value, value - wide, value + wide, float(areas.sum()))


def measure_change(
    before: "xr.DataArray",
    after: "xr.DataArray",
    stable: "Mask | None" = None,
    tilt: bool = False,
) -> Change:
    """Bring the second epoch onto the first, and measure what changed and how surely.

    Parameters
    ----------
    before, after
        Elevation models, m, each in its own system. The second is sampled on the first one's
        grid by cubic B-splines; the smoothing that comes with it is part of the error that stable
        ground shows.
    stable
        True where nothing changed, on the first one's grid; by default it is found: what differs
        from its surroundings by more than they differ among themselves is left out, again and
        again. That fails where most of the ground changed.
    tilt
        Also remove a plane from the difference.

    Returns
    -------
    Change
        Intervals are of 95 %: noise with its spread and its likeness between cells, and the
        error of the co-registration.

    Raises
    ------
    RasterError
        The epochs do not overlap, one is all void, there is no stable ground, or they are too
        small or too large.

    Examples
    --------
    >>> from graben.landforms import add_landslides, fractal
    >>> before = fractal(120, 120, hurst=0.95, seed=1)
    >>> random = np.random.default_rng(1)
    >>> made = add_landslides(before, seed=1, count=1, length=(400.0, 500.0))
    >>> noise = random.standard_normal(before.shape).astype("f4")
    >>> change = measure_change(before, made.elevation + 0.3 * noise + 5)
    >>> lost = change.lowered(np.ones(before.shape, bool))
    >>> bool(abs(lost.value / made.volume[0] - 1) < 0.01), round(change.placed.offset)
    (True, 5)
    """
    heights = before.to_numpy().astype(np.float64)
    size = cell_size(before)
    middle = before.shape[0] // 2
    step = float(size.y[middle]), float(size.x[middle])
    _check_heights(before, "first")
    _check_heights(after, "second")
    second = SecondEpoch.of(after, before)
    usable = np.isfinite(heights) if stable is None else stable & np.isfinite(heights)
    sure = usable
    placed = coregister(heights, second, usable, tilt)
    for _ in track(range(ROUNDS if stable is None else 1), "errors of stable ground"):
        difference = placed.after - heights
        spread = learn_spread(difference, heights, usable, step)
        start = placed.rows, placed.columns
        if stable is None:
            standard = difference / spread[1]
            usable, sure = (unchanged(standard, usable, level) for level in (SUSPECT, SURE))
            _check_found(usable, difference)
        placed = coregister(heights, second, usable, tilt, spread[1], start)
    doubt = None
    if stable is None:
        other = coregister(heights, second, sure, tilt, spread[1], start)
        doubt = other.parameters - placed.parameters
    # what was only suspected may be noise, and noise is to be learned whole
    errors = learn_errors(placed.after - heights, heights, sure, spread, step)
    sums = Sums(errors, placed, (size.x * size.y)[:, None], doubt)
    unplaced = second.at(0, 0).astype(np.float32)
    return _with_volumes(before, unplaced, placed, sums, stable is not None)


def _with_volumes(
    before: "xr.DataArray",
    unplaced: "NDArray[np.float32]",
    placed: Coregistration,
    sums: Sums,
    stable_was_given: bool,
) -> Change:
    stable = placed.weight > 0
    difference = placed.after - before.to_numpy()
    standard = difference / sums.errors.sigma
    scale = neighbourhood_spread(standard, stable)
    core = detect(standard, scale)
    return Change(
        before=before,
        after=before.copy(data=placed.after.astype(np.float32)),
        unplaced=unplaced,
        placed=placed,
        stable=stable,
        stable_was_given=stable_was_given,
        errors=sums.errors,
        core=core,
        found=with_margin(core, standard),
        area=sums.area,
        sums=sums,
        selection=selection_effects(difference, scale, sums),
    )


def _check_heights(dem: "xr.DataArray", which: str) -> None:
    if not np.isfinite(dem.to_numpy()).any():
        raise RasterError(
            f"the {which} epoch holds nothing but voids. Choose an area where it has elevations, "
            "or check the nodata value that its file declares."
        )


def _check_found(stable: "Mask", difference: "Floats") -> None:
    share = float(stable.sum() / max(1, np.isfinite(difference).sum()))
    if share < LEAST_STABLE:
        raise RasterError(
            f"no stable ground was found: only {share:.0%} of the cells do not seem to change. Say "
            "what did not change with `--stable MASK.gpkg`, or give elevation models that reach "
            "beyond what changed."
        )
