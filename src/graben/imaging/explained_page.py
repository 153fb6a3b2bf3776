"""The page of why a fault net sees a fault, or none, at a place."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import graben
from graben.imaging.explained import PickExplanation
from graben.imaging.explained_figures import draw_importance, draw_planes, draw_series
from graben.output import plain, written_folder
from graben.report import Picture, Section, Table, Text, command_line, save_picture, write_page

if TYPE_CHECKING:
    from graben.imaging.volume import SeismicVolume

FAITHFUL = 0.5  # share of the variance below which an imitation does not describe the net
BLIND = 0.5  # correlation with untrained nets above which shares say little of what was learned


def verdict_sentence(found: PickExplanation) -> str:
    """Say what the model says at the place."""
    return (
        f"At {found.place[0]} / {found.place[1]}, {found.place[2]:g} {found.unit}, the probability "
        f"of a fault is {found.probability:.2f} (spread of the looks {found.spread:.2f})."
    )


def attributes_table(found: PickExplanation) -> Table:
    """Return what each attribute is worth to the imitation of the net."""
    imitation = found.imitation
    rows = sorted(imitation.importance.items(), key=lambda row: -row[1])
    return Table(
        "Share of the variance of the imitation that is lost when an attribute is shuffled",
        ("attribute", "loss", "sd"),
        tuple((name, loss, imitation.sd[name]) for name, loss in rows),
        f"A tree of these attributes tells {imitation.fidelity:.0%} of the variance of the net's "
        "probability around the place"
        + (
            "."
            if imitation.fidelity >= FAITHFUL
            else ": too little to describe the net, which sees what these attributes do not."
        ),
    )


def series_table(found: PickExplanation) -> Table:
    """Return the probability of a synthetic fault by what is left of its slip."""
    series = found.series
    rows = zip(series.factors, series.throw.tolist(), series.probability.tolist(), strict=True)
    return Table(
        "A synthetic fault with less and less slip",
        ("share of the slip", "mean throw, samples", "mean probability"),
        tuple(rows),
    )


def write_pick_page(found: PickExplanation, volume: "SeismicVolume", out: Path) -> None:
    """Write report.html, explanation.json and the pictures into a folder, whole or not at all.

    Raises
    ------
    InputError
        The place is not writable, or is a folder with other things in it.
    OutputError
        Writing failed half way; an earlier folder is unchanged.
    """
    planes, matters, without = _pictures(found, volume)
    sections = [
        Section("Where the net looks", (Text((verdict_sentence(found),), lead=True), planes,
                                        Text(_of_shares(found)))),
        Section("Which attributes matter", (matters, attributes_table(found),
                                            Text((_OF_ATTRIBUTES,)))),
        Section("Without the throw", (without, series_table(found), Text((_OF_SERIES,)))),
    ]  # fmt: skip
    facts = {"command": command_line(), "volume": found.name, "graben": graben.__version__}
    with written_folder(out) as folder:
        for picture in (planes, matters, without):
            save_picture(picture, folder)
        text = json.dumps(plain(found.as_dict()), indent=2)
        (folder / "explanation.json").write_text(text + "\n", encoding="utf-8")
        write_page(
            folder / "report.html",
            "Why a fault is seen, or none",
            f"{found.name}, {found.place[0]} / {found.place[1]}, {found.place[2]:g} {found.unit}",
            sections,
            facts,
        )


def _pictures(found: PickExplanation, volume: "SeismicVolume") -> tuple[Picture, Picture, Picture]:
    series, imitation = found.series, found.imitation
    first = max(imitation.importance, key=lambda name: imitation.importance[name])
    planes = Picture(
        draw_planes(found, volume),
        f"Sections through the place: probability of a fault, {found.probability:.2f} at the "
        "circle, and what each sample adds to it.",
        "Left: the probability. Right: what raises (red) and lowers (blue) the logit at the "
        "circle, smoothed a little.",
        "sections",
    )
    matters = Picture(
        draw_importance(imitation),
        f"Bars of six attributes; the imitation of the net needs {first} most.",
        "What the imitation loses when one attribute is shuffled; lines are standard deviations.",
        "attributes",
    )
    without = Picture(
        draw_series(series),
        f"Five sections of a synthetic fault that loses its throw; the probability goes from "
        f"{series.probability[0]:.2f} to {series.probability[-1]:.2f}.",
        "The same layers, wavelet and noise each time; colours are the probability from 0 to 1.",
        "throw",
    )
    return planes, matters, without


def _of_shares(found: PickExplanation) -> tuple[str, ...]:
    trust = (
        "so that they show what was learned"
        if abs(found.randomised) < BLIND
        else "so that they show the record more than what was learned: do not lean on them"
    )
    return (
        f"Shares are integrated gradients of the {found.net} net against a record of nothing: red "
        "samples speak for a fault at the circle, blue ones against it.",
        f"Their rank correlation with the shares of nets whose weights were drawn at random is "
        f"{found.randomised:.2f}, {trust}.",
    )


_OF_ATTRIBUTES = (
    "The net sees amplitudes only. The attributes belong to a tree that imitates its probability "
    "around the place; they say what goes with the answer, not what caused it."
)
_OF_SERIES = (
    "What lies under a real survey cannot be changed. This is the nearest thing: a synthetic fault "
    "that the model is about as sure of as of the place, rendered again with less slip. Where the "
    "survey is unlike the synthetic ones, it tells little of the place."
)
