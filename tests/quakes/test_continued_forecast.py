import numpy as np
import pytest

from graben.errors import InputError, ModelError, StaleError
from graben.quakes.continued_forecast import _struck_catalogs, forecast
from graben.quakes.export import read_forecast, write_netcdf
from graben.quakes.grid import Grid
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.simulated_catalogs import SimulatedCatalogs
from graben.quakes.polygon import Polygon
from graben.quakes.region import Region
from graben.quakes.sequence import EventSequence, Windows

BOX = Region(30, 38, 32, 40)
PARAMETERS = EtasParameters(-5.0, -1.9, 1.2, -2.0, 0.05, 3.0, 1.2, 0.6, 0.8)
HORIZONS, MAGNITUDES = (1, 10), (3.0, 4.0)


@pytest.fixture(scope="module")
def sequence():
    rng = np.random.default_rng(4)
    magnitude = 3 + np.floor(rng.exponential(1 / np.log(10), 200) * 10) / 10
    magnitude[-1] = 5.5
    return EventSequence(
        np.sort(rng.uniform(0, 400, 200)),
        rng.uniform(30, 32, 200),
        rng.uniform(38, 40, 200),
        magnitude,
        3.0,
        0.1,
        Polygon.of(BOX),
        Windows("2000-01-01", "2000-02-01", "2000-08-01", "2001-01-01", "2002-01-01"),
    )


@pytest.fixture(scope="module")
def process(sequence):
    return Etas.with_parameters(PARAMETERS, sequence.polygon.area_km2)


@pytest.fixture(scope="module")
def found(process, sequence):
    return forecast(process, sequence, "2001-02-06", HORIZONS, MAGNITUDES, catalogs=3000)


def test_counts_and_probabilities_grow_with_the_horizon_and_fall_with_magnitude(found):
    assert found["probability"].shape == (1, 2, 2, 8, 8)
    for name in ("expected_count", "probability"):
        value = found[name].to_numpy()[0]
        assert (value[1] >= value[0]).all()
        assert (value[:, 1] <= value[:, 0]).all()


def test_a_share_of_catalogues_is_below_the_expected_count_and_in_its_interval(found):
    p, low, high = (
        found[name].to_numpy() for name in ("probability", "probability_low", "probability_high")
    )
    assert ((low <= p) & (p <= high)).all()
    expected = found["expected_count"].to_numpy()
    # P(N >= 1) <= E[N], whatever the clustering; 5 standard errors for the share
    assert (p <= expected + 5 * np.sqrt(expected / 3000) + 1e-3).all()
    one_day = (0, 0, 0)  # with a busy background events hardly cluster: there the two agree
    assert p[one_day].sum() == pytest.approx(expected[one_day].sum(), rel=0.15)


def test_two_events_of_one_catalogue_in_a_cell_count_once():
    place = np.array([30.1, 30.1, 30.1]), np.array([38.1, 38.1, 38.1])
    catalog, time = np.array([0, 0, 1], np.int32), np.array([0.5, 0.6, 5.0])
    batch = SimulatedCatalogs(catalog, time, *place, np.array([3.0, 4.0, 4.0]), catalog, 2)
    hits = _struck_catalogs(iter([batch]), Grid.covering(BOX, 0.25), HORIZONS, MAGNITUDES)
    assert hits.sum(axis=(2, 3)).tolist() == [[1, 1], [2, 2]]


def test_it_says_how_certain_it_is_and_goes_to_a_file_and_back(found, tmp_path):
    assert found.attrs["catalogs"] == 3000
    assert 0 < found.attrs["noise"] < 0.3
    write_netcdf(found, tmp_path / "horizons.nc")
    again = read_forecast(tmp_path / "horizons.nc")
    np.testing.assert_array_equal(again["probability"], found["probability"])
    assert again["probability"].attrs["long_name"].endswith("in the cell")


def test_a_part_is_the_part_of_the_whole(process, sequence, found):
    part = forecast(
        process, sequence, "2001-02-06", HORIZONS, MAGNITUDES, Region(30.5, 38, 31, 39), 3000
    )
    whole = found.sel(longitude=part["longitude"], latitude=part["latitude"])
    np.testing.assert_array_equal(part["probability"], whole["probability"])
    np.testing.assert_array_equal(part["expected_count"], whole["expected_count"])


@pytest.mark.parametrize(
    ("horizons", "magnitudes", "remedy"),
    [((10, 1), (3.0,), "Sort"), ((1,), (), "Sort"), ((1,), (2.5,), "no smaller events")],
)
def test_horizons_and_magnitudes_that_make_no_sense_are_refused(
    process, sequence, horizons, magnitudes, remedy
):
    with pytest.raises(InputError, match=remedy):
        forecast(process, sequence, "2001-02-06", horizons, magnitudes)


def test_an_issue_time_after_the_sequence_is_refused(process, sequence):
    with pytest.raises(StaleError, match="use a newer catalogue"):
        forecast(process, sequence, "2002-01-02", (1,), (3.0,))


def test_a_region_outside_the_polygon_is_refused(process, sequence):
    with pytest.raises(ModelError, match="Ask for a region inside"):
        forecast(process, sequence, "2001-02-06", (1,), (3.0,), Region(40, 38, 41, 39))
