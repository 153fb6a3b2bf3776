"""Reliability tables, calibration error, Molchan curves."""

import numpy as np
import pytest

from graben.errors import InputError
from graben.evaluation import MolchanArea, calibration_error, molchan_curve, reliability


def forecast(n: int = 20_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    p = generator.beta(0.3, 5, n)
    return p, (generator.random(n) < p).astype(float), generator.random(n) + 0.5


def test_the_table_equals_the_loop() -> None:
    p, y, w = forecast(500)
    p[:4] = 0.01, 0.3, 0, 1  # on the limits
    table = reliability(p, y, w)
    assert table.high.tolist() == [0.01, 0.03, 0.1, 0.3, 1]
    for k, (low, high) in enumerate(zip(table.low, table.high, strict=True)):
        inside = [i for i in range(500) if low <= p[i] < high or (high == 1 and p[i] == 1)]
        total = sum(w[i] for i in inside)
        assert table.count[k] == len(inside)
        assert table.weight[k] == pytest.approx(total)
        assert table.expected[k] == pytest.approx(sum(w[i] * p[i] for i in inside) / total)
        assert table.observed[k] == pytest.approx(sum(w[i] * y[i] for i in inside) / total)


def test_groups_without_samples_are_left_out() -> None:
    table = reliability(np.array([0.02, 0.5]), np.array([0, 1]))
    assert table.low.tolist() == [0.01, 0.3]


def test_edges_must_rise_from_0_to_1() -> None:
    for edges in ((0, 0.5), (0, 0.7, 0.3, 1), (0.1, 1)):
        with pytest.raises(InputError, match="rise from 0 to 1"):
            reliability(np.array([0.5]), np.array([1]), edges=edges)


def test_a_calibrated_forecast_has_a_small_error_and_a_doubled_one_its_base_rate() -> None:
    p, y, w = forecast()
    assert calibration_error(p, y, w).relative < 0.1
    doubled = calibration_error(np.minimum(2 * p, 1), y, w)
    assert doubled.relative == pytest.approx(1, abs=0.1)
    base = np.average(y, weights=w)
    assert doubled.plain == pytest.approx(base * doubled.relative)


def test_bins_of_one_give_the_error_of_the_mean() -> None:
    p, y, w = forecast(1000)
    error = calibration_error(p, y, w, bins=1)
    assert error.plain == pytest.approx(abs(np.average(p - y, weights=w)))


def test_bins_of_equal_count_equal_the_loop() -> None:
    p, y, _ = forecast(900)
    order = np.argsort(p)
    by_hand = 0.0
    for k in range(15):
        inside = order[60 * k : 60 * (k + 1)]
        by_hand += abs(p[inside].mean() - y[inside].mean()) * 60 / 900
    assert calibration_error(p, y, bins=15, by="count").plain == pytest.approx(by_hand)
    # a sample of weight 2 counts as two
    twice = np.repeat(np.arange(900), 2)
    doubled = calibration_error(p[twice], y[twice], bins=15, by="count")
    weighted = calibration_error(p, y, np.full(900, 2.0), bins=15, by="count")
    assert weighted.plain == pytest.approx(doubled.plain)


def test_the_thinned_molchan_curve_keeps_its_area_and_ends() -> None:
    p, y, w = forecast()
    curve = molchan_curve(p, y, w)
    assert len(curve.alarm) <= 202
    assert (curve.alarm[0], curve.missed[0]) == (0, 1)
    assert (curve.alarm[-1], curve.missed[-1]) == pytest.approx((1, 0))
    area = np.trapezoid(curve.missed, curve.alarm)
    assert area == pytest.approx(MolchanArea().compute(p, y, w), abs=1e-3)
    assert curve.missed_at(0.0) == 1
    with pytest.raises(InputError, match="got none"):
        molchan_curve(p, np.zeros_like(y), w)
