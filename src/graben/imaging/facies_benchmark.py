"""The F3 facies benchmark of Alaudah et al. (2019), for whoever has its data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import SeismicError
from graben.imaging.amplitudes import Amplitudes, amplitudes_of
from graben.imaging.models.facies import sections
from graben.imaging.models.facies_evaluation import MEASURES, RunningScore, some_of_each
from graben.imaging.models.facies_features import FaciesFeatures
from graben.learning.forest import Forest, grow
from graben.progress import track

CLASSES = (
    "Upper North Sea", "Middle North Sea", "Lower North Sea", "Rijnland/Chalk", "Scruff",
    "Zechstein",
)  # fmt: skip
LAYOUT = {
    "train": ("train/train_seismic.npy", "train/train_labels.npy"),
    "test1": ("test_once/test1_seismic.npy", "test_once/test1_labels.npy"),
    "test2": ("test_once/test2_seismic.npy", "test_once/test2_labels.npy"),
}
TRACES_READ = 4000  # of each section set for the amplitudes of the survey
# both test sets together: PA, accuracy of Zechstein, Scruff, Rijnland/Chalk, Lower, Middle and
# Upper North Sea, MCA, FWIU; the authors' detailed_results.pdf, quoted
PUBLISHED = {
    "Patch": (0.788, 0.264, 0.074, 0.499, 0.992, 0.804, 0.754, 0.565, 0.640),
    "Patch+aug": (0.852, 0.434, 0.221, 0.707, 0.974, 0.884, 0.916, 0.689, 0.743),
    "Patch+aug+skip": (0.862, 0.458, 0.286, 0.673, 0.974, 0.912, 0.926, 0.705, 0.757),
    "Section": (0.879, 0.219, 0.539, 0.744, 0.951, 0.872, 0.973, 0.716, 0.789),
    "Section+aug": (0.901, 0.714, 0.423, 0.812, 0.979, 0.940, 0.956, 0.804, 0.844),
    "Section+aug+skip": (0.905, 0.602, 0.674, 0.772, 0.941, 0.938, 0.974, 0.817, 0.832),
}


@dataclass(frozen=True, eq=False)
class BenchmarkVolume:
    """A part of the benchmark: amplitudes and labels on disk, neither loaded whole.

    Attributes
    ----------
    seismic, labels
        (inline, crossline, sample), memory-mapped; labels are 0 to 5, anything else is unlabelled.
    """

    seismic: NDArray[Any]
    labels: NDArray[Any]


def open_benchmark(folder: str | Path) -> dict[str, BenchmarkVolume]:
    """Open the volumes of the benchmark: "train", "test1" and "test2".

    Parameters
    ----------
    folder
        That holds `train/train_seismic.npy`, `train/train_labels.npy` and in `test_once` the
        same of `test1` and `test2`, or a folder `data` with these.

    Raises
    ------
    SeismicError
        A file is missing or no array of three axes, labels have another shape than amplitudes, or
        other classes.
    """
    root = Path(folder)
    root = root / "data" if (root / "data" / LAYOUT["train"][0]).exists() else root
    found = {}
    for part, names in LAYOUT.items():
        seismic, labels = (_mapped(root / name) for name in names)
        if seismic.shape != labels.shape:
            raise SeismicError(
                f"expected labels of the shape of the amplitudes, {seismic.shape}, got "
                f"{labels.shape} in {root / names[1]}. Download the benchmark again."
            )
        if labels.dtype.kind not in "iuf":
            raise SeismicError(
                f"expected class numbers in {root / names[1]}, got {labels.dtype}. Download the "
                "benchmark again."
            )
        found[part] = BenchmarkVolume(seismic, labels)
    return found


def _mapped(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise SeismicError(
            f"there is no file {path}. Give the folder data of the benchmark, with train and "
            "test_once (https://github.com/yalaudah/facies_classification_benchmark says where to "
            "download it)."
        ) from error
    except (ValueError, OSError) as error:
        raise SeismicError(
            f"cannot read {path} as an array: {error}. Download it again."
        ) from error
    if array.ndim != 3:
        raise SeismicError(
            f"expected an array (inline, crossline, sample) in {path}, got shape {array.shape}."
        )
    return array


def score_benchmark(
    parts: Mapping[str, BenchmarkVolume],
    features: FaciesFeatures,
    labels: int = 5000,
    lines: int = 40,
    seed: int = 0,
) -> dict[str, Any]:
    """Learn from labels of the training volume, and score test sets 1 and 2 and both together.

    Every sample of every inline of the test volumes is answered; the confusions of both are added
    for "both", as the benchmark does. Samples without a class count nowhere. The test volumes are
    touched once, for answers alone: nothing is chosen on them.

    Parameters
    ----------
    parts
        From `open_benchmark`.
    features
        What is looked at.
    labels
        Samples of each class that are learned from; a handful shows what strokes would give.
    lines
        Inlines, evenly spread, on which they are drawn.
    seed
        Of the draw and the trees.

    Returns
    -------
    dict
        "labels", drawn of each class, and for "test1", "test2" and "both": `MEASURES`, the accuracy
        and IoU of each class, and the confusion (class, answer).
    """
    survey = _amplitudes(parts["train"], seed)
    x, codes = _drawn(parts["train"], features, survey, labels, lines, seed)
    forest = grow(x, codes, len(CLASSES), seed)
    both = RunningScore(len(CLASSES))
    counts = np.bincount(codes, minlength=len(CLASSES) + 1)[1:].tolist()
    found: dict[str, Any] = {"labels": dict(zip(CLASSES, counts, strict=True))}
    for part in ("test1", "test2"):
        score = RunningScore(len(CLASSES))
        for truth, answer in _answers(parts[part], features, survey, forest):
            score.update(truth, answer)
            both.update(truth, answer)
        found[part] = _told(score)
    return found | {"both": _told(both)}


def _told(score: RunningScore) -> dict[str, Any]:
    accuracy, overlap = score.class_accuracies(), score.class_overlaps()
    return {
        **score.measures(),
        "class accuracy": dict(zip(CLASSES, accuracy.tolist(), strict=True)),
        "class IoU": dict(zip(CLASSES, overlap.tolist(), strict=True)),
        "confusion": score.confusion.tolist(),
    }


def _amplitudes(part: BenchmarkVolume, seed: int) -> Amplitudes:
    """Measure the amplitudes of the training volume; the test volumes are of the same survey."""
    lines, columns, samples = part.seismic.shape
    places = np.random.default_rng(seed).integers(0, [lines, columns], (TRACES_READ, 2))
    traces = np.stack([part.seismic[inline, crossline] for inline, crossline in places])
    return amplitudes_of(traces.reshape(-1, samples).astype(np.float32))


def _drawn(
    part: BenchmarkVolume,
    features: FaciesFeatures,
    survey: Amplitudes,
    labels: int,
    lines: int,
    seed: int,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw labelled samples on some inlines: features (label, feature), and codes from 1."""
    count = len(part.seismic)
    chosen = np.unique(np.linspace(0, count - 1, min(lines, count)).round().astype(int))
    each = max(1, -(-labels // len(chosen)))
    found, codes = [], []
    for inline in track(chosen.tolist(), "features of the training volume"):
        truth = _codes(part.labels[inline])
        kept = some_of_each(truth.ravel(), 4 * each, seed + inline)
        kept = kept[truth.ravel()[kept] >= 0]
        x = _section(part.seismic, inline, features, survey).reshape(len(features.names), -1)
        found.append(x[:, kept].T)
        codes.append(truth.ravel()[kept] + 1)
    x, known = np.concatenate(found), np.concatenate(codes)
    if len(np.unique(known)) < 2:
        raise SeismicError(
            "expected labels of 2 classes or more on the training volume, got fewer."
        )
    some = some_of_each(known, labels, seed)
    return x[some], known[some]


def _answers(
    part: BenchmarkVolume, features: FaciesFeatures, survey: Amplitudes, forest: Forest
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Give the truth and the answer of each inline, (crossline, sample)."""
    for inline in track(range(len(part.seismic)), "answering"):
        x = _section(part.seismic, inline, features, survey)
        p = forest.probabilities(x.reshape(len(x), -1).T)
        yield _codes(part.labels[inline]), p.argmax(axis=1).reshape(x.shape[1:])


def _section(
    seismic: NDArray[Any], inline: int, features: FaciesFeatures, survey: Amplitudes
) -> NDArray[np.float32]:
    top, bottom = max(inline - 1, 0), min(inline + 2, len(seismic))
    block = np.ascontiguousarray(seismic[top:bottom], np.float32)
    x, _ = next(sections(block, slice(inline - top, inline - top + 1), features, survey))
    return x


def _codes(labels: NDArray[Any]) -> NDArray[np.int64]:
    return np.where(np.isin(labels, range(len(CLASSES))), labels, -1).astype(np.int64)


def published_rows(measured: Mapping[str, Any]) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Give the table of both test sets: columns, and the published rows with ours below them."""
    order = ("Zechstein", "Scruff", "Rijnland/Chalk", *CLASSES[2::-1])
    columns = ("model", "PA", *order, "MCA", "FWIU")
    rows: list[tuple[Any, ...]] = [(name, *values) for name, values in PUBLISHED.items()]
    ours = measured["both"]
    own = (
        ours[MEASURES[0]],
        *(ours["class accuracy"][name] for name in order),
        ours[MEASURES[1]],
        ours[MEASURES[2]],
    )
    return columns, [*rows, ("graben", *own)]
