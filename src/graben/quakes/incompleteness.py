"""What a catalogue misses after large shocks, as steps of completeness."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.quakes.sequence import EventSequence

BELOW_SHOCK, FALL_PER_DECADE = 4.5, 0.75


def short_term_incompleteness(
    sequence: EventSequence, shock_magnitude: float = 5.0
) -> EventSequence:
    """Return the sequence with completeness raised after each large shock, as long as it lasts.

    Age t days after a shock of magnitude M, events below M - 4.5 - 0.75 log10(t) are lost in its
    coda and among its aftershocks. This becomes steps of the sequence's bins, each at or above
    that curve, from M itself down. Where shocks follow each other, or the sequence has steps
    already, the highest level holds.

    Parameters
    ----------
    sequence
        The events; a shock raises completeness from just after it on, so nothing is seen ahead.
    shock_magnitude
        Smallest magnitude of a shock.

    References
    ----------
    Helmstetter, Kagan & Jackson (2006), doi:10.1785/0120050067.

    Examples
    --------
    >>> from graben.quakes.polygon import Polygon
    >>> from graben.quakes.sequence import Windows
    >>> box = Polygon([10, 11, 11, 10], [40, 40, 41, 41])
    >>> windows = Windows("2000-01-01", "2000-02-01", "2000-03-01", "2000-04-01", "2000-05-01")
    >>> one = EventSequence(
    ...     np.array([40.0]), np.array([10.5]), np.array([40.5]), np.array([7.0]), 2.0, 0.1, box,
    ...     windows)
    >>> after = short_term_incompleteness(one)
    >>> after.completeness_at(np.array([40.0, 40.1, 41.0, 50.0])).round(1).tolist()
    [2.0, 3.3, 2.6, 2.0]
    """
    shocks = np.flatnonzero(sequence.magnitude >= shock_magnitude)
    raised = [_after(sequence, float(sequence.magnitude[shock])) for shock in shocks]
    starts = [sequence.time[shock] + age for shock, (age, _) in zip(shocks, raised, strict=True)]
    days = np.unique(np.concatenate([[day for day, _ in sequence.completeness_steps], *starts]))
    # what held before: just after each day
    level = sequence.completeness_at(np.nextafter(days, np.inf))
    for start, (_, magnitude) in zip(starts, raised, strict=True):
        first, last = np.searchsorted(days, start[[0, -1]])
        at = np.searchsorted(start, days[first:last], side="right") - 1
        level[first:last] = np.maximum(level[first:last], magnitude[at])
    changes = np.diff(level, prepend=sequence.completeness_magnitude) != 0
    steps = zip(days[changes].tolist(), level[changes].tolist(), strict=True)
    return replace(sequence, completeness_steps=tuple(steps))


def _after(sequence: EventSequence, shock: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return ages from which on completeness is at levels, and the levels; the last is normal."""
    lowest = sequence.completeness_magnitude
    above = np.arange(np.ceil((shock - lowest) / sequence.bin_width - 1e-6), -1, -1)
    level = lowest + above * sequence.bin_width
    age = 10.0 ** ((shock - BELOW_SHOCK - level) / FALL_PER_DECADE)
    age[0] = 0.0
    return age, level
