"""How well labelled cells are told from blocks of the map that were held out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from graben.evaluation.comparison import Interval
from graben.evaluation.splits import SpaceBlocks
from graben.learning.forest import fit_temperature

Answer = Callable[[np.ndarray, np.ndarray], np.ndarray]

FOLDS = 5
BLOCKS_ACROSS = 8  # of the longer side of the map, where labels are spread wide enough
SMALLEST_BLOCK = 20  # cells
BUFFER = 0.2  # of a block's side
RESAMPLES = 1000


@dataclass(frozen=True)
class BlockEvaluation:
    """Answers for labelled cells by models that saw no label of their block.

    Blocks are squares of the map. Training cells closer to a held-out block than the buffer are
    left out, so that neighbours do not give each other away. What features see is only terrain:
    windows that reach over the border of a block carry no label across it.

    Attributes
    ----------
    classes
        Names; codes are their places plus 1.
    codes
        Class of each cell, (cell,).
    probabilities
        Of each class, (cell, class); NaN where a fold's training cells lacked classes to choose
        from.
    blocks
        Number of the block of each cell, (cell,).
    block_cells, buffer_cells
        Side of a block and width of the buffer, in cells.
    """

    classes: tuple[str, ...]
    codes: np.ndarray
    probabilities: np.ndarray
    blocks: np.ndarray
    block_cells: int
    buffer_cells: float

    def confusion(self) -> np.ndarray:
        """Count the cells by block, class (row) and answer (column)."""
        held = ~np.isnan(self.probabilities[:, 0])
        count = len(self.classes)
        shape = (int(self.blocks.max()) + 1, count, count)
        found = np.zeros(shape, int)
        place = (self.blocks, self.codes - 1, self.probabilities.argmax(axis=1))
        np.add.at(found, tuple(index[held] for index in place), 1)
        return found

    def scores(self, seed: int = 0) -> dict[str, dict[str, Interval]]:
        """Give precision, recall and F1 of each class and of all, with intervals over blocks.

        Parameters
        ----------
        seed
            Of the resampling of blocks.

        Returns
        -------
        dict
            By class, then "all" with the plain mean over the classes and the accuracy. Intervals
            hold 95 % of 1,000 resamples; a class without a cell in one is left out of it. Where
            all cells lie in one block, intervals are NaN.
        """
        confusion = self.confusion()
        blocks = np.flatnonzero(confusion.sum(axis=(1, 2)))
        drawn = np.random.default_rng(seed).multinomial(
            len(blocks), np.full(len(blocks), 1 / len(blocks)), RESAMPLES
        )
        again = np.tensordot(drawn, confusion[blocks], 1)
        values, resampled = rates(confusion.sum(axis=0)[None]), rates(again)
        names = (*self.classes, "all")
        return {
            name: {
                rate: _interval(values[rate][0, place], resampled[rate][:, place], len(blocks))
                for rate in values
                if rate != "accuracy" or name == "all"
            }
            for place, name in enumerate(names)
        }


def rates(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Give precision, recall, F1 and accuracy of confusion matrices.

    Parameters
    ----------
    confusion
        Counts, (matrix, class, answer).

    Returns
    -------
    dict
        "precision", "recall", "F1" and "accuracy", each (matrix, class + 1): the last entry is
        the mean over the classes that occur, or the accuracy. NaN where a class does not occur,
        or was never answered (precision).
    """
    confusion = np.asarray(confusion, float)
    hit = np.einsum("mcc->mc", confusion)
    happened, answered = confusion.sum(2), confusion.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(happened > 0, 2 * hit / (happened + answered), np.nan)
        found = {"precision": hit / answered, "recall": hit / happened, "F1": f1}
        accuracy = hit.sum(1) / happened.sum(1)
    rows = {rate: np.c_[values, _mean(values)] for rate, values in found.items()}
    return rows | {"accuracy": np.repeat(accuracy[:, None], hit.shape[1] + 1, axis=1)}


def _mean(values: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    return np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _interval(value: float, resampled: np.ndarray, blocks: int) -> Interval:
    known = resampled[~np.isnan(resampled)]
    if blocks < 2 or not len(known):
        return Interval(float(value), np.nan, np.nan)
    low, high = np.quantile(known, (0.025, 0.975))
    return Interval(float(value), float(low), float(high))


def evaluate_by_blocks(
    classes: tuple[str, ...],
    codes: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    answer: Answer,
    seed: int = 0,
) -> BlockEvaluation | None:
    """Hold out blocks of labelled cells in turn.

    Parameters
    ----------
    classes
        Names.
    codes
        Class of each labelled cell, 1 to the number of classes.
    rows, columns
        Of the cells in the DEM.
    answer
        Called with the indices of training cells and of held-out cells; gives the probabilities
        of the latter, (cell, class).
    seed
        Of the assignment of blocks to folds.

    Returns
    -------
    BlockEvaluation or None
        None where the labels lie too close together for two blocks.
    """
    side = _block_side(rows, columns)
    # lengths are in blocks: the splitter counts in degrees, and a map has fewer blocks than these
    x, y = columns / side, rows / side
    blocks, number = np.unique(np.stack([np.floor(x), np.floor(y)], 1), axis=0, return_inverse=True)
    if len(blocks) < 2:
        return None
    splitter = SpaceBlocks(1.0, min(FOLDS, len(blocks)), BUFFER, seed)
    probabilities = np.full((len(codes), len(classes)), np.nan)
    for learned, held_out in splitter.split(x, y):
        if len(np.unique(codes[learned])) > 1:
            probabilities[held_out] = answer(learned, held_out)
    if np.isnan(probabilities).all():
        return None
    return BlockEvaluation(classes, codes, probabilities, number.ravel(), side, BUFFER * side)


def _block_side(rows: np.ndarray, columns: np.ndarray) -> int:
    """Give the largest side that cuts the labelled part of the map into enough blocks."""
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    for side in _halved(int(np.ceil(extent / BLOCKS_ACROSS))):
        if len(set(zip(rows // side, columns // side, strict=True))) >= FOLDS:
            return side
    return SMALLEST_BLOCK


def _halved(side: int) -> Iterator[int]:
    while side >= SMALLEST_BLOCK:
        yield side
        side //= 2


def temperature_of(evaluation: BlockEvaluation) -> float:
    """Give the temperature that makes held-out answers most likely; each class counts alike."""
    held = ~np.isnan(evaluation.probabilities[:, 0])
    return fit_temperature(evaluation.probabilities[held], evaluation.codes[held])
