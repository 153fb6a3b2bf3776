"""Probability of earthquakes from catalogues and terrain."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "catalog": ["Catalog", "embedded_catalog"],
        "formats": ["read_catalog", "write_catalog"],
        "region": ["Region"],
    },
)
