"""What the page of a change says."""

from typing import TYPE_CHECKING

from graben.landforms.change_detection import MARGIN
from graben.landforms.change_figures import (
    budget_figure,
    detection_map,
    difference_map,
    placement_figure,
    slope_area_figure,
    spread_figure,
    variogram_figure,
)
from graben.report import Picture, Section, Table, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graben.landforms.change import Volume
    from graben.landforms.change_report import Findings
    from graben.landforms.sediment import BudgetRow
    from graben.landforms.slope_area import SlopeArea

MOST_LISTED = 40  # landslides
WORTH_KNOWING = (
    "Net volumes count every cell and are unbiased, whatever was detected. Lowered and raised "
    f"volumes count areas where a change was detected, and {MARGIN} cells around them; they are "
    "volumes of those areas, not of all the land that was lowered or raised: what changed by less "
    "than the errors is in the net volume alone.",
    "Areas that are drawn by a difference flatter it. Simulated errors tell by how much at most; "
    "three quarters of that are taken off, and as much is added to the error. On 500 simulated "
    "pairs of epochs 95 % intervals held the truth in 93 to 96 % for areas that were given, in 96 "
    "to 97 % for all that was detected, in 93 to 94 % for single landslides.",
    "Intervals hold the errors that stable ground shows, their dependence on slope and curvature, "
    "their likeness between neighbours, displacements that vary from place to place, and the error "
    "of the co-registration. Errors that stable ground does not show, such as vegetation that grew "
    "on the changed land alone, are not in them.",
    "The second epoch was resampled to the first one's grid by cubic B-splines, once. Their "
    "smoothing lowers the noise of single cells; since stable ground was resampled alike, the "
    "errors learned there hold for the rest.",
    "A volume is not a mass: loosened rock takes more room than it did before, so that deposits "
    "may exceed scars, and what left the map is missing.",
    "Candidates of landslides are areas lowered above areas raised. Rivers that shift, quarries "
    "and melting ice make the same picture; scars whose debris was carried away are not found.",
)


def change_sections(found: "Findings") -> list[Section]:
    """Give the sections of the page, in reading order."""
    sections = [_result(found), _budget(found)]
    if found.landslides:
        sections.append(_landslides(found))
    if found.slope_area is None:
        missing = f"Slope against contributing area was left out: {found.no_slope_area}"
        sections.append(Section("Which process acts where", (Text((missing,)),)))
    else:
        sections.append(_slope_area(found, found.slope_area))
    return [*sections, _errors(found), Section("What to know", (Text(WORTH_KNOWING),))]


def _volume(volume: "Volume") -> str:
    return f"{_rounded(volume.value)} ({_rounded(volume.low)} to {_rounded(volume.high)})"


def _rounded(value: float) -> str:
    text = f"{float(f'{value:.3g}'):,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", "\N{MINUS SIGN}")


def _result(found: "Findings") -> Section:
    whole, change = found.whole, found.change
    net = whole.net
    verdict = (
        "the map as a whole neither lost nor won detectably"
        if net.low <= 0 <= net.high
        else f"the map as a whole {'lost' if net.value < 0 else 'won'} volume"
    )
    lead = Text(
        (
            f"Lowered areas lost {_volume(whole.lowered)} m³, raised areas won "
            f"{_volume(whole.raised)} m³, with 95 % intervals; the balance of all cells is "
            f"{_volume(net)} m³: {verdict}. {len(found.landslides)} candidates of landslides.",
        ),
        lead=True,
    )
    both = (
        Picture(
            difference_map(change),
            "Map of the elevation difference over shaded relief.",
            "Red was lowered, blue raised; white is void in one of the epochs.",
            "difference",
        ),
        Picture(
            detection_map(change, found.landslides),
            "Map of the areas that were detectably lowered or raised, and of stable ground.",
            "Numbers are those of the table of landslides.",
            "detected",
        ),
    )
    return Section("What changed", (lead, *both))


def _budget(found: "Findings") -> Section:
    tables = [_table("Volumes by landform of the first epoch, m³", found.by_form, found)]
    if found.by_area:
        tables.append(_table("Volumes by given area, m³", found.by_area, found))
    tables.append(_table("Volumes of the whole map, m³", (found.whole,), found))
    picture = Picture(
        budget_figure(found.by_form),
        "Bars of the volumes lowered and raised by landform, with intervals.",
        "Diamonds are net volumes. Landforms are geomorphons of the first epoch.",
        "budget",
    )
    return Section("Sediment budget", (picture, *tables))


def _table(caption: str, rows: "Sequence[BudgetRow]", found: "Findings") -> Table:
    columns = ["class", "km²", "lowered", "raised", "net"]
    years = found.inputs.years
    if years is not None:
        columns.append("net rate, mm a year")
    cells: list[tuple[object, ...]] = []
    for row in rows:
        line: list[object] = [row.name, row.net.area / 1e6]
        line += [_volume(one) for one in (row.lowered, row.raised, row.net)]
        if years is not None:
            by = 1000 / (row.net.area * years)
            low, high = (f"{one * by:.3g}" for one in (row.net.low, row.net.high))
            line.append(f"{row.net.value * by:.3g} ({low} to {high})")
        cells.append(tuple(line))
    return Table(caption, tuple(columns), tuple(cells), "In brackets: 95 % intervals.")


def _landslides(found: "Findings") -> Section:
    rows = tuple(
        (
            one.number,
            (one.eroded.area + one.deposited.area) / 1e4,
            _volume(one.eroded),
            _volume(one.deposited),
            one.mean_depth,
            f"{one.forms['scar_before']} to {one.forms['scar_after']}",
            f"{one.forms['deposit_before']} to {one.forms['deposit_after']}",
            f"{100 * one.confidence:.1f} %",
        )
        for one in found.landslides[:MOST_LISTED]
    )
    volumes = ("no.", "ha", "eroded, m³", "deposited, m³", "mean depth, m")
    columns = (*volumes, "scar", "deposit", "confidence")
    note = (
        f"The largest {len(rows)} of {len(found.landslides)}; all are in landslides.gpkg. "
        "Scar and deposit: the most frequent landform before and after. Confidence: that both "
        "volumes are real, not that a landslide made them."
    )
    return Section("Candidates of landslides", (Table("Landslides", columns, rows, note),))


def _slope_area(found: "Findings", diagram: "SlopeArea") -> Section:
    picture = Picture(
        slope_area_figure(diagram),
        "Median slope against contributing area, coloured by mean change, with three power laws.",
        "Each dot is a bin of contributing area in the first epoch.",
        "slope-area",
    )
    laws = tuple(
        (law.name, law.smallest / 1e6, law.largest / 1e6, law.concavity) for law in diagram.laws
    )
    table = Table(
        "Power laws: slope = k area^-concavity",
        ("regime", "from km²", "to km²", "concavity"),
        laws,
        "The lines meet at the two bends that fit the bins best.",
    )
    caveat = Text(
        (
            "Where slope does not fall with area, hillslope processes usually rule; where it falls "
            "as a power of area with a concavity of 0.3 to 0.6, rivers do; between the two lie "
            "valley heads, in steep land those of debris flows (Montgomery and Foufoula-Georgiou "
            "1993, https://doi.org/10.1029/93WR02463). Bends are not proofs: the size of cells, "
            "lithology and uplift move them, and the fit makes three regimes whether there are "
            "three or not.",
        )
    )
    budget = _table("Volumes by regime, m³", found.by_regime, found)
    return Section("Which process acts where", (caveat, picture, table, budget))


def _errors(found: "Findings") -> Section:
    change = found.change
    east, north = change.shift
    wide = [1.96 * error for error in change.shift_error]
    rows = (
        ("displacement to the east, m", f"{east:.3g} ± {wide[0]:.2g}"),
        ("displacement to the north, m", f"{north:.3g} ± {wide[1]:.2g}"),
        ("offset upwards, m", f"{change.placed.offset:.3g}"),
        ("tilt, top to bottom and left to right, m", "{:.3g}, {:.3g}".format(*change.placed.tilt)),
        ("spread on stable ground as it came, m", f"{change.spreads[0]:.3g}"),
        ("spread on stable ground co-registered, m", f"{change.spreads[1]:.3g}"),
        ("stable ground, share of the map", f"{100 * change.stable.mean():.1f} %"),
        ("detection limit of a cell at 95 %, in spreads", f"{change.errors.limit_factor:.3g}"),
    )
    said = (
        "Stable ground was given."
        if change.stable_was_given
        else "Stable ground was found: whatever did not stand out. A change too weak to stand out "
        "is taken for stable and shortens the intervals of large areas; give stable ground with "
        "--stable where it is known."
    )
    pictures = (
        Picture(
            placement_figure(change),
            "Difference over gradient against aspect before and after co-registration.",
            "A displaced epoch makes a wave; a straight line at 0 is a good fit.",
            "co-registration",
        ),
        Picture(
            spread_figure(change.errors),
            "Spread of the difference on stable ground against slope, by curvature.",
            "Steeper land and sharper edges have larger errors.",
            "spread",
        ),
        Picture(
            variogram_figure(change.errors),
            "Variogram of the standardised errors on stable ground, and the fitted model.",
            "Where the curve still rises, errors are alike: they do not average out there.",
            "variogram",
        ),
    )
    table = Table("Co-registration", ("what", "value"), rows, said)
    return Section("How sure it is", (table, *pictures))
