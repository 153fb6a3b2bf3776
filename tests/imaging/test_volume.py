"""Volumes: what they refuse, how they age, and the real files."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import segyio
from segy_zoo import amplitudes, line, survey, write

from graben.errors import SeismicError
from graben.imaging import in_memory_volume, open_volume, segy


def whole(volume):
    return volume.read(tuple(slice(0, count) for count in volume.shape))


def test_the_real_files_hold_what_segyio_reads(reference_data):
    shapes = {
        "segyio_f3_crop.sgy": (23, 18, 75),
        "viking_small.segy": (1, 480, 600),
        "segyrecover_RIV6.segy": (1, 514, 1151),
    }
    for name, shape in shapes.items():
        path = reference_data / "seismic" / name
        volume = open_volume(path)
        assert volume.shape == shape
        with segyio.open(path, ignore_geometry=True) as file:
            expected = file.trace.raw[:].astype(np.float32)
        np.testing.assert_array_equal(whole(volume).reshape(expected.shape), expected)
    f3 = open_volume(reference_data / "seismic" / "segyio_f3_crop.sgy")
    assert (f3.inlines[0], f3.inlines[-1]) == (111, 133)
    assert (f3.crosslines[0], f3.crosslines[-1]) == (875, 892)
    assert (f3.sample_interval, f3.first_sample) == (4.0, 4.0)
    assert f3.x[0, 0] == pytest.approx(620197.2)
    assert f3.y[0, 0] == pytest.approx(6074232.9)


@pytest.mark.parametrize("near", [0, 60, 10**9])
@pytest.mark.parametrize("block", [400, 8_000_000])
def test_samples_do_not_depend_on_how_they_are_fetched(tmp_path, monkeypatch, near, block):
    monkeypatch.setattr(segy, "NEAR", near)
    monkeypatch.setattr(segy, "BLOCK", block)
    there = np.random.default_rng(1).random((7, 10)) > 0.3
    order = np.random.default_rng(2).permutation(70)
    truth = survey(tmp_path / "a.sgy", present=there, sequence=order, code=1)
    volume = open_volume(tmp_path / "a.sgy")
    np.testing.assert_array_equal(whole(volume), truth.samples)
    np.testing.assert_array_equal(
        volume.read((slice(0, 7), slice(2, 9), slice(11, 12))), truth.samples[:, 2:9, 11:12]
    )


def test_threads_share_a_volume(tmp_path):
    truth = survey(tmp_path / "a.sgy")
    volume = open_volume(tmp_path / "a.sgy")
    with ThreadPoolExecutor(8) as threads:
        for found in threads.map(lambda _: whole(volume), range(40)):
            np.testing.assert_array_equal(found, truth.samples)


def test_a_worker_notices_that_the_file_has_gone_or_changed(tmp_path):
    path = tmp_path / "a.sgy"
    survey(path)
    raw = pickle.dumps(open_volume(path))
    survey(path, samples=amplitudes((7, 10, 26)))
    with pytest.raises(SeismicError, match="the file has changed"):
        pickle.loads(raw)
    path.unlink()
    with pytest.raises(SeismicError, match="A worker must reach"):
        pickle.loads(raw)


def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path):
    path = tmp_path / "a.sgy"
    survey(path)
    volume = open_volume(path)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(SeismicError, match="earlier than when it was opened"):
        whole(volume)


def test_what_is_given_wins(tmp_path):
    path = tmp_path / "a.sgy"
    survey(path, samples=amplitudes((7, 10, 24)), code=3)
    volume = open_volume(path, sample_interval=2.5, domain="depth")
    assert (volume.sample_interval, volume.unit) == (2.5, "m")
    other = open_volume(path, sample_format=8, samples=48)
    assert other.shape == (7, 10, 48)
    assert [one.name for one in other.oddities][:1] == ["other sample format"]
    swapped = open_volume(path, inline_byte=193, crossline_byte=189)
    np.testing.assert_array_equal(whole(swapped), whole(volume).transpose(1, 0, 2))
    raw = open_volume(path, x_byte=189, y_byte=193)
    np.testing.assert_allclose(raw.x[:, 0], raw.inlines / 10)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"inline_byte": 189}, "together"),
        ({"inline_byte": 0, "crossline_byte": 193}, "from 1 to 237"),
        ({"inline_byte": 197, "crossline_byte": 201}, "do not make a grid"),
        ({"sample_format": 7}, "24-bit integer"),
        ({"samples": 0}, "one sample a trace or more"),
        ({"samples": 13}, "do not fit|ends within trace"),
        ({"sample_interval": -1.0}, "above 0"),
        ({"domain": "space"}, "time or depth"),
    ],
)
def test_what_is_given_wrongly_is_refused(tmp_path, given, reason):
    survey(tmp_path / "a.sgy")
    with pytest.raises(SeismicError, match=reason):
        open_volume(tmp_path / "a.sgy", **given)


def test_what_is_no_volume_is_refused(tmp_path):
    with pytest.raises(SeismicError, match="cannot read"):
        open_volume(tmp_path / "absent.sgy")
    with pytest.raises(SeismicError, match="SEG-Y file or a zarr folder"):
        open_volume(tmp_path)
    with pytest.raises(SeismicError, match="three axes"):
        in_memory_volume(np.zeros(5))
    with pytest.raises(SeismicError, match="expected 3 inlines"):
        in_memory_volume(np.zeros((3, 4, 5)), inlines=[1, 2])


def test_an_array_is_a_volume():
    cube = amplitudes()
    cube[0, 0, 0] = np.nan
    volume = in_memory_volume(cube, inlines=range(10, 24, 2), spacing=12.5)
    assert volume.read((slice(0, 1), slice(0, 1), slice(0, 1))) == 0
    assert volume.inlines[1] == 12
    assert (volume.x[0, 1], volume.y[1, 0]) == (25.0, 25.0)
    assert in_memory_volume(cube[0]).is_line
    again = pickle.loads(pickle.dumps(volume))
    np.testing.assert_array_equal(whole(again), whole(volume))


def test_traces_of_several_offsets_at_each_place_are_gathers(tmp_path):
    place, offset = np.divmod(np.arange(40), 4)
    line(tmp_path / "a.sgy", {189: 5 + place // 5, 193: 7 + place % 5, 37: 100 * offset})
    volume = open_volume(tmp_path / "a.sgy")
    assert volume.is_line
    assert "gathers before stacking" in {one.name for one in volume.oddities}
    stacked = open_volume(tmp_path / "a.sgy", inline_byte=189, crossline_byte=193)
    assert stacked.shape == (2, 5, 25)
    np.testing.assert_array_equal(whole(stacked)[0, 1], whole(volume)[0, 4])


def test_a_survey_whose_offsets_vary_keeps_its_grid(tmp_path):
    truth = survey(tmp_path / "a.sgy", words={37: np.arange(70)})
    np.testing.assert_array_equal(whole(open_volume(tmp_path / "a.sgy")), truth.samples)


def test_coordinates_of_a_hole_in_the_headers_are_unknown(tmp_path):
    cells = np.arange(12)
    x = np.where(cells == 5, 0, 1000 + cells)
    words = {189: 1 + cells // 4, 193: 1 + cells % 4, 181: x, 185: x}
    write(tmp_path / "a.sgy", amplitudes((12, 25)), words)
    volume = open_volume(tmp_path / "a.sgy")
    assert np.isnan(volume.x[1, 1])
    assert volume.x[0, 0] == 1000
