"""Landforms from elevation models."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"dem": ["Box", "read_dem", "resample_mean"]},
)
