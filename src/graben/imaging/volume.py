"""Seismic volumes of any size: opened from SEG-Y or zarr, read by regions, never loaded whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from graben.errors import SeismicError
from graben.imaging.amplitudes import Amplitudes, amplitudes_of, sampled_traces
from graben.imaging.geometry import Geometry, new_geometry
from graben.imaging.segy import open_segy
from graben.imaging.segy_headers import Oddity, Overrides
from graben.imaging.zarr_store import is_zarr, open_zarr
from graben.tiling import InMemory, Source

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from graben.tiling.plan import Region


@dataclass(frozen=True, eq=False)
class SeismicVolume:
    """A seismic volume or line: lazy samples and what their axes mean.

    The order of axes is (inline, crossline, sample) everywhere; samples are float32. It is a
    `graben.tiling.Source`, may be read from several threads at once, and pickles small: a worker
    opens the file again.

    Parameters
    ----------
    source
        Where the samples are read.
    geometry
        Line numbers, coordinates and sampling.
    path
        The file or folder; None in memory.
    oddities
        What was odd about the file, and what was made of it.
    overrides
        What the user knew better than the file.
    """

    source: Source
    geometry: Geometry
    path: Path | None = None
    oddities: tuple[Oddity, ...] = ()
    overrides: Overrides = field(default_factory=Overrides)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(inline, crossline, sample)."""
        lines, columns, samples = self.source.shape
        return lines, columns, samples

    def read(self, region: "Region") -> "NDArray[np.float32]":
        """Read a region.

        Parameters
        ----------
        region
            Three slices, each with a start and a stop within the volume and no step.

        Returns
        -------
        numpy.ndarray
            Samples, float32, (inline, crossline, sample), in C order; 0 where there is no trace or
            where a sample is NaN or infinite.

        Raises
        ------
        SeismicError
            The file is gone, or shorter than it was.
        """
        return np.ascontiguousarray(self.source.read(region), np.float32)

    @property
    def inlines(self) -> "NDArray[np.int64]":
        """Line numbers along the first axis."""
        return self.geometry.inlines

    @property
    def crosslines(self) -> "NDArray[np.int64]":
        """Line numbers along the second axis."""
        return self.geometry.crosslines

    @property
    def axes(self) -> tuple[str, str]:
        """What the first two axes count; of a single crossline, ("crossline", "inline")."""
        return self.geometry.axes

    @property
    def sample_interval(self) -> float:
        """Distance of samples in `unit`."""
        return self.geometry.sample_interval

    @property
    def first_sample(self) -> float:
        """Time or depth of the first sample, in `unit`."""
        return self.geometry.first_sample

    @property
    def unit(self) -> Literal["ms", "m"]:
        """Milliseconds (`ms`) or metres (`m`)."""
        return self.geometry.unit

    @property
    def missing(self) -> "NDArray[np.bool_]":
        """(inline, crossline): True where there is no trace."""
        return self.geometry.missing

    @property
    def x(self) -> "NDArray[np.float64]":
        """(inline, crossline): easting, NaN where it is unknown."""
        return self.geometry.x

    @property
    def y(self) -> "NDArray[np.float64]":
        """(inline, crossline): northing, NaN where it is unknown."""
        return self.geometry.y

    @property
    def is_line(self) -> bool:
        """Whether it is a 2-D line, of shape (1, traces, samples)."""
        return self.geometry.is_line

    def survey_statistics(self, seed: int = 0) -> Amplitudes:
        """Measure mean, deviation and clip of the survey from a bounded sample of its traces.

        Parameters
        ----------
        seed
            The same seed gives the same sample.

        Raises
        ------
        SeismicError
            The sample holds nothing but zeros, or the same number everywhere.
        """
        return amplitudes_of(sampled_traces(self.source, self.missing, seed))

    def __reduce__(self) -> tuple[Any, ...]:
        if self.path is None:
            fields = (self.source, self.geometry, None, self.oddities, self.overrides)
            return SeismicVolume, fields
        return _reopened, (self.path, self.overrides, self.shape)


def open_volume(
    path: str | Path,
    *,
    inline_byte: int | None = None,
    crossline_byte: int | None = None,
    x_byte: int | None = None,
    y_byte: int | None = None,
    sample_format: int | None = None,
    samples: int | None = None,
    sample_interval: float | None = None,
    domain: Literal["time", "depth"] | None = None,
) -> SeismicVolume:
    """Open a SEG-Y file or a zarr folder as a volume; its samples stay where they are.

    Parameters
    ----------
    path
        SEG-Y of revision 0, 1 or 2, or zarr of format 3.
    inline_byte, crossline_byte, x_byte, y_byte
        Where line numbers and coordinates begin in SEG-Y trace headers, counted from 1; found by
        themselves where they are not given, 189 and 193 first. What is given is believed.
    sample_format
        SEG-Y code of the samples: 1 IBM, 2 int32, 3 int16, 5 IEEE, 8 int8 and others.
    samples
        Samples of a SEG-Y trace.
    sample_interval
        Milliseconds, or metres in depth.
    domain
        Whether a SEG-Y file's samples run down in time or depth.

    Raises
    ------
    SeismicError
        It is neither SEG-Y nor zarr, is cut off, has no traces, or samples that are not read.
    """
    overrides = Overrides(
        inline_byte, crossline_byte, x_byte, y_byte, sample_format, samples, sample_interval, domain
    )
    return open_with(Path(path), overrides)


def open_with(path: Path, overrides: Overrides) -> SeismicVolume:
    """Open a volume, see `open_volume`."""
    path = path.absolute()
    if path.is_dir():
        if not is_zarr(path):
            raise SeismicError(
                f"expected a SEG-Y file or a zarr folder (format 3), got the folder {path}. Give "
                "one of these."
            )
        stored, geometry, oddities = open_zarr(path)
        return SeismicVolume(stored, geometry, path, oddities, overrides)
    source, geometry, found = open_segy(path, overrides)
    return SeismicVolume(source, geometry, path, tuple(found), overrides)


@lru_cache(maxsize=4)
def _opened_once(path: Path, overrides: Overrides, size: int, changed: int) -> SeismicVolume:
    """Open a file once for all the tiles that a worker is sent."""
    return open_with(path, overrides)


def _reopened(path: Path, overrides: Overrides, shape: tuple[int, ...]) -> SeismicVolume:
    try:
        now = path.stat()
    except OSError as error:
        raise SeismicError(
            f"cannot read {path}: {error.strerror}. A worker must reach the volume by its path."
        ) from error
    volume = _opened_once(path, overrides, now.st_size, now.st_mtime_ns)
    if volume.shape != shape:
        raise SeismicError(
            f"expected a volume of {shape} in {path}, got {volume.shape}: the file has changed. "
            "Open it again."
        )
    return volume


def in_memory_volume(
    array: "ArrayLike",
    *,
    inlines: "Sequence[int] | NDArray[Any] | None" = None,
    crosslines: "Sequence[int] | NDArray[Any] | None" = None,
    sample_interval: float = 4.0,
    first_sample: float = 0.0,
    unit: Literal["ms", "m"] = "ms",
    spacing: float = 25.0,
) -> SeismicVolume:
    """Make a volume of an array.

    Parameters
    ----------
    array
        (inline, crossline, sample), or (trace, sample) for a line; turned into float32.
    inlines, crosslines
        Line numbers; by default 1, 2, 3 and so on.
    sample_interval, first_sample
        In `unit`.
    unit
        `ms` or `m`.
    spacing
        Metres between lines: crosslines go east, inlines go north.

    Raises
    ------
    SeismicError
        The array has other than two or three axes, is empty, or line numbers do not fit it.

    Examples
    --------
    >>> volume = in_memory_volume(np.arange(24).reshape(2, 3, 4))
    >>> volume.read((slice(1, 2), slice(0, 1), slice(0, 4))).ravel().tolist()
    [12.0, 13.0, 14.0, 15.0]
    """
    samples = np.asarray(array, np.float32)
    if samples.ndim == 2:
        samples = samples[None]
    if samples.ndim != 3 or not samples.size:
        raise SeismicError(
            f"expected an array (inline, crossline, sample), got the shape {np.shape(array)}. Give "
            "three axes, or two for a line."
        )
    finite = np.ascontiguousarray(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0))
    lines, columns, count = samples.shape
    geometry = new_geometry(
        (lines, columns, count),
        inlines=inlines,
        crosslines=crosslines,
        sample_interval=sample_interval,
        first_sample=first_sample,
        unit=unit,
        spacing=spacing,
    )
    return SeismicVolume(InMemory(finite), geometry)
