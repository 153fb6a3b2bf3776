"""Elevation models that ship with graben, stored grids like those of files."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.datasets import all_datasets, load_elevation, load_land

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shipped_names() -> tuple[str, ...]:
    """Names of the elevation models that ship.

    Examples
    --------
    >>> shipped_names()
    ('globe-anatolia', 'globe-tile')
    """
    return tuple(one.name for one in all_datasets() if one.kind == "elevation" and one.ships)


@dataclass(frozen=True)
class ShippedGrid:
    """One of them by its name; sea, which it holds as zeros, is void."""

    name: str

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = _land(self.name).shape
        return rows, columns

    @property
    def transform(self) -> Any:
        """From (column, row) to degrees."""
        return _land(self.name).rio.transform()

    @property
    def crs(self) -> Any:
        """Longitude and latitude."""
        return _land(self.name).rio.crs

    def read(self, rows: slice, columns: slice) -> "NDArray[np.float32]":
        """Read a window in metres, NaN at sea."""
        return _land(self.name).to_numpy()[rows, columns]


@cache
def _land(name: str) -> Any:
    return load_elevation(name).where(load_land(name) > 0)
