"""A polygon in longitude and latitude: where a point process is observed."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graben.errors import InputError
from graben.quakes.region import Region


@dataclass(frozen=True, eq=False)
class Polygon:
    """A simple polygon whose edges are straight in longitude and latitude.

    Parameters
    ----------
    longitude, latitude
        Vertices in degrees, in order, closed or not. Longitudes may run past 180 (or below -180),
        or jump by 360 between neighbours, where the polygon crosses the date line.

    Raises
    ------
    InputError
        Fewer than three vertices, one that is not on the globe, edges that cross, a pole inside.

    Examples
    --------
    >>> Polygon([170, -170, -170, 170], [-10, -10, 10, 10]).contains([175, -175, 0], [0, 0, 0])
    array([ True,  True, False])
    """

    longitude: npt.NDArray[Any]
    latitude: npt.NDArray[Any]

    def __post_init__(self) -> None:
        lon = np.asarray(self.longitude, float)
        lat = np.asarray(self.latitude, float)
        if lon.ndim != 1 or lon.shape != lat.shape or lon.size < 3:
            raise InputError(
                f"expected three or more vertices, got {lon.shape} longitudes and {lat.shape} "
                "latitudes. Give one longitude and one latitude per vertex."
            )
        if not (np.abs(lon) <= 360).all() or not (np.abs(lat) <= 90).all():
            raise InputError(
                "expected vertices with longitudes within 360 and latitudes within 90 degrees, got "
                f"{lon.min():g} to {lon.max():g} and {lat.min():g} to {lat.max():g}. Check the "
                "order: longitude, latitude."
            )
        lon = np.unwrap(lon, period=360.0)
        if (lon[0], lat[0]) == (lon[-1], lat[-1]):
            lon, lat = lon[:-1], lat[:-1]
        if abs(lon[-1] - lon[0]) > 180:
            raise InputError(
                "the polygon goes round a pole, which longitude and latitude cannot hold. Cut it "
                "along a meridian."
            )
        turns = np.round((lon.min() + lon.max()) / 720.0)
        object.__setattr__(self, "longitude", lon - 360.0 * turns)
        object.__setattr__(self, "latitude", lat)
        if not self._shape.is_valid or self._shape.area == 0:
            raise InputError(
                "expected a polygon with an area and edges that do not cross, got one that folds "
                "over itself. List the vertices in order around it."
            )

    @classmethod
    def of(cls, region: Region) -> "Polygon":
        """Return a box as a polygon.

        Raises
        ------
        InputError
            The box is wider than 180 degrees: its corners do not tell which way round it goes.
        """
        if region.east - region.west > 180:
            raise InputError(
                f"expected a box at most 180 degrees wide, got {region.west:g} to {region.east:g} "
                "degrees. Give a smaller one; or a polygon, which may cross the date line."
            )
        return cls(
            np.array([region.west, region.east, region.east, region.west]),
            np.array([region.south, region.south, region.north, region.north]),
        )

    @cached_property
    def _shape(self) -> Any:
        from shapely.geometry import Polygon as Shape

        return Shape(np.column_stack([self.longitude, self.latitude]))

    @cached_property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the middle of the bounding box, degrees."""
        return (
            float(self.longitude.min() + self.longitude.max()) / 2,
            float(self.latitude.min() + self.latitude.max()) / 2,
        )

    @cached_property
    def area_km2(self) -> float:
        """Area in an Albers projection, edges straight there: as the reference ETAS package has it.

        Within 0.5 % of the area that `contains` cuts out, whose edges are straight in degrees.
        """
        import pyproj
        from shapely.geometry import Polygon as Shape

        south, north = self.latitude.min(), self.latitude.max()
        if abs(south + north) > 1e-6:
            equal_area = pyproj.Proj(proj="aea", lat_1=south, lat_2=north, lon_0=self.centre[0])
        else:  # about the equator Albers' cone becomes a cylinder
            equal_area = pyproj.Proj(proj="cea", lat_ts=north, lon_0=self.centre[0])
        return float(Shape(np.column_stack(equal_area(self.longitude, self.latitude))).area / 1e6)

    def near(self, longitude: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return longitudes, by whole turns, within 180 degrees of the polygon's centre."""
        lon = np.asarray(longitude, float)
        turned: npt.NDArray[Any] = lon - 360.0 * np.round((lon - self.centre[0]) / 360.0)
        return turned

    def contains(self, longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> npt.NDArray[Any]:
        """Tell which points lie inside or on the edge; longitudes in any turn."""
        from shapely import intersects_xy

        inside: npt.NDArray[Any] = intersects_xy(
            self._shape, self.near(longitude), np.asarray(latitude, float)
        )
        return inside


def read_polygon(path: str | Path) -> Polygon:
    """Read a polygon: NumPy (vertex; latitude, longitude), CSV (longitude, latitude) or GeoJSON.

    The NumPy layout is that of EarthquakeNPP; a CSV has a header with the two names.

    Raises
    ------
    InputError
        There is no such file, or it holds no polygon.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}. Give a polygon as .npy, .csv or .geojson.")
    readers = {".npy": _from_numpy, ".csv": _from_csv, ".geojson": _from_geojson}
    reader = readers.get(path.suffix.lower().replace(".json", ".geojson"))
    if reader is None:
        raise InputError(
            f"expected a polygon as .npy, .csv or .geojson, got {path.name}. Save it as one of "
            "these."
        )
    try:
        return reader(path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"{path} holds no polygon ({error}). Expected vertices: .npy as (vertex; latitude, "
            "longitude), .csv with the columns longitude and latitude, or GeoJSON with one Polygon."
        ) from error


def _from_numpy(path: Path) -> Polygon:
    vertices = np.load(path, allow_pickle=False)
    return Polygon(vertices[:, 1], vertices[:, 0])


def _from_csv(path: Path) -> Polygon:
    import pandas as pd

    table = pd.read_csv(path)
    return Polygon(table["longitude"].to_numpy(float), table["latitude"].to_numpy(float))


def _from_geojson(path: Path) -> Polygon:
    found = json.loads(path.read_text(encoding="utf-8"))
    if found.get("type") == "FeatureCollection":
        found = found["features"][0]
    geometry = found.get("geometry", found)
    if geometry["type"] != "Polygon":
        raise InputError(f"expected one Polygon, got a {geometry['type']}. Merge or split it.")
    if len(geometry["coordinates"]) > 1:
        raise InputError("expected a polygon without holes, got one with holes. Fill them.")
    vertices = np.array(geometry["coordinates"][0], float)
    return Polygon(vertices[:, 0], vertices[:, 1])
