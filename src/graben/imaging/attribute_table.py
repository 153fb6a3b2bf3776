"""What each attribute is: definition, source, units, and what computes it tile by tile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import InputError
from graben.imaging.attributes import EigenCoherence, Semblance, Variance, Window
from graben.imaging.complex_trace import OfTrace, Spectral
from graben.imaging.structure import Dip
from graben.tiling import Tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    TileOfAttributes = Semblance | OfTrace | Spectral | Dip

_NOTHING = "where there is no energy, it is"
_TRACE = "what is not finite counts as 0; missing traces stay 0"


@dataclass(frozen=True)
class Attribute:
    """What an attribute is.

    Parameters
    ----------
    title
        Its name in words.
    units
        `"1"` where it has none; `amplitude` are those of the input. Time is in ms: of a volume in
        depth, ms stands for m and Hz for cycles per km.
    meaning
        How it is computed.
    source
        Who defined it so, with the DOI where there is one.
    family
        The class that computes it: of neighbouring traces, of single ones, or of the structure.
    voids
        What it is where there is nothing.
    """

    title: str
    units: str
    meaning: str
    source: str
    family: "type[TileOfAttributes]"
    voids: str


_TANER = "Taner et al. 1979, doi:10.1190/1.1440994"
_DIPS = "Fehmers and Hoecker 2003, doi:10.1190/1.1598121"
_LEVEL = "0 where nothing is seen"

ATTRIBUTES: Mapping[str, Attribute] = {
    "semblance": Attribute(
        "semblance", "1",
        "energy of the mean trace over the mean energy of the traces of a window, along samples",
        "Marfurt et al. 1998, doi:10.1190/1.1444415", Semblance, f"{_NOTHING} 1",
    ),
    "variance": Attribute(
        "variance", "1",
        "squared differences from the mean trace over squared amplitudes, samples weighted as a "
        "triangle",
        "van Bemmel and Pepper 2000, US patent 6,151,555 (no DOI)", Variance, f"{_NOTHING} 0",
    ),
    "eigen_coherence": Attribute(
        "eigen-coherence (C3)", "1",
        "largest eigenvalue of the covariance of a window's traces over the sum of all",
        "Gersztenkorn and Marfurt 1999, doi:10.1190/1.1444651", EigenCoherence, f"{_NOTHING} 1",
    ),
    "envelope": Attribute(
        "envelope", "amplitude", "magnitude of the analytic signal", _TANER, OfTrace, _TRACE
    ),
    "phase": Attribute(
        "instantaneous phase", "deg", "angle of the analytic signal: 0 at a peak, 180 at a trough",
        _TANER, OfTrace, _TRACE,
    ),
    "frequency": Attribute(
        "instantaneous frequency", "Hz",
        "phase steps of the analytic signal over nine samples, weighted by their energy",
        "Barnes 2007, doi:10.1190/1.2785048", OfTrace, _TRACE,
    ),
    "sweetness": Attribute(
        "sweetness", "amplitude/Hz^0.5", "envelope over the square root of the frequency",
        "Radovich and Oliveros 1998, The Leading Edge 17, 1286-1293", OfTrace, _TRACE,
    ),
    "spectral": Attribute(
        "spectral decomposition", "amplitude",
        "envelope in a Gaussian band about a frequency, its deviation a quarter of it",
        "Sinha et al. 2005, doi:10.1190/1.2127113", Spectral, _TRACE,
    ),
    "dip_inline": Attribute(
        "dip along inline numbers", "ms/trace",
        "how much lower layers lie at the next higher inline, from the structure tensor", _DIPS,
        Dip, _LEVEL,
    ),
    "dip_crossline": Attribute(
        "dip along crossline numbers", "ms/trace",
        "how much lower layers lie at the next higher crossline, from the structure tensor", _DIPS,
        Dip, _LEVEL,
    ),
    "dip": Attribute(
        "dip", "ms/trace", "the steepest dip, from the structure tensor", _DIPS, Dip, _LEVEL
    ),
    "azimuth": Attribute(
        "azimuth", "deg",
        "which way layers go down: 0 towards higher inlines, 90 towards higher crosslines", _DIPS,
        Dip, _LEVEL,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Attributes:
    """Several attributes of a tile at once, for the tiling engine.

    Parameters
    ----------
    parts
        What computes them.
    """

    parts: "tuple[TileOfAttributes, ...]"

    @property
    def halo(self) -> tuple[int, int, int]:
        """The farthest that any of them looks."""
        halos = np.max([part.halo for part in self.parts], axis=0)
        return int(halos[0]), int(halos[1]), int(halos[2])

    def __call__(
        self, block: "NDArray[np.float32]", tile: Tile, shape: tuple[int, ...]
    ) -> "Mapping[str, NDArray[np.float32]]":
        """Give each of the `results` for the core of a tile that holds its traces whole."""
        found: dict[str, NDArray[np.float32]] = {}
        for part in self.parts:
            found |= part(block, tile, shape)
        return found


def attributes_of(
    what: Sequence[str], interval: float, window: Window, hertz: Sequence[float]
) -> Attributes:
    """Choose what computes some of `ATTRIBUTES`.

    Parameters
    ----------
    what
        Names of `ATTRIBUTES`.
    interval
        Of samples: ms, or m.
    window
        Of semblance, variance and eigen-coherence.
    hertz
        Frequencies of the spectral decomposition; Hz, or cycles per km.

    Raises
    ------
    InputError
        A name is none of them, there is none, or a frequency cannot be.

    Examples
    --------
    >>> attributes_of(["semblance", "dip", "azimuth"], 4, Window(), ()).halo
    (6, 6, 0)
    """
    check_names(what)
    parts: list[TileOfAttributes] = []
    for name in dict.fromkeys(what):
        family = ATTRIBUTES[name].family
        if issubclass(family, Semblance):
            parts.append(family(window))
        elif family is OfTrace:
            parts.append(OfTrace(name, interval))
        elif family is Spectral:
            parts.append(Spectral(interval, tuple(hertz)))
    dips = tuple(name for name in dict.fromkeys(what) if ATTRIBUTES[name].family is Dip)
    if dips:
        parts.append(Dip(interval, dips))
    return Attributes(tuple(parts))


def results(what: Sequence[str], hertz: Sequence[float]) -> list[str]:
    """Name what is computed for `what`.

    Examples
    --------
    >>> results(["semblance", "spectral"], (20, 40))
    ['semblance', 'spectral_20', 'spectral_40']
    """
    named = []
    for name in dict.fromkeys(what):
        named += [f"spectral_{one:g}" for one in hertz] if name == "spectral" else [name]
    return named


def described(result: str, unit: str = "ms") -> dict[str, Any]:
    """Describe one of the `results` of a volume whose samples are `unit` (ms or m) apart."""
    name, _, hertz = result.partition("spectral_")
    found = ATTRIBUTES["spectral" if hertz else name]
    units = found.units
    frequency = "Hz"
    if unit == "m":
        frequency = "cycles/km"
        units = units.replace("ms/", "m/").replace("Hz^0.5", "(cycles/km)^0.5")
        units = units.replace("Hz", "cycles/km")
    return {
        "name": result,
        "title": f"{found.title}, {hertz} {frequency}" if hertz else found.title,
        "units": units,
        "meaning": found.meaning,
        "source": found.source,
        "voids": found.voids,
    }


def check_names(what: Sequence[str]) -> None:
    """Raise an InputError where a name is none of `ATTRIBUTES`, or there is none."""
    unknown = [name for name in what if name not in ATTRIBUTES]
    if unknown or not what:
        got = ", ".join(unknown) if any(unknown) else "none"
        raise InputError(
            f"expected names of attributes, got {got}. Choose from {', '.join(ATTRIBUTES)}."
        )
