import numpy as np
import pytest
import torch

from graben.imaging import write_new_segy
from graben.imaging.models.layer_net import LayerNet, LayerNetConfig
from graben.imaging.models.structure import StructureNet
from graben.learning.nets import UNet, UNetConfig
from graben.tiling import InMemory

SHAPE = (24, 20, 50)


@pytest.fixture
def survey(tmp_path):
    layers = np.random.default_rng(0).normal(size=SHAPE[2]).astype(np.float32)
    image = np.broadcast_to(layers, SHAPE).copy()
    write_new_segy(tmp_path / "survey.sgy", InMemory(image), sample_interval=4.0)
    return tmp_path / "survey.sgy"


@pytest.fixture
def model(tmp_path):
    """A net that says that there is no salt, and knows layers by weights that were drawn."""
    torch.manual_seed(0)
    net = UNet(UNetConfig(3, 5, 3, width=4, depth=1, stem=2)).eval()
    with torch.no_grad():
        net.last.weight.zero_()
        net.last.bias.zero_()
        net.last.bias[:24] = -9
    StructureNet(net, LayerNet(LayerNetConfig(4, 4, (1,))).eval()).save(tmp_path / "model")
    return tmp_path / "model"


def test_horizons_of_flat_time_are_flat(graben, tmp_path, survey, model):
    out = tmp_path / "horizons.xyz"
    done = graben(
        "imaging", "horizons", survey, "--seed", "5,6,100", "--seed", "9,3,62", "--out", out,
        "--model", model, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    first = done.json()["horizons"][0]
    assert first["share_of_traces"] == 1
    assert first["mean_ms"] == pytest.approx(100, abs=0.1)
    assert out.read_text().splitlines()[0] == "# x y z_ms inline crossline horizon"
    points = np.loadtxt(out)
    assert points.shape == (2 * SHAPE[0] * SHAPE[1], 6)
    np.testing.assert_allclose(points[points[:, 5] == 2, 2], 62, atol=0.1)
    assert set(points[:, 3]) == set(range(1, 25))
    assert set(points[:, 4]) == set(range(1, 21))
    assert out.with_suffix(".png").stat().st_size > 10_000


def test_horizons_follow_layers_across_a_fault(graben, tmp_path):
    column = np.arange(64)
    depth = 0.2 * column + 12.0 * (column >= 30)  # samples
    layers = np.convolve(np.random.default_rng(1).normal(size=200), np.hanning(7), "same")
    line = np.interp(np.arange(90) - depth[:, None] + 60, np.arange(200), layers)
    image = np.broadcast_to(line.astype(np.float32), (24, 64, 90)).copy()
    write_new_segy(tmp_path / "faulted.sgy", InMemory(image), sample_interval=4.0)
    done = graben(
        "imaging", "horizons", tmp_path / "faulted.sgy", "--seed", "12,11,160",
        "--out", tmp_path / "h.xyz",
    )  # fmt: skip
    assert done.code == 0, done.err
    points = np.loadtxt(tmp_path / "h.xyz")
    expected = 160 + 4 * (depth - depth[10])[points[:, 4].astype(int) - 1]
    away = np.abs(points[:, 4] - 30.5) > 4
    assert away.sum() > 1200
    assert np.abs(points[:, 2] - expected)[away].mean() < 4  # ms: one sample


def test_a_stack_of_horizons(graben, tmp_path, survey, model):
    done = graben(
        "imaging", "horizons", survey, "--every", "40", "--out", tmp_path / "h.xyz",
        "--model", model,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert len(set(np.loadtxt(tmp_path / "h.xyz")[:, 5])) == 5
    assert "100 %" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected --seed"),
        (["--seed", "5,6"], "INLINE,CROSSLINE,TIME"),
        (["--seed", "a,b,c"], "INLINE,CROSSLINE,TIME"),
        (["--seed", "99,6,100"], "inlines 1 to 24, got 99"),
        (["--seed", "5,6,900"], "from 0 to 196 ms, got 900"),
        (["--seed", "5,6,100", "--every", "1"], "4 ms apart or more"),
        (["--seed", "5,6,100", "--seed", "5,6,80", "--every", "20"], "one --seed"),
    ],
)
def test_seeds_that_cannot_be_are_refused(graben, tmp_path, survey, model, arguments, said):
    out = tmp_path / "h.xyz"
    done = graben("imaging", "horizons", survey, "--out", out, "--model", model, *arguments)
    assert done.code != 0
    assert said in " ".join(done.err.split())
    assert not out.exists()


def test_the_input_is_never_written_to(graben, tmp_path, survey, model):
    before = survey.read_bytes()
    done = graben(
        "imaging", "horizons", survey, "--seed", "5,6,100", "--out", survey, "--model", model
    )
    assert done.code != 0
    assert "not the input" in done.err
    assert survey.read_bytes() == before
