"""What each terrain derivative is: definition, source, units, where it is NaN."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graben.errors import InputError

SCALES = (3, 10, 30)
SEARCH = 10

_SURFACE_VOIDS = "NaN in the outermost rows and columns, and where one of the 3x3 cells is void"
_WINDOW_VOIDS = "NaN at voids only; windows end at the edge and leave voids out"
_HORIZON_VOIDS = (
    "NaN at voids and in the outermost rows and columns; a direction whose next cell is void does "
    "not count, voids farther away are looked over; the southernmost row is not seen, as in GRASS"
)
_FLOW_VOIDS = "NaN at voids only; water leaves over the edge of the map and into voids"


@dataclass(frozen=True)
class Derivative:
    """What a derivative is.

    Parameters
    ----------
    title
        Its name in words.
    units
        `"1"` where it has none.
    definition
        How it is computed.
    source
        Who defined it so, with the DOI where there is one.
    family
        `surface` (of the 3x3 cells), `window` (of each square of `scales`), `horizon` (of what is
        seen in eight directions) or `flow` (of the whole raster at once).
    voids
        Where it is NaN.
    """

    title: str
    units: str
    definition: str
    source: str
    family: str
    voids: str


def _surface(title: str, units: str, definition: str, source: str) -> Derivative:
    return Derivative(title, units, definition, source, "surface", _SURFACE_VOIDS)


_HORN = "Horn 1981, doi:10.1109/PROC.1981.11918"
_MITASOVA = "Mitasova and Hofierka 1993, doi:10.1007/BF00893172"
_MINAR = "Minár et al. 2020, doi:10.1016/j.earscirev.2020.103414"
_WILSON = "Wilson et al. 2007, doi:10.1080/01490410701295962"
_LINDSAY = "Lindsay et al. 2015, doi:10.1016/j.geomorph.2015.05.014"
_YOKOYAMA = (
    "Yokoyama et al. 2002, Photogrammetric Engineering and Remote Sensing 68, 257-265 (no DOI)"
)
_FREEMAN = "Freeman 1991, doi:10.1016/0098-3004(91)90048-I"
_FILLED = "hollows filled (Barnes et al. 2014, doi:10.1016/j.cageo.2013.04.024)"

DERIVATIVES: Mapping[str, Derivative] = {
    "slope": _surface("slope", "deg", "steepest slope by Horn's weights 1 2 1", _HORN),
    "aspect": _surface(
        "aspect", "deg", "way down, clockwise from north; NaN where it is level", _HORN
    ),
    "hillshade": _surface(
        "hillshade", "1", "cosine of the sun's incidence from 315 deg, 45 deg high", _HORN
    ),
    "profile_curvature": _surface(
        "profile curvature", "1/m",
        "normal curvature along the slope line, convex positive, 0 below a slope of 0.001",
        _MITASOVA,
    ),
    "tangential_curvature": _surface(
        "tangential curvature", "1/m",
        "normal curvature along the contour, convex positive, 0 below a slope of 0.001",
        _MITASOVA,
    ),
    "plan_curvature": _surface(
        "plan curvature", "1/m",
        "curvature of the contour on the map, convex positive, 0 below a slope of 0.001", _MINAR,
    ),
    "mean_curvature": _surface(
        "mean curvature", "1/m", "mean of the principal curvatures, convex positive", _MINAR
    ),
    "gaussian_curvature": _surface(
        "Gaussian curvature", "1/m2", "product of the principal curvatures", _MINAR
    ),
    "tri": _surface(
        "terrain ruggedness index", "m",
        "root of the summed squared differences to the eight neighbours",
        "Riley et al. 1999, Intermountain Journal of Sciences 5, 23-27 (no DOI)",
    ),
    "tri_wilson": _surface(
        "terrain ruggedness index (Wilson)", "m",
        "mean absolute difference to the eight neighbours", _WILSON,
    ),
    "tpi": _surface(
        "topographic position index", "m", "height above the mean of the eight neighbours", _WILSON
    ),
    "roughness": _surface("roughness", "m", "highest less lowest of the 3x3 cells", _WILSON),
    "relief": Derivative(
        "relief", "m", "highest less lowest in the window", "no single source", "window",
        _WINDOW_VOIDS,
    ),
    "deviation": Derivative(
        "deviation from the mean elevation", "1",
        "height above the window's mean, in its standard deviations; 0 where all is level",
        _LINDSAY, "window", _WINDOW_VOIDS,
    ),
    "deviation_max": Derivative(
        "multi-scale deviation", "1", "the deviation farthest from 0 over all scales", _LINDSAY,
        "window", _WINDOW_VOIDS,
    ),
    "openness_positive": Derivative(
        "positive openness", "deg",
        "mean over eight directions of the angle from the zenith down to the land", _YOKOYAMA,
        "horizon", _HORIZON_VOIDS,
    ),
    "openness_negative": Derivative(
        "negative openness", "deg",
        "mean over eight directions of the angle from the nadir up to the land", _YOKOYAMA,
        "horizon", _HORIZON_VOIDS,
    ),
    "sky_view": Derivative(
        "sky-view factor", "1", "share of the sky that the land in eight directions leaves open",
        "Zakšek et al. 2011, doi:10.3390/rs3020398", "horizon", _HORIZON_VOIDS,
    ),
    "contributing_area": Derivative(
        "contributing area", "m2",
        f"area that drains through the cell: {_FILLED}, shares as slope to the power 1.1",
        _FREEMAN, "flow", _FLOW_VOIDS,
    ),
    "contributing_area_d8": Derivative(
        "contributing area (D8)", "m2",
        f"area that drains through the cell: {_FILLED}, all down the steepest way",
        "O'Callaghan and Mark 1984, doi:10.1016/S0734-189X(84)80011-0", "flow", _FLOW_VOIDS,
    ),
    "wetness": Derivative(
        "topographic wetness index", "1",
        "ln(a / tan b): contributing area (multiple flow) per metre of contour, slope by Horn's "
        "weights, tan b at least 0.001",
        "Beven and Kirkby 1979, doi:10.1080/02626667909491834", "flow", _SURFACE_VOIDS,
    ),
}  # fmt: skip


def results(what: Sequence[str], scales: Sequence[int]) -> list[str]:
    """Name what `derive` gives for `what`.

    Examples
    --------
    >>> results(["slope", "relief"], (3, 10))
    ['slope', 'relief_3', 'relief_10']
    """
    named = []
    for name in dict.fromkeys(what):
        scaled = name in ("relief", "deviation")
        named += [f"{name}_{radius}" for radius in scales] if scaled else [name]
    return named


def attributes(result: str) -> dict[str, str]:
    """Describe one of the `results`: units, long_name, definition, source, voids."""
    name, _, scale = result.rpartition("_")
    is_scaled = scale.isdigit()
    found = DERIVATIVES[name if is_scaled else result]
    side = f", window of {2 * int(scale) + 1} cells" if is_scaled else ""
    return {
        "units": found.units,
        "long_name": found.title + side,
        "definition": found.definition,
        "source": found.source,
        "voids": found.voids,
    }


def check_names(what: Sequence[str]) -> None:
    """Raise an InputError where a name is none of `DERIVATIVES`, or there is none."""
    unknown = [name for name in what if name not in DERIVATIVES]
    if unknown or not what:
        got = ", ".join(unknown) if unknown else "none"
        raise InputError(
            f"expected names of derivatives, got {got}. Choose from {', '.join(DERIVATIVES)}."
        )


def check_scales(scales: Sequence[int]) -> None:
    """Raise an InputError where a scale is no whole number from 1 on, or there is none."""
    if not scales or any(radius != int(radius) or radius < 1 for radius in scales):
        raise InputError(
            f"expected radii of windows in whole cells from 1 on, got {list(scales)}. Give, for "
            "example, 3, 10 and 30."
        )
