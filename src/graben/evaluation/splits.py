"""Splits that do not leak: by time, by blocks of space; and a check for what leaks anyway."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from graben.errors import InputError

_EARTH_RADIUS_KM = 6371.0
Times = str | datetime | np.datetime64 | Sequence[str] | np.ndarray | pd.Series | pd.Index
_DAY = np.timedelta64(86_400_000_000_000, "ns")


def _utc(times: Times) -> np.ndarray:
    """Give datetime64[ns] in UTC; times without a zone are taken as UTC."""
    series = pd.to_datetime(pd.Series(times), utc=True)
    return series.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")


@dataclass(frozen=True)
class TimeSplit:
    """Training, validation and test period, one after the other.

    Parameters
    ----------
    train_end, validation_end
        Where one period ends and the next begins.
    start, test_end
        Outer limits; none by default.

    Examples
    --------
    A window that straddles a boundary belongs to nobody:

    >>> split = TimeSplit("2010-01-01", "2015-01-01")
    >>> split.assign(["2009-11-01", "2009-12-20", "2010-01-01"], horizon_days=30).tolist()
    ['train', '', 'validation']
    """

    train_end: Times
    validation_end: Times
    start: Times | None = None
    test_end: Times | None = None

    def __post_init__(self) -> None:
        limits = [self.start, self.train_end, self.validation_end, self.test_end]
        given = [_utc(limit)[0] for limit in limits if limit is not None]
        if sorted(given) != given or len(set(given)) < len(given):
            raise InputError(
                f"expected start < train_end < validation_end < test_end, got {limits}. "
                "Put them in order."
            )

    def assign(self, issue_times: Times, horizon_days: float) -> np.ndarray:
        """Give "train", "validation", "test" or "" for each label window.

        Parameters
        ----------
        issue_times
            Starts of the label windows.
        horizon_days
            Their length; the whole window has to lie within one period.
        """
        begin = _utc(issue_times)
        end = begin + np.timedelta64(round(horizon_days * 86400 * 1e9), "ns")
        periods = {
            "train": (self.start, self.train_end),
            "validation": (self.train_end, self.validation_end),
            "test": (self.validation_end, self.test_end),
        }
        part = np.full(begin.shape, "", dtype="U10")
        for name, (first, last) in periods.items():
            inside = np.ones(begin.shape, bool)
            if first is not None:
                inside &= begin >= _utc(first)[0]
            if last is not None:
                inside &= end <= _utc(last)[0]
            part[inside] = name
        return part


@dataclass(frozen=True)
class SpaceBlocks:
    """Cross-validation in which whole blocks of the map are held out.

    Parameters
    ----------
    size
        Side of a block in degrees.
    folds
        Number of folds.
    buffer
        Training points closer than so many degrees to a held-out block are left out; at least
        twice the label radius where labels reach over borders.
    seed
        Of the assignment of blocks to folds, which balances the number of points.
    """

    size: float
    folds: int = 5
    buffer: float = 0.0
    seed: int = 0

    def split(
        self, longitude: np.ndarray, latitude: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the indices of the training and of the test points of each fold.

        Parameters
        ----------
        longitude, latitude
            Of the points, degrees.

        Raises
        ------
        InputError
            There are fewer blocks than folds.
        """
        cell = np.stack([np.floor(longitude / self.size), np.floor(latitude / self.size)], 1)
        blocks, block, count = np.unique(cell, axis=0, return_inverse=True, return_counts=True)
        if len(blocks) < self.folds:
            raise InputError(
                f"expected at least {self.folds} blocks, one per fold, got {len(blocks)} of "
                f"{self.size} degrees. Use smaller blocks or fewer folds."
            )
        fold_of_block = self._balanced(count)
        fold = fold_of_block[block]
        for k in range(self.folds):
            held_out = blocks[fold_of_block == k]
            near = self._near(held_out, longitude, latitude) if self.buffer > 0 else False
            yield np.flatnonzero((fold != k) & ~np.asarray(near)), np.flatnonzero(fold == k)

    def _balanced(self, count: np.ndarray) -> np.ndarray:
        order = np.random.default_rng(self.seed).permutation(len(count))
        fold, load = np.empty(len(count), int), np.zeros(self.folds)
        for block in order:
            fold[block] = load.argmin()
            load[fold[block]] += count[block]
        return fold

    def _near(self, blocks: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        near = np.zeros(longitude.shape, bool)
        reach = self.size / 2 + self.buffer
        for x, y in (blocks + 0.5) * self.size:
            apart = np.abs((longitude - x + 180) % 360 - 180)
            near |= (apart < reach) & (np.abs(latitude - y) < reach)
        return near


@dataclass(frozen=True)
class LabelWindows:
    """Where and when labels were taken.

    Parameters
    ----------
    issue_times
        Starts of the windows.
    longitude, latitude
        Centres of the discs, degrees.
    events
        For each label the ids of the events that made it positive; may be left out.
    """

    issue_times: Times
    longitude: np.ndarray
    latitude: np.ndarray
    events: Sequence[frozenset[str]] = field(default=())


@dataclass(frozen=True)
class Leak:
    """A training and a test label that share what they should not.

    Attributes
    ----------
    kind
        "window": they overlap in time and space; "event": the same event made both positive.
    train, test
        Their indices.
    detail
        What they share, in words.
    """

    kind: Literal["window", "event"]
    train: int
    test: int
    detail: str


def leak_check(
    train: LabelWindows, test: LabelWindows, *, horizon_days: float, radius_km: float
) -> list[Leak]:
    """Find test labels that share time and space, or an event, with a training label.

    Two windows overlap in time when their starts are less than `horizon_days` apart, and in space
    when their centres are less than two radii apart.

    Parameters
    ----------
    train, test
        The labels of both sides.
    horizon_days, radius_km
        Length of the windows and radius of the discs.

    Returns
    -------
    list of Leak
        At most one of each kind per test label; empty is clean.

    Examples
    --------
    >>> left = LabelWindows(["2009-12-15"], np.array([30.0]), np.array([38.0]))
    >>> right = LabelWindows(["2010-01-01"], np.array([30.5]), np.array([38.0]))
    >>> [leak.kind for leak in leak_check(left, right, horizon_days=30, radius_km=100)]
    ['window']
    """
    return [
        *_shared_windows(train, test, horizon_days, radius_km),
        *_shared_events(train, test),
    ]


def _shared_windows(
    train: LabelWindows, test: LabelWindows, horizon_days: float, radius_km: float
) -> Iterator[Leak]:
    # chords grow with distances, so the sphere can be searched in three dimensions; time is the
    # fourth, and both are scaled so that 1 is the reach
    chord = 2 * np.sin(min(radius_km / _EARTH_RADIUS_KM, np.pi / 2))
    left, right = _position(train), _position(test)
    times = _utc(train.issue_times), _utc(test.issue_times)
    days = [(time - times[0].min()) / _DAY for time in times]
    tree = KDTree(np.c_[left / chord, days[0] / horizon_days])
    points = np.c_[right / chord, days[1] / horizon_days]
    for first in range(0, len(points), 1000):
        found = tree.query_ball_point(points[first : first + 1000], 1, p=np.inf)
        for test_index, candidates in enumerate(found, first):
            index = np.array(candidates, int)
            apart = np.linalg.norm(left[index] - right[test_index], axis=1)
            gap = np.abs(days[0][index] - days[1][test_index])
            shared = np.flatnonzero((apart < chord) & (gap < horizon_days))
            if shared.size:
                nearest = shared[apart[shared].argmin()]
                km = 2 * _EARTH_RADIUS_KM * np.arcsin(apart[nearest] / 2)
                yield Leak(
                    "window",
                    int(index[nearest]),
                    test_index,
                    f"{gap[nearest]:.1f} days and {km:.0f} km apart",
                )


def _shared_events(train: LabelWindows, test: LabelWindows) -> Iterator[Leak]:
    seen = {event: index for index, events in enumerate(train.events) for event in events}
    for index, events in enumerate(test.events):
        shared = sorted(event for event in events if event in seen)
        if shared:
            yield Leak("event", seen[shared[0]], index, ", ".join(shared))


def _position(labels: LabelWindows) -> np.ndarray:
    longitude, latitude = np.radians(labels.longitude), np.radians(labels.latitude)
    return np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        axis=1,
    )
