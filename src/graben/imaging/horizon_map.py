"""Horizons of a seismic volume from seed points, and their files."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import SeismicError
from graben.imaging.amplitudes import recorded
from graben.imaging.models.horizons import STEEPEST, Floats, surface_of, time_at
from graben.imaging.models.structure import StructureNet
from graben.imaging.models.structure_tiles import SeenVolume
from graben.imaging.resources import seen_by
from graben.imaging.volume import SeismicVolume
from graben.output import check_file, written_file

MOST = 200  # horizons at a time
TRIED = 100  # traces in the middle of a survey, of which the nearest that is not dead is taken


@dataclass(frozen=True)
class Seed:
    """A point that a horizon goes through.

    Parameters
    ----------
    inline, crossline
        Line numbers.
    depth
        Two-way time or depth, in the unit of the volume.
    """

    inline: int
    crossline: int
    depth: float


@dataclass(frozen=True, eq=False)
class Horizon:
    """One horizon.

    Attributes
    ----------
    seed
        The point it was asked for.
    depth
        (inline, crossline) float32 in the unit of the volume; NaN where the horizon is not: there
        is no trace, nothing was recorded, a fault or a pause has cut it out, salt is there, or it
        leaves the volume.
    """

    seed: Seed
    depth: Floats


def find_horizons(
    volume: SeismicVolume, seeds: Sequence[Seed], seen: SeenVolume
) -> tuple[Horizon, ...]:
    """Follow the relative geologic time of each seed through a volume.

    Memory holds a slab of inlines and the horizons.

    Parameters
    ----------
    volume
        The volume.
    seeds
        Where horizons start.
    seen
        The volume as a net has seen it.

    Raises
    ------
    SeismicError
        A seed lies outside the volume, or where there is no trace; there are too many.
    """
    places = [place_of(volume, seed) for seed in seeds]
    if not 0 < len(seeds) <= MOST:
        raise SeismicError(
            f"expected 1 to {MOST} horizons, got {len(seeds)}. Give --seed, or a larger --every."
        )
    lines = {inline: seen.time(inline, inline + 1)[0] for inline, _, _ in places}
    levels = [time_at(lines[inline][crossline], sample) for inline, crossline, sample in places]
    samples = np.empty((len(seeds), *volume.shape[:2]), np.float32)
    for first, last in seen.slabs("following"):
        gone = volume.missing[first:last]
        barred = seen.probability(first, last)[0] >= seen.model.salt_from
        barred |= ~seen.recorded(first, last)
        time = seen.time(first, last)
        for surface, level in zip(samples, levels, strict=True):
            found = surface_of(time, level, STEEPEST)
            found[gone | _within(barred, found)] = np.nan
            surface[first:last] = found
    depth = volume.first_sample + volume.sample_interval * samples
    return tuple(Horizon(*pair) for pair in zip(seeds, depth.astype(np.float32), strict=True))


def _within(mask: NDArray[np.bool_], surface: Floats) -> NDArray[np.bool_]:
    """Tell where a surface lies in a body."""
    nearest = np.nan_to_num(surface).round().astype(np.int64)[:, :, None]
    return np.take_along_axis(mask, nearest, 2)[:, :, 0]


def place_of(volume: SeismicVolume, seed: Seed) -> tuple[int, int, float]:
    """Give the inline and crossline, counted from 0, and the sample of a seed.

    Raises
    ------
    SeismicError
        It lies outside the volume, or where there is no trace or nothing was recorded.
    """
    place = []
    for name, number, numbers in (
        ("inline", seed.inline, volume.inlines),
        ("crossline", seed.crossline, volume.crosslines),
    ):
        at = np.flatnonzero(numbers == number)
        if not at.size:
            raise SeismicError(
                f"expected a seed on one of the {name}s {numbers.min()} to {numbers.max()}, got "
                f"{number}. Choose a line of the volume (graben imaging inspect)."
            )
        place.append(int(at[0]))
    inline, crossline = place
    sample = (seed.depth - volume.first_sample) / volume.sample_interval
    if not 0 <= sample <= volume.shape[2] - 1:
        last = volume.first_sample + (volume.shape[2] - 1) * volume.sample_interval
        raise SeismicError(
            f"expected a seed from {volume.first_sample:g} to {last:g} {volume.unit}, got "
            f"{seed.depth:g}. Choose one within the traces."
        )
    if volume.missing[inline, crossline]:
        raise SeismicError(
            f"expected a seed on a trace, but there is none at inline {seed.inline}, crossline "
            f"{seed.crossline}. Choose a place beside it."
        )
    if not _trace_recorded(volume, inline, crossline)[round(sample)]:
        raise SeismicError(
            f"expected a seed where something was recorded, got zeros at {seed.depth:g} "
            f"{volume.unit} on inline {seed.inline}, crossline {seed.crossline} (water, a mute, or "
            "a dead trace). Choose another depth, or a trace beside it."
        )
    return inline, crossline, sample


def _trace_recorded(volume: SeismicVolume, inline: int, crossline: int) -> NDArray[np.bool_]:
    """Tell which samples of a trace lie between its first and its last recorded one."""
    place = slice(inline, inline + 1), slice(crossline, crossline + 1), slice(0, volume.shape[2])
    return recorded(volume.read(place)[0, 0])


def stacked_seeds(volume: SeismicVolume, every: float, seed: Seed | None = None) -> list[Seed]:
    """Give seeds down one trace, that of a seed or by default one in the middle, evenly.

    There are none where nothing was recorded.

    Parameters
    ----------
    volume
        The volume.
    every
        How far apart, in the unit of the volume.
    seed
        Whose trace; it is among those given.

    Raises
    ------
    SeismicError
        They would lie closer than the samples.
    """
    if not every >= volume.sample_interval:
        raise SeismicError(
            f"expected horizons {volume.sample_interval:g} {volume.unit} apart or more, got "
            f"{every:g}. Give a larger --every."
        )
    first = volume.first_sample
    if seed is None:
        (inline, crossline), start = _middle_trace(volume), first
    else:
        inline, crossline, _ = place_of(volume, seed)
        start = first + (seed.depth - first) % every
    depths = np.arange(start, first + (volume.shape[2] - 1) * volume.sample_interval, every)
    samples = np.round((depths - first) / volume.sample_interval).astype(int)
    numbers = int(volume.inlines[inline]), int(volume.crosslines[crossline])
    there = _trace_recorded(volume, inline, crossline)[samples]
    return [Seed(*numbers, depth) for depth in depths[there].tolist()]


def _middle_trace(volume: SeismicVolume) -> tuple[int, int]:
    """Give the trace nearest to the middle, or one a little further if those are dead."""
    present = np.argwhere(~volume.missing)
    order = np.square(present - present.mean(0)).sum(1).argsort(kind="stable")
    nearest = [(int(inline), int(crossline)) for inline, crossline in present[order[:TRIED]]]
    return next((one for one in nearest if _trace_recorded(volume, *one).any()), nearest[0])


def write_horizons(
    volume: SeismicVolume, out: Path, seeds: Sequence[Seed], model: StructureNet
) -> dict[str, Any]:
    """Follow horizons through a volume and write their points, and a picture beside them.

    One line a point: x, y, z, inline, crossline, number of the horizon; z is two-way time in
    milliseconds or depth in metres, positive down; x and y are nan where they are unknown.

    Parameters
    ----------
    volume
        The volume.
    out
        The file of points; `.png` beside it is the picture.
    seeds
        Where horizons start.
    model
        The net.

    Returns
    -------
    dict
        Of each horizon its seed, the share of traces it was found in, and its depths.

    Raises
    ------
    SeismicError
        A seed lies outside the volume, or the output is the input.
    InputError
        The place is not writable.
    """
    from graben.imaging.horizon_figures import draw_horizons

    picture = out.with_suffix(".png")
    for path in (out, picture):
        if volume.path is not None and path.resolve() == volume.path.resolve():
            raise SeismicError(
                f"expected an output that is not the input, got {path} for both. Choose another "
                "name: the input is never written to."
            )
        check_file(path)
    for seed in seeds:
        place_of(volume, seed)
    with seen_by(model, volume, out, timed=True) as seen:
        found = find_horizons(volume, seeds, seen)
    with written_file(out) as temporary:
        _write_points(temporary, volume, found)
    figure = draw_horizons(volume, found)
    with written_file(picture) as temporary:
        figure.savefig(temporary, format="png", dpi=160, bbox_inches="tight", facecolor="white")
    return {"horizons": [_record(volume, *one) for one in enumerate(found, 1)]}


def _write_points(path: Path, volume: SeismicVolume, horizons: Sequence[Horizon]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# x y z_{volume.unit} inline crossline horizon\n")
        writer = csv.writer(file, delimiter=" ", lineterminator="\n")
        for number, one in enumerate(horizons, 1):
            for i, j in np.argwhere(np.isfinite(one.depth)).tolist():
                ground = f"{volume.x[i, j]:.2f}", f"{volume.y[i, j]:.2f}"
                lines = volume.inlines[i], volume.crosslines[j]
                writer.writerow([*ground, f"{one.depth[i, j]:.3f}", *lines, number])


def _record(volume: SeismicVolume, number: int, one: Horizon) -> dict[str, Any]:
    there = one.depth[np.isfinite(one.depth)].astype(float)
    known = there.size > 0
    return {
        "number": number,
        "inline": one.seed.inline,
        "crossline": one.seed.crossline,
        f"seed_{volume.unit}": one.seed.depth,
        "share_of_traces": there.size / max(int((~volume.missing).sum()), 1),
        f"shallowest_{volume.unit}": there.min() if known else None,
        f"mean_{volume.unit}": there.mean() if known else None,
        f"deepest_{volume.unit}": there.max() if known else None,
    }
