import numpy as np
import pandas as pd
import pytest

from graben.errors import CatalogError
from graben.quakes.catalog import Catalog
from graben.quakes.formats import read_catalog
from graben.quakes.models.poisson import HomogeneousPoisson
from graben.quakes.polygon import Polygon, read_polygon
from graben.quakes.sequence import EventSequence, Windows
from graben.quakes.testing.benchmark import read_benchmark

WINDOWS = Windows("2000-01-01", "2001-01-01", "2003-01-01", "2004-01-01", "2005-01-01")
SETS = {
    # name: catalogue, polygon, with the days after the last event spread over all events
    "ComCat_25": ("ComCat_25", "ComCat_california", 0.5122),
    "SCEDC_20": ("SCEDC_20", "SCEDC", 0.6435),
    "SCEDC_25": ("SCEDC_20", "SCEDC", -0.1606),
    "SCEDC_30": ("SCEDC_20", "SCEDC", -1.0634),
    "SanJac_10": ("SanJac_10", "SanJac", 0.7939),
}


def daily(count=1800):
    """One event a day over a square of known area."""
    box = Polygon([10, 12, 12, 10], [40, 40, 42, 42])
    days = pd.date_range("2000-01-01T12:00", periods=count, freq="D", tz="UTC")
    table = pd.DataFrame({"time": days, "longitude": 11.0, "latitude": 41.0, "magnitude": 3.0})
    return EventSequence.from_catalog(Catalog.from_table(table, "by hand"), box, WINDOWS, 3.0)


def test_one_event_a_day_is_a_rate_of_one():
    sequence = daily()
    model = HomogeneousPoisson().fit(sequence)
    assert model.intensity_ * sequence.polygon.area_km2 == pytest.approx(1.0)
    scores = model.score(sequence, sequence.test)
    np.testing.assert_allclose(scores.rate, 1.0)
    np.testing.assert_allclose(scores.expected, [0.5] + [1.0] * (len(scores.expected) - 1))
    assert scores.expected_after == pytest.approx(27.5)  # the last 27 days and a half are silent
    np.testing.assert_allclose(scores.spatial, -np.log(sequence.polygon.area_km2))


def test_the_expected_numbers_of_a_window_add_up_to_rate_times_days():
    sequence = daily()
    model = HomogeneousPoisson().fit(sequence)
    for window in (sequence.training, sequence.validation, sequence.fitted, sequence.test):
        scores = model.score(sequence, window)
        first, last = sequence.span(window)
        assert scores.expected.sum() + scores.expected_after == pytest.approx(last - first)


def test_fewer_than_twenty_events_are_too_few():
    with pytest.raises(CatalogError, match="at least 20 events"):
        HomogeneousPoisson().fit(daily(380))


@pytest.mark.parametrize("name", SETS)
def test_the_published_rows(reference_data, name):
    catalog, polygon, in_time = SETS[name]
    folder = reference_data / "catalogs"
    benchmark = read_benchmark(name)
    sequence = EventSequence.from_catalog(
        read_catalog(folder / f"EarthquakeNPP_{catalog}_jittered.csv.gz"),
        read_polygon(folder / f"{polygon}_shape.npy"),
        benchmark.windows,
        benchmark.completeness_magnitude,
    )
    scores = HomogeneousPoisson().fit(sequence).score(sequence, sequence.test)
    published = benchmark.published["poisson"]
    assert scores.temporal.mean() == pytest.approx(published.temporal, abs=0.01)
    assert scores.spatial.mean() == pytest.approx(published.spatial, abs=1e-4)
    spread = scores.expected_after / scores.expected.size
    assert scores.temporal.mean() - spread == pytest.approx(in_time, abs=1e-4)
    assert spread < 0.002
