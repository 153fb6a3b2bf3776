import io
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from graben.datasets import load_elevation
from graben.errors import InputError
from graben.quakes.catalog import Catalog
from graben.quakes.forecast_figures import (
    attribution_maps,
    correction_map,
    hindsight_figure,
    importance_figure,
    learning_figure,
    molchan_figure,
    place_history,
    probability_map,
    reliability_figure,
    skill_figure,
)
from graben.quakes.quantity import Quantity

ISSUED = pd.Timestamp("2025-10-26T17:13:22", tz="UTC")
RANDOM = np.random.default_rng(5)
NAN = float("nan")


def made_forecast(times=1, **attrs):
    shape = (times, 1, 1, 32, 80)
    dims = ("issue_time", "horizon", "magnitude", "latitude", "longitude")
    variables = {
        name: (dims, 10 ** np.random.default_rng(1).uniform(-4, -0.5, shape))
        for name in ("expected_count", "probability", "probability_low", "probability_high")
    }
    coordinates = {
        "issue_time": ISSUED.tz_convert(None).to_datetime64() + np.arange(times),
        "horizon": [30],
        "magnitude": [5.0],
        "latitude": 35.125 + 0.25 * np.arange(32),
        "longitude": 25.125 + 0.25 * np.arange(80),
    }
    told = {"title": Quantity().sentence, "model": "grid-cnn", "hindsight": "false"}
    return xr.Dataset(variables, coordinates, told | attrs)


def made_catalog():
    """Two old events, two of the last year, one after the issue time, one small, one far."""
    days = [-4000, -366, -364, 0, 1, -100, -50]
    rows = {
        "time": [ISSUED + timedelta(days=day) for day in days],
        "longitude": [30, 31, 32, 33, 34, 35, 60],
        "latitude": [36, 37, 38, 39, 40, 41, 36],
        "magnitude": [5, 6, 7, 7.8, 6, 4.9, 6],
    }
    return Catalog.from_table(pd.DataFrame(rows), "made for a test")


def title_of(figure):
    return figure.get_suptitle().replace("\n", " ")


def drawn(figure):
    """Draw the whole figure, and give its size in bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return len(stream.getvalue())


def test_the_map_shows_the_probability_the_coast_and_past_epicentres():
    forecast = made_forecast()
    elevation = load_elevation("globe-anatolia")
    figure = probability_map(forecast, made_catalog(), elevation)
    axes, bar = figure.axes
    field, relief = axes.images
    np.testing.assert_array_equal(field.get_array(), forecast["probability"].squeeze())
    assert tuple(field.get_extent()) == (25, 45, 35, 43)
    assert relief.get_array().shape[2] == 4
    assert (axes.get_xlim(), axes.get_ylim()) == ((25, 45), (35, 43))
    old, recent = axes.collections[:2]
    assert np.asarray(old.get_offsets()).tolist() == [[30, 36], [31, 37]]
    assert np.asarray(recent.get_offsets()).tolist() == [[32, 38], [33, 39]]
    assert (np.diff(old.get_sizes()) > 0).all()
    assert len(axes.lines) > 10
    assert bar.get_xlabel() == "probability"
    assert all(text.get_text().endswith(" %") for text in bar.get_xticklabels())
    assert Quantity().sentence in title_of(figure)
    assert "issued 2025-10-26 17:13 UTC; model grid-cnn" in title_of(figure)
    assert "hindsight" not in title_of(figure)
    assert drawn(figure) > 50_000


def test_the_map_owns_up_to_hindsight_and_needs_no_terrain():
    figure = probability_map(made_forecast(hindsight="true"), made_catalog())
    assert "hindsight" in title_of(figure)
    assert len(figure.axes[0].images) == 1
    assert drawn(figure)


def test_a_map_where_nothing_can_happen_is_drawn():
    forecast = made_forecast()
    forecast["probability"][:] = 0
    assert drawn(probability_map(forecast, made_catalog()))


def test_one_map_shows_one_time():
    with pytest.raises(InputError, match="one issue_time, got 2"):
        probability_map(made_forecast(times=2), made_catalog())


@pytest.mark.parametrize("factor", [0.001, 1, 5])
def test_the_correction_is_centred_on_one(factor):
    longitude, latitude = 25.125 + 0.25 * np.arange(20), 35.125 + 0.25 * np.arange(10)
    ratio = np.exp(factor * RANDOM.normal(size=(10, 20)))
    ratio[0, 0] = NAN
    figure = correction_map(ratio, longitude, latitude, "rate of grid-cnn over Omori")
    axes, bar = figure.axes
    field = axes.images[0]
    shown = np.ma.filled(field.get_array(), NAN)
    np.testing.assert_array_equal(shown, ratio)
    low, high = field.get_clim()
    assert low * high == pytest.approx(1)
    assert field.norm(1.0) == pytest.approx(0.5)
    assert "1" in [text.get_text() for text in bar.get_xticklabels()]
    assert title_of(figure) == "rate of grid-cnn over Omori"
    assert drawn(figure)


@pytest.mark.parametrize("count", [1, 5])
def test_attributions_share_one_scale(count):
    maps = {f"channel {n}": (n + 1) * RANDOM.normal(size=(9, 9)) for n in range(count)}
    maps["channel 0"][0, 0] = NAN
    figure = attribution_maps(maps, "attribution to the log rate (nats)")
    panels = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in panels] == list(maps)
    largest = max(np.nanmax(np.abs(values)) for values in maps.values())
    for axes, values in zip(panels, maps.values(), strict=True):
        assert axes.images[0].get_clim() == (-largest, largest)
        np.testing.assert_array_equal(np.ma.filled(axes.images[0].get_array(), NAN), values)
        assert axes.images[0].origin == "lower"
    assert title_of(figure) == "attribution to the log rate (nats)"
    assert drawn(figure)


def test_reliability_shows_every_group_and_interval():
    full = {
        "expected": [0.002, 0.02, 0.2],
        "observed": [0.003, 0.02, 0.0],
        "low": [0.001, NAN, 0.0],
        "high": [0.004, NAN, 0.1],
        "count": [900, 90, 9],
    }
    bare = {"expected": [0.01], "observed": [0.02], "count": [50]}
    figure = reliability_figure(
        {"omori": full, "grid-cnn": bare, "light-cnn": bare | {"low": None}}
    )
    axes, below = figure.axes
    happened, never = axes.lines[:2]
    assert happened.get_xydata().tolist() == [[0.002, 0.003], [0.02, 0.02]]
    assert never.get_xdata().tolist() == [0.2]
    assert below.lines[0].get_ydata().tolist() == [900, 90, 9]
    assert len(axes.collections) == 1
    segments = axes.collections[0].get_segments()
    assert [part[1][1] for part in segments if len(part)] == [0.004, 0.1]
    low, high = axes.get_xlim()
    assert axes.get_ylim() == (low, high)
    assert (low, high) == pytest.approx((0.001, 0.3))
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["omori", "grid-cnn", "light-cnn", "perfect"]
    assert "observed" in axes.get_ylabel()
    assert "probability" in below.get_xlabel()
    assert drawn(figure)


def test_molchan_curves_keep_their_points_and_name_their_area():
    alarm = np.array([0, 1e-5, 0.001, 0.1, 1])
    missed = np.array([1, 1, 0.7, 0.2, 0])
    curves = {"omori": {"alarm": alarm, "missed": missed, "area": 0.0641}}
    curves["terrain"] = {"alarm": [0, 1], "missed": [1, 0]}
    figure = molchan_figure(curves)
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), np.stack([alarm, missed], 1))
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["omori (area 0.064)", "terrain", "by chance (area 0.5)"]
    chance = axes.lines[-1].get_xydata()
    np.testing.assert_allclose(chance.sum(axis=1), 1)
    assert axes.get_xscale() == "log"
    assert axes.get_xlim()[0] == pytest.approx(0.001)
    assert drawn(figure)


@pytest.mark.parametrize(("worst", "scale"), [(-0.4, "linear"), (-300, "symlog")])
def test_skill_stands_against_its_baseline(worst, scale):
    rows = [
        {"model": "grid-cnn", "value": 0.05, "low": 0.01, "high": 0.09},
        {"model": "stationary", "value": -0.3, "low": None, "high": None},
        {"model": "uniform", "value": worst, "low": NAN, "high": NAN},
    ]
    figure = skill_figure(rows, "nats per earthquake", "Omori")
    axes = figure.axes[0]
    assert axes.get_xscale() == scale
    assert axes.lines[0].get_xdata() == [0, 0]
    assert axes.lines[1].get_xdata().tolist() == [0.05, -0.3, worst]
    assert title_of(figure) == "Gain over Omori, nats per earthquake"
    assert "nats per earthquake" in axes.get_xlabel()
    assert drawn(figure)
    low, high = axes.get_xlim()
    assert low < worst
    assert high > 0.09


def test_the_most_important_channel_is_on_top():
    rows = [{"channel": name, "value": value} for name, value in (("a", 0.1), ("b", 0.3))]
    figure = importance_figure(rows, "nats per earthquake")
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["b", "a"]
    assert "nats per earthquake" in title_of(figure)
    assert drawn(figure)


@pytest.mark.parametrize("count", [1, 7, 8])
def test_learning_shows_each_epoch_and_the_best(count):
    history = {"train_loss": [3.0, 2.0], "validation": [4.0, 2.5, 2.6], "best_epoch": 1}
    figure = learning_figure({f"member {n}": history for n in range(count)})
    above, below = figure.axes
    assert above.lines[0].get_xydata().tolist() == [[1, 3], [2, 2]]
    assert below.lines[0].get_xydata().tolist() == [[0, 4], [1, 2.5], [2, 2.6]]
    assert below.lines[1].get_xydata().tolist() == [[1, 2.5]]
    labels = below.get_legend_handles_labels()[1]
    names = ["8 trainings"] if count == 8 else [f"member {n}" for n in range(count)]
    assert labels == [*names, "best epoch, kept"]
    assert drawn(figure)


def test_hindsight_is_drawn_open():
    rows = [
        {"label": "1999 Izmit", "probability": 0.01, "share_higher": 0.2, "hindsight": True},
        {"label": "2011 Van", "probability": 0.004, "share_higher": 0.4, "hindsight": False},
    ]
    figure = hindsight_figure(rows)
    left, right = figure.axes
    honest, learned = left.lines
    assert honest.get_xydata().tolist() == [[0.004, 1]]
    assert learned.get_xydata().tolist() == [[0.01, 0]]
    assert learned.get_markerfacecolor() == "white"
    assert [line.get_xdata().tolist() for line in right.lines] == [[0.4], [0.2]]
    assert [text.get_text() for text in left.get_yticklabels()] == ["1999 Izmit", "2011 Van"]
    assert drawn(figure)


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("count", [0, 3])
def test_the_history_of_a_place_stands_over_its_earthquakes(count, zone):
    times = pd.date_range("2015-01-01", periods=50, freq="30D", tz=zone)
    probability = RANDOM.uniform(0.001, 0.5, 50)
    probability[7] = NAN
    rows = {
        "time": pd.date_range("2016-01-01", periods=3, freq="100D", tz="UTC"),
        "magnitude": [5.0, 6.5, 7.8],
        "distance_km": [90.0, 20.0, 50.0],
    }
    figure = place_history(times, probability, pd.DataFrame(rows)[:count], Quantity().sentence)
    above, below = figure.axes[:2]
    np.testing.assert_array_equal(above.lines[0].get_ydata(), probability)
    assert above.get_yscale() == "log"
    assert title_of(figure) == Quantity().sentence
    if count:
        magnitudes = np.asarray(below.collections[1].get_offsets())[:, 1]
        assert magnitudes.tolist() == [5.0, 6.5, 7.8]
        assert below.get_ylim()[0] < 5
        assert figure.axes[2].get_ylabel() == "distance (km)"
    else:
        assert below.texts[0].get_text() == "none"
    assert drawn(figure)
