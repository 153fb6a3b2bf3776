"""Files that ship with graben or can be fetched, by name, with hash, licence and traps.

No science: catalogues come as plain columns, elevations as plain grids. What ships is made by
`tools/build_embedded_data.py`.
"""

from graben.datasets.fetching import cache_folder, fetch, is_fetched, path_of
from graben.datasets.loading import (
    decoded_sha256,
    load_catalog_table,
    load_coastline,
    load_elevation,
    load_land,
)
from graben.datasets.registry import Dataset, Package, about, all_datasets

__all__ = [
    "Dataset",
    "Package",
    "about",
    "all_datasets",
    "cache_folder",
    "decoded_sha256",
    "fetch",
    "is_fetched",
    "load_catalog_table",
    "load_coastline",
    "load_elevation",
    "load_land",
    "path_of",
]
