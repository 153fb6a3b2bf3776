import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from graben.errors import RasterError
from graben.quakes.models.base import Situation
from graben.quakes.models.terrain import Terrain, terrain_terms
from graben.quakes.scene import Scene

TIMES = pd.DatetimeIndex(["2015-06-01", "2016-06-01"], tz="UTC")


@pytest.fixture(scope="module")
def fitted(study):
    return Terrain().fit(study)


def test_terms_are_those_of_the_four_cells_around_a_place(study):
    found = terrain_terms(study, (np.array([25.5]), np.array([36.5])))[0]
    grid = study.grid
    near = (abs(grid.latitude - 36.5)[:, None] < 0.2) & (abs(grid.longitude - 25.5) < 0.2)
    assert near.sum() == 4
    elevation, relief, slope, land = (raster[near].mean() for raster in study.terrain)
    logs = np.log1p(1000 * relief)
    exact = [elevation, logs, np.log1p(100 * slope), land, elevation**2, logs**2, land * logs]
    np.testing.assert_allclose(found, exact, rtol=1e-5)


def test_places_at_the_border_take_the_cells_there_are(study):
    corners = np.array([20.0, 32.0]), np.array([30.0, 42.0])
    found = terrain_terms(study, corners)
    np.testing.assert_allclose(found[:, 0], study.terrain[0][[0, -1], [0, -1]], rtol=1e-5)


def test_the_mean_probability_is_that_of_training(study, fitted):
    hits = study.outcomes[study.windows_of("training")].mean(axis=0)
    found = fitted.forecast(Situation(study, TIMES), study.places).value[0]
    weight = study.place_weight
    assert np.average(found, weights=weight) == pytest.approx(
        np.average(hits, weights=weight), rel=1e-3
    )


def test_the_fit_is_where_the_likelihood_is_flat(study, fitted):
    """At the maximum, what was observed and expected of each term agree."""
    hits = study.outcomes[study.windows_of("training")].mean(axis=0)
    terms = terrain_terms(study, study.places)
    excess = study.place_weight * (hits - expit(fitted.log_odds(study, study.places)))
    terms = (terms - terms.mean(axis=0)) / terms.std(axis=0)
    assert np.abs(excess @ terms).max() < 1e-3 * (study.place_weight @ hits)


def test_it_says_the_same_at_all_times_and_gives_no_interval(study, fitted):
    found = fitted.forecast(Situation(study, TIMES), study.places)
    np.testing.assert_array_equal(found.value[0], found.value[1])
    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()


def test_without_elevations_it_refuses(study, fitted):
    flat = Scene(study.catalog, study.region)
    with pytest.raises(RasterError, match="--dem"):
        fitted.check(Situation(flat, TIMES))
