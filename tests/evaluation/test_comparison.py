"""Bootstrap over blocks: coverage, pairing, and the quick way against the slow one."""

import numpy as np
import pytest

from graben.errors import InputError
from graben.evaluation import (
    AUC,
    AveragePrecision,
    BrierSkill,
    InformationGain,
    LogLoss,
    block_bootstrap,
    bootstrap_score,
    paired_gain,
    stability,
    sums_by_block,
    time_blocks,
)


def forecast(n: int = 4000) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(0)
    p = generator.beta(0.3, 5, n)
    y = (generator.random(n) < p).astype(float)
    return p, y, generator.random(n) + 0.5, generator.integers(0, 20, n)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    covered = 0
    for trial in range(300):
        denominator = generator.uniform(0.5, 1.5, 40)
        # samples in a block share their block's deviation, as earthquakes in a sequence do
        numerator = denominator * (2 + generator.normal(size=40))
        interval = block_bootstrap(numerator, denominator, n=400, seed=trial)
        covered += interval.low <= 2 <= interval.high
    assert 0.90 <= covered / 300 <= 0.98


def test_the_value_is_the_ratio_of_the_sums_and_empty_blocks_do_not_count() -> None:
    numerator, denominator = np.array([1.0, 0.0, 5.0]), np.array([2.0, 0.0, 2.0])
    interval = block_bootstrap(numerator, denominator)
    assert interval.value == 1.5
    assert (interval.low, interval.high) == (0.5, 2.5)
    assert block_bootstrap(numerator, denominator) == interval
    with pytest.raises(InputError, match="at least 2 blocks"):
        block_bootstrap(np.array([1.0]))


def test_sums_by_block_leave_nan_out() -> None:
    values = np.array([1.0, np.nan, 3.0, 4.0])
    sums = sums_by_block(values, np.array([1.0, 9.0, 2.0, 1.0]), np.array([0, 0, 1, 1]))
    np.testing.assert_array_equal(sums, [[1, 10], [1, 3]])


def test_a_paired_gain_is_sharper_than_the_difference_of_two_intervals() -> None:
    generator = np.random.default_rng(2)
    blocks = np.repeat(np.arange(30), 50)
    shared = np.repeat(generator.normal(size=30), 50) + generator.normal(size=1500)
    better = shared - 0.1 + 0.1 * generator.normal(size=1500)
    gain = paired_gain(better, shared, np.ones(1500), blocks)
    assert 0 < gain.low < gain.value < gain.high < 0.2
    assert gain.value == pytest.approx((shared - better).mean())
    single = block_bootstrap(*sums_by_block(better, np.ones(1500), blocks))
    assert single.high - single.low > 10 * (gain.high - gain.low)


@pytest.mark.parametrize(
    "score", [LogLoss(), InformationGain(), BrierSkill(), AUC(), AveragePrecision()]
)
def test_the_gathered_bootstrap_agrees_with_resampling_the_samples(score) -> None:
    p, y, w, blocks = forecast()
    quick = bootstrap_score(score, p, y, w, blocks, n=200, seed=3)
    generator = np.random.default_rng(3)
    draws = generator.multinomial(20, np.full(20, 1 / 20), size=200)
    slow = np.quantile([score.compute(p, y, w * drawn[blocks]) for drawn in draws], [0.025, 0.975])
    assert quick.value == score.compute(p, y, w)
    assert (quick.low, quick.high) == pytest.approx(tuple(slow), rel=0.01)


def test_masked_samples_do_not_count_in_a_bootstrap() -> None:
    p, y, w, blocks = forecast()
    whole = bootstrap_score(AUC(), p[:3000], y[:3000], w[:3000], blocks[:3000], n=50)
    y[3000:] = np.nan
    assert bootstrap_score(AUC(), p, y, w, blocks, n=50) == whole


def test_blocks_of_half_a_year() -> None:
    times = np.array(["2015-01-01", "2015-06-01", "2015-07-05", "2016-01-03"], "datetime64[ns]")
    assert time_blocks(times).tolist() == [0, 0, 1, 2]


def test_stability_is_mean_spread_and_range() -> None:
    spread = stability(np.array([[1.0, 2.0, np.nan], [3.0, 6.0, 3.0]]))
    assert (spread.mean, spread.low, spread.high, spread.count) == (3, 1, 6, 5)
    assert spread.sd == pytest.approx(np.std([1, 2, 3, 6, 3], ddof=1))
    assert np.isnan(stability(np.array([1.0])).sd)
    with pytest.raises(InputError, match="got none"):
        stability(np.array([np.nan]))
