"""Sediment budgets: what each class of land lost and won, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graben.landforms.change import Change, Volume
from graben.progress import track

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class BudgetRow:
    """What a class of land lost and won.

    Parameters
    ----------
    name
        Of the class.
    net
        Won minus lost, over all its cells: unbiased, whatever was detected.
    lowered, raised
        Lost and won within the areas where a change was detected; what changed by less than can
        be detected is in `net` alone.
    """

    name: str
    net: Volume
    lowered: Volume
    raised: Volume


def budget(
    change: Change, classes: "NDArray[np.integer]", names: Mapping[int, str]
) -> tuple[BudgetRow, ...]:
    """Sum a change by class.

    Parameters
    ----------
    change
        The change.
    classes
        Code of each cell, (y, x). Classes are to come from the first epoch or from elsewhere: by
        a class that the change itself made, sums would be biased.
    names
        Name by code; codes without a name are left out, as are classes without a cell that both
        epochs hold.

    Returns
    -------
    tuple of BudgetRow
        In the order of `names`.
    """
    known = np.isfinite(change.difference)
    held = [code for code in names if (known & (classes == code)).any()]
    rows = []
    for code in track(held, "sediment budget"):
        cells = known & (classes == code)
        rows.append(
            BudgetRow(
                names[code], change.volume(cells), change.lowered(cells), change.raised(cells)
            )
        )
    return tuple(rows)


def whole_budget(change: Change) -> BudgetRow:
    """Sum a change over all cells that both epochs hold."""
    cells = np.ones(change.found.shape, np.uint8)
    return budget(change, cells, {1: "all"})[0]
