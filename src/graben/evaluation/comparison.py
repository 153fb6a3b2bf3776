"""Is the difference real? Intervals over blocks of time, and spread over seeds and folds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graben.errors import InputError
from graben.evaluation.scores import Score, checked


@dataclass(frozen=True)
class Interval:
    """A value and its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Stability:
    """Spread of a score over repeated trainings; `sd` is NaN for a single one."""

    mean: float
    sd: float
    low: float
    high: float
    count: int


def time_blocks(times: np.ndarray, days: float = 182.625) -> np.ndarray:
    """Number the blocks of `days` days, half a year by default, in which the times lie.

    Parameters
    ----------
    times
        datetime64, UTC.
    days
        Length of a block; longer than what couples the samples, a label window at least.

    Returns
    -------
    numpy.ndarray
        One whole number per time; 0 is the block of the earliest.
    """
    elapsed: np.ndarray = (times - times.min()) / np.timedelta64(1, "D")
    return (elapsed // days).astype(int)


def sums_by_block(
    values: np.ndarray, weight: np.ndarray, blocks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sum weighted values, and weights, in each block; NaN values are left out of both.

    Parameters
    ----------
    values, weight, blocks
        One entry per sample; blocks are whole numbers from 0.

    Returns
    -------
    numerator, denominator : numpy.ndarray
        One entry per block, for `block_bootstrap`.
    """
    valid = ~np.isnan(values)
    blocks, weight = blocks[valid], weight[valid]
    return np.bincount(blocks, weight * values[valid]), np.bincount(blocks, weight)


def block_bootstrap(
    numerator: np.ndarray,
    denominator: np.ndarray | None = None,
    n: int = 2000,
    seed: int = 0,
    levels: tuple[float, float] = (0.025, 0.975),
) -> Interval:
    """Give sum(numerator) / sum(denominator) and its percentile interval over resampled blocks.

    Parameters
    ----------
    numerator, denominator
        One entry per block; without denominator the mean per block is given.
    n
        Resamples.
    seed
        Of the resampling: intervals of one seed and one number of blocks are paired.
    levels
        Quantiles that bound the interval.

    Raises
    ------
    InputError
        Fewer than two blocks hold any weight.

    Examples
    --------
    >>> block_bootstrap(np.array([2.0, 2.0, 2.0]))
    Interval(value=2.0, low=2.0, high=2.0)
    """
    if denominator is None:
        denominator = np.ones(len(numerator))
    # a block without denominator still counts if something was expected of it
    held = (denominator > 0) | (numerator != 0)
    times = _resampled(held, n, seed)
    numerator, denominator = numerator[held], denominator[held]
    drawn = times @ denominator
    low, high = np.quantile((times @ numerator)[drawn > 0] / drawn[drawn > 0], levels)
    value = numerator.sum() / denominator.sum()
    return Interval(float(value), float(low), float(high))


def paired_gain(
    loss: np.ndarray,
    reference_loss: np.ndarray,
    weight: np.ndarray,
    blocks: np.ndarray,
    n: int = 2000,
    seed: int = 0,
) -> Interval:
    """Give by how much a loss lies below a reference's on the same samples.

    Parameters
    ----------
    loss, reference_loss
        Loss of each sample, such as minus its log likelihood; NaN in either leaves it out.
    weight, blocks
        One entry per sample; blocks are whole numbers from 0, see `time_blocks`.
    n, seed
        As for `block_bootstrap`.

    Returns
    -------
    Interval
        Weighted mean of reference_loss - loss; above 0 the first is better.
    """
    return block_bootstrap(*sums_by_block(reference_loss - loss, weight, blocks), n=n, seed=seed)


def bootstrap_score(
    score: Score,
    probability: np.ndarray,
    outcome: np.ndarray,
    weight: np.ndarray,
    blocks: np.ndarray,
    n: int = 300,
    seed: int = 0,
    levels: tuple[float, float] = (0.025, 0.975),
) -> Interval:
    """Give any score with its percentile interval over resampled blocks.

    The value is that of the samples as they are. For the interval they are first gathered in
    cells of nearly equal probability, which makes millions of samples as quick as thousands.

    Parameters
    ----------
    score
        What to compute.
    probability, outcome, weight, blocks
        One entry per sample; samples with NaN are left out.
    n, seed, levels
        As for `block_bootstrap`.

    Raises
    ------
    InputError
        Fewer than two blocks hold any weight.
    """
    return bootstrap_scores(
        (score,), probability, outcome, weight, blocks, n=n, seed=seed, levels=levels
    )[0]


def bootstrap_scores(
    scores: Sequence[Score],
    probability: np.ndarray,
    outcome: np.ndarray,
    weight: np.ndarray,
    blocks: np.ndarray,
    n: int = 300,
    seed: int = 0,
    levels: tuple[float, float] = (0.025, 0.975),
) -> list[Interval]:
    """Give several scores of the same samples with their intervals; see `bootstrap_score`."""
    valid = ~(np.isnan(probability) | np.isnan(outcome) | np.isnan(weight))
    blocks = blocks[valid]
    p, y, w = checked(probability[valid], outcome[valid], weight[valid])
    cell, centre = _cells(p, w)
    cells = len(centre)
    # column: cell without and with the happening; row: block
    column = cell + cells * y.astype(int)
    size = blocks.max() + 1
    mass = np.bincount(blocks * 2 * cells + column, w, size * 2 * cells).reshape(size, -1)
    held = mass.sum(1) > 0
    p = np.tile(centre, 2)
    y = np.repeat([0.0, 1.0], cells)
    drawn = _resampled(held, n, seed) @ mass[held]
    found = []
    for score in scores:
        again = [score.compute(p, y, weights) for weights in drawn]
        known = [value for value in again if not np.isnan(value)]
        low, high = np.quantile(known, levels) if known else (np.nan, np.nan)
        value = score.compute(probability, outcome, weight)
        found.append(Interval(value, float(low), float(high)))
    return found


def stability(scores: np.ndarray) -> Stability:
    """Summarise one score over trainings that differ in seed, fold or both.

    Parameters
    ----------
    scores
        Any shape, such as (seed, fold); NaN is left out.

    Examples
    --------
    >>> stability(np.array([[1.0, 2.0], [3.0, 2.0]])).mean
    2.0
    """
    values = np.asarray(scores, float)
    values = values[~np.isnan(values)]
    if values.size == 0:
        raise InputError("expected scores to summarise, got none. Train at least once.")
    sd = float(values.std(ddof=1)) if values.size > 1 else float("nan")
    return Stability(
        float(values.mean()), sd, float(values.min()), float(values.max()), values.size
    )


def _resampled(held: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Give how often each block is drawn, (resample, block)."""
    blocks = int(held.sum())
    if blocks < 2:
        raise InputError(
            f"expected at least 2 blocks of samples for an interval, got {blocks}. "
            "Use a longer period or shorter blocks."
        )
    generator = np.random.default_rng(seed)
    return generator.multinomial(blocks, np.full(blocks, 1 / blocks), size=n).astype(float)


def _cells(p: np.ndarray, w: np.ndarray, cells: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Assign each sample to a cell of like probability; give the cells' mean probability too.

    Half of the limits follow the samples and half the expected happenings, so that neither the
    many low nor the few high probabilities are lumped together.
    """
    ordered = np.sort(p)
    mass = np.cumsum(ordered)
    steps = np.linspace(0, 1, cells // 2)
    by_count = ordered[(steps * (p.size - 1)).astype(int)]
    by_mass = ordered[np.searchsorted(mass, steps * mass[-1]).clip(0, p.size - 1)]
    limits = np.unique(np.concatenate([by_count, by_mass]))
    cell = np.searchsorted(limits, p, side="right") - 1
    weight = np.bincount(cell, w, limits.size)
    mean = np.bincount(cell, w * p, limits.size) / np.where(weight > 0, weight, 1)
    return cell, np.where(weight > 0, mean, limits).clip(0, 1)
