"""Tables and the page of what a rate of events is made of."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import graben
from graben.output import plain, written_folder
from graben.quakes.models.rate_parts import RateExplanation
from graben.report import Picture, Section, Table, Text, command_line, save_picture, write_page

NOTE = (
    "Shares are of the model's rate at the place and add up to 100 %. Parents are counted before "
    "the gates; what the gates change stands in its own row and may be negative."
)


def explanation_table(found: RateExplanation) -> Table:
    """Return the parts, their gates, and what the gates add in total."""
    rows: list[tuple[object, ...]] = [
        (part.name, part.density, _percent(part.density / found.density), part.in_disc, part.gate)
        for part in found.parts
    ]
    added, in_disc = found.residual
    rows += [
        ("what the gates add", added, _percent(added / found.density), in_disc, None),
        ("rate of the model", found.density, _percent(1.0), found.in_disc, None),
    ]
    columns = (
        "part", "per day and km²", "share", f"per day within {found.radius_km:g} km", "gate"
    )  # fmt: skip
    caption = f"The rate of events of M {found.completeness_magnitude:g} or more"
    return Table(caption, columns, tuple(rows), NOTE, (len(rows) - 1,))


def parents_table(found: RateExplanation) -> Table:
    """Return the earlier events that trigger most at the place, before the gates."""
    columns = (
        "event", "magnitude", "distance, km", "age, days", "per day and km²", "share",
        f"per day within {found.radius_km:g} km",
    )  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (f"{one.time:%Y-%m-%d %H:%M:%S}", f"{one.magnitude:.1f}", one.distance_km, one.age_days,
         one.density, _percent(one.share), one.in_disc)
        for one in found.parents
    ]  # fmt: skip
    others, in_disc = found.other_parents
    name = f"{found.parent_count - len(found.parents):,} others"
    rows.append((name, "", None, None, others, _percent(others / found.density), in_disc))
    return Table("Earlier events that trigger most there", columns, tuple(rows))


def importance_table(importance: Mapping[str, Any]) -> Table:
    """Return what shuffling each feature costs; `importance` is from `gate_importance`."""
    rows = tuple((name, row["value"], row["sd"]) for name, row in importance["permutation"].items())
    return Table(
        f"What the gates look at: lost by shuffling, {importance['unit']}",
        ("feature", "lost", "sd over shuffles"),
        rows,
        "Features that tell the same can stand in for each other, so that each alone seems of "
        "little use.",
    )


def write_explanation(
    found: RateExplanation, importance: Mapping[str, Any] | None, out: Path
) -> None:
    """Write report.html, explanation.json and the pictures into a folder, whole or not at all.

    Parameters
    ----------
    found
        The explanation.
    importance
        From `gate_importance`, where it was stored with the model.
    out
        The folder.

    Raises
    ------
    InputError
        The place is not writable, or is a folder with other things in it.
    OutputError
        Writing failed half way; an earlier folder is unchanged.
    """
    sections = [_parts(found)]
    if found.parents:
        sections.append(_parents(found))
    if found.has_gates:
        sections.append(_gates(found, importance))
    facts = {"command": command_line(), "graben": graben.__version__}
    with written_folder(out) as folder:
        for section in sections:
            for block in section.blocks:
                if isinstance(block, Picture):
                    save_picture(block, folder)
        text = json.dumps(plain(found.as_dict()), indent=2)
        (folder / "explanation.json").write_text(text + "\n", encoding="utf-8")
        said = f"{found.longitude:g} {found.latitude:g}, {found.time:%Y-%m-%d %H:%M} UTC"
        write_page(folder / "report.html", "What a rate is made of", said, sections, facts)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _parts(found: RateExplanation) -> Section:
    from graben.quakes.rate_figures import shares_figure

    lead = Text(
        (
            f"{found.model} expects {found.in_disc:.3g} events of M "
            f"{found.completeness_magnitude:g} or more per day within {found.radius_km:g} km, at "
            "the rate of that moment; it changes with each event.",
        ),
        lead=True,
    )
    background = sum(part.density for part in found.parts[:3]) / found.density
    alt = f"Background is {background:.0%} of the rate; the rest is listed in the tables."
    caption = "Each bar begins where the one above it ends."
    picture = Picture(shares_figure(found), alt, caption, "shares")
    return Section("The parts", (lead, explanation_table(found), picture))


def _parents(found: RateExplanation) -> Section:
    from graben.quakes.rate_figures import parents_figure

    first = found.parents[0]
    alt = (
        f"Most is triggered by M{first.magnitude:.1f} of {first.time:%Y-%m-%d}, "
        f"{first.distance_km:.1f} km away: {first.share:.0%}."
    )
    caption = f"Areas are shares; the dashed circle has a radius of {found.radius_km:g} km."
    picture = Picture(parents_figure(found), alt, caption, "parents")
    return Section("The parents", (parents_table(found), picture))


def _gates(found: RateExplanation, importance: Mapping[str, Any] | None) -> Section:
    from graben.quakes.rate_figures import gates_figure, importance_figure

    alt = f"Gates of the six components through the last {len(found.log_gates)} intervals."
    caption = "Above 1, a component is turned up; the last value holds at the moment."
    blocks: list[Picture | Table] = [Picture(gates_figure(found), alt, caption, "gates")]
    if importance is not None:
        top = next(iter(importance["permutation"]))
        bars = importance_figure(importance)
        shown = Picture(bars, f"The most useful feature is: {top}.", "", "importance")
        blocks += [importance_table(importance), shown]
    return Section("The gates", tuple(blocks))
