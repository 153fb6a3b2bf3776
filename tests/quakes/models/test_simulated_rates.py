import numpy as np
import pandas as pd
import pytest

from graben.errors import ModelError
from graben.quakes.models.base import Situation
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.point_process_folder import FittedProcess, about_fit
from graben.quakes.models.simulated_rates import EtasRates
from graben.quakes.polygon import Polygon
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region
from graben.quakes.scene import Scene
from graben.quakes.sequence import EventSequence, Windows

PARAMETERS = EtasParameters(-7.6, -1.9, 1.2, -2.0, 0.05, 3.0, 1.2, 0.6, 0.8)
HOME = Region(20, 30, 32, 42)
TIMES = pd.DatetimeIndex(["2014-06-01", "2016-01-01"], tz="UTC")
PLACES = np.array([22.0, 26.0, 30.0]), np.array([32.0, 36.0, 40.0])


@pytest.fixture(scope="module")
def model(catalog):
    """A process with known parameters, as from a folder: nothing was calibrated."""
    windows = Windows("1990-01-01", "1998-01-01", "2010-01-01", "2014-01-01", "2020-01-01")
    sequence = EventSequence.from_catalog(catalog, Polygon.of(HOME), windows, 4.5)
    process = Etas.with_parameters(PARAMETERS, sequence.polygon.area_km2)
    return EtasRates.of(FittedProcess(process, about_fit(sequence, catalog)))


@pytest.fixture(scope="module")
def scene(catalog):
    return Scene(catalog, HOME, Quantity(30, 5.0, 100.0), source_magnitude=4.5)


def test_any_quantity_is_answered_without_calibrated_windows(model, catalog, scene):
    found = model.forecast(Situation(scene, TIMES), PLACES)
    assert ((found.low <= found.value) & (found.value <= found.high)).all()
    longer = Scene(catalog, HOME, Quantity(90, 5.0, 100.0), source_magnitude=4.5)
    assert (model.forecast(Situation(longer, TIMES), PLACES).value > found.value).all()


def test_the_simulated_step_to_probabilities_is_near_poisson_where_events_are_few(model, scene):
    """One event in the disc at most: the probability is the expected count."""
    rates = model.rates_of(scene, TIMES[:1], np.empty(0))
    calibration = model._simulated_calibration(Situation(scene, TIMES[:1]))
    disc = np.median(rates) * np.pi * 100**2 / scene.grid.area.mean()
    assert calibration.probability(disc) == pytest.approx(disc, rel=0.15)


def test_rates_at_two_magnitudes_differ_by_the_share_of_large_events(model, catalog, scene):
    larger = Scene(catalog, HOME, Quantity(30, 6.0, 100.0), source_magnitude=4.5)
    five, six = (model.rates_of(s, TIMES[:1], np.empty(0)).sum() for s in (scene, larger))
    assert six / five == pytest.approx(0.1, rel=0.3)  # b is 1 in the catalogue


def test_an_event_at_the_issue_time_is_known(model, catalog):
    last = catalog.until(catalog.table["time"].iloc[-1])
    sequence = model.sequence_of(last)
    cells = model.cells(last)
    _, sources = cells.continuations.at(model.day(last.end))
    assert len(sources.age) == len(sequence)


def test_a_scene_beyond_the_polygon_is_refused(model, catalog):
    beyond = Scene(catalog, Region(20, 30, 33, 42), source_magnitude=4.5)
    with pytest.raises(ModelError, match="Ask for a region inside"):
        model.forecast(Situation(beyond, TIMES), PLACES)
