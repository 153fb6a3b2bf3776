import json
from importlib.metadata import entry_points

import pytest

from graben.errors import InputError, ModelError
from graben.quakes.models.point_process_folder import (
    load_process,
    process_class,
    process_names,
    save_process,
)
from graben.quakes.models.poisson import HomogeneousPoisson

ABOUT = {"training_end": "2016-01-01", "completeness_magnitude": 2.5}


@pytest.fixture
def poisson():
    model = HomogeneousPoisson()
    model.intensity_ = 0.125
    return model


def test_names_are_the_entry_points():
    names = {entry.name for entry in entry_points(group="graben.point_processes")}
    assert set(process_names()) == names
    assert process_class("poisson") is HomogeneousPoisson


def test_an_unknown_name_is_refused_and_the_known_ones_listed():
    with pytest.raises(ModelError, match=r"no point process 'magic'; known are .*poisson"):
        process_class("magic")


def test_what_is_saved_comes_back(poisson, tmp_path):
    save_process(tmp_path / "p", poisson, ABOUT)
    again = load_process(tmp_path / "p")
    assert isinstance(again.process, HomogeneousPoisson)
    assert again.process.intensity_ == 0.125
    assert (again.training_end, again.completeness_magnitude) == ("2016-01-01", 2.5)
    about = json.loads((tmp_path / "p" / "model.json").read_text())["description"]
    assert about["model"] == "poisson"
    assert "2016-01-01" in (tmp_path / "p" / "CARD.md").read_text()


@pytest.mark.parametrize("name", ABOUT)
def test_what_later_refusals_need_must_be_told(poisson, tmp_path, name):
    with pytest.raises(InputError, match=name):
        save_process(tmp_path / "p", poisson, {k: v for k, v in ABOUT.items() if k != name})
