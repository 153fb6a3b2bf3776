"""Picks of a line: masks either way up, sticks by their numbers."""

from pathlib import Path

import numpy as np
import pytest

from graben.errors import SeismicError
from graben.imaging.fault_picks import read_picks
from graben.imaging.sticks import Stick, write_charisma, write_stick_points
from graben.imaging.volume import SeismicVolume, in_memory_volume


@pytest.fixture
def survey() -> SeismicVolume:
    values = np.random.default_rng(0).normal(3, 2, (6, 12, 20)).astype("f4")
    return in_memory_volume(values)


def stick(survey: SeismicVolume, inline: int, number: int = 1) -> Stick:
    """Two nodes on an inline: crosslines 2 and 8 (counted from 0), samples 4 and 16."""
    crosslines = survey.crosslines[[2, 8]].astype(float)
    depth = survey.first_sample + survey.sample_interval * np.array([4.0, 16.0])
    inlines = np.full(2, float(survey.inlines[inline]))
    return Stick(1, number, inlines, crosslines, depth, np.full(2, np.nan), np.full(2, np.nan))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", ["npy", "npz", "png"])
def test_a_mask_is_taken_either_way_up(
    survey: SeismicVolume, tmp_path: Path, kind: str, turned: bool
) -> None:
    mask = np.random.default_rng(1).random((12, 20)) < 0.2
    path = tmp_path / f"mask.{kind}"
    if kind == "png":
        from matplotlib.image import imsave

        imsave(path, mask.T.astype(float), cmap="gray")
    elif kind == "npy":
        np.save(path, mask.T if turned else mask)
    else:
        np.savez(path, picks=mask.T if turned else mask)
    line = read_picks(survey, path, inline=int(survey.inlines[3]))
    np.testing.assert_array_equal(line.picks, mask)
    expected = survey.survey_statistics().normalise(survey.read(
        (slice(3, 4), slice(0, 12), slice(0, 20))
    ))[0]  # fmt: skip
    np.testing.assert_array_equal(line.section, expected)


def test_a_crossline_is_read_across(survey: SeismicVolume, tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.ones((6, 20)))
    line = read_picks(survey, tmp_path / "mask.npy", crossline=int(survey.crosslines[5]))
    assert line.section.shape == line.picks.shape == (6, 20)
    assert line.name == f"crossline {survey.crosslines[5]}"


@pytest.mark.parametrize("write", [write_charisma, write_stick_points])
def test_sticks_are_drawn_on_the_line_that_they_lie_on(
    survey: SeismicVolume, tmp_path: Path, write: object
) -> None:
    write(tmp_path / "sticks.txt", [stick(survey, 4)])
    line = read_picks(survey, tmp_path / "sticks.txt")
    assert line.name == f"inline {survey.inlines[4]}"
    assert line.picks[2, 4]
    assert line.picks[8, 16]
    assert line.picks[5, 10]
    assert line.picks[:, 4:17].any(0).all()
    assert not line.picks[:, :4].any()
    assert not line.picks[9:].any()
    write(tmp_path / "two.txt", [stick(survey, 4), stick(survey, 2, 2)])
    with pytest.raises(SeismicError, match="--inline"):
        read_picks(survey, tmp_path / "two.txt")
    with pytest.raises(SeismicError, match="got none among 2"):
        read_picks(survey, tmp_path / "two.txt", inline=int(survey.inlines[1]))


def test_real_sticks_lie_where_the_mask_of_their_line_does(reference_data: Path) -> None:
    folder = reference_data / "seismic"
    with np.load(folder / "gsb_fault_sections_dev.npz") as arrays:
        section, mask = arrays["seis_crl_2900"].T, arrays["fault_crl_2900"].T > 0
    traces = 2531 - 2 * np.arange(len(section))
    line = in_memory_volume(
        section[:, None], inlines=traces, crosslines=np.array([2900]),
        sample_interval=4.0, first_sample=1000.0,
    )  # fmt: skip
    picked = read_picks(line, folder / "gsb_fault_sticks" / "gsb_crl_2900_mask.ascii")
    from graben.imaging.models.fault_scores import within

    assert within(picked.picks, mask, 2.0).f1 > 0.95


def test_what_is_not_of_the_line_is_refused(survey: SeismicVolume, tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.ones((7, 20)))
    first = int(survey.inlines[0])
    with pytest.raises(SeismicError, match="12 traces and 20 samples"):
        read_picks(survey, tmp_path / "mask.npy", inline=first)
    with pytest.raises(SeismicError, match="got 99999"):
        read_picks(survey, tmp_path / "mask.npy", inline=99999)
    with pytest.raises(SeismicError, match="an inline and a crossline"):
        read_picks(survey, tmp_path / "mask.npy", inline=first, crossline=1)
    (tmp_path / "mask.npz").write_bytes(b"no archive")
    with pytest.raises(SeismicError, match="cannot read it"):
        read_picks(survey, tmp_path / "mask.npz", inline=first)
