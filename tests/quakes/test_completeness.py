import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graben.quakes.catalog import Catalog, embedded_catalog
from graben.quakes.completeness import (
    b_positive,
    b_value,
    coarsest_step,
    completeness_windows,
    goodness_of_fit,
    maximum_curvature,
)


def gutenberg_richter(seed: int, count: int, b: float, lowest: float) -> np.ndarray:
    """Magnitudes whose bins of 0.1 start at `lowest`, not yet rounded."""
    random = np.random.default_rng(seed)
    return lowest - 0.05 + random.exponential(1 / (b * np.log(10)), count)


@given(b=st.floats(0.5, 2.0), tenths=st.integers(0, 60))
def test_an_exact_law_gives_its_own_b_value(b, tenths):
    """Counts are the law's own, so only their rounding is left between the two."""
    steps = np.arange(200)
    counts = np.rint(10 ** (7 - b * steps / 10)).astype(int)
    magnitudes = np.round(np.repeat((steps + tenths) / 10, counts // 100), 1)
    assert b_value(magnitudes, tenths / 10).value == pytest.approx(b, rel=2e-3)
    above = b_value(magnitudes, tenths / 10 + 0.5)
    assert above.value == pytest.approx(b, rel=6e-3)
    assert above.events == np.sum(magnitudes > tenths / 10 + 0.45)


@pytest.mark.parametrize("finer", [1, 2, 6, None])
def test_finer_steps_and_mixed_ones_do_not_change_the_b_value(finer):
    """Every second magnitude rounded to 0.1, the others to `finer` decimals or not at all."""
    raw = gutenberg_richter(1, 200_000, 1.0, 3.0)
    mixed = np.where(np.arange(len(raw)) % 2, np.round(raw, 1), raw)
    if finer is not None:
        mixed = np.where(np.arange(len(raw)) % 2, mixed, np.round(raw, finer))
    assert b_value(mixed, 3.0).value == pytest.approx(1.0, abs=0.012)
    assert b_positive(mixed).value == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("estimate", [lambda m: b_value(m, 3.0), b_positive])
def test_the_uncertainty_is_the_scatter_of_many_catalogues(estimate):
    found = [estimate(np.round(gutenberg_richter(seed, 1500, 0.9, 3.0), 1)) for seed in range(300)]
    values = np.array([each.value for each in found])
    assert values.mean() == pytest.approx(0.9, abs=0.012)
    assert np.mean([each.uncertainty for each in found]) == pytest.approx(values.std(), rel=0.12)


def test_b_positive_survives_the_gap_after_a_large_shock():
    """Small events are lost while completeness falls back; the plain estimate is misled."""
    random = np.random.default_rng(5)
    raw = gutenberg_richter(6, 20_000, 1.0, 2.0)
    threshold = 3.5 - 1.5 * np.linspace(0, 1, len(raw))
    kept = np.round(raw[raw > threshold + random.normal(0, 0.02, len(raw))], 1)
    assert abs(b_positive(kept).value - 1) < 0.05
    assert abs(b_value(kept, 2.0).value - 1) > 0.15


@pytest.mark.parametrize("threshold", [2.0, 3.4, 4.5])
def test_completeness_of_a_thinned_law_is_recovered(threshold):
    """Detection as a normal distribution function, as in Ogata and Katsura (1993)."""
    random = np.random.default_rng(3)
    raw = gutenberg_richter(4, 400_000, 1.0, threshold - 1.5)
    seen = raw + random.normal(0, 0.15, len(raw)) > threshold - 0.25
    magnitudes = np.round(raw[seen], 1)
    assert maximum_curvature(magnitudes) == pytest.approx(threshold, abs=0.2)
    assert goodness_of_fit(magnitudes, 95) == pytest.approx(threshold, abs=0.25)
    assert goodness_of_fit(magnitudes, 90) <= goodness_of_fit(magnitudes, 95)
    assert b_value(magnitudes, maximum_curvature(magnitudes)).value == pytest.approx(1, abs=0.05)


def test_a_sharp_cut_is_the_completeness_itself():
    magnitudes = np.round(gutenberg_richter(7, 20_000, 1.0, 4.0), 1)
    assert maximum_curvature(magnitudes, correction=0) == 4.0
    assert goodness_of_fit(magnitudes, 90) == goodness_of_fit(magnitudes, 95) == 4.0


def test_too_few_or_all_equal_magnitudes_give_nan():
    few = np.round(gutenberg_richter(8, 49, 1.0, 4.0), 1)
    assert np.isnan([maximum_curvature(few), goodness_of_fit(few), b_value(few, 4).value]).all()
    assert b_value(few, 4.0).events == 49
    assert np.isnan(b_value(np.full(200, 4.0), 4.0).value)
    assert np.isnan(b_positive(np.full(200, 4.0)).uncertainty)
    assert np.isnan(goodness_of_fit(np.repeat([4.0, 9.0], 100)))


@given(step=st.sampled_from([1.0, 0.5, 0.2, 0.1, 0.05, 0.01]))
def test_the_step_of_magnitudes_is_found(step):
    raw = gutenberg_richter(9, 2000, 0.3, 3.0)
    assert coarsest_step(np.rint(raw / step) * step) == step
    assert coarsest_step(raw) == 0


def test_windows_cover_the_period_once():
    times = pd.date_range("1990-01-01", "2001-12-31", periods=3000, tz="UTC")
    magnitudes = np.round(gutenberg_richter(10, 3000, 1.0, 4.0), 1)
    rows = pd.DataFrame({"time": times, "longitude": 0, "latitude": 0, "magnitude": magnitudes})
    windows = completeness_windows(Catalog.from_table(rows, "twelve years"))
    assert [window.start.year for window in windows] == [1990, 1995]
    assert windows[-1].end == times[-1]
    assert sum(window.events for window in windows) == 3000
    assert all(abs(window.b_value.value - 1) < 0.15 for window in windows)
    short = Catalog.from_table(rows[:100], "a few months")
    assert [window.events for window in completeness_windows(short)] == [100]


def test_the_world_has_the_published_b_values():
    """Aki at Mc 5.5: 1.10 (1973-89), 1.02 (1990-2004), 1.01 (2005-19), 1.06 (2020-25)."""
    world = embedded_catalog("usgs-world-m5")
    eras = {"1973": "1990", "1990": "2005", "2005": "2020", "2020": "2026"}
    found = [
        b_value(world.select(start=start, end=end).table["magnitude"].to_numpy(), 5.5).value
        for start, end in eras.items()
    ]
    np.testing.assert_allclose(found, [1.10, 1.02, 1.01, 1.06], atol=0.03)
