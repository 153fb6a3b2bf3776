"""Elevation models whose answers are known: for tests, for training, for trying a method."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.landforms.dem import on_map

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

SYSTEM = "EPSG:32636"
WEST, NORTH = 500_000.0, 4_300_000.0


def fractal(
    rows: int,
    columns: int,
    hurst: float = 0.7,
    relief: float = 500.0,
    seed: int = 0,
    cell: float = 30.0,
) -> "xr.DataArray":
    """Make self-affine terrain by spectral synthesis.

    Height differences grow with distance to the power of `hurst`: 0.5 is rough, 0.9 smooth.
    Source: Turcotte (1997), *Fractals and Chaos in Geology and Geophysics*,
    doi:10.1017/CBO9781139174695, chapter 7.

    Parameters
    ----------
    rows, columns
        Size of the grid.
    hurst
        Hurst exponent, between 0 and 1.
    relief
        Highest minus lowest elevation, in metres; the lowest is 0.
    seed
        The same seed makes the same terrain.
    cell
        Width of a cell in metres.

    Returns
    -------
    xarray.DataArray
        Elevation in metres, float32, dims (y, x), in UTM zone 36 north.

    Examples
    --------
    >>> dem = fractal(64, 80, relief=300.0)
    >>> dem.shape, float(dem.min()), float(dem.max())
    ((64, 80), 0.0, 300.0)
    """
    surface = self_affine(rows, columns, hurst, np.random.default_rng(seed))
    surface -= surface.min()
    return placed(surface * (relief / surface.max()), cell)


def cone(
    rows: int, columns: int, height: float, radius: float, cell: float = 30.0
) -> "xr.DataArray":
    """Make a cone on a plain: slope atan(height / radius), volume pi radius^2 height / 3.

    Parameters
    ----------
    rows, columns
        Size of the grid; the summit is at its middle.
    height, radius
        Of the cone, in metres; the plain is at 0.
    cell
        Width of a cell in metres.

    Returns
    -------
    xarray.DataArray
        Elevation in metres, float32, dims (y, x), in UTM zone 36 north.

    Examples
    --------
    >>> dem = cone(101, 101, height=200.0, radius=1000.0)
    >>> bool(abs(dem.sum() * 30**2 / (np.pi * 1000**2 * 200 / 3) - 1) < 0.001)
    True
    """
    y, x = from_middle(rows, columns, cell)
    return placed(height * np.maximum(1 - np.hypot(y, x) / radius, 0), cell)


def ridge(
    rows: int,
    columns: int,
    height: float,
    width: float,
    strike: float = 0.0,
    cell: float = 30.0,
) -> "xr.DataArray":
    """Make a straight ridge like a roof on a plain: slope atan(2 height / width) on both sides.

    Parameters
    ----------
    rows, columns
        Size of the grid; the crest runs through its middle.
    height, width
        Of the ridge, in metres; the plain is at 0.
    strike
        Where the crest runs to, in degrees clockwise from north.
    cell
        Width of a cell in metres.

    Returns
    -------
    xarray.DataArray
        Elevation in metres, float32, dims (y, x), in UTM zone 36 north.
    """
    across = _across(rows, columns, strike, cell)
    return placed(height * np.maximum(1 - np.abs(across) / (width / 2), 0), cell)


def fault_scarp(
    rows: int,
    columns: int,
    throw: float,
    width: float,
    strike: float = 0.0,
    cell: float = 30.0,
) -> "xr.DataArray":
    """Make two plains that a fault has offset, and a scarp that diffusion has smoothed.

    The profile across the fault is the error function, as for a scarp of age t and diffusivity k
    with `width` = 4 sqrt(k t); the steepest slope is 2 throw / (sqrt(pi) width). Source: Hanks et
    al. (1984), doi:10.1029/JB089iB07p05771.

    Parameters
    ----------
    rows, columns
        Size of the grid; the fault runs through its middle.
    throw
        How much higher the right side is, seen along the strike, in metres; the lower plain is at
        0.
    width
        Distance across which 84 % of the throw lies, in metres.
    strike
        Where the fault runs to, in degrees clockwise from north.
    cell
        Width of a cell in metres.

    Returns
    -------
    xarray.DataArray
        Elevation in metres, float32, dims (y, x), in UTM zone 36 north.

    Examples
    --------
    >>> dem = fault_scarp(5, 401, throw=20.0, width=600.0)
    >>> steepest = float(dem[2].diff("x").max()) / 30
    >>> bool(abs(steepest / (2 * 20 / (np.pi**0.5 * 600)) - 1) < 0.01)
    True
    """
    from scipy.special import erf

    across = _across(rows, columns, strike, cell)
    return placed(throw / 2 * (1 + erf(across / (width / 2))), cell)


def self_affine(
    rows: int, columns: int, hurst: float, random: np.random.Generator
) -> "NDArray[np.float64]":
    """Make self-affine noise, of mean 0 and standard deviation 1, cut from a torus twice as large.

    Heights differ with distance to the power of `hurst`.
    """
    size = 2 * rows, 2 * columns
    wave = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1]))
    wave[0, 0] = np.inf
    spectrum = np.fft.rfft2(random.standard_normal(size)) * wave ** -(hurst + 1)
    surface: NDArray[np.float64] = np.fft.irfft2(spectrum, size)[:rows, :columns]
    return (surface - surface.mean()) / surface.std()


def from_middle(rows: int, columns: int, cell: float) -> "tuple[NDArray[Any], NDArray[Any]]":
    """Give metres to the north and to the east of the middle."""
    north = cell * ((rows - 1) / 2 - np.arange(rows)[:, None])
    east = cell * (np.arange(columns) - (columns - 1) / 2)
    return north, east


def _across(rows: int, columns: int, strike: float, cell: float) -> "NDArray[np.float64]":
    """Give metres to the right of a line through the middle."""
    north, east = from_middle(rows, columns, cell)
    angle = math.radians(strike)
    return east * math.cos(angle) - north * math.sin(angle)


def placed(values: "NDArray[np.float64]", cell: float) -> "xr.DataArray":
    """Give heights a place in UTM zone 36 north."""
    rows, columns = values.shape
    y = NORTH - cell * (np.arange(rows) + 0.5)
    x = WEST + cell * (np.arange(columns) + 0.5)
    return on_map(values.astype(np.float32), y, x, SYSTEM).assign_attrs(
        units="m", long_name="elevation"
    )
