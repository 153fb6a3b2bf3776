"""Candidate landslides: land that was lowered above land that was raised."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage, stats

from graben.landforms.change import Change, Volume
from graben.landforms.change_detection import AROUND, MARGIN, grown
from graben.landforms.change_error import WIDE
from graben.landforms.legend import GEOMORPHONS
from graben.output import written_file
from graben.progress import track

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Forms = NDArray[np.uint8]

LEAST_CELLS = 20  # of a scar and of a deposit
GAP = 2  # cells; areas up to twice as far apart belong together


@dataclass(frozen=True)
class Landslide:
    """A scar and the deposit that touches it further down.

    Parameters
    ----------
    number
        From 1, the largest eroded volume first.
    cells
        The detected area, (y, x).
    eroded, deposited
        Volumes within `MARGIN` cells of the lowered and the raised part; their areas are those of
        the parts alone.
    mean_depth
        Eroded volume over the scar's area, m.
    confidence
        Probability that both volumes are above zero, were the less sure one alone in doubt.
    forms
        The most frequent landforms: `scar_before`, `scar_after`, `deposit_before`, `deposit_after`.
    """

    number: int
    cells: "Mask"
    eroded: Volume
    deposited: Volume
    mean_depth: float
    confidence: float
    forms: dict[str, str]


def candidate_landslides(
    change: Change, forms_before: "Forms", forms_after: "Forms"
) -> tuple[Landslide, ...]:
    """Find areas in which the upper part was lowered and the lower part raised.

    Lowered and raised areas that touch, but for a gap of some cells, make one candidate; landslides
    that touch each other are not taken apart. Candidates are made by any process that moves mass
    downhill, and by digging.

    Parameters
    ----------
    change
        The change.
    forms_before, forms_after
        Geomorphons of both epochs, codes of `GEOMORPHONS`.
    """
    groups, count = ndimage.label(grown(change.core, GAP) != 0, AROUND)
    groups[change.core == 0] = 0
    around = grown(groups, MARGIN)
    heights = change.before.to_numpy()
    found = []
    boxes = ndimage.find_objects(groups)
    for number in track(range(1, count + 1), "landslides"):
        box = boxes[number - 1]
        group, core = groups[box] == number, change.core[box]
        scar, deposit = group & (core < 0), group & (core > 0)
        if min(scar.sum(), deposit.sum()) < LEAST_CELLS:
            continue
        if heights[box][scar].mean() <= heights[box][deposit].mean():
            continue
        cells = groups == number
        found.append(_measured(change, cells, around == number, (forms_before, forms_after)))
    found.sort(key=lambda one: -one.eroded.value)
    return tuple(replace(one, number=place) for place, one in enumerate(found, 1))


def _measured(
    change: Change, cells: "Mask", around: "Mask", forms: tuple["Forms", "Forms"]
) -> Landslide:
    scar, deposit = cells & (change.core < 0), cells & (change.core > 0)
    eroded = replace(change.lowered(around), area=float(change.area[scar].sum()))
    deposited = replace(change.raised(around), area=float(change.area[deposit].sum()))
    surest = min(one.value / (one.high - one.value) for one in (eroded, deposited))
    return Landslide(
        number=0,
        cells=cells,
        eroded=eroded,
        deposited=deposited,
        mean_depth=eroded.value / eroded.area,
        confidence=float(stats.norm.cdf(WIDE * surest)),
        forms={
            f"{part}_{epoch}": _most_frequent(codes[place])
            for part, place in (("scar", scar), ("deposit", deposit))
            for epoch, codes in zip(("before", "after"), forms, strict=True)
        },
    )


def _most_frequent(codes: "Forms") -> str:
    counts = np.bincount(codes[codes > 0], minlength=1)
    return GEOMORPHONS.names.get(int(counts.argmax()), "none") if counts.any() else "none"


def landslide_record(one: Landslide) -> dict[str, Any]:
    """Give a candidate as plain numbers and names, m, m2 and m3."""
    record: dict[str, Any] = {"number": one.number}
    record["area_m2"] = one.eroded.area + one.deposited.area
    for name, volume in (("eroded", one.eroded), ("deposited", one.deposited)):
        numbers = asdict(volume)
        record[f"{name}_m3"] = numbers["value"]
        record |= {f"{name}_{key}_m3": numbers[key] for key in ("low", "high")}
        record[f"{name}_area_m2"] = numbers["area"]
    record |= {"mean_depth_m": one.mean_depth, "confidence": one.confidence}
    return record | one.forms


def landslide_polygons(change: Change, landslides: tuple[Landslide, ...]) -> "gpd.GeoDataFrame":
    """Give the detected areas as polygons along cell edges, with `landslide_record` beside them."""
    import geopandas as gpd
    from rasterio.features import shapes
    from shapely.geometry import MultiPolygon, shape

    crs, transform = change.before.rio.crs, change.before.rio.transform(recalc=True)
    outlines = []
    for one in landslides:
        cells = one.cells.astype(np.uint8)
        parts = [shape(outline) for outline, _ in shapes(cells, one.cells, 4, transform)]
        outlines.append(MultiPolygon(parts))
    records = [landslide_record(one) for one in landslides]
    columns = {key: [one[key] for one in records] for key in records[0]} if records else {}
    return gpd.GeoDataFrame(columns, geometry=outlines, crs=crs)


def write_landslides(path: str | Path, polygons: "gpd.GeoDataFrame") -> None:
    """Write polygons as GeoPackage (.gpkg) or GeoJSON (.geojson).

    Raises
    ------
    InputError
        The place is not writable.
    OutputError
        Writing failed half way; what stood there before is unchanged.
    """
    with written_file(path) as temporary:
        temporary.unlink()
        polygons.to_file(temporary, layer="landslides", engine="pyogrio")
