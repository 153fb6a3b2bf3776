"""The page of a fault map: what was found, how sure it is, and how unlike the survey is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

import graben
from graben.imaging.amplitudes import sampled_traces, spectrum_of
from graben.imaging.figures import draw_section, draw_spectrum, draw_time_slice
from graben.imaging.models.faults import FaultNet
from graben.imaging.shift import Shift, shift_section
from graben.imaging.sticks import Stick
from graben.imaging.volume import SeismicVolume
from graben.report import Picture, Section, Table, Text, command_line, write_page
from graben.report.drawing import COLOURS, WIDTH, head, labels

if TYPE_CHECKING:
    from graben.tiling import Source

MOST_FAULTS = 12  # rows of the table of faults


def write_fault_page(
    path: Path,
    volume: SeismicVolume,
    model: FaultNet,
    probability: "Source",
    thinned: "Source",
    sticks: list[Stick],
    shift: Shift,
    summary: dict[str, Any],
) -> None:
    """Write the page that tells what was found; see `graben.imaging.map_faults`."""
    about = model.about
    sections = [
        Section("What was found", (_lead(summary), *_pictures(volume, probability, thinned))),
        Section("Faults", (_fault_table(volume, sticks), _formats())),
        Section(
            "How far to trust it",
            (*_calibration(about), *shift_section(shift).blocks, _spectrum(volume)),
        ),
    ]
    name = volume.path.name if volume.path is not None else "a volume in memory"
    facts = {
        "command": command_line(),
        "graben": graben.__version__,
        "volume": name,
        "net": f"{summary['preset']}, seed {about.get('seed', 'not stated')}",
        "training": str(about.get("training_data", "not stated")),
    }
    shape = " x ".join(map(str, volume.shape))
    write_page(path, f"Faults of {name}", f"{shape} (inline x crossline x sample)", sections, facts)


def _lead(summary: dict[str, Any]) -> Text:
    share = f"{100 * summary['share']:.2g} %"
    said = [
        f"{share} of the samples are as likely as not, or likelier, to lie at a fault "
        f"(probability of {summary['threshold']:g} or more); {summary['sticks']} sticks were drawn "
        f"along {summary['faults']} faults."
    ]
    if summary["warning"]:
        said.append(summary["warning"][0].upper() + summary["warning"][1:])
    return Text(tuple(said), lead=True)


def _pictures(
    volume: SeismicVolume, probability: "Source", thinned: "Source"
) -> tuple[Picture, ...]:
    axis = 1 if volume.shape[1] == 1 else 0
    pictures = [
        Picture(
            draw_section(volume, axis=axis, over=probability, title="Probability of a fault"),
            "Vertical section in greys with the probability of faults in red.",
            "The middle line of the survey.",
            "section",
        ),
        Picture(
            draw_section(volume, axis=axis, over=thinned, title="Thinned faults"),
            "The same section with faults thinned to lines.",
            "What is highest across each fault; sticks follow these lines.",
            "thinned",
        ),
    ]
    if 1 not in volume.shape[:2]:
        pictures.append(
            Picture(
                draw_time_slice(volume, over=probability),
                "Horizontal slice in greys with the probability of faults in red.",
                "Half way down.",
                "slice",
            )
        )
    return tuple(pictures)


def _fault_table(volume: SeismicVolume, sticks: list[Stick]) -> Table:
    unit = volume.unit
    rows = []
    faults = sorted({stick.fault for stick in sticks})
    for fault in faults:
        own = [stick for stick in sticks if stick.fault == fault]
        depths = np.concatenate([stick.depth for stick in own])
        lines = [int(stick.inline[0]) for stick in own]
        rows.append(
            (
                f"F{fault:04d}", len(own), f"{min(lines)} to {max(lines)}",
                float(depths.min()), float(depths.max()),
            )
        )  # fmt: skip
    rows.sort(key=lambda row: -row[1])
    left = len(rows) - MOST_FAULTS
    return Table(
        "The faults with the most sticks",
        ("fault", "sticks", "inlines", f"top, {unit}", f"bottom, {unit}"),
        tuple(rows[:MOST_FAULTS]),
        note=f"{left} more are in the files of sticks." if left > 0 else "",
    )


def _formats() -> Text:
    return Text(
        (
            "The SEG-Y files have the text and trace headers of the input, byte for byte. The "
            "sticks are in the CHARISMA format (_sticks.dat: INLINE-, inline, crossline, x, y, "
            "depth, fault, stick) and as points (_sticks.xyz: x, y, depth, inline, crossline, "
            "fault, stick).",
            "Confidence is the larger of the probabilities of fault and of no fault. Spread, where "
            "a net looked several times, is the standard deviation of its answers.",
        )
    )


def _calibration(about: Any) -> tuple[Text | Table | Picture, ...]:
    blocks: list[Text | Table | Picture] = [
        Text(
            (
                "The nets have learned from synthetic images alone, and probabilities are "
                "calibrated on others of them. On a survey that looks like these, of samples with "
                "a probability of 0.3 about 30 in 100 lie at a fault; elsewhere that is not known.",
            )
        )
    ]
    if about.get("reliability"):
        blocks.append(
            Picture(
                draw_reliability(about["reliability"]),
                "Observed share of faults against probability, near the diagonal.",
                "On synthetic images that neither training nor calibration saw, in steps of 0.1.",
                "calibration",
            )
        )
    if about.get("metrics"):
        rows = tuple(
            (name, row["value"], row.get("low"), row.get("high"))
            for name, row in about["metrics"].items()
        )
        blocks.append(
            Table("On synthetic images not seen in training", ("", "value", "low", "high"), rows)
        )
    return tuple(blocks)


def draw_reliability(reliability: dict[str, dict[str, list[float]]]) -> Figure:
    """Show how often there is a fault where the probability says so.

    Parameters
    ----------
    reliability
        By kind of image: "expected", the mean probability of each group of samples, and
        "observed", the share of the group at faults.
    """
    figure = Figure(figsize=(WIDTH, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", lw=1)
    for (kind, row), colour, mark in zip(reliability.items(), COLOURS, "os^", strict=False):
        axes.plot(row["expected"], row["observed"], mark, ls="-", color=colour, label=f"{kind}s")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    labels(axes, "probability of a fault", "observed share")
    head(figure, "Calibration on synthetic images")
    return figure


def _spectrum(volume: SeismicVolume) -> Picture:
    spectrum = spectrum_of(sampled_traces(volume, volume.missing), volume.sample_interval)
    return Picture(
        draw_spectrum(spectrum, volume.unit),
        "Mean amplitude spectrum of the survey.",
        "Of a sample of traces.",
        "spectrum",
    )
