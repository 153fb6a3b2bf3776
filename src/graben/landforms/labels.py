"""A user's own landform classes, as points, polygons or a raster, on the cells of a DEM."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graben.errors import InputError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from rasterio import Affine
    from rasterio.crs import CRS

RASTERS = {".tif", ".tiff", ".asc", ".nc", ".vrt"}
MOST_CLASSES = 50  # more is a running number or a measured quantity, not a legend
FEWEST_CELLS = 2  # one cell of a class cannot be learned from and held out


class Grid(NamedTuple):
    """Where the cells of a DEM lie."""

    shape: tuple[int, int]
    transform: "Affine"
    crs: "CRS"


@dataclass(frozen=True)
class Labels:
    """Labelled cells of a DEM; all others are unlabelled, which says nothing about them.

    Attributes
    ----------
    classes
        Names; the code of a class in rasters is its place here plus 1.
    rows, columns
        Of the labelled cells, (cell,).
    codes
        Of their classes, (cell,) uint8.
    left_out
        How many labels were not used, by reason.
    """

    classes: tuple[str, ...]
    rows: np.ndarray
    columns: np.ndarray
    codes: np.ndarray
    left_out: dict[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """Labelled cells of each class."""
        found = np.bincount(self.codes, minlength=len(self.classes) + 1)[1:]
        return dict(zip(self.classes, found.tolist(), strict=True))

    def part(self, chosen: np.ndarray, reason: str) -> "Labels":
        """Keep some of the cells; the others are counted under `reason`."""
        lost = len(self.codes) - len(self.codes[chosen])
        return Labels(
            self.classes,
            self.rows[chosen],
            self.columns[chosen],
            self.codes[chosen],
            {**self.left_out, reason: lost} if lost else self.left_out,
        )


def read_labels(path: str | Path, grid: Grid, class_field: str | None = None) -> Labels:
    """Read labels from a file of points, lines, polygons or class numbers.

    Vectors are brought to the system of the grid. A point labels its cell, a polygon the cells
    whose centres it covers (the one in its middle if it covers none). Cells that two classes
    claim are left out, as are labels outside the grid and those without a class.

    Parameters
    ----------
    path
        GeoPackage, GeoJSON, Shapefile, or a raster of whole numbers in which 0 and its nodata
        value mean "not labelled".
    grid
        Of the DEM.
    class_field
        The attribute that names the class; by default "class", or the only attribute there is.

    Raises
    ------
    InputError
        No CRS, no such attribute, a single class or more than 50, a class with fewer than 2
        cells, or no label inside the grid.
    """
    return checked_labels(read_any_labels(path, grid, class_field))


def read_any_labels(path: str | Path, grid: Grid, class_field: str | None = None) -> Labels:
    """Read labels as `read_labels` does, even if they are too few to learn from alone."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"there is no file {path}. Check the name of the labels.")
    if path.suffix.lower() in RASTERS:
        return _raster_labels(path, grid)
    return _vector_labels(path, grid, class_field)


def checked_labels(labels: Labels) -> Labels:
    """Return labels that a classifier can learn from.

    Raises
    ------
    InputError
        A single class, a class with fewer than 2 cells, or no cell at all.
    """
    if not len(labels.codes):
        why = ", ".join(f"{count} {reason}" for reason, count in labels.left_out.items())
        raise InputError(
            f"no label lies on a cell of the elevation model ({why or 'the file is empty'}). "
            "Check that both show the same area, and their coordinate systems."
        )
    if len(labels.classes) < 2:
        raise InputError(
            f"expected at least 2 classes, got {labels.classes[0]!r} alone. Label something else "
            "too, or choose another attribute with --class-field."
        )
    few = [f"{name} ({count})" for name, count in labels.counts.items() if count < FEWEST_CELLS]
    if few:
        raise InputError(
            f"every class needs at least {FEWEST_CELLS} labelled cells on the elevation model; "
            f"too few have: {', '.join(few)}. Click more of these, or leave the class out."
        )
    return labels


def _vector_labels(path: Path, grid: Grid, class_field: str | None) -> Labels:
    shapes = _read_vectors(path)
    names = _class_names(path, shapes, class_field)
    shapes = shapes.to_crs(grid.crs)
    usable = names.notna() & ~shapes.geometry.isna() & ~shapes.geometry.is_empty
    left_out: Counter[str] = Counter()
    left_out["without a class or a place"] = int((~usable).sum())
    names, geometries = names[usable].astype(str), shapes.geometry[usable]
    classes = tuple(sorted(names.unique(), key=_natural))
    _check_count(path, len(classes))
    cells = [
        (code, index)
        for code, shape in zip(names.map(classes.index) + 1, geometries, strict=True)
        for index in (_cells(shape, grid),)
    ]
    left_out["outside the elevation model"] = sum(not len(index) for _, index in cells)
    codes = np.repeat([code for code, _ in cells], [len(index) for _, index in cells])
    index = np.concatenate([np.zeros(0, int), *(index for _, index in cells)])
    claims = np.unique(np.stack([index, codes.astype(int)], 1), axis=0)
    once, place, count = np.unique(claims[:, 0], return_index=True, return_counts=True)
    left_out["claimed by two classes"] = int((count > 1).sum())
    rows, columns = np.divmod(once[count == 1], grid.shape[1])
    kept = claims[place[count == 1], 1].astype(np.uint8)
    return Labels(classes, rows, columns, kept, {k: v for k, v in left_out.items() if v})


def _read_vectors(path: Path) -> "GeoDataFrame":
    import geopandas as gpd
    import pyogrio

    try:
        layers = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
        if len(layers) != 1:
            raise InputError(
                f"expected one layer with places in {path}, got {len(layers)} "
                f"({', '.join(layers)}). Save the labels as a file of their own."
            )
        shapes = gpd.read_file(path, layer=layers[0])
    except pyogrio.errors.DataSourceError as error:
        raise InputError(
            f"{path} cannot be read as points or polygons: {error}. Give a GeoPackage, GeoJSON, "
            f"Shapefile, or a raster ({', '.join(sorted(RASTERS))})."
        ) from error
    if shapes.crs is None:
        raise InputError(
            f"{path} has no coordinate reference system. Save it with one, for example from QGIS: "
            "Export > Save Features As."
        )
    return shapes


def _class_names(path: Path, shapes: "GeoDataFrame", class_field: str | None) -> Any:
    fields = [name for name in shapes.columns if name != shapes.geometry.name]
    named = next((name for name in fields if name.lower() == "class"), None)
    chosen = class_field or named or (fields[0] if len(fields) == 1 else None)
    if chosen not in fields:
        asked = f"no attribute {chosen!r}" if chosen else "no attribute named 'class'"
        raise InputError(
            f"{path} has {asked}; it has {', '.join(fields) or 'none at all'}. Say which one names "
            "the class with --class-field."
        )
    names = shapes[chosen]
    if names.dtype.kind == "f" and (names.dropna() % 1 == 0).all():
        return names.astype("Int64")
    return names.where(names.astype(str).str.strip() != "")


def _natural(name: str) -> tuple[float, str]:
    return (float(name) if name.isdecimal() else np.inf, name)


def _cells(shape: Any, grid: Grid) -> np.ndarray:
    """Give the flat indices of the cells that a shape labels."""
    from rasterio.features import rasterize
    from rasterio.transform import rowcol
    from rasterio.windows import Window, transform

    if shape.geom_type == "Point":
        rows, columns = rowcol(grid.transform, [shape.x], [shape.y])
        return _inside(np.asarray(rows), np.asarray(columns), grid)
    west, south, east, north = shape.bounds
    rows, columns = rowcol(grid.transform, [west, east], [north, south])
    top, left = max(rows.min(), 0), max(columns.min(), 0)
    height = min(rows.max() + 1, grid.shape[0]) - top
    width = min(columns.max() + 1, grid.shape[1]) - left
    if height < 1 or width < 1:
        return np.zeros(0, int)
    window = transform(Window(left, top, width, height), grid.transform)
    burnt = rasterize([shape], (height, width), transform=window, dtype="uint8")
    row, column = np.nonzero(burnt)
    if not len(row) and shape.geom_type != "MultiPoint":
        return _cells(shape.representative_point(), grid)
    return np.asarray((row + top) * grid.shape[1] + column + left)


def _inside(rows: np.ndarray, columns: np.ndarray, grid: Grid) -> np.ndarray:
    held = (rows >= 0) & (rows < grid.shape[0]) & (columns >= 0) & (columns < grid.shape[1])
    return np.asarray(rows * grid.shape[1] + columns)[held]


def _raster_labels(path: Path, grid: Grid) -> Labels:
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    try:
        opened = rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:
        raise InputError(
            f"{path} is no raster that GDAL reads ({error}). Give a raster of class numbers, or "
            "points or polygons (GeoPackage, GeoJSON, Shapefile)."
        ) from error
    with opened as raster:
        kind = np.dtype(raster.dtypes[0])
        if raster.crs is None or raster.count != 1 or kind.kind not in "iu":
            raise InputError(
                f"expected one band of whole numbers with a coordinate reference system in {path}, "
                f"got {raster.count} of {kind} and {raster.crs or 'no system'}. Convert it: "
                "`rio convert --dtype int16`, `rio edit-info --crs`."
            )
        numbers = raster.read(1, masked=True).filled(0).astype(np.int32)
        placed = np.zeros(grid.shape, np.int32)
        reproject(
            numbers,
            placed,
            src_transform=raster.transform,
            src_crs=raster.crs,
            dst_transform=grid.transform,
            dst_crs=grid.crs,
            src_nodata=0,
            dst_nodata=0,
            resampling=Resampling.nearest,
        )
    rows, columns = np.nonzero(placed)
    found, codes = np.unique(placed[rows, columns], return_inverse=True)
    _check_count(path, len(found))
    lost = set(np.unique(numbers).tolist()) - {0, *found.tolist()}
    names = tuple(str(number) for number in found)
    left_out = {"classes outside the elevation model": len(lost)} if lost else {}
    return Labels(names, rows, columns, (codes + 1).astype(np.uint8), left_out)


def _check_count(path: Path, count: int) -> None:
    if count > MOST_CLASSES:
        raise InputError(
            f"expected at most {MOST_CLASSES} classes in {path}, got {count}. Give classes, not "
            "running numbers or a measured quantity; --class-field chooses the attribute."
        )
