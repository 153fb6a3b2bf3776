"""What every model promises that stands in the entry points `graben.models`."""

from collections.abc import Iterator
from dataclasses import replace

import numba
import numpy as np
import pandas as pd
import pytest
import torch

from graben.datasets import load_elevation
from graben.errors import ModelError, RasterError
from graben.learning import Recipe
from graben.quakes.catalog import embedded_catalog
from graben.quakes.models import grid_cnn, hybrid_etas, samples, simulated_rates
from graben.quakes.models.base import ForecastModel, Situation
from graben.quakes.models.folder import (
    Trained,
    load_trained,
    model_class,
    model_names,
    save_trained,
)
from graben.quakes.models.gates import Gates
from graben.quakes.region import Region
from graben.quakes.study import Periods, Study

TIMES = pd.DatetimeIndex(["2014-06-01", "2019-12-01"], tz="UTC")
PLACES = np.array([26.0, 27.7, 29.0]), np.array([37.0, 38.4, 40.1])
EVERY = pytest.mark.parametrize("name", model_names())


@pytest.fixture(scope="module", autouse=True)
def _small_and_on_one_thread() -> Iterator[None]:
    """A few samples and one core: the contract asks for no skill."""
    threads = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        sizes = {"training": (40, 80), "validation": (20, 40), "test": (20, 40)}
        patch.setattr(samples, "SIZES", sizes)
        patch.setattr(grid_cnn, "CELLS_PER_TRAINING", 1500)
        patch.setattr(grid_cnn, "CELLS_PER_VALIDATION", 1500)
        patch.setattr(hybrid_etas, "FEWEST_TARGETS", 300)
        patch.setattr(simulated_rates, "CATALOGS", 50)
        patch.setattr(Gates, "tuned", staticmethod(lambda seed: Recipe(max_epochs=2, seed=seed)))
        samples.place_samples.cache_clear()
        yield
    samples.place_samples.cache_clear()
    torch.set_num_threads(threads[0])
    numba.set_num_threads(threads[1])


@pytest.fixture(scope="module")
def study() -> Study:
    """Twenty years of the Aegean, as recorded, with its elevations."""
    return Study(
        embedded_catalog("usgs-tile-m4"),
        Region(21, 32, 33, 44),
        elevation=load_elevation("globe-tile"),
        periods=Periods("2000-01-01", "2008-01-01", "2011-01-01", "2014-01-01"),
        region_name="aegean",
    )


def fitted(name: str, study: Study) -> ForecastModel:
    """The model, trained for two epochs if it is trained in epochs."""
    model = model_class(name)()
    if hasattr(model, "recipe"):
        model.recipe = replace(model.recipe, max_epochs=2)
    return model.fit(study)


def forecast(model: ForecastModel, study: Study) -> list[bytes]:
    found = model.forecast(Situation(study, TIMES), PLACES)
    return [found.value.tobytes(), found.low.tobytes(), found.high.tobytes()]


@pytest.fixture(scope="module")
def models(study: Study) -> dict[str, ForecastModel]:
    """Every model, fitted once."""
    return {name: fitted(name, study) for name in model_names()}


@pytest.fixture(scope="module")
def folders(study, models, tmp_path_factory):
    """Every model, saved."""
    root = tmp_path_factory.mktemp("models")
    about = {"source": study.catalog.source, "end": "2025", "sha256": study.catalog.sha256()}
    for name, model in models.items():
        trained = Trained(
            model,
            study.quantity,
            study.region,
            study.source_magnitude,
            study.periods,
            study.region_name,
            about,
            {},
        )
        save_trained(root / name, trained)
    return root


@EVERY
def test_it_says_what_it_is(name):
    kind = model_class(name)
    assert issubclass(kind, ForecastModel)
    assert kind.name == name
    assert kind.__doc__
    assert kind.fits


@EVERY
def test_a_forecast_is_a_probability_within_its_interval(study, models, name):
    found = models[name].forecast(Situation(study, TIMES), PLACES)
    for values in (found.value, found.low, found.high):
        assert values.shape == (2, 3)
    assert np.isfinite(found.value).all()
    assert ((found.value >= 0) & (found.value <= 1)).all()
    known = ~np.isnan(found.low)
    np.testing.assert_array_equal(known, ~np.isnan(found.high))
    assert (found.low[known] <= found.value[known]).all()
    assert (found.value[known] <= found.high[known]).all()


@EVERY
def test_one_time_alone_is_answered_as_among_others(study, models, name):
    both = models[name].forecast(Situation(study, TIMES), PLACES).value
    alone = models[name].forecast(Situation(study, TIMES[1:]), PLACES).value
    np.testing.assert_allclose(both[1:], alone, rtol=1e-5)


@EVERY
def test_the_future_plays_no_part(study, models, name):
    known = replace(study, catalog=study.catalog.until("2014-06-01"))
    now = TIMES[:1]
    answers = [models[name].forecast(Situation(s, now), PLACES).value for s in (study, known)]
    assert answers[0].tobytes() == answers[1].tobytes()


@EVERY
def test_what_is_loaded_forecasts_the_same_bit_for_bit(study, models, folders, name):
    again = load_trained(folders / name)
    assert again.model.name == name
    assert forecast(again.model, study) == forecast(models[name], study)


@EVERY
def test_a_flipped_byte_is_refused(folders, name, tmp_path):
    for part in ("weights.safetensors", "model.json"):
        broken = tmp_path / part
        broken.mkdir()
        for path in (folders / name).iterdir():
            raw = bytearray(path.read_bytes())
            if path.name == part:
                raw[len(raw) * 2 // 3] ^= 1
            (broken / path.name).write_bytes(raw)
        with pytest.raises(ModelError):
            load_trained(broken)


@EVERY
def test_the_same_seed_gives_the_same_state(study, models, name):
    again = fitted(name, study).state()
    state = models[name].state()
    assert again.keys() == state.keys()
    for key, values in state.items():
        assert again[key].tobytes() == values.tobytes(), key


@EVERY
def test_without_terrain_it_answers_or_names_the_remedies(study, models, name):
    flat = replace(study, elevation=None)
    situation = Situation(flat, TIMES)
    if models[name].needs_terrain:
        with pytest.raises(RasterError, match=r"--dem.*omori"):
            models[name].check(situation)
        with pytest.raises(RasterError, match=r"--dem.*omori"):
            fitted(name, flat)
    else:
        models[name].check(situation)
        assert np.isfinite(models[name].forecast(situation, PLACES).value).all()
