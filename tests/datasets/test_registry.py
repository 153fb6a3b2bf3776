"""The facts of each data set stand once and are whole."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from graben.datasets import about, all_datasets, registry
from graben.errors import InputError

ROOT = Path(__file__).parents[2]
NAMES = [dataset.name for dataset in all_datasets()]


@pytest.mark.parametrize("name", NAMES)
def test_each_data_set_says_what_people_must_know(name):
    dataset = about(name)
    assert dataset.traps
    assert len(dataset.licence) > 10
    assert len(dataset.origin) > 10
    assert dataset.counts
    assert all(count > 0 for count in dataset.counts.values())
    assert re.fullmatch(r"[0-9a-f]{64}", dataset.sha256)
    assert dataset.bytes > 0
    assert registry.package(dataset.package).sha256
    assert (dataset.kind == "catalogue") == (dataset.period is not None)
    assert (dataset.kind == "elevation") == (dataset.cells_per_degree is not None)
    assert dataset.ships == (dataset.decoded_sha256 is not None) == (dataset.member is None)


def test_what_may_not_be_redistributed_does_not_ship():
    for dataset in all_datasets():
        if dataset.ships:
            assert not re.search("CC-BY-SA|not settled|ISC:|CMT", dataset.licence)


def test_an_unknown_name_gets_the_list():
    with pytest.raises(InputError, match=r"no data set 'usgs'.*usgs-tile-m4.*graben data list"):
        about("usgs")


def test_the_page_says_what_the_registry_says(tmp_path):
    tool = ROOT / "tools" / "build_embedded_data.py"
    page = tmp_path / "page.md"
    subprocess.run([sys.executable, tool, "--page", page], check=True, timeout=60)
    assert page.read_text() == (ROOT / "DATA_SOURCES.md").read_text()
