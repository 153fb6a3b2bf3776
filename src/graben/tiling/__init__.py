"""Arrays that are larger than memory, or spread over workers: worked through tile by tile."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "chunks": ["map_overlap_tiles"],
        "engine": ["map_tiles"],
        "lanes": ["LaneFunction", "map_lanes"],
        "plan": ["InMemory", "Source", "Tile", "TileFunction", "plan_tiles"],
    },
)
