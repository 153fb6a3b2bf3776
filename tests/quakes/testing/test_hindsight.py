from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from graben.quakes.catalog import Catalog
from graben.quakes.models.base import Situation
from graben.quakes.testing.hindsight import large_shocks

SHOCK = pd.Timestamp("2016-03-03T12:00:00", tz="UTC")


def with_shocks(study, seconds):
    """The study with a M 7 at one place, so many seconds apart."""
    shocks = pd.DataFrame(
        {
            "time": [SHOCK + pd.Timedelta(seconds=s) for s in seconds],
            "longitude": 26.02,
            "latitude": 36.01,
            "magnitude": 7.0,
            "depth": 12.0,
            "event_id": [f"shock{s}" for s in seconds],
        }
    )
    table = pd.concat([study.catalog.table, shocks])
    catalog = Catalog.from_table(table, "shocked", study.catalog.start, study.catalog.end)
    return replace(study, catalog=catalog)


@pytest.fixture(scope="module")
def told(study, rate_models):
    return large_shocks(rate_models["omori"], with_shocks(study, [0]), "2014-01-01", 5.5)


def test_every_large_shock_near_the_places_is_told_once_by_time(study, told):
    table = with_shocks(study, [0]).catalog.table
    lon, lat = study.places
    large = table[
        (table["magnitude"] >= 5.5)
        & (table["time"] >= pd.Timestamp(study.periods.training_start, tz="UTC"))
        & table["longitude"].between(lon.min(), lon.max())
        & table["latitude"].between(lat.min(), lat.max())
    ]
    assert [row["time"] for row in told] == [time.isoformat() for time in large["time"]]
    assert len(told) > 3


def test_shocks_before_the_end_of_training_are_marked(told):
    for row in told:
        assert row["hindsight"] == (row["time"] < "2014-01-01")
    assert {row["hindsight"] for row in told} == {True, False}


def test_the_probability_is_that_of_the_place_one_second_before(study, rate_models, told):
    row = next(row for row in told if row["time"] == SHOCK.isoformat())
    before = pd.DatetimeIndex([SHOCK - pd.Timedelta(seconds=1)])
    model = rate_models["omori"]
    place = model.forecast(Situation(study, before), (np.array([26.02]), np.array([36.01])))
    assert row["probability"] == pytest.approx(place.value[0, 0], rel=1e-6)
    everywhere = model.forecast(Situation(study, before), study.places).value[0]
    higher = np.average(everywhere > place.value[0, 0], weights=study.place_weight)
    assert row["share_higher"] == pytest.approx(higher)
    assert row["label"] == "2016-03-03 M7.0"


def test_what_strikes_at_the_same_time_is_not_known_beforehand(study, rate_models, told):
    """Two shocks of one moment do not know of each other; a second one hours later does."""
    first = next(row for row in told if row["time"] == SHOCK.isoformat())
    twins = large_shocks(rate_models["omori"], with_shocks(study, [0, 0.1]), "2014-01-01", 6.9)
    twins = [row for row in twins if row["time"].startswith("2016-03-03")]
    assert [row["probability"] for row in twins] == pytest.approx([first["probability"]] * 2)
    pair = large_shocks(rate_models["omori"], with_shocks(study, [0, 7200]), "2014-01-01", 6.9)
    pair = [row for row in pair if row["time"].startswith("2016-03-03")]
    assert pair[0]["probability"] == pytest.approx(first["probability"])
    assert pair[1]["probability"] > 5 * first["probability"]


def test_without_large_shocks_there_is_nothing_to_tell(study, rate_models):
    assert large_shocks(rate_models["omori"], study, "2014-01-01", 9.0) == []
