"""How well facies are told on lines that were held out, in the terms of the F3 benchmark."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graben.errors import InputError
from graben.evaluation.comparison import Interval
from graben.learning.forest import fit_temperature, grow

if TYPE_CHECKING:
    from graben.imaging.strokes import Strokes

Counts = NDArray[np.int64]
RESAMPLES = 1000
FOLDS = 5
FEWEST_LINES = 4  # of a block
INLINE_GAP = 8  # neighbouring inlines are nearly the same picture
CURVE = (2, 5, 10, 20, 50, 100)  # labels of each class
MEASURES = ("pixel accuracy", "mean class accuracy", "frequency-weighted IoU", "mean IoU")


@dataclass
class RunningScore:
    """Scores of classes over as many sections as one likes, as the F3 facies benchmark does.

    Parameters
    ----------
    classes
        Number of classes; codes are 0 to this less 1.

    Attributes
    ----------
    confusion
        Samples by class (row) and answer (column).

    References
    ----------
    Alaudah et al. (2019), A machine-learning benchmark for facies classification,
    doi:10.1190/INT-2018-0249.1.

    Examples
    --------
    >>> score = RunningScore(2)
    >>> score.update(np.array([0, 0, 1, 1, 255]), np.array([0, 1, 1, 1, 0]))
    >>> {name: round(float(value), 3) for name, value in score.measures().items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'pixel accuracy': 0.75, 'mean class accuracy': 0.75,
     'frequency-weighted IoU': 0.583, 'mean IoU': 0.583}
    """

    classes: int
    confusion: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.confusion = np.zeros((self.classes, self.classes), np.int64)

    def update(self, truth: NDArray[np.integer], answer: NDArray[np.integer]) -> None:
        """Count samples; those whose true class is none of the classes are left out.

        That is how padding and unlabelled samples (255, or any code out of range) stay out.

        Raises
        ------
        InputError
            The arrays differ in shape, or an answer that counts is none of the classes.
        """
        if truth.shape != answer.shape:
            raise InputError(
                f"expected an answer for each sample, got shapes {truth.shape} and {answer.shape}."
            )
        self.confusion += confusion_of(truth, answer, self.classes)

    def measures(self) -> dict[str, float]:
        """Give `MEASURES`; see `facies_measures`."""
        values = facies_measures(self.confusion[None])
        return {name: float(values[name][0]) for name in MEASURES}

    def class_accuracies(self) -> NDArray[np.float64]:
        """Give the share of each class's samples that were answered so; NaN where there is none."""
        return facies_measures(self.confusion[None])["class accuracy"][0]

    def class_overlaps(self) -> NDArray[np.float64]:
        """Give the intersection over union of each class; NaN where it is in neither."""
        return facies_measures(self.confusion[None])["class IoU"][0]


def confusion_of(truth: NDArray[np.integer], answer: NDArray[np.integer], classes: int) -> Counts:
    """Count the samples of each class (row) by answer (column); see `RunningScore.update`."""
    held = (truth >= 0) & (truth < classes)
    true, given = truth[held].astype(np.int64), answer[held].astype(np.int64)
    if given.size and not (given.min() >= 0 and given.max() < classes):
        raise InputError(
            f"expected answers from 0 to {classes - 1}, got {given.min()} to {given.max()}."
        )
    return np.bincount(classes * true + given, minlength=classes**2).reshape(classes, classes)


def facies_measures(confusion: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Give the measures of confusion matrices (matrix, class, answer).

    Returns
    -------
    dict
        "pixel accuracy": share of samples answered rightly. "class accuracy", (matrix, class): the
        same within a class, NaN for a class that does not occur. "mean class accuracy": their mean
        over the classes that occur. "class IoU", (matrix, class): hits over samples that are of
        the class, answered so, or both; NaN for a class that is neither. "mean IoU": their mean.
        "frequency-weighted IoU": their sum, weighted by how frequent each class is.
    """
    counts = np.asarray(confusion, np.float64)
    hit = np.einsum("mcc->mc", counts)
    occurred, answered, total = counts.sum(2), counts.sum(1), counts.sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = hit / occurred
        overlap = hit / (occurred + answered - hit)
        pixel = hit.sum(1) / total
        share = occurred / total[:, None]
    weighted = np.where(share > 0, share * np.nan_to_num(overlap), 0).sum(1)
    return {
        "pixel accuracy": pixel,
        "class accuracy": accuracy,
        "mean class accuracy": _mean_of_known(accuracy),
        "class IoU": overlap,
        "mean IoU": _mean_of_known(overlap),
        "frequency-weighted IoU": np.where(total > 0, weighted, np.nan),
    }


def _mean_of_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(1) / known.sum(1))


def intervals(confusions: NDArray[np.int64], seed: int = 0) -> dict[str, Interval]:
    """Give each of `MEASURES` of all blocks together, with a 95 % interval over the blocks.

    Parameters
    ----------
    confusions
        (block, class, answer): samples of each block that was held out.
    seed
        Of 1,000 resamples of the blocks; the same seed and number of blocks give paired ones.

    Returns
    -------
    dict
        NaN for limits if there are fewer than two blocks.
    """
    whole = facies_measures(confusions.sum(0)[None])
    blocks = len(confusions)
    if blocks < 2:
        return {name: Interval(float(whole[name][0]), np.nan, np.nan) for name in MEASURES}
    drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), RESAMPLES)
    again = facies_measures(np.tensordot(drawn, confusions, 1))
    return {
        name: Interval(float(whole[name][0]), *np.nanquantile(again[name], (0.025, 0.975)).tolist())
        for name in MEASURES
    }


def gain_interval(
    confusions: NDArray[np.int64], reference: NDArray[np.int64], measure: str, seed: int = 0
) -> Interval:
    """Give by how much a measure is better than that of a reference, over the same blocks."""
    blocks = len(confusions)
    drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), RESAMPLES)
    drawn = np.concatenate([np.ones((1, blocks), drawn.dtype), drawn])
    ours, theirs = (
        facies_measures(np.tensordot(drawn, counts, 1))[measure]
        for counts in (confusions, reference)
    )
    apart = ours - theirs
    low, high = np.nanquantile(apart[1:], (0.025, 0.975)).tolist()
    return Interval(float(apart[0]), low, high)


@dataclass(frozen=True)
class LineBlocks:
    """Cross-validation that holds out blocks of neighbouring lines, never single samples.

    Parameters
    ----------
    lines
        How many neighbouring lines make a block.
    folds
        Number of folds; block b is held out in fold b modulo this number.
    gap
        Lines beside a held-out block that are not learned from: what the features' window reaches.

    Examples
    --------
    >>> blocks = LineBlocks(lines=10, folds=2, gap=3)
    >>> learned, held_out = next(blocks.split(np.arange(30)))
    >>> learned.tolist()
    [13, 14, 15, 16]
    """

    lines: int
    folds: int = 5
    gap: int = 0

    def block(self, line: NDArray[np.integer]) -> NDArray[np.int64]:
        """Give the number of the block in which each line lies."""
        return np.asarray(line, np.int64) // self.lines

    def split(
        self, line: NDArray[np.integer]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the indices of what may be learned from, and of what is held out, by fold.

        Parameters
        ----------
        line
            Place of the line of each sample, counted from 0.
        """
        block = self.block(line)
        for fold in range(self.folds):
            held_out = block % self.folds == fold
            if not held_out.any():
                continue
            near = held_out.copy()
            for one in np.unique(block[held_out]):
                first, last = one * self.lines, (one + 1) * self.lines
                near |= (line >= first - self.gap) & (line < last + self.gap)
            yield np.flatnonzero(~near), np.flatnonzero(held_out)


def check_split(learned: NDArray[np.integer], held_out: NDArray[np.integer], gap: int) -> None:
    """Refuse a split whose sides share a line, or come closer than a window.

    Parameters
    ----------
    learned, held_out
        Lines of both sides.
    gap
        Least number of lines between them.

    Raises
    ------
    InputError
        They do.
    """
    if not len(learned) or not len(held_out):
        return
    lines = np.unique(learned)
    place = np.searchsorted(lines, held_out)
    apart = np.minimum(
        np.abs(held_out - lines[np.minimum(place, len(lines) - 1)]),
        np.abs(held_out - lines[np.maximum(place - 1, 0)]),
    )
    if apart.min() <= gap:
        raise InputError(
            f"expected more than {gap} lines between what is learned from and what is held out, "
            f"got {apart.min()}. Split by blocks of lines with a gap of one window."
        )


@dataclass(frozen=True, eq=False)
class FaciesEvaluation:
    """Answers for strokes by trees that saw no stroke of their block of lines.

    Attributes
    ----------
    classes
        Names.
    codes
        Class of each label, from 1.
    probabilities
        Before calibration, (label, class); NaN where a fold had nothing to learn from.
    held
        Labels that count: answered, and of a class that their fold had learned.
    block
        Number of the block of each label.
    axis, lines, gap
        "inline" or "crossline"; lines of a block, and beside it that were not learned from.
    curve
        By number of labels of each class learned from: samples by (block, class, answer).
    """

    classes: tuple[str, ...]
    codes: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    held: NDArray[np.bool_]
    block: NDArray[np.int64]
    axis: str
    lines: int
    gap: int
    curve: dict[int, Counts]

    def confusions(self) -> Counts:
        """Count the held-out labels by (block, class, answer)."""
        return _by_block(self.codes, self.probabilities, self.block, self.held)

    def temperature(self) -> float:
        """Give the temperature that makes the held-out labels most likely."""
        return fit_temperature(self.probabilities[self.held], self.codes[self.held])

    def metrics(self, seed: int = 0) -> dict[str, dict[str, float]]:
        """Give the measures of all blocks and each class's accuracy, for a model's card."""
        found = intervals(self.confusions(), seed)
        rows = {name: {"value": v.value, "low": v.low, "high": v.high} for name, v in found.items()}
        accuracy = facies_measures(self.confusions().sum(0)[None])["class accuracy"][0]
        return rows | {
            f"accuracy of {name}": {"value": float(value)}
            for name, value in zip(self.classes, accuracy, strict=True)
        }


def _by_block(
    codes: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    block: NDArray[np.int64],
    held: NDArray[np.bool_],
) -> Counts:
    classes = probabilities.shape[1]
    answer = np.nan_to_num(probabilities, nan=-1).argmax(axis=1)
    found = np.zeros((int(block.max()) + 1, classes, classes), np.int64)
    np.add.at(found, (block[held], codes[held] - 1, answer[held]), 1)
    return found[found.any(axis=(1, 2))]


def block_lines(line: NDArray[np.integer], gap: int) -> LineBlocks:
    """Choose blocks for labels on these lines (counted from 0): small ones where a gap fits."""
    extent = int(line.max()) + 1
    for blocks in (20, 10, FOLDS):
        lines = max(-(-extent // blocks), FEWEST_LINES)
        # a block for each of five folds in turn: between two held-out ones lie four others
        if 3 * lines >= 2 * gap:
            break
    return LineBlocks(lines, FOLDS, gap)


def evaluate_strokes(
    x: NDArray[np.float32], strokes: "Strokes", reach: int, seed: int = 0
) -> FaciesEvaluation | None:
    """Hold out blocks of lines in turn, and learn from the strokes on the others.

    Parameters
    ----------
    x
        Features of the strokes, (label, feature).
    strokes
        Whose lines make the blocks: inlines if they lie on five or more, else crosslines.
    reach
        How many crosslines the features' window reaches: the gap between what is learned from and
        what is held out.
    seed
        Of the labels that are drawn for the curve.

    Returns
    -------
    FaciesEvaluation or None
        None where the strokes lie too close together to hold any out.
    """
    along = len(np.unique(strokes.inline)) >= FOLDS
    place, gap = (strokes.inline, INLINE_GAP) if along else (strokes.crossline, reach)
    line = place - place.min()
    blocks = block_lines(line, gap)
    codes = strokes.codes.astype(np.int64)
    classes = len(strokes.classes)
    found = np.full((len(codes), classes), np.nan, np.float32)
    held = np.zeros(len(codes), bool)
    answers = {count: found.copy() for count in CURVE if count < max(strokes.counts.values())}
    for learned, held_out in blocks.split(line):
        present = np.unique(codes[learned])
        if len(present) < 2:
            continue
        check_split(line[learned], line[held_out], gap)
        forest = grow(x[learned], codes[learned], classes, seed)
        found[held_out] = forest.probabilities(x[held_out])
        held[held_out] = np.isin(codes[held_out], present)
        for count, given in answers.items():
            few = learned[some_of_each(codes[learned], count, seed)]
            forest = grow(x[few], codes[few], classes, seed)
            given[held_out] = forest.probabilities(x[held_out])
    if not held.any():
        return None
    block = blocks.block(line)
    curve = {count: _by_block(codes, given, block, held) for count, given in answers.items()}
    axis = "inline" if along else "crossline"
    return FaciesEvaluation(
        strokes.classes, codes, found, held, block, axis, blocks.lines, gap, curve
    )


def some_of_each(codes: NDArray[np.integer], most: int, seed: int) -> NDArray[np.int64]:
    """Draw the places of at most so many labels of each class; in order."""
    generator = np.random.default_rng(seed)
    drawn = [
        generator.permutation(np.flatnonzero(codes == code))[:most] for code in np.unique(codes)
    ]
    return np.sort(np.concatenate(drawn))
