"""The folder of a change: rasters, polygons, budget and a page."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import graben
from graben.errors import RasterError
from graben.landforms.areas import area_cells
from graben.landforms.change import Change, measure_change
from graben.landforms.change_page import change_sections
from graben.landforms.dem import read_dem, write_raster
from graben.landforms.forms import geomorphons
from graben.landforms.landslides import (
    Landslide,
    candidate_landslides,
    landslide_polygons,
    landslide_record,
    write_landslides,
)
from graben.landforms.legend import (
    GEOMORPHONS,
    Legend,
    LegendClass,
    write_qgis_ramp,
    write_qgis_style,
)
from graben.landforms.sediment import BudgetRow, budget, whole_budget
from graben.landforms.slope_area import REGIMES, SlopeArea, slope_area_diagram
from graben.output import check_folder, plain, written_folder
from graben.report import Picture, command_line, save_picture, write_page

if TYPE_CHECKING:
    import xarray as xr

SIGNIFICANT = Legend(
    "Change",
    (
        LegendClass(1, "lowered", "#d55e00"),
        LegendClass(2, "raised", "#0072b2"),
        LegendClass(3, "lower by more than the limit, alone", "#f3c9a5"),
        LegendClass(4, "higher by more than the limit, alone", "#a9cfe4"),
    ),
)


@dataclass(frozen=True)
class Inputs:
    """What a user compares.

    Parameters
    ----------
    before, after
        Files of the two epochs.
    stable, areas
        Files of polygons: ground that did not change, and areas to sum over.
    years
        Between the epochs; gives rates.
    tilt
        Also remove a plane.
    crs
        Of elevation models that do not tell theirs.
    """

    before: Path
    after: Path
    stable: Path | None = None
    areas: Path | None = None
    years: float | None = None
    tilt: bool = False
    crs: str | None = None


@dataclass(frozen=True)
class Findings:
    """All that is reported of a change."""

    inputs: Inputs
    change: Change
    whole: BudgetRow
    by_form: tuple[BudgetRow, ...]
    by_area: tuple[BudgetRow, ...]
    by_regime: tuple[BudgetRow, ...]
    landslides: tuple[Landslide, ...]
    slope_area: SlopeArea | None
    no_slope_area: str


def map_change(inputs: Inputs, out: Path) -> dict[str, Any]:
    """Compare two epochs, and write the folder, whole or not at all.

    The folder holds difference.tif, detection-limit.tif and significant.tif (with styles for
    QGIS), landslides.gpkg, budget.csv, the pictures, report.html and change.json.

    Returns
    -------
    dict
        What change.json holds.

    Raises
    ------
    RasterError, InputError
        See `measure_change`, `read_dem` and `area_cells`.
    """
    given = (inputs.before, inputs.after, inputs.stable, inputs.areas)
    check_folder(out, [path for path in given if path is not None])
    found = _find(inputs)
    summary = _summary(found)
    sections = change_sections(found)
    with written_folder(out) as folder:
        _write_rasters(found.change, folder)
        polygons = landslide_polygons(found.change, found.landslides)
        write_landslides(folder / "landslides.gpkg", polygons)
        _write_budget(found, folder / "budget.csv")
        for section in sections:
            for block in section.blocks:
                if isinstance(block, Picture):
                    save_picture(block, folder)
        (folder / "change.json").write_text(json.dumps(plain(summary), indent=2) + "\n")
        title = f"Change from {inputs.before.name} to {inputs.after.name}"
        rows, columns = found.change.before.shape
        subtitle = f"{rows:,} by {columns:,} cells"
        write_page(folder / "report.html", title, subtitle, sections, _facts(inputs))
    return summary


def _find(inputs: Inputs) -> Findings:
    before, after = (read_dem(path, inputs.crs) for path in (inputs.before, inputs.after))
    stable = None if inputs.stable is None else area_cells(inputs.stable, before)[0] > 0
    areas = None if inputs.areas is None else area_cells(inputs.areas, before)
    change = measure_change(before, after, stable, inputs.tilt)
    forms = [geomorphons(dem)["forms"].to_numpy() for dem in (change.before, change.after)]
    diagram, missing = None, ""
    try:
        diagram = slope_area_diagram(change)
    except RasterError as reason:  # a small or flat model has all the rest
        missing = str(reason)
    return Findings(
        inputs=inputs,
        change=change,
        whole=whole_budget(change),
        by_form=budget(change, forms[0], GEOMORPHONS.names),
        by_area=() if areas is None else budget(change, *areas),
        by_regime=() if diagram is None else budget(change, diagram.regime, REGIMES),
        landslides=candidate_landslides(change, forms[0], forms[1]),
        slope_area=diagram,
        no_slope_area=missing,
    )


def _summary(found: Findings) -> dict[str, Any]:
    change = found.change
    return {
        "before": str(found.inputs.before),
        "after": str(found.inputs.after),
        "years": found.inputs.years,
        "shift_east_m": change.shift[0],
        "shift_north_m": change.shift[1],
        "shift_error_m": list(change.shift_error),
        "offset_m": change.placed.offset,
        "tilt_m": list(change.placed.tilt),
        "stable_ground": "given" if change.stable_was_given else "found",
        "stable_share": float(change.stable.mean()),
        "spread_m": {"as_it_came": change.spreads[0], "co_registered": change.spreads[1]},
        "median_detection_limit_m": float(np.nanmedian(change.errors.limit)),
        "whole": asdict(found.whole),
        "by_form": [asdict(row) for row in found.by_form],
        "by_area": [asdict(row) for row in found.by_area],
        "by_regime": [asdict(row) for row in found.by_regime],
        "no_slope_area": found.no_slope_area,
        "landslides": [landslide_record(one) for one in found.landslides],
    }


def _write_rasters(change: Change, folder: Path) -> None:
    difference = change.difference
    most = max(float(np.nanquantile(np.abs(difference), 0.995)), 1e-6)
    limit = change.errors.limit
    for name, values, low, colours in (
        ("difference", difference, -most, ("#b2182b", "#f7f7f7", "#2166ac")),
        ("detection-limit", limit, 0.0, ("#440154", "#21918c", "#fde725")),
    ):
        long_name = name.replace("-", " ")
        raster = _like(change.before, values.astype(np.float32), long_name, "m")
        write_raster(folder / f"{name}.tif", raster)
        high = most if low else max(float(np.nanquantile(limit, 0.98)), 1e-6)
        write_qgis_ramp(folder / f"{name}.qml", low, high, colours, " m")
    codes = np.zeros(difference.shape, np.uint8)
    codes[difference < -limit], codes[difference > limit] = 3, 4
    codes[change.core < 0], codes[change.core > 0] = 1, 2
    raster = _like(change.before, codes, "significant change", "1")
    write_raster(folder / "significant.tif", raster, SIGNIFICANT)
    write_qgis_style(folder / "significant.qml", SIGNIFICANT)


def _like(dem: "xr.DataArray", values: Any, name: str, units: str) -> "xr.DataArray":
    raster = dem.copy(data=values).drop_attrs(deep=False)
    return raster.rename(name.replace(" ", "_")).assign_attrs(long_name=name, units=units)


def _write_budget(found: Findings, path: Path) -> None:
    import pandas as pd

    parts = {
        "all": (found.whole,),
        "landform": found.by_form,
        "area": found.by_area,
        "regime": found.by_regime,
    }
    rows = []
    for kind, some in parts.items():
        for row in some:
            record: dict[str, Any] = {"by": kind, "name": row.name, "area_m2": row.net.area}
            for name in ("net", "lowered", "raised"):
                volume = getattr(row, name)
                record[f"{name}_m3"] = volume.value
                record |= {f"{name}_low_m3": volume.low, f"{name}_high_m3": volume.high}
            rows.append(record)
    pd.DataFrame(rows).to_csv(path, index=False)


def _facts(inputs: Inputs) -> dict[str, str]:
    return {
        "command": command_line(),
        "first epoch": inputs.before.name,
        "second epoch": inputs.after.name,
        "graben": graben.__version__,
    }
