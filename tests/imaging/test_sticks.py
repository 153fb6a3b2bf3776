import numpy as np
import pytest

from graben.errors import SeismicError
from graben.imaging import in_memory_volume
from graben.imaging.sticks import (
    find_sticks,
    read_sticks,
    trace_sticks,
    write_charisma,
    write_stick_points,
)
from graben.tiling import InMemory


def crests(shape, *faults):
    """Sections with a crest at trace `at + lean * sample + drift * line` of each fault."""
    found = np.zeros(shape, np.float32)
    for at, lean, drift, top, bottom in faults:
        for line in range(shape[0]):
            for sample in range(top, bottom):
                found[line, round(at + lean * sample + drift * line), sample] = 1
    return found


def test_lines_follow_crests_and_cross_each_other():
    section = crests((1, 60, 40), (5, 1, 0, 0, 40), (50, -1, 0, 0, 40))[0]
    lines = trace_sticks(section)
    assert len(lines) == 2
    for line in lines:
        nearest = [np.abs(np.nonzero(section[:, int(z)])[0] - x).min() for x, z in line]
        assert max(nearest) <= 1
        assert np.ptp(line[:, 1]) == 39


def test_short_gaps_are_bridged_and_short_lines_dropped():
    section = crests((1, 30, 40), (10, 0, 0, 0, 40), (20, 0, 0, 5, 9))[0]
    section[10, 15:17] = 0
    [line] = trace_sticks(section)
    np.testing.assert_array_equal(line, [[10, 0], [10, 39]])


def test_sticks_of_one_fault_share_its_name_across_sections():
    shape = (41, 50, 30)
    found = crests(shape, (8, 0.3, 0.1, 0, 30), (35, -0.2, 0.0, 4, 26))
    volume = in_memory_volume(np.zeros(shape), inlines=range(100, 141), first_sample=200)
    sticks = find_sticks(volume, InMemory(found), every=10)
    assert sorted((s.fault, s.number) for s in sticks) == [
        (fault, number) for fault in (1, 2) for number in range(1, 6)
    ]
    first = next(s for s in sticks if s.depth[0] == 200)
    assert first.inline.tolist() == [100] * len(first.inline)
    assert (first.depth[0], first.depth[-1]) == (200, 200 + 29 * 4)
    np.testing.assert_array_equal(first.x, 25 * first.crossline)


@pytest.mark.parametrize("write", [write_charisma, write_stick_points])
def test_what_is_written_is_read_again(tmp_path, write):
    shape = (21, 50, 30)
    volume = in_memory_volume(np.zeros(shape))
    made = crests(shape, (8, 0.3, 0, 0, 30), (40, 0, 0, 0, 30))
    sticks = find_sticks(volume, InMemory(made))
    path = tmp_path / "sticks.dat"
    write(path, sticks)
    again = read_sticks(path)
    assert len(again) == len(sticks) == 6
    for one, other in zip(sticks, again, strict=True):
        assert one.fault == other.fault
        for name in ("inline", "crossline", "depth", "x", "y"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-3)


def test_unknown_coordinates_are_marked_as_such(tmp_path):
    path = tmp_path / "sticks.dat"
    path.write_text("INLINE- 10 20 1e30 1e30 400 A 1\nINLINE-10 22 1e30 1e30 480 A 1\n")
    [stick] = read_sticks(path)
    assert np.isnan(stick.x).all()
    assert stick.inline.tolist() == [10, 10]
    write_charisma(path, [stick])
    assert path.read_text().count("1e+30") == 4


@pytest.mark.parametrize(("line", "count"), [(2700, 20), (2800, 26), (2900, 32)])
def test_real_sticks_lie_on_the_mask_that_was_made_of_them(reference_data, line, count):
    folder = reference_data / "seismic"
    sticks = read_sticks(folder / "gsb_fault_sticks" / f"gsb_crl_{line}_mask.ascii")
    assert len(sticks) == count / 2
    assert all((s.crossline == line).all() and np.isnan(s.x).all() for s in sticks)
    mask = np.load(folder / "gsb_fault_sections_dev.npz")[f"fault_crl_{line}"]
    hit = [
        mask[max(int(z) - 3, 0) : int(z) + 4, max(int(x) - 3, 0) : int(x) + 4].any()
        for s in sticks
        for x, z in zip((2531 - s.inline) / 2, (s.depth - 1000) / 4, strict=True)
        if 0 <= x < 484 and 0 <= z < 76
    ]
    # the mask of 2800 follows only some of its sticks
    assert np.mean(hit) > (0.45 if line == 2800 else 0.9)


@pytest.mark.parametrize("text", ["", "1 2\n", "INLINE- a b c d e f g\n", "x y z w v u t\n"])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "other.txt"
    path.write_text(text)
    with pytest.raises(SeismicError, match=r"CHARISMA.*Export"):
        read_sticks(path)
    with pytest.raises(SeismicError, match="cannot read"):
        read_sticks(tmp_path / "absent.txt")
