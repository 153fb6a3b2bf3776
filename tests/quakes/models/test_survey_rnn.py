import numpy as np
import pandas as pd
import pytest

from graben.quakes.catalog import Catalog
from graben.quakes.models.samples import place_samples
from graben.quakes.models.survey_rnn import SurveyRnn, monthly_history
from graben.quakes.rasters import days_since_epoch
from graben.quakes.region import Region
from graben.quakes.scene import Scene

TIMES = pd.DatetimeIndex(["2001-03-03", "2012-01-01", "2019-12-01"], tz="UTC")
LON, LAT = np.array([24.0, 26.5, 30.1]), np.array([35.0, 37.2, 39.9])


def great_circle_km(lon, lat, other_lon, other_lat):
    lon, lat, other_lon, other_lat = map(np.radians, (lon, lat, other_lon, other_lat))
    cosine = np.sin(lat) * np.sin(other_lat)
    cosine = cosine + np.cos(lat) * np.cos(other_lat) * np.cos(lon - other_lon)
    return 6371 * np.arccos(np.clip(cosine, -1, 1))


def test_histories_are_brute_force_over_events_and_months(catalog):
    scene = Scene(catalog, Region(20, 30, 32, 42))
    found = monthly_history(scene, days_since_epoch(TIMES), (LON, LAT))
    assert found.shape == (3, 120, 3)
    events = catalog.select(min_magnitude=4.5).table
    for i, time in enumerate(TIMES):
        km = great_circle_km(LON[i], LAT[i], events["longitude"], events["latitude"])
        age = (time - events["time"]) / pd.Timedelta(days=30)
        for month in range(120):
            back = 119 - month
            within = (age >= back) & (age < back + 1)
            near = events[within & (km <= 100)]
            assert found[i, month, 0] == pytest.approx(np.log1p(len(near)), abs=1e-6)
            assert found[i, month, 1] == pytest.approx(
                np.log1p((within & (km <= 300)).sum()), abs=1e-6
            )
            largest = near["magnitude"].max() - 4.5 + 0.1 if len(near) else 0
            assert found[i, month, 2] == pytest.approx(largest, abs=1e-5)
    assert found[..., 0].any()


def test_nothing_after_the_issue_time_counts_and_the_issue_time_itself_does():
    time = pd.Timestamp("2012-01-01", tz="UTC")
    seconds = [0, 1]
    rows = {
        "time": [time + pd.Timedelta(seconds=s) for s in seconds],
        "longitude": 25.0,
        "latitude": 36.0,
        "magnitude": [5.0, 7.0],
    }
    catalog = Catalog.from_table(pd.DataFrame(rows), "two", "2000-01-01", "2020-01-01")
    scene = Scene(catalog, Region(20, 30, 32, 42))
    at = (np.array([25.0]), np.array([36.0]))
    found = monthly_history(scene, days_since_epoch(pd.DatetimeIndex([time])), at)[0]
    assert found[-1, 0] == pytest.approx(np.log(2))
    assert found[-1, 2] == pytest.approx(0.6)
    assert not found[:-1].any()


def test_a_future_deleted_changes_no_bit(catalog):
    time = TIMES[1:2]
    known = catalog.until(time[0])
    answers = [
        monthly_history(
            Scene(c, Region(20, 30, 32, 42)), days_since_epoch(time), (LON[:1], LAT[:1])
        )
        for c in (catalog, known)
    ]
    assert answers[0].tobytes() == answers[1].tobytes()


def test_samples_carry_offsets_for_training_and_weights_for_validation(study):
    drawn = place_samples(study)["validation"].first(0.05)
    for offset, column in ((True, "offset"), (False, "weight")):
        batch = SurveyRnn()._inputs(study, drawn, offset=offset).batch(np.arange(4))
        assert set(batch) == {"x", "y", column}
        assert batch["x"].shape == (4, 120, 3)


def test_the_classic_training_is_plain_descent_from_small_weights():
    classic = SurveyRnn.classic()
    assert (classic.optimiser, classic.momentum, classic.initialisation) == (
        "sgd",
        0.0,
        "uniform-0.01",
    )
