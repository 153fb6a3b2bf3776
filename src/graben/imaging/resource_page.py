"""What was found in a volume as files: a page, polygons, a table and a salt mask."""

import csv
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.transform import Affine
from shapely.affinity import affine_transform
from shapely.geometry import MultiPolygon, shape

import graben
from graben.imaging.figures import draw_section
from graben.imaging.models.structure import CLASSES, Floats, StructureNet
from graben.imaging.models.structure_tiles import SeenVolume
from graben.imaging.resources import (
    Candidate,
    ClassVolume,
    Resources,
    Salt,
    bin_area,
    find_resources,
    plane_of,
    seen_by,
)
from graben.imaging.volume import SeismicVolume
from graben.imaging.volume_stream import write_like
from graben.output import check_folder, written_folder
from graben.report import Picture, Section, Table, Text, command_line, save_picture, write_page
from graben.report.drawing import COLOURS, SMALL, WIDTH, head, labels

if TYPE_CHECKING:
    import geopandas as gpd

What = Literal["candidates", "salt"]
NAMES = {"closure": "closure", "flat_spot": "flat spot", "bright_spot": "bright spot"}
SHOWN = 3  # candidates that have a picture of their own
LISTED = 40  # rows of the table of the page; the CSV has all
WORTH_KNOWING = (
    "A candidate is a place to look at, not a discovery: bright amplitudes also come from thin "
    "beds, coal and gas that does not pay, and flat events also from multiples.",
    "The net has only seen synthetic volumes. Its confidence is the share of such candidates that "
    "were true there, about half of which held hydrocarbons; in a survey that looks otherwise it "
    "means less.",
    "Of 32 synthetic volumes that it had not seen, the net that ships found 46 closures in a "
    "hundred, and 63 candidates in a hundred were right (an amplitude threshold: 8 and 24); of "
    "flat spots 35 and 48 (8 and 19). Its salt overlapped the true salt by .70 of their union, "
    "that of a rule by .35. benchmarks/structure.py tells more.",
    "Bright spots are measured, not learned: their confidence is the largest probability of "
    "hydrocarbons in them.",
    "Relief is from the highest sample of a candidate to below its lowest. Area is that of the "
    "traces it covers.",
)


def write_resources(
    volume: SeismicVolume, out: Path, model: StructureNet, what: What = "candidates"
) -> dict[str, Any]:
    """Search a volume that need not fit into memory, and write what was found into a folder.

    `report.html`; of candidates `candidates.csv` and their polygons, on the ground
    (`candidates.gpkg`) where coordinates are known, else over crossline and inline numbers
    (`candidates.geojson`); of salt a mask of 0 and 1 with the headers of the input (`salt.sgy`;
    `salt.zarr` where the input is not SEG-Y).

    Parameters
    ----------
    volume
        The volume.
    out
        The folder.
    model
        The net.
    what
        "candidates", or "salt".

    Returns
    -------
    dict
        Records of the candidates, and the salt.

    Raises
    ------
    InputError
        The place is not writable, or the folder holds other things or the volume.
    SeismicError
        The volume has no amplitudes, or the file has changed.
    """
    check_folder(out, [volume.path] if volume.path else [])
    with seen_by(model, volume, out, timed=False) as seen, written_folder(out) as folder:
        found = find_resources(volume, seen)
        records = [candidate_record(volume, *one) for one in _numbered(found)]
        salt = salt_record(volume, found.salt)
        summary = {"what": what, "salt": salt, "candidates": records}
        if what == "salt":
            suffix = "zarr" if volume.path is None or volume.path.is_dir() else "sgy"
            write_like(volume, folder / f"salt.{suffix}", SaltMask(seen))
        else:
            _write_table(folder / "candidates.csv", records)
            write_polygons(folder, volume, found)
        _write_page(folder, volume, seen, found, summary)
    return summary


@dataclass(frozen=True, eq=False)
class SaltMask:
    """Salt of a volume that was looked at as 1, all else as 0, as a source."""

    seen: SeenVolume

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the volume."""
        return self.seen.shape

    def read(self, region: tuple[Any, ...]) -> Floats:
        """Read a region."""
        salt = ClassVolume(self.seen, "salt").read(region) >= self.seen.model.salt_from
        return salt.astype(np.float32)


def candidate_record(volume: SeismicVolume, number: int, one: Candidate) -> dict[str, Any]:
    """Give a candidate as plain numbers: areas in m2, depths and relief in the volume's unit."""
    step, unit = volume.sample_interval, volume.unit
    inline, crossline = middle_of(one)
    traces = len(one.footprint)
    return {
        "number": number,
        "kind": one.kind,
        "confidence": one.confidence,
        "amplitude_ratio": one.amplitude_ratio,
        "inline": int(volume.inlines[inline]),
        "crossline": int(volume.crosslines[crossline]),
        "x": float(volume.x[inline, crossline]),
        "y": float(volume.y[inline, crossline]),
        f"crest_{unit}": volume.first_sample + step * one.crest,
        f"contact_{unit}": volume.first_sample + step * one.contact,
        f"relief_{unit}": step * (one.contact - one.crest),
        "traces": traces,
        "area_m2": traces * bin_area(volume),
        "samples": len(one.places),
    }


def middle_of(one: Candidate) -> tuple[int, int]:
    """Give the trace of a candidate, counted from 0, that is nearest to the mean of its traces."""
    traces = one.footprint
    nearest = np.square(traces - traces.mean(0)).sum(1).argmin()
    return int(traces[nearest, 0]), int(traces[nearest, 1])


def salt_record(volume: SeismicVolume, salt: Salt) -> dict[str, Any]:
    """Give salt as plain numbers; its volume is in m3 in depth, in m2 ms in time."""
    samples = int(salt.thickness.sum())
    traces = int((salt.thickness > 0).sum())
    area = bin_area(volume)
    return {
        "samples": samples,
        "share": samples / float(np.prod(volume.shape)),
        "traces": traces,
        "area_m2": traces * area,
        "m3" if volume.unit == "m" else "m2_ms": samples * area * volume.sample_interval,
    }


def polygons_of(volume: SeismicVolume, found: Resources) -> "gpd.GeoDataFrame":
    """Give the outlines of candidates along the edges of traces, with their records.

    On the ground where coordinates are known, else x is the crossline and y the inline number.
    """
    import geopandas as gpd

    plane = _to_ground(volume)
    outlines = [affine_transform(_outline(one.footprint), plane) for _, one in _numbered(found)]
    records = [candidate_record(volume, *one) for one in _numbered(found)]
    columns = {key: [one[key] for one in records] for key in records[0]} if records else {}
    return gpd.GeoDataFrame(columns, geometry=outlines)


def write_polygons(folder: Path, volume: SeismicVolume, found: Resources) -> Path:
    """Write `polygons_of` as candidates.gpkg on the ground, else as candidates.geojson."""
    path = folder / f"candidates.{'gpkg' if on_ground(volume) else 'geojson'}"
    with warnings.catch_warnings():
        # SEG-Y does not say in which system its coordinates are
        warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)
        polygons_of(volume, found).to_file(path, layer="candidates", engine="pyogrio")
    return path


def on_ground(volume: SeismicVolume) -> bool:
    """Tell whether coordinates are known well enough to draw polygons with."""
    return bool(np.isfinite(bin_area(volume)) and bin_area(volume) > 0)


def _to_ground(volume: SeismicVolume) -> list[float]:
    """Give the affine map from (crossline, inline), counted from 0, as shapely takes it."""
    if on_ground(volume):
        (ai, aj, a), (bi, bj, b) = plane_of(volume)
        return [aj, ai, bj, bi, a, b]
    down, across = (_counted(numbers) for numbers in (volume.inlines, volume.crosslines))
    return [across[0], 0.0, 0.0, down[0], across[1], down[1]]


def _counted(numbers: NDArray[np.int64]) -> tuple[float, float]:
    """Give step and first of line numbers."""
    step = (numbers[-1] - numbers[0]) / max(len(numbers) - 1, 1)
    return float(step or 1), float(numbers[0])


def _outline(footprint: NDArray[np.int64]) -> MultiPolygon:
    """Give the outline of traces, squares around their places, in (crossline, inline)."""
    low = footprint.min(0)
    cells = np.zeros(footprint.max(0) - low + 1, np.uint8)
    cells[tuple((footprint - low).T)] = 1
    moved = Affine.translation(low[1] - 0.5, low[0] - 0.5)
    return MultiPolygon([shape(one) for one, _ in shapes(cells, cells > 0, 4, moved)])


def _numbered(found: Resources) -> list[tuple[int, Candidate]]:
    return list(enumerate(found.candidates, 1))


def _write_table(path: Path, records: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        if records:
            writer = csv.DictWriter(file, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
        else:
            file.write("number,kind,confidence\r\n")


def _write_page(
    folder: Path,
    volume: SeismicVolume,
    seen: SeenVolume,
    found: Resources,
    summary: dict[str, Any],
) -> None:
    salt_only = summary["what"] == "salt"
    blocks: list[Any] = [Text((_lead(volume, summary),), lead=True)]
    if not salt_only:
        if not volume.is_line:
            blocks.append(_map(volume, found))
        blocks.append(_table(volume, summary["candidates"]))
    sections = [Section("Salt" if salt_only else "Candidates", tuple(blocks))]
    close = (
        [] if salt_only else [_close_look(volume, seen, *one) for one in _numbered(found)[:SHOWN]]
    )
    if close:
        sections.append(Section("The most confident", tuple(close)))
    if found.salt.thickness.any():
        sections.append(Section("Where the salt is", (_salt_picture(volume, seen, found.salt),)))
    sections.append(Section("What to know", (Text(WORTH_KNOWING),)))
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Picture):
                save_picture(block, folder)
    name = "a volume in memory" if volume.path is None else volume.path.name
    facts = {"command": command_line(), "volume": name, "graben": graben.__version__}
    lines, columns, samples = volume.shape
    subtitle = f"{lines:,} inlines, {columns:,} crosslines, {samples:,} samples"
    title = f"{'Salt' if salt_only else 'Resource candidates'} of {name}"
    write_page(folder / "report.html", title, subtitle, sections, facts)


def _lead(volume: SeismicVolume, summary: dict[str, Any]) -> str:
    salt = summary["salt"]
    body = f"Salt fills {100 * salt['share']:.2g} % of the volume"
    if not salt["samples"]:
        body = "No salt was seen"
    elif np.isfinite(salt["area_m2"]):
        body += f", below {salt['area_m2'] / 1e6:.3g} km²"
        if volume.unit == "m":
            body += f": {salt['m3'] / 1e9:.3g} km³"
    if summary["what"] == "salt":
        return f"{body}."
    kinds = [one["kind"] for one in summary["candidates"]]
    counted = ", ".join(
        f"{kinds.count(kind)} {name}{'' if kinds.count(kind) == 1 else 's'}"
        for kind, name in NAMES.items()
    )
    return f"{counted}. {body}."


def _table(volume: SeismicVolume, records: list[dict[str, Any]]) -> Table:
    unit = volume.unit
    columns = (
        "number", "kind", "confidence", "amplitude ratio", volume.axes[0], volume.axes[1],
        f"crest, {unit}", f"relief, {unit}", "traces", "area, m²",
    )  # fmt: skip
    rows = tuple(
        (
            one["number"], NAMES[one["kind"]], f"{one['confidence']:.2f}",
            one["amplitude_ratio"], str(one["inline"]), str(one["crossline"]),
            one[f"crest_{unit}"], one[f"relief_{unit}"], one["traces"], one["area_m2"],
        )
        for one in records[:LISTED]
    )  # fmt: skip
    note = f"The first {LISTED} of {len(records)}." if len(records) > LISTED else ""
    return Table("Candidates, most confident first", columns, rows, note)


def _map(volume: SeismicVolume, found: Resources) -> Picture:
    figure = Figure(figsize=(WIDTH, 6), layout="constrained")
    axes = figure.subplots()
    colours = dict(zip(NAMES, COLOURS, strict=False))
    plane = [_counted(volume.crosslines), _counted(volume.inlines)]
    for _, one in reversed(_numbered(found)):
        for part in _outline(one.footprint).geoms:
            corners = np.array(part.exterior.coords)
            numbers = [step * corners[:, axis] + first for axis, (step, first) in enumerate(plane)]
            axes.fill(*numbers, color=colours[one.kind], alpha=0.5, lw=1)
    for number, one in _numbered(found)[:LISTED]:
        inline, crossline = middle_of(one)
        place = volume.crosslines[crossline], volume.inlines[inline]
        axes.annotate(str(number), place, fontsize=SMALL, ha="center", va="center")
    for kind, colour in colours.items():
        axes.fill([], [], color=colour, alpha=0.5, label=NAMES[kind])
    axes.legend(fontsize=SMALL, loc="upper right")
    edges = [
        (first - step / 2, first + step * (count - 0.5))
        for (step, first), count in zip(plane, volume.shape[1::-1], strict=True)
    ]
    axes.set(xlim=edges[0], ylim=edges[1])
    labels(axes, volume.axes[1], volume.axes[0])
    head(figure, "Where candidates lie")
    alt = f"Map of {len(found.candidates)} candidates by line number."
    return Picture(figure, alt, "Numbers are those of the table.", "map")


def _close_look(volume: SeismicVolume, seen: SeenVolume, number: int, one: Candidate) -> Picture:
    inline, _ = middle_of(one)
    name = one.kind if one.kind in CLASSES else "closure"
    over = ClassVolume(seen, name)
    title = f"Candidate {number}: {NAMES[one.kind]}, confidence {one.confidence:.2f}"
    label = f"probability of {'a flat spot' if name == 'flat_spot' else 'hydrocarbons'}"
    figure = draw_section(volume, axis=0, index=inline, over=over, label=label, title=title)
    places = one.places[one.places[:, 0] == inline]
    around = volume.first_sample + volume.sample_interval * places[:, 2].mean()
    across = volume.crosslines[places[:, 1]].mean()
    figure.axes[0].plot([across], [around], "o", ms=26, mfc="none", mec=COLOURS[0], mew=2)
    alt = f"Section through a {NAMES[one.kind]}, which is circled, with its probability in colour."
    return Picture(
        figure, alt, f"{volume.axes[0]} {volume.inlines[inline]}.", f"candidate-{number}"
    )


def _salt_picture(volume: SeismicVolume, seen: SeenVolume, salt: Salt) -> Picture:
    inline = int(salt.thickness.sum(1).argmax())
    figure = draw_section(
        volume, axis=0, index=inline, over=ClassVolume(seen, "salt"), label="probability of salt"
    )
    alt = "Section through the line with most salt, with the probability of salt in colour."
    return Picture(figure, alt, "The line with most salt.", "salt")
