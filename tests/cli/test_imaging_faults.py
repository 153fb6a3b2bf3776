import numpy as np
import pytest
import torch

from graben.imaging import draw_scene, open_volume, render_scene
from graben.imaging.models.faults import FaultNet
from graben.imaging.segy_writing import write_new_segy
from graben.learning.nets import UNet, UNetConfig
from graben.tiling import InMemory


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    net = UNet(UNetConfig(3, 1, 1, width=4, depth=1, stem=2)).eval()
    FaultNet({"volume": net}, about={"training_data": "none", "seed": 0}).save(tmp_path / "net")
    return tmp_path / "net"


@pytest.fixture
def survey(tmp_path):
    cube = render_scene(draw_scene(np.random.default_rng(4), "faults", (32, 36, 40)))
    write_new_segy(tmp_path / "in.sgy", InMemory(cube.amplitude))
    return tmp_path / "in.sgy"


def test_faults_are_written_beside_each_other(graben, check_page, survey, model, tmp_path):
    out = tmp_path / "faults.sgy"
    done = graben("imaging", "faults", survey, "--out", out, "--model", model, "--json")
    assert done.code == 0, done.err
    found = done.json()
    assert found["shape"] == [32, 36, 40]
    for name in ("", "_confidence", "_thinned"):
        assert open_volume(tmp_path / f"faults{name}.sgy").shape == (32, 36, 40)
    assert (tmp_path / "faults_sticks.dat").exists()
    assert (tmp_path / "faults_sticks.xyz").exists()
    assert found["unlike_training_percentile"] >= 0
    assert str(out.with_suffix(".html")) in done.err.replace("\n", "")
    check_page(out.with_suffix(".html"))


@pytest.mark.parametrize("preset", ["volume", "section", "best"])
def test_nets_that_ship_map_a_volume(graben, survey, tmp_path, preset):
    out = tmp_path / "faults.sgy"
    done = graben("imaging", "faults", survey, "--out", out, "--preset", preset, "--json")
    assert done.code == 0, done.err
    assert done.json()["preset"] == preset
    region = (slice(0, 32), slice(0, 36), slice(0, 40))
    probability = open_volume(out).read(region)
    truth = render_scene(draw_scene(np.random.default_rng(4), "faults", (32, 36, 40))).fault
    assert probability[truth].mean() > 2 * probability[~truth].mean()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "in.sgy"], "not the input"),
        (["--out", "o.sgy", "--threshold", "2"], "threshold"),
        (["--out", "o.sgy", "--model", "nothing"], "expected the folder of a fault net"),
        (["--out", "o.sgy", "--preset", "best", "--model", "net"], "got both"),
        (["--out", "o.sgy", "--scheduler", "nonsense://1"], "dask scheduler"),
    ],
)
def test_bad_input_is_told_with_its_remedy(
    graben, survey, model, tmp_path, monkeypatch, arguments, said
):
    monkeypatch.chdir(tmp_path)
    done = graben("imaging", "faults", "in.sgy", *arguments)
    assert done.code in (1, 2)
    assert said in done.err
    assert not (tmp_path / "o.sgy").exists()
    assert open_volume(survey).shape == (32, 36, 40)
