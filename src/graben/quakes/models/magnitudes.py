"""Magnitudes: Gutenberg-Richter with a taper in seismic moment, to fit and to draw from."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from graben.errors import InputError
from graben.quakes.sequence import EventSequence

MOMENT_EXPONENT = 1.5  # log10 of the seismic moment a unit of magnitude
CORNER_MAGNITUDE = 8.0  # continental transform faults: Bird & Kagan (2004), doi:10.1785/0120030107
LARGEST_CORNER = 10.0  # as good as no taper: the largest known magnitude is 9.5
CLEARLY_BETTER = 1.92  # half the 95 % point of chi-squared with one degree of freedom


@dataclass(frozen=True)
class TaperedGutenbergRichter:
    """Frequency of magnitudes: a power law of seismic moment with an exponential taper.

    A magnitude recorded as m in bins of width w stands for one in [m - w/2, m + w/2): the law
    starts half a bin below the completeness magnitude, and draws are rounded as the catalogue was.

    Parameters
    ----------
    beta
        b ln 10.
    completeness_magnitude
        Smallest magnitude recorded.
    corner_magnitude
        Where the taper sets in: the number of events falls by e below the power law.
    bin_width
        Width of the bins the catalogue was rounded to; 0 where magnitudes are continuous.

    Raises
    ------
    InputError
        beta is not above 0, or the completeness magnitude is not one of the bins.

    References
    ----------
    Kagan (2002), doi:10.1046/j.1365-246x.2002.01594.x.

    Examples
    --------
    >>> truth = TaperedGutenbergRichter(2.3, 2.5, 7.0, 0.1)
    >>> drawn = truth.draw(100_000, np.random.default_rng(1))
    >>> float(drawn.min())
    2.5
    >>> abs(TaperedGutenbergRichter.from_magnitudes(drawn, 2.5, 0.1).beta - 2.3) < 0.02
    True
    """

    beta: float
    completeness_magnitude: float
    corner_magnitude: float
    bin_width: float

    def __post_init__(self) -> None:
        if not self.beta > 0 or not self.bin_width >= 0:
            raise InputError(
                f"expected beta above 0 and bins of width 0 or more, got {self.beta:g} and "
                f"{self.bin_width:g}. Fit beta to magnitudes above completeness."
            )
        if self.bin_width > 0:
            bins = self.completeness_magnitude / self.bin_width
            if abs(bins - round(bins)) > 1e-6:
                raise InputError(
                    f"expected a completeness magnitude that is a multiple of the bin, got "
                    f"{self.completeness_magnitude:g} and {self.bin_width:g}. Move it to the "
                    "nearest bin, or give a bin width of 0 for continuous magnitudes."
                )

    @classmethod
    def from_magnitudes(
        cls, magnitude: ArrayLike, completeness_magnitude: float, bin_width: float
    ) -> "TaperedGutenbergRichter":
        """Fit beta and, where the data hold it, the corner magnitude by maximum likelihood.

        They hold it where a taper is better than none at 95 %. Otherwise it is 8.0 (continental
        transform faults), or the largest magnitude where that is larger.

        Parameters
        ----------
        magnitude
            Recorded magnitudes, none below `completeness_magnitude`.
        completeness_magnitude, bin_width
            As of the class.

        Raises
        ------
        InputError
            There are fewer than two different magnitudes, or one is below completeness.
        """
        value, times = np.unique(np.asarray(magnitude, float), return_counts=True)
        if value.size < 2 or value[0] < completeness_magnitude - 1e-6:
            raise InputError(
                f"expected two or more different magnitudes of {completeness_magnitude:g} and "
                f"above, got {value.size} from {value.min(initial=np.inf):g}. Cut the catalogue "
                "at its completeness."
            )
        smooth = cls(1.0, completeness_magnitude, LARGEST_CORNER, bin_width)

        def fitted(corner: float) -> "TaperedGutenbergRichter":
            law = replace(smooth, corner_magnitude=corner)
            best = minimize_scalar(
                lambda log_beta: -law._with(beta=np.exp(log_beta))._log_likelihood(value, times),
                bounds=(-3.0, 4.0),
                method="bounded",
                options={"xatol": 1e-7},
            )
            return law._with(beta=float(np.exp(best.x)))

        tapered = minimize_scalar(
            lambda corner: -fitted(corner)._log_likelihood(value, times),
            bounds=(completeness_magnitude + 0.5, LARGEST_CORNER),
            method="bounded",
            options={"xatol": 1e-3},
        )
        without = fitted(LARGEST_CORNER)._log_likelihood(value, times)
        if -tapered.fun - without > CLEARLY_BETTER:
            return fitted(float(tapered.x))
        return fitted(max(CORNER_MAGNITUDE, float(value[-1])))

    @classmethod
    def of(cls, sequence: EventSequence) -> "TaperedGutenbergRichter":
        """Fit to the events of a sequence before its test start, from completeness on."""
        known = sequence.targets(slice(0, sequence.test.start))
        return cls.from_magnitudes(
            sequence.completeness_magnitude + sequence.above_completeness[known],
            sequence.completeness_magnitude,
            sequence.bin_width,
        )

    def _with(self, beta: float) -> "TaperedGutenbergRichter":
        return replace(self, beta=beta)

    @property
    def _lowest(self) -> float:
        return self.completeness_magnitude - self.bin_width / 2

    @property
    def _moment_ratio(self) -> float:
        """Moment of the lowest magnitude over that of the corner."""
        return float(10.0 ** (MOMENT_EXPONENT * (self._lowest - self.corner_magnitude)))

    def _log_survival(self, above: NDArray[Any]) -> NDArray[Any]:
        """Log share of magnitudes that are at least `above` above the lowest."""
        grown = np.expm1(MOMENT_EXPONENT * np.log(10.0) * above)
        return -self.beta * above - self._moment_ratio * grown

    def _bin(self, magnitude: ArrayLike) -> NDArray[Any]:
        return np.ceil(
            (np.asarray(magnitude, float) - self.completeness_magnitude) / self.bin_width - 1e-6
        )

    def _log_likelihood(self, value: NDArray[Any], times: NDArray[Any]) -> float:
        if self.bin_width > 0:
            edge = self._bin(value) * self.bin_width
            low, high = self._log_survival(edge), self._log_survival(edge + self.bin_width)
            return float(times @ (low + np.log(-np.expm1(high - low))))
        above = value - self._lowest
        steepness = MOMENT_EXPONENT * np.log(10.0)
        hazard = self.beta + steepness * self._moment_ratio * np.exp(steepness * above)
        return float(times @ (np.log(hazard) + self._log_survival(above)))

    def survival(self, magnitude: ArrayLike) -> NDArray[Any]:
        """Return the share of events recorded at `magnitude` or above; 1 below completeness."""
        if self.bin_width > 0:
            above = self._bin(magnitude) * self.bin_width
        else:
            above = np.asarray(magnitude, float) - self._lowest
        return np.exp(self._log_survival(np.maximum(above, 0.0)))

    def mean_growth(self, exponent: float) -> float:
        """Return the mean of exp(exponent (m - mc)) over the recorded magnitudes."""
        reach = max(self.corner_magnitude - self._lowest, 0.0) + 2.0  # the taper leaves e^-1000
        if self.bin_width > 0:
            edge = np.arange(int(reach / self.bin_width) + 2) * self.bin_width
            share = -np.diff(np.exp(self._log_survival(edge)))
            return float(np.exp(exponent * edge[:-1]) @ share)
        rest = quad(
            lambda above: np.exp(exponent * above + self._log_survival(above)),
            0.0,
            reach,
            limit=200,
            points=[reach - 2.0],
        )[0]
        return float(1.0 + exponent * rest)

    def from_exponentials(self, first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
        """Turn two independent standard exponential draws an event into recorded magnitudes.

        The survival function is a product, so the magnitude is the smaller of one drawn from the
        power law and one drawn from the taper.
        """
        of_taper = np.log10(1.0 + second / self._moment_ratio) / MOMENT_EXPONENT
        above = np.minimum(first / self.beta, of_taper)
        if self.bin_width == 0:
            return self._lowest + above
        # whole bins times their width: the same floating-point numbers as in the catalogue
        first_bin = round(self.completeness_magnitude / self.bin_width)
        return (first_bin + np.floor(above / self.bin_width)) * self.bin_width

    def draw(self, size: int, rng: np.random.Generator) -> NDArray[Any]:
        """Draw magnitudes, rounded as the catalogue was."""
        return self.from_exponentials(*rng.exponential(size=(2, size)))
