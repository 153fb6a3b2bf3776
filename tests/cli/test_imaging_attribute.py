import shutil
from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure

from graben.cli.imaging.attribute import What
from graben.imaging.attribute_figures import draw_attribute, middle_section, read_section
from graben.imaging.attribute_table import ATTRIBUTES, attributes_of, described, results
from graben.imaging.attributes import Window, semblance
from graben.imaging.segy_writing import write_new_segy, write_zarr
from graben.imaging.volume import in_memory_volume, open_volume
from graben.tiling import plan_tiles


@pytest.fixture
def crop(tmp_path, reference_data):
    return shutil.copy(reference_data / "seismic" / "segyio_f3_crop.sgy", tmp_path / "f3.sgy")


def whole(path):
    volume = open_volume(path)
    return volume.read(tuple(slice(0, length) for length in volume.shape))


def seismic_file(path, array, **facts):
    volume = in_memory_volume(np.asarray(array, np.float32))
    write_new_segy(path, volume, sample_interval=4.0, **facts)
    return path


@pytest.fixture
def blank(monkeypatch):
    """Spare the time of drawing."""
    monkeypatch.setattr(
        "graben.imaging.attribute_report.draw_attribute",
        lambda *arguments: Figure(figsize=(1, 1)),
    )


@pytest.mark.usefixtures("blank")
def test_every_attribute_is_written_as_the_library_computes_it(graben, crop, tmp_path):
    out = tmp_path / "out"
    names = results(list(ATTRIBUTES), (20, 45.5))
    done = graben(
        "imaging", "attribute", crop, "--what", ",".join(ATTRIBUTES), "--hertz", "20,45.5",
        "--window", "3x7", "--out", out, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = done.json()["attributes"]
    assert [one["name"] for one in found] == names
    volume = whole(crop)
    function = attributes_of(list(ATTRIBUTES), 4.0, Window(1, 3), (20, 45.5))
    (tile,) = plan_tiles(volume.shape, 999, 0)
    expected = function(volume, tile, volume.shape)
    original = crop.read_bytes()
    for one in found:
        path = out / f"f3_{one['name']}.sgy"
        assert one["file"] == str(path)
        np.testing.assert_array_equal(whole(path), expected[one["name"]], err_msg=one["name"])
        assert path.read_bytes()[:3200] == original[:3200]
        assert (out / f"f3_{one['name']}.png").exists()
        assert one["min"] <= one["median"] <= one["max"]
    assert len(list(out.iterdir())) == 2 * len(names)
    assert not list(out.glob(".*"))


def test_a_file_is_named_as_asked(graben, crop, tmp_path):
    one = graben("imaging", "attribute", crop, "--out", tmp_path / "alike.sgy", "--workers", 1)
    assert one.code == 0, one.err
    assert "semblance" in one.out
    np.testing.assert_array_equal(whole(tmp_path / "alike.sgy"), semblance(whole(crop)))
    two = graben(
        "imaging", "attribute", crop, "--what", "phase, envelope", "--out", tmp_path / "a.zarr"
    )
    assert two.code == 0, two.err
    assert (tmp_path / "a_phase.png").stat().st_size > 15_000
    assert {path.name for path in tmp_path.iterdir()} == {
        "f3.sgy", "alike.sgy", "alike.png", "a_phase.zarr", "a_phase.png", "a_envelope.zarr",
        "a_envelope.png",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--what", "semblence"], "semblence. Choose from semblance, variance"),
        (["--what", ""], "got none"),
        (["--window", "4x9"], "--window 3x9"),
        (["--window", "3"], "--window 3x9"),
        (["--window", "1x9"], "1 or more whole traces"),
        (["--what", "spectral", "--hertz", "130"], "Nyquist frequency of 125 Hz"),
        (["--what", "spectral", "--hertz", "low"], "--hertz 15,30,60"),
        (["--out", "{}/out.png"], "a folder to write"),
        (["--out", "{}/f3.sgy"], "not the input"),
    ],
)
def test_bad_options_end_with_2_and_leave_nothing(graben, crop, tmp_path, arguments, message):
    before = crop.read_bytes()
    given = [one.format(tmp_path) for one in arguments]
    out = [] if "--out" in given else ["--out", tmp_path / "out"]
    done = graben("imaging", "attribute", crop, *out, *given)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert crop.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["f3.sgy"]


@pytest.mark.usefixtures("blank")
@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 5, 60)), np.full((4, 5, 60), 7), np.full((1, 9, 60), 3), np.ones((1, 1, 30))],
)
def test_constant_void_and_narrow_volumes_are_survived(graben, tmp_path, array):
    path = seismic_file(tmp_path / "in.sgy", array)
    done = graben(
        "imaging", "attribute", path, "--what", ",".join(ATTRIBUTES), "--out", tmp_path / "out",
        "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    for one in done.json()["attributes"]:
        assert np.isfinite(whole(one["file"])).all()
        if one["name"] in ("semblance", "eigen_coherence"):
            np.testing.assert_allclose(whole(one["file"]), 1, atol=1e-6)


def test_a_volume_without_headers_becomes_zarr_only(graben, tmp_path):
    array = np.random.default_rng(0).standard_normal((4, 5, 40)).astype(np.float32)
    write_zarr(tmp_path / "in.zarr", in_memory_volume(array))
    refused = graben("imaging", "attribute", tmp_path / "in.zarr", "--out", tmp_path / "out.sgy")
    assert refused.code == 2
    assert "Write .zarr instead" in refused.err
    done = graben("imaging", "attribute", tmp_path / "in.zarr", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    np.testing.assert_array_equal(whole(tmp_path / "out" / "in_semblance.zarr"), semblance(array))


@pytest.mark.parametrize("shape", [(1, 1, 5), (1, 8, 30), (6, 1, 30), (3, 4, 30)])
def test_pictures_of_anything_are_drawn(shape):
    volume = in_memory_volume(np.zeros(shape, np.float32))
    for name in ("dip_inline", "envelope", "phase"):
        section = read_section(volume, middle_section(volume))
        drawn = draw_attribute(volume, section, name)
        drawn.savefig(BytesIO(), dpi=40)


def test_in_depth_units_are_of_depth():
    assert described("spectral_20", "m")["title"] == "spectral decomposition, 20 cycles/km"
    assert described("dip", "m")["units"] == "m/trace"
    assert described("frequency", "m")["units"] == "cycles/km"
    assert described("sweetness", "m")["units"] == "amplitude/(cycles/km)^0.5"


def test_the_help_names_every_attribute():
    (option,) = What.__metadata__
    assert option.help.removeprefix("Which: ").removesuffix(".").split(", ") == list(ATTRIBUTES)
