"""How unlike the synthetic surveys of the training a survey is, and in what."""

from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from graben.errors import ModelError
from graben.imaging.shift_features import TRAITS, measure_traits
from graben.output import written_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graben.report import Section
    from graben.tiling import Source

    Floats = NDArray[Any]

RANGE = Path(__file__).parents[1] / "data" / "imaging-training-range.npz"
UNUSUAL = 95.0  # percentile of the training range from which a survey is warned of
BEYOND = 0.5  # standard deviations outside the 1st to 99th percentile where a trait is named
NEAREST = 5  # training surveys to which the distance is taken
MOST_NAMED = 4


@dataclass(frozen=True)
class Feature:
    """A trait of a survey that lies outside the training range.

    Attributes
    ----------
    name, unit
        Of the trait.
    value
        Of the survey.
    low, high
        What 98 of 100 training surveys lie between.
    remedy
        What to do; may be empty.
    """

    name: str
    unit: str
    value: float
    low: float
    high: float
    remedy: str


@dataclass(frozen=True)
class Shift:
    """How unlike the training a survey is.

    Attributes
    ----------
    score
        Mahalanobis distance to the five most similar training surveys, the mean of them, over the
        square root of the number of traits.
    percentile
        How many of 100 training surveys, held out of the fit, are less unlike.
    outside
        Traits outside the training range, farthest first.
    warning
        What to tell the user, or None where the survey is like the training.
    """

    score: float
    percentile: float
    outside: tuple[Feature, ...]
    warning: str | None


@dataclass(frozen=True, eq=False)
class TrainingRange:
    """What the surveys of the training were like.

    Parameters
    ----------
    middle, scale
        Median and standard deviation of each trait.
    low, high
        1st and 99th percentile of each trait.
    whitening
        What makes the scaled traits uncorrelated and of unit variance, (trait, trait).
    surveys
        The training surveys so whitened, (survey, trait).
    scores
        Of training surveys that were held out, in rising order.
    """

    middle: "Floats"
    scale: "Floats"
    low: "Floats"
    high: "Floats"
    whitening: "Floats"
    surveys: "Floats"
    scores: "Floats"

    @classmethod
    def fit(cls, traits: "Floats", held: "Floats") -> Self:
        """Describe training surveys.

        Parameters
        ----------
        traits
            (survey, trait), from `measure_traits`.
        held
            The same of other surveys, which the percentiles are taken from.

        References
        ----------
        Ledoit and Wolf (2004), doi:10.1016/S0047-259X(03)00096-4, of the shrunk covariance.
        """
        from sklearn.covariance import LedoitWolf

        middle = np.median(traits, axis=0)
        tolerance = np.array([trait.tolerance for trait in TRAITS])
        scale = np.maximum(traits.std(axis=0), tolerance)
        scaled = (traits - middle) / scale
        # a trait that hardly varies gets the variance of its tolerance, and so counts little
        lacking = 1 - np.minimum(scaled.var(axis=0), 1)
        covariance = LedoitWolf().fit(scaled).covariance_ + np.diag(lacking)
        whitening = np.linalg.cholesky(np.linalg.inv(covariance))
        low, high = np.quantile(traits, (0.01, 0.99), axis=0)
        fitted = cls(middle, scale, low, high, whitening, scaled @ whitening, np.zeros(0))
        return replace(fitted, scores=np.sort([fitted.score(one) for one in held]))

    def score(self, traits: "Floats") -> float:
        """Give the distance of one survey, see `Shift.score`."""
        place = (traits - self.middle) / self.scale @ self.whitening
        away = np.sqrt(np.mean((self.surveys - place) ** 2, axis=1))
        return float(np.sort(away)[:NEAREST].mean())

    def percentile(self, score: float) -> float:
        """Tell how many of 100 held-out training surveys score less."""
        return 100 * float(np.searchsorted(self.scores, score)) / len(self.scores)

    def outside(self, traits: "Floats") -> tuple[Feature, ...]:
        """Return the traits that lie outside, farthest first."""
        found = []
        for place, trait in enumerate(TRAITS):
            value, low, high = float(traits[place]), float(self.low[place]), float(self.high[place])
            beyond = max(value - high, low - value) / self.scale[place]
            if beyond > BEYOND:
                remedy = trait.high if value > high else trait.low
                found.append((beyond, Feature(trait.name, trait.unit, value, low, high, remedy)))
        return tuple(one for _, one in sorted(found, key=lambda pair: -pair[0]))

    def save(self, path: str | Path) -> None:
        """Write a file of arrays."""
        with written_file(path) as temporary, temporary.open("wb") as file:
            arrays = {one.name: getattr(self, one.name).astype(np.float32) for one in fields(self)}
            np.savez_compressed(file, names=np.array([t.name for t in TRAITS]), **arrays)

    @classmethod
    def load(cls, path: str | Path = RANGE) -> Self:
        """Read the range that ships, or another.

        Raises
        ------
        ModelError
            It is missing, or of other traits.
        """
        path = Path(path)
        if not path.is_file():
            raise ModelError(
                f"expected the training range in {path}, found none. Install graben again, or "
                "rebuild it: tools/build_shift_range.py."
            )
        with np.load(path) as stored:
            arrays = dict(stored)
        if arrays.pop("names").tolist() != [trait.name for trait in TRAITS]:
            raise ModelError(
                f"expected a training range of {len(TRAITS)} traits that this version measures, "
                f"got others in {path}. Rebuild it: tools/build_shift_range.py."
            )
        return cls(**arrays)


@cache
def shipped_range() -> TrainingRange:
    """Return the range that ships."""
    return TrainingRange.load()


def survey_shift(volume: "Source", *, against: TrainingRange | None = None, seed: int = 0) -> Shift:
    """Tell how unlike the training a survey is, from a bounded sample of its traces.

    Parameters
    ----------
    volume
        (inline, crossline, sample); a `SeismicVolume` or any source.
    against
        Another range than the one that ships.
    seed
        The same seed looks at the same traces.

    Raises
    ------
    SeismicError
        There are no three traces beside each other that vary.

    References
    ----------
    Mahalanobis (1936), of the distance (no DOI); Loftsgaarden and Quesenberry (1965),
    doi:10.1214/aoms/1177700079, of nearest neighbours as a measure of density.
    """
    known = against or shipped_range()
    traits = measure_traits(volume, seed)
    score = known.score(traits)
    percentile = known.percentile(score)
    outside = known.outside(traits)
    warning = _warning(percentile, outside) if percentile >= UNUSUAL else None
    return Shift(score, percentile, outside, warning)


def _warning(percentile: float, outside: tuple[Feature, ...]) -> str:
    named = outside[:MOST_NAMED]
    what = "; ".join(
        f"{one.name} {one.value:.2g} (training {one.low:.2g} to {one.high:.2g}"
        + (f", {one.unit})" if one.unit else ")")
        for one in named
    )
    remedies = [one.remedy for one in named if one.remedy]
    remedies.append("adapt the net with one interpreted section (graben imaging adapt)")
    return (
        "this survey is unlike the synthetic ones that the net was trained on: less unlike were "
        f"{percentile:.3g} of 100. "
        + (f"Outside their range: {what}. " if what else "Each trait is in range, together not. ")
        + "Probabilities may be off. What helps: "
        + "; ".join(dict.fromkeys(remedies))
        + "."
    )


def shift_section(shift: Shift) -> "Section":
    """Return the part of a report that tells how unlike the training a survey is."""
    from graben.report import Section, Table, Text

    said = (
        f"This survey is like the synthetic ones of the training: {shift.percentile:.3g} of 100 "
        "of them are less unlike."
        if shift.warning is None
        else shift.warning[0].upper() + shift.warning[1:]
    )
    blocks: list[Text | Table] = [Text((said,), lead=shift.warning is not None)]
    if shift.outside:
        rows = tuple(
            (one.name, one.value, one.low, one.high, one.unit, one.remedy) for one in shift.outside
        )
        columns = ("trait", "here", "training from", "to", "unit", "what helps")
        blocks.append(
            Table("Traits outside the range of 98 of 100 training surveys", columns, rows)
        )
    return Section("Is it like the training?", tuple(blocks))
