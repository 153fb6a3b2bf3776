import json
from dataclasses import replace
from importlib.metadata import entry_points

import numpy as np
import pytest

from graben.errors import InputError, ModelError
from graben.quakes.models.folder import (
    Trained,
    load_trained,
    model_class,
    model_names,
    save_trained,
    shipped_folder,
)
from graben.quakes.models.mixture import Omori
from graben.quakes.quantity import Quantity


@pytest.fixture
def trained(study, rate_models):
    return Trained(
        rate_models["omori"],
        study.quantity,
        study.region,
        study.source_magnitude,
        study.periods,
        study.region_name,
        {"source": "made by code", "end": "2020-01-01", "sha256": "0"},
        {"points": {"aegean": {"omori": {"auc": {"value": 0.9}}}}, "seed": 0},
    )


def test_names_are_the_entry_points():
    names = {entry.name for entry in entry_points(group="graben.models")}
    assert set(model_names()) == names
    assert {"uniform", "stationary", "omori", "terrain", "grid-cnn"} <= names
    assert model_class("omori") is Omori


def test_an_unknown_name_is_refused_and_the_known_ones_listed():
    with pytest.raises(ModelError, match=r"no model 'magic'; known are .*grid-cnn.*omori"):
        model_class("magic")


def test_what_is_saved_comes_back(trained, tmp_path):
    save_trained(tmp_path / "omori", trained)
    again = load_trained(tmp_path / "omori")
    for field in ("quantity", "region", "source_magnitude", "periods", "region_name", "catalog"):
        assert getattr(again, field) == getattr(trained, field)
    assert again.evidence == trained.evidence
    assert again.training_end == trained.periods.validation_end
    for name, values in trained.model.state().items():
        np.testing.assert_array_equal(again.model.state()[name], values)


def test_the_folder_says_what_it_is(trained, tmp_path):
    save_trained(tmp_path / "omori", trained)
    about = json.loads((tmp_path / "omori" / "model.json").read_text())
    assert trained.quantity.sentence in json.dumps(about)
    card = (tmp_path / "omori" / "CARD.md").read_text()
    for told in (trained.quantity.sentence, "made by code", "2014-01-01", "Apache-2.0", "0.9"):
        assert told in card


@pytest.mark.parametrize("name", ["weights.safetensors", "model.json", "CARD.md"])
@pytest.mark.parametrize("where", [0.1, 0.5, 0.95])
def test_a_flipped_byte_anywhere_is_noticed(trained, tmp_path, name, where):
    save_trained(tmp_path / "omori", trained)
    path = tmp_path / "omori" / name
    raw = bytearray(path.read_bytes())
    raw[int(where * len(raw))] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ModelError):
        load_trained(tmp_path / "omori")


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(ModelError):
        load_trained(tmp_path / "nothing")


def test_where_no_model_ships_the_remedies_are_named():
    with pytest.raises(ModelError, match=r"77d-m6.5.*--model omori.*--horizon 77d"):
        shipped_folder(Quantity(77, 6.5))


def test_a_model_without_scores_says_so(trained, tmp_path):
    save_trained(tmp_path / "omori", replace(trained, evidence={}))
    assert "Not scored." in (tmp_path / "omori" / "CARD.md").read_text()


def test_a_place_that_cannot_be_written_is_refused(trained, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="Choose an output place"):
        save_trained(tmp_path / "file" / "omori", trained)
