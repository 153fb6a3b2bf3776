"""Attributes and preparation of a volume on disk: files like the input, with pictures beside."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import SeismicError
from graben.imaging.attribute_figures import (
    draw_attribute,
    draw_preparation,
    middle_section,
    read_section,
)
from graben.imaging.attribute_table import attributes_of, described, results
from graben.imaging.attributes import Window
from graben.imaging.prepare import read_steps
from graben.imaging.volume import SeismicVolume, open_volume
from graben.imaging.volume_stream import ENDINGS, check_outputs, stream_volume
from graben.output import written_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

RESOLUTION = 160  # dots per inch


def map_attributes(
    volume: SeismicVolume,
    what: Sequence[str],
    out: Path,
    window: Window | None = None,
    hertz: Sequence[float] = (),
    workers: int = 2,
) -> dict[str, Any]:
    """Write attributes of a volume, each as a file like the input, with a picture beside it.

    The volume may be larger than memory; a run that was interrupted goes on.

    Parameters
    ----------
    volume
        What `open_volume` gives.
    what
        Names of `attribute_table.ATTRIBUTES`.
    out
        A file (`.sgy`, `.segy`, `.zarr`): that of the only result, or `NAME_semblance.sgy` and so
        on of several. Or a folder, for files that are named after the input.
    window
        Of semblance, variance and eigen-coherence; by default 3 x 3 x 9.
    hertz
        Frequencies of the spectral decomposition.
    workers
        Number of threads.

    Returns
    -------
    dict
        The volume, its shape, and each result: file, picture, units, meaning, source, and of the
        section in the picture the lowest, median and highest value.

    Raises
    ------
    InputError
        A name, window or frequency that cannot be; the place is not writable.
    SeismicError
        An output is the input, or of another kind.
    OutputError
        The disk is too small, or became full; earlier results are unchanged.
    """
    function = attributes_of(what, volume.sample_interval, window or Window(), hertz)
    names = results(what, hertz)
    paths = output_paths(volume, out, names)
    stream_volume(volume, function, paths, function.halo, workers)
    found = []
    for name, path in paths.items():
        section = read_section(open_volume(path), middle_section(volume))
        picture = _save(draw_attribute(volume, section, name), path.with_suffix(".png"))
        values = {
            "min": float(section.min()),
            "median": float(np.median(section)),
            "max": float(section.max()),
        }
        files = {"file": str(path), "picture": str(picture)}
        found.append(described(name, volume.unit) | files | values)
    return {"volume": str(volume.path), "shape": volume.shape, "attributes": found}


def prepare_volume(
    volume: SeismicVolume, steps: str, out: Path, workers: int = 2
) -> dict[str, Any]:
    """Write a prepared volume as a file like the input, with a picture and spectra beside it.

    The volume may be larger than memory; a run that was interrupted goes on.

    Parameters
    ----------
    volume
        What `open_volume` gives.
    steps
        What is done, as of `prepare.read_steps`: `bandpass 8-60, agc 500, denoise`.
    out
        The file: `.sgy`, `.segy` or `.zarr`.
    workers
        Number of threads.

    Returns
    -------
    dict
        The volume, its shape, the steps, file and picture, and the root mean squares of the section
        in the picture before and after.

    Raises
    ------
    InputError
        A step that cannot be; the place is not writable.
    SeismicError
        The output is the input, or of another kind.
    OutputError
        The disk is too small, or became full; earlier results are unchanged.
    """
    check_outputs(volume, [out])
    chain = read_steps(steps, volume.sample_interval, volume.survey_statistics)
    stream_volume(volume, chain, {"prepared": out}, chain.halo, workers)
    region = middle_section(volume)
    before, after = (read_section(one, region) for one in (volume, open_volume(out)))
    drawn = draw_preparation(volume, before, after, steps)
    picture = _save(drawn, out.with_suffix(".png"))
    return {
        "volume": str(volume.path),
        "shape": volume.shape,
        "steps": [step.strip() for step in steps.split(",")],
        "file": str(out),
        "picture": str(picture),
        "rms_before": _rms(before),
        "rms_after": _rms(after),
    }


def output_paths(volume: SeismicVolume, out: Path, names: Sequence[str]) -> dict[str, Path]:
    """Name the file of each result, see `map_attributes`.

    Raises
    ------
    SeismicError
        The file is of another kind.
    """
    if out.suffix.lower() in ENDINGS:
        if len(names) == 1:
            return {names[0]: out}
        return {name: out.with_name(f"{out.stem}_{name}{out.suffix}") for name in names}
    if out.suffix and not out.is_dir():
        raise SeismicError(
            f"expected a .sgy, .segy or .zarr file or a folder to write, got {out.name}. Give it "
            "one of these endings, or none for a folder."
        )
    source = volume.path or Path("volume.zarr")
    ending = source.suffix if source.suffix.lower() in ENDINGS else ".sgy"
    return {name: out / f"{source.stem}_{name}{ending}" for name in names}


def _save(figure: "Figure", path: Path) -> Path:
    with written_file(path) as temporary:
        figure.savefig(temporary, dpi=RESOLUTION, facecolor="white", metadata={"Software": None})
    return path


def _rms(section: "NDArray[np.float32]") -> float:
    return float(np.sqrt(np.mean(section.astype(float) ** 2)))
