"""How derivatives look: colours and their ends, the same in pictures and in QGIS."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LogNorm, Normalize, to_hex
from matplotlib.figure import Figure

from graben.landforms.derivative_table import attributes
from graben.landforms.figures import draw_field, limits

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

STOPS = 33  # of a style for QGIS
_SIGNED = {"tpi": "PuOr_r", "deviation": "PuOr_r", "deviation_max": "PuOr_r"}
_COLOURS = {
    "slope": "viridis",
    "aspect": "twilight",
    "hillshade": "gray",
    "wetness": "YlGnBu",
    "contributing_area": "Blues",
    "contributing_area_d8": "Blues",
    "sky_view": "cividis",
    "openness_positive": "cividis",
    "openness_negative": "cividis",
}


def colours_of(result: str) -> str:
    """Name the colour map of a result of `derive`.

    Examples
    --------
    >>> colours_of("aspect"), colours_of("relief_10"), colours_of("plan_curvature")
    ('twilight', 'magma', 'RdBu_r')
    """
    name = result.rstrip("0123456789").removesuffix("_") if "_d8" not in result else result
    if name.endswith("curvature"):
        return "RdBu_r"
    return _SIGNED.get(name) or _COLOURS.get(name, "magma")


def norm_of(result: str, values: "NDArray[Any]") -> Normalize:
    """Give the ends of the colours: most of the values lie between them.

    Aspects go around, signed measures are alike on both sides of 0, areas are logarithmic.
    """
    known = values[np.isfinite(values)]
    colours = colours_of(result)
    if result == "aspect":
        return Normalize(0, 360)
    if not known.size:
        return Normalize(0, 1)
    if colours == "Blues":
        low, high = np.quantile(known, (0.02, 0.998))
        return LogNorm(low, max(high, 1.001 * low))
    if colours in ("RdBu_r", "PuOr_r"):
        high = max(float(np.quantile(abs(known), 0.98)), 1e-12)
        return Normalize(-high, high)
    return Normalize(*limits(values))


def ramp_of(result: str, values: "NDArray[Any]") -> tuple[float, float, Sequence[str]]:
    """Give the lowest and the highest value of a style for QGIS, and evenly spaced colours."""
    norm = norm_of(result, values)
    low, high = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    stops = norm(np.linspace(low, high, STOPS)).clip(0, 1)
    return low, high, [to_hex(colour) for colour in colormaps[colours_of(result)](stops)]


def draw_derivative(result: str, values: "NDArray[Any]", dem: "xr.DataArray") -> Figure:
    """Show a derivative over shaded relief, with its scale of colours.

    Parameters
    ----------
    result
        Its name, as `derive` has it.
    values
        (y, x), on the grid of `dem`; NaN is drawn white.
    dem
        Metres, dims (y, x), y descending, in its own CRS.
    """
    facts = attributes(result)
    unit = "" if facts["units"] == "1" else f", {facts['units'].replace('2', '²')}"
    title = facts["long_name"]
    return draw_field(
        values,
        dem,
        colours_of(result),
        title + unit,
        title[0].upper() + title[1:],
        norm_of(result, values),
    )
