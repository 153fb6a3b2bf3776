import os
import signal
import stat
import subprocess
import sys

import pytest

from graben.errors import InputError, OutputError
from graben.output import check_file, check_folder, written_file, written_folder


def in_a_process(code, *arguments):
    """Run `code` apart, so that it can be killed or starved of space."""
    script = f"import os, resource, signal, sys\nfrom graben.output import *\n{code}"
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def stumble(path, error):
    path.write_text("half")
    raise error


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    return path


@pytest.fixture
def old_folder(tmp_path):
    path = tmp_path / "result"
    with written_folder(path) as temporary:
        (temporary / "map.txt").write_text("old")
    return path


def test_file_is_written_and_readable_by_others(tmp_path):
    path = tmp_path / "new" / "deep" / "result.txt"
    with written_file(path) as temporary:
        assert temporary.suffix == ".txt"
        assert temporary.parent == path.parent
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert names(path.parent) == ["result.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failing_half_way_leaves_the_old_file_and_no_litter(old, error):
    with pytest.raises(error), written_file(old) as temporary:
        stumble(temporary, error)
    assert old.read_text() == "old"
    assert names(old.parent) == [old.name]


def test_killed_half_way_leaves_the_old_file(old):
    done = in_a_process(
        "with written_file(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n",
        old,
    )
    assert done.returncode == -signal.SIGKILL
    assert old.read_text() == "old"


def test_no_space_left_for_a_file(old):
    done = in_a_process(
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with written_file(sys.argv[1]) as temporary:\n"
        "    temporary.write_bytes(bytes(10_000))\n",
        old,
    )
    assert "OutputError: could not write" in done.stderr
    assert "unchanged" in done.stderr
    assert old.read_text() == "old"
    assert names(old.parent) == [old.name]


def test_a_file_in_the_way_of_the_folder(old):
    with pytest.raises(InputError, match="Choose an output place"), written_file(old / "a" / "b"):
        pass
    assert old.read_text() == "old"


def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(InputError, match="not writable"), written_file(tmp_path / "a"):
        pass
    with pytest.raises(InputError, match="not writable"):
        check_file(tmp_path / "a")
    with pytest.raises(InputError, match="not writable"), written_folder(tmp_path / "b"):
        pass
    assert names(tmp_path) == []


def test_a_place_is_checked_before_long_work(tmp_path):
    check_file(tmp_path / "new" / "result.txt")
    assert names(tmp_path / "new") == []
    with pytest.raises(InputError, match="is a folder"):
        check_file(tmp_path / "new")


def test_an_output_error_keeps_its_own_words(tmp_path):
    with pytest.raises(OutputError, match=r"^inner$"), written_file(tmp_path / "a"):
        raise OutputError("inner")


def test_folder_is_made_and_an_earlier_result_replaced(old_folder):
    assert (old_folder / "map.txt").read_text() == "old"
    assert stat.S_IMODE(old_folder.stat().st_mode) == 0o755
    with written_folder(old_folder) as temporary:
        (temporary / "other.txt").write_text("new")
    assert names(old_folder) == ["made_by_graben", "other.txt"]
    assert names(old_folder.parent) == [old_folder.name]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "empty").mkdir()
    with written_folder(tmp_path / "empty") as temporary:
        (temporary / "a").write_text("a")
    assert (tmp_path / "empty" / "a").exists()


def test_a_folder_of_someone_else_is_refused(tmp_path):
    (tmp_path / "photo.jpg").write_text("dear")
    with pytest.raises(InputError, match="did not make"), written_folder(tmp_path):
        pass
    assert names(tmp_path) == ["photo.jpg"]


def test_a_file_where_the_folder_should_be(old):
    with pytest.raises(InputError, match="is a file"), written_folder(old):
        pass
    assert old.read_text() == "old"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failing_half_way_leaves_the_old_folder_and_no_litter(old_folder, error):
    with pytest.raises(error), written_folder(old_folder) as temporary:
        stumble(temporary / "map.txt", error)
    assert (old_folder / "map.txt").read_text() == "old"
    assert names(old_folder.parent) == [old_folder.name]


def test_killed_half_way_leaves_the_old_folder(old_folder):
    done = in_a_process(
        "with written_folder(sys.argv[1]) as temporary:\n"
        "    (temporary / 'map.txt').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n",
        old_folder,
    )
    assert done.returncode == -signal.SIGKILL
    assert (old_folder / "map.txt").read_text() == "old"


def test_no_space_left_for_a_folder(old_folder):
    done = in_a_process(
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with written_folder(sys.argv[1]) as temporary:\n"
        "    (temporary / 'map.txt').write_bytes(bytes(10_000))\n",
        old_folder,
    )
    assert "OutputError: could not write" in done.stderr
    assert (old_folder / "map.txt").read_text() == "old"
    assert names(old_folder.parent) == [old_folder.name]


def test_a_move_that_fails_brings_the_old_folder_back(old_folder, monkeypatch):
    rename = type(old_folder).rename

    def reluctant(self, target):
        if target == old_folder and not self.name.endswith("-old"):
            raise OSError("moved too far")
        return rename(self, target)

    monkeypatch.setattr(type(old_folder), "rename", reluctant)
    with pytest.raises(OutputError), written_folder(old_folder):
        pass
    assert (old_folder / "map.txt").read_text() == "old"


def test_a_folder_that_holds_an_input_is_refused(old_folder, tmp_path):
    check_folder(old_folder, [tmp_path / "elsewhere.tif", old_folder / "absent.txt"])
    for one in (old_folder, old_folder / "map.txt"):
        with pytest.raises(InputError, match="holds none of the inputs"):
            check_folder(old_folder, [one])
