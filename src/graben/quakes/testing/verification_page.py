"""The page of a forecast's tests: tables and pictures in one folder."""

import json
from pathlib import Path

import graben
from graben.output import plain, written_folder
from graben.quakes.testing.csep import engine
from graben.quakes.testing.figures import consistency_figure, molchan_test_figure, roc_figure
from graben.quakes.testing.verdicts import Consistency
from graben.quakes.testing.verification import Verification
from graben.report import Picture, Section, Table, Text, command_line, save_picture, write_page

MEANING = {
    "N": "number of earthquakes",
    "M": "their magnitudes",
    "S": "where they were",
    "CL": "cells and magnitudes, given their number",
    "L": "cells, magnitudes and number",
    "PL": "where and how many",
}


def write_verification(found: Verification, out: Path) -> None:
    """Write report.html, report.json and the pictures into a folder, whole or not at all.

    Raises
    ------
    InputError
        The place is not writable, or is a folder with other things in it.
    OutputError
        Writing failed half way; an earlier folder is unchanged.
    """
    sections = [_asked(found), _consistency(found)]
    if found.comparison:
        sections.append(_comparison(found))
    sections.append(_alarms(found))
    facts = {
        "command": command_line(),
        "graben": graben.__version__,
        "tests by": engine(),
        "catalogue": found.catalog.source,
        "catalogue sha256": found.catalog.sha256(),
    }
    with written_folder(out) as folder:
        for section in sections:
            for block in section.blocks:
                if isinstance(block, Picture):
                    save_picture(block, folder)
        text = json.dumps(plain(found.as_dict()), indent=2)
        (folder / "report.json").write_text(text + "\n", encoding="utf-8")
        title = f"Tests of the forecast {found.forecast.name}"
        write_page(folder / "report.html", title, _window(found), sections, facts)


def _window(found: Verification) -> str:
    forecast = found.forecast
    return (
        f"M {forecast.cells.magnitudes[0]:g} or more, {forecast.start:%Y-%m-%d %H:%M} to "
        f"{forecast.end:%Y-%m-%d %H:%M} UTC"
    )


def _asked(found: Verification) -> Section:
    cells = found.forecast.cells
    rows = (
        ("expected earthquakes", found.expected),
        ("observed earthquakes", len(found.targets)),
        ("cells", f"{len(cells)} of {cells.step:g} degrees"),
        ("bins of magnitude", cells.magnitudes.size),
        ("catalogue", found.catalog.source),
    )
    lead = Text(
        (
            f"{found.expected:.4g} earthquakes were expected and {len(found.targets)} happened. "
            "One window is little evidence: a good forecast fails one test in twenty, and a poor "
            "one passes most while earthquakes are few.",
        ),
        lead=True,
    )
    return Section("What was tested", (lead, Table("The forecast", ("what", "value"), rows)))


def verdict(one: Consistency) -> str:
    """Return a finding in a word."""
    return {True: "passed", False: "failed", None: "not defined"}[one.passed]


def _consistency(found: Verification) -> Section:
    rows = tuple(
        (f"{one.test}: {MEANING[one.test]}", one.observed, one.at_least, one.at_most,
         verdict(one), one.note)
        for one in found.consistency
    )  # fmt: skip
    columns = ("test", "statistic", "P(at least)", "P(at most)", "at 5 %", "note")
    said = "; ".join(f"{one.test} {verdict(one)}" for one in found.consistency)
    picture = Picture(
        consistency_figure(found.consistency),
        f"Where the observations lie among what the forecast expects: {said}.",
        "Probability, if the forecast is right, of a statistic as small or smaller.",
        "consistency",
    )
    table = Table("Do the observations look like what was expected?", columns, rows)
    return Section("Consistency", (table, picture))


def _comparison(found: Verification) -> Section:
    words = {True: "better", False: "worse", None: "no difference"}
    rows = tuple(
        (one.test, one.gain, one.low, one.high, one.p_value, words[one.better])
        for one in found.comparison
    )
    columns = ("test", "gain (nats per earthquake)", "low", "high", "p-value", "at 5 %")
    return Section(
        "Comparison", (Table(f"Information gain over {found.reference}", columns, rows),)
    )


def _alarms(found: Verification) -> Section:
    if found.molchan is None or found.roc is None:
        return Section("Alarms", (Text(("No earthquake, nothing to catch: not defined.",)),))
    molchan, roc = found.molchan, found.roc
    rows = (
        ("area skill score", molchan.skill, f"{molchan.skill_low:.3f} to {molchan.skill_high:.3f}"),
        ("its p-value", molchan.p_value, None),
        ("area under the ROC", roc.area, f"{roc.reference_area:.3f}"),
    )
    table = Table(
        f"Alarms, against {found.reference}",
        ("score", "forecast", "the reference (95 %)"),
        rows,
        "An area under the ROC says nothing without the reference's: earthquakes repeat their "
        "places.",
    )
    pictures = (
        Picture(
            molchan_test_figure(molchan, found.reference),
            f"Molchan diagram of {molchan.events} earthquakes: area skill score "
            f"{molchan.skill:.3f}, where the reference gives 0.5.",
            "Alarms are raised first where the forecast is highest relative to the reference.",
            "molchan",
        ),
        Picture(
            roc_figure(roc, found.reference),
            f"ROC of the forecast, area {roc.area:.3f}, beside the reference's, "
            f"{roc.reference_area:.3f}.",
            "Cells weighted by their area.",
            "roc",
        ),
    )
    return Section("Alarms", (table, *pictures))
