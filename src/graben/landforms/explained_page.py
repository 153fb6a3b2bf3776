"""Tables and the page of why a cell has its form."""

import json
from pathlib import Path

import xarray as xr

import graben
from graben.landforms.dem import CellSize, cell_size, on_map
from graben.landforms.dem_file import DemFile
from graben.landforms.explained import CellExplanation, Ray
from graben.landforms.forms_report import DEFINITION, MEANINGS, verdict_rule
from graben.output import plain, written_folder
from graben.report import Picture, Section, Table, Text, command_line, save_picture, write_page

COLUMNS = (
    "toward", "up: at, m", "up: height, m", "up: angle, °",
    "down: at, m", "down: height, m", "down: angle, °", "verdict",
)  # fmt: skip


def rays_table(found: CellExplanation) -> Table:
    """Return the steepest way up and down along each line of sight, and what it counts as."""
    rows: list[tuple[object, ...]] = []
    for ray in found.rays:
        cells: list[object] = [ray.direction]
        for place in (ray.highest, ray.lowest):
            seen = place is not None
            cells += (
                [float(one[place]) for one in (ray.distance, ray.height, ray.angle)]
                if seen
                else [None, None, None]
            )
        rows.append((*cells, _said(ray)))
    caption = f"The eight lines of sight from {found.place}, {found.elevation:g} m"
    return Table(
        caption,
        COLUMNS,
        tuple(rows),
        "Heights are above the cell; a line of sight is +1 where the land is higher.",
    )


def verdict_sentence(found: CellExplanation) -> str:
    """Say how the lines of sight make the form."""
    return (
        f"Of the eight directions {found.higher} are higher and {found.lower} lower: {found.form} "
        f"(code {found.code}): {MEANINGS[found.code]}."
    )


def write_cell_page(found: CellExplanation, dem: DemFile, out: Path) -> None:
    """Write report.html, explanation.json and the pictures into a folder, whole or not at all.

    Parameters
    ----------
    found
        The explanation.
    dem
        The elevation model.
    out
        The folder.

    Raises
    ------
    InputError
        The place is not writable, or is a folder with other things in it.
    OutputError
        Writing failed half way; an earlier folder is unchanged.
    """
    from graben.landforms.ray_figures import draw_profiles, draw_rays

    seen = ", ".join(f"{ray.direction} {_said(ray)}" for ray in found.rays)
    placed = Picture(
        draw_rays(found, _around(found, dem)),
        f"Map of the eight lines of sight: {seen}.",
        "Triangles mark the cells that decide: the steepest way up and down along each line.",
        "rays",
    )
    profiles = Picture(
        draw_profiles(found),
        f"Ground along the eight lines of sight: {seen}.",
        "Titles give the steepest angle up and down; dashed lines are those two lines of sight.",
        "profiles",
    )
    sections = [
        Section("The eight directions", (Text((verdict_sentence(found),), lead=True), placed)),
        Section("The numbers", (rays_table(found), _rule(found))),
        Section("The profiles", (profiles,)),
    ]
    facts = {
        "command": command_line(),
        "elevation model": found.dem,
        "graben": graben.__version__,
    }
    with written_folder(out) as folder:
        for picture in (placed, profiles):
            save_picture(picture, folder)
        text = json.dumps(plain(found.as_dict()), indent=2)
        (folder / "explanation.json").write_text(text + "\n", encoding="utf-8")
        title = f"Why this is a {found.form}" if found.code > 1 else "Why this is flat"
        write_page(folder / "report.html", title, f"{found.dem}, {found.place}", sections, facts)


def _said(ray: Ray) -> str:
    sign = {1: "+1", 0: "0", -1: "\N{MINUS SIGN}1"}[ray.verdict]
    return f"{sign} {ray.word}" if ray.highest is not None else ray.word


def _around(found: CellExplanation, dem: DemFile) -> xr.DataArray:
    """Read what the lines of sight cross, and a little more."""
    cells, row = cell_size(dem), slice(found.row, found.row + 1)
    reach = found.sighting.farthest(CellSize(cells.x[row], cells.y[row])) + 3
    rows, columns = (
        slice(max(0, place - reach), min(size, place + reach + 1))
        for place, size in zip((found.row, found.column), dem.shape, strict=True)
    )
    return on_map(dem.read((rows, columns)), dem.y[rows], dem.x[columns], dem.crs)


def _rule(found: CellExplanation) -> Text:
    return Text((f"{verdict_rule(found.sighting)} The definition: {DEFINITION}.",))
