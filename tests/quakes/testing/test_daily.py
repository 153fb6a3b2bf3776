import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, nbinom

from graben.errors import InputError
from graben.quakes.models.continuation import Continuations
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.magnitudes import TaperedGutenbergRichter
from graben.quakes.models.simulation import BranchingProcess, simulate_catalog
from graben.quakes.models.spatial_mixture import SpatialMixture
from graben.quakes.polygon import Polygon
from graben.quakes.region import Region
from graben.quakes.sequence import EventSequence, Windows
from graben.quakes.testing.catalog_forecast import CatalogForecast
from graben.quakes.testing.daily import (
    cell_score,
    daily_forecast,
    daily_tests,
    drawn_days,
    number_score,
    observed_on,
    pass_rates,
)
from graben.quakes.testing.grids import Cells, Targets

BOX = Polygon([0.0, 3.0, 3.0, 0.0], [40.0, 40.0, 43.0, 43.0])
WINDOWS = Windows("2000-01-01", "2000-02-01", "2001-01-01", "2001-06-01", "2003-01-01")
TRUTH = EtasParameters(np.log10(4.0 / BOX.area_km2), -2.5, 1.3, -2.0, 0.1, 1.5, -0.4, 0.8, 1.0)
CELLS = Cells.of(Region(0, 40, 3, 43), 0.5, 3 + 0.1 * np.arange(40))


@pytest.fixture(scope="module")
def truth():
    """Three years simulated from an ETAS, and that ETAS to continue them by."""
    process = BranchingProcess(
        TRUTH,
        SpatialMixture(BOX, 4.0, *np.empty((4, 0))),
        TaperedGutenbergRichter(2.3, 3.0, 8.0, 0.1),
    )
    catalog = simulate_catalog(process, WINDOWS.auxiliary_start, 1096.0, 4)
    sequence = EventSequence.from_catalog(catalog, BOX, WINDOWS, 3.0)
    return Continuations(Etas.with_parameters(TRUTH, BOX.area_km2), sequence)


@pytest.fixture(scope="module")
def tested(truth):
    days = drawn_days(truth.sequence, truth.sequence.test, 150, 3)
    return daily_tests(truth, CELLS, days, 400, 5)


def test_the_true_model_passes_in_nearly_all_days(tested):
    rates = pass_rates(tested)
    assert list(rates) == ["N", "M", "S", "PL"]
    assert rates["N"].valid == 150
    assert rates["S"].valid == sum(day.observed > 0 for day in tested) < 150
    for rate in rates.values():
        assert rate.share > 0.9
        assert rate.low < rate.share <= rate.high


def test_numbers_under_the_true_model_are_spread_as_expected(tested):
    found = [day.findings[0] for day in tested]
    random = np.random.default_rng(1)
    # spread over the steps of a discrete law they are uniform
    spread = [
        1 - one.at_least + random.random() * (one.at_most + one.at_least - 1) for one in found
    ]
    assert kstest(spread, "uniform").pvalue > 0.01
    number = sum(day.observed for day in tested)
    assert number == pytest.approx(sum(day.expected for day in tested), rel=0.15)


def test_a_model_of_half_the_rate_fails_and_scores_less(truth, tested):
    half = EtasParameters(**TRUTH.as_dict() | {"log10_mu": TRUTH.log10_mu - np.log10(2.0)})
    wrong = Continuations(Etas.with_parameters(half, BOX.area_km2), truth.sequence)
    found = daily_tests(wrong, CELLS, np.array([day.day for day in tested]), 400, 5)
    assert pass_rates(found)["N"].share < pass_rates(tested)["N"].share - 0.05
    for score in ("number_score", "cell_score"):
        ours, theirs = ([getattr(day, score) for day in days] for days in (found, tested))
        assert np.mean(ours) < np.mean(theirs) - 0.2


def test_a_day_is_forecast_from_what_was_before_it(truth):
    day = 700.0
    forecast = daily_forecast(truth, CELLS, day, 200, 1)
    assert forecast.start == pd.Timestamp("2001-12-01", tz="UTC")
    assert forecast.end - forecast.start == pd.Timedelta(days=1)
    assert forecast.name == "etas"
    sequence = truth.sequence
    before = sequence.time < day
    known = EventSequence(
        *(
            getattr(sequence, name)[before]
            for name in ("time", "longitude", "latitude", "magnitude")
        ),
        *(3.0, 0.1, BOX, WINDOWS),
    )
    alone = daily_forecast(Continuations(truth.process, known), CELLS, day, 200, 1)
    np.testing.assert_array_equal(forecast.cell, alone.cell)
    np.testing.assert_array_equal(forecast.counts, alone.counts)


def test_earthquakes_that_no_catalogue_foresaw_are_counted(truth):
    days = np.array([700.0, 710.0])
    for one in daily_tests(truth, CELLS, days, 1, 1):
        forecast = daily_forecast(truth, CELLS, one.day, 1, 1)
        observed = observed_on(truth.sequence, CELLS, one.day)
        assert one.unsampled == sum(cell not in forecast.cell for cell in observed.cell) > 0


def test_days_have_draws_of_their_own(truth):
    one, other = (daily_forecast(truth, CELLS, day, 200, 1) for day in (700.0, 701.0))
    assert one.counts.tolist() != other.counts.tolist()


def test_events_of_the_day_inside_the_cells_are_its_targets(truth):
    sequence, day = truth.sequence, 700.0
    small = Cells.of(Region(0, 40, 1.5, 43), 0.5, np.array([3.2, 4.0]))
    wanted = [
        (longitude, magnitude)
        for time, longitude, magnitude in zip(
            sequence.time, sequence.longitude, sequence.magnitude, strict=True
        )
        if day < time <= day + 1 and longitude < 1.5 and magnitude > 3.15
    ]
    assert wanted
    found = observed_on(sequence, small, day)
    assert len(found) == len(wanted)
    assert found.bin.tolist() == [int(magnitude > 3.95) for _, magnitude in wanted]


def test_drawn_days_are_whole_days_of_the_window_each_once(truth):
    sequence = truth.sequence
    days = drawn_days(sequence, sequence.test, 500, 1)
    assert days.tolist() == sorted(set(days.tolist()))
    assert days.size == 500
    assert (days % 1 == 0).all()
    start, end = sequence.span(sequence.test)
    assert start <= days[0]
    assert days[-1] + 1 <= end
    assert drawn_days(sequence, sequence.test, 500, 1).tolist() == days.tolist()
    with pytest.raises(InputError, match="1 to the 579"):
        drawn_days(sequence, sequence.test, 580, 1)


def test_number_scores_are_those_of_the_law_that_was_drawn_from():
    drawn = nbinom.rvs(2.0, 0.2, size=200_000, random_state=1)
    for observed in (0, 5, 40):
        found = number_score(drawn, observed)
        assert found == pytest.approx(nbinom.logpmf(observed, 2.0, 0.2), abs=0.1)


def test_cell_scores_are_poisson_and_finite_where_nothing_was_simulated():
    cells = Cells.of(Region(0, 0, 2, 2), 1.0, np.array([4.0]))
    start = pd.Timestamp("2020-01-01", tz="UTC")
    forecast = CatalogForecast(
        cells, np.arange(8), np.array([0] * 4 + [1] * 4), np.zeros(8, int), 10, start, start, "made"
    )
    rate = np.array([0.425, 0.425, 0.025, 0.025])
    targets = Targets(np.array([0, 3]), np.zeros(2, int), cells)
    assert cell_score(forecast, targets) == pytest.approx(np.log(rate[0] * rate[3]) - rate.sum())
