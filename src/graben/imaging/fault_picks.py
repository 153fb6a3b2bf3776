"""One line of a volume, and where an interpreter saw faults on it."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import SeismicError
from graben.imaging.sticks import Stick, read_sticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graben.imaging.volume import SeismicVolume

ARRAYS = {".npy", ".npz"}
PICTURES = {".png"}


@dataclass(frozen=True, eq=False)
class PickedLine:
    """A line and its picks.

    Attributes
    ----------
    section
        (trace, sample) float32, normalised by the statistics of its survey.
    picks
        True where there is a fault, of the same shape.
    name
        Such as "inline 120".
    """

    section: "NDArray[np.float32]"
    picks: "NDArray[np.bool_]"
    name: str


def read_picks(
    volume: "SeismicVolume",
    path: str | Path,
    inline: int | None = None,
    crossline: int | None = None,
) -> PickedLine:
    """Read a line of a volume and the faults that were picked on it.

    Parameters
    ----------
    volume
        The survey, or a 2-D line.
    path
        A mask, not 0 where there is a fault: .npy, .npz with one array, or .png, of the shape of
        the line, samples down or across; or fault sticks, see `graben.imaging.sticks.read_sticks`.
    inline, crossline
        Number of the line; one of the two. A 2-D line needs none, nor do sticks that all lie on
        one line.

    Raises
    ------
    SeismicError
        There is no such line, it is not said which, or the picks are not of it.
    """
    sticks = None if Path(path).suffix.lower() in ARRAYS | PICTURES else read_sticks(path)
    axis, place = _line(volume, inline, crossline, sticks)
    region = [slice(0, size) for size in volume.shape]
    region[axis] = slice(place, place + 1)
    amplitudes = volume.read((region[0], region[1], region[2]))
    section = volume.survey_statistics().normalise(amplitudes.reshape(-1, volume.shape[2]))
    numbers = (volume.inlines, volume.crosslines)
    name = f"{volume.axes[axis]} {numbers[axis][place]}"
    if sticks is None:
        return PickedLine(section, _mask(Path(path), section.shape), name)
    along = volume.axes[1 - axis]
    mine = [
        stick
        for stick in sticks
        if (_numbers(stick, volume.axes[axis]) == numbers[axis][place]).all()
    ]
    depths = volume.first_sample + volume.sample_interval * np.arange(volume.shape[2])
    picks = np.zeros(section.shape, bool)
    for stick in mine:
        _draw(
            picks, _placed(_numbers(stick, along), numbers[1 - axis]), _placed(stick.depth, depths)
        )
    if not picks.any():
        raise SeismicError(
            f"expected fault sticks on {name}, got none among {len(sticks)} in {path}. Name the "
            "line that they were picked on."
        )
    return PickedLine(section, picks, name)


def _line(
    volume: "SeismicVolume", inline: int | None, crossline: int | None, sticks: list[Stick] | None
) -> tuple[int, int]:
    """Give the axis of the line and its place on it."""
    if inline is not None and crossline is not None:
        raise SeismicError("expected one line, got an inline and a crossline. Name one of them.")
    if 1 in volume.shape[:2] and inline is None and crossline is None:
        return volume.shape.index(1), 0
    asked = {"inline": inline, "crossline": crossline}
    if inline is None and crossline is None:
        for name in asked:
            of = {float(one) for stick in sticks or () for one in _numbers(stick, name)}
            if len(of) == 1:
                asked[name] = int(of.pop())
                break
        else:
            raise SeismicError(
                "expected the number of the line that was interpreted. Name it: --inline NUMBER or "
                "--crossline NUMBER."
            )
    name, number = next((name, number) for name, number in asked.items() if number is not None)
    axis = volume.axes.index(name)
    numbers = (volume.inlines, volume.crosslines)[axis]
    found = np.flatnonzero(numbers == number)
    if not found.size:
        raise SeismicError(
            f"expected {name} {numbers.min()} to {numbers.max()}, got {number}. Choose a line of "
            "the volume."
        )
    return axis, int(found[0])


def _numbers(stick: Stick, name: str) -> "NDArray[np.float64]":
    return stick.inline if name == "inline" else stick.crossline


def _placed(values: "NDArray[Any]", axis: "NDArray[Any]") -> "NDArray[np.float64]":
    """Give places on an axis, whose numbers may fall; beyond its ends the places go on."""
    if len(axis) == 1:
        return np.zeros(len(values))
    steps = np.arange(len(axis), dtype=float)
    order = np.argsort(axis)
    inside = np.interp(values, axis[order], steps[order])
    step = (axis[-1] - axis[0]) / (len(axis) - 1)
    beyond = (values < axis.min()) | (values > axis.max())
    return np.where(beyond, (values - axis[0]) / step, inside)


def _draw(
    picks: "NDArray[np.bool_]", traces: "NDArray[np.float64]", samples: "NDArray[np.float64]"
) -> None:
    """Mark the straight lines between the nodes of a stick."""
    for (first, top), (last, bottom) in pairwise(zip(traces, samples, strict=True)):
        steps = 2 * int(max(abs(last - first), abs(bottom - top), 1)) + 1
        places = np.rint(np.linspace([first, top], [last, bottom], steps)).astype(int)
        inside = ((places >= 0) & (places < picks.shape)).all(1)
        picks[tuple(places[inside].T)] = True


def _mask(path: Path, shape: tuple[int, ...]) -> "NDArray[np.bool_]":
    """Read a mask of a section, turned where samples run down."""
    try:
        values = _array(path)
    except (OSError, ValueError, SyntaxError) as error:
        raise SeismicError(
            f"expected a mask in {path}, cannot read it: {error}. Give .npy, .npz with one array, "
            "or .png."
        ) from error
    down = path.suffix.lower() in PICTURES or values.shape != shape
    turned = values.T if down else values
    if turned.shape != shape:
        raise SeismicError(
            f"expected a mask of {shape[0]} traces and {shape[1]} samples, got shape "
            f"{values.shape} in {path}. Cut it to the line."
        )
    return np.asarray(turned != 0)


def _array(path: Path) -> "NDArray[Any]":
    if path.suffix.lower() in PICTURES:
        from matplotlib.image import imread

        picture = np.asarray(imread(path))
        return picture if picture.ndim == 2 else picture[..., :3].max(-1)
    read = np.load(path, allow_pickle=False)
    if isinstance(read, np.ndarray):
        return read
    with read as arrays:
        if len(arrays.files) != 1:
            raise ValueError(f"it holds {len(arrays.files)} arrays, not one")
        return np.asarray(arrays[arrays.files[0]])
