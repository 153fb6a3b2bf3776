"""Results in JSON's types, written under a temporary name and moved into place, or not at all."""

import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graben.errors import InputError, OutputError

MARKER = "made_by_graben"


def plain(value: Any) -> Any:
    """Return a value in JSON's types: NaN and infinity as null, times as ISO text.

    Raises
    ------
    InputError
        It holds something that is no text, number, time, array, list or table.

    Examples
    --------
    >>> plain({"gain": float("nan"), "region": (25, 35)})
    {'gain': None, 'region': [25, 35]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | bool | int | float):
        return value
    for turned in ("tolist", "isoformat"):  # NumPy's arrays and numbers; times
        if hasattr(value, turned):
            return plain(getattr(value, turned)())
    raise InputError(
        f"expected text, numbers, times, lists and tables, got {value!r}. Turn it into text first."
    )


def _failed(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"could not write {path}: {error.strerror or error}. What stood there before is unchanged; "
        "free some space or choose another place, and run the same command again."
    )


def _parent(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the folder {path.parent}: {error.strerror}. Choose an output place that "
            "you may write to."
        ) from error
    if not os.access(path.parent, os.W_OK):
        raise InputError(
            f"the folder {path.parent} is not writable. Choose an output place that you may "
            "write to."
        )
    return path.parent


@contextmanager
def written_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; move it there if the block succeeds.

    Raises
    ------
    InputError
        The place is not writable.
    OutputError
        Writing failed half way, for example because no space was left; `path` is unchanged.
    """
    path = Path(path)
    folder = _parent(path)
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.stem}-", suffix=path.suffix)
    except OSError as error:
        raise _failed(path, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise _failed(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def check_file(path: str | Path) -> None:
    """Ask whether a file may be written, before long work, not after it.

    Raises
    ------
    InputError
        The place is not writable, or a folder stands there.
    """
    path = Path(path)
    _parent(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a file. Choose another output place.")


def check_folder(path: str | Path, inputs: Iterable[str | Path] = ()) -> Path:
    """Return the parent of a folder that may be written; ask before long work, not after it.

    Raises
    ------
    InputError
        The place is not writable, is a folder with other things in it, or holds one of the
        inputs, which would go when the folder is replaced.
    """
    path = Path(path).absolute()
    parent = _parent(path)
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; expected a folder. Choose another output place.")
    if path.is_dir() and any(path.iterdir()) and not (path / MARKER).exists():
        raise InputError(
            f"the folder {path} holds files that graben did not make. Choose an empty or a new "
            "folder."
        )
    for one in map(Path, inputs):
        if one.exists() and one.resolve().is_relative_to(path.resolve()):
            raise InputError(
                f"expected a folder that holds none of the inputs, got {path}: {one} would go with "
                "it when it is replaced. Choose another output folder, or move the input first."
            )
    return parent


@contextmanager
def written_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; it replaces `path` if the block succeeds.

    Only a folder that is empty, absent or an earlier result (it holds `MARKER`) is
    replaced, so that a mistyped path cannot cost a user anything.

    Raises
    ------
    InputError
        The place is not writable, or is a folder with other things in it.
    OutputError
        Writing failed half way; `path` is unchanged.
    """
    path = Path(path).absolute()
    parent = check_folder(path)
    try:
        temporary = Path(tempfile.mkdtemp(dir=parent, prefix=f".{path.name}-"))
    except OSError as error:
        raise _failed(path, error) from error
    try:
        yield temporary
        (temporary / MARKER).write_text("graben may replace this folder\n")
        temporary.chmod(0o755)
        old = temporary.with_name(temporary.name + "-old")
        if path.exists():
            path.rename(old)
        try:
            temporary.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise _failed(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
