"""Measure what the synthetic surveys of the training are like, for the warning of unlike ones.

    python tools/build_shift_range.py        # two minutes of one core

Lines and cubes by turns, drawn as the images that fault nets learn from are, of several sizes. The
range is fitted to some surveys and its percentiles are taken from others; nothing real and nothing
corrupted goes into it. Seeds are fixed: the same numbers come out on the same machine.
"""

import argparse
from pathlib import Path

import numpy as np

from graben.cli.console import progress_bar, say
from graben.imaging.shift import RANGE, TrainingRange
from graben.imaging.shift_features import measure_traits
from graben.imaging.synthetic import draw_window
from graben.progress import shown_by, track
from graben.tiling import InMemory

FITTED, HELD = 600, 300
KEY = 17  # these surveys are none of the images that nets learn from


def survey(seed: int, number: int) -> np.ndarray:
    """Draw one survey: a cube, or a line along inlines or crosslines; (inline, crossline, sample).

    Parameters
    ----------
    seed
        0: fitted to; 1: percentiles; others are free for tests.
    number
        Which one.
    """
    generator = np.random.default_rng([KEY, seed, number])
    long, deep = (int(side) for side in generator.integers(64, 161, 2))
    if number % 2:
        shape = (1, long, deep) if number % 4 == 1 else (long, 1, deep)
    else:
        shape = (int(generator.integers(16, 33)), min(long, 96), min(deep, 128))
    return draw_window(generator, shape).amplitude


def measured(seed: int, count: int) -> np.ndarray:
    """Return the traits of `count` surveys, (survey, trait)."""
    return np.array([
        measure_traits(InMemory(survey(seed, number)))
        for number in track(range(count), f"surveys of seed {seed}")
    ])  # fmt: skip


def main() -> None:
    """Fit and write the range."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RANGE)
    asked = parser.parse_args()
    with shown_by(progress_bar):
        fitted = TrainingRange.fit(measured(0, FITTED), measured(1, HELD))
    fitted.save(asked.out)
    say(f"{asked.out}: {FITTED} surveys fitted, {HELD} for percentiles")


if __name__ == "__main__":
    main()
