"""The page of a seismic file: what it holds, what is odd, and what it looks like."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import graben
from graben.imaging.amplitudes import spectrum_of
from graben.imaging.figures import (
    draw_amplitudes,
    draw_geometry,
    draw_section,
    draw_spectrum,
    draw_time_slice,
)
from graben.imaging.segy_writing import check_not_input
from graben.imaging.shift import shift_section
from graben.output import check_file, check_folder, written_folder
from graben.report import (
    Picture,
    Section,
    Table,
    Text,
    command_line,
    save_picture,
    write_page,
)

if TYPE_CHECKING:
    from graben.imaging.amplitudes import Amplitudes
    from graben.imaging.inspection import Inspection
    from graben.imaging.volume import SeismicVolume

PAGE = "inspection.html"


def write_inspection(out: Path, volume: "SeismicVolume", found: "Inspection") -> Path:
    """Write what was found out about a volume as a page, and return its path.

    Parameters
    ----------
    out
        A `.html` file; or a folder, which gets the page and the pictures.
    volume
        The volume.
    found
        From `graben.imaging.inspect_volume`.

    Raises
    ------
    SeismicError
        The page would replace the volume.
    InputError
        The place is not writable, or the folder holds other things.
    OutputError
        Writing failed half way; what stood there before is unchanged.
    """
    check_not_input(out, volume)
    if out.suffix.lower() in (".html", ".htm"):
        check_file(out)
        _write(out, volume, found, list(_pictures(volume, found)))
        return out
    check_folder(out, [volume.path] if volume.path else [])
    pictures = list(_pictures(volume, found))
    with written_folder(out) as folder:
        for picture in pictures:
            save_picture(picture, folder)
        _write(folder / PAGE, volume, found, pictures)
    return out / PAGE


def _write(
    path: Path, volume: "SeismicVolume", found: "Inspection", pictures: list[Picture]
) -> None:
    name = found.facts["file"]
    odd = tuple((one.name, one.found, one.done, one.override or "no") for one in found.oddities)
    facts = tuple(found.facts.items())
    sections = [
        Section(
            "What the file holds",
            (_summary(found), Table("Found in the headers", ("what", "value"), facts)),
        ),
        Section(
            "What is odd",
            (
                Table(
                    "What was found, and what is done about it",
                    ("oddity", "found", "done", "can be told otherwise"),
                    odd,
                )
                if odd
                else Text(("Nothing.",)),
            ),
        ),
        Section("What it looks like", tuple(pictures)),
    ]
    if found.amplitudes is not None:
        sections.append(_amplitude_section(found.amplitudes, len(found.traces)))
        sections.append(_likeness(found))
    sections += [
        Section(f"Text header {number}" if number > 1 else "Text header", (_text(text),))
        for number, text in enumerate(found.texts, 1)
        if text.strip()
    ]
    facts_to_redo = {"command": command_line(), "graben": graben.__version__}
    kind = "a 2-D line" if volume.is_line else "a seismic volume"
    write_page(path, name, f"Inspection of {kind}", sections, facts_to_redo)


def _summary(found: "Inspection") -> Text:
    count = len(found.oddities)
    odd = {0: "Nothing about it is odd.", 1: "One thing about it is odd."}
    words = odd.get(count, f"{count} things about it are odd.")
    return Text((f"The file opens. {words}",), lead=True)


def _amplitude_section(measured: "Amplitudes", traces: int) -> Section:
    rows = (
        ("mean", measured.mean),
        ("standard deviation", measured.std),
        ("cut off at, standard deviations", measured.clip),
        ("traces that were looked at", traces),
    )
    return Section(
        "Amplitudes",
        (
            Table(
                "What networks normalise all of the survey with",
                ("what", "value"),
                rows,
                note="Outliers, traces of zeros and the zeros at both ends of traces are left out.",
            ),
        ),
    )


def _likeness(found: "Inspection") -> Section:
    if found.shift is not None:
        return shift_section(found.shift)
    said = "Not told: it takes three traces beside each other that vary."
    return Section("Is it like the training?", (Text((said,)),))


def _text(text: str) -> Table:
    rows = tuple(
        (str(number), line) for number, line in enumerate(text.splitlines(), 1) if line[3:].strip()
    )
    return Table("As it stands in the file; empty lines left out", ("line", "text"), rows)


def _pictures(volume: "SeismicVolume", found: "Inspection") -> Iterator[Picture]:
    unit = "metres" if volume.unit == "m" else "milliseconds"
    if not volume.is_line or np.isfinite(volume.x).any():
        yield Picture(
            draw_geometry(volume),
            "Map of the positions of the traces.",
            "Where the traces lie; line numbers at the corners.",
            "geometry",
        )
    yield Picture(
        draw_section(volume),
        f"Vertical section in greys, {volume.axes[1]}s across and {unit} down.",
        "The line itself." if volume.is_line else f"The middle {volume.axes[0]}.",
        "section",
    )
    if not volume.is_line:
        yield Picture(
            draw_section(volume, axis=1),
            f"Vertical section in greys, {volume.axes[0]}s across and {unit} down.",
            f"The middle {volume.axes[1]}.",
            "crossing",
        )
        yield Picture(
            draw_time_slice(volume),
            f"Horizontal slice in greys, {volume.axes[1]}s across and {volume.axes[0]}s up.",
            "The middle slice.",
            "slice",
        )
    if found.amplitudes is not None:
        yield Picture(
            draw_spectrum(spectrum_of(found.traces, volume.sample_interval), volume.unit),
            "Curve of the mean amplitude spectrum in decibels over frequency.",
            "Mean amplitude spectrum of traces from all over the survey.",
            "spectrum",
        )
        yield Picture(
            draw_amplitudes(found.traces, found.amplitudes),
            "Histogram of amplitudes with their mean, deviation and cut-off.",
            "How often amplitudes occur; the scale is logarithmic, zeros are left out.",
            "amplitudes",
        )
