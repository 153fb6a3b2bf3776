"""What every model promises that stands in the entry points `graben.point_processes`."""

from collections.abc import Iterator

import numba
import numpy as np
import pandas as pd
import pytest
import torch

from graben.errors import CatalogError, ModelError
from graben.output import plain
from graben.quakes.catalog import Catalog
from graben.quakes.models.point_process import PointProcess
from graben.quakes.models.point_process_folder import (
    about_fit,
    load_process,
    process_class,
    process_names,
    save_process,
)
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows

WINDOWS = Windows("2000-01-01", "2001-01-01", "2006-01-01", "2008-01-01", "2010-01-01")
BOX = Polygon([10, 12, 12, 10], [40, 40, 42, 42])
SPAN = (pd.Timestamp(WINDOWS.test_end) - pd.Timestamp(WINDOWS.auxiliary_start)).days
EVERY = pytest.mark.parametrize("name", process_names())


@pytest.fixture(scope="module", autouse=True)
def _on_one_thread() -> Iterator[None]:
    threads = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    yield
    torch.set_num_threads(threads[0])
    numba.set_num_threads(threads[1])


def clusters(seed: int, shocks: int = 250) -> Catalog:
    """Shocks at random, each followed by a few events nearby that grow rarer."""
    rng = np.random.default_rng(seed)
    size = rng.poisson(3, shocks)
    shock = np.repeat(np.arange(shocks), 1 + size)
    first = np.r_[True, np.diff(shock) > 0]
    day = rng.uniform(0, SPAN, shocks)[shock] + np.where(
        first, 0, 0.01 * ((1 - rng.random(shock.size)) ** -2 - 1)
    )
    place = rng.uniform((10.2, 40.2), (11.8, 41.8), (shocks, 2))[shock]
    place = place + np.where(first[:, None], 0, rng.normal(0, 0.02, (shock.size, 2)))
    start = pd.Timestamp(WINDOWS.auxiliary_start, tz="UTC")
    keep = day < SPAN
    table = pd.DataFrame(
        {
            "time": start + pd.to_timedelta(day, unit="D"),
            "longitude": place[:, 0],
            "latitude": place[:, 1],
            "magnitude": 2.95 + rng.exponential(1 / np.log(10), shock.size),
        }
    )[keep]
    table = table.sort_values("time", ignore_index=True)
    table.loc[3, "time"] = table.loc[2, "time"]  # as catalogues have them
    return Catalog.from_table(table, "made by code")


def cut(catalog: Catalog) -> EventSequence:
    return EventSequence.from_catalog(catalog, BOX, WINDOWS, 3.0)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return clusters(1)


@pytest.fixture(scope="module")
def sequence(catalog: Catalog) -> EventSequence:
    return cut(catalog)


@pytest.fixture(scope="module")
def models(sequence: EventSequence) -> dict[str, PointProcess]:
    """Every point process, fitted once."""
    return {name: process_class(name)().fit(sequence) for name in process_names()}


def same(one: PointProcess, other: PointProcess) -> bool:
    ours, theirs = one.state(), other.state()
    return (
        ours.keys() == theirs.keys()
        and all(ours[key].tobytes() == theirs[key].tobytes() for key in ours)
        and plain(one.settings()) == plain(other.settings())  # in which NaN equals NaN
    )


def said(model: PointProcess, sequence: EventSequence, window: slice) -> list[bytes]:
    scores = model.score(sequence, window)
    return [scores.rate.tobytes(), scores.intensity.tobytes(), scores.expected.tobytes()]


@EVERY
def test_it_says_what_it_is(name):
    kind = process_class(name)
    assert issubclass(kind, PointProcess)
    assert kind.name == name
    assert kind.__doc__
    assert kind.fits


@EVERY
def test_scores_are_those_of_an_intensity(sequence, models, name):
    for window in (sequence.training, sequence.validation, sequence.test):
        scores = models[name].score(sequence, window)
        count = window.stop - window.start
        for values in (scores.rate, scores.intensity, scores.expected):
            assert values.shape == (count,)
            assert np.isfinite(values).all()
        assert (scores.rate > 0).all()
        assert (scores.intensity > 0).all()
        assert (scores.expected >= 0).all()
        assert scores.expected_after >= 0
        np.testing.assert_allclose(scores.total, scores.temporal + scores.spatial)


@EVERY
def test_it_expects_about_as_many_as_it_learned_from(sequence, models, name):
    scores = models[name].score(sequence, sequence.fitted)
    observed = sequence.fitted.stop - sequence.fitted.start
    assert 0.7 < (scores.expected.sum() + scores.expected_after) / observed < 1.4


@EVERY
def test_what_is_loaded_scores_the_same_bit_for_bit(catalog, sequence, models, name, tmp_path):
    save_process(tmp_path / name, models[name], about_fit(sequence, catalog))
    again = load_process(tmp_path / name)
    assert again.process.name == name
    assert same(again.process, models[name])
    assert said(again.process, sequence, sequence.test) == said(
        models[name], sequence, sequence.test
    )
    assert again.training_end == WINDOWS.test_start
    assert again.completeness_magnitude == 3.0


@EVERY
def test_a_flipped_byte_is_refused(catalog, sequence, models, name, tmp_path):
    save_process(tmp_path / name, models[name], about_fit(sequence, catalog))
    weights = tmp_path / name / "weights.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(raw)
    with pytest.raises(ModelError):
        load_process(tmp_path / name)


@EVERY
def test_the_same_seed_gives_the_same_model(sequence, models, name):
    assert same(process_class(name)().fit(sequence), models[name])


@EVERY
def test_nothing_from_the_test_window_is_learned(sequence, models, name):
    other = cut(clusters(2))
    replaced = sequence.replaced_from(sequence.test.start, other)
    assert replaced.time[replaced.test].tobytes() != sequence.time[sequence.test].tobytes()
    assert same(process_class(name)().fit(replaced), models[name])


@EVERY
def test_what_comes_after_an_event_does_not_change_its_score(sequence, models, name):
    window = sequence.test
    middle = (window.start + window.stop) // 2
    replaced = sequence.replaced_from(middle, cut(clusters(2)))
    before = middle - window.start
    ours, theirs = (models[name].score(events, events.test) for events in (sequence, replaced))
    for part in ("rate", "intensity", "expected"):
        np.testing.assert_allclose(
            getattr(ours, part)[:before], getattr(theirs, part)[:before], rtol=1e-5
        )


@EVERY
def test_simultaneous_events_are_scored(models, catalog, name):
    table = catalog.table.drop(columns="event_id")
    test = table.index[table["time"] >= pd.Timestamp(WINDOWS.test_start, tz="UTC")]
    table.loc[test[4:7], "time"] = table.loc[test[4], "time"]
    equal = cut(Catalog.from_table(table, "made by code"))
    scores = models[name].score(equal, equal.test)
    assert np.isfinite(scores.total).all()
    np.testing.assert_array_equal(scores.expected[5:7], 0.0)
    np.testing.assert_array_equal(scores.rate[5:7], scores.rate[4])


@EVERY
def test_twenty_events_are_refused_with_the_remedy(name):
    with pytest.raises(CatalogError, match="Widen the windows or the polygon"):
        process_class(name)().fit(cut(clusters(3, shocks=5)))
