"""The whole path from a file to fault files, with tiny nets: what they say is not the point."""

import numpy as np
import pytest
import torch

from graben.errors import InputError, OutputError, SeismicError
from graben.imaging import draw_scene, fault_map, map_faults, open_volume, render_scene
from graben.imaging.models.calibration import Platt
from graben.imaging.models.faults import FaultNet
from graben.imaging.ridges import thin
from graben.imaging.segy_writing import write_new_segy
from graben.imaging.sticks import read_sticks
from graben.learning.nets import UNet, UNetConfig
from graben.tiling import InMemory

SHAPE = (40, 36, 44)
EVERYTHING = tuple(slice(0, side) for side in SHAPE)


def tiny_net(ndim, seed):
    stem, convolutions = (2, 1) if ndim == 3 else (1, 2)
    torch.manual_seed(seed)
    config = UNetConfig(ndim, 1, 1, width=4, depth=1, stem=stem, encoder_convolutions=convolutions)
    net = UNet(config)
    net.train()
    with torch.no_grad():
        for _ in range(3):
            net(torch.randn(2, 1, *[16] * ndim))
        net.last.weight *= 8
    return net.eval()


def model_of(preset):
    volume, section = tiny_net(3, 0), tiny_net(2, 1)
    nets = {"volume": volume, "section": section}
    if preset != "best":
        nets = {preset: nets[preset]}
    found = {f"{name}, volume": Platt(1.5, 0.3) for name in ("volume", "section", "best")}
    return FaultNet(nets, found, {"seed": 0, "training_data": "none"})


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    path = tmp_path_factory.mktemp("survey") / "in.sgy"
    cube = render_scene(draw_scene(np.random.default_rng(4), "faults", SHAPE))
    write_new_segy(path, InMemory(1000 * cube.amplitude + 7), first_sample=400)
    return path


def interrupted(monkeypatch, volume, model, out):
    """Let the disk be full when all is computed and the files are written."""

    def full(*_):
        raise OutputError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(fault_map, "write_like", full)
        with pytest.raises(OutputError, match="full"):
            map_faults(volume, model, out)


def read(path, like=EVERYTHING):
    return open_volume(path).read(like)


@pytest.mark.parametrize("preset", ["volume", "section", "best"])
def test_files_hold_what_the_model_says_of_the_whole_volume(survey, tmp_path, preset, monkeypatch):
    monkeypatch.setattr(fault_map, "LONGEST", 24)
    monkeypatch.setattr(fault_map, "SAMPLES", 6 * 36 * 44)
    out = tmp_path / "faults.sgy"
    volume, model = open_volume(survey), model_of(preset)
    summary = map_faults(volume, model, out, threshold=0.4)
    image = volume.survey_statistics().normalise(volume.read(EVERYTHING))
    expected = model.predict(image)
    found = read(out)
    np.testing.assert_allclose(found, expected.probability, atol=1e-5)
    np.testing.assert_allclose(
        read(tmp_path / "faults_confidence.sgy"), np.maximum(found, 1 - found), atol=1e-6
    )
    np.testing.assert_array_equal(read(tmp_path / "faults_thinned.sgy"), thin(found, 0.4))
    if preset == "volume":
        assert not (tmp_path / "faults_spread.sgy").exists()
    else:
        np.testing.assert_allclose(read(tmp_path / "faults_spread.sgy"), expected.spread, atol=1e-5)
    assert summary["share"] == pytest.approx((found >= 0.4).mean())
    assert not list(tmp_path.glob(".*"))


def test_sticks_lie_on_thinned_faults(survey, tmp_path):
    out = tmp_path / "faults.sgy"
    volume = open_volume(survey)
    summary = map_faults(volume, model_of("volume"), out, threshold=0.3, every=5)
    sticks = read_sticks(tmp_path / "faults_sticks.dat")
    assert len(sticks) == summary["sticks"] > 0
    assert len(read_sticks(tmp_path / "faults_sticks.xyz")) == len(sticks)
    thinned = read(tmp_path / "faults_thinned.sgy")
    for stick in sticks:
        assert (stick.inline[0] - 1) % 5 == 0
        for inline, crossline, time in zip(stick.inline, stick.crossline, stick.depth, strict=True):
            i, j, k = int(inline) - 1, int(crossline) - 1, round((time - 400) / 4)
            assert thinned[i, max(j - 2, 0) : j + 3, max(k - 2, 0) : k + 3].any()


@pytest.mark.parametrize("preset", ["volume", "section", "best"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_line_is_seen_as_a_line(tmp_path, preset, turned):
    cube = render_scene(draw_scene(np.random.default_rng(1), "faults", (16, 50, 44)), (1, 50, 44))
    section = cube.amplitude.swapaxes(0, 1) if turned else cube.amplitude
    path = tmp_path / "line.sgy"
    write_new_segy(path, InMemory(np.ascontiguousarray(section)))
    volume, model, out = open_volume(path), model_of(preset), tmp_path / "out.sgy"
    map_faults(volume, model, out)
    whole = tuple(slice(0, side) for side in volume.shape)
    image = volume.survey_statistics().normalise(volume.read(whole))
    np.testing.assert_allclose(read(out, whole), model.predict(image).probability, atol=1e-6)
    assert (tmp_path / "out_spread.sgy").exists()


@pytest.mark.parametrize("preset", ["section", "volume"])
def test_an_interrupted_run_goes_on_and_leaves_earlier_results_whole(
    survey, tmp_path, monkeypatch, preset
):
    out = tmp_path / "faults.sgy"
    volume, model = open_volume(survey), model_of(preset)
    map_faults(volume, model, out)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.sgy")}

    interrupted(monkeypatch, volume, model, out)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.sgy")} == before
    assert (tmp_path / ".faults.sgy-tiles").is_dir()
    for what in ("fault_tiles.net_logits", "fault_stream.StreamedUNet"):
        monkeypatch.setattr(f"graben.imaging.models.{what}", None)
    map_faults(volume, model, out)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.sgy")} == before


def test_what_was_calibrated_otherwise_is_not_gone_on_with(survey, tmp_path, monkeypatch):
    out, volume, model = tmp_path / "faults.sgy", open_volume(survey), model_of("volume")

    interrupted(monkeypatch, volume, model, out)
    other = FaultNet(model.nets, {"volume, volume": Platt(0.5, -1.0)}, model.about)
    map_faults(volume, other, out)
    image = volume.survey_statistics().normalise(volume.read(EVERYTHING))
    np.testing.assert_allclose(read(out), other.predict(image).probability, atol=1e-5)


@pytest.mark.parametrize("preset", ["volume", "section", "best", "section, adapted", "a line"])
def test_as_much_space_is_asked_for_as_is_used(survey, tmp_path, monkeypatch, preset):
    model, volume = model_of(preset.split(",")[0] if preset != "a line" else "best"), survey
    if preset.endswith("adapted"):
        model = FaultNet({**model.nets, "adapted": tiny_net(2, 3)}, {}, model.about)
    if preset == "a line":
        volume = tmp_path / "line.sgy"
        write_new_segy(volume, InMemory(np.random.default_rng(0).normal(size=(1, 40, 44))))
    asked, used = [], []

    def watched(*given):
        used.append(sum(path.stat().st_size - 128 for path in tmp_path.rglob("*.npy")))
        write(*given)

    write = fault_map.write_like
    monkeypatch.setattr(fault_map, "check_space", lambda _, needed: asked.append(needed))
    monkeypatch.setattr(fault_map, "write_like", watched)
    opened = open_volume(volume)
    map_faults(opened, model, tmp_path / "out.sgy")
    assert asked == [used[0] + len(used) * 4 * np.prod(opened.shape)]


def test_zarr_goes_in_and_out(survey, tmp_path):
    from graben.imaging.segy_writing import convert_volume

    convert_volume(open_volume(survey), tmp_path / "in.zarr")
    out = tmp_path / "faults.zarr"
    map_faults(open_volume(tmp_path / "in.zarr"), model_of("volume"), out)
    map_faults(open_volume(survey), model_of("volume"), tmp_path / "faults.sgy")
    np.testing.assert_array_equal(read(out), read(tmp_path / "faults.sgy"))


def test_a_cluster_gives_the_same_samples(survey, tmp_path, two_workers):
    volume, model = open_volume(survey), model_of("best")
    map_faults(volume, model, tmp_path / "threads.sgy")
    map_faults(volume, model, tmp_path / "cluster.sgy", workers=two_workers)
    np.testing.assert_array_equal(read(tmp_path / "threads.sgy"), read(tmp_path / "cluster.sgy"))


def test_what_cannot_be_is_refused_before_any_work(survey, tmp_path):
    volume, model = open_volume(survey), model_of("volume")
    with pytest.raises(SeismicError, match="not the input"):
        map_faults(volume, model, survey)
    with pytest.raises(SeismicError, match=r"\.sgy, \.segy or \.zarr"):
        map_faults(volume, model, tmp_path / "faults.tif")
    with pytest.raises(InputError, match="threshold"):
        map_faults(volume, model, tmp_path / "f.sgy", threshold=1.5)
    flat = tmp_path / "flat.sgy"
    write_new_segy(flat, InMemory(np.full(SHAPE, 3, np.float32)))
    with pytest.raises(SeismicError, match="that vary"):
        map_faults(open_volume(flat), model, tmp_path / "f.sgy")
    assert list(tmp_path.iterdir()) == [flat]
