import numpy as np
import pytest
from scipy.stats import kstest

from graben.errors import InputError
from graben.quakes.testing.alarms import SIMULATED_TO, molchan_test, roc_test


def test_a_forecast_in_proportion_to_the_reference_has_no_skill():
    area = np.random.default_rng(0).uniform(1, 2, 50)
    found = molchan_test(3 * area, np.ones(50), area)
    assert found.skill == 0.5
    assert found.alarm.tolist() == [0, 1]
    assert found.p_value > 0.4


def test_all_earthquakes_in_the_first_alarm_have_the_skill_of_its_size():
    rates, counts = np.array([9.0, 1.0, 1.0, 1.0]), np.array([6, 0, 0, 0])
    found = molchan_test(rates, counts, np.ones(4))
    assert found.missed[1] == 0
    assert found.skill == pytest.approx(1 - 0.25 / 2)
    # only the first cell gains so much: all six must fall into it
    assert found.p_value == pytest.approx(0.25**6, abs=0.002)


def test_the_skill_is_the_mean_gain_of_the_earthquakes():
    random = np.random.default_rng(1)
    rates, area = random.lognormal(0, 1, 300), random.uniform(1, 3, 300)
    counts = random.poisson(0.2, 300)
    found = molchan_test(rates, counts, area)
    density = rates / area
    gain = [
        area[density < d].sum() + area[density == d].sum() / 2 for d in np.repeat(density, counts)
    ]
    assert found.skill == pytest.approx(np.mean(gain) / area.sum())


@pytest.mark.parametrize("number", [5, SIMULATED_TO + 50])
def test_p_values_and_the_band_hold_if_the_reference_is_right(number):
    random = np.random.default_rng(2)
    rates, reference = random.lognormal(0, 1, 500), random.lognormal(0, 1, 500)
    p_values, inside, points = [], 0, 0
    for seed in range(200):
        counts = random.multinomial(number, reference / reference.sum())
        found = molchan_test(rates, counts, reference, seed)
        p_values.append(found.p_value)
        inside += ((found.low <= found.missed) & (found.missed <= found.high)).sum()
        points += found.alarm.size
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert inside / points > 0.94
    assert found.skill_low < 0.5 < found.skill_high


def test_time_and_space_together_are_one_curve():
    rates = np.array([[1.0, 5.0], [3.0, 2.0]])
    counts = np.array([[0, 2], [1, 0]])
    together = molchan_test(rates, counts, np.ones((2, 2)))
    flat = molchan_test(rates.ravel(), counts.ravel(), np.ones(4))
    assert together.missed.tolist() == flat.missed.tolist() == pytest.approx([1, 1 / 3, 0, 0, 0])


def test_roc_of_the_truth_lies_above_that_of_the_area():
    random = np.random.default_rng(3)
    area = random.uniform(1, 2, 2000)
    rates = area * random.lognormal(-3, 2, 2000)
    counts = random.poisson(rates)
    found = roc_test(rates, counts, area, area)
    assert found.reference_area == pytest.approx(0.5)
    assert found.area > 0.8
    struck = counts > 0
    density = rates / area
    above = (density[struck][:, None] > density[~struck]).astype(float)
    weight = area[struck][:, None] * area[~struck]
    assert found.area == pytest.approx((above * weight).sum() / weight.sum())


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ((np.ones(3), np.zeros(3), np.ones(3)), "at least one earthquake"),
        ((np.ones(3), np.ones(4), np.ones(3)), "one shape"),
        ((np.ones(3), np.ones(3), -np.ones(3)), "reference of 0 or more"),
    ],
)
def test_what_cannot_be_scored_is_refused(arrays, words):
    with pytest.raises(InputError, match=words):
        molchan_test(*arrays)


def test_roc_needs_quiet_cells():
    with pytest.raises(InputError, match="without an earthquake"):
        roc_test(np.ones(3), np.ones(3), np.ones(3), np.ones(3))
