import numpy as np
import pandas as pd
import pytest

from graben.errors import ModelError
from graben.quakes.grid import Grid
from graben.quakes.models.base import Situation
from graben.quakes.models.rates import in_discs, watch
from graben.quakes.places import disc_matrix


def members(study, model, windows):
    """Rates of each member in some windows, window by window."""
    times = study.issue_times[windows]
    return np.concatenate(
        [
            model.members_of(study, times[part], maps)
            for part, maps in study.batches(times, "members")
        ],
        axis=1,
    )


@pytest.mark.parametrize("name", ["omori", "grid-cnn"])
def test_what_is_seen_is_what_the_rates_say(study, rate_models, seen, name):
    windows = study.windows_of("test")[:20]
    every = members(study, rate_models[name], windows).astype(float)
    rates = np.exp(np.log(every).mean(axis=0))
    found = seen[name].part(windows)
    targets = study.targets
    for i in np.flatnonzero(np.isin(targets["window"], windows)):
        event = targets.iloc[i]
        exact = rates[event["window"] - windows[0], event["row"], event["column"]]
        assert found.at_events[i] == pytest.approx(exact, rel=1e-5)
    np.testing.assert_allclose(found.totals[0], rates.sum(axis=(1, 2)), rtol=1e-5)
    north = study.grid.latitude > 36
    np.testing.assert_allclose(found.totals[1], rates[:, north].sum(axis=(1, 2)), rtol=1e-5)
    discs = rates.reshape(len(rates), -1) @ study.discs.toarray().T
    np.testing.assert_allclose(found.discs, discs, rtol=1e-4)
    assert len(found.members) == (2 if name == "grid-cnn" else 0)
    for number, one in enumerate(found.members):
        np.testing.assert_allclose(one.totals[0], every[number].sum(axis=(1, 2)), rtol=1e-5)


def test_rates_are_the_geometric_mean_of_the_members(study, rate_models):
    times = study.issue_times[[7]]
    maps = next(study.maps.batches(times))
    model = rate_models["grid-cnn"]
    one, other = model.members_of(study, times, maps)
    assert (one != other).any()
    np.testing.assert_allclose(
        model.rates_of(study, times, maps), np.sqrt(one.astype(float) * other), rtol=1e-5
    )


def test_events_of_other_windows_are_not_seen(study, rate_models):
    windows = study.windows_of("validation")
    found = watch({"omori": rate_models["omori"]}, study, windows)["omori"]
    used = np.isin(study.targets["window"], windows)
    assert np.isfinite(found.at_events[used]).all()
    assert np.isnan(found.at_events[~used]).all()
    assert used.any()


def test_seeing_part_by_part_is_seeing_the_whole(study, rate_models, seen):
    windows = study.windows_of("validation")
    alone = watch({"omori": rate_models["omori"]}, study, windows)["omori"]
    part = seen["omori"].part(windows)
    np.testing.assert_allclose(alone.discs, part.discs, rtol=1e-6)
    np.testing.assert_allclose(alone.totals, part.totals, rtol=1e-6)


def test_forecast_is_the_calibrated_count_in_the_disc(study, rate_models):
    model = rate_models["omori"]
    times = pd.DatetimeIndex([study.issue_times[200]])
    places = np.array([24.3, 27.0]), np.array([36.2, 35.0])
    found = model.forecast(Situation(study, times), places)
    maps = next(study.maps.batches(times))
    expected = disc_matrix(study.grid, *places, 100.0) @ model.rates_of(study, times, maps).ravel()
    fitted = model.calibration(100.0)
    odds = np.exp(fitted.intercept) * expected**fitted.slope
    np.testing.assert_allclose(found.value[0], odds / (1 + odds), rtol=1e-5)
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()


def test_in_discs_sums_any_stack_of_maps():
    rng = np.random.default_rng(0)
    rates = rng.random((3, 2, 48, 48)).astype(np.float32)
    discs = disc_matrix(Grid(20, 30, 48, 48, 0.25), np.array([24.0, 26.0]), np.full(2, 36.0), 50.0)
    found = in_discs(discs, rates)
    assert found.shape == (3, 2, 2)
    exact = np.einsum("pc,mtc->mtp", discs.toarray(), rates.reshape(3, 2, -1).astype(float))
    np.testing.assert_allclose(found, exact, rtol=1e-9)


def test_a_radius_without_calibration_is_refused_with_remedies(rate_models):
    with pytest.raises(ModelError, match=r"radii of 100 km, not 75 km.*--radius-km 75"):
        rate_models["omori"].calibration(75.0)
