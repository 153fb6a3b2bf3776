"""What a seismic file holds, what is odd about it, and what will be made of it."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import SeismicError
from graben.imaging.amplitudes import Amplitudes, amplitudes_of, sampled_traces
from graben.imaging.segy import SegySource
from graben.imaging.segy_headers import FORMATS, Oddity, text_headers
from graben.imaging.shift import Shift, survey_shift

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graben.imaging.volume import SeismicVolume

MOST_CHECKED = 1000  # traces
CHECKED = 4_000_000  # samples that are looked at for what is not a number
OUTLIERS = 100.0  # times the deviation: no reflection is as loud


@dataclass(frozen=True, eq=False)
class Inspection:
    """What was found out about a volume.

    Parameters
    ----------
    facts
        What the file holds, in words, by name.
    oddities
        What is odd about its headers and samples.
    traces
        (traces, samples): a bounded sample of traces.
    amplitudes
        What the samples are normalised by; None if they are all the same.
    texts
        The text headers.
    shift
        How unlike the training of the nets the survey is; None where no three traces lie beside
        each other.
    """

    facts: dict[str, str]
    oddities: tuple[Oddity, ...]
    traces: "NDArray[np.float32]"
    amplitudes: Amplitudes | None
    texts: tuple[str, ...]
    shift: Shift | None = None

    def plain(self) -> dict[str, Any]:
        """Return everything but the traces, for JSON."""
        measured = None if self.amplitudes is None else asdict(self.amplitudes)
        return {
            "facts": self.facts,
            "oddities": [asdict(one) for one in self.oddities],
            "amplitudes": measured,
            "text_headers": list(self.texts),
            "unlike_training_percentile": None if self.shift is None else self.shift.percentile,
        }


def inspect_volume(volume: "SeismicVolume") -> Inspection:
    """Look at the headers, the geometry and a bounded sample of the traces of a volume."""
    traces = sampled_traces(volume, volume.missing)
    amplitudes, oddities = _measured(volume, traces)
    facts = {"file": str(volume.path.name) if volume.path else "in memory"}
    texts: tuple[str, ...] = ()
    if isinstance(volume.source, SegySource):
        facts |= _segy_facts(volume.source)
        layout = volume.source.traces.layout
        texts = tuple(text_headers(volume.source.traces.path, layout.start))
    facts |= _grid_facts(volume)
    shift = None if amplitudes is None else _shift(volume)
    return Inspection(facts, (*volume.oddities, *oddities), traces, amplitudes, texts, shift)


def _shift(volume: "SeismicVolume") -> Shift | None:
    try:
        return survey_shift(volume)
    except SeismicError:
        return None


def _segy_facts(source: SegySource) -> dict[str, str]:
    layout = source.traces.layout
    order = "little" if layout.order == "<" else "big"
    text = "ASCII" if layout.ascii else "EBCDIC"
    extra = (layout.start - 3600) // 3200
    places = source.grid.line_bytes
    return {
        "format": f"SEG-Y revision {layout.revision}, {order}-endian",
        "text header": text + (f", and {extra} more" if extra > 0 else ""),
        "samples": f"{FORMATS[layout.sample_format][0]} (format {layout.sample_format})",
        "traces": f"{layout.traces} of {layout.samples} samples, {layout.size / 1e6:.4g} MB",
        "line numbers": f"bytes {places[0]} and {places[1]}" if places else "none",
    }


def _grid_facts(volume: "SeismicVolume") -> dict[str, str]:
    down = volume.first_sample + volume.sample_interval * (volume.shape[2] - 1)
    unit = volume.unit
    facts = {
        "shape": " x ".join(map(str, volume.shape)) + " (inline, crossline, sample)"
        if not volume.is_line
        else f"a 2-D line of {volume.shape[1]} traces, {volume.shape[2]} samples",
        f"{volume.axes[0]}s": _numbers(volume.inlines),
        f"{volume.axes[1]}s": _numbers(volume.crosslines),
        "depth" if unit == "m" else "time": f"{volume.first_sample:g} to {down:g} {unit}, "
        f"every {volume.sample_interval:g} {unit}",
    }
    known = np.isfinite(volume.x)
    if known.any():
        x, y = volume.x[known], volume.y[known]
        facts["coordinates"] = f"x {x.min():.9g} to {x.max():.9g}, y {y.min():.9g} to {y.max():.9g}"
        if spacing := _spacing(volume):
            facts["spacing"] = spacing
    absent = int(volume.missing.sum())
    facts["missing"] = f"{absent} traces, {100 * absent / volume.missing.size:.3g} %"
    return facts


def _numbers(numbers: "NDArray[np.int64]") -> str:
    if len(numbers) == 1:
        return str(numbers[0])
    steps = np.unique(np.diff(numbers))
    step = f"step {steps[0]}" if len(steps) == 1 else "uneven steps"
    return f"{numbers[0]} to {numbers[-1]}, {step}"


def _spacing(volume: "SeismicVolume") -> str:
    """Tell how far neighbouring traces lie apart, in units of the coordinates."""
    apart = []
    for axis, name in enumerate(volume.axes):
        steps = np.hypot(np.diff(volume.x, axis=axis), np.diff(volume.y, axis=axis))
        known = steps[np.isfinite(steps)]
        if known.size:
            apart.append(f"{np.median(known):.4g} between {name}s")
    return ", ".join(apart)


def _measured(
    volume: "SeismicVolume", traces: "NDArray[np.float32]"
) -> tuple[Amplitudes | None, list[Oddity]]:
    """Measure the amplitudes, and say what is odd about them."""
    found = []
    bad, empty = _checked(volume.source) if isinstance(volume.source, SegySource) else (0.0, 0.0)
    if bad:
        found.append(
            Oddity(
                "samples that are no numbers",
                f"{100 * bad:.3g} % of the samples that were looked at are NaN or infinite",
                "they are read as 0",
            )
        )
    try:
        amplitudes = amplitudes_of(traces)
    except SeismicError:
        live = traces[traces != 0]
        what = f"{live[0]:g} (nearly) everywhere" if live.size else "zeros everywhere"
        found.append(
            Oddity(
                "no picture",
                f"the traces hold {what}, as far as they were looked at",
                "there is nothing to interpret; networks refuse it",
                "--sample-format, if another one makes a picture of it",
            )
        )
        return None, found
    if empty:
        found.append(
            Oddity(
                "empty traces",
                f"{100 * empty:.3g} % of the traces that were looked at hold zeros alone",
                "they are left out where amplitudes are measured",
            )
        )
    loudest = float(np.abs(traces - amplitudes.mean).max()) / amplitudes.std
    if loudest > OUTLIERS:
        found.append(
            Oddity(
                "outliers",
                f"the loudest sample lies {loudest:.3g} standard deviations from the mean",
                f"amplitudes are cut off at {amplitudes.clip:.2g} deviations before a network "
                "sees them",
            )
        )
    return amplitudes, found


def _checked(source: SegySource) -> tuple[float, float]:
    """Return the shares of samples that are no numbers, and of traces that are empty.

    Of traces that are spread over the file.
    """
    traces = source.traces
    layout = traces.layout
    count = min(layout.traces, max(1, CHECKED // layout.samples), MOST_CHECKED)
    numbers = np.unique(np.linspace(0, layout.traces - 1, count).astype(np.int64))
    found = np.empty((len(numbers), layout.samples), np.float32)
    traces.read(numbers, slice(0, layout.samples), found)
    return traces.not_numbers(numbers), float((found == 0).all(axis=1).mean())
