from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from graben.datasets import load_elevation
from graben.errors import ModelError, RasterError, StaleError
from graben.quakes.catalog import Catalog, embedded_catalog
from graben.quakes.forecast import forecast_map, forecast_places, set_up
from graben.quakes.models.base import Situation
from graben.quakes.models.folder import Trained, load_trained, shipped_folder
from graben.quakes.models.grid_cnn import RECIPE, GridCnn
from graben.quakes.models.mixture import Omori
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region
from graben.quakes.study import Periods, Study

PART = Region(24, 34, 27, 37)
AEGEAN = Region(20, 33, 32, 42)


def trained_on(study, model):
    about = {"source": study.catalog.source, "end": str(study.catalog.end), "sha256": ""}
    return Trained(
        model,
        study.quantity,
        study.region,
        study.source_magnitude,
        study.periods,
        study.region_name,
        about,
        {},
    )


@pytest.fixture(scope="module")
def trained(study, rate_models):
    return {name: trained_on(study, model) for name, model in rate_models.items()}


def test_a_map_is_the_forecast_of_each_place_and_the_rate_of_each_cell(study, catalog, trained):
    setting = set_up(trained["omori"], catalog, PART, issue_time="2015-06-01")
    found = forecast_map(setting)
    assert found["probability"].dims == (
        "issue_time",
        "horizon",
        "magnitude",
        "latitude",
        "longitude",
    )
    here = found.isel(issue_time=0, horizon=0, magnitude=0).sel(latitude=35.125, longitude=25.375)
    at = forecast_places(setting, (np.array([25.375]), np.array([35.125])))
    assert float(here["probability"]) == at.value[0, 0]
    assert float(here["probability_low"]) == at.low[0, 0]
    assert float(here["probability_high"]) == at.high[0, 0]
    times = pd.DatetimeIndex(["2015-06-01"], tz="UTC")
    maps = Situation(study, times).maps
    rates = trained["omori"].model.rates_of(study, times, maps)[0]
    rows, columns = study.grid.crop(PART)
    expected = found["expected_count"].to_numpy()[0, 0, 0]
    np.testing.assert_allclose(expected, rates[rows, columns], rtol=1e-6)


@pytest.mark.parametrize("name", ["uniform", "omori", "grid-cnn"])
def test_a_part_is_answered_as_in_the_whole(study, catalog, trained, name):
    """A smaller box gives the same probabilities: discs and nets see beyond its border."""
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.arange(24, 27, 0.4), [34.0, 35.5, 37.0]))
    times = pd.DatetimeIndex(["2015-06-01"], tz="UTC")
    answers = []
    for box in (study.region, PART):
        setting = set_up(
            trained[name],
            catalog,
            box,
            issue_time=times[0],
            elevation=lambda _: study.elevation,
        )
        answers.append(trained[name].model.forecast(Situation(setting.scene, times), (lon, lat)))
    np.testing.assert_allclose(answers[0].value, answers[1].value, rtol=1e-5)
    np.testing.assert_allclose(answers[0].high, answers[1].high, rtol=1e-5)


def test_attributes_say_what_when_and_from_which_data(catalog, trained):
    setting = set_up(trained["omori"], catalog, PART, issue_time="2012-06-01")
    found = forecast_map(setting)
    assert found.attrs["title"] == setting.quantity.sentence
    assert found.attrs["model"] == "omori"
    assert found.attrs["catalog_sha256"] == catalog.until("2012-06-01").sha256()
    assert found.attrs["hindsight"] == "true"  # the model's training ended in 2014
    assert found["issue_time"].to_numpy()[0] == np.datetime64("2012-06-01")


def test_from_the_end_of_training_on_it_is_no_hindsight(catalog, trained):
    for time, hindsight in (("2013-12-31", True), ("2014-01-01", False), (None, False)):
        setting = set_up(trained["omori"], catalog, PART, issue_time=time)
        assert setting.hindsight is hindsight


def test_probabilities_lie_in_their_intervals(catalog, trained):
    for name in ("uniform", "stationary", "omori"):
        found = forecast_map(set_up(trained[name], catalog, PART))
        low, value, high = (
            found[key].to_numpy() for key in ("probability_low", "probability", "probability_high")
        )
        assert (low > 0).all()
        assert (low <= value).all()
        assert (value <= high).all()
        assert (high < 1).all()


def test_an_earthquake_raises_the_probability_where_it_was(catalog, trained):
    shock = pd.DataFrame(
        {
            "time": [pd.Timestamp("2019-12-31", tz="UTC")],
            "longitude": [25.0],
            "latitude": [36.0],
            "magnitude": [7.0],
            "depth": [10.0],
            "event_id": ["shock"],
        }
    )
    table = pd.concat([catalog.table, shock])
    struck = Catalog.from_table(table, "struck", catalog.start, catalog.end)
    place = np.array([25.0]), np.array([36.0])
    before, after = (
        forecast_places(set_up(trained["omori"], c, PART), place).value for c in (catalog, struck)
    )
    assert after[0, 0] > 2 * before[0, 0]


def test_an_issue_time_after_the_end_of_the_catalogue_is_refused(catalog, trained):
    with pytest.raises(StaleError, match="2020-01-01"):
        set_up(trained["omori"], catalog, PART, issue_time="2020-01-02")


@pytest.mark.parametrize("asked", [Quantity(90), Quantity(30, 5.5)])
def test_another_horizon_or_magnitude_is_refused_with_the_command_to_train_it(
    catalog, trained, asked
):
    with pytest.raises(ModelError, match=rf"{asked.slug}.*graben quakes train"):
        set_up(trained["omori"], catalog, PART, quantity=asked)


def test_another_radius_is_refused_by_models_not_calibrated_for_it(catalog, trained):
    setting = set_up(trained["omori"], catalog, PART, quantity=Quantity(radius_km=50.0))
    with pytest.raises(ModelError, match=r"radii of 100 km, not 50 km"):
        forecast_map(setting)


def test_without_terrain_the_grid_net_refuses_and_names_the_remedies(catalog, trained):
    setting = set_up(trained["grid-cnn"], catalog, PART)
    with pytest.raises(RasterError, match=r"--dem.*omori"):
        forecast_map(setting)


def test_elsewhere_the_long_run_is_counted_around_the_region_asked_for(catalog, trained):
    setting = set_up(trained["omori"], catalog, Region(30, 38, 34, 41))
    assert setting.scene.reference == Region(30, 38, 34, 41)
    home = set_up(trained["omori"], catalog, PART)
    assert home.scene.reference == trained["omori"].region


@pytest.fixture(scope="module")
def real():
    """What can be forecast on the real catalogue: fitted on the spot, or as it ships."""
    catalog = embedded_catalog("usgs-tile-m4")
    study = Study(
        catalog,
        AEGEAN,
        elevation=load_elevation("globe-tile"),
        periods=Periods("2000-01-01", "2008-01-01", "2010-01-01", "2015-01-01"),
    )
    models = {
        "omori": trained_on(study, Omori().fit(study)),
        "grid-cnn": trained_on(
            study, GridCnn(seeds=1, recipe=replace(RECIPE, max_epochs=3, patience=0)).fit(study)
        ),
    }
    if (folder := shipped()) is not None:
        models["shipped"] = load_trained(folder)
    return catalog, study.elevation, models


def shipped():
    try:
        return shipped_folder(Quantity())
    except ModelError:
        return None


@pytest.mark.parametrize("name", ["omori", "grid-cnn", "shipped"])
def test_deleting_all_events_after_the_issue_time_changes_no_bit(real, name, missing_evidence):
    """THE leak test: on real data, every map and the forecast, rebuilt without the future."""
    catalog, elevation, models = real
    if name not in models:
        missing_evidence("no trained model ships")
    time = pd.Timestamp("2015-03-02", tz="UTC")
    known = catalog.table[catalog.table["time"] <= time].reset_index(drop=True)
    assert len(known) < len(catalog)
    past = Catalog.from_table(known, catalog.source, catalog.start, time)
    answers = []
    for each in (catalog, past):
        setting = set_up(models[name], each, PART, issue_time=time, elevation=lambda _: elevation)
        # the maps are made of the whole catalogue, as in training, not of its cut at the time
        scene = replace(setting.scene, catalog=each)
        maps = [maps for _, maps in scene.batches(pd.DatetimeIndex([time]), "maps")]
        whole = replace(setting, scene=scene)
        place = np.array([25.3, 26.0]), np.array([35.1, 36.7])
        at = forecast_places(whole, place, pd.DatetimeIndex([time]))
        found = forecast_map(setting)
        answers.append(
            (
                maps[0].tobytes(),
                at.value.tobytes(),
                at.low.tobytes(),
                at.high.tobytes(),
                *(found[layer].to_numpy().tobytes() for layer in sorted(found.data_vars)),
            )
        )
    assert answers[0] == answers[1]
