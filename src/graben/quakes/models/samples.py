"""Case-control samples of (window, place) for the models that see one place at a time."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.quakes.models.mixture import Omori
from graben.quakes.models.rates import watch
from graben.quakes.study import PARTS, Part, Study

SIZES: dict[Part, tuple[int, int]] = {
    "training": (2_000, 4_000),
    "validation": (500, 1_500),
    "test": (1_000, 2_000),
}


@dataclass(frozen=True)
class PlaceSamples:
    """Some (window, place) pairs, drawn with known odds.

    Attributes
    ----------
    window, place
        Numbers in the study.
    outcome
        Whether a target fell within the radius.
    offset
        Log odds by which positives were preferred: a net trained with `logit + offset` learns the
        logit of the population.
    weight
        Inverse of the odds of selection, mean 1: weighted means over the samples estimate means
        over area and time.
    """

    window: NDArray[Any]
    place: NDArray[Any]
    outcome: NDArray[Any]
    offset: NDArray[Any]
    weight: NDArray[Any]

    def __len__(self) -> int:
        return len(self.window)

    def first(self, share: float) -> "PlaceSamples":
        """Return a share of the samples, the same of positives and negatives, still unbiased."""
        every = max(1, round(1 / share))
        order = np.argsort(~self.outcome, kind="stable")[::every]
        chosen = np.sort(order)
        weight = self.weight[chosen] / self.weight[chosen].mean()
        return PlaceSamples(
            self.window[chosen],
            self.place[chosen],
            self.outcome[chosen],
            self.offset[chosen],
            weight,
        )


@lru_cache(maxsize=1)
def place_samples(study: Study, seed: int = 0) -> dict[Part, PlaceSamples]:
    """Draw samples of all periods: 1 positive to 2 or 3 negatives.

    Positives are drawn by area. Of the negatives half are drawn by area, half in proportion to
    area times the Omori model's probability; otherwise nearly all of them would be trivial.
    """
    omori = Omori()
    omori.fit_rates(study)
    omori.calibrations_ = {}
    seen = watch({"omori": omori}, study, np.arange(len(study.issue_times)))["omori"]
    omori.calibrate(study, seen)
    probability = omori.calibration(study.quantity.radius_km).probability(seen.discs)
    rng = np.random.default_rng(seed)
    return {part: _drawn(study, probability, part, rng) for part in PARTS}


def _drawn(
    study: Study, probability: NDArray[Any], part: Part, rng: np.random.Generator
) -> PlaceSamples:
    windows = study.windows_of(part)
    outcome = study.outcomes[windows].ravel()
    area = np.tile(study.place_weight, windows.size)
    likely = area * probability[windows].ravel()
    wanted, negatives = SIZES[part]
    positives = min(wanted, int(outcome.sum()))
    by_area, by_odds = np.where(outcome, 0, area), np.where(outcome, 0, likely)
    share = 0.5 * by_area / by_area.sum() + 0.5 * by_odds / by_odds.sum()
    hits = np.where(outcome, area, 0)
    index = np.concatenate([_pick(hits, positives, rng), _pick(share, negatives, rng)])
    # densities of selection per unit of area; where there was a hit, what it would have been
    as_hit = positives / hits.sum()
    p = probability[windows].ravel()[index]
    as_miss = negatives * (0.5 / by_area.sum() + 0.5 * p / by_odds.sum())
    weight = 1 / np.where(outcome[index], as_hit, as_miss)
    return PlaceSamples(
        windows[index // study.place_weight.size],
        index % study.place_weight.size,
        outcome[index],
        np.log(as_hit / as_miss),
        weight / weight.mean(),
    )


def _pick(weights: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[Any]:
    """Draw indices with replacement in proportion to weights."""
    total = np.cumsum(weights)
    return np.searchsorted(total, rng.random(count) * total[-1], "right")
