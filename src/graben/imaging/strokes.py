"""What an interpreter drew: samples of a seismic volume and the facies that they are."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import SeismicError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from graben.imaging.volume import SeismicVolume

    Index = NDArray[np.int64]

MOST_CLASSES = 50  # more is a running number or a measured quantity, not a legend
FEWEST = 2  # one sample of a class cannot be learned from and held out
BLOCK = 16_000_000  # samples of a mask that are read at once
DOWN = {"sample": None, "time": "ms", "time_ms": "ms", "depth": "m", "depth_m": "m"}
EXAMPLE = (
    "Columns are: inline, crossline, time (ms), depth (m) or sample (from 0), class; and stroke, a "
    "number, where points are corners of a line"
)


@dataclass(frozen=True, eq=False)
class Strokes:
    """Labelled samples of a volume; all others are unlabelled, which says nothing about them.

    Attributes
    ----------
    classes
        Names; the code of a class is its place here plus 1.
    inline, crossline, sample
        Where they lie, counted from 0 along each axis of the volume, (label,).
    codes
        Of their classes, (label,) uint8.
    left_out
        How many labels were not used, by reason.
    """

    classes: tuple[str, ...]
    inline: "Index"
    crossline: "Index"
    sample: "Index"
    codes: "NDArray[np.uint8]"
    left_out: dict[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """Labelled samples of each class."""
        found = np.bincount(self.codes, minlength=len(self.classes) + 1)[1:]
        return dict(zip(self.classes, found.tolist(), strict=True))

    def part(self, chosen: "NDArray[Any]", reason: str) -> "Strokes":
        """Keep some of the labels; the others are counted under `reason`."""
        lost = len(self.codes) - len(self.codes[chosen])
        return Strokes(
            self.classes,
            self.inline[chosen],
            self.crossline[chosen],
            self.sample[chosen],
            self.codes[chosen],
            {**self.left_out, reason: lost} if lost else self.left_out,
        )


def read_strokes(path: str | Path, volume: "SeismicVolume") -> Strokes:
    """Read what an interpreter drew on a volume.

    Parameters
    ----------
    path
        A CSV file of points or of lines: columns `inline` and `crossline` (numbers of the survey;
        one of them, or `trace`, is enough where the volume has one line), one of `sample` (from 0),
        `time` (ms) or `depth` (m), and `class`. Points with the same number in a column `stroke`
        are corners of a line, joined in their order, of one class. Or a mask as large as the
        volume, in which 0 is unlabelled and whole numbers to 255 are classes: SEG-Y, zarr, or npz
        with an array `labels` (and `classes`, their names, if there are any).
    volume
        Whose samples they are.

    Returns
    -------
    Strokes
        Samples that two classes claim are left out, as is what lies outside the volume or on a
        missing trace.

    Raises
    ------
    SeismicError
        A column is missing, a mask has another shape, there is a single class or more than 50, a
        class with fewer than 2 samples, or no label on the volume.
    """
    path = Path(path)
    if not path.exists():
        raise SeismicError(f"there is no file {path}. Check the name of the strokes.")
    if path.suffix.lower() in (".csv", ".txt"):
        return checked_strokes(_from_table(path, volume))
    return checked_strokes(_from_mask(path, volume))


def checked_strokes(strokes: Strokes) -> Strokes:
    """Return strokes that a classifier can learn from.

    Raises
    ------
    SeismicError
        As `read_strokes`.
    """
    if not len(strokes.codes):
        why = ", ".join(f"{count} {reason}" for reason, count in strokes.left_out.items())
        raise SeismicError(
            f"no stroke lies on a trace of the volume ({why or 'the file is empty'}). Check line "
            "numbers and times: graben imaging inspect tells those of the volume."
        )
    if len(strokes.classes) > MOST_CLASSES:
        raise SeismicError(
            f"expected at most {MOST_CLASSES} classes, got {len(strokes.classes)}. Give classes, "
            "not running numbers or a measured quantity."
        )
    if len(strokes.classes) < 2:
        raise SeismicError(
            f"expected at least 2 classes, got {strokes.classes[0]!r} alone. Draw something else "
            "too."
        )
    few = [f"{name} ({count})" for name, count in strokes.counts.items() if count < FEWEST]
    if few:
        raise SeismicError(
            f"every class needs at least {FEWEST} samples on the volume; too few have: "
            f"{', '.join(few)}. Draw more of these, or leave the class out."
        )
    return strokes


def _from_table(path: Path, volume: "SeismicVolume") -> Strokes:
    import pandas as pd

    try:
        table = pd.read_csv(path, comment="#", skipinitialspace=True)
    except (ValueError, UnicodeDecodeError) as error:
        raise SeismicError(f"cannot read {path} as CSV: {error}. {EXAMPLE}.") from error
    table.columns = [str(name).strip().lower() for name in table.columns]
    if "class" not in table:
        raise SeismicError(
            f"expected a column class in {path}, got {', '.join(table.columns)}. {EXAMPLE}."
        )
    table = table.dropna(subset=["class"])
    names = table["class"].astype(str).str.strip()
    classes = tuple(sorted(names.unique(), key=_natural))
    codes = names.map({name: code for code, name in enumerate(classes, 1)}).to_numpy(np.int64)
    place = np.stack(
        [
            _line_places(table, volume, 0, path),
            _line_places(table, volume, 1, path),
            _sample_places(table, volume, path),
        ],
        axis=1,
    )
    if "stroke" in table:
        place, codes = _drawn(place, codes, table["stroke"].to_numpy(), path)
    return _placed(classes, place, codes, volume)


def _line_places(
    table: "pd.DataFrame", volume: "SeismicVolume", axis: int, path: Path
) -> "NDArray[np.float64]":
    """Give where lines lie along an axis, counted from 0; NaN for numbers that no line has."""
    name, numbers = volume.axes[axis], (volume.inlines, volume.crosslines)[axis]
    known = (name,) if axis == 0 else (name, "trace")
    found = next((one for one in known if one in table), None)
    if found is None:
        if len(numbers) == 1:
            return np.zeros(len(table))
        raise SeismicError(
            f"expected a column {name} in {path}, got {', '.join(table.columns)}. {EXAMPLE}."
        )
    given = _numbers(table, found, path)
    order = np.argsort(numbers)
    at = np.interp(given, numbers[order], order.astype(float), np.nan, np.nan)
    return np.asarray(at)


def _sample_places(
    table: "pd.DataFrame", volume: "SeismicVolume", path: Path
) -> "NDArray[np.float64]":
    name = next((one for one in DOWN if one in table), None)
    if name is None:
        raise SeismicError(
            f"expected a column sample, time or depth in {path}, got {', '.join(table.columns)}. "
            f"{EXAMPLE}."
        )
    given = _numbers(table, name, path)
    unit = DOWN[name]
    if unit is None:
        return given
    if unit != volume.unit:
        raise SeismicError(
            f"expected strokes in {volume.unit}, as the volume is, got {name} in {path}. Convert "
            "them, or give samples."
        )
    return np.asarray((given - volume.first_sample) / volume.sample_interval)


def _numbers(table: "pd.DataFrame", name: str, path: Path) -> "NDArray[np.float64]":
    import pandas as pd

    values = pd.to_numeric(table[name], errors="coerce").to_numpy(float)
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise SeismicError(
            f"expected numbers in the column {name} of {path}, got {table[name].iloc[wrong[0]]!r}. "
            "Correct the row."
        )
    return values


def _drawn(
    place: "NDArray[np.float64]", codes: "Index", stroke: "NDArray[Any]", path: Path
) -> tuple["NDArray[np.float64]", "Index"]:
    """Join the corners of each stroke by samples no further apart than one."""
    places, found = [], []
    for one in dict.fromkeys(stroke.tolist()):
        held = stroke == one
        corners, kinds = place[held], np.unique(codes[held])
        if len(kinds) > 1:
            raise SeismicError(
                f"expected one class for each stroke, got {len(kinds)} for stroke {one} of {path}. "
                "Give it another number where the class changes."
            )
        line = [corners[:1]]
        for first, last in pairwise(corners):
            known = np.isfinite(first).all() and np.isfinite(last).all()
            steps = int(np.ceil(np.abs(last - first).max())) if known else 1
            share = np.arange(1, steps + 1)[:, None] / steps
            line.append(first + share * (last - first) if known else last[None])
        places.append(np.concatenate(line))
        found.append(np.full(len(places[-1]), kinds[0]))
    return np.concatenate(places), np.concatenate(found)


def _placed(
    classes: tuple[str, ...],
    place: "NDArray[np.float64]",
    codes: "Index",
    volume: "SeismicVolume",
) -> Strokes:
    left_out: Counter[str] = Counter()
    near = np.floor(place + 0.5)
    inside = np.isfinite(near).all(1)
    inside &= ((near >= 0) & (near < np.array(volume.shape))).all(1)
    left_out["outside the volume"] = int((~inside).sum())
    index = np.ravel_multi_index(tuple(near[inside].astype(np.int64).T), volume.shape)
    claims = np.unique(np.stack([index, codes[inside]], 1), axis=0)
    once, first, count = np.unique(claims[:, 0], return_index=True, return_counts=True)
    left_out["claimed by two classes"] = int((count > 1).sum())
    inline, crossline, sample = np.unravel_index(once[count == 1], volume.shape)
    strokes = Strokes(
        classes, inline, crossline, sample, claims[first[count == 1], 1].astype(np.uint8),
        {reason: many for reason, many in left_out.items() if many},
    )  # fmt: skip
    return strokes.part(~volume.missing[inline, crossline], "on missing traces")


def _from_mask(path: Path, volume: "SeismicVolume") -> Strokes:
    from graben.imaging.volume import open_volume

    names: tuple[str, ...] = ()
    if path.suffix.lower() == ".npz":
        from graben.imaging.volume import in_memory_volume

        with np.load(path, allow_pickle=False) as stored:
            if "labels" not in stored:
                raise SeismicError(
                    f"expected an array labels in {path}, got {', '.join(stored)}. Save it with "
                    "numpy.savez(path, labels=mask, classes=names)."
                )
            mask = in_memory_volume(stored["labels"])
            if "classes" in stored:
                names = tuple(str(name) for name in stored["classes"])
    else:
        mask = open_volume(path)
    if mask.shape != volume.shape:
        raise SeismicError(
            f"expected a mask of the shape of the volume, {volume.shape}, got {mask.shape} in "
            f"{path}. Write one code for every sample."
        )
    place, codes = _labelled(mask, path)
    known = np.unique(codes)
    if names and len(known) and known[-1] > len(names):
        raise SeismicError(
            f"expected codes from 1 to {len(names)}, as there are names, got {known[-1]} in {path}."
        )
    classes = tuple(names[one - 1] if names else str(one) for one in known)
    return _placed(classes, place.astype(float), np.searchsorted(known, codes) + 1, volume)


def _labelled(mask: "SeismicVolume", path: Path) -> tuple["Index", "Index"]:
    """Read the labelled samples of a mask, some inlines at a time: (label, axis) and codes."""
    lines, columns, samples = mask.shape
    step = max(1, BLOCK // (columns * samples))
    places, codes = [np.zeros((0, 3), np.int64)], [np.zeros(0, np.int64)]
    for first in range(0, lines, step):
        last = min(first + step, lines)
        block = mask.read((slice(first, last), slice(0, columns), slice(0, samples)))
        if ((block < 0) | (block > 255) | (block % 1 != 0)).any():
            raise SeismicError(
                f"expected whole numbers from 0 (unlabelled) to 255 in {path}, got others. Give "
                "codes of classes."
            )
        place = np.argwhere(block > 0)
        codes.append(block[tuple(place.T)].astype(np.int64))
        places.append(place + np.array([first, 0, 0]))
    return np.concatenate(places), np.concatenate(codes)


def _natural(name: str) -> tuple[float, str]:
    return (float(name) if name.isdecimal() else np.inf, name)
